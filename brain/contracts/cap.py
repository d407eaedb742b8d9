"""CAP 1.2: incidents out and back, official warnings in (:func:`read_cap`)."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from brain.city_time import CITY_TIME
from brain.contracts import foreign_xml
from brain.contracts.cap_form import NAMESPACE
from brain.contracts.cap_read import read_cap
from brain.contracts.mapping import (
    Form,
    NotOurs,
    Told,
    exercise,
    ms_of,
    quiet,
    read_json,
    sentence,
    severity,
    title,
    where,
)
from brain.contracts.warning import Refused
from brain.incidents.value import Incident

__all__ = ["FORM", "SENDER", "from_cap", "read_cap", "to_cap"]

SENDER: Final = "city-brain"
OURS: Final = "city-brain:"
RESTRICTION: Final = "the command centre and the departments named; not for the public"

FORM: Final = Form(
    "cap", "CAP 1.2", "info.parameter city-brain",
    own={
        "id": "incidents; identifier before its last dot", "revision": "identifier after its last dot",
        "updated": "sent", "opened": "info.effective", "onset": "info.onset", "event_code": "info.eventCode",
        "grid": "area.geocode", "town": "area.geocode", "district": "area.geocode", "lon": "area.circle",
        "lat": "area.circle",
    },
    words={
        "status": "Exercise for a drill",
        "msgType": "state, and whether an earlier revision was told", "info.category": "event_code, domain",
        "info.event, headline, description": "name, place, level, count, confidence", "info.urgency": "state, life",
        "info.severity": "warning, else level (0: Unknown)", "info.certainty": "confidence; false_alarm: Unlikely",
        "info.responseType": "AllClear when resolved or closed", "info.senderName": "lead_name, else lead",
        "area.areaDesc": "grid, town, district", "area.circle, its radius": "accuracy_m, to the metre",
    },
    seconds=frozenset(("updated", "opened", "onset")),
)  # fmt: skip

_CATEGORY: Final = {"emergency": "Safety", "eco": "Env", "social": "Security", "public": "Infra"}
_SEVERITY: Final = ("Unknown", "Minor", "Moderate", "Severe", "Extreme")
_CERTAINTY: Final = {"unconfirmed": "Possible", "corroborated": "Likely", "confirmed": "Observed"}


def to_cap(incident: Incident, before: Incident | None = None) -> bytes:
    """One valid CAP 1.2 alert in Chinese and English, for the restricted circle that incidents are for.

    ``before``: the revision that the receiver was told last; with it the message is an Update that refers to it, or a
    Cancel where the incident turned out to be false or part of another. The same incident gives the same bytes.
    Severity follows the warning colour, else the ladder's level. Control characters in names and codes become U+FFFD.
    """
    alert = Element("alert", {"xmlns": NAMESPACE})
    _add(alert, "identifier", _identifier(incident))
    _add(alert, "sender", SENDER)
    _add(alert, "sent", _time(incident.updated))
    _add(alert, "status", "Exercise" if exercise(incident) else "Actual")
    void = incident.state in ("false_alarm", "merged")
    _add(alert, "msgType", "Alert" if before is None else "Cancel" if void else "Update")
    _add(alert, "scope", "Restricted")
    _add(alert, "restriction", RESTRICTION)
    if before is not None:
        _add(alert, "references", f"{SENDER},{_identifier(before)},{_time(before.updated)}")
    _add(alert, "incidents", incident.id)
    _info(alert, incident, chinese=True)
    _info(alert, incident, chinese=False)
    # ElementTree leaves a tab or line feed as it is, which XML keeps.
    return bytes(tostring(alert, encoding="utf-8", xml_declaration=True)) + b"\n"


def _info(alert: Element, incident: Incident, *, chinese: bool) -> None:
    info = SubElement(alert, "info")
    _add(info, "language", "zh-CN" if chinese else "en-US")
    fire = incident.event_code.startswith("emergency.fire")
    _add(info, "category", "Fire" if fire else _CATEGORY.get(incident.domain, "Other"))
    _add(info, "event", title(incident, chinese=chinese))
    if incident.state in ("resolved", "closed"):
        _add(info, "responseType", "AllClear")
    _add(info, "urgency", "Past" if quiet(incident) else "Immediate" if incident.life else "Expected")
    _add(info, "severity", _SEVERITY[severity(incident)])
    _add(info, "certainty", "Unlikely" if incident.state == "false_alarm" else _CERTAINTY[incident.confidence])
    _pair(info, "eventCode", f"{OURS}event_code", incident.event_code)
    _add(info, "effective", _time(incident.opened))
    _add(info, "onset", _time(incident.onset))
    lead = incident.lead_name.zh or incident.lead_name.en if chinese else incident.lead_name.en or incident.lead_name.zh
    if lead or incident.lead:
        _add(info, "senderName", lead or incident.lead)
    _add(info, "headline", title(incident, chinese=chinese))
    _add(info, "description", sentence(incident, chinese=chinese))
    for name, value in FORM.rest(incident).items():
        _pair(info, "parameter", OURS + name, _json(value))
    area = SubElement(info, "area")
    _add(area, "areaDesc", where(incident))
    if incident.lon is not None and incident.lat is not None:
        _add(
            area, "circle", f"{_degrees(incident.lat)},{_degrees(incident.lon)} {(incident.accuracy_m or 0) / 1000:.3f}"
        )
    for name in ("grid", "town", "district"):
        if code := getattr(incident, name):
            _pair(area, "geocode", OURS + name, code)


def from_cap(value: bytes) -> Told:
    """What :func:`to_cap` told of an incident. Raises NotOurs, whatever the bytes are."""
    try:
        root = foreign_xml.parse(value)
    except Refused as refused:
        raise NotOurs(f"{refused.refusal.reason}: {refused.refusal.detail}") from refused
    if root.tag != f"{{{NAMESPACE}}}alert" or _text(root, "sender") != SENDER:
        raise NotOurs(f"expected a CAP 1.2 alert whose sender is {SENDER}")
    info = _one(root, "info")
    area = _one(info, "area")
    codes, extras = _pairs(area, "geocode"), _pairs(info, "parameter")
    id_, _, revision = _text(root, "identifier").rpartition(".")
    if not revision.isascii() or not revision.isdigit() or len(revision) > 18 or id_ != _text(root, "incidents"):
        raise NotOurs("identifier: expected the incident's id, a dot and its revision")
    lon, lat = _position(area)
    own: Told = {
        "id": id_, "revision": int(revision), "updated": ms_of(_text(root, "sent"), "sent"),
        "opened": ms_of(_text(info, "effective"), "effective"), "onset": ms_of(_text(info, "onset"), "onset"),
        "event_code": _pairs(info, "eventCode").get("event_code", ""), "lon": lon, "lat": lat,
        **{name: codes.get(name, "") for name in ("grid", "town", "district")},
    }  # fmt: skip
    return FORM.whole(own, {name: read_json(text, name) for name, text in extras.items()})


def _json(value: object) -> str:
    """JSON text with everything escaped that XML cannot hold or would change."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return foreign_xml.UNPRINTABLE.sub(lambda m: f"\\u{ord(m[0]):04x}", text)


