"""Tables of a standard and which of them is in force at an event's own time; plain values in, no file read here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
Bools = NDArray[np.bool_]

ALWAYS, FOREVER = -(2**63), 2**63 - 1
"""Bounds of a table without a first or a last day."""


class StandardError(ValueError):
    """A table or a set of tables that contradicts itself; the message names the table and the place."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """One edition of a table: rows by name, columns by name, numbers, and which rows were read in an official text.

    Parameters
    ----------
    id : of the edition, as ``hj633-2012``.
    family : what it is an edition of, as ``aqi``; editions of one family never overlap in time.
    since, until : ms UTC; in force at ``since <= t < until``.
    columns, rows : names; a row is addressed by the name of the substance, signal or indicator.
    values : (rows, columns) float64; NaN where the table has no number.
    verified : (rows,) whether the row was read in a text of the standard or a quotation of it. One that was not may
        warn and never escalates.
    less : (rows,) whether less is worse (dissolved oxygen).
    levels : level 0 to 4 of each grade that the table knows.
    """

    id: str
    family: str
    since: int
    until: int
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    values: F8
    verified: Bools
    less: Bools
    levels: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shape = (len(self.rows), len(self.columns))
        if self.values.shape != shape or not self.verified.shape == self.less.shape == shape[:1]:
            raise StandardError(f"{self.id}: values: expected shape {shape}, got {self.values.shape}")
        if self.since >= self.until:
            raise StandardError(f"{self.id}: until: expected a day after {self.since}, got {self.until}")
        if len(set(self.rows)) != len(self.rows) or len(set(self.columns)) != len(self.columns):
            raise StandardError(f"{self.id}: rows: expected each row and column once")
        if np.isinf(self.values).any():
            raise StandardError(f"{self.id}: rows: expected finite numbers")

    def content(self) -> tuple[object, ...]:
        """All of it as plain values: tables of one content are one edition, however often it was read."""
        numbers = self.values.tobytes(), self.verified.tobytes(), self.less.tobytes()
        levels = tuple(self.levels.items())
        return self.id, self.family, self.since, self.until, self.columns, self.rows, *numbers, levels

    def column(self, name: str) -> F8:
        """All rows of one column, (rows,). Raises StandardError where the table has no such column."""
        if name not in self.columns:
            raise StandardError(f"{self.id}: columns: expected {name!r} among {', '.join(self.columns)}")
        column: F8 = self.values[:, self.columns.index(name)]
        return column

    def row(self, name: str) -> F8:
        """All columns of one row, (columns,). Raises StandardError where the table has no such row."""
        if name not in self.rows:
            raise StandardError(f"{self.id}: rows: expected {name!r} among {', '.join(self.rows)}")
        row: F8 = self.values[self.rows.index(name)]
        return row

    def number(self, row: str, column: str) -> float:
        """One number; NaN where the table leaves it empty. Raises StandardError on a name that it does not have."""
        self.column(column)
        return float(self.row(row)[self.columns.index(column)])


class Standard:
    """All editions of one family, and which is in force when."""

    __slots__ = ("_since", "_until", "family", "tables")

    def __init__(self, family: str, tables: Sequence[Table]) -> None:
        """Raises StandardError where two editions overlap, or one is of another family."""
        self.family = family
        self.tables = tuple(sorted(tables, key=lambda table: table.since))
        for table in self.tables:
            if table.family != family:
                raise StandardError(f"{table.id}: family: expected {family!r}, got {table.family!r}")
        for a, b in zip(self.tables, self.tables[1:], strict=False):
            if b.since < a.until:
                raise StandardError(
                    f"{b.id}: from: expected a day after the last one of {a.id}, which is still in force"
                )
        self._since = np.array([table.since for table in self.tables], np.int64)
        self._until = np.array([table.until for table in self.tables], np.int64)

    def edition(self, t: I8) -> NDArray[np.intp]:
        """Index of the table in force at each time, (n,); -1 where none is."""
        at = np.searchsorted(self._since, t, side="right") - 1
        if not self.tables:
            return at
        return np.where((at >= 0) & (t < self._until[np.maximum(at, 0)]), at, -1)
