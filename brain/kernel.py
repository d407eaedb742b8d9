"""The one compiled pass over readings: watermark, score, decision. Python sees only what came out of it.

A *cell* is one scenario on one series. Cells of a series stand together, in the order of scenario ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo.coords import BD09, GCJ02
from models.decision import (
    BELOW,
    CHANGED,
    CLEAR,
    DEVIATION,
    RAISE,
    SAME,
    SCORE,
    SILENT,
    UPDATE,
    decide_step,
    meets,
)  # fmt: skip
from models.ewma import ewma_step

I4 = NDArray[np.int32]
I8 = NDArray[np.int64]
I1 = NDArray[np.int8]
U1 = NDArray[np.uint8]
F8 = NDArray[np.float64]

__all__ = ["CELL", "EVENT", "KINDS", "MINUTE_STATE", "SCORED", "SERIES_STATE", "Kind", "admit", "place", "run"]

SERIES_STATE = np.dtype([("t", "i8"), ("v", "f8")])
"""Watermark of a series in ms, and the value that set it; 0 is "nothing yet" (the decoder refuses such times)."""

MINUTE_STATE = np.dtype([("last", "f8"), ("n", "i8"), ("ahead", "i8"), ("wrong", "i8")])
"""What a series said in the minute that is under way: its last value, and how many there were; by how many ms the last
time was ahead of the lane's clock (one refused as future too), and how many values were outside the range."""

CELL = np.dtype([("rule", "i4"), ("decision", "i4"), ("ewma", "i4"), ("model", "i4"), ("shadow", "i4")])
"""Scenario, and rows of the tables of decisions, of the average made in this pass, of the detector of another pass;
the bit SHADOW where it is raised in shadow."""

SCORED = np.dtype([("t", "i8"), ("score", "f8"), ("told", "f8"), ("column", "i4"), ("cell", "i4")])
"""A score that another pass made, of a reading in a cell: time of the judgement, what is decided on, what is said."""
NOT_JUDGED = -1
"""Cell of a score that is none: another value of the same record is judged."""

EVENT = np.dtype(
    [
        ("column", "i4"), ("cell", "i4"), ("action", "i4"), ("count", "i4"), ("index", "i4"), ("level", "i4"),
        ("offset", "i8"), ("onset", "i8"), ("score", "f8"),
    ],
    align=True,
)  # fmt: skip
"""One signal to be: its reading and cell; origin (offset, index), running number and onset of the raise."""

FUTURE_MS = 300_000
"""How far a reading may be ahead of the lane's clock."""
PER_VALUE = 64
"""Scenarios that one series can have: a signal's index is the value's times this, plus the scenario's place."""

FINE, LATE, REPEATED, CONFLICT, FUTURE, FOREIGN = 0, 1, 2, 3, 4, 5
"""What became of a reading."""


@njit(cache=True, inline="always")
def note(event: Any, i: int, c: int, place: int, shadow: int, action: int, row: Any, offset: int, index: int,
         score: float) -> None:  # fmt: skip
    """Write down a signal to be; a raise begins a new origin, in shadow or not."""
    if action == RAISE:
        row.offset = offset
        row.index = index * PER_VALUE + place | shadow
        row.count = 0
    event.column = i
    event.cell = c
    event.action = action
    event.count = row.count
    event.index = row.index
    event.level = row.level
    event.offset = row.offset
    event.onset = row.onset
    event.score = score
    row.count += 1


@njit(cache=True, inline="always")
def _spoke(row: Any, dirty: U1, d: int, up: int, t: int) -> int:
    """A reading ends a silence; ``since`` is the last one's time, and 0 says that there never was one."""
    if row.up != up or row.since == 0:
        row.up = up
        row.since = t
        dirty[d] = 1
    if row.level == 0:
        return SAME
    row.level = 0
    return CLEAR


BOTH, UP, DOWN = 0, 1, 2
"""Which side of a score counts."""


@njit(cache=True, inline="always")
def turned(score: float, side: int) -> float:
    """A score with the side that counts made high; of both, its magnitude."""
    return abs(score) if side == BOTH else score if side == UP else -score


@njit(cache=True, nogil=True)
def admit(begin: int, end: int, series: I4, t: I8, value: F8, pulse: I8, slot_of: I4, seen: NDArray[Any],
          seen_dirty: U1, outcome: U1) -> None:  # fmt: skip
    """What becomes of readings [begin, end), in their order: watermarks move, nothing is decided.

    ``slot_of`` (series,) is -1 for a series of another partition.
    """
    for i in range(begin, end):
        k = slot_of[series[i]]
        if k < 0:
            outcome[i] = FOREIGN
        elif t[i] > pulse[i] + FUTURE_MS:
            outcome[i] = FUTURE
        elif t[i] <= seen[k].t:
            outcome[i] = LATE if t[i] < seen[k].t else REPEATED if value[i] == seen[k].v else CONFLICT
        else:
            outcome[i] = FINE
            seen[k].t = t[i]
            seen[k].v = value[i]
            seen_dirty[k] = 1


