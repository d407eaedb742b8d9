"""What a pulse by itself brings about in a lane of readings: conditions end in silence, and silences begin."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from brain.kernel import Kind
from brain.shadow import turned
from models.decision import SILENT
from streams.logic import Beat
from streams.records import SHADOW
from streams.state import Table

FOREVER = 2**62
"""Up-time that is never reached, ms."""


class Due(NamedTuple):
    """One condition that changes at a pulse; ``cell`` is below 0 for a scenario that is not in force any more, or
    is live now and was raised in shadow, or the other way round."""

    key: bytes
    slot: int
    cell: int
    kind: Kind


class Timers:
    """The conditions of a lane that a pulse by itself can change, so that a pulse looks at no others.

    Derived from the table of decisions and rebuilt with the program. Silences are counted in up-time, and begin anew
    after an outage: nobody could have spoken.
    """

    def __init__(self, table: Table, cells: NDArray[Any], rules: NDArray[Any]) -> None:
        self._cell_of = {slot: c for c, slot in enumerate(cells["decision"].tolist())}
        self._quiet, self._shadow = rules["quiet"][cells["rule"]], cells["shadow"]
        self._raised: set[int] = set()
        for slot in np.flatnonzero(table.rows["level"][: table.n]).tolist():
            self.raised(slot)
            if self._cell(slot, table) < 0:
                self._raised.add(slot)
        silent = np.flatnonzero(rules["kind"][cells["rule"]] == SILENT).astype(np.int32)
        self._silent, self._slots = silent, cells["decision"][silent]
        self._bound = (rules["at"][cells["rule"][silent]] * 1000).astype(np.int64)
        self._hours = rules["hours"][cells["rule"][silent]]
        self._look = 0
        """Up-time before which no silence can be long enough."""
        quiet = self._quiet[self._quiet > 0]
        self._soonest = int(quiet.min()) if len(quiet) else FOREVER
        """Ms of up-time after which a condition that is raised from now on can first end in silence."""

    def __bool__(self) -> bool:
        """Whether a pulse can ever change anything: conditions that end in silence, silences, what a set left open."""
        return bool(self._raised or self._soonest < FOREVER or len(self._silent))

    def raised(self, slot: int) -> None:
        """A condition was raised."""
        c = self._cell_of.get(slot, -1)
        if c < 0 or self._quiet[c] > 0:
            self._raised.add(slot)

    def cleared(self, slot: int) -> None:
        """A condition was cleared."""
        self._raised.discard(slot)

    def due(self, beat: Beat, table: Table, shut: int = 0) -> list[Due]:
        """All that changes now, by key; the caller tells what came of it. ``shut``: bits of hours in which the beat
        does not lie, when no silence of theirs is raised."""
        found = []
        for slot in sorted(self._raised):
            c = self._cell(slot, table)
            quiet = int(self._quiet[c]) if c >= 0 else 0
            if quiet and beat.outage:
                table.rows["up"][slot] = beat.up
                table.dirty[slot] = 1
            elif beat.up - int(table.rows["up"][slot]) >= quiet:
                found.append(Due(table.keys[slot], slot, c, "clear"))
        if len(self._silent) and (beat.outage or beat.up >= self._look):
            found += self._fallen_silent(beat, table, shut)
        return sorted(found, key=lambda one: (self._shadowed(one, table), *one))

    def quiet_until(self, up: int, table: Table) -> int:
        """Up-time before which no beat without an outage finds anything due, whatever is said from up-time ``up`` on:
        what is raised can only be met again, and thereby later, and what is raised anew waits as long as any."""
        until = min(up + self._soonest, self._look if len(self._silent) else FOREVER)
        for slot in self._raised:
            c = self._cell(slot, table)
            until = min(until, int(table.rows["up"][slot]) + (int(self._quiet[c]) if c >= 0 else 0))
        return until

    def _cell(self, slot: int, table: Table) -> int:
        """Of a condition that stands; below 0 where no scenario in force goes on with it."""
        c = self._cell_of.get(slot, -1)
        return -1 if c >= 0 and turned(table.rows["index"][slot], self._shadow[c]) else c

    def _shadowed(self, one: Due, table: Table) -> int:
        """Those in shadow come last: they must not move the numbers of others."""
        if one.kind == "raise":
            return int(self._shadow[one.cell])
        return int(table.rows["index"][one.slot]) & SHADOW

    def _fallen_silent(self, beat: Beat, table: Table, shut: int) -> list[Due]:
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
        closed = late & ((self._hours & shut) != 0)
        if closed.any():
            self._look = beat.up  # raised at the first pulse within its hours
        gone = np.flatnonzero(late & ~closed)
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
        row["index"] |= cells["shadow"][one.cell]
        table.dirty[one.slot] = 1


def leave(one: Due, table: Table) -> None:
    """After its signal was made."""
    row = table.rows[one.slot]
    if one.kind == "clear":
        row["level"] = row["run"] = row["since"] = 0
    row["count"] += 1
    table.dirty[one.slot] = 1
