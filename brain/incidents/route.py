"""Which department leads 牵头部门: event code × place × owner of the asset, from routes.yaml, checked on loading.

The most specific rule wins, asked in this order:

1. A rule for a managing zone 功能区 before all others: it owns its cases though the code tree puts them elsewhere.
2. Event code before event code with ``*``, the longer before the shorter; then the domain.
3. Grid before town before district before the whole city.
4. A rule for the owner of the asset before one for any owner.

Every domain has a default, so every incident has a lead; a table that is ``strict`` does not count that as an answer,
and ``jurisdiction.check`` finds where a rule is missing.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from brain import yaml_tables
from brain.incidents.value import DOMAINS, Text
from brain.near import BOTH, NEITHER, joined, meant
from brain.unfit import Unfit

PLACES: Final = ("grid", "town", "district", "zone")
KEPT: Final = 50_000
"""Answers remembered."""


class RouteError(Unfit):
    """A routing table that cannot be used: says the file, the place in it, what was expected and what came."""


class Department(msgspec.Struct, forbid_unknown_fields=True):
    """A department 部门 that can lead or assist."""

    zh: str
    en: str = ""


class Rule(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One row: exactly one of ``event_code`` (may end in ``*``) and ``domain``; at most one place, else the city.

    ``owner``: of the asset that spoke, as the registry has it.
    """

    lead: str
    event_code: str = ""
    domain: str = ""
    grid: str = ""
    town: str = ""
    district: str = ""
    zone: str = ""
    owner: str = ""
    assisting: list[str] = []

    def name(self) -> str:
        """How the rule is named in an incident: ``eco.*@zone=990271;owner=水务局``; a district stands alone."""
        place = self.district or next((f"{kind}={v}" for kind in PLACES if (v := getattr(self, kind))), "")
        owner = f";owner={self.owner}" if self.owner else ""
        return (self.event_code or self.domain) + (f"@{place}" if place else "") + owner


class Default(msgspec.Struct, forbid_unknown_fields=True):
    """Who leads when no rule fits."""

    lead: str
    assisting: list[str] = []


