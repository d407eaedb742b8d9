"""Rivers that flow downhill into the sea, and reservoirs in the hills."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import shapely

from brain.drill.city import names, shapes
from brain.drill.city.terrain import (
    B1,
    F8,
    HEIGHT,
    I8,
    METRES_EAST,
    METRES_NORTH,
    WIDTH,
    Terrain,
    degrees,
    plane,
    stream,
)
from geo.feature import Feature
from geo.grid_map import GridMap
from geo.metres import Metres
from geo.rivers import Rivers

CELL = 400.0
"""Metres of the raster that water runs down on."""
DROP, UNEVEN = 0.02, 3.0
"""Metres that filled ground falls from cell to cell at least, and by which all ground is uneven."""
CATCHMENT = {"small": 40.0, "full": 5.0}
"""Square kilometres of land from which on a ditch is a river."""
APART, SHORE = 3_500.0, 1_500.0


@dataclass(frozen=True)
class RiverNet:
    """Reaches between sources, confluences and mouths. A node's ``height`` falls strictly along every reach.

    By node (n,): ``lon``, ``lat``, ``height`` metres, ``code``. By reach (m,): ``start`` and ``end`` nodes downstream,
    ``metres`` along the bed, ``order`` after Strahler, ``name``, ``line`` (k, 2) degrees from start to end.
    """

    lon: F8
    lat: F8
    height: F8
    code: list[str]
    start: I8
    end: I8
    metres: F8
    order: I8
    name: list[str]
    line: list[F8]

    @cached_property
    def net(self) -> Rivers:
        """For questions up and down the river."""
        return Rivers(len(self.lon), self.start, self.end, self.metres)


def rivers(seed: int, ground: Terrain, grids: GridMap) -> RiverNet:
    """Rivers of the land: hollows are filled from the sea up (priority flood), then water takes the steepest way."""
    draw = stream(seed, "rivers")
    columns, rows = int(WIDTH / CELL), int(HEIGHT / CELL)
    cell = np.arange(columns * rows)
    x = np.asarray((cell % columns + 0.5) * CELL, np.float64)
    y = np.asarray((cell // columns + 0.5) * CELL, np.float64)
    land = grids.locate(*degrees(x, y)) >= 0
    high = ground.heights(x, y)
    sea = ~land & ~_beyond(ground, x, y, high)
    # Uneven ground: on a smooth slope brooks would run side by side and never meet.
    high = np.maximum(high + draw.uniform(-UNEVEN, UNEVEN, len(x)), 0.1)
    filled = _filled(high, land, sea, columns, draw.uniform(DROP, 8 * DROP, len(x)))
    down = _steepest(filled, land | sea, columns)
    catchment = np.where(land, CELL * CELL / 1e6, 0.0)
    for c in np.argsort(-filled, kind="stable").tolist():
        if land[c] and down[c] != c:
            catchment[down[c]] += catchment[c]
    wet = land & (catchment >= CATCHMENT[ground.scale.name]) & (down != cell)
    # Beds wind: each cell's own place, but within the cell, so that beds keep their order. Mouths stay in the sea.
    wind = 0.33 * CELL * land
    bed_x, bed_y = x + draw.uniform(-1, 1, len(x)) * wind, y + draw.uniform(-1, 1, len(x)) * wind
    return _reaches(draw, wet, down, filled, catchment, bed_x, bed_y)


def _beyond(ground: Terrain, x: F8, y: F8, high: F8) -> B1:
    """Land of the neighbours, and what borders it: no water of the city runs there."""
    there = np.zeros(len(x), np.bool_)
    for east, north in ((0, 0), (0, 2_500), (2_500, 0), (-2_500, 0)):
        out = np.flatnonzero(~ground.inside(x + east, y + north))
        there[out] |= ground.heights(x[out] + east, y[out] + north) > 0
    return there & (high > 0)


def _filled(high: F8, land: B1, sea: B1, columns: int, drop: F8) -> F8:
    """Heights (n,) of a raster without hollows: each cell of land has a neighbour lower by its drop or more.

    The sea is at 0. Land that no way leads from to the sea keeps its height.
    """
    filled, seen = np.where(sea, 0.0, high).tolist(), (~land).tolist()
    drops, heights = drop.tolist(), high.tolist()
    heap = [(0.0, c) for c in np.flatnonzero(sea).tolist()]
    while heap:
        level, c = heapq.heappop(heap)
        for step in _around(columns):
            to = c + step
            if 0 <= to < len(seen) and not seen[to] and abs(to % columns - c % columns) <= 1:
                seen[to] = True
                filled[to] = max(heights[to], level + drops[to])
                heapq.heappush(heap, (filled[to], to))
    return np.array(filled)


def _around(columns: int) -> tuple[int, ...]:
    """Steps to the eight neighbours, the four across corners last."""
    return (-1, 1, -columns, columns, -columns - 1, -columns + 1, columns - 1, columns + 1)


def _steepest(filled: F8, used: B1, columns: int) -> I8:
    """The neighbour (n,) to which each cell falls most steeply; itself where none is lower."""
    n = len(filled)
    cell = np.arange(n)
    best, down = np.zeros(n), cell.copy()
    for k, step in enumerate(_around(columns)):
        to = np.clip(cell + step, 0, n - 1)
        fall = (filled - filled[to]) / (1.0 if k < 4 else 2**0.5)
        better = used[to] & (np.abs(to % columns - cell % columns) <= 1) & (fall > best)
        best[better], down[better] = fall[better], to[better]
    return down


def _reaches(
    draw: np.random.Generator, wet: Any, down: I8, filled: F8, catchment: F8, x: F8, y: F8
) -> RiverNet:  # fmt: skip
    above: dict[int, list[int]] = {}
    for c in np.flatnonzero(wet).tolist():
        above.setdefault(int(down[c]), []).append(c)
    mouths = sorted(c for c in above if not wet[c])
    heads = sorted(c for c in np.flatnonzero(wet).tolist() if c not in above)
    joins = sorted(c for c in above if wet[c] and len(above[c]) > 1)
    nodes = [*heads, *joins, *mouths]
    number = {c: k for k, c in enumerate(nodes)}
    line, start, end = [], [], []
    for c in [*heads, *joins]:
        bed = [c, int(down[c])]
        while bed[-1] not in number:
            bed.append(int(down[bed[-1]]))
        start.append(number[c])
        end.append(number[bed[-1]])
        line.append(np.column_stack(degrees(_bent(x[bed]), _bent(y[bed]))))
    starts, ends = np.array(start), np.array(end)
    metres = np.array([_length(reach) for reach in line])
    order = _strahler(starts, ends, filled[nodes])
    name = _named(draw, starts, ends, catchment[np.array(nodes)[starts]], order)
    lon, lat = degrees(x[nodes], y[nodes])
    code = [f"RN{k + 1:04d}" for k in range(len(nodes))]
    return RiverNet(lon, lat, filled[nodes], code, starts, ends, metres, order, name, line)


def _bent(at: F8) -> F8:
    """Corners cut once (Chaikin), both ends kept."""
    if len(at) < 3:
        return at
    cut = np.column_stack((0.75 * at[:-1] + 0.25 * at[1:], 0.25 * at[:-1] + 0.75 * at[1:])).ravel()
    return np.concatenate((at[:1], cut[1:-1], at[-1:]))


def _length(line: F8) -> float:
    x, y = Metres.around(float(line[0, 0])).of(line[:, 0], line[:, 1])
    return round(float(np.hypot(np.diff(x), np.diff(y)).sum()), 1)


def _strahler(start: I8, end: I8, height: F8) -> I8:
    """Order of each reach: of those that join, the highest, and one more where two have it."""
    coming: dict[int, list[int]] = {}
    order = np.ones(len(start), np.int64)
    for k in np.argsort(-height[start], kind="stable").tolist():
        into = sorted(coming.get(int(start[k]), []))
        if into:
            order[k] = into[-1] + (len(into) > 1 and into[-1] == into[-2])
        coming.setdefault(int(end[k]), []).append(int(order[k]))
    return order


def _named(draw: np.random.Generator, start: I8, end: I8, catchment: F8, order: I8) -> list[str]:
    """From the mouth up the arm with the larger catchment keeps the name; the other one has its own."""
    named, out = names.Names(draw), [""] * len(start)
    leaving = {int(a): k for k, a in enumerate(start.tolist())}
    for k in np.argsort(-catchment, kind="stable").tolist():
        below = leaving.get(int(end[k]))
        siblings = np.flatnonzero(end == end[k])
        first = siblings[np.argmax(catchment[siblings])] == k
        if below is None or not first:
            out[k] = named.before("江" if order[k] >= 3 else "河" if order[k] == 2 else "溪")
        else:
            out[k] = out[below]
    return out


def reservoirs(seed: int, ground: Terrain, net: RiverNet, land: Any) -> list[Feature]:
    """Reservoirs on the upper rivers, whole on land, apart from each other; ``land``: all of it, in plane metres.

    Attributes: ``storage`` total in 10,000 m³ 总库容, ``level_normal``, ``level_flood`` 汛限水位 and
    ``level_dead`` in metres, ``class`` 工程规模 after GB 50201, ``river`` code of the reach that it lies on.
    """
    draw = stream(seed, "reservoirs")
    inner = land.buffer(-SHORE)
    shapely.prepare(inner)
    named, out, taken = names.Names(draw), list[Feature](), list[tuple[float, float]]()
    reach = np.repeat(np.arange(len(net.line)), [len(line) for line in net.line])
    at = np.vstack(net.line)
    flat_x, flat_y = plane(at[:, 0], at[:, 1])
    high = ground.heights(flat_x, flat_y)
    for k in draw.permutation(len(at)).tolist():
        if len(out) == ground.scale.reservoirs:
            break
        x, y = float(flat_x[k]), float(flat_y[k])
        if high[k] < 40 or net.order[reach[k]] > 2 or any(np.hypot(x - a, y - b) < APART for a, b in taken):
            continue
        ring = shapes.ragged(draw, x, y, draw.uniform(250, 950), 40, 0.45)
        if not inner.contains(shapely.Polygon(ring)):
            continue
        taken.append((x, y))
        shape = shapes.polygon(ring)
        storage = shape.area * METRES_EAST * METRES_NORTH * draw.uniform(5, 14) / 1e4
        normal = float(high[k])
        size = "中型" if storage >= 1_000 else "小(1)型" if storage >= 100 else "小(2)型"
        attributes: dict[str, Any] = {
            "name": named.before("水库"), "storage": round(storage, 1), "class": size,
            "level_normal": round(normal, 2), "level_flood": round(normal - draw.uniform(0.5, 1.5), 2),
            "level_dead": round(normal - draw.uniform(6, 12), 2), "river": f"RI{int(reach[k]) + 1:04d}",
        }  # fmt: skip
        out.append(Feature("reservoir", f"RV{len(out) + 1:03d}", shape, attributes=attributes))
    return out
