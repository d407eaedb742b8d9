"""The bench of agents: what it compares says the same, and a peer that says something else is found."""

from __future__ import annotations

import pytest

import bench.agents as bench
from bench.agents import stand
from brain.agent_kit.fault import Inline
from brain.agent_kit.runners import run_by


def test_agents_scenario_and_plain_function_of_the_bench_say_the_same() -> None:
    given = stand.batches(stand.levels(100, 75, 3))
    want = stand.function(given).changes
    assert {kind for *_, kind in want} == {"raise", "clear"}
    with run_by(Inline()):
        for way in bench.WAYS:
            assert stand.lane(stand.of_levels(100, way), given).changes == want
    assert stand.lane(stand.of_levels(100, scenario=True), given).changes == want


def test_a_peer_that_says_something_else_fails_the_bench(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"bare lane": [], "plain function": [("wl-1", 1, "raise")], "stores, bare lane": []}

    def measured(runs: object) -> object:
        names = list(runs)  # type: ignore[call-overload]  # a mapping
        return {name: told.get(name, [("wl-1", 2, "raise")]) for name in names}, dict.fromkeys(names, 1.0)

    monkeypatch.setattr(bench, "_measured", measured)
    result = bench.measure(1, bench.Sizes(2, 2, 2, 1))
    assert (result.ok, result.settings["wrong"]) == (False, 4)
