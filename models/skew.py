"""Clock skew: an asset whose course fits that of its neighbours better when it is moved in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.detector import F8, I4, I8, Detector, usable, within
from models.neighbours import check_neighbours, neighbour_table

CUT = 2.0
"""Slow mean deviations beyond which a reading's height does not matter: what one place alone has weighs less."""


@dataclass(frozen=True, slots=True)
class ClockSkew(Detector):
    """By what share an asset's distance to its neighbours' median is less at another lag than at none, signed.

    Positive: the asset shows later what its neighbours showed (its clock is fast, or its data are held up); negative:
    earlier. 0.3 means that at some lag the distance is less by 30 % than at lag 0 and, counted apart, than is usual
    for that asset and lag, so that a place downwind, which is always an hour behind, is not called skewed. Distances
    are between readings less their slow mean, in their slow mean deviation and cut at 2 of it, so units
    and levels do not matter and local peaks not much. A row
    is a summary of one moment, rows at equal distances, one value an asset, NaN where it had none; lags are counted in
    rows of the asset. Gives (n, assets); the state's row is one group of assets. Unknown before an asset has
    ``warmup`` rows. Does not work for a skew of less than two rows or beyond ``reach``, for a course without features
    that the neighbours share, within a calm span, nor for a skew that is there from the first reading.

    Parameters
    ----------
    neighbours : for each asset the numbers of its neighbours in the row.
    reach : greatest lag in rows, 2 to 48.
    least : neighbours with a value that a comparison needs, at least 1.
    quick : weight of the newest distance in the present one, in (0, 1].
    slow : weight in the usual one, in level and in scale, in (0, quick].
    warmup : rows of an asset before its first score, more than ``reach``.
    """

    neighbours: tuple[tuple[int, ...], ...]
    reach: int = 12
    least: int = 2
    quick: float = 0.015
    slow: float = 0.0003
    warmup: int = 240

    def __post_init__(self) -> None:
        check_neighbours(self.neighbours)
        within("reach", self.reach, 2, 48)
        within("least", self.least, 1)
        if not 0 < self.slow <= self.quick <= 1:
            raise ValueError(f"slow, quick: expected 0 < slow <= quick <= 1, got {self.slow} and {self.quick}")
        within("warmup", self.warmup, self.reach, open_low=True)

    @property
    def columns(self) -> int:
        return len(self.neighbours)

    @property
    def state(self) -> np.dtype[Any]:
        """Dtype of one group's row."""
        assets, lags = len(self.neighbours), 2 * self.reach + 1
        return np.dtype(
            [
                ("own", "f8", (assets, self.reach + 1)), ("others", "f8", (assets, self.reach + 1)),
                ("level", "f8", (assets, 4)), ("now", "f8", (assets, lags)), ("usual", "f8", (assets, lags)),
                ("n", "i4", (assets,)),
            ]
        )  # fmt: skip

    def _run(self, state: NDArray[Any], slot: I4, t: I8, value: F8) -> F8:
        out = np.empty(value.shape)
        clock_skew(
            state["own"], state["others"], state["level"], state["now"], state["usual"], state["n"], slot, value,
            neighbour_table(self.neighbours), self.least, self.quick, self.slow, self.warmup, out,
        )  # fmt: skip
        return out


@njit(cache=True, inline="always")
def standard(level: F8, at: int, x: float, rate: float) -> float:
    """A reading less its slow mean, in slow mean deviations, cut at :data:`CUT`; both then learn it."""
    d = x - level[at]
    size = level[at + 1]
    z = min(max(d / size, -CUT), CUT) if size > 0.0 else 0.0
    level[at] += rate * d
    level[at + 1] += rate * (abs(d) - size)
    return z


@njit(cache=True, nogil=True)
def clock_skew(
    own: F8, others: F8, level: F8, now: F8, usual: F8, n: I4, slot: I4, value: F8, table: NDArray[np.int64],
    least: int, quick: float, slow: float, warmup: int, out: F8,
) -> None:  # fmt: skip
    """The detector's kernel; the state's fields are (groups, assets, ...), rows in order of arrival."""
    near = np.empty(table.shape[1])
    kept = own.shape[2]
    reach = kept - 1
    for i in range(len(slot)):
        s = slot[i]
        for a in range(value.shape[1]):
            out[i, a] = np.nan
            found = 0
            for j in table[a]:
                if j >= 0 and usable(value[i, j]):
                    near[found] = value[i, j]
                    found += 1
            if not usable(value[i, a]) or found < least:
                continue
            seen = n[s, a]
            early = 1.0 / (seen + 1) if seen < warmup else 0.0
            x = standard(level[s, a], 0, value[i, a], max(slow, early))
            r = standard(level[s, a], 2, np.median(near[:found]), max(slow, early))
            for j in range(reach):
                own[s, a, j], others[s, a, j] = own[s, a, j + 1], others[s, a, j + 1]
            own[s, a, reach], others[s, a, reach] = x, r
            n[s, a] = min(seen + 1, warmup)
            if seen < reach:
                continue
            early = 1.0 / (seen + 1 - reach) if seen < warmup else 0.0
            for lag in range(-reach, reach + 1):
                d = abs(x - others[s, a, reach - lag]) if lag >= 0 else abs(own[s, a, reach + lag] - r)
                k = lag + reach
                now[s, a, k] += max(quick, early) * (d - now[s, a, k])
                usual[s, a, k] += max(slow, early) * (d - usual[s, a, k])
            if seen >= warmup:
                out[i, a] = gain(now[s, a], usual[s, a], reach)


@njit(cache=True, inline="always")
def gain(now: F8, usual: F8, reach: int) -> float:
    """Share by which the best lag is nearer than none, or by which it is nearer than usual if that is less."""
    best = 0.0
    for k in range(2 * reach + 1):
        if abs(k - reach) < 2 or now[reach] <= 0.0 or usual[reach] <= 0.0:
            continue
        share = 1.0 - now[k] / now[reach]
        better = min(share, share - (1.0 - usual[k] / usual[reach]))
        if better > abs(best):
            best = better if k > reach else -better
    return best
