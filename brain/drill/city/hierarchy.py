"""Who is responsible for a grid: districts, towns and communities by code, and the zones that manage beside them.

A managing zone 功能区 owns communities and grids, though their codes put them under a statutory district; who looks for
the responsible unit follows the zone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from brain.drill.city import names
from brain.drill.city.cells import Cells
from brain.drill.city.terrain import B1, BRIDGED, F8, I8, MAINLAND, METRES_EAST, METRES_NORTH, Terrain, stream
from geo.feature import Feature

PREFIX = "9902"
"""In the place of province and city in codes after GB/T 2260: no province has 99."""
FIRST_STREET, FIRST_TOWN, FIRST_VILLAGE = 1, 100, 201
PEOPLE = {"small": 260_000, "full": 2_450_000}


@dataclass(frozen=True)
class Unit:
    """One unit of a layer: ``code``, ``name``, ``parent`` (code above, empty for district and zone), ``cells`` (k,)."""

    code: str
    name: str
    parent: str
    cells: I8


@dataclass(frozen=True)
class Hierarchy:
    """Both trees over the same cells. ``grid`` (n,) has one cell each, in the order of the cells.

    By cell (n,): ``people``, number of the unit in each layer (-1 where no zone manages), ``body`` of land, and the
    middle ``x``, ``y`` in plane metres.
    """

    districts: list[Unit]
    zones: list[Unit]
    towns: list[Unit]
    communities: list[Unit]
    grids: list[Unit]
    people: I8
    district_of: I8
    zone_of: I8
    town_of: I8
    community_of: I8
    body: I8
    x: F8
    y: F8


def hierarchy(seed: int, ground: Terrain, land: Cells) -> Hierarchy:
    """Units of all layers on the cells of a ground."""
    draw = stream(seed, "hierarchy")
    n = len(land.x)
    near = _neighbours(land, n)
    town_of = _towns(ground, land, n)
    towns = int(town_of.max()) + 1
    district_of_town = _districts(land, town_of, towns, ground)
    group, town_of_group = _communities(land, near, town_of, towns, ground.scale.communities)
    named = names.Names(draw)
    districts = [
        Unit(f"{PREFIX}{2 + d:02d}", names.DISTRICTS[d], "", np.flatnonzero(district_of_town[town_of] == d))
        for d in range(len(names.DISTRICTS))
    ]
    # Codes run on within their parent: streets from 001, towns from 100, as GB/T 10114 has them.
    order = sorted(range(towns), key=lambda t: (district_of_town[t], not _street(ground, t), t))
    units: list[Unit] = []
    at = {d: [FIRST_STREET, FIRST_TOWN] for d in range(len(districts))}
    for t in order:
        d, street = int(district_of_town[t]), _street(ground, t)
        number, at[d][not street] = at[d][not street], at[d][not street] + 1
        name = named.take() + ("街道" if street else "镇")
        units.append(Unit(f"{districts[d].code}{number:03d}", name, districts[d].code, np.flatnonzero(town_of == t)))
    place = np.argsort(order)
    town_of = place[town_of]
    communities, community_of = _named_communities(units, group, place[town_of_group], named, ground, order)
    grids = _grids(communities, n)
    people = _people(draw, ground, land)
    district_of = np.array([int(u.parent[-2:]) - 2 for u in units])[town_of]
    zones, zone_of = _zones(ground, land, units, communities, town_of, community_of)
    return Hierarchy(districts, zones, units, communities, grids, people, district_of, zone_of, town_of, community_of,
                     land.body, land.x, land.y)  # fmt: skip


def features(made: Hierarchy, land: Cells) -> list[Feature]:
    """Polygons of all units; a unit of several islands is a MultiPolygon. ``population`` is a number, all else text."""
    out = []
    for layer, units in (("district", made.districts), ("town", made.towns), ("community", made.communities)):
        for unit in units:
            people = int(made.people[unit.cells].sum())
            shape = union(land.shape[unit.cells])
            parent = {"parent": unit.parent} if unit.parent else {}
            attributes: dict[str, Any] = {"name": unit.name, **parent, "population": people}
            out.append(Feature(layer, unit.code, shape, attributes=attributes))
    for unit in made.zones:
        under = made.districts[int(made.district_of[unit.cells[0]])].code
        people = int(made.people[unit.cells].sum())
        texts: dict[str, Any] = {"name": unit.name, "district": under, "population": people}
        out.append(Feature("zone", unit.code, union(land.shape[unit.cells]), attributes=texts))
    for k, unit in enumerate(made.grids):
        zone = int(made.zone_of[k])
        own: dict[str, Any] = {
            "name": unit.name, "parent": unit.parent, "district": made.districts[made.district_of[k]].code,
            "town": made.towns[made.town_of[k]].code, "community": unit.parent,
            "zone": made.zones[zone].code if zone >= 0 else "", "population": int(made.people[k]),
        }  # fmt: skip
        out.append(Feature("grid", unit.code, land.shape[k], attributes=own))
    return out


def union(shapes: NDArray[Any]) -> Any:
    """Of shapes that share their borders point for point: all points but those inside, wound as RFC 7946 has it."""
    return shapely.orient_polygons(shapely.coverage_union_all(shapes))


def _street(ground: Terrain, town: int) -> bool:
    return bool(ground.urban[town])


def _neighbours(land: Cells, n: int) -> list[list[int]]:
    near: list[list[int]] = [[] for _ in range(n)]
    for a, b in zip(land.a.tolist(), land.b.tolist(), strict=True):
        near[a].append(b)
        near[b].append(a)
    return [sorted(cells) for cells in near]


def _towns(ground: Terrain, land: Cells, n: int) -> I8:
    """Town by cell: the centre that is nearest over land; all islands that only boats reach are the last town."""
    last = ground.scale.towns - 1
    centres = ground.centres[:last]
    seat = np.array([int(np.argmin(np.hypot(land.x - x, land.y - y))) for x, y in centres])
    ways = np.hypot(land.x[land.a] - land.x[land.b], land.y[land.a] - land.y[land.b])
    graph = coo_array((ways, (land.a, land.b)), (n, n)).tocsr()
    away = dijkstra(graph, directed=False, indices=seat)
    return np.where(np.isfinite(away.min(axis=0)), np.argmin(away, axis=0), last)


def _districts(land: Cells, town_of: I8, towns: int, ground: Terrain) -> I8:
    """District by town: that of the nearest of three seats; islands belong to the first, the old town's."""
    x = np.array([land.x[town_of == t].mean() for t in range(towns)])
    y = np.array([land.y[town_of == t].mean() for t in range(towns)])
    seats = np.array([0, 2, 1])  # towns of the three seats: middle, east, west
    away = np.hypot(x[:, None] - x[seats], y[:, None] - y[seats])
    nearest = np.argmin(away, axis=1)
    nearest[ground.mainland :] = 0
    return np.asarray(nearest)


