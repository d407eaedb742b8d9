"""The kernel that looks points up in the map index: one gather answers all layers, the exact test only near borders.

Work goes in chunks and stages, each stage a short loop of loads that do not depend on each other: so they overlap, and
a point does not wait for memory five times in a row.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo.exact import F8, I8, covers_banded, turn
from geo.faces import NO_SIDE, SOUTH, U8, Shapes
from geo.raster import FINE, I4, Grid

OUTSIDE = -1
NO_POSITION = -2
NO_EDITION = -3
CHUNK = 512
SHORT_FACE = 28
"""Bits of the first face in a short record; the side stands above them."""
Fine = NDArray[Any]
"""int16 where the faces allow it, else int32: a smaller array stays in the cache."""


@njit(cache=True, nogil=True)
def locate(lon: F8, lat: F8, time: I8, starts: I8, out: I4, table: I4, faces: int, coarse: I4, fine: Fine,
           first_record: I4, short: I4, records_at: I4, records: I4, grid: Grid, east: float, north: float, edges: F8,
           column: I4, mask: U8, number: I4, shapes: Shapes) -> None:  # fmt: skip
    """Write the answer of each point into its row of ``out`` (n, columns).

    ``table`` (rows, columns) has the answer of each face in each edition (row ``edition * faces + face``; face 0 is
    outside everything, face 1 has no position) and one row more for times before the first edition.
    ``coarse``: face, or ``-1 - block``; ``fine`` (blocks x 64): face, or ``-1 - k``: record ``first_record[block] + k``
    in short form (:func:`shorten`) and in full (:func:`geo.faces.refine` says what is in it). ``time``: (n,), or empty:
    all points ask for the last edition.
    """
    editions, width, last = len(starts), out.shape[1], len(table) - 1
    timed = len(time) > 0
    scratch = np.empty((7, CHUNK), np.int32)
    row, sub, found, near, border, which, edge = (
        scratch[0], scratch[1], scratch[2], scratch[3], scratch[4], scratch[5], scratch[6]
    )  # fmt: skip
    touched = 0.0
    for begin in range(0, len(lon), CHUNK):
        n = min(CHUNK, len(lon) - begin)
        for i in range(n):
            x, y = lon[begin + i], lat[begin + i]
            inside = x >= grid.x0 and x <= east and y >= grid.y0 and y <= north
            fx, fy = ((x - grid.x0) * grid.sx, (y - grid.y0) * grid.sy) if inside else (0.0, 0.0)
            cx, cy = min(int(fx), grid.nx - 1), min(int(fy), grid.ny - 1)
            ix, iy = min(int((fx - cx) * FINE), FINE - 1), min(int((fy - cy) * FINE), FINE - 1)
            sub[i] = iy * FINE + ix
            found[i] = cy * grid.nx + cx if inside else (-2 if np.isnan(x) or np.isnan(y) else -1)
            e = editions - 1
            if timed:
                e = -1
                t = time[begin + i]
                for k in range(editions):
                    e += t >= starts[k]
            row[i] = e * faces if e >= 0 else last
        m = 0
        for i in range(n):
            c = found[i]
            found[i] = coarse[c] if c >= 0 else -1 - c
            near[m] = i
            m += found[i] < 0
        for k in range(m):
            i = near[k]
            which[k] = -1 - found[i]
            found[i] = fine[which[k] * (FINE * FINE) + sub[i]]
        b = 0
        for k in range(m):
            border[b] = near[k]
            which[b] = which[k]
            b += found[near[k]] < 0
        for k in range(b):
            which[k] = first_record[which[k]] - 1 - found[border[k]]
        for k in range(b):
            edge[k] = short[which[k], 2]
        for k in range(b):
            touched += edges[edge[k], 0]  # brings the edge from memory
        undecided = 0
        for k in range(b):
            i = border[k]
            found[i] = _quick(short, which[k], edges, lon[begin + i], lat[begin + i])
            if found[i] < 0:
                at = records_at[which[k]]
                if records[at] & 7 == NO_SIDE:
                    found[i] = records[at + 1]
                    border[undecided], which[undecided] = i, at
                    undecided += 1
                else:
                    found[i] = _face(records, at, edges, lon[begin + i], lat[begin + i])
        for i in range(n):
            r = min(row[i] + found[i], last)
            for c in range(width):
                out[begin + i, c] = table[r, c]
        for k in range(undecided):
            i, at = begin + border[k], which[k]
            e = out[i, 0]
            for p in records[at + 2 : at + 2 + (records[at] >> 5)]:
                c = column[p]
                lower = e >= 0 and (out[i, c] < 0 or number[p] < out[i, c])
                if lower and mask[p] >> np.uint64(e) & np.uint64(1) and covers_banded(
                    shapes.banded, shapes.band, shapes.first, shapes.boxes, p, lon[i], lat[i]
                ):  # fmt: skip
                    out[i, c] = number[p]
    if np.isnan(touched):
        raise ValueError("an edge of the index is not a number")


@njit(cache=True)
def _quick(short: I4, record: int, edges: F8, x: float, y: float) -> int:
    """Face of a point by a short record: one group of one or two edges. -1: the long record must be read."""
    side = short[record, 0] >> SHORT_FACE
    if side == NO_SIDE:
        return -1
    upright, far = side >= SOUTH, side & 1 == 1  # east and north are the far sides
    if upright:
        x, y = y, x
    odd = 0
    for k in range(2, 4):
        e = short[record, k]
        if e < 0:
            break
        if upright:
            ay, ax, by, bx = edges[e, 0], edges[e, 1], edges[e, 2], edges[e, 3]
        else:
            ax, ay, bx, by = edges[e, 0], edges[e, 1], edges[e, 2], edges[e, 3]
        if (ay > y and by > y) or (ay < y and by < y):
            continue
        if y in (ay, by):
            return -1
        s = turn(ax, ay, bx, by, x, y)
        if s == 0:
            return -1
        odd ^= (s > 0) == ((by > ay) == far)
    return int(short[record, 1] if odd else short[record, 0] & (1 << SHORT_FACE) - 1)


@njit(cache=True)
def _face(records: I4, at: int, edges: F8, x: float, y: float) -> int:
    """Face of a point in a cell with a free side: by how often a ray to that side crosses each group of edges.

    Edges outside the cell need not be asked: one that the ray meets between the point and the side touches the cell,
    and what lies behind the side is the same for all its points, since no border touches it.
    """
    header = records[at]
    side, count = header & 7, header >> 5
    upright, far = side >= SOUTH, side & 1 == 1  # east and north are the far sides
    at += 1
    first = at + 3 ** (header >> 3 & 3)
    if upright:
        x, y = y, x
    odd, on = 0, 0
    for k in range(first, first + count):
        e, g = records[k] >> 2, records[k] & 3
        if upright:
            ay, ax, by, bx = edges[e, 0], edges[e, 1], edges[e, 2], edges[e, 3]
        else:
            ax, ay, bx, by = edges[e, 0], edges[e, 1], edges[e, 2], edges[e, 3]
        straddles = (ay > y) != (by > y)
        within = min(ax, bx) <= x <= max(ax, bx)
        if within and min(ay, by) <= y <= max(ay, by):
            s = turn(ax, ay, bx, by, x, y)
            if s == 0:
                on |= 1 << g
            elif straddles:
                odd ^= ((s > 0) == ((by > ay) == far)) << g
        elif straddles:
            odd ^= ((ax > x) == far) << g
    state, weight = 0, 1
    for g in range(header >> 3 & 3):
        state += weight * (2 if on >> g & 1 else odd >> g & 1)
        weight *= 3
    return int(records[at + state])


@njit(cache=True, nogil=True)
def shorten(records: I4, records_at: I4) -> I4:
    """Short form of each record (n, 4): ``side << 28 | even face``, odd face, edge, other edge or -1.

    With NO_SIDE for the side where it does not fit. Sixteen bytes, so that most points need only these.
    """
    out = np.zeros((len(records_at), 4), np.int32)
    for r in range(len(out)):
        at = records_at[r]
        header = records[at]
        count = header >> 5
        if header & 7 == NO_SIDE or header >> 3 & 3 != 1 or count > 2:
            out[r, 0] = NO_SIDE << SHORT_FACE
            continue
        out[r, 0] = (header & 7) << SHORT_FACE | records[at + 1]
        out[r, 1] = records[at + 2]
        out[r, 2] = records[at + 4] >> 2
        out[r, 3] = records[at + 5] >> 2 if count == 2 else -1
    return out
