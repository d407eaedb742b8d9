"""The commands for topics and dead letters against a real broker, as a person uses them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kafka import KafkaProducer
from typer.testing import CliRunner, Result

from brain.commands import deadletter, kafka, topics
from brain.commands.common import broker_of, folders_of
from brain.settings import Settings
from streams import admin, broker
from streams.deadletter import WHOLE, to_write
from streams.records import TP, Batch, Dead, Reason, Stage
from streams.tailing import snapshot
from streams.topics import Topic

pytestmark = pytest.mark.kafka


def run(app: object, *args: str) -> Result:
    return CliRunner().invoke(app, list(args), env={"COLUMNS": "200"})  # type: ignore[arg-type]  # typer's app is one


def bury(bootstrap: str, prefix: str, values: list[bytes]) -> list[str]:
    """Send values to the first lane and bury each; answers the ids of the originals."""
    source, to = TP(prefix + "iot.telemetry", 0), TP(prefix + "deadletter", 0)
    producer = KafkaProducer(bootstrap_servers=bootstrap, max_request_size=3 * 2**20, allow_auto_create_topics=False)
    ids = []
    try:
        for value in values:
            meta = producer.send(source.topic, value, b"wl-1", partition=0).get(15)
            row = (meta.offset, meta.timestamp, b"wl-1", value, ())
            letter = to_write(
                Batch.of(source, meta.offset, meta.offset + 1, [row]),
                Dead(0, 0, Stage.DECODE, Reason.NOT_JSON, "[red]quoted"), to,
            )  # fmt: skip
            producer.send(to.topic, letter.value, letter.key, list(letter.headers), 0).get(15)
            ids.append((letter.key or b"").decode())
    finally:
        producer.close()
    return ids


def test_from_missing_topics_to_a_dead_letter_sent_again(kafka: str, prefix: str, tmp_path: Path) -> None:
    where = ["--bootstrap", kafka, "--prefix", prefix, "--lang", "en"]
    missing = run(topics.app, *where)
    assert missing.exit_code == 1
    assert "brain topics --create" in missing.output
    made = run(topics.app, "--create", *where)
    assert made.exit_code == 0, made.output
    assert run(topics.app, *where).exit_code == 0
    admin.repair(kafka, [Topic(prefix + "state.city", 1, "delete", 1000)])
    assert "cleanup.policy" in run(topics.app, *where).output
    assert "1 topics repaired" in run(topics.app, "--repair", *where).output

    assert "no dead letter" in run(deadletter.app, "list", *where).output
    big = b"[" + b"7" * WHOLE
    small, large = bury(kafka, prefix, [b"\x1b[2Jbroken", big])
    listed = run(deadletter.app, "list", *where)
    assert "[red]quoted" in listed.output
    assert "2 letters: not_json 2" in listed.output
    rows = [json.loads(line) for line in run(deadletter.app, "list", "--format", "json", *where).output.splitlines()]
    assert [(r["id"], r["cut"], r["size"]) for r in rows] == [(small, False, 10), (large, True, len(big))]

    shown = run(deadletter.app, "show", small, "--out", str(tmp_path / "bytes"), *where)
    assert "\x1b" not in shown.output
    assert (tmp_path / "bytes").read_bytes() == b"\x1b[2Jbroken"

    raw = run(deadletter.app, "show", small, "--raw", "--by", "auditor", "--why", "a test", *where)
    assert raw.exit_code == 0, raw.output
    (told,) = [json.loads(value or b"") for _, _, _, _, value, _ in snapshot(kafka, [TP(prefix + "audit", 0)])]
    assert (told["what"], told["by"], told["of"]) == ("deadletter.raw", "auditor", [small])

    asked = run(deadletter.app, "requeue", "--reason", "not_json", *where)
    assert asked.exit_code == 1, "two originals are not sent without asking"
    sent = run(deadletter.app, "requeue", "--reason", "not_json", "--yes", "--by", "operator", *where)
    assert sent.exit_code == 0, sent.output
    assert "2 sent again" in sent.output
    twice = run(deadletter.app, "requeue", small, *where)
    assert twice.exit_code == 1
    assert "before" in twice.output
    unknown = run(deadletter.app, "requeue", "iot.telemetry/0/999", *where)
    assert unknown.exit_code == 1


def test_the_broker_of_a_directory_is_started_seen_and_stopped(broker_home: broker.BrokerSettings) -> None:
    where = ["--data", str(broker_home.data_dir), "--lang", "en"]
    started = run(kafka.app, "start", "--heap-mb", "256", *where)
    assert started.exit_code == 0, started.output
    running = broker.status(broker_home)
    assert running is not None
    assert running.bootstrap in started.output
    assert run(kafka.app, "status", *where).exit_code == 0
    settings = Settings(kafka_data=str(broker_home.data_dir))
    assert folders_of(settings, broker_of(settings))["kafka_data"] == broker_home.data_dir, "its disk is told of"
    assert "stopped" in run(kafka.app, "stop", *where).output
    assert run(kafka.app, "status", *where).exit_code == 1
