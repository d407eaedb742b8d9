"""A new user's road: from nothing to an incident on the topic, with no Python edited, while workers are killed."""

import json
import resource
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from running import INPUTS, Running, running, until
from typer.testing import CliRunner

from brain.cli import app
from brain.sets import digest
from streams.produce import Sender

pytestmark = pytest.mark.kafka

DEMO = Path(__file__).parents[2] / "config" / "demo"
ID = "eco.air.no2_high"
MACHINE_S = 120.0
"""CPU time of the whole road, worker included."""


def send(worker: Running, *values: float) -> None:
    now = int(time.time() * 1000)
    with Sender(worker.bootstrap, INPUTS, worker.prefix) as sender:
        for n, v in enumerate(values):
            body = {"asset": "air-01", "metric": "no2", "t": now + n, "v": v, "unit": "ug/m3"}
            sender.send("iot.telemetry", b"air-01", json.dumps(body).encode())
        sender.flush()


def found(worker: Running, topic: str) -> dict[str, Any]:
    """Newest revisions of the scenario's incidents, by id."""
    rows = {(k or b"").decode(): json.loads(v) for k, v, _ in worker.read(topic) if v}
    return {id_: i for id_, i in rows.items() if any(m["scenario"] == ID for m in i["members"])}


def backtested(worker: Running, file: str, report: Path) -> Any:
    """What the scenario would have done to what the broker has, once it has heard a pulse after it; else None."""
    do(worker, "scenario", "backtest", "--scenario", file, "--json", str(report))
    return next((s for s in json.loads(report.read_text())["scenarios"] if s["raises_candidate"]), None)


def reborn(worker: Running) -> None:
    """kill -9, and another worker."""
    assert worker.process is not None
    worker.process.kill()
    worker.process.wait(10)
    worker.start()


def spent() -> float:
    """CPU seconds of this process and of those that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def do(worker: Running, *words: str) -> str:
    """A verb, in this process: ten interpreters more would be half of the test's time."""
    answer = CliRunner().invoke(app, [*words, "--config", str(worker.config)])
    assert answer.exit_code == 0, answer.output + worker.log.read_text()[-2000:]
    return answer.stdout


@pytest.mark.long
def test_a_new_scenario_goes_from_draft_to_an_incident_and_replay_sees_each_promotion_at_its_place(
    kafka: str, prefix: str, tmp_path: Path
) -> None:
    shutil.copytree(DEMO, tmp_path / "sets" / "one")
    mine, proof = str(tmp_path / "no2.yaml"), tmp_path / "shadow.json"
    who = ("--by", "duty", "--why", "the road")
    begun = spent()
    with running(kafka, prefix, tmp_path, sets=str(tmp_path / "sets"), genesis="one") as worker:
        worker.start()
        do(worker, "scenario", "new", ID, "--type", "air", "--metric", "no2", "--file", mine)
        do(worker, "scenario", "lint", mine)
        do(worker, "scenario", "test", mine)
        send(worker, 1000.0, 1800.0, 1800.0, 1000.0)
        tried = until(lambda: backtested(worker, mine, tmp_path / "backtest.json"))
        assert (tried["id"], tried["lost"], tried["raises_candidate"]) == (ID, 0, 1)
        do(worker, "scenario", "promote", ID, "--to", "shadow", "--file", mine, *who)
        send(worker, 1000.0, 1800.0, 1800.0)
        hidden = until(lambda: found(worker, "incidents-shadow.eco"))
        assert not found(worker, "incidents.eco")
        proof.write_text(do(worker, "scenario", "shadow", ID, "--json", "--page", str(tmp_path / "page.html")))
        assert json.loads(proof.read_text())["only_shadow"] == list(hidden)
        do(worker, "scenario", "promote", ID, "--to", "live", "--evidence", str(proof), *who)
        reborn(worker)
        time.sleep(2.5)  # the pulse after the one that named the set ends what stood in shadow
        send(worker, 1000.0, 1800.0, 1800.0)
        (shown,) = until(lambda: found(worker, "incidents.eco")).values()
        assert shown["set"] == digest(tmp_path / "sets" / "one-3")
        do(worker, "scenario", "rollback", ID, *who)
        reborn(worker)
        until(lambda: all(i["cleared"] for i in found(worker, "incidents.eco").values()))
        notes = [json.loads(v) for _, v, _ in worker.read("audit") if v and b'"scenario.' in v]
        assert [(n["what"], n["from"], n["to"], n["by"]) for n in notes] == [
            ("scenario.promoted", "draft", "shadow", "duty"), ("scenario.promoted", "shadow", "live", "duty"),
            ("scenario.rolled_back", "live", "shadow", "duty"),
        ]  # fmt: skip
        assert notes[1]["evidence"].startswith("sha256:")
        assert worker.stop() == 0

        bundle = tmp_path / "bundle.ndjson.gz"
        do(worker, "record", str(bundle))
        do(worker, "replay", str(bundle), "--out", str(tmp_path / "out"))
        for family in ("incidents", "incidents-shadow"):
            lines = (tmp_path / "out" / f"{family}.ndjson").read_text().splitlines()
            again = {i["id"]: i for i in map(json.loads, lines)}
            live = found(worker, f"{family}.eco")
            assert {id_: again[id_]["members"] for id_ in live} == {id_: i["members"] for id_, i in live.items()}
    assert spent() - begun < MACHINE_S
