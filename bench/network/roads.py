"""Ways by road against brute force: the oracle relaxes all edges until nothing changes (Bellman and Ford).

In whole milliseconds, so equal means equal.
"""

from __future__ import annotations

import statistics
import time

import numpy as np
from numpy.typing import NDArray

from bench.harness import Figure
from geo.metres import Metres
from geo.roads import BY_ROAD, CUT_OFF, NO_ROAD, RoadNet

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]

SIDE, ISLAND = 165, 30
"""Nodes along a side of the mainland, and of each of three islands: some 30,000 in all."""
SOURCES, TARGETS = 50, 20
CLOSED, UNITS, INCIDENTS, FIRST = 100, 200, 40, 5
ORIGIN = (450_000.0, 2_450_000.0)


def roads_of(draw: np.random.Generator) -> tuple[RoadNet, int]:
    """Crooked meshes: a mainland and three islands; three streets in ten missing, two in ten of the rest one-way."""
    x, y, start, end = [], [], [], []
    first = 0
    for side, east in ((SIDE, 0.0), (ISLAND, 40_000.0), (ISLAND, 48_000.0), (ISLAND, 56_000.0)):
        number = first + np.arange(side * side).reshape(side, side)
        at = np.stack(np.meshgrid(np.arange(side), np.arange(side), indexing="ij"), axis=-1) * 200.0
        at += draw.normal(0, 40, at.shape) + np.array([ORIGIN[0] + east, ORIGIN[1]])
        x.append(at[..., 0].ravel())
        y.append(at[..., 1].ravel())
        streets = np.vstack((
            np.column_stack((number[:-1].ravel(), number[1:].ravel())),
            np.column_stack((number[:, :-1].ravel(), number[:, 1:].ravel())),
        ))  # fmt: skip
        streets = streets[draw.random(len(streets)) < 0.7]
        turned = draw.random(len(streets)) < 0.5
        streets[turned] = streets[turned, ::-1]
        both = draw.random(len(streets)) < 0.8
        start += [streets[:, 0], streets[both, 1]]
        end += [streets[:, 1], streets[both, 0]]
        first += side * side
    px, py = np.concatenate(x), np.concatenate(y)
    a, b = np.concatenate(start), np.concatenate(end)
    metres = np.hypot(px[a] - px[b], py[a] - py[b])
    ms = np.rint(metres / draw.uniform(5, 20, len(a)) * 1000)
    zone = Metres(4547)
    pairs = np.sort(np.column_stack((a, b)), axis=1)
    _, count = np.unique(pairs, axis=0, return_counts=True)
    return RoadNet(*zone.degrees(px, py), a, b, ms, zone), int((count == 1).sum())


def _brute(roads: RoadNet, sources: I8, *, back: bool = False) -> F8:
    """Milliseconds (sources, nodes) by relaxing all open edges until nothing changes; ``back``: to the sources."""
    use = roads.open
    a, b, ms = roads.start[use], roads.end[use], roads.ms[use]
    if back:
        a, b = b, a
    order = np.argsort(b, kind="stable")
    a, b, ms = a[order], b[order], ms[order]
    begins = np.flatnonzero(np.concatenate(([True], b[1:] != b[:-1])))
    heads = b[begins]
    out = np.full((len(sources), len(roads.lon)), np.inf)
    for row, source in zip(out, sources.tolist(), strict=True):
        row[source] = 0.0
        while True:
            better = np.minimum.reduceat(row[a] + ms, begins)
            if not (better < row[heads]).any():
                break
            row[heads] = np.minimum(row[heads], better)
    return out


def _islands(roads: RoadNet) -> I8:
    """Island of each node by spreading the lowest number over all edges, closed ones too."""
    lowest = np.arange(len(roads.lon))
    while True:
        before = lowest.copy()
        np.minimum.at(lowest, roads.end, lowest[roads.start])
        np.minimum.at(lowest, roads.start, lowest[roads.end])
        if (lowest == before).all():
            return lowest


def pairs(draw: np.random.Generator, roads: RoadNet, of: str) -> tuple[list[dict[str, Figure]], int]:
    source = draw.choice(len(roads.lon), SOURCES, replace=False)
    start, end = np.repeat(source, TARGETS), draw.integers(0, len(roads.lon), SOURCES * TARGETS)
    ms = roads.pairs(start, end)
    said = roads.reached(start, end, ms)
    true = _brute(roads, source)[np.repeat(np.arange(SOURCES), TARGETS), end]
    island = _islands(roads)
    how = np.where(np.isfinite(true), BY_ROAD, np.where(island[start] == island[end], CUT_OFF, NO_ROAD))
    bad = (ms != true) | (said != how)
    names = {BY_ROAD: "by road", CUT_OFF: "cut off by closures and one-way streets", NO_ROAD: "another island"}
    rows: list[dict[str, Figure]] = [
        {"what": f"pairs, {of}: {name}", "checked": int((how == code).sum()), "wrong": int(bad[how == code].sum())}
        for code, name in names.items()
    ]
    return rows, int(bad.sum())


def dispatch(draw: np.random.Generator, roads: RoadNet) -> tuple[int, float]:
    """Incidents whose first arrivals differ from brute force, and the median time of one in ms."""
    units, incidents = draw.integers(0, len(roads.lon), UNITS), draw.integers(0, len(roads.lon), INCIDENTS)
    true = _brute(roads, incidents, back=True)[:, units]
    roads.first(int(incidents[0]), units, FIRST)
    wrong, spent = 0, []
    for row, incident in zip(true, incidents.tolist(), strict=True):
        began = time.perf_counter()
        got = roads.first(incident, units, FIRST)
        spent.append((time.perf_counter() - began) * 1e3)
        order = np.lexsort((np.arange(UNITS), row))[:FIRST]
        order = order[np.isfinite(row[order])]
        wrong += got.unit.tolist() != order.tolist() or got.ms.tolist() != row[order].tolist()
    return wrong, statistics.median(spent)
