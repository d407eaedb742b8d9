"""Agents as part of a set: agents.yaml, packages outside the tree, and a city's agents in the whole pipeline."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from agent_rig import LANE, steps, with_agents, write
from lane_rig import HIGH

from brain import standards
from brain.agent_kit import cases, find, host, meters
from brain.agent_kit.manifest import AgentError
from brain.drill.recorded import Place, events
from brain.incidents.city import CityLogic
from brain.pipeline import lanes
from brain.sets import CitySet, digest
from brain.settings import Settings
from streams import bundle
from streams.progress import Progress
from streams.replay import Replayed, ReplaySettings, replay

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "examples" / "agent_package"
CHOICE = "{id: emergency.hazmat.vehicle, version: 1, params: {limit_kmh: 70}}"


def folder_of(at: Path, agents: str, **more: Any) -> Path:
    at.mkdir()
    (at / "scenarios").mkdir()
    grid = {"type": "Polygon", "coordinates": [[[113, 22], [114, 22], [114, 23], [113, 23], [113, 22]]]}
    properties = {"layer": "grid", "code": "g1", "town": "t1", "district": "d1"}
    feature = {"type": "Feature", "properties": properties, "geometry": grid}
    (at / "map.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")
    truck = {"id": "h1", "type": "hazmat_vehicle", "lon": 113.5, "lat": 22.5,
             "metrics": {"speed": {"unit": "km/h", "range": [0, 200]}}}  # fmt: skip
    bridge = {"id": "b1", "type": "bridge", "lon": 113.5, "lat": 22.5,
              "metrics": {"sway": {"unit": "mm", "range": [0, 900]}}}  # fmt: skip
    lines = "\n".join(json.dumps({**asset, **more}) for asset in (truck, bridge))
    (at / "assets.ndjson").write_text(lines, encoding="utf-8")
    (at / "agents.yaml").write_text(f"version: 1\nagents:\n  - {agents}\n", encoding="utf-8")
    return at


def test_agents_are_part_of_a_set_and_of_its_hash(tmp_path: Path) -> None:
    one = folder_of(tmp_path / "one", CHOICE)
    other = folder_of(tmp_path / "other", CHOICE.replace("70", "60"))
    assert digest(one) != digest(other)
    agent = CitySet.load(one).agents[0]
    assert (agent.id, agent.params["limit_kmh"], agent.params["stop_s"]) == ("emergency.hazmat.vehicle", 70, 180)


@pytest.mark.parametrize(
    ("agents", "says"),
    [
        ("{id: emergency.hazmat.vehicel, version: 1}", "did you mean 'emergency.hazmat.vehicle'"),
        ("{id: emergency.hazmat.vehicle, version: 7}", "installed in version 1, the set names 7"),
        ("{id: emergency.hazmat.vehicle, version: 1, params: {limit_kmh: 700}}", "limit_kmh: expected 20 to 120"),
        ("{id: emergency.hazmat.vehicle, version: 1, params: {limit: 70}}", "has no such param"),
        ("{id: emergency.hazmat.vehicle, version: 1, params: {limit_kmh: fast}}", "expected a number, got 'fast'"),
        ("{id: emergency.hazmat.vehicle, version: 1, mode: x}", "unknown field"),
        ("{id: emergency.gas.plume, version: 2}", "no asset of these types"),
        (CHOICE + "\n  - " + CHOICE, "is there already"),
    ],
)
def test_a_set_with_an_agent_that_cannot_be_is_refused_with_the_place(tmp_path: Path, agents: str, says: str) -> None:
    with pytest.raises(AgentError, match=r"agents\.yaml") as error:
        CitySet.load(folder_of(tmp_path / "set", agents))
    assert says in str(error.value)


RUN = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from brain.commands.agent import list_
from test_agent_sets import run_readings
from brain.sets import CitySet
list_()
found = run_readings(CitySet.load(Path(sys.argv[1])), [("b1", "sway", 30, 55.0), ("b1", "sway", 60, 1.0)])
print(found.incidents)
"""


def test_an_agent_of_another_package_is_found_by_its_entry_point_and_run(tmp_path: Path) -> None:
    """Installed without a network and without a build: what pip would put there, put there."""
    site = tmp_path / "site"
    shutil.copytree(PACKAGE / "bridges", site / "bridges")
    info = site / "bridges-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bridges\nVersion: 0.1.0\n", encoding="utf-8")
    entry = (PACKAGE / "pyproject.toml").read_text(encoding="utf-8").split('entry-points."city_brain.agents"]\n')[1]
    named = entry.splitlines()[0].replace('"', "")
    (info / "entry_points.txt").write_text(f"[city_brain.agents]\n{named}\n", encoding="utf-8")
    at = folder_of(tmp_path / "set", "{id: emergency.bridge.sway, version: 1}")
    came = subprocess.run(
        [sys.executable, "-c", RUN, str(at), str(Path(__file__).parent)], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(site), str(ROOT / "tests" / "support")))},
    )  # fmt: skip
    assert came.returncode == 0, came.stderr
    assert "emergency.bridge.sway\n    lane · 1 · 桥梁科" in came.stdout
    assert '"scenario":"emergency.bridge.sway"' in came.stdout
    assert '"over":45' in came.stdout


