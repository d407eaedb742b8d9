"""``agent.yaml``: what an agent is, what it reads and what it says. Unknown keys are refused; errors name the place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import msgspec

from brain.chinese.below import chinese
from brain.near import Both, nears
from brain.scenario_form import Domain, Name
from brain.unfit import Unfit, both

MANIFEST = "agent.yaml"
_ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+")
_WORD = re.compile(r"[a-z][a-z0-9_]*")
MOST_S = 366 * 86_400
"""Seconds ahead of which an agent can say that it never asks to be woken sooner."""

Value = float | int | str | bool


class AgentError(Unfit):
    """An agent, or a table of agents, that cannot be used: file, place in it, what was expected and what came."""


class Param(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One setting. ``range``: of a number, both ends included; ``among``: of a text."""

    default: Value
    range: tuple[float, float] | None = None
    among: tuple[str, ...] = ()
    unit: str = ""
    note: str = ""


class Reads(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Assets of one type that have all these metrics."""

    type: str
    metrics: tuple[str, ...]


class Event(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One condition that the agent says: each is folded, named and routed as a scenario's.

    ``id``: empty where it is the agent's only one; its signals then have the agent's id, else ``<agent>.<id>``.
    ``life``: never-hidden class (fire, gas, people trapped or drowning). ``facts``: which of the agent's facts its
    signals carry; none named: all.
    """

    event_code: str
    name: Name
    id: str = ""
    life: bool = False
    facts: tuple[str, ...] = ()


class Manifest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """An agent, as its owner writes it.

    ``also``: earlier versions for which this code gives the same, so that a set that names one of them still runs and
    replays. ``shape``: ``lane`` sees the records of its lane, ``city`` all its assets once a minute. ``signals``: of a
    city agent, scenarios (and agents' events) whose signals it sees. ``layers``: of the map, that it asks.
    ``standards``: families of tables. ``isolation``: ``host`` runs it in the worker's child process, so that nothing it
    does can hurt others; ``inline`` runs it in the worker, which is quicker and only for agents of this tree.
    ``wakes_s``: of a lane agent that asks to be woken, the least seconds ahead that it does so; 0: it never asks.
    """

    id: str
    version: int
    owner: str
    name: Name
    domain: Domain
    events: tuple[Event, ...]
    shape: Literal["lane", "city"]
    source: Literal["iot", "video"] = "iot"
    reads: tuple[Reads, ...] = ()
    signals: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    standards: tuple[str, ...] = ()
    params: dict[str, Param] = {}
    means: Name | None = None
    first_steps: Name | None = None
    false_alarms: Name | None = None
    basis: str = ""
    isolation: Literal["host", "inline"] = "host"
    also: tuple[int, ...] = ()
    wakes_s: float = 0.0

    def metrics(self) -> tuple[str, ...]:
        """All metrics that it reads, sorted."""
        return tuple(sorted({metric for reads in self.reads for metric in reads.metrics}))

    def scenario(self, event: str) -> str:
        """Id that an event's signals have."""
        return f"{self.id}.{event}" if event else self.id

    def settings(self, given: dict[str, Any], place: str) -> dict[str, Value]:
        """All params, of which some are given. Raises AgentError."""
        for key in given:
            if key not in self.params:
                raise AgentError(
                    f"{place}: params.{key}",
                    "{id} has no such param{near}",
                    id=self.id,
                    near=nears(key, sorted(self.params)),
                )
        return {
            key: _value(param, given.get(key, param.default), f"{place}: params.{key}")
            for key, param in sorted(self.params.items())
        }


def read(text: bytes | str, place: str) -> Manifest:
    """One manifest from YAML; ``place`` begins every error. Raises AgentError."""
    try:
        manifest = msgspec.yaml.decode(text, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise AgentError(place, "{said}", said=both(error)) from error
    _check(manifest, place)
    return manifest


def load(folder: Path) -> Manifest:
    """That of an agent's folder. Raises AgentError."""
    path = folder / MANIFEST
    try:
        return read(path.read_bytes(), str(path))
    except OSError as error:
        said = error.strerror or str(error)
        raise AgentError(path, "{said}", said=Both(chinese(said), said)) from error


def _check(m: Manifest, place: str) -> None:
    if not _ID.fullmatch(m.id):
        raise AgentError(
            f"{place}: id",
            "expected dotted lower-case words such as {domain}.thing, got {got!r}",
            domain=m.domain,
            got=m.id,
        )
    if m.id.partition(".")[0] != m.domain:
        raise AgentError(f"{place}: id", "expected the domain {domain!r} first, got {got!r}", domain=m.domain, got=m.id)
    if m.version < 1 or any(not 1 <= v < m.version for v in m.also):
        raise AgentError(
            f"{place}: version",
            "expected 1 or more, and earlier ones in also, got {version}, {also}",
            version=m.version,
            also=m.also,
        )
    if not m.owner:
        raise AgentError(f"{place}: owner", "expected who answers for it, got nothing")
    ids = [event.id for event in m.events]
    if not ids or len(set(ids)) != len(ids) or ("" in ids and len(ids) > 1):
        raise AgentError(f"{place}: events", "expected one, or several each with an id of its own, got {got}", got=ids)
    if any(id and not _WORD.fullmatch(id) for id in ids):
        raise AgentError(f"{place}: events", "expected ids of small letters, digits and _, got {got}", got=ids)
    types = [reads.type for reads in m.reads]
    if len(set(types)) != len(types) or any(not r.metrics or len(set(r.metrics)) != len(r.metrics) for r in m.reads):
        raise AgentError(f"{place}: reads", "expected each type once, with metrics, each once")
    if m.shape == "lane" and (not m.reads or m.signals):
        raise AgentError(f"{place}: reads", "a lane agent reads assets and sees no signals")
    if m.shape == "city" and not m.reads and not m.signals:
        raise AgentError(f"{place}: reads", "expected assets, signals or both, got neither")
    if m.wakes_s and (m.shape != "lane" or not 1 <= m.wakes_s <= MOST_S):
        raise AgentError(
            f"{place}: wakes_s",
            "expected 1 to {most:,} seconds, and shape: lane, got {got:g}",
            most=MOST_S,
            got=m.wakes_s,
        )
    for key, param in m.params.items():
        _value(param, param.default, f"{place}: params.{key}.default")


def _value(param: Param, value: Any, place: str) -> Value:
    default = param.default
    number = isinstance(default, int | float) and not isinstance(default, bool)
    if number != (isinstance(value, int | float) and not isinstance(value, bool)) or (
        not number and type(value) is not type(default)
    ):
        name = type(default).__name__
        kind = Both("数", "a number") if number else Both(name, name)
        raise AgentError(place, "expected {kind}, got {got!r}", kind=kind, got=value)
    if param.range is not None and not param.range[0] <= value <= param.range[1]:
        raise AgentError(
            place,
            "expected {low:g} to {high:g} {unit}, got {got}",
            low=param.range[0],
            high=param.range[1],
            unit=param.unit,
            got=value,
        )
    if param.among and value not in param.among:
        raise AgentError(place, "{value!r}{near}", value=value, near=nears(str(value), param.among))
    return value  # type: ignore[no-any-return]  # of the default's type, which is one of Value
