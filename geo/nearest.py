"""Sites around a place: the nearest of each type, all within a radius; sites and people that a polygon holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geo.metres import Metres

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]


class Inside(NamedTuple):
    """What a polygon holds: numbers of the sites, rising, and the sum of their people."""

    sites: I8
    people: float


class Residents(NamedTuple):
    """People in a polygon; and ``grids`` (k,) rising, with the ``share`` of each that lies in it, above 0 to 1."""

    people: float
    grids: I8
    share: F8


class Population:
    """Residents 人口 by unit grid, each grid's spread evenly over its area. Immutable.

    Does not know houses: of a grid that is half lake, either half counts half the people. For people at known points,
    as in schools and markets, see :meth:`Sites.inside`; the two may count the same person.
    """

    def __init__(self, shapes: NDArray[Any], people: F8, metres: Metres | None = None) -> None:
        """Of (n,) Polygons or MultiPolygons in degrees, that do not overlap, and how many live in each.

        Raises
        ------
        ValueError
            No grid, lengths that differ, or people below 0 or not finite.
        """
        if len(shapes) == 0 or len(shapes) != len(people):
            raise ValueError(f"population: expected one length above 0, got {len(shapes)} and {len(people)}")
        bad = np.flatnonzero(~((people >= 0) & np.isfinite(people)))
        if len(bad):
            raise ValueError(f"grid {bad[0]}: expected people from 0 on, got {people[bad[0]]}")
        self.people, self.metres = people, metres or Metres.around(float(shapely.bounds(shapes[0])[0]))
        self._shapes = shapely.transform(shapes, self._plane)
        self._area = shapely.area(self._shapes)
        self._index = shapely.STRtree(self._shapes)

    def inside(self, polygon: Any) -> Residents:
        """People in a polygon in degrees, by each grid's share of area. Raises ValueError where it is invalid."""
        if not polygon.is_valid:
            raise ValueError(f"polygon: expected a valid one, got {shapely.is_valid_reason(polygon)}")
        flat = shapely.transform(polygon, self._plane)
        grids = np.sort(self._index.query(flat, predicate="intersects")).astype(np.int64)
        share = np.minimum(1.0, shapely.area(shapely.intersection(self._shapes[grids], flat)) / self._area[grids])
        grids, share = grids[share > 0], share[share > 0]
        return Residents(float((self.people[grids] * share).sum()), grids, share)

    def _plane(self, at: F8) -> F8:
        return np.column_stack(self.metres.of(*at.T))


class Sites:
    """Key sites 重点场所 by type. Straight lines in metres on the city's zone; by road is for :mod:`geo.roads`.

    Numbers are indices into the arrays given. Immutable.
    """

    def __init__(self, lon: F8, lat: F8, types: Sequence[str], people: F8 | None = None, metres: Metres | None = None):
        """Of (n,) positions in degrees WGS 84, a type each, and how many people are there (default 0).

        Raises
        ------
        ValueError
            No site, lengths that differ, or a position that is not finite.
        """
        n = len(lon)
        people = np.zeros(n) if people is None else people
        if n == 0 or not n == len(lat) == len(types) == len(people):
            raise ValueError(f"sites: expected one length above 0, got {n}, {len(lat)}, {len(types)}, {len(people)}")
        bad = np.flatnonzero(~(np.isfinite(lon) & np.isfinite(lat)))
        if len(bad):
            raise ValueError(f"site {bad[0]}: expected a finite position, got {lon[bad[0]]}, {lat[bad[0]]}")
        self.people, self.metres = people, metres or Metres.around(float(lon[0]))
        self._at = np.column_stack(self.metres.of(lon, lat))
        kinds = np.array(types)
        self._of: dict[str, I8] = {str(t): np.flatnonzero(kinds == t) for t in np.unique(kinds)}
        self._trees = {t: cKDTree(self._at[numbers]) for t, numbers in self._of.items()}
        self._points = shapely.points(lon, lat)
        self._index = shapely.STRtree(self._points)

    @property
    def types(self) -> list[str]:
        """Types that there are, sorted."""
        return sorted(self._of)

    def nearest(self, kind: str, lon: F8, lat: F8, k: int = 1) -> tuple[I8, F8]:
        """The k nearest sites of a type and their distance.

        Returns
        -------
        (n, k) numbers and metres, nearest first, the lower number first among equals; -1 and infinite where there are
        fewer, or no position. Raises KeyError for a type that is not there.
        """
        tree, numbers = self._trees[kind], self._of[kind]
        found, away = np.full((len(lon), k), -1, np.int64), np.full((len(lon), k), np.inf)
        at, there = self._metres(lon, lat)
        if len(there):
            # Then all as near as the last of them: so that equals are ordered by number, not by the tree.
            metres, _ = tree.query(at[there], k=range(1, min(k, len(numbers)) + 1))
            for row, i, far in zip(there.tolist(), at[there], metres[:, -1], strict=True):
                near = numbers[tree.query_ball_point(i, far * (1 + 1e-12))]
                exact = np.hypot(*(self._at[near] - i).T)
                order = np.lexsort((near, exact))[:k]
                found[row, : len(order)], away[row, : len(order)] = near[order], exact[order]
        return found, away

    def within(self, kind: str, lon: F8, lat: F8, radius: float) -> list[I8]:
        """Numbers of the sites of a type within so many metres of each position (n,), rising; the rim counts in."""
        tree, numbers = self._trees[kind], self._of[kind]
        out = [np.zeros(0, np.int64) for _ in range(len(lon))]
        at, there = self._metres(lon, lat)
        if len(there):
            for row, near in zip(there.tolist(), tree.query_ball_point(at[there], radius), strict=True):
                out[row] = np.sort(numbers[near])
        return out

    def inside(self, polygon: Any) -> Inside:
        """Sites in a polygon in degrees, such as a gas cloud or a flood, the border included, and their people."""
        sites = np.sort(self._index.query(polygon, predicate="intersects")).astype(np.int64)
        return Inside(sites, float(self.people[sites].sum()))

    def _metres(self, lon: F8, lat: F8) -> tuple[F8, I8]:
        at = np.column_stack(self.metres.of(lon, lat))
        return at, np.flatnonzero(~np.isnan(at[:, 0]))
