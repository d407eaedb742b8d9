"""A station's excess is over its own usual, over its neighbours upwind and over the city; sites compete to explain it.

A haze raises the neighbours upwind as well, and a drifting station has no other that agrees. Needs wind over the calm
and a neighbour upwind; knows only sites of the map. What is always there is a station's usual, and no rise.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from brain.agent_kit import Minute, Said, World

F8 = NDArray[np.float64]
MINUTE_MS = 60_000
USUAL_MIN, WARM = 24 * 60.0, 3
"""Time constant of a station's usual difference from the city, minutes; readings before it has one."""
NEAR_M = 1_000.0
"""Distance at which a plume has half of what it has at its source: a rule of thumb, for the order of sites only."""
LEAST = 5
"""Stations with fresh readings, below which there is no city to compare with."""
CLEAR = 0.5
"""Share of the param ``excess`` below which a station is over it no longer."""
SWITCH = 1.2
"""How much better another site must explain it before the source is changed."""


class Station(msgspec.Struct, array_like=True):
    """Last value and time of an air station, its usual difference from the city's median, and readings so far."""

    value: float
    t: int
    usual: float = 0.0
    n: int = 0
    over: bool = False


class Wind(msgspec.Struct, array_like=True):
    """Last wind of a station: m/s, degrees where it comes from, ms UTC."""

    speed: float
    direction: float
    t: int


class State(msgspec.Struct):
    """Stations by id, and the sources that stand: site → since when, ms UTC. No more than assets and sites."""

    air: dict[str, Station] = {}
    wind: dict[str, Wind] = {}
    sources: dict[str, int] = {}


class Sites(NamedTuple):
    """Candidates on the plane, by code."""

    x: F8
    y: F8
    codes: list[str]
    kinds: list[str]


class Plane(NamedTuple):
    """Stations that speak now: places, excess (n,) µg/m3 with NaN where nothing is upwind, and the wind at each."""

    ids: list[str]
    x: F8
    y: F8
    excess: F8
    speed: F8
    direction: F8


def prepare(world: World) -> Sites:
    """Sites of the kinds that emit, each at its middle."""
    layer, kinds = world.layers["site"], {kind.strip() for kind in world.params["site_kinds"].split(",")}
    some = [k for k, a in enumerate(layer.attributes) if a.get("kind") in kinds]
    middles = [layer.shapes[k].centroid for k in some]
    x, y = world.metres.of(np.array([m.x for m in middles], float), np.array([m.y for m in middles], float))
    return Sites(x, y, [layer.codes[k] for k in some], [str(layer.attributes[k]["kind"]) for k in some])


def features(minute: Minute, world: World) -> dict[str, dict[str, tuple[F8, F8]]]:
    """Places of all stations on the plane."""
    return {
        kind: dict(zip(assets.ids, zip(*world.metres.of(assets.lon, assets.lat), strict=True), strict=True))
        for kind, assets in minute.assets.items()
    }


def decide(minute: Minute, features: dict[str, dict[str, Any]], state: State, world: World) -> list[Said]:
    """What stands goes on while its stations are over; a new source needs wind and stations that agree."""
    p = world.params
    old = minute.t - p["age_min"] * MINUTE_MS
    fresh = _hear(minute, state, old)
    known = [id for id, s in sorted(state.air.items()) if s.t > old and np.isfinite(features["air"][id]).all()]
    if len(known) < LEAST:
        return _end(state, set())
    plane = _plane(known, features, state, p)
    _judge(plane, fresh, state, p)
    over = np.array([state.air[id].over for id in known])
    found, kept = _sources(plane, over, state, world)
    said = []
    for site, facts, at in found:
        since = state.sources.setdefault(site, minute.t)
        x, y = (np.array([side[at]]) for side in (world.ready.x, world.ready.y))
        lon, lat = (float(side[0]) for side in world.metres.degrees(x, y))
        excess, confidence = float(facts["excess"]), float(facts["confidence"])
        level = 3 if excess >= 3 * p["excess"] else 2
        said.append(Said(site, level, value=excess, score=confidence, lon=lon, lat=lat,
                         onset=since, facts=facts))  # fmt: skip
    return said + _end(state, kept)


def _hear(minute: Minute, state: State, old: float) -> set[str]:
    """Take what was reported; answers the air stations among it."""
    air, wind, fresh = minute.assets["air"], minute.assets["wind"], set()
    for k in np.flatnonzero(air.t).tolist():
        value = float(air.values["pm25"][k])
        if np.isfinite(value) and value >= 0:
            station = state.air.setdefault(air.ids[k], Station(value, 0))
            station.value, station.t = value, int(air.t[k])
            fresh.add(air.ids[k])
    for k in np.flatnonzero(wind.t).tolist():
        speed, direction = float(wind.values["wind_speed"][k]), float(wind.values["wind_direction"][k])
        if np.isfinite(speed) and np.isfinite(direction):
            state.wind[wind.ids[k]] = Wind(speed, direction, int(wind.t[k]))
    for stations, ids in ((state.air, set(air.ids)), (state.wind, set(wind.ids))):
        for id in [id for id in stations if id not in ids]:
            del stations[id]
    for id in [id for id, w in state.wind.items() if w.t <= old]:
        del state.wind[id]
    return fresh


