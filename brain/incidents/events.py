"""Event codes 事件类型编码 as a hierarchy with what belongs to each, from events.yaml of the set, checked on loading.

In the style of GB/T 35561: classes, and below them ever finer ones. A code is dotted and its parent is what stands
before the last dot, or it is one of the standard's own form (11B14) and names its parent. What a code does not say it
has from its parent.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from brain import yaml_tables
from brain.incidents.value import Domain, Text
from brain.near import Both
from brain.unfit import Unfit

_CODE: Final = re.compile(r"[A-Za-z0-9]+([._][A-Za-z0-9]+)*")


class EventError(Unfit):
    """A table of event codes that cannot be used: says the file, the place in it, what was expected and what came."""


class EventRow(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One code as written. ``national``: its code in GB/T 35561, where that was read in a source."""

    code: str
    zh: str
    en: str
    parent: str = ""
    domain: Domain | None = None
    life: bool | None = None
    radius_m: float | None = None
    window_s: float | None = None
    national: str = ""


class EventFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """``events.yaml``."""

    version: int
    events: list[EventRow]
    note: str = ""


class Event(NamedTuple):
    """One code with what it has from those above it.

    ``life``: never-hidden class. ``radius_m`` and ``window_s``: how near and how soon after one another signals of it
    may be one incident. ``path``: codes from the top down, itself last.
    """

    code: str
    name: Text
    domain: Domain
    life: bool
    radius_m: float
    window_s: float
    path: tuple[str, ...]
    national: str


@dataclass(frozen=True, slots=True)
class Events:
    """A checked table, by code."""

    by_code: Mapping[str, Event]

    @classmethod
    def load(cls, path: Path) -> Events:
        """Read a YAML file. Raises EventError; OSError where the file cannot be read."""
        return cls.of(yaml_tables.decoded(path.read_bytes(), str(path), EventError), str(path))

    @classmethod
    def of(cls, data: object, place: str = "events") -> Events:
        """Check a decoded table; ``place`` begins every error message. Rows may come in any order."""
        file = yaml_tables.checked(data, EventFile, place, EventError)
        rows: dict[str, tuple[int, EventRow]] = {}
        for number, row in enumerate(file.events):
            where = f"{place}: events[{number}]"
            if not _CODE.fullmatch(row.code):
                raise EventError(
                    f"{where}.code", "expected letters and digits in dotted parts, got {got!r}", got=row.code
                )
            if row.code in rows:
                raise EventError(
                    where, "{code!r} is in events[{other}] already", code=row.code, other=rows[row.code][0]
                )
            rows[row.code] = number, row
        made: dict[str, Event] = {}
        for code in rows:
            _make(code, rows, made, place)
        return cls({code: made[code] for code in sorted(made)})

    def find(self, code: str) -> Event | None:
        """The code, else the nearest dotted one above it that the table has; None where there is none."""
        while code and code not in self.by_code:
            code = code.rpartition(".")[0]
        return self.by_code.get(code)

    def nearest(self, code: str) -> str:
        """A known code that is written like it, or an empty text."""
        return next(iter(difflib.get_close_matches(code, list(self.by_code), 1)), "")

    def matching(self, pattern: str) -> list[str]:
        """Known codes that a pattern, which may end in ``*``, means."""
        if pattern.endswith("*"):
            return [code for code in self.by_code if code.startswith(pattern[:-1])]
        return [pattern] if pattern in self.by_code else []


def _make(code: str, rows: Mapping[str, tuple[int, EventRow]], made: dict[str, Event], place: str) -> None:
    chain: list[str] = []
    while code not in made:
        if code in chain:
            where, circle = f"{place}: events[{rows[code][0]}].parent", [*chain, code]
            raise EventError(where, "{circle}: a circle", circle=Both(" < ".join(circle), " under ".join(circle)))
        chain.append(code)
        number, row = rows[code]
        parent = _parent(row, f"{place}: events[{number}]", rows)
        if not parent:
            made[code] = _top(row, f"{place}: events[{number}]")
            chain.pop()
            break
        code = parent
    for below in reversed(chain):
        number, row = rows[below]
        made[below] = _under(row, made[_parent(row, "", rows)], f"{place}: events[{number}]")


def _parent(row: EventRow, where: str, rows: Mapping[str, object]) -> str:
    dotted = row.code.rpartition(".")[0]
    if dotted and row.parent not in ("", dotted):
        raise EventError(
            f"{where}.parent", "expected {dotted!r} of a dotted code, got {got!r}", dotted=dotted, got=row.parent
        )
    parent = row.parent or dotted
    if parent and parent not in rows:
        raise EventError(f"{where}.parent", "no row has the code {parent!r}", parent=parent)
    return parent


def _top(row: EventRow, where: str) -> Event:
    missing = [name for name in ("domain", "radius_m", "window_s") if getattr(row, name) is None]
    if row.domain is None or row.radius_m is None or row.window_s is None:
        raise EventError(
            where,
            "{code!r} has no parent to have it from; missing: {missing}",
            code=row.code,
            missing=", ".join(missing),
        )
    return _event(row, row.domain, bool(row.life), row.radius_m, row.window_s, (), where)


def _under(row: EventRow, parent: Event, where: str) -> Event:
    return _event(
        row, row.domain or parent.domain, parent.life if row.life is None else row.life,
        parent.radius_m if row.radius_m is None else row.radius_m,
        parent.window_s if row.window_s is None else row.window_s, parent.path, where,
    )  # fmt: skip


def _event(
    row: EventRow, domain: Domain, life: bool, radius_m: float, window_s: float, above: tuple[str, ...], where: str
) -> Event:
    if not 0 <= radius_m <= 20_000:
        raise EventError(f"{where}.radius_m", "expected metres from 0 to 20000, got {got:g}", got=radius_m)
    if not 0 < window_s <= 7 * 86_400:
        raise EventError(f"{where}.window_s", "expected seconds above 0, to 7 days, got {got:g}", got=window_s)
    path = (*above, row.code)
    return Event(row.code, Text(row.zh, row.en), domain, life, radius_m, window_s, path, row.national)
