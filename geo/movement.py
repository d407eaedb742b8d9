"""Movement 移动: when vehicles, ships and people enter a zone, leave it, and how long they dwell in it.

A zone is entered by a position that is inside its border by more than the entry buffer and the position's own accuracy
radius, and left by one that is outside by more than the exit buffer and the radius. Between the two nothing changes, so
that a track which trembles on a border does not flap. Each thing is judged by its own positions in order of time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo.exact import F8, I8
from geo.lookup import NO_EDITION
from geo.raster import I4
from geo.zones import Fences, Zones, border_within

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


class Presence:
    """Who is in which zone: the state of all things. Zeros at first; rows grow, they never move.

    ``things`` rows of THING by slot, ``inside`` rows of INSIDE; both flat dtypes, so any table of rows can carry them.
    ``things_dirty`` and ``inside_dirty`` are set to 1 for rows that changed; who keeps the state resets them.
    """

    def __init__(self) -> None:
        self.things, self.inside = np.zeros(64, THING), np.zeros(64, INSIDE)
        self.things_dirty, self.inside_dirty = np.zeros(64, np.uint8), np.zeros(64, np.uint8)

    def room(self, things: int, inside: int) -> None:
        """Have at least so many rows of each."""
        for name, n in (("things", things), ("inside", inside)):
            for attr in (name, f"{name}_dirty"):
                old = getattr(self, attr)
                if n > len(old):
                    new = np.zeros(max(n, 2 * len(old)), old.dtype)
                    new[: len(old)] = old
                    setattr(self, attr, new)


class Taken(NamedTuple):
    """``events``: rows of EVENT in order of the positions, of one position those of zones it was in before those it
    enters, by rising zone. ``outcome``: (n,) what became of each position."""

    events: NDArray[Any]
    outcome: U1

    def counts(self) -> dict[str, int]:
        """How many positions had which outcome; all of OUTCOMES are named."""
        return dict(zip(OUTCOMES, np.bincount(self.outcome, minlength=len(OUTCOMES)).tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class Movement:
    """The rule by which zones are entered, left and dwelt in.

    Events depend on each thing's own positions only: how they are cut into batches, and how things alternate, does not
    matter. Borders are asked exactly as the map answers, distances to them are on the plane of the zones' projection.

    Does not know what happens between two positions: a zone crossed between them is not entered, and one that was left
    and entered again meanwhile was never left. Nor is a zone ever entered that is nowhere wider than twice entry buffer
    and accuracy. A position from the far future makes all that follow late: bound it before.

    Parameters
    ----------
    entry_m, exit_m : the buffers, metres, at least 0.
    accuracy_m : radius of positions that state none.
    dwell_s : durations after which a dwelling is told, rising; each once a visit, by the first position at or after it.
    max_gap_s : a silence longer than this ends all visits at the last position heard; None: silence ends nothing.
    """

    entry_m: float = 10.0
    exit_m: float = 20.0
    accuracy_m: float = 0.0
    dwell_s: tuple[float, ...] = ()
    max_gap_s: float | None = None

    def __post_init__(self) -> None:
        for name in ("entry_m", "exit_m", "accuracy_m"):
            value = getattr(self, name)
            if not 0 <= value < np.inf:
                raise ValueError(f"{name}: expected metres, at least 0, got {value}")
        if not all(a < b < np.inf for a, b in zip((0.0, *self.dwell_s), self.dwell_s, strict=False)):
            raise ValueError(f"dwell_s: expected seconds above 0, rising, got {self.dwell_s}")
        if self.max_gap_s is not None and not 0 < self.max_gap_s < np.inf:
            raise ValueError(f"max_gap_s: expected seconds above 0, or None, got {self.max_gap_s}")

    @property
    def _gap(self) -> int:
        return 0 if self.max_gap_s is None else round(self.max_gap_s * 1000)

    def take(self, zones: Zones, state: Presence, slot: I4, lon: F8, lat: F8, t: I8,
             accuracy: F8 | None = None) -> Taken:  # fmt: skip
        """Judge positions in order of arrival; ``state`` is changed in place.

        The first call compiles, which takes seconds: make it with no positions, before anything waits for it.

        Parameters
        ----------
        slot : (n,) int32, row of the thing, from 0 on.
        lon, lat : (n,) float64 degrees, WGS 84; NaN: no position.
        t : (n,) int64, event time in ms UTC, above 0.
        accuracy : (n,) float64, radius in metres; NaN or below 0: not stated.

        Raises
        ------
        ValueError
            Columns of different length, a slot below 0, or a time not above 0.
        """
        n = len(slot)
        accuracy = np.full(n, np.nan) if accuracy is None else accuracy
        if not n == len(lon) == len(lat) == len(t) == len(accuracy):
            raise ValueError(f"columns: expected {n} of each, got {len(lon)}, {len(lat)}, {len(t)}, {len(accuracy)}")
        outcome, parts = np.zeros(n, np.uint8), list[NDArray[Any]]()
        if n and (int(slot.min()) < 0 or int(t.min()) <= 0):
            raise ValueError(f"expected slots from 0 on and times above 0, got {slot.min()} and {t.min()}")
        state.room(int(slot.max()) + 1 if n else 0, 0)
        found = zones.map.locate(lon, lat, t)
        x, y = zones.metres.of(lon, lat)
        dwell = np.rint(np.array(self.dwell_s, float) * 1000).astype(np.int64)
        width, at, room = len(zones.fences.column), 0, max(1024, n // 4)
        buffers = float(self.entry_m), float(self.exit_m), float(self.accuracy_m)
        while at < n or not parts:  # also of no positions: that compiles
            events = np.empty(room, EVENT)
            at, made, need = _walk(
                at, n, slot, x, y, t, accuracy, found, zones.fences, *buffers, dwell, self._gap,
                state.things, state.things_dirty, state.inside, state.inside_dirty, outcome, events,
            )  # fmt: skip
            parts.append(events[:made])
            room = max(room, need)
            state.room(0, int(state.inside[0]["used"]) + 1 + width)
        return Taken(np.concatenate(parts), outcome)

    def silent(self, state: Presence, now: int) -> NDArray[Any]:
        """End the visits of things not heard of for longer than ``max_gap_s`` before ``now``: their LEAVE events.

        Without it, the thing's next position ends them, with the same events. Call it with a time up to which all
        positions have been taken: one that comes later, from before the gap was over, begins a new visit.
        """
        if self.max_gap_s is None:
            return np.empty(0, EVENT)
        return _end(state, now - self._gap, np.zeros(0, np.int32), SILENT)


def renumber(state: Presence, before: Zones, after: Zones) -> NDArray[Any]:
    """Carry the state over to another map: visits go on in zones of the same layer and code.

    Returns LEAVE events, ENDED, by the numbers of ``before``, of zones that are not there any more; their time is that
    of each thing's last position. Raises ValueError where the layers stand in another order.
    """
    number = {key: k for k, key in enumerate(zip(after.layer, after.code, strict=True))}
    now = np.array([number.get(key, -1) for key in zip(before.layer, before.code, strict=True)], np.int32)
    kept = now[now >= 0]
    if (kept[1:] < kept[:-1]).any():
        raise ValueError(f"layers: expected the order of before, got {list(dict.fromkeys(after.layer))}")
    return _end(state, np.iinfo(np.int64).max, now, ENDED)


def _end(state: Presence, before: int, number: I4, why: int) -> NDArray[Any]:
    events = np.empty(int(state.things["n"].sum()), EVENT)
    made = _sweep(state.things, state.things_dirty, state.inside, state.inside_dirty, before, number, why, events)
    return events[:made]


@njit(cache=True, nogil=True)
def _walk(begin: int, end: int, slot: I4, x: F8, y: F8, t: I8, accuracy: F8, found: I4, fences: Fences, entry: float,
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
def _sweep(things: NDArray[Any], things_dirty: U1, inside: NDArray[Any], inside_dirty: U1, before: int, number: I4,
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
