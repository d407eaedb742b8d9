"""A Gaussian plume from each sensor over its alarm, with the wind of the nearest station; people by grids' area.

Says more than it knows of the release: its rate is a param. Not for gases heavier than air (models/standards/plume.py).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import numpy as np
import shapely

from brain.agent_kit import Minute, Said, World
from models.standards.plume import CALM, footprint, stability

STEPS = 24
"""Distances at which a plume's width is worked out."""
HOUR, DAY_MS, CHINA_MS = 3_600_000, 86_400_000, 8 * 3_600_000
STATIONS = ("weather", "wind")
"""Types of assets that tell the wind."""


class Wind(msgspec.Struct, array_like=True):
    """The last wind of a station: m/s, degrees where it comes from, ms UTC."""

    speed: float
    direction: float
    t: int


class State(msgspec.Struct):
    """Leaks under way (sensor → since when, ms UTC), and the last wind of each station."""

    leaks: dict[str, int] = {}
    wind: dict[str, Wind] = {}


class Ground(NamedTuple):
    """Grids and sites on the plane with their people."""

    grids: shapely.STRtree
    people: Any
    sites: shapely.STRtree
    site_people: Any
    site_codes: list[str]


def prepare(world: World) -> Ground:
    """Those that say how many people they have."""
    plane, grid, site = world.on_plane, world.layers["grid"], world.layers["site"]
    some = [k for k, a in enumerate(grid.attributes) if _people(a)]
    return Ground(
        shapely.STRtree([plane(grid.shapes[k]) for k in some]), np.array([_people(grid.attributes[k]) for k in some]),
        shapely.STRtree([plane(shape) for shape in site.shapes]), np.array([_people(a) for a in site.attributes]),
        list(site.codes),
    )  # fmt: skip


def _people(attributes: Any) -> float:
    """``people`` of a feature, else the ``population`` of a unit of the hierarchy."""
    value = attributes.get("people", attributes.get("population", 0))
    return float(value) if isinstance(value, int | float) else 0.0


def features(minute: Minute, world: World) -> dict[str, tuple[int, float]]:
    """Sensors that reported: their places in the minute's columns and %LEL."""
    gas = minute.assets["gas"]
    there = np.flatnonzero(np.isfinite(gas.values["gas"]))
    each = zip(there.tolist(), gas.values["gas"][there].tolist(), strict=True)
    return {gas.ids[k]: (k, lel) for k, lel in each}


def decide(minute: Minute, features: dict[str, tuple[int, float]], state: State, world: World) -> list[Said]:
    """Each leak that goes on, with its ground in the wind of now; a sensor that fell silent stays as it was."""
    p, gas = world.params, minute.assets["gas"]
    at = p["at"]
    _hear(minute, state, p["wind_age_min"])
    said = []
    for asset, (k, lel) in features.items():
        if lel < at and asset not in state.leaks:
            continue
        if lel < p["clear"]:
            del state.leaks[asset]
            said.append(Said(asset, 0, value=lel))
            continue
        x, y = (float(side[0]) for side in world.metres.of(gas.lon[k : k + 1], gas.lat[k : k + 1]))
        since = state.leaks.setdefault(asset, minute.t)
        ground, facts = _reach(x, y, _nearest(minute, state, x, y, world), minute.t, world)
        people, at_sites, sites = _inside(ground, world.ready)
        facts |= {"people_inside": float(round(people)), "people_at_sites": at_sites, "area_ha": _area(ground)}
        if sites:
            facts["sites"] = ",".join(sites[:10])
        level = 4 if lel >= 2 * p["at"] or people + at_sites >= p["many"] else 3
        said.append(Said(asset, level, value=lel, onset=since, facts=facts, footprint=_rings(ground, world)))
    return said


