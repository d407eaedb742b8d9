"""Detections of objects a frame, in DeepStream's minimal message form, as counts of the camera's metrics."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from streams.decode.columns import EARLIEST_MS, LATEST_MS, Columns
from streams.decode.payload import FRAME_LIMIT, Refused, moment, need, parse, text_of
from streams.records import I4, Batch, Dead, Reason, Stage
from streams.registry import NOT_STATED, Registry

SUFFIX = "_count"


def decode_detections(batch: Batch, rows: I4, registry: Registry) -> tuple[Columns, list[Dead]]:
    """One value a frame and registered metric ``<class>_count``, zero included; bad frames as dead letters."""
    out: list[tuple[int, int, int, int, float]] = []
    dead: list[Dead] = []
    for row in rows.tolist():
        try:
            out += _frame(row, parse(batch.value(row), FRAME_LIMIT), registry)
        except Refused as refused:
            dead.append(Dead(row, 0, Stage.DECODE, refused.reason, refused.detail))
    n = len(out)
    nothing = np.full(n, math.nan)
    columns = Columns(
        np.array([o[0] for o in out], np.int32), np.array([o[1] for o in out], np.int32),
        np.array([o[2] for o in out], np.int32), np.array([o[3] for o in out], np.int64),
        np.array([o[4] for o in out], np.float64), nothing, nothing.copy(), np.full(n, NOT_STATED, np.int8),
    )  # fmt: skip
    return columns, dead


def _frame(row: int, document: Any, registry: Registry) -> list[tuple[int, int, int, int, float]]:
    if not isinstance(document, dict):
        raise Refused(Reason.NOT_AN_OBJECT, f"expected an object, got {type(document).__name__}")
    camera, t = text_of(document, "sensorId"), moment("@timestamp", need(document, "@timestamp"))
    objects = need(document, "objects")
    if not isinstance(objects, list):
        raise Refused(Reason.WRONG_TYPE, f"objects: expected a list, got {type(objects).__name__}")
    counts: dict[str, int] = {}
    for n, text in enumerate(objects):
        name = _class_of(n, text)
        counts[name] = counts.get(name, 0) + 1
    asset = registry.index.get(camera)
    if asset is None:
        raise Refused(Reason.UNKNOWN_ASSET, f"camera {camera[:80]!a} is not in the registry")
    if not EARLIEST_MS <= t <= LATEST_MS:
        raise Refused(Reason.ABSURD_TIME, f"@timestamp: expected a time between 2000 and 2100, got {t} ms")
    out = []
    for index, series in enumerate(range(int(registry.first[asset]), int(registry.first[asset + 1]))):
        metric = registry.metrics[int(registry.series_metric[series])]
        if metric.endswith(SUFFIX):
            value = float(counts.get(metric.removesuffix(SUFFIX), 0))
            if value > registry.hi[series]:
                raise Refused(Reason.OUT_OF_RANGE, f"{metric}: at most {registry.hi[series]:g}, got {value:g}")
            out.append((row, index, series, t, value))
    if not out:
        raise Refused(Reason.UNKNOWN_METRIC, f"camera {camera[:80]!a} has no metric that ends in {SUFFIX}")
    return out


def _class_of(n: int, text: Any) -> str:
    """Class of ``id|x1|y1|x2|y2|class|…``; the box must be finite and not inside out."""
    if not isinstance(text, str):
        raise Refused(Reason.BAD_OBJECT, f"objects[{n}]: expected text, got {type(text).__name__}")
    parts = text.split("|")
    try:
        x1, y1, x2, y2 = map(float, parts[1:5])
    except ValueError:
        raise Refused(Reason.BAD_OBJECT, f"objects[{n}]: expected id|x1|y1|x2|y2|class, got {text[:60]!a}") from None
    if len(parts) < 6 or not parts[5] or not all(map(math.isfinite, (x1, y1, x2, y2))) or x1 > x2 or y1 > y2:
        raise Refused(Reason.BAD_OBJECT, f"objects[{n}]: expected id|x1|y1|x2|y2|class, got {text[:60]!a}")
    return parts[5]
