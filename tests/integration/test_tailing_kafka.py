"""Reading along on a real broker: only what was committed, from topics that are there and topics that come."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from uuid import uuid4

import pytest

from streams.log import LogError
from streams.records import TP
from streams.tailing import counts, follow, latest, snapshot

pytestmark = pytest.mark.kafka


@contextmanager
def transactions(bootstrap: str) -> Iterator[Any]:
    from kafka import KafkaProducer

    producer = KafkaProducer(bootstrap_servers=bootstrap, transactional_id=uuid4().hex, allow_auto_create_topics=False)
    producer.init_transactions()
    try:
        yield producer
    finally:
        producer.close()


def make(bootstrap: str, name: str, partitions: int = 1) -> None:
    from kafka import KafkaAdminClient
    from kafka.admin import NewTopic

    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        admin.create_topics([NewTopic(name, partitions, 1)])
    finally:
        admin.close()


def write(producer: Any, topic: str, values: list[bytes], *, partition: int = 0, commit: bool = True) -> None:
    producer.begin_transaction()
    for value in values:
        producer.send(topic, value, partition=partition, headers=[("ce_type", b"t")]).get(10)
    if commit:
        producer.commit_transaction()
    else:
        producer.abort_transaction()


def test_reading_along_shows_what_was_committed_and_ends_at_the_end(kafka: str) -> None:
    bootstrap = kafka
    topic = f"tail-{uuid4().hex[:8]}"
    make(bootstrap, topic, 2)
    with transactions(bootstrap) as producer:
        write(producer, topic, [b"1", b"2"])
        write(producer, topic, [b"never"], commit=False)
        write(producer, topic, [b"3"], partition=1)
    seen = list(follow(bootstrap, [topic, "no-such-topic"], from_beginning=True, until_end=True))
    assert sorted((s.partition, s.value) for s in seen) == [(0, b"1"), (0, b"2"), (1, b"3")]
    assert seen[0].header("ce_type") == b"t"
    rows = list(snapshot(bootstrap, [TP(topic, 1), TP(topic, 0)]))
    assert [(tp.partition, value) for tp, _, _, _, value, _ in rows] == [(1, b"3"), (0, b"1"), (0, b"2")]
    with pytest.raises(LogError, match="no topic no-such-topic"):
        list(snapshot(bootstrap, [TP("no-such-topic", 0)]))


def test_a_topic_that_comes_later_is_read_from_its_beginning_and_the_others_go_on(kafka: str) -> None:
    bootstrap = kafka
    first, second = (f"tail-{n}-{uuid4().hex[:8]}" for n in "ab")
    make(bootstrap, first)
    with transactions(bootstrap) as producer:
        write(producer, first, [b"before"])
        stop = threading.Event()
        got: list[bytes | None] = []
        reading = threading.Event()

        def read() -> None:
            # `stop` is asked before every poll, the first time once the positions are known.
            def asked() -> bool:
                reading.set()
                return stop.is_set()

            with closing(follow(bootstrap, [first, second], stop=asked)) as records:
                for record in records:
                    got.append(record.value)
                    if record.value == b"last":
                        stop.set()

        reader = threading.Thread(target=read)
        reader.start()
        try:
            assert reading.wait(15)
            write(producer, first, [b"now"])
            make(bootstrap, second)
            write(producer, second, [b"new topic"])
            write(producer, second, [b"last"])
            reader.join(25)
        finally:
            stop.set()
            reader.join(5)
    assert sorted(v or b"" for v in got) == [b"last", b"new topic", b"now"]


def test_records_of_one_partition_keep_their_order_whatever_times_they_carry(kafka: str) -> None:
    from kafka import KafkaProducer

    topic = f"tail-{uuid4().hex[:8]}"
    make(kafka, topic, 2)
    producer = KafkaProducer(bootstrap_servers=kafka, allow_auto_create_topics=False)
    try:
        for n, time_ms in enumerate((5_000, 9_000, 1_000, 7_000)):
            producer.send(topic, b"%d" % n, partition=0, timestamp_ms=1_700_000_000_000 + time_ms)
        producer.send(topic, b"other", partition=1, timestamp_ms=1_700_000_002_000)
        producer.flush(10)
    finally:
        producer.close()
    seen = list(follow(kafka, [topic], from_beginning=True, until_end=True))
    assert [s.offset for s in seen if s.partition == 0] == [0, 1, 2, 3]
    assert len(seen) == 5


def test_the_last_value_of_a_key_is_found_however_much_was_written_after_it(kafka: str) -> None:
    topic = f"tail-{uuid4().hex[:8]}"
    make(kafka, topic, 2)
    with transactions(kafka) as producer:
        producer.begin_transaction()
        for value in (b"old", b"new"):
            producer.send(topic, value, b"k", partition=0).get(10)
        for _ in range(100):
            producer.send(topic, b"x", b"another", partition=0)
        producer.commit_transaction()
        producer.begin_transaction()
        producer.send(topic, b"never", b"k", partition=0).get(10)
        producer.abort_transaction()
    partitions = [TP(topic, 0), TP(topic, 1), TP("no-such-topic", 0)]
    assert latest(kafka, partitions, b"k") == {TP(topic, 0): b"new"}
    assert counts(kafka, [topic, "no-such-topic"]) == {topic: 2}
