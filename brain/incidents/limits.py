"""How long things may take 时限: event code × level × life → limits, from limits.yaml of the set, checked on loading.

The most specific row wins: event code before one that ends in ``*``, the longer before the shorter; then a row that
names levels before one that does not; then one that says whether it is for life-safety before one that does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal, NamedTuple

import msgspec

from brain import yaml_tables
from brain.incidents.calendar import (
    ROUND_THE_CLOCK,
    ZONES,
    Calendar,
    CalendarKind,
    Limit,
    WorkCalendar,
    limit_of,
)
from brain.near import Both
from brain.unfit import Unfit, both

STEPS_MOST: Final = 20
"""Escalation steps a table may have."""
KEPT: Final = 10_000
"""Answers remembered."""
LimitName = Literal["accept", "arrive", "dispose"]
LIMIT_NAMES: Final[tuple[LimitName, ...]] = ("accept", "arrive", "dispose")

_WEEKDAYS: Final = WorkCalendar(
    [(32_400_000, 43_200_000), (50_400_000, 64_800_000)], {}, {}, (), ZONES["Asia/Shanghai"]
)
"""For a clock on working time that outlives the set that had a calendar: weekdays, and nothing is covered."""


class LimitError(Unfit):
    """A table of limits that cannot be used: says the file, the place in it, what was expected and what came."""


class LimitRow(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One row. ``event_code`` may end in ``*``; no ``levels``: all; no ``life``: both. An absent limit starts no clock.

    ``warn``: share of a limit after which a breach is predicted, where it is not the table's.
    """

    event_code: str
    calendar: CalendarKind
    levels: list[int] = []
    life: bool | None = None
    accept: str = ""
    arrive: str = ""
    dispose: str = ""
    warn: float | None = None

    def name(self) -> str:
        """How the row is named in a clock."""
        levels = "".join(f"/{level}" for level in sorted(self.levels))
        return self.event_code + levels + {True: "/life", False: "/other", None: ""}[self.life]


