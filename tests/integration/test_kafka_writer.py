"""The transactional writer against a real broker: what is committed, what is fenced, and what is not known."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.protocol.transaction import EndTxnRequest

from streams import broker
from streams.kafka.connect import Cluster, KafkaSettings
from streams.kafka.member import Member
from streams.kafka.reader import Reader, read_partition
from streams.kafka.task_log import KafkaTaskLog
from streams.kafka.writer import Writer
from streams.log import Indefinite, NotOwner
from streams.records import TP, Write

pytestmark = pytest.mark.kafka


@asynccontextmanager
async def cluster_of(bootstrap: str) -> AsyncIterator[Cluster]:
    cluster = Cluster(KafkaSettings(bootstrap))
    await cluster.start()
    try:
        yield cluster
    finally:
        await cluster.stop()


async def topic(bootstrap: str, prefix: str, partitions: int = 1) -> str:
    """A fresh topic whose leaders answer."""
    name = prefix + uuid4().hex[:6]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, partitions, 1)])
    finally:
        await admin.close()
    async with cluster_of(bootstrap) as cluster:
        for i in range(partitions):
            await task_log(cluster, Reader(cluster), TP(name, i)).restore()
    return name


async def seen(cluster: Cluster, tp: TP) -> list[bytes | None]:
    """All committed values of a partition once nothing is open there any more."""
    log = task_log(cluster, Reader(cluster), tp)
    log._restore_wait = 15
    return [value for _, value in await log.restore()]


def task_log(cluster: Cluster, reader: Reader, state: TP, member: Member | None = None, **more: Any) -> KafkaTaskLog:
    return KafkaTaskLog("t0", [state], state, app=state.topic, cluster=cluster, reader=reader, member=member, **more)


async def half_open(writer: Writer, tp: TP, value: bytes) -> None:
    """Begin and produce, but do not end."""
    leaders = {tp: await writer._cluster.find_leader(tp)}
    deadline = time.monotonic() + 5
    rounds = writer._encode([Write(tp, b"k", value)])
    await writer._begin(leaders, deadline)
    for batches in rounds:
        await writer._produce(batches, leaders, deadline)


async def until(met: Callable[[], bool]) -> None:
    while not met():  # noqa: ASYNC110 - two members, each with its own event
        await asyncio.sleep(0.05)


def run(body: Callable[[], Any]) -> None:
    asyncio.run(body())


def test_what_is_committed_is_read_in_order_and_what_is_cut_is_not(kafka: str, prefix: str) -> None:
    async def body() -> None:
        async with cluster_of(kafka) as cluster:
            name = await topic(kafka, prefix, 2)
            a, b = TP(name, 0), TP(name, 1)
            writer = Writer(cluster, name)
            await writer.open()
            for i in range(20):
                heads = (("ce_type", b"city.seal"),)
                await writer.commit([Write(a, b"k", b"%d" % i), Write(b, None, None, heads), Write(a, b"k", b"x")])
            await half_open(writer, a, b"lost")
            writer.close()
            await writer.open()
            await writer.commit([Write(a, b"k", b"after")])
            writer.close()
            expected = [v for i in range(20) for v in (b"%d" % i, b"x")]
            assert await seen(cluster, a) == [*expected, b"after"]
            assert await seen(cluster, b) == [None] * 20

    run(body)


def test_a_transaction_of_many_megabytes_arrives_whole(kafka: str, prefix: str) -> None:
    async def body() -> None:
        async with cluster_of(kafka) as cluster:
            tp = TP(await topic(kafka, prefix), 0)
            writer = Writer(cluster, tp.topic)
            await writer.open()
            values = [os.urandom(500_000) for _ in range(7)] + [b"%d" % i for i in range(2000)]
            await writer.commit(Write(tp, None, v) for v in values)
            await writer.commit(Write(tp, None, b"none") for _ in range(0))
            await writer.commit([Write(tp, None, b"next")])
            writer.close()
            assert await seen(cluster, tp) == [*values, b"next"]

    run(body)


def test_a_second_owner_fences_the_first_and_ends_its_open_transaction(kafka: str, prefix: str) -> None:
    async def body() -> None:
        async with cluster_of(kafka) as cluster:
            tp = TP(await topic(kafka, prefix), 0)
            first, second = Writer(cluster, tp.topic), Writer(cluster, tp.topic)
            await first.open()
            await first.commit([Write(tp, None, b"one")])
            await half_open(first, tp, b"open")
            started = time.monotonic()
            await second.open()
            assert time.monotonic() - started < 3
            await second.commit([Write(tp, None, b"two")])
            with pytest.raises(Indefinite):
                await first._end()
            with pytest.raises(Indefinite):
                await first.commit([Write(tp, None, b"zombie")])
            assert not first.is_open
            await second.commit([Write(tp, None, b"three")])
            second.close()
            assert await seen(cluster, tp) == [b"one", b"two", b"three"]

    run(body)


def test_a_late_end_of_an_earlier_epoch_does_not_touch_the_open_transaction(kafka: str, prefix: str) -> None:
    async def body() -> None:
        async with cluster_of(kafka) as cluster:
            tp = TP(await topic(kafka, prefix), 0)
            writer = Writer(cluster, tp.topic)
            await writer.open()
            await writer.commit([Write(tp, None, b"one")])
            producer, coordinator = writer._owned()
            await writer.open()
            await half_open(writer, tp, b"two")
            for result in (True, False):
                conn = await cluster.connect(*coordinator)
                answer = await conn.send(EndTxnRequest(tp.topic, *producer, result))
                assert answer.error_code != 0
                await conn.close()
            await writer._end()
            writer.close()
            assert await seen(cluster, tp) == [b"one", b"two"]

    run(body)


def test_many_tasks_commit_at_the_same_time(kafka: str, prefix: str) -> None:
    async def body() -> None:
        async with cluster_of(kafka) as cluster:
            name = await topic(kafka, prefix, 8)
            # Patient: eight at a time on a busy machine may be longer about one than a task would wait.
            patient = {"transaction_timeout": 30.0, "request_timeout": 10.0, "end_wait": 30.0}
            writers = [Writer(cluster, f"{name}-{i}", **patient) for i in range(8)]
            await asyncio.gather(*(w.open() for w in writers))

            async def work(i: int) -> None:
                for n in range(25):
                    await writers[i].commit([Write(TP(name, i), None, b"%d" % n)])

            await asyncio.gather(*(work(i) for i in range(8)))
            for writer in writers:
                writer.close()
            for i in range(8):
                assert await seen(cluster, TP(name, i)) == [b"%d" % n for n in range(25)]

    run(body)


def test_cut_during_a_commit_ends_it_at_once_as_indefinite(kafka: str, prefix: str) -> None:
    async def body() -> None:
        async with cluster_of(kafka) as cluster:
            tp = TP(await topic(kafka, prefix), 0)
            reader = Reader(cluster)
            log = task_log(cluster, reader, tp)
            await log.open()
            for i in range(12):
                commit = asyncio.create_task(log.commit([Write(tp, None, b"%d" % i)]))
                await asyncio.sleep(i * 0.0007)
                await log.cut()
                started = time.monotonic()
                outcome = (await asyncio.gather(commit, return_exceptions=True))[0]
                assert outcome is None or isinstance(outcome, Indefinite)
                assert time.monotonic() - started < 0.5
                await log.open()
                there = b"%d" % i in [value for _, value in await log.restore()]
                assert there or outcome is not None, "a commit that returned is there"
            await log.cut()

    run(body)


def test_restore_refuses_while_a_transaction_is_open(kafka: str, prefix: str) -> None:
    async def body() -> None:
        async with cluster_of(kafka) as cluster:
            tp = TP(await topic(kafka, prefix), 0)
            writer = Writer(cluster, tp.topic, transaction_timeout=30)
            await writer.open()
            await half_open(writer, tp, b"open")
            log = task_log(cluster, Reader(cluster), tp, restore_wait=0.5)
            with pytest.raises(Indefinite, match="stable offset 0 is below the high watermark 1"):
                await log.restore()
            await writer._end()
            writer.close()
            log._restore_wait = 5
            assert await log.restore() == [(b"k", b"open")]

    run(body)


def test_the_group_shares_out_and_confirms(kafka: str, prefix: str) -> None:
    async def body() -> None:
        async with cluster_of(kafka) as one, cluster_of(kafka) as two:
            name = await topic(kafka, prefix, 4)
            calls: list[frozenset[TP]] = []
            first = Member(one, name, [name], on_change=calls.append)
            second = Member(two, name, [name])
            await first.start()
            async with asyncio.timeout(20):
                await first.changed.wait()
            assert len(first.assignment) == 4
            assert calls[-1] == first.assignment
            for tp in first.assignment:
                await first.confirm(tp)
            before = first.assignment
            await second.start()
            async with asyncio.timeout(30):
                await until(lambda: len(first.assignment) == len(second.assignment) == 2)
            assert first.assignment < before
            assert first.assignment | second.assignment == before
            for tp in before - first.assignment:
                with pytest.raises(NotOwner):
                    await first.confirm(tp)
                await second.confirm(tp)
            await second.stop()
            async with asyncio.timeout(30):
                await until(lambda: first.assignment == before)
            await first.stop()
            with pytest.raises(NotOwner):
                await first.confirm(TP(name, 0))

    run(body)


def test_a_broker_frozen_around_the_end_leaves_exactly_one_outcome(broker_home: broker.BrokerSettings) -> None:
    bootstrap = broker.start(broker_home).bootstrap

    async def body() -> None:
        async with cluster_of(bootstrap) as cluster:
            tp = TP(await topic(bootstrap, "frozen."), 0)
            writer = Writer(cluster, tp.topic, end_wait=1.0)
            await writer.open()
            await writer.commit([Write(tp, None, b"first")])
            expected: list[bytes | None] = [b"first"]
            end = writer._end

            async def frozen_before() -> None:
                broker.pause(broker_home)
                await end()

            async def frozen_after() -> None:
                ending = asyncio.create_task(end())
                await asyncio.sleep(0)  # sent; the answer has not come
                broker.pause(broker_home)
                await ending

            for i, frozen in enumerate((frozen_before, frozen_after, frozen_after, frozen_before)):
                value, known = b"%d" % i, True
                writer._end = frozen  # type: ignore[method-assign]
                started = time.monotonic()
                try:
                    await writer.commit([Write(tp, None, value)])
                except Indefinite:
                    known = False
                    assert time.monotonic() - started < 3
                finally:
                    broker.resume(broker_home)
                    writer._end = end  # type: ignore[method-assign]
                assert not known or frozen is frozen_after
                if not known:
                    await writer.open()
                now = await seen(cluster, tp)
                assert now in ([*expected, value], expected)
                assert not known or now[-1] == value
                await writer.commit([Write(tp, None, b"next")])
                expected = [*now, b"next"]
                await asyncio.sleep(0.5)
                assert await seen(cluster, tp) == expected, "what was late changes nothing any more"
            writer.close()

    run(body)


def test_reading_a_range_once_gives_exactly_the_range(kafka: str, prefix: str) -> None:
    async def body() -> None:
        async with cluster_of(kafka) as cluster:
            tp = TP(await topic(kafka, prefix), 0)
            writer = Writer(cluster, tp.topic)
            await writer.open()
            await writer.commit([Write(tp, None, b"%d" % i) for i in range(10)])
            writer.close()
            batches = await read_partition(cluster, tp, 3, 11, 5)
            assert [b.value(i) for b in batches for i in range(len(b))] == [b"%d" % i for i in range(3, 10)]
            assert batches[-1].next == 11

    run(body)
