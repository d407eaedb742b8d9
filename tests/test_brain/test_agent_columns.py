"""Agents in columns say and keep, to the bit, what they would record by record; quiet rows need not be asked about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import cold_by_record
import hazmat_by_record
import msgspec
import numpy as np
import pytest
from agent_rig import LANE, with_agents, write
from hypothesis import given, settings
from hypothesis import strategies as st
from lane_rig import Rig, reading
from numpy.typing import NDArray

from brain import standards
from brain.agent_kit import cases, find, stand
from brain.agent_kit.cases import START, Record, Shape, Test
from brain.agent_kit.chosen import Agent
from brain.agent_kit.columns import numbers, rounded
from brain.agent_kit.fault import Inline
from brain.agent_kit.kinds import Rows
from brain.agent_kit.program import Broken, Judged, Program
from brain.agent_kit.runners import run_by
from brain.lane import ReadingsLane
from brain.sets import CitySet

FEW = settings(max_examples=8, deadline=None, derandomize=True, database=None)
COLD, HAZMAT = "market.food.cold_kitchen", "emergency.hazmat.vehicle"
AT = (113.5, 22.2)


class Kept(Inline):
    """Runs agents here, with another ``decide`` where one is given, and keeps the last state of each asset."""

    def __init__(self, decide: Callable[..., Any] | None = None) -> None:
        super().__init__()
        self.state: dict[str, bytes] = {}
        self.quiet = 0
        self._decide = decide

    def program(self, agent: Agent) -> Program:
        made = super().program(agent)
        if self._decide is not None and not isinstance(made.module, SimpleNamespace):
            made.module = SimpleNamespace(**{**vars(made.module), "decide": self._decide})  # type: ignore[assignment]
        return made

    def judge(self, agent: Agent, rows: Rows, state: NDArray[Any]) -> Judged:
        said = super().judge(agent, rows, state)
        self.state |= {name: state[k : k + 1].tobytes() for k, name in enumerate(rows.names)}
        return said


class World(NamedTuple):
    """A lane agent with its assets, and the same record by record."""

    content: CitySet
    by_record: Callable[..., Any]


def made(
    agent: str, by_record: Callable[..., Any], assets: dict[str, str], layers: dict[str, Any], **params: Any
) -> World:  # fmt: skip
    test = Test(
        "columns", params=params,
        assets=tuple({"id": id, "type": kind, "lon": AT[0], "lat": AT[1]} for id, kind in assets.items()),
        layers=msgspec.convert(layers, dict[str, tuple[Shape, ...]]),
    )  # fmt: skip
    return World(cases.content(find.of(agent), test, standards.load().standards), by_record)


@pytest.fixture(scope="module")
def stores() -> World:
    kinds = {"c1": "cold_chain", "c2": "cold_chain", "f1": "vaccine_fridge", "k1": "kitchen"}
    return made(COLD, cold_by_record.decide, kinds, {}, night_from=15)  # the tests begin at a quarter past 14


@pytest.fixture(scope="module")
def vehicles() -> World:
    layers = {
        "road": [{"code": "r1", "line": [[113.49, 22.2], [113.51, 22.2]], "attributes": {"hazmat_route": True}}],
        "risk": [{"code": "z1", "box": [113.5, 22.199, 113.503, 22.201], "attributes": {"kind": "no_stop"}}],
        "site": [{"code": "s1", "point": [113.506, 22.2], "attributes": {"kind": "school"}}],
    }
    return made(HAZMAT, hazmat_by_record.decide, {"h1": "hazmat_vehicle", "h2": "hazmat_vehicle"}, layers)


STEPS = st.sampled_from((0, 1_000, 20_000, 60_000, 60_000, 60_000, 120_000, -30_000))
"""Milliseconds to the record before, which may be repeated or late."""
GAPS = st.sampled_from((60_000, 1_500_000, 3_000_000))
BASES = st.sampled_from((-20.0, -19.0, 3.0, 4.0, 7.9, 8.0, 8.1, 14.0, np.nan))


@st.composite
def of_stores(draw: st.DrawFn) -> list[Record]:
    """Temperatures that stay, rise steadily or jump, and kitchens at night with one metric or both."""
    t, rows, rising = START, list[Record](), 0.0
    for _ in range(draw(st.integers(1, 5))):
        base, step, gap, rise = draw(BASES), draw(STEPS), draw(GAPS), draw(st.sampled_from((0.0, 0.03, 0.05, 0.3)))
        assets = draw(st.lists(st.sampled_from(("c1", "c2", "f1", "k1")), min_size=1, max_size=4, unique=True))
        noise = draw(st.lists(st.integers(-3, 3), min_size=1, max_size=7))
        for k in range(draw(st.integers(1, 45))):
            t, rising = max(t + (step if k else gap), START), rising + rise
            for j, asset in enumerate(assets):
                v = round(base + rising + noise[(k + j) % len(noise)] / 10, 1)
                if asset != "k1":
                    rows.append(Record(t, asset, {"cold_temperature": v}))
                    continue
                both = {"fume": abs(v) / 3, "kitchen_temperature": 46 + v}
                names = draw(st.sampled_from((("fume",), ("kitchen_temperature",), tuple(both))))
                rows.append(Record(t, asset, {name: both[name] for name in names}))
        rising = draw(st.sampled_from((0.0, rising)))
    return rows


@st.composite
def of_vehicles(draw: st.DrawFn) -> list[Record]:
    """Ways along a road with stops, leaps and lost places."""
    t, rows = START, list[Record]()
    x, y = AT
    for _ in range(draw(st.integers(1, 5))):
        speed, step = draw(st.sampled_from((0.0, 2.0, 50.0, 77.0, 79.0, 81.0, 99.0, np.nan))), draw(STEPS)
        dx, dy = draw(st.sampled_from((-2e-3, 0.0, 1e-5, 2e-4))), draw(st.sampled_from((-1e-3, 0.0, 1e-4)))
        for k in range(draw(st.integers(1, 20))):
            t, x, y = max(t + step, START), x + dx, y + dy
            lost = draw(st.integers(0, 9)) == 0
            rows.append(Record(t, f"h{k % 2 + 1}", {"speed": speed}, np.nan if lost else x, np.nan if lost else y))
        x, y = draw(st.sampled_from((AT, (x, y))))
    return rows


def ran(world: World, rows: list[Record], by: Kept, cuts: tuple[int, ...], restarts: tuple[int, ...]) -> list[bytes]:
    with run_by(by):
        signals, failed = stand.on_lane(world.content, rows, cuts, restarts, max(r.t for r in rows) + 3_000_000)
    assert not failed
    return [msgspec.json.encode(signal) for signal in signals]


def same(world: World, rows: list[Record], data: st.DataObject) -> None:
    cuts = tuple(sorted(data.draw(st.sets(st.integers(1, max(len(rows) - 1, 1)), max_size=6)) - {len(rows)}))
    restarts = tuple(cut for cut in cuts if data.draw(st.booleans()))
    plain, columns = Kept(world.by_record), Kept()
    whole = ran(world, rows, plain, (), ())
    assert ran(world, rows, columns, cuts, restarts) == whole
    assert columns.state == plain.state


@FEW
@given(of_stores(), st.data())
def test_a_cold_stores_signals_and_state_are_those_of_record_by_record_however_cut_and_restarted(
    stores: World, rows: list[Record], data: st.DataObject
) -> None:
    same(stores, rows, data)


@FEW
@given(of_vehicles(), st.data())
def test_a_vehicles_signals_and_state_are_those_of_record_by_record_however_cut_and_restarted(
    vehicles: World, rows: list[Record], data: st.DataObject
) -> None:
    same(vehicles, rows, data)


QUIET = """
import numpy as np
from brain.agent_kit import Verdict

