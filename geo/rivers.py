"""Rivers 河网 with their direction: what lies downstream of a spill, and what upstream may have caused it.

:class:`Rivers` is the graph of reaches; :class:`RiverLines` has their lines, so that places lie within a reach.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from geo.feature import Feature, Finding, MapError
from geo.metres import Metres

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]


class RiverLoop(ValueError):
    """Reaches that flow in a circle: one of them is drawn against its direction."""


class Moored(NamedTuple):
    """Places on rivers (n,): ``reach``, -1 without position; ``along``, metres from its upper end; ``away``, metres to
    it, NaN."""

    reach: I8
    along: F8
    away: F8


class Rivers:
    """Reaches from node to node, downstream. Immutable.

    Does not know tides, weirs or how fast water runs: distances are along the bed. A braid counts by its shortest arm.
    """

    def __init__(self, nodes: int, start: I8, end: I8, metres: F8) -> None:
        """Of reaches (m,): node numbers, upstream end first, and lengths.

        Raises
        ------
        ValueError
            A node number out of range, or a length not above 0. RiverLoop names reaches that flow in a circle.
        """
        bad = np.flatnonzero((start < 0) | (start >= nodes) | (end < 0) | (end >= nodes) | ~(metres > 0))
        if len(bad):
            k = bad[0]
            raise ValueError(f"reach {k}: expected nodes 0 to {nodes - 1} and a length above 0, got "
                             f"{start[k]}, {end[k]}, {metres[k]}")  # fmt: skip
        _, strong = connected_components(csr_array((np.ones(len(start)), (start, end)), (nodes, nodes)),
                                         directed=True, connection="strong")  # fmt: skip
        loop = np.flatnonzero(strong[start] == strong[end])
        if len(loop):
            raise RiverLoop(f"reaches {', '.join(map(str, loop[:10]))} flow in a circle: one is drawn upstream")
        self.start, self.end, self.metres = start, end, metres
        self._arms = np.bincount(start, minlength=nodes), np.bincount(end, minlength=nodes)
        order = np.lexsort((metres, end, start))
        a, b = start[order], end[order]
        kept = order[np.concatenate((a[:1] == a[:1], (a[1:] != a[:-1]) | (b[1:] != b[:-1])))]
        self._down = csr_array((metres[kept], (start[kept], end[kept])), (nodes, nodes))
        self._up = csr_array((metres[kept], (end[kept], start[kept])), (nodes, nodes))

    def downstream(self, node: int, limit: float = np.inf) -> F8:
        """Metres along the bed from a node to every node (n,) below it; infinite for all others, 0 for itself."""
        metres: F8 = dijkstra(self._down, indices=node, limit=limit)
        return metres

    def upstream(self, node: int, limit: float = np.inf) -> F8:
        """Metres along the bed to a node from every node (n,) above it; infinite for all others, 0 for itself."""
        metres: F8 = dijkstra(self._up, indices=node, limit=limit)
        return metres

    def confluences(self) -> I8:
        """Nodes where two or more reaches come together, rising. Arms of a braid that meet again count too."""
        return np.flatnonzero(self._arms[1] > 1)

    def springs(self) -> I8:
        """Nodes from which reaches flow, and to which none does, rising."""
        return np.flatnonzero((self._arms[0] > 0) & (self._arms[1] == 0))

    def mouths(self) -> I8:
        """Nodes to which reaches flow, and from which none does, rising."""
        return np.flatnonzero((self._arms[0] == 0) & (self._arms[1] > 0))


class RiverLines:
    """Reaches with their lines, drawn downstream: where on them a place is, and what lies below and above it.

    A place is the nearest point of the nearest reach, as the crow flies: not for land that drains elsewhere. Distances
    are along the lines as drawn; a river that is drawn as an area must be given by its middle line. Immutable.

    ``graph``: their :class:`Rivers`; ``nodes``: (n, 2) degrees of each node.
    """

    def __init__(self, lines: NDArray[Any], metres: Metres | None = None) -> None:
        """Of (m,) LineStrings in degrees; reaches join where one ends exactly at another's end.

        Raises
        ------
        ValueError
            No line, or one without length. RiverLoop names reaches that flow in a circle.
        """
        if not len(lines):
            raise ValueError("rivers: expected at least one line")
        ends = np.stack([shapely.get_coordinates(shapely.get_point(lines, k)) for k in (0, -1)])
        self.nodes, number = np.unique(ends.reshape(-1, 2), axis=0, return_inverse=True)
        start, end = number.reshape(2, -1)
        self._plane = metres or Metres.around(float(ends[0, 0, 0]))
        self.lines = shapely.transform(lines, lambda at: np.column_stack(self._plane.of(*at.T)))
        self.graph = Rivers(len(self.nodes), start, end, shapely.length(self.lines))
        self._tree = shapely.STRtree(self.lines)

    @classmethod
    def of_features(cls, features: Iterable[Feature], metres: Metres | None = None) -> RiverLines:
        """Of LineStrings of layer ``river`` in force at one time, in their order.

        Raises MapError with each that is none.
        """
        every = list(features)
        bad = [f for f in every if f.shape is None or f.shape.geom_type != "LineString" or not f.shape.length > 0]
        if bad or not every:
            found = [Finding(f"{f.layer} {f.code}", "expected a LineString with a length above 0") for f in bad]
            raise MapError(found or "river: expected at least one feature")
        return cls(np.array([f.shape for f in every], object), metres)

    def place(self, lon: F8, lat: F8) -> Moored:
        """The nearest place on a river of each position (n,); of reaches as near, on that of the lowest number."""
        n = len(lon)
        reach, along, away = np.full(n, -1, np.int64), np.full(n, np.nan), np.full(n, np.nan)
        x, y = self._plane.of(lon, lat)
        there = np.flatnonzero(~np.isnan(x))
        if len(there):
            points = shapely.points(x[there], y[there])
            (which, near), far = self._tree.query_nearest(points, return_distance=True)
            order = np.lexsort((near, which))
            first = order[np.searchsorted(which[order], np.arange(len(there)))]
            reach[there], away[there] = near[first], far[first]
            along[there] = shapely.line_locate_point(self.lines[reach[there]], points)
        return Moored(reach, along, away)

    def downstream(self, place: Moored, places: Moored) -> F8:
        """Metres along the bed from one place down to each of others (k,); infinite where the water does not go."""
        r, a = int(place.reach[0]), float(place.along[0])
        if r < 0:
            return np.full(len(places.reach), np.inf)
        below = self.graph.downstream(int(self.graph.end[r]))
        metres = self.graph.metres[r] - a + below[self.graph.start[places.reach]] + places.along
        here = (places.reach == r) & (places.along >= a)
        return np.where(places.reach < 0, np.inf, np.where(here, places.along - a, metres))

    def upstream(self, place: Moored, places: Moored) -> F8:
        """Metres along the bed to one place from each of others (k,); infinite where their water does not come by."""
        r, a = int(place.reach[0]), float(place.along[0])
        if r < 0:
            return np.full(len(places.reach), np.inf)
        above = self.graph.upstream(int(self.graph.start[r]))
        of = places.reach
        metres = self.graph.metres[of] - places.along + above[self.graph.end[of]] + a
        here = (of == r) & (places.along <= a)
        return np.where(of < 0, np.inf, np.where(here, a - places.along, metres))

    def below(self, spill: Moored, sites: Moored, within_m: float, bank_m: float) -> tuple[I8, F8]:
        """Sites (k,) that a spill comes by within so many metres of river, standing up to ``bank_m`` off it.

        Returns their numbers and metres along the river, nearest first, the lower number first among equals. What the
        spill itself lies off the river is not asked.
        """
        return self._near(self.downstream(spill, sites), sites, within_m, bank_m)

    def above(self, found: Moored, sites: Moored, within_m: float, bank_m: float) -> tuple[I8, F8]:
        """Sites (k,) whose water comes by where something was found: as :meth:`below`, upstream."""
        return self._near(self.upstream(found, sites), sites, within_m, bank_m)

    @staticmethod
    def _near(metres: F8, sites: Moored, within_m: float, bank_m: float) -> tuple[I8, F8]:
        there = np.flatnonzero((metres <= within_m) & (sites.away <= bank_m))
        order = there[np.lexsort((there, metres[there]))]
        return order, metres[order]
