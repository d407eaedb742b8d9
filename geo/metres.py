"""Metres on the ground: the city's own 3-degree Gauss-Kruger zone of CGCS2000 (EPSG:4534 to 4554), and back."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

F8 = NDArray[np.float64]

FIRST_ZONE, FIRST_MERIDIAN, LAST_MERIDIAN = 4534, 75, 135
"""EPSG code and central meridian of the westernmost zone; codes go up by one a zone."""


class OutsideZones(ValueError):
    """The zones of CGCS2000 reach from 73.5 to 136.5 degrees east only."""


def zone_of(lon: float) -> int:
    """EPSG code of the zone that holds a longitude: 4547 for 112.5 to 115.5 degrees east. Raises OutsideZones."""
    meridian = 3 * round(lon / 3) if np.isfinite(lon) else 0
    if not FIRST_MERIDIAN <= meridian <= LAST_MERIDIAN:
        raise OutsideZones(f"longitude {lon}: the zones of CGCS2000 reach from 73.5 to 136.5 degrees east")
    return FIRST_ZONE + (meridian - FIRST_MERIDIAN) // 3


class Metres:
    """Plane coordinates of one zone. Within it distances are right to 0.04 %; ten degrees outside to some per cent.

    ``zone``: EPSG code. WGS 84 and CGCS2000 are taken as one. Not for distances across half a country: use a geodesic.
    """

    def __init__(self, zone: int) -> None:
        """Raises OutsideZones where the code is none of the 3-degree zones without zone prefix."""
        last = FIRST_ZONE + (LAST_MERIDIAN - FIRST_MERIDIAN) // 3
        if not FIRST_ZONE <= zone <= last:
            raise OutsideZones(f"zone: expected EPSG:{FIRST_ZONE} to EPSG:{last}, got EPSG:{zone}")
        self.zone = zone

    @classmethod
    def around(cls, lon: float) -> Metres:
        """Of the zone that holds a longitude. Raises OutsideZones."""
        return cls(zone_of(lon))

    @cached_property
    def _there(self) -> Transformer:
        return Transformer.from_crs("EPSG:4490", f"EPSG:{self.zone}", always_xy=True)

    @cached_property
    def _back(self) -> Transformer:
        return Transformer.from_crs(f"EPSG:{self.zone}", "EPSG:4490", always_xy=True)

    def of(self, lon: F8, lat: F8) -> tuple[F8, F8]:
        """Metres east (with the false easting of 500 km) and north of (n,) degrees; NaN stays NaN."""
        return _missing_as_nan(*self._there.transform(lon, lat))

    def degrees(self, x: F8, y: F8) -> tuple[F8, F8]:
        """Longitude and latitude of (n,) metres; NaN stays NaN."""
        return _missing_as_nan(*self._back.transform(x, y))


def _missing_as_nan(x: F8, y: F8) -> tuple[F8, F8]:
    """PROJ answers with infinity where it has none."""
    bad = ~(np.isfinite(x) & np.isfinite(y))
    return np.where(bad, np.nan, x), np.where(bad, np.nan, y)
