"""The set of the sensor watch: the benchmark's assets, rules and a map of jagged grids, built in memory."""

from __future__ import annotations

import hashlib

import numpy as np
import shapely
from numpy.typing import NDArray

from brain.scenario import Scenario
from brain.scenarios import read
from brain.sets import CitySet
from geo.grid_map import Grid, GridMap
from streams.registry import Asset, Registry

BOX = (113.2, 22.0, 113.6, 22.3)
RULES = (
    """
id: emergency.watch.level_high
version: 1
name: {zh: 水位超限, en: Water level high}
domain: emergency
event_code: emergency.flood.watch
source: iot
match: {type: water_level, metric: water_level}
detect: {above: 10}
for: {readings: 3}
clear: {below: 8}
""",
    """
id: emergency.watch.level_unusual
version: 1
name: {zh: 水位异常, en: Water level unusual}
domain: emergency
event_code: emergency.flood.watch
source: iot
match: {type: water_level, metric: water_level}
detect: {ewma_deviation: 8, alpha: 0.05, warmup: 20}
""",
)


def watch_set(n_assets: int, partitions: int | None = None) -> CitySet:
    """Assets ``wl-000000`` … of type water_level, two scenarios, 2,000 grids.

    ``partitions``: work out beforehand which asset is in which partition, so that the first lane need not.
    """
    assets = (
        Asset(
            f"wl-{a:06d}", "water_level", BOX[0] + (a * 7919 % n_assets) / n_assets * 0.4,
            BOX[1] + (a * 104729 % n_assets) / n_assets * 0.3, unit="m", range=(-1000, 1000),
        )
        for a in range(n_assets)
    )  # fmt: skip
    scenarios: list[Scenario] = [read(text, "watch") for text in RULES]
    grids = jagged()
    digest = hashlib.sha256(f"{n_assets}".encode() + "".join(RULES).encode())
    for grid in grids:
        digest.update(shapely.to_wkb(grid.shape))
    city = CitySet("sha256:" + digest.hexdigest()[:16], Registry.of(assets), GridMap(grids), scenarios)
    if partitions is not None:
        city.partitions(partitions)
    return city


def jagged(columns: int = 50, rows: int = 40, steps: int = 17, seed: int = 1) -> list[Grid]:
    """A partition of the box into cells; inner sides are jagged lines that two neighbours share point for point."""
    draw = np.random.default_rng(seed)
    west, south, east, north = BOX
    xs, ys = np.linspace(west, east, columns + 1), np.linspace(south, north, rows + 1)
    t = np.arange(1, steps) / steps
    room = np.minimum(t, 1 - t) * 0.7  # a wedge at each corner, so that lines never cross

    def line(a: NDArray[np.float64], b: NDArray[np.float64], across: int, size: float) -> NDArray[np.float64]:
        between = a + (b - a) * t[:, None]
        between[:, across] += (draw.random(len(t)) - 0.5) * room * size
        return np.vstack([a, between, b])

    def at(i: int, j: int) -> NDArray[np.float64]:
        return np.array([xs[i], ys[j]])

    width, height = (east - west) / columns, (north - south) / rows
    flat, upright = {}, {}
    for j in range(rows + 1):
        for i in range(columns):
            flat[i, j] = line(at(i, j), at(i + 1, j), 1, height if 0 < j < rows else 0.0)
    for j in range(rows):
        for i in range(columns + 1):
            upright[i, j] = line(at(i, j), at(i, j + 1), 0, width if 0 < i < columns else 0.0)
    out = []
    for j in range(rows):
        for i in range(columns):
            sides = [flat[i, j][:-1], upright[i + 1, j][:-1], flat[i, j + 1][:0:-1], upright[i, j][::-1]]
            code, shape = f"g{j * columns + i:06d}", shapely.Polygon(np.vstack(sides))
            out.append(Grid(code, f"t{j // 8}", f"d{i // 25}", shape))
    return out
