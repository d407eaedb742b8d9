"""The slow oracle of movement: one thing at a time, one position after another, in plain Python over shapely.

Which features cover a position is asked of GEOS, and in integers within a hair of a border; distances are GEOS's. No
code of the index or of the movement kernel is used; the rule is written down anew.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import shapely
from pyproj import Transformer

from bench.locate import oracle
from bench.network.tracks import Tracks
from geo.feature import Feature
from geo.movement import Movement

Zone = tuple[int, str]
"""Number of the layer, and code."""


class Said(NamedTuple):
    """One event: thing, time, kind (enter, leave, dwell), why (moved, silent, ended), zone, since, duration in ms."""

    thing: int
    t: int
    kind: str
    why: str
    zone: Zone
    since: int
    dwell: int


@dataclass
class Visit:
    """A thing in a zone."""

    since: int
    told: set[float] = field(default_factory=set)


class Replay:
    """Which features cover each position is worked out once; then any rule can be replayed."""

    def __init__(self, features: Sequence[Feature], layers: Sequence[str], overlapping: Sequence[str], epsg: int,
                 tracks: Tracks) -> None:  # fmt: skip
        """``features``: of all layers; those of ``layers`` are watched."""
        self.layers, self.overlapping, self.tracks = list(layers), set(overlapping), tracks
        self.features = [f for f in features if f.layer in layers]
        plane = Transformer.from_crs("EPSG:4490", f"EPSG:{epsg}", always_xy=True)
        shapes = np.array([f.shape for f in self.features], object)
        self.borders = shapely.boundary(shapely.transform(shapes, lambda at: np.column_stack(plane.transform(*at.T))))
        shapely.prepare(self.borders)
        self.versions: dict[Zone, list[int]] = {}
        for k, f in enumerate(self.features):
            self.versions.setdefault((self.layers.index(f.layer), f.code), []).append(k)
        x, y = plane.transform(tracks.lon, tracks.lat)
        self.at = shapely.points(x, y)
        there = np.flatnonzero(~np.isnan(tracks.lon) & ~np.isnan(tracks.lat))
        point, feature, _ = oracle.covering(shapes, tracks.lon[there], tracks.lat[there])
        self.covering: list[list[int]] = [[] for _ in range(len(tracks))]
        for row, k in zip(there[point].tolist(), feature.tolist(), strict=True):
            self.covering[row].append(k)
        self.rows: dict[int, list[int]] = {}
        for row, thing in enumerate(tracks.slot.tolist()):
            self.rows.setdefault(thing, []).append(row)

    def outcomes(self) -> dict[str, int]:
        """How many positions are taken, without place, late or repeated."""
        count = {"taken": 0, "no_position": 0, "late": 0, "repeated": 0, "no_edition": 0}
        for rows in self.rows.values():
            last = -1
            for row in rows:
                t = int(self.tracks.t[row])
                if math.isnan(self.tracks.lon[row]):
                    count["no_position"] += 1
                elif t <= last:
                    count["late" if t < last else "repeated"] += 1
                else:
                    count["taken"] += 1
                    last = t
        return count

    def events(self, rule: Movement) -> dict[int, list[Said]]:
        """What each thing did, in order."""
        return {thing: self._one(thing, rows, rule) for thing, rows in self.rows.items()}

    def _one(self, thing: int, rows: list[int], rule: Movement) -> list[Said]:
        said: list[Said] = []
        visits: dict[Zone, Visit] = {}
        last: int | None = None
        for row in rows:
            t = int(self.tracks.t[row])
            if math.isnan(self.tracks.lon[row]) or math.isnan(self.tracks.lat[row]) or (last is not None and t <= last):
                continue
            if last is not None and rule.max_gap_s is not None and t - last > rule.max_gap_s * 1000:
                said += [
                    Said(thing, last, "leave", "silent", z, v.since, 0) for z, v in sorted(visits.items(), key=_zone)
                ]
                visits.clear()
            last = t
            stated = float(self.tracks.accuracy[row])
            radius = stated if stated >= 0 else rule.accuracy_m
            inside = self._inside(row, t)
            for zone, visit in sorted(visits.items(), key=_zone):
                now = [k for k in self.versions[zone] if self.features[k].since <= t < self.features[k].until]
                if not now or (zone not in inside and self._away(row, now[0]) > rule.exit_m + radius):
                    said.append(Said(thing, t, "leave", "moved" if now else "ended", zone, visit.since, 0))
                    del visits[zone]
                    inside.pop(zone, None)
                    continue
                for seconds in rule.dwell_s:
                    if t - visit.since >= seconds * 1000 and seconds not in visit.told:
                        visit.told.add(seconds)
                        said.append(Said(thing, t, "dwell", "moved", zone, visit.since, round(seconds * 1000)))
            for zone, k in sorted(inside.items()):
                if zone not in visits and self._away(row, k) > rule.entry_m + radius:
                    visits[zone] = Visit(t)
                    said.append(Said(thing, t, "enter", "moved", zone, t, 0))
        return said

    def _inside(self, row: int, t: int) -> dict[Zone, int]:
        """Zones that have the position, with the feature in force: all where they overlap, else the one owner."""
        found: dict[Zone, int] = {}
        owner: dict[int, Zone] = {}
        for k in self.covering[row]:
            f = self.features[k]
            if not f.since <= t < f.until:
                continue
            zone = (self.layers.index(f.layer), f.code)
            if f.layer not in self.overlapping:
                other = owner.get(zone[0])
                if other is not None and other < zone:
                    continue
                if other is not None:
                    del found[other]
                owner[zone[0]] = zone
            found[zone] = k
        return found

    def _away(self, row: int, feature: int) -> float:
        return float(shapely.distance(self.borders[feature], self.at[row]))


def _zone(item: tuple[Zone, Any]) -> Zone:
    return item[0]
