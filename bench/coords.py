"""Rectification: speed, error against the public formulas, round trips; and assets registered with the wrong system.

``wrong_crs_found`` is the lesser share of two: vehicles found after 100 readings on an invented road net, and fixed
sensors found by their registered grid, delivery by delivery. An asset counts as found if its true system is named.
Sensors judged one by one are shown beside: in a large grid both readings lie in it, and nobody can tell. ``data`` is
not used.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod

from bench.harness import Figure, Result
from bench.locate.city import BOX, city
from geo import coords, crs_check
from geo.city_map import CityMap
from geo.metres import Metres

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
SLICES = 5
BATCH, POINTS = 100_000, 1_000_000
CHECKED = 20_000
VEHICLES, READINGS = 300, 100
DELIVERIES, SENSORS = 60, 50
OUT_OF_BOX_M = 0.01
DISTANCE_ERROR = 0.0005


def run(seed: int, data: Path | None) -> Result:
    """Figures ``gcj02_per_s`` (per CPU-second of one thread), ``max_error_m``, ``wrong_crs_found``.

    ok: no error over a centimetre, no distance off by over 0.05 %, no right asset called wrong by more than 1 %.
    """
    draw = np.random.default_rng(seed)
    lon, lat = draw.uniform(BOX[0], BOX[2], POINTS), draw.uniform(BOX[1], BOX[3], POINTS)
    gcj = coords.wgs84_to_gcj02(lon, lat)
    bd = coords.gcj02_to_bd09(*gcj)
    code = np.full(BATCH, coords.GCJ02, np.int8)
    rows: list[dict[str, Figure]] = [
        _speed("GCJ-02 to WGS 84", gcj, lambda x, y: coords.to_wgs84(x, y, code)),
        _speed("BD-09 to WGS 84", bd, lambda x, y: coords.to_wgs84(x, y, np.full(len(x), coords.BD09, np.int8))),
    ]
    errors = {"in the city": _errors(draw, BOX), "anywhere in the formula's box": _errors(draw, _inner(coords.CHINA))}
    rows += [{"what": f"{name}, {where}", "max error m": e} for where, es in errors.items() for name, e in es.items()]
    metres_error = _distances(draw)
    rows.append({"what": "distance on EPSG:4547 against the geodesic, share", "max error m": metres_error})
    moving, moving_false = _moving(draw)
    fixed, single, fixed_false = _fixed(seed, draw)
    rows += [
        {"what": "vehicles after 100 readings", "found": moving, "false alarms": moving_false},
        {"what": "sensors by grid, a delivery together", "found": fixed, "false alarms": fixed_false},
        {"what": "sensors by grid, one by one", "found": single},
    ]
    worst = max(e for es in errors.values() for e in es.values())
    figures: dict[str, Figure] = {
        "gcj02_per_s": rows[0]["points/s"], "max_error_m": worst, "wrong_crs_found": min(moving, fixed),
    }  # fmt: skip
    settings = {
        "rounds": coords.ROUNDS, "batch": BATCH, "vehicles": VEHICLES, "readings": READINGS,
        "sensors": DELIVERIES * SENSORS, "lead": crs_check.LEAD,
    }  # fmt: skip
    few_false = moving_false <= 0.01 * VEHICLES and fixed_false <= 0.01 * DELIVERIES
    return Result(rows, figures, worst <= OUT_OF_BOX_M and metres_error <= DISTANCE_ERROR and few_false, settings)


def _speed(
    name: str, points: tuple[F8, F8], call: Callable[[F8, F8], tuple[F8, F8]]
) -> dict[str, Figure]:  # fmt: skip
    call(points[0][:BATCH], points[1][:BATCH])
    speeds = []
    for _ in range(SLICES):
        began = time.process_time()
        for k in range(0, POINTS, BATCH):
            call(points[0][k : k + BATCH], points[1][k : k + BATCH])
        speeds.append(POINTS / (time.process_time() - began))
    return {"what": name, "points/s": round(statistics.median(speeds)), "slowest slice": round(min(speeds))}


def _inner(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """Without its rim, where the formula jumps and has no inverse."""
    return box[0] + 0.02, box[1] + 0.02, box[2] - 0.02, box[3] - 0.02


def public_gcj02(lon: float, lat: float) -> tuple[float, float]:
    """The formula as it is published, one point, with the system's own sine: the oracle."""
    x, y = lon - 105.0, lat - 35.0
    waves = (20.0 * math.sin(6.0 * x * math.pi) + 20.0 * math.sin(2.0 * x * math.pi)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x)) + waves
    north += (20.0 * math.sin(y * math.pi) + 40.0 * math.sin(y / 3.0 * math.pi)) * 2.0 / 3.0
    north += (160.0 * math.sin(y / 12.0 * math.pi) + 320.0 * math.sin(y * math.pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x)) + waves
    east += (20.0 * math.sin(x * math.pi) + 40.0 * math.sin(x / 3.0 * math.pi)) * 2.0 / 3.0
    east += (150.0 * math.sin(x / 12.0 * math.pi) + 300.0 * math.sin(x / 30.0 * math.pi)) * 2.0 / 3.0
    magic = 1.0 - 0.00669342162296594323 * math.sin(math.radians(lat)) ** 2
    north = north * 180.0 / (6378245.0 * (1.0 - 0.00669342162296594323) / (magic * math.sqrt(magic)) * math.pi)
    east = east * 180.0 / (6378245.0 / math.sqrt(magic) * math.cos(math.radians(lat)) * math.pi)
    return lon + east, lat + north


