"""One task's transactional writer, on connections of its own. Nothing is ever sent twice that could end a transaction.

aiokafka's producer resends EndTxn after a time-out with the same epoch, which can end a later transaction; this one
sends it once and calls everything but a definite success Indefinite. The id and its epoch, given anew by ``open``,
fence whatever was sent before.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka.codec import has_lz4
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import for_code
from aiokafka.protocol.coordination import FindCoordinatorRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import AddPartitionsToTxnRequest, EndTxnRequest, InitProducerIdRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from streams.kafka.connect import ERRORS, Cluster, Node, abort
from streams.log import Indefinite
from streams.records import TP, Headers, Write

OK, LOADING, NO_COORDINATOR, NOT_COORDINATOR, FEW_REPLICAS, BUSY, NOT_TRIED = 0, 14, 15, 16, 19, 51, 55
BATCH_BYTES = 900_000
_TRANSACTION_COORDINATOR = 1
_SEQUENCES = 2**31
_LZ4 = 3
_COMPRESS_FROM = 1024
_Encoded = tuple[TP, int, int, bytes]  # partition, first sequence, records, record batch


class Writer:
    """Writes all records of a flush in one transaction; one transaction at a time.

    ``transaction_timeout`` (s) is the broker's: it aborts what has been open that long. ``request_timeout`` and
    ``end_wait`` (s) bound each answer, the latter that of EndTxn. A writer that raised is closed until ``open``.
    """

    def __init__(
        self,
        cluster: Cluster,
        transactional_id: str,
        *,
        transaction_timeout: float = 3.0,
        request_timeout: float = 3.0,
        end_wait: float = 2.0,
        open_wait: float = 20.0,
    ) -> None:
        if not 0 < request_timeout <= 10:
            raise ValueError(f"request_timeout: expected more than 0 and at most 10 s, got {request_timeout}")
        self.transactional_id = transactional_id
        self._cluster = cluster
        self._transaction_timeout, self._request_timeout = transaction_timeout, request_timeout
        self._end_wait, self._open_wait = end_wait, open_wait
        self._conns: dict[tuple[str, int], AIOKafkaConnection] = {}
        self._coordinator: tuple[str, int] | None = None
        self._producer: tuple[int, int] | None = None
        self._sequences: dict[TP, int] = {}
        self._codec = _LZ4 if has_lz4() else 0
        self._busy = False
        self._life = 0

    @property
    def is_open(self) -> bool:
        """Whether ``commit`` may be called."""
        return self._producer is not None

    async def open(self) -> None:
        """Take the id: fences its earlier owner, and ends what that one left open before this returns.

        Raises Indefinite when the broker gives no definite answer, or keeps saying "not yet" for ``open_wait`` s.
        """
        self.close()
        try:
            await self._cluster.refresh()
            self._producer = await self._init(self._life)
        except ERRORS as error:
            self.close()
            raise Indefinite(f"{self.transactional_id}: open: {error!r}") from error
        except BaseException:
            self.close()
            raise

    async def commit(self, writes: Iterable[Write]) -> None:
        """Write all in one transaction, in order within each partition; nothing is sent for no writes.

        Returns only when the broker has said that the transaction is committed. Anything else closes the
        connections and raises Indefinite: then the records may be there or not, and only ``open`` can settle it.
        """
        if self._producer is None:
            raise Indefinite(f"{self.transactional_id}: not open")
        if self._busy:
            raise RuntimeError(f"{self.transactional_id}: two commits at a time")
        self._busy = True
        try:
            rounds = self._encode(writes)  # before anything is sent: the transaction is open as short as can be
            if not rounds:
                return
            leaders = {tp: await self._cluster.find_leader(tp) for tp, *_ in rounds[0]}
            deadline = time.monotonic() + self._transaction_timeout
            await self._begin(leaders, deadline)
            for batches in rounds:
                await self._produce(batches, leaders, deadline)
            await self._end()
        except ERRORS as error:
            self.close()
            raise Indefinite(f"{self.transactional_id}: commit: {error!r}") from error
        except BaseException:
            # Also when cancelled: what is under way must not go on behind our back.
            self.close()
            raise
        finally:
            self._busy = False

    def close(self) -> None:
        """Break the connections at once and forget the epoch. Never raises, never waits; ``open`` starts anew."""
        self._life += 1
        self._producer = self._coordinator = None
        self._sequences.clear()
        conns, self._conns = self._conns, {}
        for conn in conns.values():
            abort(conn)

    async def _init(self, life: int) -> tuple[int, int]:
        deadline = time.monotonic() + self._open_wait
        pause = 0.01
        request = InitProducerIdRequest(self.transactional_id, int(self._transaction_timeout * 1000))
        while True:
            where = self._coordinator or await self._find_coordinator()
            code = NO_COORDINATOR
            if where is not None:
                answer = await self._send(where, request)
                code = answer.error_code
                if code == OK and life == self._life:
                    return answer.producer_id, answer.producer_epoch
            if life != self._life:
                raise ConnectionError("cut")
            if code not in (LOADING, NO_COORDINATOR, NOT_COORDINATOR, BUSY):
                raise Indefinite(f"{self.transactional_id}: open: {_name(code)}")
            if time.monotonic() >= deadline:
                raise Indefinite(f"{self.transactional_id}: open: still {_name(code)} after {self._open_wait:g} s")
            if code != BUSY:
                self._coordinator = None
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.1)

    async def _find_coordinator(self) -> tuple[str, int] | None:
        error: BaseException | None = None
        for node in self._cluster.nodes():
            try:
                request = FindCoordinatorRequest(self.transactional_id, _TRANSACTION_COORDINATOR)
                answer = await self._send((node.host, node.port), request)
            except ERRORS as failed:  # looking up changes nothing, so the next broker may be asked
                error = failed
                continue
            if answer.error_code == OK:
                self._coordinator = (answer.host, answer.port)
                return self._coordinator
            if answer.error_code not in (LOADING, NO_COORDINATOR):
                raise Indefinite(f"{self.transactional_id}: coordinator: {_name(answer.error_code)}")
            return None
        raise error or Indefinite(f"{self.transactional_id}: no broker is known")

    async def _begin(self, partitions: Iterable[TP], deadline: float) -> None:
        topics: dict[str, list[int]] = defaultdict(list)
        for tp in partitions:
            topics[tp.topic].append(tp.partition)
        producer, coordinator = self._owned()
        request = AddPartitionsToTxnRequest(self.transactional_id, *producer, list(topics.items()))
        pause = 0.001
        while True:
            answer = await self._send(coordinator, request)
            codes = {code for _, parts in answer.errors for _, code in parts}
            if codes == {OK}:
                return
            # Busy: the markers of the transaction before are still being written. Nothing was added.
            if not codes <= {LOADING, BUSY, NOT_TRIED} or time.monotonic() >= deadline:
                raise Indefinite(f"{self.transactional_id}: begin: {', '.join(map(_name, sorted(codes)))}")
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.02)

    async def _produce(self, batches: Sequence[_Encoded], leaders: dict[TP, Node], deadline: float) -> None:
        by_node: dict[tuple[str, int], dict[TP, bytes]] = defaultdict(dict)
        for tp, _, _, data in batches:
            node = leaders[tp]
            by_node[node.host, node.port][tp] = data
        await asyncio.gather(*(self._produce_to(node, parts, deadline) for node, parts in by_node.items()))
        for tp, first, count, _ in batches:
            self._sequences[tp] = (first + count) % _SEQUENCES

    async def _produce_to(self, node: tuple[str, int], waiting: dict[TP, bytes], deadline: float) -> None:
        pause = 0.001
        timeout = int(self._request_timeout * 1000)
        while True:
            topics: dict[str, list[tuple[int, bytes]]] = defaultdict(list)
            for tp, data in waiting.items():
                topics[tp.topic].append((tp.partition, data))
            answer = await self._send(node, ProduceRequest(self.transactional_id, -1, timeout, list(topics.items())))
            again: dict[TP, bytes] = {}
            done = 0
            for topic, parts in answer.topics:
                for partition, code, *_ in parts:
                    tp = TP(topic, partition)
                    done += 1
                    # Kafka 4 says "too few replicas" to older protocols while it verifies the transaction: nothing
                    # was appended, and the same sequence is sent again.
                    if code == FEW_REPLICAS and time.monotonic() < deadline:
                        again[tp] = waiting[tp]
                    elif code != OK:
                        raise Indefinite(f"{self.transactional_id}: {tp}: {_name(code)}")
            if done != len(waiting):
                raise Indefinite(f"{self.transactional_id}: produce: {done} answers for {len(waiting)} partitions")
            if not again:
                return
            waiting = again
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.02)

    async def _end(self) -> None:
        producer, coordinator = self._owned()
        request = EndTxnRequest(self.transactional_id, *producer, True)
        async with asyncio.timeout(self._end_wait):
            answer = await self._send(coordinator, request)
        if answer.error_code != OK:
            raise Indefinite(f"{self.transactional_id}: end: {_name(answer.error_code)}")

    async def _send(self, where: tuple[str, int], request: Any) -> Any:
        conn = self._conns.get(where)
        if conn is None or not conn.connected():
            if conn is not None and self._producer is not None:
                # Within an epoch a broken connection is never replaced: what it carried may still be under way.
                raise ConnectionError(f"connection to {where[0]}:{where[1]} is gone")
            life = self._life
            conn = await self._cluster.connect(*where, timeout=self._request_timeout)
            if life != self._life:
                abort(conn)
                raise ConnectionError("cut while connecting")
            self._conns[where] = conn
        return await conn.send(request)

    def _owned(self) -> tuple[tuple[int, int], tuple[str, int]]:
        if self._producer is None or self._coordinator is None:
            raise ConnectionError("cut")
        return self._producer, self._coordinator

    def _encode(self, writes: Iterable[Write]) -> list[list[_Encoded]]:
        """Record batches in rounds: a round holds at most one batch a partition."""
        owner, now = self._owned()[0], int(time.time() * 1000)
        open_: dict[TP, _Batch] = {}
        rounds: list[list[_Encoded]] = []
        for to, key, value, headers in writes:
            batch = open_.get(to)
            if batch is None:
                batch = open_[to] = _Batch(rounds, to, owner, self._sequences.get(to, 0), now, self._codec)
            batch.add(key, value, headers)
        for batch in open_.values():
            batch.end()
        return rounds


class _Batch:
    """The record batch of one partition that is being written: records are copied in as they come, and one that is full
    goes into its round."""

    def __init__(
        self, rounds: list[list[_Encoded]], tp: TP, owner: tuple[int, int], sequence: int, now: int, codec: int
    ) -> None:  # fmt: skip
        self._rounds, self._tp, self._owner = rounds, tp, owner
        self._sequence, self._now, self._codec = sequence, now, codec
        self._round = self._size = 0
        self._few: list[tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]] = []
        """Records while they are so small that compressing them would be in vain."""
        self._builder: DefaultRecordBatchBuilder | None = None
        self._count = 0

    def add(self, key: bytes | None, value: bytes | None, headers: Headers) -> None:
        """Take a record in."""
        size = 32 + len(key or b"") + len(value or b"")
        if headers:
            size += sum(len(name) + len(data) + 10 for name, data in headers)
        if self._count and self._size + size > BATCH_BYTES:
            self.end()
        self._size += size
        if self._builder is None:
            self._few.append((key, value, list(headers)))
            if self._size >= _COMPRESS_FROM:
                self._begin(self._codec)
        else:
            self._builder.append(self._count, self._now, key, value, list(headers))
        self._count += 1

    def _begin(self, codec: int) -> None:
        self._builder = builder = DefaultRecordBatchBuilder(2, codec, 1, *self._owner, self._sequence, 2**30)
        for at, (key, value, headers) in enumerate(self._few):
            builder.append(at, self._now, key, value, headers)
        self._few.clear()

    def end(self) -> None:
        """Put what there is into its round; the next record begins another batch."""
        if self._builder is None:
            self._begin(0)
        assert self._builder is not None
        if self._round == len(self._rounds):
            self._rounds.append([])
        encoded = self._tp, self._sequence, self._count, bytes(self._builder.build())
        self._rounds[self._round].append(encoded)
        self._sequence = (self._sequence + self._count) % _SEQUENCES
        self._round, self._size, self._count, self._builder = self._round + 1, 0, 0, None


def _name(code: int) -> str:
    return f"{for_code(code).__name__} ({code})"
