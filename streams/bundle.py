"""Replay bundles: logs as ndjson (``.gz`` too), one record a line, pulses and journal included.

A line is ``{"topic","partition","offset","timestamp","headers","key","value"}``; bytes that are no UTF-8 stand as
``key_b64`` / ``value_b64``, header values always as base64. Plain files of the input formats are taken too: their
partition is murmur2 of the asset, their offset the line, and pulses are put in on a grid of their event time.
"""

from __future__ import annotations

import base64
import gzip
import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import msgspec

from streams import pulse as pulses
from streams.partition import partition_of
from streams.pulse import Pulse
from streams.records import TP, Headers

GRID_MS = 1_000
LONG_GRID_MS = 60_000
LONG_SPAN_MS = 2 * 86_400_000
"""Plain files that span more than this are replayed on a grid of a minute, which the output says."""


class BundleError(Exception):
    """A line that is no record: file, line, what was expected and what came."""


class Line(msgspec.Struct, omit_defaults=True):
    """One record of a bundle."""

    topic: str
    partition: int
    offset: int
    timestamp: int = 0
    headers: list[tuple[str, str]] = []
    key: str | None = None
    key_b64: str | None = None
    value: str | None = None
    value_b64: str | None = None

    @property
    def tp(self) -> TP:
        """Its partition."""
        return TP(self.topic, self.partition)

    def key_bytes(self) -> bytes | None:
        """The key as bytes."""
        return _bytes(self.key, self.key_b64)

    def value_bytes(self) -> bytes | None:
        """The payload as bytes."""
        return _bytes(self.value, self.value_b64)

    def header_pairs(self) -> Headers:
        """Headers as bytes."""
        return tuple((name, base64.b64decode(value)) for name, value in self.headers)

    @classmethod
    def of(cls, tp: TP, offset: int, time: int, key: bytes | None, value: bytes | None, headers: Headers) -> Line:
        """From raw parts."""
        k, kb = _text(key)
        v, vb = _text(value)
        heads = [(name, base64.b64encode(h).decode()) for name, h in headers]
        return cls(tp.topic, tp.partition, offset, time, heads, k, kb, v, vb)


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Line).decode


def _bytes(text: str | None, b64: str | None) -> bytes | None:
    return base64.b64decode(b64) if b64 is not None else (None if text is None else text.encode())


def _text(raw: bytes | None) -> tuple[str | None, str | None]:
    if raw is None:
        return None, None
    try:
        return raw.decode(), None
    except UnicodeDecodeError:
        return None, base64.b64encode(raw).decode()


def open_binary(path: Path, mode: str = "rb") -> IO[Any]:
    """A file, unpacked when its name ends in .gz; written archives carry no time, so equal content is equal bytes."""
    if path.suffix != ".gz":
        return path.open(mode)
    return gzip.GzipFile(path, mode, mtime=0) if "w" in mode else gzip.open(path, mode)  # type: ignore[return-value]  # binary either way


def read(path: Path) -> Iterator[Line]:
    """Lines of a bundle. Raises BundleError with file, line and what is wrong there."""
    with open_binary(path) as stream:
        for number, raw in enumerate(stream, 1):
            if raw.strip():
                try:
                    yield _decode(raw)
                except msgspec.DecodeError as error:
                    raise BundleError(f"{path}:{number}: expected a bundle record, got: {error}") from error


def is_bundle(path: Path) -> bool:
    """Whether the first line is a bundle record."""
    with open_binary(path) as stream:
        try:
            _decode(stream.readline())
        except msgspec.DecodeError:
            return False
    return True


def write(path: Path, lines: Iterable[Line]) -> int:
    """Write a bundle; answers how many records."""
    count = 0
    with open_binary(path, "wb") as stream:
        for line in lines:
            stream.write(_encode(line) + b"\n")
            count += 1
    return count


