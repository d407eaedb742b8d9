"""Lanes and the city task over logs that lie in memory as batches: what a backtest runs.

The tasks are those of a live worker. Left out is what nobody reads here: seals' digests, alarms, bodies of dead
letters, state on a topic. Flushes are seldom and batches large, which by the engine's own promise changes no result.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from streams.bundle import Line
from streams.city import City, CitySettings
from streams.lane import Lane, LaneSettings, LaneTopics
from streams.lane_parts import Head
from streams.logic import CityLogic, LaneLogic, Sets
from streams.memory import MemoryBroker, MemoryTaskLog
from streams.order import Absence
from streams.outbox import Outbox
from streams.records import (
    CE_TYPE,
    NOTICE_TYPE,
    PULSE_TYPE,
    SEAL_TYPE,
    SIGNAL_TYPE,
    SUMMARY_TYPE,
    TP,
    Batch,
    Dead,
    Headers,
    Seal,
    Signal,
    Write,
)
from streams.replay import Journalled, to_end

ROWS = 1 << 16
"""Records of a batch that is made here."""
FLUSH_BYTES = 64 * 1024 * 1024
"""Input after which a lane forgets the batches that it could have to work again."""

_json = msgspec.json.Encoder().encode
_FOR_CITY = frozenset((SIGNAL_TYPE, SUMMARY_TYPE, NOTICE_TYPE, SEAL_TYPE))
_SEALED: Headers = ((CE_TYPE, SEAL_TYPE),)


@dataclass(frozen=True)
class Recorded:
    """Batches by input partition (topic without ``prefix``), in the order of their offsets, and what the journal says.

    ``skips``: offsets by input partition; ``absences`` by signals partition, as the city task takes them.
    """

    batches: Mapping[TP, Sequence[Batch]]
    prefix: str = ""
    skips: Mapping[str, frozenset[int]] = field(default_factory=dict)
    absences: Mapping[str, list[Absence]] = field(default_factory=dict)

    def rows(self) -> int:
        """Records that are no pulses."""
        return sum(
            len(batch) - sum(batch.header(row, CE_TYPE) == PULSE_TYPE for row in batch.headers)
            for several in self.batches.values() for batch in several
        )  # fmt: skip


@dataclass(frozen=True)
class LaneRun:
    """What one lane said (records for the city task, ended by a seal), what became of its rows, dead ones by reason."""

    source: TP
    said: Batch
    rows: int
    signals: int
    outcomes: Mapping[str, int]
    dead: Mapping[str, int]


@dataclass(frozen=True)
class CityRun:
    """The last record of each incident, by id, and the audit notes, all as JSON."""

    incidents: list[bytes]
    audit: list[bytes]


def recorded(lines: Iterable[Line], topics: Iterable[str], prefix: str = "", rows: int = ROWS) -> Recorded:
    """Lines of a bundle, in any order, as batches of at most ``rows``; topics that are no inputs are left alone."""
    journal, wanted = Journalled(), {prefix + topic: topic for topic in topics}
    lanes: dict[TP, list[tuple[int, int, bytes | None, bytes | None, Headers]]] = {}
    for line in lines:
        if line.topic == prefix + "journal":
            journal.take(line)
        elif line.topic in wanted:
            row = (line.offset, line.timestamp, line.key_bytes(), line.value_bytes(), line.header_pairs())
            lanes.setdefault(TP(wanted[line.topic], line.partition), []).append(row)
    batches = {}
    for tp in sorted(lanes):
        source = TP(prefix + tp.topic, tp.partition)
        kept = sorted((row for row in lanes.pop(tp) if not journal.lost(source, row[0])), key=lambda row: row[0])
        batches[tp] = [
            Batch.of(source, part[0][0], part[-1][0] + 1, part)
            for part in (kept[k : k + rows] for k in range(0, len(kept), rows))
        ]
    return Recorded(batches, prefix, journal.skips(), journal.absences())


def run_lane(
    log_of: Recorded, source: TP, make_logic: Callable[[], LaneLogic], sets: Sets, settings: LaneSettings,
    on_batch: Callable[[int], None] | None = None,
) -> LaneRun:  # fmt: skip
    """Run one lane; ``on_batch(records)`` is told as each batch is taken. A row that raises ends as a dead letter."""
    topics = LaneTopics.of(source.topic, source.partition, log_of.prefix)
    log = _Batches(topics, log_of.batches[source], on_batch)
    skips = log_of.skips.get(str(topics.source), frozenset())
    told = _Told()
    lane = Lane(
        log, topics, make_logic, sets, replace(settings, flush_s=1e9, flush_bytes=FLUSH_BYTES), told, skips=skips,
        outbox=_Kept,
    )  # fmt: skip
    to_end(lane)
    rows = [(k, 0, write.key, write.value, write.headers) for k, write in enumerate(log.said)]
    said = Batch.of(topics.signals, 0, len(rows), rows)
    return LaneRun(source, said, told.rows, told.signals, dict(sorted(told.outcomes.items())), dict(told.dead))


def run_city(
    log_of: Recorded, lanes: Iterable[LaneRun], make_logic: Callable[[], CityLogic], sets: Sets, genesis: str
) -> CityRun:  # fmt: skip
    """Fold what all lanes said, and what the models of a minute make of it."""
    there = {lane.said.source: lane.said for lane in lanes}
    log = _Said(there)
    city = City(
        log, list(there), TP("journal", 0), make_logic, sets, CitySettings(genesis, flush_s=1e9),
        absences=log_of.absences,
    )  # fmt: skip
    to_end(city)
    last: dict[bytes, bytes] = {}
    audit = []
    for write in log.written:
        if write.to.topic.startswith("incidents.") and write.value is not None:
            last[write.key or b""] = write.value
        elif write.to.topic == "audit" and write.value is not None:
            audit.append(write.value)
    return CityRun([last[key] for key in sorted(last)], audit)


class _Kept(Outbox):
    """Keeps what the city task reads; nothing is urgent, because nobody waits."""

    def signal(self, signal: Signal, more: Headers = ()) -> None:
        Outbox.signal(self, signal, more)
        self.urgent = False

    def bury(self, batch: Batch, dead: Dead) -> None:
        """Its reason is counted by whoever watches; the bytes are where they came from."""

    def audit(self, what: str, **more: object) -> None:
        """Notes of lanes are of how they ran, not of what they found."""

    def sealed(self, head: Head) -> list[Write]:
        said = self.writes.get(self.topics.signals, [])
        seal = Seal(
            head.flush, len(said), "", "", pulse=head.time, seq=head.seq, position=head.position, sets=self.sets
        )
        return [*said, Write(self.topics.signals, None, _json(seal), _SEALED)]


class _Told:
    """What a lane tells its observer, added up."""

    def __init__(self) -> None:
        self.rows = self.signals = 0
        self.outcomes: Counter[str] = Counter()
        self.dead: Counter[str] = Counter()

    def progress(self, lane: object, event: str, amount: float = 1.0, label: str = "") -> None:
        if event == "rows":
            self.rows += int(amount)
        elif event == "signals":
            self.signals += int(amount)
        elif event == "outcome":
            self.outcomes[label] += int(amount)
        elif event == "dead":
            self.dead[label] += int(amount)


class _Batches(MemoryTaskLog):
    """The log of one lane: batches one after the other, and what is said is kept."""

    def __init__(self, topics: LaneTopics, batches: Sequence[Batch], on_batch: Callable[[int], None] | None) -> None:
        super().__init__(MemoryBroker(), "lane", topics.state)
        self.said: list[Write] = []
        self._topics, self._batches, self._next, self._told = topics, batches, 0, on_batch

    def _fetch(self, positions: Mapping[TP, int]) -> list[Batch]:
        if self._next == len(self._batches):
            return []
        batch = self._batches[self._next]
        self._next += 1
        if self._told is not None:
            self._told(len(batch))
        position = positions[self._topics.source]
        return [batch if batch.first == position else replace(batch, first=position)]

    async def commit(self, writes: Iterable[Write]) -> None:
        """What the city task reads, and nothing of another kind."""
        signals = self._topics.signals
        self.said += [w for w in writes if w.to == signals and dict(w.headers).get(CE_TYPE) in _FOR_CITY]


class _Said(MemoryTaskLog):
    """The log of the city task: what each lane said, whole."""

    def __init__(self, there: Mapping[TP, Batch]) -> None:
        super().__init__(MemoryBroker(), "city", TP("state.city", 0))
        self.written: list[Write] = []
        self._there = dict(there)

    def _fetch(self, positions: Mapping[TP, int]) -> list[Batch]:
        return [self._there.pop(tp) for tp in sorted(positions) if tp in self._there]

    async def commit(self, writes: Iterable[Write]) -> None:
        self.written += writes
