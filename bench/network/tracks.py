"""Tracks by seed: vehicles on roads, ships on straight courses, people about a place, many of them beside a border.

With all that real positions have: noise of the size that the accuracy radius says, radii missing or huge, duplicates,
late positions, none, and silences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from bench.locate.city import BOX, CHANGE
from geo.exact import F8, I8
from geo.metres import Metres
from geo.raster import I4
from geo.roads import RoadNet

VEHICLES, SHIPS, WALKERS, PARKED = 250, 100, 300, 150
STEPS = 200
BEGIN = CHANGE - 1_500_000
"""So that the second edition begins in the middle of every track."""


@dataclass(frozen=True, slots=True)
class Tracks:
    """Positions (n,) in order of arrival: slot of the thing, degrees, ms, accuracy in metres or NaN."""

    slot: I4
    lon: F8
    lat: F8
    t: I8
    accuracy: F8

    def __getitem__(self, rows: Any) -> Tracks:
        return Tracks(self.slot[rows], self.lon[rows], self.lat[rows], self.t[rows], self.accuracy[rows])

    def __len__(self) -> int:
        return len(self.slot)


def tracks(draw: np.random.Generator, shapes: NDArray[Any], roads: RoadNet, metres: Metres) -> Tracks:
    """Of the shapes' borders, in degrees, people begin at vertices; a tenth of those parked stand exactly on one."""
    border = np.column_stack(metres.of(*shapely.get_coordinates(shapes).T))
    low, high = (np.array(metres.of(np.array([BOX[k]]), np.array([BOX[k + 1]]))).ravel() for k in (0, 2))
    paths = [_by_road(draw, roads, metres) for _ in range(VEHICLES)]
    for _ in range(SHIPS):
        a, b = draw.uniform(low - 2_000, high + 2_000, (2, 2))
        paths.append(a + (b - a) * np.linspace(0, 1, STEPS)[:, None])
    for _ in range(WALKERS):
        steps = draw.normal(0, draw.choice([2.0, 10.0, 60.0]), (STEPS, 2))
        paths.append(border[draw.integers(len(border))] + np.cumsum(steps, axis=0))
    stand = border[draw.integers(0, len(border), PARKED)] + draw.normal(0, 15, (PARKED, 2))
    paths += list(np.repeat(stand[:, None, :], STEPS, axis=1))
    kinds = np.repeat([0, 1, 2, 3], [VEHICLES, SHIPS, WALKERS, PARKED])
    return _noisy(draw, np.stack(paths), kinds, border, metres)


def _by_road(draw: np.random.Generator, roads: RoadNet, metres: Metres) -> F8:
    """Where a vehicle is at even times along a fastest way, (STEPS, 2) metres."""
    way = np.zeros(0, np.int64)
    while len(way) < 20:
        way = roads.way(*draw.integers(0, len(roads.lon), 2).tolist())
    at = np.column_stack(metres.of(roads.lon[way], roads.lat[way]))
    along = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(at, axis=0).T))))
    even = np.linspace(0, along[-1], STEPS)
    return np.column_stack([np.interp(even, along, at[:, k]) for k in (0, 1)])


def _noisy(draw: np.random.Generator, paths: F8, kinds: I8, border: F8, metres: Metres) -> Tracks:
    things = len(paths)
    accuracy = draw.lognormal(2.0, 0.8, (things, STEPS))
    accuracy[draw.random(accuracy.shape) < 0.02] = 800.0
    at = paths + draw.normal(0, 1, paths.shape) * np.minimum(accuracy, 60.0)[..., None]
    exact = (kinds == 3) & (draw.random(things) < 0.1)
    at[exact] = border[draw.integers(0, len(border), int(exact.sum()))][:, None, :]
    accuracy[draw.random(accuracy.shape) < 0.1] = np.nan
    accuracy[exact] = np.nan
    wait = draw.integers(2_000, 28_000, (things, STEPS))
    wait[draw.random(wait.shape) < 0.01] += 2_400_000
    t = BEGIN + np.cumsum(wait, axis=1)
    lon, lat = metres.degrees(at[..., 0].ravel(), at[..., 1].ravel())
    lon[draw.random(len(lon)) < 0.01] = np.nan
    arrival = t.ravel() + np.where(draw.random(lon.shape) < 0.03, draw.integers(0, 120_000, len(lon)), 0)
    again = draw.choice(len(lon), len(lon) // 50, replace=False)
    rows = np.concatenate((np.arange(len(lon)), again))
    order = np.argsort(np.concatenate((arrival, arrival[again] + draw.integers(0, 60_000, len(again)))), kind="stable")
    slot = np.repeat(np.arange(things), STEPS).astype(np.int32)
    return Tracks(slot, lon, lat, t.ravel(), accuracy.ravel())[rows[order]]
