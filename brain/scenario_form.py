"""The parts of a scenario's file, as written."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from brain.hours import Hours
from models.video.measure import What
from streams.view import LineKind, ZoneKind

DOMAINS = ("emergency", "market", "eco", "social", "public", "economy")

Domain = Literal["emergency", "market", "eco", "social", "public", "economy"]
Source = Literal["iot", "video", "hotline", "signals"]
State = Literal["draft", "shadow", "trial", "live", "retired"]
Combining = Literal["and", "or", "sequence", "absence"]
Same = Literal["asset", "grid", "site", "town", "district", "city"]


class Name(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What people call it, in both languages."""

    zh: str
    en: str


class Match(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Which series or tickets: asset type and metric, or words, class, urgency, mood of a ticket: all that are given.

    With words, ``kind`` only names the class of tickets; without, it is the class that the set's classifier says.
    """

    type: str = ""
    metric: str = ""
    unit: str = ""
    """Of the bounds, where a person says it: lint holds it against the registry."""
    metrics: tuple[str, ...] = ()
    """Several of one asset, for the detector ``halfspace``."""
    words: tuple[str, ...] = ()
    kind: str = msgspec.field(default="", name="class")
    urgency_from: int | None = None
    """1 pressing, 2 urgent, 3 danger to life; a ticket of that or more."""
    mood_below: float | None = None
    """In [-1, 1]; a ticket of unknown mood is not below."""
    hours: Hours | None = None
    """When it looks, by the event's own time."""
    districts: tuple[str, ...] = ()
    """Codes of the districts in which it looks; none: all, and what is in no grid."""
    layer: str = ""
    """Layer of the map within whose areas it looks, as site or risk."""
    sort: str = msgspec.field(default="", name="kind")
    """Attribute ``kind`` of those areas; none: all of the layer."""


class Part(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Signals of one scenario and its districts' variants, or of all whose event code is, or lies below, ``event``;
    from a level on."""

    scenario: str = ""
    event: str = ""
    level_from: int = 1
    place: bool = False
    """Whether the combined signal has this part's asset and place; the first part's where none says so."""


class Detect(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The condition; exactly one of above, below, ewma_deviation, score_over, silent_s, sum_over, standard,
    count_over, words, ticket, mass, topic (which may have a score_over).

    ``score_over``: of the score of the ``detector`` with its ``settings`` (docs/models.md); ``side`` up and down count
    scores of one sign. ``silent_s``: seconds of up-time without a reading, after one.
    ``sum_over``: the last values of all matching assets of an area, added up once a minute; ``by`` names the area.
    ``standard``: what a risk model (docs/standards.md) says by the table of the reading's own day.
    """

    above: float | None = None
    below: float | None = None
    ewma_deviation: float | None = None
    detector: str | None = None
    settings: dict[str, Any] = {}
    score_over: float | None = None
    side: Literal["both", "up", "down"] = "both"
    silent_s: float | None = None
    within_m: float | None = None
    """How far neighbours may be, for the detectors neighbours, clock_skew and spike, which then see all assets once a
    minute."""
    sum_over: float | None = None
    by: Literal["grid", "town", "district", "city"] | None = None
    standard: str | None = None
    grade_from: str | None = None
    """Lowest grade that counts; without it every grade that has a level."""
    levels: dict[str, int] = {}
    """Levels of grades, in place of the table's."""
    inputs: dict[str, str] = {}
    """Column of the risk model → metric of the asset; without it ``match.metric`` is the one that it needs."""
    given: dict[str, float | str] = {}
    """Columns of the risk model that are the same for every reading."""
    age_s: float | None = None
    """With several inputs: how old one may be beside the newest."""
    every_s: float | None = None
    """Length of a period of the detector ``scan``, seconds; it looks once a period, at the last ``periods`` of them."""
    periods: int = 30
    alpha: float = 0.05
    warmup: int = 20
    count_over: int | None = None
    window_s: float | None = None
    words: Literal["any", "all"] | None = None
    """Each ticket that has any, or all, of the match's words."""
    watch: What | None = None
    """A number that cameras' tracks give (docs/video.md): above and below are of it, not of a metric."""
    zone: ZoneKind | None = None
    line: LineKind | None = None
    classes: tuple[str, ...] = ()
    """Classes of objects that count; none named: all."""
    radius_m: float | None = None
    ticket: Literal["each"] | None = None
    """Each ticket that matches, where the match has no words."""
    mass: int | None = None
    """So many callers, within ``window_s`` if given, who say nearly the same."""
    topic: Literal["rising"] | None = None
    """A topic that rises against its own past by ``score_over``, judged once a minute."""
    combine: Combining | None = None
    """Of source signals: what the signals of the parts ``of`` must do within ``within_s`` of event time, and within
    ``within_m`` or in the ``same`` asset, grid, site …"""
    of: tuple[Part, ...] = ()
    within_s: float | None = None
    same: Same | None = None

    def counts(self) -> bool:
        """Whether it counts tickets, or callers, in a window."""
        return self.count_over is not None or self.mass is not None


class Duration(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How long the condition must hold: in readings in a row, in seconds of their time, or both."""

    readings: int = 1
    seconds: float = 0.0


class Clear(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """When it ends; at most one."""

    below: float | None = None
    above: float | None = None
    deviation_below: float | None = None
    score_below: float | None = None
    grade_below: str | None = None
    quiet_s: float | None = None


class Rung(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """From ``at`` on, the signal has this level."""

    level: int
    at: float


class Trial(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Where a scenario on trial is live; everywhere else it is in shadow."""

    district: str
