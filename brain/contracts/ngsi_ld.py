"""NGSI-LD: incidents as entities of the smart data model Alert, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from brain.cloudevents import rfc3339
from brain.contracts.mapping import Form, NotOurs, Told, document, ms_of, sentence, severity, title
from brain.incidents.value import Incident

__all__ = ["FORM", "from_ngsi_ld", "to_entities", "to_ngsi_ld"]

CONTEXT: Final = (
    "https://raw.githubusercontent.com/smart-data-models/dataModel.Alert/master/context.jsonld",
    "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld",
)
URN: Final = "urn:ngsi-ld:Alert:city-brain:"
SOURCE: Final = "urn:city-brain:incidents"

FORM: Final = Form(
    "ngsi-ld", "NGSI-LD Alert", "data",
    own={
        "id": f"id after {URN}", "opened": "dateIssued", "onset": "validFrom", "cleared": "validTo",
        "lon": "location", "lat": "location",
    },
    words={
        "category, subCategory": "event_code, domain", "severity": "warning, else level (0: informational)",
        "name, description": "name, place, level, count, confidence", "alertSource": "always the brain",
    },
)  # fmt: skip

_CATEGORY: Final = {"eco": "environment", "market": "health"}
"""Categories of the model by domain. It has none for what is neither traffic, nature, health nor farming: security."""
_KINDS: Final = (
    ("emergency.fire", "security", "buildingFire"), ("emergency.flood", "naturalDisaster", "flood"),
    ("emergency.crowd", "security", "crowdRisk"), ("eco.air", "environment", "airPollution"),
    ("eco.water", "environment", "waterPollution"),
)  # fmt: skip
"""Beginning of an event code, category, and the model's subcategory; codes not named have none."""
_SEVERITY: Final = ("informational", "low", "medium", "high", "critical")


def to_ngsi_ld(incident: Incident) -> dict[str, Any]:
    """One normalized entity with its context. Times keep their milliseconds; severity is as in CAP."""
    category, kind = _kind(incident)
    entity: dict[str, Any] = {
        "id": URN + incident.id, "type": "Alert", "category": _property(category),
        "severity": _property(_SEVERITY[severity(incident)]), "name": _property(title(incident, chinese=False)),
        "description": _property(sentence(incident, chinese=True)), "alertSource": _property(SOURCE),
        "dateIssued": _time(incident.opened), "validFrom": _time(incident.onset),
    }  # fmt: skip
    if kind:
        entity["subCategory"] = _property(kind)
    if incident.cleared is not None:
        entity["validTo"] = _time(incident.cleared)
    if incident.lon is not None and incident.lat is not None:
        point = {"type": "Point", "coordinates": [incident.lon, incident.lat]}
        entity["location"] = {"type": "GeoProperty", "value": point}
    entity["data"] = _property(FORM.rest(incident))
    return {**entity, "@context": list(CONTEXT)}


def to_entities(incidents: Sequence[Incident]) -> bytes:
    """A JSON array, as ``/ngsi-ld/v1/entityOperations/upsert`` takes it."""
    return json.dumps([to_ngsi_ld(incident) for incident in incidents], ensure_ascii=False, indent=1).encode() + b"\n"


def from_ngsi_ld(value: bytes) -> Told:
    """What :func:`to_ngsi_ld` told of an incident, from one entity as JSON. Raises NotOurs, whatever the bytes are."""
    entity = document(value)
    id_ = entity.get("id")
    if entity.get("type") != "Alert" or not isinstance(id_, str) or not id_.startswith(URN):
        raise NotOurs(f"expected an Alert whose id begins with {URN}")
    lon, lat = _position(entity)
    own: Told = {
        "id": id_.removeprefix(URN), "opened": _moment(entity, "dateIssued"), "onset": _moment(entity, "validFrom"),
        "cleared": _moment(entity, "validTo") if "validTo" in entity else None, "lon": lon, "lat": lat,
    }  # fmt: skip
    return FORM.whole(own, _value(entity, "data"))


def _kind(incident: Incident) -> tuple[str, str]:
    for beginning, category, kind in _KINDS:
        if incident.event_code.startswith(beginning):
            return category, kind
    return _CATEGORY.get(incident.domain, "security"), ""


def _property(value: object) -> dict[str, object]:
    return {"type": "Property", "value": value}


def _time(ms: int) -> dict[str, object]:
    return _property({"@type": "DateTime", "@value": rfc3339(ms)})


def _value(entity: Told, name: str) -> Any:
    found = entity.get(name)
    if not isinstance(found, dict) or "value" not in found:
        raise NotOurs(f"{name}: expected a property with a value")
    return found["value"]


def _moment(entity: Told, name: str) -> int:
    found = _value(entity, name)
    return ms_of(found.get("@value") if isinstance(found, dict) else found, name)


def _position(entity: Told) -> tuple[float | None, float | None]:
    if "location" not in entity:
        return None, None
    point = _value(entity, "location")
    pair = point.get("coordinates") if isinstance(point, dict) and point.get("type") == "Point" else None
    if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(x, int | float) for x in pair):
        raise NotOurs("location: expected a Point")
    return float(pair[0]), float(pair[1])
