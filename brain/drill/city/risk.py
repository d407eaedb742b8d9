"""Risk zones, which overlap: flood, storm surge, landslide, dense crowd, chemical buffer, fire."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import shapely

from brain.drill.city import shapes
from brain.drill.city.hierarchy import Hierarchy
from brain.drill.city.sites import SiteSet
from brain.drill.city.terrain import HEIGHT, WIDTH, Terrain, plane, stream
from brain.drill.city.water import RiverNet
from geo.feature import Feature

WORDS = {
    "flood": "洪水淹没区", "surge": "风暴潮影响区", "landslide": "地质灾害隐患区", "crowd": "人员密集区",
    "chemical": "危险化学品缓冲区", "fire": "火灾高风险区",
}  # fmt: skip
SURGE, STEEP, SLIDES_FROM = 600.0, 0.07, 60.0
"""Metres inland that a surge reaches; slope and height from which on ground slides."""


def risk_zones(
    seed: int, ground: Terrain, units: Hierarchy, water: RiverNet, sites: SiteSet, land: Any, towns: list[Feature]
) -> list[Feature]:
    """Polygons of the layer risk on land; attributes ``kind``, ``name`` and ``level`` 1 (gravest) to 4."""
    draw = stream(seed, "risk")
    made: list[tuple[str, str, Any]] = []
    made += [("flood", name, area) for name, area in _floods(draw, water)]
    made += [("surge", str(f.attributes["name"]), area) for f, area in _surges(ground, land, towns)]
    made += [("landslide", name, area) for name, area in _slides(draw, ground, units)]
    share = len(sites.kind) / 5_000
    for kind, of, count, radius in (
        ("crowd", ("mall", "metro_station", "bus_hub", "ferry_port"), 140, (120, 420)),
        ("chemical", ("chemical_plant", "hazmat_warehouse", "lpg_station"), 120, (500, 1_300)),
        ("fire", ("market", "factory", "gas_station"), 110, (150, 600)),
    ):
        where = np.concatenate([sites.of(k) for k in of])
        chosen = draw.permutation(where)[: max(4, round(count * share))]
        x, y = plane(sites.lon[chosen], sites.lat[chosen])
        for site, a, b in zip(chosen.tolist(), x.tolist(), y.tolist(), strict=True):
            ring = shapes.ragged(draw, a, b, draw.uniform(*radius), 28, 0.0 if kind == "chemical" else 0.35)
            made.append((kind, sites.name[site], shapely.Polygon(ring)))
    out: list[Feature] = []
    shapely.prepare(land)
    for kind, name, area in made:
        on_land = area if land.contains(area) else area.intersection(land)
        shape = shapes.written(on_land)
        if shape.is_empty:
            continue
        attributes: dict[str, Any] = {"name": name + WORDS[kind], "kind": kind, "level": int(draw.integers(1, 5))}
        out.append(Feature("risk", f"K{len(out) + 1:04d}", shape, attributes=attributes))
    return out


def _floods(draw: np.random.Generator, water: RiverNet) -> Iterable[tuple[str, Any]]:
    """Both banks of the reaches of a river, wider for higher orders; brooks only here and there."""
    by_name: dict[str, list[int]] = {}
    for k, name in enumerate(water.name):
        by_name.setdefault(name, []).append(k)
    for name, reaches in by_name.items():
        if max(int(water.order[k]) for k in reaches) == 1 and draw.random() < 0.5:
            continue
        wide = [
            shapes.flat(shapely.LineString(water.line[k])).buffer(120.0 + 130.0 * int(water.order[k]), quad_segs=3)
            for k in reaches
        ]
        yield name, shapely.union_all(wide).simplify(12.0)


def _surges(ground: Terrain, land: Any, towns: list[Feature]) -> Iterable[tuple[Feature, Any]]:
    """The strip of each town along the sea."""
    coast = _coast(ground, land)
    strip = shapely.STRtree(coast)
    for town in towns:
        shape = shapes.flat(town.shape)
        near = strip.query(shape, predicate="dwithin", distance=SURGE)
        if len(near):
            reach = shapely.line_merge(shapely.multilinestrings(coast[near])).simplify(25.0).buffer(SURGE, quad_segs=2)
            yield town, reach.intersection(shape)


def _coast(ground: Terrain, land: Any) -> Any:
    """Pieces of the land's outer borders that lie at the sea, not at the neighbours'."""
    rings = shapely.get_rings(shapely.get_parts(land))
    points, ring = shapely.get_coordinates(rings, return_index=True)
    on = np.flatnonzero(ring[1:] == ring[:-1])
    x, y = points[on].T
    beyond = np.zeros(len(on), np.bool_)
    for east, north in ((0, 2_500), (2_500, 0), (-2_500, 0)):
        there = (x + east, y + north)
        beyond |= (ground.heights(*there) > 0) & ~ground.inside(*there)
    at = on[~beyond]
    return shapely.linestrings(np.stack((points[at], points[at + 1]), axis=1))


def _slides(draw: np.random.Generator, ground: Terrain, units: Hierarchy) -> Iterable[tuple[str, Any]]:
    """Ragged patches on steep ground, named by the community."""
    wanted = max(6, round(160 * ground.scale.grids / 2_000))
    x, y = draw.uniform(0, WIDTH, wanted * 80), draw.uniform(0.4 * HEIGHT, HEIGHT, wanted * 80)
    high, step = ground.heights(x, y), 50.0
    slope = np.hypot(ground.heights(x + step, y) - high, ground.heights(x, y + step) - high) / step
    steep = np.flatnonzero((high > SLIDES_FROM) & (slope > STEEP) & ground.inside(x, y))[:wanted]
    for k in steep.tolist():
        cell = int(np.argmin(np.hypot(units.x - x[k], units.y - y[k])))
        name = units.communities[int(units.community_of[cell])].name
        yield name, shapely.Polygon(shapes.ragged(draw, float(x[k]), float(y[k]), draw.uniform(120, 480)))
