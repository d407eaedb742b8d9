"""The lane as it runs live, on a log in memory: batches in, everything that a flush writes out, and what it costs."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec
import numpy as np

from bench.engine.ours import INPUT
from bench.scenarios.readings import Feed
from bench.watch.workload import KEY
from brain.lane import ReadingsLane
from brain.sets import CitySet
from brain.settings import Settings
from streams import pulse as pulses
from streams.lane import Lane, LaneSettings, LaneTopics
from streams.memory import drive
from streams.offline import FLUSH_BYTES
from streams.records import CE_TYPE, SIGNAL_TYPE, SUMMARY_TYPE, TP, Batch, Headers, Signal, Summary, Write

PARTITIONS = 4
SECONDS = 25
"""Of readings in a batch: about a megabyte, as a fetch brings."""

STATE = TP("state.bench", 0)

Change = tuple[object, ...]


@dataclass
class Kept:
    """A log of one task that hands out batches, keeps signals and summaries, and counts all else that is committed.

    It says what the clock says, so flushes come when they are due; at the end it tells the lane to stop.
    """

    batches: Sequence[Batch]
    keep: bool = True
    lane: Lane | None = None
    written: int = 0
    signals: list[bytes] = field(default_factory=list)
    summaries: list[bytes] = field(default_factory=list)
    marks: list[tuple[int, float]] = field(default_factory=list)
    """At each fetch: the lane's position, and CPU-seconds of the process so far."""
    state: TP = STATE

    def now(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    async def open(self) -> None:
        """Nothing to fence."""

    async def confirm(self) -> None:
        """Always ours."""

    async def cut(self) -> None:
        """No connections."""

    async def restore(self, *, needed: bool = False) -> Sequence[tuple[bytes, bytes | None]]:
        """Nothing yet."""
        return []

    async def fetch(self, positions: Mapping[TP, int], wait: float) -> list[Batch]:
        """The batch at the lane's position."""
        (position,) = positions.values()
        self.marks.append((position, time.process_time()))
        at = int(np.searchsorted([b.first for b in self.batches], position))
        if at < len(self.batches):
            return [self.batches[at]]
        assert self.lane is not None
        self.lane.stop = True
        return []

    async def commit(self, writes: Iterable[Write]) -> None:
        """Keep what the lane says; sizes of all."""
        for write in writes:
            self.written += len(write.value or b"")
            kind = dict(write.headers).get(CE_TYPE) if self.keep and write.headers else None
            if kind == SIGNAL_TYPE and write.key is None:
                self.signals.append(write.value or b"")
            elif kind == SUMMARY_TYPE:
                self.summaries.append(write.value or b"")


def batches(feed: Feed, partition: int = 0) -> list[Batch]:
    """The readings of one of four partitions, so many seconds of them in a batch."""
    out: list[Batch] = []
    rows: list[tuple[int, int, bytes | None, bytes | None, Headers]] = []
    at, keys, heads, source = 0, feed.keys(), tuple(pulses.HEADERS), TP(INPUT, partition)
    for second, (pulse, numbers, assets, parts) in enumerate(feed.seconds(PARTITIONS), 1):
        rows.append((at, 0, None, pulse, heads))
        mine = parts == partition
        values = feed.payloads(numbers[mine])
        who = assets[mine].tolist()
        rows += [(at + 1 + i, 0, keys[a], v, ()) for i, (a, v) in enumerate(zip(who, values, strict=True))]
        at += 1 + len(values)
        if second % SECONDS == 0 or not len(numbers):
            out.append(Batch.of(source, rows[0][0], at, rows, at))
            rows = []
    return out


def run(content: CitySet, given: Sequence[Batch], *, backtest: bool = False) -> Kept:
    """One lane over all batches, with the shipped flushes; as a backtest it has none, and keeps nothing it said."""
    log, settings = Kept(given, not backtest), LaneSettings(content.id, KEY, PARTITIONS, Settings().flush_s)
    if backtest:
        settings = replace(settings, flush_s=math.inf, flush_bytes=FLUSH_BYTES)
    topics = LaneTopics.of(*given[0].source)
    lane = Lane(log, topics, ReadingsLane, {content.id: content}.__getitem__, settings)
    log.lane = lane
    drive(lane.run())
    return log


def rate(log: Kept, parts: int = 5) -> list[float]:
    """Records a CPU-second in slices of the last two thirds of the work."""
    positions = np.array([p for p, _ in log.marks])
    end = positions[-1]
    cuts = [int(np.searchsorted(positions, end * (1 / 3 + 2 / 3 * k / parts))) for k in range(parts + 1)]
    found = [(log.marks[a], log.marks[min(b, len(positions) - 1)]) for a, b in itertools.pairwise(cuts)]
    return [(b[0] - a[0]) / (b[1] - a[1]) for a, b in found if b[1] > a[1]]


def said(signals: Iterable[bytes], summaries: Iterable[bytes]) -> dict[str, list[Change]]:
    """What each scenario said, sorted, without the numbers that say where it stands among other scenarios."""
    out: dict[str, list[Change]] = {}
    decode = msgspec.json.Decoder(Signal).decode
    for value in signals:
        s = decode(value)
        out.setdefault(s.scenario, []).append(
            (s.asset, s.metric, s.t, s.kind, s.n, s.onset, s.level, s.value, s.score, s.standard, s.grade, s.grid)
        )
    unpack = msgspec.msgpack.Decoder(Summary).decode
    for value in summaries:
        m = unpack(value)
        out.setdefault(m.name, []).append((m.t, m.offset, tuple(m.keys), tuple(sorted(m.columns.items()))))
    return {name: sorted(changes, key=repr) for name, changes in out.items()}
