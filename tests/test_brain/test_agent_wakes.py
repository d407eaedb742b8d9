"""Agents that are woken: silence is told in its place, however the log is cut and whenever the lane comes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
from agent_rig import LANE, with_agents, write
from lane_rig import T0, Rig, city, reading

from brain.agent_kit import check, host, manifest
from brain.agent_kit.fault import Inline
from brain.agent_kit.manifest import AgentError
from brain.agent_kit.runners import run_by
from brain.lane import ReadingsLane
from brain.sets import CitySet

LEAST_S, FIRST_S, THEN_S = 10, 20, 30
WAKER = f"{LANE}wakes_s: {LEAST_S}\n"
CODE = """
import os, time
import numpy as np
from brain.agent_kit import Verdict

STATE = np.dtype([("t", "i8"), ("woken", "i4")])

def features(rows, world):
    return rows.values["water_level"]

def decide(rows, v, state, world):
    for i, a in enumerate(rows.asset):
        state["t"][a], state["woken"][a] = rows.t[i], 0
    wake = np.where(v < 0, 0, np.where(v == 5, -1, rows.t + 20_000))
    return Verdict(np.zeros(len(rows), np.int8), wake=wake)

def wake(rows, state, world):
    who = [rows.names[a] for a in rows.asset]
    FAULT
    state["woken"][rows.asset] += 1
    n, silent = state["woken"][rows.asset], (rows.t - state["t"][rows.asset]) / 1000
    return Verdict(n + 1, silent, facts={"silent_s": silent}, wake=np.where(n < 2, rows.t + 30_000, 0))
