"""Ways by road, and movement through zones, against oracles that are slow and simple.

``wrong`` counts pairs with another time or distance, islands not said so, and lists of first arrivals that differ;
``movement_wrong`` events that differ from an exact replay. ``data`` is not used.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from bench.harness import Figure, Result
from bench.network import movement
from bench.network.roads import CLOSED, FIRST, INCIDENTS, SOURCES, TARGETS, UNITS, dispatch, pairs, roads_of


def run(seed: int, data: Path | None) -> Result:
    """Figures ``pairs``, ``wrong``, ``movement_wrong``, ``dispatch_ms`` (median of an incident). ok: nothing wrong."""
    draw = np.random.default_rng(seed)
    began = time.perf_counter()
    whole, one_way = roads_of(draw)
    built_ms = (time.perf_counter() - began) * 1e3
    shut = draw.choice(len(whole.start), CLOSED, replace=False)
    roads = whole.without(shut)
    rows, wrong = pairs(draw, roads, "time")
    short, longer = pairs(draw, roads.by_distance(), "distance")
    late, dispatch_ms = dispatch(draw, roads)
    rows += short
    rows.append({"what": f"first {FIRST} of {UNITS} units, incidents", "checked": INCIDENTS, "wrong": late})
    moved, movement_wrong = movement.measure(draw, seed, roads)
    figures: dict[str, Figure] = {
        "pairs": 2 * SOURCES * TARGETS, "wrong": wrong + longer + late, "movement_wrong": movement_wrong,
        "dispatch_ms": round(dispatch_ms, 3),
    }  # fmt: skip
    settings = {
        "nodes": len(whole.lon), "edges": len(whole.start), "one_way": one_way, "closed": CLOSED,
        "islands": int(whole.island.max()), "build_ms": round(built_ms),
    }  # fmt: skip
    return Result(rows + moved, figures, wrong + longer + late + movement_wrong == 0, settings)
