"""Kernels of the grid map: rasterise borders, fill what lies between them, look points up.

A cell of the raster holds a polygon number, -1 for none, or, where borders cross it, ``-3 - k``: block k of finer
cells, and in a fine cell, list k of candidate polygons that the exact test decides.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

F8 = NDArray[np.float64]
I4 = NDArray[np.int32]
I8 = NDArray[np.int64]

OUTSIDE = -1
NO_POSITION = -2
FINE = 8
"""Fine cells along one side of a coarse cell."""
SLABS = 16
"""Bands of latitude into which a polygon's edges are sorted: the exact test reads only the point's band."""
MARGIN = 1e-6
"""Cells by which a border is thickened, so that rounding never puts a point beside its border cell."""


@njit(cache=True, inline="always")
def _turn(ax: float, ay: float, bx: float, by: float, px: float, py: float) -> int:
    """Side of the line a→b on which p lies: 1 left, -1 right, 0 on it; exact in all but contrived cases."""
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
    """The same in pairs of doubles: head and tail of every difference and product are kept."""
    p1, e1 = _product(*_difference(ax, px), *_difference(by, py))
    p2, e2 = _product(*_difference(ay, py), *_difference(bx, px))
    s, e = _difference(p1, p2)
    det = s + (e + (e1 - e2))
    if det > 0.0:
        return 1
    if det < 0.0:
        return -1
    return 0


@njit(cache=True)
def _difference(a: float, b: float) -> tuple[float, float]:
    s = a - b
    t = s - a
    return s, (a - (s - t)) - (b + t)


@njit(cache=True)
def _product(a: float, a_tail: float, b: float, b_tail: float) -> tuple[float, float]:
    p = a * b
    split = 134217729.0 * a
    ah = split - (split - a)
    split = 134217729.0 * b
    bh = split - (split - b)
    al, bl = a - ah, b - bh
    e = ((ah * bh - p) + ah * bl + al * bh) + al * bl
    e += a * b_tail + a_tail * b
    s = p + e
    return s, e - (s - p)


@njit(cache=True)
def covers(edges: F8, start: int, stop: int, x: float, y: float) -> bool:
    """Whether the polygon of edges [start, stop) covers the point, its border included (even-odd over all rings)."""
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
            side = _turn(ax, ay, bx, by, x, y)
            if side == 0:
                return True
            if by < ay:
                side = -side
            if side > 0:
                inside = not inside
    return inside


@njit(cache=True, inline="always")
def _slab(boxes: F8, p: int, y: float) -> int:
    """Band of a latitude within the polygon's box; it never falls as y grows, in floating point too."""
    return min(SLABS - 1, int((y - boxes[p, 1]) * (SLABS / (boxes[p, 3] - boxes[p, 1]))))


@njit(cache=True)
def slabs(edges: F8, ring: I8, boxes: F8) -> tuple[F8, I8]:
    """Edges sorted into bands (an edge stands in each band it touches), and where band s of polygon p begins."""
    band = np.zeros(len(boxes) * SLABS + 1, np.int64)
    for fill_in in range(2):
        if fill_in:
            total = 0
            for k in range(len(band)):
                total, band[k] = total + band[k], total
            out = np.empty((total, 4))
            at = band.copy()
        for p in range(len(boxes)):
            for k in range(ring[p], ring[p + 1]):
                first = _slab(boxes, p, min(edges[k, 1], edges[k, 3]))
                last = _slab(boxes, p, max(edges[k, 1], edges[k, 3]))
                for s in range(p * SLABS + first, p * SLABS + last + 1):
                    if fill_in:
                        out[at[s]] = edges[k]
                        at[s] += 1
                    else:
                        band[s] += 1
    return out, band


@njit(cache=True)
def _span(edges: F8, k: int, x0: float, y0: float, sx: float, sy: float, row: int, nx: int) -> tuple[int, int]:
    """Columns that edge k touches in a row of cells, thickened by the margin."""
    ax, ay = (edges[k, 0] - x0) * sx, (edges[k, 1] - y0) * sy
    bx, by = (edges[k, 2] - x0) * sx, (edges[k, 3] - y0) * sy
    if ay > by:
        ax, ay, bx, by = bx, by, ax, ay
    lo, hi = ax, bx
    if by - ay > 1e-9:
        slope = (bx - ax) / (by - ay)
        bottom, top = max(ay, row - MARGIN), min(by, row + 1 + MARGIN)
        lo, hi = ax + (bottom - ay) * slope, ax + (top - ay) * slope
    if lo > hi:
        lo, hi = hi, lo
    lo, hi = max(lo, min(ax, bx)), min(hi, max(ax, bx))
    return max(0, int(np.floor(lo - MARGIN))), min(nx - 1, int(np.floor(hi + MARGIN)))


