"""Conditions on many assets at once: the same sums in every order of lanes, through restarts, without guessing."""

from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest
import shapely
from city_rig import parted, put_into

from brain.incidents.areas import Areas
from brain.incidents.city import CityLogic
from brain.incidents.value import Member
from brain.scenarios import ScenarioError, read
from brain.sets import CitySet
from geo.grid_map import Grid, GridMap
from streams.records import Signal, Summary
from streams.registry import Registry

MINUTE = 1_718_000_040_000
MANY = """
id: emergency.crowd.town
version: 1
name: {zh: 镇街人群总量偏多, en: Many people in a town}
domain: emergency
event_code: emergency.crowd.town
source: video
match: {type: camera, metric: person_count}
detect: {sum_over: 100, by: town}
clear: {below: 80}
levels: [{level: 3, at: 200}]
"""
GRIDS = [Grid(f"g{i}", f"t{i}", "d1", shapely.box(113 + i, 22, 114 + i, 23)) for i in range(2)]
COUNT = {"person_count": {"unit": "1", "range": [0, 10000]}}
CAMERAS = [{"id": f"cam-{i}", "type": "camera", "lon": 113.5 + i // 2, "lat": 22.5, "metrics": COUNT} for i in range(4)]
CAMERAS.append({"id": "cam-sea", "type": "camera", "lon": 120.0, "lat": 22.5, "metrics": COUNT})
BESIDE = """
id: emergency.flood.differs
version: 1
name: {zh: 与邻站不一致, en: Differs from its neighbours}
domain: emergency
event_code: emergency.flood.level
source: iot
match: {type: level, metric: level}
detect: {detector: neighbours, within_m: 2000, settings: {warmup: 5, alpha: 0.2}, score_over: 6}
"""
LEVEL = {"level": {"unit": "m", "range": [-10, 10]}}
GAUGES = [{"id": f"wl-{i}", "type": "level", "lon": 113.5 + i / 200, "lat": 22.5, "metrics": LEVEL} for i in range(4)]
GAUGES.append({"id": "wl-far", "type": "level", "lon": 114.5, "lat": 22.5, "metrics": LEVEL})
RIVER = CitySet("s", Registry.of(GAUGES), GridMap(GRIDS), [read(BESIDE)])
SET = CitySet("s", Registry.of(CAMERAS), GridMap(GRIDS), [read(MANY)])


def view(lane: int, minute: int, fold: int = 0, **last: float) -> Summary:
    keys = [f"cam-{name[1:]}" for name in last]
    columns = {"last": np.array(list(last.values()), "<f8").tobytes(), "n": np.ones(len(last), "<f8").tobytes()}
    return Summary("emergency.crowd.town", minute, 7, 1 << 29, keys, columns, fold or minute, "s", f"video/{lane}")


def told(signals: list[Signal]) -> list[tuple[str, str, int, float | None]]:
    return [(s.kind, s.asset, s.level, s.value) for s in signals]


def areas() -> Areas:
    found = Areas()
    found.enter("s", SET)
    return found


def test_an_area_is_raised_escalated_and_cleared_by_what_all_its_cameras_saw() -> None:
    models, out = areas(), []
    for k, (a, b, c) in enumerate([(60, 60, 10), (150, 60, 10), (50, 45, 10), (40, 30, 10)]):
        minute = MINUTE + k * 60_000
        models.summary(view(0, minute, c0=a, c2=c))
        models.summary(view(1, minute, c1=b, csea=5000))
        assert models.due() == minute + 1
        out.append(models.fire(minute + 1))
    assert told(out[0]) == [("raise", "town:t0", 1, 120)]
    assert told(out[1]) == [("update", "town:t0", 3, 210)]
    assert told(out[2]) == []
    assert told(out[3]) == [("clear", "town:t0", 0, 70)]
    assert {s.origin for signals in out for s in signals} == {("city", 0, MINUTE, 0)}
    first = out[0][0]
    assert (first.town, first.grid, first.lon, first.threshold) == ("t0", "", 113.5, 100)


@pytest.mark.parametrize(
    ("by", "where"),
    [("grid", ("g1", "t1", "d1")), ("town", ("", "t1", "d1")), ("district", ("", "", "d1")), ("city", ("", "", ""))],
)
def test_a_sum_lies_in_all_that_is_above_its_area_so_that_it_is_routed_and_seen_there(
    by: str, where: tuple[str, str, str]
) -> None:
    models = Areas()
    models.enter("s", CitySet("s", Registry.of(CAMERAS), GridMap(GRIDS), [read(MANY.replace("by: town", f"by: {by}"))]))
    models.summary(view(0, MINUTE, c2=130.0))
    (raised,) = models.fire(MINUTE + 1)
    assert (raised.grid, raised.town, raised.district) == where


def test_the_order_in_which_lanes_speak_changes_nothing() -> None:
    views = [view(0, MINUTE, c0=60.0), view(1, MINUTE, c1=60.0), view(2, MINUTE, c2=130.0, c3=1.0)]
    answers = []
    for order in (views, views[::-1]):
        models = areas()
        for one in order:
            models.summary(one)
        answers.append(models.fire(MINUTE + 1))
    assert answers[0] == answers[1]
    assert [s.asset for s in answers[0]] == ["town:t0", "town:t1"]


def test_a_restart_between_views_and_verdict_loses_neither() -> None:
    items: dict[bytes, bytes] = {}

    def keep(models: Areas) -> Areas:
        put_into(items, models.changes())
        again = areas()
        assert again.load(dict(items)) == {}
        return again

    models = areas()
    models.summary(view(0, MINUTE, c0=60.0))
    models = keep(models)
    models.summary(view(1, MINUTE, c1=60.0))
    models = keep(models)
    assert told(models.fire(MINUTE + 1)) == [("raise", "town:t0", 1, 120)]
    models = keep(models)
    assert models.due() is None
    models.summary(view(0, MINUTE + 60_000, c0=10.0))
    cleared = models.fire(MINUTE + 60_001)
    assert [(s.kind, s.origin, s.n) for s in cleared] == [("clear", ("city", 0, MINUTE, 0), 1)]
    keep(models)
    assert items == {}


def river(k: int) -> list[Summary]:
    """Two lanes' minute: all rise together, each a little apart; from minute 20 on wl-2 stands 3 m off."""
    minute = MINUTE + k * 60_000
    level = {f"wl-{i}": k * 0.1 + i + 0.01 * ((k * 7 + i * 3) % 5) + 3 * (i == 2 and k >= 20) for i in range(4)}
    level["wl-far"] = 5.0 - k
    out = []
    for lane, names in enumerate((["wl-0", "wl-2", "wl-far"], ["wl-1", "wl-3"])):
        columns = {"last": np.array([level[n] for n in names], "<f8").tobytes(), "n": np.ones(len(names)).tobytes()}
        out.append(Summary("emergency.flood.differs", minute, 7, 1 << 29, names, columns, minute, "s", f"iot/{lane}"))
    return out


@pytest.mark.parametrize("restart", [0, 3])
def test_an_asset_that_differs_from_its_neighbours_is_raised_and_a_restart_forgets_nothing(restart: int) -> None:
    models, items, out = Areas(), dict[bytes, bytes](), []
    models.enter("s", RIVER)
    for k in range(30):
        for one in river(k)[:: -1 if k % 2 else 1]:
            models.summary(one)
        out += models.fire(MINUTE + k * 60_000 + 1)
        put_into(items, models.changes())
        if restart and k % restart == 0:
            models = Areas()
            assert models.load(dict(items)) == {}
            models.enter("s", RIVER)
    assert [(s.kind, s.asset) for s in out[:1]] == [("raise", "wl-2")]
    first = out[0]
    assert (first.t, first.grid, first.threshold) == (MINUTE + 20 * 60_000, "g0", 6.0)
    assert first.score is not None
    assert first.score > 6
    assert "wl-far" not in {s.asset for s in out}
    assert {s.asset for s in out} == {"wl-2"}
    models.enter("t", SET)
    assert {value for key, value in models.changes().items() if key.startswith(b"n/")} == {None}


def test_an_area_of_which_nothing_came_keeps_its_state() -> None:
    models = areas()
    models.summary(view(0, MINUTE, c0=160.0))
    assert told(models.fire(MINUTE + 1)) == [("raise", "town:t0", 1, 160)]
    models.summary(view(0, MINUTE + 60_000, c2=1.0))
    assert models.fire(MINUTE + 60_001) == []


def test_a_view_of_a_lane_that_had_been_left_out_is_counted_and_not_added_to_another_minute() -> None:
    logic = CityLogic()
    logic.enter("s", SET)
    logic.summary(view(0, MINUTE, fold=MINUTE + 90_000, c0=500.0))
    assert logic.due() is None
    assert logic.fates() == {"late_summary": 1}
    assert logic.fates() == {}


def test_an_area_becomes_an_incident_of_its_domain() -> None:
    logic = CityLogic()
    logic.enter("s", SET)
    logic.summary(view(0, MINUTE, c0=160.0))
    assert logic.due() == MINUTE + 1
    logic.fire(MINUTE + 1)
    _, records = parted(logic.changes())
    assert [suffix for suffix, *_ in records] == ["incidents.emergency", "audit"]
    incident = logic.incidents()[0]
    assert (incident.town, incident.members[0].asset, incident.members[0].value) == ("t0", "town:t0", 160)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("detect: {sum_over: 100}", "sum_over and by"),
        ("detect: {sum_over: 100, by: street}", "detect.by"),
        ("detect: {above: 100, by: town}", "sum_over and by"),
        ("detect: {detector: neighbours, score_over: 3}", "within_m"),
        ("detect: {detector: neighbours, within_m: 9, score_over: 3, settings: {near: 1}}", "least, alpha, warmup"),
        ("clear: {quiet_s: 60}", "once a minute"),
        ("life: true", "once a minute"),
        ("clear: {below: 300}", "clear"),
    ],
)
def test_a_scenario_over_an_area_that_cannot_work_is_refused(line: str, says: str) -> None:
    key = line.partition(":")[0]
    lines = [old for old in MANY.splitlines() if not old.startswith(key + ":")]
    with pytest.raises(ScenarioError, match=says):
        read("\n".join([*lines, line]))


