"""Distances are measured on the city's plane, each record by itself; the state remembers stops and what was crossed."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from brain.agent_kit import Rows, Verdict, World

STATE = np.dtype([("still", "i8"), ("zone", "i4"), ("off", "u1"), ("stopped", "u1"), ("fast", "u1"), ("near", "u1"),
                  ("x", "f8"), ("y", "f8"), ("t", "i8")])  # fmt: skip
"""``still``: since when it stands in a no-stop zone, ms; ``zone``: its number plus one; the last place and its time."""


class Ground(NamedTuple):
    """What it measures against, in metres; None where the map has none of it."""

    route: Any
    zones: shapely.STRtree
    zone_codes: list[str]
    sites: shapely.STRtree
    site_codes: list[str]
    site_kinds: list[str]


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
        shapely.STRtree([plane(risk.shapes[k]) for k in zones]), [risk.codes[k] for k in zones],
        shapely.STRtree([plane(sites.shapes[k]) for k in fenced]), [sites.codes[k] for k in fenced],
        [str(sites.attributes[k]["kind"]) for k in fenced],
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
    if len(ground.zone_codes) and len(known):
        of, which = ground.zones.query(points, predicate="intersects")
        for i, k in sorted(zip(of.tolist(), which.tolist(), strict=True), reverse=True):
            zone[known[i]] = k  # of several, that of the lowest code
    if len(ground.site_codes) and len(known):
        (of, which), away = ground.sites.query_nearest(points, return_distance=True, all_matches=True)
        for i, k, metres in sorted(zip(of.tolist(), which.tolist(), away.tolist(), strict=True), reverse=True):
            site[known[i]], far[known[i]] = k, metres
    return {"x": x, "y": y, "off": off, "zone": zone, "site": site, "far": far, "speed": rows.values["speed"]}


def decide(rows: Rows, features: dict[str, NDArray[Any]], state: NDArray[Any], world: World) -> Verdict:
    """Each record after the one before it of the same vehicle."""
    p, ground, n = world.params, world.ready, len(rows)
    level = {name: np.full(n, -1, np.int8) for name in ("off_route", "stopped", "speed", "near_site")}
    stood, away = np.full(n, np.nan), np.full(n, np.nan)
    for i, a in enumerate(rows.asset.tolist()):
        s, v = state[a], features["speed"][i]
        if np.isfinite(v):
            fast = v > p["limit_kmh"] or (bool(s["fast"]) and v > p["limit_kmh"] - 3)
            s["fast"] = fast
            level["speed"][i] = 0 if not fast else 3 if v > p["limit_kmh"] + p["over_kmh"] else 2
        if not np.isfinite(features["x"][i]):
            continue
        off = features["off"][i]
        if np.isfinite(off):
            s["off"] = off > (p["off_m"] - p["buffer_m"] if s["off"] else p["off_m"])
            level["off_route"][i] = 2 if s["off"] else 0
        level["stopped"][i], stood[i] = _stop(s, int(rows.t[i]), v, int(features["zone"][i]), p)
        level["near_site"][i], away[i] = _approach(s, i, features, rows.t, p)
        s["x"], s["y"], s["t"] = features["x"][i], features["y"][i], rows.t[i]
    zone = np.array([ground.zone_codes[k] if k >= 0 else "" for k in features["zone"]], "U200")
    site = np.array([ground.site_codes[k] if k >= 0 else "" for k in features["site"]], "U200")
    kind = np.array([ground.site_kinds[k] if k >= 0 else "" for k in features["site"]], "U200")
    facts = {
        "off_m": np.round(features["off"]), "speed_kmh": features["speed"], "zone": zone, "stopped_s": stood,
        "site": site, "site_kind": kind, "site_m": np.round(features["far"]), "seconds_away": np.round(away),
    }  # fmt: skip
    value = {"off_route": features["off"], "stopped": stood, "speed": features["speed"], "near_site": features["far"]}
    return Verdict(level, value, facts=facts)


def _stop(s: Any, t: int, v: float, zone: int, p: Any) -> tuple[int, float]:
    """Standing in a no-stop zone: the level, and for how many seconds."""
    if zone < 0 or (np.isfinite(v) and v > p["still_kmh"]):
        s["still"], s["zone"], s["stopped"] = 0, 0, 0
        return 0, np.nan
    if not np.isfinite(v):
        return -1, np.nan
    if not s["still"]:
        s["still"], s["zone"] = t, zone + 1
    seconds = (t - int(s["still"])) / 1000
    s["stopped"] = seconds >= p["stop_s"]
    return (3 if s["stopped"] else 0), seconds


def _approach(s: Any, i: int, f: dict[str, NDArray[Any]], t: NDArray[np.int64], p: Any) -> tuple[int, float]:
    """The moving fence: a site within it, or ahead and reached within ``ahead_s`` at the speed of approach."""
    far, x, y = f["far"][i], f["x"][i], f["y"][i]
    if not np.isfinite(far):
        return 0, np.nan
    seconds = (int(t[i]) - int(s["t"])) / 1000
    v = f["speed"][i]
    moved = np.hypot(x - s["x"], y - s["y"]) if s["t"] and 0 < seconds <= 600 else 0.0
    pace = min(moved / seconds, 45.0) if moved else 0.0
    pace = pace if not np.isfinite(v) else min(pace, v / 3.6) if moved else 0.0
    reach = p["fence_m"] + pace * p["ahead_s"]
    if s["near"]:
        reach += p["buffer_m"]
    s["near"] = far <= reach
    away = max(far - p["fence_m"], 0.0) / pace if pace > 0.1 else np.nan
    return (0 if not s["near"] else 3 if far <= p["fence_m"] else 2), away
