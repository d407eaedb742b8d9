"""What registered cameras see, compiled: picture to ground to map, zones and lines in the plane of the tracks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import shapely

from brain.reach import Reach
from brain.scenario import Scenario
from brain.unfit import Unfit, both
from geo.coords import F8, to_wgs84
from models.video.homography import Degenerate, Homography, register
from models.video.measure import MOST_CROSSINGS, Measure
from models.video.watch import ALL, Points
from streams.registry import CRS, Registry
from streams.view import CameraView, Line, LineKind, Point, Zone, ZoneKind

EQUATOR_M, FLATTENING = 6_378_137.0, 1 / 298.257223563
REACH_M, REACH_PX = 1.0, 30.0
MARGIN_M, MARGIN_PX = 0.3, 5.0
TOP_M, TOP_PX = 50.0, 3000.0
MOST_M = 2.0
"""Largest error of a pair with which a camera is registered: a lane is 3 m wide."""

STILL_M = 1.5
"""Within what radius an object stands, where the scenario does not say."""
FEW_CROSSINGS = 64
"""Crossings within a window that are counted, where the scenario asks for fewer."""
OTHERS = 62
"""Number of every class that no scenario names."""


@dataclass(frozen=True, slots=True)
class Area:
    """A zone in the plane: its corners, a point within it, what can be stood on (m2; NaN unknown), the way allowed."""

    id: str
    kind: ZoneKind
    corners: Points
    middle: Point
    area_m2: float
    heading: Point


@dataclass(frozen=True, slots=True)
class Border:
    """A line in the plane. ``side`` of crossings that count: 1 left to right of who looks from a to b, -1, 0 both."""

    id: str
    kind: LineKind
    a: Point
    b: Point
    side: float

    @property
    def middle(self) -> Point:
        """Half-way."""
        return (self.a[0] + self.b[0]) / 2, (self.a[1] + self.b[1]) / 2


@dataclass(frozen=True, slots=True)
class Sight:
    """One camera. Its plane is in metres around ``origin`` (lon, lat in WGS 84) where it is registered, else in px."""

    areas: tuple[Area, ...]
    borders: tuple[Border, ...]
    gap_s: float
    reach: float
    ground: Homography | None
    origin: Point

    @property
    def margin(self) -> float:
        """How far past a line counts as over it."""
        return MARGIN_PX if self.ground is None else MARGIN_M

    @property
    def top(self) -> float:
        """Greatest speed of anything, units a second."""
        return TOP_PX if self.ground is None else TOP_M

    def foot(self, box: F8) -> tuple[F8, F8]:
        """Where boxes (n, 4) stand, in the plane; NaN for what stands on or beyond the horizon."""
        picture = np.column_stack([box[:, 0] / 2 + box[:, 2] / 2, box[:, 3]])
        place = picture if self.ground is None else self.ground.to_ground(picture)
        return place[:, 0].copy(), place[:, 1].copy()

    def degrees(self, x: float, y: float) -> Point | None:
        """Longitude and latitude (WGS 84) of a place in the plane; None where the camera is not registered."""
        if self.ground is None:
            return None
        east, north = _metres_a_degree(self.origin[1])
        return self.origin[0] + x / east, self.origin[1] + y / north


def compiled(registry: Registry) -> dict[int, Sight]:
    """Of every camera that says what it sees, by asset.

    Raises ValueError with the camera and the part of its view: pairs that register nothing or with an error above 2 m,
    a zone that crosses itself, a corner beyond the horizon.
    """
    names = {code: name for name, code in CRS.items()}
    found = {}
    for asset, view in registry.views.items():
        try:
            found[asset] = sight(view, names[int(registry.crs[asset])])
        except ValueError as error:
            raise Unfit(f"assets: {registry.ids[asset]}: view", "{said}", said=both(error)) from error
    return found


def sight(view: CameraView, crs: str) -> Sight:
    """One camera's, whose points of the map are in that system. Raises ValueError, as :func:`compiled`."""
    ground, origin = None, (math.nan, math.nan)
    if view.points:
        table = np.array(view.points, np.float64)
        lon, lat = _rectified(table[:, 2], table[:, 3], crs)
        origin = float(lon.mean()), float(lat.mean())
        try:
            ground = register(table[:, :2], _plane(lon, lat, origin), MOST_M)
        except Degenerate as error:
            raise Unfit("points", "{said}", said=both(error)) from error
    frame = _Frame(ground, origin, crs)
    areas = tuple(frame.area(zone, f"zones[{n}] ({zone.id})") for n, zone in enumerate(view.zones))
    borders = tuple(frame.border(line, f"lines[{n}] ({line.id})") for n, line in enumerate(view.lines))
    reach = view.reach or (REACH_PX if ground is None else REACH_M)
    return Sight(areas, borders, view.gap_s, reach, ground, origin)