def test_neighbours_memory_that_an_earlier_release_wrote_is_counted_and_warms_up_anew() -> None:
    draw = np.random.default_rng(3)
    rows = [[round(float(x), 3) for x in draw.normal(2, 0.01, 4)] for _ in range(9)]

    def minutes(logic: CityLogic, begin: int, end: int) -> dict[bytes, bytes]:
        for k in range(begin, end):
            t = MINUTE + k * 60_000
            columns = {"last": np.array(rows[k], "<f8").tobytes(), "n": np.ones(4, "<f8").tobytes()}
            keys = [f"wl-{i}" for i in range(4)]
            logic.summary(Summary("emergency.flood.differs", t, 7, 1 << 29, keys, columns, t, "s", "iot/0"))
            logic.fire(t + 1)
        return {
            key: value
            for key, value in parted(logic.changes())[0].items()
            if key.startswith(b"n/") and value is not None
        }

    fresh, after = CityLogic(), CityLogic()
    fresh.enter("s", RIVER)
    (name,) = minutes(fresh, 0, 1)
    old = msgspec.msgpack.encode((["wl-0"], *(np.ones(1, "<f8").tobytes() for _ in ("offset", "scale", "n"))))
    after.load({name: old})
    after.enter("s", RIVER)
    fresh = CityLogic()
    fresh.enter("s", RIVER)
    assert minutes(after, 1, 9) == minutes(fresh, 1, 9)
    assert after.fates() == {"unread_memory": 1}


