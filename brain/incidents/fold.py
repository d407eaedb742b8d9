"""What a signal does to the incident that is its home: join, update, clear, and what follows from that.

Each takes values and answers a named reason. Where open incidents are found is :mod:`brain.incidents.book`'s business.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from sys import intern
from typing import Any, Final

import msgspec

from brain.incidents.reasons import Reason
from brain.incidents.value import PROVISIONAL_KEPT, REASONS_KEPT, Incident, Member, Text
from brain.mark import DRILL
from streams.records import Signal

TEXT_KEPT = 500
"""Characters of a member's text (a ticket's) that the incident carries."""
ACCURACY_M = {"iot": 20.0, "video": 20.0, "hotline": 150.0}
"""How far off the place of a signal may be, by its source."""
OTHER_M = 50.0
NOTHING: Final[list[Any]] = []
NO_FACTS: Final[dict[str, float | str]] = {}
"""Of most incidents and members most lists are empty: one object, so never changed in place. In :func:`lean` all are
named."""
SLIGHT: Final = frozenset(reason.value for reason in (
    Reason.JOINED_REPEAT, Reason.REOPENED, Reason.UPDATED, Reason.UPDATED_LEVEL, Reason.CLEARED_MEMBER,
    Reason.CLEARED_ALL, Reason.QUIET_RESOLVED, Reason.NEVER_SHOWN, Reason.CLOSED, Reason.HELD, Reason.DEFERRED_STORM,
    Reason.INHIBITED,
))  # fmt: skip
"""Changes that by themselves leave the first part of the incident as it was (:class:`Incident`), all the rest of it
apart: who changes more with them forgets ``Case.fixed``."""
FRESH_KEPT: Final = 100
"""Of reasons that are still to be written so many are let pile up: only the last :data:`REASONS_KEPT` will be."""
LEVEL_BITS: Final = 20
"""More members than an incident may have fit in so many."""
_ONE: Final = {level: 1 << level * LEVEL_BITS for level in range(16)}
"""One standing member of a level, as ``Case.levels`` counts it; there are five levels."""
AREAS_KEPT = 50_000
_encode = msgspec.json.Encoder().encode
_areas: dict[str, dict[str, list[str]]] = {}
"""By grid the areas that were last said of it: one object for all who say the same."""


@dataclass(frozen=True, slots=True)
class FoldSettings:
    """Times in seconds of fold time, distances in metres.

    ``quiet_s``: all clear for so long, and it is resolved; ``reopen_s``: for so long after that a raise of one of its
    assets reopens it, then it is closed. ``window_s``: an incident takes neighbours for so long after its last raise.
    ``radius_m``: how far a neighbour may be from its place, beside what the two places may be off; ``site_m`` the same
    for never-hidden signals. ``members`` bounds what one incident, and so one record, may hold, ``age_s`` how old one
    may grow. ``chatter``: so many raises of one asset within ``chatter_s`` are chattering. A level that rises within
    ``climb_s`` of the raise has climbed; later the condition is an old one that grows. An asset that had raised within
    ``again_s`` before its latest raise says the same again, whichever incident took it; one that closes sooner than
    that after its last raise is forgotten, as none does by ``quiet_s`` and ``reopen_s``.
    """

    quiet_s: float = 300.0
    reopen_s: float = 900.0
    window_s: float = 1800.0
    radius_m: float = 350.0
    site_m: float = 250.0
    members: int = 500
    age_s: float = 86_400.0
    chatter: int = 4
    chatter_s: float = 600.0
    climb_s: float = 60.0
    again_s: float = 900.0


Key = tuple[str, bool]
"""What can share an incident: family, which is another in a drill, and whether it is never hidden."""


@lru_cache(10_000)
def key_of(family: str, life: bool, drill: bool) -> Key:
    """Of an incident or of a signal; a drill's meet no real ones. One object for all of a kind."""
    return (DRILL + family if drill else family), life


@dataclass(slots=True)
class Middle:
    """Mean of places, degrees; added up in the order of the members, so that it is the same after a restart."""

    n: int = 0
    lon: float = 0.0
    lat: float = 0.0

    def add(self, lon: float, lat: float) -> tuple[float, float]:
        """The mean with one more."""
        self.n, self.lon, self.lat = self.n + 1, self.lon + lon, self.lat + lat
        return self.lon / self.n, self.lat / self.n


