"""Which lanes another set cannot change: they are worked once for both. Where that is not certain, all are worked.

A lane's signals follow from its log, the registry, the map, the tables and word lists, the trust in assets, and the
scenarios of its own source. Routes, event codes, limits, causes, calendar, announced work and what official warnings do
are the city task's, which always runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from brain.scenario import Scenario
from brain.scenario_kit.lock import FREE
from brain.set_tables import CALENDAR, CAUSES, EVENTS, LIMITS, ROUTES, WARNINGS, WINDOWS
from brain.sets import SCENARIOS, CitySet
from streams.records import TP

CITY_ONLY: Final = frozenset((ROUTES, EVENTS, LIMITS, CAUSES, CALENDAR, WARNINGS, WINDOWS))
SOURCES: Final[Mapping[str, str]] = {"iot.telemetry": "iot", "video.metadata": "video", "hotline.tickets": "hotline"}
"""Source of scenarios by input; the other inputs know none."""
WORDING: Final = frozenset(("version", "owner", "means", "first_steps", "false_alarms", "basis", "tests"))
"""Fields that no lane reads; a ticket's signal may carry the name."""


def files(base: Mapping[str, bytes], candidate: Mapping[str, bytes]) -> list[str]:
    """Names of a set's files that differ, or that one has alone."""
    return sorted(name for name in {*base, *candidate} if base.get(name) != candidate.get(name))


def lanes(
    inputs: Iterable[TP], changed: Iterable[str], base: CitySet, candidate: CitySet
) -> tuple[list[TP], list[str]]:
    """Inputs whose lanes say the same under both sets, and why the others may not."""
    deep = [name for name in changed if name not in CITY_ONLY and not name.startswith(SCENARIOS + "/")]
    if deep:
        return [], [f"all lanes: {name}" for name in deep]
    same, why = [], []
    for source in inputs:
        kind = SOURCES.get(source.topic, "")
        ids = _differing(kind, base.scenarios, candidate.scenarios)
        if ids:
            why.append(f"{source}: {', '.join(ids)}")
        else:
            same.append(source)
    return same, why


def _differing(source: str, base: Iterable[Scenario], candidate: Iterable[Scenario]) -> list[str]:
    was = {s.id: content(s) for s in base if s.source == source}
    now = {s.id: content(s) for s in candidate if s.source == source}
    return sorted(id_ for id_ in {*was, *now} if was.get(id_) != now.get(id_))


def content(s: Scenario, without: Iterable[str] = WORDING) -> bytes:
    """What a lane can know of a scenario: all but wording for people, what it was taken over from included."""
    known = {key: value for key, value in msgspec.to_builtins(s).items() if key not in without}
    return msgspec.json.encode(known, order="sorted")


def same_decision(was: Scenario, now: Scenario) -> bool:
    """Whether they differ in words, version and state alone."""
    return content(was, FREE) == content(now, FREE)


def fields(was: Scenario | None, now: Scenario | None) -> list[str]:
    """Keys of a scenario's file that differ, with those below ``match``, ``detect``, ``for`` and ``clear`` by name."""
    if was is None or now is None:
        return []
    return [name for name, _, _ in differences(msgspec.to_builtins(was), msgspec.to_builtins(now))]


def differences(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(key, was, now) of all that differs between two files, as JSON; empty where a key is not there."""
    a, b = _flat(was), _flat(now)
    return [(name, _said(a, name), _said(b, name)) for name in sorted({*a, *b}) if a.get(name) != b.get(name)]


def _said(flat: Mapping[str, Any], name: str) -> str:
    return msgspec.json.encode(flat[name]).decode() if name in flat else ""


def _flat(file: Mapping[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in file.items():
        if isinstance(value, dict):
            out |= {f"{name}.{key}": one for key, one in value.items()}
        else:
            out[name] = value
    return out
