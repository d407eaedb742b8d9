"""Combinations on trial: for people in one district, in shadow elsewhere; what stands goes with a promotion."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Any

import lane_rig
import msgspec
import pytest
import shadow_rig as rig
import shapely
from city_rig import parted
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.combination import nowhere, trouble
from brain.incidents.books import Books
from brain.incidents.state import restored
from brain.scenarios import ScenarioError, load, read
from brain.sets import CitySet
from brain.versus import versus
from geo.city_map import CityMap
from geo.feature import Feature
from geo.grid_map import GridMap
from streams.records import SHADOW, Signal
from tests.support.city_rig import put_into

T0 = rig.T0
X, Y, BOTH, UPON = "emergency.flood.high", "eco.noise.many", "emergency.chain.both", "emergency.chain.upon"


def chain(name: str, combine: str, parts: tuple[str, ...], rest: str) -> str:
    of = ", ".join(f"{{scenario: {part}}}" for part in parts)
    return f"""
id: emergency.chain.{name}
version: 1
name: {{zh: 两者, en: Both}}
domain: emergency
event_code: emergency.chain.{name}
source: signals
detect: {{combine: {combine}, of: [{of}], {rest}}}
"""


PARTS = (rig.HIGH, rig.NOISE)
TEXTS = (*PARTS, chain("both", "and", (X, Y), "within_s: 60, within_m: 500"))
UPON_IT = chain("upon", "and", (BOTH, X), "within_s: 60, same: city")


@functools.cache
def content(both: str, *more: str, texts: tuple[str, ...] = TEXTS) -> CitySet:
    """The set of that name: ``both`` in that state; ``more``: ``name=state`` of others."""
    states = {"both": both, **dict(one.split("=") for one in more)}
    return rig.with_states(states, texts, id="|".join((both, *more)))


class Town:
    """Both books over signals by hand, in fold order; their state as the engine keeps it."""

    def __init__(self, first: CitySet, restarts: bool = False) -> None:
        self.force, self.restarts = first, restarts
        self.state, self.records = dict[bytes, bytes](), dict[tuple[str, bytes], bytes]()
        self.books = self.fresh()

    def fresh(self) -> Books:
        made = Books(rig.FOLD)
        made.load(dict(self.state))
        made.enter(self.force.id, self.force)
        return made

    def until(self, second: float) -> None:
        while (due := self.books.due()) is not None and due <= T0 + second * 1000:
            self.books.fire(due)
            self.kept()

    def enter(self, second: float, force: CitySet) -> None:
        self.until(second)
        self.force = force
        self.books.enter(force.id, force)
        self.books.fire(T0 + round(second * 1000))
        self.kept()

    def hear(self, *signals: Signal) -> None:
        for one in signals:
            self.until((one.fold - T0) / 1000)
            self.books.signal(msgspec.structs.replace(one))
            self.kept()

    def kept(self) -> None:
        items, records = parted(self.books.changes())
        put_into(self.state, items)
        for topic, key, value, _ in records:
            if topic.startswith("incidents") and value is not None:
                self.records[topic.partition(".")[0], key] = value
        if self.restarts:
            self.books = self.fresh()

    def said(self, family: str = "incidents", scenario: str = BOTH) -> list[str]:
        """Members of a scenario: asset, second of its onset, of its end, how often it was raised."""
        out = []
        for (name, _), value in sorted(self.records.items()):
            for m in restored(value).members if name == family else ():
                if m.scenario == scenario:
                    end = "" if m.cleared is None else (m.cleared - T0) // 1000
                    out.append(f"{m.asset} {(m.onset - T0) // 1000}-{end}" + (f" x{m.raises}" if m.raises > 1 else ""))
        return sorted(out)

    def hidden(self, scenario: str = BOTH) -> list[str]:
        return self.said("incidents-shadow", scenario)


def signal(
    second: int, scenario: str, asset: str, district: str, kind: str = "raise", lon: float = 113.5, shadow: bool = False
) -> Signal:
    at, n = T0 + second * 1000, sum(map(ord, asset)) + len(scenario)
    return Signal(
        scenario, asset, kind, ("iot", 0, n, SHADOW * shadow), 0, at, 0, at, at, fold=at, level=int(kind != "clear"),  # type: ignore[arg-type]  # one of three
        lon=lon, lat=22.5, grid=f"g-{district}", district=district, source="iot",
    )  # fmt: skip


def pair(second: int, place: str, district: str, kind: str = "raise", lon: float = 113.5) -> list[Signal]:
    """Both parts at a place, a second apart."""
    one, two = (signal(second + k, name, f"{place}{k}", district, kind, lon) for k, name in enumerate((X, Y)))
    return [one, two]


def standing(state: str, *more: str) -> Town:
    """Both parts stand at a in d1 and at b in d2, far from one another, in a set of that state."""
    town = Town(content(state, *more))
    town.hear(*pair(1, "a", "d1"), *pair(3, "b", "d2", lon=113.9))
    return town


def test_on_trial_a_combination_is_for_people_in_its_district_and_in_shadow_elsewhere() -> None:
    town = standing("trial:d1")
    assert (town.said(), town.hidden()) == (["a0 2-"], ["b0 4-"])
    town.hear(*pair(20, "a", "d1", "clear"), *pair(22, "b", "d2", "clear", lon=113.9))
    assert (town.said(), town.hidden()) == (["a0 2-21"], ["b0 4-23"])
    town.until(300)
    assert [key for key in town.state if b"combine/c" in key] == []


def test_what_has_no_district_is_in_shadow_wherever_the_trial_is() -> None:
    town = Town(content("trial:d1"))
    town.hear(*pair(1, "a", ""))
    assert (town.said(), town.hidden()) == ([], ["a0 2-"])


def test_a_part_in_shadow_makes_nothing_that_people_hear_of_in_the_district_of_the_trial() -> None:
    town = Town(content("trial:d1", "many=shadow"))
    town.hear(signal(1, X, "a0", "d1"), signal(2, Y, "a1", "d1", shadow=True))
    town.hear(signal(3, X, "b0", "d2", lon=113.9), signal(4, Y, "b1", "d2", lon=113.9, shadow=True))
    assert (town.said(), town.hidden()) == ([], ["b0 4-"])


def test_when_a_trial_goes_live_people_keep_what_they_have_and_hear_at_once_of_what_stood_elsewhere() -> None:
    town = standing("trial:d1")
    town.enter(30, content("live"))
    assert (town.said(), town.hidden()) == (["a0 2-", "b0 4-"], ["b0 4-30"])
    town.until(60)
    (ended,) = (restored(v) for (family, _), v in town.records.items() if family == "incidents-shadow")
    assert [r[1] for r in ended.reasons][-2:] == ["rule_ended", "closed"]
    town.hear(*pair(70, "b", "d2", "clear", lon=113.9), *pair(72, "a", "d1", "clear"))
    assert town.said() == ["a0 2-73", "b0 4-71"]


def test_what_stands_moves_with_the_trial_to_another_district_and_back_and_is_never_told_twice() -> None:
    town = standing("trial:d1")
    town.enter(30, content("trial:d2"))
    assert (town.said(), town.hidden()) == (["a0 2-30", "b0 4-"], ["a0 2-", "b0 4-30"])
    town.enter(32, content("trial:d1"))
    assert (town.said(), town.hidden()) == (["a0 2- x2", "b0 4-32"], ["a0 2-32", "b0 4- x2"])
    town.hear(*pair(40, "a", "d1", "clear"), *pair(42, "b", "d2", "clear", lon=113.9))
    assert (town.said(), town.hidden()) == (["a0 2-41 x2", "b0 4-32"], ["a0 2-32", "b0 4-43 x2"])


def test_what_is_taken_back_ends_for_people_at_that_pulse() -> None:
    for to, hidden in (("shadow", ["a0 2-", "b0 4-"]), ("retired", ["b0 4-30"]), ("draft", ["b0 4-30"])):
        town = standing("trial:d1")
        town.enter(30, content(to))
        assert (town.said(), town.hidden()) == (["a0 2-30"], hidden), to
        town.until(60)
        every = [restored(v) for (family, _), v in town.records.items() if family == "incidents"]
        (shown,) = (i for i in every if i.scenario == BOTH)
        assert [r[1] for r in shown.reasons][-3:] == ["cleared_all", "rule_ended", "closed"]
        assert bool([key for key in town.state if b"combine/c" in key]) == (to == "shadow")


def test_from_live_back_to_trial_people_keep_what_is_in_the_district_and_the_rest_ends() -> None:
    town = standing("live")
    town.enter(30, content("trial:d1"))
    assert (town.said(), town.hidden()) == (["a0 2-", "b0 4-30"], []), "in shadow it begins with what comes"
    town.hear(*pair(40, "c", "d2", lon=113.7))
    assert town.hidden() == ["c0 41-"]
    town.enter(50, content("live"))
    assert town.said() == ["a0 2-", "b0 4-", "b0 4-30", "c0 41-"], "what had ended for people is another incident"


def test_what_stood_in_shadow_is_told_as_the_trial_begins_where_all_of_it_is_live() -> None:
    town = standing("shadow")
    town.hear(signal(5, X, "c0", "d1", lon=113.7), signal(6, Y, "c1", "d1", lon=113.7, shadow=True))
    assert (town.said(), town.hidden()) == ([], ["a0 2-", "b0 4-", "c0 6-"])
    town.enter(30, content("trial:d1"))
    assert (town.said(), town.hidden()) == (["a0 2-"], ["a0 2-30", "b0 4-", "c0 6-30"])


def test_at_the_border_neither_side_is_swallowed_by_the_other_and_live_they_are_one() -> None:
    for first, second in (("d1", "d2"), ("d2", "d1")):
        town = Town(content("trial:d1"))
        town.hear(*pair(1, "a", first), *pair(5, "b", second, lon=113.501))
        told, hidden = (["a0 2-"], ["b0 5-"]) if first == "d1" else (["b0 5-"], ["a0 2-"])
        assert (town.said(), town.hidden()) == (told, hidden)
        town.enter(30, content("live"))
        assert town.said() == told, "what stood across the border joins it"
        town.hear(*pair(40, "a", first, "clear"))
        assert town.said() == told
        town.hear(*pair(50, "b", second, "clear", lon=113.501))
        assert [line[-2:] for line in town.said()] == ["51"]


def test_what_would_end_by_quiet_at_the_very_time_of_the_change_is_not_told_first() -> None:
    texts = (*PARTS, f"{TEXTS[2]}clear: {{quiet_s: 28}}\n")
    for second, told in ((29, ["a0 2-"]), (30, [])):
        town = Town(content("shadow", texts=texts))
        town.hear(*pair(1, "a", "d1"))
        town.until(second - 1)
        town.force = content("live", texts=texts)
        town.books.enter("live", town.force)  # the engine's order: a change of set before the timers of its time
        town.books.fire(T0 + second * 1000)
        town.kept()
        assert town.said() == told


def test_a_combination_hears_one_on_trial_where_it_is_told_and_in_shadow_hears_it_everywhere() -> None:
    texts = (*TEXTS, UPON_IT)
    town = Town(content("trial:d1", texts=texts))
    town.hear(*pair(1, "b", "d2"))
    assert (town.said(scenario=UPON), town.hidden(UPON)) == ([], [])
    town.enter(10, content("live", texts=texts))
    assert town.said(scenario=UPON) == ["b0 10-"], "it hears it as it is told"
    town = Town(content("trial:d1", "upon=shadow", texts=texts))
    town.hear(*pair(1, "b", "d2"))
    assert (town.said(scenario=UPON), town.hidden(UPON)) == ([], ["b0 2-"])


STATES = st.sampled_from(["shadow", "trial:d1", "trial:d2", "live", "retired"])
STEP = st.one_of(
    st.tuples(st.sampled_from([X, Y]), st.sampled_from("abc"), st.integers(0, 20), st.booleans()),
    st.tuples(STATES, st.integers(1, 20)),
)
DISTRICT = {"a": ("d1", 113.5), "b": ("d2", 113.503), "c": ("d2", 113.9)}


@settings(max_examples=25, deadline=None, derandomize=True)
@given(STATES, st.lists(STEP, min_size=4, max_size=25))
def test_a_restart_at_any_place_of_a_trial_changes_neither_what_is_told_nor_what_is_kept(
    first: str, steps: list[Any]
) -> None:
    texts = (*TEXTS, UPON_IT, chain("lacks", "absence", (X, Y), "within_s: 15, within_m: 500"))
    towns = [Town(content(first, f"lacks={first}", texts=texts), restarts) for restarts in (False, True)]
    now, stand = 0, set[tuple[str, str]]()
    for step in steps:
        if len(step) == 2:
            now += step[1]
            for town in towns:
                town.enter(now, content(step[0], f"lacks={step[0]}", texts=texts))
            continue
        name, place, wait, _ = step
        now += wait
        district, lon = DISTRICT[place]
        one = signal(now, name, place, district, "clear" if (name, place) in stand else "raise", lon)
        stand ^= {(name, place)}
        for town in towns:
            town.hear(one)
    for town in towns:
        town.until(now + 200)
    straight, broken = towns
    assert straight.records == broken.records
    assert straight.state == broken.state


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(STEP, min_size=4, max_size=25))
def test_whatever_was_in_between_once_live_people_have_all_that_stands_and_on_trial_what_is_in_its_district(
    steps: list[Any],
) -> None:
    always, tried = Town(content("live")), Town(content("shadow"))
    now, stand = 0, set[tuple[str, str]]()
    for step in [*steps, ("trial:d2", 1), ("live", 1)]:
        if len(step) == 2:
            now += step[1]
            state = "shadow" if step[0] == "retired" else step[0]  # what is retired begins anew
            tried.enter(now, content(state))
            always.enter(now, content("live"))
            mine = {a for a in people(always) if state == "live" or state == f"trial:{DISTRICT[a[0]][0]}"}
            assert people(tried) == mine
            continue
        name, place, wait, _ = step
        now, place = now + wait, "ac"["abc".index(place) % 2]  # none near the border
        district, lon = DISTRICT[place]
        one = signal(now, name, place, district, "clear" if (name, place) in stand else "raise", lon)
        stand ^= {(name, place)}
        always.hear(one)
        tried.hear(one)


def people(town: Town) -> set[str]:
    """Assets of what stands for people."""
    return {line.split()[0] for line in town.said() if line.split()[1].endswith("-")}


@settings(max_examples=4, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.integers(5, 140), st.sampled_from(["a", "b", "c", "d"])), max_size=4).map(sorted),
    st.integers(2, 9), st.integers(1, 40),
)  # fmt: skip
def test_replay_is_as_the_run_with_trials_in_the_middle_and_tasks_that_die_around_them(
    changes: list[tuple[int, str]], every: int, limit: int
) -> None:
    states = {"set-1": "shadow", "a": "trial:d1", "b": "trial:d2", "c": "live", "d": "retired"}
    sets = {name: rig.with_states({"both": state}, TEXTS_TOWN, id=name) for name, state in states.items()}
    rows = [rig.reading(0, 12.0, T0 + second * 1000) for second in range(10, 90)]
    rows += [rig.ticket(2 * n, "噪音太大", T0 + second * 1000) for n, second in enumerate((21, 22, 23, 60, 61, 62))]
    lines = rig.log(rows, 150, changes)
    died, replayed = rig.killed(lines, sets, every, limit), rig.run(lines, sets)
    for family in ("incidents", "incidents-shadow"):
        assert rig.incidents(died, family) == rig.incidents(replayed, family)
        if not changes:
            assert (family == "incidents-shadow") == (BOTH in str(rig.incidents(replayed, family)))


TEXTS_TOWN = (*PARTS, chain("both", "and", (X, Y), "within_s: 60, same: town"))


def test_where_the_trial_is_not_people_are_told_the_same_as_without_it() -> None:
    rows = [rig.reading(0, 12.0, T0 + second * 1000) for second in range(10, 40)]
    rows += [rig.ticket(2 * n, "噪音太大", T0 + second * 1000) for n, second in enumerate((21, 22, 23, 24))]
    lines = rig.log(rows, 90)
    plain = rig.run(lines, {"set-1": rig.with_states({}, PARTS)})
    tried = rig.run(lines, {"set-1": rig.with_states({"both": "trial:d2"}, TEXTS_TOWN)})
    assert rig.told(tried) == rig.told(plain)
    assert BOTH in str(rig.incidents(tried, "incidents-shadow"))


def test_a_grid_that_moves_to_another_district_is_asked_at_the_time_of_each_event() -> None:
    def moved(at: int | None) -> GridMap:
        shape, own = shapely.box(113, 22, 114, 23), {"town": "t1", "district": "d1"}
        second = Feature("grid", "g1", shapely.box(114, 22, 115, 23), attributes=own)
        if at is None:
            return GridMap.of_map(CityMap([Feature("grid", "g0", shape, attributes=own), second]))
        return GridMap.of_map(CityMap([
            Feature("grid", "g0", shape, until=at, attributes=own),
            Feature("grid", "g0", shape, at, attributes={**own, "district": "d2"}), second,
        ]))  # fmt: skip

    first = dataclasses.replace(rig.with_states({"both": "trial:d1"}, TEXTS_TOWN), map=moved(None))
    then = dataclasses.replace(first, id="set-2", map=moved(T0 + 60_000))
    rows = [
        rig.reading(0, 12.0 if second < 50 or second > 70 else 1.0, T0 + second * 1000) for second in range(10, 120)
    ]
    rows += [rig.ticket(2 * n, "噪音太大", T0 + second * 1000) for n, second in enumerate((21, 22, 23))]
    done = rig.run(rig.log(rows, 200, [(35, "set-2")]), {"set-1": first, "set-2": then})
    place = {}
    for family in ("incidents", "incidents-shadow"):
        members = [m for i in rig.incidents(done, family).values() for m in i["members"] if m["scenario"] == BOTH]
        place[family] = [(m["onset"] - T0) // 1000 for m in members]
    assert place == {"incidents": [23], "incidents-shadow": [73]}, "raised in d1 before it moved, in d2 after"


SUMMED = lane_rig.flood("summed", "detect: {sum_over: 20, by: city}\nclear: {below: 15}")
TRIED = "state: trial\ntrial: {district: d1}\n"


def test_a_combination_with_the_place_of_a_sum_over_the_city_cannot_be_on_trial_and_is_told_why(tmp_path: Path) -> None:
    placed = "{scenario: emergency.flood.summed}, {scenario: emergency.flood.high, place: true}"
    summed = placed.replace(", place: true", "")
    text = chain("sums", "and", (), "within_s: 60, same: city")
    for of, lost in ((summed, ["emergency.flood.summed"]), (placed, [])):
        s = read(text.replace("of: []", f"of: [{of}]") + "state: shadow\n")
        every = [read(rig.HIGH), read(SUMMED), s]
        assert nowhere(s, every) == lost
        assert [t.code for _, t in trouble(every)] == (["no_trial"] if lost else [])
    for name, one in (
        ("high", rig.HIGH),
        ("summed", SUMMED),
        ("sums", text.replace("of: []", f"of: [{summed}]") + TRIED),
    ):
        (tmp_path / f"{name}.yaml").write_text(one, encoding="utf-8")
    with pytest.raises(
        ScenarioError, match=r"trial: it cannot be on trial: its place is that of emergency.flood.summed"
    ):
        load(tmp_path)
    (tmp_path / "sums.yaml").write_text(text.replace("of: []", f"of: [{placed}]") + TRIED, encoding="utf-8")
    assert [s.state for s in load(tmp_path)] == ["trial", "live", "live"]


def test_one_with_any_part_that_lies_in_a_district_may_be_on_trial_and_one_of_such_combinations_alone_may_not() -> None:
    either = read(chain("either", "or", ("emergency.flood.summed", X), "same: city") + "state: draft\n")
    sums = read(chain("sums", "or", ("emergency.flood.summed",), "same: city") + "state: draft\n")
    upon = read(chain("upon", "sequence", ("emergency.chain.sums", X), "within_s: 9, same: city") + "state: draft\n")
    every = [read(rig.HIGH), read(SUMMED), either, sums, upon]
    assert [nowhere(s, every) for s in (either, sums, upon)] == [
        [],
        ["emergency.flood.summed"],
        ["emergency.flood.summed"],
    ]


def test_the_comparison_of_one_on_trial_is_with_itself_where_it_is_live() -> None:
    town = standing("trial:d1")
    (s,) = content("trial:d1").drafts
    sides = [
        [restored(v) for (name, _), v in sorted(town.records.items()) if name == family]
        for family in ("incidents", "incidents-shadow")
    ]
    told = versus(s, *sides)
    assert (told.against, told.both, len(told.only_live), len(told.only_shadow)) == (BOTH, [], 1, 1)
