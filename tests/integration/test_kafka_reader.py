"""The fetch loop against a real broker, record for record beside aiokafka's own consumer."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streams import broker
from streams.kafka.connect import Cluster, KafkaSettings
from streams.kafka.reader import PREFETCH, Feed, Reader
from streams.kafka.task_log import KafkaTaskLog
from streams.log import OffsetGone
from streams.records import TP, Batch

pytestmark = pytest.mark.kafka
Row = tuple[int, int, bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]


@asynccontextmanager
async def reading(bootstrap: str, **settings: Any) -> AsyncIterator[tuple[Cluster, Reader]]:
    cluster = Cluster(KafkaSettings(bootstrap))
    await cluster.start()
    reader = Reader(cluster, **settings)
    await reader.start()
    try:
        yield cluster, reader
    finally:
        await reader.stop()
        await cluster.stop()


@asynccontextmanager
async def producing(bootstrap: str, **settings: Any) -> AsyncIterator[Any]:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, **settings)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def topic(bootstrap: str, prefix: str, partitions: int = 1, **config: str) -> str:
    """A fresh topic whose leaders answer."""
    name = prefix + uuid4().hex[:6]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        configs = {k.replace("_", "."): v for k, v in config.items()}
        await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=configs)])
    finally:
        await admin.close()
    async with reading(bootstrap) as (cluster, reader):
        for i in range(partitions):
            tp = TP(name, i)
            await KafkaTaskLog("t", [tp], tp, app=name, cluster=cluster, reader=reader, member=None).restore()
    return name


def rows(batch: Batch) -> list[Row]:
    assert (batch.offsets[1:] > batch.offsets[:-1]).all()
    return [
        (int(batch.offsets[i]), int(batch.times[i]), batch.key(i), batch.value(i), batch.headers.get(i, ()))
        for i in range(len(batch))
    ]


async def ours(feed: Feed, tp: TP, start: int, end: int) -> list[Row]:
    found: list[Row] = []
    async with asyncio.timeout(20):
        while start < end:
            for batch in await feed.fetch({tp: start}, 1):
                assert batch.first == start
                assert batch.next > start
                found += rows(batch)
                start = batch.next
    assert start == end
    return found


async def theirs(bootstrap: str, tp: TP, start: int) -> tuple[list[Row], int]:
    """What aiokafka's consumer gives from ``start``, and the position it ends at."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="none",
    )
    await consumer.start()
    part = TopicPartition(tp.topic, tp.partition)
    found: list[Row] = []
    try:
        consumer.assign([part])
        end = (await consumer.end_offsets([part]))[part]
        consumer.seek(part, start)
        async with asyncio.timeout(20):
            while await consumer.position(part) < end:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += [
                        (r.offset, r.timestamp, r.key, r.value, tuple((k, v or b"") for k, v in r.headers))
                        for r in records
                    ]
    finally:
        await consumer.stop()
    return found, end


