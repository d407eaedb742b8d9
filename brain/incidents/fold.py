"""The stages a signal passes on its way into an incident: find a home, join, update, clear, wait, resolve.

Each takes values and answers a named reason. Where open incidents are looked up is :class:`Open`'s business.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from brain.incidents.value import REASONS_KEPT, Incident, Member, Reason
from streams.records import Signal

TEXT_KEPT = 500
"""Characters of a member's text (a ticket's) that the incident carries."""


@dataclass(frozen=True, slots=True)
class FoldSettings:
    """Times in seconds of fold time; ``members`` bounds what one incident, and so one record, may hold."""

    quiet_s: float = 300.0
    window_s: float = 1800.0
    members: int = 500


@dataclass(slots=True, eq=False)
class Case:
    """An open incident with what makes its stages quick; all of it follows from the incident."""

    incident: Incident
    by_id: dict[str, Member] = field(default_factory=dict)
    standing: dict[str, Member] = field(default_factory=dict)
    """Members not cleared, by asset: a later raise of an asset takes the place of its earlier one."""
    levels: dict[int, int] = field(default_factory=dict)
    """Level → standing members that have it."""

    @classmethod
    def of(cls, incident: Incident) -> Case:
        """From an incident as it was saved."""
        case = cls(incident)
        for member in incident.members:
            case.by_id[member.id] = member
            if member.cleared is None:
                case.stand(member)
        return case

    def stand(self, member: Member) -> None:
        """The member is not cleared, and is counted."""
        self.standing[member.asset] = member
        self.levels[member.level] = self.levels.get(member.level, 0) + 1

    def fall(self, member: Member) -> None:
        """The member is cleared, or its level is about to change."""
        del self.standing[member.asset]
        left = self.levels[member.level] - 1
        if left:
            self.levels[member.level] = left
        else:
            del self.levels[member.level]

    def relevel(self) -> None:
        """Level of the incident from its standing members."""
        if self.levels:
            self.incident.level = max(self.levels)
            self.incident.peak_level = max(self.incident.peak_level, self.incident.level)


class Home(NamedTuple):
    """Where a raise goes: a case to join, or None to open one, and why."""

    case: Case | None
    reason: Reason


def place_of(signal: Signal) -> str | None:
    """What makes two assets neighbours: the unit grid 网格; None when nothing does.

    Signals of the brain itself (inputs down) have no grid and belong together all the same.
    """
    return signal.grid or ("" if signal.source == "system" else None)


def find_home(same_asset: list[Case], same_place: list[Case], signal: Signal, settings: FoldSettings) -> Home:
    """Choose the incident a raise joins, of those open for its asset and, where it may be grouped, for its grid.

    ``same_place`` must be empty for life-safety signals: they are joined by the same asset only.
    """
    mine = _latest(same_asset, settings)
    if mine is not None:
        return Home(mine, Reason.JOINED_REPEAT if mine.standing else Reason.REOPENED)
    near = _latest(same_place, settings)
    if near is not None and signal.fold - near.incident.raised <= settings.window_s * 1000:
        return Home(near, Reason.JOINED_NEIGHBOUR if near.standing else Reason.REOPENED)
    if near is not None:
        return Home(None, Reason.OPENED_APART)
    return Home(None, Reason.OPENED_FULL if same_asset or same_place else Reason.OPENED)


def _latest(cases: list[Case], settings: FoldSettings) -> Case | None:
    # A rule over values, not over the order of the list: after a restart the list may be in another order.
    room = [c for c in cases if len(c.incident.members) < settings.members]
    return max(room, key=lambda c: (c.incident.opened, c.incident.id)) if room else None


def join(case: Case, signal: Signal) -> None:
    """Add a raise as a member; the first position, town and district found stay the incident's."""
    incident, identity = case.incident, signal.identity()
    earlier = case.standing.get(signal.asset)
    if earlier is not None:
        case.fall(earlier)
        earlier.cleared = signal.t
    member = Member(
        identity, signal.asset, signal.onset, signal.level, signal.metric, signal.value, signal.threshold,
        signal.score, signal.source, None, signal.text[:TEXT_KEPT],
    )  # fmt: skip
    incident.members.append(member)
    incident.count = len(incident.members)
    case.by_id[identity] = member
    case.stand(member)
    case.relevel()
    incident.onset = min(incident.onset, signal.onset)
    incident.raised = max(incident.raised, signal.fold)
    incident.cleared = incident.quiet_until = None
    if incident.lon is None and signal.lon is not None:
        incident.lon, incident.lat = signal.lon, signal.lat
    if signal.source and signal.source not in incident.sources:
        incident.sources = sorted([*incident.sources, signal.source])
    if signal.life:
        incident.provisional.append(identity)


def update(case: Case, member: Member, signal: Signal) -> Reason:
    """Take over the values of an update. A level that moves is named: it may be an escalation."""
    if member.cleared is not None:
        return Reason.AFTER_CLEAR
    moved = signal.level != member.level
    if moved:
        case.fall(member)
        member.level = signal.level
        case.stand(member)
        case.relevel()
    member.value, member.score = signal.value, signal.score
    if signal.threshold is not None:
        member.threshold = signal.threshold
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
    incident.cleared = max(m.cleared or 0 for m in incident.members)
    incident.quiet_until = signal.fold + round(settings.quiet_s * 1000)
    return Reason.CLEARED_ALL


def note(incident: Incident, now: int, reason: Reason, identity: str) -> None:
    """Count the change and remember why."""
    incident.revision += 1
    incident.updated = now
    incident.reasons.append((now, reason.value, identity))
    del incident.reasons[:-REASONS_KEPT]
