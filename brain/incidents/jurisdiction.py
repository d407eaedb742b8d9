"""Whether the tables of a set fit one another and its map: who leads is complete and unambiguous, before it counts.

Two kinds of findings. Some *refuse* a set that a person wrote: a case would have no lead, or two, or would not be what
it is. Others only tell of a row that can never count, such as one for a district that the map does not have. A set that
live changes made is refused by none: one change must not hold up those after it, and there is always an answer (the
default; of two zones the first by code).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final, NamedTuple

from brain.incidents.events import Events
from brain.incidents.limits import Limits
from brain.incidents.route import PLACES, RouteError, Routes
from brain.incidents.value import Text
from brain.near import Both, meant
from geo.grid_map import GridMap

NAMED: Final = 5
"""Places that one finding names."""
_SLIVER: Final = 1e-10
"""Square degrees, about one square metre: zones that only touch do not overlap."""


class Finding(NamedTuple):
    """One thing that does not fit: a permanent code, the file, the place in it, what it is, and whether it refuses."""

    code: str
    file: str
    place: str
    what: Text
    refuses: bool

    def text(self, lang: str = "en") -> str:
        """One line."""
        return f"{self.file}: {self.place}: {self.what.zh if lang == 'zh' else self.what.en}"


@dataclass(frozen=True, slots=True)
class Ground:
    """What there is to have jurisdiction over: codes by kind of place, districts of zones, zones that overlap."""

    places: dict[str, frozenset[str]]
    zones: tuple[tuple[str, str], ...]
    """Zone, and the district it lies in; empty where that is not said."""
    overlapping: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, city: GridMap) -> Ground:
        """Of a map; grids say their town, district and zone where the map has no such layer."""
        layers = city.map.layers
        places = {kind: {f.code for f in city.map.features(kind)} if kind in layers else set() for kind in PLACES}
        places["town"] |= set(city.towns)
        places["district"] |= set(city.districts)
        zones: dict[str, str] = {}
        for grid in city.map.features("grid"):
            zone = grid.attributes.get("zone")
            if isinstance(zone, str) and zone:
                zones.setdefault(zone, str(grid.attributes.get("district", "")))
        features = list(city.map.features("zone")) if "zone" in layers else []
        zones |= {f.code: str(f.attributes.get("district", zones.get(f.code, ""))) for f in features}
        places["zone"] |= set(zones)
        over = {
            (min(a.code, b.code), max(a.code, b.code))
            for a, b in combinations(features, 2)
            if a.code != b.code and a.since < b.until and b.since < a.until
            and a.shape.intersection(b.shape).area > _SLIVER
        }  # fmt: skip
        named = {kind: frozenset(codes - {""}) for kind, codes in places.items()}
        return cls(named, tuple(sorted(zones.items())), tuple(sorted(over)))


def check(
    routes: Routes | None, events: Events | None, limits: Limits | None, ground: Ground, owners: Iterable[str],
    scenarios: Sequence[Any] = (),
) -> list[Finding]:  # fmt: skip
    """Everything that does not fit, those that refuse first. A scenario has ``id``, ``event_code`` and ``life``."""
    found: list[Finding] = []
    if events is not None:
        found += _scenarios(events, scenarios)
        if limits is not None:
            found += _patterns("limits.yaml", "limits", [row.event_code for row in limits.file.limits], events)
    if routes is not None:
        found += _doubles(routes, ground)
        if events is not None:
            found += _holes(routes, events, ground)
            found += _patterns("routes.yaml", "routes", [rule.event_code for rule in routes.rules.values()], events)
        found += _unknown(routes, ground, frozenset(owners))
    return sorted(found, key=lambda f: not f.refuses)


def refuse(found: Sequence[Finding], folder: str) -> None:
    """Raise RouteError with what refuses the set, if anything does."""
    bad = [finding for finding in found if finding.refuses]
    if bad:
        n, more = len(bad) - 1, Both("", "")
        if n:
            more = Both(f" (另有 {n} 处: brain route)", f" (and {n} more: brain route)")
        what = bad[0].what
        where = f"{folder}/{bad[0].file}: {bad[0].place}"
        raise RouteError(where, "{said}", said=Both(what.zh + more.zh, what.en + more.en))


def _holes(routes: Routes, events: Events, ground: Ground) -> Iterator[Finding]:
    """A strict table: known code × district and zone where only a default answers."""
    if not routes.strict:
        return
    districts = sorted(ground.places["district"]) or [""]
    for code, event in events.by_code.items():
        without = [d for d in districts if not routes.matching(code, event.domain, d)]
        without += [z for z, d in ground.zones if not routes.matching(code, event.domain, d, zones=(z,))]
        if without:
            some = ", ".join(without[:NAMED]) + (", …" if len(without) > NAMED else "")
            zh, en = f"{code} 在 {some} 无牵头部门", f"no rule says who leads {code} in {some}"
            yield Finding("hole", "routes.yaml", "routes", Text(zh, en), True)


def _doubles(routes: Routes, ground: Ground) -> Iterator[Finding]:
    """Zones that overlap, with rules that are as specific as one another and say different departments."""
    rules = list(enumerate(routes.rules.values()))
    for one, other in ground.overlapping:
        for (first, a), (second, b) in combinations([(n, r) for n, r in rules if r.zone in (one, other)], 2):
            same = (a.event_code, a.domain, a.owner) == (b.event_code, b.domain, b.owner)
            if same and a.zone != b.zone and (a.lead, a.assisting) != (b.lead, b.assisting):
                zh = f"功能区 {one} 与 {other} 重叠, 与 routes[{first}] 同等具体: {a.name()!r} 与 {b.name()!r}"
                en = f"zones {one} and {other} overlap, and routes[{first}] is as specific: {a.name()!r}, {b.name()!r}"
                yield Finding("double", "routes.yaml", f"routes[{second}]", Text(zh, en), True)


def _scenarios(events: Events, scenarios: Sequence[Any]) -> Iterator[Finding]:
    for s in scenarios:
        event = events.by_code.get(s.event_code)
        if event is None:
            near = meant(events.nearest(s.event_code))
            zh = f"event_code: events.yaml 中没有 {s.event_code!r}{near[0]}"
            en = f"event_code: {s.event_code!r} is not in events.yaml{near[1]}"
            yield Finding("unknown_event", "scenarios", s.id, Text(zh, en), True)
        elif event.life and not s.life:
            zh = f"life: {event.code} 属生命安全类, 场景须写 life: true"
            en = f"life: {event.code} is a never-hidden class; expected life: true"
            yield Finding("life_differs", "scenarios", s.id, Text(zh, en), True)


def _patterns(file: str, part: str, patterns: Sequence[str], events: Events) -> Iterator[Finding]:
    for number, pattern in enumerate(patterns):
        if pattern and not events.matching(pattern):
            yield Finding("no_event", file, f"{part}[{number}].event_code", no_event(pattern, events), False)


def no_event(pattern: str, events: Events) -> Text:
    """Of a pattern that no event code matches."""
    near = meant(events.nearest(pattern.rstrip("*.")))
    return Text(f"没有事件类型符合 {pattern!r}{near[0]}", f"no event code matches {pattern!r}{near[1]}")


def _unknown(routes: Routes, ground: Ground, owners: frozenset[str]) -> Iterator[Finding]:
    for number, rule in enumerate(routes.rules.values()):
        for kind in PLACES:
            value = getattr(rule, kind)
            if value and value not in ground.places[kind]:
                what = Text(f"地图中没有 {value!r}", f"the map has no {kind} {value!r}")
                yield Finding("unknown_place", "routes.yaml", f"routes[{number}].{kind}", what, False)
        if rule.owner and rule.owner not in owners:
            what = Text(f"没有资产属于 {rule.owner!r}", f"no asset has the owner {rule.owner!r}")
            yield Finding("unknown_owner", "routes.yaml", f"routes[{number}].owner", what, False)
