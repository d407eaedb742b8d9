"""The doctor on a real broker: nothing to say of a sound brain, and the code of each thing that is broken here."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from running import running, until
from secure_broker import SecureBroker

from brain.doctor.checks import HERE, checks
from brain.doctor.run import Examined, Patient, examine
from brain.settings import Settings, load
from streams import admin, topics
from streams.lane_parts import Head
from streams.produce import send_all, send_one
from streams.pulse import Pulse, encode
from streams.records import TP
from streams.rights import rights
from streams.state import HEAD
from streams.topics import Topic

pytestmark = pytest.mark.kafka

ROOT = Path(__file__).resolve().parents[2]


def given(broker: SecureBroker, prefix: str, **more: Any) -> Settings:
    return load(None, {}, **{"bootstrap": broker.plain, "prefix": prefix, "telemetry_partitions": 2,
                             "video_partitions": 1, "sets": str(ROOT / "config"), **more})  # fmt: skip


def examined(settings: Settings, **more: Any) -> tuple[Patient, Examined]:
    patient = Patient(sample_s=0.6, least_free=1, settings=settings, **more)
    return patient, examine(patient, checks(patient)[len(HERE) :])


def codes(settings: Settings, **more: Any) -> dict[str, list[str]]:
    """Code → places."""
    out: dict[str, list[str]] = {}
    for finding in examined(settings, **more)[1].findings:
        out.setdefault(finding.code, []).append(finding.place)
    return out


@pytest.fixture
def place(secure_kafka: SecureBroker, request: pytest.FixtureRequest) -> Iterator[str]:
    name = f"d{abs(hash(request.node.name)) % 10**6}."
    yield name
    admin.wipe(secure_kafka.plain, name)


@contextmanager
def again_and_again(what: Callable[[int], object], every_s: float = 0.2) -> Iterator[None]:
    """Do something in the background."""
    stop = threading.Event()

    def run() -> None:
        n = 0
        while not stop.wait(every_s):
            what(n)
            n += 1

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)


def test_of_a_sound_brain_there_is_nothing_to_say_and_its_clocks_and_disks_are_seen(
    secure_kafka: SecureBroker, place: str, tmp_path: Path
) -> None:
    more = {"telemetry_partitions": 2, "video_partitions": 1, "set_cache": str(tmp_path / "cache")}
    with running(secure_kafka.plain, place, tmp_path, **more) as worker:
        worker.start()
        until(lambda: len(worker.read("pulse")) > 2)
        until(lambda: all(worker.read("state." + topic) for topic in ("iot.telemetry", "warnings")))
        patient, done = examined(given(secure_kafka, place))
        assert [(f.code, f.place, dict(f.values)) for f in done.findings] == []
        assert (done.exit_code, done.left_out, patient.beats) == (0, [], True)
        (ahead,) = patient.forecasts.values()
        assert ahead.size > 0
        assert ahead.usable > 0

        def pulses_grow() -> bool:  # a slow machine may write no pulse between the two looks
            (seen,) = examined(given(secure_kafka, place))[0].forecasts.values()
            return any(g.topic == place + "pulse" and g.rate > 0 for g in seen.topics)

        until(pulses_grow)
        shown = worker.command("doctor", "--seconds", "1")
        assert shown.returncode in (0, 1), shown.stdout + shown.stderr
        assert "in balance" in shown.stdout
        drawn = worker.command("graph", "--format", "mermaid", "--seconds", "1")
        assert drawn.returncode == 0, drawn.stderr
        assert "records/s" in drawn.stdout
        assert worker.stop() == 0


def test_topics_that_are_missing_or_not_as_they_must_be_are_named(secure_kafka: SecureBroker, place: str) -> None:
    settings = given(secure_kafka, place)
    missing = codes(settings)
    assert len(missing["D301"]) == len(topics.catalogue(settings.partitions, place))
    assert missing["D501"]
    wrong = [
        Topic(place + "iot.telemetry", 3, "delete", 3 * 86_400_000, {"max.message.bytes": "1000"}),
        Topic(place + "state.city", 1, "delete", 1000),
        Topic(place + "audit", 2, "delete", 3 * 365 * 86_400_000, {"min.insync.replicas": "2"}),
    ]
    admin.ensure(secure_kafka.plain, wrong)
    admin.ensure(secure_kafka.plain, topics.catalogue(settings.partitions, place))
    found = codes(settings)
    assert found["D302"] == [place + "iot.telemetry"]
    assert found["D303"] == [place + "state.city"]
    assert found["D304"] == [place + "state.city"]
    assert found["D305"] == [place + "iot.telemetry"]
    assert set(found["D306"]) == {place + "state.city"}
    assert found["D307"] == [f"{place}audit/0", f"{place}audit/1"]
    assert found["D401"] == [place + "pulse"]
    assert "D301" not in found


def test_a_broker_with_small_messages_is_named(secure_kafka: SecureBroker, place: str) -> None:
    client = KafkaAdminClient(bootstrap_servers=secure_kafka.plain)
    try:
        client.alter_configs([ConfigResource(ConfigResourceType.BROKER, "1", {"message.max.bytes": "1000000"})])
        until(lambda: codes(given(secure_kafka, place)).get("D211") == ["broker 1"])
    finally:
        client.reset_configs([ConfigResource(ConfigResourceType.BROKER, "1", ["message.max.bytes"])])
        client.close()


def test_pulses_that_are_late_of_another_key_of_another_time_or_of_an_unknown_set_are_named(
    secure_kafka: SecureBroker, place: str
) -> None:
    settings = given(secure_kafka, place)
    admin.ensure(secure_kafka.plain, topics.catalogue(settings.partitions, place))
    begun = int(time.time() * 1000)

    def beat(seq: int, at: int, key: bytes = settings.key()) -> None:
        send_one(secure_kafka.plain, place + "pulse", 0, b"pulse", encode(Pulse(seq, at, 0, "sha256:none", 1), key))

    beat(1, begun - 60_000)
    late = codes(settings)
    assert late["D402"] == [place + "pulse"]
    assert late["D406"] == [str(ROOT / "config")]
    with again_and_again(lambda n: beat(2 + n, begun + 200 * n - 30_000)):
        assert "D404" in codes(settings)
    beat(10_000, begun, b"another key of thirty bytes or so")
    assert codes(settings)["D403"] == [place + "pulse"]


def test_a_lag_that_grows_a_hole_dead_letters_and_partitions_of_nobody_are_named(
    secure_kafka: SecureBroker, place: str
) -> None:
    settings = given(secure_kafka, place)
    admin.ensure(secure_kafka.plain, topics.catalogue(settings.partitions, place))
    k, lane, other = secure_kafka.plain, TP(place + "iot.telemetry", 0), TP(place + "iot.telemetry", 1)
    for tp in (lane, other):
        send_all(k, tp, [(b"k", b"v")] * 20)
        send_one(k, place + "state.iot.telemetry", tp.partition, HEAD, msgspec.json.encode(Head(position=5)))
    client = KafkaAdminClient(bootstrap_servers=k)
    client.delete_records({TopicPartition(other.topic, 1): 10})
    client.close()
    member = KafkaConsumer(place + "warnings", bootstrap_servers=k, group_id=place + settings.group)
    member.poll(3000)

    def more(n: int) -> None:
        member.poll(0)
        send_all(k, lane, [(b"k", b"v")] * 3)
        send_one(k, place + "deadletter", 0, b"k", b"v")

    try:
        with again_and_again(more):
            found = codes(settings, least_lag=10)
    finally:
        member.close()
    assert found["D503"] == [str(lane)]
    assert found["D504"] == ["iot.telemetry/1"]
    assert found["D505"] == [place + "deadletter"]
    assert f"{place}warnings/0" not in found["D502"]
    assert f"{place}iot.telemetry/1" in found["D502"]
    assert f"{place}pulse/0" in found["D502"]


def test_rights_that_are_missing_are_named_one_by_one(secure_kafka: SecureBroker, place: str) -> None:
    settings = given(secure_kafka, place, **secure_kafka.settings())
    catalogue = topics.catalogue(settings.partitions, place)
    admin.ensure(secure_kafka.plain, catalogue)
    mine = [r for r in rights(catalogue, settings.group, place) if r.role == "worker"]
    secure_kafka.allow(r._replace(operations=("Read",)) if r.name == place + "journal" else r
                       for r in mine if r.name != place + "sets")  # fmt: skip
    found = until(lambda: (got := codes(settings)) and len(got.get("D311", [])) == 2 and got)
    assert set(found["D311"]) == {place + "sets", place + "journal"}
    assert {"D312", "D604"} <= set(found)  # a worker's user may not see these


def test_what_keeps_us_out_of_a_secure_broker_is_told_apart(
    secure_kafka: SecureBroker, place: str, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("x")
    k = secure_kafka
    cases = {
        "D204": {"bootstrap": k.plain},
        "D205": {"tls_ca_file": str(k.foreign.ca)},
        "D206": {"sasl_mechanism": "SCRAM-SHA-256"},
        "D207": {"sasl_password_file": str(wrong)},
    }
    for code, more in cases.items():
        patient, done = examined(given(k, place, **k.settings(**more)))
        assert [f.code for f in done.findings] == [code]
        assert patient.census is None
        assert len(done.left_out) == len(checks(patient)) - len(HERE) - 1


def test_a_full_disk_of_the_broker_is_named(secure_kafka: SecureBroker, place: str) -> None:
    patient = Patient(sample_s=0.5, least_free=2**60, settings=given(secure_kafka, place))
    done = examine(patient, checks(patient)[len(HERE) :])
    assert "D601" in {f.code for f in done.findings}
