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

from brain.kernel import BOTH, DOWN, F8, FINE, NOT_JUDGED, SCORED, U1, UP, turned
from brain.near import hints, nears
from brain.unfit import Unfit, both
from models.autoregressive import AutoregressiveResidual
from models.combine import Combiner
from models.decision import SCORE
from models.detector import Detector
from models.novelty import PatternNovelty
from models.registry import DETECTORS
from models.seasonal import SeasonalProfile
from models.standards.model import Reason, all_answered
from streams.decode.columns import Columns
from streams.records import I4, I8
from streams.state import Store

if TYPE_CHECKING:  # a scenario's detector is checked here, and what judges is made of scenarios
    from brain.judged import Judge, Said, Seen

__all__ = ["SIDES", "SINGLE", "TABLES", "Model", "Parts", "Scored", "detector", "score_rows", "table_of", "turned"]

SINGLE = (
    "robust", "quantile", "level_shift", "rate", "flatline", "drift", "noise", "spike", "seasonal", "autoregressive",
    "novelty",
)  # fmt: skip
"""Detectors that score each reading of a series by itself; ``ewma`` has a form of its own, ``ewma_deviation``."""

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
        raise Unfit("detect.detector", "unknown {name!r}{near}", name=name, near=nears(name, (*SINGLE, *others)))
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
    fields = DETECTORS[name].__dataclass_fields__  # type: ignore[attr-defined]  # every detector is a dataclass
    known = [field for field in fields if field != "neighbours"]
    for key in given:
        if key not in known:
            raise Unfit(
                f"detect.settings.{key}",
                "{name} has {known}{near}",
                name=name,
                known=", ".join(known),
                near=hints(key, known),
            )
    try:
        model = DETECTORS[name](**given)
    except (TypeError, ValueError) as error:
        raise Unfit("", "detect.settings.{said}", said=both(error)) from error
    if model.state != TABLES.get(table_of(name, model)):
        raise Unfit(
            "detect.settings", "{name} keeps state of the form of its defaults; leave out what changes it", name=name
        )
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


class _Group(NamedTuple):
    """Cells scored in one call: those of all scenarios with the same detector and settings, or those of one judge."""

    model: Detector | None
    table: str
    parts: Parts | None
    judge: Judge | None


NO_SCORES = np.zeros(0, SCORED)


