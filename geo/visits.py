"""Visits 驻留 of things in zones: what is kept of them, and the kernel that judges positions; for :mod:`geo.movement`.

The kernel and the distance it asks for stand in one file: compiled code is kept by file.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo.exact import F8, I8, band_of
from geo.lookup import NO_EDITION
from geo.raster import I4
from geo.zones import Fences

U1 = NDArray[np.uint8]

ENTER, LEAVE, DWELL = 1, 2, 3
"""Kinds of event: 进入, 离开, 停留."""
MOVED, SILENT, ENDED = 0, 1, 2
"""Why a zone was left: it went outside; nothing was heard for too long; the zone is no longer in force."""
TAKEN, NO_POSITION, LATE, REPEATED, OUT_OF_TIME = 0, 1, 2, 3, 4
"""What became of a position: taken; no place, or none on the plane; older than the thing's last; as old; the map has no
edition of its time."""
OUTCOMES = ("taken", "no_position", "late", "repeated", "no_edition")

THING = np.dtype([("t", "i8"), ("first", "i4"), ("n", "i4")])
"""State of one thing: ``t`` of its last position, ms (0: none yet), and the first of ``n`` rows of INSIDE that are its
own; zeros at first."""
INSIDE = np.dtype([("since", "i8"), ("zone", "i4"), ("next", "i4"), ("dwelt", "i4"), ("used", "i4")])
"""State of one thing in one zone: when it entered, how many durations of dwelling were told, and the thing's next row,
by rising zone (0: none). Row 0 is nobody's: its ``next`` is the first row to use again, ``used`` the highest in use."""
EVENT = np.dtype(
    [("t", "i8"), ("since", "i8"), ("dwell", "i8"), ("row", "i4"), ("thing", "i4"), ("zone", "i4"), ("kind", "i4"),
     ("why", "i4")],
    align=True,
)  # fmt: skip
"""``t``: of the position that showed it, for SILENT that of the last one heard; ``since``: when the zone was entered;
``dwell``: the duration reached, ms, 0 unless DWELL; ``row``: of the position in its batch, -1 without one; ``thing``:
its slot; ``zone``: its number."""


@njit(cache=True, nogil=True)
def walk(begin: int, end: int, slot: I4, x: F8, y: F8, t: I8, accuracy: F8, found: I4, fences: Fences, entry: float,
         leave: float, unstated: float, dwell: I8, gap: int, things: NDArray[Any], things_dirty: U1,
         inside: NDArray[Any], inside_dirty: U1, outcome: U1,
         events: NDArray[Any]) -> tuple[int, int, int]:  # fmt: skip
    """Positions [begin, end); answers (first one not done, events written, room for events that it needs).

    It stops early only where ``events`` or ``inside`` may not have room for one position more.
    """
    made, columns = 0, len(fences.column)
    here, version = np.empty(columns, np.int32), np.empty(columns, np.int32)
    for i in range(begin, end):
        s = slot[i]
        if np.isnan(x[i]) or np.isnan(y[i]):
            outcome[i] = NO_POSITION
            continue
        if found[i, 0] == NO_EDITION:
            outcome[i] = OUT_OF_TIME
            continue
        thing = things[s]
        now, last = t[i], thing.t
        if now <= last:
            outcome[i] = LATE if now < last else REPEATED
            continue
        need = thing.n * max(1, len(dwell)) + columns
        if made + need > len(events) or inside[0].used + 1 + columns > len(inside):
            return i, made, need
        outcome[i] = TAKEN
        thing.t = now
        things_dirty[s] = 1
        if gap and thing.n and now - last > gap:
            while thing.first:
                visit = inside[thing.first]
                made = _tell(events, made, i, s, visit.zone, LEAVE, SILENT, last, visit.since, 0)
                _leave(thing, s, things_dirty, inside, inside_dirty, 0, thing.first)
        radius = accuracy[i] if accuracy[i] >= 0.0 else unstated
        n = 0
        for c in range(columns):
            number = found[i, fences.column[c]]
            if number < 0:
                continue
            p = fences.base[c] + number
            z = fences.zone[p]
            k = n
            while k > 0 and here[k - 1] > z:
                here[k], version[k] = here[k - 1], version[k - 1]
                k -= 1
            here[k], version[k] = z, p
            n += 1
        before, row, k = 0, thing.first, 0
        while row:
            visit = inside[row]
            z, following = visit.zone, visit.next
            while k < n and here[k] < z:
                k += 1
            why = MOVED
            stays = k < n and here[k] == z
            if stays:
                version[k] = -1  # no question whether it is entered
            else:
                p = _in_force(fences, z, now)
                why = ENDED if p < 0 else MOVED
                stays = p >= 0 and border_within(
                    fences.banded, fences.band, fences.first_band, fences.boxes, p, x[i], y[i], leave + radius
                )  # fmt: skip
            if stays:
                while visit.dwelt < len(dwell) and now - visit.since >= dwell[visit.dwelt]:
                    made = _tell(events, made, i, s, z, DWELL, why, now, visit.since, dwell[visit.dwelt])
                    visit.dwelt += 1
                    inside_dirty[row] = 1
                before = row
            else:
                made = _tell(events, made, i, s, z, LEAVE, why, now, visit.since, 0)
                _leave(thing, s, things_dirty, inside, inside_dirty, before, row)
            row = following
        for k in range(n):
            p = version[k]
            if p >= 0 and not border_within(
                fences.banded, fences.band, fences.first_band, fences.boxes, p, x[i], y[i], entry + radius
            ):  # fmt: skip
                _visit(thing, inside, inside_dirty, here[k], now)
                made = _tell(events, made, i, s, here[k], ENTER, MOVED, now, now, 0)
    return end, made, 0


