"""An official warning 预警信息 as the brain accepts it, its number, its colour, and why one is refused."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

import msgspec

from brain.city_time import CITY_TIME

Colour = Literal["", "blue", "yellow", "orange", "red"]
PlacedBy = Literal["polygon", "circle", "geocode", "issuer"]


class WarningReason(enum.StrEnum):
    """Why a warning was refused: a closed list, safe as a metric label."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    """Bytes, nesting or elements beyond what a warning needs."""
    BAD_ENCODING = "bad_encoding"
    NOT_XML = "not_xml"
    FORBIDDEN_XML = "forbidden_xml"
    """A document type, an entity or an external reference: what XML bombs are made of."""
    NOT_CAP = "not_cap"
    """Well-formed, but its root is no CAP 1.1 or 1.2 alert."""
    BAD_FORM = "bad_form"
    """An element missing, given twice, or with a value that CAP has not."""
    NO_WARNING = "no_warning"
    """CAP, but an acknowledgement, an error report, a test or a draft."""
    BAD_TIME = "bad_time"
    BAD_POSITION = "bad_position"
    SWAPPED_POSITION = "swapped_position"
    """Longitude first, where CAP has latitude first: turned round it lies in this city."""
    NO_AREA = "no_area"
    ELSEWHERE = "elsewhere"
    """All its areas lie outside this map."""


class Refusal(NamedTuple):
    """Why a record is no warning for this city: the reason, and what exactly is wrong."""

    reason: WarningReason
    detail: str


class Refused(Exception):
    """Carries a refusal out of the depth where it was found."""

    def __init__(self, reason: WarningReason, detail: str) -> None:
        super().__init__(detail)
        self.refusal = Refusal(reason, detail.encode("utf-8", "replace").decode()[:300])


class WarningNumber(msgspec.Struct, frozen=True):
    """A Chinese warning id 预警信息编号 taken apart: ``ZZZZZZDDDUUUXX_YYYYMMDDhhmmss_N``.

    ``area`` GB/T 2260, ``agency`` GB/T 4657, ``unit`` and ``extension`` of the agency; ``issued`` ms UTC (the text is
    Beijing time); ``sequence`` is 0 where the id has none, as in the 29 characters of live feeds.
    """

    area: str
    agency: str
    unit: str
    extension: str
    issued: int
    sequence: int = 0


class WarnedArea(msgspec.Struct, omit_defaults=True):
    """One area of a warning. ``codes``: features of the map that it is or contains, by layer, as on incidents; of one
    that is only drawn, the districts that it overlaps.

    ``lon``, ``lat``: a position for it, WGS 84 degrees. ``polygons``: closed rings of (lon, lat) as the sender drew
    them; ``circles``: (lon, lat, radius in metres). Where only codes place it there are neither: the map has the shape.
    """

    name: str
    """The sender's words for it."""
    by: PlacedBy
    """What placed it: its drawing, its code, or, for want of both, the area of who issued the warning."""
    lon: float
    lat: float
    codes: dict[str, list[str]] = {}
    polygons: list[list[tuple[float, float]]] = []
    circles: list[tuple[float, float, float]] = []


class OfficialWarning(msgspec.Struct, omit_defaults=True):
    """One message of a warning's life: issued, changed or lifted (``kind``). All times ms UTC.

    ``references`` are ids of the messages that it changes or lifts. ``expires`` None: until it is lifted. ``outside``:
    codes and names of its areas that this map has not. ``severity``, ``urgency`` and ``certainty`` are CAP's own words.
    """

    id: str
    """The sender's id of this message."""
    sender: str
    """Who sent it, as the sender calls itself to machines."""
    sent: int
    """When the sender sent it."""
    kind: Literal["alert", "update", "cancel"]
    event: str
    """What is warned of, in words."""
    colour: Colour
    """预警级别; empty where none is said."""
    onset: int
    """From when on it is expected; when it was sent, where that is not said."""
    expires: int | None = None
    drill: bool = False
    """An exercise: nothing real is warned of."""
    references: list[str] = []
    event_code: str = ""
    """The sender's code of the event, GB/T 35561 in Chinese feeds."""
    severity: str = ""
    urgency: str = ""
    certainty: str = ""
    areas: list[WarnedArea] = []
    """Its areas in this city."""
    outside: list[str] = []
    sender_name: str = ""
    """Name of the sender for people."""
    headline: str = ""
    """Its title."""
    text: str = ""
    """What it says."""
    instruction: str = ""
    """What to do."""
    number: WarningNumber | None = None
    """The parts of its id, where that is a Chinese one."""


_NUMBER = re.compile(r"(\d{6})(\d{3})(\d{3})(\d{2})_(\d{14})(?:_(\d))?", re.ASCII)


def number_of(id_: str) -> WarningNumber | None:
    """The parts of an id of 31 or 29 characters; None for any other, which CAP allows."""
    found = _NUMBER.fullmatch(id_)
    if found is None:
        return None
    area, agency, unit, extension, moment, sequence = found.groups()
    try:
        issued = datetime.strptime(moment, "%Y%m%d%H%M%S").replace(tzinfo=CITY_TIME).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return WarningNumber(area, agency, unit, extension, round(issued.timestamp() * 1000), int(sequence or 0))


SEVERITY: Final[dict[str, Colour]] = {"Extreme": "red", "Severe": "orange", "Moderate": "yellow", "Minor": "blue"}
"""Colours of CAP's severities. Blue for Minor is how the national feed writes it; the other three follow its order."""

_WORDS: Final[dict[str, Colour]] = {"RED": "red", "ORANGE": "orange", "YELLOW": "yellow", "BLUE": "blue"}
_CODED = re.compile(r"(?:^|[^A-Z])(RED|ORANGE|YELLOW|BLUE)$")
_CHINESE: Final[dict[str, Colour]] = {"红色": "red", "橙色": "orange", "黄色": "yellow", "蓝色": "blue"}


def word_of(text: str) -> Colour:
    """Colour that a code or word ends with (``ORANGE``, ``11B14_YELLOW``, ``蓝色``), or none."""
    found = _CODED.search(text.strip().upper())
    return _WORDS[found[1]] if found else next((c for word, c in _CHINESE.items() if text.strip().endswith(word)), "")


def colour_of(severity: str, codes: Iterable[str], titles: Iterable[str]) -> Colour:
    """Colour 预警级别 of a warning: the first that says one.

    ``severity``: CAP's element, which some feeds fill with the colour itself; ``codes``: values of its event codes;
    ``titles``: event and headline, where exactly one colour is named. CAP's own severities come last: see SEVERITY.
    Empty where none says one.
    """
    for text in (severity, *codes):
        if found := word_of(text):
            return found
    for title in titles:
        named = [colour for word, colour in _CHINESE.items() if word in title]
        if len(named) == 1:
            return named[0]
    return SEVERITY.get(severity, "")
