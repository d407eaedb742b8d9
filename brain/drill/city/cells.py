"""Unit grids as an exact partition of the land: cells around seeds, whose borders are jagged the same from both sides.

Sea and neighbours are cells too, so the coast is a border like any other. Every border is one line of points, rounded
once and used by both cells: neighbours share it point for point.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Voronoi, cKDTree

from brain.drill.city.terrain import B1, F8, HEIGHT, I8, WIDTH, Terrain, degrees, stream

SAMPLES = 40
"""Drawn places for each cell, from which its seed finds its middle."""
ROUNDS = 10
BACKGROUND = 0.30
"""Share of cells that are spread over the ground, whether people live there or not."""
STEP = 55.0
"""Metres between points of a jagged border, about."""
STRAIGHT = 25.0
"""Metres below which a border is not worth jagging."""
ROUGH, COAST = 0.10, 0.17
"""How far a border swings, as a share of its length: between grids, and at the sea."""
DEEPEST = 0.45
"""Share of the way to a cell's seed that a border may swing: below 1 the line cannot cross itself or another."""


@dataclass(frozen=True)
class Cells:
    """The land cells in the order of their seeds: the grids, before they have codes.

    ``x``, ``y`` (n,) seeds in plane metres; ``shape`` (n,) Polygons in degrees; ``a``, ``b`` pairs of neighbours and
    ``shared`` metres of border between them; ``body`` (n,) connected land: 0 the mainland, 1 the bridged island, then
    islands that only boats reach, by size.
    """

    x: F8
    y: F8
    shape: NDArray[Any]
    a: I8
    b: I8
    shared: F8
    body: I8


def cells(seed: int, ground: Terrain) -> Cells:
    """All land cells of a ground: as many as its scale says."""
    draw = stream(seed, "cells")
    x, y, land = _seeds(draw, ground)
    x, y, land, diagram = _parted(x, y, land, ground)
    n = int(land.sum())
    points, corners = _ridges(diagram, land)
    lines = [
        _line(draw, diagram, p, v, land, ground.scale.detail)
        for p, v in zip(points.tolist(), corners.tolist(), strict=True)
    ]
    shape = _polygons(diagram, points, corners, lines, n)
    both = land[points].all(axis=1)
    a, b = points[both, 0], points[both, 1]
    shared = np.hypot(*(diagram.vertices[corners[both, 0]] - diagram.vertices[corners[both, 1]]).T)
    return Cells(x[:n], y[:n], shape, a, b, shared, _bodies(a, b, n, ground, x, y))


def _seeds(draw: np.random.Generator, ground: Terrain) -> tuple[F8, F8, B1]:
    """Seeds of land first, then of all else; each is the middle of its share of places drawn, and keeps its side."""
    wanted = ground.scale.grids
    x, y = ground.people(draw, wanted * SAMPLES * 3, BACKGROUND)
    kept = (x > 0) & (x < WIDTH) & (y > 0) & (y < HEIGHT)
    x, y = x[kept], y[kept]
    land = _city(ground, x, y)
    # As dense beyond the coast as on it, so that the coast is as fine as the grids along it.
    other = round(wanted * (~land).sum() / land.sum())
    out: list[F8] = []
    for side, n, first in ((True, wanted, ground.centres), (False, other, np.zeros((0, 2)))):
        mine = land == side
        places = np.column_stack((x[mine], y[mine]))[: n * SAMPLES]
        own = first[_city(ground, first[:, 0], first[:, 1])]
        chosen = np.vstack((own, places[: n - len(own)]))
        for _ in range(ROUNDS):
            _, nearest = cKDTree(chosen).query(places)
            count = np.bincount(nearest, minlength=n)
            mean = (
                np.column_stack([np.bincount(nearest, places[:, k], n) for k in (0, 1)]) / np.maximum(count, 1)[:, None]
            )
            moved = (count > 0) & (_city(ground, mean[:, 0], mean[:, 1]) == side)
            chosen[moved] = mean[moved]
        out.append(chosen)
    both = np.vstack([*out, _fence(ground)])
    return both[:, 0], both[:, 1], np.arange(len(both)) < wanted


def _fence(ground: Terrain) -> F8:
    """Seeds that keep large cells in bounds: around each island, and along the rim of the box."""
    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    around = [np.column_stack((x + 1.5 * r * np.cos(turn), y + 1.2 * r * np.sin(turn)))
              for (x, y), r in zip(ground.islands.tolist(), ground.radius.tolist(), strict=True)]  # fmt: skip
    along, up, off = np.arange(0, WIDTH, 4_000.0), np.arange(0, HEIGHT, 4_000.0), 1_200.0
    rim = [np.column_stack((along, np.full(len(along), at))) for at in (off, HEIGHT - off)]
    rim += [np.column_stack((np.full(len(up), at), up)) for at in (off, WIDTH - off)]
    at = np.vstack([*around, *rim])
    return np.asarray(at[~_city(ground, at[:, 0], at[:, 1])])


def _city(ground: Terrain, x: F8, y: F8) -> B1:
    return (ground.heights(x, y) > 0) & ground.inside(x, y)


