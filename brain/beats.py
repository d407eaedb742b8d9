"""What a pulse by itself brings about in a lane of readings: conditions end in silence, and silences begin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from brain.kernel import Kind
from streams.logic import Beat
from streams.records import I4, SHADOW
from streams.state import Table


class Due(NamedTuple):
    """One condition that changes at a pulse; ``cell`` is below 0 for a scenario that is not in force any more, or
    is live now and was raised in shadow, or the other way round."""

    key: bytes
    slot: int
    cell: int
    kind: Kind


def due(
    beat: Beat,
    table: Table,
    cells: NDArray[Any],
    rules: NDArray[Any],
    cell_of: Mapping[int, int],
    silent: I4,
    shut: int = 0,
) -> list[Due]:
    """All that changes now, by key; ``table`` is that of decisions, ``cell_of`` maps its rows to cells.

    Silences are counted in up-time, and begin anew after an outage: nobody could have spoken. ``shut``: bits of hours
    in which the beat does not lie, when no silence of theirs is raised.
    """
    found = []
    for slot in np.flatnonzero(table.rows["level"][: table.n]).tolist():
        c = cell_of.get(slot, -1)
        if c >= 0 and turned(table.rows["index"][slot], cells["shadow"][c]):
            c = -1
        quiet = int(rules["quiet"][cells["rule"][c]]) if c >= 0 else 0
        if c >= 0 and quiet == 0:
            continue
        if quiet and beat.outage:
            table.rows["up"][slot] = beat.up
            table.dirty[slot] = 1
        elif beat.up - int(table.rows["up"][slot]) >= quiet:
            found.append(Due(table.keys[slot], slot, c, "clear"))
    if len(silent):
        found += _fallen_silent(beat, table, cells, rules, silent, shut)
    return sorted(found, key=lambda one: (_shadowed(one, table, cells), *one))


def turned(index: Any, shadow: Any) -> Any:
    """Whether what was raised at ``index`` was in shadow and its scenario now is not, or the other way round: a set
    promoted it, or took it back."""
    return (index & SHADOW) != shadow


def _shadowed(one: Due, table: Table, cells: NDArray[Any]) -> int:
    """Those in shadow come last: they must not move the numbers of others."""
    if one.kind == "raise":
        return int(cells["shadow"][one.cell])
    return int(table.rows["index"][one.slot]) & SHADOW


def _fallen_silent(
    beat: Beat, table: Table, cells: NDArray[Any], rules: NDArray[Any], silent: I4, shut: int
) -> list[Due]:
    slots = cells["decision"][silent]
    waiting = (table.rows["since"][slots] != 0) & (table.rows["level"][slots] == 0)
    if beat.outage:
        table.rows["up"][slots[waiting]] = beat.up
        table.dirty[slots[waiting]] = 1
        return []
    bound = (rules["at"][cells["rule"][silent]] * 1000).astype(np.int64)
    waiting &= (rules["hours"][cells["rule"][silent]] & shut) == 0
    gone = np.flatnonzero(waiting & (beat.up - table.rows["up"][slots] >= bound))
    return [Due(table.keys[s], s, c, "raise") for s, c in zip(slots[gone].tolist(), silent[gone].tolist(), strict=True)]


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
