"""Agents of the kit in lanes: what they say, and that a failing one costs only its own rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from agent_rig import steps, with_agents
from lane_rig import HIGH, Rig, reading

from brain.agent_kit import host, meters
from brain.lane import ReadingsLane
from streams.records import Reason


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(host.shared(), "deadline_s", 1.0)
    monkeypatch.setattr(meters, "_failing", {})
    monkeypatch.setattr(meters, "_stopped", {})
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
    assert "emergency.flood.steps failed 1 times" in meters.health()
