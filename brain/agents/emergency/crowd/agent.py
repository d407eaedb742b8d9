"""Density of a site by all its cameras, where it goes, and what moves to the exit and against it.

The map's layer ``site`` gives the premises as a polygon and optionally ``walk_m2`` (else the polygon's area),
``exit_lon`` and ``exit_lat``. Cameras are those that stand in it, and each is taken to see ground of its own: views
that overlap count twice. Counts know no direction: flow to the exit is what the cameras farther from it lose,
counter-flow what all together gain at the same time.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import numpy as np
import shapely
from numpy.typing import NDArray

from brain.agent_kit import Minute, Said, World

SITES = 200
"""Sites that are remembered, at most."""


class Site(msgspec.Struct):
    """Last count of each camera (ms UTC, people); minutes (ms UTC, all people, people far from the exit); level said;
    minutes in a row that another level was reached."""

    last: dict[str, tuple[int, float]] = {}
    minutes: list[tuple[int, float, float]] = []
    cameras: list[str] = []
    level: int = 0
    turned: int = 0


class State(msgspec.Struct):
    """Sites with cameras that counted, by code."""

    sites: dict[str, Site] = {}


class Place(NamedTuple):
    """Premises in degrees, ground in m², and the exit on the plane (NaN: none known)."""

    code: str
    shape: Any
    m2: float
    exit: NDArray[np.float64]


def prepare(world: World) -> list[Place]:
    """Sites that are polygons."""
    layer, out = world.layers["site"], []
    for code, shape, a in zip(layer.codes, layer.shapes, layer.attributes, strict=True):
        if shape.geom_type not in ("Polygon", "MultiPolygon"):
            continue
        walk, ends = a.get("walk_m2"), (a.get("exit_lon"), a.get("exit_lat"))
        own = float(world.on_plane(shape).area)
        known = all(isinstance(side, int | float) for side in ends)
        lon, lat = ends if known else (np.nan, np.nan)
        gate = np.concatenate(world.metres.of(np.array([lon], float), np.array([lat], float)))
        out.append(Place(code, shape, float(walk) if isinstance(walk, int | float) and walk > 0 else own, gate))
    return out


def features(minute: Minute, world: World) -> dict[str, dict[str, tuple[int, float]]]:
    """Counts of this minute, by site and camera."""
    seen = minute.assets["camera"]
    count, out = seen.values["person_count"], {}
    points = shapely.points(seen.lon, seen.lat)
    for place in world.ready:
        inside = shapely.covers(place.shape, points) & (seen.t > 0) & np.isfinite(count) & (count >= 0)
        mine = {seen.ids[k]: (int(seen.t[k]), float(count[k])) for k in np.flatnonzero(inside).tolist()}
        if mine:
            out[place.code] = mine
    return out


def decide(minute: Minute, features: dict[str, dict[str, tuple[int, float]]], state: State, world: World) -> list[Said]:
    """Each site with enough cameras; one whose cameras fell silent stays as it was."""
    p, said = world.params, list[Said]()
    standard = world.standards["crowd.walkway"]
    edition = int(standard.edition(np.array([minute.t], np.int64))[0])
    if edition < 0:
        return said
    table = standard.tables[edition]
    # a level begins below the space of the grade before its own
    space = [table.number(grade, "space_m2") for grade in ("C", "D", "E")]
    for place in world.ready:
        if place.code not in features or (place.code not in state.sites and len(state.sites) >= SITES):
            continue
        site = state.sites.setdefault(place.code, Site())
        site.last |= features[place.code]
        site.last = {c: v for c, v in sorted(site.last.items()) if v[0] > minute.t - p["fresh_min"] * 60_000}
        if len(site.last) < p["cameras"]:
            continue
        people, far = _people(place, site, minute, world)
        if site.cameras != list(site.last):  # another set of cameras is no trend
            site.cameras, site.minutes = list(site.last), []
        since = minute.t - p["window_min"] * 60_000
        site.minutes = [m for m in site.minutes if m[0] > since] + [(minute.t, people, far)]
        trend, leaving = _slopes(site.minutes)
        flow, counter = max(0.0, -leaving), max(0.0, trend)
        per_m2, limit = people / place.m2, 1 / space[2]
        left = max(0.0, (limit - per_m2) * place.m2 / trend) if trend > 0 else np.inf
        level = sum(per_m2 > 1 / one for one in space)
        if level == 0 and left <= p["ahead_min"]:
            level = 1
        against = flow >= p["counter"] and counter >= p["counter"]
        level = min(4, level + 1) if level and against else level
        site.turned = site.turned + 1 if level != site.level else 0
        if site.turned >= p["hold_min"]:
            site.level, site.turned = level, 0
            if level == 0:
                said.append(Said(place.code, 0, value=people))
        if site.level == 0:
            continue
        centre = place.shape.centroid
        facts: dict[str, float | str] = {
            "people": float(round(people)), "per_m2": round(per_m2, 2), "trend_per_min": float(round(trend)),
            "flow_per_min": float(round(flow)), "cameras": float(len(site.last)),
        }  # fmt: skip
        if np.isfinite(left):
            facts["minutes_to_limit"] = float(round(left))
        if against:
            facts["counter_flow_per_min"] = float(round(counter))
        said.append(Said(place.code, site.level, value=people, facts=facts, lon=centre.x, lat=centre.y))
    return said


def _people(place: Place, site: Site, minute: Minute, world: World) -> tuple[float, float]:
    """All people, and those at cameras that are farther from the exit than the middle one (0 without an exit)."""
    cameras = minute.assets["camera"]
    at = [cameras.ids.index(c) for c in site.last if c in cameras.ids]
    counts = np.array([site.last[cameras.ids[k]][1] for k in at])
    if np.isnan(place.exit).any() or not at:
        return float(counts.sum()), 0.0
    x, y = world.metres.of(cameras.lon[at], cameras.lat[at])
    away = np.hypot(x - place.exit[0], y - place.exit[1])
    return float(counts.sum()), float(counts[away > np.median(away) - 1e-6].sum())


def _slopes(minutes: list[tuple[int, float, float]]) -> tuple[float, float]:
    """Median slope of all pairs, people a minute: of all, and of those far from the exit; 0 from fewer than three."""
    if len(minutes) < 3:
        return 0.0, 0.0
    t, people, far = np.array(minutes).T
    a, b = np.triu_indices(len(t), 1)
    span = (t[b] - t[a]) / 60_000
    return float(np.median((people[b] - people[a]) / span)), float(np.median((far[b] - far[a]) / span))
