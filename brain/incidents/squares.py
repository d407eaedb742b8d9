"""Incidents by squares of the ground, the latest raise of each square first: who asks for those of late sees no others.

So what a look-up costs follows from how much was raised of late, not from how much is open.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Hashable, Iterator, Sequence
from functools import lru_cache
from math import floor

from brain.incidents.fold import Case

METRES_A_DEGREE = 111_320.0
MARGIN = 1.05
"""A row of squares is as wide as in its middle; a place in it may lie where degrees are shorter."""

ROW = 1 << 24
"""More than twice the columns of a row, to both sides."""

Entry = tuple[int, str, Case]
"""Last raise, id, and the case: total, so that a list of them has one order."""


class Latest:
    """Cases under keys, each list in the order of their last raises. A case may lie under several keys."""

    def __init__(self) -> None:
        self._lists: dict[Hashable, list[Entry]] = {}
        self._held: dict[str, tuple[Entry, tuple[Hashable, ...]]] = {}

    def put(self, case: Case, keys: tuple[Hashable, ...]) -> None:
        """Where it lies now, and as of its last raise; no key takes it out."""
        i = case.incident
        was = self._held.get(i.id)
        if was is not None:
            if was[0][0] == i.raised and was[1] == keys:
                return
            self.drop(i.id)
        if not keys:
            return
        entry = (i.raised, i.id, case)
        self._held[i.id] = entry, keys
        for key in keys:
            mine = self._lists.get(key)
            if mine is None:
                self._lists[key] = [entry]
            else:
                insort(mine, entry)

    def touch(self, case: Case) -> None:
        """It was raised again where it lies."""
        i = case.incident
        was = self._held.get(i.id)
        if was is None or was[0][0] == i.raised:
            return
        before, keys = was
        entry = (i.raised, i.id, case)
        self._held[i.id] = entry, keys
        for key in keys:
            mine = self._lists[key]
            if mine[-1] is before:
                mine.pop()
            else:
                del mine[bisect_left(mine, before)]
            if not mine or mine[-1] < entry:
                mine.append(entry)
            else:
                insort(mine, entry)

    def drop(self, name: str) -> None:
        """It lies nowhere."""
        was = self._held.pop(name, None)
        if was is None:
            return
        entry, keys = was
        for key in keys:
            mine = self._lists[key]
            del mine[bisect_left(mine, entry)]
            if not mine:
                del self._lists[key]

    def of(self, keys: Sequence[Hashable]) -> Sequence[list[Entry]]:
        """Of each key that has some those under it, the latest last; to look at, not to change."""
        return list(filter(None, map(self._lists.get, keys)))

    def since(self, keys: Sequence[Hashable], since: float) -> list[Case]:
        """Those under each key whose last raise is not before ``since``, the latest first."""
        found = []
        for mine in filter(None, map(self._lists.get, keys)):
            for entry in reversed(mine):
                if entry[0] < since:
                    break
                found.append(entry[2])
        return found


def metres(lon: float, lat: float, to_lon: float | None, to_lat: float | None) -> float:
    """Distance over some kilometres, on a plane; infinite where the other place is not known."""
    if to_lon is None or to_lat is None:
        return math.inf
    narrow = math.cos(math.radians((lat + to_lat) / 2))
    return math.hypot((to_lat - lat) * METRES_A_DEGREE, (to_lon - lon) * METRES_A_DEGREE * narrow)


def square(lon: float, lat: float, side_m: float) -> tuple[int, int]:
    """Row and column of a place among squares of that side."""
    row = floor(lat * METRES_A_DEGREE / side_m)
    return row, floor(lon * _columns(row, side_m))


def squares(lon: float, lat: float, within_m: float, side_m: float) -> Iterator[tuple[int, int]]:
    """Row and column of all that have a place within so many metres, and of a few more."""
    for number in around(lon, lat, within_m, side_m):
        row = (number + ROW // 2) // ROW
        yield row, number - row * ROW


def around(lon: float, lat: float, within_m: float, side_m: float, begin: int = 0) -> list[int]:
    """As :func:`squares`, each as one number: ``begin``, its row times :data:`ROW`, and its column."""
    middle, reach = lat * METRES_A_DEGREE / side_m, within_m / side_m
    wide, found = reach * MARGIN, list[int]()
    for row in range(floor(middle - reach), floor(middle + reach) + 1):
        x, first = lon * _columns(row, side_m), begin + row * ROW
        found += range(first + floor(x - wide), first + floor(x + wide) + 1)
    return found


@lru_cache(100_000)
def _columns(row: int, side_m: float) -> float:
    """Squares of a row along a degree of longitude."""
    return METRES_A_DEGREE * narrow(row, side_m) / side_m


@lru_cache(100_000)
def narrow(row: int, side_m: float) -> float:
    """How long a degree of longitude is beside one of latitude, in the middle of a row."""
    return max(0.01, math.cos(math.radians((row + 0.5) * side_m / METRES_A_DEGREE)))
