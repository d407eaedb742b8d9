"""``notify.yaml``: targets, departments, rules and steps of escalation, checked on loading.

No life-safety incident is without a target, or the file is refused.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from brain import yaml_tables
from brain.incidents.calendar import DAY_MS, ZONES
from brain.incidents.value import DOMAINS
from brain.near import Both, meant
from brain.notify.occasions import Occasion
from brain.notify.port import About, Kind
from brain.unfit import Unfit

LEAD: Final = "lead"
"""In a list of targets: those of the department that leads."""
ANY: Final = "*"
"""In ``units``: of departments that are not named, and while none is known."""
_HOURS: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_UNIT: Final = re.compile(r"[\w.:@/-]{0,64}")
_SPAN: Final = re.compile(r"([1-9]\d{0,5})(ms|s|m|h)")
_UNITS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
_BY_CLOCK: Final = frozenset((Kind.PREDICTED, Kind.BREACHED))
_WITH_LEAD: Final = _BY_CLOCK | {Kind.STALE, Kind.REVIEW_DUE}
"""What the department that leads is told whatever the rules say."""


class NotifyError(Unfit):
    """A file that cannot be used: says the file, the place in it, what was expected and what came."""


class Retry(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Pauses double from ``first`` to ``most``. After ``give_up`` it ends, but for life-safety that still stands."""

    first: str = "1s"
    most: str = "1m"
    give_up: str = "12h"


