"""Produced → signal committed, and memory, at a steady rate on the wall clock with the shipped settings."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import numpy as np

from bench.harness import Figure
from bench.watch.feed import Feed
from bench.watch.measure import Seals, is_signal, reader, rss_mb, until_over, worker
from streams import admin, topics

PARTITIONS = 4
MINUTE = 60.0


def measure_one(message_value: bytes, committed_ms: float, out: list[float]) -> None:
    """Note the latency of one raise or clear: its event time is the moment it was produced."""
    out.append(committed_ms - json.loads(message_value)["t"])


def measure(bootstrap: str, logs: Path, rate: int, assets: int, seconds: float, seed: int) -> dict[str, Figure]:
    """Figures p50_ms, p99_ms, rss_growth_mb (last minute's peak less the second's), rss_max_mb.

    A run of less than three minutes has thirds instead of minutes. Without any signal the latencies are None.
    """
    prefix = f"latency{rate}."
    admin.ensure(bootstrap, topics.catalogue({"iot.telemetry": PARTITIONS}, prefix))
    command = worker(bootstrap, prefix, assets, PARTITIONS, "--conduct")
    consumer = reader(bootstrap, prefix + "signals.iot.telemetry", PARTITIONS, prefix)
    lags: list[float] = []
    memory: list[tuple[float, float]] = []
    with (logs / f"{prefix}log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            until_over(consumer, Seals(dict.fromkeys(range(PARTITIONS), 1)), process)
            feed = Feed(bootstrap, prefix + "iot.telemetry", assets, PARTITIONS, rate, seed, mischief=0.0)
            begun = time.monotonic()
            feed.start()
            while time.monotonic() - begun < seconds:
                for message in consumer.consume(2000, 0.02):
                    value = message.value()
                    if message.error() is None and value is not None and is_signal(value):
                        measure_one(value, time.time() * 1000, lags)
                memory.append((time.monotonic() - begun, rss_mb(process.pid)))
            feed.over.set()
            feed.join(30)
        finally:
            process.terminate()
            process.wait(20)
    consumer.close()
    window = min(MINUTE, seconds / 3)
    second = max((m for t, m in memory if window <= t < 2 * window), default=0.0)
    last = max((m for t, m in memory if t >= seconds - window), default=0.0)
    figures: dict[str, Figure] = {"p50_ms": None, "p99_ms": None}
    if lags:
        figures = {f"p{q}_ms": round(float(np.percentile(lags, q))) for q in (50, 99)}
    return figures | {"rss_growth_mb": round(last - second, 1), "rss_max_mb": round(max(m for _, m in memory))}
