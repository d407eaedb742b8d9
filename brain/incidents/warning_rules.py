"""What official warnings 预警信息 mean for incidents, as a table of a set (warnings.yaml): which open one of their own,
and which incidents carry their colour."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from brain import yaml_tables
from brain.incidents.causes import matches
from brain.incidents.value import DOMAINS, Text, Warning
from brain.near import Both
from brain.unfit import Unfit

LEVELS: Final[dict[str, int]] = {"blue": 1, "yellow": 2, "orange": 3, "red": 4}
"""Level 级别 of a colour 预警级别, as incidents count."""
SOURCE: Final = "official"
_ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


class WarningTableError(Unfit):
    """A table of warnings that cannot be used: says the place in it, what was expected and what came."""


class Row(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """One kind of warning.

    ``match``: beginnings of the sender's event code (``11B14``), or words that the event's name has (``暴雨``); the
    first row that fits is taken. ``event_code`` is that of the incident which a warning opens in each warned district,
    if it has ``opens_from`` or a higher colour. ``colours``: codes (may end in ``*``) of incidents that carry it.
    """

    id: str
    name: Text
    match: tuple[str, ...]
    event_code: str = ""
    opens_from: Warning = "blue"
    colours: tuple[str, ...] = ()

    @property
    def life(self) -> bool:
        """Never: a warning tells of what may come, and hides nothing."""
        return False

    def wrong(self) -> Iterator[tuple[str, Text]]:
        """All that it is refused for: the field, empty where it is of several, and what was expected and came."""
        if not _ID.fullmatch(self.id) or self.id.partition(".")[0] not in DOMAINS:
            zh, en = "应为领域加点分名称", "expected a domain and names with dots between them"
            example = "emergency.official.rain"
            yield "id", Text(f"{zh}, 如 {example}, 实为 {self.id!r}", f"{en}, as {example}, got {self.id!r}")
        if not self.match or not all(m.strip() for m in self.match):
            en = "expected a beginning of an event code, or a word; it is empty"
            yield "match", Text("应为事件代码的开头或词语, 实为空", en)
        if self.opens_from not in LEVELS:
            colours = ", ".join(LEVELS)
            yield "opens_from", Text(f"应为 {colours} 之一, 实为空", f"expected one of {colours}; it is empty")
        if not self.event_code and not self.colours:
            en = "expected event_code, colours or both: it would do nothing"
            yield "", Text("应有 event_code 或 colours (或两者), 否则不起作用", en)

    def fits(self, event: str, code: str) -> bool:
        """Whether a warning of that event, or of that code, is of this kind."""
        return any(code.startswith(m) if m[:1].isdigit() else m.lower() in event.lower() for m in self.match)

    def colours_of(self, event_code: str) -> bool:
        """Whether incidents of a code carry its colour."""
        return any(matches(pattern, event_code) for pattern in self.colours)


class _File(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    warnings: list[Row] = []


@dataclass(frozen=True, slots=True)
class WarningRules:
    """A checked table. Rows open incidents under their id, as scenarios do."""

    rows: tuple[Row, ...] = ()
    version: int = 0

    @classmethod
    def of(cls, data: Any, place: str = "warnings") -> WarningRules:
        """From a decoded table, or None for an empty one. Raises WarningTableError."""
        if data is None or isinstance(data, WarningRules):
            return data or cls()
        file = yaml_tables.checked(data, _File, place, WarningTableError)
        seen: set[str] = set()
        for number, row in enumerate(file.warnings):
            where = f"{place}: warnings[{number}]"
            for at, what in row.wrong():
                raise WarningTableError(f"{where}{at and '.' + at}", "{said}", said=Both(what.zh, what.en))
            if row.id in seen:
                raise WarningTableError(f"{where}.id", "{id!r} is there already", id=row.id)
            seen.add(row.id)
        return cls(tuple(file.warnings), file.version)

    def find(self, event: str, code: str) -> Row | None:
        """The kind of a warning; None where no row fits, and nothing follows from it."""
        return next((row for row in self.rows if row.fits(event, code)), None)

    def opening(self) -> Iterator[Row]:
        """Rows that open incidents."""
        return (row for row in self.rows if row.event_code)