class TargetRow(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One way to somebody. ``settings`` are the adapter's. ``quiet``: in these hours only life-safety is sent."""

    adapter: str
    settings: dict[str, Any] = {}
    language: Literal["zh", "en", ""] = ""
    quiet: str = ""
    drill: bool = False
    """Whether drills are sent there."""
    unit: str = ""
    """Department in whose name its acknowledgements are made."""
    retry: Retry = Retry()


class Rule(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Whom to tell of what. What is left out fits all; ``level``: this and above. All rules that fit count."""

    to: list[str]
    domains: list[str] = []
    districts: list[str] = []
    scenarios: list[str] = []
    """Ids, or the beginning of ids and ``*``."""
    kinds: list[Kind] = []
    level: int = 0
    life: bool | None = None

    def fits(self, kind: Kind, about: About) -> bool:
        """Whether it is about this; predicted and missed limits only where ``kinds`` names them."""
        return (
            (kind in self.kinds if self.kinds else kind not in _BY_CLOCK)
            and self.life in {None, about.life}
            and about.level >= self.level
            and (not self.domains or about.domain in self.domains)
            and (not self.districts or about.district in self.districts)
            and (not self.scenarios or any(_matches(s, about.scenario) for s in self.scenarios))
        )


class NotifyFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """``notify.yaml``. ``escalation``: targets of each step; a step beyond the last has those of the last."""

    version: int
    targets: dict[str, TargetRow]
    units: dict[str, list[str]]
    rules: list[Rule]
    escalation: list[list[str]]
    language: Literal["zh", "en"] = "zh"
    zone: str = "Asia/Shanghai"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """A checked row; times in ms."""

    name: str
    adapter: str
    settings: Mapping[str, Any]
    language: str
    quiet: tuple[int, int] | None
    drill: bool
    unit: str
    first: int
    most: int
    give_up: int
    zone: int
    """Offset of its local time."""

    def pause(self, attempts: int) -> int:
        """After so many attempts, ms: the first pause, doubled with each, up to the longest."""
        return min(self.most, self.first << min(attempts - 1, 20))

    def awake(self, now: int, *, life: bool) -> int:
        """The earliest time from ``now`` on at which it may be told: after its quiet hours, but at once of life."""
        if life or self.quiet is None:
            return now
        start, end = self.quiet
        since = (now + self.zone - start) % DAY_MS
        length = (end - start) % DAY_MS
        return now if since >= length else now + length - since


@dataclass(frozen=True, slots=True)
class Config:
    """A checked file."""

    targets: Mapping[str, Target]
    file: NotifyFile
    folder: Path

    @classmethod
    def load(cls, path: Path) -> Config:
        """Read a YAML file. Raises NotifyError; OSError where the file cannot be read."""
        return cls.of(yaml_tables.decoded(path.read_bytes(), str(path), NotifyError), str(path), path.resolve().parent)

    @classmethod
    def of(cls, data: object, place: str = "notify", folder: Path = Path()) -> Config:
        """Check a decoded file; ``place`` begins every error message, ``folder`` that of relative paths."""
        file = yaml_tables.checked(data, NotifyFile, place, NotifyError, _near_field)
        if file.zone not in ZONES:
            raise NotifyError(f"{place}: zone: expected one of {', '.join(ZONES)}, got {file.zone!r}")
        if not file.targets:
            raise NotifyError(f"{place}: targets: expected at least one")
        if LEAD in file.targets:
            raise NotifyError(f"{place}: targets.{LEAD}: this name stands for the department that leads; take another")
        targets = {name: _target(name, row, file, f"{place}: targets.{name}") for name, row in file.targets.items()}
        _check(file, place)
        return cls(targets, file, folder)

    def whom(self, occasion: Occasion, about: About) -> list[str]:
        """Targets of an occasion, sorted."""
        if occasion.kind is Kind.UNACKNOWLEDGED:
            steps = self.file.escalation
            named = set(steps[min(occasion.step, len(steps)) - 1])
        else:
            named = {name for rule in self.file.rules if rule.fits(occasion.kind, about) for name in rule.to}
            if occasion.kind in _WITH_LEAD:
                named.add(LEAD)
        if LEAD in named:
            named.discard(LEAD)
            units = self.file.units
            named.update(units.get(about.unit, units[ANY]))
        return sorted(named)


def _target(name: str, row: TargetRow, file: NotifyFile, where: str) -> Target:
    first, most, give_up = (
        _span(getattr(row.retry, part), f"{where}.retry.{part}") for part in ("first", "most", "give_up")
    )
    if not _UNIT.fullmatch(row.unit):
        raise NotifyError(f"{where}.unit: expected up to 64 letters, digits and . : @ / - _, got {row.unit!r}")
    if most < first:
        raise NotifyError(f"{where}.retry.most: expected at least first ({row.retry.first}), got {row.retry.most}")
    return Target(
        name, row.adapter, row.settings, row.language or file.language, _quiet(row.quiet, f"{where}.quiet"), row.drill,
        row.unit, first, most, give_up, ZONES[file.zone],
    )  # fmt: skip


def _check(file: NotifyFile, place: str) -> None:
    known = [*file.targets, LEAD]
    for unit, names in file.units.items():
        _targets(names, list(file.targets), f"{place}: units.{unit}")
    if ANY not in file.units:
        raise NotifyError(f"{place}: units: expected an entry {ANY!r}, for departments that are not named")
    if not file.escalation:
        raise NotifyError(f"{place}: escalation: expected at least one step")
    for number, names in enumerate(file.escalation):
        _targets(names, known, f"{place}: escalation[{number}]")
    for number, rule in enumerate(file.rules):
        where = f"{place}: rules[{number}]"
        _targets(rule.to, known, f"{where}.to")
        for position, domain in enumerate(rule.domains):
            _one_of(domain, DOMAINS, f"{where}.domains[{position}]")
        if not 0 <= rule.level <= 4:
            raise NotifyError(f"{where}.level: expected 0 to 4, got {rule.level}")
        for position, pattern in enumerate(rule.scenarios):
            if not pattern or "*" in pattern[:-1]:
                what = "an id, or the beginning of one and *"
                raise NotifyError(f"{where}.scenarios[{position}]: expected {what}, got {pattern!r}")
    for domain in DOMAINS:
        if not any(_every_life(rule, domain) for rule in file.rules):
            raise NotifyError(
                f"{place}: rules: life-safety of {domain}: expected a rule that sends all of it to somebody, without "
                "level, districts, scenarios and kinds"
            )


def _every_life(rule: Rule, domain: str) -> bool:
    narrow = rule.level or rule.districts or rule.scenarios or rule.kinds
    return not narrow and rule.life in {None, True} and (not rule.domains or domain in rule.domains)


def _targets(names: list[str], known: list[str], where: str) -> None:
    if not names:
        raise NotifyError(f"{where}: expected at least one target")
    for number, name in enumerate(names):
        _one_of(name, known, f"{where}[{number}]")


def _one_of(got: str, known: Iterable[str], where: str) -> None:
    names = list(known)
    if got not in names:
        raise NotifyError(f"{where}: expected one of {', '.join(names)}, got {got!r}{near(got, names)}")


def near(got: str, names: Iterable[str]) -> str:
    """A hint at the name that was probably meant, or nothing."""
    found = difflib.get_close_matches(got, list(names), 1)
    return f" (did you mean {found[0]}?)" if found else ""


def _near_field(text: str) -> Both:
    """The hint for msgspec's "unknown field `x`" and "Invalid enum value 'x'"."""
    found = re.search(r"unknown field `([^`]*)`|Invalid enum value '([^']*)'", text)
    if found is None:
        return Both("", "")
    structs = (NotifyFile, TargetRow, Rule, Retry)
    keys = sorted({f.encode_name for s in structs for f in msgspec.structs.fields(s)})
    got, names = (found[2], list(Kind)) if found[2] is not None else (found[1], keys)
    return meant(next(iter(difflib.get_close_matches(got, names, 1)), None))


def _matches(pattern: str, scenario: str) -> bool:
    return scenario.startswith(pattern[:-1]) if pattern.endswith("*") else scenario == pattern


def _span(text: str, where: str) -> int:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise NotifyError(f"{where}: expected a whole number and one of ms, s, m, h, such as 30s, got {text!r}")
    return int(found[1]) * _UNITS[found[2]]


def _quiet(text: str, where: str) -> tuple[int, int] | None:
    if not text:
        return None
    found = _HOURS.fullmatch(text)
    if found is None or found[1] + found[2] == found[3] + found[4]:
        raise NotifyError(f"{where}: expected from and to such as 22:00-07:00, got {text!r}")
    h1, m1, h2, m2 = map(int, found.groups())
    return (h1 * 60 + m1) * 60_000, (h2 * 60 + m2) * 60_000