@dataclass(slots=True, eq=False)
class Case:
    """An open incident with what makes its stages quick; all of it follows from the incident."""

    incident: Incident
    open: bool = False
    """Whether it is in the book: signals may reach it."""
    by_asset: dict[tuple[str, str], Member] | None = None
    """(scenario, asset) → member, where there are several."""
    standing: dict[str, Member] = field(default_factory=dict)
    """Members not cleared, by their ids."""
    levels: int = 0
    """How many standing members each level has: of level n in the bits from n times LEVEL_BITS on."""
    middle: Middle = field(default_factory=Middle)
    """Of its most exact members."""
    spot: int = 0
    """In which area it lies, where it has a place."""
    area: int | None = None
    """Where its family is counted as standing."""
    timers: tuple[int | None, ...] = (None, None, None, None)
    """Times that are on the heap."""
    lines: dict[str, bytes] | None = None
    """Members as they are written, by their ids; None: not known, or only one."""
    fixed: bytes = b""
    """What of the incident most changes leave as it was, as it is written; empty: it may have changed."""
    told: bytes = b"["
    """Its reasons as they are written, without the last bracket. They are nowhere else: twenty each, most of which
    nobody looks at, would be half of the memory."""
    told_n: int = 0
    fresh: list[tuple[int, str, str]] = field(default_factory=lambda: NOTHING)
    """Reasons since they were written."""
    key: Key = field(init=False)

    def __post_init__(self) -> None:
        i = self.incident
        self.key = key_of(i.family, i.life, i.drill)
        if i.reasons:
            self.told, self.told_n, i.reasons = _encode(i.reasons)[:-1], len(i.reasons), NOTHING

    @classmethod
    def of(cls, incident: Incident) -> Case:
        """From an incident as it was saved."""
        case = cls(incident)
        lean(incident)
        for member in incident.members:
            if member.cleared is None:
                case.stand(member)
            if member.lon is not None and member.lat is not None and accuracy(member.source) == incident.accuracy_m:
                case.middle.add(member.lon, member.lat)
        return case

    def member(self, scenario: str, asset: str) -> Member | None:
        """Its member of that scenario and asset."""
        members = self.incident.members
        if len(members) == 1:
            (m,) = members
            return m if m.asset == asset and m.scenario == scenario else None
        if self.by_asset is None:
            self.by_asset = {(m.scenario, m.asset): m for m in members}
        return self.by_asset.get((scenario, asset))

    def stand(self, member: Member) -> None:
        """The member is not cleared, and is counted."""
        self.standing[member.id] = member
        self.levels += _ONE.get(member.level) or _odd(member.level)

    def fall(self, member: Member) -> None:
        """The member is cleared, or its level is about to change."""
        del self.standing[member.id]
        self.levels -= _ONE.get(member.level) or _odd(member.level)

    def relevel(self) -> None:
        """Level of the incident from its standing members."""
        if self.levels:
            i, level = self.incident, (self.levels.bit_length() - 1) // LEVEL_BITS
            was, peak = i.level, i.peak_level
            if was != level:
                i.level = level
            if peak < level:
                i.peak_level = level


def _odd(level: int) -> int:
    """A level that there is not: below the lowest, or above all."""
    return _ONE[0 if level < 0 else len(_ONE) - 1]


def join(
    case: Case, member: Member | None, signal: Signal, identity: str, version: int, settings: FoldSettings
) -> Member:
    """Add a raise: to its asset's member where there is one, else as a new one."""
    incident = case.incident
    if member is None:
        case.fixed = b""
        if incident.members:  # else it was opened by this one, which is shared already
            share(signal)
        member = Member(
            identity, signal.asset, signal.onset, signal.level, signal.metric, signal.value, signal.threshold,
            signal.score, signal.source, None, signal.text[:TEXT_KEPT], signal.scenario, version,
            lon=signal.lon, lat=signal.lat, grid=signal.grid, set=signal.set, standard=_judged(signal),
            facts=signal.facts or NO_FACTS, footprint=signal.footprint or NOTHING, doubts=NOTHING, recent=NOTHING,
        )  # fmt: skip
        incident.members.append(member)
        incident.count = len(incident.members)
        if case.by_asset is not None:
            case.by_asset[member.scenario, member.asset] = member
    else:
        if member.cleared is None:
            case.fall(member)
        member.last, member.cleared, member.climbed = identity, None, 0
        member.raises += 1
        member.level, member.value, member.score = signal.level, signal.value, signal.score
        if signal.threshold is not None:
            member.threshold = signal.threshold
        if signal.standard:
            member.standard = _judged(signal)
        if signal.text:
            member.text = signal.text[:TEXT_KEPT]
        _evidence(member, signal)
    _recent(member, signal.fold, settings)
    case.stand(member)
    case.relevel()
    incident.raises += 1
    if signal.onset < incident.onset:
        incident.onset, case.fixed = signal.onset, b""
    incident.raised = max(incident.raised, signal.fold)
    if incident.cleared is not None or incident.quiet_until is not None:
        incident.cleared = incident.quiet_until = None
    if signal.grid and signal.grid not in incident.grids:
        case.fixed = b""
        incident.grids = shared(tuple(sorted((*incident.grids, signal.grid))))
    if signal.source and signal.source not in incident.sources:
        case.fixed = b""
        incident.sources = shared(tuple(sorted((*incident.sources, signal.source))))
    if signal.life:
        case.fixed = b""
        incident.provisional = [*incident.provisional[1 - PROVISIONAL_KEPT :], identity]
    return member


