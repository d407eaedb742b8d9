"""Roads 路网 as a graph: travel times, who reaches an incident first, what is reached in time, what no road reaches.

Places within a street, and the ground that is reached, are for :mod:`geo.streets`.

Times are milliseconds in float64, whole numbers: sums are exact, so two ways of adding them up agree.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree

from geo.metres import Metres

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
I4 = NDArray[np.int32]
B1 = NDArray[np.bool_]

BY_ROAD, CUT_OFF, NO_ROAD = 0, 1, 2
"""How a place is reached: by road 陆路; not now, for closures and one-way streets 中断; never, for it is on another
island, where only a boat 乘船 goes."""
FIRST_LIMIT_MS = 300_000.0
"""Where the search for the first to arrive stops at first; it is doubled until enough have been found."""


class Arrivals(NamedTuple):
    """Units in order of arrival: ``unit`` (k,) slot, ``ms`` (k,) travel time; the lower slot first among equals.

    ``by_boat``: slots of the units on other islands, rising: they do not come by road at all.
    """

    unit: I8
    ms: F8
    by_boat: I8


class RoadNet:
    """A directed road graph. Immutable; a closure is another graph (:meth:`without`).

    Turns cost nothing and traffic is not known: times are those of an empty road. Nothing is interpolated within an
    edge: a place is its nearest node (:class:`geo.streets.Streets` has places within them).

    ``length``: (m,) metres of each edge; ``island``: (n,) number of each node's island; ``open``: (m,).
    """

    def __init__(self, lon: F8, lat: F8, start: I8, end: I8, ms: F8, metres: Metres | None = None,
                 length: F8 | None = None) -> None:  # fmt: skip
        """Of nodes (n,) in degrees WGS 84 and directed edges (m,): node numbers and travel times in whole milliseconds.

        A street of both directions is two edges; of parallel edges the fastest counts. ``metres``: by default the zone
        around the first node. ``length``: metres of each edge, by default those of the straight line.

        Raises
        ------
        ValueError
            No node, a position that is not finite, a node number out of range, a time that is no whole number above 0.
        """
        n = len(lon)
        if n == 0 or not (np.isfinite(lon).all() and np.isfinite(lat).all()):
            raise ValueError(f"nodes: expected at least one, each with a finite position, got {n}")
        bad = np.flatnonzero((start < 0) | (start >= n) | (end < 0) | (end >= n))
        if len(bad):
            raise ValueError(f"edge {bad[0]}: expected nodes 0 to {n - 1}, got {start[bad[0]]} and {end[bad[0]]}")
        bad = np.flatnonzero(~((ms > 0) & (ms < 2**40) & (ms == np.rint(ms))))
        if len(bad):
            raise ValueError(f"edge {bad[0]}: expected a travel time in whole milliseconds above 0, got {ms[bad[0]]}")
        self.lon, self.lat, self.start, self.end, self.ms = lon, lat, start, end, ms
        self.metres = metres or Metres.around(float(lon[0]))
        self.open = np.ones(len(start), np.bool_)
        at = np.column_stack(self.metres.of(lon, lat))
        self.length = np.hypot(*(at[start] - at[end]).T) if length is None else length
        self._tree = cKDTree(at)
        # Islands are those of the whole graph: a closed bridge cuts off, it does not make an island.
        whole = csr_array((np.ones(len(start)), (start, end)), (n, n))
        self.island: I4 = connected_components(whole, directed=False)[1]
        self._graphs()

    def _graphs(self) -> None:
        n = len(self.lon)
        order = np.lexsort((self.ms, self.end, self.start))
        order = order[self.open[order]]
        a, b = self.start[order], self.end[order]
        fastest = np.concatenate((a[:1] == a[:1], (a[1:] != a[:-1]) | (b[1:] != b[:-1])))
        kept = order[fastest]
        self._out = csr_array((self.ms[kept], (self.start[kept], self.end[kept])), (n, n))
        self._in = csr_array((self.ms[kept], (self.end[kept], self.start[kept])), (n, n))

    def without(self, edges: I8) -> RoadNet:
        """The same roads with these edges closed too. Raises IndexError for an edge that is not there."""
        made = object.__new__(RoadNet)
        made.__dict__.update(self.__dict__)
        made.open = self.open.copy()
        made.open[edges] = False
        made._graphs()
        return made

    def by_distance(self) -> RoadNet:
        """The same open roads with millimetres in place of milliseconds: its ways are the shortest, not the fastest."""
        made = object.__new__(RoadNet)
        made.__dict__.update(self.__dict__)
        made.ms = np.maximum(1.0, np.rint(self.length * 1000))
        made._graphs()
        return made

    def snap(self, lon: F8, lat: F8) -> tuple[I8, F8]:
        """Nearest node of each position (n,), and metres to it; -1 and NaN without position."""
        node, away = np.full(len(lon), -1, np.int64), np.full(len(lon), np.nan)
        x, y = self.metres.of(lon, lat)
        there = np.flatnonzero(~np.isnan(x))
        if len(there):
            away[there], node[there] = self._tree.query(np.column_stack((x[there], y[there])))
        return node, away

    def times_from(self, node: int, limit_ms: float = np.inf) -> F8:
        """Milliseconds from a node to every node (n,); infinite where no way is, or none within the limit."""
        return _dijkstra(self._out, node, limit_ms)

    def times_to(self, node: int, limit_ms: float = np.inf) -> F8:
        """Milliseconds from every node to this one: on the reversed graph, as one-way streets are not the same back."""
        return _dijkstra(self._in, node, limit_ms)

    def pairs(self, start: I8, end: I8) -> F8:
        """Milliseconds of each pair (k,); infinite where there is no way. Pairs of one start: one search."""
        out = np.empty(len(start))
        for node in np.unique(start).tolist():
            mine = start == node
            out[mine] = self.times_from(node)[end[mine]]
        return out

    def reached(self, start: I8, end: I8, ms: F8) -> I4:
        """Of pairs (k,) with their times: BY_ROAD, CUT_OFF or NO_ROAD."""
        apart = self.island[start] != self.island[end]
        return np.where(np.isfinite(ms), BY_ROAD, np.where(apart, NO_ROAD, CUT_OFF)).astype(np.int32)

    def first(self, incident: int, units: I8, k: int) -> Arrivals:
        """The k units that reach an incident first, fewer where fewer can at all.

        ``incident``: its node; ``units``: (m,) node of each unit, -1 for one without position.
        """
        there, by_boat = self.coming(incident, units)
        return earliest(lambda limit: self.times_to(incident, limit)[units[there]], there, by_boat, k)

    def coming(self, incident: int, units: I8) -> tuple[I8, I8]:
        """Slots of units, by their nodes (m,), on an incident's island, and of those on others; rising."""
        there = np.flatnonzero(units >= 0)
        same = self.island[units[there]] == self.island[incident]
        return there[same], there[~same]

    def way(self, start: int, end: int) -> I8:
        """Nodes of a fastest way, both ends among them; empty where there is none. Of ways as fast, any."""
        _, before = dijkstra(self._out, indices=start, return_predecessors=True)
        nodes = [end]
        while nodes[-1] != start:
            nodes.append(int(before[nodes[-1]]))
            if nodes[-1] < 0:
                return np.zeros(0, np.int64)
        return np.array(nodes[::-1])

    def stations(self, nodes: I8) -> tuple[I8, F8]:
        """For every node (n,), the station that reaches it first, as index into ``nodes``, and in how many ms.

        -1 and infinite where none does. One search for all: of stations that reach a node at once, any.
        """
        if len(nodes) == 0:
            return np.full(len(self.lon), -1, np.int64), np.full(len(self.lon), np.inf)
        own, first = np.unique(nodes, return_index=True)
        ms, _, source = dijkstra(self._out, indices=own, min_only=True, return_predecessors=True)
        index = np.full(len(self.lon), -1, np.int64)
        come = np.isfinite(ms)
        index[come] = first[np.searchsorted(own, source[come])]
        return index, ms


def earliest(times: Callable[[float], F8], there: I8, by_boat: I8, k: int) -> Arrivals:
    """The k first of the units ``there`` (m,), which are on the incident's island: others would walk the whole graph.

    ``times``: of a limit, milliseconds of each unit, infinite beyond it; it is asked with ever wider limits.
    """
    k, limit = min(k, len(there)), FIRST_LIMIT_MS
    while True:
        ms = times(limit)
        come = np.flatnonzero(np.isfinite(ms))
        # What lies beyond the limit may still be known by a part of its way only: it does not count yet.
        if (ms[come] <= limit).sum() >= k or not np.isfinite(limit):
            break
        limit = limit * 2 if limit < 16 * FIRST_LIMIT_MS else np.inf
    order = come[np.lexsort((there[come], ms[come]))][:k]
    return Arrivals(there[order], ms[order], by_boat)


def _dijkstra(graph: Any, node: int, limit_ms: float) -> F8:
    times: F8 = dijkstra(graph, indices=node, limit=limit_ms)
    return times
