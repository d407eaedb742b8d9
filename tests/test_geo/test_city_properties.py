"""What must hold of any city: levels agree, a partition leaves no gap, metres are metres."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pyproj import Geod

from brain.watch import BOX, jagged
from geo.city_map import OUTSIDE, CityMap
from geo.feature import Feature
from geo.metres import FIRST_MERIDIAN, FIRST_ZONE, Metres

COLUMNS, ROWS = 4, 3
GRIDS = jagged(COLUMNS, ROWS)
PARENTS = {
    "town": [k // COLUMNS for k in range(len(GRIDS))],
    "district": [k // COLUMNS // 2 for k in range(len(GRIDS))],
}


def hierarchy() -> CityMap:
    features = [Feature("grid", f"g{k:02d}", g.shape) for k, g in enumerate(GRIDS)]
    for layer, parents in PARENTS.items():
        for parent in sorted(set(parents)):
            parts = [g.shape for g, p in zip(GRIDS, parents, strict=True) if p == parent]
            features.append(Feature(layer, f"{layer}{parent}", shapely.union_all(parts)))
    return CityMap(features)


CITY = hierarchy()
SHAPES = np.array([g.shape for g in GRIDS], object)
VERTICES = shapely.get_coordinates(SHAPES)
ANYWHERE = st.tuples(st.floats(BOX[0], BOX[2]), st.floats(BOX[1], BOX[3]))
ON_A_BORDER = st.integers(0, len(VERTICES) - 2).map(lambda k: tuple(VERTICES[k].tolist()))


@settings(max_examples=60, deadline=None)
@given(st.lists(ANYWHERE | ON_A_BORDER, min_size=1, max_size=20))
def test_every_place_of_the_city_has_one_grid_and_the_levels_above_it_agree(places: list[tuple[float, float]]) -> None:
    lon, lat = np.array(places).T.copy()
    answers = CITY.locate(lon, lat)
    points = shapely.points(lon, lat)
    for k, row in enumerate(answers):
        covering = np.flatnonzero(shapely.intersects(SHAPES, points[k])).tolist()
        (grid,) = CITY.members(row, "grid")
        assert grid == covering[0]
        for layer, parents in PARENTS.items():
            (parent,) = CITY.members(row, layer)
            # On a border each level has its own owner, the lowest of those that share it: of one of the grids there.
            assert parent == min(parents[g] for g in covering)
            assert parent == parents[grid] or len(covering) > 1


@settings(max_examples=20, deadline=None)
@given(st.floats(1e-9, 0.5), st.floats(0, 2 * math.pi))
def test_beside_the_city_there_is_no_grid(away: float, angle: float) -> None:
    west, south, east, north = BOX
    x, y = math.cos(angle), math.sin(angle)
    scale = 1 / max(abs(x), abs(y))
    lon = (west + east) / 2 + x * scale * ((east - west) / 2 + away)
    lat = (south + north) / 2 + y * scale * ((north - south) / 2 + away)
    row = CITY.locate(np.array([lon]), np.array([lat]))[0]
    assert row[1:].tolist() == [OUTSIDE] * len(CITY.layers)


def test_the_areas_of_each_level_add_up_to_the_city() -> None:
    whole = (BOX[2] - BOX[0]) * (BOX[3] - BOX[1])
    for layer in CITY.layers:
        shapes = [f.shape for f in CITY.features(layer)]
        assert sum(s.area for s in shapes) == pytest.approx(whole, rel=1e-12)
        assert shapely.union_all(shapes).area == pytest.approx(whole, rel=1e-12)


CITIES = st.sampled_from([(113.5, 22.2), (116.4, 39.9), (121.5, 31.2), (87.6, 43.8), (126.6, 45.8), (109.5, 18.3)])
FAR = 1.9
"""Degrees from the zone's meridian up to which the promise holds: 40 km beyond the zone's own edge."""


@settings(max_examples=60, deadline=None)
@given(CITIES, st.floats(0, 2 * math.pi), st.floats(0, 60_000), st.floats(0, 2 * math.pi), st.floats(1, 60_000))
def test_within_a_citys_span_a_distance_is_right_to_a_twentieth_of_a_per_cent(
    city: tuple[float, float], angle: float, off: float, course: float, away: float
) -> None:
    geod, metres = Geod(ellps="GRS80"), Metres.around(city[0])
    lon, lat, _ = geod.fwd(*city, math.degrees(angle), off)
    u, v, _ = geod.fwd(lon, lat, math.degrees(course), away)
    meridian = FIRST_MERIDIAN + 3 * (metres.zone - FIRST_ZONE)
    assume(max(abs(lon - meridian), abs(u - meridian)) <= FAR)
    x, y = metres.of(np.array([lon, u]), np.array([lat, v]))
    assert math.hypot(x[1] - x[0], y[1] - y[0]) == pytest.approx(away, rel=5e-4)
