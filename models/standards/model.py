"""What all risk models share: columns in, one judgement a row out; dates, bad input and the limits of trust.

A model is a frozen dataclass of settings. ``judge`` cleans the columns, finds the tables of each event's own day and
hands the rows of one day's tables to the model, so a row's answer never depends on its neighbours. No clock, no file.
"""

from __future__ import annotations

import difflib
import enum
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.detector import LARGEST
from models.standards.table import F8, I8, Bools, Standard, StandardError, Table

Texts = NDArray[np.str_]
Grades = NDArray[np.int8]
Rate = Callable[[Mapping[str, int]], Mapping[str, int]]
"""Turns the levels of the grades that a table states into others."""

WARN = 1
"""Highest level of what rests on an unverified row or an experimental model."""


class Reason(enum.IntEnum):
    """Why there is an answer, or none. Closed list: the names are part of the contract."""

    ok = 0
    incomplete = 1
    """The grade is a lower bound: an input that could raise it is missing."""
    no_table_in_force = 2
    missing_input = 3
    bad_input = 4
    """Infinite, negative where that cannot be, or beyond any sensor."""
    not_in_table = 5
    """A substance, class or kind that the table of that day does not know."""
    outside_range = 6
    """The formula was not made for this distance, wind or state."""
    dense_gas = 7
    """Heavier than air or released liquefied: a passive plume does not describe it."""
    contradicts = 8
    """Inputs that cannot be true together."""


OK, INCOMPLETE, NO_TABLE_IN_FORCE, MISSING_INPUT, BAD_INPUT = (
    int(reason) for reason in (
        Reason.ok, Reason.incomplete, Reason.no_table_in_force, Reason.missing_input, Reason.bad_input
    )
)  # fmt: skip
"""Reasons as plain numbers, which columns take faster than members of an enumeration."""


class UnknownInput(ValueError):
    """A column that the model does not take."""


@dataclass(frozen=True, slots=True)
class Input:
    """A column of numbers: unit, what it may be, and whether the model can do without."""

    unit: str
    what: str
    low: float = 0.0
    high: float = LARGEST
    optional: bool = False


@dataclass(frozen=True, slots=True)
class TextInput:
    """A column of names, all from a closed list of the model or of its table; "" is missing."""

    what: str
    optional: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a model says of rows judged by the same tables, before dates and trust are applied.

    ``grade`` counts from 0 (nothing), -1 unknown; ``sure`` is the grade that verified rows alone give.
    """

    value: F8
    grade: Grades
    sure: Grades
    reason: NDArray[np.int8]
    more: Mapping[str, F8] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """One judgement a row; all columns have shape (n,).

    Attributes
    ----------
    value : the risk number (AQI, R, concentration, hours ...); NaN while unknown.
    grade : index into ``grades``, -1 unknown. What the standard of the day says, verified or not.
    level : 0 (nothing) to 4; never above 1 where only unverified rows, or an experimental model, say so.
    reason : :class:`Reason`.
    verified : whether verified rows alone give the same grade, and the model is not experimental.
    table : index of the edition of the model's first family, -1 where none was in force or none is needed.
    grades : names of the grades, from nothing to worst.
    more : further columns of numbers, by the names in the model's docstring.
    """

    value: F8
    grade: Grades
    level: Grades
    reason: NDArray[np.int8]
    verified: Bools
    table: NDArray[np.int16]
    grades: tuple[str, ...]
    more: Mapping[str, F8]

    def names(self) -> list[str]:
        """Name of each row's grade; "" where unknown."""
        return [self.grades[g] if g >= 0 else "" for g in self.grade]

    def reasons(self) -> list[str]:
        """Name of each row's reason."""
        return [Reason(r).name for r in self.reason]


@dataclass(frozen=True, slots=True)
class Reads:
    """What a model needs of a table: columns and rows by name, and columns whose numbers rise from row to row."""

    columns: tuple[str, ...]
    rows: tuple[str, ...] = ()
    rising: tuple[str, ...] = ()


