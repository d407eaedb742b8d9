"""Scenarios that name a detector: all rows of one detector are scored together, in their order, then decided.

Any single-series detector of :mod:`models.registry` can be named whose state has one form whatever its settings: its
rows are in a table of its own. What needs several assets at once is no detector of a lane.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
from numba import njit
from numpy.typing import NDArray

from brain.kernel import EVENT, F8, FINE, U1, note
from models.autoregressive import AutoregressiveResidual
from models.combine import Combiner
from models.decision import CHANGED, SAME, SCORE, decide_step, meets
from models.detector import Detector
from models.novelty import PatternNovelty
from models.registry import DETECTORS
from models.seasonal import SeasonalProfile
from streams.decode import Columns
from streams.records import I4, I8
from streams.state import Store

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


def hint(value: str, names: Iterable[str]) -> str:
    """The nearest name, for an error; empty where none is near."""
    close = difflib.get_close_matches(value, list(names), 1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def near(value: str, names: Iterable[str]) -> str:
    """The nearest name, else all of them, for an error."""
    return hint(value, names) or f"; expected one of {', '.join(names)}"


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
    """The detectors of a lane's scenarios. ``most``: scenarios with one that a single series has."""

    def __init__(self, models: list[Model], cells: NDArray[Any], rules: NDArray[Any], first: I4) -> None:
        self.models = models
        self._sides = np.zeros(len(rules), np.int8)
        for m in models:
            self._sides[m.rule] = m.side
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

    def run(self, begin: int, end: int, columns: Columns, offset: I8, up: int, outcome: U1, first: I4,
            cells: NDArray[Any], rules: NDArray[Any], rungs: NDArray[Any], store: Store) -> NDArray[Any]:  # fmt: skip
        """Score and decide rows [begin, end) that the pass before took; answers the signals to be, in their order."""
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
        decision = store.table("decision")
        events = np.zeros(n, EVENT)
        made = settle(
            rows, at, score, columns.series, columns.t, columns.index, offset, up, first, cells, rules, self._sides,
            rungs, decision.rows, decision.dirty, events,
        )  # fmt: skip
        return events[:made]


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
def settle(rows: I4, at: I4, score: F8, series: I4, t: I8, index: I4, offset: I8, up: int, first: I4,
           cells: NDArray[Any], rules: NDArray[Any], sides: NDArray[np.int8], rungs: NDArray[Any],
           decision: NDArray[Any], dirty: U1, events: NDArray[Any]) -> int:  # fmt: skip
    """Decide on scores; ``events`` has room for all. Answers how many signals there are."""
    made = 0
    for k in range(len(rows)):
        i, c = rows[k], at[k]
        r, d = cells[c].rule, cells[c].decision
        x = turned(score[k], sides[r])
        action = decide_step(rules, r, rungs, decision, d, x, t[i])
        row = decision[d]
        if row.level and rules[r].quiet and row.up != up and meets(rules, r, x):
            row.up = up
            dirty[d] = 1
        if action == SAME:
            continue
        dirty[d] = 1
        if action != CHANGED:
            note(events[made], i, c, c - first[series[i]], action, row, offset[i], index[i], score[k])
            made += 1
    return made
