"""What grows with partitions and assets: 32 partitions in one worker, what it costs idle, a million assets."""

from __future__ import annotations

import subprocess
import time

from bench.engine.ours import INPUT, Outcome, speed
from bench.engine.stand import Stand
from bench.watch import measure
from bench.watch.workload import Load
from streams import admin, topics

FEW, MANY = 10_000, 1_000_000
SETTLE_S = 8.0
PATIENCE_S = 240.0
"""A worker that enters a set of a million assets says nothing for a while."""


def growth(stand: Stand, readings: int, seed: int, few: int = FEW, many: int = MANY) -> dict[int, Outcome]:
    """The same number of readings over few and over many assets, over the same partitions; by number of assets.

    Where an asset speaks three times in all it cannot raise unless it begins high: as many do as give the steady part
    of the run the rate of signals that the other load has.
    """
    found = {}
    for assets in (few, many):
        rounds = readings / assets
        hot = 0.0052 if 3 <= rounds < 10 else 0.0
        load = Load(readings, assets, seed=seed, hot=hot)
        found[assets] = speed(stand, load, f"{assets:,} assets", PATIENCE_S)
    return found


def idle(stand: Stand, partitions: int, seconds: float, assets: int = FEW, settle_s: float = SETTLE_S) -> float:
    """CPU-seconds a second of one worker that owns all partitions, conducts, and gets nothing but its own pulses.

    Raises RuntimeError when the worker ends, or when not every lane sealed the pulses of the measured time.
    """
    with stand.topics(f"idle-{partitions}.") as prefix:
        admin.ensure(stand.bootstrap, topics.catalogue({INPUT: partitions}, prefix))
        command = measure.worker(stand.bootstrap, prefix, assets, partitions, "--conduct")
        consumer = measure.reader(stand.bootstrap, f"{prefix}signals.{INPUT}", partitions, prefix)
        follow = measure.Seals(dict.fromkeys(range(partitions), 1))
        with (stand.logs / f"{prefix}log").open("wb") as log, stand.step(f"idle: one worker, {partitions} partitions"):
            worker = subprocess.Popen(command, stdout=log, stderr=log)
            try:
                measure.until_over(consumer, follow, worker)
                measure.follow_for(consumer, follow, settle_s)
                before = dict(follow.positions)
                begun, used = time.monotonic(), measure.cpu_seconds(worker.pid)
                time.sleep(seconds)
                share = (measure.cpu_seconds(worker.pid) - used) / (time.monotonic() - begun)
                measure.follow_for(consumer, follow, measure.QUIET_S)
                if worker.poll() is not None:
                    raise RuntimeError(f"idle: the worker ended with {worker.returncode}; its log is {log.name}")
            finally:
                worker.terminate()
                worker.wait(30)
        consumer.close()
        still = [p for p, position in follow.positions.items() if position - before[p] < seconds / 2]
        if still:
            raise RuntimeError(f"idle: partitions {still} did not move with the pulses while they were measured")
        return share