class RiskModel:
    """Base of all risk models. A subclass names its families, inputs and grades and works one day's rows."""

    __slots__ = ()

    name: ClassVar[str]
    families: ClassVar[tuple[str, ...]] = ()
    """Families of tables that it needs; the first has the levels of the grades."""
    reads: ClassVar[Mapping[str, Reads]] = {}
    """What a table of each family must have."""
    inputs: ClassVar[Mapping[str, Input | TextInput]] = {}
    listed: ClassVar[Input | None] = None
    """Where given, each row of the first family is an optional column too, of this kind."""
    grades: ClassVar[tuple[str, ...]]
    levels: ClassVar[Mapping[str, int]] = {}
    """Levels of the grades of a model that needs no table."""
    more: ClassVar[Mapping[str, str]] = {}
    """Further columns that it answers, with units."""
    worst: ClassVar[bool] = False
    """Whether grade and trust are those of the worst column, each judged alone, and what has one has an answer."""
    experimental: ClassVar[bool] = False
    """No independent case was found: it may warn and never escalates."""

    def judge(
        self, standards: Mapping[str, Standard], t: I8, columns: Mapping[str, Any],
        rate: Rate | None = None,
    ) -> Judgement:  # fmt: skip
        """Judge events by the tables of their own days.

        Parameters
        ----------
        standards : by family; one that is absent counts as never in force.
        t : (n,) int64, event time in ms UTC.
        columns : by name, each (n,) of numbers or of text, or one value that is the same in every row; what is left
            out is missing in every row.
        rate : turns the levels of the grades that the table of the day states into others; limits of trust hold all
            the same.

        Raises
        ------
        UnknownInput : a column that the model does not take.
        ValueError : columns of different length.
        """
        t = np.asarray(t, np.int64)
        n = len(t)
        takes = self.takes(standards)
        self._known(columns, takes)
        data: dict[str, Any] = {}
        missing, bad = np.zeros(n, bool), np.zeros(n, bool)
        nothing = np.broadcast_to(np.nan, n)
        for name, kind in takes.items():
            if isinstance(kind, TextInput):
                data[name] = _text(name, columns.get(name), n)
                if not kind.optional:
                    missing |= equal(data[name], "")
            elif columns.get(name) is None:
                data[name] = nothing
                missing |= not kind.optional
            else:
                data[name], wrong = _numbers(name, columns[name], n, kind)
                if wrong is None:
                    continue
                bad |= wrong
                if not kind.optional:
                    missing |= np.isnan(data[name]) & ~wrong
        if not missing.any() and not bad.any() and (one := _one_day(standards, self.families, t)) is not None:
            return self._whole(standards, one, data, n, rate)
        out = _empty(n, self.more)
        reason = reasons(n)
        reason[missing] = MISSING_INPUT
        reason[bad] = BAD_INPUT
        editions = {family: _edition(standards, family, t) for family in self.families}
        for which in editions.values():
            reason[which < 0] = NO_TABLE_IN_FORCE
        table = next(iter(editions.values())) if editions else np.full(n, -1)
        for rows, tables in self._days(standards, editions, np.flatnonzero(reason == OK)):
            answer = self._run(tables, {name: column[rows] for name, column in data.items()})
            out.put(rows, answer, self._level(answer, tables, rate))
            reason[rows] = answer.reason
        return self._judgement(out, reason, table.astype(np.int16))

    def _whole(
        self, standards: Mapping[str, Standard], one: Mapping[str, int], data: Mapping[str, Any], n: int,
        rate: Rate | None,
    ) -> Judgement:  # fmt: skip
        """Judge rows that are all complete and have the same editions, as most columns are: nothing is picked out."""
        tables = {family: standards[family].tables[which] for family, which in one.items()}
        answer = self._run(tables, data)
        out = _Out(answer.value, answer.grade, answer.sure, self._level(answer, tables, rate), dict(answer.more))
        return self._judgement(out, answer.reason, np.full(n, next(iter(one.values()), -1), np.int16))

    def _judgement(self, out: _Out, reason: NDArray[np.int8], table: NDArray[np.int16]) -> Judgement:
        same = (out.grade == out.sure) & (out.grade >= 0)
        if all_answered(reason):
            verified = same & (not self.experimental)
            return Judgement(out.value, out.grade, out.level, reason, verified, table, self.grades, out.more)
        known = answered(reason)
        return Judgement(
            np.where(known, out.value, np.nan), np.where(known, out.grade, -1).astype(np.int8),
            np.where(known, out.level, 0).astype(np.int8), reason, known & same & (not self.experimental),
            table, self.grades,
            {name: np.where(known, column, np.nan) for name, column in out.more.items()},
        )  # fmt: skip

    def check(self, table: Table) -> None:
        """Whether a table is one that the model can use. Raises StandardError, with the place in the table."""
        reads = self.reads.get(table.family, Reads(()))
        for column in reads.columns:
            table.column(column)
        for row in reads.rows:
            table.row(row)
        for column in reads.rising:
            if not (np.diff(table.column(column)) > 0).all():
                raise StandardError(f"{table.id}: rows: expected {column} to rise from row to row")

    def turns(self, tables: Mapping[str, Table], column: str) -> tuple[float, ...] | None:
        """Values of a column between which grade and trust go one way, all other columns being the same in every row.

        A turn belongs to what lies below it. The reason must follow from grade and trust between turns. None: the
        model does not say, and judges each row. :mod:`models.standards.steps` makes a staircase of it.
        """
        return None

    def in_force(self, standards: Mapping[str, Standard], t: int) -> dict[str, Table] | None:
        """The edition of each family at a time, ms; None where one is not in force."""
        one = _one_day(standards, self.families, np.array([t], np.int64))
        return None if one is None else {family: standards[family].tables[which] for family, which in one.items()}

    def _run(self, tables: Mapping[str, Table], columns: Mapping[str, Any]) -> Answer:
        """Judge rows that are complete and have the same tables; columns are clean: finite, in range, or NaN."""
        raise NotImplementedError

    def _level(self, answer: Answer, tables: Mapping[str, Table], rate: Rate | None) -> Grades:
        levels = tables[self.families[0]].levels if self.families else self.levels
        levels = levels if rate is None else rate(levels)
        by_grade = np.array([levels.get(grade, 0) for grade in self.grades] + [0], np.int8)  # -1 takes the last: 0
        said, sure = by_grade[answer.grade], by_grade[answer.sure]
        trusted = np.zeros_like(sure) if self.experimental else sure
        return np.maximum(trusted, np.minimum(said, WARN)).astype(np.int8)

    def takes(self, standards: Mapping[str, Standard]) -> dict[str, Input | TextInput]:
        """All columns that it takes: its own, and the rows of the first family's tables where it lists them."""
        if self.listed is None or self.families[0] not in standards:
            return dict(self.inputs)
        rows = {row: self.listed for table in standards[self.families[0]].tables for row in table.rows}
        return {**self.inputs, **rows}

    def _known(self, columns: Mapping[str, Any], names: Mapping[str, Any]) -> None:
        for name in columns:
            if name not in names:
                close = difflib.get_close_matches(name, list(names), 1)
                hint = f" (did you mean {close[0]!r}?)" if close else f"; it takes {', '.join(names)}"
                raise UnknownInput(f"{self.name}: unknown input {name!r}{hint}")

    def _days(
        self, standards: Mapping[str, Standard], editions: Mapping[str, NDArray[np.intp]], rows: NDArray[np.intp]
    ) -> Iterator[tuple[NDArray[np.intp], dict[str, Table]]]:
        if not len(rows):
            return
        several = any((which[rows] != which[rows[0]]).any() for which in editions.values())
        if not several:  # as most columns are: sorting is dear
            yield rows, {f: standards[f].tables[int(which[rows[0]])] for f, which in editions.items()}
            return
        keys = np.stack([which[rows] for which in editions.values()], axis=1)
        for key in np.unique(keys, axis=0):
            tables = {f: standards[f].tables[int(i)] for f, i in zip(editions, key, strict=True)}
            yield rows[(keys == key).all(axis=1)], tables


