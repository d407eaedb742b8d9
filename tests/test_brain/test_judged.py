"""Scenarios that name a risk model: judged by the table of the day as far as it is verified, however a log is cut."""

from __future__ import annotations

import random
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lane_rig import GRIDS, Rig

from brain import judged_set
from brain.drill.recorded import Place, events
from brain.incidents.city import CityLogic
from brain.lane import ReadingsLane
from brain.scenario import Scenario
from brain.scenarios import of, read
from brain.sets import CitySet
from brain.standards import Library, load
from geo.grid_map import GridMap
from models.standards.registry import MODELS
from streams.records import Signal
from streams.registry import Registry

TABLES = load()
DEMO = Path(__file__).parents[2] / "config" / "demo"


def asset(id: str, type: str, **units: str) -> dict[str, Any]:
    metrics = {name: {"unit": unit, "range": [-1, 10_000]} for name, unit in units.items()}
    return {"id": id, "type": type, "lon": 113.5, "lat": 22.5, "metrics": metrics}


ASSETS = [
    asset("gas-1", "gas", lel="%LEL"),
    asset("wind-1", "wind", wind="m/s"),
    asset("rain-1", "rain", mm_3h="mm", mm_6h="mm"),
    asset("pond-1", "ponding", depth="cm"),
    *(asset(f"air-{n}", "air", pm25="ug/m3", o3="ug/m3") for n in range(3)),
    asset("air-9", "air", pm25="ug/m3"),
    asset("wq-1", "water_quality", do="mg/L", nh3n="mg/L"),
]
REGISTRY = Registry.of(ASSETS)


def scenario(name: str, match: str, detect: str, rest: str = "") -> str:
    return f"""
id: emergency.{name}
version: 1
name: {{zh: {name}, en: {name}}}
domain: emergency
event_code: emergency.{name}
source: iot
match: {match}
detect: {detect}
{rest}
"""


GAS = scenario("gas", "{type: gas, metric: lel}", "{standard: combustible_gas}")
WIND = scenario(
    "wind", "{type: wind}", "{standard: typhoon_guangdong, inputs: {wind_ms: wind}, given: {hours: 0}}"
)  # fmt: skip
RAIN = scenario("rain", "{type: rain, metric: mm_3h}", "{standard: rain_guangdong}")
POND = scenario("pond", "{type: ponding, metric: depth}", "{standard: waterlogging}")
AIR = scenario(
    "air", "{type: air}", "{standard: aqi, grade_from: moderate, inputs: {PM25_24h: pm25, O3_1h: o3}, age_s: 3600}",
    "clear: {grade_below: light}",
)  # fmt: skip
WATER = scenario(
    "water", "{type: water_quality}",
    "{standard: water, grade_from: IV, inputs: {DO: do, NH3N: nh3n}, given: {water: river}, age_s: 14400}",
)  # fmt: skip


def city(*texts: str) -> CitySet:
    scenarios: list[Scenario] = sorted((read(t) for t in texts), key=lambda s: s.id)
    for s in scenarios:
        judged_set.check(s, TABLES)
        judged_set.check_units(s, TABLES, REGISTRY)
    return CitySet("set-1", REGISTRY, GridMap(GRIDS), scenarios, standards=TABLES)


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def rig(*texts: str, at: str = "2024-06-10T08:00+08:00") -> Rig:
    made = Rig(ReadingsLane, city(*texts))
    made.pulse = ms(at)
    return made


def say(rig: Rig, asset: str, metric: str, t: str | int, v: float) -> None:
    rig.say({"asset": asset, "metric": metric, "t": ms(t) if isinstance(t, str) else t, "v": v})


def told(signals: list[Signal]) -> list[tuple[str, int, str]]:
    return [(s.kind, s.level, s.grade) for s in signals]


def test_steps_of_a_standard_raise_and_escalate_and_the_signal_and_the_incident_name_table_and_grade() -> None:
    r = rig(GAS)
    for n, v in enumerate([24.9, 25, 49.9, 50, 24.9]):
        say(r, "gas-1", "lel", r.pulse + n, v)
    signals = r.run().signals
    assert told(signals) == [("raise", 2, "first"), ("update", 4, "second"), ("clear", 0, "below")]
    assert {s.standard for s in signals} == {"gbt50493-2019"}
    assert (signals[0].value, signals[0].score, signals[0].metric) == (25, 25, "lel")
    logic = CityLogic()
    logic.enter("set-1", r.content)
    logic.signal(signals[0])
    assert [m.standard for m in logic.incidents()[0].members] == ["gbt50493-2019 first"]
    logic.signal(signals[1])
    assert [(m.standard, m.level) for m in logic.incidents()[0].members] == [("gbt50493-2019 second", 4)]


