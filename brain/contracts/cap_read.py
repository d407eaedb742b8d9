"""CAP warnings in 预警信息接入: bytes of topic ``warnings`` to an accepted warning, placed on the map, or a refusal."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, Literal
from xml.etree.ElementTree import Element

import shapely

from brain.contracts import foreign_xml
from brain.contracts.cap_form import ALERT, CERTAINTIES, EARLIER, MESSAGES, NAMESPACE, SEVERITIES, STATUSES, URGENCIES
from brain.contracts.places import Lookup
from brain.contracts.warning import (
    OfficialWarning,
    PlacedBy,
    Refusal,
    Refused,
    WarnedArea,
    WarningReason,
    colour_of,
    number_of,
    word_of,
)

EARLIEST_MS: Final = 946_684_800_000
LATEST_MS: Final = 4_102_444_800_000
"""Years 2000 to 2100, as for all inputs."""
METRES_A_DEGREE: Final = 111_320.0
LONG: Final = 200
TEXT: Final = 4_000
"""Characters kept of ids and names, and of texts."""

Pairs = list[tuple[float, float]]

_KINDS: Final[dict[str, Literal["alert", "update", "cancel"]]] = {
    "Alert": "alert", "Update": "update", "Cancel": "cancel",
}  # fmt: skip
_NUMBER = re.compile(r"[+-]?(?:\d{1,12}(?:\.\d{0,20})?|\.\d{1,20})(?:[eE][+-]?\d{1,3})?", re.ASCII)
_CODE = re.compile(r"\d{2,15}", re.ASCII)
_SINGLE: Final = frozenset(field.name for field in ALERT.children if field.most == 1)


def read_cap(value: bytes | None, lookup: Lookup) -> OfficialWarning | Refusal:
    """One CAP 1.1 or 1.2 message as a warning for this city, or why it is none.

    Read generously where feeds deviate without harm: any order of elements, elements that CAP has not, times with Z,
    a colour as severity. Of several languages Chinese is taken, else the first. An area is placed by its polygons and
    circles, else by its geocodes through ``lookup``; a message without any area by the area of its issuer, where its id
    is a Chinese number. Areas outside the city are named in ``outside``; a cancellation needs no area.

    Whatever the bytes are, the answer is one of the two; nothing is raised.
    """
    try:
        return _read(foreign_xml.parse(value), lookup)
    except Refused as refused:
        return refused.refusal


def _read(root: Element, lookup: Lookup) -> OfficialWarning:
    space = _space(root)
    alert = _Node(root, space, "alert")
    for name in sorted(_SINGLE):
        alert.one(name)
    status, message = alert.choice("status", STATUSES), alert.choice("msgType", MESSAGES)
    if message not in _KINDS or status not in ("Actual", "Exercise"):
        raise Refused(WarningReason.NO_WARNING, f"status {status}, msgType {message}")
    kind = _KINDS[message]
    id_, sender = alert.need("identifier")[:LONG], alert.need("sender")[:LONG]
    sent = _time(alert, "sent")
    assert sent is not None
    references = [_reference(text) for text in alert.text("references").split()]
    made = OfficialWarning(
        id_, sender, sent, kind, "", "", sent, drill=status == "Exercise", references=references,
        number=number_of(id_),
    )  # fmt: skip
    info = _chosen(list(alert.all("info")))
    if info is None and kind != "cancel":
        raise Refused(WarningReason.BAD_FORM, "alert.info: expected at least 1, got 0")
    if info is not None:
        _tell(info, made)
    _place(info, made, lookup)
    return made


def _space(root: Element) -> str:
    tag = str(root.tag)
    for space in (NAMESPACE, EARLIER):
        if tag == f"{{{space}}}alert":
            return space
    raise Refused(WarningReason.NOT_CAP, f"root {tag[:120]}: expected alert in {NAMESPACE}")


class _Node:
    """An element and its place in the document, for messages."""

    def __init__(self, element: Element, space: str, where: str) -> None:
        self._element, self._space, self.where = element, space, where

    def all(self, name: str) -> Iterator[_Node]:
        """Children of a name."""
        for child in self._element:
            if child.tag == f"{{{self._space}}}{name}":
                yield _Node(child, self._space, f"{self.where}.{name}")

    def one(self, name: str) -> _Node | None:
        """The child of a name that may be there once. Raises Refused where there are two."""
        found = list(self.all(name))
        if len(found) > 1:
            raise Refused(WarningReason.BAD_FORM, f"{self.where}.{name}: expected at most 1, got {len(found)}")
        return found[0] if found else None

    def own(self) -> str:
        """Its text, trimmed."""
        return (self._element.text or "").strip()

    def text(self, name: str) -> str:
        """Text of a child, empty where there is none."""
        child = self.one(name)
        return "" if child is None else child.own()

    def need(self, name: str) -> str:
        """Text of a child that must be there and say something."""
        found = self.text(name)
        if not found:
            raise Refused(WarningReason.BAD_FORM, f"{self.where}.{name}: missing or empty")
        return found

    def choice(self, name: str, values: Sequence[str]) -> str:
        """Text of a child that is one of ``values``."""
        found = self.need(name)
        if found not in values:
            wrong = f"{self.where}.{name}: expected one of {', '.join(values)}, got {found[:60]!r}"
            raise Refused(WarningReason.BAD_FORM, wrong)
        return found

    def pairs(self, name: str) -> list[tuple[str, str]]:
        """(valueName, value) of the children of a name."""
        return [(pair.text("valueName"), pair.text("value")) for pair in self.all(name)]


def _reference(text: str) -> str:
    """Id of ``sender,identifier,sent``; the text itself where a feed gives only the id."""
    parts = text.split(",")
    return (parts[1] if len(parts) == 3 else text)[:LONG]


def _chosen(infos: list[_Node]) -> _Node | None:
    return next((info for info in infos if info.text("language").lower().startswith("zh")), infos[0] if infos else None)


def _tell(info: _Node, made: OfficialWarning) -> None:
    severity = info.need("severity")
    if severity not in SEVERITIES and not word_of(severity):
        wrong = f"{info.where}.severity: expected one of {', '.join(SEVERITIES)} or a colour, got {severity[:60]!r}"
        raise Refused(WarningReason.BAD_FORM, wrong)
    codes = info.pairs("eventCode")
    made.severity = severity
    made.urgency, made.certainty = info.choice("urgency", URGENCIES), info.choice("certainty", CERTAINTIES)
    made.event = info.need("event")[:LONG]
    made.event_code = codes[0][1][:LONG] if codes else ""
    made.headline = info.text("headline")[:TEXT]
    made.colour = colour_of(severity, [code for _, code in codes], [made.event, made.headline])
    made.text, made.instruction = info.text("description")[:TEXT], info.text("instruction")[:TEXT]
    made.sender_name = info.text("senderName")[:LONG]
    onset = _time(info, "onset")
    if onset is None:
        onset = _time(info, "effective")
    made.onset = made.sent if onset is None else onset
    made.expires = _time(info, "expires")
    if made.expires is not None and made.expires < made.onset:
        raise Refused(WarningReason.BAD_TIME, f"{info.where}.expires: before its onset")


def _time(node: _Node, name: str) -> int | None:
    """Milliseconds UTC of a time that has its offset; None where there is none (``sent`` must be there)."""
    text = node.need(name) if name == "sent" else node.text(name)
    if not text:
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(WarningReason.BAD_TIME, f"{node.where}.{name}: expected RFC 3339, got {text[:40]!r}") from None
    if when.tzinfo is None:
        raise Refused(WarningReason.BAD_TIME, f"{node.where}.{name}: expected a time with offset, got {text[:40]!r}")
    ms = round(when.timestamp() * 1000)
    if not EARLIEST_MS <= ms <= LATEST_MS:
        raise Refused(WarningReason.BAD_TIME, f"{node.where}.{name}: expected 2000 to 2100, got {text[:40]!r}")
    return ms


def _place(info: _Node | None, made: OfficialWarning, lookup: Lookup) -> None:
    given = list(info.all("area")) if info is not None else []
    for area in given:
        placed = _area(area, lookup)
        if isinstance(placed, str):
            made.outside.append(placed)
        else:
            made.areas.append(placed)
    if not given and made.number is not None:
        issuer = _by_codes([made.number.area], made.number.area, "issuer", lookup)
        if issuer is None:
            made.outside.append(made.number.area)
        else:
            made.areas.append(issuer)
    if made.areas or made.kind == "cancel":
        return
    if made.outside:
        raise Refused(WarningReason.ELSEWHERE, f"not on this map: {', '.join(made.outside)}")
    raise Refused(WarningReason.NO_AREA, "no area, and its id names none")


def _area(area: _Node, lookup: Lookup) -> WarnedArea | str:
    """One area placed, or what names it where it lies elsewhere."""
    name = area.text("areaDesc")[:LONG]
    rings = [_ring(node.own(), node.where) for node in area.all("polygon")]
    rounds = [_circle(node.own(), node.where) for node in area.all("circle")]
    codes = [value for _, value in area.pairs("geocode") if _CODE.fullmatch(value)]
    if not rings and not rounds:
        if not codes:
            raise Refused(WarningReason.NO_AREA, f"{area.where}: no polygon, circle or numeric geocode")
        return _by_codes(codes, name, "geocode", lookup) or f"{name} {' '.join(codes)}"[:LONG].strip()
    polygons = [_turned(ring) for ring in rings if _here(ring, 0.0, lookup, area.where)]
    circles = [
        (centre[1], centre[0], metres) for centre, metres in rounds if _here([centre], metres, lookup, area.where)
    ]  # fmt: skip
    if not polygons and not circles:
        return name or "an area without a name"
    if polygons:
        middle = shapely.centroid(shapely.multipoints(polygons[0]).envelope)
        lon, lat = float(middle.x), float(middle.y)
    else:
        lon, lat, _ = circles[0]
    by: PlacedBy = "polygon" if polygons else "circle"
    held = _codes_of(codes, lookup) or _overlapped(polygons, circles, lookup)
    return WarnedArea(name, by, lon, lat, held, polygons, circles)


def _by_codes(codes: Sequence[str], name: str, by: PlacedBy, lookup: Lookup) -> WarnedArea | None:
    places = [place for code in codes for place in lookup.places(code)]
    if not places:
        return None
    return WarnedArea(name, by, places[0].lon, places[0].lat, _codes_of(codes, lookup))


def _codes_of(codes: Sequence[str], lookup: Lookup) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for place in sorted({place for code in codes for place in lookup.places(code)}):
        found.setdefault(place.layer, []).append(place.code)
    return found


def _overlapped(
    polygons: Sequence[Pairs], circles: Sequence[tuple[float, float, float]], lookup: Lookup
) -> dict[str, list[str]]:
    """Districts that a drawing without codes overlaps; circles as ellipses of degrees, near enough for districts."""
    shapes: list[shapely.Geometry] = [shapely.Polygon(ring) for ring in polygons]
    for lon, lat, metres in circles:
        high = metres / METRES_A_DEGREE
        wide = high / max(0.01, math.cos(math.radians(lat)))
        turns = [2 * math.pi * k / 64 for k in range(64)]
        shapes.append(shapely.Polygon([(lon + wide * math.cos(a), lat + high * math.sin(a)) for a in turns]))
    places = [place for shape in shapes if not shape.is_empty and shape.area for place in lookup.covered(shape)]
    found: dict[str, list[str]] = {}
    for layer, code in sorted({(place.layer, place.code) for place in places}):
        found.setdefault(layer, []).append(code)
    return found


def _numbers(text: str, where: str) -> Iterator[float]:
    for part in text.split(","):
        if not _NUMBER.fullmatch(part):
            raise Refused(WarningReason.BAD_POSITION, f"{where}: expected a number, got {part[:40]!r}")
        number = float(part)
        if not math.isfinite(number):
            raise Refused(WarningReason.BAD_POSITION, f"{where}: {part[:40]!r} is no number here")
        yield number


def _pair(text: str, where: str) -> tuple[float, float]:
    numbers = tuple(_numbers(text, where))
    if len(numbers) != 2:
        raise Refused(WarningReason.BAD_POSITION, f"{where}: expected latitude,longitude, got {text[:60]!r}")
    return numbers


def _ring(text: str, where: str) -> Pairs:
    """(latitude, longitude) pairs as they stand, at least four, the last as the first."""
    pairs = [_pair(part, where) for part in text.split()]
    if len(pairs) < 4 or pairs[0] != pairs[-1]:
        raise Refused(WarningReason.BAD_POSITION, f"{where}: expected a closed ring of at least 4 pairs")
    return pairs


def _circle(text: str, where: str) -> tuple[tuple[float, float], float]:
    """((latitude, longitude), metres) of ``latitude,longitude kilometres``."""
    parts = text.split()
    if len(parts) != 2:
        raise Refused(WarningReason.BAD_POSITION, f"{where}: expected lat,lon radius, got {text[:60]!r}")
    radius = next(_numbers(parts[1], where))
    if not 0 <= radius <= 20_000:
        raise Refused(WarningReason.BAD_POSITION, f"{where}: expected a radius of 0 to 20000 km, got {radius:g}")
    return _pair(parts[0], where), radius * 1000


def _here(pairs: Pairs, metres: float, lookup: Lookup, where: str) -> bool:
    """Whether it meets the city. Raises Refused where it does so only with the two numbers of each pair exchanged."""
    if _meets(pairs, metres, lookup.box):
        return True
    if _meets([(b, a) for a, b in pairs], metres, lookup.box):
        at = f"{pairs[0][0]:g},{pairs[0][1]:g}"
        raise Refused(WarningReason.SWAPPED_POSITION, f"{where}: {at} is longitude,latitude; CAP has latitude first")
    if not all(-90 <= a <= 90 and -180 <= b <= 180 for a, b in pairs):
        raise Refused(WarningReason.BAD_POSITION, f"{where}: off the globe")
    return False


def _meets(pairs: Pairs, metres: float, box: tuple[float, float, float, float]) -> bool:
    west, south, east, north = box
    rows, columns = [a for a, _ in pairs], [b for _, b in pairs]
    if not all(-90 <= a <= 90 for a in rows):
        return False
    dy = metres / 111_000
    dx = min(dy / max(math.cos(math.radians(rows[0])), 1e-3), 360.0)
    return (
        min(rows) - dy <= north and max(rows) + dy >= south and min(columns) - dx <= east and max(columns) + dx >= west
    )  # fmt: skip


def _turned(ring: Pairs) -> Pairs:
    return [(b, a) for a, b in ring]
