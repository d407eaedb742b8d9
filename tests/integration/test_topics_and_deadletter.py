"""Topics and dead letters on a real broker."""

import hashlib
import json
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from streams import admin
from streams.deadletter import CUT, WHOLE, list_dead, requeue, to_write
from streams.log import LogError
from streams.records import CE_TYPE, TP, Batch, Dead, Reason, Stage
from streams.topics import Topic, catalogue

pytestmark = pytest.mark.kafka


def read(kafka: str, tp: TP, count: int) -> list[Any]:
    consumer = KafkaConsumer(bootstrap_servers=kafka, group_id=None, isolation_level="read_committed")
    try:
        at = TopicPartition(*tp)
        consumer.assign([at])
        consumer.seek_to_beginning(at)
        got: list[Any] = []
        while len(got) < count:
            more = consumer.poll(timeout_ms=3000).get(at, [])
            assert more, f"only {len(got)} of {count} records in {tp}"
            got += more
        return got
    finally:
        consumer.close()


def put(kafka: str, prefix: str, values: list[bytes], reason: Reason = Reason.NOT_JSON) -> list[str]:
    """Send originals to partition 1 of the telemetry and bury each in the same way as a lane; answers the origins."""
    source = TP(prefix + "iot.telemetry", 1)
    producer = KafkaProducer(bootstrap_servers=kafka, max_request_size=3 * 2**20)
    try:
        futures = [producer.send(source.topic, v, b"wl-1", partition=1) for v in values]
        metas = [f.get(10) for f in futures]
        rows = [(m.offset, m.timestamp, b"wl-1", v, ()) for m, v in zip(metas, values, strict=True)]
        batch = Batch.of(source, rows[0][0], rows[-1][0] + 1, rows)
        writes = []
        for row in range(len(rows)):
            dead = Dead(row, 0, Stage.DECODE, reason, "第一个字节不是 JSON")
            writes.append(to_write(batch, dead, TP(prefix + "deadletter", 1)))
        for w in writes:
            producer.send(w.to.topic, w.value, w.key, list(w.headers), w.to.partition)
        producer.send(prefix + "deadletter", b"{}", headers=[(CE_TYPE, b"city.seal")], partition=1)
        producer.flush()
        return [w.key.decode() for w in writes if w.key]
    finally:
        producer.close()


@pytest.fixture
def topics(kafka: str, prefix: str) -> str:
    wanted = [t for t in catalogue({"iot.telemetry": 2}, prefix) if t.name.removeprefix(prefix) in
              {"iot.telemetry", "deadletter", "audit"}]  # fmt: skip
    assert admin.ensure(kafka, wanted) == []
    return prefix


def test_the_whole_catalogue_is_created_once_and_then_found_as_it_should_be(kafka: str, prefix: str) -> None:
    wanted = catalogue({"iot.telemetry": 3, "video.metadata": 2}, prefix)
    before = admin.ensure(kafka, wanted, create=False)
    assert {d.what for d in before} == {"topic"}
    assert len(before) == len(wanted)
    assert admin.ensure(kafka, wanted) == []
    assert admin.ensure(kafka, wanted) == []


def test_another_count_of_partitions_is_named_with_the_way_out_and_nothing_is_changed(kafka: str, prefix: str) -> None:
    admin.ensure(kafka, [Topic(prefix + "state.city", 2, "compact", -1)])
    (difference,) = admin.ensure(kafka, [Topic(prefix + "state.city", 3, "compact", -1)])
    assert (difference.what, difference.expected, difference.got) == ("partitions", "3", "2")
    assert "replay" in difference.way_out


def test_a_policy_that_differs_is_told_and_can_be_repaired(kafka: str, prefix: str) -> None:
    name = prefix + "state.city"
    admin.ensure(kafka, [Topic(name, 1, "delete", 1000)])
    wanted = [Topic(name, 1, "compact", -1, {"segment.bytes": "33554432"})]
    assert {d.what for d in admin.ensure(kafka, wanted)} == {"cleanup.policy", "retention.ms", "segment.bytes"}
    assert admin.repair(kafka, wanted) == 1
    assert admin.ensure(kafka, wanted) == []


def test_wipe_refuses_to_delete_everything(kafka: str) -> None:
    with pytest.raises(ValueError, match="every topic"):
        admin.wipe(kafka, "")


def test_a_cluster_that_is_not_there_is_told_at_once_with_the_way_out() -> None:
    with pytest.raises(admin.AdminError, match="brain kafka start"):
        admin.ensure("127.0.0.1:1", catalogue({}))


def test_the_broker_says_its_version(kafka: str) -> None:
    assert admin.broker_version(kafka).split(".")[0].isdecimal()


