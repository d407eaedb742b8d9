"""Streets: a mesh as dense as people live, classes by who passes through, one-way streets, bridges to one island.

Every island is a net of its own; only the bridged one hangs on the mainland. The tree that holds a net together stays
open in both directions, so that within an island every place reaches every other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, dijkstra, minimum_spanning_tree
from scipy.spatial import Delaunay, cKDTree

from brain.drill.city.hierarchy import Hierarchy
from brain.drill.city.streets import chains, street_names
from brain.drill.city.terrain import B1, BRIDGED, F8, I8, MAINLAND, Terrain, degrees, plane, stream
from geo.grid_map import GridMap
from geo.metres import Metres
from geo.roads import RoadNet

CLASSES = ("expressway", "trunk", "primary", "secondary", "local", "bridge")
SPEED = np.array([100, 80, 60, 50, 30, 60])
"""km/h by class; local streets outside towns 40."""
EXPRESSWAY, TRUNK, PRIMARY, SECONDARY, LOCAL, BRIDGE = range(len(CLASSES))
SAMPLES, ROUNDS = 5, 3
BACKGROUND = 0.12
REMOVED, ONE_WAY = 0.65, 0.22
"""Share of the mesh's edges that are no street, and of local streets in towns that are one-way."""
CROWDED = 0.12
BRIDGES, SPAN = 2, 400.0
"""Bridges, and metres between their nodes at most."""


@dataclass(frozen=True)
class RoadGraph:
    """Streets between nodes, each once, in the direction in which a one-way street runs.

    By node (n,): ``lon``, ``lat``, ``body`` of land. By street (m,): ``start``, ``end``, ``one_way``, ``speed`` km/h,
    ``metres``, ``kind`` index into CLASSES, ``road`` index into ``names``: streets that run on as one road have one
    name; ``along`` metres from the beginning of that road to this street's ``first`` end.
    """

    lon: F8
    lat: F8
    body: I8
    start: I8
    end: I8
    one_way: B1
    speed: I8
    metres: F8
    kind: I8
    road: I8
    along: F8
    first: I8
    names: list[str]

    @cached_property
    def directed(self) -> tuple[I8, I8, F8, I8]:
        """Edges of a :class:`RoadNet`: start, end, whole milliseconds, and the street that each belongs to."""
        ms = np.maximum(np.rint(self.metres / self.speed * 3_600), 1.0)
        both = np.flatnonzero(~self.one_way)
        street = np.concatenate((np.arange(len(self.start)), both))
        return (np.concatenate((self.start, self.end[both])), np.concatenate((self.end, self.start[both])), ms[street],
                street)  # fmt: skip

    @cached_property
    def net(self) -> RoadNet:
        """For travel times and who comes first."""
        start, end, ms, _ = self.directed
        return RoadNet(self.lon, self.lat, start, end, ms)

    def codes(self) -> tuple[list[str], list[str]]:
        """Codes of nodes and of streets."""
        return [f"N{k + 1:05d}" for k in range(len(self.lon))], [f"R{k + 1:05d}" for k in range(len(self.start))]


def roads(seed: int, ground: Terrain, grids: GridMap, units: Hierarchy, land: Any) -> RoadGraph:
    """Streets of a ground; ``land``: all of it, in plane metres."""
    draw = stream(seed, "roads")
    x, y, body = _nodes(draw, ground, grids, units, land)
    a, b = _mesh(x, y, body, land)
    x, y, body, a, b = _connected(x, y, body, a, b)
    x, y, body, a, b, bridge = _bridged(x, y, body, a, b)
    long = np.hypot(x[a] - x[b], y[a] - y[b])
    tree = _tree(a, b, long, len(x))
    kept = tree | (draw.random(len(a)) >= REMOVED)
    a, b, long, tree, bridge = a[kept], b[kept], long[kept], tree[kept], bridge[kept]
    kind = _classes(ground, units, x, y, a, b, long)
    crowd = ground.crowd((x[a] + x[b]) / 2, (y[a] + y[b]) / 2)
    kind[bridge] = BRIDGE
    one_way = (kind == LOCAL) & ~tree & (crowd > CROWDED) & (draw.random(len(a)) < ONE_WAY)
    turned = one_way & (draw.random(len(a)) < 0.5)
    a, b = np.where(turned, b, a), np.where(turned, a, b)
    speed = np.where((kind == LOCAL) & (crowd <= CROWDED), 40, SPEED[kind])
    lon, lat = degrees(x, y)
    east, north = Metres.around(float(lon[0])).of(lon, lat)
    metres = np.asarray(np.round(np.hypot(east[a] - east[b], north[a] - north[b]), 1), np.float64)
    road, along, first = chains(x, y, a, b, kind, metres)
    return RoadGraph(lon, lat, body, a, b, one_way, speed, metres, kind, road, along, first,
                     street_names(draw, road, kind, metres))  # fmt: skip


