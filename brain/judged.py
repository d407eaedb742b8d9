"""Scenarios that name a risk model: readings are judged in columns, by the tables of their own days.

The score that the decision sees is the level: that of an unverified row or an experimental model stays at 1, so it can
warn and cannot escalate. What cannot be judged is unknown: it neither raises nor clears, and its reason is counted.
A model of several inputs sees, at each reading of any of them, the last value of all of them of that asset; values of
an asset that stand together in one record and have one time are judged once, after the last of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from brain.chinese.below import chinese
from brain.grades import Use
from brain.near import NONE, Both, joined, nears
from brain.scenarios import Scenario
from brain.stairs import Stairs, scores, stairs_of
from brain.standards import Library
from brain.unfit import Unfit
from models.standards.model import Input, Reason, TextInput
from models.standards.table import Bools, Standard
from streams.decode.columns import Columns
from streams.records import I4, I8
from streams.registry import Registry
from streams.state import Store

F8 = NDArray[np.float64]
U1 = NDArray[np.uint8]

INPUT = "standard.input"
INPUT_STATE = np.dtype([("t", "i8"), ("v", "f8")])
"""Last reading of one input of one scenario; 0 is "none yet"."""

UNIT_ONE = ("", "1")
"""Units of a number without one."""


class Wanted(NamedTuple):
    """Unit that a metric must have, and who wants it."""

    unit: str
    who: str


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


def judges_of(
    scenarios: Iterable[Scenario], library: Library, registry: Registry, cells: NDArray[Any], cell_series: I4,
    slots: Callable[[list[int]], I4],
) -> list[Judge]:  # fmt: skip
    """Those of a lane's scenarios; ``slots`` answers the rows of INPUT of cells, which are kept in the cells."""
    metrics = {name: k for k, name in enumerate(registry.metrics)}
    made = []
    for rule, scenario in enumerate(scenarios):
        use = scenario.use()
        if use is None:
            continue
        group, table = np.full(len(cells), -1, np.int32), np.zeros((0, len(use.inputs)), np.int32)
        if use.several():
            mine = np.flatnonzero(cells["rule"] == rule)
            rows, series = slots(mine.tolist()), cell_series[mine]
            assets, group[mine] = np.unique(registry.series_asset[series], return_inverse=True)
            table = np.full((len(assets), len(use.inputs)), -1, np.int32)
            for j, metric in enumerate(use.inputs.values()):
                those = registry.series_metric[series] == metrics.get(metric, -1)
                table[group[mine][those], j] = rows[those]
            cells["model"][mine] = rows
        made.append(Judge(rule, use, library.standards, group, table, stairs_of(use, library.standards)))
    return made


def check(scenario: Scenario, library: Library) -> None:
    """Hold a scenario against the tables of its set. Raises ValueError with the place in the scenario."""
    use = scenario.use()
    if use is None:
        return
    model = use.model
    for family in model.families:
        if family not in library.standards:
            there = ", ".join(sorted(library.standards)) or NONE
            raise Unfit(
                "detect.standard",
                "{name} needs a table of {family}; the set has {there}",
                name=model.name,
                family=family,
                there=there,
            )
    takes = model.takes(library.standards)
    for part, names in (("inputs", use.inputs), ("given", use.given)):
        for column in names:
            if column not in takes or (part == "inputs" and isinstance(takes[column], TextInput)):
                place = "match.metric" if column == scenario.match.metric else f"detect.{part}.{column}"
                close = nears(column, [name for name, kind in takes.items() if not isinstance(kind, TextInput)])
                raise Unfit(place, "{name} has no column {column!r}{near}", name=model.name, column=column, near=close)
    for column in use.inputs:
        units = library.units(model, column)
        if len(units) > 1:
            raise Unfit(
                "detect.standard",
                "editions have {column} in {units}: which is not known",
                column=column,
                units=joined(units, "and in"),
            )
    _check_levels(use, library)
    _check_names(use, library)


