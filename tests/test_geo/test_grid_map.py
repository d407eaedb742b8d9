"""Point to grid against shapely, on borders too."""

import math

import numpy as np
import pytest
import shapely

from geo.grid_map import NO_POSITION, OUTSIDE, Grid, GridMap, MapError


def squares(n: int = 4) -> list[Grid]:
    return [Grid(f"g{j}{i}", f"t{j}", "d", shapely.box(i, j, i + 1, j + 1)) for j in range(n) for i in range(n)]


def crooked() -> list[Grid]:
    """Triangles of random points: a partition of their hull that shares every border point for point."""
    points = np.random.default_rng(3).uniform([113.0, 22.0], [113.5, 22.4], (300, 2))
    triangles = shapely.delaunay_triangles(shapely.multipoints(points))
    return [Grid(f"g{k:04d}", "t", "d", shape) for k, shape in enumerate(shapely.get_parts(triangles))]


def oracle(grids: list[Grid], lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    found = np.full(len(lon), 10**6)
    a, b = shapely.STRtree([g.shape for g in grids]).query(shapely.points(lon, lat), predicate="intersects")
    np.minimum.at(found, a, b)
    return np.where(found == 10**6, OUTSIDE, found)


def test_every_point_has_the_grid_that_shapely_finds_on_shared_borders_too() -> None:
    grids = crooked()
    corners = shapely.get_coordinates([g.shape for g in grids])
    draw = np.random.default_rng(4).uniform([112.99, 21.99], [113.51, 22.41], (20_000, 2))
    points = np.vstack([draw, corners, (corners[1:] + corners[:-1]) / 2])
    lon, lat = np.ascontiguousarray(points[:, 0]), np.ascontiguousarray(points[:, 1])
    assert (GridMap(grids).locate(lon, lat) == oracle(grids, lon, lat)).all()


def test_a_point_on_a_shared_border_belongs_to_the_lowest_number() -> None:
    found = GridMap(squares()).locate(np.array([1.0, 1.0, 0.5]), np.array([0.5, 1.0, 1.0]))
    assert found.tolist() == [0, 0, 0]


def test_outside_and_no_position_are_answers() -> None:
    at = GridMap(squares()).locate(np.array([9.0, math.nan, 1.0, -1e300]), np.array([1.0, 1.0, math.nan, 0.0]))
    assert at.tolist() == [OUTSIDE, NO_POSITION, NO_POSITION, OUTSIDE]


def test_the_upper_corner_of_the_box_belongs_to_the_last_grid() -> None:
    assert GridMap(squares()).locate(np.array([4.0]), np.array([4.0])).tolist() == [15]


def test_a_hole_is_outside_and_its_rim_is_inside() -> None:
    ring = shapely.Polygon(shapely.box(0, 0, 3, 3).exterior, [shapely.box(1, 1, 2, 2).exterior])
    found = GridMap([Grid("a", "t", "d", ring)]).locate(np.array([1.5, 1.0, 0.5]), np.array([1.5, 1.5, 0.5]))
    assert found.tolist() == [OUTSIDE, 0, 0]


def test_numbers_follow_codes_and_not_the_order_in_the_file() -> None:
    assert GridMap(reversed(squares())).codes == sorted(g.code for g in squares())


@pytest.mark.parametrize(
    ("grids", "says"),
    [
        ([], "at least one grid"),
        ([Grid("a", "t", "d", shapely.box(0, 0, 1, 1))] * 2, "there twice"),
        ([Grid("a", "t", "d", shapely.Point(0, 0))], "expected a Polygon or MultiPolygon, got Point"),
        ([Grid("a", "t", "d", shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]))], "invalid"),
        ([Grid("a", "t", "d", shapely.box(0, 0, 2, 1)), Grid("b", "t", "d", shapely.box(1, 0, 3, 1))], "overlaps b"),
        ([Grid("a", "t", "d", shapely.box(12_600_000, 0, 12_600_100, 1))], "expected degrees"),
    ],
)
def test_a_map_that_cannot_be_used_is_refused_with_the_grid_named(grids: list[Grid], says: str) -> None:
    with pytest.raises(MapError, match=says):
        GridMap(grids)


def test_geojson_that_states_a_crs_is_refused() -> None:
    with pytest.raises(MapError, match="rectify the map first"):
        GridMap.of({"type": "FeatureCollection", "crs": {}, "features": []})
