"""Agents of a set on a real broker: from a reading to an incident that names them, and one that dies on a row."""

from __future__ import annotations

import json
import os
import shutil
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from agent_rig import LANE, STEPS
from prometheus_client.parser import text_string_to_metric_families
from running import INPUTS, Running, running, until

from streams.deadletter import list_dead
from streams.produce import Sender

pytestmark = pytest.mark.kafka

DEMO = Path(__file__).parents[2] / "config" / "demo"
STEPPER = "emergency.flood.steps"
FATAL = 6.66
"""A level at which the tests' own agent ends the process that it runs in."""
CHOSEN = (DEMO / "agents.yaml").read_text("utf-8") + f"  - {{id: {STEPPER}, version: 1}}\n"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with an agent, as pip would put it there; answers a folder of sets whose ``one`` is the demo's with
    this agent beside those that it is shipped with."""
    site, sets = tmp_path / "site", tmp_path / "sets"
    (site / "levels").mkdir(parents=True)
    (site / "levels" / "__init__.py").write_text("")
    (site / "levels" / "agent.yaml").write_text(LANE)
    (site / "levels" / "agent.py").write_text(STEPS.replace("FAULT", f"if (v == {FATAL}).any(): os._exit(3)"))
    info = site / "levels-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: levels\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[city_brain.agents]\nlevels = levels\n")
    path = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))
    shutil.copytree(DEMO, sets / "one")
    (sets / "one" / "agents.yaml").write_text(CHOSEN, encoding="utf-8")
    return sets


def send(worker: Running, asset: str, metric: str, *values: float, **place: float) -> None:
    now = int(time.time() * 1000)
    with Sender(worker.bootstrap, INPUTS, worker.prefix) as sender:
        for n, v in enumerate(values):
            body = {"asset": asset, "metric": metric, "t": now + n, "v": v, **place}
            sender.send("iot.telemetry", asset.encode(), json.dumps(body).encode())
        sender.flush()


def members(worker: Running, topic: str, scenario: str) -> list[dict[str, Any]]:
    """Of a scenario or an agent's event, in the newest revisions of a topic's incidents."""
    newest = {key: json.loads(value) for key, value, _ in worker.read(topic) if value}
    return [m for incident in newest.values() for m in incident["members"] if m["scenario"] == scenario]


def asked(worker: Running, path: str) -> str:
    """What the health port of the worker that was started last says; empty while it does not."""
    ports = [said["health"] for said in worker.said() if "health" in said]
    try:
        return str(urllib.request.urlopen(ports[-1].replace("/health/ready", path), timeout=3).read().decode())
    except (OSError, IndexError):
        return ""


def metric(worker: Running, name: str, **labels: str) -> float:
    """A sample of the worker's metrics; 0 where there is none."""
    return sum(
        sample.value for family in text_string_to_metric_families(asked(worker, "/metrics"))
        for sample in family.samples if sample.name == name and labels.items() <= sample.labels.items()
    )  # fmt: skip


@pytest.mark.long
def test_an_agents_signal_is_an_incident_with_its_name_and_one_that_dies_costs_its_rows_until_it_is_stopped(
    kafka: str, prefix: str, tmp_path: Path, installed: Path
) -> None:
    with running(kafka, prefix, tmp_path, sets=str(installed), genesis="one") as worker:
        worker.start()
        send(worker, "tanker-01", "speed", 40.0, 104.0, lon=113.47, lat=22.214)
        (fast,) = until(lambda: members(worker, "incidents.emergency", "emergency.hazmat.vehicle.speed"))
        assert (fast["asset"], fast["version"], fast["level"], fast["facts"]) == ("tanker-01", 1, 3, {"speed_kmh": 104})

        send(worker, "wl-01", "water_level", 11.0, FATAL, 11.5, 1.0)
        (step,) = until(lambda: [m for m in members(worker, "incidents.emergency", STEPPER) if m.get("cleared")])
        assert (step["asset"], step["version"], step["level"]) == ("wl-01", 1, 2)
        assert step["facts"]["mean"] == pytest.approx(11.0)  # the state of the row that died is as before it
        (letter,) = list_dead(kafka, stage="agent", prefix=prefix)
        assert letter.reason == "agent_failed"
        assert letter.detail == f"agent {STEPPER}@1: died: it ended the process that it ran in"
        until(lambda: f"agents: {STEPPER} failed 1 times" in asked(worker, "/health/ready"))
        assert metric(worker, "brain_agent_errors_total", agent=STEPPER, kind="died") == 1
        assert metric(worker, "brain_agent_stopped", agent=STEPPER) == 0

        send(worker, "wl-01", "water_level", *[FATAL] * 4, 11.0, FATAL, 1.0, 1.0)
        (told,) = until(lambda: members(worker, "incidents.public", "system.agent_failed"))
        assert (told["asset"], told["text"]) == (STEPPER, f"{STEPPER}@1 failed at 5 rows within 10 minutes")
        until(lambda: f"agents: {STEPPER} is stopped after 5 failures" in asked(worker, "/health/ready"))
        assert metric(worker, "brain_agent_stopped", agent=STEPPER) == 1

        # The partition goes on: its scenario saw every row, those that the agent died at as well.
        high = "emergency.flood.water_level_high"
        until(lambda: [m for m in members(worker, "incidents.emergency", high) if m.get("cleared")])
        assert len(list_dead(kafka, stage="agent", prefix=prefix)) == 5
        assert worker.stop() == 0

        worker.start()  # that it is stopped is state
        until(lambda: f"agents: {STEPPER} is stopped" in asked(worker, "/health/ready"))
        assert metric(worker, "brain_agent_errors_total", agent=STEPPER) == 0
        assert len(members(worker, "incidents.public", "system.agent_failed")) == 1
        assert worker.stop() == 0


@pytest.mark.long  # an agent of the city judges whole minutes of the wall's clock
def test_the_demos_leak_gets_its_ground_by_the_wind_within_two_minutes(kafka: str, prefix: str, tmp_path: Path) -> None:
    with running(kafka, prefix, tmp_path, sets=str(DEMO.parent), genesis="demo") as worker:
        worker.start()
        send(worker, "wind-01", "wind_speed", 2.2)
        send(worker, "wind-01", "wind_direction", 84.0)
        send(worker, "gas-01", "gas", 60.0)
        (plume,) = until(lambda: members(worker, "incidents.emergency", "emergency.gas.plume"), 150.0)
        assert (plume["asset"], plume["version"], plume["level"]) == ("gas-01", 2, 4)
        assert (plume["facts"]["model"], plume["facts"]["wind_from"]) == ("plume", 84)
        assert len(plume["footprint"][0]) > 20
        leak = members(worker, "incidents.emergency", "emergency.gas.sensor")
        assert [m["asset"] for m in leak] == ["gas-01"]
        assert worker.stop() == 0