class Promise(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How long after an acknowledgement something must happen, else it is stale; told ``repeats`` times."""

    life: str
    other: str
    repeats: int = 3


class LimitFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """``limits.yaml``. ``unacknowledged``: when life-safety that nobody takes escalates, counted from its start."""

    version: int
    limits: list[LimitRow]
    unacknowledged: list[str]
    promise: Promise
    warn: float = 0.75
    extensions: int = 1
    note: str = ""


class Plan(NamedTuple):
    """What holds for one kind of incident; all times in ms."""

    rule: str
    kind: CalendarKind
    limits: tuple[tuple[LimitName, Limit], ...]
    warn: float
    steps: tuple[int, ...]
    """Since the start; empty where nothing escalates."""
    promise: int
    repeats: int
    extensions: int
    pausable: bool
    calendars: Mapping[CalendarKind, Calendar]


_NO_CALENDARS: Final[Mapping[CalendarKind, Calendar]] = {"clock": ROUND_THE_CLOCK, "working": _WEEKDAYS}
NO_PLAN: Final = Plan("none", "clock", (), 0.75, (), 0, 0, 0, True, _NO_CALENDARS)
"""Of a set without limits.yaml: no clock starts; those that run already go on."""


@dataclass(slots=True)
class Limits:
    """A checked table. :meth:`plan` never fails: it has rows for every code, life-safety and other."""

    rows: tuple[LimitRow, ...]
    """The most specific first."""
    steps: tuple[int, ...]
    promises: Mapping[bool, int]
    file: LimitFile
    calendars: Mapping[CalendarKind, Calendar]
    _found: dict[tuple[str, int, bool], Plan] = field(default_factory=dict, repr=False)

    @classmethod
    def load(cls, path: Path, calendar: WorkCalendar | None = None) -> Limits:
        """Read a YAML file. Raises LimitError; OSError where the file cannot be read."""
        return cls.of(yaml_tables.decoded(path.read_bytes(), str(path), LimitError), calendar, str(path))

    @classmethod
    def of(cls, data: object, calendar: WorkCalendar | None = None, place: str = "limits") -> Limits:
        """Check a decoded table; ``calendar`` is the set's, ``place`` begins every error message."""
        file = yaml_tables.checked(data, LimitFile, place, LimitError)
        _share(file.warn, f"{place}: warn")
        if file.extensions < 0:
            raise LimitError(f"{place}: extensions", "expected 0 or more, got {got}", got=file.extensions)
        if file.promise.repeats < 1:
            raise LimitError(f"{place}: promise.repeats", "expected 1 or more, got {got}", got=file.promise.repeats)
        steps = _steps(file.unacknowledged, f"{place}: unacknowledged")
        promises = {
            life: _clock_ms(text, f"{place}: promise.{'life' if life else 'other'}")
            for life, text in ((True, file.promise.life), (False, file.promise.other))
        }
        for number, row in enumerate(file.limits):
            _check(row, f"{place}: limits[{number}]", calendar is not None)
        _no_double(file.limits, place)
        for life in (True, False):
            if not any(_fits(row, "", 0, life) and not row.levels and row.event_code == "*" for row in file.limits):
                whom = Both("生命安全类 (calendar: clock)", "life-safety (calendar clock)")
                whom = whom if life else Both("其他各类", "all others")
                raise LimitError(
                    f"{place}: limits", "expected a row for event_code '*' without levels for {whom}", whom=whom
                )
        rows = tuple(sorted(file.limits, key=_specific, reverse=True))
        return cls(rows, steps, promises, file, {"clock": ROUND_THE_CLOCK, "working": calendar or _WEEKDAYS})

    def plan(self, event_code: str, level: int, life: bool) -> Plan:
        """What holds for an incident. A lookup after the first of its kind."""
        asked = (event_code, level, life)
        found = self._found.get(asked)
        if found is None:
            if len(self._found) >= KEPT:  # people may give any code by hand
                self._found.clear()
            found = self._found[asked] = self._search(event_code, level, life)
        return found

    def _search(self, code: str, level: int, life: bool) -> Plan:
        row = next(row for row in self.rows if _fits(row, code, level, life))
        limits = tuple((name, limit_of(text)) for name in LIMIT_NAMES if (text := getattr(row, name)))
        return Plan(
            row.name(), row.calendar, limits, self.file.warn if row.warn is None else row.warn,
            self.steps if life else (), self.promises[life], self.file.promise.repeats, self.file.extensions,
            not life, self.calendars,
        )  # fmt: skip


def _fits(row: LimitRow, code: str, level: int, life: bool) -> bool:
    if row.calendar == "working" and life:
        return False  # life-safety never waits for the morning
    pattern = row.event_code
    matches = code.startswith(pattern[:-1]) if pattern.endswith("*") else code == pattern
    return matches and (not row.levels or level in row.levels) and row.life in (None, life)


def _specific(row: LimitRow) -> tuple[bool, int, bool, bool, str, list[int], str]:
    """The last parts make the order total; rows that differ in them alone never fit the same incident."""
    exact = not row.event_code.endswith("*")
    said = row.life is not None or row.calendar == "working"
    return exact, len(row.event_code), bool(row.levels), said, row.event_code, sorted(row.levels), row.name()


def _check(row: LimitRow, where: str, has_calendar: bool) -> None:
    if not row.event_code or "*" in row.event_code[:-1]:
        raise LimitError(
            f"{where}.event_code",
            "expected a code, or the beginning of one and *, got {got!r}",
            got=row.event_code,
        )
    if wrong := [level for level in row.levels if not 0 <= level <= 4]:
        raise LimitError(f"{where}.levels", "expected 0 to 4, got {got}", got=wrong[0])
    if len(set(row.levels)) < len(row.levels):
        raise LimitError(f"{where}.levels: {row.levels}", "a level is named twice")
    if row.calendar == "working" and row.life:
        raise LimitError(f"{where}.calendar", "life-safety counts round the clock; expected clock, got working")
    if row.calendar == "working" and not has_calendar:
        raise LimitError(f"{where}.calendar: working", "the set has no calendar.yaml (brain calendar write)")
    if row.warn is not None:
        _share(row.warn, f"{where}.warn")
    given = [name for name in LIMIT_NAMES if getattr(row, name)]
    if not given:
        raise LimitError(where, "expected at least one of {names}", names=", ".join(LIMIT_NAMES))
    for name in given:
        _limit(getattr(row, name), f"{where}.{name}")


def _no_double(rows: list[LimitRow], place: str) -> None:
    for second, row in enumerate(rows):
        for first, other in enumerate(rows[:second]):
            if row.event_code != other.event_code or bool(row.levels) != bool(other.levels):
                continue
            both = set(row.levels) & set(other.levels) or not row.levels
            if both and _specific(row)[:4] == _specific(other)[:4] and _lives(row) & _lives(other):
                raise LimitError(
                    place,
                    "limits[{second}] and limits[{first}]: {name!r} and {other!r} fit the same incidents "
                    "and neither is more specific",
                    second=second,
                    first=first,
                    name=row.name(),
                    other=other.name(),
                )


def _lives(row: LimitRow) -> set[bool]:
    if row.calendar == "working":
        return {False}
    return {True, False} if row.life is None else {row.life}


def _limit(text: str, where: str) -> Limit:
    try:
        return limit_of(text)
    except ValueError as error:
        raise LimitError(where, "{said}", said=both(error)) from error


def _clock_ms(text: str, where: str) -> int:
    limit = _limit(text, where)
    return ROUND_THE_CLOCK.due(0, limit).at


def _steps(texts: list[str], where: str) -> tuple[int, ...]:
    if not 1 <= len(texts) <= STEPS_MOST:
        raise LimitError(where, "expected 1 to {most} steps, got {got}", most=STEPS_MOST, got=len(texts))
    steps = [_clock_ms(text, f"{where}[{number}]") for number, text in enumerate(texts)]
    for number, (before, step) in enumerate(pairwise(steps), 1):
        if step <= before:
            raise LimitError(
                f"{where}[{number}]: {texts[number]}", "expected more than {before}", before=texts[number - 1]
            )
    return tuple(steps)


def _share(value: float, where: str) -> None:
    if not 0 < value < 1:
        raise LimitError(where, "expected a share between 0 and 1, got {got:g}", got=value)