def shares(weights: Sequence[float], total: int, least: Sequence[int]) -> list[int]:
    """Whole numbers that add up to a total, near to the weights, none below its least: largest remainders.

    Raises ValueError where the least ones alone are more than the total.
    """
    spare = total - sum(least)
    if spare < 0:
        raise ValueError(f"expected a total of at least {sum(least)}, got {total}")
    part = np.asarray(weights, np.float64) * total / sum(weights) - np.asarray(least)
    part = np.maximum(part, 0)
    part *= spare / part.sum() if part.sum() else 0
    whole = np.floor(part + 1e-9).astype(int)
    for k in np.argsort(whole - part, kind="stable")[: spare - int(whole.sum())].tolist():
        whole[k] += 1
    return [int(a + b) for a, b in zip(whole, least, strict=True)]


def _communities(land: Cells, near: list[list[int]], town_of: I8, towns: int, total: int) -> tuple[I8, I8]:
    """Community by cell, and town by community: each connected, of about as many grids as its sisters."""
    parts = [sorted({(t, int(b)) for b in np.unique(land.body[town_of == t])}) for t in range(towns)]
    flat = [part for town in parts for part in town]
    sizes = [int(((town_of == t) & (land.body == b)).sum()) for t, b in flat]
    counts = shares(sizes, total, [1] * len(flat))
    group = np.full(len(land.x), -1)
    town_of_group: list[int] = []
    for (t, b), count in zip(flat, counts, strict=True):
        mine = np.flatnonzero((town_of == t) & (land.body == b))
        group[mine] = _split(land, near, mine, min(count, len(mine))) + len(town_of_group)
        town_of_group += [t] * min(count, len(mine))
    return group, np.array(town_of_group)