def public_bd09(lon: float, lat: float) -> tuple[float, float]:
    """The second formula as it is published, one point: the oracle."""
    turn = math.pi * 3000.0 / 180.0
    z = math.sqrt(lon * lon + lat * lat) + 0.00002 * math.sin(lat * turn)
    theta = math.atan2(lat, lon) + 0.000003 * math.cos(lon * turn)
    return z * math.cos(theta) + 0.0065, z * math.sin(theta) + 0.006


def _errors(draw: np.random.Generator, box: tuple[float, float, float, float]) -> dict[str, float]:
    """Largest distance in metres between where points start and where they come back after the public formulas."""
    lon, lat = draw.uniform(box[0], box[2], CHECKED), draw.uniform(box[1], box[3], CHECKED)
    gcj = np.array([public_gcj02(x, y) for x, y in zip(lon.tolist(), lat.tolist(), strict=True)])
    bd = np.array([public_bd09(x, y) for x, y in gcj.tolist()])
    out = {}
    for name, at, code in (("GCJ-02", gcj, coords.GCJ02), ("BD-09", bd, coords.BD09)):
        x, y = coords.to_wgs84(at[:, 0].copy(), at[:, 1].copy(), np.full(CHECKED, code, np.int8))
        out[name] = float(Geod(ellps="GRS80").inv(lon, lat, x, y)[2].max())
    return out


def _distances(draw: np.random.Generator) -> float:
    """Largest relative error of distances from 100 m to some 100 km on the city's zone."""
    lon, lat = draw.uniform(BOX[0], BOX[2], CHECKED), draw.uniform(BOX[1], BOX[3], CHECKED)
    away = 10.0 ** draw.uniform(-3, 0, CHECKED)
    angle = draw.uniform(0, 2 * np.pi, CHECKED)
    to_lon, to_lat = lon + away * np.cos(angle), lat + away * np.sin(angle)
    metres = Metres.around((BOX[0] + BOX[2]) / 2)
    (x, y), (u, v) = metres.of(lon, lat), metres.of(to_lon, to_lat)
    true = Geod(ellps="GRS80").inv(lon, lat, to_lon, to_lat)[2]
    return float(np.abs(np.hypot(u - x, v - y) / true - 1).max())


def _forward(system: I8, lon: F8, lat: F8) -> tuple[F8, F8]:
    """What a device whose positions are in each system sends."""
    lon, lat = lon.copy(), lat.copy()
    for code in (coords.GCJ02, coords.BD09):
        mine = system == code
        x, y = coords.wgs84_to_gcj02(lon[mine], lat[mine])
        lon[mine], lat[mine] = coords.gcj02_to_bd09(x, y) if code == coords.BD09 else (x, y)
    return lon, lat


def _systems(draw: np.random.Generator, n: int) -> tuple[I8, NDArray[np.int8]]:
    """True and stated system of each asset; every third is stated wrong."""
    true = draw.integers(0, 3, n)
    wrong = np.arange(n) % 3 == 0
    return true, np.where(wrong, (true + draw.integers(1, 3, n)) % 3, true).astype(np.int8)


