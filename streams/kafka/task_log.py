"""The log port of one task on Kafka: writer, reader and group member behind one face."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from streams.kafka.connect import ERRORS, Cluster, abort
from streams.kafka.member import Member
from streams.kafka.offsets import COMMITTED, EARLIEST, LATEST, UNCOMMITTED, NotYet, offsets, offsets_on
from streams.kafka.reader import Reader, read_partition
from streams.kafka.search import needed_from
from streams.kafka.writer import Writer
from streams.log import Indefinite
from streams.records import TP, Batch, Write


class KafkaTaskLog:
    """``streams.log.TaskLog`` on Kafka, for the task ``name`` of the application ``app``.

    ``inputs`` are the partitions the task reads; the first is the one whose ownership the group decides. ``state`` is
    its state partition. ``member`` may be None for tools that own nothing: ``confirm`` then returns at once.
    """

    def __init__(
        self,
        name: str,
        inputs: Collection[TP],
        state: TP,
        *,
        app: str,
        cluster: Cluster,
        reader: Reader,
        member: Member | None,
        transaction_timeout: float = 3.0,
        request_timeout: float = 3.0,
        restore_wait: float = 5.0,
    ) -> None:
        self.name, self.inputs, self.state = name, tuple(inputs), state
        self._cluster, self._reader, self._member = cluster, reader, member
        self._restore_wait = restore_wait
        self._feed = reader.feed()
        self.writer = Writer(
            cluster, f"{app}-{name}", transaction_timeout=transaction_timeout, request_timeout=request_timeout
        )

    def now(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    async def open(self) -> None:
        """Take the transactional id; raises Indefinite."""
        await self.writer.open()

    async def confirm(self) -> None:
        """Return once the group has confirmed our ownership since this call; raises NotOwner or Indefinite."""
        if self._member is not None:
            await self._member.confirm(self.inputs[0])

    async def restore(self, *, needed: bool = False) -> Sequence[tuple[bytes, bytes | None]]:
        """All (key, value) of the state partition, in log order; a record without a key has the key b"".

        ``needed``: only from about the flush that the last head asks for; a log that has grown for hours is searched
        for it, not read. Call it after ``open``. Raises Indefinite when the stable offset stays below the high
        watermark.
        """
        try:
            start, end = await self._bounds()
            if needed:
                start = await needed_from(self._cluster, self.state, start, end, self._restore_wait)
            batches = await read_partition(self._cluster, self.state, start, end, self._restore_wait)
        except ERRORS as error:
            raise Indefinite(f"{self.state}: restore: {error!r}") from error
        return [(batch.key(row) or b"", batch.value(row)) for batch in batches for row in range(len(batch))]

    async def fetch(self, positions: Mapping[TP, int], wait: float) -> list[Batch]:
        """Next batches at these positions; see ``Feed.fetch``. Raises OffsetGone."""
        return await self._feed.fetch(positions, wait)

    async def commit(self, writes: Iterable[Write]) -> None:
        """Write all in one transaction; raises Indefinite."""
        await self.writer.commit(writes)

    async def cut(self) -> None:
        """Break the writer's connections at once and drop what was fetched ahead. Never raises, never waits."""
        self.writer.close()
        self._feed.drop()

    def high(self, tp: TP) -> int:
        """High watermark of an input as last heard; -1 unknown. Lag is measured to it."""
        return self._feed.high(tp)

    async def earliest(self, tp: TP) -> int:
        """First offset that a partition still holds; raises Indefinite."""
        return (await self.bounds(tp))[0]

    async def bounds(self, tp: TP) -> tuple[int, int]:
        """First offset and high watermark of a partition; raises Indefinite."""
        try:
            first = await offsets(self._cluster, [tp], EARLIEST, UNCOMMITTED)
            high = await offsets(self._cluster, [tp], LATEST, UNCOMMITTED)
        except ERRORS as error:
            raise Indefinite(f"{tp}: offsets: {error!r}") from error
        return first[tp], high[tp]

    async def _bounds(self) -> tuple[int, int]:
        """First offset, and high watermark once the stable offset has reached it."""
        deadline = time.monotonic() + self._restore_wait
        while True:
            node = await self._cluster.find_leader(self.state)
            try:
                conn = await self._cluster.connect(node.host, node.port)
                try:
                    start = await self._offset(conn, EARLIEST, UNCOMMITTED)
                    stable = await self._offset(conn, LATEST, COMMITTED)
                    high = await self._offset(conn, LATEST, UNCOMMITTED)
                finally:
                    abort(conn)
                if stable == high:
                    return start, high
                problem = f"stable offset {stable} is below the high watermark {high}"
            except NotYet as error:
                problem = str(error)
                await self._cluster.refresh(self.state.topic)
            if time.monotonic() >= deadline:
                raise Indefinite(f"{self.state}: {problem}, still after {self._restore_wait:g} s")
            await asyncio.sleep(0.05)

    async def _offset(self, conn: Any, which: int, isolation: int) -> int:
        return (await offsets_on(conn, [self.state], which, isolation))[self.state]
