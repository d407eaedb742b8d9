"""Silence: how long nothing has come, against the usual distance between readings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.detector import F8, I4, I8, Fixed, usable, within


@dataclass(frozen=True, slots=True)
class Silence(Fixed):
    """Time without a reading, in usual distances between readings: 1 is as always, 10 is ten missed ones.

    Times are **up-time** in ms, which stands still while inputs are down: an outage of the inputs is no silence of each
    sensor. A row whose value is NaN is a question ("still nothing?"), scored and not learned; any number is a reading,
    scored with the gap that it ends. The usual distance is exponentially weighted, and one gap teaches at most
    ``cut`` of it. Unknown until ``warmup`` gaps were seen, and for a row that is not later than the last reading (such
    a reading is not learned). Does not work for sensors that report on change only, nor for an asset never heard.

    Parameters
    ----------
    every_s : the usual distance if it is registered, seconds above 0; None: it is learned.
    alpha : weight of the newest gap, in (0, 1].
    cut : how many usual distances one gap teaches at most, above 1.
    warmup : gaps before the first score where it is learned, at least 1.
    """

    every_s: float | None = None
    alpha: float = 0.05
    cut: float = 3.0
    warmup: int = 5

    STATE: ClassVar[np.dtype[Any]] = np.dtype([("last", "i8"), ("every", "f8"), ("n", "i4")])

    def __post_init__(self) -> None:
        if self.every_s is not None:
            within("every_s", self.every_s, 0, open_low=True)
        within("alpha", self.alpha, 0, 1, open_low=True)
        within("cut", self.cut, 1, open_low=True)
        within("warmup", self.warmup, 1)

    def _run(self, state: NDArray[Any], slot: I4, t: I8, value: F8) -> F8:
        out = np.empty(len(value))
        every = 0.0 if self.every_s is None else self.every_s * 1000.0
        silence(state, slot, t, value, every, self.alpha, self.cut, self.warmup, out)
        return out


@njit(cache=True, inline="always")
def silence_step(
    state: NDArray[Any], slot: int, up: int, value: float, every: float, alpha: float, cut: float, warmup: int
) -> float:
    """Score one row, then learn it if it is a reading; ``every`` in ms, 0 where it is learned."""
    row = state[slot]
    reading = usable(value)
    if row.n == 0:
        if reading:
            row.last = up
            row.n = 1
        return np.nan
    if up <= row.last:
        return np.nan
    gap = float(up - row.last)
    usual = every if every > 0.0 else row.every
    known = every > 0.0 or row.n > warmup
    score = gap / usual if known else np.nan
    if reading:
        if row.n <= warmup:
            row.every += (gap - row.every) / row.n
            row.n += 1
        else:
            row.every += alpha * (min(gap, cut * row.every) - row.every)
        row.last = up
    return score


@njit(cache=True, nogil=True)
def silence(
    state: NDArray[Any], slot: I4, up: I8, value: F8, every: float, alpha: float, cut: float, warmup: int, out: F8
) -> None:
    """The detector's kernel over rows in order of arrival; times are up-time."""
    for i in range(len(value)):
        out[i] = silence_step(state, slot[i], up[i], value[i], every, alpha, cut, warmup)
