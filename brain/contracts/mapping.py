"""What of an incident other systems are told, where each field goes, and what is lost: as data, for docs and tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, NamedTuple, get_type_hints

import msgspec

from brain.incidents.value import OVER, Incident

Told = dict[str, Any]
"""Fields of an incident as JSON values, by name: what came back of a mapped form."""


_WANTED: Final = (
    "id", "revision", "state", "domain", "scenario", "scenario_version", "event_code", "family", "name", "level",
    "peak_level", "life", "warning", "grade", "response", "confidence", "chattering", "withheld", "onset", "opened",
    "raised", "updated", "cleared", "resolved", "shown", "grid", "town", "district", "areas", "grids", "lon", "lat",
    "accuracy_m", "map", "set", "lead", "lead_name", "assisting", "route", "count", "raises", "cause",
    "effects", "merged_into", "fingerprint", "drill",
)  # fmt: skip
SHARED: Final[tuple[str, ...]] = tuple(name for name in _WANTED if name in Incident.__struct_fields__)
"""Fields that leave the brain in every mapped form: as the standard has them, else in its own place for extras."""


class NotOurs(ValueError):
    """A document that is none of ours in this form: what was expected, and what came."""


class Loss(NamedTuple):
    """A field that does not come back as it was. ``kind``: ``gone``, or ``seconds``: cut to whole seconds."""

    field: str
    kind: Literal["gone", "seconds"]
    why: str


@dataclass(frozen=True)
class Form:
    """A standard's form of an incident.

    ``own``: field → where the standard itself has a place for it; all others of SHARED go as JSON to ``extras``.
    ``words``: what the standard's own vocabulary says, and which fields it follows from; it is not read back.
    ``seconds``: times that the standard has in whole seconds.
    """

    name: str
    title: str
    extras: str
    own: Mapping[str, str]
    words: Mapping[str, str]
    seconds: frozenset[str] = field(default_factory=frozenset)

    @property
    def at(self) -> dict[str, str]:
        """Field → where it is found, for all that is told."""
        return {name: self.own.get(name, f"{self.extras}:{name}") for name in SHARED}

    def rest(self, incident: Incident) -> Told:
        """The fields that go to the extras, as JSON values; those that are as by default are left out."""
        told = told_of(incident)
        usual = _DEFAULTS
        return {
            name: told[name]
            for name in SHARED
            if name not in self.own and (name not in usual or told[name] != usual[name])
        }

    def whole(self, own: Told, rest: object) -> Told:
        """All that was told, from the standard's own places and the extras, each of its type. Raises NotOurs."""
        if not isinstance(rest, dict):
            raise NotOurs(f"{self.extras}: expected an object, got {type(rest).__name__}")
        found: Told = {}
        for name in SHARED:
            if name in self.own:
                found[name] = own[name]
            elif name in rest or name in _DEFAULTS:
                found[name] = rest.get(name, _DEFAULTS.get(name))
            else:
                raise NotOurs(f"{self.extras}: field {name} is missing")
        try:
            checked: Told = msgspec.to_builtins(msgspec.convert(found, _Shared))
        except msgspec.ValidationError as error:
            raise NotOurs(str(error)) from error
        return checked


_GONE: Final[Mapping[str, str]] = {
    "members": "evidence stays in the brain: ask its incident topic by the id",
    "reasons": "evidence stays in the brain: ask its incident topic by the id",
    "clocks": "limits are the departments' own; the incident topic has them",
    "history": "what people did, and who, stays in the brain",
    "taken_by": "may be a person's name",
}


def losses(form: Form) -> list[Loss]:
    """What does not come back of a form, in the order of the incident's fields.

    It follows from the type: a field that is new and nobody shares is a loss with its name.
    """
    found = []
    for name in Incident.__struct_fields__:
        if name not in SHARED:
            found.append(Loss(name, "gone", _GONE.get(name, "of use inside the brain only")))
        elif name in form.seconds:
            found.append(Loss(name, "seconds", "whole seconds: milliseconds are cut off"))
    return found


