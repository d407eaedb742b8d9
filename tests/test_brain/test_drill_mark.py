"""The mark of a drill: from record to incident, and never beside what is real."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from city_rig import parted
from notify_rig import MINUTE, T, config, raised
from one_incident import make

from brain import scenarios
from brain.incidents import publish
from brain.incidents.city import CityLogic
from brain.incidents.life import may_merge
from brain.incidents.transitions import Refusal
from brain.incidents.value import Incident
from brain.mark import marked, of_drill
from brain.notify.post import Post
from brain.pipeline import library, try_set
from brain.sets import CitySet
from brain.settings import HOME, Settings
from brain.tickets import TicketsLane
from streams.logic import View
from streams.records import TP, Batch, Reason, Signal
from streams.state import Store

DEMO = HOME / "config" / "demo"


def signal(asset: str, t: int, *, drill: bool = False) -> Signal:
    return Signal(
        "emergency.fire.smoke", asset, "raise", ("iot.telemetry", 0, t, 0), 0, t, 0, t, t, fold=t, level=3,
        lon=113.5, lat=22.24, grid="g1", source="iot", life=True, drill=drill,
    )  # fmt: skip


def city() -> CityLogic:
    rule = SimpleNamespace(
        id="emergency.fire.smoke", domain="emergency", version=1, event_code="emergency.fire.smoke", life=True,
        name={"zh": "烟感", "en": "Smoke"},
    )  # fmt: skip
    logic = CityLogic()
    logic.enter("s", SimpleNamespace(scenarios=[rule], routes=None))
    return logic


def test_an_id_that_begins_with_drill_is_of_a_drill() -> None:
    assert marked("drill-smoke-001")
    assert not marked("smoke-drill-001")


def test_a_registry_is_of_a_drill_or_of_a_city() -> None:
    assert of_drill(["drill-a", "drill-b"])
    assert not of_drill(["a", "b"])
    assert not of_drill([])
    with pytest.raises(ValueError, match=r"assets: .*got 'drill-b' and 'a'"):
        of_drill(["a", "drill-b"])


def test_a_set_with_both_is_refused_with_its_file(tmp_path: Path) -> None:
    for path in DEMO.rglob("*"):
        if path.is_file():
            (tmp_path / path.relative_to(DEMO)).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path.relative_to(DEMO)).write_bytes(path.read_bytes())
    assets = tmp_path / "assets.ndjson"
    lines = assets.read_text(encoding="utf-8").splitlines()
    lines.append(json.dumps({**json.loads(lines[-1]), "id": "drill-extra"}))
    assets.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ValueError, match=r"assets\.ndjson: assets: expected ids that all begin with 'drill-'"):
        CitySet.load(tmp_path)


def test_what_a_lane_says_of_itself_is_of_a_drill_where_the_set_in_force_is() -> None:
    down = ("iot.telemetry", 0, 9, 1 << 30)
    for drill in (True, False):
        logic = city()
        logic.enter("t", SimpleNamespace(scenarios=[], routes=None, drill=drill))
        said = Signal("system.inputs_down", "lane", "raise", down, 0, 9, 1, 9, 9, fold=9, level=2, source="system")
        logic.signal(said)
        (incident,) = logic.incidents()
        assert incident.drill is drill


def test_a_drill_and_a_real_fire_at_one_place_are_two_incidents_whichever_comes_first() -> None:
    for first in (True, False):
        logic = city()
        logic.signal(signal("a", 1_000, drill=first))
        logic.signal(signal("b", 2_000, drill=not first))
        logic.signal(signal("c", 3_000, drill=first))
        found = sorted((i.drill, sorted(m.asset for m in i.members)) for i in logic.incidents())
        assert found == sorted([(first, ["a", "c"]), (not first, ["b"])])


def test_the_mark_survives_a_restart_and_changes_no_id() -> None:
    logic, real = city(), city()
    logic.signal(signal("a", 1_000, drill=True))
    real.signal(signal("a", 1_000))
    items, _ = parted(logic.changes())
    again = city()
    again.load({k: v for k, v in items.items() if v is not None})
    again.signal(signal("b", 2_000))
    assert sorted(i.drill for i in again.incidents()) == [False, True]
    assert logic.incidents()[0].id == real.incidents()[0].id


def test_a_person_cannot_merge_a_drill_into_what_is_real() -> None:
    one, other = make(id="inc-1"), make(id="inc-2")
    one.drill = True
    refused = may_merge(one, other, same_site=True)
    assert refused is not None
    assert refused.reason is Refusal.FORBIDDEN_DRILL


def test_consumers_can_leave_a_drill_alone_without_reading_it() -> None:
    real, drill = make(), make()
    drill.drill = True
    assert ("ce_drill", b"true") in publish.headers(drill)
    assert all(name != "ce_drill" for name, _ in publish.headers(real))


def test_nobody_is_sent_to_a_drill_but_by_the_drills_own_notify() -> None:
    real = Post(config(), {}, T - MINUTE)
    incident = make(life=True)
    incident.drill = True
    real.incident(incident.id, publish.encode(incident), T)
    alarm = raised("smoke", T, 3)
    alarm.life, alarm.drill = True, True
    real.alarm(json_of(alarm), T, T)
    assert not real.entries
    assert real.counts["drill"] == 2


def test_a_ticket_of_the_other_world_is_refused_with_its_id() -> None:
    for drill, id_ in ((True, "T1"), (False, "drill-T1")):
        lane = TicketsLane()
        lane.bind(Store(lane.tables, lane.owner), TP("hotline.tickets", 0), 1)
        content = CitySet.load(DEMO)
        content.drill = drill
        lane.enter("s", content)
        body = json.dumps({"id": id_, "t": T, "title": "", "text": "着火了", "lon": 113.52, "lat": 22.245}).encode()
        batch = Batch.of(TP("hotline.tickets", 0), 0, 1, [(0, T, id_.encode(), body, ())])
        rows = np.zeros(1, np.int32)
        out = lane.process(View(TP("hotline.tickets", 0), batch, rows, np.array([T]), [], 0))
        assert [d.reason for d in out.dead] == [Reason.UNKNOWN_ASSET]
        assert id_ in out.dead[0].detail
        assert not out.signals


def json_of(value: Signal | Incident) -> bytes:
    import msgspec

    return msgspec.json.encode(value)


def test_a_log_that_began_with_a_city_takes_no_drills_set(tmp_path: Path) -> None:
    settings = Settings(set_cache=str(tmp_path))
    sets, _ = library(settings)
    drill = CitySet.load(DEMO)
    drill.drill = True
    sets._sets["sha256:drill"], sets._paths["sha256:drill"] = drill, DEMO
    with pytest.raises(ValueError, match="is of a drill, and these topics are of a city"):
        try_set(sets, settings, "sha256:drill")


def test_what_the_city_task_itself_makes_of_a_drill_is_marked_too() -> None:
    parts = [
        {"id": f"eco.{n}", "version": 1, "name": {"zh": n, "en": n}, "domain": "eco", "event_code": f"eco.{n}",
         "source": "iot", "match": {"type": "t", "metric": n}, "detect": {"above": 1}}
        for n in "xy"
    ]  # fmt: skip
    both = {
        "id": "eco.both", "version": 1, "name": {"zh": "b", "en": "b"}, "domain": "eco", "event_code": "eco.both",
        "source": "signals",
        "detect": {
            "combine": "and", "of": [{"scenario": "eco.x"}, {"scenario": "eco.y"}], "within_s": 60, "within_m": 500,
        },
    }  # fmt: skip
    logic = CityLogic()
    made = [scenarios.of(data) for data in (*parts, both)]
    logic.enter("s", SimpleNamespace(routes=None, scenarios=made, calendar=None, map=None, drill=True))
    for t, name in enumerate("xy", 1):
        logic.signal(Signal(
            f"eco.{name}", f"drill-{name}", "raise", ("in", 0, t, 0), 0, t, 0, t, t, t, level=1, lon=113.5, lat=22.2,
            drill=True,
        ))  # fmt: skip
    assert {i.scenario for i in logic.incidents()} == {"eco.x", "eco.y", "eco.both"}
    assert all(i.drill for i in logic.incidents())
