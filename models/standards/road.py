"""Road state 道路状态: how far one sees on an expressway, and how congested a road is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from models.standards.model import Answer, Input, Reads, Reason, RiskModel, TextInput, count_met, equal, reasons
from models.standards.table import Table


@dataclass(frozen=True, slots=True)
class RoadVisibility(RiskModel):
    """What the law asks of drivers on an expressway in fog, rain, snow, dust or hail, by visibility.

    ``value`` is the speed limit in km/h, NaN where visibility sets none; ``gap_m`` the distance to keep. Below 50 m
    vehicles must leave at the next exit. Does not work on other roads, whose limit by visibility differs (30 km/h
    within 50 m), nor as a measure of glaze or aquaplaning. Source: 道路交通安全法实施条例 art. 81.
    """

    name: ClassVar[str] = "road_visibility"
    families: ClassVar[tuple[str, ...]] = ("road.visibility",)
    reads: ClassVar[Mapping[str, Reads]] = {
        "road.visibility": Reads(("below_m", "speed_kmh", "gap_m"), ("slow", "crawl", "exit"))
    }
    inputs: ClassVar[Mapping[str, Input | TextInput]] = {"visibility_m": Input("m", "visibility", high=1e6)}
    grades: ClassVar[tuple[str, ...]] = ("clear", "slow", "crawl", "exit")
    more: ClassVar[Mapping[str, str]] = {"gap_m": "m"}

    def turns(self, tables: Mapping[str, Table], column: str) -> tuple[float, ...] | None:
        return () if column == "visibility_m" else None

    def _run(self, tables: Mapping[str, Table], columns: Mapping[str, Any]) -> Answer:
        table, x = tables["road.visibility"], columns["visibility_m"]
        grade, sure = np.zeros(len(x), np.int8), np.zeros(len(x), np.int8)
        value, gap = np.full(len(x), np.nan), np.full(len(x), np.nan)
        for row in ("slow", "crawl", "exit"):
            met, at = x < table.number(row, "below_m"), self.grades.index(row)
            grade[met] = at
            value[met], gap[met] = table.number(row, "speed_kmh"), table.number(row, "gap_m")
            if table.verified[table.rows.index(row)]:
                sure[met] = at
        return Answer(value, grade, sure, reasons(len(x)), {"gap_m": gap})


@dataclass(frozen=True, slots=True)
class Congestion(RiskModel):
    """How congested a road is, by its mean speed and its class.

    ``road`` is ``expressway`` 快速路, ``arterial`` 主干路 or ``local`` 次干路、支路. ``value`` is the speed as given.
    The bounds were read in one paper, not in the standard: unverified, so it warns and never escalates. Does not work
    on one vehicle's speed, at night when few drive, nor where a limit below the bound holds.
    """

    name: ClassVar[str] = "congestion"
    families: ClassVar[tuple[str, ...]] = ("road.speed",)
    reads: ClassVar[Mapping[str, Reads]] = {"road.speed": Reads(("mostly_free", "light", "moderate", "severe"))}
    inputs: ClassVar[Mapping[str, Input | TextInput]] = {
        "speed_kmh": Input("km/h", "mean travel speed", high=300),
        "road": TextInput("expressway, arterial or local"),
    }
    grades: ClassVar[tuple[str, ...]] = ("free", "mostly_free", "light", "moderate", "severe")

    def turns(self, tables: Mapping[str, Table], column: str) -> tuple[float, ...] | None:
        return () if column == "speed_kmh" else None

    def _run(self, tables: Mapping[str, Table], columns: Mapping[str, Any]) -> Answer:
        table, x = tables["road.speed"], columns["speed_kmh"]
        grade, sure = np.full(len(x), -1, np.int8), np.full(len(x), -1, np.int8)
        for r, row in enumerate(table.rows):
            rows = equal(columns["road"], row)
            if not rows.any():
                continue
            met = count_met(x.__le__, table.values[r], len(x))
            grade = np.where(rows, met, grade)
            sure = np.where(rows, met if table.verified[r] else np.int8(0), sure)
        reason = reasons(len(x))
        reason[grade < 0] = Reason.not_in_table
        return Answer(x, grade, sure, reason)
