"""The sensor watch: one deterministic input, one rule, one oracle; the same bytes for every engine beside us.

Readings of many assets over a few partitions. The threshold rule: `raise` at the third reading in a row above 10,
`clear` at the first below 8. The deviation rule: a reading far from the asset's own exponentially weighted past.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from confluent_kafka import Producer
from numba import njit
from numpy.typing import NDArray

from streams import pulse as pulses
from streams.pulse import Pulse
from streams.topics import partition_of

START_MS = 1_718_000_000_000
KEY = b"bench"


@dataclass(frozen=True)
class Load:
    """How many readings of how many assets over how many partitions; one ms of event time a reading."""

    readings: int
    assets: int = 10_000
    partitions: int = 4
    seed: int = 7


def values(load: Load) -> NDArray[np.float64]:
    """The value of every reading, (readings,), asset by asset in turn."""
    rnd = random.Random(load.seed)
    left = [0] * load.assets
    out = np.empty(load.readings)
    for n in range(load.readings):
        a = n % load.assets
        if left[a]:
            left[a] -= 1
            out[n] = 12.0
        else:
            out[n] = round(rnd.random() * 5, 3)
            if rnd.random() < 0.0013:
                left[a] = 5
    return out


def asset_id(a: int) -> str:
    """Name of an asset."""
    return f"wl-{a:06d}"


def place(a: int, assets: int, n: int) -> tuple[float, float]:
    """Longitude and latitude: each asset at its own point of the box, with a few metres of jitter."""
    lon = 113.2 + (a * 7919 % assets) / assets * 0.4 + n % 97 * 1e-6
    return lon, 22.0 + (a * 104729 % assets) / assets * 0.3 + n % 89 * 1e-6


def payloads(load: Load, column: NDArray[np.float64]) -> Iterator[tuple[int, bytes]]:
    """(asset, payload) of every reading."""
    for n, v in enumerate(column.tolist()):
        a = n % load.assets
        yield (
            a,
            (
                b'{"asset":"wl-%06d","metric":"water_level","t":%d,"v":%s,"unit":"m","lon":%.7f,"lat":%.7f,"crs":"wgs84","q":"good","seq":%d}'
                % (a, START_MS + n, str(v).encode(), *place(a, load.assets, n), n)
            ),
        )


def produce(bootstrap: str, load: Load, column: NDArray[np.float64], topic: str, set_id: str | None) -> None:
    """Fill a topic; with ``set_id``, a pulse a second of event time in every partition (the peers get none)."""
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "linger.ms": 50,
            "queue.buffering.max.messages": 1_000_000,
            "batch.num.messages": 5000,
            "partitioner": "murmur2",
        }
    )
    keys = [asset_id(a).encode() for a in range(load.assets)]
    parts = [partition_of(key, load.partitions) for key in keys]
    heads: list[tuple[str, str | bytes | None]] = list(pulses.HEADERS)

    def pulse(second: int) -> None:
        time = START_MS + second * 1000
        value = pulses.encode(Pulse(second, time, second * 1000, set_id or "", 0), KEY)
        for p in range(load.partitions):
            producer.produce(topic, value, partition=p, headers=heads)

    for n, (a, value) in enumerate(payloads(load, column)):
        if n % 1000 == 0 and set_id is not None:
            pulse(n // 1000)
        producer.produce(topic, value, keys[a], parts[a])
        if n % 10_000 == 0:
            producer.poll(0)
            while len(producer) > 800_000:
                producer.poll(0.05)
    if set_id is not None:
        pulse(load.readings // 1000 + 1)
    producer.flush()


@njit(cache=True)
def _threshold(column, assets, out):  # type: ignore[no-untyped-def]  # numba infers
    run, on, n = np.zeros(assets, np.int64), np.zeros(assets, np.uint8), 0
    for i in range(len(column)):
        a, v = i % assets, column[i]
        run[a] = run[a] + 1 if v > 10 else 0
        if on[a] == 0 and run[a] >= 3:
            on[a] = 1
            out[n] = i * 2
            n += 1
        elif on[a] == 1 and v < 8:
            on[a] = 0
            out[n] = i * 2 + 1
            n += 1
    return n


def threshold_oracle(load: Load, column: NDArray[np.float64]) -> NDArray[np.int64]:
    """Every signal of the threshold rule as reading number × 2, + 1 for a clear; in reading order."""
    out = np.empty(load.readings, np.int64)
    return out[: int(_threshold(column, load.assets, out))]


@njit(cache=True)
def _deviation(column, assets, alpha, warmup, high, low, out):  # type: ignore[no-untyped-def]  # numba infers
    mean, var, seen = np.zeros(assets), np.zeros(assets), np.zeros(assets, np.int64)
    on, n = np.zeros(assets, np.uint8), 0
    for i in range(len(column)):
        a, v = i % assets, column[i]
        if seen[a] == 0:
            mean[a] = v
        d = v - mean[a]
        score = np.nan
        if seen[a] >= warmup and var[a] > 0:
            score = d / np.sqrt(var[a])
        if seen[a] > 0:
            mean[a] += alpha * d
            var[a] = (1 - alpha) * (var[a] + alpha * d * d)
        seen[a] += 1
        if on[a] == 0 and abs(score) >= high:
            on[a] = 1
            out[n] = i * 2
            n += 1
        elif on[a] == 1 and abs(score) < low:
            on[a] = 0
            out[n] = i * 2 + 1
            n += 1
    return n


def deviation_oracle(
    load: Load, column: NDArray[np.float64], alpha: float, warmup: int, high: float, low: float
) -> NDArray[np.int64]:
    """Every signal of the deviation rule, coded as in :func:`threshold_oracle`."""
    out = np.empty(load.readings, np.int64)
    return out[: int(_deviation(column, load.assets, alpha, warmup, high, low, out))]