@dataclass(slots=True, eq=False)
class _Out:
    value: F8
    grade: Grades
    sure: Grades
    level: Grades
    more: dict[str, F8]

    def put(self, rows: NDArray[np.intp], answer: Answer, level: Grades) -> None:
        self.value[rows], self.level[rows] = answer.value, level
        self.grade[rows], self.sure[rows] = answer.grade, answer.sure
        for name, column in answer.more.items():
            self.more[name][rows] = column


def _empty(n: int, more: Mapping[str, str]) -> _Out:
    none = np.full(n, -1, np.int8)
    extra = {name: np.full(n, np.nan) for name in more}
    return _Out(np.full(n, np.nan), none, none.copy(), np.zeros(n, np.int8), extra)


def _edition(standards: Mapping[str, Standard], family: str, t: I8) -> NDArray[np.intp]:
    return standards[family].edition(t) if family in standards else np.full(len(t), -1)


def _one_day(standards: Mapping[str, Standard], families: Sequence[str], t: I8) -> dict[str, int] | None:
    """The edition of each family that is in force at all times; None where they differ, one is not, or there is no
    time. Editions do not overlap, so it is enough to ask at the first and at the last."""
    if not len(t):
        return None
    bounds, found = np.array([t.min(), t.max()]), dict[str, int]()
    for family in families:
        first, last = _edition(standards, family, bounds).tolist()
        if first != last or first < 0:
            return None
        found[family] = first
    return found


