"""The fetch loop: one request at a time to each broker, for every partition that has room, whoever wants it.

aiokafka's fetcher stops during a rebalance and drops what it holds; this one belongs to no group. What was fetched
waits in its slot until it is asked for at exactly its own position.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import defaultdict, deque
from collections.abc import Mapping
from typing import Any

from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import for_code
from aiokafka.protocol.fetch import FetchRequest

from streams.kafka.batches import parse_batches
from streams.kafka.connect import ERRORS, Cluster, Node, abort
from streams.log import Indefinite, LogError, OffsetGone
from streams.records import TP, Batch

log = logging.getLogger(__name__)

OK, OUT_OF_RANGE = 0, 1
MOVED = {3, 5, 6, 9, 56, 74, 75, 76}
"""Codes that mean: ask for metadata and try again."""
READ_COMMITTED = 1
PREFETCH = 2
_BUSY_WAIT_MS = 20
_PAUSE = 0.1
_END_S = 1.0
"""How long a loop that is told to end may take before it is told again."""
_TRICKLE = 64 * 1024


class _Slot:
    """What one task has of one partition: fetched answers in order, and the position to fetch next."""

    __slots__ = ("batches", "error", "feed", "high", "position", "source", "stable", "turn")

    def __init__(self, feed: Feed, source: TP, position: int) -> None:
        self.feed, self.source, self.position = feed, source, position
        self.batches: deque[Batch] = deque()
        self.error: LogError | None = None
        self.high = self.stable = -1
        self.turn = 0
        """Counts seeks: an answer to a request of an earlier turn is dropped."""

    def seek(self, position: int) -> None:
        self.batches.clear()
        self.error = None
        self.position = position
        self.turn += 1

    def has_room(self) -> bool:
        return len(self.batches) < PREFETCH and self.error is None


class Feed:
    """One task's side of the reader."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._slots: dict[TP, _Slot] = {}
        self._ready = asyncio.Event()

    async def fetch(self, positions: Mapping[TP, int], wait: float) -> list[Batch]:
        """At most one batch a partition, each beginning exactly at the position asked for; [] after ``wait`` s.

        A batch may be empty and still move the position. Another position than the one after the last batch given is
        a seek: what was fetched ahead is dropped. Partitions not asked for keep what they have and fetch no more.
        Raises OffsetGone when a position is out of the log's range, CorruptBatch when a batch cannot be read.
        """
        fresh = False
        for tp, position in positions.items():
            slot = self._slots.get(tp)
            if slot is None:
                slot = self._slots[tp] = _Slot(self, tp, position)
                self._reader.add(slot)
                fresh = True
            expected = slot.batches[0].first if slot.batches else slot.position
            if expected != position:
                slot.seek(position)
                fresh = True
        if fresh:
            self._reader.wake()
        found = self._take(positions)
        if found or wait <= 0:
            return found
        try:
            async with asyncio.timeout(wait):
                while not found:
                    self._ready.clear()
                    await self._ready.wait()
                    found = self._take(positions)
        except TimeoutError:
            return []
        return found

    def high(self, tp: TP) -> int:
        """High watermark as last heard; -1 unknown. Moves also when nothing can be read (a stuck stable offset)."""
        slot = self._slots.get(tp)
        return slot.high if slot is not None else -1

    def stable(self, tp: TP) -> int:
        """Last stable offset as last heard; -1 unknown."""
        slot = self._slots.get(tp)
        return slot.stable if slot is not None else -1

    def drop(self) -> None:
        """Forget all partitions and what was fetched of them."""
        for slot in self._slots.values():
            slot.turn += 1
            self._reader.remove(slot)
        self._slots.clear()

    def notify(self) -> None:
        """Called by the reader when a slot has something new."""
        self._ready.set()

    def _take(self, positions: Mapping[TP, int]) -> list[Batch]:
        # None are left when they were dropped while somebody waited.
        slots = [self._slots[tp] for tp in positions if tp in self._slots]
        found, woken = [], False
        for slot in slots:
            if slot.batches:
                woken |= not slot.has_room()
                found.append(slot.batches.popleft())
        for slot in slots if not found else ():
            if slot.error is not None:
                error, slot.error = slot.error, None
                slot.turn += 1
                self._reader.wake()
                raise error
        if woken:
            self._reader.wake()
        return found