@njit(cache=True)
def border_cells(edges: F8, owner: I4, x0: float, y0: float, sx: float, sy: float, nx: int, ny: int) -> I8:
    """Every (cell, polygon) where an edge of the polygon touches the cell, as ``cell << 24 | polygon``, unsorted."""
    out = np.empty(1024, np.int64)
    n = 0
    for k in range(len(edges)):
        ay, by = (edges[k, 1] - y0) * sy, (edges[k, 3] - y0) * sy
        first = max(0, int(np.floor(min(ay, by) - MARGIN)))
        last = min(ny - 1, int(np.floor(max(ay, by) + MARGIN)))
        for row in range(first, last + 1):
            a, b = _span(edges, k, x0, y0, sx, sy, row, nx)
            if n + b - a + 1 > len(out):
                more = np.empty(2 * len(out) + b - a + 1, np.int64)
                more[:n] = out[:n]
                out = more
            for column in range(a, b + 1):
                out[n] = (np.int64(row) * nx + column) << 24 | owner[k]
                n += 1
    return out[:n]


@njit(cache=True)
def owner_of(edges: F8, ring: I8, boxes: F8, candidates: I4, x: float, y: float) -> int:
    """Lowest of the candidate polygons that covers the point, or OUTSIDE; the candidates must rise."""
    for p in candidates:
        boxed = boxes[p, 0] <= x <= boxes[p, 2] and boxes[p, 1] <= y <= boxes[p, 3]
        if boxed and covers(edges, ring[p], ring[p + 1], x, y):
            return int(p)
    return OUTSIDE


@njit(cache=True)
def fill(cells: I4, nx: int, ny: int, x0: float, y0: float, sx: float, sy: float,
         edges: F8, ring: I8, boxes: F8, candidates: I4) -> None:  # fmt: skip
    """Give every cell that holds NO_POSITION (not a border cell) its owner: one exact test a connected component.

    No border runs between two neighbouring cells of a component, so all of it has one owner.
    """
    stack = np.empty(nx * ny, np.int32)
    for seed in range(nx * ny):
        if cells[seed] != NO_POSITION:
            continue
        x, y = x0 + (seed % nx + 0.5) / sx, y0 + (seed // nx + 0.5) / sy
        owner = owner_of(edges, ring, boxes, candidates, x, y)
        cells[seed] = owner
        stack[0] = seed
        top = 1
        while top:
            top -= 1
            at = stack[top]
            column, row = at % nx, at // nx
            for step in range(4):
                c = column + (1 if step == 0 else -1 if step == 1 else 0)
                r = row + (1 if step == 2 else -1 if step == 3 else 0)
                if 0 <= c < nx and 0 <= r < ny and cells[r * nx + c] == NO_POSITION:
                    cells[r * nx + c] = owner
                    stack[top] = r * nx + c
                    top += 1


@njit(cache=True)
def refine(coarse: I4, nx: int, fine: I4, pairs: I8, first: I8, lists: I8, x0: float, y0: float, sx: float, sy: float,
           edges: F8, ring: I8, boxes: F8) -> None:  # fmt: skip
    """Fill the blocks of fine cells. ``pairs[first[k]:first[k+1]]`` are the sorted pairs of block k's cells.

    Pairs are ``block << 32 | fine cell << 24 | polygon``; ``lists`` gets the start of each fine border cell's list.
    """
    made = 0
    per = FINE * FINE
    for at in range(len(coarse)):
        if coarse[at] > NO_POSITION - 1:
            continue
        block = NO_POSITION - 1 - coarse[at]
        cells = fine[block * per : (block + 1) * per]
        cells[:] = NO_POSITION
        last = -1
        for k in range(first[block], first[block + 1]):
            cell = (pairs[k] >> 24) & 0xFF
            if cell != last:
                cells[cell] = NO_POSITION - 1 - made
                lists[made] = k
                made += 1
                last = cell
        candidates = np.unique((pairs[first[block] : first[block + 1]] & 0xFFFFFF).astype(np.int32))
        bx, by = x0 + (at % nx) / sx, y0 + (at // nx) / sy
        fill(cells, FINE, FINE, bx, by, sx * FINE, sy * FINE, edges, ring, boxes, candidates)
    lists[made] = len(pairs)


@njit(cache=True, nogil=True)
def locate(lon: F8, lat: F8, out: I4, coarse: I4, nx: int, ny: int, fine: I4, lists: I8, members: I4,
           x0: float, y0: float, x1: float, y1: float, sx: float, sy: float,
           banded: F8, band: I8, boxes: F8) -> None:  # fmt: skip
    """Polygon of each point into ``out``; OUTSIDE or NO_POSITION where there is none."""
    for i in range(len(lon)):
        x, y = lon[i], lat[i]
        if not (x0 <= x <= x1 and y0 <= y <= y1):
            out[i] = NO_POSITION if np.isnan(x) or np.isnan(y) else OUTSIDE
            continue
        fx, fy = (x - x0) * sx, (y - y0) * sy
        cx, cy = min(int(fx), nx - 1), min(int(fy), ny - 1)
        found = coarse[cy * nx + cx]
        if found < NO_POSITION:
            block = NO_POSITION - 1 - found
            ix, iy = min(int((fx - cx) * FINE), FINE - 1), min(int((fy - cy) * FINE), FINE - 1)
            found = fine[block * FINE * FINE + iy * FINE + ix]
            if found < NO_POSITION:
                k = NO_POSITION - 1 - found
                found = OUTSIDE
                for m in range(lists[k], lists[k + 1]):
                    p = members[m]
                    if boxes[p, 1] <= y <= boxes[p, 3]:
                        at = p * SLABS + _slab(boxes, p, y)
                        if covers(banded, band[at], band[at + 1], x, y):
                            found = p
                            break
        out[i] = found
