"""Cold chain and kitchens, the source of a local rise, complaints that meet sensors: noise, gaps, what looks alike."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from brain import standards
from brain.agent_kit import cases, find, stand
from brain.agent_kit.cases import START, Heard, Record, Test
from brain.agent_kit.kinds import Assets, Minute
from brain.agent_kit.program import MEMORY, Program
from brain.sets import CitySet
from streams.records import Signal

F8 = NDArray[np.float64]
COLD, AIR, CALLS = "market.food.cold_kitchen", "eco.air.source", "eco.complaints.sensed"


def content(agent: str, test: Test) -> CitySet:
    return cases.content(find.of(agent), test, standards.load().standards)


def store(values: F8, every_s: int = 60, asset: str = "c1") -> list[Record]:
    return [Record(START + k * every_s * 1000, asset, {"cold_temperature": float(v)}) for k, v in enumerate(values)]


def cold(rows: list[Record], restarts: tuple[int, ...] = ()) -> list[Signal]:
    ids = sorted({r.asset for r in rows})
    test = Test("cold", assets=tuple({"id": id, "type": "cold_chain", "lon": 113.5, "lat": 22.2} for id in ids))
    signals, failed = stand.on_lane(content(COLD, test), rows, restarts, restarts, stand.end(rows, test))
    assert not failed
    return signals


def noisy(values: F8, seed: int) -> F8:
    return np.round(values + np.random.default_rng(seed).normal(0, 0.25, len(values)), 1)


@pytest.mark.parametrize(("tau", "seed"), [(100, 1), (200, 2), (320, 3)])
def test_a_failing_compressor_is_seen_by_its_slope_before_its_warmth_counts(tau: float, seed: int) -> None:
    t = np.arange(240.0)
    signals = cold(store(noisy(np.r_[np.full(120, 4.0), 4 + 22 * (1 - np.exp(-t / tau))], seed)))
    at = {s.scenario.removeprefix(f"{COLD}."): (s.t - START) / 60_000 - 120 for s in signals if s.kind == "raise"}
    assert set(at) == {"failing", "warm"}
    assert 0 < at["failing"] < at["warm"] < 150
    assert next(s for s in signals if s.scenario.endswith("warm")).facts["degree_minutes"] >= 120


def test_ordinary_nights_with_defrosts_doors_and_deliveries_stay_quiet() -> None:
    rows = []
    for number in range(4):
        draw, values = np.random.default_rng(number), np.full(720, 4.0) + 0.4 * np.sin(np.arange(720) / 229)
        for begin in (60, 300, 560):
            n = int(draw.integers(12, 24))
            values[begin : begin + n] += draw.uniform(5, 9) * np.sin((np.arange(n) + 0.5) / n * np.pi)
        for begin in (130, 160, 190, 220):
            t = np.arange(30.0)
            values[begin : begin + 30] += draw.uniform(3, 7) * (np.exp(-t / 8) - np.exp(-t / 2))
        values[400:520] += 3 * (1 - np.exp(-np.arange(120.0) / 7)) * np.exp(-np.arange(120.0) / 60)
        rows += store(noisy(values, number), asset=f"c{number}")
    assert cold(sorted(rows, key=lambda r: (r.t, r.asset))) == []


def test_a_store_that_reports_sparsely_or_falls_silent_says_the_same_after_a_restart() -> None:
    values = noisy(np.r_[np.full(30, 4.0), np.linspace(4, 16, 40)], 5)
    rows = [r for k, r in enumerate(store(values, 300)) if k % 7 != 3 and not 40 <= k < 52]
    whole = cold(rows)
    assert [s.scenario.removeprefix(f"{COLD}.") for s in whole if s.kind == "raise"] == ["failing", "silent", "warm"]
    assert cold(rows, (20, 35, 41, 44)) == whole
    daily = cold(store(np.array([4.0, 9.0, np.nan, 9.0, 4.0]), 86_400))
    assert [(s.scenario, s.kind) for s in daily] == [(f"{COLD}.silent", "raise"), (f"{COLD}.silent", "clear")] * 2


def air(rise: dict[str, float], wind: float | None = 90.0, hours: int = 8) -> list[Signal]:
    """Hourly stations in two rows along an east wind; ``rise`` from the fifth hour on, by station."""
    places = {f"a{k}": (113.46 + 0.02 * (k % 5), 22.20 + 0.01 * (k // 5)) for k in range(10)}
    assets = [{"id": id, "type": "air", "lon": x, "lat": y} for id, (x, y) in places.items()]
    assets.append({"id": "w1", "type": "wind", "lon": 113.5, "lat": 22.22})
    sites = tuple(
        cases.Shape(code, point=point, attributes={"kind": "factory"})
        for code, point in (("west", (113.47, 22.205)), ("middle", (113.51, 22.203)), ("east", (113.57, 22.205)))
    )
    test = Test("air", assets=tuple(assets), layers={"site": sites})
    rows = []
    for hour in range(hours):
        for k, id in enumerate(places):
            v = 35 + 3 * (k % 3) + (rise.get(id, 0.0) if hour >= 5 else 0.0)
            rows.append(Record(START + hour * 3_600_000 + k * 1000, id, {"pm25": v}))
        if wind is not None:
            rows += [
                Record(START + hour * 3_600_000 + m * 300_000, "w1", {"wind_speed": 2.0, "wind_direction": wind})
                for m in range(12)
            ]
    signals, audits = stand.in_city(content(AIR, test), sorted(rows, key=lambda r: r.t), restarts=(301, 303))
    assert not audits
    return signals


def test_a_local_rise_is_laid_to_the_site_upwind_and_not_to_those_downwind_or_beyond_clean_neighbours() -> None:
    signals = air({"a1": 70.0, "a2": 90.0, "a6": 60.0, "a7": 75.0})
    assert {s.asset for s in signals} == {"middle"}
    first = signals[0]
    assert (first.kind, first.facts["source_site"], first.facts["station"]) == ("raise", "middle", "a2")
    assert isinstance(bearing := first.facts["bearing"], float)
    assert abs(bearing - 80) < 15
    assert first.facts["stations"] >= 2


@pytest.mark.parametrize(
    "rise",
    [dict.fromkeys((f"a{k}" for k in range(10)), 90.0), {"a2": 90.0}, {"a4": 90.0, "a9": 90.0}],
    ids=["regional haze", "one station drifts", "nothing upwind to compare with"],
)
def test_haze_a_drifting_station_and_stations_at_the_edge_are_quiet(rise: dict[str, float]) -> None:
    assert air(rise) == []


def test_without_wind_no_source_is_named() -> None:
    assert air({"a1": 70.0, "a2": 90.0, "a6": 60.0, "a7": 75.0}, wind=None) == []


def complaints(
    noise: dict[str, F8], heard: list[Heard], restarts: tuple[int, ...] = ()
) -> list[tuple[str, int, float | str]]:
    places = {"near": (113.502, 22.2), "far": (113.53, 22.2)}
    assets = tuple({"id": id, "type": "noise", "lon": x, "lat": y} for id, (x, y) in places.items())
    rows = [
        Record(START + k * 60_000 + 500, id, {"noise": float(v)})
        for id, values in noise.items() for k, v in enumerate(values) if np.isfinite(v)
    ]  # fmt: skip
    test = Test("calls", assets=assets)
    signals, audits = stand.in_city(
        content(CALLS, test), sorted(rows, key=lambda r: (r.t, r.asset)), heard, restarts=restarts
    )
    assert not audits
    return [(s.kind, s.level, s.facts.get("agreement", "")) for s in signals]


def calls(*values: int) -> list[Heard]:
    return [
        Heard(2400 + 30 * k, "eco.noise.many_complaints", "g1/noise", "update" if k else "raise", 1, v, 113.5, 22.2)
        for k, v in enumerate(values)
    ]


def test_complaints_rise_with_a_sensor_that_moved_and_stay_low_without_and_say_which() -> None:
    quiet, loud = np.full(60, 55.0), np.r_[np.full(30, 55.0), np.full(30, 78.0)]
    quiet[::2] += 1.5
    assert complaints({"near": loud, "far": quiet}, calls(2, 4)) == [("raise", 2, "sensors agree")]
    assert complaints({"near": loud, "far": quiet}, calls(2, 12)) == [("raise", 3, "sensors agree")]
    assert complaints({"near": quiet, "far": loud}, calls(2, 4)) == [("raise", 1, "no sensor moved")]
    assert complaints({"near": np.r_[np.full(9, 55.0), np.full(51, np.nan)], "far": loud}, calls(4, 4))[0][1] == 1
    assert complaints({"far": loud}, calls(2, 4)) == [("raise", 1, "sensors are silent")]
    assert complaints({"near": loud, "far": loud}, calls(2)) == []
    assert complaints({"near": loud, "far": loud}, []) == []


def test_complaints_end_an_hour_after_the_last_call_whatever_the_sensor_does_and_across_restarts() -> None:
    loud = np.r_[np.full(30, 55.0), np.full(90, 78.0)]
    whole = complaints({"near": loud}, calls(4))
    assert [kind for kind, _, _ in whole] == ["raise", "clear"]
    assert complaints({"near": loud}, calls(4), (20, 41, 60)) == whole


def test_the_state_of_many_sensors_and_calls_stays_within_its_bound() -> None:
    sites = [{"id": f"district-1-noise-{k:05d}", "type": "noise", "lon": 113.5, "lat": 22.2} for k in range(3000)]
    made = content(CALLS, Test("many", assets=tuple(sites)))
    program, memory = Program(made.agents[0].ground), b""
    for m in (1, 2):
        t = START + m * 60_000
        ids = tuple(s["id"] for s in sites)
        column = np.full(len(ids), 55.123)
        assets = {kind: Assets(values={name: np.zeros(0) for name in program.spec.metrics})
                  for kind in program.spec.kinds}  # fmt: skip
        assets["noise"] = Assets(ids, column, column, np.full(len(ids), t), {"noise": column})
        heard = tuple(
            Signal("eco.noise.many_complaints", f"district-1-town-2-grid-{k:05d}/noise", "raise", ("q", 0, k, 0), 0,
                   k, 0, t, t, value=2.0, lon=113.0 + (k % 60) * 0.01 + (k // 60) * 0.0001, lat=22.2)
            for k in range(m, 2000)
        )  # fmt: skip
        _, memory = program.think(Minute(t, assets, heard), memory)
    assert 100_000 < len(memory) < MEMORY
