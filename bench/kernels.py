"""Speed of the ordinary kernels: one thread, rows in order of arrival over many assets, the look-up of slots apart.

Seconds are those of the thread's CPU, so that other programs on the machine count only by the caches that they take.

Ours runs as the lane runs it: batches of rows over one state table. Peers in the same run, on the same rows: the same
formula in plain Python, and in numpy with a batch cut into rounds in which each asset occurs once. There is no oracle
here; the scores of ours and of the peers must agree, or the run does not hold. ``data`` is not read.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.harness import Figure, Result
from models.cusum import LevelShift
from models.decision import DECISION_STATE, Decision, decide_rows
from models.ewma import EwmaZScore
from models.seasonal import SeasonalProfile

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
I4 = NDArray[np.int32]

ASSETS, ROWS, BATCH, SLICES = 100_000, 6_000_000, 20_000, 7
PEER_ROWS = 200_000
ENOUGH = {"ewma": 20e6, "thresholds": 20e6, "seasonal": 5e6, "cusum": 5e6}
"""Readings a second that are promised, by figure."""

EWMA, SEASONAL, CUSUM = EwmaZScore(warmup=5), SeasonalProfile(warmup=2), LevelShift(warmup=10)
"""Shipped settings but for shorter warm-ups: at forty readings an asset most rows would else be unknown, and cheap."""


def run(seed: int, data: Path | None) -> Result:
    """Medians over slices; figures in readings a second."""
    random = np.random.default_rng(seed)
    slot = random.integers(0, ASSETS, ROWS).astype(np.int32)
    # An asset reports once an hour on the mean, so that its readings meet all hours of the day.
    t = 1_700_000_000_000 + np.sort(random.integers(0, 3_600_000 * (ROWS // ASSETS), ROWS))
    value = random.normal(20.0, 3.0, ROWS)
    rules, rungs = Decision("above", 30.0, readings=3, clear=28.0).compile()
    outcome = np.zeros(BATCH, np.int64)

    def thresholds(state: NDArray[Any], s: I4, at: I8, v: F8) -> F8:
        decide_rows(rules, rungs, state, s, v, at, outcome[: len(v)])
        return v

    runs: dict[str, tuple[np.dtype[Any], Callable[..., F8]]] = {
        "ewma": (EWMA.state, EWMA.score),
        "thresholds": (DECISION_STATE, thresholds),
        "seasonal": (SEASONAL.state, SEASONAL.score),
        "cusum": (CUSUM.state, CUSUM.score),
    }
    speeds = {name: _ours(*how, slot, t, value) for name, how in runs.items()}
    few = slice(0, PEER_ROWS)
    plain, plain_speed = _timed(lambda: plain_ewma(slot[few], value[few]))
    rounds, rounds_speed = _timed(lambda: numpy_ewma(slot[few], value[few]))
    ours = EWMA.score(np.zeros(ASSETS, EWMA.state), slot[few], t[few], value[few])
    agree = all(np.allclose(ours, peer, rtol=1e-9, equal_nan=True) for peer in (plain, rounds))
    rows: list[dict[str, Figure]] = [
        {"what": name, "million_readings_per_s": round(speed / 1e6, 1), "promised": ENOUGH[name] / 1e6}
        for name, speed in speeds.items()
    ]
    rows += [
        {"what": "peer: ewma, plain Python", "million_readings_per_s": round(plain_speed / 1e6, 2)},
        {"what": "peer: ewma, numpy by rounds", "million_readings_per_s": round(rounds_speed / 1e6, 2)},
    ]
    settings = {
        "assets": ASSETS, "rows": ROWS, "batch": BATCH, "slices": SLICES, "detectors": [EWMA, SEASONAL, CUSUM],
        "peers_agree": agree,
    }  # fmt: skip
    enough = all(speeds[name] >= least for name, least in ENOUGH.items())
    figures: dict[str, Figure] = {f"{name}_per_s": speeds[name] for name in ("ewma", "seasonal", "cusum")}
    return Result(rows, figures, agree and enough, settings)


def _ours(dtype: np.dtype[Any], score: Callable[..., F8], slot: I4, t: I8, value: F8) -> float:
    """Median of slices of one run over all rows, after one batch that compiles."""
    score(np.zeros(ASSETS, dtype), slot[:BATCH], t[:BATCH], value[:BATCH])
    state = np.zeros(ASSETS, dtype)
    state.view(np.uint8)[:] = 0  # touched: the first use of a page is the system's time, not the kernel's
    speeds = []
    for part in np.array_split(np.arange(0, ROWS, BATCH), SLICES):
        began = time.thread_time()
        for a in part.tolist():
            b = a + BATCH
            score(state, slot[a:b], t[a:b], value[a:b])
        speeds.append(len(part) * BATCH / (time.thread_time() - began))
    return statistics.median(speeds)


def _timed(peer: Callable[[], F8]) -> tuple[F8, float]:
    began = time.thread_time()
    scores = peer()
    return scores, PEER_ROWS / (time.thread_time() - began)


def plain_ewma(slot: I4, value: F8) -> F8:
    """The EWMA z-score with a dict a key, as it would be written without arrays."""
    known: dict[int, list[float]] = {}
    out = []
    for key, v in zip(slot.tolist(), value.tolist(), strict=True):
        row = known.get(key)
        if row is None:
            known[key] = [v, 0.0, 1.0]
            out.append(math.nan)
            continue
        d = v - row[0]
        out.append(d / math.sqrt(row[1]) if row[2] >= EWMA.warmup and row[1] > 0 else math.nan)
        row[2] += 1
        row[0] += EWMA.alpha * d
        row[1] = (1 - EWMA.alpha) * (row[1] + EWMA.alpha * d * d)
    return np.array(out)


def numpy_ewma(slot: I4, value: F8) -> F8:
    """The same with numpy: the k-th reading of each asset in a batch makes one round of whole columns."""
    mean, var, n = np.zeros(ASSETS), np.zeros(ASSETS), np.zeros(ASSETS)
    out = np.full(len(value), np.nan)
    for a in range(0, len(value), BATCH):
        rows = np.arange(a, min(a + BATCH, len(value)))
        while len(rows):
            keys, first = np.unique(slot[rows], return_index=True)
            now = rows[first]
            v, seen = value[now], n[keys] > 0
            d = np.where(seen, v - mean[keys], 0.0)
            known = (n[keys] >= EWMA.warmup) & (var[keys] > 0)
            out[now[known]] = d[known] / np.sqrt(var[keys[known]])
            mean[keys] = np.where(seen, mean[keys] + EWMA.alpha * d, v)
            var[keys] = (1 - EWMA.alpha) * (var[keys] + EWMA.alpha * d * d)
            n[keys] += 1
            rows = np.delete(rows, first)
    return out
