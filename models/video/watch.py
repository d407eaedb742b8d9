"""Events of tracks at zones and lines: intrusion, dwell, standing, crossing with direction, wrong way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.detector import within
from models.video.link import CAPACITY, FARTHEST, Linked

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
I4 = NDArray[np.int32]
Points = tuple[tuple[float, float], ...]

ALL = frozenset(range(63))
"""All classes of objects; a class is a number from 0 to 62."""


class Kind(IntEnum):
    """What an event says."""

    INTRUSION = 0
    DWELL = 1
    STANDING = 2
    WRONG_WAY = 3
    CROSSING = 4


@dataclass(frozen=True, slots=True)
class Intrusion:
    """An object of these classes is in the zone, for at least ``seconds`` (0: told at once)."""

    camera: int
    zone: Points
    classes: frozenset[int] = ALL
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Dwell:
    """An object stays in the zone for ``seconds``, moving or not (loitering 徘徊)."""

    camera: int
    zone: Points
    seconds: float
    classes: frozenset[int] = ALL


@dataclass(frozen=True, slots=True)
class Standing:
    """An object stays within ``radius`` of one spot of the zone for ``seconds`` (a stall on the road, 违停)."""

    camera: int
    zone: Points
    seconds: float
    radius: float = 1.5
    classes: frozenset[int] = ALL


@dataclass(frozen=True, slots=True)
class WrongWay:
    """An object goes ``distance`` against ``heading`` (dx, dy: the way that is allowed) within the zone (逆行).

    Ways back and forth cancel out, so ``distance`` has to exceed what the detector's boxes tremble.
    """

    camera: int
    zone: Points
    heading: tuple[float, float]
    distance: float = 5.0
    classes: frozenset[int] = ALL


@dataclass(frozen=True, slots=True)
class Crossing:
    """An object goes over the line from a to b, by at least ``margin`` on both sides of it.

    ``value`` of the event is 1 from the left to the right of who looks from a to b on a map (y up), -1 the other way;
    in an image, where y is down, left and right are exchanged.
    """

    camera: int
    a: tuple[float, float]
    b: tuple[float, float]
    margin: float = 0.3
    classes: frozenset[int] = ALL


Rule = Intrusion | Dwell | Standing | WrongWay | Crossing

RULE = np.dtype(
    [
        ("kind", "i8"), ("camera", "i8"), ("classes", "i8"), ("ms", "i8"), ("amount", "f8"), ("first", "i8"),
        ("end", "i8"), ("ax", "f8"), ("ay", "f8"), ("bx", "f8"), ("by", "f8"),
    ]
)  # fmt: skip
FOLLOWED = np.dtype(
    [("inside", "?"), ("told", "?"), ("since", "i8"), ("seen", "i8"), ("x", "f8"), ("y", "f8"), ("amount", "f8")]
)
EVENT = np.dtype(
    [("row", "i8"), ("rule", "i8"), ("kind", "i8"), ("track", "i8"), ("since", "i8"), ("t", "i8"), ("value", "f8")]
)
"""``row`` of the input that brought it; ``since`` ms, the onset; ``value``: seconds, units against, or direction."""


class Watch:
    """Rules over linked tracks: each tells once a track and stay, by the row that completes it.

    A stay ends when the object was out of the zone for ``grace_s``, so an edge that flickers makes no new one; a gap
    that the linker bridges does not end it. Works in the plane of the tracks: metres where cameras are registered, px
    where not. Does not work for objects that the detector loses for longer than the linker's gap (a parked car that is
    hidden begins anew), for what stands so far away that its box trembles more than ``radius``, or where tracks change
    their object. The end of a stay is no event: what is gone sends no rows.

    Raises ValueError for a rule whose numbers have no meaning; the text names it.
    """

    def __init__(self, rules: Sequence[Rule], grace_s: float = 1.0) -> None:
        within("grace_s", grace_s, 0)
        self.rules, self.grace_s = tuple(rules), grace_s
        corners: list[tuple[float, float]] = []
        self.table = np.zeros(len(rules), RULE)
        for number, rule in enumerate(rules):
            try:
                _fill(self.table[number], rule, corners)
            except ValueError as error:
                raise ValueError(f"rules[{number}]: {error}") from error
        self.corners = np.array(corners, np.float64).reshape(-1, 2)

    @property
    def state(self) -> np.dtype[Any]:
        """Dtype of one camera's row; all zeros: nothing seen yet."""
        return np.dtype([("followed", FOLLOWED, (CAPACITY, max(len(self.rules), 1)))])

    def look(self, state: NDArray[Any], camera: I4, t: I8, kind: I4, x: F8, y: F8, linked: Linked) -> NDArray[np.void]:
        """Events of rows in order of arrival, as :data:`EVENT`; ``state`` (cameras,) learns the rows in place.

        The columns are those given to :meth:`models.video.link.Linker.link`, ``linked`` is its answer.

        Raises
        ------
        ValueError : columns of different length, a camera outside the table, or a state of another dtype.
        """
        n = len(t)
        if state.dtype != self.state:
            raise ValueError(f"state: expected rows of Watch.state, got dtype {state.dtype}")
        if {len(c) for c in (camera, kind, x, y, linked.track)} != {n}:
            raise ValueError(f"columns: expected {n} rows each, got {[len(c) for c in (camera, kind, x, y)]}")
        if n and not 0 <= int(camera.min()) <= int(camera.max()) < len(state):
            raise ValueError(f"camera: expected 0 to {len(state) - 1}, got {camera.min()} to {camera.max()}")
        out = np.zeros(n * len(self.rules), EVENT)
        if not len(out):
            return out
        found = _look(
            self.table, self.corners, state["followed"], camera, t, kind, x, y, linked.track, linked.place,
            linked.fresh, round(1000 * self.grace_s), out,
        )  # fmt: skip
        return out[:found].copy()


