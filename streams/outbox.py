"""What a lane is about to say: records by output partition, and the seal that ends each one's share of a flush."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from streams.deadletter import to_write
from streams.lane_parts import Head, LaneTopics
from streams.logic import Beat
from streams.records import (
    AUDIT_TYPE,
    CE_TYPE,
    NOTICE_TYPE,
    READY_TYPE,
    SEAL_TYPE,
    SHADOW_TYPE,
    SIGNAL_TYPE,
    SUMMARY_TYPE,
    SYSTEM,
    TP,
    Batch,
    Dead,
    Headers,
    Notice,
    Seal,
    Signal,
    Summary,
    Write,
)
from streams.seal import Digest, seal_key

INPUTS_DOWN = "system.inputs_down"

_json = msgspec.json.Encoder().encode
_pack = msgspec.msgpack.Encoder().encode


@dataclass(slots=True)
class Outbox:
    """All that the next flush of a lane will write, and the batches that led to it."""

    topics: LaneTopics
    batches: list[Batch] = field(default_factory=list)
    writes: dict[TP, list[Write]] = field(default_factory=dict)
    sets: list[tuple[int, str]] = field(default_factory=list)
    size: int = 0
    since: float | None = None
    urgent: bool = False
    seal_due: bool = False
    first_dead: int = -1
    """Offset of the first record that ended as a dead letter; -1: none did."""

    def begin(self, batch: Batch, now: float) -> None:
        """A batch is being worked; its flush is due some time after ``now``."""
        self.batches.append(batch)
        self.size += batch.size()
        self.touch(now)

    def touch(self, now: float) -> None:
        """There is something to flush."""
        if self.since is None:
            self.since = now

    def good_before_dead(self) -> bool:
        """Whether a bad record came, and others before it."""
        first = next((int(b.offsets[0]) for b in self.batches if len(b)), self.first_dead)
        return first < self.first_dead

    def add(self, write: Write) -> None:
        """Queue one record."""
        self.writes.setdefault(write.to, []).append(write)

    def signal(self, signal: Signal, more: Headers = ()) -> None:
        """A signal; a raise or escalation of a never-hidden class also goes to ``alarms.*``, at once.

        ``more``: headers after its type.

        One in shadow alarms nobody: among signals it has a type of its own, for the city task, and its copy for people
        is on ``signals.shadow.*``.
        """
        if signal.shadow():
            write = Write(self.topics.signals, None, _json(signal), ((CE_TYPE, SHADOW_TYPE), *more))
            self.add(write)
            self.add(Write(self.topics.shadow, None, write.value, ((CE_TYPE, SIGNAL_TYPE),)))
            return
        write = Write(self.topics.signals, None, _json(signal), ((CE_TYPE, SIGNAL_TYPE), *more))
        self.add(write)
        if signal.life and signal.kind != "clear":
            self.add(write._replace(to=self.topics.alarms, key=signal.identity().encode()))
            self.urgent = True

    def summary(self, summary: Summary) -> None:
        """A view of many assets, for the models of the city task."""
        self.add(Write(self.topics.signals, None, _pack(summary), ((CE_TYPE, SUMMARY_TYPE),)))

    def notice(self, notice: Notice) -> None:
        """What people did or warn of, for the city task."""
        self.add(Write(self.topics.signals, None, _json(notice), ((CE_TYPE, NOTICE_TYPE),)))

    def bury(self, batch: Batch, dead: Dead) -> None:
        """A record, or one value in it, that cannot be used."""
        self.add(to_write(batch, dead, self.topics.dead))
        offset = int(batch.offsets[dead.row])
        self.first_dead = offset if self.first_dead < 0 else min(self.first_dead, offset)

    def audit(self, what: str, **more: Any) -> None:
        """Something a person may ask about later."""
        note = {"what": what, "lane": str(self.topics.source), **more}
        self.add(Write(self.topics.audit, str(self.topics.source).encode(), _json(note), ((CE_TYPE, AUDIT_TYPE),)))

    def ready(self, set_id: str) -> None:
        """The lane has loaded a set and could change over to it."""
        self.add(Write(self.topics.signals, None, set_id.encode(), ((CE_TYPE, READY_TYPE),)))

    def sealed(self, head: Head) -> list[Write]:
        """Everything queued, each output partition's share ended by its seal; the head remembers the seals."""
        if self.seal_due:
            self.writes.setdefault(self.topics.signals, [])
        out: list[Write] = []
        for to, records in self.writes.items():
            out += records
            out.append(self._seal(to, records, head))
        return out

    def _seal(self, to: TP, records: list[Write], head: Head) -> Write:
        digest = Digest()
        for record in records:
            digest.add(record.key, record.value, record.headers)
        seal = Seal(head.flush, len(records), "", head.seals.get(str(to), ""))
        if to == self.topics.signals:
            seal.pulse, seal.seq, seal.position, seal.sets = head.time, head.seq, head.position, self.sets
        seal.digest = digest.sealed(seal)
        head.seals = {**head.seals, str(to): seal.digest}
        return Write(to, seal_key(str(self.topics.source)), _json(seal), ((CE_TYPE, SEAL_TYPE),))


def inputs_down(source: TP, beat: Beat) -> list[Signal]:
    """The two signals of a time in which neither rows nor pulses came: it began, and it is over."""
    origin = (source.topic, source.partition, beat.offset, 1 << 30)
    common: dict[str, Any] = {
        "scenario": INPUTS_DOWN, "asset": str(source), "origin": origin, "offset": beat.offset,
        "t": beat.time, "onset": beat.time - beat.outage, "value": beat.outage / 1000, "source": SYSTEM,
    }  # fmt: skip
    return [
        Signal(kind="raise", n=0, index=1 << 30, level=2, **common),
        Signal(kind="clear", n=1, index=(1 << 30) + 1, **common),
    ]
