"""Combinations of signals: what they mean on the real pipeline, and that no restart changes what comes."""

import functools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.combination import combinations, needed, trouble
from brain.incidents.combine import MOST_PARTS, Combine
from brain.scenario import Scenario
from brain.scenario_kit.run import run
from brain.scenarios import ScenarioError, load, of
from brain.sets import CitySet
from streams.records import Signal
from tests.support.city_rig import put_into

DEMO = Path(__file__).parents[2] / "config" / "demo"
AT = {"lon": 113.4864, "lat": 22.224}


@functools.cache
def demo() -> CitySet:
    return CitySet.load(DEMO)


def combo(combine: str, *of_: dict[str, Any], name: str = "a", **more: Any) -> Scenario:
    detect = {"combine": combine, "of": list(of_), **({} if combine == "or" else {"within_s": 60}), "within_m": 500}
    detect |= more.pop("detect", {})
    data = {
        "id": f"emergency.both.{name}", "version": 1, "name": {"zh": "两者", "en": "Both"}, "domain": "emergency",
        "event_code": "emergency.flood.level", "source": "signals",
        "detect": {k: v for k, v in detect.items() if v is not None}, **more,
    }  # fmt: skip
    return of(data)


def part(name: str, **more: Any) -> Any:
    """A scenario as far as a combination asks."""
    base = {"id": name, "event_code": name, "extends": "", "source": "iot", "level": 1, "levels": (), "state": "live",
            "detect": SimpleNamespace(of=(), standard=None), "match": SimpleNamespace(hours=None)}  # fmt: skip
    return SimpleNamespace(**{**base, **more})


class Stage:
    """A combination alone, its state as the engine keeps it."""

    def __init__(self, *combos: Scenario, restarts: bool = False, parts: str = "xyz") -> None:
        names = [part(f"emergency.{p}") for p in parts]
        self.content = SimpleNamespace(scenarios=[*names, *combos], calendar=None, map=None)
        self.restarts, self.state, self.out = restarts, dict[bytes, bytes](), list[str]()
        self.logic = self.fresh()

    def fresh(self) -> Combine:
        made = Combine()
        assert made.load(dict(reversed(self.state.items()))) == {}
        made.enter("s", self.content)
        return made

    def take(self, signals: list[Signal]) -> None:
        for made in signals:
            self.out.append(f"{made.t} {made.kind} {made.scenario} {made.asset} {made.n} {made.level} | {made.text}")
            if self.logic.concerns(made):
                self.take(self.logic.hear(made))

    def until(self, now: int) -> None:
        while (due := self.logic.due()) is not None and due <= now:
            self.take(self.logic.fire(due))
            self.kept()

    def hear(self, signal: Signal) -> None:
        self.until(signal.fold)
        if self.logic.concerns(signal):
            self.take(self.logic.hear(signal))
        self.kept()

    def kept(self) -> None:
        put_into(self.state, self.logic.changes())
        if self.restarts:
            self.logic = self.fresh()


def signal(
    at: int, name: str, kind: str = "raise", *, asset: str = "a", n: int = 0, lon: float = 113.5, level: int = 1
) -> Signal:
    return Signal(
        f"emergency.{name}", asset, kind, ("iot", 0, n, 0), 0, at, 0, at, at, fold=at, level=level,  # type: ignore[arg-type]  # one of three
        lon=lon, lat=22.2, grid="g-1", district="d", source="iot",
    )  # fmt: skip


def told(*combos: Scenario, of_: list[Signal], until: int = 10**6) -> list[str]:
    stage = Stage(*combos)
    for one in of_:
        stage.hear(one)
    stage.until(until)
    return [line.partition(" | ")[0] for line in stage.out]


X, Y, Z = ({"scenario": f"emergency.{name}"} for name in "xyz")


def test_both_within_time_and_distance_are_one_signal_that_ends_when_both_have_ended() -> None:
    near = [signal(1000, "x"), signal(30_000, "y", asset="b"), signal(31_000, "x", "clear"),
            signal(40_000, "y", "clear", asset="b")]  # fmt: skip
    assert told(combo("and", X, Y), of_=near) == [
        "30000 raise emergency.both.a a 0 1", "40000 clear emergency.both.a a 1 0",
    ]  # fmt: skip
    assert told(combo("and", X, Y), of_=[signal(1000, "x"), signal(2000, "y", lon=113.51)]) == [], "a kilometre off"
    late = [signal(1000, "x"), signal(2000, "x", "clear"), signal(70_000, "y")]
    assert told(combo("and", X, Y), of_=late) == [], "it had ended, and began over a minute before"
    assert told(combo("and", X, Y), of_=[signal(1000, "x"), signal(900_000, "y")]), "what stands counts however long"


