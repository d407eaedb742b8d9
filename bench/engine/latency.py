"""Produced → signal committed, and memory, at a steady rate on the wall clock with the shipped settings."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from bench.watch.feed import Feed
from bench.watch.measure import reader, rss_mb
from streams import admin, topics

ASSETS, PARTITIONS = 10_000, 4


def measure_one(message_value: bytes, committed_ms: float, out: list[float]) -> None:
    """Note the latency of one raise or clear: its event time is the moment it was produced."""
    out.append(committed_ms - json.loads(message_value)["t"])


def measure(bootstrap: str, logs: Path, rate: int, seconds: float, seed: int) -> dict[str, float | int | str | None]:
    """Figures p50_ms, p99_ms, rss_growth_mb (last minute's peak less the second's), rss_max_mb."""
    prefix = f"latency{rate}."
    admin.ensure(bootstrap, topics.catalogue({"iot.telemetry": PARTITIONS}, prefix))
    command = [
        sys.executable, "-m", "bench.watch.worker", "--bootstrap", bootstrap, "--prefix", prefix,
        "--assets", str(ASSETS), "--partitions", str(PARTITIONS), "--conduct",
    ]  # fmt: skip
    consumer = reader(bootstrap, prefix + "signals.iot.telemetry", PARTITIONS, prefix)
    lags: list[float] = []
    memory: list[tuple[float, float]] = []
    with (logs / f"{prefix}log").open("wb") as log:
        worker = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            time.sleep(8)
            feed = Feed(bootstrap, prefix + "iot.telemetry", ASSETS, PARTITIONS, rate, seed, mischief=0.0)
            begun = time.monotonic()
            feed.start()
            while time.monotonic() - begun < seconds:
                for message in consumer.consume(2000, 0.02):
                    value = message.value()
                    if message.error() is None and value is not None and value.startswith(b'{"scenario"'):
                        measure_one(value, time.time() * 1000, lags)
                memory.append((time.monotonic() - begun, rss_mb(worker.pid)))
            feed.over.set()
            feed.join(30)
        finally:
            worker.terminate()
            worker.wait(20)
    consumer.close()
    second = max((m for t, m in memory if 60 <= t < 120), default=0.0)
    last = max((m for t, m in memory if t >= seconds - 60), default=0.0)
    p50, p99 = np.percentile(lags, [50, 99]) if lags else (np.nan, np.nan)
    return {
        "p50_ms": round(float(p50)), "p99_ms": round(float(p99)), "rss_growth_mb": round(last - second, 1),
        "rss_max_mb": round(max((m for _, m in memory), default=0.0)),
    }  # fmt: skip