def test_a_reading_is_judged_by_the_edition_of_its_own_day_and_an_unverified_row_cannot_escalate() -> None:
    answers = []
    for t in ("2018-12-31T23:59:59.999+08:00", "2019-01-01T00:00:00.000+08:00"):
        r = rig(WIND, at=t)
        say(r, "wind-1", "wind", t, 25.0)  # force 10: orange in both editions, verified in that of 2006 alone
        (signal,) = r.run().signals
        answers.append((signal.standard, signal.grade, signal.level))
    assert answers == [("typhoon-guangdong-2006", "orange", 3), ("typhoon-guangdong-2019", "orange", 2)]


def test_what_only_unverified_rows_or_an_experimental_model_say_is_a_warning_whatever_the_scenario_rates() -> None:
    strict = RAIN.replace("rain_guangdong}", "rain_guangdong, grade_from: orange, levels: {orange: 3, red: 4}}")
    r = rig(strict, POND.replace("waterlogging}", "waterlogging, levels: {over: 4}}"))
    say(r, "rain-1", "mm_3h", r.pulse, 99)
    say(r, "rain-1", "mm_3h", r.pulse + 1, 120)
    say(r, "pond-1", "depth", r.pulse, 80)
    assert told(r.run().signals) == [("raise", 1, "orange"), ("raise", 1, "over")]


def test_a_scenario_may_rate_verified_grades_otherwise_and_leave_the_lower_ones_out() -> None:
    second = GAS.replace("id: emergency.gas", "id: emergency.gas2").replace("_gas}", "_gas, grade_from: second}")
    r = rig(GAS.replace("_gas}", "_gas, levels: {first: 3}}"), second)
    for n, v in enumerate([30, 60, 30]):
        say(r, "gas-1", "lel", r.pulse + n, v)
    assert [(s.scenario[10:], s.kind, s.level) for s in r.run().signals] == [
        ("gas", "raise", 3), ("gas2", "raise", 4), ("gas2", "clear", 0),
    ]  # fmt: skip


def test_air_of_recorded_years_is_judged_and_after_the_tables_last_day_it_is_unknown_and_counted() -> None:
    r = rig(AIR, at="2026-03-01T12:00+08:00")
    for t, v in [("2020-01-05T10:00+08:00", 160), ("2022-02-01T10:00+08:00", 40), ("2025-12-31T10:00+08:00", 260),
                 ("2026-02-28T23:59:59.999+08:00", 260), ("2026-03-01T00:00:00+08:00", 10),
                 ("2026-03-01T01:00:00+08:00", 300)]:  # fmt: skip
        say(r, "air-9", "pm25", t, v)
    out = r.run()
    assert [(*answer, s.score) for answer, s in zip(told(out.signals), out.signals, strict=True)] == [
        ("raise", 3, "heavy", 210.0), ("clear", 0, "good", 57.0), ("raise", 4, "severe", 310.0),
    ]  # fmt: skip
    assert out.counts == {"readings": 6, "standard_no_table_in_force": 2}


def test_inputs_are_the_last_of_the_asset_within_their_age_and_the_condition_is_one_for_all_of_them() -> None:
    r = rig(AIR)
    t, hour = r.pulse, 3_600_000
    r.pulse += 9 * hour
    for metric, at, v in [
        ("o3", 0, 100), ("pm25", 0, 160),  # heavy
        ("o3", 1, 420), ("pm25", 1, 120),  # heavy, of ozone
        ("o3", 2, 90), ("pm25", 2, 90),  # light: neither counts nor clears
        ("pm25", 4, 20),  # ozone is too old to be believed, so nothing clears
        ("o3", 3, 20), ("o3", 4, 20),  # and this one, of an hour before, is not
    ]:  # fmt: skip
        say(r, "air-0", metric, t + at * hour, v)
    signals = r.run().signals
    assert told(signals) == [("raise", 3, "heavy"), ("clear", 0, "excellent")]
    assert [(s.metric, s.t - t, s.offset) for s in signals] == [("pm25", 0, 1), ("o3", 4 * hour, 7)]
    assert len({s.identity() for s in signals}) == 1


