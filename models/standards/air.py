"""Air quality index 空气质量指数 of HJ 633: one index a pollutant, the highest is the day's or the hour's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from models.standards.model import Answer, Grades, Input, Reason, RiskModel, blank, ladder, reasons
from models.standards.table import F8, StandardError, Table

SLACK = 1e-9
"""An index this far above a whole number is that number: what is left of the division is no pollution."""


@dataclass(frozen=True, slots=True)
class AirQuality(RiskModel):
    """AQI: the highest of the pollutants' indices, each linear between two break points and rounded up.

    Columns are the table's rows (``PM25_24h``, ``O3_1h`` ...), in its units: ug/m3, carbon monoxide mg/m3. Answers
    ``value`` the AQI, ``primary`` the bits of the pollutants that have it, in the order of the rows (0: AQI up to 50
    has none). Beyond the last break point of index 500 it is 500. A pollutant whose points end sooner (ozone by eight
    hours, sulphur dioxide by the hour) has no index beyond them: the answer is a lower bound, ``incomplete``, unless
    its other average is given and has one; so it is while one of the six pollutants is not given at all.

    Does not work on raw readings of seconds or minutes: the table is for averages, and who calls must average. It
    does not round concentrations beforehand. Which averages belong together (a daily or an hourly report) is the
    caller's to know. Source: HJ 633-2012, Table 1 and sections 4.2 and 4.3.
    """

    name: ClassVar[str] = "aqi"
    families: ClassVar[tuple[str, ...]] = ("aqi",)
    worst: ClassVar[bool] = True
    listed: ClassVar[Input | None] = Input("ug/m3", "average concentration; CO in mg/m3", optional=True)
    grades: ClassVar[tuple[str, ...]] = ("excellent", "good", "light", "moderate", "heavy", "severe")
    more: ClassVar[Mapping[str, str]] = {"primary": "bits"}

    def check(self, table: Table) -> None:
        if not (np.diff(_indices(table)) > 0).all():
            raise StandardError(f"{table.id}: columns: expected indices that rise, got {', '.join(table.columns)}")
        for row, points in zip(table.rows, table.values, strict=True):
            known = points[~np.isnan(points)]
            if len(known) < 2 or not (np.diff(known) > 0).all() or np.isnan(points[: len(known)]).any():
                raise StandardError(
                    f"{table.id}: rows: {row}: expected break points that rise, with gaps only at the end"
                )

    def turns(self, tables: Mapping[str, Table], column: str) -> tuple[float, ...] | None:
        table = tables["aqi"]
        if column not in table.rows:
            return ()
        return (float(np.nanmax(table.row(column))),)  # beyond the last point some have no index

    def _run(self, tables: Mapping[str, Table], columns: Mapping[str, Any]) -> Answer:
        table = tables["aqi"]
        index = _indices(table)
        given = [r for r, row in enumerate(table.rows) if not blank(columns[row])]
        each = np.full((len(given), len(columns[table.rows[0]])), np.nan)
        for k, r in enumerate(given):
            each[k] = _index(table.values[r], index, columns[table.rows[r]])
        value = _highest(each)
        sure = _highest(each[table.verified[given]])
        reason = reasons(len(value))
        reason[self._open(table, given, each) | np.isnan(value)] = Reason.incomplete
        reason[np.all([np.isnan(columns[table.rows[r]]) for r in given], axis=0)] = Reason.missing_input
        bits = (each == value) * (2.0 ** np.array(given))[:, None]
        primary = np.where(value > 50, bits.sum(axis=0), 0.0)
        return Answer(value, _grade(value), _grade(sure), reason, {"primary": primary})

    def _open(self, table: Table, given: Sequence[int], each: F8) -> Any:
        """Rows in which a pollutant has no index by any of its averages; ``each`` (given, n) are those given."""
        averages: dict[str, list[int]] = {row.rpartition("_")[0]: [] for row in table.rows}
        for k, r in enumerate(given):
            averages[table.rows[r].rpartition("_")[0]].append(k)
        open_ = np.full(each.shape[1], not all(averages.values()))
        for rows in filter(None, averages.values()):
            open_ |= np.isnan(each[rows]).all(axis=0)
        return open_


def _indices(table: Table) -> F8:
    try:
        return np.array([float(name.removeprefix("iaqi_")) for name in table.columns])
    except ValueError as error:
        raise StandardError(
            f"{table.id}: columns: expected iaqi_ and a number, got {', '.join(table.columns)}"
        ) from error


def _index(points: F8, index: F8, x: F8) -> F8:
    known = ~np.isnan(points)
    points, index = points[known], index[known]
    k = np.clip(np.searchsorted(points, x, side="left"), 1, len(points) - 1)
    low, high = points[k - 1], points[k]
    raw = index[k - 1] + (index[k] - index[k - 1]) * (np.minimum(x, points[-1]) - low) / (high - low)
    out = np.ceil(raw - SLACK)
    return np.where(x > points[-1], 500.0 if index[-1] == 500 else np.nan, out)


def _highest(each: F8) -> F8:
    best = np.where(np.isnan(each), -1.0, each).max(axis=0, initial=-1.0)
    return np.where(best < 0, np.nan, best)


def _grade(value: F8) -> Grades:
    grade = ladder(value, (50, 100, 150, 200, 300), reached=False)
    return np.where(np.isnan(value), -1, grade).astype(np.int8)
