"""Alertmanager's webhook, version 4: incidents as alerts for receivers that speak it, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from brain.cloudevents import rfc3339
from brain.contracts.mapping import Form, NotOurs, Told, document, ms_of, quiet, read_json, sentence, severity, title
from brain.incidents.value import DOMAINS, Incident

__all__ = ["FORM", "alert_of", "from_alert", "payload", "payloads"]

VERSION: Final = "4"
RECEIVER: Final = "city-brain"
EXTRAS: Final = "city_brain"
NEVER: Final = "0001-01-01T00:00:00Z"
"""End of an alert that is still firing."""

FORM: Final = Form(
    "alertmanager", "Alertmanager webhook 4", f"annotations.{EXTRAS}",
    own={
        "id": "labels.incident", "scenario": "labels.alertname", "domain": "labels.domain", "onset": "startsAt",
        "event_code": "labels.event_code", "grid": "labels.grid", "district": "labels.district",
    },
    words={
        "status, endsAt": "state: resolved when resolved or over", "annotations.severity": "warning, else level",
        "annotations.summary, description": "name, place, level, count, confidence", "labels.life": "life",
        "fingerprint": "the labels, as Prometheus has it",
    },
)  # fmt: skip

_SEVERITY: Final = ("none", "info", "warning", "error", "critical")


def alert_of(incident: Incident) -> dict[str, Any]:
    """One alert. Its labels name the incident and never change, so its fingerprint is one for its whole life.

    Grave or not is therefore an annotation. It is resolved when the incident has resolved or is over.
    """
    labels = {
        "alertname": incident.scenario, "district": incident.district, "domain": incident.domain,
        "event_code": incident.event_code, "grid": incident.grid, "incident": incident.id,
        "life": "true" if incident.life else "false",
    }  # fmt: skip
    labels = {name: value for name, value in labels.items() if value}
    ended = incident.cleared if incident.cleared is not None else incident.updated
    return {
        "status": "resolved" if quiet(incident) else "firing", "labels": labels,
        "annotations": {
            "summary": title(incident, chinese=False), "summary_zh": title(incident, chinese=True),
            "description": sentence(incident, chinese=False), "description_zh": sentence(incident, chinese=True),
            "severity": _SEVERITY[severity(incident)],
            EXTRAS: json.dumps(FORM.rest(incident), ensure_ascii=False, separators=(",", ":")),
        },
        "startsAt": rfc3339(incident.onset), "endsAt": rfc3339(ended) if quiet(incident) else NEVER,
        "generatorURL": "", "fingerprint": fingerprint(labels),
    }  # fmt: skip


def payload(incidents: Sequence[Incident], external_url: str = "") -> dict[str, Any]:
    """One notification of incidents of one domain, which is the group. Raises ValueError where there is none."""
    if not incidents:
        raise ValueError("a notification has at least one incident")
    alerts = [alert_of(incident) for incident in incidents]
    domain = incidents[0].domain
    firing = any(alert["status"] == "firing" for alert in alerts)
    return {
        "version": VERSION, "groupKey": f'{{}}:{{domain="{domain}"}}', "truncatedAlerts": 0,
        "status": "firing" if firing else "resolved", "receiver": RECEIVER, "groupLabels": {"domain": domain},
        "commonLabels": _common([alert["labels"] for alert in alerts]),
        "commonAnnotations": _common([alert["annotations"] for alert in alerts]), "externalURL": external_url,
        "alerts": alerts,
    }  # fmt: skip


def payloads(incidents: Sequence[Incident]) -> bytes:
    """One notification a domain that has any, one a line."""
    groups = [[i for i in incidents if i.domain == domain] for domain in DOMAINS]
    lines = [json.dumps(payload(group), ensure_ascii=False) for group in groups if group]
    return "".join(f"{line}\n" for line in lines).encode()


def from_alert(value: bytes) -> Told:
    """What :func:`alert_of` told of an incident, from one alert as JSON. Raises NotOurs, whatever the bytes are."""
    alert = document(value)
    labels, annotations = alert.get("labels"), alert.get("annotations")
    if not isinstance(labels, dict) or not isinstance(annotations, dict) or "incident" not in labels:
        raise NotOurs("labels.incident is missing: not an alert of the brain")
    own: Told = {
        "id": labels["incident"], "scenario": labels.get("alertname", ""), "domain": labels.get("domain", ""),
        "event_code": labels.get("event_code", ""), "grid": labels.get("grid", ""),
        "district": labels.get("district", ""), "onset": ms_of(alert.get("startsAt"), "startsAt"),
    }  # fmt: skip
    return FORM.whole(own, read_json(str(annotations.get(EXTRAS, "")), FORM.extras))


def fingerprint(labels: Mapping[str, str]) -> str:
    """Fingerprint of a label set as Prometheus makes it: FNV-1a, 64 bits, over sorted names and values."""
    found = 14_695_981_039_346_656_037
    for name in sorted(labels):
        for byte in (*name.encode(), 255, *labels[name].encode(), 255):
            found = ((found ^ byte) * 1_099_511_628_211) % 2**64
    return f"{found:016x}"


def _common(sets: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {name: value for name, value in sets[0].items() if all(other.get(name) == value for other in sets)}
