"""Incidents made of others 合并与拆分: merge, undo of a merge, split. Members move, none is lost, all stay countable.

These change the cases; indexes, timers and records are the caller's. Before a case changes it is out of the book, and
after that it is back in.
"""

from __future__ import annotations

import msgspec

from brain.incidents.book import SITE
from brain.incidents.fold import Case, Middle, accuracy
from brain.incidents.squares import metres
from brain.incidents.value import PROVISIONAL_KEPT, Incident, Member, fingerprint_of

_copy = msgspec.json.Decoder(Incident).decode
_encode = msgspec.json.Encoder().encode


def merge(case: Case, into: Case) -> None:
    """Give all members to ``into``, marked by where they came from; ``case`` keeps a copy of them for an undo.

    Where both have the same asset's alarm of one scenario, the two become one member.
    """
    mine, theirs = case.incident, into.incident
    for member in _copy(_encode(mine)).members:
        member.via = member.via or mine.id
        there = into.member(member.scenario, member.asset)
        if there is None:
            theirs.members.append(member)
        else:
            _one(there, member)
    theirs.onset, theirs.raised = min(theirs.onset, mine.onset), max(theirs.raised, mine.raised)
    theirs.raises += mine.raises
    theirs.peak_level = max(theirs.peak_level, mine.peak_level)
    theirs.merged_from = [*theirs.merged_from, mine.id]
    theirs.provisional = [*theirs.provisional, *mine.provisional][-PROVISIONAL_KEPT:]
    if not theirs.grid and mine.grid:
        theirs.grid, theirs.town, theirs.district = mine.grid, mine.town, mine.district
        theirs.areas, theirs.map = mine.areas, mine.map
    mine.merged_into = theirs.id
    refit(into)


def unmerge(case: Case, into: Case) -> bool:
    """Take the members that came with an incident out of ``into`` again, as they stand now.

    Those that had become one with another's stay there. False, and nothing is changed, where nothing would come back or
    nothing would be left.
    """
    incident, theirs = case.incident, into.incident
    came = {incident.id, *incident.merged_from}
    back = [m for m in theirs.members if m.via in came]
    if not back or len(back) == len(theirs.members):
        return False
    theirs.members = [m for m in theirs.members if m.via not in came]
    before = {m.id: m.via for m in incident.members}
    for member in back:
        member.via = before.get(member.id, "")
    incident.members, incident.raises = back, sum(m.raises for m in back)
    theirs.merged_from = [name for name in theirs.merged_from if name != incident.id]
    theirs.provisional = _without(theirs.provisional, incident.provisional)
    theirs.raises = max(len(theirs.members), theirs.raises - incident.raises)
    theirs.onset = min(m.onset for m in theirs.members)
    incident.merged_into = ""
    refit(into)
    refit(case)
    return True


def split(case: Case, names: set[str], id_: str, now: int) -> Case:
    """The named members as an incident of their own, with its state, scales and people; history begins anew."""
    old = case.incident
    moved = [m for m in old.members if m.id in names]
    first = min(moved, key=lambda m: (m.onset, m.id))
    for member in moved:
        member.via = ""
    new = _copy(_encode(old))
    new.id, new.revision, new.opened, new.updated, new.sounded = id_, 0, now, now, now
    new.members, new.history, new.reasons, new.fates = moved, [], [], {}
    new.merged_from, new.links, new.effects = [], [old.id], 0
    new.scenario, new.scenario_version = first.scenario, first.version
    new.onset, new.raises = first.onset, sum(m.raises for m in moved)
    new.peak_level = max(m.level for m in moved)
    new.fingerprint = fingerprint_of(new.family, first.grid or first.asset)
    ids = {identity for m in moved for identity in (m.id, m.latest())}
    new.provisional = [identity for identity in old.provisional if identity in ids]
    if first.grid != old.grid:
        new.grid, new.town, new.areas = first.grid, "", {}
    old.provisional = _without(old.provisional, new.provisional)
    old.members = [m for m in old.members if m.id not in names]
    old.raises = max(len(old.members), old.raises - new.raises)
    old.onset = min(m.onset for m in old.members)
    if new.id not in old.links:
        old.links = [*old.links, new.id]
    refit(case)
    out = Case(new)
    refit(out)
    return out


def same_site(a: Incident, b: Incident, site_m: float) -> bool:
    """Whether two incidents are at one site: by the map's sites where both have one, else by distance, else by grid."""
    ours, theirs = a.areas.get(SITE), b.areas.get(SITE)
    if ours and theirs:
        return any(site in theirs for site in ours)
    if a.lon is not None and a.lat is not None and b.lon is not None:
        return metres(a.lon, a.lat, b.lon, b.lat) <= site_m + max(a.accuracy_m or 0.0, b.accuracy_m or 0.0)
    return bool(a.grid) and a.grid == b.grid


def refit(case: Case) -> None:
    """What follows from the members, worked out anew. The highest level ever stays."""
    incident = case.incident
    case.by_asset, case.standing, case.levels, case.lines, case.fixed = None, {}, 0, None, b""
    for member in incident.members:
        if member.cleared is None:
            case.stand(member)
    case.relevel()
    incident.count = len(incident.members)
    incident.sources = sorted({m.source for m in incident.members if m.source})
    incident.grids = sorted({m.grid for m in incident.members if m.grid})
    if case.standing:
        incident.cleared = incident.quiet_until = None
    _middle(case)


def _middle(case: Case) -> None:
    """It lies in the middle of its most exact members; where none has a place, where it lay."""
    incident, case.middle = case.incident, Middle()
    placed = [(accuracy(m.source), m.lon, m.lat) for m in incident.members if m.lon is not None and m.lat is not None]
    best = min((off for off, _, _ in placed), default=None)
    if best is None:
        return
    incident.accuracy_m = best
    for off, lon, lat in placed:
        if off == best:
            incident.lon, incident.lat = case.middle.add(lon, lat)


def _without(names: list[str], gone: list[str]) -> list[str]:
    """A provisional record has its outcome in one incident: what went elsewhere is named there."""
    left = set(gone)
    return [name for name in names if name not in left]


def _one(there: Member, member: Member) -> None:
    there.onset = min(there.onset, member.onset)
    there.raises += member.raises
    there.recent = sorted([*there.recent, *member.recent])
    before = (there.before, member.before, *there.recent[-2:-1])
    there.before = max((t for t in before if t is not None), default=None)
    if there.cleared is not None and (member.cleared is None or member.cleared > there.cleared):
        there.last, there.cleared = member.latest(), member.cleared
        there.level, there.value, there.score = member.level, member.value, member.score
