"""Agents of a city: minutes, signals of others, what stands, failures; whatever the order and wherever it restarts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from agent_rig import write

from brain.agent_kit import cases, host, meters, stand
from brain.agent_kit.cases import Heard, Record, Test
from brain.agent_kit.city import HEARD, TROUBLE, CityAgents, Trouble
from brain.agent_kit.find import Installed
from brain.agent_kit.lane import FAILURES
from streams.records import Signal

CITY = """
id: public.lift.calls
version: 1
owner: team
name: {zh: 电梯, en: Lifts}
domain: public
events:
  - {event_code: public.lift.trapped, name: {zh: 电梯困人, en: Trapped}, life: true}
shape: city
reads: [{type: lift, metrics: [doors, moving]}]
signals: [emergency.trapped.call]
"""
CODE = """
import os, time
import msgspec
from brain.agent_kit import Said

class State(msgspec.Struct):
    calls: int = 0
    minutes: int = 0

def features(minute, world):
    return minute.assets["lift"]

def decide(minute, lifts, state, world):
    state.minutes += 1
    state.calls += len(minute.signals)
    if any(v == 666 for v in lifts.values["doors"]):
        FAULT
    said = []
    for k, id in enumerate(lifts.ids):
        if lifts.t[k]:
            still = lifts.values["moving"][k] == 0
            facts = {"calls": state.calls, "grid": lifts.grid[k]}
            said.append(Said(id, 3 if still and state.calls else 0, facts=facts))
    return said
"""
TEST = Test("lifts", assets=tuple({"id": f"l{k}", "type": "lift", "lon": 113.5, "lat": 22.2} for k in (1, 2)))
CALL = Heard(70, "emergency.trapped.call", "t1", lon=113.5, lat=22.2)
ROWS = [
    Record(cases.START + at * 1000, asset, {"doors": 0.0, "moving": moving})
    for at, asset, moving in (
        (10, "l1", 0.0), (11, "l2", 0.0), (80, "l1", 0.0), (81, "l2", 1.0), (130, "l1", 0.0), (200, "l1", 1.0),
    )
]  # fmt: skip


@pytest.fixture(autouse=True)
def ended(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(host.shared(), "deadline_s", 0.5)
    monkeypatch.setattr(meters, "_failing", {})
    yield
    host.shared().close()


def lifts(folder: Path, fault: str = "pass", text: str = CITY) -> Installed:
    return write(folder, text, CODE.replace("FAULT", fault))


def test_a_city_agent_sees_minutes_and_the_signals_that_it_asked_for(tmp_path: Path) -> None:
    content = cases.content(lifts(tmp_path), TEST, {})
    signals, audits = stand.in_city(content, ROWS, [CALL])
    assert not audits
    assert [(s.kind, s.asset, (s.t - cases.START) // 60_000, s.facts) for s in signals] == [
        ("raise", "l1", 2, {"calls": 1.0, "grid": "g1"}),
        ("clear", "l1", 4, {"calls": 1.0, "grid": "g1"}),
    ]
    assert signals[0].identity() == signals[1].identity()
    assert signals[0].life
    for restarts, order in ((range(9), 1), ((2,), 1), ((), -1)):
        assert stand.in_city(content, ROWS, [CALL], None, restarts, order)[0] == signals


@pytest.mark.parametrize("fault", ["raise KeyError(1)", "os._exit(1)", "time.sleep(99)", "return 7"])
def test_a_minute_at_which_it_fails_changes_nothing_and_too_many_stop_it(tmp_path: Path, fault: str) -> None:
    if "sleep" in fault:  # once is enough of what costs its deadline
        bad = [Record(cases.START + 20_000, "l2", {"doors": 666.0, "moving": 0.0})]
    else:
        bad = [Record(cases.START + k * 60_000 + 90_000, "l2", {"doors": 666.0, "moving": 0.0}) for k in range(7)]
    content = cases.content(lifts(tmp_path, fault), TEST, {})
    signals, audits = stand.in_city(content, [*bad, *ROWS[:1]], [CALL], cases.START + 600_000, (4, 7))
    if "sleep" in fault:
        assert [a["kind"] for a in audits] == ["hung"]
        return
    assert [a["agent"] for a in audits] == ["public.lift.calls"] * FAILURES
    assert [(s.scenario, s.kind, s.asset) for s in signals] == [("system.agent_failed", "raise", "public.lift.calls")]


def test_a_stopped_agent_is_told_as_long_as_it_is_of_the_set_in_force_and_no_longer(tmp_path: Path) -> None:
    content, city = cases.content(lifts(tmp_path), TEST, {}), CityAgents()
    (agent,) = content.agents
    city.load({TROUBLE + agent.id.encode(): msgspec.msgpack.encode(Trouble(agent.version, 1, FAILURES, 1))})
    city.enter(content.id, content)
    assert meters.health([meters.stopped(city.stopped())]) == f"agents: {agent.id} is stopped"
    CityAgents().enter(content.id, content)  # as a set is tried on empty state beside it: that says nothing
    assert city.stopped() == {agent.id: True}
    content.agents = ()
    city.enter("set-2", content)
    assert meters.health([meters.stopped(city.stopped())]) == ""


def test_a_set_without_an_agent_of_which_nothing_stands_any_more_leaves_nothing_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    city, content = CityAgents(), cases.content(lifts(tmp_path), TEST, {})
    monkeypatch.setattr(stand, "CityAgents", lambda audit: city)
    assert [s.kind for s in stand.in_city(content, ROWS, [CALL])[0]] == ["raise", "clear"]
    content.agents = ()
    city.enter("set-2", content)
    assert city.due() is None


def test_signals_of_a_minute_under_way_are_kept_whenever_they_came(tmp_path: Path) -> None:
    content, state = cases.content(lifts(tmp_path), TEST, {}), dict[bytes, bytes]()
    city, again = CityAgents(), CityAgents()
    city.enter(content.id, content)
    for n in range(3):
        at = cases.START + 1000 * n + 1
        city.signal(Signal("emergency.trapped.call", "t1", "raise", ("q", 0, n, 0), 0, n, 0, at, at, fold=at))
        state |= {key: value for key, value in city.changes().items() if value is not None}
    again.load(state)
    again.enter(content.id, content)
    due = city.due()
    assert due == again.due() == cases.START + 60_001
    assert city.fire(due) == again.fire(due)
    changed = city.changes()
    assert again.changes() == changed
    assert changed[HEARD + str(due - 1).encode()] is None
