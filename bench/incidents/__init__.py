"""Speed of the city task on a core while so many incidents are open: order, fold, route, clocks, audit, state, record.

Signals come as bytes on four signals partitions and are decoded, ordered, folded and flushed by the production task
with its shipped settings; only the log is memory instead of a broker. Places are uniform over 80 by 80 km, or four of
five in a twentieth of it. The pace follows the number of open incidents, so that they stay as many: each is spoken of
as often, and lives as long, whatever their number. A flush is 1,000 signals; at the speed that is promised a worker
would put four times as many into one.

Before anything is timed, a small storm is folded twice, with flushes cut elsewhere and restarts from the state: its
records, notes and state must be the same bytes. ``data`` is not read.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from pathlib import Path
from typing import Any

import msgspec

from bench.harness import Figure, Result
from bench.incidents.again import the_same
from bench.incidents.content import content
from bench.incidents.stand import Kept, city, logic, step
from bench.incidents.workload import CROWDED, LANES, Lanes, Workload
from streams.city import City
from streams.collector import collect_seldom
from streams.pages import Pages
from streams.records import CE_TYPE, SIGNAL_TYPE, Batch, Signal

FLUSH, FLUSHES, SLICES = 1000, 12, 5
OPEN = (1_000, 10_000, 50_000, 100_000)
ENOUGH = {50_000: 20_000.0, 100_000: 15_000.0}
"""Signals a second that are promised, by open incidents."""
LIFE_MS = 400_000
"""Between two signals of one open incident, in the mean."""
FILL_MS = 3 * 3_600_000
CLOSING, FORGOTTEN, CLOSING_MS = 0.31, 0.21, 1_200_000
"""Share of the open ones that have cleared, those that will not speak again, and how long they stay."""
HELD = 0.1
"""The number of open incidents may differ by so much."""


def run(seed: int, data: Path | None) -> Result:
    """Medians over slices and the slower of both layouts; figures in signals a CPU-second."""
    before = gc.get_threshold()
    collect_seldom()  # as a worker does
    try:
        return asyncio.run(_run(seed))
    finally:
        gc.set_threshold(*before)


async def _run(seed: int) -> Result:
    same = await the_same(seed)
    rows: list[dict[str, Figure]] = []
    speeds: dict[int, float] = {}
    held = True
    for clustered in (False, True):
        for n in OPEN:
            row, speed, ok = await _measure(seed, n, clustered)
            rows.append(row)
            speeds[n] = min(speed, speeds.get(n, speed))
            held = held and ok
    rows.append(_peer(seed))
    enough = all(speeds[n] >= least for n, least in ENOUGH.items())
    settings = {
        "lanes": LANES, "signals a flush": FLUSH,
        "slices": f"{SLICES} of {FLUSH * FLUSHES:,} signals, fewer where fewer incidents are open",
        "clustered": f"{CROWDED:.0%} in 5 % of the area", "same bytes, flushes and restarts elsewhere": same,
        "open incidents held": held,
    }  # fmt: skip
    figures: dict[str, Figure] = {
        "signals_per_s": speeds[50_000], "signals_per_s_1k_open": speeds[1_000],
        "signals_per_s_100k_open": speeds[100_000],
    }  # fmt: skip
    return Result(rows, figures, same and held and enough, settings)


async def _measure(seed: int, n: int, clustered: bool) -> tuple[dict[str, Figure], float, bool]:
    """One row: a task with ``n`` open incidents, in slices."""
    made, spoken = content()
    workload, lanes, log = Workload(seed, clustered, spoken, round(n * (CLOSING - FORGOTTEN))), Lanes(), Kept()
    task = await city(log, lanes.tps, made)
    await fill(task, workload, lanes, n)
    await step(task, lanes.batches(mixed(workload, n, FLUSH)))
    gc.collect()
    pages = Pages()
    while pages.look():  # in a worker a quarter of a second passes in between
        pass
    before, speeds, size, flushed = len(logic(task)), [], 0, 0
    flushes = min(FLUSHES, max(1, n // FLUSH))  # few are open: they would be others before the slice is over
    for _ in range(SLICES):
        batches = [lanes.batches(mixed(workload, n, FLUSH)) for _ in range(flushes)]
        size -= log.bytes
        began = time.process_time()
        for batch in batches:
            await step(task, batch)
            pages.look()
        speeds.append(FLUSH * flushes / (time.process_time() - began))
        size += log.bytes
        flushed += FLUSH * flushes
    after, speed = len(logic(task)), statistics.median(speeds)
    row: dict[str, Figure] = {
        "open": n, "places": "clustered" if clustered else "uniform", "signals_per_s": speed,
        "least": min(speeds), "most": max(speeds), "us_a_signal": 1e6 / speed, "open_before": before,
        "open_after": after, "bytes_a_signal": size // flushed, "promised": ENOUGH.get(n),
    }  # fmt: skip
    return row, speed, all(abs(now - n) <= n * HELD for now in (before, after))


async def fill(task: City, workload: Workload, lanes: Lanes, n: int) -> None:
    """Open ``n`` incidents over three hours, and let the share of them that is closing clear."""
    while len(logic(task)) < n:
        missing = n - len(logic(task))
        some: list[Signal] = []
        for _ in range(min(missing, FLUSH)):
            workload.now += FILL_MS / n
            some.append(workload.fresh())
        await step(task, lanes.batches(some))
    closing = round(n * CLOSING)
    for first in range(0, closing, FLUSH):
        some = []
        for _ in range(min(FLUSH, closing - first)):
            workload.now += CLOSING_MS / closing
            some.append(workload.end())
        await step(task, lanes.batches(some))


def mixed(workload: Workload, n: int, count: int) -> list[Signal]:
    """So many signals of the mix, at the pace of ``n`` open incidents."""
    out = []
    for _ in range(count):
        workload.now += LIFE_MS / n
        out.append(workload.next())
    return out


def _peer(seed: int) -> dict[str, Figure]:
    """Plain de-duplication: decode, a dictionary by scenario and asset, a small record; no place, timers or state."""
    _, spoken = content()
    workload, lanes, n = Workload(seed, False, spoken, 5_000), Lanes(), 50_000
    for _ in range(n):
        workload.fresh()
    decode, encode = msgspec.json.Decoder(Signal).decode, msgspec.json.Encoder().encode
    stand = {(a.raised.scenario, a.raised.asset): [a.raised.t, 1] for a in workload.standing}
    speeds = []
    for _ in range(SLICES):
        batches = [lanes.batches(mixed(workload, n, FLUSH)) for _ in range(FLUSHES)]
        began = time.process_time()
        for batch in batches:
            for value in _values(batch):
                signal = decode(value)
                key = (signal.scenario, signal.asset)
                if signal.kind == "clear":
                    stand.pop(key, None)
                else:
                    known = stand.setdefault(key, [signal.t, 0])
                    known[0], known[1] = signal.t, known[1] + 1
                    encode({"scenario": key[0], "asset": key[1], "last": known[0], "count": known[1]})
        speeds.append(FLUSH * FLUSHES / (time.process_time() - began))
    speed = statistics.median(speeds)
    return {"open": n, "places": "peer: plain dedup", "signals_per_s": speed, "least": min(speeds), "most": max(speeds),
            "us_a_signal": 1e6 / speed}  # fmt: skip


def _values(batches: list[Batch]) -> Any:
    for batch in batches:
        for row in range(len(batch)):
            if batch.header(row, CE_TYPE) == SIGNAL_TYPE:
                yield batch.value(row)