def test_values_of_one_record_are_judged_together_and_count_as_one_reading() -> None:
    text = WATER + "for: {readings: 2}\n"
    r = rig(text)
    t = r.pulse / 1000
    for n, (do, nh3n) in enumerate([(2.5, 1.6), (2.5, 1.7), (9, 0.1)]):
        pack = [{"bn": "wq-1/", "bt": t + n, "n": "do", "u": "mg/L", "v": do}, {"n": "nh3n", "u": "mg/L", "v": nh3n}]
        r.say(pack)  # type: ignore[arg-type]  # a SenML pack is a list
    signals = r.run().signals
    assert told(signals) == [("raise", 2, "V"), ("clear", 0, "I")]
    assert [(s.offset, s.metric) for s in signals] == [(1, "nh3n"), (2, "nh3n")]


@pytest.mark.parametrize("seed", range(4))
def test_cuts_and_a_restart_change_neither_signals_nor_counts_nor_state(seed: int) -> None:
    draw = random.Random(seed)
    r = rig(GAS, AIR, AIR.replace("emergency.air\n", "emergency.air2\n").replace("3600", "60"), WATER, RAIN,
            at="2026-02-28T23:58:00+08:00")  # fmt: skip
    t = r.pulse
    for k in range(300):
        metric = draw.choice(["pm25", "o3"])
        who, metric = draw.choice([(f"air-{draw.randrange(3)}", metric)] * 6 + [("gas-1", "lel"), ("wq-1", "nh3n")])
        say(r, who, metric, t + k * 500 + draw.choice([0, 0, -20_000]), draw.choice([0.1, 20, 60, 130, 200, 450]))
    whole, state = r.run(), [table.rows[: table.n].tobytes() for table in r.store.tables.values()]
    cuts = sorted(draw.sample(range(1, 300), 40))
    for restarts in ((), (cuts[20],)):
        r.begin()
        parts = r.run(cuts, restarts)
        assert (parts.signals, parts.dead, parts.counts) == (whole.signals, whole.dead, whole.counts)
        assert state == [table.rows[: table.n].tobytes() for table in r.store.tables.values()]
    assert whole.counts["standard_no_table_in_force"] > 10
    assert {s.scenario[10:] for s in whole.signals} >= {"air", "air2", "gas", "water"}


def test_tables_that_change_with_a_set_judge_from_the_next_reading_on_and_the_same_ones_change_nothing() -> None:
    r = rig(GAS)
    say(r, "gas-1", "lel", r.pulse, 30)
    assert told(r.run().signals) == [("raise", 2, "first")]
    program = r.lane.program
    r.lane.enter("set-2", CitySet("set-2", REGISTRY, GridMap(GRIDS), r.content.scenarios, standards=load()))
    assert r.lane.program.cells is program.cells
    other = load()
    (table,) = other.standards["gas.alarm"].tables
    table.values[table.rows.index("combustible")] = (35, 70)
    stricter = Library(other.documents[:-1], other.standards)
    r.lane.enter("set-3", CitySet("set-3", REGISTRY, GridMap(GRIDS), r.content.scenarios, standards=stricter))
    r.records = []
    say(r, "gas-1", "lel", r.pulse + 1, 30)
    assert told(r.run().signals) == [("clear", 0, "below")]


