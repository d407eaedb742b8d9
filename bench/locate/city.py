"""A city by seed: jagged grids that share borders, what they add up to, zones that overlap, and two editions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import Voronoi, cKDTree

from geo.city_map import Feature

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]

BOX = (113.03, 21.80, 114.33, 22.46)
CHANGE = 1_592_784_000_000
"""The second edition's first millisecond, 2020-06-22 00:00 UTC: towns are cut anew, grids merged and split."""
SITES, COMMUNITIES, TOWNS, DISTRICTS = 2_500, 320, 25, 3
STEPS = 12
"""Pieces of a side between two grids: six sides make a polygon of about 66 vertices."""
OVERLAPPING = ("site", "risk")


@dataclass(frozen=True, slots=True)
class City:
    """Features of all layers, and the shapes of the first edition's grids, by which points are drawn."""

    features: list[Feature]
    grids: NDArray[Any]


def city(seed: int) -> City:
    """Some 2,000 grids; their unions: communities, towns, districts, managing zones; sites and risk zones."""
    draw = np.random.default_rng(seed)
    shapes = _grids(draw)
    centre = shapely.get_coordinates(shapely.centroid(shapes))
    community = _nearest(draw, centre, COMMUNITIES)
    town = _nearest(draw, centre, TOWNS)[_first(community)][community]
    district = _nearest(draw, centre, DISTRICTS)[_first(community)][community]
    moved = np.isin(community, draw.choice(np.unique(community), 9, replace=False))
    later_town = np.where(moved, TOWNS, town)
    features: list[Feature] = []
    _change_grids(shapes, features)
    for layer, before, after in (
        ("community", community, community), ("town", town, later_town), ("district", district, district),
        ("zone", np.minimum(town % 6, 2), np.minimum(town % 6, 2)),
    ):  # fmt: skip
        for k in np.unique(np.concatenate((before, after))).tolist():
            if layer == "zone" and k == 2:
                continue
            now, then = before == k, after == k
            code = f"{layer[0]}{k:04d}"
            if (now == then).all():
                features.append(Feature(layer, code, _union(shapes[now])))
                continue
            if now.any():
                features.append(Feature(layer, code, _union(shapes[now]), until=CHANGE))
            if then.any():
                features.append(Feature(layer, code, _union(shapes[then]), since=CHANGE))
    features += [Feature("site", f"s{k:04d}", shape) for k, shape in enumerate(_rounds(draw, centre, 400, 0.0004))]
    features += [Feature("risk", f"r{k:04d}", shape) for k, shape in enumerate(_rounds(draw, centre, 200, 0.004))]
    return City(features, shapes)


def points(city: City, seed: int, n: int) -> tuple[F8, F8, I8]:
    """Events as they come: clustered where grids are small, a few out at sea, a few without position; a time each."""
    draw = np.random.default_rng(seed)
    k = draw.integers(0, len(city.grids), n)
    centre = shapely.get_coordinates(shapely.centroid(city.grids))
    spread = np.sqrt(shapely.area(city.grids)) * 0.5
    at = centre[k] + draw.standard_normal((n, 2)) * spread[k, None]
    sea = draw.random(n) < 0.02
    at[sea] = draw.uniform((BOX[0] - 0.1, BOX[1] - 0.1), (BOX[2] + 0.1, BOX[3] + 0.1), (int(sea.sum()), 2))
    at[draw.random(n) < 0.01] = np.nan
    time = CHANGE + draw.integers(-86_400_000, 86_400_000, n)
    return np.ascontiguousarray(at[:, 0]), np.ascontiguousarray(at[:, 1]), time


