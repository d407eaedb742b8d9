"""Rectification 纠偏: GCJ-02 and BD-09 to WGS 84 and back, compiled; CGCS2000 is taken as WGS 84 (below a metre apart).

The formula of GCJ-02 is public, its inverse is not: it is found by fixed-point iteration. Sines are polynomials, and
those of multiples are worked out from each other: so the loops run on all lanes of the processor, and give the same
bits on every machine, which a system's sine does not.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

F8 = NDArray[np.float64]
I1 = NDArray[np.int8]

WGS84, GCJ02, BD09, CGCS2000 = 0, 1, 2, 3
NOT_STATED = -1
CODES = {
    "wgs84": WGS84, "epsg:4326": WGS84, "ogc:crs84": WGS84, "gcj02": GCJ02, "bd09": BD09, "cgcs2000": CGCS2000,
    "epsg:4490": CGCS2000,
}  # fmt: skip
"""Names by which a system may be stated, in lower case and without hyphens."""

AXIS = 6378245.0
"""Krasovsky semi-major axis in metres, which the offset formula is written on."""
ECCENTRICITY2 = 0.00669342162296594323
CHINA = (72.004, 0.8293, 137.8347, 55.8271)
"""West, south, east, north of the box in which the public formula has an offset. It holds Hong Kong, Macau, Taiwan
and parts of other countries too, whose maps have none: there the asset must state WGS 84."""
ROUNDS = 3
"""Of the fixed-point iteration: two come within a centimetre, three within a tenth of a millimetre."""
PI = math.pi
BD_TURN = 3000.0 / 180.0
HALF_TURN_TERMS = tuple((-1.0) ** k * math.pi ** (2 * k + 1) / math.factorial(2 * k + 1) for k in range(10))
S1, S3, S5, S7, S9, S11, S13, S15, S17, S19 = HALF_TURN_TERMS


class UnknownCrs(ValueError):
    """A coordinate system that is not in the list; guessing would move a position by half a kilometre."""


def crs_code(name: str) -> int:
    """Code of a stated system: wgs84, gcj02, bd09, cgcs2000 or an EPSG name of one of them. Raises UnknownCrs."""
    code = CODES.get(name.strip().lower().replace("-", ""))
    if code is None:
        raise UnknownCrs(f"crs: expected one of {', '.join(CODES)}, got {name!r}")
    return code


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
    if gcj.all():
        return gcj02_to_wgs84(lon, lat)
    lon, lat = lon.copy(), lat.copy()
    lon[bd], lat[bd] = bd09_to_gcj02(lon[bd], lat[bd])
    both = gcj | bd
    lon[both], lat[both] = gcj02_to_wgs84(lon[both], lat[both])
    return lon, lat


def warm() -> None:
    """Have the kernels compiled, or loaded, before the first position waits for them."""
    none = np.zeros(0)
    wgs84_to_gcj02(none, none)
    gcj02_to_bd09(none, none)
    bd09_to_gcj02(none, none)
    gcj02_to_wgs84(none, none)


def gcj02_to_wgs84(lon: F8, lat: F8, rounds: int = ROUNDS) -> tuple[F8, F8]:
    """Inverse of :func:`wgs84_to_gcj02` for (n,) degrees.

    A point outside the box around China stays where it is; within half a kilometre of the box's rim, where the formula
    jumps, there is no inverse and the answer is off by up to the offset.
    """
    x, y = np.empty_like(lon), np.empty_like(lat)
    _from_gcj(lon, lat, x, y, rounds)
    return x, y


def wgs84_to_gcj02(lon: F8, lat: F8) -> tuple[F8, F8]:
    """The offset that maps of the mainland carry: some 500-700 m; points outside a box around China are left alone."""
    x, y = np.empty_like(lon), np.empty_like(lat)
    _to_gcj(lon, lat, x, y)
    return x, y


def bd09_to_gcj02(lon: F8, lat: F8) -> tuple[F8, F8]:
    """Closed form and one correction by the forward formula: below a millimetre."""
    x, y = np.empty_like(lon), np.empty_like(lat)
    _from_bd(lon, lat, x, y)
    return x, y


def gcj02_to_bd09(lon: F8, lat: F8) -> tuple[F8, F8]:
    """The second offset, of one map vendor."""
    x, y = np.empty_like(lon), np.empty_like(lat)
    _to_bd(lon, lat, x, y)
    return x, y


@njit(cache=True, inline="always")
def _half_turns(v: float) -> tuple[float, float]:
    """Sine and cosine of v half turns (v times pi), each within 1e-13; v below 1e6."""
    k = np.floor(v + 0.5)
    r = v - k
    sign = 1.0 - 2.0 * (k - 2.0 * np.floor(k * 0.5))
    q = r * r
    sine = S11 + q * (S13 + q * (S15 + q * (S17 + q * S19)))
    sine = r * (S1 + q * (S3 + q * (S5 + q * (S7 + q * (S9 + q * sine)))))
    h = 0.5 * r
    q = h * h
    half = S9 + q * (S11 + q * (S13 + q * S15))
    half = h * (S1 + q * (S3 + q * (S5 + q * (S7 + q * half))))
    return sign * sine, sign * (1.0 - 2.0 * half * half)


@njit(cache=True, inline="always")
def _offset(lon: float, lat: float) -> tuple[float, float]:
    """The public formula: degrees by which GCJ-02 lies east and north of WGS 84."""
    x, y = lon - 105.0, lat - 35.0
    s, c = _half_turns(x / 12.0)
    slow_x, double, double_c = s, 2.0 * s * c, 1.0 - 2.0 * s * s
    third_x = 2.0 * double * double_c  # of 4/12 half turns
    third_c = 1.0 - 2.0 * double * double
    one_x, one_c = third_x * (3.0 - 4.0 * third_x * third_x), third_c * (4.0 * third_c * third_c - 3.0)
    two = 2.0 * one_x * one_c
    six = two * (3.0 - 4.0 * two * two)
    slowest_x, _ = _half_turns(x / 30.0)
    s, c = _half_turns(y / 12.0)
    slow_y, double, double_c = s, 2.0 * s * c, 1.0 - 2.0 * s * s
    third_y = 2.0 * double * double_c
    one_y = third_y * (3.0 - 4.0 * third_y * third_y)
    slowest_y, _ = _half_turns(y / 30.0)
    root = np.sqrt(np.abs(x))
    common = 20.0 * six + 20.0 * two
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north += (common + 20.0 * one_y + 40.0 * third_y + 160.0 * slow_y + 320.0 * slowest_y) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east += (common + 20.0 * one_x + 40.0 * third_x + 150.0 * slow_x + 300.0 * slowest_x) * 2.0 / 3.0
    sine, cosine = _half_turns(lat / 180.0)
    magic = 1.0 - ECCENTRICITY2 * sine * sine
    root = np.sqrt(magic)
    degrees = 180.0 / PI
    d_lat = degrees * north * magic * root / (AXIS * (1.0 - ECCENTRICITY2))
    d_lon = degrees * east * root / (AXIS * cosine)
    return d_lon, d_lat


@njit(cache=True, inline="always")
def _in_china(lon: float, lat: float) -> float:
    """1 in the box of the formula, else 0 (NaN too)."""
    return 1.0 if (lon >= CHINA[0]) & (lon <= CHINA[2]) & (lat >= CHINA[1]) & (lat <= CHINA[3]) else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _to_gcj(lon: F8, lat: F8, x: F8, y: F8) -> None:
    for i in range(len(lon)):
        inside = _in_china(lon[i], lat[i])
        east, north = _offset(lon[i], lat[i])
        x[i] = lon[i] + (east if inside > 0.0 else 0.0)
        y[i] = lat[i] + (north if inside > 0.0 else 0.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _from_gcj(lon: F8, lat: F8, x: F8, y: F8, rounds: int) -> None:
    for i in range(len(lon)):
        x[i], y[i] = lon[i], lat[i]
    for _ in range(rounds):
        for i in range(len(lon)):
            inside = _in_china(lon[i], lat[i])
            east, north = _offset(x[i], y[i])
            x[i] = lon[i] - (east if inside > 0.0 else 0.0)
            y[i] = lat[i] - (north if inside > 0.0 else 0.0)


@njit(cache=True, inline="always")
def _turned(x: float, y: float, grow: float, by: float) -> tuple[float, float]:
    """Farther from the origin by ``grow`` degrees, and turned by a small angle in radians."""
    scale = 1.0 + grow / np.sqrt(x * x + y * y)
    c, s = 1.0 - 0.5 * by * by, by - by * by * by / 6.0
    return scale * (x * c - y * s), scale * (y * c + x * s)


@njit(cache=True, inline="always")
def _bd(lon: float, lat: float) -> tuple[float, float]:
    sine, _ = _half_turns(lat * BD_TURN)
    _, cosine = _half_turns(lon * BD_TURN)
    x, y = _turned(lon, lat, 0.00002 * sine, 0.000003 * cosine)
    return x + 0.0065, y + 0.006


@njit(cache=True, nogil=True, error_model="numpy")
def _to_bd(lon: F8, lat: F8, x: F8, y: F8) -> None:
    for i in range(len(lon)):
        x[i], y[i] = _bd(lon[i], lat[i])


@njit(cache=True, nogil=True, error_model="numpy")
def _from_bd(lon: F8, lat: F8, x: F8, y: F8) -> None:
    for i in range(len(lon)):
        u, v = lon[i] - 0.0065, lat[i] - 0.006
        sine, _ = _half_turns(v * BD_TURN)
        _, cosine = _half_turns(u * BD_TURN)
        u, v = _turned(u, v, -0.00002 * sine, -0.000003 * cosine)
        there_u, there_v = _bd(u, v)
        x[i], y[i] = u - (there_u - lon[i]), v - (there_v - lat[i])
