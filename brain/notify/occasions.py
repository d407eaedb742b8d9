"""What there is to tell of an incident as it stands, and whether that is still worth telling.

Pure, and of the newest record alone: a reader that missed revisions, or reads one twice, finds the same occasions.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from brain.incidents.clocks import Clock, ClockReason, find
from brain.incidents.limits import LIMIT_NAMES
from brain.incidents.reasons import Reason
from brain.incidents.value import OVER, Incident, Member, Text
from brain.notify.port import About, Kind
from streams.decode.mask import mask
from streams.records import Signal

TEXT_MOST: Final = 200
_JOINED: Final = frozenset(
    r.value for r in (Reason.JOINED_SITE, Reason.JOINED_SOURCE, Reason.JOINED_NEIGHBOUR, Reason.JOINED_REPEAT)
)
_BY_SIGNAL: Final = _JOINED | {Reason.UPDATED_LEVEL.value}
_OF_CLOCKS: Final = frozenset((ClockReason.UNACKNOWLEDGED.value, ClockReason.STALE.value))


class Occasion(NamedTuple):
    """One reason to tell people. ``key`` names it among those of its incident.

    ``signals`` brought it about, and only they: who was told of them as alarms need not be told of it.
    """

    kind: Kind
    at: int
    key: str
    step: int = 0
    clock: str = ""
    due: int = 0
    signals: tuple[str, ...] = ()


def occasions(incident: Incident) -> list[Occasion]:
    """All that a shown incident has to tell, in order of time; none while it is withheld.

    What is older than the incident was told of the one that it was split from.
    """
    if incident.shown is None or incident.sounded is None:
        return []
    found = [o for clock in incident.clocks for o in _of_clock(clock)]
    found.append(Occasion(Kind.SHOWN, incident.shown, f"{Kind.SHOWN}@{incident.shown}"))
    if incident.sounded != incident.shown:
        found += _sounded(incident, incident.sounded)
    return sorted((o for o in found if o.at >= incident.opened), key=lambda o: (o.at, o.key))


def _sounded(incident: Incident, at: int) -> list[Occasion]:
    """Why it sounds since it was shown; none where its clocks say why."""
    reasons = {reason for t, reason, _ in incident.reasons if t == at}
    signals = tuple(i for t, reason, i in incident.reasons if t == at and i and reason in _BY_SIGNAL)
    if Reason.REOPENED in reasons:
        return [Occasion(Kind.REOPENED, at, f"{Kind.REOPENED}@{at}")]
    if Reason.UPDATED_LEVEL in reasons:
        return [Occasion(Kind.LEVEL, at, f"{Kind.LEVEL}@{at}", signals=signals)]
    if reasons & _JOINED:
        return [Occasion(Kind.JOINED, at, f"{Kind.JOINED}@{at}", signals=signals)]
    if Reason.RELEASED in reasons:
        return [Occasion(Kind.RELEASED, at, f"{Kind.RELEASED}@{at}")]
    if reasons & _OF_CLOCKS:
        return []
    return [Occasion(Kind.SOUNDED, at, f"{Kind.SOUNDED}@{at}")]


def _of_clock(clock: Clock) -> list[Occasion]:
    if clock.name in {"escalate", "progress"}:
        if clock.stopped is not None:
            return []
        kind = Kind.UNACKNOWLEDGED if clock.name == "escalate" else Kind.STALE
        return [
            Occasion(kind, _step_at(clock, n), f"{kind}:{n}@{clock.started}", n, clock.name)
            for n in range(1, clock.step + 1)
        ]
    if clock.name == "review":
        if clock.stopped_by != "due" or clock.stopped is None:
            return []
        return [Occasion(Kind.REVIEW_DUE, clock.stopped, f"{Kind.REVIEW_DUE}@{clock.stopped}", clock=clock.name)]
    out = []
    for kind, at in ((Kind.PREDICTED, clock.predicted), (Kind.BREACHED, clock.breached)):
        if at is not None:
            out.append(Occasion(kind, at, f"{kind}:{clock.name}@{at}", clock=clock.name, due=clock.due))
    return out


def _step_at(clock: Clock, step: int) -> int:
    if clock.name == "progress":
        return clock.started + step * clock.steps[0]
    return clock.started + clock.stood + clock.steps[step - 1]


def moot(kind: Kind, key: str, incident: Incident) -> str:
    """Why a message that has not arrived need not be sent any more; empty where it must."""
    if incident.state in OVER or incident.state == "resolved":
        return incident.state
    if kind in {Kind.UNACKNOWLEDGED, Kind.STALE}:
        clock = find(incident.clocks, "escalate" if kind is Kind.UNACKNOWLEDGED else "progress")
        if clock is None or clock.stopped is not None or not key.endswith(f"@{clock.started}"):
            return "acknowledged" if kind is Kind.UNACKNOWLEDGED else "progress"
    if kind in {Kind.PREDICTED, Kind.BREACHED}:
        name = key.partition(":")[2].partition("@")[0]
        clock = next((c for c in incident.clocks if c.name == name and name in LIMIT_NAMES), None)
        if clock is None or clock.stopped is not None:
            return "met"
        if kind is Kind.PREDICTED and clock.breached is not None:
            return "breached"
        if not key.endswith(f"@{clock.predicted if kind is Kind.PREDICTED else clock.breached}"):
            return "moved"
    return ""


def about(i: Incident) -> About:
    """What a message says of an incident."""
    text = next((m.text for m in _latest(i) if m.text), "")
    return About(
        i.id, i.revision, i.domain, i.scenario, i.name, i.level, i.life, i.onset, i.event_code, i.state,
        i.confidence, i.grid, i.town, i.district, i.lon, i.lat, i.lead, i.lead_name, list(i.assisting),
        mask(text)[:TEXT_MOST], i.trust,
    )  # fmt: skip


def _latest(i: Incident) -> list[Member]:
    return sorted(i.members, key=lambda m: (m.cleared is not None, -m.onset, m.id))


def about_alarm(s: Signal) -> About:
    """What a message says of a provisional record: no name and no department are known yet."""
    domain = s.scenario.partition(".")[0]
    return About(
        "", s.n, domain, s.scenario, Text(), s.level, s.life, s.onset, grid=s.grid, town=s.town, district=s.district,
        lon=s.lon, lat=s.lat, text=mask(s.text)[:TEXT_MOST], trust=s.trust, doubts=s.doubts,
    )  # fmt: skip
