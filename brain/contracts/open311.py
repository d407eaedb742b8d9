"""Open311 GeoReport v2 in JSON: incidents as service requests and back, and foreign service requests in as tickets."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from brain.cloudevents import rfc3339
from brain.contracts.mapping import Form, NotOurs, Told, document, ms_of, quiet, sentence, title
from brain.incidents.value import Incident

__all__ = ["FORM", "TICKET_LOSSES", "from_open311", "ticket_of", "to_open311", "to_requests"]

EXTRAS: Final = "extended_attributes"
OURS: Final = "city_brain"

FORM: Final = Form(
    "open311", "Open311 GeoReport v2", f"{EXTRAS}.{OURS}",
    own={
        "id": "service_request_id", "updated": "updated_datetime", "onset": "requested_datetime",
        "grid": "address_id", "lon": "long", "lat": "lat",
    },
    words={
        "status": "state: closed when resolved or over", "status_notes": "state", "service_name": "name",
        "service_code": "event_code, else scenario", "agency_responsible": "lead_name, else lead",
        "description": "name, place, level, count, confidence",
    },
)  # fmt: skip

TICKET_LOSSES: Final[Mapping[str, str]] = {
    "first_name, last_name, email, phone": "personal data: not taken over",
    "account_id, device_id": "personal data: not taken over",
    "jurisdiction_id, zipcode": "a ticket has a district; the address says it",
    "address_id": "a number of the sender's own register",
    "media_url": "pictures are not fetched",
    "status, status_notes, agency_responsible, service_notice, expected_datetime, updated_datetime":
        "what became of it there; a ticket is what a person reported",
}  # fmt: skip
"""Fields of a service request that its ticket has not, and why."""


def to_open311(incident: Incident) -> dict[str, Any]:
    """One service request. Service code is the event code, else the scenario; open until it resolves or is over."""
    request: dict[str, Any] = {
        "service_request_id": incident.id, "status": "closed" if quiet(incident) else "open",
        "status_notes": incident.state, "service_name": title(incident, chinese=True),
        "service_code": incident.event_code or incident.scenario, "description": sentence(incident, chinese=True),
        "agency_responsible": incident.lead_name.zh or incident.lead_name.en or incident.lead,
        "service_notice": None, "requested_datetime": rfc3339(incident.onset),
        "updated_datetime": rfc3339(incident.updated), "expected_datetime": None, "address": None,
        "address_id": incident.grid or None, "zipcode": None, "lat": incident.lat, "long": incident.lon,
        "media_url": None,
    }  # fmt: skip
    return {**request, EXTRAS: {OURS: FORM.rest(incident)}}


def to_requests(incidents: Sequence[Incident]) -> bytes:
    """A JSON array, as ``GET /requests.json`` answers."""
    return json.dumps([to_open311(incident) for incident in incidents], ensure_ascii=False, indent=1).encode() + b"\n"


def from_open311(value: bytes) -> Told:
    """What :func:`to_open311` told of an incident, from one request as JSON. Raises NotOurs, whatever the bytes are."""
    request = document(value)
    extras = request.get(EXTRAS)
    if not isinstance(extras, dict) or OURS not in extras:
        raise NotOurs(f"{EXTRAS}.{OURS} is missing: a request of another system (ticket_of reads those)")
    lon, lat = _number(request, "long"), _number(request, "lat")
    own: Told = {
        "id": _text(request, "service_request_id"), "grid": _text(request, "address_id"), "lon": lon, "lat": lat,
        **{
            field: ms_of(request.get(name), name)
            for field, name in (("onset", "requested_datetime"), ("updated", "updated_datetime"))
        },
    }  # fmt: skip
    return FORM.whole(own, extras[OURS])


def ticket_of(value: bytes) -> dict[str, Any]:
    """A service request of another system as a record of ``hotline.tickets``; the decoder there has the last word.

    Its position is taken as WGS 84, as the standard has it. What is not taken over: TICKET_LOSSES.

    Raises
    ------
    NotOurs
        Id, time or text is missing, or something is of another type; whatever the bytes are.
    """
    request = document(value)
    id_ = _text(request, "service_request_id")
    text = _text(request, "description") or _text(request, "service_name")
    if not id_ or not text:
        raise NotOurs(f"{'description' if id_ else 'service_request_id'}: missing or empty")
    ticket: dict[str, Any] = {
        "id": id_, "t": ms_of(request.get("requested_datetime"), "requested_datetime"),
        "title": _text(request, "service_name"), "text": text,
        "address": _text(request, "address_string") or _text(request, "address"),
    }  # fmt: skip
    lon, lat = _number(request, "long"), _number(request, "lat")
    if (lon is None) != (lat is None):
        raise NotOurs("lat, long: expected both or none")
    return {**ticket, "lon": lon, "lat": lat} if lon is not None else ticket


def _text(request: Told, name: str) -> str:
    """Text of a field, empty where it is missing or null; ids may be numbers."""
    found = request.get(name)
    if found is None:
        return ""
    if isinstance(found, bool) or not isinstance(found, str | int):
        raise NotOurs(f"{name}: expected text, got {type(found).__name__}")
    return str(found)


def _number(request: Told, name: str) -> float | None:
    """A coordinate; some systems write it as text."""
    found = request.get(name)
    if found is None or found == "":
        return None
    try:
        number = math.nan if isinstance(found, bool) or not isinstance(found, str | int | float) else float(found)
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise NotOurs(f"{name}: expected degrees, got {str(found)[:40]!r}")
    return number