def _parted(x: F8, y: F8, land: B1, ground: Terrain) -> tuple[F8, F8, B1, Voronoi]:
    """With more seeds of sea where cells of two islands would touch, until none do."""
    # Far outside the box, so that every cell of land is closed.
    turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    rim = np.column_stack((WIDTH * (0.5 + 0.8 * np.cos(turn)), HEIGHT * (0.5 + 0.9 * np.sin(turn))))
    x, y, land = np.append(x, rim[:, 0]), np.append(y, rim[:, 1]), np.append(land, np.zeros(len(rim), np.bool_))
    while True:
        diagram = Voronoi(np.column_stack((x, y)))
        n = int(land.sum())
        body = ground.bodies(x[:n], y[:n])
        p = diagram.ridge_points
        p = p[land[p].all(axis=1)]
        p = p[body[p[:, 0]] != body[p[:, 1]]]
        if not len(p):
            return x, y, land, diagram
        # The deepest place on the way across is in the strait.
        t = np.linspace(0.1, 0.9, 17)[:, None]
        across_x, across_y = x[p[:, 0]] * (1 - t) + x[p[:, 1]] * t, y[p[:, 0]] * (1 - t) + y[p[:, 1]] * t
        deep = ground.heights(across_x.ravel(), across_y.ravel()).reshape(across_x.shape).argmin(axis=0)
        more_x, more_y = across_x[deep, np.arange(len(p))], across_y[deep, np.arange(len(p))]
        x, y, land = np.append(x, more_x), np.append(y, more_y), np.append(land, np.zeros(len(p), np.bool_))


def _ridges(diagram: Voronoi, land: B1) -> tuple[I8, I8]:
    """Borders with land on at least one side: the two seeds, and the two corners."""
    points = diagram.ridge_points.astype(np.int64)
    kept = np.flatnonzero(land[points].any(axis=1))
    return points[kept], np.array([diagram.ridge_vertices[k] for k in kept.tolist()], np.int64)


def _line(
    draw: np.random.Generator, diagram: Voronoi, seeds: list[int], corners: list[int], land: B1, detail: int
) -> F8:
    """A border from its first corner to its second, jagged, in degrees, (k, 2).

    A point swings towards one of the two seeds, and the line comes back to the straight border before it changes sides.
    Within the triangle of the border and a seed such a line is seen whole from the seed, so it cannot cross itself;
    the triangles of different borders do not overlap, so it crosses no other.
    """
    start, end = diagram.vertices[corners[0]], diagram.vertices[corners[1]]
    long = float(np.hypot(*(end - start)))
    if long < STRAIGHT:
        return np.array([start, end])
    steps = 1 << int(np.clip(np.ceil(np.log2(long / STEP)), 2, detail))
    swing = _fractal(draw, steps) * long * (ROUGH if land[seeds].all() else COAST)
    t = np.arange(steps + 1) / steps
    straight = start + t[:, None] * (end - start)
    line = [start]
    for k in range(1, steps):
        if swing[k] * swing[k - 1] < 0:
            part = swing[k - 1] / (swing[k - 1] - swing[k])
            line.append(straight[k - 1] + part * (straight[k] - straight[k - 1]))
        towards = diagram.points[seeds[0] if swing[k] > 0 else seeds[1]] - straight[k]
        line.append(straight[k] + towards * min(abs(swing[k]) / float(np.hypot(*towards)), DEEPEST))
    return np.array([*line, end])


def _fractal(draw: np.random.Generator, steps: int) -> F8:
    """Midpoint displacement from 0 to 0, of unit swing."""
    out = np.zeros(steps + 1)
    span, high = steps, 1.0
    while span > 1:
        half = span // 2
        middle = np.arange(half, steps, span)
        out[middle] = (out[middle - half] + out[middle + half]) / 2 + draw.uniform(-high, high, len(middle))
        span, high = half, high * 0.55
    return out


def _polygons(diagram: Voronoi, points: I8, corners: I8, lines: list[F8], n: int) -> NDArray[Any]:
    """A polygon for each of the first n seeds; borders of one that rounding made invalid are drawn straight again."""
    around: list[list[int]] = [[] for _ in range(n)]
    for k, (p, q) in enumerate(points.tolist()):
        for cell in (p, q):
            if cell < n:
                around[cell].append(k)
    rounded = [np.column_stack(degrees(line[:, 0], line[:, 1])) for line in lines]
    while True:
        shapes = np.array([_polygon(diagram, cell, around[cell], corners, rounded) for cell in range(n)], object)
        bad = np.flatnonzero(~shapely.is_valid(shapes))
        if not len(bad):
            return shapes
        for cell in bad.tolist():
            for k in around[cell]:
                rounded[k] = rounded[k][[0, -1]]


def _polygon(diagram: Voronoi, cell: int, ridges: list[int], corners: I8, lines: list[F8]) -> Any:
    """The borders of one cell in a row, anticlockwise."""
    seed = diagram.points[cell]
    middle = diagram.vertices[corners[ridges]].mean(axis=1) - seed
    ring = []
    for k in np.argsort(np.arctan2(middle[:, 1], middle[:, 0])).tolist():
        line = lines[ridges[k]]
        a, b = diagram.vertices[corners[ridges[k]]] - seed
        forward = a[0] * b[1] - a[1] * b[0] > 0
        ring.append(line if forward else line[::-1])
    points = np.vstack(ring)
    return shapely.Polygon(points[np.append(True, (points[1:] != points[:-1]).any(axis=1))])


def _bodies(a: I8, b: I8, n: int, ground: Terrain, x: F8, y: F8) -> I8:
    """Connected land by cell: mainland, bridged island, then the others by number of cells."""
    _, part = connected_components(coo_array((np.ones(len(a)), (a, b)), (n, n)), directed=False)
    size = np.bincount(part)
    first = [
        int(np.argmax(size)),
        int(part[np.argmin(np.hypot(*(np.column_stack((x[:n], y[:n])) - ground.islands[0]).T))]),
    ]
    order = first + [k for k in np.argsort(-size, kind="stable").tolist() if k not in first]
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return np.asarray(rank[part])
