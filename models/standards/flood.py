"""Flood, reservoir and waterlogging 洪水、水库、内涝: which level is reached, and how long until the next one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from models.standards.model import Answer, Grades, Input, Reads, Reason, RiskModel, TextInput, reasons
from models.standards.table import F8, Table

SIGNALS = ("none", "blue", "yellow", "orange", "red")


@dataclass(frozen=True, slots=True)
class RiverFlood(RiskModel):
    """Flood signal 洪水预警信号 by the river's own levels or by return period.

    ``alert_m`` 警戒水位, ``guaranteed_m`` 保证水位, ``record_m`` 历史最高水位 in the datum of ``level_m``; ``years`` is
    the return period of the flood where someone has worked it out. ``value`` is metres above (+) the alert level.

    Does not work without levels of the very gauge, and has no blue: "near the alert level" is no number. It judges
    what the gauge reads; a forecast stage may be given instead. Source: 水情预警信号 of the water ministry.
    """

    name: ClassVar[str] = "river_flood"
    families: ClassVar[tuple[str, ...]] = ("flood.river",)
    reads: ClassVar[Mapping[str, Reads]] = {
        "flood.river": Reads(("years",), ("yellow", "orange", "red"), rising=("years",))
    }
    inputs: ClassVar[Mapping[str, Input | TextInput]] = {
        "level_m": Input("m", "stage", low=-500, high=9000),
        "alert_m": Input("m", "alert level", low=-500, high=9000),
        "guaranteed_m": Input("m", "guaranteed level", low=-500, high=9000, optional=True),
        "record_m": Input("m", "highest on record", low=-500, high=9000, optional=True),
        "years": Input("years", "return period", optional=True),
    }
    grades: ClassVar[tuple[str, ...]] = SIGNALS

    def turns(self, tables: Mapping[str, Table], column: str) -> tuple[float, ...] | None:
        return () if column == "level_m" else None

    def _run(self, tables: Mapping[str, Table], columns: Mapping[str, Any]) -> Answer:
        table, level = tables["flood.river"], columns["level_m"]
        n = len(level)
        grade, sure, open_ = np.zeros(n, np.int8), np.zeros(n, np.int8), np.zeros(n, np.int8)
        for row, bound in (("yellow", "alert_m"), ("orange", "guaranteed_m"), ("red", "record_m")):
            at = SIGNALS.index(row)
            met = (level >= columns[bound]) | (columns["years"] >= table.number(row, "years"))
            grade = np.where(met, at, grade)
            if table.verified[table.rows.index(row)]:
                sure = np.where(met, at, sure)
            open_ = np.where(np.isnan(columns[bound]) & ~met, at, open_)
        reason = reasons(n)
        reason[(open_ > grade) & (grade > 0)] = Reason.incomplete
        wrong = (columns["guaranteed_m"] < columns["alert_m"]) | (columns["record_m"] < columns["alert_m"])
        reason[wrong] = Reason.contradicts
        return Answer(level - columns["alert_m"], grade.astype(np.int8), sure.astype(np.int8), reason)


@dataclass(frozen=True, slots=True)
class Reservoir(RiskModel):
    """Level reached of a reservoir, and hours until the next one at the present rate.

    ``limit_m`` is the flood-season limit 汛限水位, which counts only while ``flood_season`` is 1; then ``high_m``
    防洪高水位, ``design_m`` 设计洪水位 and ``check_m`` 校核洪水位. The rate is that of the gauge (``rise_m_h``) or of
    storage: ``(inflow - outflow) 3600 / area``, or along ``curve``; of two, the faster. ``value`` is hours to the next
    given level above, NaN where there is none or the water does not rise; ``rate_m_h`` is the rate that was taken.

    Does not work as a forecast: inflow changes within the hours it speaks of, and a constant area is wrong over more
    than a metre or two; give the curve. Outside the curve there is no answer from storage. Levels in one datum.

    Parameters
    ----------
    curve : (level in m, volume in 10^6 m3), both rising; empty: the constant area given with each event.
    """

    curve: tuple[tuple[float, float], ...] = ()

    name: ClassVar[str] = "reservoir"
    inputs: ClassVar[Mapping[str, Input | TextInput]] = {
        "level_m": Input("m", "level", low=-500, high=9000),
        "limit_m": Input("m", "flood-season limit", low=-500, high=9000),
        "flood_season": Input("0 or 1", "whether the flood season is on", high=1),
        "high_m": Input("m", "flood-control level", low=-500, high=9000, optional=True),
        "design_m": Input("m", "design flood level", low=-500, high=9000, optional=True),
        "check_m": Input("m", "check flood level", low=-500, high=9000, optional=True),
        "rise_m_h": Input("m/h", "rate of rise by the gauge", low=-1000, high=1000, optional=True),
        "inflow_m3_s": Input("m3/s", "inflow", optional=True),
        "outflow_m3_s": Input("m3/s", "outflow", optional=True),
        "area_km2": Input("km2", "water surface", low=1e-6, optional=True),
    }
    grades: ClassVar[tuple[str, ...]] = ("normal", "over_limit", "over_high", "over_design", "over_check")
    levels: ClassVar[Mapping[str, int]] = {"over_limit": 1, "over_high": 2, "over_design": 3, "over_check": 4}
    more: ClassVar[Mapping[str, str]] = {"rate_m_h": "m/h"}

    def __post_init__(self) -> None:
        points = np.array(self.curve, np.float64).reshape(-1, 2)
        if len(points) == 1 or not (np.diff(points, axis=0) > 0).all() or not np.isfinite(points).all():
            raise ValueError(f"curve: expected two or more points, level and volume both rising, got {self.curve}")

    def turns(self, tables: Mapping[str, Table], column: str) -> tuple[float, ...] | None:
        return () if column == "level_m" else None

    def _run(self, tables: Mapping[str, Table], columns: Mapping[str, Any]) -> Answer:
        level = columns["level_m"]
        limit = np.where(columns["flood_season"] > 0, columns["limit_m"], np.nan)
        bounds = np.stack([limit, columns["high_m"], columns["design_m"], columns["check_m"]])
        reached = level >= bounds
        grade = (reached * np.arange(1, 5)[:, None]).max(axis=0).astype(np.int8)
        above = np.where(level < bounds, bounds, np.inf).min(axis=0)
        target = np.where(np.isinf(above), np.nan, above)
        hours, rate = self._hours(level, target, columns)
        reason = reasons(len(level))
        known = np.where(np.isnan(bounds), -np.inf, bounds)
        given = np.maximum.accumulate(known, axis=0)
        reason[(known[1:] < given[:-1]).any(axis=0, where=~np.isnan(bounds[1:]))] = Reason.contradicts
        return Answer(hours, grade, grade, reason, {"rate_m_h": rate})

    def _hours(self, level: F8, target: F8, columns: Mapping[str, Any]) -> tuple[F8, F8]:
        net = (columns["inflow_m3_s"] - columns["outflow_m3_s"]) * 3600.0
        by_gauge = np.where(columns["rise_m_h"] > 0, (target - level) / _positive(columns["rise_m_h"]), np.nan)
        if self.curve:
            heights, volumes = np.array(self.curve).T
            inside = (level >= heights[0]) & (target <= heights[-1])
            room = (np.interp(target, heights, volumes) - np.interp(level, heights, volumes)) * 1e6
            by_storage = np.where(inside & (net > 0), room / _positive(net), np.nan)
            rate = np.where(np.isnan(by_storage), np.nan, (target - level) / _positive(by_storage))
        else:
            rate = net / (columns["area_km2"] * 1e6)
            by_storage = np.where(rate > 0, (target - level) / _positive(rate), np.nan)
        return np.fmin(by_gauge, by_storage), np.fmax(columns["rise_m_h"], rate)


@dataclass(frozen=True, slots=True)
class Waterlogging(RiskModel):
    """Depth of standing water on a road against the depth that a lane may have, and minutes until it is reached.

    ``value`` is minutes at ``rise_cm_min``, NaN where the water does not rise or is deep enough already. Experimental:
    the one number, 15 cm for one lane, was not read in the text of GB 50014 here, and what a road bears depends on
    its vehicles. Does not work for underpasses, which fill in minutes: give them a threshold of their own.
    """

    name: ClassVar[str] = "waterlogging"
    families: ClassVar[tuple[str, ...]] = ("waterlogging",)
    reads: ClassVar[Mapping[str, Reads]] = {"waterlogging": Reads(("depth_cm",), ("lane",))}
    inputs: ClassVar[Mapping[str, Input | TextInput]] = {
        "depth_cm": Input("cm", "depth of water", high=2000),
        "rise_cm_min": Input("cm/min", "rate of rise", low=-1000, high=1000, optional=True),
    }
    grades: ClassVar[tuple[str, ...]] = ("below", "over")
    experimental: ClassVar[bool] = True

    def turns(self, tables: Mapping[str, Table], column: str) -> tuple[float, ...] | None:
        return () if column == "depth_cm" else None

    def _run(self, tables: Mapping[str, Table], columns: Mapping[str, Any]) -> Answer:
        bound, depth, rise = (
            tables["waterlogging"].number("lane", "depth_cm"),
            columns["depth_cm"],
            columns["rise_cm_min"],
        )
        grade = (depth > bound).astype(np.int8)
        minutes = np.where((rise > 0) & (grade == 0), (bound - depth) / _positive(rise), np.nan)
        return Answer(minutes, grade, _sure(tables["waterlogging"], "lane", grade), reasons(len(depth)))


def _positive(x: F8) -> F8:
    """For division: what is not above 0, or so little above that a quotient would overflow, becomes NaN."""
    return np.where(x > 1e-12, x, np.nan)


def _sure(table: Table, row: str, grade: Grades) -> Grades:
    return grade if table.verified[table.rows.index(row)] else np.zeros_like(grade)
