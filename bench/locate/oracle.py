"""The exact answer, by other means than the index: GEOS, and integers where a point is within a hair of a border.

Doubles between 16 and 256 are whole multiples of 2^-48, so orientation and parity are worked out in Python integers
without rounding. No code of the index is used.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
HAIR = 1e-7
"""Degrees, about a centimetre: farther from a border GEOS cannot be wrong."""
UNIT = 2.0**48
CHUNK = 100_000


def covering(shapes: NDArray[Any], lon: F8, lat: F8) -> tuple[I8, I8, int]:
    """Every (point, polygon) where the polygon covers the point, border included, sorted; and how many were decided
    in integers. ``lon``, ``lat`` without NaN."""
    tree = shapely.STRtree(shapely.points(lon, lat))  # of the points, because a query prepares what it asks with
    b, a = tree.query(shapes, predicate="intersects")
    n = np.int64(len(shapes))
    sure = a.astype(np.int64) * n + b
    polygon, near = tree.query(shapely.boundary(shapes), predicate="dwithin", distance=HAIR)
    close = near.astype(np.int64) * n + polygon
    kept = [sure[~np.isin(sure, close)]]
    edges = _edges(shapes)
    order = np.argsort(polygon, kind="stable")
    begins = np.searchsorted(polygon[order], np.arange(len(shapes) + 1))
    for p in range(len(shapes)):
        mine = order[begins[p] : begins[p + 1]]
        size = max(1, CHUNK // len(edges[p]))
        for start in range(0, len(mine), size):
            part = mine[start : start + size]
            covered = _covers(edges[p], lon[near[part]], lat[near[part]])
            kept.append(close[part[covered]])
    found = np.sort(np.concatenate(kept))
    return found // n, found % n, len(close)


def _edges(shapes: NDArray[Any]) -> list[F8]:
    out = []
    for shape in shapes:
        rings = [r for part in shapely.get_parts(shape) for r in (part.exterior, *part.interiors)]
        out.append(np.vstack([np.hstack((c[:-1], c[1:])) for c in map(shapely.get_coordinates, rings)]))
    return out


def _whole(values: F8) -> NDArray[Any]:
    scaled = values * UNIT
    if not ((np.abs(values) >= 16) & (scaled == np.rint(scaled))).all():
        raise ValueError("the oracle's integers hold coordinates from 16 degrees on only")
    whole: NDArray[Any] = scaled.astype(np.int64).astype(object)
    return whole


def _covers(edges: F8, x: F8, y: F8) -> NDArray[np.bool_]:
    """Even-odd rule with the border counted in, over all edges of one polygon, in integers."""
    ax, ay, bx, by = edges.T
    point, edge = np.nonzero(
        (np.minimum(ay, by)[None, :] <= y[:, None]) & (y[:, None] <= np.maximum(ay, by)[None, :])
    )  # fmt: skip
    ex, ey, fx, fy = (_whole(side[edge]) for side in (ax, ay, bx, by))
    px, py = _whole(x)[point], _whole(y)[point]
    det = (fx - ex) * (py - ey) - (fy - ey) * (px - ex)
    sign = (det > 0).astype(np.int64) - (det < 0).astype(np.int64)
    on = (sign == 0) & (np.minimum(ax, bx)[edge] <= x[point]) & (x[point] <= np.maximum(ax, bx)[edge])
    rises, falls = (ay[edge] <= y[point]) & (y[point] < by[edge]), (by[edge] <= y[point]) & (y[point] < ay[edge])
    crossed = (rises & (sign > 0)) | (falls & (sign < 0))
    odd: NDArray[np.bool_] = np.bincount(point[crossed], minlength=len(x)) % 2 == 1
    odd[point[on]] = True
    return odd
