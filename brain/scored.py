"""Scenarios that name a detector or a risk model: all rows of one are scored together, in their order, then decided.

Any single-series detector of :mod:`models.registry` can be named whose state has one form whatever its settings: its
rows are in a table of its own. What needs several assets at once is no detector of a lane.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numba import njit
from numpy.typing import NDArray

from brain.kernel import EVENT, F8, FINE, U1, note
from brain.near import hint, near
from models.autoregressive import AutoregressiveResidual
from models.combine import Combiner
from models.decision import CHANGED, SAME, SCORE, decide_step, meets
from models.detector import Detector
from models.novelty import PatternNovelty
from models.registry import DETECTORS
from models.seasonal import SeasonalProfile
from models.standards.model import Reason
from streams.decode import Columns
from streams.records import I4, I8
from streams.state import Store

if TYPE_CHECKING:  # a scenario's detector is checked here, and what judges is made of scenarios
    from brain.judged import Judge, Said

SINGLE = (
    "robust", "quantile", "level_shift", "rate", "flatline", "drift", "noise", "spike", "seasonal", "autoregressive",
    "novelty",
)  # fmt: skip
"""Detectors that score each reading of a series by itself; ``ewma`` has a form of its own, ``ewma_deviation``."""

BOTH, UP, DOWN = 0, 1, 2
SIDES = {"both": BOTH, "up": UP, "down": DOWN}


def _tables() -> dict[str, np.dtype[Any]]:
    forms: dict[str, Detector] = {
        "seasonal.day": SeasonalProfile("day"), "seasonal.week": SeasonalProfile("week"),
        "autoregressive": AutoregressiveResidual(), "novelty": PatternNovelty(),
        "combined": Combiner((1.0,)),
    }  # fmt: skip
    forms |= {name: DETECTORS[name]() for name in SINGLE if name in DETECTORS and name not in {"seasonal", *forms}}
    return {f"model.{name}": model.state for name, model in sorted(forms.items())}


TABLES: Mapping[str, np.dtype[Any]] = _tables()


def detector(name: str, settings: Mapping[str, Any], others: Iterable[str] = ()) -> Detector:
    """The detector of single series that a scenario names; ``others`` are named to who misspells one.

    Raises ValueError with what there is, and what was expected of a setting.
    """
    if name not in SINGLE:
        raise ValueError(f"detect.detector: unknown {name!r}{near(name, (*SINGLE, *others))}")
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
    fields = DETECTORS[name].__dataclass_fields__  # type: ignore[attr-defined]  # every detector is a dataclass
    known = [field for field in fields if field != "neighbours"]
    for key in given:
        if key not in known:
            raise ValueError(f"detect.settings.{key}: {name} has {', '.join(known)}{hint(key, known)}")
    try:
        model = DETECTORS[name](**given)
    except (TypeError, ValueError) as error:
        raise ValueError(f"detect.settings.{error}") from error
    if model.state != TABLES.get(table_of(name, model)):
        raise ValueError(f"detect.settings: {name} keeps state of the form of its defaults; leave out what changes it")
    return model


def table_of(name: str, model: Detector) -> str:
    """Name of the table that has the detector's rows."""
    return f"model.{name}.{model.period}" if isinstance(model, SeasonalProfile) else f"model.{name}"


class Parts(Protocol):
    """Several detectors that answer as one, over series by number (the cell's ``model``), with tables of their own."""

    def score(self, place: I4, t: I8, value: F8) -> F8:
        """Scores of rows in their order, (n,); NaN while unknown."""
        ...


class Model(NamedTuple):
    """One scenario's detector: its rule, its table, and which side of the score counts; or its parts."""

    rule: int
    model: Detector | None
    table: str
    side: int
    parts: Parts | None = None


