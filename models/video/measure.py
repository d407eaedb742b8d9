"""From frames to numbers: what each watched zone and line of one camera says at each frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.video.link import CAPACITY, Linked, Linker, link_frame
from models.video.watch import (
    ALL,
    EVENT,
    FOLLOWED,
    Crossing,
    Dwell,
    Kind,
    Points,
    Rule,
    Standing,
    Watch,
    WrongWay,
    area,
    inside,
    look_row,
)

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
I4 = NDArray[np.int32]

What = Literal["count", "density", "flow", "intrusion", "dwell", "standing", "wrong_way", "crossing"]
COUNT, DENSITY, FLOW, INTRUSION, STAY, AGAINST, CROSSED = range(7)
CODES: dict[What, int] = {
    "count": COUNT, "density": DENSITY, "flow": FLOW, "intrusion": INTRUSION, "dwell": STAY, "standing": STAY,
    "wrong_way": AGAINST, "crossing": CROSSED,
}  # fmt: skip
CROSSES = int(Kind.CROSSING)
MOST_CROSSINGS = 1024
"""Crossings within one window that can be told apart."""

ROW = np.dtype(
    [
        ("what", "i8"), ("classes", "i8"), ("rule", "i8"), ("first", "i8"), ("end", "i8"), ("to", "i8"),
        ("to_end", "i8"), ("area", "f8"), ("window", "i8"), ("side", "f8"), ("ring", "i8"), ("ring_end", "i8"),
    ]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measure:
    """One number a frame, of a zone or a line of the camera, in the plane of its tracks (metres where registered).

    ======== =========================================================================================================
    what     the number
    ======== =========================================================================================================
    count     boxes in the zone, in this very frame
    density   the same a square unit of ``area`` (without it: of the zone)
    flow      people a minute through each metre of a front: 60 x density x mean speed towards the nearest of
              ``exits``; below 0 when they go away
    intrusion followed objects that are within, those that a frame misses included
    dwell     seconds that the one that is there longest has been there, moving or not
    standing  the same of the one that has been longest within ``radius`` of one spot
    wrong_way how far the one that did worst went against ``heading`` (dx, dy: the way that is allowed)
    crossing  objects that went over the line a-b within the last ``window_s``; ``side``: 1 those from the left to the
              right of who looks from a to b (y up), -1 the others, 0 both; at most ``most``
    ======== =========================================================================================================
    """

    what: What
    zone: Points = ()
    classes: frozenset[int] = ALL
    area: float = 0.0
    exits: Points = ()
    radius: float = 1.5
    heading: tuple[float, float] = (1.0, 0.0)
    a: tuple[float, float] = (0.0, 0.0)
    b: tuple[float, float] = (0.0, 0.0)
    margin: float = 0.3
    side: float = 0.0
    window_s: float = 60.0
    most: int = MOST_CROSSINGS


class State(NamedTuple):
    """What one camera remembers; all zeros: nothing seen yet.

    ``tracks``: (1,) of ``Linker.state``. ``stays``: (1, 256, rules) of ``FOLLOWED``. ``times``: ms of the last
    crossings of every line, a ring each; ``crossings`` (measures,): how many there were in all.
    """

    tracks: NDArray[Any]
    stays: NDArray[Any]
    times: I8
    crossings: I8


class Frames(NamedTuple):
    """Frames of one camera in order of arrival; an empty one counts too.

    ``t`` (f,) ms; ``first`` (f + 1,) bounds each frame's objects; of the objects (n,): ``ids`` as for the linker,
    ``kind`` any number of the class for the linker, ``number`` 0 to 62 of the class for the measures, ``x``, ``y``.
    """

    t: I8
    first: I8
    ids: I8
    kind: I4
    number: I4
    x: F8
    y: F8


class Answer(NamedTuple):
    """``value`` (frames, measures), NaN for a frame that is not newer than one before it; ``x``, ``y`` (frames,
    measures): place of the object that made it, NaN where none did. What changed in the state: ``touched`` (256,) of
    the tracks, ``stayed`` (256, rules) of the stays. ``followed``: objects that have a track.
    """

    value: F8
    x: F8
    y: F8
    touched: NDArray[np.bool_]
    stayed: NDArray[np.bool_]
    followed: int


class Measures:
    """All measures of one camera over one linker.

    A stay ends when the object was out of the zone for ``grace_s`` or not seen for the linker's gap: the number then
    falls to that of the next object, or to 0. Does not work where :class:`Linker` does not; counts and density need no
    tracks. Raises ValueError for a measure whose numbers have no meaning; the text names it.
    """

    def __init__(self, linker: Linker, measures: Sequence[Measure], grace_s: float = 1.0) -> None:
        self.linker, self.measures = linker, tuple(measures)
        rules: list[Rule] = []
        corners: list[tuple[float, float]] = []
        self._rows, self.rings = np.zeros(len(measures), ROW), 0
        for row, m in zip(self._rows, self.measures, strict=True):
            row["what"], row["classes"], row["rule"] = CODES[m.what], sum(1 << k for k in m.classes), -1
            rule = _rule(m)
            if rule is not None:
                row["rule"] = len(rules)
                rules.append(rule)
            row["first"], row["end"] = len(corners), len(corners) + len(m.zone)
            row["to"], row["to_end"] = row["end"], row["end"] + len(m.exits)
            corners += [*m.zone, *m.exits]
            row["area"], row["window"] = m.area or abs(area(m.zone or ((0.0, 0.0),))), round(1000 * m.window_s)
            row["side"], row["ring"] = m.side, self.rings
            self.rings += m.most if m.what == "crossing" else 0
            row["ring_end"] = self.rings
            if m.what in ("density", "flow") and not row["area"] > 0.0:
                raise ValueError(f"area: expected above 0, got {row['area']}")
        self.watch = Watch(rules, grace_s)
        self._corners = np.array(corners, np.float64).reshape(-1, 2)

    def fresh(self) -> State:
        """The state of a camera that saw nothing yet."""
        return State(
            np.zeros(1, self.linker.state), np.zeros((1, CAPACITY, len(self.watch.rules)), FOLLOWED),
            np.zeros(self.rings, np.int64), np.zeros(len(self.measures), np.int64),
        )  # fmt: skip

    def ring(self, measure: int) -> tuple[int, int]:
        """Bounds of a measure's ring in ``State.times``; equal where it has none."""
        return int(self._rows["ring"][measure]), int(self._rows["ring_end"][measure])

    def rule(self, measure: int) -> int:
        """Which column of ``State.stays`` a measure has; -1 where none."""
        return int(self._rows["rule"][measure])

    def run(self, state: State, frames: Frames) -> Answer:
        """What the frames say; ``state`` learns them in place. The size of a batch of frames changes nothing."""
        f, n, m = len(frames.t), len(frames.ids), len(self.measures)
        linked = Linked(np.zeros(n, np.int64), np.full(n, -1, np.int32), np.zeros(n, bool), *np.full((2, n), np.nan))
        value, at_x, at_y = np.full((f, m), np.nan), np.full((f, m), np.nan), np.full((f, m), np.nan)
        touched, stayed = np.zeros(CAPACITY, bool), np.zeros((CAPACITY, len(self.watch.rules)), bool)
        most = int(np.diff(frames.first).max(initial=0)) * len(self.watch.rules)
        k = self.linker
        _run(
            frames.t, frames.first, frames.ids, frames.kind, frames.number, frames.x, frames.y,
            state.tracks, round(1000 * k.gap_s), k.reach, k.top, k.smooth, *linked,
            self.watch.table, self.watch.corners, state.stays, round(1000 * self.watch.grace_s), np.zeros(most, EVENT),
            self._rows, self._corners, state.times, state.crossings, value, at_x, at_y, touched, stayed,
        )  # fmt: skip
        return Answer(value, at_x, at_y, touched, stayed, int(np.count_nonzero(linked.track)))


