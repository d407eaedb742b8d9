"""An incident as it was saved, also by an earlier release."""

from __future__ import annotations

import msgspec

from brain.incidents.value import Incident, Member, family_of

_decode = msgspec.json.Decoder(Incident).decode


def restored(value: bytes) -> Incident:
    """From its state. Raises msgspec.ValidationError on what no release wrote."""
    return _of_release_1(value) if b'"state":"open"' in value[:200] else _decode(value)


def _of_release_1(value: bytes) -> Incident:
    """Until 2026-11 an incident was open or resolved, always shown, and had a member a raise."""
    fields = msgspec.json.decode(value)
    fields["state"] = "detected"
    incident: Incident = msgspec.convert(fields, Incident)
    incident.family = family_of(incident.event_code, incident.scenario)
    incident.shown = incident.sounded = incident.opened
    incident.raises = len(incident.members)
    incident.grids = [incident.grid] if incident.grid else []
    latest: dict[str, Member] = {}
    for member in incident.members:
        member.scenario, member.version = incident.scenario, incident.scenario_version
        earlier = latest.get(member.asset)
        if earlier is not None:
            member.id, member.last = earlier.id, member.id
            member.onset, member.raises = earlier.onset, earlier.raises + 1
        latest[member.asset] = member
    incident.members = list(latest.values())
    incident.count = len(incident.members)
    return incident
