"""Sensing assets and cameras: where each really is, and how the registry has it, in the system its owner works in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from brain.drill.city.asset_types import CAMERA, TYPES, AssetType
from brain.drill.city.hierarchy import shares
from brain.drill.city.roads import BRIDGE, LOCAL, RoadGraph
from brain.drill.city.sites import KINDS, SiteSet, beside
from brain.drill.city.terrain import DECIMALS, F8, HEIGHT, I8, WIDTH, Terrain, degrees, plane, stream
from brain.drill.city.water import RiverNet
from geo.coords import gcj02_to_bd09, wgs84_to_gcj02
from geo.feature import Feature
from geo.grid_map import GridMap
from streams.registry import CRS, Asset, Measure

SYSTEMS = {"wgs84": 0.66, "gcj02": 0.18, "bd09": 0.08, "cgcs2000": 0.08}
"""Share of the assets registered in each coordinate system; each states its own rightly."""
SHORE = 2_500.0
"""Metres from land within which the sea is in sight of it."""
OFFSHORE = 150.0


@dataclass(frozen=True)
class AssetSet:
    """Assets by number (n,): true positions in WGS 84, type, grid code (empty at sea), and the registry's records."""

    lon: F8
    lat: F8
    type: list[str]
    grid: list[str]
    records: list[Asset]


@dataclass(frozen=True)
class CameraSet:
    """Cameras by number (n,), registered too; ``heading`` degrees from north, ``node`` the nearest crossing."""

    lon: F8
    lat: F8
    heading: F8
    kind: list[str]
    name: list[str]
    grid: list[str]
    node: I8
    records: list[Asset]


@dataclass(frozen=True)
class Surroundings:
    """What assets are placed by."""

    ground: Terrain
    grids: GridMap
    graph: RoadGraph
    water: RiverNet
    sites: SiteSet
    reservoirs: list[Feature]
    slopes: list[Feature]
    land: Any


def assets(seed: int, around: Surroundings) -> AssetSet:
    """Sensors, as many as the scale says, two at least of each type; none in water but those that belong there."""
    draw = stream(seed, "assets")
    counts = shares([t.share for t in TYPES.values()], around.ground.scale.assets, [2] * len(TYPES))
    lon, lat, types = np.zeros(0), np.zeros(0), list[str]()
    for (name, kind), count in zip(TYPES.items(), counts, strict=True):
        at = places(draw, around, kind, count)
        lon, lat = np.append(lon, at[0]), np.append(lat, at[1])
        types += [name] * count
    number = dict.fromkeys(TYPES, 0)
    ids = []
    for name in types:
        number[name] += 1
        ids.append(f"{name.replace('_', '-')}-{number[name]:04d}")
    made = records(draw, ids, types, [TYPES[t] for t in types], lon, lat)
    return AssetSet(lon, lat, types, _grid(around.grids, lon, lat), made)


def cameras(seed: int, around: Surroundings) -> CameraSet:
    """Cameras: half by streets as people are spread, two tenths on main roads, three tenths at key sites."""
    draw = stream(seed, "cameras")
    total = around.ground.scale.cameras
    watched = "metro_station,bus_hub,mall,market,underpass,school,hospital,ferry_port"
    parts = {"street": "crowd", "road": "main", "site": watched}
    counts = shares([5, 2, 3], total, [1, 1, 1])
    lon, lat, kinds = np.zeros(0), np.zeros(0), list[str]()
    for (kind, where), count in zip(parts.items(), counts, strict=True):
        at = places(draw, around, CAMERA._replace(where=where), count)
        lon, lat = np.append(lon, at[0]), np.append(lat, at[1])
        kinds += [kind] * count
    node, _ = around.graph.net.snap(lon, lat)
    road_at = np.zeros(len(around.graph.lon), np.int64)
    road_at[around.graph.start], road_at[around.graph.end] = around.graph.road, around.graph.road
    name = [f"{around.graph.names[r]}{k + 1}号摄像机" for k, r in enumerate(road_at[node].tolist())]
    ids = [f"cam-{k + 1:05d}" for k in range(total)]
    heading = np.round(draw.uniform(0, 360, total))
    made = records(draw, ids, ["camera"] * total, [CAMERA] * total, lon, lat)
    return CameraSet(lon, lat, heading, kinds, name, _grid(around.grids, lon, lat), node, made)


def _grid(grids: GridMap, lon: F8, lat: F8) -> list[str]:
    return [grids.codes[g] if g >= 0 else "" for g in grids.locate(lon, lat).tolist()]