@njit(cache=True, nogil=True)
def run(begin: int, end: int, series: I4, t: I8, value: F8, index: I4, offset: I8, pulse: I8, up: I8, shut: I8,
        outcome: U1, first: I4, cells: NDArray[Any], rules: NDArray[Any], rungs: NDArray[Any], sides: I1,
        ewma: NDArray[Any], ewma_dirty: U1, decision: NDArray[Any], decision_dirty: U1, minute_of: I4,
        minute: NDArray[Any], minute_dirty: U1, scored: NDArray[Any], at: int,
        events: NDArray[Any]) -> tuple[int, int, int]:  # fmt: skip
    """Decide on admitted readings [begin, end); answers (first one not done, place in ``scored``, events written).

    It stops early only where ``events`` may not have room for one reading more; call it again from there.
    ``first`` (series + 1,) bounds the cells of each; ``minute_of`` (series,) is -1 for a series that no summary needs.
    ``scored``, rows of SCORED in the order of readings and cells, is read from ``at`` on. ``up`` is the up-time at
    each reading, ms. ``shut`` has the bits of the hours in which a reading does not lie: to scenarios of those it meets
    nothing, and ends what they raised.
    """
    made = 0
    room = len(events)
    for i in range(begin, end):
        s = series[i]
        if outcome[i] != FINE:
            if outcome[i] == FUTURE and minute_of[s] >= 0:
                minute[minute_of[s]].ahead = t[i] - pulse[i]
                minute_dirty[minute_of[s]] = 1
            continue
        a, b = first[s], first[s + 1]
        if made + (b - a) > room:
            return i, at, made
        ti, v = t[i], value[i]
        m = minute_of[s]
        if m >= 0:
            minute[m].last = v
            minute[m].n += 1
            minute[m].ahead = ti - pulse[i]
            minute_dirty[m] = 1
        for c in range(a, b):
            r, d = cells[c].rule, cells[c].decision
            kind = rules[r].kind
            score = np.nan
            x = v
            when = ti
            row = decision[d]
            if kind == SCORE:
                at += 1
                if scored[at - 1].cell == NOT_JUDGED:
                    continue
                score, when = scored[at - 1].told, scored[at - 1].t
                x = turned(scored[at - 1].score, sides[r])
            if kind == SILENT:
                action = _spoke(row, decision_dirty, d, up[i], ti)
            else:
                if kind == DEVIATION:
                    e = cells[c].ewma
                    score = ewma_step(ewma, e, v, rules[r].alpha, rules[r].warmup)
                    ewma_dirty[e] = 1
                    x = abs(score)
                elif kind == BELOW:
                    x = -v
                if rules[r].hours and rules[r].hours & shut[i]:
                    x = -np.inf
                if row.level == 0 and row.run == 0 and not meets(rules, r, x):
                    continue
                action = decide_step(rules, r, rungs, decision, d, x, when)
            if row.level and rules[r].quiet and row.up != up[i] and meets(rules, r, x):
                row.up = up[i]
                decision_dirty[d] = 1
            if action == SAME:
                continue
            decision_dirty[d] = 1
            if action == CHANGED:
                continue
            note(events[made], i, c, c - a, cells[c].shadow, action, row, offset[i], index[i], score)
            made += 1
    return end, at, made


@njit(cache=True, nogil=True)
def place(series: I4, lon: F8, lat: F8, crs: I1, series_asset: I4, at_lon: F8, at_lat: F8, at_crs: I1,
          out_lon: F8, out_lat: F8, out_crs: I1) -> bool:  # fmt: skip
    """Position of each value: its own, else its asset's, which is rectified already (crs 0).

    An own position without a CRS has that of its asset. Answers whether any is still to be rectified.
    """
    rectify = False
    for i in range(len(series)):
        a = series_asset[series[i]]
        x, y, c = lon[i], lat[i], crs[i]
        if np.isnan(x) or np.isnan(y):
            x, y, c = at_lon[a], at_lat[a], 0
        elif c < 0:
            c = at_crs[a]
        out_lon[i], out_lat[i], out_crs[i] = x, y, c
        rectify |= c in (GCJ02, BD09)
    return rectify


Kind = Literal["raise", "update", "clear"]
KINDS: Mapping[int, Kind] = {RAISE: "raise", UPDATE: "update", CLEAR: "clear"}
