"""Drift: a slow creep of the level that no single reading shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.detector import F8, I4, I8, LARGEST, Fixed, usable, within


@dataclass(frozen=True, slots=True)
class Drift(Fixed):
    """Difference of a fast and a slow running mean, in standard deviations of that difference under plain noise.

    The noise is taken from differences of successive readings (von Neumann), which a creep hardly touches. Signed; for
    independent noise about normal. Does not work on a daily course or autocorrelated noise (give it a residual, such
    as that of :class:`models.seasonal.SeasonalProfile` or the disagreement with neighbours), nor for a creep slower
    than the slow mean follows, nor for one present since the first reading. Source: von Neumann 1941; Page 1954.

    Parameters
    ----------
    fast, slow : weights of the newest reading, 0 < slow < fast <= 1.
    warmup : readings before the first score, at least 2; about 1/slow is sound.
    limit : readings beyond plus or minus this are taken as that, above 0: for residuals in their own deviations, in
        which a few wild ones would look like a creep. None: all are taken as they are.
    """

    fast: float = 0.05
    slow: float = 0.002
    warmup: int = 500
    limit: float | None = None

    STATE: ClassVar[np.dtype[Any]] = np.dtype(
        [("fast", "f8"), ("slow", "f8"), ("last", "f8"), ("noise", "f8"), ("n", "i4")]
    )

    def __post_init__(self) -> None:
        if not 0 < self.slow < self.fast <= 1:
            raise ValueError(f"slow, fast: expected 0 < slow < fast <= 1, got {self.slow} and {self.fast}")
        within("warmup", self.warmup, 2)
        if self.limit is not None:
            within("limit", self.limit, 0, open_low=True)

    def _run(self, state: NDArray[Any], slot: I4, t: I8, value: F8) -> F8:
        out = np.empty(len(value))
        a, b = self.fast, self.slow
        # Variance of the difference of two running means over one white noise of variance 1.
        unit = a / (2.0 - a) + b / (2.0 - b) - 2.0 * a * b / (a + b - a * b)
        limit = LARGEST if self.limit is None else self.limit
        drift(state, slot, value, a, b, self.warmup, unit, limit, out)
        return out


@njit(cache=True, inline="always")
def drift_step(
    state: NDArray[Any], slot: int, value: float, fast: float, slow: float, warmup: int, unit: float, limit: float
) -> float:
    """Score one reading, then learn it."""
    row = state[slot]
    if not usable(value):
        return np.nan
    value = min(max(value, -limit), limit)
    if row.n == 0:
        row.fast = row.slow = row.last = value
        row.n = 1
        return np.nan
    noise = row.noise
    known = row.n >= warmup
    # The score is of the means with this reading in them and of the noise before it.
    if not known:
        row.n += 1
    early = 1.0 / row.n
    row.fast += max(fast, early if not known else 0.0) * (value - row.fast)
    row.slow += max(slow, early if not known else 0.0) * (value - row.slow)
    move = value - row.last
    row.last = value
    row.noise += max(slow, early if not known else 0.0) * (0.5 * move * move - noise)
    if known and noise > 0.0:
        return float((row.fast - row.slow) / np.sqrt(noise * unit))
    return np.nan


@njit(cache=True, nogil=True)
def drift(
    state: NDArray[Any], slot: I4, value: F8, fast: float, slow: float, warmup: int, unit: float, limit: float, out: F8
) -> None:
    """The detector's kernel over readings in order of arrival."""
    for i in range(len(value)):
        out[i] = drift_step(state, slot[i], value[i], fast, slow, warmup, unit, limit)
