"""Hours until a rising reservoir is at its flood limit and at its crest, by volume, and what lies downstream.

The map's layer ``reservoir`` gives ``flood_limit_m``, ``crest_m``, optionally ``areas`` ("55:100,60:140", metres and
hectares; else the polygon's area at every level) and ``catchment_ha``. Without both marks a reservoir is not judged.
Not for releases: what leaves is within the rate. Rain adds to a rise, it makes none.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import numpy as np
import shapely
from numpy.typing import NDArray

from brain.agent_kit import Minute, Said, World
from geo.rivers import RiverLines

HOUR_MS = 3_600_000
KEPT = 130
"""Readings of a gauge that are kept: a window of two hours, each minute."""
GAUGES = 100
"""Gauges that are remembered, at most: the form of state is bounded."""


class State(msgspec.Struct):
    """Readings (ms UTC, m) of each gauge within the window, and the gauges that stand."""

    seen: dict[str, list[tuple[int, float]]] = {}
    stands: list[str] = []


class Lake(NamedTuple):
    """One reservoir: marks in m, table of areas in m and m², catchment in m², and what lies below."""

    shape: Any
    limit: float
    crest: float
    levels: NDArray[np.float64]
    areas: NDArray[np.float64]
    catchment: float
    grids: str
    districts: str
    below: int


def prepare(world: World) -> list[Lake]:
    """Reservoirs with both marks, and the grids below each by the direction of rivers."""
    layer, out = world.layers["reservoir"], []
    for shape, a in zip(layer.shapes, layer.attributes, strict=True):
        limit, crest = a.get("flood_limit_m"), a.get("crest_m")
        if not isinstance(limit, int | float) or not isinstance(crest, int | float) or not limit < crest:
            continue
        own = float(world.on_plane(shape).area)
        pairs = sorted(tuple(map(float, p.split(":"))) for p in str(a.get("areas", "")).split(",") if p.count(":") == 1)
        levels = np.array([p[0] for p in pairs] or [limit])
        areas = np.array([p[1] * 10_000 for p in pairs] or [own])
        catchment = a.get("catchment_ha", 0)
        wide = float(catchment) * 10_000 if isinstance(catchment, int | float) else 0.0
        out.append(Lake(shape, float(limit), float(crest), levels, areas, wide, *_below(shape, world)))
    return out


def _below(shape: Any, world: World) -> tuple[str, str, int]:
    lines = np.array([s for s in world.layers["river"].shapes if s.geom_type == "LineString" and s.length > 0], object)
    grid = world.layers["grid"]
    if not len(lines) or not grid.codes:
        return "", "", 0
    rivers = RiverLines(lines, world.metres)
    touched = lines[shapely.intersects(lines, shape)]
    # the outlet is the lower end of what crosses the water; else the river that is nearest
    start = shapely.get_point(touched[-1], -1) if len(touched) else shape.representative_point()
    if len(touched):
        within = shapely.intersection(touched[-1], shape)
        parts = [g for g in shapely.get_parts(within) if g.geom_type == "LineString"]
        start = shapely.get_point(parts[-1], -1) if parts else start
    points = shapely.point_on_surface(np.array(grid.shapes, object))
    spill = rivers.place(np.array([start.x]), np.array([start.y]))
    sites = rivers.place(shapely.get_x(points), shapely.get_y(points))
    found, _ = rivers.below(spill, sites, world.params["down_km"] * 1000, world.params["bank_m"])
    codes = [grid.codes[k] for k in found.tolist()]
    districts = sorted({str(grid.attributes[k].get("district", "")) for k in found.tolist()} - {""})
    return ",".join(codes[:12]), ",".join(districts), len(codes)


def features(minute: Minute, world: World) -> dict[str, tuple[int, float, int]]:
    """Gauges that reported: ms UTC, m, and the reservoir that each stands in."""
    gauges = minute.assets["reservoir"]
    level = gauges.values["reservoir_level"]
    out = {}
    for k in np.flatnonzero((gauges.t > 0) & np.isfinite(level) & np.isfinite(gauges.lon)).tolist():
        place = shapely.Point(gauges.lon[k], gauges.lat[k])
        lake = next((n for n, lake in enumerate(world.ready) if lake.shape.covers(place)), -1)
        if lake >= 0:
            out[gauges.ids[k]] = (int(gauges.t[k]), float(level[k]), lake)
    return out


def decide(minute: Minute, features: dict[str, tuple[int, float, int]], state: State, world: World) -> list[Said]:
    """Each gauge with a rate that can be believed; one that is doubted, or fell silent, stays as it was."""
    p, said = world.params, []
    _keep(features, state, minute.t - p["window_min"] * 60_000)
    rates = {g: _rate(kept, p["readings"], p["noise_m"]) for g, kept in state.seen.items()}
    for gauge, (_, level, number) in features.items():
        rate = rates.get(gauge)
        if rate is None or _doubted(gauge, rate, number, rates, features, p["twin_m_per_h"]):
            continue
        lake, rain = world.ready[number], _rain(minute, gauge, world)
        area = float(np.interp(level, lake.levels, lake.areas))
        inflow = rate * area
        if rate > 0:
            inflow += rain / 1000 * lake.catchment * p["runoff"]
        to_limit, to_crest = (_hours(level, mark, inflow, lake) for mark in (lake.limit, lake.crest))
        rank = _level(level, rate, to_limit, to_crest, lake, p["hours"], p["crest_h"])
        slack = 1.25 if gauge in state.stands else 1.0
        rank = rank or int(_level(level, rate, to_limit / slack, to_crest / slack, lake, p["hours"], p["crest_h"]) > 0)
        if rank == 0:
            if gauge in state.stands:
                state.stands.remove(gauge)
                said.append(Said(gauge, 0, value=level))
            continue
        if gauge not in state.stands:
            state.stands.append(gauge)
        facts: dict[str, float | str] = {
            "rise_m_per_h": round(rate, 2), "inflow_m3_s": float(round(inflow / 3600, 1)), "rain_mm": round(rain, 1),
            "grids_below": float(lake.below),
        }  # fmt: skip
        for name, hours in (("hours_to_limit", to_limit), ("hours_to_crest", to_crest)):
            if np.isfinite(hours):
                facts[name] = round(hours, 1)
        facts |= {name: v for name, v in (("grids", lake.grids), ("districts", lake.districts)) if v}
        said.append(Said(gauge, rank, value=level, facts=facts))
    return said


def _keep(features: dict[str, tuple[int, float, int]], state: State, since: int) -> None:
    for gauge, (t, level, _) in features.items():
        if gauge in state.seen or len(state.seen) < GAUGES:
            kept = state.seen.setdefault(gauge, [])
            if not kept or t > kept[-1][0]:
                kept.append((t, level))
    for gauge in list(state.seen):
        kept = [reading for reading in state.seen[gauge] if reading[0] > since][-KEPT:]
        if kept:
            state.seen[gauge] = kept
        else:
            del state.seen[gauge]


def _rate(kept: list[tuple[int, float]], readings: int, noise_m: float) -> float | None:
    """Median slope of all pairs, m/h; 0 for what waves can make; None: too few, or a gauge that is stuck."""
    if len(kept) < readings:
        return None
    t, level = np.array(kept).T
    if np.ptp(level[-int(readings) :]) == 0:
        return None
    a, b = np.triu_indices(len(t), 1)
    rate = float(np.median((level[b] - level[a]) / (t[b] - t[a]))) * HOUR_MS
    rise = rate * (t[-1] - t[0]) / HOUR_MS
    rest = level - rate * (t - t[0]) / HOUR_MS
    waves = 3 * float(np.median(np.abs(rest - np.median(rest))))
    return rate if abs(rise) > max(noise_m, waves) else 0.0


def _doubted(gauge: str, rate: float, lake: int, rates: dict[str, float | None],
             features: dict[str, tuple[int, float, int]], apart: float) -> bool:  # fmt: skip
    """Whether another gauge of the same water, heard in the same minute, says another rate (or is stuck)."""
    twins = [rates.get(g) for g, (_, _, n) in features.items() if n == lake and g != gauge]
    return any(abs((twin or 0.0) - rate) > apart for twin in twins)


def _rain(minute: Minute, gauge: str, world: World) -> float:
    """Mean of the last hour's rain of gauges near, mm; 0 where none reported."""
    rain, gauges = minute.assets["rain"], minute.assets["reservoir"]
    k = gauges.ids.index(gauge)
    x, y = world.metres.of(np.append(rain.lon, gauges.lon[k]), np.append(rain.lat, gauges.lat[k]))
    mm = rain.values.get("mm_1h", np.zeros(0))
    near = (np.hypot(x[:-1] - x[-1], y[:-1] - y[-1]) <= world.params["rain_km"] * 1000) & np.isfinite(mm)
    return float(mm[near].mean()) if near.any() else 0.0


def _hours(level: float, mark: float, inflow: float, lake: Lake) -> float:
    """Hours until the water (m³/h) fills what is left below a mark; 0 above it, infinite where nothing comes."""
    if level >= mark:
        return 0.0
    steps = np.linspace(level, mark, 41)
    volume = float(np.trapezoid(np.interp(steps, lake.levels, lake.areas), steps))
    return volume / inflow if inflow > 0 else float("inf")


def _level(level: float, rate: float, to_limit: float, to_crest: float, lake: Lake, hours: float, crest: float) -> int:
    if level >= lake.crest or to_crest <= crest / 2:
        return 4
    if to_crest <= crest or (rate > 0 and to_limit <= hours / 4):
        return 3
    if level >= lake.limit or to_limit <= hours / 2:
        return 2
    return 1 if to_limit <= hours else 0