@njit(cache=True)
def _in_force(fences: Fences, zone: int, now: int) -> int:
    """Version of a zone that is in force at a time, or -1."""
    for p in range(fences.first[zone], fences.first[zone + 1]):
        if fences.since[p] <= now < fences.until[p]:
            return p
    return -1


@njit(cache=True)
def _tell(events: NDArray[Any], made: int, row: int, thing: int, zone: int, kind: int, why: int, t: int, since: int,
          dwell: int) -> int:  # fmt: skip
    event = events[made]
    event.t, event.since, event.dwell = t, since, dwell
    event.row, event.thing, event.zone, event.kind, event.why = row, thing, zone, kind, why
    return made + 1


@njit(cache=True)
def _visit(thing: Any, inside: NDArray[Any], dirty: U1, zone: int, now: int) -> None:
    """A row for a zone just entered, linked in by rising zone."""
    row = inside[0].next
    if row:
        inside[0].next = inside[row].next
    else:
        row = inside[0].used + 1
        inside[0].used = row
    before, after = 0, thing.first
    while after and inside[after].zone < zone:
        before, after = after, inside[after].next
    if before:
        inside[before].next = row
        dirty[before] = 1
    else:
        thing.first = row
    thing.n += 1
    visit = inside[row]
    visit.since, visit.zone, visit.next, visit.dwelt = now, zone, after, 0
    dirty[0] = 1
    dirty[row] = 1


@njit(cache=True)
def _leave(thing: Any, s: int, things_dirty: U1, inside: NDArray[Any], dirty: U1, before: int, row: int) -> None:
    """Take a row, which stands after ``before`` (0: it is the first), from its thing, to be used again."""
    visit = inside[row]
    if before:
        inside[before].next = visit.next
        dirty[before] = 1
    else:
        thing.first = visit.next
    thing.n -= 1
    things_dirty[s] = 1
    visit.since, visit.zone, visit.dwelt = 0, 0, 0
    visit.next = inside[0].next
    inside[0].next = row
    dirty[0] = 1
    dirty[row] = 1


@njit(cache=True, nogil=True)
def sweep(things: NDArray[Any], things_dirty: U1, inside: NDArray[Any], inside_dirty: U1, before: int, number: I4,
          why: int, events: NDArray[Any]) -> int:  # fmt: skip
    """End visits that have no new number, of things heard last before a time; give the others their new number."""
    made = 0
    for s in range(len(things)):
        thing = things[s]
        if thing.t >= before:
            continue
        left, row = 0, thing.first
        while row:
            visit = inside[row]
            z, following = visit.zone, visit.next
            if len(number) and number[z] >= 0:
                visit.zone = number[z]
                inside_dirty[row] = 1
                left = row
            else:
                made = _tell(events, made, -1, s, z, LEAVE, why, thing.t, visit.since, 0)
                _leave(thing, s, things_dirty, inside, inside_dirty, left, row)
            row = following
    return made


@njit(cache=True)
def border_within(banded: F8, band: I8, first: I8, boxes: F8, p: int, x: float, y: float, reach: float) -> bool:
    """Whether the border of polygon p comes within so many metres of a point, the rim included.

    Reads only the bands of the border that are near enough, and ends at the first edge that is.
    """
    if x < boxes[p, 0] - reach or x > boxes[p, 2] + reach or y < boxes[p, 1] - reach or y > boxes[p, 3] + reach:
        return False
    low = band_of(boxes, first, p, max(y - reach, boxes[p, 1]))
    high = band_of(boxes, first, p, min(y + reach, boxes[p, 3]))
    most = reach * reach
    for k in range(band[first[p] + low], band[first[p] + high + 1]):
        ax, ay = banded[k, 0] - x, banded[k, 1] - y
        bx, by = banded[k, 2] - x, banded[k, 3] - y
        if (ax > reach and bx > reach) or (ax < -reach and bx < -reach):
            continue
        dx, dy = bx - ax, by - ay
        along = -(ax * dx + ay * dy)
        length = dx * dx + dy * dy
        if along <= 0.0 or length == 0.0:
            away = ax * ax + ay * ay
        elif along >= length:
            away = bx * bx + by * by
        else:
            across = ax * dy - ay * dx
            away = across * across / length
        if away <= most:
            return True
    return False
