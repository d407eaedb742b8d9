"""The form of CAP 1.2 as a table, written from the standard's data dictionary, and what a document breaks of it.

Not OASIS's schema file: that may be laid beside it in tests, which then hold this table to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"
EARLIER: Final = "urn:oasis:names:tc:emergency:cap:1.1"
SIGNATURES: Final = "http://www.w3.org/2000/09/xmldsig#"
MANY: Final = 1_000_000

STATUSES: Final = ("Actual", "Exercise", "System", "Test", "Draft")
MESSAGES: Final = ("Alert", "Update", "Cancel", "Ack", "Error")
CATEGORIES: Final = (
    "Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other",
)  # fmt: skip
RESPONSES: Final = (
    "Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None",
)  # fmt: skip
URGENCIES: Final = ("Immediate", "Expected", "Future", "Past", "Unknown")
SEVERITIES: Final = ("Extreme", "Severe", "Moderate", "Minor", "Unknown")
CERTAINTIES: Final = ("Observed", "Likely", "Possible", "Unlikely", "Unknown")

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d", re.ASCII)
_LANGUAGE = re.compile(r"([a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*)?", re.ASCII)  # empty: its default, en-US
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Field:
    """One element where it stands: how often, and what it holds (``values``: one of these; ``text``: its pattern)."""

    name: str
    least: int = 0
    most: int = 1
    values: tuple[str, ...] = ()
    text: re.Pattern[str] | None = None
    children: tuple[Field, ...] = ()


_PAIR = (Field("valueName", 1), Field("value", 1))
_AREA = (
    Field("areaDesc", 1), Field("polygon", 0, MANY), Field("circle", 0, MANY),
    Field("geocode", 0, MANY, children=_PAIR), Field("altitude", text=_DECIMAL), Field("ceiling", text=_DECIMAL),
)  # fmt: skip
_RESOURCE = (
    Field("resourceDesc", 1), Field("mimeType", 1), Field("size", text=_INTEGER), Field("uri"), Field("derefUri"),
    Field("digest"),
)  # fmt: skip
_INFO = (
    Field("language", text=_LANGUAGE), Field("category", 1, MANY, CATEGORIES), Field("event", 1),
    Field("responseType", 0, MANY, RESPONSES), Field("urgency", 1, 1, URGENCIES), Field("severity", 1, 1, SEVERITIES),
    Field("certainty", 1, 1, CERTAINTIES), Field("audience"), Field("eventCode", 0, MANY, children=_PAIR),
    Field("effective", text=_TIME), Field("onset", text=_TIME), Field("expires", text=_TIME), Field("senderName"),
    Field("headline"), Field("description"), Field("instruction"), Field("web"), Field("contact"),
    Field("parameter", 0, MANY, children=_PAIR), Field("resource", 0, MANY, children=_RESOURCE),
    Field("area", 0, MANY, children=_AREA),
)  # fmt: skip
ALERT: Final = Field(
    "alert", 1,
    children=(
        Field("identifier", 1), Field("sender", 1), Field("sent", 1, text=_TIME), Field("status", 1, 1, STATUSES),
        Field("msgType", 1, 1, MESSAGES), Field("source"), Field("scope", 1, 1, ("Public", "Restricted", "Private")),
        Field("restriction"), Field("addresses"), Field("code", 0, MANY), Field("note"), Field("references"),
        Field("incidents"), Field("info", 0, MANY, children=_INFO),
    ),
)  # fmt: skip


def local(element: Element) -> str:
    """Name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def faults(root: Element) -> list[str]:
    """What a document breaks of CAP 1.2, in its order, each with its place; empty where it is valid.

    Does not look into XML signatures, and takes any text as a URI.
    """
    if root.tag != f"{{{NAMESPACE}}}alert":
        return [f"expected root alert in {NAMESPACE}, got {str(root.tag)[:120]}"]
    return list(_faults(root, ALERT, "alert"))


def _faults(element: Element, form: Field, where: str) -> list[str]:
    if not form.children:
        return _text_faults(element, form, where)
    found = []
    if (element.text or "").strip() or any((child.tail or "").strip() for child in element):
        found.append(f"{where}: text between its elements")
    names = [field.name for field in form.children]
    counts = dict.fromkeys(names, 0)
    reached = 0
    for child in element:
        space, _, name = str(child.tag)[1:].rpartition("}")
        if space == SIGNATURES and form is ALERT:
            reached = len(names)
            continue
        if space != NAMESPACE or name not in counts:
            found.append(f"{where}: element {name[:80]} does not belong here")
            continue
        place = names.index(name)
        if place < reached:
            found.append(f"{where}.{name}: comes too late")
        reached = max(reached, place)
        counts[name] += 1
        found += _faults(child, form.children[place], f"{where}.{name}")
    for field in form.children:
        if not field.least <= counts[field.name] <= field.most:
            found.append(f"{where}.{field.name}: expected {_times(field)}, got {counts[field.name]}")
    return found


def _text_faults(element: Element, form: Field, where: str) -> list[str]:
    if len(element):
        return [f"{where}: expected text, got elements"]
    text = element.text or ""
    if form.values and text not in form.values:
        return [f"{where}: expected one of {', '.join(form.values)}, got {text[:60]!r}"]
    if form.text is not None and not form.text.fullmatch(text.strip()):
        return [f"{where}: expected the form {form.text.pattern}, got {text[:60]!r}"]
    return []


def _times(field: Field) -> str:
    return "exactly 1" if field.least == field.most == 1 else f"at least {field.least}, at most {field.most}"
