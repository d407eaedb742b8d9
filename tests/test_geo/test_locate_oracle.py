"""The oracle of the locate bench: it agrees with the map on every border, and sees one that is a single bit off."""

import numpy as np
import shapely

from bench.locate import oracle
from geo.city_map import CityMap, Feature


def triangles() -> list[Feature]:
    corners = np.random.default_rng(8).uniform([113.0, 22.0], [113.2, 22.2], (60, 2))
    shapes = shapely.get_parts(shapely.delaunay_triangles(shapely.multipoints(corners)))
    return [Feature("grid", f"g{k:03d}", shape) for k, shape in enumerate(shapes)]


def lowest(shapes: np.ndarray, lon: np.ndarray, lat: np.ndarray) -> list[int]:
    point, number, _ = oracle.covering(shapes, lon, lat)
    out = np.full(len(lon), -1)
    out[point[::-1]] = number[::-1]
    return out.tolist()


def test_the_oracle_tells_a_point_from_its_neighbour_one_bit_away() -> None:
    features = triangles()
    city, shapes = CityMap(features), np.array([f.shape for f in features], object)
    at = shapely.get_coordinates(shapes)
    points = np.vstack((at, (at[1:] + at[:-1]) / 2))
    lon, lat = points[:, 0].copy(), points[:, 1].copy()
    want = lowest(shapes, lon, lat)
    assert city.locate(lon, lat)[:, 1].tolist() == want
    moved = np.nextafter(lat, 90)
    assert city.locate(lon, moved)[:, 1].tolist() == lowest(shapes, lon, moved) != want
