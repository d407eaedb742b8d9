"""The incident 事件 as a value: what is published, and at the same time the state it is resumed from."""

from __future__ import annotations

import hashlib
from typing import Final, Literal, get_args

import msgspec

from brain.incidents.clocks import Clock

Domain = Literal["emergency", "market", "eco", "social", "public", "economy"]
DOMAINS: Final[tuple[Domain, ...]] = get_args(Domain)

State = Literal[
    "detected", "confirmed", "dispatched", "handling", "resolved", "closed", "false_alarm", "merged"
]  # fmt: skip
OVER: Final = frozenset(("closed", "false_alarm", "merged"))
"""States of incidents that signals no longer reach."""

Confidence = Literal["unconfirmed", "corroborated", "confirmed"]
Warning = Literal["", "blue", "yellow", "orange", "red"]
Grade = Literal["", "general", "larger", "major", "extreme"]
Response = Literal["", "IV", "III", "II", "I"]

REASONS_KEPT: Final = 20
PROVISIONAL_KEPT: Final = 500
"""The last ones: an outcome that was published once needs no second telling."""


class Text(msgspec.Struct, frozen=True):
    """A name in both languages; either may be empty."""

    zh: str = ""
    en: str = ""


class Member(msgspec.Struct, omit_defaults=True, gc=False):
    """One asset's alarm of one scenario, however often it was raised: the evidence, as it was.

    ``id`` is the identity of the first raise, ``last`` of the latest where that is another; both name the input
    offset. ``onset`` and ``cleared`` are event time, ms UTC; ``cleared`` is None while it stands. ``via`` is the
    incident that a merge took it from.
    """

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
    scenario: str = ""
    version: int = 0
    raises: int = 1
    last: str = ""
    recent: list[int] = []
    """Fold times of the latest raises, while they are many: by them chattering is known."""
    lon: float | None = None
    lat: float | None = None
    grid: str = ""
    set: str = ""
    via: str = ""
    standard: str = ""
    """Table and grade that judged it, of a scenario that names a risk model."""
    trust: float = 1.0
    """Of its asset at the last change of the member, in [0, 1]."""
    doubts: list[str] = []
    """What speaks against the asset, greatest first."""
    facts: dict[str, float | str] = {}
    """What an agent found out: name → number, in the unit that the name says, or short text."""
    footprint: list[list[tuple[float, float]]] = []
    """Ground that it reaches, by an agent: rings in degrees WGS 84, longitude first, not closed."""
    climbed: int = 0
    """Levels that it rose by soon after its latest raise."""
    before: int | None = None
    """Fold time of its asset's raise before the latest one, in this incident or in another that was still open."""

    def latest(self) -> str:
        """Identity of the raise that updates and clears refer to."""
        return self.last or self.id


class Act(msgspec.Struct, omit_defaults=True, gc=False):
    """What a person did: fold time, what, by whom, for which unit, and the note; ``id`` is the sender's.

    ``at`` is when the person says it was, ``revision`` the incident's that it made; ``to`` what it names: units, a
    value, another incident; ``until`` a promise or a limit; all times ms UTC. ``count``: more than one where older
    acts are summed up.
    """

    t: int
    what: str
    by: str = ""
    unit: str = ""
    note: str = ""
    id: str = ""
    was: State | Literal[""] = ""
    """State before, where it moved."""
    role: str = ""
    at: int = 0
    to: str = ""
    until: int = 0
    revision: int = 0
    count: int = 1


class Incident(msgspec.Struct, gc=False, kw_only=True):
    """What a person deals with: one thing at one place, made of signals.

    ``onset`` and ``cleared`` are event time; ``opened``, ``raised`` (last raise), ``updated`` (last change),
    ``quiet_until``, ``resolved``, ``close_at``, ``shown``, ``look_at`` and ``sounded`` are fold time; all ms UTC.
    ``cleared`` and ``quiet_until`` are set while no member stands. ``shown`` is when it became visible to people, None
    while ``withheld`` says why not; ``look_at`` is when that is judged again; ``sounded`` is when it last asked for
    attention: opening, reopening or a higher level. ``revision`` counts changes, so revisions that fell between two
    flushes are missing from the topic. ``level`` is the highest of the standing members, 0 (no ladder) to 4; it stays
    as it was when all have cleared. Three scales that are never mixed: ``warning`` 预警级别, ``grade`` 事件分级,
    ``response`` 响应级别; empty where nobody has set them.

    What most changes leave as it was comes first, then from ``revision`` on what they change, members and reasons
    last: an open one is written from pieces that are kept (:mod:`brain.incidents.written`).
    """

    id: str
    domain: Domain
    scenario: str
    scenario_version: int
    event_code: str
    name: Text
    family: str = ""
    """The first two parts of the event code: incidents of one family at one place are one."""
    fingerprint: str = ""
    """The same for incidents of one family at one place, whenever they are: by it similar past ones are found."""
    life: bool
    drill: bool = False
    """Of a drill 演练: nothing of it is real, and nobody may be sent. Its members are all of drills, or none is."""
    opened: int
    set: str = ""
    grid: str = ""
    town: str = ""
    district: str = ""
    areas: dict[str, list[str]] = {}
    """What else the place lies in, by layer of the map."""
    lon: float | None = None
    lat: float | None = None
    accuracy_m: float | None = None
    map: str = ""
    warning: Warning = ""
    grade: Grade = ""
    response: Response = ""
    lead: str = ""
    lead_name: Text = Text()
    assisting: list[str] = []
    route: str = ""
    """Which rule of the routing table chose the lead department."""
    taken_by: str = ""
    history: list[Act] = []
    provisional: list[str] = []
    """Ids on alarms.* that have their final outcome in this incident, the latest."""
    links: list[str] = []
    merged_into: str = ""
    merged_from: list[str] = []
    grids: list[str] = []
    """Unit grids of all members: an incident may lie across borders."""
    sources: list[str] = []
    onset: int
    count: int = 0
    confidence: Confidence = "unconfirmed"
    doubts: list[str] = []
    trust: float = 1.0
    """The trust in the most trusted of its standing members, in [0, 1]."""
    chattering: bool = False
    clocks: list[Clock] = []
    """What must happen by when 时限; begun when it was shown."""
    shown: int | None = None
    revision: int
    state: State
    level: int
    peak_level: int
    raised: int
    updated: int
    cleared: int | None = None
    quiet_until: int | None = None
    resolved: int | None = None
    close_at: int | None = None
    withheld: str = ""
    look_at: int | None = None
    sounded: int | None = None
    raises: int = 0
    fates: dict[str, int] = {}
    """How often each reason."""
    cause: str = ""
    effects: int = 0
    rule: str = ""
    """Why its members are one incident: the rule that joined the last of them."""
    members: list[Member] = []
    reasons: list[tuple[int, str, str]] = []
    """The last changes, oldest first: (fold time, reason, signal id; empty for a timer)."""


def incident_id(identity: str) -> str:
    """Id from the identity of the earliest signal in fold order: the same in every run and replay."""
    return "inc-" + hashlib.blake2b(identity.encode(), digest_size=8).hexdigest()


def family_of(event_code: str, scenario: str) -> str:
    """Family of an event: the first two parts of its code; of a scenario without one, its id."""
    code = event_code or scenario
    return ".".join(code.split(".", 2)[:2]) if event_code else code


def fingerprint_of(family: str, where: str) -> str:
    """Fingerprint 指纹 of a family at a place."""
    return hashlib.blake2b(f"{family}|{where}".encode(), digest_size=6).hexdigest()
