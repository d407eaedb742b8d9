"""Where and when scenarios look: layers, districts, hours; by event time, in lanes, the city task and for tickets."""

import functools
import shutil
from copy import copy
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.hours import Hours, Openings
from brain.incidents.calendar import WorkCalendar
from brain.lane import ReadingsLane
from brain.scenario_kit.run import run
from brain.scenarios import ScenarioError, of
from brain.sets import CitySet
from geo.grid_map import Grid, GridMap
from streams.records import TP
from streams.registry import Registry
from streams.state import Store

DEMO = Path(__file__).parents[2] / "config" / "demo"
CITY = timezone(timedelta(hours=8))
LEVEL = {
    "id": "emergency.flood.high", "version": 1, "name": {"zh": "高", "en": "High"}, "domain": "emergency",
    "event_code": "emergency.flood.level", "source": "iot", "detect": {"above": 2}, "clear": {"below": 1},
}  # fmt: skip
CALL = {**LEVEL, "source": "hotline", "detect": {"words": "any"}, "clear": {"quiet_s": 30}}
ASSETS = [
    {"id": f"x-{k}", "type": "water_level", "lon": 10.5 + k, "lat": 50.5, "unit": "m", "range": [-9, 9]}
    for k in range(3)
]  # fmt: skip
MAP = [
    *({"grid": f"g-{k}", "district": f"d-{k}", "box": [10 + k, 50, 11 + k, 51]} for k in range(3)),
    {"layer": "site", "code": "s-1", "kind": "school", "box": [10.4, 50.4, 10.6, 50.6]},
    {"layer": "site", "code": "s-2", "kind": "market", "box": [11.4, 50.4, 11.6, 50.6]},
]
HIGH = [{"at": 0, "asset": f"x-{k}", "metric": "water_level", "v": 3} for k in range(3)]
CALLS = [{"at": k, "text": "进水", "lon": 10.5 + k, "lat": 50.5} for k in range(3)]


@functools.cache
def demo() -> CitySet:
    return CitySet.load(DEMO)


def came(base: dict[str, Any], match: dict[str, Any], given_: list[Any], **more: Any) -> list[str]:
    """Kinds and assets of what a scenario gives."""
    case = {"name": "t", "given": given_, "assets": ASSETS, "map": MAP, **more.pop("case", {})}
    first = {"type": "water_level", "metric": "water_level"} if base["source"] == "iot" else {"words": ["进水"]}
    s = of({**base, "match": {**first, **match}, "tests": [case], **more})
    outcome = run(demo(), s, s.tests[0])
    assert not outcome.refused
    return [f"{x.kind} {x.asset}" for x in outcome.got]


@pytest.mark.parametrize(("match", "found"), [
    ({"districts": ["d-1", "d-2"]}, [1, 2]), ({"layer": "site"}, [0, 1]), ({"layer": "site", "kind": "school"}, [0]),
    ({"layer": "site", "kind": "market", "districts": ["d-0"]}, []), ({"layer": "river"}, []),
])  # fmt: skip
def test_assets_and_tickets_count_where_the_scenario_looks(match: dict[str, Any], found: list[int]) -> None:
    assert came(LEVEL, match, HIGH) == [f"raise x-{k}" for k in found]
    calls = [x for x in came(CALL, match, CALLS) if x.startswith("raise")]
    assert calls == [f"raise g-{k}/high" for k in found]


def test_sums_of_an_area_leave_out_assets_elsewhere() -> None:
    summed = {"detect": {"sum_over": 5, "by": "city"}}
    assert came(LEVEL, {}, HIGH, case={"until": 120}, **summed) == ["raise city:city"]
    assert came(LEVEL, {"districts": ["d-1"]}, HIGH, case={"until": 120}, **summed) == []


NIGHT = {"hours": {"from": "22:00", "to": "06:00"}}


def test_hours_are_those_of_the_reading_and_their_end_ends_what_was_raised() -> None:
    night = {"begin": "2026-06-01T21:59:00+08:00"}
    rows = [{"at": 0, "asset": "x-0", "metric": "water_level", "v": [3, 3, 3], "every_s": 60}]
    assert came(LEVEL, NIGHT, rows, case=night) == ["raise x-0"]
    morning = {"begin": "2026-06-01T05:59:00+08:00"}
    assert came(LEVEL, NIGHT, rows, case=morning) == ["raise x-0", "clear x-0"]
    assert came(LEVEL, NIGHT, rows) == [], "at eight"
    scored = {"detect": {"detector": "level_shift", "settings": {"warmup": 30}, "score_over": 8}, "clear": {}}
    flat = [{"at": 0, "asset": "x-0", "metric": "water_level", "v": [1, 1.1] * 20 + [6] * 5, "every_s": 10}]
    assert [x[:5] for x in came(LEVEL, {}, flat, **scored)] == ["raise"]
    assert came(LEVEL, NIGHT, flat, **scored) == []


def test_a_silence_and_a_sum_are_raised_within_their_hours() -> None:
    silent, case = {"detect": {"silent_s": 30}, "clear": {}}, {"begin": "2026-06-01T21:58:00+08:00", "until": 100}
    assert came(LEVEL, NIGHT, HIGH[:1], case=case, **silent) == []
    assert came(LEVEL, NIGHT, HIGH[:1], case={**case, "until": 140}, **silent) == ["raise x-0"]
    summed = {"detect": {"sum_over": 5, "by": "city"}}
    assert came(LEVEL, NIGHT, HIGH, case={"until": 120}, **summed) == []


