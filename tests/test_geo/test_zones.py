"""How far a border is, against GEOS; which zones there are."""

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from geo import exact
from geo.city_map import CityMap
from geo.feature import Feature, MapError
from geo.index import edges_of
from geo.visits import border_within
from geo.zones import Zones


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 60), st.sampled_from([0.0, 1.0, 30.0, 400.0]), st.booleans())
def test_a_border_is_within_reach_where_it_is_for_geos(seed: int, corners: int, reach: float, hole: bool) -> None:
    draw = np.random.default_rng(seed)
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    ring = np.column_stack((np.cos(angle), np.sin(angle))) * draw.uniform(300, 1000, corners)[:, None]
    polygon = shapely.Polygon(ring, [ring * 0.3] if hole else [])
    assume(polygon.is_valid)
    shapes = np.array([shapely.box(5000, 5000, 6000, 6000), polygon], object)
    edges, _, begins = edges_of(shapes)
    boxes = shapely.bounds(shapes)
    arrays = (*exact.bands(edges, begins, boxes), boxes)
    at = np.vstack((draw.uniform(-1500, 1500, (60, 2)), ring[:5], (ring[:5] + np.roll(ring, 1, axis=0)[:5]) / 2))
    for (x, y), away in zip(at, shapely.distance(polygon.boundary, shapely.points(at)), strict=True):
        if abs(away - reach) > 1e-7:
            assert border_within(*arrays, 1, x, y, reach) == (away < reach)


def test_a_code_is_one_zone_whatever_its_shape_was() -> None:
    features = [
        Feature("grid", "b", shapely.box(113.5, 22.2, 113.6, 22.3), until=1000),
        Feature("grid", "b", shapely.box(113.5, 22.2, 113.55, 22.3), since=1000),
        Feature("grid", "a", shapely.box(113.6, 22.2, 113.7, 22.3)),
        Feature("risk", "a", shapely.box(113.6, 22.2, 113.7, 22.3)),
    ]
    zones = Zones(CityMap(features), ["risk", "grid"])
    assert list(zip(zones.layer, zones.code, strict=True)) == [("risk", "a"), ("grid", "a"), ("grid", "b")]
    assert zones.metres.zone == 4547
    with pytest.raises(MapError, match="zones: expected layers of grid, risk, each once, got grid, grid"):
        Zones(CityMap(features), ["grid", "grid"])
