"""Exact geometry: on which side of a line a point lies, and whether a polygon covers it, without rounding.

A floating-point filter answers almost always; where it cannot tell, the determinant is summed as an expansion of
doubles (Shewchuk 1997), whose sign is exact. Numbers must be finite, and zero or above 1e-140 in size.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]

EDGES_A_BAND = 4
"""Edges for which a polygon gets one band of latitude more: the exact test reads only the point's band."""
MOST_BANDS = 4096


@njit(cache=True)
def turn(ax: float, ay: float, bx: float, by: float, px: float, py: float) -> int:
    """Side of the line a→b on which p lies: 1 left, -1 right, 0 on it. Exact."""
    left = (ax - px) * (by - py)
    right = (ay - py) * (bx - px)
    det = left - right
    bound = 3.3306690738754716e-16 * (abs(left) + abs(right))  # Shewchuk's first filter
    if det > bound:
        return 1
    if det < -bound:
        return -1
    return _turn_exact(ax, ay, bx, by, px, py)


@njit(cache=True)
def _turn_exact(ax: float, ay: float, bx: float, by: float, px: float, py: float) -> int:
    """Sign of the determinant, multiplied out into six products of two doubles each kept with its rounding error."""
    sums = np.zeros(12)
    n = 0
    one = (ax, -ax, -px, -ay, ay, py)
    other = (by, py, by, bx, px, bx)
    for k in range(6):
        product = one[k] * other[k]
        n = _grow(sums, n, _tail(one[k], other[k], product))
        n = _grow(sums, n, product)
    for k in range(n - 1, -1, -1):
        if sums[k] > 0.0:
            return 1
        if sums[k] < 0.0:
            return -1
    return 0


@njit(cache=True)
def _tail(a: float, b: float, product: float) -> float:
    """What rounding took from a * b."""
    split = 134217729.0 * a
    ah = split - (split - a)
    split = 134217729.0 * b
    bh = split - (split - b)
    al, bl = a - ah, b - bh
    return ((ah * bh - product) + ah * bl + al * bh) + al * bl


@njit(cache=True)
def _grow(sums: F8, n: int, value: float) -> int:
    """Add one double to an expansion of n components; no bit is lost."""
    for k in range(n):
        s = value + sums[k]
        t = s - value
        sums[k] = (value - (s - t)) + (sums[k] - t)
        value = s
    sums[n] = value
    return n + 1


@njit(cache=True)
def covers(edges: F8, start: int, stop: int, x: float, y: float) -> bool:
    """Whether edges [start, stop) enclose the point, border included (even-odd over all rings). Exact.

    ``edges``: (m, 4) x1 y1 x2 y2. All edges of the polygon whose latitudes include the point's must be among them.
    """
    inside = False
    for k in range(start, stop):
        ay, by = edges[k, 1], edges[k, 3]
        if (ay > y and by > y) or (ay < y and by < y):
            continue
        ax, bx = edges[k, 0], edges[k, 2]
        if ax < x and bx < x:
            continue
        if bx == x and by == y:
            return True
        if ay == y and by == y:
            if min(ax, bx) <= x <= max(ax, bx):
                return True
            continue
        if (ay > y) != (by > y):
            if ax > x and bx > x:
                inside = not inside
                continue
            side = turn(ax, ay, bx, by, x, y)
            if side == 0:
                return True
            if by < ay:
                side = -side
            if side > 0:
                inside = not inside
    return inside


@njit(cache=True)
def covers_banded(banded: F8, band: I8, first: I8, boxes: F8, p: int, x: float, y: float) -> bool:
    """Whether polygon p covers the point, border included; arrays as :func:`bands` makes them."""
    if not (boxes[p, 0] <= x <= boxes[p, 2] and boxes[p, 1] <= y <= boxes[p, 3]):
        return False
    at = first[p] + band_of(boxes, first, p, y)
    return covers(banded, band[at], band[at + 1], x, y)


@njit(cache=True)
def band_of(boxes: F8, first: I8, p: int, y: float) -> int:
    """Band of a latitude within the polygon's box; it never falls as y grows, in floating point too."""
    n = first[p + 1] - first[p]
    return int(min(n - 1, int((y - boxes[p, 1]) * (n / (boxes[p, 3] - boxes[p, 1])))))


@njit(cache=True)
def bands(edges: F8, ring: I8, boxes: F8) -> tuple[F8, I8, I8]:
    """Edges sorted into bands of latitude; an edge stands in each band it touches.

    ``edges[ring[p]:ring[p + 1]]`` are polygon p's. Returns the edges (k, 4), where each band begins, and the number
    of each polygon's first band.
    """
    first = np.zeros(len(boxes) + 1, np.int64)
    for p in range(len(boxes)):
        first[p + 1] = first[p] + min(MOST_BANDS, max(1, (ring[p + 1] - ring[p]) // EDGES_A_BAND))
    band = np.zeros(first[-1] + 1, np.int64)
    out = np.empty((0, 4))
    at = band
    for write in range(2):
        if write:
            total = 0
            for k in range(len(band)):
                total, band[k] = total + band[k], total
            out = np.empty((total, 4))
            at = band.copy()
        for p in range(len(boxes)):
            for k in range(ring[p], ring[p + 1]):
                low = band_of(boxes, first, p, min(edges[k, 1], edges[k, 3]))
                high = band_of(boxes, first, p, max(edges[k, 1], edges[k, 3]))
                for s in range(first[p] + low, first[p] + high + 1):
                    if write:
                        out[at[s]] = edges[k]
                    at[s] += 1
    return out, band, first
