"""What keeps an incident from being shown on its own: a cause that carries it, a person's shelf, announced work.

Each is a lens over the incident, with a name and an end; the incident itself goes on. Never-hidden classes pass all.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from brain.incidents.bed import Bed
from brain.incidents.book import Book
from brain.incidents.causes import Cause, matches
from brain.incidents.fold import Case, key_of
from brain.incidents.rules import Rules
from brain.incidents.squares import ROW, Latest, around, metres, square
from brain.incidents.value import Incident
from brain.incidents.windows import Windows

KEY = b"s/"
_TABLE = 1 << 52
"""More than the squares of any side: those of one row of the table and of the next are never the same."""
_json = msgspec.json.Encoder().encode


class Shelf(msgspec.Struct, omit_defaults=True):
    """One scope that a person has put aside until a fold time, ms.

    ``incident``, or ``asset`` (of all scenarios, or of one), or ``grid`` (of all families, or of one).
    """

    until: int
    by: str
    reason: str
    kind: Literal["shelved", "maintenance"] = "shelved"
    incident: str = ""
    asset: str = ""
    scenario: str = ""
    grid: str = ""
    family: str = ""
    since: int = 0

    def scope(self) -> str:
        """What it covers, as a key."""
        if self.incident:
            return f"incident:{self.incident}"
        if self.asset:
            return f"asset:{self.scenario}|{self.asset}"
        return f"grid:{self.family}|{self.grid}"


@dataclass(frozen=True, slots=True)
class AreaSettings:
    """When a condition lies over a whole area: so many incidents of a family in it, raised of late."""

    many: int = 3
    area_m: float = 2000.0
    area_s: float = 900.0


class Withheld:
    """Shelves and causes of one city."""

    def __init__(self, settings: AreaSettings | None = None) -> None:
        self.settings = settings or AreaSettings()
        self.shelves: dict[str, Shelf] = {}
        self._windows = Windows()
        self._changed: dict[bytes, bytes | None] = {}
        self._causes = Latest()
        """By row of the table, and what the row compares: the place, or a square as wide as the row says."""
        self._effects: dict[str, dict[str, Case]] = {}

    # -- shelves

    def load(self, value: bytes) -> None:
        """A shelf as it was."""
        shelf = msgspec.json.decode(value, type=Shelf)
        self.shelves[shelf.scope()] = shelf

    def changes(self) -> dict[bytes, bytes | None]:
        """State since the last call."""
        out, self._changed = self._changed, {}
        return out

    def put(self, shelf: Shelf) -> None:
        """Put a scope aside, or move its end. Shelves of scopes that nobody asked for since their end go here."""
        for scope in [scope for scope, other in self.shelves.items() if other.until <= shelf.since]:
            self.lift(scope)
        self.shelves[shelf.scope()] = shelf
        self._changed[KEY + shelf.scope().encode()] = _json(shelf)

    def lift(self, scope: str) -> Shelf | None:
        """End a shelf before its time."""
        shelf = self.shelves.pop(scope, None)
        if shelf is not None:
            self._changed[KEY + scope.encode()] = None
        return shelf

    def shelf(self, case: Case, now: int) -> Shelf | None:
        """The shelf that covers all of an incident that stands, if there is one; the longest."""
        if not self.shelves and not self._windows.by_scope:
            return None
        i = case.incident
        whole = [self._live(s, now) for s in (f"incident:{i.id}", f"grid:{i.family}|{i.grid}", f"grid:|{i.grid}")]
        found = [s for s in whole if s is not None]
        members = list(case.standing.values()) or i.members
        each = [
            next((s for k in (m.scenario, "") if (s := self._live(f"asset:{k}|{m.asset}", now))), None) for m in members
        ]
        if all(s is not None for s in each):
            found.append(min((s for s in each if s is not None), key=lambda s: (s.until, s.scope())))
        return max(found, key=lambda s: (s.until, s.scope())) if found else None

    def _live(self, scope: str, now: int) -> Shelf | None:
        shelf = self.shelves.get(scope)
        if shelf is not None and shelf.until <= now:
            self.lift(scope)
            shelf = None
        window = self._windows.at(scope, now)
        if window is None or (shelf is not None and shelf.until >= window[0]):
            return shelf
        until, w = window
        return Shelf(until, w.by, w.reason, "maintenance", "", w.asset, w.scenario, w.grid, w.family)

    # -- causes

    def enter(self, cases: Iterable[Case], rules: Rules) -> None:
        """Other tables are in force: what is open is looked at by them."""
        self._causes, self._effects = Latest(), {}
        self._windows = rules.windows
        for case in cases:
            self.open(case, rules)

    def open(self, case: Case, rules: Rules) -> None:
        """An incident is open: it may be a cause, or an effect that was found before."""
        i = case.incident
        if i.state == "resolved":
            return
        self.raised(case, rules)
        if i.cause:
            self._effects.setdefault(i.cause, {})[i.id] = case

    def raised(self, case: Case, rules: Rules) -> None:
        """A cause was raised, or lies elsewhere: it is looked for there."""
        i = case.incident
        if rules.causes.rows and not i.life and i.state != "resolved":
            rows = rules.causes.of_cause(i.event_code)
            if rows:
                keys = (_lies(n, row, i) for n, row in rows)
                self._causes.put(case, tuple(key for key in keys if key is not None))

    def close(self, case: Case) -> list[Case]:
        """It is over: its effects, in the order of their ids, stand on their own now."""
        i = case.incident
        self._causes.drop(i.id)
        self._stands_alone(i)
        return [effect for _, effect in sorted(self._effects.pop(i.id, {}).items())]

    def cause(self, case: Case, now: int, rules: Rules) -> Case | None:
        """The incident that this is an effect of, by the first row that fits; the nearest, then the oldest."""
        i = case.incident
        if not rules.causes.rows:
            return None
        for n, row in rules.causes.of_effect(i.event_code):
            if i.level > row.up_to:
                continue
            since = now - row.within_s * 1000
            fits = [
                (d, c.incident.opened, c.incident.id, c)
                for c in self._causes.since(_looks(n, row, i), since)
                if c.incident.drill == i.drill and (d := _far(row, c.incident, i, now, rules.bed)) is not None
            ]  # fmt: skip
            if fits:
                return min(fits, key=lambda fit: fit[:3])[3]
        return None

    def told(self, case: Case, cause: Case, now: int, rules: Rules) -> dict[str, Any]:
        """For the audit: the cause, and the row of the table by which it is one, with its bounds."""
        i = case.incident
        rows = (row for _, row in rules.causes.of_effect(i.event_code) if i.level <= row.up_to)
        row = next((row for row in rows if _far(row, cause.incident, i, now, rules.bed) is not None), None)
        if row is None:
            return {"cause": cause.incident.id}
        where: dict[str, Any] = {"within_m": row.within_m} if row.same is None else {"same": row.same}
        if row.along is not None:
            where["along"] = row.along
        return {"cause": cause.incident.id, "row": row.name(), **where, "within_s": row.within_s}

    def around(self, case: Case, now: int, book: Book) -> Case | None:
        """The shown incident that stands for a condition all over its area, where this is one more of many.

        So it is where ``many`` others of the family stand within ``area_m``, raised within ``area_s``; the nearest.
        """
        i, s = case.incident, self.settings
        if i.lon is None or i.lat is None:
            return None
        since, key = now - round(s.area_s * 1000), key_of(i.family, False, i.drill)
        shown = [
            (d, c.incident.opened, c.incident.id) for d, c in book.shown(key[0], i.lon, i.lat, s.area_m, since)
            if c is not case and c.standing
        ]  # fmt: skip
        if not shown:
            return None
        others = book.around(key, i.lon, i.lat, s.area_m, since)
        if sum(c is not case and bool(c.standing) for _, c in others) < s.many:
            return None
        return book.cases[min(shown)[2]]

    def loose(self, case: Case) -> None:
        """It stands on its own after all."""
        self._stands_alone(case.incident)
        case.incident.cause = ""

    def _stands_alone(self, effect: Incident) -> None:
        mine = self._effects.get(effect.cause)
        if mine is not None:
            mine.pop(effect.id, None)
            if not mine:
                del self._effects[effect.cause]

    def bind(self, case: Case, cause: Case) -> None:
        """Make it an effect, of this cause alone."""
        self._stands_alone(case.incident)
        case.incident.cause = cause.incident.id
        cause.incident.effects += 1
        self._effects.setdefault(cause.incident.id, {})[case.incident.id] = case


def _lies(n: int, row: Cause, cause: Incident) -> Hashable:
    """Where a cause is found by a row; None without a place."""
    if row.within_m is not None:
        if cause.lon is None or cause.lat is None:
            return None
        down, along = square(cause.lon, cause.lat, row.within_m)
        return n * _TABLE + down * ROW + along
    where = "city" if row.same == "city" else getattr(cause, row.same or "")
    return (n, where) if where else None


def _looks(n: int, row: Cause, effect: Incident) -> Sequence[Hashable]:
    """Where the causes of an effect may be found by a row."""
    if row.within_m is None:
        key = _lies(n, row, effect)
        return () if key is None else (key,)
    if effect.lon is None or effect.lat is None:
        return ()
    return around(effect.lon, effect.lat, row.within_m, row.within_m, n * _TABLE)


def _far(row: Cause, cause: Incident, effect: Incident, now: int, bed: Bed | None) -> float | None:
    """Metres between the two where the row holds for them, along the river where it says so, 0 for a shared area; else
    None."""
    if cause.id == effect.id or not matches(row.cause, cause.event_code) or cause.level < row.level_from:
        return None
    if cause.cause or cause.state == "resolved" or now - cause.raised > row.within_s * 1000:
        return None
    if row.within_m is not None:
        if effect.lon is None or effect.lat is None:
            return None
        far = metres(effect.lon, effect.lat, cause.lon, cause.lat)
        if row.along is not None and far <= row.within_m:
            if bed is None or cause.lon is None or cause.lat is None:
                return None
            far = bed.below(cause.lon, cause.lat, effect.lon, effect.lat)
        return far if far <= row.within_m else None
    if row.same == "city":
        return 0.0
    mine, theirs = getattr(effect, row.same or ""), getattr(cause, row.same or "")
    return 0.0 if mine and mine == theirs else None
