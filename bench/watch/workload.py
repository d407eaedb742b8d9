"""The sensor watch: one deterministic input, one rule, one oracle; the same bytes for every engine beside us.

Readings of many assets over a few partitions. The threshold rule: `raise` at the third reading in a row above 10,
`clear` at the first below 8. The deviation rule: a reading far from the asset's own exponentially weighted past.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

START_MS = 1_718_000_000_000
KEY = b"bench"


@dataclass(frozen=True)
class Load:
    """How many readings of how many assets over how many partitions; one ms of event time a reading."""

    readings: int
    assets: int = 10_000
    partitions: int = 4
    seed: int = 7
    hot: float = 0.0
    """Share of the assets that begin within a run of high values: without it, assets that speak three times never
    raise."""


def values(load: Load) -> NDArray[np.float64]:
    """The value of every reading, (readings,), asset by asset in turn.

    Per reading not within a run: ``round(random() * 5, 3)``, then ``random() < 0.0013`` begins a run of five 12.0.
    The draws are those of ``random.Random(seed)``, taken at once: numpy's generator goes on from the same state.
    """
    _, key, _ = random.Random(load.seed).getstate()
    source = np.random.MT19937()
    source.state = {"bit_generator": "MT19937", "state": {"key": np.array(key[:-1], np.uint32), "pos": key[-1]}}
    draws = np.random.Generator(source).random(2 * load.readings)
    thousandths = draws * 5 * 1000
    rounded = np.rint(thousandths) / 1000
    for i in np.flatnonzero(np.abs(thousandths % 1 - 0.5) < 1e-6):  # here the product may lie on the wrong side
        rounded[i] = round(float(draws[i]) * 5, 3)
    left = np.zeros(load.assets, np.int64)
    left[: round(load.hot * load.assets)] = 5
    out = np.empty(load.readings)
    _runs(draws, rounded, left, out)
    return out


@njit(cache=True)
def _runs(draws, rounded, left, out):  # type: ignore[no-untyped-def]  # numba infers
    at = 0
    for n in range(len(out)):
        a = n % len(left)
        if left[a]:
            left[a] -= 1
            out[n] = 12.0
        else:
            out[n] = rounded[at]
            if draws[at + 1] < 0.0013:
                left[a] = 5
            at += 2


def asset_id(a: int) -> str:
    """Name of an asset."""
    return f"wl-{a:06d}"


def place(a: int, assets: int, n: int) -> tuple[float, float]:
    """Longitude and latitude: each asset at its own point of the box, with a few metres of jitter."""
    lon = 113.2 + (a * 7919 % assets) / assets * 0.4 + n % 97 * 1e-6
    return lon, 22.0 + (a * 104729 % assets) / assets * 0.3 + n % 89 * 1e-6


def payloads(load: Load, column: NDArray[np.float64], start: int = 0) -> Iterator[tuple[int, bytes]]:
    """(asset, payload) of every reading from ``start``: what the bytes are; the producer's kernel writes the same."""
    for n in range(start, load.readings):
        v = float(column[n])
        a = n % load.assets
        yield (
            a,
            (
                b'{"asset":"wl-%06d","metric":"water_level","t":%d,"v":%s,"unit":"m","lon":%.7f,"lat":%.7f,"crs":"wgs84","q":"good","seq":%d}'
                % (a, START_MS + n, str(v).encode(), *place(a, load.assets, n), n)
            ),
        )


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
