"""Readings straight from the batch's buffer to columns, for the payloads that nearly all producers send.

The kernel takes flat objects of plain ASCII strings and of numbers whose double is exact by one multiplication or
division; it accepts a payload only when every check of the slow path would pass with the same result. All others,
good or bad, are left to the slow path, which alone refuses anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.decode.columns import EARLIEST_MS, LATEST_MS, Columns
from streams.records import I4, I8, TP, Batch
from streams.registry import CRS, Registry

U1 = NDArray[np.uint8]

FIELDS = (b"asset", b"metric", b"t", b"v", b"unit", b"lon", b"lat", b"crs")
ASSET, METRIC, TIME, VALUE, UNIT, LON, LAT, SYSTEM = range(8)
NEEDED = (1 << ASSET) | (1 << METRIC) | (1 << TIME) | (1 << VALUE)
MOST_DIGITS = 15
POWERS = np.array([10.0**k for k in range(23)])
LIMIT = 256 * 1024


@dataclass(frozen=True)
class Names:
    """Texts in one buffer with their ends: text k is [ends[k], ends[k + 1])."""

    text: U1
    ends: I8

    @classmethod
    def of(cls, names: list[bytes]) -> Names:
        """From a list; an empty list is one empty text that nothing matches."""
        ends = np.concatenate(([0], np.cumsum([len(n) for n in names]))).astype(np.int64)
        return cls(np.frombuffer(b"".join(names) or b"\0", np.uint8), ends)


@dataclass(frozen=True)
class Vocabulary:
    """What the kernel needs of a registry: names as bytes and an open-addressing hash of the asset ids."""

    assets: Names
    slots: I4
    metrics: Names
    units: Names
    systems: Names
    fields: Names

    @classmethod
    def of(cls, registry: Registry) -> Vocabulary:
        """Built once a registry."""
        assets = Names.of([name.encode() for name in registry.ids])
        size = 16
        while size < 2 * len(registry.ids):
            size *= 2
        slots = np.full(size, -1, np.int32)
        _index(assets.text, assets.ends, slots)
        return cls(
            assets, slots, Names.of([m.encode() for m in registry.metrics]),
            Names.of([u.encode() for u in registry.units]), Names.of([c.encode() for c in CRS]), Names.of(list(FIELDS)),
        )  # fmt: skip


_known: WeakKeyDictionary[Any, Vocabulary] = WeakKeyDictionary()


class _Key:
    """Registries hold arrays and cannot be hashed; they are told apart by identity."""


def vocabulary(registry: Registry) -> Vocabulary:
    """The registry's vocabulary, kept with it."""
    key = registry.__dict__.get("_vocabulary_key")
    if key is None:
        key = _Key()
        registry.__dict__["_vocabulary_key"] = key
    found = _known.get(key)
    if found is None:
        found = _known[key] = Vocabulary.of(registry)
    return found


def scan(batch: Batch, rows: I4, registry: Registry) -> tuple[Columns, I4]:
    """Columns of the rows the kernel accepts, and the rows it leaves to the slow path."""
    n, words = len(rows), vocabulary(registry)
    data = np.frombuffer(batch.buffer, np.uint8) if len(batch.buffer) else np.zeros(1, np.uint8)
    done = np.zeros(n, np.bool_)
    series, t, system = np.empty(n, np.int32), np.empty(n, np.int64), np.empty(n, np.int8)
    value, lon, lat = np.empty(n), np.empty(n), np.empty(n)
    _scan(
        data, batch.vstart[rows], batch.vend[rows],
        words.assets.text, words.assets.ends, words.slots, words.metrics.text, words.metrics.ends,
        words.units.text, words.units.ends, words.systems.text, words.systems.ends,
        words.fields.text, words.fields.ends,
        registry.first, registry.series_metric, registry.series_unit, registry.lo, registry.hi, POWERS,
        done, series, t, value, lon, lat, system,
    )  # fmt: skip
    if done.all():
        columns = Columns(rows, np.zeros(n, np.int32), series, t, value, lon, lat, system)
        return columns, rows[:0]
    return Columns(
        rows[done], np.zeros(int(done.sum()), np.int32), series[done], t[done], value[done], lon[done], lat[done],
        system[done],
    ), rows[~done]  # fmt: skip


