"""The auditor at work in a worker: it reads along behind the tasks, on connections of its own, and only tells.

Nothing waits for it and it stops nothing: what goes wrong in it is logged and counted, and it begins anew. Where it
begins is the tail of every sealed partition; the lanes' heads say what must be there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import msgspec
import structlog

from streams.audit import Auditor, Finding, Totals
from streams.kafka.connect import Cluster
from streams.kafka.offsets import COMMITTED, EARLIEST, LATEST, UNCOMMITTED, offsets
from streams.kafka.reader import Reader, read_partition
from streams.lane_parts import Head, LaneTopics
from streams.records import TP
from streams.state import HEAD

log = structlog.get_logger(__name__)

TAIL = 1_000
"""So many offsets of each sealed partition are read again at the start: on signals that reaches the last seals."""
ALARMS_MS = 3_600_000
"""At the start alarms are looked for so far back: one that lost its outcome with the last worker is not forgotten."""
SLACK_MS = 60_000
"""Incidents are read from earlier than alarms by this: the writers' clocks may differ."""
SETTLE_S = 1.0
HEADS_AFTER_S = 5.0
"""After this long the markers of every transaction that a head was part of have been written."""
AGAIN_S = 5.0

_head = msgspec.json.Decoder(Head).decode


class AuditObserver(Protocol):
    """Who is told."""

    def audit(self, totals: Totals, found: Sequence[Finding]) -> None:
        """Some records were looked at; ``found`` is new, ``totals`` since this auditor began."""
        ...

    def audit_failed(self) -> None:
        """The auditor ended by an error and begins anew."""
        ...


class AuditTask:
    """Runs an :class:`Auditor` until ``stop``. ``now_ms`` answers the time of the log's own timestamps."""

    def __init__(
        self,
        cluster: Cluster,
        lanes: Sequence[LaneTopics],
        prefix: str,
        outcomes: Callable[[bytes], Iterable[str]] | None,
        observer: AuditObserver,
        now_ms: Callable[[], int],
    ) -> None:
        self.cluster, self.lanes, self.prefix, self.outcomes = cluster, list(lanes), prefix, outcomes
        self.observer, self.now_ms = observer, now_ms
        self.stop = False

    async def run(self) -> None:
        """Follow; after an error begin anew."""
        while not self.stop:
            try:
                await self._follow()
            except Exception as error:  # noqa: BLE001  # an auditor that fails must not take the worker with it
                self.observer.audit_failed()
                log.error("audit begins anew", error=f"{type(error).__name__}: {error}")
                await self._rest(AGAIN_S)

    async def _rest(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.2)):
            if not self.stop:
                await asyncio.sleep(0.2)

    async def _follow(self) -> None:
        alarms_from = self.now_ms() - ALARMS_MS
        auditor = Auditor(self.lanes, self.prefix, self.outcomes, alarms_from)
        positions = await self._starts(auditor, alarms_from)
        # The heads after the starts, so that what a lane wrote since its head lies behind them; and some time after,
        # because the markers of a transaction do not reach its partitions at one moment.
        await asyncio.sleep(SETTLE_S)
        await self._heads(auditor)
        # Its own connection and small answers: the lanes' fetches must not wait for it, nor the loop for a large batch.
        reader = Reader(self.cluster, max_wait=0.5, pace=0.2, max_bytes=2 * 2**20, partition_bytes=256 * 1024)
        await reader.start()
        feed = reader.feed()
        heads_at = asyncio.get_running_loop().time() + HEADS_AFTER_S
        waiting = True
        try:
            while not self.stop:
                found: list[Finding] = []
                for batch in await feed.fetch(positions, 0.5):
                    if batch.first == positions[batch.source]:
                        found += auditor.take(batch)
                        positions[batch.source] = batch.next
                        await asyncio.sleep(0)
                at_end = {tp for tp, position in positions.items() if position >= feed.stable(tp) >= 0}
                heads = waiting and asyncio.get_running_loop().time() >= heads_at and len(at_end) == len(positions)
                found += auditor.judge(at_end, heads=heads)
                waiting = waiting and not heads
                self._tell(auditor, found)
        finally:
            feed.drop()
            await reader.stop()

    async def _starts(self, auditor: Auditor, alarms_from: int) -> dict[TP, int]:
        everything = auditor.partitions
        first = await offsets(self.cluster, everything, EARLIEST, UNCOMMITTED)
        end = await offsets(self.cluster, everything, LATEST, COMMITTED)
        starts = {tp: max(first[tp], end[tp] - TAIL) for tp in auditor.sealed}
        for partitions, since in (
            ([t.alarms for t in self.lanes], alarms_from),
            (auditor.incidents, alarms_from - SLACK_MS),
        ):
            then = await offsets(self.cluster, partitions, since, COMMITTED)
            for tp, offset in then.items():
                starts[tp] = min(starts.get(tp, end[tp]), end[tp] if offset < 0 else offset)
        for tp, start in starts.items():
            auditor.begin(tp, whole=start == 0)
        return starts

    async def _heads(self, auditor: Auditor) -> None:
        states = [topics.state for topics in self.lanes]
        first = await offsets(self.cluster, states, EARLIEST, UNCOMMITTED)
        end = await offsets(self.cluster, states, LATEST, COMMITTED)
        for topics in self.lanes:
            raw = await self._last(topics.state, first[topics.state], end[topics.state])
            if raw is not None:
                head = _head(raw)
                auditor.head(topics.source, head.flush, head.seals)

    async def _last(self, state: TP, first: int, end: int) -> bytes | None:
        """The lane's head: the last record of its last flush, so at the very end but for markers and aborted ones."""
        window = 8
        while end > first:
            start = max(first, end - window)
            batches = await read_partition(self.cluster, state, start, end, HEADS_AFTER_S)
            found = [b.value(r) for b in batches for r in range(len(b)) if b.key(r) == HEAD]
            if found:
                return found[-1]
            if start == first:
                return None
            window *= 8
        return None

    def _tell(self, auditor: Auditor, found: Sequence[Finding]) -> None:
        self.observer.audit(auditor.totals, found)
        for f in found:
            log.error(
                "audit finding", kind=f.kind.value, where=str(f.where), offset=f.offset, since=f.since, about=f.about,
                expected=f.expected, got=f.got,
            )  # fmt: skip
