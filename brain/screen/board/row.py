"""An incident as a row: what lists, maps and streams need of it, encoded once, when it comes."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from brain.incidents.value import OVER, Confidence, Domain, Grade, Incident, Response, State, Text, Warning
from streams.records import Signal

KEPT_PROVISIONAL: Final = 50


class Row(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The short form of an incident. Empty fields are left out; times are ms UTC, places degrees WGS 84.

    ``rev`` is the incident's revision, ``due`` the end of the earliest limit that runs, ``breach`` whether that is
    missed or will be. ``provisional``: alarms of the alarm topics whose outcome this is, the last 50.
    """

    id: str
    rev: int
    state: State
    domain: Domain
    scenario: str
    event_code: str = ""
    name: Text = Text()
    level: int = 0
    life: bool = False
    onset: int
    opened: int
    updated: int
    shown: int | None = None
    cleared: int | None = None
    lon: float | None = None
    lat: float | None = None
    accuracy_m: float | None = None
    grid: str = ""
    town: str = ""
    district: str = ""
    confidence: Confidence = "unconfirmed"
    trust: float = 1.0
    chattering: bool = False
    count: int = 0
    raises: int = 0
    lead: str = ""
    lead_name: Text = Text()
    taken_by: str = ""
    warning: Warning = ""
    grade: Grade = ""
    response: Response = ""
    drill: bool = False
    withheld: str = ""
    cause: str = ""
    links: list[str] = []
    merged_into: str = ""
    due: int | None = None
    breach: bool = False
    sources: list[str] = []
    provisional: list[str] = []


class Near(Row, kw_only=True):
    """A row beside a place. ``distance_m``: metres from it."""

    distance_m: float


class Alarm(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A provisional record of a never-hidden class, before its incident is there. ``t``: event time, ms UTC.

    ``trust`` in its asset, in [0, 1], and ``doubts``, what speaks against it, are as far as its lane knew.
    """

    id: str
    scenario: str
    t: int
    name: Text = Text()
    level: int = 0
    lon: float | None = None
    lat: float | None = None
    grid: str = ""
    district: str = ""
    trust: float = 1.0
    doubts: tuple[str, ...] = ()


def row_of(incident: Incident) -> Row:
    """The row of an incident."""
    due, breach = _clock(incident)
    i = incident
    return Row(
        id=i.id, rev=i.revision, state=i.state, domain=i.domain, scenario=i.scenario, event_code=i.event_code,
        name=i.name, level=i.level, life=i.life, onset=i.onset, opened=i.opened, updated=i.updated, shown=i.shown,
        cleared=i.cleared, lon=i.lon, lat=i.lat, accuracy_m=i.accuracy_m, grid=i.grid, town=i.town,
        district=i.district, confidence=i.confidence, trust=i.trust, chattering=i.chattering, count=i.count,
        raises=i.raises, lead=i.lead, lead_name=i.lead_name, taken_by=i.taken_by, warning=i.warning, grade=i.grade,
        response=i.response, drill=i.drill, withheld=i.withheld, cause=i.cause, links=i.links,
        merged_into=i.merged_into, due=due, breach=breach, sources=i.sources,
        provisional=i.provisional[-KEPT_PROVISIONAL:],
    )  # fmt: skip


def _clock(incident: Incident) -> tuple[int | None, bool]:
    running = [c for c in incident.clocks if c.stopped is None and c.held is None]
    if not running or incident.state in OVER:
        return None, False
    first = min(running, key=lambda c: c.due)
    return first.due, first.breached is not None or first.predicted is not None


def alarm_of(signal: Signal, name: Text) -> Alarm:
    """The alarm that a lane has written of a raise."""
    return Alarm(
        id=signal.identity(), scenario=signal.scenario, t=signal.t, name=name, level=signal.level, lon=signal.lon,
        lat=signal.lat, grid=signal.grid, district=signal.district, trust=signal.trust, doubts=signal.doubts,
    )  # fmt: skip


def accepted_ms(incident: Incident) -> float:
    """How long it took until somebody accepted it, ms; NaN where nobody has."""
    return next((float(c.stopped - c.started) for c in incident.clocks
                 if c.name == "accept" and c.stopped is not None), float("nan"))  # fmt: skip


decode_incident: Any = msgspec.json.Decoder(Incident).decode
decode_row: Any = msgspec.json.Decoder(Row).decode
decode_signal: Any = msgspec.json.Decoder(Signal).decode
encode: Any = msgspec.json.Encoder().encode
