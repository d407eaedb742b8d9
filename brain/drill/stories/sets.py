"""The set that a drill runs with: the district's registry and map, and the rules of a set that is given.

Its scenarios are those of the given set that the district can feed, and those of the library; its agents those of the
given set that the district can feed, and the district's own; its tables are the given set's own.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from brain import scenarios, yaml_tables
from brain.agent_kit import chosen, find
from brain.agent_kit.chosen import AgentsFile
from brain.agent_kit.manifest import AgentError, Manifest
from brain.agent_kit.minute import assets_of
from brain.combination import means
from brain.drill.stories.types import CAMERA, TYPES
from brain.incidents.events import Events
from brain.scenario import Scenario
from brain.scenario_kit.library import LIBRARY, paths
from brain.set_tables import CALENDAR, CAUSES, EVENTS, LIMITS, ROUTES, WARNINGS, WINDOWS
from brain.sets import SCENARIOS, TRUST
from brain.settings import HOME
from geo import geojson
from streams.registry import Registry

DISTRICT = HOME / "config" / "drill" / "district"
"""The drill district's registry and map, which ``brain.drill.stories.district`` wrote, and its agents."""
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
    gone = {}
    for s in every:
        for part in s.detect.of:
            if not any(means(part, other) for other in every if other.id != s.id):
                named = f"its part {part.scenario} is" if part.scenario else f"all of its part {part.event} are"
                gone[s.id] = f"{named} left out"
    return gone


def compose(out: Path, rules: Path = RULES, district: Path = DISTRICT) -> dict[str, str]:
    """Write the set into a folder; answers the scenarios and agents left out and why. Raises ValueError or OSError."""
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
    return left | _agents(out, rules, district)


def _agents(out: Path, rules: Path, district: Path) -> dict[str, str]:
    """Write agents.yaml: what the given set says of an agent goes before what the district says of it."""
    files = [_chosen(folder / chosen.FILE) for folder in (rules, district)]
    registry, layers = Registry.load(out / "assets.ndjson"), {f.layer for f in geojson.load(out / "map.geojson")}
    codes = set(Events.load(out / EVENTS).by_code) if (out / EVENTS).is_file() else None
    every, here, left = find.installed(), dict[str, chosen.Choice](), dict[str, str]()
    for choice in (choice for file in files for choice in file.agents):
        if choice.id in here or choice.id in left:
            continue
        one = every.get(choice.id)  # of one that is not installed the set's loading says so
        why = "" if one is None else _unfed(one.manifest, registry, layers, codes)
        if why:
            left[choice.id] = why
        else:
            here[choice.id] = choice
    if here:
        agents = tuple(here[id_] for id_ in sorted(here))
        (out / chosen.FILE).write_bytes(msgspec.yaml.encode(AgentsFile(1, agents)))
    return left


def _chosen(path: Path) -> AgentsFile:
    if not path.is_file():
        return AgentsFile(1, ())
    said = yaml_tables.decoded(path.read_bytes(), str(path), AgentError)
    return yaml_tables.checked(said, AgentsFile, str(path), AgentError)


def _unfed(m: Manifest, registry: Registry, layers: set[str], codes: set[str] | None) -> str:
    """Why an agent would say nothing in the district, or nothing that the given set's tables know; else empty."""
    if m.reads and not any(assets_of(reads, registry) for reads in m.reads):
        return f"no asset of type {', '.join(reads.type for reads in m.reads)}"
    if m.layers and not layers & set(m.layers):
        return f"the district's map has no {', '.join(m.layers)}"
    unknown = sorted({e.event_code for e in m.events} - codes) if codes is not None else []
    return f"events.yaml has no {', '.join(unknown)}" if unknown else ""
