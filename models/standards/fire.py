"""Fire 火灾: one device in alarm is an alarm, two independent ones confirm it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from models.standards.model import Answer, Grades, Input, Reads, Reason, RiskModel, TextInput, reasons
from models.standards.table import Table

KINDS = ("smoke", "heat", "flame", "manual")


@dataclass(frozen=True, slots=True)
class Fire(RiskModel):
    """Whether a fire alarm is single or confirmed, from devices in alarm in one detection zone.

    ``smoke``, ``heat``, ``flame`` detectors and ``manual`` call points: how many *different* devices are in alarm
    now; what is not there is left out. ``value`` is their sum, ``kinds`` how many kinds. Two independent devices
    confirm, of one kind or of several. A single one is an alarm at once and is never held back for the second.

    Does not work where one device counts twice (a detector that repeats its alarm), across zones, or to tell fire
    from steam: two smoke detectors in one kitchen are two devices. Source: GB 50116-2013, 4.1.6.
    """

    name: ClassVar[str] = "fire"
    families: ClassVar[tuple[str, ...]] = ("fire.confirm",)
    reads: ClassVar[Mapping[str, Reads]] = {
        "fire.confirm": Reads(("devices",), ("single", "confirmed"), rising=("devices",))
    }
    inputs: ClassVar[Mapping[str, Input | TextInput]] = {
        kind: Input("devices", f"{kind} devices in alarm", high=1e6, optional=True) for kind in KINDS
    }
    grades: ClassVar[tuple[str, ...]] = ("none", "single", "confirmed")
    more: ClassVar[Mapping[str, str]] = {"kinds": "1"}

    def _run(self, tables: Mapping[str, Table], columns: Mapping[str, Any]) -> Answer:
        table = tables["fire.confirm"]
        counts = np.stack([columns[kind] for kind in KINDS])
        total = np.nansum(counts, axis=0)
        grade, sure = _grade(table, total, trusted=False), _grade(table, total, trusted=True)
        reason = reasons(len(total))
        reason[np.isnan(counts).all(axis=0)] = Reason.missing_input
        return Answer(total, grade, sure, reason, {"kinds": (counts > 0).sum(axis=0).astype(float)})


def _grade(table: Table, total: Any, *, trusted: bool) -> Grades:
    grade = np.zeros(len(total), np.int8)
    for at, row in enumerate(("single", "confirmed"), 1):
        if table.verified[table.rows.index(row)] or not trusted:
            grade[total >= table.number(row, "devices")] = at
    return grade