def lean(incident: Incident) -> None:
    """Of one that was read: what is empty, and what many have in common, is the object that all share."""
    i = incident
    i.doubts, i.clocks, i.history = i.doubts or NOTHING, i.clocks or NOTHING, i.history or NOTHING
    i.provisional, i.links, i.merged_from = i.provisional or NOTHING, i.links or NOTHING, i.merged_from or NOTHING
    i.scenario, i.event_code, i.family, i.rule = _interned(i.scenario, i.event_code, i.family, i.rule)
    i.grid, i.town, i.district, i.map, i.set = _interned(i.grid, i.town, i.district, i.map, i.set)
    i.lead, i.route, i.withheld = _interned(i.lead, i.route, i.withheld)
    i.name, i.lead_name, i.areas = _same(i.name), _same(i.lead_name), _shared_areas(i.grid, i.areas)
    i.assisting, i.grids, i.sources = shared(tuple(i.assisting)), shared(tuple(i.grids)), shared(tuple(i.sources))
    for m in i.members:
        m.doubts, m.facts, m.footprint = m.doubts or NOTHING, m.facts or NO_FACTS, m.footprint or NOTHING
        m.scenario, m.metric, m.source, m.grid, m.set = _interned(m.scenario, m.metric, m.source, m.grid, m.set)
    for clock in i.clocks:
        clock.rule = intern(clock.rule)


def _interned(*names: str) -> tuple[str, ...]:
    return tuple([intern(name) for name in names])


@lru_cache(10_000)
def _same(text: Text) -> Text:
    """One object for all who have this name."""
    return text


@lru_cache(50_000)
def shared(names: tuple[str, ...]) -> list[str]:
    """One list for all who have these names; it is replaced, never changed."""
    return list(names)


def share(signal: Signal) -> None:
    """What thousands of incidents have in common is one object: less memory to hold, and to go through when written."""
    signal.metric, signal.source, signal.set = intern(signal.metric), intern(signal.source), intern(signal.set)
    signal.grid, signal.map, signal.scenario = intern(signal.grid), intern(signal.map), intern(signal.scenario)
    signal.town, signal.district = intern(signal.town), intern(signal.district)
    signal.areas = _shared_areas(signal.grid, signal.areas)


def _shared_areas(grid: str, areas: dict[str, list[str]]) -> dict[str, list[str]]:
    """What was last said of a grid, where these areas say the same in the same order."""
    if not grid or not areas:
        return areas
    found = _areas.get(grid)
    if found == areas and list(found) == list(areas):
        return found
    if len(_areas) >= AREAS_KEPT:
        _areas.clear()
    _areas[grid] = areas
    return areas


def _judged(signal: Signal) -> str:
    return f"{signal.standard} {signal.grade}" if signal.standard else ""


def _evidence(member: Member, signal: Signal) -> None:
    """What an agent found out last stands; a signal without keeps what was."""
    if signal.facts:
        member.facts = signal.facts
    if signal.footprint:
        member.footprint = signal.footprint


def _recent(member: Member, now: int, settings: FoldSettings) -> None:
    recent = member.recent
    if recent:
        since = now - round(settings.chatter_s * 1000)
        member.recent = [*[t for t in recent if t > since][-settings.chatter + 1 :], now]
    else:
        member.recent = [now]


def _climb(member: Member, signal: Signal, settings: FoldSettings) -> None:
    """Count what its level rises by, where that is soon after its raise; what it falls by is taken off."""
    rise = signal.level - member.level
    soon = bool(member.recent) and signal.fold - member.recent[-1] <= settings.climb_s * 1000
    if rise < 0 or soon:
        member.climbed = max(0, member.climbed + rise)