"""


@pytest.fixture(autouse=True)
def inline() -> Iterator[None]:
    with run_by(Inline()):
        yield
    host.shared().close()


def waker(folder: Path, fault: str = "", text: str = WAKER) -> CitySet:
    return with_agents(write(folder, text, CODE.replace("FAULT", fault)))


class Item(NamedTuple):
    """One of a log: a beat so many seconds after the last (and after an outage), or a reading at a second."""

    beat: float = 0.0
    outage: float = 0.0
    asset: str = ""
    at: float = 0.0
    v: float = 1.0


def rig(content: CitySet, log: list[Item]) -> Rig:
    made = Rig(ReadingsLane, content)
    for item in log:
        if item.asset:
            made.say(reading(item.asset, item.at, item.v))
        else:
            made.beat(item.beat, round(item.outage * 1000))
    return made


def told(out: Any) -> list[tuple[str, str, float, int]]:
    return [(s.asset, s.kind, (s.t - T0) / 1000, s.level) for s in out.signals]


def beats(n: int) -> list[Item]:
    return [Item(beat=5)] * n


def test_who_is_not_heard_of_in_time_is_told_again_when_asked_for_and_over_with_the_next_word(tmp_path: Path) -> None:
    log = [Item(beat=5), Item(asset="wl-1", at=4), Item(asset="wl-2", at=4), Item(asset="wl-2", at=5, v=-1)]
    log += [*beats(14), Item(asset="wl-1", at=73), *beats(2)]
    out = rig(waker(tmp_path), log).run()
    assert told(out) == [("wl-1", "raise", 25, 2), ("wl-1", "update", 55, 3), ("wl-1", "clear", 73, 3)]
    assert [s.facts.get("silent_s") for s in out.signals] == [21, 51, None]
    first = out.signals[0]
    assert (first.offset, first.origin[2], first.onset, first.grid, first.lon) == (7, 7, T0 + 25_000, "g0", 113.5)


def test_after_an_outage_a_wait_begins_anew_since_nobody_could_have_spoken(tmp_path: Path) -> None:
    log = [Item(beat=5), Item(asset="wl-1", at=4), *beats(3), Item(beat=5, outage=600), *beats(4)]
    assert told(rig(waker(tmp_path), log).run()) == [("wl-1", "raise", 645, 2)]


def test_a_reading_that_comes_late_waits_no_less_than_the_agents_least(tmp_path: Path) -> None:
    log = [Item(beat=5), Item(beat=35), Item(asset="wl-1", at=1), *beats(3)]
    assert told(rig(waker(tmp_path), log).run()) == [("wl-1", "raise", 50, 2)]


def oracle(log: list[Item]) -> list[tuple[str, str, float, int]]:
    """What has to be told of a log, by a list of who waits since when for how long."""
    waits: dict[str, tuple[float, float, int]] = {}  # up-time, span, how often it was woken
    level: dict[str, int] = {}
    clock = up = 0.0
    out = []
    for item in log:
        if item.asset:
            if level.pop(item.asset, 0):
                out.append((item.asset, "clear", item.at))
            if item.v < 0:
                waits.pop(item.asset, None)
            elif item.v != 5:
                waits[item.asset] = up, max(item.at + FIRST_S - clock, LEAST_S), 0
            elif item.asset in waits:
                waits[item.asset] = (*waits[item.asset][:2], 0)
            continue
        clock, up = clock + item.beat + item.outage, up + item.beat
        for asset, (since, span, n) in sorted(waits.items()):
            if item.outage:
                waits[asset] = up, span, n
            elif since + span <= up:
                del waits[asset]
                out.append((asset, "update" if asset in level else "raise", clock))
                level[asset] = n + 2
                if n < 1:
                    waits[asset] = up, THEN_S, n + 1
    return [(*row, 0) for row in out]


@pytest.mark.parametrize("seed", range(4))
def test_any_log_gives_what_a_plain_list_of_waits_gives_in_whatever_stretches_and_restarts(
    tmp_path: Path, seed: int
) -> None:
    draw, log, clock = Random(seed), [Item(beat=1)], 1.0
    newest: dict[str, float] = {}
    for _ in range(110):
        if draw.random() < 0.5:
            asset = f"wl-{draw.randrange(4)}"
            at = max(newest.get(asset, 0.0), clock - draw.choice((0, 0, 0, 3, 15))) + 0.25
            newest[asset] = at
            log.append(Item(asset=asset, at=at, v=draw.choice((1, 1, 1, 5, -1))))
        else:
            log.append(Item(beat=draw.choice((1, 2, 5)), outage=draw.choice((0,) * 14 + (60,))))
            clock += log[-1].beat + log[-1].outage
    content = waker(tmp_path)
    whole = rig(content, log).run()
    assert len(whole.signals) > 2
    assert [(*row[:3], 0) for row in told(whole)] == oracle(log)
    for step in (1, 7):
        cuts = list(range(step, len(log), step))
        restarts = set(draw.sample(cuts, len(cuts) // 3))
        assert rig(content, log).run(cuts, restarts).signals == whole.signals


def test_a_wake_that_fails_is_noted_and_counted_and_too_many_stop_the_agent(tmp_path: Path) -> None:
    content = waker(tmp_path, "if {'wl-1', 'wl-7'} & set(who): raise ValueError('no')")
    log = [Item(beat=5), *(Item(asset=a, at=4) for a in ("wl-1", "wl-2")), *beats(8)]
    out = rig(content, log).run()
    assert told(out) == [("wl-2", "raise", 25, 2)]
    assert out.dead == []
    assert [(what, n["asset"], n["kind"], n["version"]) for what, n in out.audits] == [
        ("agent.failed", "wl-1", "raised", 1)
    ]  # fmt: skip
    log += [item for k in range(4) for item in (Item(asset="wl-7", at=45 + 30 * k), *beats(6))]
    out = rig(content, log).run()
    assert [(s.scenario, s.kind, s.t - T0) for s in out.signals if s.scenario.startswith("system")] == [
        ("system.agent_failed", "raise", 155_000)
    ]  # fmt: skip


def test_a_wake_in_the_agents_own_process_is_the_same_and_one_that_ends_it_costs_that_wake_alone(
    tmp_path: Path,
) -> None:
    log = [Item(beat=5), Item(asset="wl-1", at=4), Item(asset="wl-2", at=4), *beats(12)]
    content = waker(tmp_path / "fine")
    here = rig(content, log).run()
    with run_by(host.shared()):
        assert rig(content, log).run().signals == here.signals
        died = rig(waker(tmp_path / "bad", "if 'wl-1' in who: os._exit(3)"), log).run()
    assert [row for row in told(here) if row[0] == "wl-2"] == told(died)
    assert [n["kind"] for _, n in died.audits] == ["died"]


def test_what_an_agent_waited_for_is_forgotten_when_a_set_drops_it(tmp_path: Path) -> None:
    content = waker(tmp_path)
    dropped = rig(content, [Item(beat=5), Item(asset="wl-1", at=4)])
    dropped.run()
    dropped.lane.enter("set-2", city(id="set-2"))
    dropped.lane.enter("set-3", content)
    for _ in range(9):
        dropped.beat(5)
    assert dropped.run([2], since=1).signals == []


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (CODE.replace("+ 20_000", "+ 9_000"), "wake: expected -1, 0 or 10000 ms after the row"),
        (CODE.replace("+ 20_000", "+ 20_000.0"), "wake: expected 1 whole numbers, got float64"),
        (CODE.split("def wake", maxsplit=1)[0], "it could not be loaded"),
    ],
)
def test_an_agent_that_asks_wrongly_says_what_was_expected(tmp_path: Path, code: str, says: str) -> None:
    content = with_agents(write(tmp_path, WAKER, code))
    (letter,) = rig(content, [Item(beat=5), Item(asset="wl-1", at=4)]).run().dead
    assert says in letter.detail


@pytest.mark.parametrize("more", ["wakes_s: 0.5", "shape: city\nwakes_s: 10"])
def test_only_a_lane_agent_is_woken_and_not_by_the_tick(more: str) -> None:
    text = LANE if "shape" not in more else LANE.replace("shape: lane\n", "")
    with pytest.raises(AgentError, match="wakes_s: expected 1 to"):
        manifest.read(f"{text}{more}\n", "agent.yaml")


TESTS = """
- name: it fires
  assets: [{id: a1, type: water_level, lon: 113.5, lat: 22.2}, {id: a2, type: water_level, lon: 113.6, lat: 22.2}]
  given:
    - {at: 0, asset: a1, values: {water_level: [5, 1, 1]}, every_s: 5}
    - {at: 5, asset: a2, values: {water_level: [1, 1]}, every_s: 60}
  until: 100
  expect:
    - {at: 25, kind: raise, asset: a2, level: 2, facts: {silent_s: 20}}
    - {at: 30, kind: raise, asset: a1, level: 2}
    - {at: 55, kind: update, asset: a2, level: 3}
    - {at: 60, kind: update, asset: a1, level: 3}
    - {at: 65, kind: clear, asset: a2}
    - {at: 85, kind: raise, asset: a2, level: 2}
    - {at: 115, kind: update, asset: a2, level: 3}
