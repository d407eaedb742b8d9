"""A judgement of one column as a staircase: where a value lies says the grade, with no model run for it.

Most scenarios judge one reading by itself, all other columns being the same in every row. Then grade, level and
reason change at a few values only. Those are found once, by halving between floats until two are neighbours, so a
staircase says exactly what the model says; it needs the model to name where its grades turn (``RiskModel.turns``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
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
    """Steps of all spans of time one after another. ``since`` (spans,) rises, ms; ``first`` (spans + 1,) bounds the
    steps of each: the first is said of NaN, the second of what is outside [low, high], all further ones of values
    from ``start`` on. ``grade``, ``level`` and ``reason`` (steps,) are a :class:`Judgement`'s."""

    low: float
    high: float
    since: I8
    first: NDArray[np.int32]
    start: F8
    grade: Grades
    level: Grades
    reason: NDArray[np.int8]

    def climb(self, t: I8, x: F8, score: F8, out: F8) -> I8:
        """What ``score`` (steps,) says of values at times, into ``out`` (n,); how many stood on each step (steps,)."""
        counts = np.zeros(len(self.start), np.int64)
        _climb(t, x, self.low, self.high, self.since, self.first, self.start, score, out, counts)
        return counts


def steps(ask: Ask, kind: Input, tables: Iterable[Table], turns: Turns) -> Steps | None:
    """The staircase of one column of that kind; None where ``turns`` are not known at any time.

    ``tables`` are all editions that may be asked. Costs some hundred calls of ``ask`` on a few values each.
    """
    cuts = {ALWAYS} | {edge for table in tables for edge in (table.since, table.until) if edge != FOREVER}
    since, first = sorted(cuts), [0]
    start: list[float] = []
    said: list[_At] = []
    for t in since:
        bends = turns(t)
        if bends is None:
            return None
        strange, edges = _said(ask, t, [np.nan, np.inf]), _edges(ask, t, kind, bends)
        start += [np.nan, np.nan, *edges]
        said += [*strange, *_said(ask, t, edges)]
        first.append(len(start))
    grade, level, reason = (np.array(column, np.int8) for column in zip(*said, strict=True))
    return Steps(
        kind.low, kind.high, np.array(since, np.int64), np.array(first, np.int32), np.array(start),
        grade, level, reason,
    )  # fmt: skip


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
    edges = sorted(found)
    same = [k for k in range(1, len(edges)) if asked[edges[k]] == asked[edges[k - 1]]]
    return [_float(edge) for k, edge in enumerate(edges) if k not in same]


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
def _climb(t: I8, x: F8, low: float, high: float, since: I8, first: NDArray[np.int32], start: F8, score: F8, out: F8,
           counts: I8) -> None:  # fmt: skip
    for k in range(len(x)):
        span = len(since) - 1
        while span > 0 and t[k] < since[span]:
            span -= 1
        at = first[span]
        if low <= x[k] <= high:
            at = first[span + 1] - 1
            while x[k] < start[at]:
                at -= 1
        elif not np.isnan(x[k]):
            at += 1
        out[k] = score[at]
        counts[at] += 1
