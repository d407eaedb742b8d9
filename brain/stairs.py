"""Scores of single readings by a risk model's staircase, for scenarios whose model judges one reading by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from brain.grades import Use
from models.standards.model import Input, RiskModel, all_answered, answered
from models.standards.steps import Steps, steps
from models.standards.table import Standard, Table
from streams.records import I8

F8 = NDArray[np.float64]

STAYS = 0.5
"""Score of a grade that does not count and does not clear either: see :meth:`brain.scenarios.Scenario.decision`."""

Editions = tuple[tuple[Table, ...], ...]


class Stairs(NamedTuple):
    """A staircase and the score of each of its steps (steps,); ``unknown`` are those without an answer."""

    steps: Steps
    score: F8
    unknown: NDArray[np.intp]

    def climb(self, t: I8, values: F8, out: F8) -> Mapping[int, int]:
        """Scores of readings into ``out`` (n,); how many have no answer, by reason."""
        counts = self.steps.climb(t, values, self.score, out)
        lost = counts[self.unknown]
        if not lost.any():
            return {}
        reasons = np.bincount(self.steps.reason[self.unknown], lost).astype(np.int64)
        return {reason: int(reasons[reason]) for reason in np.flatnonzero(reasons).tolist()}


def scores(level: NDArray[np.int8], grade: NDArray[np.int8], reason: NDArray[np.int8], stay: int) -> F8:
    """What the decision sees of judgements (n,): the level, :data:`STAYS`, or NaN where there is no answer."""
    score = level.astype(np.float64)
    if stay >= 0:
        score[(score == 0) & (grade >= stay)] = STAYS
    if not all_answered(reason):
        score[~answered(reason)] = np.nan
    return score


def stairs_of(use: Use, standards: Mapping[str, Standard]) -> Stairs | None:
    """None where the model needs several readings, or does not say where its grades turn."""
    if use.several():
        return None
    (column,) = use.inputs
    known = tuple(standards[family].tables if family in standards else () for family in use.model.families)
    made = _steps(use.model, known, column, tuple(use.given.items()), tuple(use.levels.items()), use.least)
    if made is None:
        return None
    return Stairs(
        made, scores(made.level, made.grade, made.reason, use.stay), np.flatnonzero(~answered(made.reason))
    )  # fmt: skip


@lru_cache(maxsize=1024)
def _steps(
    model: RiskModel, editions: Editions, column: str, given: tuple[tuple[str, float | str], ...],
    levels: tuple[tuple[str, int], ...], least: int,
) -> Steps | None:  # fmt: skip
    """Kept: the lanes of a worker, and a set and the next one, mostly ask for the same."""
    standards = {family: Standard(family, tables) for family, tables in zip(model.families, editions, strict=True)}
    kind = model.takes(standards).get(column)
    if not isinstance(kind, Input):
        return None
    use = Use(model, {column: column}, dict(given), dict(levels), least, -1, 0)

    def turns(t: int) -> Sequence[float] | None:
        tables = model.in_force(standards, t)
        return () if tables is None else model.turns(tables, column)

    return steps(
        lambda t, x: model.judge(standards, t, {column: x, **use.given}, use.rate), kind,
        [table for family in editions for table in family], turns,
    )  # fmt: skip