def _moving(draw: np.random.Generator) -> tuple[float, int]:
    """Share of vehicles with a wrong system that are found, and right ones called wrong.

    Streets 250 m apart, bent; a step of 30 s; 5 m of noise; one reading in ten in a yard beside the road.
    """
    metres = Metres.around(BOX[0])
    x0, y0 = (float(v[0]) for v in metres.of(np.array([113.4]), np.array([22.1])))
    at = np.arange(0, 12_000, 250.0)
    bend = draw.normal(0, 30, (len(at), len(at), 2))
    corner = np.stack(np.meshgrid(at, at, indexing="ij"), axis=-1) + bend + (x0, y0)
    lines = [corner[i] for i in range(len(at))] + [corner[:, j] for j in range(len(at))]
    degrees = [shapely.linestrings(np.column_stack(metres.degrees(line[:, 0], line[:, 1]))) for line in lines]
    roads = crs_check.Roads(np.array(degrees, object), metres)
    i, j = draw.integers(1, len(at) - 1, (2, VEHICLES))
    places = np.empty((READINGS, VEHICLES, 2))
    for k in range(READINGS):
        step = draw.integers(0, 4, VEHICLES)
        u = np.clip(i + np.where(step == 0, 1, np.where(step == 1, -1, 0)), 0, len(at) - 1)
        v = np.clip(j + np.where(step == 2, 1, np.where(step == 3, -1, 0)), 0, len(at) - 1)
        part = draw.random((VEHICLES, 1))
        places[k] = corner[i, j] * (1 - part) + corner[u, v] * part
        i, j = u, v
    places += draw.normal(0, 5, places.shape)
    yard = draw.random(places.shape[:2]) < 0.1
    places[yard] += draw.uniform(-60, 60, (int(yard.sum()), 2))
    true, stated = _systems(draw, VEHICLES)
    asset = np.tile(np.arange(VEHICLES), READINGS)
    lon, lat = _forward(np.tile(true, READINGS), *metres.degrees(places[..., 0].ravel(), places[..., 1].ravel()))
    evidence = np.zeros(VEHICLES, crs_check.EVIDENCE)
    crs_check.observe(evidence, roads, asset, lon, lat)
    return _judge(evidence, true, stated)


def _judge(evidence: NDArray[Any], true: I8, stated: NDArray[np.int8]) -> tuple[float, int]:
    verdict = crs_check.verdicts(evidence, stated)
    wrong = true != stated
    found = wrong & verdict.wrong & (verdict.fits == true)
    return float(found.sum() / wrong.sum()), int((verdict.wrong & ~wrong).sum())


def _fixed(seed: int, draw: np.random.Generator) -> tuple[float, float, int]:
    """Shares of wrong sensors found, judged by delivery and each by itself; and right deliveries called wrong."""
    made = city(seed)
    one_map = CityMap([f for f in made.features if f.layer == "grid"])
    grids = one_map.features("grid")
    n = DELIVERIES * SENSORS
    live = np.flatnonzero(one_map.locate(*_middles([f.shape for f in grids]))[:, 1] == np.arange(len(grids)))
    grid = draw.choice(live, n)
    lon, lat = _middles([grids[k].shape for k in grid])
    delivery = np.arange(n) // SENSORS
    true, stated = _systems(draw, DELIVERIES)
    x, y = _forward(true[delivery], lon, lat)
    together, alone = np.zeros(DELIVERIES, crs_check.EVIDENCE), np.zeros(n, crs_check.EVIDENCE)
    crs_check.observe_fixed(together, one_map, delivery, grid, x, y)
    crs_check.observe_fixed(alone, one_map, np.arange(n), grid, x, y)
    found, false = _judge(together, true, stated)
    # One sensor alone leads by 4.1 at most: where it lies in its grid under one reading only.
    one = crs_check.verdicts(alone, stated[delivery], lead=3.0)
    wrong = (true != stated)[delivery]
    single = wrong & one.wrong & (one.fits == true[delivery])
    return found, float(single.sum() / wrong.sum()), false


def _middles(shapes: list[Any]) -> tuple[F8, F8]:
    at = shapely.get_coordinates(shapely.point_on_surface(shapes))
    return np.ascontiguousarray(at[:, 0]), np.ascontiguousarray(at[:, 1])
