"""Readings: one JSON object a record, or a SenML pack (RFC 8428) as an array."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np

from streams.decode.columns import Columns, Raw, judge
from streams.decode.fast import scan
from streams.decode.payload import READING_LIMIT, Refused, moment, number, parse, text_of
from streams.records import I4, Batch, Dead, Reason, Stage
from streams.registry import CRS, NOT_STATED, Registry

NAN = math.nan
SENML_BASE = 268_435_456.0
"""SenML times below this are relative to now, which a log has not: they are refused."""


class Reading(msgspec.Struct, gc=False):
    """One value of one metric; unknown fields are left alone."""

    asset: str
    metric: str
    t: int
    v: float
    unit: str | None = None
    lon: float = NAN
    lat: float = NAN
    crs: str | None = None


_decode = msgspec.json.Decoder(Reading).decode


def decode_readings(batch: Batch, rows: I4, registry: Registry) -> tuple[Columns, list[Dead]]:
    """Columns of all good values and a dead letter for each bad record, in row order.

    A pack is taken whole or not at all. Payloads over 256 KiB are refused.
    """
    columns, rest = scan(batch, rows, registry)
    if not len(rest):
        return columns, []
    others, dead = decode_slowly(batch, rest, registry)
    if not len(columns):
        return others, dead
    both = Columns(*(np.concatenate((getattr(columns, n), getattr(others, n))) for n in Columns.__slots__))
    order = np.lexsort((both.index, both.row))
    return both.take(order), dead


def decode_slowly(batch: Batch, rows: I4, registry: Registry) -> tuple[Columns, list[Dead]]:
    """The same without the kernel: any JSON, and the one place where payloads are refused."""
    buffer = batch.buffer
    starts, ends = batch.vstart[rows].tolist(), batch.vend[rows].tolist()
    values = [bytes(buffer[a:b]) if a >= 0 else b"" for a, b in zip(starts, ends, strict=True)]
    found: list[Reading] = []
    places: list[int] = []
    index: list[int] = []
    dead: list[Dead] = []
    for row, value in zip(rows.tolist(), values, strict=True):
        try:
            several = [_decode(value)] if _plain(value) else _one(value)
        except (msgspec.MsgspecError, RecursionError):
            try:
                several = _one(value)
            except Refused as refused:
                dead.append(Dead(row, 0, Stage.DECODE, refused.reason, refused.detail))
                continue
        except Refused as refused:
            dead.append(Dead(row, 0, Stage.DECODE, refused.reason, refused.detail))
            continue
        found += several
        places += [row] * len(several)
        index += range(len(several))
    columns, judged = judge(_raw(found, places, index, dead), registry)
    if dead:
        bad = {d.row for d in dead}
        columns = columns.take(~np.isin(columns.row, list(bad)))
        judged = [d for d in judged if d.row not in bad]
    return columns, sorted(dead + judged)


def _plain(value: bytes) -> bool:
    """Whether the fast path may take it: ASCII cannot hide a broken UTF-8 sequence in a field nobody reads."""
    return value.isascii() and len(value) <= READING_LIMIT


_CRS: dict[str | None, int] = {None: NOT_STATED, **dict[str | None, int](CRS.items())}


def _raw(found: list[Reading], row: list[int], index: list[int], dead: list[Dead]) -> Raw:
    crs = [_CRS.get(r.crs, -2) for r in found]
    if -2 in crs:
        for place, reading in zip(row, found, strict=True):
            if reading.crs not in _CRS and not (dead and dead[-1].row == place):
                detail = f"crs: expected one of {', '.join(CRS)}, got {str(reading.crs)[:40]!a}"
                dead.append(Dead(place, 0, Stage.DECODE, Reason.UNKNOWN_CRS, detail))
    return Raw(
        row, index, [r.asset for r in found], [r.metric for r in found], [_bounded(r.t) for r in found],
        [r.v for r in found], [r.unit for r in found], [r.lon for r in found], [r.lat for r in found], crs,
    )  # fmt: skip


def _bounded(t: int) -> int:
    return t if -(1 << 62) < t < 1 << 62 else -1


def _one(value: bytes) -> list[Reading]:
    document = parse(value, READING_LIMIT)
    if isinstance(document, list):
        return _senml(document)
    if not isinstance(document, dict):
        raise Refused(Reason.NOT_AN_OBJECT, f"expected an object, got {type(document).__name__}")
    return [_object(document)]


def _object(d: dict[str, Any]) -> Reading:
    for name in ("asset", "metric", "t", "v"):
        if name not in d:
            raise Refused(Reason.MISSING_FIELD, f"field {name} is missing")
    return Reading(
        text_of(d, "asset"), text_of(d, "metric"), moment("t", d["t"]), number("v", d["v"]),
        text_of(d, "unit") if d.get("unit") is not None else None,
        number("lon", d["lon"]) if d.get("lon") is not None else NAN,
        number("lat", d["lat"]) if d.get("lat") is not None else NAN,
        text_of(d, "crs") if d.get("crs") is not None else None,
    )  # fmt: skip


def _senml(pack: list[Any]) -> list[Reading]:
    """Resolve base name, time, unit and value. The full name is ``asset/metric``; times are absolute seconds."""
    if not pack:
        raise Refused(Reason.BAD_SENML, "an empty pack")
    base: dict[str, Any] = {"bn": "", "bt": 0.0, "bu": None, "bv": 0.0}
    out = []
    for n, record in enumerate(pack):
        if not isinstance(record, dict):
            raise Refused(Reason.BAD_SENML, f"record {n}: expected an object, got {type(record).__name__}")
        if any(name.endswith("_") for name in record):
            raise Refused(Reason.BAD_SENML, f"record {n}: a field that must be understood, and is not")
        for name in ("bt", "bv"):
            if name in record:
                base[name] = number(name, record[name])
        for name in ("bn", "bu"):
            if name in record:
                base[name] = text_of(record, name)
        if record.get("bver", 10) != 10:
            raise Refused(Reason.BAD_SENML, f"record {n}: version {str(record['bver'])[:20]!a}, known is 10")
        if "v" not in record:
            if any(name in record for name in ("vs", "vb", "vd", "s", "n")):
                raise Refused(Reason.BAD_SENML, f"record {n}: only numeric values (v) are readings")
            continue
        asset, slash, metric = (base["bn"] + text_of(record, "n", "")).rpartition("/")
        if not slash:
            raise Refused(Reason.BAD_SENML, f"record {n}: name: expected asset/metric, got {metric[:60]!a}")
        seconds = base["bt"] + number("t", record.get("t", 0.0))
        if seconds < SENML_BASE:
            raise Refused(Reason.BAD_SENML, f"record {n}: time is relative or missing: {seconds:g}")
        if seconds > 1e12:
            raise Refused(Reason.ABSURD_TIME, f"record {n}: time {seconds:g} s")
        unit = text_of(record, "u") if "u" in record else base["bu"]
        out.append(Reading(asset, metric, round(seconds * 1000), base["bv"] + number("v", record["v"]), unit))
    if not out:
        raise Refused(Reason.BAD_SENML, "a pack without a value")
    return out