def again(member: Member, settings: FoldSettings) -> bool:
    """Whether its asset had raised shortly before its latest raise."""
    before = member.before
    return before is not None and bool(member.recent) and member.recent[-1] - before <= settings.again_s * 1000


def chatters(member: Member, now: int, settings: FoldSettings) -> bool:
    """Whether the asset has raised so often of late that it is chattering 抖动."""
    recent, least = member.recent, settings.chatter
    if len(recent) < least:
        return False
    since = now - round(settings.chatter_s * 1000)
    return sum(t > since for t in recent) >= least


def begun(case: Case) -> float:
    """Fold time of the earliest last raise of what stands, ms; infinite where nothing does."""
    return min((m.recent[-1] for m in case.standing.values() if m.recent), default=math.inf)


def accuracy(source: str) -> float:
    """How far off the place of a signal may be, metres."""
    return ACCURACY_M.get(source, OTHER_M)


def update(case: Case, member: Member, signal: Signal, settings: FoldSettings) -> Reason:
    """Take over the values of an update. A level that moves is named: it may be an escalation."""
    if member.cleared is not None:
        return Reason.AFTER_CLEAR
    moved = signal.level != member.level
    if moved:
        case.fall(member)
        _climb(member, signal, settings)
        member.level = signal.level
        case.stand(member)
        case.relevel()
    member.value, member.score = signal.value, signal.score
    if signal.threshold is not None:
        member.threshold = signal.threshold
    if signal.standard:
        member.standard = _judged(signal)
    _evidence(member, signal)
    return Reason.UPDATED_LEVEL if moved else Reason.UPDATED


def clear(case: Case, member: Member, signal: Signal, settings: FoldSettings) -> Reason:
    """Clear a member; when none stands any more the quiet period begins."""
    if member.cleared is not None:
        return Reason.AFTER_CLEAR
    case.fall(member)
    member.cleared = signal.t
    if case.standing:
        case.relevel()
        return Reason.CLEARED_MEMBER
    incident = case.incident
    incident.cleared = max([m.cleared or 0 for m in incident.members])
    if incident.state != "resolved":
        incident.quiet_until = signal.fold + round(settings.quiet_s * 1000)
    return Reason.CLEARED_ALL


def speaking(case: Case) -> list[str]:
    """Sources that stand, sorted."""
    return sorted({m.source for m in case.standing.values()})


def contradicted(case: Case, member: Member) -> bool:
    """Whether a source that ended leaves one kind alone, which is then unconfirmed; calls that end say nothing."""
    incident = case.incident
    if incident.confidence != "corroborated" or member.source == "hotline" or len(speaking(case)) != 1:
        return False
    incident.confidence = "unconfirmed"
    incident.doubts = sorted({*incident.doubts, f"contradicted:{member.source}"})
    return True


def weigh(case: Case, member: Member, now: int, settings: FoldSettings) -> list[Reason]:
    """Several kinds of source corroborate 印证; an asset that raises again and again chatters."""
    incident, found = case.incident, []
    several = len(incident.sources) > 1 and len(case.standing) > 1
    if several and incident.confidence == "unconfirmed" and len(speaking(case)) > 1:
        incident.confidence = "corroborated"
        incident.doubts = [d for d in incident.doubts if not d.startswith("contradicted:")]
        found.append(Reason.CORROBORATED)
    if len(member.recent) >= settings.chatter and chatters(member, now, settings):
        if not incident.chattering:
            incident.chattering = True
            found.append(Reason.CHATTERING)
    elif incident.chattering and not any(chatters(m, now, settings) for m in incident.members):
        incident.chattering = False
        found.append(Reason.STEADY)
    return found


def note(case: Case, now: int, value: str, identity: str = "") -> None:
    """Count the change and remember why: the value of a reason.

    All but a few reasons may stand for any change of the incident: what is kept of its bytes is forgotten.
    """
    incident = case.incident
    incident.revision += 1
    incident.updated = now
    if value not in SLIGHT:
        case.fixed = b""
    fates = incident.fates
    fates[value] = fates.get(value, 0) + 1
    fresh = case.fresh
    if fresh:
        fresh.append((now, value, identity))
        if len(fresh) > FRESH_KEPT:
            del fresh[:-REASONS_KEPT]
    else:
        case.fresh = [(now, value, identity)]