@pytest.mark.parametrize(
    ("text", "was", "now", "says"),
    [
        (GAS, "combustible_gas", "combustible_gass", "detect.standard: expected a risk model, got 'combustible_gass'"),
        (GAS, "_gas}", "_gas, grade_from: frist}", "a grade of combustible_gas, got 'frist' (did you mean 'first'"),
        (GAS, "_gas}", "_gas, levels: {second: 1, first: 2}}", "detect.levels: expected 1 to 4, never lower"),
        (GAS, "_gas}", "_gas, levels: {third: 1}}", "detect.levels.third: expected a grade of combustible_gas"),
        (GAS, "_gas}", "_gas, age_s: 5}", "detect.age_s: only with several detect.inputs"),
        (GAS, "_gas}", "_gas, given: {lel: 3}}", "detect.given.lel: is an input already"),
        (GAS, "_gas}", "_gas}\nlevel: 3", "level, levels: come from the table"),
        (GAS, "_gas}", "_gas}\nclear: {below: 3}", "clear.below: expected grade_below or quiet_s"),
        (GAS, "_gas}", "_gas, grade_from: first}\nclear: {grade_below: second}", "clear.grade_below: expected a grade"),
        (GAS, "{standard: combustible_gas}", "{above: 3, age_s: 3}", "detect.age_s: only with detect.standard"),
        (GAS, "source: iot", "source: hotline", "detect.standard: only for sources iot and video"),
        (POND, "waterlogging}", "waterlogging}\nlife: true", "life: waterlogging is experimental"),
        (AIR, ", age_s: 3600", "", "detect.age_s: expected seconds above 0"),
        (AIR, "{type: air}", "{type: air, metric: o3}", "match.metric or detect.inputs: expected one of them"),
        (WATER, "given: {water: river}, ", "", "detect.given: water cannot do without water"),
        (WATER, "water: river", "water: 3", "detect.given.water: expected a name (river or lake), got 3"),
        (WATER, "water: river", "water: rivr", "detect.given: expected water: river or lake; got 'rivr'"),
        (WIND, "hours: 0", "hours: .nan", "detect.given.hours: expected 0 to 240, got nan"),
        (AIR, "age_s: 3600", "age_s: .inf", "detect.age_s: expected seconds above 0, at most a year"),
        (WATER, "DO: do", "water: do", "detect.inputs.water: is a name, no number"),
        (WIND, "wind_ms: wind", "wind_m: wind", "inputs.wind_m: typhoon_guangdong has no such column (did"),
        (WIND, "hours: 0", "hour: 0", "detect.given.hour: typhoon_guangdong has no such column (did"),
        (RAIN, "metric: mm_3h", "metric: rain", "match.metric: 'rain' is no column of rain_guangdong; name"),
        (AIR, "O3_1h: o3", "O3_2h: o3", "detect.inputs.O3_2h: aqi has no column 'O3_2h' (did you mean 'O3_8h'?)"),
        (AIR, "O3_1h: o3", "CO_1h: o3", "air-0: o3: unit: expected 'mg/m3', which emergency.air (aqi: CO_1h)"),
        (RAIN, "guangdong}", "guangdong, grade_from: blue}", "grade_from: expected a grade with a level above 0"),
        (WATER, "grade_from: IV", "grade_from: II", "'II': gb3838-2002 rates I 0, II 0, III 0, IV 1, V 2, worse 3"),
    ],
)  # fmt: skip
def test_a_standard_that_cannot_be_used_is_refused_with_place_and_what_was_expected(
    text: str, was: str, now: str, says: str
) -> None:
    assert was in text
    with pytest.raises(ValueError, match=re.escape(says)):
        city(text.replace(was, now))


def test_the_downpour_of_the_demo_leads_to_a_rain_signal_a_flooded_road_and_worse_river_water() -> None:
    r = Rig(ReadingsLane, CitySet.load(DEMO))
    begun = r.pulse = 1_795_000_000_000
    place = Place([], [], [], (113.4, 22.15, 113.6, 22.3), ["rain-01"], ["pond-01"], ["wq-01"])
    for event in events(place, begun):
        if event.topic == "iot.telemetry":
            if event.at * 1000 >= r.pulse - begun + 1000:
                r.beat(event.at - (r.pulse - begun) / 1000)
            r.say(event.value)
    raised = [s for s in r.run().signals if s.kind != "clear"]
    assert [(s.scenario.rpartition(".")[2], s.level, s.grade, s.standard) for s in raised] == [
        ("signal", 2, "orange", "rain-guangdong-2019"), ("waterlogging", 1, "over", "waterlogging"),
        ("class", 1, "IV", "gb3838-2002"), ("class", 2, "V", "gb3838-2002"),
    ]  # fmt: skip


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from([*MODELS, "IV", "DO", "do", "x"])
KEYS = st.sampled_from(["standard", "grade_from", "levels", "inputs", "given", "age_s", "above"])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.dictionaries(KEYS, SCALARS | st.dictionaries(st.sampled_from(["DO", "water", "IV", "hours"]), SCALARS)))
def test_whatever_detect_says_is_used_or_refused_with_its_place(detect: dict[str, Any]) -> None:
    body = {"id": "eco.x", "version": 1, "name": {"zh": "x", "en": "x"}, "domain": "eco", "event_code": "eco.x",
            "source": "iot", "match": {"type": "water_quality"}, "detect": detect}  # fmt: skip
    refused = "f.yaml: "
    try:
        judged_set.check(of(body, "f.yaml"), TABLES)
    except ValueError as error:
        refused = str(error)
    assert refused.startswith(("f.yaml: ", "detect."))


def test_a_set_without_the_table_that_a_scenario_needs_is_refused() -> None:
    with pytest.raises(ValueError, match=re.escape("needs a table of gas.alarm; the set has none")):
        judged_set.check(read(GAS), Library((), {}))
