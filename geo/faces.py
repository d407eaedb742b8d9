"""Kernels that name the face of every cell: the set of polygons that cover it.

Faces are kept in a hash table in arrays (:class:`Faces`), because kernels fill it: a set that is there already is
compared member for member, so that a collision cannot mislead.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo.exact import F8, I8, covers_banded
from geo.raster import BORDER, EMPTY, FINE, I4, MARGIN, Grid, label

U8 = NDArray[np.uint64]
B1 = NDArray[np.bool_]

GROUPS = 3
"""Kinds of border in one cell up to which its faces are worked out beforehand."""
WEST, EAST, SOUTH, NORTH, NO_SIDE = 0, 1, 2, 3, 4
FULL = -1


class Shapes(NamedTuple):
    """Polygons for the exact test, as :func:`geo.exact.bands` makes them, and their boxes (n, 4)."""

    banded: F8
    band: I8
    first: I8
    boxes: F8


class Borders(NamedTuple):
    """Edges, each once, and whose they are: ``sides[kind[e]]`` is the span of ``owners`` that share edge e."""

    edges: F8
    kind: I4
    sides: I8
    owners: I4


class Faces(NamedTuple):
    """Sets of polygons: face f is ``members[begins[f]:begins[f + 1]]``, rising. ``used``: faces and members so far."""

    keys: U8
    slots: I4
    begins: I8
    members: I4
    used: I8


@njit(cache=True)
def _intern(faces: Faces, members: I4, n: int) -> int:
    """Number of the face with these rising members; FULL where there is no room for a new one."""
    value = np.uint64(0)
    for k in range(n):
        value ^= faces.keys[members[k]]
    slot = np.int64(value & np.uint64(len(faces.slots) - 1))
    while faces.slots[slot] >= 0:
        f = faces.slots[slot]
        begin = faces.begins[f]
        if faces.begins[f + 1] - begin == n:
            k = 0
            while k < n and faces.members[begin + k] == members[k]:
                k += 1
            if k == n:
                return int(f)
        slot = (slot + 1) & (len(faces.slots) - 1)
    f, used = np.int32(faces.used[0]), faces.used[1]
    if 2 * (f + 2) > len(faces.slots) or f + 2 > len(faces.begins) or used + n > len(faces.members):
        return FULL
    faces.slots[slot] = f
    faces.members[used : used + n] = members[:n]
    faces.begins[f + 1] = used + n
    faces.used[0], faces.used[1] = f + 1, used + n
    return int(f)


@njit(cache=True, nogil=True)
def name_components(seeds: I8, grid: Grid, near: I4, near_at: I8, shapes: Shapes, faces: Faces, out: I4) -> bool:
    """Face of each coarse component into ``out``; a cell of it is in ``seeds``, the polygons whose box holds that
    cell's centre in ``near[near_at[k]:near_at[k + 1]]``, rising. False where ``faces`` has no room."""
    members = np.empty(len(shapes.boxes), np.int32)
    for k in range(len(seeds)):
        x, y = grid.x0 + (seeds[k] % grid.nx + 0.5) / grid.sx, grid.y0 + (seeds[k] // grid.nx + 0.5) / grid.sy
        n = 0
        for c in range(near_at[k], near_at[k + 1]):
            if covers_banded(shapes.banded, shapes.band, shapes.first, shapes.boxes, near[c], x, y):
                members[n] = near[c]
                n += 1
        out[k] = _intern(faces, members, n)
        if out[k] == FULL:
            return False
    return True


@njit(cache=True)
def _free_side(borders: Borders, pairs: I8, start: int, stop: int, west: float, south: float, gx: float,
               gy: float) -> int:  # fmt: skip
    """A side of the cell that none of its edges touches, or NO_SIDE. ``gx``, ``gy``: fine cells a degree.

    What is within ten margins counts as touching: a side called free is free for sure.
    """
    wide = 10 * MARGIN
    for side in range(4):
        x0, x1, y0, y1 = -wide, 1 + wide, -wide, 1 + wide
        if side == WEST:
            x1 = wide
        elif side == EAST:
            x0 = 1 - wide
        elif side == SOUTH:
            y1 = wide
        else:
            y0 = 1 - wide
        free = True
        for k in range(start, stop):
            e = pairs[k] & 0xFFFFFFFF
            ax, ay = (borders.edges[e, 0] - west) * gx, (borders.edges[e, 1] - south) * gy
            bx, by = (borders.edges[e, 2] - west) * gx, (borders.edges[e, 3] - south) * gy
            t0, t1 = 0.0, 1.0
            for axis in range(2):
                a, d = (ax, bx - ax) if axis == 0 else (ay, by - ay)
                low, high = (x0, x1) if axis == 0 else (y0, y1)
                if abs(d) < 1e-12:
                    if a < low or a > high:
                        t0 = 2.0
                else:
                    u, v = (low - a) / d, (high - a) / d
                    t0, t1 = max(t0, min(u, v)), min(t1, max(u, v))
            if t0 <= t1:
                free = False
                break
        if free:
            return side
    return NO_SIDE


@njit(cache=True)
def _crossing(borders: Borders, pairs: I8, start: int, stop: int, kinds: I4, polygons: I4) -> tuple[int, int]:
    """Kinds of the edges of pairs [start, stop) and the polygons that share them, both rising, each once."""
    n = m = 0
    for k in range(start, stop):
        kind = borders.kind[pairs[k] & 0xFFFFFFFF]
        n = _insert(kinds, n, kind)
    for g in range(n):
        for k in range(borders.sides[kinds[g]], borders.sides[kinds[g] + 1]):
            m = _insert(polygons, m, borders.owners[k])
    return n, m


@njit(cache=True)
def _insert(values: I4, n: int, value: int) -> int:
    """Put a value into the first n, which rise, unless it is there."""
    k = n
    while k > 0 and values[k - 1] > value:
        k -= 1
    if k > 0 and values[k - 1] == value:
        return n
    values[k + 1 : n + 1] = values[k:n].copy()
    values[k] = value
    return n + 1


@njit(cache=True)
def _name(faces: Faces, polygons: I4, inside: B1, m: int, around: I4, a: int, members: I4) -> int:
    """Face of those of m polygons that are inside, and of all of the first ``a`` around; both rise."""
    n = k = 0
    for c in range(m):
        if inside[c]:
            while k < a and around[k] < polygons[c]:
                members[n] = around[k]
                n, k = n + 1, k + 1
            members[n] = polygons[c]
            n += 1
    while k < a:
        members[n] = around[k]
        n, k = n + 1, k + 1
    return _intern(faces, members, n)


@njit(cache=True, nogil=True)
def refine(blocks: I8, grid: Grid, pairs: I8, pairs_at: I8, near: I4, near_at: I8, borders: Borders, shapes: Shapes,
           faces: Faces, fine: I4, records_at: I4) -> tuple[bool, I4]:  # fmt: skip
    """Name the faces within every block of fine cells.

    Block k is coarse cell ``blocks[k]``; ``pairs[pairs_at[k]:pairs_at[k + 1]]`` are its sorted ``fine cell << 32 |
    edge``, ``near`` the polygons whose box holds its centre. ``fine`` (blocks x 64) gets faces, and ``-1 - r`` where
    borders cross; ``records_at[r]`` says where the cell's record begins:

    - ``side | groups << 3 | edges << 5``, then 3^groups faces, then the edges as ``edge << 2 | group``. Group g of the
      edges (those with the same polygons on them) is in state 0 (a ray from the point to the side crosses it an even
      number of times), 1 (odd) or 2 (the point lies on it); the face is number ``sum(state[g] * 3^g)``.
    - where no side is free of borders or there are too many groups: ``NO_SIDE | polygons << 5``, the face of the
      polygons around, and the polygons that must be asked one by one.

    Returns whether there was room, and the records.
    """
    per, top = FINE * FINE, len(shapes.boxes)
    records = np.empty(1 << 16, np.int32)
    used = made = 0
    stack, cells, seed = np.empty(per, np.int32), np.empty(per, np.int32), np.empty(per, np.int32)
    polygons, around, members, own = (
        np.empty(top, np.int32), np.empty(top, np.int32), np.empty(top, np.int32), np.empty(top, np.int32)
    )  # fmt: skip
    kinds, some = np.empty(len(borders.sides), np.int32), np.empty(len(borders.sides), np.int32)
    inside, base = np.empty(top, np.bool_), np.empty(top, np.bool_)
    gx, gy = grid.sx * FINE, grid.sy * FINE
    for block in range(len(blocks)):
        west, south = grid.x0 + (blocks[block] % grid.nx) / grid.sx, grid.y0 + (blocks[block] // grid.nx) / grid.sy
        _, m = _crossing(borders, pairs, pairs_at[block], pairs_at[block + 1], kinds, polygons)
        a = k = 0
        for c in range(near_at[block], near_at[block + 1]):
            while k < m and polygons[k] < near[c]:
                k += 1
            if (k == m or polygons[k] != near[c]) and covers_banded(
                shapes.banded, shapes.band, shapes.first, shapes.boxes, near[c], west + 0.5 / grid.sx,
                south + 0.5 / grid.sy,
            ):  # fmt: skip
                around[a] = near[c]
                a += 1
        cells[:] = EMPTY
        for k in range(pairs_at[block], pairs_at[block + 1]):
            cells[pairs[k] >> 32] = BORDER
        components = label(cells, FINE, FINE, stack)
        for cell in range(per):
            if cells[cell] >= 0:
                seed[cells[cell]] = cell
        for u in range(components):
            x, y = west + (seed[u] % FINE + 0.5) / gx, south + (seed[u] // FINE + 0.5) / gy
            for c in range(m):
                p = polygons[c]
                inside[c] = covers_banded(shapes.banded, shapes.band, shapes.first, shapes.boxes, p, x, y)
            stack[u] = _name(faces, polygons, inside, m, around, a, members)
            if stack[u] == FULL:
                return False, records
        for cell in range(per):
            if cells[cell] >= 0:
                fine[block * per + cell] = stack[cells[cell]]
        start = pairs_at[block]
        while start < pairs_at[block + 1]:
            cell = pairs[start] >> 32
            stop = start
            while stop < pairs_at[block + 1] and pairs[stop] >> 32 == cell:
                stop += 1
            fine[block * per + cell] = -1 - made
            records_at[made] = used
            made += 1
            x0, y0 = west + (cell % FINE) / gx, south + (cell // FINE) / gy
            groups, mine = _crossing(borders, pairs, start, stop, some, own)
            side = _free_side(borders, pairs, start, stop, x0, y0, gx, gy) if groups <= GROUPS else NO_SIDE
            if used + 64 + stop - start + mine > len(records):
                more = np.empty(2 * len(records) + 64 + stop - start + mine, np.int32)
                more[:used] = records[:used]
                records = more
            fx = 0.0 if side == WEST else 1.0 if side == EAST else 0.5
            fy = 0.0 if side == SOUTH else 1.0 if side == NORTH else 0.5
            k = 0
            for c in range(m):
                p = polygons[c]
                while k < mine and own[k] < p:
                    k += 1
                asked = side == NO_SIDE and k < mine and own[k] == p
                base[c] = not asked and covers_banded(
                    shapes.banded, shapes.band, shapes.first, shapes.boxes, p, x0 + fx / gx, y0 + fy / gy
                )
            if side == NO_SIDE:
                records[used] = NO_SIDE | mine << 5
                records[used + 1] = _name(faces, polygons, base, m, around, a, members)
                if records[used + 1] == FULL:
                    return False, records
                records[used + 2 : used + 2 + mine] = own[:mine]
                used += 2 + mine
                start = stop
                continue
            records[used] = side | groups << 3 | (stop - start) << 5
            used += 1
            for state in range(3**groups):
                inside[:m] = base[:m]
                for on in range(2):
                    rest = state
                    for g in range(groups):
                        digit = rest % 3
                        rest //= 3
                        c = 0
                        for k in range(borders.sides[some[g]], borders.sides[some[g] + 1]):
                            while polygons[c] < borders.owners[k]:
                                c += 1
                            if on and digit == 2:
                                inside[c] = True
                            elif not on and digit == 1:
                                inside[c] = not inside[c]
                records[used] = _name(faces, polygons, inside, m, around, a, members)
                if records[used] == FULL:
                    return False, records
                used += 1
            for k in range(start, stop):
                e = pairs[k] & 0xFFFFFFFF
                g = 0
                while some[g] != borders.kind[e]:
                    g += 1
                records[used] = e << 2 | g
                used += 1
            start = stop
    records_at[made] = used
    return True, records[:used]


@njit(cache=True, nogil=True)
def answers(faces: Faces, column: I4, mask: U8, number: I4, table: I4) -> None:
    """Fill ``table`` (faces, editions, columns): column 0 the edition, then the lowest number that covers the face.

    Members of a face rise, and with them the numbers within a column.
    """
    for f in range(table.shape[0]):
        for e in range(table.shape[1]):
            table[f, e, 0] = e
            table[f, e, 1:] = -1
            for k in range(faces.begins[f], faces.begins[f + 1]):
                p = faces.members[k]
                if mask[p] >> np.uint64(e) & np.uint64(1) and table[f, e, column[p]] < 0:
                    table[f, e, column[p]] = number[p]


@njit(cache=True, nogil=True)
def renumber(records: I4, records_at: I4, face: I4) -> None:
    """Put ``face[f]`` for every face f in the records."""
    for r in range(len(records_at)):
        at = records_at[r]
        count = 1 if records[at] & 7 == NO_SIDE else 3 ** (records[at] >> 3 & 3)
        for k in range(at + 1, at + 1 + count):
            records[k] = face[records[k]]
