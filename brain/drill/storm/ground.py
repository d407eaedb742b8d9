"""Where it happens: spots of the sample city with sensors around them, its borders, storm cells that move over it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import shapely

from brain.drill.city import City, make_city
from brain.drill.city.terrain import degrees, plane, stream
from brain.drill.storm.kinds import FAMILIES, IOT, VIDEO, Kind
from brain.drill.storm.model import Asset, Size, Spot
from geo.grid_map import GridMap, Where

Draw = np.random.Generator
MINUTE, HOUR = 60_000, 3_600_000
GAP_MS = 1_000
"""Between two alarms of one sensor, at least."""
APART = 350.0
"""Metres between two spots, at least."""
NEAR, BUILDING = (15.0, 190.0), (3.0, 55.0)
"""Metres of a sensor from the middle of its spot; of one of a never-hidden class, which are in or at one building."""
EQUIPPED = 0.5
"""Share of the families that a spot has sensors of."""


@dataclass(frozen=True)
class Cell:
    """A storm cell: a disc of ``radius`` metres that moves at ``speed`` (m/s east, north) from ``begin`` to ``end``."""

    begin: int
    end: int
    x: float
    y: float
    speed: tuple[float, float]
    radius: float

    def at(self, t: int) -> tuple[float, float]:
        """Its middle."""
        passed = (t - self.begin) / 1000
        return self.x + self.speed[0] * passed, self.y + self.speed[1] * passed

    def covers(self, x: float, y: float, t: int, share: float = 1.0) -> bool:
        """Whether a place lies in it, or in this share of its radius."""
        if not self.begin <= t <= self.end:
            return False
        cx, cy = self.at(t)
        return bool(np.hypot(x - cx, y - cy) <= share * self.radius)

    def span(self, x: float, y: float) -> tuple[int, int] | None:
        """When it reaches a place and when it has left it, to ten seconds; None where it passes by."""
        times = np.arange(self.begin, self.end, 10_000)
        passed = (times - self.begin) / 1000
        away = np.hypot(x - self.x - self.speed[0] * passed, y - self.y - self.speed[1] * passed)
        inside = np.flatnonzero(away <= self.radius)
        return None if not len(inside) else (int(times[inside[0]]), int(times[inside[-1]]))


class Ground:
    """The city of a seed as a storm needs it. Spots are added while truths are planned, sensors when asked for."""

    def __init__(self, seed: int, size: Size, start: int, city: City | None = None) -> None:
        """Over the city of the same seed, or another one."""
        self.seed, self.size = seed, size
        self.start, self.end = start, start + round(size.hours * HOUR)
        self.city = city or make_city(seed, size.city)
        self.map = GridMap.of_map(self.city.map)
        self.spots: list[Spot] = []
        self._assets: dict[tuple[int, str], list[Asset]] = {}
        self._labels = stream(seed, "storm.labels").permutation(10_000).tolist()
        self._free = stream(seed, "storm.sites").permutation(len(self.city.sites.lon)).tolist()
        self._x, self._y = plane(self.city.sites.lon, self.city.sites.lat)

    # -- places

    def located(self, x: Any, y: Any) -> list[Where]:
        """What (n,) plane positions lie in."""
        lon, lat = degrees(np.asarray(x, np.float64), np.asarray(y, np.float64))
        return [self.map.where(row) for row in self.map.map.locate(lon, lat)]

    def on_land(self, x: float, y: float) -> bool:
        """Whether a place and what is 200 m around it lie in grids."""
        away = np.array([[0, 0], [200, 0], [-200, 0], [0, 200], [0, -200]], np.float64)
        return all(w.grid for w in self.located(x + away[:, 0], y + away[:, 1]))

    def add(self, x: float, y: float, name: str = "") -> Spot:
        """A new spot."""
        label = f"{self._labels[len(self.spots)]:04d}"
        spot = Spot(len(self.spots), label, float(x), float(y), name or f"{label}号点位")
        self.spots.append(spot)
        return spot

    def site(self) -> tuple[float, float, str]:
        """Place and name of one of the city's key sites that no spot is near. Raises ValueError when none is left."""
        while self._free:
            k = self._free.pop()
            x, y = float(self._x[k]), float(self._y[k])
            if self.clear(x, y, APART) and self.on_land(x, y):
                return x, y, self.city.sites.name[k]
        raise ValueError(f"the sample city has too few key sites for {len(self.spots)} spots {APART:.0f} m apart")

    def clear(self, x: float, y: float, apart: float) -> bool:
        """Whether no spot is nearer than so many metres."""
        return all(np.hypot(x - s.x, y - s.y) >= apart for s in self.spots)

    def around(self, x: float, y: float, within: float) -> list[Spot]:
        """Spots within so many metres, the nearest first."""
        found = [(float(np.hypot(s.x - x, s.y - y)), s.number) for s in self.spots]
        return [self.spots[n] for away, n in sorted(found) if away <= within]

    def border(self, draw: Draw, layer: str) -> tuple[float, float] | None:
        """A place on the border between two units of a layer, with land on both sides."""
        features = [f for f in self.city.administrative if f.layer == layer]
        for _ in range(400):
            corners = shapely.get_coordinates(features[int(draw.integers(len(features)))].shape)
            k = int(draw.integers(len(corners) - 1))
            lon, lat = (corners[k] + corners[k + 1]) / 2
            x, y = (float(v[0]) for v in plane(np.array([lon]), np.array([lat])))
            turn = np.linspace(0, 2 * np.pi, 8, endpoint=False)
            beside = self.located(x + 60 * np.cos(turn), y + 60 * np.sin(turn))
            units = {getattr(w, layer) for w in beside}
            if len(units) > 1 and "" not in units and self.on_land(x, y):
                return x, y
        return None

    # -- sensors

    def sensors(self, spot: Spot, kind: Kind, *, needed: bool = False) -> list[Asset]:
        """Sensors or cameras of a kind at a spot; none where it has none, unless they are needed there."""
        if kind.source == VIDEO:
            return self._cameras(spot)
        key = (spot.number, kind.id)
        reach = BUILDING if kind.life else NEAR
        if key not in self._assets:
            draw = stream(self.seed, f"storm.spot.{spot.number}.{kind.id}")
            count = int(draw.integers(2, 6)) if draw.random() < EQUIPPED else 0
            self._assets[key] = _around(draw, spot, kind.asset_type, count, IOT, reach)
        if needed and len(self._assets[key]) < 3:
            draw = stream(self.seed, f"storm.spot.{spot.number}.{kind.id}.needed")
            self._assets[key] = _around(draw, spot, kind.asset_type, int(draw.integers(3, 6)), IOT, reach)
        return self._assets[key]

    def _cameras(self, spot: Spot) -> list[Asset]:
        key = (spot.number, VIDEO)
        if key not in self._assets:
            draw = stream(self.seed, f"storm.spot.{spot.number}.cameras")
            self._assets[key] = _around(draw, spot, "cam", int(draw.integers(2, 5)), VIDEO, NEAR)
        return self._assets[key]

    # -- weather

    @cached_property
    def cells(self) -> list[Cell]:
        """Storm cells, one after the other and overlapping, each over where the city is."""
        draw = stream(self.seed, "storm.cells")
        out = []
        between = (self.end - self.start) / self.size.cells
        for k in range(self.size.cells):
            begin = round(self.start + between * (k + draw.uniform(0.05, 0.25)))
            end = min(begin + round(draw.uniform(0.6, 0.9) * between), self.end - 10 * MINUTE)
            ways = [self._way(draw, begin, end) for _ in range(3)]
            out.append(max(ways, key=self._crowd))
        return out

    def _way(self, draw: Draw, begin: int, end: int) -> Cell:
        """A cell that halfway passes over one of the key sites."""
        site = int(draw.integers(len(self._x)))
        turn, speed = draw.uniform(0, 2 * np.pi), draw.uniform(2.0, 6.0)
        east, north = float(speed * np.cos(turn)), float(speed * np.sin(turn))
        half = (end - begin) / 2000
        x, y = float(self._x[site] - east * half), float(self._y[site] - north * half)
        return Cell(begin, end, x, y, (east, north), float(draw.uniform(2_200, 3_200)))

    def _crowd(self, cell: Cell) -> int:
        """Key sites under it at five times of its way."""
        places = [cell.at(cell.begin + (cell.end - cell.begin) * k // 4) for k in range(5)]
        return sum(int(np.count_nonzero(np.hypot(self._x - x, self._y - y) <= cell.radius)) for x, y in places)

    def stormy(self, x: float, y: float, t: int) -> bool:
        """Whether a place lies in a cell."""
        return any(c.covers(x, y, t) for c in self.cells)

    def weathered(self, x: float, y: float, t: int) -> bool:
        """Whether a place lies in a cell or at its rim, or did within eight minutes: its noise is still there."""
        return any(c.covers(x, y, t - back * MINUTE, 1.25) for c in self.cells for back in range(9))


def kinds_of(family: str, source: str) -> list[Kind]:
    """Scenarios of a family that hear of it by one source."""
    return [k for k in FAMILIES[family] if k.source == source]


def _around(draw: Draw, spot: Spot, name: str, count: int, source: str, reach: tuple[float, float]) -> list[Asset]:
    away, turn = draw.uniform(*reach, count), draw.uniform(0, 2 * np.pi, count)
    return [
        Asset(f"{name}-{spot.label}-{k + 1}", spot.x + r * np.cos(a), spot.y + r * np.sin(a), source)
        for k, (r, a) in enumerate(zip(away.tolist(), turn.tolist(), strict=True))
    ]
