"""The same pipeline over the memory log: lanes one after the other, then the city task. No broker, no clock.

A lane's output is a function of its own log and the city's of theirs and the journal, so the order in which they are
run here cannot matter, and the same bundle gives the same bytes on every run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import msgspec

from streams.bundle import Line
from streams.city import City, CitySettings, JournalEntry
from streams.lane import Lane, LaneSettings, LaneTopics
from streams.logic import CityLogic, LaneLogic, Sets
from streams.memory import MemoryBroker, MemoryTaskLog, drive
from streams.order import Absence
from streams.records import AUDIT_TYPE, CE_TYPE, SIGNAL_TYPE, TP, Signal


@dataclass(frozen=True)
class ReplaySettings:
    """What the live run had: logic by input topic, sets, genesis set, pulse key, partitions by input topic."""

    lanes: Mapping[str, Callable[[], LaneLogic]]
    city: Callable[[], CityLogic]
    sets: Sets
    genesis: str
    key: bytes
    partitions: Mapping[str, int]
    prefix: str = ""


@dataclass(frozen=True)
class Replayed:
    """Signals by (topic, partition, offset, index), incidents by id, dead letters by origin, audit notes as written,
    incidents in shadow by id; each encoded JSON."""

    signals: list[bytes]
    incidents: list[bytes]
    dead: list[bytes]
    rows: int
    audit: list[bytes]
    shadow: list[bytes]


class Journalled:
    """What is not a function of the inputs, as the journal's lines of a bundle have it: replay obeys it."""

    def __init__(self) -> None:
        self._skips: dict[str, set[int]] = {}
        self._losses: dict[str, list[tuple[int, int]]] = {}
        self._absences: dict[str, dict[int, Absence]] = {}

    def take(self, line: Line) -> None:
        """One record of the journal."""
        if any(name == CE_TYPE for name, _ in line.header_pairs()):
            return  # a lane's seal
        entry = msgspec.json.decode(line.value_bytes() or b"{}", type=JournalEntry)
        if entry.loss:
            self._losses.setdefault(entry.lane, []).append((entry.since, entry.until))
        elif entry.skip >= 0:
            self._skips.setdefault(entry.lane, set()).add(entry.skip)
        else:
            self._absences.setdefault(entry.lane, {})[entry.since] = Absence(entry.since, entry.until, entry.bound)

    def lost(self, source: TP, offset: int) -> bool:
        """Whether the lane never read this record."""
        return any(a <= offset < b for a, b in self._losses.get(str(source), ()))

    def skips(self) -> dict[str, frozenset[int]]:
        """Offsets that are not worked, by input partition."""
        return {lane: frozenset(offsets) for lane, offsets in self._skips.items()}

    def absences(self) -> dict[str, list[Absence]]:
        """When the city task went on without a lane, by its signals partition."""
        return {lane: list(found.values()) for lane, found in self._absences.items()}


def replay(
    lines: Iterable[Line], settings: ReplaySettings, on_lane: Callable[[TP, int], None] | None = None
) -> Replayed:
    """Run everything; ``on_lane(partition, records)`` is told as each lane is done, for a progress bar."""
    broker, lanes, rows = rerun(lines, settings, on_lane)
    prefix = settings.prefix
    return Replayed(
        _signals(broker, lanes), _incidents(broker, f"{prefix}incidents."), _dead(broker, prefix), rows,
        _audit(broker, prefix), _incidents(broker, f"{prefix}incidents-shadow."),
    )  # fmt: skip


