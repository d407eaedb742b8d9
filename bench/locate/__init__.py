"""Where is every event: the pipeline's own call (all layers, two editions, a time a point, sea and NaN) beside peers.

Speeds are per CPU-second of one thread, medians of slices in which all take turns. Every answer for 2M points, among
them every vertex of every border and a point on every edge, is compared with an exact oracle. Then the map is reloaded
beside a serving loop. ``data`` is not used.
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from bench.harness import Figure, Result
from bench.locate import oracle
from bench.locate.city import CHANGE, OVERLAPPING, City, city, points
from bench.locate.peers import peers
from geo import compiled, geojson
from geo.city_map import CityMap

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
POINTS = 2_000_000
EVENTS = 1_000_000
SLICES = 5
RELOADS = 3


def run(seed: int, data: Path | None) -> Result:
    """Figures ``points_per_s_100k``, ``points_per_s_1k``, ``best_peer_points_per_s``, ``mismatches``,
    ``reload_stall_ms``. ok: no mismatch, by the index or by a peer; the speeds are for the reader to judge."""
    made = city(seed)
    began = time.process_time()
    one_map = CityMap(made.features)
    build_s = time.process_time() - began
    events = points(made, seed + 1, EVENTS)
    rows, peer_wrong, absent = _speeds(one_map, events)
    mismatches, in_integers = _mismatches(one_map, made, events)
    stalls, quiet = _reload(one_map, made, events)
    by_name = {str(row["who"]): row for row in rows}
    ours_100k, ours_1k = by_name["ours, batches of 100k"]["points/s"], by_name["ours, batches of 1k"]["points/s"]
    best = max(float(r["points/s"] or 0) for r in rows if not str(r["who"]).startswith("ours"))
    rows += [{"who": name, "note": why} for name, why in absent.items()]
    figures: dict[str, Figure] = {
        "points_per_s_100k": ours_100k, "points_per_s_1k": ours_1k, "best_peer_points_per_s": best,
        "mismatches": mismatches, "reload_stall_ms": max(stalls),
    }  # fmt: skip
    vertices = shapely.get_num_coordinates([f.shape for f in made.features])
    settings = {
        "map": ", ".join(f"{len(one_map.features(layer))} {layer}" for layer in one_map.layers),
        "editions": len(one_map.starts),
        "vertices": int(vertices.sum()),
        "index_mb": round(one_map.index.nbytes / 1e6),
        "build_cpu_s": round(build_s, 1),
        "points_checked": POINTS,
        "pairs_decided_in_integers": in_integers,
        "stalls_of_reloads_ms": stalls,
        "longest_batches_without_reload_ms": quiet,
        "ratio_to_best_peer": round(float(ours_100k or 0) / best, 1),
        "peer_mismatches": peer_wrong,
    }
    return Result(rows, figures, mismatches == 0 and peer_wrong == 0, settings)


def _speeds(one_map: CityMap, events: tuple[F8, F8, I8]) -> tuple[list[dict[str, Figure]], int, dict[str, str]]:
    """Ours and the peers by turns; a peer is asked for the grids of the newest edition among located points only."""
    lon, lat, _ = events
    placed = np.flatnonzero(~np.isnan(lon))[:200_000]
    x, y = lon[placed], lat[placed]
    grids = one_map.features("grid")
    number = np.array([k for k, f in enumerate(grids) if f.since <= CHANGE < f.until])
    others, absent = peers(np.array([grids[k].shape for k in number], object))
    column = one_map.columns("grid").start
    ours = one_map.locate(x, y)[:, column]
    wrong = 0
    for locate in others.values():
        theirs = locate(x, y)
        wrong += int((np.where(theirs >= 0, number[theirs], -1) != ours).sum())
    tasks: dict[str, Callable[[], int]] = {
        "ours, batches of 100k": lambda: _batches(one_map, events, 100_000, EVENTS),
        "ours, batches of 1k": lambda: _batches(one_map, events, 1_000, EVENTS // 2),
    }
    for name, locate in others.items():
        tasks[name] = lambda locate=locate: len(locate(x[:100_000], y[:100_000]))  # type: ignore[misc]  # a default binds what the loop has now
    cpu: dict[str, list[float]] = {name: [] for name in tasks}
    wall: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(SLICES):
        for name, task in tasks.items():
            c, w = time.process_time(), time.perf_counter()
            n = task()
            cpu[name].append(n / (time.process_time() - c))
            wall[name].append(n / (time.perf_counter() - w))
    rows: list[dict[str, Figure]] = [
        {
            "who": name, "points/s": round(statistics.median(cpu[name])), "slowest slice": round(min(cpu[name])),
            "by the wall clock": round(statistics.median(wall[name])),
            "answers": "all layers, at each point's time" if name.startswith("ours") else "grid, newest edition",
        }
        for name in tasks
    ]  # fmt: skip
    return rows, wrong, absent


def _batches(one_map: CityMap, events: tuple[F8, F8, I8], size: int, n: int) -> int:
    lon, lat, when = events
    for k in range(0, n, size):
        one_map.locate(lon[k : k + size], lat[k : k + size], when[k : k + size])
    return n


def _mismatches(one_map: CityMap, made: City, events: tuple[F8, F8, I8]) -> tuple[int, int]:
    """Points for which any layer's answer differs from the oracle's, and pairs that the oracle decided in integers."""
    lon, lat, when = _checked(made, events)
    answers = one_map.locate(lon, lat, when)
    missing = np.isnan(lon) | np.isnan(lat)
    later = when >= CHANGE
    wrong = answers[:, 0] != later
    wrong |= missing != (answers[:, 1:] == -2).all(axis=1)
    close = 0
    there = np.flatnonzero(~missing)
    for layer in one_map.layers:
        features = one_map.features(layer)
        point, number, decided = oracle.covering(np.array([f.shape for f in features], object), lon[there], lat[there])
        close += decided
        point = there[point]
        since, until = (np.array([getattr(f, name) for f in features]) for name in ("since", "until"))
        held = (since[number] <= when[point]) & (when[point] < until[number])
        point, number = point[held], number[held]
        if layer not in OVERLAPPING:  # pairs are sorted: the first of a point has the lowest number
            first = np.concatenate(([True], point[1:] != point[:-1]))
            point, number = point[first], number[first]
        got = answers[:, one_map.columns(layer)]
        row, sheet = np.nonzero(got >= 0)
        ours = np.sort(row * len(features) + got[row, sheet])
        odd = np.setxor1d(ours, point * len(features) + number, assume_unique=False) // len(features)
        wrong[odd] = True
    return int(wrong.sum()), close


def _checked(made: City, events: tuple[F8, F8, I8]) -> tuple[F8, F8, I8]:
    """The events, every vertex, the middle of every edge, the next doubles beside them, and points a hair away."""
    shapes = np.array([f.shape for f in made.features], object)
    at, ring = shapely.get_coordinates(shapes, return_index=True)
    joined = ring[1:] == ring[:-1]
    middle = ((at[1:] + at[:-1]) / 2)[joined]
    borders = np.unique(np.vstack((at, middle)), axis=0)
    draw = np.random.default_rng(len(borders))
    more = POINTS - EVENTS - len(borders)
    beside = borders[draw.integers(0, len(borders), max(more, 0))]
    half = len(beside) // 2
    beside[:half] = np.nextafter(beside[:half], beside[:half] + draw.choice((-1.0, 1.0), (half, 2)))
    beside[half:] += 10.0 ** draw.uniform(-13, -4, (len(beside) - half, 1)) * draw.choice(
        (-1, 1), (len(beside) - half, 2)
    )
    extra = np.vstack((borders, beside))
    when = CHANGE + draw.integers(-1000, 1000, len(extra))
    lon, lat = (np.concatenate((events[k], extra[:, k])) for k in (0, 1))
    return lon, lat, np.concatenate((events[2], when))


def _reload(one_map: CityMap, made: City, events: tuple[F8, F8, I8]) -> tuple[list[float], list[float]]:
    """Longest gap between answers to batches of 1k, in ms, while the next map is built beside and swapped in.

    Of each reload, and of as many times without one: the two beside each other say what is the reload's and what the
    machine's.
    """
    stalls, quiet = [], []
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "map.geojson"
        source.write_bytes(geojson.write(made.features))
        for k in range(RELOADS):
            serving, done, built = [one_map], threading.Event(), Path(folder) / f"built{k}"
            built.mkdir()

            def build(serving: list[CityMap] = serving, done: threading.Event = done, built: Path = built) -> None:
                try:
                    serving[0] = compiled.build_beside(source, built)
                finally:
                    done.set()

            quiet.append(_serve(serving, events, lambda spent: spent > 3.0))
            thread = threading.Thread(target=build)
            thread.start()
            stalls.append(_serve(serving, events, lambda _, done=done: done.is_set()))  # type: ignore[misc]  # a default binds what the loop has now
            thread.join()
            _serve(serving, events, lambda spent: spent > 0.2)
            if serving[0] is one_map:
                raise RuntimeError("the next map was not built: see the error above")
    return [round(s * 1e3, 2) for s in stalls], [round(s * 1e3, 2) for s in quiet]


def _serve(serving: list[CityMap], events: tuple[Any, ...], until: Callable[[float], bool]) -> float:
    """Serve batches of 1k from whatever map is in force; the longest time from one answer to the next."""
    lon, lat, when = events
    began = last = time.perf_counter()
    longest, k = 0.0, 0
    while not until(last - began):
        serving[0].locate(lon[k : k + 1000], lat[k : k + 1000], when[k : k + 1000])
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
        k = (k + 1000) % EVENTS
    return longest
