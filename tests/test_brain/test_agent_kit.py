"""Agents of the kit in lanes: what they say, and that a failing one costs only its own rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from agent_rig import steps, with_agents
from lane_rig import HIGH, Rig, city, reading

from brain.agent_kit import host, meters
from brain.incidents.rules import Rules
from brain.lane import ReadingsLane
from streams.probe import in_child
from streams.records import Reason


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(host.shared(), "deadline_s", 1.0)
    monkeypatch.setattr(meters, "_failing", {})
    yield
    host.shared().close()


def test_an_agents_levels_become_raise_update_and_clear_with_its_facts(tmp_path: Path) -> None:
    rig = Rig(ReadingsLane, with_agents(steps(tmp_path)))
    for at, v in enumerate((5, 12, 14, 3, 20)):
        rig.say(reading("wl-1", at, v))
    out = rig.run()
    assert [(s.kind, s.offset, s.level, s.n) for s in out.signals] == [
        ("raise", 1, 2, 0), ("clear", 3, 2, 1), ("raise", 4, 2, 0),
    ]  # fmt: skip
    assert out.signals[0].scenario == "emergency.flood.steps"
    assert out.signals[0].facts == {"mean": 8.5}
    assert out.signals[0].grid == "g0"


@pytest.mark.parametrize(("fault", "says"), [("raise", "raised"), ("exit", "died"), ("hang", "hung")])
def test_an_agent_that_fails_at_row_7_of_10_loses_that_row_alone(tmp_path: Path, fault: str, says: str) -> None:
    other = steps(tmp_path / "other", id="emergency.flood.other")
    rig = Rig(ReadingsLane, with_agents(steps(tmp_path / "bad", fault), other, scenarios=(HIGH,)))
    for at in range(10):
        rig.say(reading(f"wl-{at % 2}", at, 666 if at == 7 else 5 + at))
    out = rig.run()
    assert [(d.row, d.reason) for d in out.dead] == [(7, Reason.AGENT_FAILED)]
    assert says in out.dead[0].detail
    assert "emergency.flood.steps@1" in out.dead[0].detail
    raised = {(s.scenario, s.offset) for s in out.signals if s.kind == "raise"}
    assert {("emergency.flood.other", 6), ("emergency.flood.other", 7), ("emergency.flood.steps", 6)} <= raised
    assert ("emergency.flood.high", 8) not in raised
    assert ("emergency.flood.steps", 9) in raised  # the state goes on from before the row that failed
    assert "emergency.flood.steps failed 1 times" in meters.health(rig.lane.figures())


def test_an_agent_that_fails_again_and_again_is_stopped_with_an_incident_of_its_own(tmp_path: Path) -> None:
    content = with_agents(steps(tmp_path / "1", "raise"))
    rig = Rig(ReadingsLane, content)
    for at in range(9):
        rig.say(reading("wl-1", at, 666 if at < 6 else 20))
    out = rig.run()
    assert [d.row for d in out.dead] == [0, 1, 2, 3, 4]
    assert [(s.scenario, s.kind, s.asset, s.offset) for s in out.signals] == [
        ("system.agent_failed", "raise", "emergency.flood.steps", 4)
    ]
    plan = Rules.of(content).plan("system.agent_failed")
    assert (plan.domain, plan.name.en) == ("public", "Agent stopped")
    assert "is stopped" in meters.health(rig.lane.figures())
    for cuts, restarts in (((1, 2, 3, 4, 5, 6), ()), ((3, 6), (3, 6)), ((7,), (7,))):
        again = Rig(ReadingsLane, content)
        again.records, again.heads = rig.records, rig.heads
        assert again.run(cuts, restarts).signals == out.signals


def test_the_state_does_not_depend_on_what_came_together_with_the_row_that_stops_an_agent(tmp_path: Path) -> None:
    content, kept = with_agents(steps(tmp_path, "raise")), []
    for cuts in ((), (5,)):
        rig = Rig(ReadingsLane, content)
        for at in range(6):
            rig.say(reading("wl-1" if at < 5 else "wl-2", at, 666 if at < 5 else 20))
        rig.run(cuts)
        table = rig.store.table("agent.32")
        kept.append({key: table.rows[slot].tobytes() for slot, key in enumerate(table.keys)})
    assert kept[0] == kept[1]


def test_another_version_ends_the_stop_and_carries_the_state_over(tmp_path: Path) -> None:
    rig = Rig(ReadingsLane, with_agents(steps(tmp_path / "1", "raise")))
    for at in range(7):
        rig.say(reading("wl-1", at, 666 if at > 1 else 20))
    rig.run()
    new = steps(tmp_path / "2", version="2")
    code = (
        (tmp_path / "2" / "agent.py").read_text(encoding="utf-8").replace('("sum", "f8")', '("sum", "f8"), ("x", "u1")')
    )
    (tmp_path / "2" / "agent.py").write_text(code, encoding="utf-8")
    rig.content = with_agents(new)
    rig.lane.enter("set-2", rig.content)
    rig.say(reading("wl-1", 8, 2))
    out = rig.run(cuts=(7,), since=1)
    assert [(s.scenario, s.kind) for s in out.signals] == [
        ("system.agent_failed", "clear"), ("emergency.flood.steps", "clear"),
    ]  # fmt: skip
    assert out.signals[1].facts == {"mean": 14.0}


def test_what_an_agent_left_standing_is_cleared_when_a_set_no_longer_has_it(tmp_path: Path) -> None:
    rig = Rig(ReadingsLane, with_agents(steps(tmp_path)))
    rig.say(reading("wl-1", 0, 20))
    rig.run()
    rig.lane.enter("set-2", city(HIGH))
    rig.beat(1)
    out = rig.run(cuts=(1,), since=1)
    assert [(s.scenario, s.kind, s.asset) for s in out.signals] == [("emergency.flood.steps", "clear", "wl-1")]


def test_a_forked_worker_has_a_host_of_its_own(tmp_path: Path) -> None:
    rig = Rig(ReadingsLane, with_agents(steps(tmp_path)))
    rig.say(reading("wl-1", 0, 20))
    assert in_child(rig.run)
    assert len(rig.run().signals) == 1
