"""Announced work: what it raises is kept and counted, shown when the work is over, and a fire is shown at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from console_rig import SET, City

from brain.incidents.reasons import Reason
from brain.incidents.windows import WindowError, Windows

WORK = {
    "from": "1970-01-01T08:00:10+08:00", "until": "1970-01-01T08:10:00+08:00", "by": "水务局", "reason": "更换探头",
}  # fmt: skip


def _city(*windows: dict[str, Any]) -> City:
    city = City()
    table = {"version": 1, "windows": [{**WORK, **w} for w in windows]}
    content: Any = SimpleNamespace(routes=None, scenarios=SET.scenarios, windows=table)
    city.logic.enter("with-work", content)
    return city


@pytest.mark.parametrize("scope", [
    {"asset": "a"}, {"asset": "a", "scenario": "eco.air"}, {"grid": "g0"}, {"grid": "g0", "family": "eco.air"},
])  # fmt: skip
def test_what_work_raises_waits_for_its_end_and_says_who_and_why(scope: dict[str, str]) -> None:
    city = _city(scope)
    city.raised(20, "air", "a")
    assert (city.of("a").withheld, city.of("a").shown, city.of("a").look_at) == (Reason.MAINTENANCE, None, 600_000)
    assert (city.audit[-1]["by"], city.audit[-1]["why"]) == ("水务局", "更换探头")
    city.until(600_000)
    assert (city.of("a").withheld, city.of("a").shown) == ("", 600_000)


@pytest.mark.parametrize("scope", [{"asset": "b"}, {"asset": "a", "scenario": "eco.dust"}, {"grid": "g1"}])
def test_work_elsewhere_and_for_another_scenario_withholds_nothing(scope: dict[str, str]) -> None:
    city = _city(scope)
    city.raised(20, "air", "a")
    assert city.of("a").shown == 20_000


@pytest.mark.parametrize("t", [9, 600])
def test_a_window_has_its_begin_and_not_its_end(t: int) -> None:
    city = _city({"asset": "a"})
    city.raised(t, "air", "a")
    assert city.of("a").shown == t * 1000


def test_a_fire_passes_every_window() -> None:
    city = _city({"asset": "s1"}, {"grid": "g0"})
    city.raised(20, "fire", "s1")
    assert city.of("s1").shown == 20_000


@pytest.mark.parametrize(("row", "said"), [
    ({}, "expected one of asset and grid, got neither"),
    ({"asset": "a", "grid": "g"}, "got both"),
    ({"asset": "a", "family": "eco.air"}, "family with grid"),
    ({"asset": "a", "until": "1970-01-01T08:00:10+08:00"}, "until: expected after from"),
    ({"asset": "a", "until": "1970-03-01T08:00:10+08:00"}, "by 31 days"),
    ({"asset": "a", "until": "1970-01-01T08:10:00"}, "with its offset"),
    ({"asset": "a", "reason": " "}, "reason: expected who"),
    ({"asset": "a", "note": "x"}, "note"),
])  # fmt: skip
def test_a_table_that_cannot_be_meant_is_refused_with_its_place(row: dict[str, str], said: str) -> None:
    with pytest.raises(WindowError, match=said):
        Windows.of({"version": 1, "windows": [{**WORK, **row}]}, "maintenance.yaml")
