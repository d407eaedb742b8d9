"""Which department leads 牵头部门: event code or domain × district → department, from routes.yaml, checked on loading.

The most specific rule wins: event code before event code with `*`, the longer before the shorter, then the domain; with
each, a rule for the district before one for the whole city. Every domain has a default, so every incident has a lead.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from brain.incidents.value import DOMAINS, Text


class RouteError(ValueError):
    """A routing table that cannot be used: says the file, the place in it, what was expected and what came."""


class Department(msgspec.Struct, forbid_unknown_fields=True):
    """A department 部门 that can lead or assist."""

    zh: str
    en: str = ""


class Rule(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One row: exactly one of ``event_code`` (may end in ``*``) and ``domain``; ``district`` empty for the city."""

    lead: str
    event_code: str = ""
    domain: str = ""
    district: str = ""
    assisting: list[str] = []

    def name(self) -> str:
        """How the rule is named in an incident."""
        return (self.event_code or self.domain) + (f"@{self.district}" if self.district else "")


class Default(msgspec.Struct, forbid_unknown_fields=True):
    """Who leads when no rule fits."""

    lead: str
    assisting: list[str] = []


class _File(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    departments: dict[str, Department]
    defaults: dict[str, Default]
    routes: list[Rule] = []


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
    rules: Mapping[tuple[str, str, str], Rule]
    """(kind: code, prefix or domain; value; district) → rule."""
    _found: dict[tuple[str, str, str], Route] = field(default_factory=dict, repr=False)

    @classmethod
    def load(cls, path: Path) -> Routes:
        """Read a YAML file. Raises RouteError; OSError where the file cannot be read."""
        try:
            data = msgspec.yaml.decode(path.read_bytes())
        except msgspec.DecodeError as error:
            raise RouteError(f"{path}: not YAML: {error}") from error
        return cls.of(data, str(path))

    @classmethod
    def of(cls, data: object, place: str = "routes") -> Routes:
        """Check a decoded table; ``place`` begins every error message."""
        try:
            file = msgspec.convert(data, _File)
        except msgspec.ValidationError as error:
            raise RouteError(f"{place}: {error}") from error
        if file.version != 1:
            raise RouteError(f"{place}: version: expected 1, got {file.version}")
        missing = [d for d in DOMAINS if d not in file.defaults]
        if missing:
            raise RouteError(f"{place}: defaults: expected each of the six domains, missing: {', '.join(missing)}")
        for domain, default in file.defaults.items():
            _one_of(f"{place}: defaults", domain, DOMAINS)
            _departments(f"{place}: defaults.{domain}", default, file.departments)
        rules: dict[tuple[str, str, str], Rule] = {}
        for number, rule in enumerate(file.routes):
            where = f"{place}: routes[{number}]"
            _departments(where, rule, file.departments)
            key = _key(where, rule)
            if key in rules:
                raise RouteError(f"{where}: {rule.name()!r} is routed twice; each may be routed once")
            rules[key] = rule
        return cls(file.departments, file.defaults, rules)

    def find(self, event_code: str, domain: str, district: str) -> Route:
        """Who leads. Raises KeyError for a domain that is none of the six."""
        asked = (event_code, domain, district)
        found = self._found.get(asked)
        if found is None:
            found = self._found[asked] = self._search(event_code, domain, district)
        return found

    def _search(self, code: str, domain: str, district: str) -> Route:
        wanted = [("code", code), *(("prefix", code[:n]) for n in range(len(code), -1, -1)), ("domain", domain)]
        for kind, value in wanted:
            for where in (district, "") if district else ("",):
                rule = self.rules.get((kind, value, where))
                if rule is not None:
                    return self._route(rule, rule.name())
        return self._route(self.defaults[domain], f"default:{domain}")

    def _route(self, to: Rule | Default, rule: str) -> Route:
        department = self.departments[to.lead]
        return Route(to.lead, Text(department.zh, department.en), tuple(to.assisting), rule)


def _key(where: str, rule: Rule) -> tuple[str, str, str]:
    if bool(rule.event_code) == bool(rule.domain):
        got = "both" if rule.domain else "neither"
        raise RouteError(f"{where}: expected one of event_code and domain, got {got}")
    if rule.domain:
        _one_of(f"{where}.domain", rule.domain, DOMAINS)
        return "domain", rule.domain, rule.district
    if rule.event_code.endswith("*"):
        return "prefix", rule.event_code[:-1], rule.district
    return "code", rule.event_code, rule.district


def _departments(where: str, to: Rule | Default, known: Mapping[str, Any]) -> None:
    _one_of(f"{where}.lead", to.lead, known)
    for number, name in enumerate(to.assisting):
        _one_of(f"{where}.assisting[{number}]", name, known)
        if name == to.lead:
            raise RouteError(f"{where}.assisting[{number}]: {name!r} leads already")


def _one_of(where: str, got: str, known: Iterable[str]) -> None:
    names = sorted(known)
    if got not in names:
        near = difflib.get_close_matches(got, names, 1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise RouteError(f"{where}: expected one of {', '.join(names)}, got {got!r}{hint}")
