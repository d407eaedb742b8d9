"""A drill as input records: batches of the memory log, made as they are fetched and forgotten once they are read.

The bytes are those that producers send, so the real decoders run on them. A pulse comes every five seconds, the widest
gap over which the brain's up-time still grows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from brain.drill.stories.days import START_MS, Chunk, Days
from brain.drill.stories.district import District
from brain.drill.stories.streets import Call, Cameras
from brain.drill.stories.world import MINUTE_MS
from streams import pulse as pulses
from streams.pulse import Pulse
from streams.records import NONE, TP, Batch

I4 = NDArray[np.int32]
I8 = NDArray[np.int64]
F8 = NDArray[np.float64]

CHUNK = 20
"""Minutes in a batch."""
PULSE_MS = 5_000
LATENCY_MS = 400
"""From a reading's own time to the log's."""
WITHIN_MS = 4_400
"""Sensors measure on the minute and are read within so long after it, each in its own place."""
AFTER_MS = 10_000
"""Pulses go on for so long after the last record, so that everything is folded."""
KEY_AT = len(b'{"asset":"')
WIDEST = 32
"""Bytes of time and value after a reading's names, at most."""


class Beats:
    """Pulses of one lane: signed, five seconds apart, numbered through."""

    def __init__(self, set_id: str, key: bytes) -> None:
        self.set_id, self.key = set_id, key

    def during(self, start: int, stop: int, minutes: int) -> tuple[I8, list[bytes]]:
        """Times (n,) ms and records in minutes [start, stop); after the last of all ``minutes`` some more."""
        since, until = (START_MS + minute * MINUTE_MS for minute in (start, stop))
        until += AFTER_MS if stop >= minutes else 0
        times = np.arange(-(-since // PULSE_MS) * PULSE_MS, until, PULSE_MS)
        made = []
        for t in times.tolist():
            run = t - START_MS + PULSE_MS
            made.append(pulses.encode(Pulse(run // PULSE_MS, t, run, self.set_id, 1), self.key))
        return times, made


def readings(
    days: Days, minutes: int, source: TP, beats: Beats, seen: Callable[[Chunk], None] | None = None
) -> Iterator[Batch]:
    """Batches of all sensors for so many minutes, pulses among them; ``seen`` is told of each chunk before."""
    writer, at = _Writer(days.district), 0
    for start in range(0, minutes, CHUNK):
        chunk = days.chunk(start, CHUNK)
        if seen is not None:
            seen(chunk)
        buffer, spans, times = writer.write(chunk.values, START_MS + start * MINUTE_MS)
        batch = _batch(source, at, buffer, spans, times, beats.during(start, start + CHUNK, minutes))
        at = batch.next
        yield batch


def frames(cameras: Cameras, minutes: int, source: TP, beats: Beats) -> Iterator[Batch]:
    """Batches of one frame a camera and minute, pulses among them."""
    at = 0
    for start in range(0, minutes, CHUNK):
        rows = [(t, key, value) for m in range(start, start + CHUNK) for t, key, value in cameras.minute(m)]
        batch = _of(source, at, rows, beats.during(start, start + CHUNK, minutes))
        at = batch.next
        yield batch


def tickets(
    calls: Sequence[Call], minutes: int, source: TP, beats: Beats, places: list[int] | None = None
) -> Iterator[Batch]:
    """Batches of the hotline's tickets in order of time, pulses among them, an hour each.

    ``places`` is given the offset of each call. Calls after the end are not sent, and have no place.
    """
    at, k = 0, 0
    for start in range(0, minutes, 3 * CHUNK):
        stop = min(start + 3 * CHUNK, minutes)
        rows = []
        while k < len(calls) and calls[k].t < START_MS + stop * MINUTE_MS:
            rows.append((calls[k].t, calls[k].id.encode(), calls[k].record()))
            k += 1
        batch = _of(source, at, rows, beats.during(start, stop, minutes))
        if places is not None:
            places += [int(batch.offsets[row]) for row in range(len(batch)) if row not in batch.headers]
        at = batch.next
        yield batch


def _of(source: TP, at: int, rows: Sequence[tuple[int, bytes, bytes]], ticks: tuple[I8, list[bytes]]) -> Batch:
    """A batch of (time, key, value) in order of time."""
    spans, buffer = np.empty((4, len(rows)), np.int32), bytearray()
    for i, (_, key, value) in enumerate(rows):
        spans[2, i] = len(buffer)
        buffer += key
        spans[3, i] = spans[0, i] = len(buffer)
        buffer += value
        spans[1, i] = len(buffer)
    times = np.array([t for t, _, _ in rows], np.int64) + LATENCY_MS
    return _batch(source, at, buffer, spans, times, ticks)


def _batch(
    source: TP, at: int, buffer: bytes | bytearray, spans: I4, times: I8, ticks: tuple[I8, list[bytes]]
) -> Batch:
    """Rows by time with the pulses in their places, a pulse before a record of the same time."""
    beat, pulse = ticks
    places = np.searchsorted(times, beat, "left")
    sizes = np.array([len(p) for p in pulse], np.int64)
    ends = len(buffer) + np.cumsum(sizes)
    mine = np.full((4, len(beat)), NONE, np.int32)
    mine[0], mine[1] = ends - sizes, ends
    whole = np.insert(spans, places, mine, axis=1)
    rows = places + np.arange(len(beat))
    n = whole.shape[1]
    return Batch(
        source, at, at + n, bytes(buffer) + b"".join(pulse), whole[0], whole[1], whole[2], whole[3],
        np.arange(at, at + n), np.insert(times, places, beat), dict.fromkeys(rows.tolist(), pulses.HEADERS),
    )  # fmt: skip


def read_at(district: District) -> tuple[I8, I8]:
    """The order in which a district's lines are read within a minute, and how long after it each is, ms."""
    phase = np.array([line.asset * 7_919 % WITHIN_MS for line in district.lines], np.int64)
    return np.argsort(phase, kind="stable").astype(np.int64), phase


class _Writer:
    """Readings as JSON: the names of each series are written once and copied, its time and value are put behind."""

    def __init__(self, district: District) -> None:
        lines = district.lines
        self.order, self.phase = read_at(district)
        names = [
            b'{"asset":"%s","metric":"%s","t":' % (district.ids[line.asset].encode(), line.name.encode())
            for line in lines
        ]
        self.text = np.frombuffer(b"".join(names), np.uint8)
        self.ends = np.concatenate(([0], np.cumsum([len(n) for n in names]))).astype(np.int64)
        self.key = np.array([len(district.ids[line.asset]) for line in lines], np.int64)
        self.decimals = np.array([line.metric.decimals for line in lines], np.int64)
        self.longest = int(np.diff(self.ends).max()) + WIDEST

    def write(self, values: F8, begin: int) -> tuple[bytes, I4, I8]:
        """Buffer, spans (4, n) of value and key, and the log's times (n,), in order of time."""
        most = int(np.isfinite(values).sum())
        buffer = np.empty(most * self.longest, np.uint8)
        spans, times = np.empty((4, most), np.int32), np.empty(most, np.int64)
        size = _write(
            values, self.order, self.phase, self.text, self.ends, self.key, self.decimals, begin, buffer, spans, times
        )
        return buffer[:size].tobytes(), spans, times


@njit(cache=True)
def _digits(out, at, number, least):  # type: ignore[no-untyped-def]  # numba infers
    """Write a whole number of at least so many digits; answers the place after it."""
    n, rest = 1, number // 10
    while rest > 0:
        n, rest = n + 1, rest // 10
    n = max(n, least)
    for k in range(n):
        out[at + n - 1 - k] = 48 + number % 10
        number //= 10
    return at + n


@njit(cache=True)
def _write(values, order, phase, text, ends, key, decimals, begin, out, spans, times):  # type: ignore[no-untyped-def]  # numba infers
    at, row = 0, 0
    for m in range(values.shape[0]):
        for line in order:
            v = values[m, line]
            if not np.isfinite(v):
                continue
            first = at
            for k in range(ends[line], ends[line + 1]):
                out[at] = text[k]
                at += 1
            t = begin + m * MINUTE_MS + phase[line]
            at = _digits(out, at, t, 1)
            for c in (44, 34, 118, 34, 58):  # ,"v":
                out[at] = c
                at += 1
            scale = 10 ** decimals[line]
            whole = np.int64(np.floor(abs(v) * scale + 0.5))
            if v < 0 and whole > 0:
                out[at] = 45
                at += 1
            at = _digits(out, at, whole // scale, 1)
            if decimals[line] > 0:
                out[at] = 46
                at = _digits(out, at + 1, whole % scale, decimals[line])
            out[at] = 125
            at += 1
            spans[0, row], spans[1, row] = first, at
            spans[2, row] = first + KEY_AT
            spans[3, row] = first + KEY_AT + key[line]
            times[row] = t + LATENCY_MS
            row += 1
    return at