class Scored:
    """The detectors and risk models of a lane's scenarios. ``sides``: of each rule, which side of the score counts.

    ``unknown``: judgements that gave nothing, by reason, since it was cleared.
    """

    def __init__(
        self, models: list[Model], judges: list[Judge], cells: NDArray[Any], rules: NDArray[Any], first: I4
    ) -> None:
        self.unknown: Counter[str] = Counter()
        self.sides = np.zeros(len(rules), np.int8)
        self._groups: list[_Group] = []
        group_of = np.full(len(rules), -1, np.int32)
        alike: dict[tuple[str, str], int] = {}
        for m in models:
            self.sides[m.rule] = m.side
            name = (m.table, repr(m.model))
            if m.parts is None and name in alike:
                group_of[m.rule] = alike[name]
                continue
            group_of[m.rule] = len(self._groups)
            if m.parts is None:
                alike[name] = len(self._groups)
            self._groups.append(_Group(m.model, m.table, m.parts, None))
        for j in judges:
            self.sides[j.rule] = UP
            group_of[j.rule] = len(self._groups)
            self._groups.append(_Group(None, "", None, j))
        scored = rules["kind"][cells["rule"]] == SCORE
        self._cell = np.flatnonzero(scored).astype(np.int32)
        self._group = group_of[cells["rule"][self._cell]]
        self._slot = np.ascontiguousarray(cells["model"][self._cell])
        self._first = np.concatenate(([0], np.cumsum(scored)))[first].astype(np.int32)
        self._rule = np.ascontiguousarray(cells["rule"])
        self._judged: dict[int, Judge] = {j.rule: j for j in judges}
        self._said: dict[int, Said] = {}
        self._seen: dict[int, Seen] = {}

    def warm(self, store: Store) -> None:
        """Have the kernels compiled, or loaded, that a run over nothing does not come to."""
        none, t, v = np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0)
        for g in self._groups:
            if g.judge is not None:
                g.judge.warm(store)
                _put(none, np.zeros(0, np.intp), v, v, t, NO_SCORES)
            elif g.parts is not None:
                _spread(none, g.parts.score(none, t, v), NO_SCORES)
            elif g.model is not None:
                _spread(none, score_rows(g.model, store.table(g.table).rows, none, t, v), NO_SCORES)

    def run(self, begin: int, end: int, columns: Columns, outcome: U1, store: Store) -> NDArray[Any]:
        """Score readings [begin, end) that were admitted, of each group together; rows of SCORED, in their order."""
        self._said, self._seen = {}, {}
        if not len(self._cell):
            return NO_SCORES
        counts = np.zeros(len(self._groups) + 1, np.int64)
        _count(begin, end, columns.series, outcome, self._first, self._group, counts)
        bounds = np.cumsum(counts)
        n = int(bounds[-1])
        out, place = np.empty(n, SCORED), np.empty(n, np.int32)
        slot, t, value = np.empty(n, np.int32), np.empty(n, np.int64), np.empty(n)
        _gather(
            begin, end, columns.series, columns.t, columns.value, outcome, self._first, self._cell, self._group,
            self._slot, bounds[:-1].copy(), out, place, slot, t, value,
        )  # fmt: skip
        for g, a, b in zip(self._groups, bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            if a == b:
                continue
            mine = place[a:b]
            if g.judge is not None:
                rows, cells = out["column"][mine], out["cell"][mine]
                seen = g.judge.seen(store, columns, rows, cells, slot[a:b], t[a:b], value[a:b])
                _put(mine, seen.of, *self._judge(g.judge, seen), seen.t, out)
            elif g.parts is not None:
                _spread(mine, g.parts.score(slot[a:b], t[a:b], value[a:b]), out)
            elif g.model is not None:
                table = store.table(g.table)
                _spread(mine, score_rows(g.model, table.rows, slot[a:b], t[a:b], value[a:b]), out)
                table.dirty[slot[a:b]] = 1
        return out

    def _judge(self, judge: Judge, seen: Seen) -> tuple[F8, F8]:
        """Scores for the decision, and what is said; the model itself is asked where there are no staircases."""
        if judge.stairs is not None:
            score = np.empty(len(seen.t))
            self._tell(judge.climb(seen, score))
            self._seen[judge.rule] = seen
            return score, score
        said = self._said[judge.rule] = judge.judge(seen)
        if not all_answered(said.reason):
            self._tell(dict(enumerate(np.bincount(said.reason).tolist())))
        return said.score, said.value

    def _tell(self, counts: Mapping[int, int]) -> None:
        for reason, n in counts.items():
            if n and reason not in (Reason.ok, Reason.incomplete):
                self.unknown[f"standard_{Reason(reason).name}"] += n

    def explain(self, events: NDArray[Any]) -> None:
        """Ask the models themselves of the few readings of staircases that signals come of, for :meth:`named`; the
        ``score`` of these events becomes the model's number."""
        if not self._seen:
            return
        rules = self._rule[events["cell"]]
        for rule in np.unique(rules).tolist():
            if rule in self._seen:
                mine = np.flatnonzero(rules == rule)
                said = self._judged[rule].judge(self._seen[rule].pick(events["column"][mine]))
                events["score"][mine] = said.value
                self._said[rule] = said

    def named(self, rule: int, column: int) -> tuple[str, str, int] | None:
        """Of a reading of the last run: table that judged, grade, time of the judgement; None where no table does."""
        if rule not in self._said:
            return None
        said = self._said[rule]
        at = int(np.searchsorted(said.row, column))
        return (*self._judged[rule].names(int(said.grade[at]), int(said.table[at])), int(said.t[at]))


def score_rows(model: Detector, rows: NDArray[Any], slot: I4, t: I8, value: F8) -> F8:
    """Scores of single readings; for a detector of groups each series is a group of one."""
    if not model.columns:
        return model.score(rows, slot, t, value)
    found: F8 = model.score(rows, slot, t, value[:, None])[:, 0]
    return found


@njit(cache=True, nogil=True)
def _count(begin: int, end: int, series: I4, outcome: U1, first: I4, group: I4, counts: I8) -> None:
    """Scored cells of admitted readings, by group; the count of group g at g + 1."""
    for i in range(begin, end):
        if outcome[i] == FINE:
            for k in range(first[series[i]], first[series[i] + 1]):
                counts[group[k] + 1] += 1


@njit(cache=True, nogil=True)
def _gather(begin: int, end: int, series: I4, t: I8, value: F8, outcome: U1, first: I4, cell: I4, group: I4, slot: I4,
            at: I8, out: NDArray[Any], place: I4, slots: I4, times: I8, values: F8) -> None:  # fmt: skip
    """Readings in scored cells, in order, into ``out``; the columns of each group together, from its ``at`` on."""
    n = 0
    for i in range(begin, end):
        if outcome[i] == FINE:
            for k in range(first[series[i]], first[series[i] + 1]):
                out[n].column = i
                out[n].cell = cell[k]
                out[n].t = t[i]
                g = group[k]
                p = at[g]
                place[p], slots[p], times[p], values[p] = n, slot[k], t[i], value[i]
                at[g] += 1
                n += 1


@njit(cache=True, nogil=True)
def _spread(place: I4, score: F8, out: NDArray[Any]) -> None:
    """Put the scores of a group where their readings are."""
    for k in range(len(place)):
        out[place[k]].score = score[k]
        out[place[k]].told = score[k]


@njit(cache=True, nogil=True)
def _put(place: I4, of: NDArray[np.intp], score: F8, told: F8, t: I8, out: NDArray[Any]) -> None:
    """Put judgements where the readings are that they are of; what is not judged says so."""
    at = 0
    for k in range(len(place)):
        p = place[k]
        if at < len(of) and of[at] == k:
            out[p].score, out[p].told, out[p].t = score[at], told[at], t[at]
            at += 1
        else:
            out[p].cell = NOT_JUDGED