async def rests(bootstrap: str, tp: TP) -> None:
    """Keep the broker from compacting on, and wait until it does not: two readings are of one log then."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        still = {"cleanup.policy": "compact", "min.compaction.lag.ms": "3600000", "max.compaction.lag.ms": "7200000"}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, tp.topic, still)])
    finally:
        await admin.close()
    before, same = -1, 0
    async with asyncio.timeout(30):
        while same < 4:
            await asyncio.sleep(0.25)
            now = len((await theirs(bootstrap, tp, 0))[0])
            before, same = now, same + 1 if now == before else 0


async def same_from_everywhere(bootstrap: str, tp: TP, *, seeks: int = 12) -> list[Row]:
    """Both readers agree from the start and from random positions, in the middle of batches included."""
    async with reading(bootstrap, partition_bytes=4096) as (_, small), reading(bootstrap) as (_, large):
        whole, end = await theirs(bootstrap, tp, 0)
        for reader in (small, large):
            assert await ours(reader.feed(), tp, 0, end) == whole
        feed = small.feed()
        draw = random.Random(7)
        for start in sorted({draw.randrange(end) for _ in range(seeks)} | {end - 1}, key=lambda _: draw.random()):
            assert await ours(feed, tp, start, end) == [row for row in whole if row[0] >= start]
        assert (await theirs(bootstrap, tp, end // 2))[0] == [row for row in whole if row[0] >= end // 2]
    return whole


def value(draw: random.Random, i: int) -> bytes | None:
    return None if i % 11 == 0 else b"%d:" % i + bytes(draw.randrange(256) for _ in range(draw.randrange(80)))


async def send_all(producer: Any, tp: TP, count: int, seed: int, keys: int = 10**6) -> None:
    draw = random.Random(seed)
    sent = []
    for i in range(count):
        key = None if i % 7 == 1 and i % 11 and keys == 10**6 else b"k%d" % draw.randrange(keys)
        headers = [("ce_type", b"city.pulse"), ("none", None)] if i % 13 == 0 else []
        payload = value(draw, i) if keys == 10**6 else b"%d" % i
        sent.append(await producer.send(tp.topic, payload, key, partition=tp.partition, headers=headers))
    await asyncio.gather(*sent)


def run(body: Callable[[], Any]) -> None:
    asyncio.run(body())


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_plain_and_compressed_batches_read_the_same(kafka: str, prefix: str, compression: str | None) -> None:
    async def body() -> None:
        tp = TP(await topic(kafka, prefix), 0)
        async with producing(kafka, compression_type=compression, linger_ms=5) as producer:
            await send_all(producer, tp, 1500, 1)
        assert len(await same_from_everywhere(kafka, tp)) == 1500

    run(body)


def test_committed_and_aborted_transactions_read_the_same(kafka: str, prefix: str) -> None:
    async def body() -> None:
        tp = TP(await topic(kafka, prefix), 0)
        kept = 0
        async with (
            producing(kafka, transactional_id=tp.topic + "a", linger_ms=2) as a,
            producing(kafka, transactional_id=tp.topic + "b", linger_ms=2) as b,
            producing(kafka) as plain,
        ):
            for i in range(24):
                # The two overlap, so that one's records lie among the other's that are thrown away.
                await a.begin_transaction()
                await b.begin_transaction()
                await asyncio.gather(send_all(a, tp, 20, i), send_all(b, tp, 15, i), send_all(plain, tp, 3, i))
                await send_all(a, tp, 5, i + 100)
                await (a.commit_transaction() if i % 3 else a.abort_transaction())
                await (b.abort_transaction() if i % 4 else b.commit_transaction())
                kept += 3 + (25 if i % 3 else 0) + (0 if i % 4 else 15)
            await a.begin_transaction()
            await send_all(a, tp, 9, 1)
            await a.abort_transaction()
        assert len(await same_from_everywhere(kafka, tp)) == kept

    run(body)


def test_a_compacted_log_reads_the_same(kafka: str, prefix: str) -> None:
    async def body() -> None:
        name = await topic(
            kafka, prefix, cleanup_policy="compact", segment_ms="100", min_cleanable_dirty_ratio="0.01",
            min_compaction_lag_ms="0", max_compaction_lag_ms="100", segment_bytes="1048576",
        )  # fmt: skip
        tp = TP(name, 0)
        async with producing(kafka, transactional_id=name, linger_ms=2) as producer:
            for i in range(12):
                await producer.begin_transaction()
                await send_all(producer, tp, 60, i, keys=40)
                await (producer.abort_transaction() if i % 4 == 3 else producer.commit_transaction())
                await asyncio.sleep(0.12)
            found: list[Row] = []
            for _ in range(80):
                found, _ = await theirs(kafka, tp, 0)
                if len(found) < 300:
                    break
                await asyncio.sleep(0.25)
                await producer.begin_transaction()
                await send_all(producer, tp, 1, 5, keys=40)
                await producer.commit_transaction()
            assert len(found) < 300, "the broker has compacted"
            await rests(kafka, tp)
        await same_from_everywhere(kafka, tp)

    run(body)


def test_an_open_transaction_holds_the_reader_and_the_high_watermark_shows_it(kafka: str, prefix: str) -> None:
    async def body() -> None:
        tp = TP(await topic(kafka, prefix), 0)
        async with producing(kafka, transactional_id=tp.topic) as producer:
            await producer.begin_transaction()
            await producer.send_and_wait(tp.topic, b"x", partition=0)
            async with reading(kafka) as (_, reader):
                feed = reader.feed()
                assert await feed.fetch({tp: 0}, 0.5) == []
                assert (feed.stable(tp), feed.high(tp)) == (0, 1)
                waiting = asyncio.create_task(feed.fetch({tp: 0}, 5))
                await producer.commit_transaction()
                (batch,) = await waiting
                assert rows(batch)[0][3] == b"x"

    run(body)


def test_a_position_that_is_not_in_the_log_is_said_to_be_gone(kafka: str, prefix: str) -> None:
    async def body() -> None:
        tp = TP(await topic(kafka, prefix), 0)
        async with producing(kafka) as producer:
            await send_all(producer, tp, 20, 1)
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
        await admin.start()
        await admin.delete_records({TopicPartition(*tp): RecordsToDelete(before_offset=10)})
        await admin.close()
        async with reading(kafka) as (_, reader):
            feed = reader.feed()
            for position in (9, 21, 0):
                with pytest.raises(OffsetGone, match=f"offset {position} "):
                    await feed.fetch({tp: position}, 5)
            assert [row[0] for row in await ours(feed, tp, 10, 20)] == list(range(10, 20))

    run(body)


def test_one_slow_task_neither_grows_nor_holds_up_the_others(kafka: str, prefix: str) -> None:
    async def body() -> None:
        name = await topic(kafka, prefix, 3)
        async with producing(kafka, linger_ms=5) as producer:
            for i in range(3):
                await send_all(producer, TP(name, i), 3000, i)
        async with reading(kafka, partition_bytes=8192) as (_, reader):
            slow, quick, other = reader.feed(), reader.feed(), reader.feed()
            (held,) = await slow.fetch({TP(name, 0): 0}, 5)
            both = {TP(name, 1): 0, TP(name, 2): 0}
            async with asyncio.timeout(10):
                while min(both.values()) < 3000:
                    for batch in await quick.fetch(both, 1):
                        assert batch.first == both[batch.source]
                        both[batch.source] = batch.next
            # Two tasks may read the same partition, each at its own place.
            assert [row[0] for row in await ours(other, TP(name, 0), 1234, 3000)] == list(range(1234, 3000))
            (slot,) = slow._slots.values()
            assert len(slot.batches) == PREFETCH
            assert [row[0] for row in await ours(slow, TP(name, 0), held.next, 3000)] == list(range(held.next, 3000))
            slow.drop()
            assert await ours(slow, TP(name, 0), 2990, 3000) == (await ours(quick, TP(name, 0), 2990, 3000))

    run(body)


def test_what_is_dropped_while_somebody_waits_ends_the_wait_with_nothing(kafka: str, prefix: str) -> None:
    async def body() -> None:
        tp = TP(await topic(kafka, prefix), 0)
        async with reading(kafka) as (_, reader), producing(kafka) as producer:
            feed = reader.feed()
            waiting = asyncio.create_task(feed.fetch({tp: 0}, 0.5))
            await asyncio.sleep(0.2)
            feed.drop()
            await send_all(producer, tp, 5, 1)
            assert await waiting == []
            assert len(await ours(feed, tp, 0, 5)) == 5

    run(body)


def test_reading_goes_on_after_the_broker_was_frozen(broker_home: broker.BrokerSettings) -> None:
    bootstrap = broker.start(broker_home).bootstrap

    async def body() -> None:
        tp = TP(await topic(bootstrap, "frozen."), 0)
        async with producing(bootstrap) as producer:
            await send_all(producer, tp, 10, 1)
            async with reading(bootstrap) as (cluster, reader):
                object.__setattr__(cluster.settings, "request_timeout", 0.7)
                feed = reader.feed()
                assert len(await ours(feed, tp, 0, 10)) == 10
                broker.pause(broker_home)
                try:
                    assert await feed.fetch({tp: 10}, 2) == []
                finally:
                    broker.resume(broker_home)
                await send_all(producer, tp, 5, 2)
                assert len(await ours(feed, tp, 10, 15)) == 5

    run(body)
