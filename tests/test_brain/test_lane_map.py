"""Lanes ask the map at the time of each event: a change of the map leaves what came before it where it was."""

from __future__ import annotations

import msgspec
import numpy as np
import shapely

from brain.lane import ReadingsLane
from brain.scenarios import read
from brain.sets import CitySet
from geo.city_map import CityMap
from geo.feature import Feature
from geo.grid_map import GridMap
from streams.logic import View
from streams.records import TP, Batch
from streams.registry import Registry
from streams.state import Store

CHANGE = 1_718_000_000_000
ASSETS = [
    {"id": f"wl-{k}", "type": "water_level", "lon": 113.5, "lat": 22.5, "unit": "m", "range": [-1000, 1000]}
    for k in range(2)
]
HIGH = """
id: emergency.flood.high
version: 1
name: {zh: 高, en: High}
domain: emergency
event_code: emergency.flood.level
source: iot
match: {type: water_level, metric: water_level}
detect: {above: 10}
clear: {below: 8}
"""


def content(first: int) -> CitySet:
    """One grid, which moves from one town to another at CHANGE and has no edition before ``first``."""
    shape = shapely.box(113, 22, 114, 23)
    grids = [
        Feature("grid", "g", shape, first, CHANGE, {"town": "old", "district": "d"}),
        Feature("grid", "g", shape, CHANGE, attributes={"town": "new", "district": "d"}),
    ]
    return CitySet("set", Registry.of(ASSETS), GridMap.of_map(CityMap(grids)), [read(HIGH, "high")])


def run(city: CitySet, readings: list[tuple[str, int]]) -> tuple[list[tuple[str, str]], dict[str, int]]:
    lane = ReadingsLane()
    store, at = Store(lane.tables, lane.owner), TP("in", 0)
    lane.bind(store, at, 1)
    lane.enter(city.id, city)
    bodies = [msgspec.json.encode({"asset": a, "metric": "water_level", "t": t, "v": 11}) for a, t in readings]
    rows = [(k, CHANGE, None, body, ()) for k, body in enumerate(bodies)]
    n = len(rows)
    view = View(at, Batch.of(at, 0, n, rows), np.arange(n, dtype=np.int32), np.full(n, CHANGE), [], 0)
    out = lane.process(view)
    return [(s.asset, s.town) for s in out.signals], out.counts


def test_a_reading_from_before_the_change_gets_the_old_town_and_one_after_it_the_new() -> None:
    signals, _ = run(content(CHANGE - 10_000), [("wl-1", CHANGE), ("wl-0", CHANGE - 1)])
    assert signals == [("wl-1", "new"), ("wl-0", "old")]


def test_a_reading_older_than_the_map_is_outside_and_counted() -> None:
    signals, counts = run(content(CHANGE - 1), [("wl-0", CHANGE - 2), ("wl-1", CHANGE - 1)])
    assert signals == [("wl-0", ""), ("wl-1", "old")]
    assert counts["outside"] == 1


def test_a_signal_says_all_that_its_place_lies_in_at_its_time() -> None:
    box = shapely.box(113, 22, 114, 23)
    own = {"town": "t", "district": "d", "zone": "z1", "community": "c1"}
    features = [
        Feature("grid", "g", box, attributes=own),
        Feature("risk", "flood", box.buffer(0.1)),
        Feature("risk", "surge", shapely.box(113.4, 22.4, 113.6, 22.6), until=CHANGE),
        Feature("community", "c2", box),
    ]
    city = CitySet("set", Registry.of(ASSETS), GridMap.of_map(CityMap(features)), [read(HIGH, "high")])
    lane = ReadingsLane()
    lane.bind(Store(lane.tables, lane.owner), TP("in", 0), 1)
    lane.enter(city.id, city)
    bodies = [
        msgspec.json.encode({"asset": f"wl-{k}", "metric": "water_level", "t": t, "v": 11, **at})
        for k, (t, at) in enumerate([(CHANGE - 1, {}), (CHANGE, {"lon": 114.05, "lat": 22.5})])
    ]
    rows = [(k, CHANGE, None, body, ()) for k, body in enumerate(bodies)]
    view = View(TP("in", 0), Batch.of(TP("in", 0), 0, 2, rows), np.arange(2, dtype=np.int32), np.full(2, CHANGE), [], 0)
    before, after = lane.process(view).signals
    assert (before.grid, before.areas) == ("g", {"community": ["c2"], "risk": ["flood", "surge"], "zone": ["z1"]})
    assert (after.grid, after.town, after.areas) == ("", "", {"risk": ["flood"]})