def _hear(minute: Minute, state: State, age_min: float) -> None:
    for stations in (minute.assets[kind] for kind in STATIONS):
        speed, direction = stations.values["wind_speed"], stations.values["wind_direction"]
        told = np.flatnonzero((stations.t != 0) & np.isfinite(speed) & np.isfinite(direction))
        columns = (told.tolist(), speed[told].tolist(), direction[told].tolist(), stations.t[told].tolist())
        for k, *wind in zip(*columns, strict=True):
            state.wind[stations.ids[k]] = Wind(*wind)
    known = {id for kind in STATIONS for id in minute.assets[kind].ids}
    for station in [s for s, w in state.wind.items() if s not in known or w.t < minute.t - age_min * 60_000]:
        del state.wind[station]


def _nearest(minute: Minute, state: State, x: float, y: float, world: World) -> Wind | None:
    if not np.isfinite(x):
        return None
    known = []
    for stations in (minute.assets[kind] for kind in STATIONS):
        sx, sy = world.metres.of(stations.lon, stations.lat)
        away = np.hypot(sx - x, sy - y)
        known += [
            (float(away[k]), id) for k, id in enumerate(stations.ids) if id in state.wind and np.isfinite(away[k])
        ]
    return state.wind[min(known)[1]] if known else None


def _reach(x: float, y: float, wind: Wind | None, t: int, world: World) -> tuple[Any, dict[str, float | str]]:
    """Ground on the plane, and how it was found."""
    p = world.params
    if not np.isfinite(x):
        return None, {"model": "no place"}
    source = shapely.Point(x, y)
    standard = world.standards["plume.sigma"]
    edition = int(standard.edition(np.array([t], np.int64))[0])
    if wind is None or wind.speed < CALM or edition < 0:
        return source.buffer(p["calm_m"], quad_segs=8), {
            "model": "circle, no wind known" if wind is None else "circle, calm"
        }
    hour = (t + CHINA_MS) % DAY_MS // HOUR
    sun = "moderate" if 8 <= hour < 17 else "night"
    kind = str(stability(np.array([wind.speed]), np.array([sun]), np.array([4.0]))[0])
    found = footprint(
        standard.tables[edition], p["terrain"], kind, rate_g_s=p["rate_g_s"], wind_ms=wind.speed,
        wind_from=wind.direction, threshold_mg_m3=p["threshold_mg_m3"], steps=STEPS,
    )  # fmt: skip
    ground = source.buffer(p["near_m"], quad_segs=8)
    if len(found.outline) >= 3:
        ground = shapely.union(ground, shapely.Polygon(found.outline + (x, y)).buffer(0))  # noqa: RUF005  # a shift
    reach = float(shapely.hausdorff_distance(ground, source))
    facts: dict[str, float | str] = {
        "model": "plume", "stability": kind, "wind_ms": round(wind.speed, 1), "wind_from": round(wind.direction),
        "reach_m": float(round(reach)),
    }  # fmt: skip
    return ground, facts


def _inside(ground: Any, city: Ground) -> tuple[float, float, list[str]]:
    """People by area of the grids, people at sites, and the sites, by code."""
    if ground is None:
        return 0.0, 0.0, []
    at = np.sort(city.grids.query(ground, predicate="intersects")) if len(city.people) else np.zeros(0, int)
    shapes = city.grids.geometries[at]
    share = shapely.area(shapely.intersection(shapes, ground)) / shapely.area(shapes) if len(at) else np.zeros(0)
    sites = np.sort(city.sites.query(ground, predicate="intersects")) if len(city.site_people) else np.zeros(0, int)
    codes = sorted(city.site_codes[k] for k in sites.tolist())
    return float((city.people[at] * share).sum()), float(city.site_people[sites].sum()), codes


def _area(ground: Any) -> float:
    return 0.0 if ground is None else round(float(ground.area) / 10_000, 1)


def _rings(ground: Any, world: World) -> list[list[tuple[float, float]]]:
    if ground is None:
        return []
    shape = max(ground.geoms, key=lambda part: part.area) if ground.geom_type == "MultiPolygon" else ground
    x, y = np.array(shape.simplify(1.0).exterior.coords)[:-1].T
    return [list(zip(*(side.tolist() for side in world.metres.degrees(x, y)), strict=True))]