def _rule(m: Measure) -> Rule | None:
    """The rule whose memory the measure reads; the rule's own bound does not matter here."""
    if m.what in ("dwell", "intrusion"):
        return Dwell(0, m.zone, 1.0, m.classes)
    if m.what == "standing":
        return Standing(0, m.zone, 1.0, m.radius, m.classes)
    if m.what == "wrong_way":
        return WrongWay(0, m.zone, m.heading, 1.0, m.classes)
    return Crossing(0, m.a, m.b, m.margin, m.classes) if m.what == "crossing" else None


@njit(cache=True, nogil=True)
def _run(
    t: I8, first: I8, ids: I8, kind: I4, number: I4, x: F8, y: F8, tracks: NDArray[Any], gap: int, reach: float,
    top: float, smooth: float, track: I8, place: I4, fresh: NDArray[np.bool_], vx: F8, vy: F8, rules: NDArray[Any],
    rule_corners: F8, stays: NDArray[Any], grace: int, events: NDArray[Any], rows: NDArray[Any], corners: F8, times: I8,
    crossings: I8, value: F8, at_x: F8, at_y: F8, touched: NDArray[np.bool_], stayed: NDArray[np.bool_],
) -> None:  # fmt: skip
    """The kernel over frames."""
    seen = tracks[0]
    for f in range(len(t)):
        if t[f] <= seen.last:
            continue
        a, b = first[f], first[f + 1]
        link_frame(seen, a, b, t[f], ids, kind, x, y, gap, reach, top, smooth, track, place, fresh, vx, vy)
        found = 0
        for i in range(a, b):
            p = place[i]
            if p < 0:
                continue
            touched[p] = True
            for r in range(len(rules)):  # what is outside, and was, stays as it is
                stayed[p, r] |= fresh[i] or stays[0, p, r].inside or rules[r].kind == CROSSES
            found = look_row(
                rules, rule_corners, stays, 0, i, t[f], number, x, y, track, place, fresh, grace, events, found
            )
            for r in range(len(rules)):
                stayed[p, r] |= stays[0, p, r].inside
        for m in range(len(rows)):
            row = rows[m]
            if row.what <= FLOW:
                value[f, m] = _crowd(row, corners, a, b, number, x, y, vx, vy)
            elif row.what == CROSSED:
                value[f, m], at_x[f, m], at_y[f, m] = _crossed(row, m, events, found, t[f], x, y, times, crossings)
            else:
                value[f, m], at_x[f, m], at_y[f, m] = _stays(row, seen, stays, t[f], gap)