@njit(cache=True)
def _hash(data, a, b):  # type: ignore[no-untyped-def]  # numba infers
    h = np.uint64(14695981039346656037)
    for i in range(a, b):
        h = (h ^ np.uint64(data[i])) * np.uint64(1099511628211)
    return h ^ (h >> np.uint64(29))


@njit(cache=True)
def _index(text, ends, slots):  # type: ignore[no-untyped-def]  # numba infers
    mask = np.uint64(len(slots) - 1)
    for k in range(len(ends) - 1):
        at = np.int64(_hash(text, ends[k], ends[k + 1]) & mask)
        while slots[at] >= 0:
            at = (at + 1) & np.int64(mask)
        slots[at] = k


@njit(cache=True)
def _same(data, a, b, text, start, end):  # type: ignore[no-untyped-def]  # numba infers
    if b - a != end - start:
        return False
    for i in range(b - a):  # noqa: SIM110  # numba compiles the loop, not the generator
        if data[a + i] != text[start + i]:
            return False
    return True


@njit(cache=True)
def _find(data, a, b, text, ends):  # type: ignore[no-untyped-def]  # numba infers
    for k in range(len(ends) - 1):
        if _same(data, a, b, text, ends[k], ends[k + 1]):
            return k
    return -1


@njit(cache=True)
def _find_asset(data, a, b, text, ends, slots):  # type: ignore[no-untyped-def]  # numba infers
    mask = np.uint64(len(slots) - 1)
    at = np.int64(_hash(data, a, b) & mask)
    while slots[at] >= 0:
        k = slots[at]
        if _same(data, a, b, text, ends[k], ends[k + 1]):
            return k
        at = (at + 1) & np.int64(mask)
    return -1


@njit(cache=True)
def _space(data, i, end):  # type: ignore[no-untyped-def]  # numba infers
    while i < end and (data[i] == 32 or data[i] == 10 or data[i] == 13 or data[i] == 9):
        i += 1
    return i


@njit(cache=True)
def _string(data, i, end):  # type: ignore[no-untyped-def]  # numba infers
    """Index of the closing quote of a plain ASCII string whose text begins at i, or -1."""
    while i < end:
        c = data[i]
        if c == 34:
            return i
        if c == 92 or c < 32 or c >= 127:
            return -1
        i += 1
    return -1


@njit(cache=True)
def _number(data, i, end, powers):  # type: ignore[no-untyped-def]  # numba infers
    """(next index or -1, value, whether it is written as an integer) of an exactly convertible JSON number."""
    negative = False
    if data[i] == 45:
        negative = True
        i += 1
    if i >= end or data[i] < 48 or data[i] > 57:
        return -1, 0.0, False
    mantissa, digits, scale, whole = np.int64(0), 0, 0, True
    if data[i] == 48:
        i += 1
        if i < end and 48 <= data[i] <= 57:
            return -1, 0.0, False
    else:
        while i < end and 48 <= data[i] <= 57:
            mantissa = mantissa * 10 + (data[i] - 48)
            digits += 1
            i += 1
            if digits > MOST_DIGITS:
                return -1, 0.0, False
    if i < end and data[i] == 46:
        whole = False
        i += 1
        begun = i
        while i < end and 48 <= data[i] <= 57:
            if mantissa > 0 or data[i] != 48:
                digits += 1
            mantissa = mantissa * 10 + (data[i] - 48)
            scale -= 1
            i += 1
            if digits > MOST_DIGITS or scale < -22:
                return -1, 0.0, False
        if i == begun:
            return -1, 0.0, False
    if i < end and (data[i] == 101 or data[i] == 69):
        return -1, 0.0, False
    if mantissa == 0 and negative:
        return -1, 0.0, False
    value = np.float64(mantissa)
    if scale < 0:
        value /= powers[-scale]
    return i, -value if negative else value, whole


