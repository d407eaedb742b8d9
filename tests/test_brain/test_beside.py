"""Noise and spikes of one series in a lane; spikes and skewed clocks beside neighbours in the city task."""

from __future__ import annotations

import numpy as np
import pytest
from city_rig import put_into
from lane_rig import GRIDS, Rig, city, flood, reading

from brain.incidents.areas import Areas
from brain.incidents.neighbours import remembered
from brain.lane import ReadingsLane
from brain.scenarios import read
from brain.sets import CitySet
from geo.grid_map import GridMap
from streams.records import Signal, Summary
from streams.registry import Registry

MINUTE = 1_718_000_040_000
ROUGH = flood("rough", "detect: {detector: noise, settings: {warmup: 20}, score_over: 1.5, side: up}")
JUMP = flood("jump", "detect: {detector: spike, settings: {warmup: 20}, score_over: 8}")
LEVEL = {"level": {"unit": "m", "range": [-10, 10]}}
GAUGES = [{"id": f"wl-{i}", "type": "level", "lon": 113.5 + i / 200, "lat": 22.5, "metrics": LEVEL} for i in range(5)]


def beside(detect: str) -> CitySet:
    text = flood("beside", f"detect: {detect}").replace("water_level", "level")
    return CitySet("s", Registry.of(GAUGES), GridMap(GRIDS), [read(text)])


def minute(k: int, values: list[float], lane: int, names: list[int]) -> Summary:
    keys = [f"wl-{i}" for i in names]
    columns = {"last": np.array([values[i] for i in names], "<f8").tobytes(), "n": np.ones(len(names)).tobytes()}
    t = MINUTE + k * 60_000
    return Summary("emergency.flood.beside", t, 7, 1 << 29, keys, columns, t, "s", f"iot/{lane}")


def run(content: CitySet, rows: list[list[float]], restart: int) -> list[Signal]:
    """All minutes from two lanes; each ``restart`` minutes (0: never) all memory but the state is lost."""
    models, items, out = Areas(), dict[bytes, bytes](), []
    models.enter("s", content)
    for k, values in enumerate(rows):
        for lane, names in [(0, [0, 2, 4]), (1, [1, 3])][:: -1 if k % 2 else 1]:
            models.summary(minute(k, values, lane, names))
        out += models.fire(MINUTE + k * 60_000 + 1)
        put_into(items, models.changes())
        if restart and k % restart == 0:
            models = Areas()
            assert models.load(dict(items)) == {}
            models.enter("s", content)
    return out


def test_noise_and_spikes_are_found_in_a_lane_however_its_log_is_cut() -> None:
    draw = np.random.default_rng(5)
    values = np.round(5 + 0.1 * draw.normal(size=300), 3)
    values[60] += 9.0
    values[200:] += 2 * draw.normal(size=100)
    rig = Rig(ReadingsLane, city(ROUGH, JUMP))
    for k, v in enumerate(values.tolist()):
        rig.say(reading("wl-1", k, v))
    whole = rig.run().signals
    assert next((s.offset, s.kind) for s in whole if s.scenario.endswith("jump")) == (61, "raise")
    assert any(s.offset > 200 for s in whole if s.scenario.endswith("rough") and s.kind == "raise")
    rig.begin()
    assert rig.run([1, 60, 61, 62, 150, 210, 290]).signals == whole


@pytest.mark.parametrize("restart", [0, 7])
def test_a_spike_that_neighbours_do_not_show_is_raised_and_one_that_all_show_is_not(restart: int) -> None:
    draw = np.random.default_rng(2)
    rows = (3 + 0.05 * draw.normal(size=(80, 5))).tolist()
    rows[50][2] += 4.0
    rows[65] = [x + 4.0 for x in rows[65]]
    found = run(beside("{detector: spike, within_m: 3000, settings: {warmup: 24}, score_over: 8}"), rows, restart)
    first = found[0]
    assert {s.asset for s in found} == {"wl-2"}
    assert (first.kind, first.t, first.threshold) == ("raise", MINUTE + 51 * 60_000, 8.0)


SKEW = "{detector: clock_skew, within_m: 3000, settings: {quick: 0.03, slow: 0.001, warmup: 150}, score_over: 0.35}"


def test_data_held_up_against_those_of_the_neighbours_are_raised_alike_with_and_without_restarts() -> None:
    draw = np.random.default_rng(8)
    course = np.convolve(draw.normal(size=620), np.ones(8) / 2, "same")
    rows = [[float(course[20 + k - (5 if i == 1 and k > 350 else 0)]) + 0.05 * i for i in range(5)] for k in range(560)]
    whole = run(beside(SKEW), rows, 0)
    assert {s.asset for s in whole} == {"wl-1"}
    assert whole[0].score is not None
    assert whole[0].score > 0.35
    assert run(beside(SKEW), rows, 90) == whole


def test_memory_of_another_form_warms_up_anew_and_a_city_too_large_for_a_detector_is_refused() -> None:
    draw = np.random.default_rng(8)
    models = Areas()
    models.enter("s", beside(SKEW))
    models.summary(minute(0, draw.normal(size=5).tolist(), 0, [0, 1, 2]))
    models.fire(MINUTE + 1)
    items = {k: v for k, v in models.changes().items() if v is not None}
    again = Areas()
    again.load(items)
    again.enter("s", beside(SKEW.replace("warmup", "reach: 20, warmup")))
    again.summary(minute(1, draw.normal(size=5).tolist(), 0, [0, 1, 2]))
    assert again.fire(MINUTE + 60_001) == []
    written = [v for k, v in again.changes().items() if k.startswith(b"n/") and v is not None]
    assert remembered(written[0], "clock_skew")["wl-0"]["own"].shape == (21,)
    many = [{**GAUGES[0], "id": f"w-{i}"} for i in range(5001)]
    with pytest.raises(ValueError, match="clock_skew: at most 5000 assets"):
        Areas().enter("s", CitySet("s", Registry.of(many), GridMap(GRIDS), beside(SKEW).scenarios))