def _numbers(name: str, given: Any, n: int, kind: Input) -> tuple[F8, Bools | None]:
    """A column (n,), and which are bad: (n,), or () where one value was given for all rows; None where all are good
    and known."""
    if isinstance(given, float | int) and kind.low <= given <= kind.high:
        return np.full(n, given, np.float64), None
    column = np.array(given, np.float64)
    if column.shape not in ((n,), ()):
        raise ValueError(f"{name}: expected {n} numbers, got shape {column.shape}")
    bad: Bools = np.asarray(~np.isnan(column) & ~((column >= kind.low) & (column <= kind.high)))
    if bad.any():
        column[bad] = np.nan
    return (column, bad) if column.shape else (np.full(n, column), bad)


def _text(name: str, given: Any, n: int) -> Texts:
    if given is None:
        given = ""
    column = np.asarray(given, np.str_)
    if column.shape not in ((n,), ()):
        raise ValueError(f"{name}: expected {n} texts, got shape {column.shape}")
    return column if column.shape else np.broadcast_to(column, n)


def equal(column: Texts, name: str) -> Bools:
    """Whether rows have a name, (n,); texts are dear to compare, so those that are one for all rows are once."""
    same: Bools = np.full(len(column), column[0] == name) if _one(column) else column == name
    return same


def blank(column: F8) -> bool:
    """Whether a column was not given at all, or as NaN for every row at once."""
    return _one(column) and math.isnan(column[0])


def _one(column: NDArray[Any]) -> bool:
    return len(column) > 0 and column.strides == (0,)


def count_met(met: Callable[[float], Bools], bounds: F8, n: int) -> Grades:
    """How many of a few bounds each of n rows meets, (n,)."""
    found = np.zeros(n, np.int8)
    for bound in bounds.tolist():
        found += met(bound)
    return found


def answered(reason: NDArray[np.int8]) -> Bools:
    """Whether a reason stands beside an answer."""
    known: Bools = (reason == OK) | (reason == INCOMPLETE)
    return known


def all_answered(reason: NDArray[np.int8]) -> bool:
    """Whether every row has an answer; one look where :func:`answered` makes a column."""
    return not len(reason) or int(reason.max()) <= INCOMPLETE


def reasons(n: int) -> NDArray[np.int8]:
    """A column of ``Reason.ok`` to write into."""
    return np.zeros(n, np.int8)


def ladder(x: F8, bounds: Sequence[float] | F8, *, reached: bool = True) -> Grades:
    """How many of the ascending bounds a value reaches (or, not ``reached``, exceeds), (n,); NaN reaches none."""
    steps = np.searchsorted(np.asarray(bounds, np.float64), x, side="right" if reached else "left")
    return np.where(np.isnan(x), 0, steps).astype(np.int8)
