"""Scenarios in shadow and on trial: what people are told is the same, byte for byte, as without them."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import msgspec
import shadow_rig as rig
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.drill.recorded import Place, events
from brain.sets import CitySet
from streams.partition import partition_of
from streams.records import CE_TYPE, SHADOW_TYPE, SIGNAL_TYPE, TP
from streams.replay import rerun

DEMO = Path(__file__).parents[2] / "config" / "demo"
T0 = rig.T0
ROW = st.one_of(
    st.builds(rig.reading, st.integers(0, 3), st.sampled_from([1.0, 5.0, 9.0, 12.0, 21.0, 30.0]),
              st.integers(0, 200).map(lambda s: T0 + s * 700)),
    st.builds(rig.ticket, st.integers(0, 60), st.sampled_from(["楼上着火", "噪音太大", "路灯坏了", "浓烟和噪音"]),
              st.integers(0, 140).map(lambda s: T0 + s * 1000)),
    st.builds(rig.people, st.integers(0, 3), st.integers(0, 140).map(lambda s: T0 + s * 1000)),
)  # fmt: skip


def shadowed(content: CitySet) -> CitySet:
    """Beside every scenario one in shadow and one on trial where nobody is; one sorts before it, one after."""
    tried = [s for s in content.scenarios if s.source != "signals"]
    after = [rig.in_state(s, "shadow", suffix="_alt") for s in tried]
    before = [msgspec.structs.replace(rig.in_state(s, "trial", "nowhere"), id="a" + s.id) for s in tried]
    return dataclasses.replace(content, drafts=[*before, *after])


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.lists(ROW, max_size=80))
def test_what_people_are_told_does_not_depend_on_what_runs_in_shadow(rows: list[rig.Row]) -> None:
    content = rig.city(*rig.EVERY)
    lines, more = rig.log(rows, 150), shadowed(content)
    plain = rig.run(lines, {"set-1": content})
    both = rig.run(lines, {"set-1": more})
    assert rig.told(both, [s.id for s in more.drafts]) == rig.told(plain)
    live, hidden = rig.incidents(plain, "incidents"), rig.incidents(both, "incidents-shadow")
    assert rig.assets(hidden) == rig.assets(live)


SETS = {
    "set-1": rig.with_states({"high": "shadow", "noise": "shadow", "many": "shadow", "odd": "retired"}),
    "set-2": rig.with_states({"high": "trial:d1", "many": "shadow", "rate": "shadow"}, id="set-2"),
    "set-3": rig.with_states({"many": "live", "quiet": "retired", "call": "shadow"}, id="set-3"),
    "set-4": rig.with_states({"high": "shadow", "call": "retired", "quiet": "shadow"}, id="set-4"),
}
CHANGES = st.lists(st.tuples(st.integers(5, 140), st.sampled_from(sorted(SETS))), max_size=4).map(sorted)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.lists(ROW, min_size=20, max_size=60), CHANGES, st.integers(2, 9), st.integers(1, 40))
def test_replay_is_as_the_run_with_promotions_in_the_middle_and_tasks_that_die_around_them(
    rows: list[rig.Row], changes: list[tuple[int, str]], every: int, limit: int
) -> None:
    lines = rig.log(rows, 150, changes)
    died, replayed = rig.killed(lines, SETS, every, limit), rig.run(lines, SETS)
    assert rig.signals(died) == rig.signals(replayed)
    for family in ("incidents", "incidents-shadow"):
        assert rig.incidents(died, family) == rig.incidents(replayed, family)


def highs(*seconds: tuple[int, float], asset: int = 0) -> list[rig.Row]:
    return [rig.reading(asset, value, T0 + second * 1000) for second, value in seconds]


def raises(broker: Any, kind: bytes = SIGNAL_TYPE) -> list[tuple[str, int]]:
    """Scenario and second of the raises of readings, told live or in shadow."""
    out = []
    for p in range(2):
        for _, _, value, heads in broker.read(TP("signals.iot.telemetry", p)):
            if dict(heads).get(CE_TYPE) == kind and value:
                s = msgspec.json.decode(value)
                if s["kind"] == "raise":
                    out.append((s["scenario"].rpartition(".")[2], (s["t"] - T0) // 1000))
    return sorted(out, key=lambda one: (one[1], one[0]))


def test_a_debounce_half_way_through_goes_on_when_another_scenario_is_promoted() -> None:
    texts = (rig.HIGH, rig.RATE)
    sets = {
        "set-1": rig.with_states({"rate": "shadow"}, texts),
        "set-2": rig.with_states({}, texts, id="set-2"),
    }
    rows = highs((10, 12.0), (11, 12.0), (20, 12.0))  # of three readings in a row, two before the set changes
    assert raises(rig.run(rig.log(rows, 40, [(15, "set-2")]), sets)) == [("high", 20)]
    assert raises(rig.run(rig.log(rows, 40), sets)) == [("high", 20)]


def test_what_stands_in_shadow_ends_there_on_promotion_and_is_raised_anew_for_people() -> None:
    texts = (rig.HIGH,)
    sets = {"set-1": rig.with_states({"high": "shadow"}, texts), "set-2": rig.with_states({}, texts, id="set-2")}
    rows = highs(*((second, 12.0) for second in range(10, 26)))
    done = rig.run(rig.log(rows, 60, [(15, "set-2")]), sets)
    assert raises(done, SHADOW_TYPE) == [("high", 12)]
    assert raises(done) == [("high", 18)], "three readings after the pulse that ended it"
    (hidden,), (shown,) = (rig.incidents(done, family).values() for family in ("incidents-shadow", "incidents"))
    assert [r[1] for r in hidden["reasons"]][-2:] == ["rule_ended", "closed"]
    assert (shown["set"], shown["state"]) == ("set-2", "detected")


def test_what_stands_when_a_rule_is_taken_back_closes_with_that_reason() -> None:
    texts = (rig.HIGH,)
    for state in ("shadow", "retired", "draft"):
        sets = {"set-1": rig.with_states({}, texts), "set-2": rig.with_states({"high": state}, texts, id="set-2")}
        rows = highs(*((second, 12.0) for second in range(10, 26)))
        done = rig.run(rig.log(rows, 60, [(15, "set-2")]), sets)
        (shown,) = rig.incidents(done, "incidents").values()
        assert [r[1] for r in shown["reasons"]][-3:] == ["cleared_all", "rule_ended", "closed"]
        assert raises(done, SHADOW_TYPE) == ([("high", 18)] if state == "shadow" else [])


def together(*seconds: int) -> list[rig.Row]:
    """Two gauges of one town that are over its bound together."""
    return [row for n in (0, 1) for row in highs(*((second, 12.0) for second in seconds), asset=n)]


def test_what_minutes_raised_ends_when_its_rule_is_taken_back_and_is_raised_anew_when_it_returns() -> None:
    rows = together(*range(10, 400, 20))
    for state in ("retired", "shadow", "trial:d2"):
        sets = {
            name: rig.with_states({"many": state if name == "set-2" else "live"}, (rig.MANY,), id=name)
            for name in ("set-1", "set-2", "set-3")
        }
        lines = rig.log(rows, 460, [(130, "set-2"), (250, "set-3")])
        done = rig.run(lines, sets)
        first, again = sorted(rig.incidents(done, "incidents").values(), key=lambda i: i["opened"])
        told = [((t - T0) // 1000, why) for t, why, _ in first["reasons"][-3:]]
        ended = "quiet_resolved" if state == "trial:d2" else "rule_ended"
        assert told == [(130, "cleared_all"), (135, ended), (140, "closed")], state
        assert (again["set"], again["state"], again["opened"]) == ("set-3", "detected", first["opened"] + 240_000)
        hidden = [i["state"] for i in rig.incidents(done, "incidents-shadow").values()]
        assert hidden == ([] if state == "retired" else ["closed"])
        assert rig.incidents(rig.killed(lines, sets, 3, 7), "incidents") == rig.incidents(done, "incidents")


def test_on_trial_a_rule_is_live_in_its_district_and_in_shadow_elsewhere() -> None:
    texts = (rig.HIGH, rig.NOISE)
    content = rig.with_states({"high": "trial:d1", "many": "trial:d2"}, texts)
    assert [s.state for s in content.drafts] == ["trial", "trial"]
    rows = highs(*((second, 12.0) for second in range(10, 14)))
    rows += [rig.ticket(2 * n, "噪音太大", T0 + n * 1000) for n in range(4)]
    done = rig.run(rig.log(rows, 40), {"set-1": content})
    assert [i["scenario"] for i in rig.incidents(done, "incidents").values()] == ["emergency.flood.high"]
    assert [i["scenario"] for i in rig.incidents(done, "incidents-shadow").values()] == ["eco.noise.many"]


def test_a_never_hidden_class_in_shadow_sounds_no_alarm() -> None:
    content = rig.with_states({"call": "shadow"}, (rig.FIRE,))
    done = rig.run(rig.log([rig.ticket(1, "楼上着火", T0 + 5000)], 20), {"set-1": content})
    (hidden,) = rig.incidents(done, "incidents-shadow").values()
    assert hidden["life"]
    assert not rig.incidents(done, "incidents")
    assert not [tp for tp in done.partitions if tp.topic.startswith("alarms.")]
    copies = [v for _, _, v, h in done.read(TP("signals.shadow.hotline.tickets", 0)) if (CE_TYPE, SIGNAL_TYPE) in h]
    assert len(copies) == 1


def test_the_whole_demo_is_told_the_same_with_a_shadow_and_a_trial_of_every_scenario() -> None:
    content = CitySet.load(DEMO)
    more = shadowed(content)
    kinds = {name: content.registry.types.index(name) for name in content.registry.types}

    def of(kind: str) -> list[str]:
        return [
            id_
            for id_, k in zip(content.registry.ids, content.registry.asset_type.tolist(), strict=True)
            if k == kinds.get(kind, -1)
        ]

    place = Place(
        of("air"), of("camera"), of("water_level"), (113.4, 22.15, 113.6, 22.3), of("rain"), of("ponding"),
        of("water_quality"),
    )  # fmt: skip
    rows = [
        (e.topic, partition_of(e.key.encode(), rig.PARTS[e.topic]), e.key.encode(), e.value, T0 + round(e.at * 1000))
        for e in itertools.takewhile(lambda e: e.at < 100, events(place, T0))
    ]
    lines = rig.log(rows, 130, first=content.id)
    runs = [rerun(lines, rig.settings({content.id: one}, content.id))[0] for one in (content, more)]
    plain, both = (rig.told(broker, [s.id for s in more.drafts]) for broker in runs)
    assert plain == both
    scenarios = {i["scenario"] for i in rig.incidents(runs[0], "incidents").values()}
    assert len(scenarios) > 4
    assert rig.assets(rig.incidents(runs[1], "incidents-shadow")) >= rig.assets(rig.incidents(runs[0], "incidents"))


BOTH = """
id: emergency.chain.both
version: 1
name: {zh: 两者, en: Both}
domain: emergency
event_code: emergency.flood.level
source: signals
detect:
  combine: and
  of: [{scenario: emergency.flood.high}, {scenario: eco.noise.many}]
  within_s: 60
  same: district
