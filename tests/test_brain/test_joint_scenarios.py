"""Several metrics of one asset together: a rare combination of usual values is raised, alike through restarts."""

from __future__ import annotations

import numpy as np
import pytest
from city_rig import put_into
from lane_rig import GRIDS, T0, Rig

from brain.incidents.areas import Areas
from brain.lane import ReadingsLane
from brain.scenarios import ScenarioError, read
from brain.sets import CitySet
from geo.grid_map import GridMap
from models.halfspace import HalfSpaceTrees
from streams.records import Signal, Summary
from streams.registry import Registry

MINUTE = 60_000
START = T0 // MINUTE * MINUTE
RARE = """
id: eco.air.rare
version: 1
name: {zh: 组合异常, en: Rare combination}
domain: eco
event_code: eco.air
source: iot
match: {type: air, metrics: [pm25, no2, co]}
detect: {detector: halfspace, score_over: -3.0, settings: {trees: 20, depth: 6, window: 40, small: 3}}
"""
RANGES = {m: {"unit": "u", "range": [0, 100]} for m in ("co", "no2", "pm25")}
AIR = [{"id": f"air-{i}", "type": "air", "lon": 113.5, "lat": 22.5, "metrics": RANGES} for i in range(3)]
AIR.append({"id": "air-x", "type": "air", "lon": 113.5, "lat": 22.5, "metrics": {"co": RANGES["co"]}})
NAME = ("pm25", "no2", "co")


def city(text: str = RARE) -> CitySet:
    return CitySet("s", Registry.of(AIR), GridMap(GRIDS), [read(text)])


def rows(n: int) -> np.ndarray:
    """(minutes, assets, metrics): the three rise and fall together; asset 1 parts in minute 150 within usual values."""
    draw = np.random.default_rng(4)
    base = 50 + 30 * np.sin(np.arange(n) / 5)[:, None] + draw.normal(size=(n, 3))
    table = np.repeat(base[:, :, None], 3, axis=2) + draw.normal(size=(n, 3, 3))
    table[150:152, 1] = [22.0, 78.0, 22.0]
    return table


def run(n: int, restart: int, order: int) -> tuple[list[Signal], dict[bytes, bytes]]:
    models, items, out = Areas(), dict[bytes, bytes](), list[Signal]()
    models.enter("s", city())
    for k, table in enumerate(rows(n)):
        t = START + k * MINUTE
        for lane, assets in [(0, [0, 2]), (1, [1])][::order]:
            columns = {m: table[assets, c].astype("<f8").tobytes() for c, m in enumerate(NAME)}
            names = [f"air-{i}" for i in assets]
            models.summary(Summary("eco.air.rare", t, 7, 1 << 29, names, columns, t, "s", f"iot/{lane}"))
        out += models.fire(t + 1)
        put_into(items, models.changes())
        if restart and k % restart == 0:
            models = Areas()
            assert models.load(dict(items)) == {}
            models.enter("s", city())
    return out, items


def test_a_rare_combination_of_usual_values_is_raised_with_the_detectors_own_score() -> None:
    signals, items = run(170, 0, 1)
    first = signals[0]
    assert (first.asset, first.kind, first.t, first.value) == ("air-1", "raise", START + 150 * MINUTE, None)
    assert (first.metric, first.grid, first.threshold) == ("pm25,no2,co", "g0", -3.0)
    model = HalfSpaceTrees((0.0,) * 3, (1.0,) * 3, trees=20, depth=6, window=40, small=3)
    state = np.zeros(1, model.state)
    want = model.score(state, np.zeros(170, np.int32), np.zeros(170, np.int64), rows(170)[:, 1] / 100)
    assert first.score == want[150]
    kept = {key.rpartition(b"/")[2] for key in items if b"/air-1/" in key}
    assert kept == {b"3", b"4", b"5"} - ({b"3"} if 170 // 40 * 40 - 40 >= 128 else set())


@pytest.mark.parametrize("restart", [7, 41])
def test_restarts_and_the_order_of_lanes_change_no_score(restart: int) -> None:
    assert run(170, restart, -1) == run(170, 0, 1)


def test_other_settings_begin_anew_and_trees_too_large_for_the_city_are_refused() -> None:
    _, items = run(60, 0, 1)
    models = Areas()
    models.load(dict(items))
    models.enter("t", city(RARE.replace("trees: 20", "trees: 21")))
    kept = {k for k in items if k.startswith(b"joint/")}
    assert {k for k, value in models.changes().items() if value is None} == kept
    many = Registry.of([{**AIR[0], "id": f"a-{k}"} for k in range(700)])
    large = CitySet("s", many, GridMap(GRIDS), [read(RARE.replace("trees: 20, depth: 6", "trees: 100, depth: 9"))])
    with pytest.raises(ValueError, match=r"eco\.air\.rare: halfspace: trees of 700 assets take"):
        Areas().enter("s", large)


def test_a_view_of_a_set_with_other_metrics_is_left_alone() -> None:
    models = Areas()
    models.enter("s", city())
    old = {"last": np.ones(1).tobytes(), "n": np.ones(1).tobytes()}
    models.summary(Summary("eco.air.rare", START, 7, 1 << 29, ["air-1"], old, START, "s", "iot/0"))
    assert models.fire(START + 1) == []


def test_a_lane_tells_the_last_value_of_each_metric_however_its_log_is_cut() -> None:
    rig = Rig(ReadingsLane, city())
    for k in range(40):
        metric = NAME[k % 3] if k > 6 else "co"
        asset = "air-x" if k % 9 == 8 and metric == "co" else f"air-{k % 2}"
        rig.say({"asset": asset, "metric": metric, "t": T0 + k * 10_000, "v": k})
        rig.beat(10)
    whole = rig.run().summaries
    assert all(set(s.keys) <= {"air-0", "air-1"} for s in whole)
    first, last = whole[0], whole[-1]
    assert np.isnan(first.column("pm25")).all()
    assert not np.isnan(first.column("co")).any()
    at = last.keys.index("air-0")
    until = int((last.t - T0) // 10_000)
    told = [max(k for k in range(until) if k > 6 and NAME[k % 3] == m and k % 2 == 0) for m in NAME]
    assert [last.column(m)[at] for m in NAME] == told
    rig.begin()
    assert rig.run([1, 7, 30, 41]).summaries == whole


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("metrics: [pm25, no2, co]", "metric: co", "metrics, two or more"),
        ("metrics: [pm25, no2, co]", "metrics: [co, co]", "match.metrics: expected 2 to 10 different"),
        ("detector: halfspace, ", "", "go together"),
        ("trees: 20", "tree: 20", r"detect.settings.tree: .*\(did you mean 'trees'\?\)"),
        ("trees: 20", "low: [1, 2, 3]", "low and high go together"),
        ("trees: 20", "low: [1, 2], high: [3, 4, 5]", "detect.settings.low: expected one number a metric, 3"),
        ("trees: 20", "low: [1, 2, 9], high: [3, 4, 5]", "detect.settings.low, high: expected low < high in column 2"),
        ("version: 1", "version: 1\nlife: true", "once a minute"),
        ("score_over", "side: up, score_over", "detect.side: not for halfspace"),
    ],
)
def test_a_joint_scenario_that_cannot_work_is_refused(old: str, new: str, says: str) -> None:
    with pytest.raises(ScenarioError, match=says):
        read(RARE.replace(old, new))