@njit(cache=True, nogil=True)
def _scan(  # type: ignore[no-untyped-def]  # numba infers
    data, starts, ends, asset_text, asset_ends, slots, metric_text, metric_ends, unit_text, unit_ends,
    system_text, system_ends, field_text, field_ends, first, series_metric, series_unit, lo, hi, powers,
    done, series_out, t_out, value_out, lon_out, lat_out, system_out,
):  # fmt: skip
    for row in range(len(starts)):
        i, end = starts[row], ends[row]
        if i < 0 or end - i > LIMIT or end - i < 2:
            continue
        i = _space(data, i, end)
        if i >= end or data[i] != 123:
            continue
        i += 1
        seen, good = 0, False
        asset, metric, unit, system = -1, -1, -1, -1
        t, value, lon, lat = np.int64(0), 0.0, np.nan, np.nan
        while True:
            i = _space(data, i, end)
            if i >= end or data[i] != 34:
                break
            stop = _string(data, i + 1, end)
            if stop < 0:
                break
            field = _find(data, i + 1, stop, field_text, field_ends)
            i = _space(data, stop + 1, end)
            if i >= end or data[i] != 58:
                break
            i = _space(data, i + 1, end)
            if i >= end:
                break
            if field >= 0:
                if seen & (1 << field):
                    break
                seen |= 1 << field
            if data[i] == 34:
                begin = i + 1
                stop = _string(data, begin, end)
                if stop < 0:
                    break
                i = stop + 1
                if field == ASSET:
                    asset = _find_asset(data, begin, stop, asset_text, asset_ends, slots)
                    if asset < 0:
                        break
                elif field == METRIC:
                    metric = _find(data, begin, stop, metric_text, metric_ends)
                    if metric < 0:
                        break
                elif field == UNIT:
                    unit = _find(data, begin, stop, unit_text, unit_ends)
                    if unit < 0:
                        break
                elif field == SYSTEM:
                    system = _find(data, begin, stop, system_text, system_ends)
                    if system < 0:
                        break
                elif field >= 0:
                    break
            else:
                i, number, whole = _number(data, i, end, powers)
                if i < 0:
                    break
                if field == TIME:
                    if not whole:
                        break
                    t = np.int64(number)
                elif field == VALUE:
                    value = number
                elif field == LON:
                    lon = number
                elif field == LAT:
                    lat = number
                elif field >= 0:
                    break
            i = _space(data, i, end)
            if i >= end:
                break
            if data[i] == 44:
                i += 1
                continue
            if data[i] == 125:
                good = _space(data, i + 1, end) == end
            break
        if not good or seen & NEEDED != NEEDED or t < EARLIEST_MS or t > LATEST_MS:
            continue
        series = -1
        for s in range(first[asset], first[asset + 1]):
            if series_metric[s] == metric:
                series = s
                break
        if series < 0 or (unit >= 0 and unit != series_unit[series]) or not (lo[series] <= value <= hi[series]):
            continue
        if np.isnan(lon) != np.isnan(lat) or abs(lon) > 180 or abs(lat) > 90:
            continue
        done[row] = True
        series_out[row], t_out[row], value_out[row] = series, t, value
        lon_out[row], lat_out[row], system_out[row] = lon, lat, system


def warm() -> None:
    """Compile or load the kernel before the first event."""
    registry = Registry.of([{"id": "a", "type": "m", "unit": "m", "range": [0, 1], "lon": 0, "lat": 0}])
    payload = b'{"asset":"a","metric":"m","t":1718000000000,"v":0.5}'
    scan(Batch.of(TP("warm", 0), 0, 1, [(0, 0, None, payload, ())]), np.zeros(1, np.int32), registry)
