"""Gas dispersion 气体扩散: a passive plume from a steady point source, Pasquill classes and Briggs' widths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from models.standards.model import Answer, Input, Reads, Reason, RiskModel, TextInput, reasons
from models.standards.table import F8, Table

NEAR, FAR = 100.0, 10_000.0
"""Distances downwind, in metres, between which Briggs' widths were fitted."""
CALM = 1.0
"""m/s; below it there is no mean wind to carry a plume."""
AIR = 29.0
"""g/mol; a release heavier than this is not passive."""
STABILITY = ("A", "B", "C", "D", "E", "F")


def concentration(rate: F8, wind: F8, height: F8, y: F8, z: F8, sigma_y: F8, sigma_z: F8) -> F8:
    """Concentration in a plume with reflection at the ground, in the unit of ``rate`` per m3.

    ``Q/(2 pi u sy sz) exp(-y2/2sy2) (exp(-(z-H)2/2sz2) + exp(-(z+H)2/2sz2))``; ``rate`` per second, wind in m/s, all
    else in metres. Columns of one shape. Source: Turner, Workbook of Atmospheric Dispersion Estimates, eq. 3.1.
    """
    across = np.exp(-0.5 * (y / sigma_y) ** 2)
    up = np.exp(-0.5 * ((z - height) / sigma_z) ** 2) + np.exp(-0.5 * ((z + height) / sigma_z) ** 2)
    return np.asarray(rate / (2 * np.pi * wind * sigma_y * sigma_z) * across * up, np.float64)


def widths(table: Table, terrain: str, stability: str, x: F8) -> tuple[F8, F8]:
    """Briggs' sigma y and sigma z in metres at distances ``x`` (m); each is a x (1 + b x)^p."""
    a_y, b_y, p_y, a_z, b_z, p_z = table.row(f"{terrain}_{stability}")
    return a_y * x * (1 + b_y * x) ** p_y, a_z * x * (1 + b_z * x) ** p_z


def stability(wind: F8, sun: Any, cloud: F8) -> Any:
    """Pasquill class by wind at 10 m (m/s), sun (``strong``, ``moderate``, ``slight``; ``night``) and cloud in eighths.

    ``A`` to ``F``, "" where an input is missing. Overcast (8/8) is D by day and night. Between two classes (A-B) the
    more stable is taken: the plume is narrower and reaches farther. Does not work within an hour of sunrise or
    sunset by the clock alone: those hours count as night. Source: Pasquill 1961, as NOAA READY gives it.
    """
    step = np.searchsorted([2.0, 3.0, 5.0, 6.0], wind, side="right")
    by_day = {"strong": "ABBCC", "moderate": "BBCDD", "slight": "BCCDD"}
    out = np.full(len(wind), "", "U1")
    for name, classes in by_day.items():
        rows = np.asarray(sun) == name
        out[rows] = np.array(list(classes))[step[rows]]
    night = np.asarray(sun) == "night"
    out[night & (cloud > 4)] = np.array(list("EEDDD"))[step[night & (cloud > 4)]]
    out[night & (cloud <= 4)] = np.array(list("FFEDD"))[step[night & (cloud <= 4)]]
    out[(cloud == 8) & (out != "")] = "D"
    out[np.isnan(wind) | np.isnan(cloud)] = ""
    return out


