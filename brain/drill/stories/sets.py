"""The set that a drill runs with: the district's registry and map, and the rules of a set that is given.

Its scenarios are those of the given set that the district can feed, and those of the library; its tables
are the given set's own.
"""

from __future__ import annotations

from pathlib import Path

from brain import scenarios
from brain.drill.stories.types import CAMERA, TYPES
from brain.scenario_kit.library import LIBRARY, paths
from brain.scenarios import Scenario
from brain.set_tables import CALENDAR, CAUSES, EVENTS, LIMITS, ROUTES, WARNINGS, WINDOWS
from brain.sets import SCENARIOS, TRUST
from brain.settings import HOME

DISTRICT = HOME / "config" / "drill" / "district"
"""The drill district's registry and map; ``brain.drill.stories.district`` wrote it."""
RULES = HOME / "config" / "demo"
TABLES = (ROUTES, EVENTS, LIMITS, CALENDAR, CAUSES, TRUST, WARNINGS, WINDOWS)


def unfit(s: Scenario) -> str:
    """Why the district cannot feed a scenario; empty where it can."""
    if s.detect.topic is not None:
        return "invented tickets repeat few texts, so their topics say nothing"
    if s.source in ("hotline", "signals"):
        return ""
    if s.detect.watch is not None:
        return "its cameras have no surveyed view"
    if s.source == "video":
        if s.detect.sum_over is not None:
            return "the sum is of a demonstration's two cameras, not of a hundred"
        known: dict[str, frozenset[str]] = {"camera": frozenset(CAMERA.metrics)}
    else:
        known = {name: frozenset(kind.metrics) for name, kind in TYPES.items()}
    if s.match.type not in known:
        return f"no asset of type {s.match.type}"
    wanted = {m for m in (*s.metrics(), *s.match.metrics) if m}
    lacking = sorted(wanted - known[s.match.type])
    return f"{s.match.type} does not measure {', '.join(lacking)}" if lacking else ""


def _apart(every: list[Scenario]) -> dict[str, str]:
    """Combinations of which a part is not there, and why."""
    ids = {s.id for s in every}
    gone = {}
    for s in every:
        codes = [other.event_code for other in every if other.id != s.id]
        for part in s.detect.of:
            if part.scenario and part.scenario not in ids:
                gone[s.id] = f"its part {part.scenario} is left out"
            elif part.event and not any(f"{code}.".startswith(f"{part.event}.") for code in codes):
                gone[s.id] = f"all of its part {part.event} are left out"
    return gone


def compose(out: Path, rules: Path = RULES, district: Path = DISTRICT) -> dict[str, str]:
    """Write the set into a folder; answers the scenarios left out and why. Raises ValueError or OSError."""
    if not (rules / SCENARIOS).is_dir():
        raise ValueError(f"{rules}: expected the folder of a set, with {SCENARIOS}")
    (out / SCENARIOS).mkdir(parents=True, exist_ok=True)
    for name in ("assets.ndjson", "map.geojson"):
        (out / name).write_bytes((district / name).read_bytes())
    for name in TABLES:
        if (rules / name).is_file():
            (out / name).write_bytes((rules / name).read_bytes())
    left, here = {}, {}
    every = scenarios.load(rules / SCENARIOS, beside=(LIBRARY,))  # variants made whole
    files = paths(rules / SCENARIOS, LIBRARY)
    for s in every:
        why = "" if s.state == "live" else f"its state is {s.state}"
        why = why or unfit(s)
        if why:
            left[s.id] = why
        else:
            here[s.id] = files[s.id]
    while gone := _apart([s for s in every if s.id in here]):
        left |= gone
        here = {id_: path for id_, path in here.items() if id_ not in gone}
    for id_, path in sorted(here.items()):
        (out / SCENARIOS / f"{id_}.yaml").write_bytes(path.read_bytes())
    for path in sorted((rules / "standards").glob("*.yaml")):
        (out / "standards").mkdir(exist_ok=True)
        (out / "standards" / path.name).write_bytes(path.read_bytes())
    return left
