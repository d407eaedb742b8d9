"""Count surge: more events in a cell than its past lets expect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.detector import F8, I4, I8, LARGEST, Fixed, usable, within


@dataclass(frozen=True, slots=True)
class CountSurge(Fixed):
    """Signed root of the deviance of the open bin's count under the cell's own Poisson or negative binomial law.

    A row is ``value`` events at a time (1 a ticket; 0 asks again). Bins have a fixed width; mean and variance of closed
    ones are exponentially weighted, empty bins included, and where the variance is above the mean the law is negative
    binomial with those two moments. About a standard normal deviate once the bin is full; 0 while no more than the
    mean has come, so a surge is seen within its bin. Unknown until ``warmup`` bins were closed (the first, cut one does
    not count), and for rows older than the open bin, which are not counted. Does not work for cells with a strong daily
    course (use cells by hour, or longer bins), nor for fewer than about one event in twenty bins.
    Source: McCullagh and Nelder 1989; Cameron and Trivedi 1998.

    Parameters
    ----------
    bin_s : width of a bin in seconds, at least 1; bins begin at multiples of it.
    alpha : weight of the newest bin, in (0, 1].
    least : mean below which a cell's expectation is not taken to fall, events a bin, above 0.
    warmup : bins before the first score, at least 1.
    """

    bin_s: float = 3600.0
    alpha: float = 0.02
    least: float = 0.05
    warmup: int = 48

    STATE: ClassVar[np.dtype[Any]] = np.dtype(
        [("bin", "i8"), ("count", "f8"), ("mean", "f8"), ("var", "f8"), ("n", "i4")]
    )

    def __post_init__(self) -> None:
        within("bin_s", self.bin_s, 1)
        within("alpha", self.alpha, 0, 1, open_low=True)
        within("least", self.least, 0, open_low=True)
        within("warmup", self.warmup, 1)

    def _run(self, state: NDArray[Any], slot: I4, t: I8, value: F8) -> F8:
        out = np.empty(len(value))
        count_surge(state, slot, t, value, round(self.bin_s * 1000), self.alpha, self.least, self.warmup, out)
        return out


@njit(cache=True, inline="always")
def deviance_root(count: float, mean: float, var: float) -> float:
    """Root of the deviance of a count above the mean, 0 below it; negative binomial where var > mean > 0."""
    if count <= mean:
        return 0.0
    half = count * np.log(count / mean)
    excess = var - mean
    # With an excess this small the shape is so large that the second term is Poisson's own limit.
    if excess > 1e-6 * mean:
        shape = mean * mean / excess
        half -= (count + shape) * np.log((count + shape) / (mean + shape))
    else:
        half -= count - mean
    return float(np.sqrt(max(2.0 * half, 0.0)))


@njit(cache=True)
def surge_step(
    state: NDArray[Any], slot: int, t: int, value: float, width: int, alpha: float, least: float, warmup: int
) -> float:
    """Score one row, then learn it; ``width`` in ms."""
    row = state[slot]
    if not usable(value) or value < 0.0:
        return np.nan
    at = t // width
    if row.n == 0:
        row.n = 1
        row.bin = at
    if at < row.bin:
        return np.nan
    if at > row.bin:
        # After so many empty bins nothing of the past is left: more of them change nothing.
        bins = int(min(float(at) - float(row.bin), 40.0 / alpha + warmup + 2.0))
        for k in range(bins):
            count = row.count if k == 0 else 0.0
            if row.n > 1:
                rate = max(alpha, 1.0 / (row.n - 1))
                d = count - row.mean
                row.mean += rate * d
                row.var = (1.0 - rate) * (row.var + rate * d * d)
            if row.n < warmup + 2:
                row.n += 1
        row.bin = at
        row.count = 0.0
    row.count = min(row.count + value, LARGEST)
    if row.n < warmup + 2:
        return np.nan
    return deviance_root(row.count, max(row.mean, least), row.var)


@njit(cache=True, nogil=True)
def count_surge(
    state: NDArray[Any], slot: I4, t: I8, value: F8, width: int, alpha: float, least: float, warmup: int, out: F8
) -> None:
    """The detector's kernel over rows in order of arrival; ``width`` in ms."""
    for i in range(len(value)):
        out[i] = surge_step(state, slot[i], t[i], value[i], width, alpha, least, warmup)