class Watched(NamedTuple):
    """One scenario at one zone or line of one camera; ``scenario`` counts those with ``watch``."""

    scenario: int
    asset: int
    part: str
    measure: Measure
    middle: Point


def watched(
    scenarios: Iterable[Scenario],
    registry: Registry,
    sights: Mapping[int, Sight],
    assets: Iterable[int] | None = None,
    reach: Reach | None = None,
) -> list[Watched]:
    """What the scenarios with ``watch`` mean, in their order, of those cameras (None: all that say what they see).

    Raises ValueError with scenario, camera and zone where the camera lacks what the scenario needs.
    """
    wanted = [s for s in scenarios if s.detect.watch is not None]
    numbers = class_numbers(wanted)
    cameras = sorted(sights) if assets is None else sorted(a for a in assets if a in sights)
    found = []
    for n, s in enumerate(wanted):
        classes = frozenset(numbers[name] for name in s.detect.classes) or ALL
        there = None if reach is None else reach.assets(s)
        for asset in cameras:
            of_type = registry.types[int(registry.asset_type[asset])] == s.match.type
            if not of_type or (there is not None and not there[asset]):
                continue
            sees = sights[asset]
            found += [
                Watched(n, asset, border.id, _crossing(s, border, sees, classes), border.middle)
                for border in sees.borders if border.kind == s.detect.line
            ]  # fmt: skip
            for area in sees.areas:
                if area.kind == s.detect.zone and (s.detect.watch != "flow" or _exits(sees)):
                    try:
                        measure = _zone(s, area, sees, classes)
                    except ValueError as error:
                        raise Unfit(
                            "",
                            "scenario {id}: detect.watch {watch}: {camera}, zone {zone!r}: {said}",
                            id=s.id,
                            watch=s.detect.watch,
                            camera=registry.ids[asset],
                            zone=area.id,
                            said=both(error),
                        ) from error
                    found.append(Watched(n, asset, area.id, measure, area.middle))
    return found


def class_numbers(scenarios: Iterable[Scenario]) -> dict[str, int]:
    """Number of each class of objects that scenarios name; all others are one. Raises ValueError above 62 names."""
    names = sorted({name for s in scenarios for name in s.detect.classes})
    if len(names) > OTHERS:
        raise Unfit(
            "scenarios: detect.classes",
            "all together can name {most} classes, they name {n}",
            most=OTHERS,
            n=len(names),
        )
    return {name: number for number, name in enumerate(names)}


def _zone(s: Scenario, area: Area, sees: Sight, classes: frozenset[int]) -> Measure:
    watch = s.detect.watch or "count"
    if watch in ("flow", "standing", "wrong_way") and sees.ground is None:
        raise Unfit("", "needs metres: give the camera view.points")
    if watch == "density" and math.isnan(area.area_m2):
        raise Unfit("", "needs area_m2 of the zone, or view.points of the camera")
    return Measure(
        watch, area.corners, classes, 0.0 if math.isnan(area.area_m2) else area.area_m2, exits=_exits(sees),
        radius=s.detect.radius_m or STILL_M, heading=area.heading,
    )  # fmt: skip