def places(draw: np.random.Generator, around: Surroundings, kind: AssetType, count: int) -> tuple[F8, F8]:
    """True positions (count,) of a type's assets."""
    graph, sites = around.graph, around.sites
    x, y = plane(graph.lon, graph.lat)
    bridge = graph.kind == BRIDGE
    if kind.where in ("crowd", "even", "main"):
        weight = np.ones(len(x)) if kind.where == "even" else around.ground.crowd(x, y) + 0.02
        if kind.where == "main":
            weight = np.zeros(len(x))
            main = graph.kind < LOCAL
            weight[graph.start[main]] = weight[graph.end[main]] = 1.0
        weight[graph.start[bridge]] = weight[graph.end[bridge]] = 0.0
        return beside(draw, around.grids, x, y, draw.choice(len(x), count, p=weight / weight.sum()))
    if kind.where == "bridge":
        k = draw.choice(np.flatnonzero(bridge), count)
        t = draw.uniform(0.2, 0.8, count)
        a, b = graph.start[k], graph.end[k]
        return degrees(x[a] + t * (x[b] - x[a]), y[a] + t * (y[b] - y[a]))
    if kind.where == "river":
        at = np.vstack([line[:-1] for line in around.water.line])
        at = at[draw.choice(len(at), count, replace=count > len(at))]
        return at[:, 0].copy(), at[:, 1].copy()
    if kind.where in ("reservoir", "slope"):
        within = around.reservoirs if kind.where == "reservoir" else around.slopes
        return _inside(draw, [within[k].shape for k in draw.integers(0, len(within), count).tolist()])
    if kind.where in ("shore", "sea"):
        return _at_sea(draw, around, count, near=kind.where == "shore")
    wanted = set(kind.where.split(","))
    if not wanted <= set(KINDS):
        raise ValueError(f"where: expected kinds of sites, got {kind.where!r}")
    at_site = np.flatnonzero([k in wanted for k in sites.kind])
    site_x, site_y = plane(sites.lon, sites.lat)
    return beside(draw, around.grids, site_x, site_y, draw.choice(at_site, count), (2.0, 25.0))


def _inside(draw: np.random.Generator, within: list[Any]) -> tuple[F8, F8]:
    """A place in each of these shapes: between its inner point and one of its corners, near the inner one."""
    lon, lat = [], []
    for shape in within:
        inner = shapely.get_coordinates(shape.representative_point())[0]
        corners = shapely.get_coordinates(shape)
        at = inner + draw.uniform(0.0, 0.25) * (corners[draw.integers(0, len(corners))] - inner)
        at = np.round(at if shapely.contains_xy(shape, *at) else inner, DECIMALS)
        lon.append(at[0])
        lat.append(at[1])
    return np.array(lon), np.array(lat)


def _at_sea(draw: np.random.Generator, around: Surroundings, count: int, *, near: bool) -> tuple[F8, F8]:
    """Places in the sea, off all land, in sight of it or not, and not in the sea of the neighbours."""
    x, y = draw.uniform(0, WIDTH, 60 * count + 600), draw.uniform(0, 0.6 * HEIGHT, 60 * count + 600)
    x, y = x[around.ground.inside(x, y)], y[around.ground.inside(x, y)]
    wet = np.flatnonzero(around.ground.heights(x, y) < -1.0)
    points = shapely.points(x[wet], y[wet])
    shapely.prepare(around.land)
    close = shapely.dwithin(around.land, points, SHORE)
    kept = close & ~shapely.dwithin(around.land, points, OFFSHORE) if near else ~close
    wet = wet[kept]
    return degrees(x[wet[:count]], y[wet[:count]])


def records(
    draw: np.random.Generator, ids: list[str], types: list[str], kinds: list[AssetType], lon: F8, lat: F8
) -> list[Asset]:
    """The registry's records: positions in the system that each states."""
    names = list(SYSTEMS)
    chosen = draw.choice(len(names), len(ids), p=list(SYSTEMS.values()))
    system = np.array([CRS[n] for n in names])[chosen]
    said_lon, said_lat = lon.copy(), lat.copy()
    moved = (system == CRS["gcj02"]) | (system == CRS["bd09"])
    said_lon[moved], said_lat[moved] = wgs84_to_gcj02(lon[moved], lat[moved])
    bd = system == CRS["bd09"]
    said_lon[bd], said_lat[bd] = gcj02_to_bd09(said_lon[bd], said_lat[bd])
    said_lon, said_lat = np.round(said_lon, DECIMALS), np.round(said_lat, DECIMALS)
    out = []
    for k, (id_, type_, kind) in enumerate(zip(ids, types, kinds, strict=True)):
        own = kind.measures.get(type_) if len(kind.measures) == 1 else None
        asset = Asset(id=id_, type=type_, lon=float(said_lon[k]), lat=float(said_lat[k]), owner=kind.owner,
                      crs=names[int(chosen[k])], every_s=float(kind.every_s))  # fmt: skip
        if own is not None:
            asset.unit, asset.range = own[0], (float(own[1]), float(own[2]))
        else:
            asset.metrics = {m: Measure(u, (float(a), float(b))) for m, (u, a, b) in kind.measures.items()}
        out.append(asset)
    return out
