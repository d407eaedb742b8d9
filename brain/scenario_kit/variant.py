"""A district's variant of a scenario 分区变体: a file that names what it ``extends`` and says only what differs there.

It may change thresholds, filters, calendars (hours) and the event code, by which it is routed; nothing else. Where a
live variant looks, its base does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from brain.combination import Trouble
from brain.near import nears
from brain.scenario import Scenario
from brain.unfit import Unfit

OWN = ("id", "version", "extends", "state", "tests")
"""Keys that a variant never takes over."""
WORDS = ("name", "owner", "means", "first_steps", "false_alarms", "basis")
WHOLE = ("event_code", "clear", "for", "level", "levels")
"""Keys that replace the base's as a whole."""
FILTERS = ("districts", "hours", "layer", "kind", "words", "urgency_from", "mood_below")
THRESHOLDS = (
    "above", "below", "ewma_deviation", "score_over", "silent_s", "sum_over", "count_over", "mass", "window_s",
    "within_m", "within_s", "radius_m", "age_s",
)  # fmt: skip
GRADES = ("grade_from", "levels")
KEYS = (*OWN, *WORDS, *WHOLE, "match", "detect")


class VariantError(Unfit):
    """A variant that cannot be resolved; ``code`` is lint's, ``place`` where in the file."""

    def __init__(self, place: str, what: str, code: str = "contradicts", /, **values: object) -> None:
        super().__init__(place, what, **values)
        self.place, self.code = place, code


def bases(every: Iterable[Any]) -> dict[str, Mapping[str, Any]]:
    """What files may extend, by id; ``every``: files as decoded."""
    found: dict[str, Mapping[str, Any]] = {}
    for data in every:
        if isinstance(data, Mapping) and isinstance(data.get("id"), str):
            found.setdefault(data["id"], data)
    return found


def resolved(data: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """A variant's file with what it takes over from its base. Raises VariantError."""
    name = data["extends"]
    if not isinstance(name, str) or name not in known or name == data.get("id"):
        raise VariantError(
            "extends",
            "no scenario is {name!r}{near}",
            "removed_but_used",
            name=name,
            near=nears(str(name), list(known)),
        )
    base = known[name]
    if "extends" in base:
        raise VariantError("extends", "{name} is itself a variant: expected the one that it extends", name=name)
    for key in data:
        if key not in KEYS:
            raise VariantError(
                str(key), "a variant takes it over from {name}: expected {keys}", name=name, keys=", ".join(KEYS)
            )
    for part, allowed in (("match", FILTERS), ("detect", (*THRESHOLDS, *GRADES))):
        for key in _part(data, part):
            if key not in allowed:
                raise VariantError(f"{part}.{key}", "a variant may change {allowed}", allowed=", ".join(allowed))
    for key in _part(data, "detect"):
        if key in THRESHOLDS and key not in _part(base, "detect"):
            raise VariantError(f"detect.{key}", "{name} detects otherwise: it has no {key}", name=name, key=key)
    there, mine = _codes(base), _codes(data)
    if not mine:
        raise VariantError("match.districts", "expected the codes of the districts that it is for")
    if there and not set(mine) <= set(there):
        raise VariantError(
            "match.districts",
            "{name} looks in {there} only, got {got}",
            name=name,
            there=", ".join(there),
            got=", ".join(mine),
        )
    out = {key: value for key, value in base.items() if key not in OWN}
    out |= {key: value for key, value in data.items() if key not in ("match", "detect")}
    for part in ("match", "detect"):
        out[part] = {**_part(base, part), **_part(data, part)}
    return out


def trouble(every: Sequence[Scenario]) -> Iterator[tuple[Scenario, Trouble]]:
    """Two live variants of one base that look in one district."""
    held: dict[tuple[str, str], str] = {}
    for s in _live(every):
        for code in s.match.districts:
            other = held.setdefault((s.extends, code), s.id)
            if other != s.id:
                zh, en = f"{code} 已有变体 {other}", f"{other} is a variant for {code} already"
                yield s, Trouble("doubled", "match.districts", zh, en)


def apart(every: Sequence[Scenario]) -> list[Scenario]:
    """The scenarios, each without the districts for which a live variant looks."""
    taken: dict[str, set[str]] = {}
    for s in _live(every):
        taken.setdefault(s.extends, set()).update(s.match.districts)
    return [
        msgspec.structs.replace(s, without=tuple(sorted(taken[s.id]))) if s.id in taken else s for s in every
    ]  # fmt: skip


def _live(every: Sequence[Scenario]) -> list[Scenario]:
    return [s for s in every if s.extends and s.state == "live"]


def _part(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise VariantError(name, "expected keys and values, got {got!r}", got=found)
    return found


def _codes(data: Mapping[str, Any]) -> list[str]:
    found = _part(data, "match").get("districts") or []
    if not isinstance(found, list) or not all(isinstance(code, str) for code in found):
        raise VariantError("match.districts", "expected codes in quotes, got {got!r}", got=found)
    return found
