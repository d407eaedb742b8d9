"""What rows are found by, in columns: one slot an incident, so that a filter over all of them is a few comparisons."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import numpy as np

from brain.incidents.value import DOMAINS, OVER, State
from brain.screen.board.row import Row

STATES: Final[tuple[State, ...]] = (
    "detected", "confirmed", "dispatched", "handling", "resolved", "closed", "false_alarm", "merged",
)  # fmt: skip
NONE: Final = -(2**62)
FAR: Final = 2**62
"""A clock that nobody waits for."""

SLOT = np.dtype([
    ("used", "?"), ("domain", "i1"), ("state", "i1"), ("level", "i1"), ("life", "?"), ("shown", "?"), ("drill", "?"),
    ("open", "?"), ("district", "i4"), ("town", "i4"), ("grid", "i4"), ("lead", "i4"), ("taken", "i4"),
    ("lon", "f8"), ("lat", "f8"), ("onset", "i8"), ("opened", "i8"), ("updated", "i8"), ("due", "i8"), ("number", "i8"),
    ("raises", "i8"), ("accepted", "f8"), ("breach", "?"), ("shown_at", "i8"), ("closed_at", "i8"),
])  # fmt: skip


class Names:
    """Texts as small numbers, the same for the life of the process; 0 is the empty one."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {"": 0}

    def take(self, name: str) -> int:
        """Its number, a new one where it was not known."""
        return self._numbers.setdefault(name, len(self._numbers))

    def find(self, name: str) -> int:
        """Its number, or -1, which no slot has."""
        return self._numbers.get(name, -1)


class Columns:
    """Slots that are used again. Columns are views into one array that grows."""

    def __init__(self, room: int = 16_384) -> None:
        self.rows = np.zeros(room, SLOT)
        self.names = Names()
        self.n = 0
        """Slots from here on were never used."""
        self._free: list[int] = []

    def slot(self) -> int:
        """A slot for a new incident."""
        if self._free:
            return self._free.pop()
        if self.n == len(self.rows):
            self.rows = np.concatenate([self.rows, np.zeros(len(self.rows), SLOT)])
        self.n += 1
        return self.n - 1

    def release(self, slot: int) -> None:
        """Its incident is forgotten."""
        self.rows[slot] = np.zeros((), SLOT)
        self._free.append(slot)

    def put(self, slot: int, row: Row, accepted: float) -> None:
        """What a row says."""
        name, none = self.names.take, float("nan")
        over = row.state in OVER
        self.rows[slot] = (
            True, DOMAINS.index(row.domain), STATES.index(row.state), row.level, row.life, row.shown is not None,
            row.drill, not over, name(row.district), name(row.town), name(row.grid), name(row.lead),
            name(row.taken_by), none if row.lon is None else row.lon, none if row.lat is None else row.lat, row.onset,
            row.opened, row.updated, FAR if row.due is None else row.due, number_of(row.id), row.raises, accepted,
            row.breach, NONE if row.shown is None else row.shown, row.updated if over else NONE,
        )  # fmt: skip

    def live(self) -> Any:
        """The slots so far, as one array of records."""
        return self.rows[: self.n]


def number_of(id: str) -> int:
    """A number by which ids of equal times are in one order, 62 bits."""
    return int.from_bytes(hashlib.blake2b(id.encode(), digest_size=8).digest(), "big") >> 2
