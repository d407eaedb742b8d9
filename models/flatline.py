"""Flatline and stuck: how long a value has not moved, against the longest that it usually rests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.detector import F8, I4, I8, Fixed, usable, within

REMEMBERED = 8
"""Values of a series at which long rest is known to be usual."""


@dataclass(frozen=True, slots=True)
class Flatline(Fixed):
    """Readings in a row within ``tolerance`` of the first of them, over the longest such run that is usual there.

    1 is as long as usual, 3 is three times that. What is usual is learned for the series and apart for the eight
    values at which it rests longest, such as a detection limit or the steps of a coarse resolution: 2 ug/m3 for a day
    may be ordinary where 31 for a day is a fault. Each usual length follows the ends of runs: longer ones raise it by
    at most the factor ``cut``, others lower it by ``forget``, so that with the defaults about one run in forty is
    longer; it is at least ``least``. Unknown until ``warmup`` runs have ended: a sensor that never moved since it was
    seen first is a matter of the summary :class:`models.silence.Silence` gives for its changes, not of this one. Does
    not work for a sensor that sticks at a value where rest is usual, nor where rest is normal and irregular at many
    values; a fault that returns at the same value again and again becomes usual.

    Parameters
    ----------
    tolerance : largest move that counts as none, in the reading's unit, at least 0.
    resting : value at which any rest is normal; None: none is known. Such readings score 0 and teach nothing.
    least : the shortest run that is taken as usual, at least 1.
    forget : share by which a usual longest run shrinks at the end of a run that is not longer, in [0, 1).
    cut : how many times the usual a run teaches at most, above 1.
    warmup : runs before the first score, at least 1.
    """

    tolerance: float = 0.0
    resting: float | None = None
    least: int = 3
    forget: float = 0.005
    cut: float = 1.2
    warmup: int = 10

    STATE: ClassVar[np.dtype[Any]] = np.dtype(
        [
            ("first", "f8"), ("usual", "f8"), ("run", "i8"), ("n", "i4"), ("here", "f8"),
            ("at", "f8", REMEMBERED), ("longest", "f8", REMEMBERED),
        ]
    )  # fmt: skip

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
            end_of_run(state, slot, tolerance, least, forget, cut)
            if not known:
                row.n += 1
        row.first = value
        row.run = 1
        row.here = max(row.usual, least)
        for j in range(REMEMBERED):
            if row.longest[j] > row.here and abs(row.at[j] - value) <= tolerance:
                row.here = row.longest[j]
    return float(row.run) / row.here if known else np.nan


@njit(cache=True)
def end_of_run(state: NDArray[Any], slot: int, tolerance: float, least: float, forget: float, cut: float) -> None:
    """Learn the run that just ended: where its value is remembered, there; else for the series."""
    row = state[slot]
    run, usual = float(row.run), max(row.usual, least)
    shortest = 0
    for j in range(REMEMBERED):
        if row.longest[j] > 0.0 and abs(row.at[j] - row.first) <= tolerance:
            kept = row.longest[j]
            row.longest[j] = min(run, cut * kept) if run > kept else kept * (1.0 - forget)
            if row.longest[j] <= usual:
                row.longest[j] = 0.0
            return
        if row.longest[j] < row.longest[shortest]:
            shortest = j
    if run > usual:
        row.usual = min(run, cut * usual)
        if row.usual > row.longest[shortest]:
            row.at[shortest] = row.first
            row.longest[shortest] = row.usual
    else:
        row.usual = usual * (1.0 - forget)


@njit(cache=True, nogil=True)
def flatline(
    state: NDArray[Any], slot: I4, value: F8, tolerance: float, resting: float, least: float, forget: float,
    cut: float, warmup: int, out: F8,
) -> None:  # fmt: skip
    """The detector's kernel over readings in order of arrival."""
    for i in range(len(value)):
        out[i] = flatline_step(state, slot[i], value[i], tolerance, resting, least, forget, cut, warmup)