class Reader:
    """Fetches for all tasks of a worker, read committed, over one connection a broker.

    Bounds: ``max_bytes`` an answer, ``partition_bytes`` a partition in it, two answers ahead a partition. ``max_wait``
    (s) is how long the broker may hold a request that finds nothing new; ``pace`` (s) is the least time from one
    request to the next while there is little to fetch.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        max_wait: float = 0.1,
        max_bytes: int = 8 * 2**20,
        partition_bytes: int = 2**20,
        pace: float = 0.01,
    ) -> None:
        self._cluster = cluster
        self._max_wait_ms = int(max_wait * 1000)
        self._pace = pace
        self._max_bytes, self._partition_bytes = max_bytes, partition_bytes
        self._slots: list[_Slot] = []
        self._loops: dict[int, asyncio.Task[None]] = {}
        self._wakes: dict[int, asyncio.Event] = {}
        self._finder: asyncio.Task[None] | None = None
        self._lost = asyncio.Event()

    async def start(self) -> None:
        """Begin; the cluster must be started."""
        self._finder = asyncio.create_task(self._find(), name="kafka reader: leaders")

    async def stop(self) -> None:
        """End all loops and close their connections. Batches already given stay valid."""
        tasks = [*self._loops.values(), *([self._finder] if self._finder else [])]
        self._loops, self._finder = {}, None
        left = set(tasks)
        while left:
            # Again: of a wait with a limit that ends in that very moment Python 3.11 loses the cancellation.
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=_END_S)
        await asyncio.gather(*tasks, return_exceptions=True)

    def feed(self) -> Feed:
        """A new task's side."""
        return Feed(self)

    def add(self, slot: _Slot) -> None:
        """Take a slot in; its first fetch follows at once."""
        self._slots.append(slot)

    def remove(self, slot: _Slot) -> None:
        """Leave a slot out from now on."""
        self._slots.remove(slot)

    def wake(self) -> None:
        """Something wants to be fetched: let every loop look."""
        for event in self._wakes.values():
            event.set()
        if any(self._cluster.leader(slot.source) is None for slot in self._slots):
            self._lost.set()
        else:
            self._start_loops()

    def _start_loops(self) -> None:
        for slot in self._slots:
            node = self._cluster.leader(slot.source)
            if node is not None and node.id not in self._loops and self._finder is not None:
                self._wakes[node.id] = asyncio.Event()
                self._loops[node.id] = asyncio.create_task(self._run(node.id), name=f"kafka reader: node {node.id}")

    async def _find(self) -> None:
        """Ask for metadata whenever a leader is missing or was wrong."""
        while True:
            await self._lost.wait()
            self._lost.clear()
            await self._cluster.refresh(*{slot.source.topic for slot in self._slots})
            self._start_loops()
            for event in self._wakes.values():
                event.set()
            await asyncio.sleep(_PAUSE)
            if any(self._cluster.leader(slot.source) is None for slot in self._slots):
                self._lost.set()

    async def _run(self, node_id: int) -> None:
        conn: AIOKafkaConnection | None = None
        where: Node | None = None
        wake = self._wakes[node_id]
        try:
            while True:
                wake.clear()
                wanted, full, node = self._wanted(node_id)
                if not wanted or node is None:
                    await wake.wait()
                    continue
                try:
                    if conn is None or not conn.connected() or where != node:
                        if conn is not None:
                            abort(conn)
                        conn, where = await self._cluster.connect(node.host, node.port), node
                    # A slot that is full now may have room in a moment: do not let a quiet partition hold it up.
                    wait = min(_BUSY_WAIT_MS, self._max_wait_ms) if full else self._max_wait_ms
                    begun = time.monotonic()
                    size, moved = self._deliver(wanted, await conn.send(self._request(wanted, wait)))
                    if moved:
                        self._lost.set()
                        await asyncio.sleep(_PAUSE / 4)
                    elif size < _TRICKLE and (rest := begun + self._pace - time.monotonic()) > 0:
                        # A trickle would answer each request with a record or two: let a few gather.
                        await asyncio.sleep(rest)
                except ERRORS as error:
                    log.warning("fetch from broker %s:%d failed: %r", node.host, node.port, error)
                    if conn is not None:
                        abort(conn)
                    conn = None
                    self._lost.set()
                    await asyncio.sleep(_PAUSE)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.exception("fetch loop of broker %d ended", node_id)
            self._fail(node_id, error)
        finally:
            if conn is not None:
                abort(conn)

    def _fail(self, node_id: int, error: Exception) -> None:
        """A fault of our own ends no loop in silence: every task that reads here hears of it."""
        self._loops.pop(node_id, None)
        for slot in self._slots:
            slot.error = LogError(f"{slot.source}: the fetch loop ended: {error!r}")
            slot.feed.notify()

    def _wanted(self, node_id: int) -> tuple[dict[TP, tuple[_Slot, int]], bool, Node | None]:
        """Slots to fetch for with their turn, whether some had to be left out, and where the broker is."""
        wanted: dict[TP, tuple[_Slot, int]] = {}
        full, node = False, None
        for slot in self._slots:
            leader = self._cluster.leader(slot.source)
            if leader is None or leader.id != node_id:
                continue
            node = leader
            if slot.error is not None:
                continue
            if not slot.has_room() or slot.source in wanted:
                full = True
            else:
                wanted[slot.source] = (slot, slot.turn)
        # The broker fills an answer in the order asked: each takes its turn at being first.
        if len(self._slots) > 1:
            self._slots.append(self._slots.pop(0))
        return wanted, full, node

    def _request(self, wanted: Mapping[TP, tuple[_Slot, int]], wait_ms: int) -> FetchRequest:
        topics: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
        for tp, (slot, _) in wanted.items():
            topics[tp.topic].append((tp.partition, slot.position, self._partition_bytes))
        return FetchRequest(wait_ms, 1, self._max_bytes, READ_COMMITTED, list(topics.items()))

    def _deliver(self, wanted: Mapping[TP, tuple[_Slot, int]], answer: Any) -> tuple[int, bool]:
        """Put an answer into its slots: its bytes, and whether a partition is led by another broker now."""
        size, moved = 0, False
        for topic, parts in answer.topics:
            for partition, code, high, stable, *rest in parts:
                slot, turn = wanted[TP(topic, partition)]
                if slot.turn != turn:
                    continue
                if code == OK:
                    slot.high, slot.stable = high, stable
                    # Aborted transactions follow the stable offset, from version 5 on with the log's start between.
                    data = rest[-1] or b""
                    size += len(data)
                    self._accept(slot, data, rest[answer.API_VERSION > 4] or (), high)
                elif code == OUT_OF_RANGE:
                    slot.error = OffsetGone(
                        f"{slot.source}: offset {slot.position} is not in the log (retention, or another log): "
                        f"see `brain recover {slot.source}`"
                    )
                elif code in MOVED:
                    moved = True
                else:
                    slot.error = LogError(f"{slot.source}: fetch: {for_code(code).__name__} ({code})")
                if slot.error is not None:
                    slot.feed.notify()
        return size, moved

    def _accept(self, slot: _Slot, data: bytes, aborted: Any, high: int) -> None:
        if not data:
            return
        try:
            batch = parse_batches(slot.source, data, slot.position, aborted, high)
        except LogError as error:
            slot.error = error
            return
        if batch.next > slot.position:
            slot.batches.append(batch)
            slot.position = batch.next
            slot.feed.notify()


async def read_partition(cluster: Cluster, tp: TP, start: int, end: int, wait: float) -> list[Batch]:
    """All batches from ``start`` up to ``end``, read committed, on a connection of its own.

    For restores. Raises OffsetGone, and Indefinite when ``wait`` s pass without progress.
    """
    reader = Reader(cluster, partition_bytes=4 * 2**20, pace=0)
    await reader.start()
    feed = reader.feed()
    found = []
    try:
        while start < end:
            got = await feed.fetch({tp: start}, wait)
            if not got:
                raise Indefinite(f"{tp}: nothing readable at {start} for {wait:g} s, end is {end}")
            found += got
            start = got[-1].next
    finally:
        feed.drop()
        with contextlib.suppress(*ERRORS):
            await reader.stop()
    return found
