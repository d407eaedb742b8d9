"""Elevator, kitchen and market 电梯、厨房、市场: people trapped, fumes from cooking, food too warm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from models.standards.model import Answer, Input, Reads, Reason, RiskModel, TextInput, ladder, reasons
from models.standards.table import Table


@dataclass(frozen=True, slots=True)
class Elevator(RiskModel):
    """People trapped in a lift, and whether the rescuers are overdue.

    ``trapped`` persons (1 where it is only known that someone is), ``minutes`` since it was reported, ``arrived`` 1
    once the maintenance unit is there, ``place`` ``urban`` or ``other``. ``value`` is minutes left, negative when
    overdue, NaN once they are there or nobody is trapped. Trapped people count as such whatever the table says; only
    how long the way may take comes from it.

    Does not work as a measure of danger to those inside (heat, illness). Cities have set shorter times of their own.
    Source: TSG T5002-2017; its number was not read in the text here.
    """

    name: ClassVar[str] = "elevator"
    families: ClassVar[tuple[str, ...]] = ("elevator.rescue",)
    reads: ClassVar[Mapping[str, Reads]] = {"elevator.rescue": Reads(("minutes",))}
    inputs: ClassVar[Mapping[str, Input | TextInput]] = {
        "trapped": Input("persons", "people trapped", high=1000),
        "minutes": Input("min", "since it was reported", high=1e6),
        "place": TextInput("urban or other"),
        "arrived": Input("0 or 1", "whether the rescuers are there", high=1, optional=True),
    }
    grades: ClassVar[tuple[str, ...]] = ("none", "trapped", "overdue")

    def _run(self, tables: Mapping[str, Table], columns: Mapping[str, Any]) -> Answer:
        table, place = tables["elevator.rescue"], columns["place"]
        limit, trusted = np.full(len(place), np.nan), np.zeros(len(place), bool)
        for r, row in enumerate(table.rows):
            limit[place == row], trusted[place == row] = table.number(row, "minutes"), table.verified[r]
        waiting = (columns["trapped"] > 0) & ~(columns["arrived"] > 0)
        left = np.where(waiting, limit - columns["minutes"], np.nan)
        trapped = (columns["trapped"] > 0).astype(np.int8)
        late = waiting & (left < 0)
        reason = reasons(len(place))
        reason[~np.isin(place, table.rows)] = Reason.not_in_table
        grade = (trapped + late).astype(np.int8)
        return Answer(left, grade, np.where(trusted, grade, trapped).astype(np.int8), reason)


@dataclass(frozen=True, slots=True)
class KitchenFume(RiskModel):
    """Cooking fumes at a restaurant's outlet against the limit, and the cleaner's efficiency against its minimum.

    ``fume_mg_m3`` converted to reference air, ``stoves`` the number of reference stoves (may be a fraction),
    ``removal_pct`` efficiency of the cleaner. ``value`` is fume over limit. Without the efficiency the answer is of the
    concentration alone. Does not work on raw readings of cheap sensors, which see steam; for gas in a kitchen take
    ``combustible_gas``. Some cities have stricter limits. Source: GB 18483-2001, Tables 1 and 2.
    """

    name: ClassVar[str] = "kitchen_fume"
    families: ClassVar[tuple[str, ...]] = ("kitchen.fume",)
    reads: ClassVar[Mapping[str, Reads]] = {
        "kitchen.fume": Reads(("from_stoves", "limit_mg_m3", "removal_pct"), rising=("from_stoves",))
    }
    inputs: ClassVar[Mapping[str, Input | TextInput]] = {
        "fume_mg_m3": Input("mg/m3", "fumes at the outlet", high=1e6),
        "stoves": Input("stoves", "reference stoves", high=1e4),
        "removal_pct": Input("%", "efficiency of the cleaner", high=100, optional=True),
    }
    grades: ClassVar[tuple[str, ...]] = ("within", "over")

    def turns(self, tables: Mapping[str, Table], column: str) -> tuple[float, ...] | None:
        return () if column == "fume_mg_m3" else None

    def _run(self, tables: Mapping[str, Table], columns: Mapping[str, Any]) -> Answer:
        table = tables["kitchen.fume"]
        size = ladder(columns["stoves"], table.column("from_stoves")) - 1
        limit, least = table.column("limit_mg_m3")[size], table.column("removal_pct")[size]
        over = (columns["fume_mg_m3"] > limit) | (columns["removal_pct"] < least)
        grade = over.astype(np.int8)
        reason = reasons(len(size))
        reason[size < 0] = Reason.outside_range
        sure = np.where(table.verified[size], grade, 0).astype(np.int8)
        return Answer(columns["fume_mg_m3"] / limit, grade, sure, reason)


@dataclass(frozen=True, slots=True)
class FoodTemperature(RiskModel):
    """Whether food is kept at the temperature that its way of keeping asks for.

    ``celsius`` of the food or its store, ``keeping`` a row of the table (``chilled``, ``frozen``, ``served``), and for
    ``served`` the ``hours`` since it was made. ``value`` is kelvin outside the allowed range, 0 within.

    Does not work on air probes beside an open door: let it last before it counts. Prices are not judged: no public
    number says when one is unfair. Source: 餐饮服务食品安全操作规范 (2011; 2018).
    """

    name: ClassVar[str] = "food_temperature"
    families: ClassVar[tuple[str, ...]] = ("market.temperature",)
    reads: ClassVar[Mapping[str, Reads]] = {"market.temperature": Reads(("low_c", "high_c", "hours"))}
    inputs: ClassVar[Mapping[str, Input | TextInput]] = {
        "celsius": Input("°C", "temperature", low=-200, high=500),
        "keeping": TextInput("row of the table"),
        "hours": Input("h", "since it was made", high=1e6, optional=True),
    }
    grades: ClassVar[tuple[str, ...]] = ("within", "outside")

    def turns(self, tables: Mapping[str, Table], column: str) -> tuple[float, ...] | None:
        table = tables["market.temperature"]
        bounds = np.concatenate([table.column("low_c"), table.column("high_c")])
        return tuple(bounds[~np.isnan(bounds)].tolist()) if column == "celsius" else None

    def _run(self, tables: Mapping[str, Table], columns: Mapping[str, Any]) -> Answer:
        table, x = tables["market.temperature"], columns["celsius"]
        row = np.full(len(x), -1)
        for r, name in enumerate(table.rows):
            row[columns["keeping"] == name] = r
        low, high, hours = (table.column(name)[row] for name in ("low_c", "high_c", "hours"))
        beyond = np.fmax(np.fmax(low - x, x - high), 0.0)
        timed = ~np.isnan(hours)
        inside = (x >= low) & (x <= high)
        grade = np.where(timed, inside & (columns["hours"] > hours), beyond > 0).astype(np.int8)
        reason = reasons(len(x))
        reason[timed & inside & np.isnan(columns["hours"])] = Reason.missing_input
        reason[row < 0] = Reason.not_in_table
        sure = np.where(table.verified[row], grade, 0).astype(np.int8)
        return Answer(np.where(timed, 0.0, beyond), grade, sure, reason)