- name: it stays quiet
  assets: [{id: a1, type: water_level, lon: 113.5, lat: 22.2}]
  given: [{at: 0, asset: a1, values: {water_level: 5}}]
"""


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("", ""),
        ("K03", "import random; world.params['n'] = random.random()"),
        ("K04", "state['woken'] += len(rows) + rows.asset"),
        ("K05", "world.params['n'] = world.params.get('n', 0) + 1; state['woken'] += world.params['n']"),
        ("K07", "time.time()"),
    ],
)
def test_the_suite_holds_wakes_to_all_that_it_asks(tmp_path: Path, code: str, fault: str) -> None:
    one = write(tmp_path, WAKER, CODE.replace("FAULT", fault).replace("n + 1, silent", "np.minimum(n + 1, 4), silent"))
    (tmp_path / "tests.yaml").write_text(TESTS, encoding="utf-8")
    wrong = check.by_code(check.check(one, codes=(code,) if code else None))
    assert (code in wrong) if code else wrong == {}


def test_the_suite_says_when_no_test_wakes_an_agent(tmp_path: Path) -> None:
    one = write(tmp_path, WAKER, CODE.replace("FAULT", ""))
    quiet = TESTS.split("- name: it stays quiet")[1]
    (tmp_path / "tests.yaml").write_text(f"- name: it stays quiet{quiet}", encoding="utf-8")
    assert "no test goes on until it is woken" in check.by_code(check.check(one, codes=("K02",)))["K02"]