def test_dead_letters_are_listed_and_seals_are_not_among_them(kafka: str, topics: str) -> None:
    origins = put(kafka, topics, [b"a", b"b", b"c"])
    put(kafka, topics, [b"late"], Reason.LATE)
    letters = list_dead(kafka, prefix=topics)
    assert [d.value for d in letters] == [b"a", b"b", b"c", b"late"]
    assert [d.id for d in list_dead(kafka, reason="not_json", limit=2, prefix=topics)] == origins[1:]
    assert list_dead(kafka, stage="score", prefix=topics) == []
    (one,) = list_dead(kafka, ids=[origins[1]], prefix=topics)
    assert (one.value, one.key, one.stage, one.reason) == (b"b", b"wl-1", "decode", "not_json")
    assert one.detail == "第一个字节不是 JSON"
    assert not one.cut


def test_reading_backwards_finds_what_lies_beyond_the_first_window(kafka: str, topics: str) -> None:
    (old,) = put(kafka, topics, [b"old"], Reason.EMPTY)
    put(kafka, topics, [b"%d" % i for i in range(1200)])
    assert [d.id for d in list_dead(kafka, reason="empty", prefix=topics)] == [old]
    assert [d.value for d in list_dead(kafka, ids=[old], prefix=topics)] == [b"old"]
    newest = list_dead(kafka, limit=1100, prefix=topics)
    assert [d.value for d in newest] == [b"%d" % i for i in range(100, 1200)]
    assert len(list_dead(kafka, limit=0, prefix=topics)) == 1201


def test_a_requeued_record_comes_again_to_its_own_partition_byte_by_byte(kafka: str, topics: str) -> None:
    origins = put(kafka, topics, [b"\x00\xff broken", b"other"])
    (done,) = requeue(kafka, list_dead(kafka, ids=origins[:1], prefix=topics), by="operator", prefix=topics)
    assert not done.refused
    again = read(kafka, TP(topics + "iot.telemetry", 1), 3)[-1]
    assert (again.key, again.value) == (b"wl-1", b"\x00\xff broken")
    assert dict(again.headers) == {"requeued_from": origins[0].encode()}
    (entry,) = read(kafka, TP(topics + "audit", 1), 1)
    said = json.loads(entry.value)
    assert (said["what"], said["id"], said["by"]) == ("deadletter.requeue", origins[0], "operator")


def test_what_was_requeued_once_is_not_sent_twice_unless_asked(kafka: str, topics: str) -> None:
    put(kafka, topics, [b"a", b"b"])
    letters = list_dead(kafka, prefix=topics)
    assert [r.refused for r in requeue(kafka, letters, by="operator", prefix=topics)] == ["", ""]
    assert all("before" in r.refused for r in requeue(kafka, letters, by="operator", prefix=topics))
    assert [r.refused for r in requeue(kafka, letters, by="operator", again=True, prefix=topics)] == ["", ""]


def test_a_record_of_which_two_values_died_is_requeued_once(kafka: str, topics: str) -> None:
    put(kafka, topics, [b"pack"])
    (letter,) = list_dead(kafka, prefix=topics)
    both = requeue(kafka, [letter, letter], by="operator", prefix=topics)
    assert [bool(r.refused) for r in both] == [False, True]


def test_a_large_one_is_cut_and_read_anew_from_its_origin(kafka: str, topics: str) -> None:
    big = b"[" + b"7" * (WHOLE + 5)
    put(kafka, topics, [big])
    (letter,) = list_dead(kafka, prefix=topics)
    assert letter.cut
    assert (len(letter.value), letter.size, letter.sha256) == (CUT, len(big), hashlib.sha256(big).hexdigest())
    (done,) = requeue(kafka, [letter], by="operator", prefix=topics)
    assert not done.refused
    assert read(kafka, TP(topics + "iot.telemetry", 1), 2)[-1].value == big


def test_a_large_one_whose_original_is_gone_is_refused_with_the_reason(kafka: str, topics: str) -> None:
    put(kafka, topics, [b"[" + b"7" * WHOLE])
    with admin._admin(kafka) as client:
        client.delete_records({TopicPartition(topics + "iot.telemetry", 1): 1})
    (done,) = requeue(kafka, list_dead(kafka, prefix=topics), by="operator", prefix=topics)
    assert "is gone" in done.refused


def test_a_forged_pulse_is_never_sent_again(kafka: str, topics: str) -> None:
    put(kafka, topics, [b"{}"], Reason.FORGED_PULSE)
    (done,) = requeue(kafka, list_dead(kafka, prefix=topics), by="operator", prefix=topics)
    assert "forged pulse" in done.refused


def test_without_a_broker_or_a_topic_the_way_out_is_told(kafka: str, prefix: str) -> None:
    with pytest.raises(LogError, match="brain kafka start"):
        list_dead("127.0.0.1:1")
    with pytest.raises(LogError, match="brain topics --create"):
        list_dead(kafka, prefix=prefix)
