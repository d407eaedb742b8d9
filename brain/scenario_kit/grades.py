"""Whether any reading within its assets' ranges comes to a grade that a scenario counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from brain.incidents.value import Text
from brain.scenario import Scenario
from brain.scenario_kit.findings import Found, Ground
from brain.standards import Library

STEPS = 2_000
"""Values over a range that are judged: a row of a table narrower than a two-thousandth of it may be missed."""


def out_of_grade(s: Scenario, library: Library, ground: Ground | None) -> Iterator[Found]:
    """Of a scenario that judges single readings: that no value of any edition within the registered range counts."""
    use = s.use()
    if use is None or use.several() or ground is None:
        return
    ((column, metric),) = use.inputs.items()
    series = ground.series(s, metric)
    if not len(series):
        return
    low, high = float(ground.registry.lo[series].min()), float(ground.registry.hi[series].max())
    if not np.isfinite([low, high]).all():
        return
    tables = [table for family in use.model.families for table in library.standards[family].tables]
    values = np.linspace(low, high, STEPS)
    for since in sorted({max(table.since, 0) for table in tables} | {0}):
        columns: dict[str, Any] = {name: np.full(STEPS, value) for name, value in use.given.items()}
        when = np.full(STEPS, since, np.int64)
        said = use.model.judge(library.standards, when, {**columns, column: values}, use.rate)
        if (said.level > 0).any():
            return
    zh = f"登记的量程 [{low:g}, {high:g}] 内没有读数达到所需等级"
    en = f"no reading in the registered range [{low:g}, {high:g}] comes to a grade that counts"
    yield Found("never_true", "detect.grade_from" if s.detect.grade_from else "detect.standard", Text(zh, en))