def test_the_part_that_says_so_gives_place_and_asset() -> None:
    there = combo("and", X, {**Y, "place": True})
    assert told(there, of_=[signal(1, "x"), signal(2, "y", asset="b")]) == ["2 raise emergency.both.a b 0 1"]


def test_a_sequence_is_raised_in_its_order_of_event_time_only() -> None:
    both = combo("sequence", X, Y)
    assert told(both, of_=[signal(1, "x"), signal(2, "y")]) == ["2 raise emergency.both.a a 0 1"]
    assert told(both, of_=[signal(1, "y"), signal(2, "x")]) == []
    late = signal(2, "x")
    late.t = 1
    assert told(both, of_=[signal(2, "y"), late]) == ["2 raise emergency.both.a a 0 1"], "it came late, and was first"


def test_absence_is_raised_by_a_timer_unless_the_other_comes_or_the_first_ends() -> None:
    lacks = combo("absence", X, Y)
    assert told(lacks, of_=[signal(1, "x")]) == ["60001 raise emergency.both.a a 0 1"]
    assert told(lacks, of_=[signal(1, "x"), signal(50_000, "y", asset="b")]) == []
    assert told(lacks, of_=[signal(1, "y"), signal(2, "x")]) == [], "the other stands already"
    assert told(lacks, of_=[signal(1, "x"), signal(50_000, "x", "clear")]) == []
    ended = [signal(1, "x"), signal(90_000, "y", asset="b")]
    assert told(lacks, of_=ended) == ["60001 raise emergency.both.a a 0 1", "90000 clear emergency.both.a a 1 0"]


def test_any_of_several_is_one_signal_a_place() -> None:
    any_ = combo("or", X, Y)
    every = [signal(1, "x"), signal(2, "y", asset="b"), signal(3, "x", asset="far", n=1, lon=113.6),
             signal(4, "x", "clear"), signal(5, "y", "clear", asset="b")]  # fmt: skip
    assert told(any_, of_=every) == [
        "1 raise emergency.both.a a 0 1", "3 raise emergency.both.a far 0 1", "5 clear emergency.both.a a 1 0",
    ]  # fmt: skip


def test_two_signals_of_one_scenario_are_two_parts_and_one_signal_is_not() -> None:
    twice = combo("and", X, X)
    assert told(twice, of_=[signal(1, "x")]) == []
    assert told(twice, of_=[signal(1, "x"), signal(2, "x", asset="b")]) == ["2 raise emergency.both.a b 0 1"]


def test_a_part_counts_from_its_level_on_which_may_come_by_an_update() -> None:
    both = combo("and", {**X, "level_from": 3}, Y)
    rising = [signal(1, "x"), signal(2, "y"), signal(3, "x", "update", level=2), signal(4, "x", "update", level=3)]
    assert told(both, of_=rising) == ["4 raise emergency.both.a a 0 1"]


def test_a_combination_may_be_a_part_of_another() -> None:
    first = combo("and", X, Y, name="a")
    then = combo("sequence", {"scenario": "emergency.both.a"}, {"scenario": "emergency.z"}, name="b")
    every = [signal(1, "x"), signal(2, "y"), signal(3, "z")]
    assert told(first, then, of_=every) == ["2 raise emergency.both.a a 0 1", "3 raise emergency.both.b a 0 1"]


def test_silence_ends_it_where_the_scenario_says_so() -> None:
    quiet = combo("and", X, Y, clear={"quiet_s": 10})
    every = [signal(1, "x"), signal(2, "y"), signal(5000, "x", asset="b", n=1)]
    assert told(quiet, of_=every) == ["2 raise emergency.both.a a 0 1", "15000 clear emergency.both.a a 1 0"]


def test_what_has_ended_is_forgotten_so_that_state_stays_small() -> None:
    stage = Stage(combo("and", X, Y))
    for k in range(50):
        stage.hear(signal(10 * k, "x", n=k, asset=f"a{k}"))
        stage.hear(signal(10 * k + 5, "x", "clear", n=k, asset=f"a{k}"))
    assert len(stage.state) == 50
    stage.until(10**6)
    assert stage.state == {}
    assert stage.logic.due() is None