def rerun(
    lines: Iterable[Line], settings: ReplaySettings, on_lane: Callable[[TP, int], None] | None = None
) -> tuple[MemoryBroker, list[LaneTopics], int]:
    """As :func:`replay`, all that was written as it was written: the broker, the lanes, rows read."""
    broker = MemoryBroker()
    journal = Journalled()
    rows = 0
    every = sorted(lines, key=lambda line: (line.topic, line.partition, line.offset))  # any order will do
    for line in every:
        if line.topic == settings.prefix + "journal":
            journal.take(line)
    for line in every:
        topic = line.topic.removeprefix(settings.prefix)
        if topic in settings.lanes and not journal.lost(line.tp, line.offset):
            part = broker.partition(TP(settings.prefix + topic, line.partition))
            part.end = max(part.end, line.offset)
            part.append(line.timestamp, line.key_bytes(), line.value_bytes(), line.header_pairs(), None)
            rows += 1
    # An input without a single record, not even a pulse, was not there: it keeps nobody waiting.
    inputs = [(topic, p) for topic, n in sorted(settings.partitions.items()) for p in range(n)]
    inputs = [(topic, p) for topic, p in inputs if TP(settings.prefix + topic, p) in broker.partitions]
    lanes = [LaneTopics.of(topic, p, settings.prefix) for topic, p in inputs]
    skips = journal.skips()
    for (topic, p), lane in zip(inputs, lanes, strict=True):
        _run_lane(broker, topic, lane, settings, skips.get(str(lane.source), frozenset()))
        if on_lane is not None:
            on_lane(TP(topic, p), len(broker.partition(lane.source).records))
    _run_city(broker, lanes, settings, journal.absences())
    return broker, lanes, rows


def _run_lane(
    broker: MemoryBroker, topic: str, topics: LaneTopics, settings: ReplaySettings, skips: frozenset[int]
) -> None:
    lane = Lane(
        MemoryTaskLog(broker, f"lane-{topics.source}", topics.state), topics, settings.lanes[topic], settings.sets,
        LaneSettings(settings.genesis, settings.key, settings.partitions[topic], 1e9), skips=skips,
    )  # fmt: skip
    to_end(lane)


def _run_city(
    broker: MemoryBroker, lanes: list[LaneTopics], settings: ReplaySettings, absences: dict[str, list[Absence]]
) -> None:
    prefix = settings.prefix
    city = City(
        MemoryTaskLog(broker, "city", TP(prefix + "state.city", 0)), [lane.signals for lane in lanes],
        TP(prefix + "journal", 0), settings.city, settings.sets, CitySettings(settings.genesis, prefix, flush_s=1e9),
        absences=absences,
    )  # fmt: skip
    to_end(city)


def to_end(task: Lane | City) -> None:
    """Run a task on the memory log until there is nothing more to read."""

    def at_end(_: float) -> None:
        task.stop = True

    drive(task.run(), at_end)


def _signals(broker: MemoryBroker, lanes: list[LaneTopics]) -> list[bytes]:
    out = []
    for lane in lanes:
        for _, _, value, headers in broker.read(lane.signals):
            if dict(headers).get(CE_TYPE) == SIGNAL_TYPE and value is not None:
                signal = msgspec.json.decode(value, type=Signal)
                out.append(((lane.source, signal.offset, signal.index), value))
    return [value for _, value in sorted(out)]


def _incidents(broker: MemoryBroker, family: str) -> list[bytes]:
    last: dict[tuple[str, bytes], bytes] = {}
    for tp in list(broker.partitions):
        if tp.topic.startswith(family):
            for _, key, value, _ in broker.read(tp):
                if value is None:
                    last.pop((tp.topic, key or b""), None)
                else:
                    last[tp.topic, key or b""] = value
    return [last[name] for name in sorted(last)]


def _dead(broker: MemoryBroker, prefix: str) -> list[bytes]:
    out = []
    for tp in list(broker.partitions):
        if tp.topic == prefix + "deadletter":
            for _, key, value, headers in broker.read(tp):
                if dict(headers).get(CE_TYPE) is None:
                    heads = {name: raw.decode("utf-8", "replace") for name, raw in headers}
                    out.append(
                        msgspec.json.encode({"origin": (key or b"").decode(), "size": len(value or b""), **heads})
                    )
    return sorted(out)


def _audit(broker: MemoryBroker, prefix: str) -> list[bytes]:
    there = sorted((tp for tp in broker.partitions if tp.topic == prefix + "audit"), key=lambda tp: tp.partition)
    return [
        value for tp in there for _, _, value, headers in broker.read(tp)
        if value is not None and dict(headers).get(CE_TYPE) == AUDIT_TYPE
    ]  # fmt: skip
