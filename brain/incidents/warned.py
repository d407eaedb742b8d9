"""Official warnings in force 生效预警: each opens, updates and ends an incident a warned district, and colours others.

A warning is in force from its place in fold order until it is lifted, replaced or expires. One that changes another
names it; without that, a newer one of the same sender, kind and districts replaces the one before, as feeds do that
issue a new colour under a new number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec
import shapely

from brain.incidents.fold import Case
from brain.incidents.inbox import Told
from brain.incidents.squares import metres
from brain.incidents.value import Incident, Warning
from brain.incidents.warning_rules import LEVELS, SOURCE, Row, WarningRules
from streams.records import Notice, Signal

STANDING, EPISODE = b"ow/", b"oe/"
UNITS: Final = ("district", "town")
_json = msgspec.json.Encoder().encode


class _Area(msgspec.Struct, omit_defaults=True):
    codes: dict[str, list[str]] = {}
    polygons: list[list[tuple[float, float]]] = []
    circles: list[tuple[float, float, float]] = []
    lon: float = 0.0
    lat: float = 0.0


class _Heard(Told):
    """What is needed of a warning."""

    references: list[str] = msgspec.field(default_factory=list)
    event_code: str = ""
    areas: list[_Area] = msgspec.field(default_factory=list)


class Standing(msgspec.Struct, omit_defaults=True):
    """One warning in force; times ms UTC."""

    id: str
    sender: str
    row: str
    colour: Warning
    onset: int
    areas: list[_Area]
    headline: str = ""
    expires: int | None = None

    def units(self) -> list[str]:
        """The districts that it is for as ``district/code``, in order; towns where an area is less than a district."""
        found: set[str] = set()
        for area in self.areas:
            layer = next((name for name in UNITS if area.codes.get(name)), "")
            found |= {f"{layer}/{code}" for code in area.codes.get(layer, ())}
        return sorted(found)

    def covers(self, i: Incident) -> bool:
        """Whether an incident lies in it: by its drawing where it has one, else by codes."""
        return any(_covers(area, i) for area in self.areas)


class _Episode(msgspec.Struct):
    """The raise that stands for a kind of warning in a district: its origin, running number and level."""

    origin: tuple[str, int, int, int]
    n: int
    level: int
    onset: int


_heard = msgspec.json.Decoder(_Heard).decode
_standing = msgspec.json.Decoder(Standing).decode
_episode = msgspec.json.Decoder(_Episode).decode


class Warned:
    """The warnings in force, and what they raise, by kind and district."""

    def __init__(self) -> None:
        self._rules = WarningRules()
        self._set = ""
        self._standing: dict[str, Standing] = {}
        self._episodes: dict[str, _Episode] = {}
        self._changed: dict[bytes, bytes | None] = {}

    def __len__(self) -> int:
        return len(self._standing)

    def load(self, items: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
        """Take what is ours of the state; answers the rest."""
        rest: dict[bytes, bytes] = {}
        for key, value in items.items():
            if key.startswith(STANDING):
                self._standing[key[len(STANDING) :].decode()] = _standing(value)
            elif key.startswith(EPISODE):
                self._episodes[key[len(EPISODE) :].decode()] = _episode(value)
            else:
                rest[key] = value
        return rest

    def changes(self) -> dict[bytes, bytes | None]:
        """State since the last call."""
        out, self._changed = self._changed, {}
        return out

    def enter(self, set_id: str, rules: WarningRules) -> None:
        """Another table is in force: it is asked when the next warning comes or ends."""
        self._set, self._rules = set_id, rules

    def due(self) -> int | None:
        """When the next one expires, fold time."""
        return min((s.expires for s in self._standing.values() if s.expires is not None), default=None)

    def hear(self, notice: Notice) -> list[Signal]:
        """A message of a warning's life; answers the signals that follow. An exercise changes nothing."""
        heard = _heard(notice.body)
        if heard.drill:
            return []
        row = self._rules.find(heard.event, heard.event_code)
        gone = [name for name in heard.references if name in self._standing]
        if heard.kind != "cancel" and row is not None and heard.colour in LEVELS:
            new = Standing(
                heard.id, heard.sender, row.id, heard.colour, heard.onset, heard.areas, heard.headline, heard.expires
            )
            gone += [
                s.id for s in self._standing.values()
                if (s.sender, s.row, s.units()) == (new.sender, new.row, new.units()) and s.id not in gone
            ]  # fmt: skip
            touched = self._drop(gone) | {(row.id, d) for d in new.units()}
            self._standing[new.id] = new
            self._changed[STANDING + new.id.encode()] = _json(new)
        else:
            touched = self._drop(gone)
        topic, _, partition = notice.source.rpartition("/")
        at = (topic, int(partition or 0), notice.offset, notice.index)
        return list(self._follow(touched, notice.fold, notice.t, at))

    def fire(self, now: int) -> list[Signal]:
        """Warnings end at ``now`` or before; answers the signals that follow."""
        over = [s.id for s in self._standing.values() if s.expires is not None and s.expires <= now]
        return list(self._follow(self._drop(over), now, now, None)) if over else []

    def colour(self, incident: Incident) -> Warning:
        """The highest colour in force where an incident is, of the kinds that its event carries."""
        best: Warning = ""
        for s in self._standing.values():
            if LEVELS[s.colour] > LEVELS.get(best, 0):
                row = self._row(s.row)
                if row is not None and row.colours_of(incident.event_code) and s.covers(incident):
                    best = s.colour
        return best

    def recolour(self, cases: Iterable[Case], tell: Callable[[Case, Warning], None]) -> None:
        """Tell of each case whose colour is another now, in the order of their ids."""
        for case in sorted(cases, key=lambda c: c.incident.id):
            colour = self.colour(case.incident)
            if colour != case.incident.warning:
                tell(case, colour)

    def _row(self, name: str) -> Row | None:
        return next((row for row in self._rules.rows if row.id == name), None)

    def _drop(self, names: Iterable[str]) -> set[tuple[str, str]]:
        """Warnings are in force no longer; answers the kinds and districts that they were for."""
        touched: set[tuple[str, str]] = set()
        for name in names:
            s = self._standing.pop(name)
            self._changed[STANDING + name.encode()] = None
            touched |= {(s.row, d) for d in s.units()}
        return touched

    def _follow(
        self, touched: Iterable[tuple[str, str]], fold: int, t: int, at: tuple[str, int, int, int] | None
    ) -> Iterator[Signal]:
        """What became of each kind in each district: raised, another level, or over."""
        for index, (name, unit) in enumerate(sorted(touched)):
            row, key = self._row(name), f"{name}|{unit}"
            mine = [s for s in self._standing.values() if s.row == name and unit in s.units()]
            first = max(mine, key=lambda s: (LEVELS[s.colour], s.id), default=None)
            level = 0 if first is None else LEVELS[first.colour]
            if row is None or not row.event_code or level < LEVELS[row.opens_from]:
                level = 0
            was = self._episodes.get(key)
            if was is None:
                if first is None or level == 0 or at is None:
                    continue
                was = _Episode((at[0], at[1], at[2], at[3] + index), 0, level, min(first.onset, t))
                kind: Any = "raise"
            elif level == 0:
                kind = "clear"
            elif level != was.level:
                kind = "update"
            else:
                continue
            n = was.n if kind == "raise" else was.n + 1
            if kind == "clear":
                del self._episodes[key]
                self._changed[EPISODE + key.encode()] = None
            else:
                self._episodes[key] = made = _Episode(was.origin, n, level, was.onset)
                self._changed[EPISODE + key.encode()] = _json(made)
            lon, lat = _middle(first, unit)
            layer, _, code = unit.partition("/")
            _, _, offset, place = was.origin if at is None else at
            yield Signal(
                name, f"{SOURCE}/{code}", kind, was.origin, n, offset, place, t, was.onset, fold,
                level=level or was.level, lon=lon, lat=lat, set=self._set, source=SOURCE,
                district=code if layer == "district" else "", town=code if layer == "town" else "",
                text="" if first is None else first.headline, grade="" if first is None else first.colour,
            )  # fmt: skip


def _middle(s: Standing | None, unit: str) -> tuple[float | None, float | None]:
    """A position for a warned district or town: the area's, where it is the only one of its area."""
    layer, _, code = unit.partition("/")
    for area in () if s is None else s.areas:
        if area.codes.get(layer) == [code]:
            return area.lon, area.lat
    return None, None


def _covers(area: _Area, i: Incident) -> bool:
    if (area.polygons or area.circles) and i.lon is not None and i.lat is not None:
        point = shapely.Point(i.lon, i.lat)
        if any(shapely.Polygon(ring).covers(point) for ring in area.polygons):
            return True
        return any(metres(lon, lat, i.lon, i.lat) <= reach for lon, lat, reach in area.circles)
    codes = area.codes
    return any(
        mine and mine in codes.get(layer, ())
        for layer, mine in (("district", i.district), ("town", i.town), ("grid", i.grid))
    )
