"""Robust residual: the EWMA z-score that a few wild readings cannot blind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.detector import F8, I4, I8, Fixed, usable, within

NORMAL = 1.2533141373155003
"""Standard deviations in one mean absolute deviation of normal noise: sqrt(pi / 2)."""


@dataclass(frozen=True, slots=True)
class RobustEwma(Fixed):
    """Deviation from a centre that follows each reading by at most ``clip`` scales, in standard deviations.

    Centre and mean absolute deviation are exponentially weighted, each fed with the deviation cut at ``clip`` times
    that scale (Huber's function), so that a burst of wild readings moves neither far. Signed standard deviations.
    Does not work on a series that rests at one value most of the time: its scale goes to zero and each move is wild;
    after a jump for good it takes about (jump / (clip alpha scale)) readings to follow, longer than the plain EWMA.
    Source: Huber 1964; Gelper, Fried and Croux 2010.

    Parameters
    ----------
    alpha : weight of the newest reading, in (0, 1].
    warmup : readings before the first score, at least 2; in them nothing is cut.
    clip : in scales, at least 1.
    """

    alpha: float = 0.05
    warmup: int = 20
    clip: float = 3.0

    STATE: ClassVar[np.dtype[Any]] = np.dtype([("centre", "f8"), ("scale", "f8"), ("n", "i4")])

    def __post_init__(self) -> None:
        within("alpha", self.alpha, 0, 1, open_low=True)
        within("warmup", self.warmup, 2)
        within("clip", self.clip, 1)

    def _run(self, state: NDArray[Any], slot: I4, t: I8, value: F8) -> F8:
        out = np.empty(len(value))
        robust_ewma(state, slot, value, self.alpha, self.warmup, self.clip, out)
        return out


@njit(cache=True, inline="always")
def robust_step(state: NDArray[Any], slot: int, value: float, alpha: float, warmup: int, clip: float) -> float:
    """Score one reading, then learn it."""
    row = state[slot]
    if not usable(value):
        return np.nan
    if row.n == 0:
        row.centre = value
        row.n = 1
        return np.nan
    d = value - row.centre
    scale = row.scale
    if row.n < warmup:
        row.n += 1
        rate = max(alpha, 1.0 / row.n)
        row.centre += rate * d
        row.scale += rate * (abs(d) - scale)
        return np.nan
    score = d / (NORMAL * scale) if scale > 0.0 else np.nan
    cut = clip * scale
    if scale > 0.0 and abs(d) > cut:
        row.centre += alpha * (cut if d > 0 else -cut)
        row.scale += alpha * (cut - scale)
    else:
        row.centre += alpha * d
        row.scale += alpha * (abs(d) - scale)
    return score


@njit(cache=True, nogil=True)
def robust_ewma(state: NDArray[Any], slot: I4, value: F8, alpha: float, warmup: int, clip: float, out: F8) -> None:
    """The detector's kernel over readings in order of arrival."""
    for i in range(len(value)):
        out[i] = robust_step(state, slot[i], value[i], alpha, warmup, clip)