def _crossing(s: Scenario, border: Border, sees: Sight, classes: frozenset[int]) -> Measure:
    most = max([s.detect.above or 0.0, *(rung.at for rung in s.levels)])
    return Measure(
        "crossing", classes=classes, a=border.a, b=border.b, margin=sees.margin, side=border.side,
        window_s=s.detect.window_s or 0.0, most=min(max(FEW_CROSSINGS, int(most) + 2), MOST_CROSSINGS),
    )  # fmt: skip


def _exits(sees: Sight) -> Points:
    return tuple(area.middle for area in sees.areas if area.kind == "exit")


@dataclass(frozen=True, slots=True)
class _Frame:
    """Puts what was drawn in a picture or on a map into the plane."""

    ground: Homography | None
    origin: Point
    crs: str

    def area(self, zone: Zone, where: str) -> Area:
        corners = self._put(zone.picture, zone.map, where)
        shape = shapely.Polygon(corners)
        if not shape.is_valid or not shape.area > 0:
            raise Unfit(where, "expected corners around an area, in their order, got a ring that crosses itself")
        heading = (0.0, 0.0)
        if zone.along is not None:
            (ax, ay), (bx, by) = self._put(*_like(zone, zone.along), where)
            heading = bx - ax, by - ay
            if heading == (0.0, 0.0):
                raise Unfit(f"{where}: along", "expected two points apart from each other")
        inner = shape.representative_point()
        size = zone.area_m2 or (math.nan if self.ground is None else float(shape.area))
        return Area(zone.id, zone.kind, corners, (float(inner.x), float(inner.y)), size, heading)

    def border(self, line: Line, where: str) -> Border:
        a, b = self._put(line.picture, line.map, where)
        side = 0.0
        if line.to is not None:
            ((x, y),) = self._put(*_like(line, (line.to,)), where)
            left = (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])
            if abs(left) <= 1e-6 * ((b[0] - a[0]) ** 2 + (b[1] - a[1]) ** 2):
                raise Unfit(f"{where}: to", "expected a point beside the line, got one on it")
            side = -1.0 if left > 0 else 1.0
        return Border(line.id, line.kind, a, b, side)

    def _put(self, picture: Sequence[Point], on_map: Sequence[Point], where: str) -> Points:
        points = np.array(picture or on_map, np.float64)
        if on_map:
            place = _plane(*_rectified(points[:, 0], points[:, 1], self.crs), self.origin)
        else:
            place = points if self.ground is None else self.ground.to_ground(points)
        lost = np.flatnonzero(np.isnan(place).any(axis=1))
        if len(lost):
            raise Unfit(f"{where}: picture", "{point} is on or beyond the horizon", point=points[lost[0]].tolist())
        return tuple((float(x), float(y)) for x, y in place)


def _like(part: Zone | Line, points: tuple[Point, ...]) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    """Points as those of the picture or of the map, whichever the part is drawn in."""
    return (points, ()) if part.picture else ((), points)


def _rectified(lon: F8, lat: F8, crs: str) -> tuple[F8, F8]:
    return to_wgs84(lon, lat, np.full(len(lon), CRS[crs], np.int8))


def _plane(lon: F8, lat: F8, origin: Point) -> F8:
    east, north = _metres_a_degree(origin[1])
    return np.column_stack([(lon - origin[0]) * east, (lat - origin[1]) * north])


def _metres_a_degree(lat: float) -> tuple[float, float]:
    """Of longitude and of latitude, on the ellipsoid; over the few hundred metres of a view right to a millimetre."""
    e2 = FLATTENING * (2 - FLATTENING)
    sine = math.sin(math.radians(lat))
    bow = 1 - e2 * sine * sine
    return (
        math.radians(EQUATOR_M * math.cos(math.radians(lat)) / math.sqrt(bow)),
        math.radians(EQUATOR_M * (1 - e2) / (bow * math.sqrt(bow))),
    )
