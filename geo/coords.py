"""Rectification 纠偏: GCJ-02 and BD-09 to WGS 84, vectorised; CGCS2000 is taken as WGS 84 (they differ below a metre).

The forward formula is public, its inverse is not: it is found by fixed-point iteration.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]
I1 = NDArray[np.int8]

WGS84, GCJ02, BD09, CGCS2000 = 0, 1, 2, 3
NOT_STATED = -1

AXIS = 6378245.0
"""Krasovsky semi-major axis in metres, which the offset formula is written on."""
ECCENTRICITY2 = 0.00669342162296594323
BD_ANGLE = np.pi * 3000.0 / 180.0


def to_wgs84(lon: F8, lat: F8, crs: I1) -> tuple[F8, F8]:
    """Positions in WGS 84.

    Parameters
    ----------
    lon, lat : (n,) degrees; NaN stays NaN.
    crs : (n,) codes: 0 WGS 84, 1 GCJ-02, 2 BD-09, 3 CGCS2000, -1 not stated, which is taken as WGS 84.

    Returns
    -------
    The arrays that came in where nothing is to rectify, else new ones. Nothing is checked: a point that was already
    rectified moves a second time, by some 600 m.
    """
    gcj, bd = crs == GCJ02, crs == BD09
    if not (gcj.any() or bd.any()):
        return lon, lat
    lon, lat = lon.copy(), lat.copy()
    lon[bd], lat[bd] = bd09_to_gcj02(lon[bd], lat[bd])
    both = gcj | bd
    lon[both], lat[both] = gcj02_to_wgs84(lon[both], lat[both])
    return lon, lat


def gcj02_to_wgs84(lon: F8, lat: F8, rounds: int = 3) -> tuple[F8, F8]:
    """Inverse of :func:`wgs84_to_gcj02`; two rounds come within a centimetre, three within a tenth of a millimetre."""
    x, y = lon, lat
    for _ in range(rounds):
        there_x, there_y = wgs84_to_gcj02(x, y)
        x, y = x - (there_x - lon), y - (there_y - lat)
    return x, y


def wgs84_to_gcj02(lon: F8, lat: F8) -> tuple[F8, F8]:
    """The offset that maps of the mainland carry: some 500-700 m; points outside a box around China are left alone."""
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    common = 20.0 * np.sin(6.0 * np.pi * x) + 20.0 * np.sin(2.0 * np.pi * x)
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north = north + (common + 20.0 * np.sin(np.pi * y) + 40.0 * np.sin(np.pi / 3.0 * y)) * 2.0 / 3.0
    north = north + (160.0 * np.sin(np.pi / 12.0 * y) + 320.0 * np.sin(np.pi / 30.0 * y)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east = east + (common + 20.0 * np.sin(np.pi * x) + 40.0 * np.sin(np.pi / 3.0 * x)) * 2.0 / 3.0
    east = east + (150.0 * np.sin(np.pi / 12.0 * x) + 300.0 * np.sin(np.pi / 30.0 * x)) * 2.0 / 3.0
    rad = np.radians(lat)
    magic = 1.0 - ECCENTRICITY2 * np.sin(rad) ** 2
    root = np.sqrt(magic)
    d_lat = np.degrees(north / (AXIS * (1.0 - ECCENTRICITY2) / (magic * root)))
    d_lon = np.degrees(east / (AXIS / root * np.cos(rad)))
    inside = (lon >= 72.004) & (lon <= 137.8347) & (lat >= 0.8293) & (lat <= 55.8271)
    return lon + np.where(inside, d_lon, 0.0), lat + np.where(inside, d_lat, 0.0)


def bd09_to_gcj02(lon: F8, lat: F8) -> tuple[F8, F8]:
    """Closed form and one correction by the forward formula: below a millimetre."""
    x, y = lon - 0.0065, lat - 0.006
    z = np.hypot(x, y) - 0.00002 * np.sin(y * BD_ANGLE)
    theta = np.arctan2(y, x) - 0.000003 * np.cos(x * BD_ANGLE)
    x, y = z * np.cos(theta), z * np.sin(theta)
    there_x, there_y = gcj02_to_bd09(x, y)
    return x - (there_x - lon), y - (there_y - lat)


def gcj02_to_bd09(lon: F8, lat: F8) -> tuple[F8, F8]:
    """The second offset, of one map vendor."""
    z = np.hypot(lon, lat) + 0.00002 * np.sin(lat * BD_ANGLE)
    theta = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * BD_ANGLE)
    return z * np.cos(theta) + 0.0065, z * np.sin(theta) + 0.006
