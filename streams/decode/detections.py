"""Detections of objects a frame, in DeepStream's minimal message form: counts of the camera's metrics, and objects."""

from __future__ import annotations

import hashlib
import math
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.decode.columns import EARLIEST_MS, LATEST_MS, Columns
from streams.decode.payload import FRAME_LIMIT, Refused, moment, need, parse, text_of
from streams.records import I4, I8, Batch, Dead, Reason, Stage
from streams.registry import NOT_STATED, Registry

SUFFIX = "_count"
UNTRACKED = frozenset({"", "-1", "18446744073709551615"})
"""Ids of a sender that does not track."""
NO_ID = -1
MOST = sys.float_info.max


@dataclass(slots=True)
class Frames:
    """Good frames of cameras that were asked for, and their objects, in the order of the batch; empty frames too.

    ``row``, ``asset``, ``t`` (ms UTC): (f,). ``first``: (f + 1,), where each frame's objects begin. Of objects (n,):
    ``id`` a number of the sender's id, -1 where it has none; ``kind`` indexes ``names``; ``box`` (n, 4) x1, y1, x2, y2.
    """

    row: I4
    asset: I4
    t: I8
    first: I8
    id: I8
    kind: I4
    box: NDArray[np.float64]
    names: list[str]

    def take(self, keep: NDArray[np.bool_]) -> Frames:
        """The frames of a mask (f,), with their objects."""
        if keep.all():
            return self
        counts = np.diff(self.first)
        mine = np.repeat(keep, counts)
        first = np.concatenate(([0], np.cumsum(counts[keep])))
        return Frames(
            self.row[keep], self.asset[keep], self.t[keep], first, self.id[mine], self.kind[mine], self.box[mine],
            self.names,
        )  # fmt: skip


_Object = tuple[str, str, tuple[float, float, float, float]]
"""Class, id and box."""


class _Kept:
    """Frames as they come, before they are columns."""

    def __init__(self, wanted: NDArray[np.bool_]) -> None:
        self.wanted = wanted
        self.frames: list[tuple[int, int, int, int]] = []
        self.objects: list[_Object] = []

    def columns(self) -> Frames:
        row, asset, t, count = (list(c) for c in zip(*self.frames, strict=True)) if self.frames else ([], [], [], [])
        kind, id_, box = (list(c) for c in zip(*self.objects, strict=True)) if self.objects else ([], [], [])
        names = {name: k for k, name in enumerate(dict.fromkeys(kind))}
        return Frames(
            np.array(row, np.int32), np.array(asset, np.int32), np.array(t, np.int64),
            np.concatenate(([0], np.cumsum(np.array(count, np.int64)))),
            np.array([_number(text) for text in id_], np.int64), np.array([names[name] for name in kind], np.int32),
            np.array(box, np.float64).reshape(-1, 4), list(names),
        )  # fmt: skip


def decode_detections(batch: Batch, rows: I4, registry: Registry) -> tuple[Columns, list[Dead]]:
    """One value a frame and registered metric ``<class>_count``, zero included; bad frames as dead letters."""
    return _decode(batch, rows, registry, None)


def decode_frames(
    batch: Batch, rows: I4, registry: Registry, wanted: NDArray[np.bool_]
) -> tuple[Columns, Frames, list[Dead]]:
    """As :func:`decode_detections`, with the objects in good frames of the assets that are ``wanted`` (assets,)."""
    kept = _Kept(wanted)
    columns, dead = _decode(batch, rows, registry, kept)
    return columns, kept.columns(), dead


def _decode(batch: Batch, rows: I4, registry: Registry, kept: _Kept | None) -> tuple[Columns, list[Dead]]:
    out: list[tuple[int, int, int, int, float]] = []
    dead: list[Dead] = []
    for row in rows.tolist():
        try:
            out += _frame(row, parse(batch.value(row), FRAME_LIMIT), registry, kept)
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


def _frame(row: int, document: Any, registry: Registry, kept: _Kept | None) -> list[tuple[int, int, int, int, float]]:
    if not isinstance(document, dict):
        raise Refused(Reason.NOT_AN_OBJECT, f"expected an object, got {type(document).__name__}")
    camera, t = text_of(document, "sensorId"), moment("@timestamp", need(document, "@timestamp"))
    objects = need(document, "objects")
    if not isinstance(objects, list):
        raise Refused(Reason.WRONG_TYPE, f"objects: expected a list, got {type(objects).__name__}")
    found = [_object(n, text) for n, text in enumerate(objects)]
    counts: dict[str, int] = {}
    for name, _, _ in found:
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
    if kept is not None and kept.wanted[asset]:
        kept.frames.append((row, asset, t, len(found)))
        kept.objects += found
    return out


def _object(n: int, text: Any) -> _Object:
    """Parts of ``id|x1|y1|x2|y2|class|…``; the box must be finite and not inside out."""
    if not isinstance(text, str):
        raise Refused(Reason.BAD_OBJECT, f"objects[{n}]: expected text, got {type(text).__name__}")
    parts = text.split("|")
    try:
        x1, y1, x2, y2 = map(float, parts[1:5])
    except ValueError:
        raise Refused(Reason.BAD_OBJECT, f"objects[{n}]: expected id|x1|y1|x2|y2|class, got {text[:60]!a}") from None
    if not (len(parts) >= 6 and parts[5] and -MOST <= x1 <= x2 <= MOST and -MOST <= y1 <= y2 <= MOST):
        raise Refused(Reason.BAD_OBJECT, f"objects[{n}]: expected id|x1|y1|x2|y2|class, got {text[:60]!a}")
    return parts[5], parts[0], (x1, y1, x2, y2)


def _number(text: str) -> int:
    """A number of an object's id: itself where it is one, else a hash."""
    if text in UNTRACKED:
        return NO_ID
    if len(text) <= 18 and text.isascii() and text.isdigit() and (text[0] != "0" or text == "0"):
        return int(text)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little", signed=True)
