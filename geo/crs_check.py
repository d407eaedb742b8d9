"""Assets registered with the wrong coordinate system, found by where their positions fall.

One position tells nothing: GCJ-02 moves it by 600 m, which is inside the city still. But a vehicle keeps to roads under
one reading only, and a fixed asset lies in its registered grid under one reading only. Each reading, as WGS 84, GCJ-02
and BD-09, gathers log-likelihood; the verdict is the best one, once it leads by :data:`LEAD`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import shapely
from numba import njit
from numpy.typing import NDArray

from geo.city_map import CityMap
from geo.coords import BD09, CGCS2000, GCJ02, NOT_STATED, WGS84, bd09_to_gcj02, gcj02_to_wgs84
from geo.metres import Metres

F8 = NDArray[np.float64]
I1 = NDArray[np.int8]
I8 = NDArray[np.int64]

SYSTEMS = (WGS84, GCJ02, BD09)
UNDECIDED = -2
LEAD = 12.0
"""By how much the best reading must lead in log-likelihood: one in 160,000 to be wrong, if the model were right."""
MOVED = 100.0
"""Metres that an asset must have moved before it is evidence again: a parked car says one thing a hundred times."""
ON_ROAD, SPREAD, OFF_SPREAD = 0.9, 10.0, 150.0
"""Share of positions that lie on a road, up to a normal error in metres; the rest lie about roads at random."""
IN_GRID, IN_ANY = 0.97, 0.35
"""How often a fixed asset lies in its registered grid where read right, and where read wrong."""

EVIDENCE = np.dtype([("fit", "f8", (3,)), ("n", "i8"), ("x", "f8"), ("y", "f8")])
"""What is known of one asset: zeros at first. ``fit``: log-likelihood of each of SYSTEMS; ``n``: positions used;
``x``, ``y``: the last one used, metres."""


class Verdicts(NamedTuple):
    """By asset: the system its positions fit (a code, or UNDECIDED), by how much it leads, and whether the stated one
    is refuted."""

    fits: I1
    lead: F8
    wrong: NDArray[np.bool_]


def readings(lon: F8, lat: F8) -> tuple[F8, F8]:
    """Each position (n,) read as each of SYSTEMS, in WGS 84: two arrays (3, n)."""
    gcj = gcj02_to_wgs84(lon, lat)
    bd = gcj02_to_wgs84(*bd09_to_gcj02(lon, lat))
    return np.stack((lon, gcj[0], bd[0])), np.stack((lat, gcj[1], bd[1]))


class Roads:
    """Centre lines of roads 道路, for how far a position is from the nearest."""

    def __init__(self, lines: NDArray[Any], metres: Metres) -> None:
        """``lines``: LineStrings in degrees, WGS 84. Raises ValueError where there is none."""
        if len(lines) == 0:
            raise ValueError("roads: expected at least one line")
        self.metres = metres
        self._tree = shapely.STRtree(
            shapely.transform(lines, lambda at: np.column_stack(metres.of(at[:, 0], at[:, 1])))
        )

    def distance(self, x: F8, y: F8) -> F8:
        """Metres from each place (n,) in metres to the nearest road; NaN where the place is NaN."""
        out = np.full(len(x), np.nan)
        there = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
        at, away = self._tree.query_nearest(shapely.points(x[there], y[there]), return_distance=True, all_matches=False)
        out[there[at[0]]] = away
        return out


def observe(evidence: NDArray[Any], roads: Roads, asset: I8, lon: F8, lat: F8) -> None:
    """Take positions of moving assets into account.

    Parameters
    ----------
    evidence : (assets,) of EVIDENCE, changed in place.
    asset : (n,) slot of each position's asset; several of one asset in order of time.
    lon, lat : (n,) as the asset sent them, whatever its system; NaN is passed over.

    Notes
    -----
    Does not work for boats, nor where roads are everywhere: at a mesh of 30 m all readings fit alike and no verdict
    comes. A system that is none of the three fits nothing, and none may come either.
    """
    x, y, away = np.empty((3, len(lon))), np.empty((3, len(lon))), np.empty((3, len(lon)))
    for k, (a, b) in enumerate(zip(*readings(lon, lat), strict=True)):
        x[k], y[k] = roads.metres.of(a, b)
        away[k] = roads.distance(x[k], y[k])
    near = ON_ROAD * np.sqrt(2 / np.pi) / SPREAD * np.exp(-0.5 * (away / SPREAD) ** 2)
    fit = np.log(near + (1 - ON_ROAD) / OFF_SPREAD * np.exp(-away / OFF_SPREAD) + 1e-9)
    _gather(evidence, asset, np.ascontiguousarray(fit.T), x[0], y[0])


@njit(cache=True, nogil=True)
def _gather(evidence: NDArray[Any], asset: I8, fit: F8, x: F8, y: F8) -> None:
    for i in range(len(asset)):
        row = evidence[asset[i]]
        if np.isnan(fit[i, 0] + fit[i, 1] + fit[i, 2] + x[i] + y[i]):
            continue
        if row.n > 0 and np.hypot(x[i] - row.x, y[i] - row.y) < MOVED:
            continue
        for k in range(3):
            row.fit[k] += fit[i, k]
        row.n += 1
        row.x, row.y = x[i], y[i]


def observe_fixed(evidence: NDArray[Any], city: CityMap, asset: I8, grid: I8, lon: F8, lat: F8) -> None:
    """Take fixed assets into account by the grid they are registered in.

    Parameters
    ----------
    evidence : (slots,) of EVIDENCE, changed in place. A slot may be one asset or all assets of one delivery: those of
        an owner share their system, and together they tell what one in a large grid cannot.
    asset : (n,) slot of each.
    grid : (n,) number of the registered grid in the map's layer ``grid``; below 0: not registered, passed over.
    lon, lat : (n,) as registered.
    """
    column = city.columns("grid").start
    used = np.flatnonzero((grid >= 0) & ~np.isnan(lon) & ~np.isnan(lat))
    for k, (x, y) in enumerate(zip(*readings(lon[used], lat[used]), strict=True)):
        inside = city.locate(x, y)[:, column] == grid[used]
        fit = np.where(inside, np.log(IN_GRID / IN_ANY), np.log((1 - IN_GRID) / (1 - IN_ANY)))
        np.add.at(evidence["fit"][:, k], asset[used], fit)
    np.add.at(evidence["n"], asset[used], 1)


def verdicts(evidence: NDArray[Any], stated: I1, lead: float = LEAD) -> Verdicts:
    """What the evidence says about the systems that are stated (codes of :mod:`geo.coords`; not stated is WGS 84)."""
    order = np.sort(evidence["fit"], axis=1)
    margin = order[:, 2] - order[:, 1]
    decided = (evidence["n"] > 0) & (margin >= lead)
    fits = np.where(decided, np.array(SYSTEMS)[evidence["fit"].argmax(axis=1)], UNDECIDED).astype(np.int8)
    same = np.where((stated == CGCS2000) | (stated == NOT_STATED), WGS84, stated)
    return Verdicts(fits, margin, decided & (fits != same))