def _nodes(
    draw: np.random.Generator, ground: Terrain, grids: GridMap, units: Hierarchy, land: Any
) -> tuple[F8, F8, I8]:
    """Crossings on land, evenly spread within their surroundings, and the body of land of each."""
    wanted = round(ground.scale.nodes * 1.02)
    x, y = ground.people(draw, wanted * SAMPLES * 2, BACKGROUND)
    there = grids.locate(*degrees(x, y)) >= 0
    places = np.column_stack((x[there], y[there]))[: wanted * SAMPLES]
    chosen = places[:wanted].copy()
    for _ in range(ROUNDS):
        _, nearest = cKDTree(chosen).query(places)
        count = np.maximum(np.bincount(nearest, minlength=wanted), 1)
        chosen = np.column_stack([np.bincount(nearest, places[:, k], wanted) for k in (0, 1)]) / count[:, None]
    chosen = chosen[(chosen != 0).all(axis=1)]
    lon, lat = degrees(chosen[:, 0], chosen[:, 1])
    grid = grids.locate(lon, lat)
    body_of = {u.code: int(b) for u, b in zip(units.grids, units.body, strict=True)}
    body = np.array([body_of[c] for c in grids.codes])[grid]
    x, y = plane(lon, lat)
    return x[grid >= 0], y[grid >= 0], body[grid >= 0]


def _mesh(x: F8, y: F8, body: I8, land: Any) -> tuple[I8, I8]:
    """Pairs of crossings with none in between (Gabriel graph), whose way lies on land."""
    corners = Delaunay(np.column_stack((x, y))).simplices.astype(np.int64)
    pairs = np.sort(np.vstack((corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]])), axis=1)
    a, b = np.unique(pairs, axis=0).T
    a, b = a[body[a] == body[b]], b[body[a] == body[b]]
    away, _ = cKDTree(np.column_stack((x, y))).query(np.column_stack(((x[a] + x[b]) / 2, (y[a] + y[b]) / 2)))
    between = away < np.hypot(x[a] - x[b], y[a] - y[b]) / 2 * (1 - 1e-9)
    a, b = a[~between], b[~between]
    ways = shapely.linestrings(np.stack((np.column_stack((x[a], y[a])), np.column_stack((x[b], y[b]))), axis=1))
    # Most ways lie inland: only those near the coast are asked one by one.
    coast = shapely.STRtree(shapely.get_parts(_pieces(land)))
    near = np.unique(coast.query(ways, predicate="intersects")[0])
    dry = np.ones(len(a), np.bool_)
    dry[near] = False
    return a[dry], b[dry]


def _pieces(land: Any) -> Any:
    """The coast and all other outer borders, cut into single lines."""
    points, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(land)), return_index=True)
    on = np.flatnonzero(ring[1:] == ring[:-1])
    return shapely.multilinestrings(shapely.linestrings(np.stack((points[on], points[on + 1]), axis=1)))