def _identifier(incident: Incident) -> str:
    return f"{incident.id}.{incident.revision}"


def _time(ms: int) -> str:
    """CAP's form: whole seconds, and an offset that is no Z."""
    return datetime.fromtimestamp(ms // 1000, CITY_TIME).isoformat(timespec="seconds")


def _degrees(number: float) -> str:
    return format(Decimal(repr(number)), "f")


def _add(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = foreign_xml.printable(text)


def _pair(parent: Element, name: str, key: str, value: str) -> None:
    """A named value; nothing where it is empty."""
    if value:
        pair = SubElement(parent, name)
        _add(pair, "valueName", key)
        _add(pair, "value", value)


def _one(parent: Element, name: str) -> Element:
    found = parent.find(f"{{{NAMESPACE}}}{name}")
    if found is None:
        raise NotOurs(f"{name} is missing")
    return found


def _text(parent: Element, name: str) -> str:
    return _one(parent, name).text or ""


def _pairs(parent: Element, name: str) -> dict[str, str]:
    """Our own named values, without the name's prefix."""
    found = {}
    for pair in parent.iterfind(f"{{{NAMESPACE}}}{name}"):
        key = _text(pair, "valueName")
        if key.startswith(OURS):
            found[key.removeprefix(OURS)] = _text(pair, "value")
    return found


def _position(area: Element) -> tuple[float | None, float | None]:
    circle = area.find(f"{{{NAMESPACE}}}circle")
    if circle is None:
        return None, None
    pair = (circle.text or "").partition(" ")[0].split(",")
    try:
        lat, lon = map(float, pair)
    except ValueError as error:
        raise NotOurs(f"circle: expected latitude,longitude, got {','.join(pair)[:40]!r}") from error
    return lon, lat