def _grids(draw: np.random.Generator) -> NDArray[Any]:
    """Voronoi cells of clustered sites; each side is jagged, and both neighbours have it point for point."""
    low, high = np.array(BOX[:2]), np.array(BOX[2:])
    towns = draw.uniform(low + 0.05, high - 0.05, (12, 2))
    dense = towns[draw.integers(0, 12, SITES * 3 // 4)] + draw.standard_normal((SITES * 3 // 4, 2)) * 0.025
    sites = np.vstack((dense, draw.uniform(low, high, (SITES // 4, 2))))
    sites = np.clip(sites, low + 1e-3 * draw.random(sites.shape), high - 1e-3 * draw.random(sites.shape))
    mirrored = [sites]
    for axis in (0, 1):
        for wall in (low, high):
            image = sites.copy()
            image[:, axis] = 2 * wall[axis] - image[:, axis]
            mirrored.append(image)
    cells = Voronoi(np.vstack(mirrored))
    n = len(sites)
    sides: dict[tuple[int, int], F8] = {}
    for (a, b), (u, v) in zip(cells.ridge_points.tolist(), cells.ridge_vertices, strict=True):
        if min(a, b) >= n or u < 0 or v < 0:
            continue
        start, end = cells.vertices[u], cells.vertices[v]
        t = (np.arange(1, STEPS) / STEPS)[:, None]
        between = start + (end - start) * t
        if max(a, b) < n:
            # Towards one of the two sites, so within a triangle that no other side enters: sides never cross.
            between += (cells.points[a] - between) * draw.uniform(0, 0.25, t.shape)
        sides[u, v] = np.vstack((start, between))
        sides[v, u] = np.vstack((end, between[::-1]))
    shapes = []
    for k in range(n):
        corners = cells.regions[cells.point_region[k]]
        ring = [sides[u, v] for u, v in zip(corners, corners[1:] + corners[:1], strict=True)]
        shapes.append(shapely.Polygon(np.vstack(ring)))
    inland = sites[:, 1] > 21.95 + 0.08 * np.sin(sites[:, 0] * 9)
    return np.array(shapes, object)[inland | (draw.random(n) < 0.1)]


def _nearest(draw: np.random.Generator, centre: F8, n: int) -> I8:
    chosen = centre[draw.choice(len(centre), n, replace=False)]
    return np.asarray(cKDTree(chosen).query(centre)[1], np.int64)


def _first(group: I8) -> I8:
    """For each group number, one member; numbers without members get member 0."""
    out = np.zeros(group.max() + 1, np.int64)
    out[group[::-1]] = np.arange(len(group))[::-1]
    return out


def _union(shapes: NDArray[Any]) -> Any:
    return shapely.coverage_union_all(shapes)


def _change_grids(shapes: NDArray[Any], features: list[Feature]) -> None:
    """At the change every 50th grid is split into two by its middle latitude, and every 70th gets another code."""
    for k, shape in enumerate(shapes):
        code = f"g{k:05d}"
        halves = _halves(shape) if k % 50 == 0 else []
        if halves:
            features.append(Feature("grid", code, shape, until=CHANGE))
            features += [Feature("grid", f"{code}-{h}", half, since=CHANGE) for h, half in enumerate(halves)]
        elif k % 70 == 0:
            features.append(Feature("grid", code, shape, until=CHANGE))
            features.append(Feature("grid", f"a{k:05d}", shape, since=CHANGE))
        else:
            features.append(Feature("grid", code, shape))


def _halves(shape: Any) -> list[Any]:
    """The shape cut along a chord between two of its own vertices, if one lies inside it: no new vertex on a border."""
    ring = shapely.get_coordinates(shape.exterior)[:-1]
    n = len(ring)
    for start in range(n):
        end = (start + n // 2) % n
        chord = shapely.LineString([ring[start], ring[end]])
        if shape.contains(chord) and not shape.exterior.crosses(chord):
            around = np.roll(ring, -start, axis=0)
            cut = (end - start) % n
            return [shapely.Polygon(around[: cut + 1]), shapely.Polygon(np.vstack((around[cut:], around[:1])))]
    return []


def _rounds(draw: np.random.Generator, centre: F8, n: int, size: float) -> list[Any]:
    """Jagged rounds of 40 to 80 vertices around places in the grids; they overlap."""
    out = []
    for _ in range(n):
        corners = int(draw.integers(40, 80))
        angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
        radius = size * draw.uniform(0.5, 2.0) * draw.uniform(0.8, 1.0, corners)
        middle = centre[draw.integers(0, len(centre))] + draw.standard_normal(2) * size
        out.append(shapely.Polygon(middle + np.column_stack((np.cos(angle), np.sin(angle))) * radius[:, None]))
    return out