def _connected(x: F8, y: F8, body: I8, a: I8, b: I8) -> tuple[F8, F8, I8, I8, I8]:
    """On each body the largest connected net alone: what its coast cuts off has no streets."""
    n = len(x)
    _, part = connected_components(coo_array((np.ones(len(a)), (a, b)), (n, n)), directed=False)
    size = np.bincount(part)
    best = {int(k): int(max(np.unique(part[body == k]), key=lambda p: (size[p], -p))) for k in np.unique(body)}
    kept = part == np.array([best.get(k, -1) for k in range(int(body.max()) + 1)])[body]
    number = np.cumsum(kept) - 1
    on = kept[a] & kept[b]
    return x[kept], y[kept], body[kept], number[a[on]], number[b[on]]


def _bridged(x: F8, y: F8, body: I8, a: I8, b: I8) -> tuple[F8, F8, I8, I8, I8, B1]:
    """With the shortest bridges from the mainland to the bridged island, some kilometres from each other."""
    main, island = np.flatnonzero(body == MAINLAND), np.flatnonzero(body == BRIDGED)
    away, nearest = cKDTree(np.column_stack((x[main], y[main]))).query(np.column_stack((x[island], y[island])))
    built: list[tuple[int, int]] = []
    for k in np.argsort(away, kind="stable").tolist():
        start, end = int(main[nearest[k]]), int(island[k])
        if all(np.hypot(x[end] - x[q], y[end] - y[q]) > 1_500 and p != start for p, q in built):
            built.append((start, end))
        if len(built) == BRIDGES:
            break
    bridge = np.zeros(len(a), np.bool_)
    for start, end in built:
        pieces = int(np.ceil(np.hypot(x[end] - x[start], y[end] - y[start]) / SPAN))
        t = np.arange(1, pieces) / pieces
        row = np.concatenate(([start], len(x) + np.arange(pieces - 1), [end]))
        x, y = np.append(x, x[start] + t * (x[end] - x[start])), np.append(y, y[start] + t * (y[end] - y[start]))
        body = np.append(body, np.full(pieces - 1, BRIDGED))
        a, b = np.append(a, row[:-1]), np.append(b, row[1:])
        bridge = np.append(bridge, np.ones(pieces, np.bool_))
    return x, y, body, a, b, bridge


def _tree(a: I8, b: I8, long: F8, n: int) -> B1:
    """Edges of the shortest tree that holds each net together."""
    low, high = np.minimum(a, b), np.maximum(a, b)
    tree = minimum_spanning_tree(coo_array((long, (low, high)), (n, n)).tocsr()).tocoo()
    return np.isin(low * n + high, tree.coords[0].astype(np.int64) * n + tree.coords[1])


def _classes(ground: Terrain, units: Hierarchy, x: F8, y: F8, a: I8, b: I8, long: F8) -> I8:
    """Class by street: on a shortest way between seats, between towns, from communities to their town, or local."""
    n = len(x)
    kind = np.full(len(a), LOCAL)
    graph = coo_array((np.concatenate((long, long)), (np.concatenate((a, b)), np.concatenate((b, a)))), (n, n)).tocsr()
    street = {(int(p), int(q)): k for k, (p, q) in enumerate(zip(a.tolist(), b.tolist(), strict=True))}
    tree = cKDTree(np.column_stack((x, y)))
    town_seats = tree.query(ground.centres)[1]
    away, before = dijkstra(graph, indices=town_seats, return_predecessors=True)

    def raise_to(t: int, node: int, to: int) -> None:
        while before[t, node] >= 0:
            nxt = int(before[t, node])
            k = street.get((nxt, node), street.get((node, nxt), -1))
            kind[k] = min(int(kind[k]), to)
            node = nxt

    for unit in units.communities:
        node = int(tree.query((units.x[unit.cells].mean(), units.y[unit.cells].mean()))[1])
        t = int(np.argmin(away[:, node]))
        if np.isfinite(away[t, node]):
            raise_to(t, node, SECONDARY)
    for t in range(len(town_seats)):
        for other in np.argsort(away[t, town_seats], kind="stable")[1:4].tolist():
            if np.isfinite(away[t, town_seats[other]]):
                raise_to(t, int(town_seats[other]), TRUNK if min(t, other) < 3 else PRIMARY)
    for other in (1, 2):
        raise_to(0, int(town_seats[other]), EXPRESSWAY)
    return kind