def _plane(known: list[str], features: dict[str, dict[str, Any]], state: State, p: Any) -> Plane:
    x, y = np.array([features["air"][id] for id in known], float).T
    speed, direction = _winds(x, y, features["wind"], state)
    value = np.array([state.air[id].value for id in known])
    own = value - np.array([state.air[id].usual for id in known])
    east, north = x[None, :] - x[:, None], y[None, :] - y[:, None]  # from station i to station j
    away = np.hypot(east, north)
    turn = _turn(np.degrees(np.arctan2(east, north)), direction[:, None])
    upwind = (away > 0) & (away <= p["reach_m"]) & (turn <= p["upwind_deg"])
    blows, city = speed >= p["calm_ms"], float(np.median(own))
    excess = np.full(len(known), np.nan)
    for i in np.flatnonzero(blows & upwind.any(axis=1)).tolist():
        # A quarter of the neighbours may lie in the plume as well.
        before = float(np.quantile(own[upwind[i]], 0.25, method="lower"))
        excess[i] = own[i] - max(before, city)
    return Plane(known, x, y, excess, speed, direction)


def _winds(x: F8, y: F8, places: dict[str, Any], state: State) -> tuple[F8, F8]:
    """Wind of the nearest station at each place; speed 0 where none is known."""
    ids = [id for id in sorted(state.wind) if id in places and np.isfinite(places[id]).all()]
    if not ids:
        return np.zeros(len(x)), np.zeros(len(x))
    wx, wy = np.array([places[id] for id in ids], float).T
    nearest = np.argmin(np.hypot(wx[None, :] - x[:, None], wy[None, :] - y[:, None]), axis=1)
    speed, direction = np.array([[state.wind[id].speed, state.wind[id].direction] for id in ids]).T
    return speed[nearest], direction[nearest]


def _judge(plane: Plane, fresh: set[str], state: State, p: Any) -> None:
    """Whether each station is over; its usual is learnt from readings that are not."""
    city = float(np.median([state.air[id].value for id in plane.ids]))
    for id, excess in zip(plane.ids, plane.excess.tolist(), strict=True):
        s = state.air[id]
        if np.isfinite(excess):
            s.over = s.n >= WARM and excess >= p["excess"] * (CLEAR if s.over else 1.0)
        if id in fresh and not s.over:
            away = s.value - city
            # A reading of 15 minutes weighs a hundredth of a day; the first few weigh alike.
            s.usual += max(1 / (s.n + 1) if s.n < WARM else 0.0, 15 / USUAL_MIN) * (away - s.usual)
            s.n = min(s.n + 1, WARM)


def _sources(
    plane: Plane, over: NDArray[np.bool_], state: State, world: World
) -> tuple[list[tuple[str, dict[str, float | str], int]], set[str]]:  # fmt: skip
    """Sites with what is said of them, best first; and those that stand on, since nothing can be said of them now."""
    p, sites = world.params, world.ready
    excess = np.where(np.isfinite(plane.excess), np.maximum(plane.excess, 0), 0.0)
    fits: dict[int, tuple[float, F8]] = {}
    kept = set()
    for k, code in enumerate(sites.codes):
        east, north = sites.x[k] - plane.x, sites.y[k] - plane.y  # from the station to the site
        away = np.hypot(east, north)
        near = away <= p["reach_m"]
        stands = code in state.sources
        if stands and over[near].any() and not (np.isfinite(plane.excess) & over & near).any():
            kept.add(code)  # calm, or no neighbour upwind: still over, and nothing more is known
        turn = _turn(np.degrees(np.arctan2(east, north)), plane.direction)
        heard = near & np.isfinite(plane.excess)
        inside = np.where(heard, np.exp(-0.5 * (turn / p["sector_deg"]) ** 2), 0.0)
        weight, seen = inside / (1 + away / NEAR_M), np.where(heard, excess, 0.0)
        size = float(weight @ weight) * float(seen @ seen)
        if size > 0:
            # Of the excess around the site: how alike its plume's is in shape, times how much lies in its sector.
            fit = float(weight @ seen) ** 2 / size * float(inside @ seen) / float(seen.sum())
            fits[k] = (fit, np.where(turn <= 2 * p["sector_deg"], away, np.inf))
    every = sum(fit**4 for fit, _ in fits.values())
    rank = {k: fit * (SWITCH if sites.codes[k] in state.sources else 1.0) for k, (fit, _) in fits.items()}
    free, out = over & np.isfinite(plane.excess), []
    for k in sorted(fits, key=lambda k: (-rank[k], sites.codes[k])):
        fit, away = fits[k]
        mine = np.flatnonzero(free & (away <= p["reach_m"]))
        if len(mine) < p["stations"] or fit < p["fit"] * (CLEAR if sites.codes[k] in state.sources else 1.0):
            continue
        free[mine] = False
        at = int(mine[np.argmax(excess[mine])])
        bearing = np.degrees(np.arctan2(sites.x[k] - plane.x[at], sites.y[k] - plane.y[at])) % 360
        facts: dict[str, float | str] = {
            "source_site": sites.codes[k], "site_kind": sites.kinds[k], "bearing": float(round(bearing)) % 360,
            "distance_m": float(round(away[at], -1)), "excess": float(5 * round(excess[at] / 5)),
            "confidence": round(fit**5 / every, 1), "station": plane.ids[at], "stations": float(len(mine)),
            "wind_from": float(10 * round(plane.direction[at] / 10) % 360),
        }  # fmt: skip
        out.append((sites.codes[k], facts, k))
    return out, kept | {code for code, _, _ in out}


def _end(state: State, kept: set[str]) -> list[Said]:
    over = [site for site in sorted(state.sources) if site not in kept]
    for site in over:
        del state.sources[site]
    return [Said(site, 0) for site in over]


def _turn(a: F8, b: F8) -> F8:
    """Degrees between two directions, 0 to 180."""
    return np.abs((a - b + 180) % 360 - 180)