def _check_levels(use: Use, library: Library) -> None:
    """Whether the lowest grade that counts has a level in each edition."""
    model = use.model
    ratings = {model.name: model.levels}
    if model.families:
        ratings = {table.id: table.levels for table in library.standards[model.families[0]].tables}
    for id_, levels in ratings.items():
        rated = use.rate(levels)
        grade = model.grades[use.least]
        if (use.least and not rated[grade]) or not any(rated.values()):
            has = ", ".join(f"{g} {level}" for g, level in (use.levels or levels).items()) or Both(
                "没有等级", "no grade"
            )
            rates = "detect.levels" if use.levels else id_
            raise Unfit(
                "detect.grade_from",
                "expected a grade with a level above 0, got {got!r}: {rates} rates {has}; "
                "detect.levels can rate others",
                got=grade,
                rates=rates,
                has=has,
            )


def _check_names(use: Use, library: Library) -> None:
    """Whether the names that are the same for every reading are in any edition: else nothing were ever judged."""
    model, takes = use.model, use.model.takes(library.standards)
    names = {column: value for column, value in use.given.items() if isinstance(value, str)}
    tables = [table for family in model.families for table in library.standards[family].tables]
    times = np.array(sorted({max(table.since, 0) for table in tables} | {0}), np.int64)
    columns: dict[str, Any] = {column: np.full(len(times), value) for column, value in use.given.items()}
    for column in use.inputs:
        kind = takes[column]
        if isinstance(kind, Input):
            columns[column] = np.full(len(times), min(max(1.0, kind.low), kind.high))
    reason = model.judge(library.standards, times, columns).reason
    reason = reason[reason != Reason.no_table_in_force]
    if names and (reason == Reason.not_in_table).all():
        whats = {column: takes[column].what for column in names}
        wanted = Both(
            "; ".join(f"{column}: {chinese(what)}" for column, what in whats.items()),
            "; ".join(f"{column}: {what}" for column, what in whats.items()),
        )
        raise Unfit(
            "detect.given", "expected {wanted}; got {got}", wanted=wanted, got=", ".join(map(repr, names.values()))
        )


def units(scenarios: Iterable[Scenario], library: Library) -> dict[tuple[str, str], list[Wanted]]:
    """(type, metric) of assets → units that risk models want of them."""
    found: dict[tuple[str, str], list[Wanted]] = {}
    uses = [(scenario, use) for scenario in scenarios if (use := scenario.use()) is not None]
    for scenario, use in uses:
        for column, metric in use.inputs.items():
            wanted = Wanted(library.units(use.model, column)[0], f"{scenario.id} ({use.model.name}: {column})")
            found.setdefault((scenario.match.type, metric), []).append(wanted)
    return found


def unit_trouble(wanted: Iterable[Wanted], unit: str) -> Both | None:
    """What is wrong with a metric's unit; None where nothing is."""
    for want in wanted:
        if unit != want.unit and not (unit in UNIT_ONE and want.unit in UNIT_ONE):
            return Both(
                f"unit: 应为 {want.who} 采用的 {want.unit!r}, 实为 {unit!r}",
                f"unit: expected {want.unit!r}, which {want.who} takes, got {unit!r}",
            )
    return None


def check_units(scenario: Scenario, library: Library, registry: Registry) -> None:
    """Hold the units of a scenario's assets against those of the tables. Raises ValueError with asset and metric."""
    for (type_, metric), wanted in units([scenario], library).items():
        if type_ not in registry.types or metric not in registry.metrics:
            continue
        of_type = registry.asset_type[registry.series_asset] == registry.types.index(type_)
        mine = np.flatnonzero(of_type & (registry.series_metric == registry.metrics.index(metric)))
        for code in np.unique(registry.series_unit[mine]).tolist():
            trouble = unit_trouble(wanted, registry.units[code])
            if trouble:
                series = mine[registry.series_unit[mine] == code][0]
                raise Unfit(f"{registry.ids[registry.series_asset[series]]}: {metric}", "{trouble}", trouble=trouble)
