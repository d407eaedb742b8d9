"""Movement through thousands of zones: every event against the slow oracle, and the speed beside it."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import shapely

from bench.harness import Figure
from bench.locate.city import OVERLAPPING, city
from bench.network.replay import Replay, Said
from bench.network.tracks import Tracks, tracks
from geo.city_map import CityMap
from geo.movement import DWELL, ENDED, ENTER, LEAVE, MOVED, SILENT, Movement, Presence
from geo.roads import RoadNet
from geo.zones import Zones

LAYERS = ("grid", "community", "town", "district", "zone", "site", "risk")
RULES = {
    "shipped buffers": Movement(dwell_s=(60.0, 600.0)),
    "no buffers": Movement(entry_m=0.0, exit_m=0.0),
    "wide buffers": Movement(entry_m=25.0, exit_m=60.0, accuracy_m=15.0, dwell_s=(300.0,), max_gap_s=1800.0),
}
KIND = {ENTER: "enter", LEAVE: "leave", DWELL: "dwell"}
WHY = {MOVED: "moved", SILENT: "silent", ENDED: "ended"}
SPEED_BATCH, SLICES = 100_000, 5


def measure(draw: np.random.Generator, seed: int, roads: RoadNet) -> tuple[list[dict[str, Figure]], int]:
    """Rows of the table, and how many events differ, over all rules and ways of cutting the tracks into batches."""
    made = city(seed)
    world = CityMap(made.features, overlapping=OVERLAPPING)
    zones = Zones(world, LAYERS)
    went = tracks(draw, np.array([f.shape for f in made.features if f.layer in LAYERS], object), roads, zones.metres)
    replay = Replay(made.features, LAYERS, OVERLAPPING, zones.metres.zone, went)
    rows: list[dict[str, Figure]] = []
    wrong, slow = 0, []
    for name, rule in RULES.items():
        began = time.process_time()
        true = replay.events(rule)
        slow.append(len(went) / (time.process_time() - began))
        off = [differ(said(zones, LAYERS, rule, went, order, cuts), true) for order, cuts in _ways(draw, went)]
        wrong += sum(off)
        kinds = Counter(s.kind if s.why == "moved" else f"{s.kind} ({s.why})" for one in true.values() for s in one)
        told = ", ".join(f"{n:,} {kind}" for kind, n in sorted(kinds.items()))
        rows.append({"what": f"movement, {name}: {told}", "checked": kinds.total(), "wrong": sum(off)})
    part = Movement().take(zones, Presence(), went.slot, went.lon, went.lat, went.t, went.accuracy)
    counts, truly = part.counts(), replay.outcomes()
    apart = sum(abs(counts[name] - truly[name]) for name in counts)
    told = ", ".join(f"{n:,} {name}" for name, n in truly.items() if n)
    rows.append({"what": f"movement in {len(zones):,} zones, positions: {told}", "checked": len(went), "wrong": apart})
    rows.append({"what": "movement, positions/s in batches of 100k", "per s": round(_speed(zones, went))})
    peer = 1 / (1 / statistics.median(slow) + 1 / _covering(replay, went))
    rows.append({"what": "shapely: STRtree.query and distances, a position at a time", "per s": round(peer)})
    return rows, wrong + apart


def _ways(draw: np.random.Generator, went: Tracks) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Orders of the positions, each thing's kept, and where they are cut: as they came, cut small at first, then at
    random; and thing by thing."""
    n = len(went)
    small = np.arange(1, 1500)
    yield np.arange(n), np.unique(np.concatenate((small, draw.integers(1500, n, 150), [n])))
    yield np.argsort(went.slot, kind="stable"), np.unique(np.concatenate((draw.integers(1, n, 5), [n])))


def said(zones: Zones, layers: Sequence[str], rule: Movement, went: Tracks, order: np.ndarray, cuts: np.ndarray
         ) -> dict[int, list[Said]]:  # fmt: skip
    """What the kernel says of each thing, with the positions in an order and cut before each of ``cuts``."""
    out: dict[int, list[Said]] = {thing: [] for thing in np.unique(went.slot).tolist()}
    state, begin = Presence(), 0
    for end in cuts.tolist():
        part = went[order[begin:end]]
        for e in rule.take(zones, state, part.slot, part.lon, part.lat, part.t, part.accuracy).events:
            zone = (layers.index(zones.layer[e["zone"]]), zones.code[e["zone"]])
            kind, why = KIND[int(e["kind"])], WHY[int(e["why"])]
            one = Said(int(e["thing"]), int(e["t"]), kind, why, zone, int(e["since"]), int(e["dwell"]))
            out[one.thing].append(one)
        begin = end
    return out


def differ(got: dict[int, list[Said]], true: dict[int, list[Said]]) -> int:
    """Events that only one of the two has, and one for every thing whose events stand in another order."""
    n = 0
    for thing in got.keys() | true.keys():
        ours, theirs = got.get(thing, []), true.get(thing, [])
        a, b = Counter(ours), Counter(theirs)
        apart = (a - b).total() + (b - a).total()
        n += apart if apart else ours != theirs
    return n


def _covering(replay: Replay, went: Tracks) -> float:
    """Positions per second of CPU that shapely finds the zones of, one at a time, out of 5,000."""
    tree = shapely.STRtree([f.shape for f in replay.features])
    some = shapely.points(went.lon[:5000], went.lat[:5000])
    began = time.process_time()
    for point in some:
        tree.query(point, predicate="intersects")
    return len(some) / (time.process_time() - began)


def _speed(zones: Zones, went: Tracks) -> float:
    """Positions per second of CPU of the whole call, median of slices; all but the first, which warms up."""
    spent, rule = [], RULES["shipped buffers"]
    for _ in range(SLICES + 1):
        state, begin = Presence(), time.process_time()
        for a in range(0, len(went), SPEED_BATCH):
            part = went[a : a + SPEED_BATCH]
            rule.take(zones, state, part.slot, part.lon, part.lat, part.t, part.accuracy)
        spent.append(len(went) / (time.process_time() - begin))
    return statistics.median(spent[1:])
