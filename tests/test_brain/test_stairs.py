"""Staircases: what they say of any value at any time is what the model says."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.grades import Use
from brain.judged import Judge, Seen
from brain.stairs import stairs_of
from brain.standards import load
from models.standards.model import Reason
from models.standards.registry import MODELS
from models.standards.table import ALWAYS, FOREVER, Standard, Table

TABLES = load().standards
AQI = TABLES["aqi"].tables[0].rows
WATER = TABLES["water"].tables[0].rows
NONE = np.zeros(0, np.int32)

ALONE: list[tuple[str, tuple[str, ...], dict[str, float | str]]] = [
    *(("aqi", (row,), {}) for row in AQI),
    *(("water", (row,), {"water": water}) for row in WATER for water in ("river", "lake", "pond")),
    *(("congestion", ("speed_kmh",), {"road": road}) for road in ("expressway", "arterial", "local", "track")),
    ("road_visibility", ("visibility_m",), {}),
    ("river_flood", ("level_m",), {"alert_m": 3.0}),
    ("river_flood", ("level_m",), {"alert_m": 3.0, "guaranteed_m": 5.0}),
    ("river_flood", ("level_m",), {"alert_m": 3.0, "record_m": 7.25}),
    ("river_flood", ("level_m",), {"alert_m": 3.0, "guaranteed_m": 2.0}),
    ("river_flood", ("level_m",), {"alert_m": -4.0, "years": 25.0}),
    ("reservoir", ("level_m",), {"limit_m": 54.0, "flood_season": 1.0, "design_m": 57.0}),
    ("reservoir", ("level_m",), {"limit_m": 54.0, "flood_season": 0.0, "high_m": 55.0, "check_m": 60.0}),
    ("reservoir", ("level_m",), {"limit_m": 54.0, "flood_season": 1.0, "high_m": 50.0}),
    ("waterlogging", ("depth_cm",), {}),
    ("waterlogging", ("depth_cm",), {"rise_cm_min": 0.5}),
    ("combustible_gas", ("lel",), {}),
    *(("toxic_gas", ("mg_m3",), {"gas": gas}) for gas in (*TABLES["gas.limit"].tables[0].rows[:4], "argon")),
    ("toxic_gas", ("mg_m3",), {"gas": TABLES["gas.limit"].tables[0].rows[0], "least_mg_m3": 900.0}),
    ("kitchen_fume", ("fume_mg_m3",), {"stoves": 2.5}),
    ("kitchen_fume", ("fume_mg_m3",), {"stoves": 7.0, "removal_pct": 20.0}),
    ("kitchen_fume", ("fume_mg_m3",), {"stoves": 0.1}),
    ("crowd", ("persons",), {"area_m2": 30.0}),
    ("crowd", ("persons",), {"area_m2": 30.0, "per_min": 90.0, "width_m": 2.0}),
    *(
        ("food_temperature", ("celsius",), {"keeping": row} | hours)
        for row in (*TABLES["market.temperature"].tables[-1].rows, "pickled") for hours in ({}, {"hours": 3.0})
    ),
]  # fmt: skip
TOGETHER: list[tuple[str, tuple[str, ...], dict[str, float | str]]] = [
    ("aqi", AQI[:6], {}),
    ("aqi", (AQI[0], AQI[-1]), {}),
    ("water", ("DO", "NH3N"), {"water": "river"}),
    ("water", ("CODMn", "DO", "TN_lake", "TP_lake", "TP_river", "fecal_coliform", "pH"), {"water": "lake"}),
]


def _judge(name: str, columns: tuple[str, ...], fixed: dict[str, float | str], **more: Any) -> Judge:
    chosen = {"levels": {}, "least": 0, "stay": -1} | more
    use = Use(MODELS[name], dict.fromkeys(columns, ""), fixed, age_ms=60_000, **chosen)
    return Judge(0, use, TABLES, NONE, np.zeros((0, len(columns)), np.int32), stairs_of(use, TABLES))


def _values(judge: Judge) -> list[float]:
    """Where something may change, and on both sides of it."""
    assert judge.stairs is not None
    edges = judge.stairs.steps.start
    edges = edges[~np.isnan(edges)]
    near = np.concatenate([edges, np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf)])
    return [*near.tolist(), np.nan, np.inf, -np.inf, -1.0, -0.0, 1e-300, 20.0, 1e99, 1e101]


def _hold(judge: Judge, t: np.ndarray[Any, Any], inputs: np.ndarray[Any, Any]) -> None:
    rows = np.arange(len(t), dtype=np.int32)
    seen = Seen(rows.astype(np.intp), rows, t, inputs, None)
    said, score = judge.judge(seen), np.empty(len(t))
    lost = judge.climb(seen, score)
    np.testing.assert_array_equal(score, said.score)
    unknown = Counter(r for r in said.reason.tolist() if r not in (Reason.ok, Reason.incomplete))
    assert dict(lost) == unknown


def _times() -> list[int]:
    bounds = {b for s in TABLES.values() for table in s.tables for b in (table.since, table.until)} - {ALWAYS, FOREVER}
    return sorted({0, 1_790_000_000_000, *bounds, *(b - 1 for b in bounds)})


@pytest.mark.parametrize("least", [0, 1])
@pytest.mark.parametrize(("name", "columns", "fixed"), ALONE, ids=lambda x: str(x)[:40])
def test_a_value_alone_is_judged_as_by_the_model_on_both_sides_of_every_step(
    name: str, columns: tuple[str, ...], fixed: dict[str, float | str], least: int
) -> None:
    judge = _judge(name, columns, fixed, least=least, stay=1 - least)
    x, t = np.meshgrid(np.array(_values(judge)), np.array(_times(), np.int64))
    _hold(judge, t.ravel(), x.reshape(1, -1))


@settings(max_examples=40)
@given(
    case=st.sampled_from(TOGETHER), at=st.sampled_from(_times()),
    picks=st.lists(st.lists(st.integers(0, 10**6), min_size=7, max_size=7), min_size=1, max_size=20),
)  # fmt: skip
def test_of_several_inputs_the_worst_decides_as_by_the_model(
    case: tuple[str, tuple[str, ...], dict[str, float | str]], at: int, picks: list[list[int]]
) -> None:
    judge = _judge(*case)
    values = _values(judge)
    inputs = np.array([[values[p % len(values)] for p in row[: len(case[1])]] for row in picks]).T.copy()
    _hold(judge, np.full(len(picks), at, np.int64), inputs)


@settings(max_examples=60)
@given(
    row=st.lists(st.floats(0.0, 900.0), min_size=2, max_size=7, unique=True).map(sorted), verified=st.booleans(),
    until=st.sampled_from([FOREVER, 1000]), x=st.lists(st.floats(-10, 1000), min_size=1, max_size=30),
)  # fmt: skip
def test_a_table_of_any_numbers_and_a_gap_after_it_are_in_the_staircase(
    row: list[float], verified: bool, until: int, x: list[float]
) -> None:
    one = np.array([row])
    table = Table("a", "aqi", 0, until, tuple(f"iaqi_{80 * k}" for k in range(len(row))), ("PM25_24h",), one,
                  np.array([verified]), np.array([False]), {"light": 2, "severe": 4})  # fmt: skip
    standards = {"aqi": Standard("aqi", [table])}
    use = Use(MODELS["aqi"], {"PM25_24h": ""}, {}, {}, 0, -1, 0)
    judge = Judge(0, use, standards, NONE, np.zeros((0, 1), np.int32), stairs_of(use, standards))
    values = np.array([*x, *_values(judge)])
    for t in (-1, 0, 999, 1000):
        _hold(judge, np.full(len(values), t, np.int64), values[None, :])


@pytest.mark.parametrize(("name", "columns", "fixed"), [
    ("rain", ("mm_1h",), {}), ("rain", ("mm_1h", "mm_3h"), {}), ("crowd", ("area_m2", "persons"), {}),
    ("river_flood", ("alert_m", "level_m"), {}), ("fire", ("smoke",), {}),
])  # fmt: skip
def test_what_is_no_staircase_is_judged_by_the_model(
    name: str, columns: tuple[str, ...], fixed: dict[str, float | str]
) -> None:
    assert _judge(name, columns, fixed).stairs is None


def test_tables_that_are_read_anew_keep_their_staircases() -> None:
    use = Use(MODELS["combustible_gas"], {"lel": ""}, {}, {}, 0, -1, 0)
    one, other = stairs_of(use, TABLES), stairs_of(use, load().standards)
    assert one is not None
    assert other is not None
    assert one.steps is other.steps
