"""Reference systems that coordinates are asked for and given in, by the URI that OGC gives each (18-058r1)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from brain.screen.language import Say
from brain.screen.problems import BAD, Problem
from geo.metres import Metres

F8 = NDArray[np.float64]
EDGE = 32
"""Pieces that each side of a projected box is cut into: its sides are curves on the ellipsoid."""
FAR = 1.0
"""Metres by which a corner may miss itself, there and back, before it counts as outside of its projection."""


@dataclass(frozen=True)
class Crs:
    """One reference system. Coordinates stand in the order of its own axes: latitude first in EPSG's degrees.

    ``decimals``: digits given, about a centimetre or better. WGS 84 and CGCS2000 are taken as one.
    """

    uri: str
    code: str
    decimals: int
    northing_first: bool = True
    projected: bool = False

    @cached_property
    def _metres(self) -> Metres:
        return Metres(int(self.code.rpartition(":")[2]))

    def present(self, shapes: Any) -> Any:
        """(n,) shapes in degrees, longitude first, as this system has them, rounded; None stays None."""
        return shapely.transform(shapes, self._rounded)

    def _rounded(self, points: F8) -> F8:
        if self.projected:
            points = np.column_stack(self._metres.of(points[:, 0], points[:, 1])[::-1])
        elif self.northing_first:
            points = points[:, ::-1]
        return np.round(points, self.decimals)

    def areas(self, box: tuple[float, float, float, float], text: str) -> list[Any]:
        """Shapes in degrees, longitude first, of a box given in this system's own axes; ``text``: as it came.

        A box whose first longitude is the greater crosses the antimeridian and becomes two.

        Raises
        ------
        Problem
            Outside of what the system can say, or its first latitude or northing above the second.
        """
        if not np.isfinite(box).all():
            raise _outside(text, self)
        if self.projected:
            return [self._projected(box, text)]
        west, south, east, north = (box[1], box[0], box[3], box[2]) if self.northing_first else box
        if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
            raise _outside(text, self)
        spans = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
        return [_box(w, south, e, north) for w, e in spans]

    def _projected(self, box: tuple[float, float, float, float], text: str) -> Any:
        x1, y1, x2, y2 = box
        if x1 > x2 or y1 > y2:
            raise _outside(text, self)
        shape = _box(x1, y1, x2, y2)
        longest = max(x2 - x1, y2 - y1)
        shape = shapely.segmentize(shape, longest / EDGE) if longest > 0 else shape
        given = shapely.get_coordinates(shape)
        degrees = np.column_stack(self._metres.degrees(given[:, 1], given[:, 0]))
        again = np.column_stack(self._metres.of(degrees[:, 0], degrees[:, 1])[::-1])
        if not (np.isfinite(again).all() and np.abs(again - given).max() <= FAR):
            raise _outside(text, self)
        return shapely.set_coordinates(shape, degrees)


def _box(x1: float, y1: float, x2: float, y2: float) -> Any:
    """A box, or the line or point that a box without width or height is: a polygon without area touches nothing."""
    if x1 == x2 and y1 == y2:
        return shapely.Point(x1, y1)
    if x1 == x2 or y1 == y2:
        return shapely.LineString([(x1, y1), (x2, y2)])
    return shapely.box(x1, y1, x2, y2)


def _outside(text: str, crs: Crs) -> Problem:
    if crs.projected:
        axes = Say(
            "北坐标, 东坐标 (米), 小值在前, 位于该投影带附近",
            "northing, easting in metres, the lower first, near the zone",
        )
    elif crs.northing_first:
        axes = Say("纬度, 经度 (度), 南在北前", "latitude, longitude in degrees, south before north")
    else:
        axes = Say("经度, 纬度 (度), 南在北前", "longitude, latitude in degrees, south before north")
    way = Say(f"坐标系 {crs.code}", f"the reference system is {crs.code}")
    return Problem(BAD, "bbox", axes, text, way)


CRS84 = Crs("http://www.opengis.net/def/crs/OGC/1.3/CRS84", "OGC:CRS84", 7, northing_first=False)
CRS84H = "http://www.opengis.net/def/crs/OGC/0/CRS84h"
"""What a box of six numbers is in; the map has no heights."""
SUPPORTED = (
    CRS84,
    Crs("http://www.opengis.net/def/crs/EPSG/0/4326", "EPSG:4326", 7),
    Crs("http://www.opengis.net/def/crs/EPSG/0/4490", "EPSG:4490", 7),
    Crs("http://www.opengis.net/def/crs/EPSG/0/4547", "EPSG:4547", 3, projected=True),
)


@cache
def by_uri() -> dict[str, Crs]:
    """All that are served."""
    return {crs.uri: crs for crs in SUPPORTED}


def of(uri: str, parameter: str) -> Crs:
    """The system of a URI. Raises Problem where it is none of ours."""
    found = by_uri().get(uri)
    if found is None:
        expected = Say("受支持的坐标系 URI", "the URI of a supported reference system")
        way = Say("可用: ", "there are: ")
        listed = ", ".join(by_uri())
        raise Problem(BAD, parameter, expected, uri, Say(way.zh + listed, way.en + listed))
    return found
