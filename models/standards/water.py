"""Surface-water class 地表水水质类别 of GB 3838: the worst single indicator decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from models.standards.model import (
    Answer,
    Grades,
    Input,
    Reads,
    Reason,
    RiskModel,
    TextInput,
    blank,
    count_met,
    equal,
    reasons,
)
from models.standards.table import F8, Table

CORE = ("DO", "CODMn", "NH3N")
"""Without these the class is a lower bound; total phosphorus is the fourth, under its name for rivers or lakes."""
APART = ("TN_lake", "fecal_coliform")
"""Judged on their own and no part of the class: 地表水环境质量评价办法(试行) 2011, section 1."""


@dataclass(frozen=True, slots=True)
class WaterClass(RiskModel):
    """Class I to V or worse: that of the worst indicator given.

    Columns are the table's rows in mg/L (pH without unit); ``water`` is ``river`` or ``lake`` and chooses the limits
    of total phosphorus. ``value`` is 1 to 5, 6 for worse than V (劣V类); ``worst`` the number of the row that decides,
    the first of equals. pH outside 6 to 9 is worse than V. Total nitrogen and faecal coliforms are given beside the
    class, as ``apart``, and do not decide it.

    Does not work as a yearly verdict from a single sample, nor for groundwater, the sea or drinking water, and judges
    no trace organic. An indicator that was not measured cannot worsen the class: while dissolved oxygen,
    permanganate index, ammonia or phosphorus is missing the answer is ``incomplete``. Source: GB 3838-2002, Table 1.
    """

    name: ClassVar[str] = "water"
    families: ClassVar[tuple[str, ...]] = ("water",)
    worst: ClassVar[bool] = True
    reads: ClassVar[Mapping[str, Reads]] = {
        "water": Reads(("I", "II", "III", "IV", "V"), (*CORE, "TP_river", "TP_lake"))
    }
    inputs: ClassVar[Mapping[str, Input | TextInput]] = {"water": TextInput("river or lake")}
    listed: ClassVar[Input | None] = Input("mg/L", "concentration; pH without unit, coliforms per litre", optional=True)
    grades: ClassVar[tuple[str, ...]] = ("", "I", "II", "III", "IV", "V", "worse")
    more: ClassVar[Mapping[str, str]] = {"worst": "row", "apart": "class"}

    def turns(self, tables: Mapping[str, Table], column: str) -> tuple[float, ...] | None:
        table = tables["water"]
        return (float(table.row("pH")[0]),) if column == "pH" and "pH" in table.rows else ()

    def _run(self, tables: Mapping[str, Table], columns: Mapping[str, Any]) -> Answer:
        table = tables["water"]
        lake = equal(columns["water"], "lake")
        given = np.array([r for r, row in enumerate(table.rows) if not blank(columns[row])], np.intp)
        each = np.zeros((len(given), len(lake)))
        for k, r in enumerate(given.tolist()):
            each[k] = self._class(table, r, columns[table.rows[r]], lake)
        apart = np.array([table.rows[r] in APART for r in given.tolist()], bool)
        classes = each[~apart]
        value = classes.max(axis=0, initial=0.0)
        sure = classes[table.verified[given][~apart]].max(axis=0, initial=0.0)
        phosphorus = np.where(lake, columns["TP_lake"], columns["TP_river"])
        incomplete = np.isnan(phosphorus)
        for row in CORE:
            incomplete |= np.isnan(columns[row])
        reason = reasons(len(value))
        reason[incomplete] = Reason.incomplete
        reason[value == 0] = Reason.missing_input
        reason[~lake & ~equal(columns["water"], "river")] = Reason.not_in_table
        worst = np.full(len(value), np.nan)
        for r, class_ in zip(given[~apart][::-1].tolist(), classes[::-1], strict=True):
            worst = np.where((class_ == value) & (value > 0), r, worst)
        beside = each[apart].max(axis=0, initial=0.0)
        return Answer(value, _grade(value), _grade(sure), reason,
                      {"worst": worst, "apart": np.where(beside > 0, beside, np.nan)})  # fmt: skip

    def _class(self, table: Table, r: int, x: F8, lake: Any) -> F8:
        """Class by one indicator, 1 to 6; 0 where it is not given or does not apply to this kind of water."""
        limits, applies = table.values[r], ~np.isnan(x)
        if not applies.any():
            return np.zeros(len(x))
        if table.rows[r] == "pH":
            out = np.where((x >= limits[0]) & (x <= limits[1]), 1.0, 6.0)
        elif table.less[r]:
            out = 1.0 + count_met(x.__lt__, limits, len(x))
        else:
            out = 1.0 + count_met(x.__gt__, limits, len(x))
        if table.rows[r].endswith("_lake"):
            applies &= lake
        elif table.rows[r].endswith("_river"):
            applies &= ~lake
        return np.where(applies, out, 0.0)


def _grade(value: Any) -> Grades:
    return np.where(value > 0, value, -1).astype(np.int8)
