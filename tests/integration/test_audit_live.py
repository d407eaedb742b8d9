"""The auditor on a real broker: behind a real worker, and as `brain audit`."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from running import until
from typer.testing import CliRunner

from brain import cli
from brain.settings import Settings
from streams import admin, audit_task, topics
from streams.audit import Finding, Kind, Totals
from streams.kafka.connect import Cluster, KafkaSettings
from streams.lane_parts import Head, LaneTopics
from streams.produce import Sender
from streams.records import CE_TYPE, SEAL_TYPE, Headers, Seal
from streams.seal import Digest, seal_key
from streams.state import HEAD
from streams.tailing import follow

pytestmark = pytest.mark.kafka

PARTITIONS = Settings().partitions
SEAL: Headers = ((CE_TYPE, SEAL_TYPE),)


class Worker:
    """`brain worker` as a process, and what its health port says."""

    def __init__(self, bootstrap: str, prefix: str, log: Path) -> None:
        command = [sys.executable, "-m", "brain", "worker", "--bootstrap", bootstrap, "--prefix", prefix]
        self.log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out)

    def get(self, path: str) -> str:
        found = re.search(r"http://127\.0\.0\.1:\d+", self.log.read_text(errors="replace"))
        if found is None:
            return ""
        try:
            with urllib.request.urlopen(found[0] + path, timeout=3) as answer:
                return str(answer.read().decode())
        except (urllib.error.URLError, OSError):
            return ""

    def metric(self, name: str) -> float:
        return sum(float(v) for v in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", self.get("/metrics"), re.MULTILINE))


@contextmanager
def worker(bootstrap: str, prefix: str, log: Path) -> Iterator[Worker]:
    running = Worker(bootstrap, prefix, log)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait(10)


def audit(bootstrap: str, prefix: str, *more: str) -> tuple[int, list[dict[str, Any]], dict[str, Any]]:
    """Exit code, findings, summary of `brain audit --format json`."""
    where = ["audit", "--bootstrap", bootstrap, "--prefix", prefix, "--format", "json", *more]
    ended = CliRunner().invoke(cli.app, where)
    lines = [json.loads(line) for line in ended.output.splitlines()]
    return ended.exit_code, lines[:-1], lines[-1]["summary"]


def follow_along(bootstrap: str, prefix: str) -> subprocess.Popen[bytes]:
    """`brain audit --follow` as a process of its own."""
    where = ["--bootstrap", bootstrap, "--prefix", prefix, "--format", "json"]
    return subprocess.Popen([sys.executable, "-m", "brain", "audit", "--follow", *where], stdout=subprocess.PIPE)


@contextmanager
def producer(bootstrap: str, transactional_id: str | None = None) -> Iterator[Any]:
    from kafka import KafkaProducer

    made = KafkaProducer(bootstrap_servers=bootstrap, transactional_id=transactional_id, allow_auto_create_topics=False)
    try:
        if transactional_id is not None:
            made.init_transactions()
        yield made
    finally:
        made.close(timeout=5)


def readings(bootstrap: str, prefix: str, values: dict[str, float]) -> None:
    now = int(time.time() * 1000)
    with Sender(bootstrap, PARTITIONS, prefix) as sender:
        for asset, v in values.items():
            metric = asset.partition("-")[0]
            body = msgspec.json.encode({"asset": asset, "metric": metric, "t": now, "v": v})
            sender.send("iot.telemetry", asset.encode(), body)
            sender.send("iot.telemetry", asset.encode(), b"{broken")
            sender.send("hotline.tickets", b"x", b"broken too")
        sender.flush()


def settled(bootstrap: str, prefix: str) -> set[str]:
    """Provisional ids that incidents name."""
    out: set[str] = set()
    for r in follow(bootstrap, [prefix + "incidents.emergency"], from_beginning=True, until_end=True):
        out |= set(json.loads(r.value or b"{}").get("provisional", ()))
    return out


@pytest.mark.long
def test_a_strangers_record_among_the_signals_is_found_by_the_worker_and_by_brain_audit(
    kafka: str, prefix: str, tmp_path: Path
) -> None:
    admin.ensure(kafka, topics.catalogue(PARTITIONS, prefix))
    with worker(kafka, prefix, tmp_path / "first.log") as first:
        assert until(lambda: "tasks" in first.get("/health/ready") and first.metric("brain_flushes_total") > 20)
        readings(kafka, prefix, {"smoke-01": 9.0, "gas-01": 30.0})
        assert until(lambda: len(settled(kafka, prefix)) == 2 and first.metric("brain_dead_letters_total") == 4)
        time.sleep(1.0)  # the dead letters are flushed
        code, found, summary = audit(kafka, prefix)
        assert (code, found) == (0, [])
        assert (summary["alarms"], summary["overdue"], summary["unverified"]) == (2, 0, 0)
        assert summary["records"] >= 2 + 2 + 4, "signals, alarms, and dead letters of two inputs"
        assert until(lambda: first.metric("brain_audit_records_total") >= summary["records"])
        assert first.metric("brain_audit_findings_total") == 0
        first.process.kill()
    with worker(kafka, prefix, tmp_path / "second.log") as second:
        assert until(lambda: second.metric("brain_audit_records_total") >= summary["records"])
        readings(kafka, prefix, {"smoke-02": 9.0})
        assert until(lambda: len(settled(kafka, prefix)) == 3), second.log.read_text()
        along = follow_along(kafka, prefix)
        time.sleep(8.0)  # it reads along from somewhere in the middle, and finds nothing in that
        # By now the second worker has held the heads that the first one left against its seals.
        assert second.metric("brain_audit_findings_total") == 0, second.log.read_text()
        with producer(kafka) as stranger:
            forged = stranger.send(prefix + "signals.iot.telemetry", b"forged", partition=0).get(10)
        assert until(lambda: second.metric("brain_audit_findings_total") == 1)
        assert second.metric("brain_audit_failures_total") == 0
        assert "audit: 1 findings" in second.get("/health/ready")
        (line,) = [json.loads(w) for w in second.log.read_text().splitlines() if '"audit finding"' in w]
        assert (line["kind"], line["about"]) == ("torn", prefix + "iot.telemetry/0")
        code, (finding,), summary = audit(kafka, prefix)
        time.sleep(1.0)
        along.send_signal(signal.SIGINT)
        told = [json.loads(line) for line in along.communicate(timeout=30)[0].splitlines()]
    assert along.returncode == 1
    assert [t.get("finding", "summary") for t in told] == ["torn", "summary"]
    assert told[0]["offset"] == finding["offset"]
    assert code == 1
    assert (finding["finding"], finding["topic"], finding["partition"]) == ("torn", prefix + "signals.iot.telemetry", 0)
    assert finding["since"] <= forged.offset < finding["offset"]
    assert summary["findings"] == {"torn": 1}

    shown = CliRunner().invoke(cli.app, ["audit", "--bootstrap", kafka, "--prefix", prefix])
    assert shown.exit_code == 1
    assert "批次残缺" in shown.output

    lane = LaneTopics.of("iot.telemetry", 1, prefix)
    with producer(kafka) as stranger:
        minute_ago = int(time.time() * 1000) - 60_000
        stranger.send(lane.alarms.topic, b"{}", b"nobody's", partition=1, timestamp_ms=minute_ago).get(10)
        head = Head(flush=1 << 30, seals={str(lane.signals): "a seal that was lost"})
        stranger.send(lane.state.topic, msgspec.json.encode(head), HEAD, partition=1).get(10)
    code, found, summary = audit(kafka, prefix)
    assert code == 1
    assert sorted(f["finding"] for f in found) == ["lost_tail", "overdue_alarm", "torn", "unsealed"]
    assert summary["overdue"] == 1


def test_two_open_transactions_that_interleave_in_one_partition_are_told_apart(kafka: str, prefix: str) -> None:
    admin.ensure(kafka, topics.catalogue(PARTITIONS, prefix))
    lanes = [LaneTopics.of(name, 0, prefix) for name in ("iot.telemetry", "hotline.tickets")]
    with producer(kafka, prefix + "a") as one, producer(kafka, prefix + "b") as two:
        digests = [Digest(), Digest()]
        for writer in (one, two):
            writer.begin_transaction()
        for n in range(3):
            for writer, lane, digest in zip((one, two), lanes, digests, strict=True):
                key, value = f"{lane.source}/{n}".encode(), b"%d" % n
                digest.add(key, value)
                writer.send(lane.dead.topic, value, key, partition=0).get(10)
        for writer, lane, digest in zip((one, two), lanes, digests, strict=True):
            seal = Seal(1, 3, "", "")
            seal.digest = digest.sealed(seal)
            key = seal_key(str(lane.source))
            writer.send(lane.dead.topic, msgspec.json.encode(seal), key, partition=0, headers=list(SEAL)).get(10)
        one.commit_transaction()
        half = audit(kafka, prefix)
        two.commit_transaction()
    code, found, summary = audit(kafka, prefix)
    seen = list(follow(kafka, [lanes[0].dead.topic], from_beginning=True, until_end=True))
    names = [(s.key or b"").rpartition(b"/")[0].decode() for s in seen[:4]]
    assert names == [str(lane.source) for lane in (*lanes, *lanes)], "they do interleave"
    assert (half[0], half[1], half[2]["seals"]) == (0, [], 0), "what is below an open transaction is not judged yet"
    assert (code, found, summary["seals"], summary["records"]) == (0, [], 2, 6)


def test_an_audit_of_a_prefix_that_nobody_uses_says_that_nothing_was_read(kafka: str) -> None:
    shown = CliRunner().invoke(cli.app, ["audit", "--bootstrap", kafka, "--prefix", "nobody.", "--lang", "en"])
    assert shown.exit_code == 0
    assert "not one seal was read" in shown.output
    gone = CliRunner().invoke(cli.app, ["audit", "--bootstrap", "127.0.0.1:9", "--prefix", "nobody."])
    assert gone.exit_code == 2


class Told:
    """What an auditor says."""

    def __init__(self) -> None:
        self.totals, self.found, self.failures = Totals(), list[Finding](), 0

    def audit(self, totals: Totals, found: Sequence[Finding]) -> None:
        self.totals = totals
        self.found += found

    def audit_failed(self) -> None:
        self.failures += 1


async def test_an_auditor_that_cannot_read_says_so_and_begins_when_it_can(
    kafka: str, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_task, "AGAIN_S", 0.2)
    lanes = [LaneTopics.of("iot.telemetry", p, prefix) for p in range(PARTITIONS["iot.telemetry"])]
    cluster, told = Cluster(KafkaSettings(kafka, request_timeout=1.0)), Told()
    await cluster.start()
    task = audit_task.AuditTask(cluster, lanes, prefix, None, told, lambda: int(time.time() * 1000))
    running = asyncio.create_task(task.run())
    try:
        assert await asyncio.to_thread(until, lambda: told.failures)
        await asyncio.to_thread(admin.ensure, kafka, topics.catalogue(PARTITIONS, prefix))
        with producer(kafka) as stranger:
            for n in range(3):
                stranger.send(lanes[0].dead.topic, b"x", b"nobody/0/%d" % n, partition=0).get(10)
        assert await asyncio.to_thread(until, lambda: len(told.found) >= 3)
        assert {f.kind for f in told.found} == {Kind.FOREIGN}
        own = {t for lane in lanes for t in (lane.signals, lane.shadow, lane.alarms, lane.dead, lane.audit)}
        assert told.totals.partitions == len(own) + 1
    finally:
        task.stop = True
        await running
        await cluster.stop()
