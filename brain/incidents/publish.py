"""An incident as a record: CloudEvents 1.0 in binary mode, the attributes as headers, the incident as JSON value."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from brain.incidents.value import Incident
from streams.records import Headers

TYPE = "city.incident.v1"
SOURCE = "/city-brain/incidents"

_encode = msgspec.json.Encoder().encode


class _Settled(msgspec.Struct):
    provisional: list[str] = []


_settled = msgspec.json.Decoder(_Settled).decode


def rfc3339(ms: int) -> str:
    """Milliseconds UTC as RFC 3339 text with milliseconds. Raises OverflowError or ValueError beyond year 9999."""
    seconds, rest = divmod(ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"


def encode(incident: Incident) -> bytes:
    """JSON of an incident; the same bytes serve as state."""
    return _encode(incident)


def topic(incident: Incident) -> str:
    """Topic without its prefix."""
    return f"incidents.{incident.domain}"


def headers(incident: Incident) -> Headers:
    """CloudEvents attributes. Id and time come from the incident, so a replay gives the same bytes."""
    place = incident.grid or incident.members[0].asset
    return (
        ("ce_specversion", b"1.0"),
        ("ce_type", TYPE.encode()),
        ("ce_id", f"{incident.id}/{incident.revision}".encode()),
        ("ce_source", f"{SOURCE}/{incident.domain}".encode()),
        ("ce_subject", f"{incident.scenario}/{place}".encode()),
        ("ce_time", rfc3339(incident.updated).encode()),
        ("content-type", b"application/json"),
    )


def outcomes(value: bytes) -> list[str]:
    """Ids of the provisional records that a published incident settles; none where the value is no incident."""
    try:
        return _settled(value).provisional
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []
