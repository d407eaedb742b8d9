"""What decoding gives: one entry a value, as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.records import I4, I8, Dead, Reason, Stage
from streams.registry import Registry

F8 = NDArray[np.float64]

EARLIEST_MS = 946_684_800_000
"""2000-01-01: an event before it is absurd."""
LATEST_MS = 4_102_444_800_000
"""2100-01-01: an event after it is absurd."""


@dataclass(slots=True)
class Columns:
    """Values in (row, index) order, all shape (n,).

    ``row`` is the row of the batch, ``index`` the value's number within the record, ``series`` the registry's series.
    ``t`` is ms UTC; ``lon`` and ``lat`` are degrees, NaN when the record states none; ``crs`` is a code of
    ``streams.registry.CRS``, -1 when not stated.
    """

    row: I4
    index: I4
    series: I4
    t: I8
    value: F8
    lon: F8
    lat: F8
    crs: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.row)

    def take(self, keep: NDArray[Any]) -> Columns:
        """The entries a mask or an order of row numbers names."""
        return Columns(*(getattr(self, name)[keep] for name in self.__slots__))


@dataclass(slots=True)
class Raw:
    """Decoded but not yet judged: parallel lists, one entry a value. ``unit`` None: not stated."""

    row: Sequence[int]
    index: Sequence[int]
    asset: Sequence[str]
    metric: Sequence[str]
    t: Sequence[int]
    value: Sequence[float]
    unit: Sequence[str | None]
    lon: Sequence[float]
    lat: Sequence[float]
    crs: Sequence[int]


def judge(raw: Raw, registry: Registry) -> tuple[Columns, list[Dead]]:
    """Hold decoded values against the registry; a record with one bad value is dead as a whole.

    Checked in this order, the first that fails is the reason: asset, metric, unit, position, time, range.
    """
    row = np.asarray(raw.row, np.int32)
    index = registry.index
    asset = np.array([index.get(name, -1) for name in raw.asset], np.int32)
    metric_codes = {name: code for code, name in enumerate(registry.metrics)}
    metric = np.array([metric_codes.get(name, -2) for name in raw.metric], np.int32)
    series = series_of(asset, metric, registry)
    t, value = np.asarray(raw.t, np.int64), np.asarray(raw.value, np.float64)
    lon, lat = np.asarray(raw.lon, np.float64), np.asarray(raw.lat, np.float64)
    safe = np.maximum(series, 0)
    unit_codes: dict[str | None, int] = {name: code for code, name in enumerate(registry.units)}
    unit_codes[None] = -1
    unit = np.array([unit_codes.get(name, -2) for name in raw.unit], np.int32)
    bad_unit = (unit != -1) & (series >= 0)
    if len(registry.series_unit):
        bad_unit &= unit != registry.series_unit[safe]
    tests = (
        (Reason.UNKNOWN_ASSET, asset < 0),
        (Reason.UNKNOWN_METRIC, series < 0),
        (Reason.UNIT_MISMATCH, bad_unit),
        (Reason.BAD_POSITION, bad_position(lon, lat)),
        (Reason.ABSURD_TIME, (t < EARLIEST_MS) | (t > LATEST_MS)),
        (Reason.OUT_OF_RANGE, _outside(value, safe, registry)),
    )
    columns = Columns(row, np.asarray(raw.index, np.int32), series, t, value, lon, lat, np.asarray(raw.crs, np.int8))
    trouble = np.zeros(len(row), np.int8)
    for code, (_, failed) in reversed(list(enumerate(tests, 1))):
        trouble[failed] = code
    if not trouble.any():
        return columns, []
    dead, seen = [], set()
    for i in np.flatnonzero(trouble):
        if int(row[i]) not in seen:
            seen.add(int(row[i]))
            reason = tests[int(trouble[i]) - 1][0]
            detail = _say(reason, raw, int(i), int(series[i]), registry)
            whose = int(series[i]) if reason is Reason.OUT_OF_RANGE else -1
            dead.append(Dead(int(row[i]), int(raw.index[int(i)]), Stage.DECODE, reason, detail, whose))
    return columns.take(~np.isin(row, list(seen))), dead


def series_of(asset: I4, metric: I4, registry: Registry) -> I4:
    """Series of (asset, metric code) pairs, -1 where the asset is unknown or has no such metric; shape (n,)."""
    if not len(registry.series_metric):
        return np.full(len(asset), -1, np.int32)
    safe = np.maximum(asset, 0)
    series = registry.first[safe].copy()
    last = registry.first[safe + 1] - 1
    while True:
        wrong = (registry.series_metric[np.minimum(series, last)] != metric) & (series < last)
        if not wrong.any():
            break
        series[wrong] += 1
    known = (asset >= 0) & (series <= last)
    known &= registry.series_metric[np.minimum(series, len(registry.series_metric) - 1)] == metric
    return np.where(known, series, -1).astype(np.int32)


def _outside(value: F8, series: I4, registry: Registry) -> NDArray[np.bool_]:
    if not len(registry.lo):
        return np.ones(len(value), bool)
    inside: NDArray[np.bool_] = (value >= registry.lo[series]) & (value <= registry.hi[series])
    return ~inside


def bad_position(lon: F8, lat: F8) -> NDArray[np.bool_]:
    """Where one coordinate stands without the other, or outside the globe."""
    with np.errstate(invalid="ignore"):
        outside = (np.abs(lon) > 180) | (np.abs(lat) > 90)
    found: NDArray[np.bool_] = (np.isnan(lon) != np.isnan(lat)) | outside
    return found


def _say(reason: Reason, raw: Raw, i: int, series: int, registry: Registry) -> str:
    if reason is Reason.UNKNOWN_ASSET:
        return f"asset {raw.asset[i][:80]!a} is not in the registry"
    if reason is Reason.UNKNOWN_METRIC:
        return f"asset {raw.asset[i][:80]!a} has no metric {raw.metric[i][:80]!a}"
    if reason is Reason.UNIT_MISMATCH:
        return f"unit: expected {registry.units[registry.series_unit[series]]!a}, got {str(raw.unit[i])[:40]!a}"
    if reason is Reason.BAD_POSITION:
        return f"expected lon in [-180, 180] with lat in [-90, 90], got {raw.lon[i]}, {raw.lat[i]}"
    if reason is Reason.ABSURD_TIME:
        return f"t: expected ms between 2000 and 2100, got {raw.t[i]}"
    return f"v: expected [{registry.lo[series]:g}, {registry.hi[series]:g}], got {raw.value[i]:g}"
