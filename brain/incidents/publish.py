"""An incident as a record: CloudEvents 1.0 in binary mode, the attributes as headers, the incident as JSON value."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from brain import cloudevents
from brain.incidents.value import DOMAINS, Incident
from streams.records import AUDIT_TYPE, CE_TYPE, Headers

TYPE = "city.incident.v1"
SOURCE = "/city-brain/incidents"

_TOPICS = {domain: f"incidents.{domain}" for domain in DOMAINS}
_HEADERS = {domain: cloudevents.of(TYPE, f"{SOURCE}/{domain}") for domain in DOMAINS}
DRILL = ("ce_drill", b"true")
"""Extension attribute of a drill's incidents, so that a consumer need not read the value to leave them alone."""
_encode = msgspec.json.Encoder().encode
NOTED = b"city"
"""Key of the notes of the city task on the audit topic."""
_AUDIT: Headers = ((CE_TYPE, AUDIT_TYPE),)


class _Settled(msgspec.Struct):
    provisional: list[str] = []


_settled = msgspec.json.Decoder(_Settled).decode


def noted(note: Mapping[str, object]) -> tuple[str, bytes, bytes, Headers]:
    """The record of a note of the city task on the audit topic, for ``CityLogic.changes``."""
    return "audit", NOTED, _encode(note), _AUDIT


def encode(incident: Incident) -> bytes:
    """JSON of an incident; the same bytes serve as state."""
    return _encode(incident)


def topic(incident: Incident) -> str:
    """Topic without its prefix."""
    return _TOPICS[incident.domain]


def headers(incident: Incident) -> Headers:
    """CloudEvents attributes. Id and time come from the incident, so a replay gives the same bytes."""
    i = incident
    place = i.grid or (i.members[0].asset if i.members else i.id)
    made = _HEADERS[i.domain](f"{i.id}/{i.revision}", f"{i.scenario}/{place}", i.updated)
    return (*made, DRILL) if i.drill else made


def outcomes(value: bytes) -> list[str]:
    """Ids of the provisional records that a published incident settles; none where the value is no incident."""
    try:
        return _settled(value).provisional
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []
