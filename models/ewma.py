"""EWMA z-score: how far a reading lies from its own exponentially weighted past, in standard deviations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.detector import F8, I4, I8, Fixed, usable, within

EWMA_STATE = np.dtype([("mean", "f8"), ("var", "f8"), ("n", "i4")])
"""State of one series; all zeros is "nothing seen". ``n`` counts readings and stops at the warm-up."""


@dataclass(frozen=True, slots=True)
class EwmaZScore(Fixed):
    """Deviation from the exponentially weighted mean over the root of the exponentially weighted variance.

    ``d = v - mean; score = d / sqrt(var); mean += alpha d; var = (1 - alpha)(var + alpha d²)``: scored before learning.
    Signed standard deviations. Does not work when the level jumps for good: it adapts in about 3/alpha readings and is
    blind meanwhile; nor on a series that never varies, whose score stays unknown until it first moves. One wild
    reading inflates the variance for as long: see :class:`models.robust.RobustEwma`. Source: Roberts 1959.

    Parameters
    ----------
    alpha : weight of the newest reading, in (0, 1].
    warmup : readings before the first score, at least 1.
    """

    alpha: float = 0.05
    warmup: int = 20

    STATE: ClassVar[np.dtype[Any]] = EWMA_STATE

    def __post_init__(self) -> None:
        within("alpha", self.alpha, 0, 1, open_low=True)
        within("warmup", self.warmup, 1)

    def _run(self, state: NDArray[Any], slot: I4, t: I8, value: F8) -> F8:
        out = np.empty(len(value))
        ewma_zscore(state, slot, value, self.alpha, self.warmup, out)
        return out


@njit(cache=True, inline="always")
def ewma_step(state: NDArray[Any], slot: int, value: float, alpha: float, warmup: int) -> float:
    """Score one reading, then learn it. For kernels that do more in the same pass."""
    row = state[slot]
    if not usable(value):
        return np.nan
    if row.n == 0:
        row.mean = value
        row.n = 1
        return np.nan
    d = value - row.mean
    var = row.var
    score = np.nan
    if row.n >= warmup:
        if var > 0.0:
            score = d / np.sqrt(var)
    else:
        row.n += 1
    row.mean += alpha * d
    row.var = (1.0 - alpha) * (var + alpha * d * d)
    return score


@njit(cache=True, nogil=True)
def ewma_zscore(state: NDArray[Any], slot: I4, value: F8, alpha: float, warmup: int, out: F8) -> None:
    """The detector's kernel over readings in order of arrival."""
    for i in range(len(value)):
        out[i] = ewma_step(state, slot[i], value[i], alpha, warmup)