class _Glance(msgspec.Struct):
    """Just enough of a plain payload to place it: key and event time."""

    asset: str = ""
    id: Any = ""
    sensorId: str = ""  # noqa: N815  # DeepStream's name
    t: int | str = 0
    timestamp: str = msgspec.field(default="", name="@timestamp")


_glance = msgspec.json.Decoder(_Glance).decode


def plain(
    files: Sequence[tuple[str, Path]], partitions: dict[str, int], key: bytes, genesis: str
) -> tuple[list[Line], int]:
    """Plain files (input topic, path) as bundle lines with pulses on a grid; answers the lines and the grid in ms.

    A payload whose time cannot be read keeps its place after the row before it.
    """
    rows: list[tuple[str, int, bytes | None, bytes, int]] = []
    for topic, path in files:
        now = 0
        with open_binary(path) as stream:
            for raw in stream:
                value = raw.rstrip(b"\r\n")
                name, t = _look(value)
                now = max(now, t)
                part = partition_of(name, partitions[topic]) if name else 0
                rows.append((topic, part, name or None, value, now))
    times = [row[4] for row in rows if row[4]]
    if not times:
        return [], GRID_MS
    grid = LONG_GRID_MS if max(times) - min(times) > LONG_SPAN_MS else GRID_MS
    return _laid(
        rows, partitions, key, genesis, min(times) // grid * grid, max(times) // grid * grid + grid, grid
    ), grid


def on_grid(
    rows: Sequence[tuple[str, int, bytes | None, bytes, int]], partitions: Mapping[str, int], key: bytes,
    genesis: str, end: int, grid: int = GRID_MS,
) -> list[Line]:  # fmt: skip
    """Rows (input topic, partition, key, payload, ms UTC) in order of time, a pulse every ``grid`` ms until ``end``.

    Pulses begin one before the first row, and go on after ``end`` until all that came is folded.
    """
    start = min((row[4] for row in rows), default=end) // grid * grid - grid
    return _laid(rows, partitions, key, genesis, start, -(-end // grid) * grid, grid)


def _laid(
    rows: Sequence[tuple[str, int, bytes | None, bytes, int]], partitions: Mapping[str, int], key: bytes,
    genesis: str, start: int, end: int, grid: int,
) -> list[Line]:  # fmt: skip
    by_lane: dict[TP, list[tuple[bytes | None, bytes, int]]] = {
        TP(topic, p): [] for topic, n in partitions.items() for p in range(n)
    }
    for topic, part, owner, payload, t in rows:
        by_lane[TP(topic, part)].append((owner, payload, t))
    beats = range(start, end + pulses.BOUND_MS + 2 * GRID_MS + 1, grid)
    return [line for tp, lane in by_lane.items() for line in _with_pulses(tp, lane, beats, key, genesis)]


def _with_pulses(
    tp: TP, rows: list[tuple[bytes | None, bytes, int]], beats: range, key: bytes, genesis: str
) -> Iterator[Line]:
    ticks = ((t, 0, i) for i, t in enumerate(beats))
    data = ((t, 1, i) for i, (_, _, t) in enumerate(rows))
    for offset, (t, kind, i) in enumerate(heapq.merge(ticks, data)):
        if kind:
            yield Line.of(tp, offset, t, rows[i][0], rows[i][1], ())
        else:
            value = pulses.encode(Pulse(i, t, t - beats.start, genesis, 0), key)
            yield Line.of(tp, offset, t, None, value, pulses.HEADERS)


def _look(value: bytes) -> tuple[bytes, int]:
    try:
        seen = _glance(value)
    except msgspec.DecodeError:
        return b"", 0
    name = seen.asset or seen.sensorId or str(seen.id)
    raw = seen.timestamp or seen.t
    if isinstance(raw, int):
        return name.encode(), raw
    try:
        moment = msgspec.convert(raw, datetime)
    except msgspec.ValidationError:
        return name.encode(), 0
    return name.encode(), int(moment.timestamp() * 1000)
