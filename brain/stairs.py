"""Scores by a risk model's staircases, for scenarios whose inputs are judged each by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from brain.grades import Use
from models.standards.model import Input, RiskModel, all_answered, answered
from models.standards.steps import Ask, Steps, steps
from models.standards.table import F8, Standard, Table
from streams.records import I8

STAYS = 0.5
"""Score of a grade that does not count and does not clear either: see :meth:`brain.scenarios.Scenario.decision`."""


class _Editions:
    """Tables of some families, in their order; equal to others of the same content."""

    def __init__(self, tables: Sequence[Sequence[Table]]) -> None:
        self.tables = tables
        self._content = tuple(tuple(table.content() for table in family) for family in tables)

    def __hash__(self) -> int:
        return hash(self._content)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Editions) and self._content == other._content


class Stairs(NamedTuple):
    """Staircases of a scenario's inputs, and the score of each of their steps (steps,)."""

    steps: Steps
    score: F8

    def climb(self, t: I8, values: F8, out: F8) -> Mapping[int, int]:
        """Scores of values (inputs, n) into ``out`` (n,); how many have none, by reason."""
        lost = self.steps.climb(t, values, self.score, out)
        if not lost.any():
            return {}
        found: dict[int, int] = {}
        for step in np.flatnonzero(lost).tolist():
            reason = int(self.steps.reason[step])
            found[reason] = found.get(reason, 0) + int(lost[step])
        return found


def scores(level: NDArray[np.int8], grade: NDArray[np.int8], reason: NDArray[np.int8], stay: int) -> F8:
    """What the decision sees of judgements (n,): the level, :data:`STAYS`, or NaN where there is no answer."""
    score = level.astype(np.float64)
    if stay >= 0:
        score[(score == 0) & (grade >= stay)] = STAYS
    if not all_answered(reason):
        score[~answered(reason)] = np.nan
    return score


def stairs_of(use: Use, standards: Mapping[str, Standard]) -> Stairs | None:
    """None where several inputs are not judged each alone, or the model does not say where its grades turn."""
    model = use.model
    if use.several() and not model.worst:
        return None
    known = _Editions([standards[family].tables if family in standards else () for family in model.families])
    rated = tuple(use.levels.items()), use.least
    made = _steps(model, known, tuple(use.inputs), tuple(use.given.items()), *rated)
    return None if made is None else Stairs(made, scores(made.level, made.grade, made.reason, use.stay))


@lru_cache(maxsize=1024)
def _steps(
    model: RiskModel, editions: _Editions, columns: tuple[str, ...], given: tuple[tuple[str, float | str], ...],
    levels: tuple[tuple[str, int], ...], least: int,
) -> Steps | None:  # fmt: skip
    """Kept: the lanes of a worker, and a set and the next one, mostly ask for the same."""
    standards = {family: Standard(family, of) for family, of in zip(model.families, editions.tables, strict=True)}
    takes = model.takes(standards)
    kinds = [kind for column in columns if isinstance(kind := takes.get(column), Input)]
    if len(kinds) < len(columns):
        return None
    use = Use(model, dict.fromkeys(columns, ""), dict(given), dict(levels), least, -1, 0)

    def ask(column: str) -> Ask:
        return lambda t, x: model.judge(standards, t, {column: x, **use.given}, use.rate)

    def turns(column: str, t: int) -> Sequence[float] | None:
        tables = model.in_force(standards, t)
        return () if tables is None else model.turns(tables, column)

    return steps(
        kinds, [ask(column) for column in columns], [table for family in editions.tables for table in family],
        [partial(turns, column) for column in columns],
    )  # fmt: skip
