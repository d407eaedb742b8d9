"""Crowd density 人群密度: Fruin's level of service by space a person has, and by flow through a width."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from models.standards.model import Answer, Grades, Input, Reads, Reason, RiskModel, TextInput, reasons
from models.standards.table import F8, Table


@dataclass(frozen=True, slots=True)
class Crowd(RiskModel):
    """Level of service A to F of people walking: the worse of space (m2 each) and flow (persons a metre and minute).

    ``persons`` in ``area_m2``; ``per_min`` through ``width_m``. Either pair will do. ``value`` is persons per m2,
    ``flow`` persons per metre and minute. A bound belongs to the worse class, the last one (E to F) to E, as the
    source has it. Nobody in the area is A.

    Does not work for people who stand (a queue, an audience), who bear twice that density at ease, nor on stairs; and
    flow alone does not see a jam, in which few pass because all are stuck: give the density too. It knows nothing of
    pressure between bodies, so F is where danger may begin, not a measure of it. Source: Fruin 1971, walkways.
    """

    name: ClassVar[str] = "crowd"
    families: ClassVar[tuple[str, ...]] = ("crowd.walkway",)
    reads: ClassVar[Mapping[str, Reads]] = {
        "crowd.walkway": Reads(("space_m2", "flow"), ("A", "B", "C", "D", "E"), rising=("flow",))
    }
    inputs: ClassVar[Mapping[str, Input | TextInput]] = {
        "persons": Input("persons", "people in the area", optional=True),
        "area_m2": Input("m2", "area that can be walked on", low=1e-3, optional=True),
        "per_min": Input("persons/min", "people who pass", optional=True),
        "width_m": Input("m", "width they pass through", low=1e-3, optional=True),
    }
    grades: ClassVar[tuple[str, ...]] = ("A", "B", "C", "D", "E", "F")
    more: ClassVar[Mapping[str, str]] = {"flow": "persons/m/min"}

    def turns(self, tables: Mapping[str, Table], column: str) -> tuple[float, ...] | None:
        return () if column == "persons" else None

    def _run(self, tables: Mapping[str, Table], columns: Mapping[str, Any]) -> Answer:
        table = tables["crowd.walkway"]
        density, flow = columns["persons"] / columns["area_m2"], columns["per_min"] / columns["width_m"]
        inverse = 1.0 / table.column("space_m2")
        grade = np.maximum(_service(density, inverse), _service(flow, table.column("flow")))
        reason = reasons(len(density))
        reason[grade < 0] = Reason.missing_input
        sure = np.where(table.verified.all(), grade, 0).astype(np.int8)
        return Answer(density, grade, sure, reason, {"flow": flow})


def _service(x: F8, bounds: F8) -> Grades:
    slack = 1e-9 * bounds
    worse = (x[:, None] >= (bounds - slack)[:-1]).sum(axis=1) + (x > bounds[-1] + slack[-1])
    return np.where(np.isnan(x), -1, worse).astype(np.int8)