def test_another_form_of_a_combination_begins_anew_and_what_stands_ends_with_its_parts() -> None:
    stage = Stage(combo("and", X, Y))
    stage.hear(signal(1, "x"))
    stage.hear(signal(2, "y"))
    stage.content = Stage(combo("and", X, Y, detect={"within_s": 90})).content
    stage.logic.enter("t", stage.content)
    stage.take(stage.logic.turn(3))
    stage.kept()
    assert [key[:10] for key in stage.state] == [b"combine/c/"]
    stage.hear(signal(3, "x", "clear"))
    stage.hear(signal(4, "y", "clear"))
    assert [line.split()[:2] for line in stage.out] == [["2", "raise"], ["4", "clear"]]


def test_what_a_combination_raised_that_runs_no_more_ends_with_the_change_of_set() -> None:
    stage = Stage(combo("and", X, Y), combo("or", X, Z, name="b"))
    for one in (signal(1, "x"), signal(2, "y"), signal(3, "z", lon=113.6)):
        stage.hear(one)
    stage.content = Stage(combo("or", X, Z, name="b")).content
    stage.logic.enter("t", stage.content)
    stage.take(stage.logic.turn(9))
    stage.kept()
    assert [line.split()[:3] for line in stage.out[3:]] == [["9", "clear", "emergency.both.a"]]
    assert [key for key in stage.state if b"both.a" in key] == []


STEPS = st.lists(
    st.tuples(st.sampled_from("xyz"), st.sampled_from("ab"), st.integers(0, 40), st.sampled_from([113.5, 113.503])),
    max_size=25,
)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(STEPS)
def test_a_restart_at_any_place_changes_neither_what_comes_nor_what_is_kept(steps: list[Any]) -> None:
    combos = [
        combo("and", X, Y, name="a"), combo("sequence", Y, X, {"event": "emergency.z"}, name="b"),
        combo("absence", X, Y, name="c", clear={"quiet_s": 50}), combo("or", X, Y, name="d"),
        combo("and", X, X, name="e", detect={"within_m": None, "same": "grid"}),
    ]  # fmt: skip
    straight, broken = Stage(*combos), Stage(*combos, restarts=True)
    now, standing = 0, dict[tuple[str, str], int]()
    for n, (name, asset, wait, lon) in enumerate(steps):
        now += wait * 1000
        origin = standing.pop((name, asset), None)
        one = signal(now, name, "raise" if origin is None else "clear", asset=asset, n=n if origin is None else origin,
                     lon=lon)  # fmt: skip
        if origin is None:
            standing[name, asset] = n
        straight.hear(msgspec.structs.replace(one))
        broken.hear(msgspec.structs.replace(one))
    straight.until(now + 10**6)
    broken.until(now + 10**6)
    assert straight.out == broken.out
    assert straight.state == broken.state


