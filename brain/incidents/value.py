"""The incident 事件 as a value: what is published, and at the same time the state it is resumed from."""

from __future__ import annotations

import enum
import hashlib
from typing import Final, Literal, get_args

import msgspec

Domain = Literal["emergency", "market", "eco", "social", "public", "economy"]
DOMAINS: Final[tuple[Domain, ...]] = get_args(Domain)

REASONS_KEPT: Final = 20


class Reason(enum.StrEnum):
    """What a signal or a timer did to an incident: a closed list, safe as a metric label."""

    OPENED = "opened"
    OPENED_APART = "opened_apart"
    """The grid has an open incident of the scenario, but its last raise is longer ago than the window."""
    OPENED_FULL = "opened_full"
    """The incident it would have joined has as many members as one may have."""
    JOINED_REPEAT = "joined_repeat"
    JOINED_NEIGHBOUR = "joined_neighbour"
    REOPENED = "reopened"
    """A raise in the quiet period: the incident goes on."""
    UPDATED = "updated"
    UPDATED_LEVEL = "updated_level"
    CLEARED_MEMBER = "cleared_member"
    CLEARED_ALL = "cleared_all"
    """The last standing member cleared: the quiet period begins."""
    QUIET_RESOLVED = "quiet_resolved"

    REPEATED_SIGNAL = "repeated_signal"
    """This raise is a member already; nothing changes."""
    UNKNOWN_MEMBER = "unknown_member"
    """An update or clear of a raise that no open incident has; nothing changes."""
    AFTER_CLEAR = "after_clear"
    """An update or clear of a member that is cleared already; nothing changes."""

    @property
    def changes(self) -> bool:
        """Whether the incident has a new revision because of it."""
        return self not in _UNCHANGED


_UNCHANGED: Final = frozenset((Reason.REPEATED_SIGNAL, Reason.UNKNOWN_MEMBER, Reason.AFTER_CLEAR))


class Text(msgspec.Struct, frozen=True):
    """A name in both languages; either may be empty."""

    zh: str = ""
    en: str = ""


class Member(msgspec.Struct, omit_defaults=True):
    """One raise that belongs to the incident. ``id`` is the signal's identity; ``cleared`` is event time, ms UTC."""

    id: str
    asset: str
    onset: int
    level: int = 0
    metric: str = ""
    value: float | None = None
    threshold: float | None = None
    score: float | None = None
    source: str = ""
    cleared: int | None = None
    text: str = ""


class Incident(msgspec.Struct):
    """What a person deals with: one thing at one place, made of signals.

    ``onset`` and ``cleared`` are event time; ``opened``, ``raised`` (last raise), ``updated`` (last change) and
    ``quiet_until`` are fold time; all ms UTC. ``cleared`` and ``quiet_until`` are set while no member stands.
    ``revision`` counts changes, so revisions that fell between two flushes are missing from the topic.
    ``level`` is the highest of the standing members, 0 (no ladder) to 4; it stays as it was when all have cleared.
    ``provisional`` holds the ids on alarms.* that have their final outcome in this incident.
    """

    id: str
    revision: int
    state: Literal["open", "resolved"]
    domain: Domain
    scenario: str
    scenario_version: int
    event_code: str
    name: Text
    level: int
    peak_level: int
    life: bool
    onset: int
    opened: int
    raised: int
    updated: int
    cleared: int | None = None
    quiet_until: int | None = None
    grid: str = ""
    town: str = ""
    district: str = ""
    areas: dict[str, list[str]] = {}
    """What else the place lies in, by layer of the map."""
    lon: float | None = None
    lat: float | None = None
    map: str = ""
    set: str = ""
    lead: str = ""
    lead_name: Text = Text()
    assisting: list[str] = []
    route: str = ""
    """Which rule of the routing table chose the lead department."""
    count: int = 0
    members: list[Member] = []
    reasons: list[tuple[int, str, str]] = []
    """The last changes, oldest first: (fold time, reason, signal id; empty for a timer)."""
    sources: list[str] = []
    provisional: list[str] = []


def incident_id(identity: str) -> str:
    """Id from the identity of the earliest signal in fold order: the same in every run and replay."""
    return "inc-" + hashlib.blake2b(identity.encode(), digest_size=8).hexdigest()
