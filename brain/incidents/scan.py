"""Space-time scans 时空扫描 of tickets: once a period, where and since when more came than place and time explain.

Lanes of tickets say once a minute how many came in which area; here they are added up by period, and each period that
has ended is scanned. The permutations' seed follows from scenario and period, so every run finds the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

import msgspec
import numpy as np
from scipy.spatial import cKDTree

from brain.scenario import Scenario
from geo.grid_map import GRID, GridMap
from geo.metres import Metres
from models.detector import F8
from models.scan import SpaceTimeScan
from streams.records import Summary

STATE, NEXT = b"scan/c/", b"scan/n/"
CITY_DAY_MS = 8 * 3_600_000
"""Periods of a day begin at midnight in the city, UTC+8 北京时间."""
CASES_MOST = 10_000
"""Cases that a scan permutes: of a city with more the oldest periods are left out."""
WORK_MOST = 100_000_000
"""Steps of one scan (circles x spans x permutations): about a second, in which the city task does nothing else."""
NAMED = 20
"""Areas of a cluster that its text names, the nearest to its middle."""


class Found(NamedTuple):
    """One cluster: areas by distance from the centre, which is the first; cases, and what was due; periods that it
    lasts; recurrence interval in periods."""

    areas: tuple[str, ...]
    observed: int
    expected: float
    periods: int
    recurrence: float

    def text(self) -> str:
        """For people: how many came and were due, in how many periods, and where."""
        more = f" +{len(self.areas) - NAMED}" if len(self.areas) > NAMED else ""
        return f"{self.observed} (~{self.expected:.1f}) / {self.periods}: {', '.join(self.areas[:NAMED])}{more}"


class Scans:
    """The counts of all scans of a set, by period and area. No clock: time comes with summaries."""

    def __init__(self) -> None:
        self._scenarios: dict[str, Scenario] = {}
        self._sites: dict[str, dict[str, tuple[float, float]]] = {}
        self._counts: dict[str, dict[int, dict[str, int]]] = {}
        self._next: dict[str, int] = {}
        self._changed: dict[bytes, bytes | None] = {}

    def load(self, key: bytes, value: bytes) -> bool:
        """Take one item of the state; False where it is not ours."""
        if key.startswith(STATE):
            name, _, end = key[len(STATE) :].decode().rpartition("/")
            self._counts.setdefault(name, {})[int(end)] = msgspec.msgpack.decode(value, type=dict[str, int])
        elif key.startswith(NEXT):
            self._next[key[len(NEXT) :].decode()] = int(value)
        else:
            return False
        return True

    def enter(self, scenarios: Mapping[str, Scenario], city_map: GridMap | None) -> None:
        """A set comes into force; counts of scenarios that it lacks are forgotten.

        Raises ValueError of a scan that would take too long: its circles hold too many areas for its settings.
        """
        sites = {}
        if city_map is not None:
            sites = {name: places(city_map, s.detect.by or "grid") for name, s in scenarios.items()}
        for name, s in scenarios.items():
            _bounded(s, sites[name])
        self._scenarios, self._sites = dict(scenarios), sites
        for name in [name for name in {*self._counts, *self._next} if name not in scenarios]:
            for end in self._counts.pop(name, {}):
                self._changed[_key(name, end)] = None
            if self._next.pop(name, None) is not None:
                self._changed[NEXT + name.encode()] = None

    def summary(self, summary: Summary) -> bool:
        """Add what a lane counted in a minute; False where the period had been scanned before it came."""
        s = self._scenarios[summary.name]
        end = period_end(summary.t, s)
        if end < self._next.get(s.id, end):
            return False
        counts = self._counts.setdefault(s.id, {}).setdefault(end, {})
        for area, n in zip(summary.keys, summary.column("n").tolist(), strict=True):
            counts[area] = counts.get(area, 0) + int(n)
        self._changed[_key(s.id, end)] = msgspec.msgpack.encode(dict(sorted(counts.items())))
        if s.id not in self._next:
            self._due(s.id, end)
        return True

    def due(self) -> int | None:
        """When the next period can be scanned, fold time."""
        return min(self._next.values()) + 1 if self._next else None

    def fire(self, now: int) -> dict[str, list[Found]]:
        """Scan the periods that ended just before ``now``: scenario to its clusters, highest ratio first."""
        return {name: self._scan(self._scenarios[name], now - 1) for name in sorted(self._next)
                if self._next[name] == now - 1}  # fmt: skip

    def changes(self) -> dict[bytes, bytes | None]:
        """State since the last call."""
        out, self._changed = self._changed, {}
        return out

    def site(self, name: str, area: str) -> tuple[float, float] | None:
        """Middle of an area of a scan; None where the map in force has no such area."""
        return self._sites[name].get(area)

    # -- how

    def _scan(self, s: Scenario, end: int) -> list[Found]:
        step = round((s.detect.every_s or 0.0) * 1000)
        ends = [end - k * step for k in range(s.detect.periods)][::-1]
        counts = self._counts.get(s.id, {})
        for old in [e for e in counts if e < ends[0]]:
            del counts[old]
            self._changed[_key(s.id, old)] = None
        self._due(s.id, end + step if counts else None)
        while len(ends) > 1 and sum(sum(counts.get(e, {}).values()) for e in ends) > CASES_MOST:
            ends = ends[1:]
        sites = self._sites[s.id]
        areas = sorted({area for e in ends for area in counts.get(e, {}) if area in sites})
        if not areas:
            return []
        table = np.array([[counts.get(e, {}).get(area, 0) for e in ends] for area in areas], np.int64)
        model = scan_of(s, end)
        found = model.scan(_plane([sites[area] for area in areas]), table)
        return [
            Found(tuple(areas[k] for k in c.sites), c.observed, c.expected, c.days, c.recurrence_days) for c in found
        ]

    def _due(self, name: str, end: int | None) -> None:
        if end is None:
            self._next.pop(name, None)
            self._changed[NEXT + name.encode()] = None
        else:
            self._next[name] = end
            self._changed[NEXT + name.encode()] = str(end).encode()


def scan_of(s: Scenario, end: int) -> SpaceTimeScan:
    """The model for one period of a scenario: its seed is theirs. Raises ValueError and TypeError of wrong settings."""
    seed = int.from_bytes(hashlib.blake2b(f"{s.id}|{end}".encode(), digest_size=6).digest(), "little")
    return SpaceTimeScan(**s.detect.settings, seed=seed)


def period_end(t: int, s: Scenario) -> int:
    """End of the period of a scenario in which a minute that ended at ``t`` lies, ms."""
    step = round((s.detect.every_s or 0.0) * 1000)
    return -((-t - CITY_DAY_MS) // step) * step - CITY_DAY_MS


def places(city_map: GridMap, by: str) -> dict[str, tuple[float, float]]:
    """Middle of each area (grid, town or district) in degrees: the mean of its grids' centroids."""
    names = {"grid": city_map.codes, "town": city_map.towns, "district": city_map.districts}[by]
    sums: dict[str, list[float]] = {}
    for name, feature in zip(names, city_map.map.features(GRID), strict=True):
        middle = feature.shape.centroid
        one = sums.setdefault(name, [0.0, 0.0, 0.0])
        one[0], one[1], one[2] = one[0] + middle.x, one[1] + middle.y, one[2] + 1
    return {name: (x / n, y / n) for name, (x, y, n) in sums.items()}


def _plane(sites: list[tuple[float, float]]) -> F8:
    lon, lat = (np.array(side) for side in zip(*sites, strict=True))
    return np.column_stack(Metres.around(float(np.median(lon))).of(lon, lat))


def _bounded(s: Scenario, sites: Mapping[str, tuple[float, float]]) -> None:
    model = scan_of(s, 0)
    tree = cKDTree(_plane(list(sites.values())))
    pairs = int(tree.count_neighbors(tree, model.radius))
    work = pairs * min(model.days, s.detect.periods) * (model.replicates + 1)
    if work > WORK_MOST:
        raise ValueError(
            f"{s.id}: a scan of {len(sites)} areas within {model.radius:g} m would take {work:,} steps, at most "
            f"{WORK_MOST:,}: take a smaller radius, fewer days or replicates, or towns"
        )


def _key(name: str, end: int) -> bytes:
    return STATE + f"{name}/{end}".encode()