class Scored:
    """The detectors and risk models of a lane's scenarios. ``most``: scenarios with one that a single series has.

    ``named``: (column, cell) of the last run's signals → table that judged, grade, time of the judgement. ``unknown``:
    judgements that gave nothing, by reason, since it was cleared.
    """

    def __init__(
        self, models: list[Model], judges: list[Judge], cells: NDArray[Any], rules: NDArray[Any], first: I4
    ) -> None:
        self.models, self.judges = models, judges
        self.named: dict[tuple[int, int], tuple[str, str, int]] = {}
        self.unknown: Counter[str] = Counter()
        self._sides = np.zeros(len(rules), np.int8)
        for m in models:
            self._sides[m.rule] = m.side
        for j in judges:
            self._sides[j.rule] = UP
        scored = rules["kind"][cells["rule"]] == SCORE
        sums = np.concatenate(([0], np.cumsum(scored)))
        self.most = int((sums[first[1:]] - sums[first[:-1]]).max()) if len(first) > 1 else 0

    def warm(self, store: Store) -> None:
        """Have the detectors' kernels compiled, or loaded."""
        none = np.zeros(0, np.int32)
        for m in self.models:
            if m.parts is not None:
                m.parts.score(none, np.zeros(0, np.int64), np.zeros(0))
            if m.model is None:
                continue
            score_rows(m.model, store.table(m.table).rows, none, np.zeros(0, np.int64), np.zeros(0))
        for j in self.judges:
            j.warm(store)

    def run(self, begin: int, end: int, columns: Columns, offset: I8, up: int, shut: I8, outcome: U1, first: I4,
            cells: NDArray[Any], rules: NDArray[Any], rungs: NDArray[Any], store: Store) -> NDArray[Any]:  # fmt: skip
        """Score and decide rows [begin, end) that the pass before took; answers the signals to be, in their order."""
        self.named = {}
        room = (end - begin) * self.most
        rows, at = np.empty(room, np.int32), np.empty(room, np.int32)
        n = gather(begin, end, columns.series, outcome, first, cells, rules, rows, at)
        if n == 0:
            return np.zeros(0, EVENT)
        rows, at = rows[:n], at[:n]
        score, rule = np.full(n, np.nan), cells["rule"][at]
        for m in self.models:
            mine = np.flatnonzero(rule == m.rule)
            if len(mine) and m.parts is not None:
                place = cells["model"][at[mine]]
                score[mine] = m.parts.score(place, columns.t[rows[mine]], columns.value[rows[mine]])
            elif len(mine) and m.model is not None:
                table = store.table(m.table)
                slot = cells["model"][at[mine]]
                score[mine] = score_rows(m.model, table.rows, slot, columns.t[rows[mine]], columns.value[rows[mine]])
                table.dirty[slot] = 1
        told, when, said = score, columns.t[rows], []
        if self.judges:
            told, keep = score.copy(), np.ones(n, bool)
            for j in self.judges:
                mine = np.flatnonzero(rule == j.rule)
                if not len(mine):
                    continue
                answer = j.judge(store, columns, rows[mine], at[mine], cells["model"][at[mine]])
                of, keep[mine] = mine[answer.of], False
                score[of], told[of], when[of], keep[of] = answer.score, answer.value, answer.t, True
                said.append((j, rows[of], answer))
            if not keep.all():
                rows, at, score, told, when = rows[keep], at[keep], score[keep], told[keep], when[keep]
        decision = store.table("decision")
        events = np.zeros(n, EVENT)
        made = settle(
            rows, at, score, told, when, columns.series, columns.index, offset, up, shut, first, cells, rules,
            self._sides, rungs, decision.rows, decision.dirty, events,
        )  # fmt: skip
        for j, judged, answer in said:
            self._note(j, judged, answer, events[:made], cells)
        return events[:made]

    def _note(self, judge: Judge, rows: I4, said: Said, events: NDArray[Any], cells: NDArray[Any]) -> None:
        counts = np.bincount(said.reason, minlength=len(Reason)).tolist()
        for reason in Reason:
            if counts[reason] and reason not in (Reason.ok, Reason.incomplete):
                self.unknown[f"standard_{reason.name}"] += counts[reason]
        mine = events[cells["rule"][events["cell"]] == judge.rule]
        at = np.searchsorted(rows, mine["column"])  # a series has one cell of a scenario, so a row has one judgement
        columns = (mine["column"], mine["cell"], said.grade[at], said.table[at], said.t[at])
        for column, cell, grade, table, t in zip(*(c.tolist() for c in columns), strict=True):
            self.named[column, cell] = (*judge.names(grade, table), t)


def score_rows(model: Detector, rows: NDArray[Any], slot: I4, t: I8, value: F8) -> F8:
    """Scores of single readings; for a detector of groups each series is a group of one."""
    if not model.columns:
        return model.score(rows, slot, t, value)
    found: F8 = model.score(rows, slot, t, value[:, None])[:, 0]
    return found


@njit(cache=True, nogil=True)
def gather(begin: int, end: int, series: I4, outcome: U1, first: I4, cells: NDArray[Any], rules: NDArray[Any],
           rows: I4, at: I4) -> int:  # fmt: skip
    """Rows that were taken and cells of theirs whose scenario names a detector, in order; answers how many."""
    n = 0
    for i in range(begin, end):
        if outcome[i] == FINE:
            for c in range(first[series[i]], first[series[i] + 1]):
                if rules[cells[c].rule].kind == SCORE:
                    rows[n], at[n] = i, c
                    n += 1
    return n


@njit(cache=True, inline="always")
def turned(score: float, side: int) -> float:
    """A score with the side that counts made high; of both, its magnitude."""
    return abs(score) if side == BOTH else score if side == UP else -score


@njit(cache=True, nogil=True)
def settle(rows: I4, at: I4, score: F8, told: F8, when: I8, series: I4, index: I4, offset: I8, up: int, shut: I8,
           first: I4, cells: NDArray[Any], rules: NDArray[Any], sides: NDArray[np.int8], rungs: NDArray[Any],
           decision: NDArray[Any], dirty: U1, events: NDArray[Any]) -> int:  # fmt: skip
    """Decide on scores of times ``when``; ``events`` has room for all and says ``told``. Answers how many there are."""
    made = 0
    for k in range(len(rows)):
        i, c = rows[k], at[k]
        r, d = cells[c].rule, cells[c].decision
        x = turned(score[k], sides[r])
        if rules[r].hours and rules[r].hours & shut[i]:
            x = -np.inf
        action = decide_step(rules, r, rungs, decision, d, x, when[k])
        row = decision[d]
        if row.level and rules[r].quiet and row.up != up and meets(rules, r, x):
            row.up = up
            dirty[d] = 1
        if action == SAME:
            continue
        dirty[d] = 1
        if action != CHANGED:
            place, shadow = c - first[series[i]], cells[c].shadow
            note(events[made], i, c, place, shadow, action, row, offset[i], index[i], told[k])
            made += 1
    return made
