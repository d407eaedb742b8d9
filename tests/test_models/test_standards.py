"""Risk models: dates, trust, bad input, and that a row's answer is its own."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.standards import load
from models.standards import plume
from models.standards.air import AirQuality
from models.standards.flood import Reservoir, Waterlogging
from models.standards.hazard import MajorHazard
from models.standards.model import Reason, RiskModel, TextInput, UnknownInput
from models.standards.plume import Plume
from models.standards.registry import MODELS
from models.standards.table import ALWAYS, FOREVER, Standard, StandardError, Table
from models.standards.weather import GuangdongRain, RainSignal

TABLES = load().standards
NOW = round(datetime(2025, 6, 1, tzinfo=UTC).timestamp() * 1000)
AWKWARD = [math.nan, math.inf, -math.inf, -1.0, 0.0, 1.0, 7.5, 50.0, 1.6e-308, 1e-300, 1e99, 1e300]


def table(family: str = "f", since: int = ALWAYS, until: int = FOREVER, **other: Any) -> Table:
    return Table(f"t{since}", family, since, until, **{
        "columns": ("hours", "mm"), "rows": ("yellow", "red"), "values": np.array([[6.0, 50.0], [3.0, 100.0]]),
        "verified": np.array([True, False]), "less": np.zeros(2, bool), "levels": {"yellow": 2, "red": 4}, **other,
    })  # fmt: skip


def rain(*tables: Table) -> Mapping[str, Standard]:
    return {"rain.guangdong": Standard("rain.guangdong", tables)}


def judged(model: RiskModel, tables: Mapping[str, Standard] = TABLES, at: int = NOW, **columns: Any) -> Any:
    """One row."""
    return model.judge(tables, np.array([at]), {name: [value] for name, value in columns.items()})


def test_an_edition_holds_from_its_first_millisecond_to_the_one_before_the_next() -> None:
    old, new = table(since=0, until=1000), table(since=1000, until=5000)
    at = Standard("f", [new, old]).edition(np.array([-1, 0, 999, 1000, 4999, 5000]))
    assert at.tolist() == [-1, 0, 0, 1, 1, -1]


def test_a_gap_between_editions_is_no_table_in_force() -> None:
    standard = Standard("f", [table(since=0, until=10), table(since=20, until=30)])
    assert standard.edition(np.array([9, 10, 19, 20])).tolist() == [0, -1, -1, 1]
    assert Standard("f", []).edition(np.array([0, 5])).tolist() == [-1, -1]


def test_editions_that_overlap_or_contradict_themselves_are_refused() -> None:
    with pytest.raises(StandardError, match="still in force"):
        Standard("f", [table(since=0, until=10), table(since=9, until=30)])
    with pytest.raises(StandardError, match="expected 'g'"):
        Standard("g", [table()])
    with pytest.raises(StandardError, match="until: expected a day after"):
        table(since=5, until=5)
    with pytest.raises(StandardError, match="finite"):
        table(values=np.array([[6.0, math.inf], [3.0, 1.0]]))


def test_each_event_is_judged_by_the_table_of_its_own_day() -> None:
    stricter = np.array([[6.0, 20.0], [3.0, 40.0]])
    both = rain(
        table("rain.guangdong", since=0, until=1000), table("rain.guangdong", since=1000, until=2000, values=stricter)
    )
    said = GuangdongRain().judge(both, np.array([999, 1000, 1999, 2000]), {"mm_3h": [45.0] * 4})
    assert said.names() == ["none", "red", "red", ""]
    assert said.table.tolist() == [0, 1, 1, -1]
    assert said.reasons()[3] == "no_table_in_force"


def test_an_unverified_row_warns_and_does_not_raise_the_level_that_verified_rows_give() -> None:
    said = judged(GuangdongRain(), rain(table("rain.guangdong")), mm_3h=100.0)
    assert (said.names(), said.level.tolist(), said.verified.tolist()) == (["red"], [2], [False])
    none = table("rain.guangdong", verified=np.array([False, False]))
    assert judged(GuangdongRain(), rain(none), mm_3h=100.0).level.tolist() == [1]
    both = table("rain.guangdong", verified=np.array([True, True]))
    assert judged(GuangdongRain(), rain(both), mm_3h=100.0).level.tolist() == [4]


def test_an_experimental_model_never_escalates_whatever_its_table_says() -> None:
    sure = table(
        "waterlogging", columns=("depth_cm",), rows=("lane",), values=np.array([[15.0]]), verified=np.array([True]),
        less=np.zeros(1, bool), levels={"over": 4},
    )  # fmt: skip
    said = judged(Waterlogging(), {"waterlogging": Standard("waterlogging", [sure])}, depth_cm=90.0)
    assert (said.names(), said.level.tolist(), said.verified.tolist()) == (["over"], [1], [False])


def test_water_that_hardly_rises_never_reaches_the_bound() -> None:
    for rise in (1.6e-308, 1e-300, 0.0, -1.0):
        assert math.isnan(judged(Waterlogging(), depth_cm=0.0, rise_cm_min=rise).value[0])
    assert judged(Waterlogging(), depth_cm=0.0, rise_cm_min=0.5).value[0] == 30


def test_an_unverified_substance_cannot_raise_the_level_of_a_site() -> None:
    shipped = TABLES["hazard.quantity"].tables[0]
    doubted = dataclasses.replace(shipped, verified=np.array([row != "phosgene" for row in shipped.rows]))
    tables = {**TABLES, "hazard.quantity": Standard("hazard.quantity", [doubted])}
    said = judged(MajorHazard(), tables, persons=100.0, ammonia=10.0, phosgene=0.75)
    assert (said.names(), said.level.tolist(), said.verified.tolist()) == (["one"], [1], [False])


def test_the_air_quality_index_has_no_table_from_march_2026_on() -> None:
    last = round(datetime.fromisoformat("2026-03-01T00:00:00+08:00").timestamp() * 1000)
    said = AirQuality().judge(TABLES, np.array([last - 1, last]), {"PM25_24h": [75.0, 75.0]})
    assert said.value[0] == 100
    assert np.isnan(said.value[1])
    assert said.reasons() == ["incomplete", "no_table_in_force"]


def test_a_family_that_is_not_there_is_never_in_force() -> None:
    assert judged(RainSignal(), {}, mm_3h=100.0).reasons() == ["no_table_in_force"]


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_no_input_raises_or_warns_and_rows_do_not_see_each_other(model: RiskModel, data: st.DataObject) -> None:
    n = data.draw(st.integers(0, 4))
    names = model.takes(TABLES)
    columns: dict[str, list[Any]] = {}
    for name, kind in names.items():
        if isinstance(kind, TextInput):
            known = ["", "river", "D", "rural", "H2S", "arterial", "urban", "chilled", "served", "\x00"]
            columns[name] = data.draw(st.lists(st.sampled_from(known), min_size=n, max_size=n))
        elif len(columns) < 12:
            number = st.sampled_from(AWKWARD) | st.floats(0, 100)
            columns[name] = data.draw(st.lists(number, min_size=n, max_size=n))
    t = np.array(data.draw(st.lists(st.sampled_from([NOW, 0, ALWAYS, FOREVER]), min_size=n, max_size=n)), np.int64)
    said = model.judge(TABLES, t, columns)
    assert said.value.shape == said.grade.shape == said.level.shape == said.reason.shape == (n,)
    answered = np.isin(said.reason, (Reason.ok, Reason.incomplete))
    assert (said.level[~answered] == 0).all()
    assert (said.grade[~answered] == -1).all()
    assert np.isnan(said.value[~answered]).all()
    assert not np.isinf(said.value).any()
    for i in range(n):
        alone = model.judge(TABLES, t[i : i + 1], {name: column[i : i + 1] for name, column in columns.items()})
        for name in ("value", "grade", "level", "reason", "verified", "table"):
            np.testing.assert_array_equal(getattr(alone, name), getattr(said, name)[i : i + 1])
        for name, column in alone.more.items():
            np.testing.assert_array_equal(column, said.more[name][i : i + 1])


def test_columns_given_are_not_changed_and_wrong_ones_are_named() -> None:
    column = np.array([-1.0, np.nan, 3.0])
    RainSignal().judge(TABLES, np.full(3, NOW), {"mm_3h": column})
    np.testing.assert_array_equal(column, [-1.0, np.nan, 3.0])
    with pytest.raises(UnknownInput, match=r"unknown input 'mm_3' \(did you mean 'mm_3h'\?\)"):
        judged(RainSignal(), mm_3=5.0)
    with pytest.raises(ValueError, match="mm_3h: expected 2 numbers"):
        RainSignal().judge(TABLES, np.array([NOW, NOW]), {"mm_3h": [1.0]})
    with pytest.raises(ValueError, match="curve: expected two or more points"):
        Reservoir(curve=((50, 10), (49, 20)))


def test_a_footprint_is_the_line_on_which_the_plume_has_the_threshold() -> None:
    sigma = TABLES["plume.sigma"].tables[0]
    found = plume.footprint(
        sigma, "rural", "D", rate_g_s=50, wind_ms=4, wind_from=270, threshold_mg_m3=5, height_m=2, z_m=1.5
    )
    east, north = found.outline[found.outline[:, 0] >= plume.NEAR].T  # wind from the west: downwind is east
    n = len(east)
    assert n > 20
    assert not found.cut
    numbers = {"rate_g_s": 50.0, "wind_ms": 4.0, "molar_mass": 17.0, "height_m": 2.0, "z_m": 1.5}
    columns: dict[str, Any] = {name: np.full(n, value) for name, value in numbers.items()}
    said = Plume().judge(
        TABLES,
        np.full(n, NOW),
        {**columns, "x_m": east, "y_m": north, "terrain": ["rural"] * n, "stability": ["D"] * n},
    )
    np.testing.assert_allclose(said.value, 5, rtol=1e-9)
    np.testing.assert_allclose(found.outline[0], 0, atol=1e-9)  # reached at 100 m: it begins at the source


@pytest.mark.parametrize(("wind_from", "towards"), [(0, (0, -1)), (90, (-1, 0)), (180, (0, 1)), (225, (1, 1))])
def test_a_footprint_lies_where_the_wind_blows_to(wind_from: float, towards: tuple[int, int]) -> None:
    sigma = TABLES["plume.sigma"].tables[0]
    found = plume.footprint(
        sigma, "urban", "F", rate_g_s=5, wind_ms=2, wind_from=wind_from, threshold_mg_m3=1, height_m=0
    )
    middle = found.outline.mean(axis=0)
    np.testing.assert_allclose(middle / np.hypot(*middle), np.array(towards) / np.hypot(*towards), atol=1e-9)
    x, y = found.outline.T
    assert (x * np.roll(y, -1) - y * np.roll(x, -1)).sum() > 0, "anticlockwise"


def test_a_footprint_is_empty_where_nothing_is_reached_and_cut_where_it_goes_on() -> None:
    sigma = TABLES["plume.sigma"].tables[0]
    common: dict[str, Any] = {"wind_ms": 2, "wind_from": 0, "threshold_mg_m3": 1}
    assert len(plume.footprint(sigma, "rural", "F", rate_g_s=1e-6, **common).outline) == 0
    assert plume.footprint(sigma, "rural", "F", rate_g_s=1e6, **common).cut
    with pytest.raises(ValueError, match="wind of at least"):
        plume.footprint(sigma, "rural", "F", rate_g_s=1, **{**common, "wind_ms": 0.5})


def test_stability_classes_are_those_of_the_published_table() -> None:
    """NOAA READY's table; between two classes the more stable."""
    winds = [1.9, 2.0, 3.0, 5.0, 6.0]
    published = {
        ("strong", 0): "ABBCC", ("moderate", 0): "BBCDD", ("slight", 0): "BCCDD",
        ("night", 7): "EEDDD", ("night", 4): "FFEDD", ("night", 8): "DDDDD", ("strong", 8): "DDDDD",
    }  # fmt: skip
    for (sun, cloud), classes in published.items():
        got = plume.stability(np.array(winds), np.array([sun] * 5), np.full(5, float(cloud)))
        assert "".join(got) == classes, (sun, cloud)
    unknown = plume.stability(np.array([np.nan, 3.0]), np.array(["strong", "dusk"]), np.array([0.0, 8.0]))
    assert unknown.tolist() == ["", ""]