def polygon(points: Points) -> None:
    """Raises ValueError unless the points are the corners of an area."""
    if len(points) < 3 or not all(abs(v) <= FARTHEST for point in points for v in point):
        raise ValueError(f"zone: expected at least 3 corners of finite numbers, got {points}")
    if abs(area(points)) == 0.0:
        raise ValueError(f"zone: expected corners around an area, got {points}")


def area(points: Points) -> float:
    """Area within the corners, positive where they go round against the clock (y up)."""
    around = zip(points, (*points[1:], points[0]), strict=True)
    return 0.5 * math.fsum(ax * by - bx * ay for (ax, ay), (bx, by) in around)


def _fill(row: Any, rule: Rule, corners: list[tuple[float, float]]) -> None:
    if rule.camera < 0:
        raise ValueError(f"camera: expected 0 or above, got {rule.camera}")
    if not rule.classes <= ALL:
        raise ValueError(f"classes: expected numbers of 0 to 62, got {sorted(rule.classes - ALL)}")
    row["camera"], row["classes"] = rule.camera, sum(1 << number for number in rule.classes)
    if isinstance(rule, Crossing):
        within("margin", rule.margin, 0)
        (ax, ay), (bx, by) = rule.a, rule.b
        length = math.hypot(bx - ax, by - ay)
        if not 0.0 < length <= FARTHEST:
            raise ValueError(f"a, b: expected two points apart from each other, got {rule.a} and {rule.b}")
        row["kind"], row["amount"] = Kind.CROSSING, rule.margin
        row["ax"], row["ay"], row["bx"], row["by"] = ax, ay, bx, by
        return
    polygon(rule.zone)
    row["first"], row["end"] = len(corners), len(corners) + len(rule.zone)
    corners += rule.zone
    if isinstance(rule, WrongWay):
        within("distance", rule.distance, 0, open_low=True)
        size = math.hypot(*rule.heading)
        if not 0.0 < size <= FARTHEST:
            raise ValueError(f"heading: expected a direction (dx, dy), got {rule.heading}")
        row["kind"], row["amount"] = Kind.WRONG_WAY, rule.distance
        row["ax"], row["ay"] = rule.heading[0] / size, rule.heading[1] / size
        return
    within("seconds", rule.seconds, 0, open_low=not isinstance(rule, Intrusion))
    row["ms"] = round(1000 * rule.seconds)
    if isinstance(rule, Standing):
        within("radius", rule.radius, 0, open_low=True)
        row["kind"], row["amount"] = Kind.STANDING, rule.radius
    else:
        row["kind"] = Kind.INTRUSION if isinstance(rule, Intrusion) else Kind.DWELL


@njit(cache=True, nogil=True)
def inside(corners: F8, first: int, end: int, x: float, y: float) -> bool:
    """Whether a point is within corners first to end - 1 (even-odd; a point on an edge may be either)."""
    odd = False
    j = end - 1
    for i in range(first, end):
        ax, ay, bx, by = corners[i, 0], corners[i, 1], corners[j, 0], corners[j, 1]
        if (ay > y) != (by > y) and x < ax + (y - ay) * (bx - ax) / (by - ay):
            odd = not odd
        j = i
    return odd


