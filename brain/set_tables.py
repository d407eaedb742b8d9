"""The tables of a set that say who leads, by when, what is caused by what, and what official warnings mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from brain import yaml_tables
from brain.agent_kit.chosen import Told
from brain.incidents import jurisdiction
from brain.incidents.bed import Bed
from brain.incidents.calendar import WorkCalendar
from brain.incidents.causes import Causes
from brain.incidents.events import Events
from brain.incidents.limits import Limits
from brain.incidents.route import Routes
from brain.incidents.warning_rules import WarningRules
from brain.incidents.windows import Windows
from brain.scenario import Scenario
from brain.unfit import Unfit, both
from geo import geojson
from geo.grid_map import GridMap
from geo.rivers import RiverLoop
from streams.registry import Registry

ROUTES, EVENTS, LIMITS, CALENDAR = "routes.yaml", "events.yaml", "limits.yaml", "calendar.yaml"
CAUSES, WARNINGS, WINDOWS = "causes.yaml", "warnings.yaml", "maintenance.yaml"


class Tables(NamedTuple):
    """The tables of jurisdiction of a set, each checked by itself; None where the set has none."""

    routes: Routes | None
    events: Events | None
    limits: Limits | None
    causes: Causes
    warnings: WarningRules
    windows: Windows
    calendar: WorkCalendar | None


def tables(contents: Mapping[str, bytes], folder: Path) -> Tables:
    """Read them from a set's files; ``folder`` begins every error message. Raises ValueError."""

    def part(name: str) -> Any:
        return yaml_tables.decoded(contents[name], str(folder / name)) if name in contents else None

    names = (ROUTES, EVENTS, LIMITS, CALENDAR, CAUSES, WARNINGS, WINDOWS)
    routes, events, limits, calendar, causes, warnings, windows = (part(n) for n in names)
    days = None if calendar is None else WorkCalendar.of(calendar, str(folder / CALENDAR))
    return Tables(
        None if routes is None else Routes.of(routes, str(folder / ROUTES)),
        None if events is None else Events.of(events, str(folder / EVENTS)),
        None if limits is None else Limits.of(limits, days, str(folder / LIMITS)),
        Causes.of(causes, str(folder / CAUSES)),
        WarningRules.of(warnings, str(folder / WARNINGS)),
        Windows.of(windows, str(folder / WINDOWS)),
        days,
    )


def findings(
    has: Tables, city: GridMap, registry: Registry, what: Sequence[Scenario | Told]
) -> list[jurisdiction.Finding]:  # fmt: skip
    """Where they do not fit one another, the map, the registry or the scenarios."""
    if has.routes is None and has.events is None:
        return []
    opened = [*what, *has.warnings.opening()]
    return jurisdiction.check(has.routes, has.events, has.limits, jurisdiction.Ground.of(city), registry.owners, opened)


def bed(path: Path, live: bool) -> Bed | None:
    """Rivers of a map; a circle that a live change drew is no reason to hold up the changes after it: then none."""
    try:
        return Bed.of(geojson.load(path))
    except RiverLoop as error:
        if live:
            return None
        raise Unfit(f"{path}: river", "{said}", said=both(error)) from error
