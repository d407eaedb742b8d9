"""Scenarios of a set that name a risk model: held against its tables and units, and the judges of a lane.

How readings are judged is :mod:`brain.judged`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from brain.chinese.below import chinese
from brain.grades import Use
from brain.judged import Judge
from brain.near import NONE, Both, joined, nears
from brain.scenario import Scenario
from brain.stairs import stairs_of
from brain.standards import Library
from brain.unfit import Unfit
from models.standards.model import Input, Reason, TextInput
from streams.records import I4
from streams.registry import Registry

UNIT_ONE = ("", "1")
"""Units of a number without one."""


class Wanted(NamedTuple):
    """Unit that a metric must have, and who wants it."""

    unit: str
    who: str


def judges_of(
    scenarios: Iterable[Scenario], library: Library, registry: Registry, cells: NDArray[Any], cell_series: I4,
    slots: Callable[[list[int]], I4],
) -> list[Judge]:  # fmt: skip
    """Those of a lane's scenarios; ``slots`` answers the rows of INPUT of cells, which are kept in the cells."""
    metrics = {name: k for k, name in enumerate(registry.metrics)}
    made = []
    for rule, scenario in enumerate(scenarios):
        use = scenario.use()
        if use is None:
            continue
        group, table = np.full(len(cells), -1, np.int32), np.zeros((0, len(use.inputs)), np.int32)
        if use.several():
            mine = np.flatnonzero(cells["rule"] == rule)
            rows, series = slots(mine.tolist()), cell_series[mine]
            assets, group[mine] = np.unique(registry.series_asset[series], return_inverse=True)
            table = np.full((len(assets), len(use.inputs)), -1, np.int32)
            for j, metric in enumerate(use.inputs.values()):
                those = registry.series_metric[series] == metrics.get(metric, -1)
                table[group[mine][those], j] = rows[those]
            cells["model"][mine] = rows
        made.append(Judge(rule, use, library.standards, group, table, stairs_of(use, library.standards)))
    return made


def check(scenario: Scenario, library: Library) -> None:
    """Hold a scenario against the tables of its set. Raises ValueError with the place in the scenario."""
    use = scenario.use()
    if use is None:
        return
    model = use.model
    for family in model.families:
        if family not in library.standards:
            there = ", ".join(sorted(library.standards)) or NONE
            raise Unfit(
                "detect.standard",
                "{name} needs a table of {family}; the set has {there}",
                name=model.name,
                family=family,
                there=there,
            )
    takes = model.takes(library.standards)
    for part, names in (("inputs", use.inputs), ("given", use.given)):
        for column in names:
            if column not in takes or (part == "inputs" and isinstance(takes[column], TextInput)):
                place = "match.metric" if column == scenario.match.metric else f"detect.{part}.{column}"
                close = nears(column, [name for name, kind in takes.items() if not isinstance(kind, TextInput)])
                raise Unfit(place, "{name} has no column {column!r}{near}", name=model.name, column=column, near=close)
    for column in use.inputs:
        units = library.units(model, column)
        if len(units) > 1:
            raise Unfit(
                "detect.standard",
                "editions have {column} in {units}: which is not known",
                column=column,
                units=joined(units, "and in"),
            )
    _check_levels(use, library)
    _check_names(use, library)


def _check_levels(use: Use, library: Library) -> None:
    """Whether the lowest grade that counts has a level in each edition."""
    model = use.model
    ratings = {model.name: model.levels}
    if model.families:
        ratings = {table.id: table.levels for table in library.standards[model.families[0]].tables}
    for id_, levels in ratings.items():
        rated = use.rate(levels)
        grade = model.grades[use.least]
        if (use.least and not rated[grade]) or not any(rated.values()):
            has = ", ".join(f"{g} {level}" for g, level in (use.levels or levels).items()) or Both(
                "没有等级", "no grade"
            )
            rates = "detect.levels" if use.levels else id_
            raise Unfit(
                "detect.grade_from",
                "expected a grade with a level above 0, got {got!r}: {rates} rates {has}; "
                "detect.levels can rate others",
                got=grade,
                rates=rates,
                has=has,
            )


def _check_names(use: Use, library: Library) -> None:
    """Whether the names that are the same for every reading are in any edition: else nothing were ever judged."""
    model, takes = use.model, use.model.takes(library.standards)
    names = {column: value for column, value in use.given.items() if isinstance(value, str)}
    tables = [table for family in model.families for table in library.standards[family].tables]
    times = np.array(sorted({max(table.since, 0) for table in tables} | {0}), np.int64)
    columns: dict[str, Any] = {column: np.full(len(times), value) for column, value in use.given.items()}
    for column in use.inputs:
        kind = takes[column]
        if isinstance(kind, Input):
            columns[column] = np.full(len(times), min(max(1.0, kind.low), kind.high))
    reason = model.judge(library.standards, times, columns).reason
    reason = reason[reason != Reason.no_table_in_force]
    if names and (reason == Reason.not_in_table).all():
        whats = {column: takes[column].what for column in names}
        wanted = Both(
            "; ".join(f"{column}: {chinese(what)}" for column, what in whats.items()),
            "; ".join(f"{column}: {what}" for column, what in whats.items()),
        )
        raise Unfit(
            "detect.given", "expected {wanted}; got {got}", wanted=wanted, got=", ".join(map(repr, names.values()))
        )


def units(scenarios: Iterable[Scenario], library: Library) -> dict[tuple[str, str], list[Wanted]]:
    """(type, metric) of assets → units that risk models want of them."""
    found: dict[tuple[str, str], list[Wanted]] = {}
    uses = [(scenario, use) for scenario in scenarios if (use := scenario.use()) is not None]
    for scenario, use in uses:
        for column, metric in use.inputs.items():
            wanted = Wanted(library.units(use.model, column)[0], f"{scenario.id} ({use.model.name}: {column})")
            found.setdefault((scenario.match.type, metric), []).append(wanted)
    return found


def unit_trouble(wanted: Iterable[Wanted], unit: str) -> Both | None:
    """What is wrong with a metric's unit; None where nothing is."""
    for want in wanted:
        if unit != want.unit and not (unit in UNIT_ONE and want.unit in UNIT_ONE):
            return Both(
                f"unit: 应为 {want.who} 采用的 {want.unit!r}, 实为 {unit!r}",
                f"unit: expected {want.unit!r}, which {want.who} takes, got {unit!r}",
            )
    return None


def check_units(scenario: Scenario, library: Library, registry: Registry) -> None:
    """Hold the units of a scenario's assets against those of the tables. Raises ValueError with asset and metric."""
    for (type_, metric), wanted in units([scenario], library).items():
        if type_ not in registry.types or metric not in registry.metrics:
            continue
        of_type = registry.asset_type[registry.series_asset] == registry.types.index(type_)
        mine = np.flatnonzero(of_type & (registry.series_metric == registry.metrics.index(metric)))
        for code in np.unique(registry.series_unit[mine]).tolist():
            trouble = unit_trouble(wanted, registry.units[code])
            if trouble:
                series = mine[registry.series_unit[mine] == code][0]
                raise Unfit(f"{registry.ids[registry.series_asset[series]]}: {metric}", "{trouble}", trouble=trouble)
