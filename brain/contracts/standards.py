"""The public standards that incidents can be written in, by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from brain.contracts import alertmanager, cap, ngsi_ld, open311
from brain.contracts.mapping import SHARED, losses
from brain.incidents.value import Incident

FORMS: Final = {form.name: form for form in (cap.FORM, ngsi_ld.FORM, open311.FORM, alertmanager.FORM)}


def table() -> str:
    """Where each field of an incident goes, and what is lost, as Markdown: it is committed beside the schemas."""
    forms = list(FORMS.values())
    lines = [
        "# Incidents in public standards 事件与公开标准的映射",
        "",
        "Written by `make contracts` from brain/contracts; how to use it: docs/contracts.md. *Italic*: a place of our",
        "own, as JSON; who knows only the standard does not see it, who reads it gets the exact value.",
        "",
        f"| field | {' | '.join(form.title for form in forms)} |",
        f"|---|{'---|' * len(forms)}",
    ]
    for name in SHARED:
        places = (form.own.get(name, f"*{form.extras}*") for form in forms)
        lines.append(f"| {name} | {' | '.join(places)} |")
    lines += ["", "## What the standard's own words say", "", "| standard | its word | follows from |", "|---|---|---|"]
    lines += [f"| {form.title} | {word} | {source} |" for form in forms for word, source in form.words.items()]
    lines += ["", "## Losses", "", "| field | lost in | why |", "|---|---|---|"]
    found: dict[tuple[str, str], list[str]] = {}
    for form in forms:
        for loss in losses(form):
            found.setdefault((loss.field, loss.why), []).append(form.title)
    for (name, why), titles in found.items():
        lines.append(f"| {name} | {'all' if len(titles) == len(forms) else ', '.join(titles)} | {why} |")
    lines += ["", "## Service requests of other systems as tickets", "", "| not taken over | why |", "|---|---|"]
    lines += [f"| {name} | {why} |" for name, why in open311.TICKET_LOSSES.items()]
    return "\n".join(lines) + "\n"


def export(name: str, incidents: Sequence[Incident]) -> list[tuple[str, bytes]]:
    """(file name, content): one document an incident for CAP, one for all of them else. Raises KeyError."""
    if name == cap.FORM.name:
        return [(f"{incident.id}.{incident.revision}.xml", cap.to_cap(incident)) for incident in incidents]
    together = {
        ngsi_ld.FORM.name: ngsi_ld.to_entities,
        open311.FORM.name: open311.to_requests,
        alertmanager.FORM.name: alertmanager.payloads,
    }
    return [(f"{name}.json", together[name](incidents))]