"""
LACKS = BOTH.replace("chain.both", "chain.lacks").replace("combine: and", "combine: absence").replace(": 60", ": 10")
UPON = BOTH.replace("chain.both", "chain.upon").replace("eco.noise.many", "emergency.chain.both")
PARTS = (rig.HIGH, rig.NOISE)


def said(broker: Any, family: str, scenario: str) -> list[dict[str, Any]]:
    """Members of a scenario in a family's incidents."""
    found = rig.incidents(broker, family).values()
    return [m for incident in found for m in incident["members"] if m["scenario"] == scenario]


def noises(*seconds: int) -> list[rig.Row]:
    return [rig.ticket(2 * n, "噪音太大", T0 + second * 1000) for n, second in enumerate(seconds)]


def test_a_combination_in_shadow_hears_what_is_live_and_what_is_in_shadow_and_changes_nothing_for_people() -> None:
    rows = [*highs(*((second, 12.0) for second in range(10, 20)), (21, 1.0)), *noises(12, 13, 14, 15)]
    for states in ({}, {"high": "shadow"}, {"many": "shadow"}):
        lines = rig.log(rows, 200)
        plain = rig.run(lines, {"set-1": rig.with_states(states, PARTS)})
        more = rig.with_states({**states, "both": "shadow"}, (*PARTS, BOTH))
        done = rig.run(lines, {"set-1": more})
        assert rig.told(done, ["eco.noise.many"]) == rig.told(plain, ["eco.noise.many"])
        (member,) = said(done, "incidents-shadow", "emergency.chain.both")
        assert (member["asset"], (member["onset"] - T0) // 1000, bool(member["cleared"])) == ("wl-0", 14, True)


def test_a_combination_in_shadow_is_as_it_will_be_live_and_hears_combinations_and_waits_for_what_stays_away() -> None:
    rows = [*highs(*((second, 12.0) for second in range(10, 20)), (40, 1.0)), *noises(31, 32, 33, 34)]
    texts = (*PARTS, BOTH, LACKS, UPON)
    live = rig.run(rig.log(rows, 200), {"set-1": rig.with_states({}, texts)})
    for states in ({"upon": "shadow", "lacks": "shadow"}, {"both": "shadow", "upon": "shadow", "lacks": "shadow"}):
        hidden = rig.run(rig.log(rows, 200), {"set-1": rig.with_states(states, texts)})
        for name in states:
            scenario = f"emergency.chain.{name}"
            one, other = (
                [(m["id"], m["onset"], m["cleared"]) for m in said(found, family, scenario)]
                for found, family in ((live, "incidents"), (hidden, "incidents-shadow"))
            )  # fmt: skip
            assert one == other != []


def test_what_a_combination_raised_in_shadow_ends_there_as_it_is_promoted_and_is_told_to_people_at_once() -> None:
    sets = {
        "set-1": rig.with_states({"both": "shadow"}, (*PARTS, BOTH)),
        "set-2": rig.with_states({}, (*PARTS, BOTH), id="set-2"),
    }
    rows = [*highs(*((second, 12.0) for second in range(10, 40)), (41, 1.0)), *noises(12, 13, 14, 15)]
    done = rig.run(rig.log(rows, 200, [(30, "set-2")]), sets)
    (hidden,), (shown,) = (said(done, family, "emergency.chain.both") for family in ("incidents-shadow", "incidents"))
    assert [(m["cleared"] - T0) // 1000 for m in (hidden, shown)] == [30, 115]
    assert hidden["onset"] == shown["onset"] == T0 + 14_000


COMBINED = {
    "set-1": rig.with_states({"both": "shadow", "lacks": "shadow", "upon": "shadow"}, (*PARTS, BOTH, LACKS, UPON)),
    "set-2": rig.with_states({"high": "shadow", "both": "shadow"}, (*PARTS, BOTH, LACKS), id="set-2"),
    "set-3": rig.with_states({"upon": "shadow", "many": "shadow"}, (*PARTS, BOTH, UPON), id="set-3"),
}


@settings(max_examples=4, deadline=None, derandomize=True)
@given(
    st.lists(ROW, min_size=20, max_size=60),
    st.lists(st.tuples(st.integers(5, 140), st.sampled_from(sorted(COMBINED))), max_size=3).map(sorted),
    st.integers(2, 9), st.integers(1, 40),
)  # fmt: skip
def test_combinations_in_shadow_are_the_same_when_tasks_die_and_sets_change(
    rows: list[rig.Row], changes: list[tuple[int, str]], every: int, limit: int
) -> None:
    rows = [*rows, *highs(*((second, 12.0) for second in range(20, 40))), *noises(21, 22, 23, 60, 61, 62)]
    lines = rig.log(rows, 150, changes)
    died, replayed = rig.killed(lines, COMBINED, every, limit), rig.run(lines, COMBINED)
    for family in ("incidents", "incidents-shadow"):
        assert rig.incidents(died, family) == rig.incidents(replayed, family)
    assert any("emergency.chain" in str(i) for i in rig.incidents(replayed, "incidents-shadow").values()) or changes
