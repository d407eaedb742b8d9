"""A judgement of single columns as staircases: where a value lies says the grade, with no model run for it.

Most scenarios judge one reading by itself, all other columns being the same in every row. Then grade, level and
reason change at a few values only. Those are found once, by halving between floats until two are neighbours, so a
staircase says exactly what the model says; it needs the model to name where its grades turn (``RiskModel.turns``).
Where the worst column decides (``RiskModel.worst``) several columns have a staircase each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.standards.model import Grades, Input, Judgement
from models.standards.table import ALWAYS, F8, FOREVER, I8, Table

Ask = Callable[[I8, F8], Judgement]
"""Judges values at times, both (n,)."""
Turns = Callable[[int], Sequence[float] | None]
"""Values between which the grade goes one way, at a time; None: not known."""


class _At(NamedTuple):
    """What is said of one value."""

    grade: int
    level: int
    reason: int


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Staircases of some columns, of all spans of time, one after another.

    ``low`` and ``high`` (columns,) bound what is no bad input; ``since`` (spans,) rises, ms; ``first`` (columns,
    spans + 1) bounds the steps of each: the first is said of NaN, the second of what is bad, all further ones of
    values from ``start`` on. ``grade``, ``level`` and ``reason`` (steps,) are a :class:`Judgement`'s of that column
    alone.
    """

    low: F8
    high: F8
    since: I8
    first: NDArray[np.int32]
    start: F8
    grade: Grades
    level: Grades
    reason: NDArray[np.int8]

    def climb(self, t: I8, x: F8, score: F8, out: F8) -> I8:
        """The highest that ``score`` (steps,) says of values (columns, n) at times, into ``out`` (n,): NaN where a
        value is bad, or none has a score. How many rows have none, by the step that says so (steps,)."""
        lost = np.zeros(len(self.start), np.int64)
        _climb(t, x, self.low, self.high, self.since, self.first, self.start, score, out, lost)
        return lost


def steps(kinds: Sequence[Input], asks: Sequence[Ask], tables: Iterable[Table], turns: Sequence[Turns]) -> Steps | None:
    """The staircases of columns of these kinds, each asked alone; None where ``turns`` of one are not known.

    ``tables`` are all editions that may be asked. Costs some hundred judgements of a few values for each column.
    """
    cuts = {ALWAYS} | {edge for table in tables for edge in (table.since, table.until) if edge != FOREVER}
    since, first = sorted(cuts), np.zeros((len(kinds), len(cuts) + 1), np.int32)
    start: list[float] = []
    said: list[_At] = []
    for c, (kind, ask, bend) in enumerate(zip(kinds, asks, turns, strict=True)):
        for span, t in enumerate(since):
            bends = bend(t)
            if bends is None:
                return None
            first[c, span] = len(start)
            edges = _edges(ask, t, kind, bends)
            start += [np.nan, np.nan, *edges]
            said += _said(ask, t, [np.nan, np.inf, *edges])
        first[c, -1] = len(start)
    grade, level, reason = (np.array(column, np.int8) for column in zip(*said, strict=True))
    low, high = np.array([kind.low for kind in kinds]), np.array([kind.high for kind in kinds])
    return Steps(low, high, np.array(since, np.int64), first, np.array(start), grade, level, reason)


def _edges(ask: Ask, t: int, kind: Input, turns: Sequence[float]) -> list[float]:
    """Lowest value of each step within the kind's range at a time, rising."""
    inside = sorted({turn for turn in turns if kind.low <= turn < kind.high})
    starts = [_number(kind.low), *(_number(turn) + 1 for turn in inside)]
    ends = [*(_number(turn) for turn in inside), _number(kind.high)]
    asked = dict(zip([*starts, *ends], _said(ask, t, map(_float, [*starts, *ends])), strict=True))
    found = set(starts)
    open_ = [(a, b) for a, b in zip(starts, ends, strict=True) if asked[a] != asked[b]]
    while open_:
        found.update(b for a, b in open_ if b - a == 1)
        wide = [(a, b, (a + b) // 2) for a, b in open_ if b - a > 1]
        asked.update(zip([m for *_, m in wide], _said(ask, t, [_float(m) for *_, m in wide]), strict=True))
        halves = [half for a, b, m in wide for half in ((a, m), (m, b))]
        open_ = [(a, b) for a, b in halves if asked[a] != asked[b]]
    first, *rest = sorted(found)  # a turn at which nothing changes begins no step
    return [_float(first), *(_float(b) for a, b in pairwise([first, *rest]) if asked[a] != asked[b])]


def _said(ask: Ask, t: int, values: Iterable[float]) -> list[_At]:
    x = np.array(list(values), np.float64)
    if not len(x):
        return []
    j = ask(np.full(len(x), t, np.int64), x)
    return [_At(*row) for row in zip(j.grade.tolist(), j.level.tolist(), j.reason.tolist(), strict=True)]


def _number(x: float) -> int:
    """Place of a float among all floats: neighbours have numbers that are one apart."""
    bits = int(np.float64(x).view(np.int64))
    return bits if bits >= 0 else -(2**63) - bits


def _float(number: int) -> float:
    return float(np.int64(number if number >= 0 else -(2**63) - number).view(np.float64))


@njit(cache=True, nogil=True)
def _climb(t: I8, x: F8, low: F8, high: F8, since: I8, first: NDArray[np.int32], start: F8, score: F8, out: F8,
           lost: I8) -> None:  # fmt: skip
    for k in range(len(t)):
        span = len(since) - 1
        while span > 0 and t[k] < since[span]:
            span -= 1
        best, why, bad = np.nan, -1, False
        for c in range(len(low)):
            v = x[c, k]
            at = first[c, span]
            if low[c] <= v <= high[c]:
                at = first[c, span + 1] - 1
                while v < start[at]:
                    at -= 1
            elif not np.isnan(v):
                why, bad = at + 1, True
                break
            if np.isnan(score[at]):
                why = at
            elif np.isnan(best) or score[at] > best:
                best = score[at]
        out[k] = np.nan if bad else best
        if np.isnan(out[k]):
            lost[why] += 1
