"""Tests in scenario files: all of the demo's pass on the real pipeline, and what differs is told."""

import functools
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from brain.pipeline import lanes
from brain.scenario import Scenario
from brain.scenario_kit.case_form import Case, Expected
from brain.scenario_kit.run import run
from brain.scenarios import load, of, read
from brain.sets import CitySet
from brain.settings import Settings
from streams.records import TP
from streams.state import Store

DEMO = Path(__file__).parents[2] / "config" / "demo"
LEVEL = """
id: emergency.flood.high
version: 1
name: {zh: 高, en: High}
domain: emergency
event_code: emergency.flood.level
source: iot
match: {type: water_level, metric: water_level}
detect: {above: 2}
for: {readings: 2}
clear: {below: 1}
"""


@functools.cache
def demo() -> CitySet:
    return CitySet.load(DEMO)


def level(*cases: dict[str, Any], **more: Any) -> Scenario:
    return of({**msgspec.yaml.decode(LEVEL), "tests": list(cases), **more})


def ran(*given: dict[str, Any], expect: tuple[dict[str, Any], ...] = (), **more: Any) -> Any:
    s = level({"name": "t", "given": list(given), "expect": list(expect), **more})
    return run(demo(), s, s.tests[0])


RISE = {"at": 0, "asset": "wl-01", "v": [3, 3, 0.5], "every_s": 10}
RAISED, CLEARED = (
    {"at": 10, "kind": "raise", "asset": "wl-01", "level": 1},
    {"at": 20, "kind": "clear", "asset": "wl-01"},
)


@pytest.mark.parametrize("s", load(DEMO / "scenarios"), ids=lambda s: s.id)
def test_every_demo_scenario_fires_where_it_should_and_stays_quiet_where_it_should(s: Scenario) -> None:
    assert any(case.expect for case in s.tests)
    assert any(not case.expect for case in s.tests)
    for case in s.tests:
        outcome = run(demo(), s, case)
        assert outcome.passed(), (case.name, outcome.pairs(), outcome.refused)


def test_a_test_passes_on_exactly_its_signals_and_on_nothing_less_or_more() -> None:
    assert ran(RISE, expect=(RAISED, CLEARED)).passed()
    assert not ran(RISE, expect=(RAISED,)).passed()
    assert not ran(RISE, expect=(RAISED, CLEARED, {**CLEARED, "at": 30})).passed()
    assert not ran(RISE, expect=({**RAISED, "at": 10.001}, CLEARED)).passed()
    assert not ran(RISE, expect=({**RAISED, "level": 2}, CLEARED)).passed()
    assert not ran(RISE, expect=({**RAISED, "asset": "wl-02"}, CLEARED)).passed()
    assert not ran(RISE, expect=({**RAISED, "grid": "nowhere"}, CLEARED)).passed()


def test_what_is_missing_and_what_came_beside_it_stand_in_the_order_of_time() -> None:
    late = {**RAISED, "at": 12}
    pairs = ran(RISE, expect=(late, CLEARED)).pairs()
    assert [(want and want.at, got and got.at) for want, got in pairs] == [(None, 10), (12, None), (20, 20)]


def test_assets_and_map_that_stand_in_give_the_signals_their_place() -> None:
    far = {"id": "x-1", "type": "water_level", "lon": 10.5, "lat": 50.5, "unit": "m", "range": [-9, 9]}
    outcome = ran(
        {**RISE, "asset": "x-1"},
        expect=({**RAISED, "asset": "x-1", "grid": "g-9"}, {**CLEARED, "asset": "x-1"}),
        assets=[far],
        map=[{"grid": "g-9", "district": "d-9", "box": [10, 50, 11, 51]}],
    )
    assert outcome.passed(), outcome.got
    assert demo().registry.index.get("x-1") is None
    assert demo().map.locate is not None


def test_a_record_that_the_pipeline_refuses_fails_its_test_with_the_reason() -> None:
    outcome = ran({**RISE, "asset": "nobody"})
    assert not outcome.passed()
    assert "unknown_asset" in outcome.refused[0]


def test_time_goes_on_to_where_the_test_says_so_that_silence_is_heard() -> None:
    silent = level(
        {"name": "t", "given": [{"at": 0, "asset": "wl-01", "v": 1}], "until": 40,
         "expect": [{"at": 31, "kind": "raise", "asset": "wl-01", "level": 1}]},
        detect={"silent_s": 30}, **{"for": {}}, clear={},
    )  # fmt: skip
    outcome = run(demo(), silent, silent.tests[0])
    assert [s.kind for s in outcome.got] == ["raise"]
    assert 30 <= outcome.got[0].at <= 32
    short = msgspec.structs.replace(silent.tests[0], until=20.0, expect=())
    assert run(demo(), silent, short).passed()


def test_a_test_is_of_its_own_day_and_by_the_tables_of_that_day() -> None:
    water = next(s for s in demo().scenarios if s.id == "eco.water.class")
    before = msgspec.structs.replace(water.tests[0], begin=datetime(2001, 6, 1, tzinfo=UTC), expect=())
    assert run(demo(), water, before).passed(), "GB 3838-2002 is not in force in 2001"


@pytest.mark.parametrize("text", ["2026-06-01T08:00:00+08:00", "2026-06-01 00:00:00Z"])
def test_when_a_test_begins_may_be_written_with_and_without_quotes(text: str) -> None:
    for begin in (text, f"'{text}'"):
        s = read(f"{LEVEL}tests: [{{name: t, begin: {begin}, given: [{{at: 0, asset: wl-01, v: 3}}]}}]")
        assert s.tests[0].start() == 1_780_272_000_000


def test_a_scenario_that_is_not_live_is_tested_and_is_in_no_lane(tmp_path: Path) -> None:
    shutil.copytree(DEMO, tmp_path / "set")
    file = tmp_path / "set" / "scenarios" / "emergency" / "water_level_high.yaml"
    file.write_text(file.read_text().replace("version: 1", "version: 1\nstate: draft"))
    content = CitySet.load(tmp_path / "set")
    (draft,) = content.drafts
    assert draft.id == "emergency.flood.water_level_high"
    assert draft.id not in [s.id for s in content.scenarios]
    lane = lanes(Settings())["iot.telemetry"]()
    lane.bind(Store(lane.tables, lane.owner), TP("iot.telemetry", 0), 1)
    lane.enter(content.id, content)
    assert draft.id not in [s.id for s in lane.program.scenarios]  # type: ignore[attr-defined]  # of the readings' lane
    assert all(run(content, draft, case).passed() for case in draft.tests)


def test_the_same_test_gives_the_same_outcome_again_and_leaves_the_set_as_it_was() -> None:
    s = demo().scenarios[0]
    ids = [x.id for x in demo().scenarios]
    assert run(demo(), s, s.tests[0]) == run(demo(), s, s.tests[0])
    assert [x.id for x in demo().scenarios] == ids


def test_a_case_may_be_written_in_python_too() -> None:
    s = read(LEVEL)
    case = Case("t", ({"at": 0, "asset": "wl-01", "v": [3.0, 3.0]},), (Expected(60, "raise", "wl-01", 1),))
    assert run(demo(), s, case).passed()