def test_tickets_have_hours_of_working_days_by_the_calendar() -> None:
    work = {"hours": {"days": "workday"}}
    friday, saturday, holiday = (f"2026-{day}T10:00:00+08:00" for day in ("05-29", "05-30", "10-01"))
    assert came(CALL, work, CALLS[:1], case={"begin": friday})[:1] == ["raise g-0/high"]
    assert came(CALL, work, CALLS[:1], case={"begin": saturday}) == []
    assert came(CALL, work, CALLS[:1], case={"begin": holiday}) == []
    assert came(CALL, {"hours": {"days": "holiday"}}, CALLS[:1], case={"begin": holiday})[:1] == ["raise g-0/high"]


@pytest.mark.parametrize(("match", "message"), [
    ({"hours": {"from": "25:00"}}, "hours.from"), ({"hours": {"from": "06:00", "to": "06:00"}}, "differ"),
    ({"hours": {"days": ["mon", "mon"]}}, "once"), ({"kind": "school"}, "kind"), ({"layer": "district"}, "districts"),
    ({"districts": ["a", "a"]}, "once"), ({"hours": {"day": "mon"}}, "hours"),
])  # fmt: skip
def test_what_cannot_be_a_place_or_an_hour_is_refused(match: dict[str, Any], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        of({**LEVEL, "match": {"type": "water_level", "metric": "water_level", **match}})


def test_a_set_without_a_calendar_has_no_working_days() -> None:
    with pytest.raises(ValueError, match=r"calendar\.yaml"):
        Openings([Hours(days="workday")], None)


CALENDAR = WorkCalendar.of(msgspec.yaml.decode((DEMO / "calendar.yaml").read_bytes()))
KINDS = [
    Hours("22:00", "06:00"), Hours("09:00", "17:30", ("mon", "fri")), Hours(days="workday"), None,
    Hours("20:00", "02:00", "holiday"), Hours(days=("sun",)),
]  # fmt: skip


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(st.integers(1_767_000_000, 1_798_000_000), max_size=20))
def test_the_table_of_minutes_says_what_the_clock_on_the_wall_says(times: list[int]) -> None:
    openings = Openings(KINDS, CALENDAR)
    shut = openings.shut(np.array(times, np.int64) * 1000)
    for t, bits in zip(times, shut.tolist(), strict=True):
        assert openings.shut_at(t * 1000) == bits
        for hours, bit in zip(KINDS, openings.bits, strict=True):
            assert (bits & bit == 0) == (hours is None or _open(hours, t))


def _open(hours: Hours, t: int) -> bool:
    local = datetime.fromtimestamp(t, UTC).astimezone(CITY)
    clock, day = local.strftime("%H:%M"), local
    if hours.begin < hours.end:
        inside = hours.begin <= clock < hours.end
    else:
        inside, day = clock >= hours.begin or clock < hours.end, local - timedelta(days=clock < hours.end)
    if isinstance(hours.days, str):
        return inside and CALENDAR.is_workday(round(day.timestamp() * 1000)) == (hours.days == "workday")
    return inside and (not hours.days or day.strftime("%a").lower() in hours.days)


def test_a_set_whose_scenarios_have_working_days_needs_a_calendar(tmp_path: Path) -> None:
    shutil.copytree(DEMO, tmp_path / "set")
    file = tmp_path / "set" / "scenarios" / "eco" / "night_works.yaml"
    file.write_text(file.read_text().replace('to: "06:00"}', 'to: "06:00", days: workday}'))
    assert CitySet.load(tmp_path / "set").scenarios
    (tmp_path / "set" / "calendar.yaml").unlink()
    limits = tmp_path / "set" / "limits.yaml"
    limits.unlink()
    with pytest.raises(ValueError, match=r"night_works: match\.hours\.days: workday needs calendar\.yaml"):
        CitySet.load(tmp_path / "set")


def test_a_lane_is_compiled_anew_for_a_map_that_puts_assets_elsewhere_and_only_for_such_a_one() -> None:
    placed = {"type": "water_level", "metric": "water_level", "districts": ["d-0"]}
    content = copy(demo())
    content.scenarios = [of({**LEVEL, "match": placed})]
    content.with_assets(Registry.of(ASSETS))
    lane = ReadingsLane()
    lane.bind(Store(lane.tables, lane.owner), TP("iot.telemetry", 0), 1)
    cells = []
    for wide in (11, 11.2, 12):  # the second leaves all assets where they are, the third takes one in
        content = copy(content)
        content.with_map(GridMap([Grid("g", "t", "d-0", shapely.box(10, 50, wide, 51))]))
        lane.enter(f"{wide}", content)
        cells.append(lane.program.cells)
    assert [len(found) for found in cells] == [1, 1, 2]
    assert cells[0] is cells[1]


def test_a_map_that_moves_a_border_moves_who_is_on_trial() -> None:
    everywhere = {"type": "water_level", "metric": "water_level"}
    content = copy(demo())
    content.scenarios = []
    content.drafts = [of({**LEVEL, "match": everywhere, "state": "trial", "trial": {"district": "d-0"}})]
    content.with_assets(Registry.of(ASSETS))
    lane = ReadingsLane()
    lane.bind(Store(lane.tables, lane.owner), TP("iot.telemetry", 0), 1)
    live, cells = [], []
    for wide in (11, 11.2, 12):  # as above
        content = copy(content)
        content.with_map(GridMap([Grid("g", "t", "d-0", shapely.box(10, 50, wide, 51))]))
        lane.enter(f"{wide}", content)
        cells.append(lane.program.cells)
        live.append(np.count_nonzero(lane.program.cells["shadow"] == 0))
    assert live == [1, 1, 2]
    assert cells[0] is cells[1]