@njit(cache=True, nogil=True)
def _look(
    rules: NDArray[Any], corners: F8, followed: NDArray[Any], camera: I4, t: I8, kind: I4, x: F8, y: F8, track: I8,
    place: I4, fresh: NDArray[np.bool_], grace: int, out: NDArray[Any],
) -> int:  # fmt: skip
    """The kernel over rows; gives how many events it wrote."""
    found = 0
    for i in range(len(t)):
        found = look_row(
            rules, corners, followed, camera[i], i, t[i], kind, x, y, track, place, fresh, grace, out, found
        )
    return found


@njit(cache=True)
def look_row(
    rules: NDArray[Any], corners: F8, followed: NDArray[Any], camera: int, i: int, t: int, kind: I4, x: F8, y: F8,
    track: I8, place: I4, fresh: NDArray[np.bool_], grace: int, out: NDArray[Any], found: int,
) -> int:  # fmt: skip
    """Take row i into all rules of its camera; events are written from ``found`` on, gives where they end."""
    if track[i] == 0:
        return found
    for r in range(len(rules)):
        rule, mine = rules[r], followed[camera, place[i], r]
        if fresh[i]:
            mine.inside = mine.told = False
            mine.amount = 0.0
        if rule.camera != camera or not 0 <= kind[i] <= 62 or (rule.classes >> kind[i]) & 1 == 0:
            continue
        since = t
        if rule.kind == 4:
            value = _crossed(rule, mine, x[i], y[i])
            tell = value != 0.0
        else:
            tell, value, since = _stay(rule, corners, mine, t, x[i], y[i], grace)
        if tell:
            out[found].row, out[found].rule, out[found].kind, out[found].track = i, r, rule.kind, track[i]
            out[found].since, out[found].t, out[found].value = since, t, value
            found += 1
    return found


@njit(cache=True, inline="always")
def _stay(rule: Any, corners: F8, mine: Any, t: int, x: float, y: float, grace: int) -> tuple[bool, float, int]:
    """Take one place of a track into a rule of a zone: whether it is told now, with which value, since when."""
    if not inside(corners, rule.first, rule.end, x, y):
        if mine.inside and t - mine.seen > grace:
            mine.inside = False
        return False, 0.0, t
    if not mine.inside:
        mine.inside, mine.told = True, False
        mine.since, mine.x, mine.y, mine.amount = t, x, y, 0.0
    mine.seen = t
    value = 0.001 * (t - mine.since)
    reached = t - mine.since >= rule.ms
    if rule.kind == 2 and np.hypot(x - mine.x, y - mine.y) > rule.amount:
        mine.since, mine.x, mine.y = t, x, y
        mine.told = False
        reached, value = False, 0.0
    elif rule.kind == 3:
        mine.amount = max(mine.amount - (x - mine.x) * rule.ax - (y - mine.y) * rule.ay, 0.0)
        mine.x, mine.y = x, y
        if mine.amount == 0.0:
            mine.since = t
        reached, value = mine.amount >= rule.amount, mine.amount
    if reached and not mine.told:
        mine.told = True
        return True, value, mine.since
    return False, value, mine.since


@njit(cache=True, inline="always")
def _crossed(rule: Any, mine: Any, x: float, y: float) -> float:
    """1 or -1 when a track is past the line's margin on the side it was not on, through the line itself; else 0.

    ``amount`` keeps the last side on which it was for certain, ``x``, ``y`` where.
    """
    dx, dy = rule.bx - rule.ax, rule.by - rule.ay
    length = np.hypot(dx, dy)
    left = (dx * (y - rule.ay) - dy * (x - rule.ax)) / length
    if abs(left) <= rule.amount:
        return 0.0
    side = 1.0 if left > 0.0 else -1.0
    before, mx, my = mine.amount, mine.x, mine.y
    mine.amount, mine.x, mine.y = side, x, y
    if before in (0.0, side):
        return 0.0
    was = (dx * (my - rule.ay) - dy * (mx - rule.ax)) / length
    share = was / (was - left)
    along = ((mx + share * (x - mx) - rule.ax) * dx + (my + share * (y - my) - rule.ay) * dy) / (length * length)
    return before if 0.0 <= along <= 1.0 else 0.0
