"""Scenarios that name a risk model: readings are judged in columns, by the tables of their own days.

The score that the decision sees is the level: that of an unverified row or an experimental model stays at 1, so it can
warn and cannot escalate. What cannot be judged is unknown: it neither raises nor clears, and its reason is counted.
A model of several inputs sees, at each reading of any of them, the last value of all of them of that asset; values of
an asset that stand together in one record and have one time are judged once, after the last of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from brain.grades import Use
from brain.stairs import Stairs, scores
from models.standards.table import Bools, Standard
from streams.decode.columns import Columns
from streams.records import I4, I8
from streams.state import Store

F8 = NDArray[np.float64]
U1 = NDArray[np.uint8]

INPUT = "standard.input"
INPUT_STATE = np.dtype([("t", "i8"), ("v", "f8")])
"""Last reading of one input of one scenario; 0 is "none yet"."""


class Seen(NamedTuple):
    """What there is to judge: ``of`` (m,) rises and says of which of the rows given, ``row`` (m,) of which readings;
    times, ``inputs`` (inputs, m), and where one of several is not known yet or too old."""

    of: NDArray[np.intp]
    row: I4
    t: I8
    inputs: F8
    lacks: Bools | None

    def pick(self, rows: I4) -> Seen:
        """That of some readings."""
        at = np.searchsorted(self.row, rows)  # a series has one cell of a scenario, so a row has one judgement
        lacks = None if self.lacks is None else self.lacks[at]
        return Seen(self.of[at], rows, self.t[at], self.inputs[:, at], lacks)

    def unsettle(self, score: F8) -> None:
        """Where an input lacks, nothing is not known to be nothing: a score (m,) of 0 becomes NaN."""
        if self.lacks is not None:
            score[(score == 0) & self.lacks] = np.nan


class Said(NamedTuple):
    """Judgements, all (m,): of which readings, rising; score for the decision, risk number, time, and what names grade
    and table."""

    row: I4
    score: F8
    value: F8
    t: I8
    grade: NDArray[np.int8]
    table: NDArray[np.int16]
    reason: NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Judge:
    """One scenario's risk model in one lane. ``group`` (cells,) is the asset's row of ``slots``, -1 for other cells;
    ``slots`` (assets, inputs) are rows of the table INPUT, -1 where the asset has no such metric. ``stairs`` are there
    where the model is asked only of what is said."""

    rule: int
    use: Use
    standards: Mapping[str, Standard]
    group: I4
    slots: I4
    stairs: Stairs | None

    def seen(self, store: Store, columns: Columns, rows: I4, at: I4, slot: I4, t: I8, values: F8) -> Seen:
        """What is judged of rows in their order, of these times and values; ``at`` are their cells, ``slot`` the rows
        of INPUT of these."""
        if not self.use.several():
            return Seen(np.arange(len(rows)), rows, t, values[None, :], None)
        n, table, group = len(rows), store.table(INPUT), self.group[at]
        out, now, lacks = np.empty((len(self.use.inputs), n)), np.empty(n, np.int64), np.zeros(n, bool)
        as_of(table.rows, table.dirty, slot, group, self.slots, t, values, self.use.age_ms, out, now, lacks)
        of = _last(columns.row[rows], group, t)
        return Seen(of, rows[of], now[of], np.ascontiguousarray(out[:, of]), lacks[of])

    def climb(self, seen: Seen, out: F8) -> Mapping[int, int]:
        """Scores by the staircases into ``out`` (m,); how many have no answer, by reason."""
        assert self.stairs is not None
        unknown = self.stairs.climb(seen.t, seen.inputs, out)
        seen.unsettle(out)
        return unknown

    def judge(self, seen: Seen) -> Said:
        """Have the model judge."""
        inputs = dict(zip(self.use.inputs, seen.inputs, strict=True))
        said = self.use.model.judge(self.standards, seen.t, {**inputs, **self.use.given}, self.use.rate)
        score = scores(said.level, said.grade, said.reason, self.use.stay)
        seen.unsettle(score)
        return Said(seen.row, score, said.value, seen.t, said.grade, said.table, said.reason)

    def warm(self, store: Store) -> None:
        """Have what is compiled loaded."""
        i, t, v = np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0)
        out = np.zeros((len(self.use.inputs), 0))
        if self.use.several():
            table = store.table(INPUT)
            as_of(table.rows, table.dirty, i, i, self.slots, t, v, 0, out, t, np.zeros(0, bool))
        if self.stairs is not None:
            self.stairs.climb(t, out, v)

    def names(self, grade: int, table: int) -> tuple[str, str]:
        """Edition that judged, the model's name where it needs no table; and the grade. Empty where unknown."""
        model = self.use.model
        if grade < 0:
            return "", ""
        standard = self.standards[model.families[0]].tables[table].id if model.families else model.name
        return standard, model.grades[grade]


@njit(cache=True, nogil=True)
def as_of(state: NDArray[Any], dirty: U1, slot: I4, group: I4, slots: I4, t: I8, value: F8, age: int, out: F8, now: I8,
          lacks: Bools) -> None:  # fmt: skip
    """Take readings one after another; after each, all inputs of its asset into ``out`` (inputs, n).

    The time of a judgement is that of the newest input. NaN where the asset has no such metric, or (``lacks``) where
    nothing of it came yet, or nothing within ``age`` ms of the newest.
    """
    for k in range(len(slot)):
        state[slot[k]].t = t[k]
        state[slot[k]].v = value[k]
        dirty[slot[k]] = 1
        g = group[k]
        newest = t[k]
        for j in range(slots.shape[1]):
            m = slots[g, j]
            if m >= 0:
                newest = max(newest, state[m].t)
        now[k] = newest
        for j in range(slots.shape[1]):
            m = slots[g, j]
            out[j, k] = np.nan
            if m >= 0:
                if state[m].t != 0 and newest - state[m].t <= age:
                    out[j, k] = state[m].v
                else:
                    lacks[k] = True


def _last(record: I4, group: I4, t: I8) -> NDArray[np.intp]:
    """Rows that no other of the same record, asset and time follows."""
    last = np.ones(len(t), bool)
    last[:-1] = (record[1:] != record[:-1]) | (group[1:] != group[:-1]) | (t[1:] != t[:-1])
    return np.flatnonzero(last)
