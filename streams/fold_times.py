"""Fold times before which no later signal of the same asset may come, kept as long as that can matter.

What a signal is about may be named once and never again (a topic of tickets, a fire at an unknown place), so names get
no rows of their own: a name has a seat while its last fold time is above all that the lane's clock still lets through.
"""

from __future__ import annotations

import hashlib
import heapq
from typing import Final

import numpy as np

from streams.pulse import BOUND_MS, hold
from streams.state import Table

FOLD_TABLE: Final = "_fold"
FOLD_DTYPE: Final = np.dtype([("fold", "i8"), ("about", "u8")])
"""``about``: hash of the name that has the seat; 0 in rows that have their name as key, as earlier releases made them.
"""
SEAT: Final = b"\x00seat/"
"""Before a seat's number; no asset's name begins like that."""


class FoldTimes:
    """Over one table. Fold times are those of a row for every name, for ever; and which seat a name has follows from
    the lane's log alone, as its clock does: the first that is free."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._seats: dict[bytes, int] = {}
        self._names: dict[int, bytes] = {}
        self._restored: dict[int, int] = {}
        """Hash → seat, of names that did not come again since a restart."""
        self._free: list[int] = []
        self._ends: list[tuple[int, int]] = []
        """Fold time and seat, the least first; an entry counts while the seat's row says the same."""
        rows = table.rows[: table.n]
        for fold, seat in sorted((int(rows["fold"][seat]), seat) for seat in np.flatnonzero(rows["about"]).tolist()):
            self._restored[int(rows["about"][seat])] = seat  # of two the later one: the other was free already
            self._ends.append((fold, seat))
        self._n = len(self._ends)

    def __len__(self) -> int:
        """Names that have a seat."""
        return len(self._seats) + len(self._restored)

    def own(self, key: bytes, t: int, clock: int) -> int:
        """Fold time of what has a row of its own; see :func:`streams.pulse.hold`."""
        return self._hold(self._table.slot(key), t, clock)

    def hold(self, key: bytes, t: int, clock: int, *, pulsed: bool) -> int:
        """Fold time of the next signal of the log, which is about ``key``. ``pulsed``: whether the clock is a pulse's,
        and so never goes back: what lies too far below it is forgotten."""
        row = self._table.find(key)
        if row >= 0:
            return self._hold(row, t, clock)
        if pulsed:
            self._release(clock - BOUND_MS)
        seat = self._seat(key)
        last, fold = int(self._table.rows["fold"][seat]), self._hold(seat, t, clock)
        if fold != last:
            heapq.heappush(self._ends, (fold, seat))
        return fold

    def _hold(self, row: int, t: int, clock: int) -> int:
        table = self._table
        table.rows["fold"][row] = fold = hold(t, clock, int(table.rows["fold"][row]))
        table.dirty[row] = 1
        return fold

    def _release(self, bound: int) -> None:
        """No signal comes to a fold time below the bound any more: seats of what lies no later are free."""
        ends, rows = self._ends, self._table.rows
        while ends and ends[0][0] <= bound:
            fold, seat = heapq.heappop(ends)
            if rows["fold"][seat] != fold:
                continue
            name, about = self._names.pop(seat, None), int(rows["about"][seat])
            if name is not None:
                del self._seats[name]
            elif self._restored.get(about) == seat:
                del self._restored[about]
            heapq.heappush(self._free, seat)

    def _seat(self, key: bytes) -> int:
        seat = self._seats.get(key)
        if seat is not None:
            return seat
        about = int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "little") | 1
        seat = self._restored.pop(about, None)
        if seat is None:
            if self._free:
                seat = heapq.heappop(self._free)
            else:
                seat = self._table.slot(SEAT + b"%d" % self._n)
                self._n += 1
            self._table.rows["fold"][seat], self._table.rows["about"][seat] = 0, about
            heapq.heappush(self._ends, (0, seat))
        self._seats[key], self._names[seat] = seat, key
        return seat
