"""What a camera sees 摄像机视野: how its picture lies on the map, and the zones and lines in it that can be watched."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

import msgspec

Point = tuple[float, float]
ZoneKind = Literal["no_stop", "one_way", "intrusion", "crowd", "exit"]
LineKind = Literal["gate", "fence", "stop"]

ZONES: tuple[ZoneKind, ...] = ("no_stop", "one_way", "intrusion", "crowd", "exit")
"""A lane without stopping, one with an allowed direction, an area nobody may enter, a place of crowds, a way out."""
PAIRS, PX = 4, 1e5
"""Fewest pairs that register a camera; no picture is so many px wide."""


class Zone(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """An area by its corners, of the ``picture`` (px, y down) or of the ``map`` (degrees, in the asset's crs).

    ``area_m2``: ground that people can stand on; without it that of the polygon. ``along``: two points, in the same
    coordinates: the way that is allowed goes from the first to the second.
    """

    id: str
    kind: ZoneKind
    picture: tuple[Point, ...] = ()
    map: tuple[Point, ...] = ()
    area_m2: float | None = None
    along: tuple[Point, Point] | None = None


class Line(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A line by its two ends. ``to``: a point on the side to which crossings count; without it both ways count."""

    id: str
    kind: LineKind
    picture: tuple[Point, ...] = ()
    map: tuple[Point, ...] = ()
    to: Point | None = None


class CameraView(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The part ``view`` of an asset. ``points``: (x px, y px, lon, lat) of the same spot of the ground, four or more.

    ``gap_s``: how long an object may be out of sight and go on; ``reach``: how far from where it is expected it is
    looked for then, in metres, or in px of a camera without ``points`` (0: 1 m, 30 px).
    """

    points: tuple[tuple[float, float, float, float], ...] = ()
    zones: tuple[Zone, ...] = ()
    lines: tuple[Line, ...] = ()
    gap_s: float = 2.0
    reach: float = 0.0


def check(view: CameraView) -> None:
    """Raises ValueError with the place in the view, what was expected and what came."""
    if view.points and len(view.points) < PAIRS:
        raise ValueError(f"points: expected none or at least {PAIRS}, got {len(view.points)}")
    for n, (x, y, lon, lat) in enumerate(view.points):
        _within(f"points[{n}]", [(x, y)], on_map=False)
        _within(f"points[{n}]", [(lon, lat)], on_map=True)
    if not 0 < view.gap_s <= 60:
        raise ValueError(f"gap_s: expected seconds above 0 and up to 60, got {view.gap_s}")
    if not (view.reach >= 0 and math.isfinite(view.reach)):
        raise ValueError(f"reach: expected 0 or above, got {view.reach}")
    names = set[str]()
    parts: tuple[tuple[str, tuple[Zone | Line, ...]], ...] = (("zones", view.zones), ("lines", view.lines))
    for kind, members in parts:
        for n, part in enumerate(members):
            where = f"{kind}[{n}] ({part.id or 'no id'})"
            if not part.id or not part.id.isprintable() or "/" in part.id:
                raise ValueError(f"{where}: id: expected text without control characters and /, got {part.id!r}")
            if part.id in names:
                raise ValueError(f"{where}: id: stands twice")
            names.add(part.id)
            _check_part(part, where, registered=bool(view.points))


def _check_part(part: Zone | Line, where: str, *, registered: bool) -> None:
    if bool(part.picture) == bool(part.map):
        raise ValueError(f"{where}: expected either picture or map")
    if part.map and not registered:
        raise ValueError(f"{where}: map: needs points, which say where the map is in the picture")
    corners = part.picture or part.map
    more: Iterable[Point] = ()
    if isinstance(part, Zone):
        if len(corners) < 3:
            raise ValueError(f"{where}: expected at least 3 corners, got {len(corners)}")
        if part.area_m2 is not None and not 0 < part.area_m2 < math.inf:
            raise ValueError(f"{where}: area_m2: expected above 0, got {part.area_m2}")
        if part.kind == "crowd" and part.area_m2 is None and not registered:
            raise ValueError(f"{where}: area_m2: needed, because the camera has no points")
        if part.kind == "one_way" and part.along is None:
            raise ValueError(f"{where}: along: needed, two points in the direction that is allowed")
        more = part.along or ()
    else:
        if len(corners) != 2 or corners[0] == corners[1]:
            raise ValueError(f"{where}: expected two ends apart from each other, got {list(corners)}")
        more = () if part.to is None else (part.to,)
    _within(where, [*corners, *more], on_map=bool(part.map))


def _within(where: str, points: Iterable[Point], *, on_map: bool) -> None:
    for x, y in points:
        if on_map and not (-180 <= x <= 180 and -90 <= y <= 90):
            raise ValueError(f"{where}: expected lon in [-180, 180] and lat in [-90, 90], got {x}, {y}")
        if not (abs(x) <= PX and abs(y) <= PX):
            raise ValueError(f"{where}: expected px within {PX:g}, got {x}, {y}")