@dataclass(frozen=True, slots=True)
class Plume(RiskModel):
    """Concentration in mg/m3 at a point downwind of a steady release, and whether it reaches a threshold.

    ``rate_g_s``, ``wind_ms`` at the height of release, ``height_m`` effective height, ``x_m`` downwind, ``y_m``
    across, ``z_m`` above ground; ``stability`` A to F, ``terrain`` rural or urban; ``molar_mass`` of what is released,
    air included, and ``liquefied`` 1 where it leaves as a liquid under pressure. Upwind it is 0.

    Does not work, and says so: for dense gases (``dense_gas``: chlorine, LPG, cold or liquefied ammonia; keep the
    isolation distance of the emergency guide instead), in calm air below 1 m/s, nearer than 100 m and beyond 10 km
    (``outside_range``). It holds for releases longer than the travel time, flat ground, one wind; means over about
    ten minutes, so peaks are higher. Errors of a factor of two are usual. Source: Briggs 1973; Turner 1970.
    """

    name: ClassVar[str] = "plume"
    families: ClassVar[tuple[str, ...]] = ("plume.sigma",)
    reads: ClassVar[Mapping[str, Reads]] = {"plume.sigma": Reads(("a_y", "b_y", "p_y", "a_z", "b_z", "p_z"))}
    inputs: ClassVar[Mapping[str, Input | TextInput]] = {
        "rate_g_s": Input("g/s", "rate of release"),
        "wind_ms": Input("m/s", "wind at the height of release", high=100),
        "x_m": Input("m", "distance downwind", low=-1e6, high=1e6),
        "molar_mass": Input("g/mol", "of the released mixture", low=1, high=1000),
        "stability": TextInput("A to F"),
        "terrain": TextInput("rural or urban"),
        "height_m": Input("m", "effective height of release", high=2000, optional=True),
        "y_m": Input("m", "distance across", low=-1e6, high=1e6, optional=True),
        "z_m": Input("m", "height above ground", high=5000, optional=True),
        "liquefied": Input("0 or 1", "released as a liquid under pressure", high=1, optional=True),
        "threshold_mg_m3": Input("mg/m3", "concentration that matters", optional=True),
    }
    grades: ClassVar[tuple[str, ...]] = ("below", "reached")
    more: ClassVar[Mapping[str, str]] = {"sigma_y": "m", "sigma_z": "m"}

    def _run(self, tables: Mapping[str, Table], columns: Mapping[str, Any]) -> Answer:
        table, x, wind = tables["plume.sigma"], columns["x_m"], columns["wind_ms"]
        height, y, z = (np.nan_to_num(columns[name]) for name in ("height_m", "y_m", "z_m"))
        sy, sz, known = _widths(table, columns["terrain"], columns["stability"], x)
        out = (wind < CALM) | ((x > 0) & (x < NEAR)) | (x > FAR)
        works = known & ~out & (x > 0)
        value = np.zeros(len(x))
        rate, u, h, dy, dz, wy, wz = (c[works] for c in (columns["rate_g_s"], wind, height, y, z, sy, sz))
        value[works] = 1000 * concentration(rate, u, h, dy, dz, wy, wz)
        reason = reasons(len(x))
        reason[out] = Reason.outside_range
        reason[~known] = Reason.not_in_table
        reason[(columns["molar_mass"] > AIR) | (columns["liquefied"] > 0)] = Reason.dense_gas
        grade = (value >= columns["threshold_mg_m3"]).astype(np.int8)
        sure = grade * table.verified.all()
        more = {"sigma_y": np.where(works, sy, np.nan), "sigma_z": np.where(works, sz, np.nan)}
        return Answer(value, grade, sure.astype(np.int8), reason, more)


def _widths(table: Table, terrain: Any, classes: Any, x: F8) -> tuple[F8, F8, Any]:
    sy, sz, known = np.full(len(x), np.nan), np.full(len(x), np.nan), np.zeros(len(x), bool)
    ahead = np.maximum(x, 0.0)
    for row in table.rows:
        ground, _, letter = row.partition("_")
        rows = (terrain == ground) & (classes == letter)
        if rows.any():
            sy[rows], sz[rows] = widths(table, ground, letter, ahead[rows])
            known |= rows
    return sy, sz, known


@dataclass(frozen=True, slots=True, eq=False)
class Footprint:
    """Where a plume reaches a concentration at a height above ground.

    ``outline`` (m, 2): metres east and north of the source, anticlockwise from the nearest point, not closed; no rows
    where it is reached nowhere. ``cut``: it is still reached at 10 km, where the widths end.
    """

    outline: F8
    cut: bool


def footprint(
    table: Table, terrain: str, stability: str, *, rate_g_s: float, wind_ms: float, wind_from: float,
    threshold_mg_m3: float, height_m: float = 0.0, z_m: float = 1.5, steps: int = 200,
) -> Footprint:  # fmt: skip
    """Outline of the ground where the mean concentration at ``z_m`` reaches a threshold.

    At each distance the half width is sigma y sqrt(2 ln(axis / threshold)); distances grow geometrically from 100 m to
    10 km. What is reached at 100 m begins at the source. Does not work where :class:`Plume` does not; ask it first.
    ``wind_from`` in degrees, where the wind comes from. Raises ValueError on a wind below 1 m/s or a threshold that
    is not above 0.
    """
    if not wind_ms >= CALM or not threshold_mg_m3 > 0:
        raise ValueError(f"footprint: expected wind of at least {CALM} m/s and a threshold above 0")
    x = np.geomspace(NEAR, FAR, steps)
    sy, sz = widths(table, terrain, stability, x)
    one = np.ones(steps)
    axis = 1000 * concentration(rate_g_s * one, wind_ms * one, height_m * one, 0 * one, z_m * one, sy, sz)
    inside = axis >= threshold_mg_m3
    if not inside.any():
        return Footprint(np.empty((0, 2)), False)
    half = sy[inside] * np.sqrt(2 * np.log(axis[inside] / threshold_mg_m3))
    along = x[inside]
    if inside[0]:
        along, half = np.concatenate([[0.0], along]), np.concatenate([[0.0], half])
    right = np.stack([along, -half], axis=1)
    left = np.stack([along, half], axis=1)[::-1]
    if half[0] == 0:
        left = left[:-1]
    towards = np.radians(90.0 - (wind_from + 180.0))
    turn = np.array([[np.cos(towards), np.sin(towards)], [-np.sin(towards), np.cos(towards)]])
    return Footprint(np.concatenate([right, left]) @ turn, bool(inside[-1]))
