"""Reservoirs, crowds and lifts: what only looks like one stays quiet, silence ends nothing, restarts do no harm."""

from __future__ import annotations

from typing import Any

import pytest

from brain import standards
from brain.agent_kit import cases, find, stand
from brain.agent_kit.cases import START, Given, Heard, Test
from streams.records import Signal

LIFT = ({"id": "lift-1", "type": "elevator", "lon": 113.5, "lat": 22.2},)

STANDARDS = standards.load().standards


def said(agent: str, test: Test, cuts: tuple[int, ...] = ()) -> list[Signal]:
    """Signals of an agent; it failed at nothing."""
    content = cases.content(find.of(agent), test, STANDARDS)
    until = None if test.until is None else START + round(test.until * 1000)
    signals, failed = stand.in_city(content, cases.records(test), test.signals, until, cuts, 1)
    assert not failed
    return signals


def lift(stopped: tuple[float, ...], people: tuple[float, ...], **more: Any) -> Test:
    given = (Given(10, "lift-1", {"stopped_s": stopped, "people_inside": people}),)
    return Test("lift", LIFT, given, **more)


def test_a_sensor_that_falls_silent_does_not_free_those_in_the_lift() -> None:
    signals = said("market.elevator.entrapment", lift((130, 190), (3, 3), until=1800))
    assert [s.kind for s in signals if s.kind != "update"] == ["raise"]
    assert signals[-1].facts["minutes_trapped"] > 20


def test_a_count_of_nobody_does_not_end_what_a_call_says() -> None:
    call = (Heard(5, "market.elevator.call", "t1", text="lift-1, 12楼"),)
    signals = said("market.elevator.entrapment", lift((300, 360, 420, 480), (0, 0, 0, 0), signals=call))
    assert {s.kind for s in signals} <= {"raise", "update"}
    assert signals[0].asset == "lift-1"
    assert signals[0].facts["floor"] == "12"


def test_a_call_that_a_moving_lift_answers_is_over() -> None:
    call = (Heard(5, "market.elevator.call", "t1", text="lift-1"),)
    signals = said("market.elevator.entrapment", lift((0, 0, 0, 0), (2, 1, 2, 0), signals=call))
    assert [s.kind for s in signals if s.kind != "update"] == ["raise", "clear"]


@pytest.mark.parametrize("agent", ["market.elevator.entrapment", "emergency.reservoir.rise", "emergency.crowd.site"])
def test_a_restart_after_any_minute_changes_nothing(agent: str) -> None:
    for test in cases.load(find.of(agent).folder):
        whole = said(agent, test)
        assert all(said(agent, test, (cut,)) == whole for cut in (1, 2, 3))
        assert bool(whole) == bool(test.expect)


def test_a_reservoir_without_marks_on_the_map_is_not_judged() -> None:
    first = cases.load(find.of("emergency.reservoir.rise").folder)[0]
    bare = cases.Shape("RV1", box=(113.50, 22.20, 113.51, 22.21))
    test = Test("bare", first.assets, first.given, params=first.params, layers=first.layers | {"reservoir": (bare,)})
    assert said("emergency.reservoir.rise", test) == []


def test_a_reservoir_that_falls_from_its_rise_is_over() -> None:
    first = cases.load(find.of("emergency.reservoir.rise").folder)[0]
    level = (58, 58.1, 58.2, 58.3, 58.2, 58.0, 57.8, 57.6, 57.4)
    given = (Given(10, "r1", {"reservoir_level": level}, every_s=600),)
    signals = said(
        "emergency.reservoir.rise", Test("fall", first.assets, given, params=first.params, layers=first.layers)
    )
    assert signals[0].kind == "raise"
    assert signals[-1].kind == "clear"


def test_a_crowd_that_moves_both_ways_is_a_level_higher() -> None:
    first = cases.load(find.of("emergency.crowd.site").folder)[0]
    given = (
        Given(10, "c1", {"person_count": (800, 900, 1000, 1100, 1200, 1300)}),
        Given(20, "c2", {"person_count": (700, 660, 620, 580, 540, 500)}),
    )
    signals = said("emergency.crowd.site", Test("both", first.assets, given, params=first.params, layers=first.layers))
    assert signals[-1].level == 3
    assert signals[-1].facts["flow_per_min"] == 40
    assert signals[-1].facts["counter_flow_per_min"] == 60