@njit(cache=True)
def _crowd(row: Any, corners: F8, a: int, b: int, number: I4, x: F8, y: F8, vx: F8, vy: F8) -> float:
    """Boxes in the zone, or their density, or their flow towards the nearest exit."""
    total = 0.0
    for i in range(a, b):
        if (row.classes >> number[i]) & 1 == 0 or not inside(corners, row.first, row.end, x[i], y[i]):
            continue
        if row.what != FLOW:
            total += 1.0
        elif np.isfinite(vx[i]):
            best, ex, ey = np.inf, 0.0, 0.0
            for e in range(row.to, row.to_end):
                far = np.hypot(corners[e, 0] - x[i], corners[e, 1] - y[i])
                if 0.0 < far < best:
                    best, ex, ey = far, (corners[e, 0] - x[i]) / far, (corners[e, 1] - y[i]) / far
            total += 60.0 * (vx[i] * ex + vy[i] * ey)
    return total if row.what == COUNT else total / row.area


@njit(cache=True)
def _crossed(
    row: Any, m: int, events: NDArray[Any], found: int, t: int, x: F8, y: F8, times: I8, crossings: I8
) -> tuple[float, float, float]:
    """Crossings within the window, and the place of this frame's last one."""
    at_x, at_y = np.nan, np.nan
    size = row.ring_end - row.ring
    for k in range(found):
        event = events[k]
        if event.rule == row.rule and row.side in (0.0, event.value):
            times[row.ring + crossings[m] % size] = t
            crossings[m] += 1
            at_x, at_y = x[event.row], y[event.row]
    n = 0
    for k in range(row.ring, row.ring + min(size, crossings[m])):
        if times[k] > t - row.window:
            n += 1
    return float(n), at_x, at_y


@njit(cache=True)
def _stays(row: Any, seen: Any, stays: NDArray[Any], t: int, gap: int) -> tuple[float, float, float]:
    """The greatest number of the followed objects that are within; of an intrusion, how many they are."""
    best, x, y = 0.0, np.nan, np.nan
    for p in range(CAPACITY):
        if seen.track[p] == 0 or t - seen.t[p] > gap:
            continue
        mine = stays[0, p, row.rule]
        if not mine.inside:
            continue
        if row.what == INTRUSION:
            best += 1.0
            x, y = seen.x[p], seen.y[p]
            continue
        size = mine.amount if row.what == AGAINST else 0.001 * (mine.seen - mine.since)
        if size > best:
            best, x, y = size, seen.x[p], seen.y[p]
    return best, x, y
