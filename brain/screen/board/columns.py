"""What rows are found by, in columns: one slot an incident, so that a filter over all of them is a few comparisons."""

from __future__ import annotations

import hashlib
from typing import Any, Final, get_args

import numpy as np

from brain.incidents.value import DOMAINS, OVER, State
from brain.screen.board.row import Row

STATES: Final[tuple[State, ...]] = get_args(State)
DOMAIN: Final = {name: k for k, name in enumerate(DOMAINS)}
STATE: Final = {name: k for k, name in enumerate(STATES)}
NONE: Final = -(2**62)
FAR: Final = 2**62
"""A clock that nobody waits for."""

SLOT = np.dtype([
    ("used", "?"), ("domain", "i1"), ("state", "i1"), ("level", "i1"), ("life", "?"), ("shown", "?"), ("drill", "?"),
    ("open", "?"), ("district", "i4"), ("town", "i4"), ("grid", "i4"), ("lead", "i4"), ("taken", "i4"),
    ("lon", "f8"), ("lat", "f8"), ("onset", "i8"), ("opened", "i8"), ("updated", "i8"), ("due", "i8"), ("number", "i8"),
    ("raises", "i8"), ("accepted", "f8"), ("breach", "?"), ("shown_at", "i8"), ("closed_at", "i8"),
    ("words", "i4"),
])  # fmt: skip


class Names:
    """Texts as small numbers, the same for the life of the process; 0 is the empty one. As many as there were places,
    departments and accounts."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {"": 0}
        self._lower = [""]

    def take(self, name: str) -> int:
        """Its number, a new one where it was not known."""
        number = self._numbers.setdefault(name, len(self._lower))
        if number == len(self._lower):
            self._lower.append(name.lower())
        return number

    def find(self, name: str) -> int:
        """Its number, or -1, which no slot has."""
        return self._numbers.get(name, -1)

    def having(self, part: str) -> list[bool]:
        """By number, whether a name has a text in it, which is lower case."""
        return [part in name for name in self._lower]


class Table:
    """Columns of equal length by name, each contiguous: a comparison over one reads nothing of the others."""

    def __init__(self, columns: dict[str, Any]) -> None:
        self._columns = columns

    def __getitem__(self, wanted: Any) -> Any:
        """A column by its name; a table of some rows by a mask, a slice or numbers of rows."""
        if isinstance(wanted, str):
            return self._columns[wanted]
        return Table({name: column[wanted] for name, column in self._columns.items()})

    def __len__(self) -> int:
        return len(self._columns["used"])


class Columns:
    """Slots that are used again."""

    def __init__(self, room: int = 16_384) -> None:
        self._columns = {name: np.zeros(room, SLOT[name]) for name in SLOT.names or ()}
        self._order = tuple(self._columns.values())
        self.names = Names()
        self.texts: list[str] = [""]
        """What a search looks through, each text once; a slot's is ``texts[words]``. As many as there were scenarios in
        towns with their departments."""
        self._texts: dict[str, int] = {"": 0}
        self.n = 0
        """Slots from here on were never used."""
        self._free: list[int] = []
        self._live: Table | None = None

    def slot(self) -> int:
        """A slot for a new incident."""
        if self._free:
            return self._free.pop()
        if self.n == len(self.rows):
            self._columns = {
                name: np.concatenate([column, np.zeros_like(column)]) for name, column in self._columns.items()
            }
            self._order = tuple(self._columns.values())
        self.n += 1
        self._live = None
        return self.n - 1

    def release(self, slot: int) -> None:
        """Its incident is forgotten."""
        for column in self._order:
            column[slot] = 0
        self._free.append(slot)

    def put(self, slot: int, row: Row, accepted: float) -> None:
        """What a row says."""
        name, none = self.names.take, float("nan")
        over = row.state in OVER
        values = (
            True, DOMAIN[row.domain], STATE[row.state], row.level, row.life, row.shown is not None,
            row.drill, not over, name(row.district), name(row.town), name(row.grid), name(row.lead),
            name(row.taken_by), none if row.lon is None else row.lon, none if row.lat is None else row.lat, row.onset,
            row.opened, row.updated, FAR if row.due is None else row.due, number_of(row.id), row.raises, accepted,
            row.breach, NONE if row.shown is None else row.shown, row.updated if over else NONE, self._words(row),
        )  # fmt: skip
        for column, value in zip(self._order, values, strict=True):
            column[slot] = value

    @property
    def rows(self) -> Table:
        """All slots, also those that are not used yet."""
        return Table(self._columns)

    def live(self) -> Table:
        """The slots so far. Valid until the next slot is taken."""
        if self._live is None:
            self._live = self.rows[: self.n]
        return self._live

    def _words(self, row: Row) -> int:
        """Number of a text of names, which many incidents share: they are searched once, not once an incident."""
        text = " ".join(
            (row.name.zh, row.name.en, row.scenario, row.town, row.district, row.lead_name.zh, row.lead_name.en,
             row.lead)
        ).lower()  # fmt: skip
        number = self._texts.setdefault(text, len(self.texts))
        if number == len(self.texts):
            self.texts.append(text)
        return number


def number_of(id: str) -> int:
    """A number by which ids of equal times are in one order, 62 bits."""
    return int.from_bytes(hashlib.blake2b(id.encode(), digest_size=8).digest(), "big") >> 2