def told_of(incident: Incident) -> Told:
    """All shared fields as JSON values."""
    values: Told = msgspec.to_builtins(incident)
    return {name: values[name] for name in SHARED}


def kept(form: Form, incident: Incident) -> Told:
    """What has to come back of an incident: all shared fields, less the stated losses."""
    told = told_of(incident)
    for name in form.seconds:
        if told[name] is not None:
            told[name] = told[name] // 1000 * 1000
    return told


def _defaults() -> Told:
    info = msgspec.inspect.type_info(Incident)
    assert isinstance(info, msgspec.inspect.StructType)
    found: Told = {}
    for f in info.fields:
        if f.default is not msgspec.NODEFAULT:
            found[f.name] = msgspec.to_builtins(f.default)
        elif f.default_factory is not msgspec.NODEFAULT:
            found[f.name] = msgspec.to_builtins(f.default_factory())
    return found


_DEFAULTS: Final = _defaults()
_HINTS = get_type_hints(Incident)
_Shared = msgspec.defstruct("_Shared", [(name, _HINTS[name]) for name in SHARED])


# -- what the forms share


def quiet(incident: Incident) -> bool:
    """Whether it is over, or has resolved by itself: receivers are told so."""
    return incident.state == "resolved" or incident.state in OVER


def severity(incident: Incident) -> int:
    """0 unknown to 4 gravest: of the warning colour 预警级别 where there is one, else of the ladder's level."""
    return {"blue": 1, "yellow": 2, "orange": 3, "red": 4}.get(incident.warning) or min(incident.level, 4)


def title(incident: Incident, *, chinese: bool) -> str:
    """Its name in one language; the other, or the scenario, where it has none. That of a drill says so first."""
    first, second = (incident.name.zh, incident.name.en) if chinese else (incident.name.en, incident.name.zh)
    name = first or second or incident.scenario
    if exercise(incident):
        return f"【演练】{name}" if chinese else f"EXERCISE: {name}"
    return name


def exercise(incident: Incident) -> bool:
    """Whether it belongs to a drill 演练: no receiver may take it for real."""
    return incident.drill


def where(incident: Incident) -> str:
    """Codes of its place for people, from the smallest."""
    return " / ".join(code for code in (incident.grid, incident.town, incident.district) if code) or "unknown place"


def sentence(incident: Incident, *, chinese: bool) -> str:
    """What a person reads first: what, where, how grave, how sure."""
    name = title(incident, chinese=chinese)
    if chinese:
        return (
            f"{name}，{where(incident)}，级别 {incident.level}，{incident.count} 个成员，{_SURE[incident.confidence]}"
        )
    return f"{name}, {where(incident)}, level {incident.level}, members: {incident.count}, {incident.confidence}"


_SURE: Final = {"unconfirmed": "未核实", "corroborated": "多源印证", "confirmed": "已核实"}


def read_json(text: str, what: str) -> Any:
    """A JSON value. Raises NotOurs."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotOurs(f"{what}: expected JSON: {error}") from error


def document(value: bytes) -> dict[str, Any]:
    """A JSON object. Raises NotOurs, whatever the bytes are."""
    try:
        found = json.loads(value)
    except (ValueError, RecursionError) as error:
        raise NotOurs(f"expected JSON: {error}") from error
    if not isinstance(found, dict):
        raise NotOurs(f"expected an object, got {type(found).__name__}")
    return found


def ms_of(text: object, what: str) -> int:
    """Milliseconds UTC of an RFC 3339 text with its offset. Raises NotOurs."""
    try:
        when = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise NotOurs(f"{what}: expected RFC 3339, got {str(text)[:40]!r}") from error
    if when.tzinfo is None:
        raise NotOurs(f"{what}: expected a time with offset, got {str(text)[:40]!r}")
    return round((when - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))
