"""Seasonal profile: a reading against the usual one at its hour of the day or of the week."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.detector import F8, I4, I8, Detector, usable, within

HOUR, DAY = 3_600_000, 86_400_000
SUNDAY = 4 * DAY
"""Time from the epoch's Thursday to the next Monday's begin; the week's hours count from Monday 0:00 local time."""

HOURS = {"day": 24, "week": 168}
WIDTH = 3
"""Numbers a cell has, side by side in one cache line: mean, variance, readings."""


@dataclass(frozen=True, slots=True)
class SeasonalProfile(Detector):
    """Deviation from the mean of the same local hour, over the standard deviation of that hour.

    Each hour's cell keeps an exponentially weighted mean and variance. Signed standard deviations; unknown until the
    hour has had ``warmup`` readings and has varied. Local time is UTC plus a fixed offset: at a change to summer time
    the profile is one hour off until it has learned anew. Does not work on holidays and moved working days (they look
    unusual, and are learned), nor in the first week for hours of the week; a slow trend is a deviation at all hours.

    Parameters
    ----------
    period : "day" (24 cells) or "week" (168 cells).
    offset_s : local time less UTC in seconds, -50,400 to 50,400; 28,800 is China.
    alpha : weight of the newest reading in its cell, in (0, 1].
    warmup : readings of a cell before its first score, at least 2.
    """

    period: Literal["day", "week"] = "day"
    offset_s: int = 28_800
    alpha: float = 0.05
    warmup: int = 5

    def __post_init__(self) -> None:
        if self.period not in HOURS:
            raise ValueError(f'period: expected "day" or "week", got {self.period!r}')
        within("offset_s", self.offset_s, -50_400, 50_400)
        within("alpha", self.alpha, 0, 1, open_low=True)
        within("warmup", self.warmup, 2)

    @property
    def state(self) -> np.dtype[Any]:
        """Dtype of one key's row: ``cell`` (hours, 3) of mean, variance, readings (at most the warm-up)."""
        return np.dtype([("cell", "f8", (HOURS[self.period], WIDTH))])

    def _run(self, state: NDArray[Any], slot: I4, t: I8, value: F8) -> F8:
        out = np.empty(len(value))
        seasonal_profile(state["cell"], slot, t, value, self.offset_s * 1000, self.alpha, self.warmup, out)
        return out


@njit(cache=True, inline="always")
def hour_cell(t: int, offset: int, hours: int) -> int:
    """Cell of a time in ms UTC; ``offset`` in ms."""
    since_monday = t + offset - SUNDAY
    return int((since_monday // HOUR) % hours)


@njit(cache=True, inline="always")
def seasonal_step(cell: NDArray[np.float64], slot: int, hour: int, value: float, alpha: float, warmup: int) -> float:
    """Score one reading, then learn it; ``cell`` is the state's field of that name, ``hour`` from :func:`hour_cell`."""
    if not usable(value):
        return np.nan
    mean, var, n = cell[slot, hour, 0], cell[slot, hour, 1], cell[slot, hour, 2]
    d = value - mean
    score = np.nan
    if n < warmup:
        n += 1.0
        cell[slot, hour, 2] = n
        rate = max(alpha, 1.0 / n)
    else:
        rate = alpha
        if var > 0.0:
            score = d / np.sqrt(var)
    cell[slot, hour, 0] = mean + rate * d
    cell[slot, hour, 1] = (1.0 - rate) * (var + rate * d * d)
    return score


@njit(cache=True, nogil=True)
def seasonal_profile(
    cell: NDArray[np.float64], slot: I4, t: I8, value: F8, offset: int, alpha: float, warmup: int, out: F8
) -> None:
    """The detector's kernel over readings in order of arrival; ``offset`` in ms."""
    begin, hour = np.int64(0), -1
    for i in range(len(value)):
        # Rows that follow each other are mostly of one hour: the two slow divisions are made once for it.
        if hour < 0 or not 0 <= t[i] - begin < HOUR:
            hour = hour_cell(t[i], offset, cell.shape[1])
            begin = (t[i] + offset) // HOUR * HOUR - offset
        out[i] = seasonal_step(cell, slot[i], hour, value[i], alpha, warmup)
