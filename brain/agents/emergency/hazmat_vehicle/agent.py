"""Distances are measured on the city's plane, each record by itself; the state remembers stops and what was crossed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from brain.agent_kit import Rows, Verdict, World
from brain.agent_kit.columns import numbers
from brain.agents.emergency.hazmat_vehicle import kernel
from brain.agents.emergency.hazmat_vehicle.kernel import STATE

__all__ = ["COMPILED", "STATE", "decide", "features", "prepare"]
COMPILED = True


class Ground(NamedTuple):
    """What it measures against, in metres; None where the map has none of it."""

    route: Any
    zones: shapely.STRtree
    zone_codes: NDArray[np.str_]
    sites: shapely.STRtree
    site_codes: NDArray[np.str_]
    site_kinds: NDArray[np.str_]


def prepare(world: World) -> Ground:
    """Roads, zones and sites on the plane."""
    plane = world.on_plane
    roads, risk, sites = world.layers["road"], world.layers["risk"], world.layers["site"]
    route = [plane(s) for s, a in zip(roads.shapes, roads.attributes, strict=True) if a.get(world.params["route"])]
    zones = [k for k, a in enumerate(risk.attributes) if a.get("kind") == world.params["no_stop"]]
    kinds = {kind.strip() for kind in world.params["site_kinds"].split(",")}
    fenced = [k for k, a in enumerate(sites.attributes) if a.get("kind") in kinds]
    return Ground(
        shapely.union_all(route) if route else None,
        shapely.STRtree([plane(risk.shapes[k]) for k in zones]), _named(risk.codes[k] for k in zones),
        shapely.STRtree([plane(sites.shapes[k]) for k in fenced]), _named(sites.codes[k] for k in fenced),
        _named(str(sites.attributes[k]["kind"]) for k in fenced),
    )  # fmt: skip


def features(rows: Rows, world: World) -> dict[str, NDArray[Any]]:
    """By record: place on the plane, metres off the route, number of the no-stop zone, nearest site and how far."""
    ground: Ground = world.ready
    x, y = world.metres.of(rows.lon, rows.lat)
    known = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    points = shapely.points(x[known], y[known])
    n = len(rows)
    off, zone, site, far = np.full(n, np.nan), np.full(n, -1), np.full(n, -1), np.full(n, np.nan)
    if ground.route is not None:
        off[known] = shapely.distance(points, ground.route)
    if len(ground.zones) and len(known):
        of, which = ground.zones.query(points, predicate="intersects")
        for i, k in sorted(zip(of.tolist(), which.tolist(), strict=True), reverse=True):
            zone[known[i]] = k  # of several, that of the lowest code
    if len(ground.sites) and len(known):
        (of, which), away = ground.sites.query_nearest(points, return_distance=True, all_matches=True)
        for i, k, metres in sorted(zip(of.tolist(), which.tolist(), away.tolist(), strict=True), reverse=True):
            site[known[i]], far[known[i]] = k, metres
    return {"x": x, "y": y, "off": off, "zone": zone, "site": site, "far": far, "speed": rows.values["speed"]}


def decide(rows: Rows, features: dict[str, NDArray[Any]], state: NDArray[Any], world: World) -> Verdict:
    """Each record after the one before it of the same vehicle."""
    ground: Ground = world.ready
    x, y, speed, far = (features[name] for name in ("x", "y", "speed", "far"))
    seconds, was_x, was_y = kernel.before(rows.asset, rows.t, x, y, state)
    moved = np.hypot(x - was_x, y - was_y)
    told = kernel.Told.nothing(len(rows))
    kernel.judge(
        rows.asset, rows.t, x, y, speed, features["off"], features["zone"], far, seconds, moved, state,
        numbers(kernel.Params, world.params), told,
    )  # fmt: skip
    zone, site = features["zone"], features["site"]
    facts = {
        "off_m": np.round(features["off"]), "speed_kmh": speed, "zone": ground.zone_codes[zone],
        "stopped_s": told.stood, "site": ground.site_codes[site], "site_kind": ground.site_kinds[site],
        "site_m": np.round(far), "seconds_away": np.round(told.away),
    }  # fmt: skip
    level = {"off_route": told.off_route, "stopped": told.stopped, "speed": told.speed, "near_site": told.near_site}
    value = {"off_route": features["off"], "stopped": told.stood, "speed": speed, "near_site": far}
    return Verdict(level, value, facts=facts)


def _named(codes: Iterable[str]) -> NDArray[np.str_]:
    """Codes by number; -1 is none."""
    return np.array([*codes, ""])
