"""Kernels that rasterise borders, and label what lies between them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo.exact import F8, I8

I4 = NDArray[np.int32]

FINE = 8
"""Fine cells along one side of a coarse cell."""
MARGIN = 1e-6
"""Cells by which a border is thickened, so that rounding never puts a point beside its border cell."""
EMPTY = -1
"""A cell without a label yet."""
BORDER = -2


class Grid(NamedTuple):
    """The raster: coarse columns and rows, its lower left corner, coarse cells a degree."""

    nx: int
    ny: int
    x0: float
    y0: float
    sx: float
    sy: float


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


@njit(cache=True, nogil=True)
def border_cells(edges: F8, x0: float, y0: float, sx: float, sy: float, nx: int, ny: int) -> I8:
    """Every (cell, edge) that touch, the edge thickened by the margin, as ``cell << 32 | edge``, unsorted."""
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
                out[n] = (np.int64(row) * nx + column) << 32 | k
                n += 1
    return out[:n]


@njit(cache=True, nogil=True)
def label(cells: I4, nx: int, ny: int, stack: I4) -> int:
    """Give each connected component of EMPTY cells a number from 0 on; returns how many there are.

    No border runs between two neighbouring cells of a component, so the same polygons cover all of it.
    """
    number = 0
    for seed in range(nx * ny):
        if cells[seed] != EMPTY:
            continue
        cells[seed] = number
        stack[0] = seed
        top = 1
        while top:
            top -= 1
            at = stack[top]
            column, row = at % nx, at // nx
            for step in range(4):
                c = column + (1 if step == 0 else -1 if step == 1 else 0)
                r = row + (1 if step == 2 else -1 if step == 3 else 0)
                if 0 <= c < nx and 0 <= r < ny and cells[r * nx + c] == EMPTY:
                    cells[r * nx + c] = number
                    stack[top] = r * nx + c
                    top += 1
        number += 1
    return number
