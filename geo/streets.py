"""Streets 街道 with their lines: places within a street, times between them, and the ground that is reached in time.

An incident and a unit are hardly ever at a crossing: a place is the nearest point of the nearest open street, and what
is left of that street counts by its share. Times are whole milliseconds, as in :mod:`geo.roads`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.ops import substring

from geo.feature import Feature, Finding, MapError
from geo.metres import Metres
from geo.roads import BY_ROAD, CUT_OFF, F8, I4, I8, NO_ROAD, Arrivals, RoadNet, earliest

B1 = NDArray[np.bool_]

YES, NO = {"yes", "true", "1"}, {"", "no", "false", "0"}
KMH = 30.0
"""Speed of a road that states none."""
CORNERS = 4
"""Segments of a quarter circle in a footprint."""


class Places(NamedTuple):
    """Places (n,): ``street``, -1 without position; ``share`` of it from its start; ``away``, metres to it, NaN."""

    street: I8
    share: F8
    away: F8


class Reach(NamedTuple):
    """What is reached in time: ``nodes`` (k,) rising and ``ms`` (k,) of each; ``footprint``: the ground beside the
    streets that are reached, the last of them in part, a Polygon or MultiPolygon in degrees."""

    nodes: I8
    ms: F8
    footprint: Any


class Streets:
    """Streets between nodes, each one way or both. Immutable; a closure is another one (:meth:`without`).

    Does not know turns, signals or traffic, nor how one comes from a street to a door: a place is on its street,
    ``away`` metres off. A place whose nearest street runs on another level, on a bridge above, is put there.

    ``net`` is their graph: edge s is street s forward, then come the ways back.
    """

    def __init__(self, lon: F8, lat: F8, start: I8, end: I8, length: F8, kmh: F8, oneway: B1,
                 lines: NDArray[Any] | None = None, metres: Metres | None = None) -> None:  # fmt: skip
        """Of nodes (n,) in degrees and streets (m,): node numbers, metres, km/h, whether only start to end.

        ``lines``: LineStrings in degrees from start to end; by default straight.

        Raises
        ------
        ValueError
            As :class:`geo.roads.RoadNet`, or a speed or length not above 0.
        """
        bad = np.flatnonzero(~((kmh > 0) & (length > 0) & np.isfinite(kmh) & np.isfinite(length)))
        if len(bad):
            raise ValueError(f"street {bad[0]}: expected metres and km/h above 0, got {length[bad[0]]}, {kmh[bad[0]]}")
        both = np.flatnonzero(~oneway)
        ms = np.maximum(1.0, np.rint(length * 3600.0 / kmh))
        self.net = RoadNet(
            lon, lat, np.concatenate((start, end[both])), np.concatenate((end, start[both])),
            np.concatenate((ms, ms[both])), metres, np.concatenate((length, length[both])),
        )  # fmt: skip
        self.ms, self.back = ms, np.full(len(start), -1, np.int64)
        self.back[both] = len(start) + np.arange(len(both))
        self._street = np.concatenate((np.arange(len(start)), both))
        self.names: list[str] = [str(k) for k in range(len(lon))]
        plane = self.net.metres
        if lines is None:
            at = np.column_stack(plane.of(lon, lat))
            self.lines = shapely.linestrings(np.stack((at[start], at[end]), axis=1))
        else:
            self.lines = shapely.transform(lines, lambda at: np.column_stack(plane.of(*at.T)))

    @classmethod
    def of_features(cls, features: Iterable[Feature], metres: Metres | None = None) -> Streets:
        """Of LineStrings of layer ``road``: attributes ``from``, ``to`` (codes of nodes), ``metres`` (default: of the
        line), ``speed`` (km/h, default 30) and ``oneway`` (default no). A node lies where a line of its first stands;
        ``names`` has the codes by number. Features in force at one time are for the caller to choose.

        Raises
        ------
        MapError
            With every feature that cannot be read.
        """
        number, at, rows, lines, found = dict[str, int](), list[Any](), list[Any](), list[Any](), list[Finding]()
        for f in features:
            says = _fault(f)
            if says:
                found.append(Finding(f"{f.layer} {f.code}", says))
                continue
            ends = f.shape.coords[0], f.shape.coords[-1]
            names = str(f.attributes["from"]), str(f.attributes["to"])
            for name, place in zip(names, ends, strict=True):
                if number.setdefault(name, len(at)) == len(at):
                    at.append(place)
            lines.append(f.shape)
            ends_at = number[names[0]], number[names[1]]
            oneway = str(f.attributes.get("oneway", "")).lower() in YES
            rows.append((*ends_at, f.attributes.get("metres"), f.attributes.get("speed", KMH), oneway))
        if found or not rows:
            raise MapError(found or "road: expected at least one feature")
        plane = metres or Metres.around(float(at[0][0]))
        shapes = np.array(lines, object)
        drawn = shapely.length(shapely.transform(shapes, lambda c: np.column_stack(plane.of(*c.T))))
        length = np.array([drawn[k] if row[2] is None else float(row[2]) for k, row in enumerate(rows)])
        start, end = (np.array([row[k] for row in rows], np.int64) for k in (0, 1))
        lon, lat = np.array(at, float)[:, :2].T.copy()
        kmh, one_way = np.array([float(row[3]) for row in rows]), np.array([row[4] for row in rows])
        made = cls(lon, lat, start, end, length, kmh, one_way, shapes, plane)
        made.names = list(number)
        return made

    def without(self, streets: I8) -> Streets:
        """With these streets closed too, both ways. Raises IndexError for a street that is not there."""
        made = object.__new__(Streets)
        made.__dict__.update({k: v for k, v in self.__dict__.items() if k != "_tree"})
        back = self.back[streets]
        made.net = self.net.without(np.concatenate((streets, back[back >= 0])))
        return made

    @cached_property
    def _tree(self) -> tuple[Any, I8]:
        open_ = self.net.open[: len(self.ms)] | (self.net.open[self.back] & (self.back >= 0))
        numbers = np.flatnonzero(open_)
        return shapely.STRtree(self.lines[numbers]), numbers

    def place(self, lon: F8, lat: F8) -> Places:
        """The nearest point of the nearest open street of each position (n,), of streets as near that of the lowest
        number: then several cross there."""
        n = len(lon)
        street, share, away = np.full(n, -1, np.int64), np.full(n, np.nan), np.full(n, np.nan)
        x, y = self.net.metres.of(lon, lat)
        there = np.flatnonzero(~np.isnan(x))
        tree, numbers = self._tree
        if len(there) and len(numbers):
            points = shapely.points(x[there], y[there])
            (which, near), far = tree.query_nearest(points, return_distance=True)
            order = np.lexsort((near, which))
            first = order[np.searchsorted(which[order], np.arange(len(there)))]
            street[there], away[there] = numbers[near[first]], far[first]
            share[there] = shapely.line_locate_point(self.lines[street[there]], points, normalized=True)
        return Places(street, share, away)

    def between(self, start: Places, end: Places) -> F8:
        """Milliseconds of each pair (k,); infinite where there is no way, or no position. One search a start."""
        out = np.full(len(start.street), np.inf)
        known = np.flatnonzero((start.street >= 0) & (end.street >= 0))
        origin = np.column_stack((start.street[known], start.share[known]))
        for place in np.unique(origin, axis=0):
            mine = known[(origin == place).all(axis=1)]
            street, share = int(place[0]), float(place[1])
            nodes = self._times(street, share, np.inf, to=False)
            out[mine] = self._arrive(nodes, street, share, end, mine, to=False)
        return out

    def reached(self, start: Places, end: Places, ms: F8) -> I4:
        """Of pairs (k,) with their times: BY_ROAD, CUT_OFF (or no position), NO_ROAD: only a boat goes there."""
        apart = (self._island(start) != self._island(end)) & (start.street >= 0) & (end.street >= 0)
        return np.where(np.isfinite(ms), BY_ROAD, np.where(apart, NO_ROAD, CUT_OFF)).astype(np.int32)

    def first(self, incident: Places, units: Places, k: int) -> Arrivals:
        """The k units (m,) that reach an incident, one place, first; none where the incident has no position."""
        street, share = int(incident.street[0]), float(incident.share[0])
        if street < 0:
            return Arrivals(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64))
        nodes = np.where(units.street >= 0, self.net.start[units.street], -1)
        there, by_boat = self.net.coming(int(self.net.start[street]), nodes)

        def times(limit: float) -> F8:
            return self._arrive(self._times(street, share, limit, to=True), street, share, units, there, to=True)

        return earliest(times, there, by_boat, k)

    def reach(self, place: Places, limit_ms: float, *, to: bool = False, beside_m: float = 50.0) -> Reach:
        """What is reached from a place in time; ``to``: from where the place is. Ground up to ``beside_m`` of it.

        Raises
        ------
        ValueError
            The place has no position.
        """
        street, share = int(place.street[0]), float(place.share[0])
        if street < 0:
            raise ValueError("reach: expected a place on a street, got one without position")
        ms = self._times(street, share, limit_ms, to=to)
        nodes = np.flatnonzero(ms <= limit_ms)
        near = self.net.end if to else self.net.start
        edges = np.flatnonzero(self.net.open & (ms[near] <= limit_ms))
        part = np.minimum(1.0, (limit_ms - ms[near[edges]]) / self.net.ms[edges])
        m, of = len(self.ms), self._street[edges]
        whole = np.zeros(m, np.bool_)
        whole[of[part == 1.0]] = True
        pieces = list(self.lines[whole])
        for e, s, p in zip(edges.tolist(), of.tolist(), part.tolist(), strict=True):
            if not whole[s]:
                from_start = (e < m) != to
                a, b = (0.0, p) if from_start else (1.0 - p, 1.0)
                pieces.append(substring(self.lines[s], a, b, normalized=True))
        for ahead, edge in ((True, street), (False, int(self.back[street]))):
            if edge >= 0 and self.net.open[edge]:
                a, b = share, share
                if ahead != to:
                    b = min(1.0, share + limit_ms / self.ms[street])
                else:
                    a = max(0.0, share - limit_ms / self.ms[street])
                pieces.append(substring(self.lines[street], a, b, normalized=True))
        ground = shapely.union_all(shapely.buffer(np.array(pieces, object), beside_m, quad_segs=CORNERS))
        footprint = shapely.transform(ground, lambda at: np.column_stack(self.net.metres.degrees(*at.T)))
        return Reach(nodes, ms[nodes], footprint)

    def _times(self, street: int, share: float, limit: float, *, to: bool) -> F8:
        """Milliseconds from a place to every node; ``to``: from every node to it; infinite beyond the limit."""
        out = np.full(len(self.net.lon), np.inf)
        for node, ms in self._ends(street, share, to=to):
            if ms <= limit:
                way = self.net.times_to(node, limit - ms) if to else self.net.times_from(node, limit - ms)
                np.minimum(out, way + ms, out=out)
        return out

    def _ends(self, street: int, share: float, *, to: bool) -> list[tuple[int, float]]:
        """Ends by which a place is left, or reached, and the time on its own street."""
        start, end, back = int(self.net.start[street]), int(self.net.end[street]), int(self.back[street])
        done = float(np.rint(share * self.ms[street]))
        left = float(self.ms[street]) - done
        ends = []
        if self.net.open[street]:
            ends.append((start, done) if to else (end, left))
        if back >= 0 and self.net.open[back]:
            ends.append((end, left) if to else (start, done))
        return ends

    def _arrive(self, nodes: F8, street: int, share: float, places: Places, rows: I8, *, to: bool) -> F8:
        """Milliseconds between one place, whose times to all nodes are given, and others; ``to``: it is the goal."""
        of, at = places.street[rows], places.share[rows]
        done = np.rint(at * self.ms[of])
        left, back = self.ms[of] - done, self.back[of]
        ahead, behind = self.net.open[of], (back >= 0) & self.net.open[back]
        start, end = nodes[self.net.start[of]], nodes[self.net.end[of]]
        forward, backward = (end + left, start + done) if to else (start + done, end + left)
        out = np.minimum(np.where(ahead, forward, np.inf), np.where(behind, backward, np.inf))
        # Within one street no end need be passed.
        mine = np.rint(share * self.ms[street])
        on = (mine - done) if to else (done - mine)
        straight = (of == street) & np.where(on >= 0, ahead | (on == 0), behind)
        return np.where(straight, np.minimum(out, np.abs(on)), out)

    def _island(self, places: Places) -> I4:
        return self.net.island[self.net.start[np.maximum(places.street, 0)]]


def _fault(f: Feature) -> str:
    """What keeps a feature from being a street; empty where nothing does."""
    if f.shape is None or f.shape.geom_type != "LineString" or f.shape.is_empty:
        return f"expected a LineString, got {'nothing' if f.shape is None else f.shape.geom_type}"
    if not f.shape.length > 0:
        return "expected a line with a length above 0"
    for name in ("from", "to"):
        if not f.attributes.get(name):
            return f"properties.{name}: expected the code of a node, got none"
    for name in ("metres", "speed"):
        raw = f.attributes.get(name, "1")
        try:
            sound = 0 < float(raw) < np.inf
        except (TypeError, ValueError):
            sound = False
        if not sound:
            return f"properties.{name}: expected a number above 0, got {raw!r}"
    oneway = str(f.attributes.get("oneway", "")).lower()
    return "" if oneway in YES | NO else f"properties.oneway: expected yes or no, got {oneway!r}"
