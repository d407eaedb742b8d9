"""The bench of a hundred scenarios: its mix is what it says, its readings are readings, and its oracles find faults."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from rich.console import Console

import bench.scenarios as bench
from bench.engine.stand import Stand
from bench.scenarios import memory, oracle
from bench.scenarios.mix import City, city, scenarios
from bench.scenarios.readings import Feed
from bench.watch.workload import START_MS
from brain.cells import matching
from brain.scenario import Scenario
from brain.scenario_form import DOMAINS
from streams.decode.readings import decode_readings


@pytest.fixture(scope="module")
def made() -> City:
    return city(1000)


def a_few(made: City) -> City:
    kinds: dict[tuple[object, ...], Scenario] = {}
    for s in made.scenarios:
        d = s.detect
        kinds.setdefault((d.detector, d.standard, bool(d.above), bool(d.ewma_deviation), bool(d.sum_over)), s)
    return City(made.assets, made.registry, tuple(kinds.values())[:5])


def test_a_hundred_scenarios_of_all_domains_match_three_to_a_reading_and_none_matches_nothing(made: City) -> None:
    every = scenarios()
    assert len({s.id for s in every}) == len(every) == 100
    assert {s.domain for s in every} == set(DOMAINS)
    rule, _ = matching(every, made.registry, np.ones(len(made.registry.series_asset), bool))
    assert set(rule.tolist()) == set(range(100))
    assert bench.matches(city(10_000), 100) == pytest.approx(3.0, abs=0.1)


def test_readings_are_of_the_engine_benchmarks_form_and_all_are_decoded(made: City) -> None:
    feed = Feed(made, 3000, 5)
    first = msgspec.json.decode(feed.payloads(np.arange(1))[0])
    assert list(first) == ["asset", "metric", "t", "v", "unit", "lon", "lat", "crs", "q", "seq"]
    batch = memory.batches(feed)[0]
    rows = np.setdiff1d(np.arange(len(batch), dtype=np.int32), np.array(sorted(batch.headers), np.int32))
    columns, dead = decode_readings(batch, rows, made.registry)
    assert dead == []
    assert len(columns) == len(rows) > 500
    sent = feed.values[columns.t - START_MS] / 1000
    assert columns.value.tolist() == sent.tolist()


def test_the_oracles_agree_with_the_lane_and_find_what_is_changed(made: City, monkeypatch: pytest.MonkeyPatch) -> None:
    stand, feed, few = Stand("", Path(), Console(quiet=True)), Feed(made, 60_000, 3), a_few(made)
    assert bench.check(stand, few, feed) == (0, 0)
    monkeypatch.setattr(oracle, "_rung", lambda s, x: 4)
    plain, alone = bench.check(stand, few, feed)
    assert plain > 0
    assert alone == 0


def test_a_change_that_only_one_has_is_counted_and_so_is_one_that_it_has_twice() -> None:
    assert bench.differences({"a": [(1,), (2,)]}, {"a": [(1,)], "b": [(3,)]}) == 2
    assert bench.differences({"a": [(1,), (1,)]}, {"a": [(1,)]}) == 1
