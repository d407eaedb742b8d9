"""``agents.yaml`` of a set: which agents run, in which version, with which params. Part of the set's hash.

Code is not in the set, its version is: a worker that has another version of an agent than a set names refuses the set.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from brain import yaml_tables
from brain.agent_kit import find, spec
from brain.agent_kit.find import Installed
from brain.agent_kit.manifest import AgentError, Event, Manifest, Value
from brain.agent_kit.spec import Spec
from brain.near import Both, nears
from geo import geojson
from geo.feature import FOREVER, Feature
from geo.grid_map import GridMap
from geo.layers import located
from models.standards.table import Standard
from streams.registry import Registry

FILE = "agents.yaml"
MOST, EVENTS = 64, 192
"""Agents of a set, and events of all of them: places in a signal's index."""


class Choice(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One agent as a set has it."""

    id: str
    version: int
    params: dict[str, Value] = {}
    state: Literal["draft", "live"] = "live"


class AgentsFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """``agents.yaml``."""

    version: int
    agents: tuple[Choice, ...]
    note: str = ""


@dataclass(frozen=True)
class Told:
    """One event of an agent, as incidents name and route it: what a scenario is to them."""

    id: str
    version: int
    name: Any
    domain: str
    event_code: str
    life: bool


@dataclass(frozen=True)
class Agent:
    """One agent of a set in force."""

    manifest: Manifest
    version: int
    """As the set names it."""
    params: Mapping[str, Value]
    module: str
    folder: Path
    state: str
    ground: Spec
    """All that runs it."""

    @property
    def id(self) -> str:
        """Dotted id."""
        return self.manifest.id

    def told(self) -> list[Told]:
        """Its events."""
        m = self.manifest
        return [Told(m.scenario(e.id), self.version, e.name, m.domain, e.event_code, e.life) for e in m.events]

    def event(self, id: str) -> Event:
        """One event by its id."""
        return next(event for event in self.manifest.events if event.id == id)

    @cached_property
    def packed(self) -> bytes:
        """The spec as bytes: two of one content run the same."""
        return spec.encode(self.ground)


def of(
    text: bytes, place: str, registry: Registry, city: GridMap, standards: Mapping[str, Standard], source: Path,
    given: Mapping[str, Installed] | None = None,
) -> tuple[Agent, ...]:  # fmt: skip
    """Read agents.yaml of a set; ``source`` is its map's file, for layers of lines and points.

    Raises AgentError: no such agent here, another version, a param out of range, a layer or a table that the set lacks.
    """
    file = yaml_tables.checked(yaml_tables.decoded(text, place, AgentError), AgentsFile, place, AgentError)
    every = find.installed() if given is None else given
    others: dict[str, list[Feature]] | None = None
    out: dict[str, Agent] = {}
    for number, choice in enumerate(file.agents):
        where = f"{place}: agents[{number}]"
        one = every.get(choice.id)
        if one is None:
            raise AgentError(
                f"{where}: id", "{id!r} is not installed here{near}", id=choice.id, near=nears(choice.id, sorted(every))
            )
        if choice.id in out:
            raise AgentError(f"{where}: id", "{id!r} is there already", id=choice.id)
        m = one.manifest
        if choice.version not in (m.version, *m.also):
            as_ = ", ".join(map(str, m.also))
            also = Both(f" (也可作为 {as_} 运行)", f", which runs as {as_}") if m.also else Both("", "")
            raise AgentError(
                f"{where}: version",
                "{id} is installed in version {version}{also}, the set names {got}",
                id=choice.id,
                version=m.version,
                also=also,
                got=choice.version,
            )
        if others is None and any(name not in city.map.layers or name == "site" for name in m.layers):
            others = lines(geojson.load(source))
        out[choice.id] = made(
            one, choice.version, m.settings(choice.params, where), city, standards, others or {}, where, choice.state
        )
    if len(out) > MOST or sum(len(a.manifest.events) for a in out.values()) > EVENTS:
        raise AgentError(
            f"{place}: agents", "at most {most} with {events} events, got {got}", most=MOST, events=EVENTS, got=len(out)
        )
    _unread(out.values(), registry, place)
    return tuple(out[key] for key in sorted(out))


def made(
    one: Installed, version: int, params: Mapping[str, Value], city: GridMap, standards: Mapping[str, Standard],
    others: Mapping[str, Sequence[Feature]], where: str, state: str = "live",
) -> Agent:  # fmt: skip
    """An installed agent on a map; ``others``: features that are no ground, by layer. Raises AgentError."""
    m = one.manifest
    if m.isolation == "inline" and not one.module.startswith(f"{find.TREE}."):
        raise AgentError(f"{where}: {m.id}: isolation", "inline is for agents of this tree; expected host")
    layers = {}
    for name in m.layers:
        ground = [f for f in city.map.features(name) if f.until == FOREVER] if name in city.map.layers else []
        layers[name] = spec.layer_rows([*ground, *others.get(name, ())])
    for family in m.standards:
        if family not in standards:
            raise AgentError(
                where,
                "{id} needs the standard {family!r}{near}",
                id=m.id,
                family=family,
                near=nears(family, sorted(standards)),
            )
    west, _, east, _ = _bounds(city)
    tables = {family: [spec.table_row(t) for t in standards[family].tables] for family in m.standards}
    packed = Spec(
        m.id, version, m.shape, [e.id for e in m.events], [r.type for r in m.reads], list(m.metrics()), one.module,
        str(one.folder), dict(params), layers, tables, list(city.codes), (west + east) / 2, round(m.wakes_s * 1000),
    )  # fmt: skip
    return Agent(m, version, params, one.module, one.folder, state, packed)


def _bounds(city: GridMap) -> tuple[float, float, float, float]:
    boxes = np.array([f.shape.bounds for f in city.map.features("grid")])
    return (*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist())


def lines(features: Iterable[Feature]) -> dict[str, list[Feature]]:
    """Those that no position can lie in, by layer, those of the newest edition."""
    out: dict[str, list[Feature]] = {}
    for f in features:
        if f.until == FOREVER and not located(f.layer, f.shape):
            out.setdefault(f.layer, []).append(f)
    return out


def _unread(agents: Any, registry: Registry, place: str) -> None:
    """A live agent of which no asset has what it reads would never speak, and nobody would know why."""
    for agent in agents:
        have = {registry.types[k] for k in set(registry.asset_type.tolist())}
        if agent.state == "live" and agent.manifest.reads and not any(r.type in have for r in agent.manifest.reads):
            wanted = ", ".join(r.type for r in agent.manifest.reads)
            raise AgentError(
                f"{place}: {agent.id}", "reads {wanted}, and the set has no asset of these types", wanted=wanted
            )
