"""Every panel and every alert asks for something that a running brain has: a real Prometheus scrapes it and answers."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from operations import FOLDER, Query, alerts, asked, panels
from running import INPUTS, Running, running, until
from scraper import PROMETHEUS, Prometheus, free_port, prometheus

from streams.produce import Sender

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is not installed (Debian: apt install prometheus)"),
]

DEMO = Path(__file__).parents[2] / "config" / "demo"
AGENTS = "version: 1\nagents:\n  - {id: emergency.crowd.site, version: 1}\n"


def send(worker: Running, n: int) -> None:
    """Readings and a frame that are worked, one of an unknown asset, and one that raises."""
    now = int(time.time() * 1000)
    with Sender(worker.bootstrap, INPUTS, worker.prefix) as sender:
        for k in range(n):
            for asset in ("gas-01", "gas-02", "nobody"):
                value = 60.0 if asset == "gas-01" else 1.0
                body = {"asset": asset, "metric": "gas", "t": now + k, "v": value, "unit": "%LEL"}
                sender.send("iot.telemetry", asset.encode(), json.dumps(body).encode())
        sender.flush()


def without_answer(found: Prometheus, queries: Sequence[Query]) -> list[str]:
    """Those that say nothing. A screen that is well has no answers of 5xx: that alert is asked for all its answers."""

    def expr(q: Query) -> str:
        return q.expr.replace("$__rate_interval", "10s").replace('status=~"5.."', 'status=~"..."')

    return [f"{q.where}: {q.expr}" for q in queries if not found.query(expr(q))]


def test_every_panel_and_every_alert_is_answered_by_a_prometheus_that_scrapes_a_running_brain(
    kafka: str, prefix: str, tmp_path: Path
) -> None:
    shutil.copytree(DEMO, tmp_path / "sets" / "one")
    (tmp_path / "sets" / "one" / "agents.yaml").write_text(AGENTS)
    whom = tmp_path / "notify.yaml"
    whom.write_text(yaml.safe_dump({
        "version": 1, "language": "zh", "units": {"*": ["duty"]}, "rules": [{"life": True, "to": ["duty"]}],
        "escalation": [["duty"]], "targets": {"duty": {"adapter": "log"}},
    }))  # fmt: skip
    jobs = {"worker": free_port(), "notify": free_port(), "screen": free_port()}
    given = {"sets": str(tmp_path / "sets"), "genesis": "one", "health_port": jobs["worker"]}
    with running(kafka, prefix, tmp_path, **given) as worker:
        worker.start()
        command = [sys.executable, "-m", "brain", "notify", str(whom), "--config", str(worker.config)]
        with (tmp_path / "notify.log").open("wb") as log:
            telling = subprocess.Popen([*command, "--health-port", str(jobs["notify"])], stdout=log, stderr=log)
        command = [sys.executable, "-m", "brain", "screen", "--demo", "--config", str(worker.config)]
        with (tmp_path / "screen.log").open("wb") as log:
            showing = subprocess.Popen([*command, "--port", str(jobs["screen"])], stdout=log, stderr=log)
        try:
            with prometheus(tmp_path, jobs, FOLDER / "alerts.yaml") as found:
                until(lambda: worker.process.poll() is not None or found.query('brain_ready{job="worker"} == 1'))
                queries = [*panels(), *map(asked, alerts())]
                assert len(queries) > 50

                def answered() -> bool:
                    send(worker, 5)
                    return not without_answer(found, queries)

                try:
                    until(answered, 30.0)
                except AssertionError:
                    silent = without_answer(found, queries)
                    raise AssertionError("\n".join([*silent, worker.log.read_text()[-1000:]])) from None
                firing = {a["labels"]["alertname"] for a in found.ask("alerts")["alerts"] if a["state"] == "firing"}
                assert firing <= {"DeadLetters"}
        finally:
            for process in (telling, showing):
                process.terminate()
            for process in (telling, showing):
                process.wait(20)
        assert worker.stop() == 0