class _File(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    departments: dict[str, Department]
    defaults: dict[str, Default]
    routes: list[Rule] = []
    strict: bool = False


_Key = tuple[str, str, str, str, str]
"""Kind of what and what (code, prefix or domain), kind of place and place, owner."""


class Route(NamedTuple):
    """Who acts, and by which rule."""

    lead: str
    lead_name: Text
    assisting: tuple[str, ...]
    rule: str


@dataclass(slots=True)
class Routes:
    """A checked routing table. :meth:`find` never fails for one of the six domains."""

    departments: Mapping[str, Department]
    defaults: Mapping[str, Default]
    rules: Mapping[_Key, Rule]
    strict: bool = False
    _named: dict[str, frozenset[str]] = field(default_factory=dict, repr=False)
    """Places and owners that a rule names: all others are as good as none."""
    _found: dict[tuple[str, ...], Route] = field(default_factory=dict, repr=False)

    @classmethod
    def load(cls, path: Path) -> Routes:
        """Read a YAML file. Raises RouteError; OSError where the file cannot be read."""
        return cls.of(yaml_tables.decoded(path.read_bytes(), str(path), RouteError), str(path))

    @classmethod
    def of(cls, data: object, place: str = "routes") -> Routes:
        """Check a decoded table; ``place`` begins every error message."""
        file = yaml_tables.checked(data, _File, place, RouteError)
        missing = [d for d in DOMAINS if d not in file.defaults]
        if missing:
            raise RouteError(
                f"{place}: defaults", "expected each of the six domains, missing: {missing}", missing=", ".join(missing)
            )
        for domain, default in file.defaults.items():
            _one_of(f"{place}: defaults", domain, DOMAINS)
            _departments(f"{place}: defaults.{domain}", default, file.departments)
        rules: dict[_Key, Rule] = {}
        at: dict[_Key, int] = {}
        for number, rule in enumerate(file.routes):
            where = f"{place}: routes[{number}]"
            _departments(where, rule, file.departments)
            key = _key(where, rule)
            if key in rules:
                raise RouteError(
                    where, "{name!r} is routed twice; routes[{at}] routes it too", name=rule.name(), at=at[key]
                )
            rules[key], at[key] = rule, number
        named = {
            kind: frozenset(value for rule in file.routes if (value := getattr(rule, kind)))
            for kind in (*PLACES, "owner")
        }
        return cls(file.departments, file.defaults, rules, file.strict, named)

    def find(
        self, event_code: str, domain: str, district: str = "", *, grid: str = "", town: str = "",
        zones: Iterable[str] = (), owner: str = "",
    ) -> Route:  # fmt: skip
        """Who leads. A lookup after the first of its kind. Raises KeyError for a domain that is none of the six."""
        named = self._named
        asked = (
            event_code, domain, grid if grid in named["grid"] else "", town if town in named["town"] else "",
            district if district in named["district"] else "", owner if owner in named["owner"] else "",
            *([z for z in zones if z in named["zone"]] if named["zone"] else ()),
        )  # fmt: skip
        found = self._found.get(asked)
        if found is None:
            if len(self._found) >= KEPT:  # people may give any code by hand
                self._found.clear()
            rule = next(self._matching(asked), None)
            found = self._route(self.defaults[domain], f"default:{domain}") if rule is None else self._of(rule)
            self._found[asked] = found
        return found

    def matching(
        self, event_code: str, domain: str, district: str = "", *, grid: str = "", town: str = "",
        zones: Iterable[str] = (), owner: str = "",
    ) -> list[Rule]:  # fmt: skip
        """All rules that fit, the one that wins first; empty where the domain's default answers."""
        return list(self._matching((event_code, domain, grid, town, district, owner, *zones)))

    def _matching(self, asked: tuple[str, ...]) -> Iterator[Rule]:
        code, domain, grid, town, district, owner, *zones = asked
        whats = [("code", code), *(("prefix", code[:n]) for n in range(len(code), -1, -1)), ("domain", domain)]
        places = [(kind, v) for kind, v in (("grid", grid), ("town", town), ("district", district)) if v]
        owners = (owner, "") if owner else ("",)
        for wheres in ([("zone", zone) for zone in sorted(zones)], [*places, ("", "")]):
            for what in whats:
                for where in wheres:
                    for whose in owners:
                        rule = self.rules.get((*what, *where, whose))
                        if rule is not None:
                            yield rule

    def _of(self, rule: Rule) -> Route:
        return self._route(rule, rule.name())

    def _route(self, to: Rule | Default, rule: str) -> Route:
        department = self.departments[to.lead]
        return Route(to.lead, Text(department.zh, department.en), tuple(to.assisting), rule)


def _key(where: str, rule: Rule) -> _Key:
    if bool(rule.event_code) == bool(rule.domain):
        got = BOTH if rule.domain else NEITHER
        raise RouteError(where, "expected one of event_code and domain, got {got}", got=got)
    places = [(kind, value) for kind in PLACES if (value := getattr(rule, kind))]
    if len(places) > 1:
        named = joined(kind for kind, _ in places)
        raise RouteError(where, "expected at most one of {names}, got {got}", names=", ".join(PLACES), got=named)
    place = places[0] if places else ("", "")
    if rule.domain:
        _one_of(f"{where}.domain", rule.domain, DOMAINS)
        return "domain", rule.domain, *place, rule.owner
    if "*" in rule.event_code[:-1]:
        raise RouteError(f"{where}.event_code", "expected * at the end only, got {got!r}", got=rule.event_code)
    if rule.event_code.endswith("*"):
        return "prefix", rule.event_code[:-1], *place, rule.owner
    return "code", rule.event_code, *place, rule.owner


def _departments(where: str, to: Rule | Default, known: Mapping[str, Any]) -> None:
    _one_of(f"{where}.lead", to.lead, known)
    for number, name in enumerate(to.assisting):
        _one_of(f"{where}.assisting[{number}]", name, known)
        if name == to.lead:
            raise RouteError(f"{where}.assisting[{number}]", "{name!r} leads already", name=name)


def _one_of(where: str, got: str, known: Iterable[str]) -> None:
    names = sorted(known)
    if got not in names:
        near = meant(next(iter(difflib.get_close_matches(got, names, 1)), None))
        raise RouteError(
            where, "expected one of {names}, got {got!r}{near}", names=", ".join(names), got=got, near=near
        )
