"""Combustible and toxic gas 可燃气体、有毒气体: alarm steps of GB/T 50493 on %LEL and on occupational limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from models.standards.model import Answer, Grades, Input, Reads, Reason, RiskModel, TextInput, ladder, reasons
from models.standards.table import F8, Table

GRADES = ("below", "first", "second")


@dataclass(frozen=True, slots=True)
class CombustibleGas(RiskModel):
    """First and second step of a combustible-gas alarm, from the share of the lower explosive limit.

    ``value`` is the %LEL as given. The steps are the highest set points that the standard allows: a detector of a
    site may be set lower, and its own alarm then comes first. Does not work on a reading in ppm or %vol that was not
    turned into %LEL of the very gas, nor in air short of oxygen, where catalytic sensors read low. Source: GB/T
    50493-2019, 5.5.2.
    """

    name: ClassVar[str] = "combustible_gas"
    families: ClassVar[tuple[str, ...]] = ("gas.alarm",)
    reads: ClassVar[Mapping[str, Reads]] = {
        "gas.alarm": Reads(("first", "second"), ("combustible", "toxic", "toxic_idlh"))
    }
    inputs: ClassVar[Mapping[str, Input | TextInput]] = {"lel": Input("%LEL", "share of the lower explosive limit")}
    grades: ClassVar[tuple[str, ...]] = GRADES

    def turns(self, tables: Mapping[str, Table], column: str) -> tuple[float, ...] | None:
        return () if column == "lel" else None

    def _run(self, tables: Mapping[str, Table], columns: Mapping[str, Any]) -> Answer:
        table, x = tables["gas.alarm"], columns["lel"]
        grade = ladder(x, table.row("combustible"))
        return Answer(x, grade, _sure(table, "combustible", grade), reasons(len(x)))


@dataclass(frozen=True, slots=True)
class ToxicGas(RiskModel):
    """First and second step of a toxic-gas alarm: 100 % and 200 % of the occupational exposure limit.

    ``gas`` is a row of the table ``gas.limit``, ``mg_m3`` its concentration. The limit is the highest permissible
    concentration (MAC) where there is one, else the time-weighted average (PC-TWA). ``value`` is % of that limit,
    ``limit`` the limit in mg/m3. Where the detector cannot measure as little as the limit, the standard sets the steps
    by the concentration immediately dangerous to life: give ``least_mg_m3`` and they are 5 % and 10 % of IDLH.

    Does not work as a verdict on exposure over a shift, which is a mean over eight hours, nor for mixtures. Readings
    in ppm must be turned into mg/m3 at the site's temperature first. Source: GB/T 50493-2019, 5.5.2; GBZ 2.1.
    """

    name: ClassVar[str] = "toxic_gas"
    families: ClassVar[tuple[str, ...]] = ("gas.alarm", "gas.limit")
    reads: ClassVar[Mapping[str, Reads]] = {
        "gas.alarm": Reads(("first", "second"), ("combustible", "toxic", "toxic_idlh")),
        "gas.limit": Reads(("mac", "twa", "idlh")),
    }
    inputs: ClassVar[Mapping[str, Input | TextInput]] = {
        "gas": TextInput("row of the table gas.limit"),
        "mg_m3": Input("mg/m3", "concentration"),
        "least_mg_m3": Input("mg/m3", "least that the detector measures", optional=True),
    }
    grades: ClassVar[tuple[str, ...]] = GRADES
    more: ClassVar[Mapping[str, str]] = {"limit": "mg/m3"}

    def turns(self, tables: Mapping[str, Table], column: str) -> tuple[float, ...] | None:
        return () if column == "mg_m3" else None

    def _run(self, tables: Mapping[str, Table], columns: Mapping[str, Any]) -> Answer:
        alarm, limits = tables["gas.alarm"], tables["gas.limit"]
        names, row = list(limits.rows), np.full(len(columns["gas"]), -1)
        for r, name in enumerate(names):
            row[columns["gas"] == name] = r
        known = row >= 0
        mac, twa, idlh = (limits.column(c)[row] for c in ("mac", "twa", "idlh"))
        limit = np.where(np.isnan(mac), twa, mac)
        steps, danger = alarm.row("toxic"), alarm.row("toxic_idlh")
        short = columns["least_mg_m3"] > limit
        x = columns["mg_m3"]
        grade = _steps(x, limit, steps)
        grade = np.where(short, _steps(x, idlh, danger), grade).astype(np.int8)
        trusted = limits.verified[row] & known
        sure = np.where(trusted, np.where(short, _sure(alarm, "toxic_idlh", grade), _sure(alarm, "toxic", grade)), 0)
        reason = reasons(len(x))
        reason[short & np.isnan(idlh)] = Reason.not_in_table
        reason[~known] = Reason.not_in_table
        return Answer(100 * x / limit, grade, sure.astype(np.int8), reason, {"limit": limit})


def _steps(x: F8, limit: F8, percent: F8) -> Grades:
    reached = x[:, None] * 100 >= limit[:, None] * percent[None, :]
    return np.asarray(reached.sum(axis=1), np.int8)


def _sure(table: Table, row: str, grade: Grades) -> Grades:
    return grade if table.verified[table.rows.index(row)] else np.zeros_like(grade)
