"""Flatline and stuck: how long a value has not moved, against the longest that it usually rests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.detector import F8, I4, I8, Fixed, usable, within


@dataclass(frozen=True, slots=True)
class Flatline(Fixed):
    """Readings in a row within ``tolerance`` of the first of them, over the series' own usual longest run.

    1 is as long as usual, 3 is three times that. The usual longest run is a maximum that shrinks by ``forget`` at each
    end of a run, and is at least ``least``; runs longer than ``cut`` times it teach only that much. Unknown until
    ``warmup`` runs have ended: a sensor that never moved since it was seen first is a matter of the summary
    :class:`models.silence.Silence` gives for its changes, not of this one. Does not work where rest is normal and
    irregular (rain at 0: name it with ``resting``), or where the resolution is coarse against the signal.

    Parameters
    ----------
    tolerance : largest move that counts as none, in the reading's unit, at least 0.
    resting : value at which any rest is normal; None: there is none. Such readings score 0 and teach nothing.
    least : the shortest run that is taken as usual, at least 1.
    forget : share by which the usual longest run shrinks at each run's end, in [0, 1).
    cut : how many times the usual a run teaches at most, above 1.
    warmup : runs before the first score, at least 1.
    """

    tolerance: float = 0.0
    resting: float | None = None
    least: int = 3
    forget: float = 0.005
    cut: float = 2.0
    warmup: int = 10

    STATE: ClassVar[np.dtype[Any]] = np.dtype([("first", "f8"), ("usual", "f8"), ("run", "i8"), ("n", "i4")])

    def __post_init__(self) -> None:
        within("tolerance", self.tolerance, 0)
        within("least", self.least, 1)
        within("forget", self.forget, 0, 0.999)
        within("cut", self.cut, 1, open_low=True)
        within("warmup", self.warmup, 1)

    def _run(self, state: NDArray[Any], slot: I4, t: I8, value: F8) -> F8:
        out = np.empty(len(value))
        resting = np.nan if self.resting is None else float(self.resting)
        flatline(
            state, slot, value, self.tolerance, resting, float(self.least), self.forget, self.cut, self.warmup, out
        )
        return out


@njit(cache=True, inline="always")
def flatline_step(
    state: NDArray[Any], slot: int, value: float, tolerance: float, resting: float, least: float, forget: float,
    cut: float, warmup: int,
) -> float:  # fmt: skip
    """Score one reading, then learn it; ``resting`` is NaN where there is none."""
    row = state[slot]
    if not usable(value):
        return np.nan
    known = row.n >= warmup
    if abs(value - resting) <= tolerance:
        row.run = 0
        return 0.0 if known else np.nan
    if row.run > 0 and abs(value - row.first) <= tolerance:
        row.run += 1
    else:
        if row.run > 0:
            usual = max(row.usual, least)
            row.usual = max(usual * (1.0 - forget), min(float(row.run), cut * usual))
            if not known:
                row.n += 1
        row.first = value
        row.run = 1
    return float(row.run) / max(row.usual, least) if known else np.nan


@njit(cache=True, nogil=True)
def flatline(
    state: NDArray[Any], slot: I4, value: F8, tolerance: float, resting: float, least: float, forget: float,
    cut: float, warmup: int, out: F8,
) -> None:  # fmt: skip
    """The detector's kernel over readings in order of arrival."""
    for i in range(len(value)):
        out[i] = flatline_step(state, slot[i], value[i], tolerance, resting, least, forget, cut, warmup)