def beside(names: list[str], minute: int) -> Summary:
    last = np.arange(len(names)) / 100
    columns = {"last": last.astype("<f8").tobytes(), "n": np.ones(len(names), "<f8").tobytes()}
    return Summary("emergency.flood.differs", minute, 7, 1 << 29, names, columns, minute, "s", "iot/0")


def test_assets_that_were_judged_and_found_well_leave_nothing_behind() -> None:
    models = Areas()
    for turn in range(5):
        gauges = [{**gauge, "id": f"wl-{turn}-{k}"} for k, gauge in enumerate(GAUGES)]
        models.enter(f"s{turn}", CitySet(f"s{turn}", Registry.of(gauges), GridMap(GRIDS), [read(BESIDE)]))
        for k in range(3):
            minute = MINUTE + (turn * 3 + k) * 60_000
            models.summary(beside([gauge["id"] for gauge in gauges], minute))
            models.fire(minute + 1)
    assert not models._rows


def test_what_stands_of_assets_that_are_gone_ends_with_the_set_that_lacks_them() -> None:
    models = Areas()
    models.enter("s", SET)
    models.summary(view(0, MINUTE, c2=130.0))
    (raised,) = models.fire(MINUTE + 1)
    assert raised.asset == "town:t1"
    member = Member(raised.identity(), raised.asset, 1, scenario=raised.scenario)
    incident: Any = SimpleNamespace(drill=False, members=[member])
    there = CitySet("s2", Registry.of(CAMERAS[1:]), GridMap(GRIDS), SET.scenarios)
    models.enter("s2", there)
    assert models.left([incident], MINUTE + 2) == [], "another camera of the town is there"
    gone = CitySet("s3", Registry.of(CAMERAS[:2]), GridMap(GRIDS), SET.scenarios)
    models.enter("s3", gone)
    (ended,) = models.left([incident], MINUTE + 3)
    assert (ended.kind, ended.asset, ended.origin) == ("clear", "town:t1", raised.origin)
    assert not models._rows
