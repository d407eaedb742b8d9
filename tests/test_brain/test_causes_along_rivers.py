"""Causes that flow: what lies below a discharge is its effect, what lies above or off the river is not."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import shapely
from console_rig import LAT, LON, METRE, SET, City

from brain.incidents.bed import Bed
from brain.incidents.causes import CauseError, Causes
from brain.incidents.reasons import Reason
from geo.feature import Feature

ROW = {"cause": "eco.pipe*", "effect": "eco.pressure*", "within_m": 5000, "along": "downstream"}


def _rivers(*rivers: list[tuple[float, float]]) -> list[Feature]:
    return [
        Feature("river", f"r{n}", shapely.LineString([(LON + x * METRE, LAT + y * METRE) for x, y in line]),
                attributes={"from": f"a{n}", "to": f"b{n}"})
        for n, line in enumerate(rivers)
    ]  # fmt: skip


class River(City):
    """A river that flows east through the middle of the city."""

    def __init__(self) -> None:
        super().__init__()
        content: Any = SimpleNamespace(
            routes=None, causes={"version": 1, "causes": [ROW]}, scenarios=SET.scenarios,
            bed=Bed.of(_rivers([(-6000, 0), (0, 0), (6000, 0)])),
        )  # fmt: skip
        self.logic.enter("river", content)


@pytest.mark.parametrize(("at", "off", "carried"), [(2000, 0, True), (-2000, 0, False), (2000, 1500, False)])
def test_a_discharge_carries_what_lies_below_it_on_the_river(at: float, off: float, carried: bool) -> None:
    city = River()
    city.raised(0, "pipe", "outfall")
    city.raised(10, "pressure", "probe", lon=LON + at * METRE, lat=LAT + off * METRE)
    assert (city.of("probe").withheld == Reason.INHIBITED) is carried


def test_metres_are_those_of_the_bed_and_a_tributary_does_not_flow_up() -> None:
    bed = Bed.of(_rivers([(-3000, 0), (-3000, 3000), (0, 3000), (0, 0)], [(0, -2000), (0, 0)]))
    assert bed is not None
    at = {name: (LON + x * METRE, LAT + y * METRE) for name, (x, y) in {
        "spring": (-3000, 0), "mouth": (0, 0), "other": (0, -1000),
    }.items()}  # fmt: skip
    assert bed.below(*at["spring"], *at["mouth"]) == pytest.approx(9000, rel=0.1)
    assert bed.below(*at["mouth"], *at["spring"]) == math.inf
    assert bed.below(*at["spring"], *at["other"]) == math.inf


def test_a_set_without_rivers_has_no_bed_and_a_row_along_needs_metres() -> None:
    assert Bed.of(_rivers()) is None
    with pytest.raises(CauseError, match=r"along: expected within_m"):
        Causes.of({"version": 1, "causes": [{**ROW, "within_m": None, "same": "district"}]})
