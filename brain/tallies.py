"""Tickets by area and minute, for the scenarios that scan space and time: a lane counts, the city task scans."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from brain.scenario import Scenario
from brain.sets import CitySet
from streams.logic import Beat
from streams.records import Summary
from streams.state import Store

TALLY = "tally"
TALLY_STATE = np.dtype([("n", "i8")])
"""Tickets of one scenario in one area in the minute under way."""
SEPARATOR = "\x1f"


def area_of(content: CitySet, by: str, grid: int) -> str:
    """Code of the area in which a grid lies; empty below 0."""
    if grid < 0:
        return ""
    return {"grid": content.map.codes, "town": content.map.towns, "district": content.map.districts}[by][grid]


def count(store: Store, scenario: Scenario, area: str) -> None:
    """One ticket more."""
    table = store.table(TALLY)
    slot = table.slot(f"{scenario.id}{SEPARATOR}{area}".encode())
    table.rows["n"][slot] += 1
    table.dirty[slot] = 1


def sum_up(store: Store, scenarios: Iterable[Scenario], beat: Beat) -> list[Summary]:
    """The minute that is over, a summary each of ``scenarios`` of which anything came; the next begins at nothing."""
    table = store.table(TALLY)
    there = np.flatnonzero(table.rows["n"][: table.n]).tolist()
    found: dict[str, list[tuple[str, int]]] = {}
    for slot in there:
        name, _, area = table.keys[slot].decode().partition(SEPARATOR)
        found.setdefault(name, []).append((area, int(table.rows["n"][slot])))
        table.rows["n"][slot] = 0
        table.dirty[slot] = 1
    out = []
    for number, scenario in enumerate(scenarios):
        rows = sorted(found.get(scenario.id, []))
        if rows:
            n = np.array([n for _, n in rows], "<f8").tobytes()
            areas = [area for area, _ in rows]
            out.append(Summary(scenario.id, beat.minute(), beat.offset, (1 << 29) + number, areas, {"n": n}))
    return out
