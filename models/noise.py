"""Noise: whether a series scatters more, or less, than it used to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.detector import F8, I4, I8, Fixed, usable, within


@dataclass(frozen=True, slots=True)
class Noise(Fixed):
    """How many times the usual scatter the present one is, in doublings: 0 as always, 2 four times, -1 half.

    Scatter is the mean size of second differences (a reading less the mean of the one before and the one after, told
    by the one after), which a level, a slope and a slow course leave alone. Quick mean against slow mean; each
    difference teaches the slow one at most 3 of it. Unknown until ``warmup`` readings, and while the series never
    moved. Does not work for uneven distances between readings, for a course with features as short as a reading, nor
    where rest and turmoil take turns by nature. Source: von Neumann 1941.

    Parameters
    ----------
    quick, slow : weights of the newest difference, 0 < slow < quick <= 1.
    warmup : readings before the first score, at least 3.
    """

    quick: float = 0.05
    slow: float = 0.001
    warmup: int = 60

    STATE: ClassVar[np.dtype[Any]] = np.dtype(
        [("before", "f8"), ("last", "f8"), ("quick", "f8"), ("slow", "f8"), ("n", "i4")]
    )

    def __post_init__(self) -> None:
        if not 0 < self.slow < self.quick <= 1:
            raise ValueError(f"slow, quick: expected 0 < slow < quick <= 1, got {self.slow} and {self.quick}")
        within("warmup", self.warmup, 3)

    def _run(self, state: NDArray[Any], slot: I4, t: I8, value: F8) -> F8:
        out = np.empty(len(value))
        noise(state, slot, value, self.quick, self.slow, self.warmup, out)
        return out


@njit(cache=True, inline="always")
def noise_step(state: NDArray[Any], slot: int, value: float, quick: float, slow: float, warmup: int) -> float:
    """Score one reading, then learn it."""
    row = state[slot]
    if not usable(value):
        return np.nan
    score = np.nan
    if row.n >= 2:
        d = abs(row.last - 0.5 * (row.before + value))
        known = row.n >= warmup
        early = 1.0 / (row.n - 1) if not known else 0.0
        row.quick += max(quick, early) * (d - row.quick)
        # The present scatter has this reading in it, the usual one has not.
        if known and row.slow > 0.0:
            score = np.log2(max(row.quick / row.slow, 1e-6))
            d = min(d, 3.0 * row.slow)
        row.slow += max(slow, early) * (d - row.slow)
    row.before = row.last
    row.last = value
    row.n = min(row.n + 1, warmup)
    return float(score)


@njit(cache=True, nogil=True)
def noise(state: NDArray[Any], slot: I4, value: F8, quick: float, slow: float, warmup: int, out: F8) -> None:
    """The detector's kernel over readings in order of arrival."""
    for i in range(len(value)):
        out[i] = noise_step(state, slot[i], value[i], quick, slow, warmup)