def _split(land: Cells, near: list[list[int]], mine: I8, k: int) -> I8:
    """Connected groups of about one size: seeds far from each other, then the smallest group takes a neighbour."""
    at = np.column_stack((land.x[mine], land.y[mine]))
    # Far in steps from cell to cell, not in metres: else all communities would be in the hills.
    number = {cell: j for j, cell in enumerate(mine.tolist())}
    inner = [[number[c] for c in near[cell] if c in number] for cell in mine.tolist()]
    pairs = np.array([(a, b) for a in range(len(mine)) for b in inner[a]]).reshape(-1, 2)
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), (len(mine), len(mine))).tocsr()
    seeds = [int(np.argmin(np.hypot(*(at - at.mean(axis=0)).T)))]
    far = dijkstra(graph, indices=seeds[0], unweighted=True)
    while len(seeds) < k:
        seeds.append(int(np.argmax(far)))
        far = np.minimum(far, dijkstra(graph, indices=seeds[-1], unweighted=True))
    group = np.full(len(mine), -1)
    group[seeds] = range(k)
    edge = [set(inner[s]) for s in seeds]
    size, growing = [1] * k, set(range(k))
    while growing:
        g = min(growing, key=lambda g: (size[g], g))
        free = [c for c in edge[g] if group[c] < 0]
        if not free:
            growing.discard(g)
            continue
        c = min(free, key=lambda c: (float(np.hypot(*(at[c] - at[seeds[g]]))), c))
        group[c], size[g] = g, size[g] + 1
        edge[g] = {*free, *inner[c]} - {c}
    return group


def _named_communities(
    towns: list[Unit], group: I8, town_of_group: I8, named: names.Names, ground: Terrain, order: list[int]
) -> tuple[list[Unit], I8]:
    """Communities in the order of their codes, and their number by cell."""
    units: list[Unit] = []
    number = np.full(len(town_of_group), -1)
    for t, town in enumerate(towns):
        for k, g in enumerate(np.flatnonzero(town_of_group == t).tolist()):
            street = _street(ground, order[t])
            # The middle of a rural town is a residents' community too, the rest are villages, counted from 201.
            code = f"{town.code}{k + 1 if street or k == 0 else FIRST_VILLAGE + k - 1:03d}"
            number[g] = len(units)
            name = named.take() + ("社区" if street or k == 0 else "村")
            units.append(Unit(code, name, town.code, np.flatnonzero(group == g)))
    return units, number[group]


def _grids(communities: list[Unit], n: int) -> list[Unit]:
    grids: list[Unit | None] = [None] * n
    for unit in communities:
        for k, cell in enumerate(unit.cells.tolist(), 1):
            name = f"{unit.name}第{names.numeral(k)}网格"
            grids[cell] = Unit(f"{unit.code}{k:03d}", name, unit.code, np.array([cell]))
    return [g for g in grids if g is not None]


def _people(draw: np.random.Generator, ground: Terrain, land: Cells) -> I8:
    """Residents by grid: as crowded as the ground is there, with the scatter of real counts; 1 at least."""
    area = shapely.area(land.shape) * METRES_EAST * METRES_NORTH / 1e6
    weight: F8 = area * (ground.crowd(land.x, land.y) + 0.004) * np.exp(draw.normal(0, 0.35, len(area)))
    # Large cells have crowded rims and empty hills: their middle says too much.
    weight /= np.maximum(area, 0.3) ** 0.5
    total = PEOPLE[ground.scale.name]
    return np.array(shares(weight.tolist(), total, [1] * len(weight)), np.int64)


def _zones(
    ground: Terrain, land: Cells, towns: list[Unit], communities: list[Unit], town_of: I8, community_of: I8
) -> tuple[list[Unit], I8]:
    """A rural town with its neighbours' nearest communities, and the bridged island; codes from 71 on."""
    zone_of = np.full(len(land.x), -1)
    rural = [t for t, u in enumerate(towns) if u.name.endswith("镇") and (land.body[u.cells] == MAINLAND).all()]
    old = ground.centres[0]
    seat = min(rural, key=lambda t: _away(land, towns[t].cells, old[0], old[1]))
    zone_of[town_of == seat] = 0
    middle_x, middle_y = land.x[town_of == seat].mean(), land.y[town_of == seat].mean()
    beside = _touching(land, zone_of == 0)
    near = sorted(
        {int(c) for c in community_of[beside] if communities[c].parent != towns[seat].code
         and communities[c].parent.startswith(towns[seat].parent)},
        key=lambda c: _away(land, communities[c].cells, middle_x, middle_y),
    )[:3]  # fmt: skip
    zone_of[np.isin(community_of, near)] = 0
    zone_of[land.body == BRIDGED] = 1
    return [Unit(f"{PREFIX}{71 + z}", names.ZONES[z], "", np.flatnonzero(zone_of == z)) for z in (0, 1)], zone_of


def _away(land: Cells, cells: I8, x: float, y: float) -> float:
    """Metres from the middle of some cells to a place."""
    return float(np.hypot(land.x[cells].mean() - x, land.y[cells].mean() - y))


def _touching(land: Cells, inside: B1) -> I8:
    """Cells beside those inside."""
    out = np.concatenate((land.b[inside[land.a] & ~inside[land.b]], land.a[inside[land.b] & ~inside[land.a]]))
    return np.unique(out)
