"""What a pulse by itself brings about in a lane of readings: conditions end in silence, and silences begin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from brain.kernel import Kind
from streams.logic import Beat
from streams.records import I4
from streams.state import Table


class Due(NamedTuple):
    """One condition that changes at a pulse; ``cell`` is below 0 for a scenario that is not in force any more."""

    key: bytes
    slot: int
    cell: int
    kind: Kind


class Timers:
    """The conditions of a lane that a pulse by itself can change, so that a pulse looks at no others.

    Derived from the table of decisions and rebuilt with the program; ``cell_of`` maps the table's rows to cells,
    ``silent`` are the cells that wait for a silence. Silences are counted in up-time, and begin anew after an outage:
    nobody could have spoken.
    """

    def __init__(
        self, table: Table, cells: NDArray[Any], rules: NDArray[Any], cell_of: Mapping[int, int], silent: I4
    ) -> None:
        self._cell_of = cell_of
        self._quiet = rules["quiet"][cells["rule"]]
        self._raised: set[int] = set()
        for slot in np.flatnonzero(table.rows["level"][: table.n]).tolist():
            self.raised(slot)
        self._silent, self._slots = silent, cells["decision"][silent]
        self._bound = (rules["at"][cells["rule"][silent]] * 1000).astype(np.int64)
        self._look = 0
        """Up-time before which no silence can be long enough."""

    def raised(self, slot: int) -> None:
        """A condition was raised."""
        c = self._cell_of.get(slot, -1)
        if c < 0 or self._quiet[c] > 0:
            self._raised.add(slot)

    def cleared(self, slot: int) -> None:
        """A condition was cleared."""
        self._raised.discard(slot)

    def due(self, beat: Beat, table: Table) -> list[Due]:
        """All that changes now, by key; the caller tells what came of it."""
        found = []
        for slot in sorted(self._raised):
            c = self._cell_of.get(slot, -1)
            quiet = int(self._quiet[c]) if c >= 0 else 0
            if quiet and beat.outage:
                table.rows["up"][slot] = beat.up
                table.dirty[slot] = 1
            elif beat.up - int(table.rows["up"][slot]) >= quiet:
                found.append(Due(table.keys[slot], slot, c, "clear"))
        if len(self._silent) and (beat.outage or beat.up >= self._look):
            found += self._fallen_silent(beat, table)
        return sorted(found)

    def _fallen_silent(self, beat: Beat, table: Table) -> list[Due]:
        slots = self._slots
        waiting = (table.rows["since"][slots] != 0) & (table.rows["level"][slots] == 0)
        # Whoever speaks later, or for the first time, is silent long enough at least a bound from now.
        self._look = beat.up + int(self._bound.min())
        if beat.outage:
            table.rows["up"][slots[waiting]] = beat.up
            table.dirty[slots[waiting]] = 1
            return []
        ends = table.rows["up"][slots] + self._bound
        late = waiting & (ends <= beat.up)
        if (waiting & ~late).any():
            self._look = min(self._look, int(ends[waiting & ~late].min()))
        gone = np.flatnonzero(late)
        return [
            Due(table.keys[s], s, c, "raise")
            for s, c in zip(slots[gone].tolist(), self._silent[gone].tolist(), strict=True)
        ]


def settle(one: Due, number: int, beat: Beat, table: Table, rules: NDArray[Any], cells: NDArray[Any]) -> None:
    """Before its signal is made: a raise begins a new origin, which is the pulse."""
    if one.kind == "raise":
        row = table.rows[one.slot]
        row["level"] = rules["level"][cells["rule"][one.cell]]
        row["onset"], row["offset"], row["index"], row["count"] = beat.time, beat.offset, number, 0
        table.dirty[one.slot] = 1


def leave(one: Due, table: Table) -> None:
    """After its signal was made."""
    row = table.rows[one.slot]
    if one.kind == "clear":
        row["level"] = row["run"] = row["since"] = 0
    row["count"] += 1
    table.dirty[one.slot] = 1
