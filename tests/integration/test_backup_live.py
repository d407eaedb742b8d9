"""A brain that moves to another prefix or broker: what it says afterwards is what it would have said had it stayed."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import msgspec
import pytest
from click.testing import Result
from kafka.admin import KafkaAdminClient
from rich.console import Console
from running import INPUTS, Running, running, until
from typer.testing import CliRunner

from brain.audit import Audit
from brain.cli import app
from brain.pipeline import replay_settings
from brain.settings import load
from streams import admin, broker, bundle
from streams.backup_files import Manifest, read_manifest
from streams.produce import Sender
from streams.records import SIGNAL_TYPE, TP
from streams.replay import replay
from streams.seal import TOOL_KEY
from streams.tailing import snapshot

pytestmark = pytest.mark.kafka

PARTITIONS = {**INPUTS, "feedback": 1, "warnings": 1}


def gas(worker: Running, asset: str, *values: float) -> None:
    """Readings a second apart, the last one now."""
    now = int(time.time() * 1000) - 1000 * len(values)
    with Sender(worker.bootstrap, INPUTS, worker.prefix) as sender:
        for n, v in enumerate(values, 1):
            body = {"asset": asset, "metric": "gas", "t": now + 1000 * n, "v": v, "unit": "%LEL"}
            sender.send("iot.telemetry", asset.encode(), json.dumps(body).encode())
        sender.flush()


def incidents(worker: Running) -> dict[bytes, bytes]:
    newest: dict[bytes, bytes] = {}
    for domain in ("emergency", "market", "eco", "social", "public", "economy"):
        newest |= {k: v for k, v, _ in worker.read(f"incidents.{domain}") if k and v}
    return newest


def of_gas(worker: Running) -> list[dict[str, object]]:
    return [i for i in map(json.loads, incidents(worker).values()) if "gas" in json.dumps(i["members"])]


def never_moved(old: Running, new: Running, manifest: Manifest) -> dict[bytes, bytes]:
    """Incidents of a replay over the old logs and, at the offsets that follow, the new ones: as if it were one log."""
    starts = {(part.topic, part.partition): part.start for part in manifest.parts}
    lines = []
    for topic, n in PARTITIONS.items():
        for p in range(n):
            here, base = TP(old.prefix + topic, p), starts[topic, p]
            lines += [
                bundle.Line.of(here, offset, *rest)
                for _, offset, *rest in snapshot(old.bootstrap, [here]) if offset < base
            ]  # fmt: skip
            lines += [
                bundle.Line.of(here, offset + base, *rest)
                for _, offset, *rest in snapshot(new.bootstrap, [TP(new.prefix + topic, p)])
            ]
    journal = TP(old.prefix + "journal", 0)
    for worker in (old, new):
        for _, offset, at, key, value, headers in snapshot(worker.bootstrap, [TP(worker.prefix + "journal", 0)]):
            same = (value or b"").replace(new.prefix.encode(), old.prefix.encode())
            lines.append(bundle.Line.of(journal, offset, at, key, same, headers))
    result = replay(lines, replay_settings(load(old.config)))
    return {msgspec.json.decode(raw)["id"].encode(): raw for raw in result.incidents}


def command(worker: Running, *words: str) -> Result:
    """A verb with the worker's settings, in this process: it starts no interpreter of its own."""
    return CliRunner().invoke(app, [*words, "--config", str(worker.config), "--lang", "en"])


def kinds(worker: Running) -> set[str]:
    return {json.loads(v or b"{}")["kind"] for p in (0, 1) for _, v, h in worker.read("signals.iot.telemetry", p)
            if h.get("ce_type") == SIGNAL_TYPE}  # fmt: skip


def fed(worker: Running, rounds: int, stop: Event) -> None:
    """Alarms that rise and clear, four times a second, until told to stop."""
    for n in range(rounds):
        if stop.wait(0.25):
            return
        gas(worker, f"gas-{n % 2 + 1:02d}", 60.0 + n % 7 if n % 5 else 1.0)


