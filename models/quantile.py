"""Quantile residual: how far a reading lies outside the band in which most of its past lay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.detector import F8, I4, I8, Fixed, usable, within


@dataclass(frozen=True, slots=True)
class QuantileResidual(Fixed):
    """Distance from the band between two running quantiles, in widths of the band: 0 inside, signed outside.

    Both quantiles walk: up by rate × share × step for each reading above, down by rate × (1 - share) × step for each
    below; the step is the running mean absolute move of the series. For skewed noise, where standard deviations of
    both sides mislead. Does not work where most readings are equal (a band without width is unknown), and a quantile
    near 0 or 1 needs some hundreds of readings per change of level. Source: Robbins and Monro 1951; Tierney 1983.

    Parameters
    ----------
    low, high : the band's shares, 0 < low < high < 1.
    rate : speed of the walk, in (0, 1].
    warmup : readings before the first score, at least 2.
    """

    low: float = 0.05
    high: float = 0.95
    rate: float = 0.1
    warmup: int = 50

    STATE: ClassVar[np.dtype[Any]] = np.dtype(
        [("low", "f8"), ("high", "f8"), ("last", "f8"), ("move", "f8"), ("n", "i4")]
    )

    def __post_init__(self) -> None:
        if not 0 < self.low < self.high < 1:
            raise ValueError(f"low, high: expected 0 < low < high < 1, got {self.low} and {self.high}")
        within("rate", self.rate, 0, 1, open_low=True)
        within("warmup", self.warmup, 2)

    def _run(self, state: NDArray[Any], slot: I4, t: I8, value: F8) -> F8:
        out = np.empty(len(value))
        quantile_residual(state, slot, value, self.low, self.high, self.rate, self.warmup, out)
        return out


@njit(cache=True, inline="always")
def quantile_step(
    state: NDArray[Any], slot: int, value: float, low: float, high: float, rate: float, warmup: int
) -> float:
    """Score one reading, then learn it."""
    row = state[slot]
    if not usable(value):
        return np.nan
    if row.n == 0:
        row.low = value
        row.high = value
        row.last = value
        row.n = 1
        return np.nan
    width = row.high - row.low
    score = np.nan
    if row.n >= warmup:
        if width > 0.0:
            score = (max(value - row.high, 0.0) + min(value - row.low, 0.0)) / width
        gain = rate
    else:
        row.n += 1
        # In the warm-up the band opens to all that is seen, and the walk starts from there.
        row.low = min(row.low, value)
        row.high = max(row.high, value)
        gain = 0.0
    row.move += max(rate * 0.1, 1.0 / row.n) * (abs(value - row.last) - row.move)
    row.last = value
    step = gain * row.move
    row.low += step * (low if value > row.low else low - 1.0 if value < row.low else 0.0)
    row.high += step * (high if value > row.high else high - 1.0 if value < row.high else 0.0)
    if row.high < row.low:
        row.low = row.high = 0.5 * (row.low + row.high)
    return score


@njit(cache=True, nogil=True)
def quantile_residual(
    state: NDArray[Any], slot: I4, value: F8, low: float, high: float, rate: float, warmup: int, out: F8
) -> None:
    """The detector's kernel over readings in order of arrival."""
    for i in range(len(value)):
        out[i] = quantile_step(state, slot[i], value[i], low, high, rate, warmup)