def run_readings(content: CitySet, readings: list[tuple[str, str, float, float]], until: float = 200) -> Replayed:
    start = cases.START
    return run_laid(content, [
        ("iot.telemetry", 0, asset.encode(),
         msgspec.json.encode({"asset": asset, "metric": metric, "t": start + round(at * 1000), "v": v}),
         start + round(at * 1000))
        for asset, metric, at, v in readings
    ], until)  # fmt: skip


def run_laid(content: CitySet, laid: list[tuple[str, int, bytes, bytes, int]], until: float) -> Replayed:
    start, settings = cases.START, Settings()
    lines = bundle.on_grid(
        laid, {"iot.telemetry": 1}, settings.key(), content.id, start + round(until * 1000)
    )  # fmt: skip
    return replay(lines, ReplaySettings(
        lanes=lanes(settings), city=lambda: CityLogic(sets=lambda _: content), sets=lambda _: content,
        genesis=content.id, key=settings.key(), partitions={"iot.telemetry": 1},
    ))  # fmt: skip


def test_a_gas_leak_is_an_incident_with_its_ground_and_the_people_on_it() -> None:
    one = find.of("emergency.gas.plume")
    test = cases.load(one.folder)[0]
    content = cases.content(one, test, standards.load().standards)
    readings = [("g1", "gas", 30 + k * 60, v) for k, v in enumerate((5, 40, 45, 6))]
    readings += [("w1", m, 10.0, v) for m, v in (("wind_speed", 2.0), ("wind_direction", 90.0))]
    found = run_readings(content, readings, 400)
    assert not found.dead
    assert run_readings(content, readings, 400) == found
    incident = msgspec.json.decode(found.incidents[0])
    member = incident["members"][0]
    assert (incident["domain"], incident["life"], incident["peak_level"]) == ("emergency", True, 4)
    assert (incident["grid"], incident["event_code"]) == ("east", "emergency.gas.plume")
    assert member["facts"]["sites"] == "school-1"
    assert len(member["footprint"][0]) > 20
    assert member["cleared"] is not None


def test_the_demos_own_agents_tell_of_its_leak_with_ground_and_people_its_tanker_and_its_lift() -> None:
    content = CitySet.load(ROOT / "config" / "demo")
    place = Place(
        [], [], [], (113.4, 22.15, 113.6, 22.3), gases=["gas-01"], winds=["wind-01"], lifts=["lift-01"],
        tankers=["tanker-01"],
    )  # fmt: skip
    laid = [
        (e.topic, 0, e.key.encode(), e.value, cases.START + round(e.at * 1000))
        for e in events(place, cases.START) if e.topic == "iot.telemetry"
    ]  # fmt: skip
    found = run_laid(content, laid, 300)
    assert not found.dead
    newest = {i["id"]: i for i in map(msgspec.json.decode, found.incidents)}
    members = {m["scenario"]: (i, m) for i in newest.values() for m in i["members"]}
    leak, plume = members["emergency.gas.plume"]
    assert {m["scenario"] for m in leak["members"]} == {"emergency.gas.sensor", "emergency.gas.plume"}
    assert (plume["version"], plume["facts"]["model"], len(plume["footprint"][0]) > 20) == (2, "plume", True)
    assert plume["facts"]["people_at_sites"] > 0
    _, off = members["emergency.hazmat.vehicle.off_route"]
    tanker, near = members["emergency.hazmat.vehicle.near_site"]
    assert (off["asset"], near["facts"]["site"], tanker["peak_level"]) == ("tanker-01", "school-01", 3)
    assert off["cleared"]
    lift, trapped = members["market.elevator.entrapment"]
    assert (lift["life"], lift["lead"], trapped["asset"]) == (True, "market_bureau", "lift-01")


def test_through_the_whole_engine_a_failing_agent_costs_its_row_and_names_itself(tmp_path: Path) -> None:
    content = with_agents(steps(tmp_path, "raise"), scenarios=(HIGH,))
    found = run_readings(content, [("wl-1", "water_level", k * 10.0, 666.0 if k == 6 else 12.0) for k in range(10)])
    letter = msgspec.json.decode(found.dead[0])
    assert len(found.dead) == 1
    assert (letter["stage"], letter["reason"]) == ("agent", "agent_failed")
    assert letter["detail"].startswith("agent emergency.flood.steps@1: raised: ValueError: row")
    incident = msgspec.json.decode(found.incidents[0])
    assert {m["scenario"] for m in incident["members"]} == {"emergency.flood.high", "emergency.flood.steps"}
    progress = Progress()
    progress.member_ok = True
    progress.remarks.append(lambda: meters.health(progress.figures()))
    progress.stands("iot.telemetry/0", content.id, [meters.stopped({"emergency.flood.steps": False})])
    assert "emergency.flood.steps failed" in progress.ready()[1]
    progress.stands("iot.telemetry/0", "the next set", [])
    assert "emergency.flood.steps" not in progress.ready()[1]


def test_only_agents_of_the_tree_may_run_in_the_worker(tmp_path: Path) -> None:
    one = write(tmp_path, LANE + "isolation: inline\n", "")
    with pytest.raises(AgentError, match="isolation: inline is for agents of this tree"):
        with_agents(one)


@pytest.fixture(autouse=True)
def _ended() -> Any:
    yield
    host.shared().close()