def runs_on(old: Running, new: Running, folder: Path) -> None:
    """Backup of the old while it works, and further input to the new: held against one that stayed with that input."""
    old.start()
    until(lambda: old.read("signals.feedback"))
    gas(old, "gas-01", 60.0, 61.0)
    until(lambda: of_gas(old))
    over = Event()
    with ThreadPoolExecutor(1) as pool:
        feed = pool.submit(fed, old, 1000, over)
        time.sleep(3.0)
        taken = command(old, "backup", str(folder / "taken"), "--running")
        time.sleep(3.0)
        over.set()
        feed.result(30)
    assert taken.exit_code == 0, taken.output
    assert old.stop() == 0
    manifest, _ = read_manifest(folder / "taken")
    assert manifest.pulse > 0
    put = command(new, "restore", str(folder / "taken"), "--by", "duty")
    assert put.exit_code == 0, put.output
    kept = incidents(new)
    assert kept
    assert kept != incidents(old), "the old one went on"

    new.start()
    gas(new, "gas-03", 60.0, 61.0)
    gas(new, "gas-01", 70.0, 1.0, 1.0, 1.0)
    until(lambda: [i for i in of_gas(new) if "gas-03" in json.dumps(i["members"])])
    time.sleep(5.0)
    assert new.stop() == 0, new.log.read_text()[-3000:]
    assert incidents(new) == never_moved(old, new, manifest)
    audit = Audit(new.bootstrap, new.prefix, list(PARTITIONS), "en", "table", Console(stderr=True))
    audit.run(from_beginning=True, until_end=True)
    assert not audit.broken
    assert audit.auditor.totals.findings.total() == 0


def moves(old: Running, new: Running, folder: Path) -> None:
    """Backup of the old, restore into the new, further input, and what came of it held against one that stayed."""
    old.start()
    until(lambda: old.read("signals.feedback"))
    gas(old, "gas-01", 60.0, 61.0)
    (before,) = until(lambda: of_gas(old))
    refused = command(old, "backup", str(folder / "running"))
    said = " ".join(refused.output.split())
    assert refused.exit_code == 1, said
    assert "grew while it was read" in said or "transaction is open on" in said, said
    assert not (folder / "running" / "manifest.json").exists()
    assert old.stop() == 0
    gas(old, "gas-01", 62.0, 63.0)  # not read before the move

    taken = command(old, "backup", str(folder / "taken"))
    assert taken.exit_code == 0, taken.output
    for _ in range(2):
        put = command(new, "restore", str(folder / "taken"), "--by", "duty")
        assert (put.exit_code, "empty topics only" in put.output) in {(0, False), (1, True)}, put.output
    manifest, digest = read_manifest(folder / "taken")
    assert [digest.encode() in (v or b"") for k, v, _ in new.read("audit") if k == TOOL_KEY] == [True]
    kept = incidents(new)
    assert kept == incidents(old)

    new.start()
    gas(new, "gas-02", 60.0, 61.0)
    gas(new, "gas-01", 70.0, 1.0, 1.0, 1.0)
    until(lambda: "clear" in kinds(new))
    time.sleep(4.0)  # beyond the bound of fold order, so that the clear is folded
    assert new.stop() == 0, new.log.read_text()[-3000:]

    after = incidents(new)
    assert kept.keys() < after.keys(), "the first goes on, the second is new"
    (gone_on,) = [i for i in of_gas(new) if i["id"] == before["id"]]
    assert gone_on != before
    assert after == never_moved(old, new, manifest)
    audit = Audit(new.bootstrap, new.prefix, list(PARTITIONS), "en", "table", Console(stderr=True))
    audit.run(from_beginning=True, until_end=True)
    assert not audit.broken
    assert audit.auditor.totals.findings.total() == 0


def test_a_brain_restored_under_another_prefix_goes_on_as_if_it_had_never_moved(
    kafka: str, prefix: str, tmp_path: Path
) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    with running(kafka, prefix, tmp_path / "old") as old, running(kafka, prefix + "b.", tmp_path / "new") as new:
        moves(old, new, tmp_path)


@pytest.mark.long
def test_of_a_brain_that_runs_on_a_backup_is_taken_as_of_one_pulse(kafka: str, prefix: str, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    with running(kafka, prefix, tmp_path / "old") as old, running(kafka, prefix + "b.", tmp_path / "new") as new:
        runs_on(old, new, tmp_path)


@pytest.mark.long
def test_a_brain_restored_on_another_broker_goes_on_as_if_it_had_never_moved(
    kafka: str, prefix: str, broker_home: broker.BrokerSettings, tmp_path: Path
) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    other = broker.start(broker_home).bootstrap
    with running(kafka, prefix, tmp_path / "old") as old, running(other, prefix, tmp_path / "new") as new:
        assert new.bootstrap != old.bootstrap
        client = KafkaAdminClient(bootstrap_servers=other)
        client.delete_topics(admin.names(other))  # the restore makes them
        client.close()
        moves(old, new, tmp_path)
