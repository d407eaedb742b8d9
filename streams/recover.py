"""When retention took records a lane had not read: a person accepts the loss, and the lane goes on after the hole.

The new position, the journal's entry (replay leaves the same range out) and the audit are one transaction under the
lane's own id, so a lane that still runs is fenced first.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from streams.city import JournalEntry
from streams.kafka.connect import Cluster, KafkaSettings
from streams.kafka.reader import Reader
from streams.kafka.task_log import KafkaTaskLog
from streams.lane_parts import Head, LaneTopics
from streams.log import LogError
from streams.records import AUDIT_TYPE, CE_TYPE, TP, Write
from streams.seal import TOOL_KEY
from streams.state import HEAD

_json = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Hole:
    """What a lane has not read and cannot read any more: input offsets [since, until)."""

    lane: TP
    since: int
    until: int

    @property
    def records(self) -> int:
        """At most so many records are lost; offsets also count markers of transactions."""
        return self.until - self.since


async def hole(kafka: KafkaSettings, group: str, topic: str, partition: int, prefix: str = "") -> Hole | None:
    """The hole before a lane, or None where there is none. Changes nothing."""
    async with _Lane(kafka, group, topic, partition, prefix) as lane:
        return await lane.hole(await lane.log.restore())


async def accept_loss(
    kafka: KafkaSettings, group: str, topic: str, partition: int, by: str, prefix: str = ""
) -> Hole | None:
    """Move a lane to the first record that is still there; None where nothing is lost, and then nothing is changed.

    Raises
    ------
    LogError
        No broker answers, the lane has no state yet, or its position lies beyond the end of its log: then the log is
        another one, and its offsets would give ids that other records have had.
    """
    if not by.strip():
        raise ValueError("by: expected who accepts the loss (the audit names them), got nothing")
    async with _Lane(kafka, group, topic, partition, prefix) as lane:
        await lane.log.open()
        records = await lane.log.restore()
        found = await lane.hole(records)
        if found is None:
            return None
        raw = next(value for key, value in reversed(records) if key == HEAD and value is not None)
        head = msgspec.json.decode(raw, type=Head)
        head.position, head.flush, head.attempts = found.until + head.base, head.flush + 1, 0
        name = str(found.lane)
        note = {
            "what": "lane.loss_accepted", "by": by, "t": time.time_ns() // 1_000_000, "lane": name,
            "since": found.since, "until": found.until,
        }  # fmt: skip
        entry = JournalEntry(name, since=found.since + head.base, until=found.until + head.base, loss=True)
        await lane.log.commit([
            Write(lane.topics.journal, TOOL_KEY, _json(entry)),
            Write(lane.topics.audit, TOOL_KEY, _json(note), ((CE_TYPE, AUDIT_TYPE),)),
            Write(lane.topics.state, HEAD, _json(head)),
        ])  # fmt: skip
        return found


class _Lane:
    """The log of a lane, for a tool that belongs to no group."""

    def __init__(self, kafka: KafkaSettings, group: str, topic: str, partition: int, prefix: str) -> None:
        self.topics = LaneTopics.of(topic, partition, prefix)
        self._cluster = Cluster(kafka)
        self._reader = Reader(self._cluster)
        self._name, self._app = f"{topic}-{partition}", prefix + group

    async def __aenter__(self) -> _Lane:
        await self._cluster.start()
        await self._reader.start()
        self.log = KafkaTaskLog(
            self._name, [self.topics.source], self.topics.state, app=self._app, cluster=self._cluster,
            reader=self._reader, member=None,
        )  # fmt: skip
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.log.cut()
        await self._reader.stop()
        await self._cluster.stop()

    async def hole(self, records: Sequence[tuple[bytes, bytes | None]]) -> Hole | None:
        """What lies between the lane's position and the first record that is there."""
        source = self.topics.source
        heads = [value for key, value in records if key == HEAD and value is not None]
        if not heads:
            raise LogError(f"{source}: this lane has no state yet: it begins at offset 0 when a worker first runs it")
        position = msgspec.json.decode(heads[-1], type=Head).at
        start, end = await self.log.bounds(source)
        if position > end:
            raise LogError(
                f"{source}: the lane stood at {position}, the log ends at {end}: it was cut or made anew, and its "
                "offsets would give ids that other records have had. Create topics under another prefix and go on there"
            )
        return Hole(source, position, start) if position < start else None