@pytest.mark.parametrize(("change", "message"), [
    ({"detect": {"within_s": None}}, "within_s"), ({"detect": {"same": "grid"}}, "one of both"),
    ({"detect": {"above": 3}}, "detect.above"), ({"life": True}, "life"), ({"source": "iot"}, "combine"),
    ({"match": {"type": "gas"}}, "match.type"), ({"clear": {"below": 3}}, "clear.below"),
    ({"detect": {"of": [X]}}, "2 to 6"), ({"detect": {"of": [X, {}]}}, r"of\[1\]"),
    ({"detect": {"of": [X, {**Y, "level_from": 5}]}}, "level_from"),
    ({"detect": {"of": [X, {"scenario": "emergency.both.a"}]}}, "itself"),
])  # fmt: skip
def test_a_combination_that_cannot_be_is_refused_with_its_place(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        combo("and", X, Y, **change)


def test_readings_and_calls_together_on_the_real_pipeline_are_exactly_one_signal() -> None:
    call = {"at": 50, "text": "闻到煤气味，怀疑燃气泄漏", **AT}
    given_ = [{"at": 0, "asset": "gas-01", "metric": "gas", "v": [30] * 12, "every_s": 10}]
    expect = [{"at": 50, "kind": "raise", "asset": "gas-01", "level": 1, "grid": "990102002005"}]
    s = combo(
        "and", {"scenario": "emergency.gas.sensor"}, {"event": "emergency.gas.call"},
        tests=[{"name": "both", "given": [*given_, call], "expect": expect}, {"name": "one", "given": given_}],
    )  # fmt: skip
    for case in s.tests:
        outcome = run(demo(), s, case)
        assert outcome.passed(), (outcome.got, outcome.refused)


def test_a_part_that_names_a_scenario_hears_its_districts_variant_where_the_base_does_not_look() -> None:
    # wl-04 lies in 990103, for which the demo has a variant of water_level_high: one reading of 3 is level 2 there.
    given_ = [{"at": 0, "asset": "wl-04", "metric": "water_level", "v": [3.2, 3.2, 3.2], "every_s": 10}]
    expect = [{"at": 60, "kind": "raise", "asset": "wl-04", "level": 1}]
    lacks = combo(
        "absence", {"scenario": "emergency.flood.water_level_high", "level_from": 2},
        {"scenario": "emergency.rain.signal"},
        tests=[
            {"name": "the variant's", "given": given_, "expect": expect, "until": 120},
            {"name": "of its level", "given": [{**given_[0], "v": [2.5, 2.5]}], "until": 120},
        ],
    )  # fmt: skip
    for case in lacks.tests:
        outcome = run(demo(), lacks, case)
        assert outcome.passed(), (outcome.got, outcome.refused)
    every = [*demo().scenarios, lacks]
    both = ("emergency.flood.water_level_high", "emergency.flood.water_level_upland")
    assert {s.id for s in needed(lacks, every)} == {*both, "emergency.rain.signal"}
    assert next(c for c in combinations(every) if c.scenario is lacks).named == (both, ("emergency.rain.signal",))


def test_a_part_of_which_only_a_variant_runs_is_no_trouble_and_one_of_which_nothing_runs_is() -> None:
    variant = of_variant("live")
    both = combo("and", X, Y)
    every = [part("emergency.x", state="draft"), part("emergency.y"), variant, both]
    assert list(trouble(every)) == []
    every[2] = of_variant("draft")
    assert [(t.code, t.place) for _, t in trouble(every)] == [("part_not_live", "detect.of[0].scenario")]


def of_variant(state: str) -> Any:
    return part("emergency.x_upland", extends="emergency.x", state=state)


def test_a_folder_with_a_part_that_nobody_has_or_a_circle_is_refused(tmp_path: Path) -> None:
    def put(name: str, *of_: str) -> None:
        s = {
            "id": f"emergency.both.{name}", "version": 1, "name": {"zh": "x", "en": "x"}, "domain": "emergency",
            "event_code": "x", "source": "signals",
            "detect": {"combine": "or", "of": [{"scenario": one} for one in of_], "same": "grid"},
        }  # fmt: skip
        (tmp_path / f"{name}.yaml").write_bytes(msgspec.yaml.encode(s))

    put("a", "emergency.nobody")
    with pytest.raises(ScenarioError, match=r"of\[0\].scenario: no scenario is emergency.nobody"):
        load(tmp_path)
    put("a", "emergency.both.b")
    put("b", "emergency.both.a")
    with pytest.raises(ScenarioError, match="needs itself"):
        load(tmp_path)


def lifted(combine: str) -> list[str]:
    """Parts of what is raised for as long as new ones come."""
    stage = Stage(combo(combine, X, Y, clear={"quiet_s": 60}), parts="xy")
    for n in range(3 * MOST_PARTS):
        stage.hear(signal(1000 * n, "x", n=n))
        stage.hear(signal(1000 * n + 1, "x", "clear", n=n))
    (case,) = stage.logic._cases.values()
    return [part.identity for part in case.parts]


def test_what_was_raised_for_weeks_names_the_latest_parts_and_all_that_stand() -> None:
    parts = lifted("or")
    assert len(parts) == MOST_PARTS
    assert parts[-1].endswith(f"/{3 * MOST_PARTS - 1}/0")
    stage = Stage(combo("or", X, Y, clear={"quiet_s": 60}), parts="xy")
    for n in range(MOST_PARTS + 20):
        stage.hear(signal(n, "x", n=n))
    (case,) = stage.logic._cases.values()
    assert len(case.parts) == MOST_PARTS + 20, "they stand"