STATE = np.dtype([("since", "i8"), ("n", "i4")])
ASKED = []

def features(rows, world):
    return rows.values["water_level"] - world.params["over"]

def decide(rows, over, state, world):
    ASKED.append(len(rows))
    level, seconds = np.zeros(len(rows), np.int8), np.full(len(rows), np.nan)
    for i, a in enumerate(rows.asset.tolist()):
        if not np.isfinite(over[i]):
            level[i] = -1
        elif over[i] > 0 or (state["since"][a] and over[i] > -2):
            state["since"][a] = state["since"][a] or rows.t[i]
            state["n"][a] += 1
            seconds[i], level[i] = (rows.t[i] - state["since"][a]) / 1000, 2 if over[i] < 5 else 3
        else:
            state["since"][a] = 0
    return Verdict(level, over, facts={"for_s": seconds, "who": np.array([rows.names[a] for a in rows.asset], "U9")})
"""
SKIPS = """
def quiet(rows, state, world):
    over = rows.values["water_level"] - world.params["over"]
    return (over <= 0) & (state["since"][rows.asset] == 0)
"""
SAID = st.lists(
    st.tuples(
        st.sampled_from(("wl-1", "wl-2", "wl-3")), st.sampled_from((0, 1, 3, -2)),
        st.sampled_from((1.0, 5.0, 5.0, 8.5, 10.0, 11.0, 16.0, "x")),
    ), min_size=1, max_size=60,
)  # fmt: skip
"""Asset, seconds to the reading before (late, repeated) and metres; one is no number."""


def through(content: CitySet, said: list[tuple[str, int, Any]], cuts: list[int], restarts: list[int]) -> Any:
    """What a whole lane says of readings with a beat after every seventh, and the state of each asset."""
    by, t = Kept(), 10.0
    with run_by(by):
        rig = Rig(ReadingsLane, content)
        for k, (asset, step, v) in enumerate(said):
            t += step
            rig.say(reading(asset, t, v))
            if k % 7 == 6:
                rig.beat(5)
        kept = [cut for cut in cuts if 0 < cut < len(rig.records)]
        out = rig.run(kept, [cut for cut in restarts if cut in kept])
    return out.signals, out.dead, by.state


@pytest.fixture(scope="module")
def levels(tmp_path_factory: pytest.TempPathFactory) -> tuple[CitySet, CitySet]:
    """An agent that is asked of all rows, and the same that says which it need not be."""
    every, some = (tmp_path_factory.mktemp(name) for name in ("every", "some"))
    return with_agents(write(every, LANE, QUIET)), with_agents(write(some, LANE, QUIET + SKIPS))


@FEW
@given(SAID, st.data())
def test_an_agent_that_is_not_asked_of_quiet_rows_says_and_keeps_the_same_however_cut_and_restarted(
    levels: tuple[CitySet, CitySet], said: list[tuple[str, int, Any]], data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, 70), max_size=6)))
    restarts = [cut for cut in cuts if data.draw(st.booleans())]
    every, some = levels
    assert through(some, said, cuts, restarts) == through(every, said, [], [])


def rows(*said: tuple[int, float]) -> Rows:
    n = len(said)
    asset, v = (np.array(column) for column in zip(*said, strict=True))
    nowhere = np.full(n, np.nan)
    return Rows(
        ("a", "b"), asset.astype(np.int32), np.zeros(n, np.int32), np.arange(n, dtype=np.int64) + 1,
        {"water_level": v.astype(float)}, nowhere, nowhere, np.zeros(n, np.int32),
    )  # fmt: skip


def test_an_agent_is_asked_of_an_assets_rows_from_the_first_on_that_is_not_quiet(
    levels: tuple[CitySet, CitySet],
) -> None:
    program = Program(levels[1].agents[0].ground)
    asked, state = program.module.ASKED, np.zeros(2, program.form)
    asked.clear()
    assert program.judge(rows((0, 1), (1, 2), (0, 3)), state).level.tolist() == [[0, 0, 0]]
    assert asked == []
    said = program.judge(rows((0, 1), (1, 2), (1, 11), (0, 3), (1, 1), (1, 2)), state)
    assert (asked, said.level.tolist()) == ([3], [[0, 0, 2, 0, 0, 0]])
    assert said.facts["who"].tolist() == ["", "", "b", "", "b", "b"]


def test_an_agent_whose_quiet_answers_nonsense_or_writes_to_the_state_fails_as_one_that_raises(tmp_path: Path) -> None:
    for k, body in enumerate(("np.zeros(len(rows))", "np.zeros(1, bool)", "state['n'].fill(1)")):
        code = f"{QUIET}\ndef quiet(rows, state, world):\n    return {body}\n"
        program = Program(with_agents(write(tmp_path / str(k), LANE, code)).agents[0].ground)
        state = np.zeros(2, program.form)
        with pytest.raises((Broken, ValueError), match=r"quiet: expected 2|read-only"):
            program.judge(rows((0, 1), (1, 2)), state)
        assert not state["n"].any()


def test_an_agent_that_says_it_is_compiled_is_asked_of_no_rows_as_it_is_loaded(tmp_path: Path) -> None:
    program = Program(with_agents(write(tmp_path, LANE, f"COMPILED = True\n{QUIET}")).agents[0].ground)
    assert program.module.ASKED == [0]


@given(
    st.lists(st.one_of(st.floats(), st.integers(-(10**6), 10**6).map(lambda k: k / 20)), max_size=30), st.integers(0, 6)
)
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
def test_columns_are_rounded_as_python_rounds_each_number(values: list[float], digits: int) -> None:
    got = rounded(np.array(values, float), digits).tolist()
    want = [round(v, digits) if np.isfinite(v) else v for v in values]
    assert list(map(repr, got)) == list(map(repr, want))


class Bounds(NamedTuple):
    """What a compiled function takes."""

    over: float
    two: float


def test_params_become_numbers_by_name_and_what_is_no_number_is_refused() -> None:
    assert numbers(Bounds, {"over": 3, "kind": "x"}, two=2) == (3.0, 2.0)
    with pytest.raises(ValueError, match="could not convert"):
        numbers(Bounds, {"over": "x", "two": 1})
    with pytest.raises(KeyError):
        numbers(Bounds, {"over": 1})
