"""Spike: a reading that goes away from the others and comes back, alone among its neighbours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.detector import F8, I4, I8, Detector, usable, within
from models.neighbours import check_neighbours, neighbour_table


@dataclass(frozen=True, slots=True)
class Spike(Detector):
    """How far one to ``most`` readings stood out beyond those before and after, in usual moves of the series.

    Told by the reading that comes back, so one reading late. The height is counted from the farther of the two ends,
    less their difference: neither a step nor a peak with a slope is a spike. Where at least ``least`` neighbours have
    a value all along, the difference to their median must stand out too and the lesser of both counts: what all see is
    no spike. A row is a summary of one moment, one value an asset, NaN where it had none; the state's row is one group
    of assets; gives (n, assets), signed. An asset's missing values are passed over. The usual move is the largest of a
    quick and a slow mean of moves, each move cut at 3 of it, and ``grain`` times the slow mean deviation of the
    readings, so that calm does not make all moves wild. Unknown until an asset has ``warmup`` readings. Does not work
    for spikes longer than ``most`` readings, without neighbours for a series whose nature it is to jump for one reading
    (a door, a pump), nor for the newest reading: :class:`models.robust.RobustEwma` sees that one, with more false
    alarms. A truly local event as short as a spike looks like one.

    Parameters
    ----------
    neighbours : for each asset the numbers of its neighbours in the row; empty: it is judged by itself.
    most : longest spike in readings, 1 to 8.
    least : neighbours with a value that the comparison needs, at least 1.
    quick, slow : weights of the newest move, 0 < slow <= quick <= 1.
    grain : least usual move, as a share of the mean deviation of readings, in [0, 10].
    every_s : registered distance of readings, seconds above 0: what took half as long again as it should is no spike;
        None: gaps do not matter.
    warmup : readings before the first score, at least 2.
    """

    neighbours: tuple[tuple[int, ...], ...] = ((),)
    most: int = 3
    least: int = 2
    quick: float = 0.1
    slow: float = 0.0003
    grain: float = 0.5
    every_s: float | None = None
    warmup: int = 24

    def __post_init__(self) -> None:
        check_neighbours(self.neighbours)
        within("most", self.most, 1, 8)
        within("least", self.least, 1)
        if not 0 < self.slow <= self.quick <= 1:
            raise ValueError(f"slow, quick: expected 0 < slow <= quick <= 1, got {self.slow} and {self.quick}")
        within("grain", self.grain, 0, 10)
        if self.every_s is not None:
            within("every_s", self.every_s, 0, open_low=True)
        within("warmup", self.warmup, 2)

    @property
    def columns(self) -> int:
        return len(self.neighbours)

    @property
    def state(self) -> np.dtype[Any]:
        """Dtype of one group's row."""
        assets, kept = len(self.neighbours), self.most + 1
        return np.dtype(
            [
                ("own", "f8", (assets, kept)), ("when", "i8", (assets, kept)), ("apart", "f8", (assets, kept)),
                ("level", "f8", (assets, 2)), ("move", "f8", (assets, 4)), ("n", "i4", (assets,)),
            ]
        )  # fmt: skip

    def _run(self, state: NDArray[Any], slot: I4, t: I8, value: F8) -> F8:
        out = np.empty(value.shape)
        every = math.inf if self.every_s is None else 1500.0 * self.every_s
        spike(
            state["own"], state["when"], state["apart"], state["level"], state["move"], state["n"], slot, t, value,
            neighbour_table(self.neighbours), self.least, self.quick, self.slow, self.grain, every, self.warmup, out,
        )  # fmt: skip
        return out


@njit(cache=True, inline="always")
def height(kept: F8, now: float, width: int) -> float:
    """By how much the last ``width`` kept readings stand beyond ``now`` and the one before them, signed; else 0.

    Counted from the farther of these two, less their difference: the slower a return, the less it is a spike.
    """
    last = len(kept)
    before = kept[last - width - 1]
    low = high = kept[last - 1]
    for j in range(last - width, last - 1):
        low, high = min(low, kept[j]), max(high, kept[j])
    top, bottom = max(before, now), min(before, now)
    if low > top:
        return max(float(low - top) - float(top - bottom), 0.0)
    return min(float(high - bottom) + float(top - bottom), 0.0) if high < bottom else 0.0


@njit(cache=True, inline="always")
def learn_move(move: F8, at: int, size: float, quick: float, slow: float, known: bool) -> None:
    """A move into its quick and slow mean, cut at three of the larger one once these are known."""
    if known:
        size = min(size, 3.0 * max(move[at], move[at + 1]))
    move[at] += quick * (size - move[at])
    move[at + 1] += slow * (size - move[at + 1])


@njit(cache=True, nogil=True)
def spike(
    own: F8, when: I8, apart: F8, level: F8, move: F8, n: I4, slot: I4, t: I8, value: F8, table: NDArray[np.int64],
    least: int, quick: float, slow: float, grain: float, every: float, warmup: int, out: F8,
) -> None:  # fmt: skip
    """The detector's kernel; the state's fields are (groups, assets, ...), rows in order of arrival."""
    near = np.empty(table.shape[1])
    kept = own.shape[2]
    for i in range(len(slot)):
        s = slot[i]
        for a in range(value.shape[1]):
            out[i, a] = np.nan
            x = value[i, a]
            if not usable(x):
                continue
            found = 0
            for j in table[a]:
                if j >= 0 and usable(value[i, j]):
                    near[found] = value[i, j]
                    found += 1
            d = x - np.median(near[:found]) if found >= least else np.nan
            seen = n[s, a]
            known = seen >= warmup
            floor = grain * level[s, a, 1]
            usual = max(move[s, a, 0], move[s, a, 1], floor)
            usual_apart = max(move[s, a, 2], move[s, a, 3], floor)
            if known and usual > 0.0:
                best = 0.0
                for width in range(1, kept):
                    if width >= seen:
                        break
                    if float(t[i]) - float(when[s, a, kept - width - 1]) > every * (width + 1):
                        continue
                    h = height(own[s, a], x, width) / usual
                    e = height(apart[s, a], d, width) / usual_apart if usual_apart > 0.0 else 0.0
                    whole = not np.isnan(d)
                    for j in range(kept - width - 1, kept):
                        whole = whole and not np.isnan(apart[s, a, j])
                    if whole:
                        h = 0.0 if h * e <= 0.0 else h if abs(h) < abs(e) else e
                    if abs(h) > abs(best):
                        best = h
                out[i, a] = best
            if seen > 0:
                early = 1.0 / seen if not known else 0.0
                learn_move(move[s, a], 0, abs(x - own[s, a, kept - 1]), max(quick, early), max(slow, early), known)
                if not np.isnan(d - apart[s, a, kept - 1]):
                    learn_move(
                        move[s, a], 2, abs(d - apart[s, a, kept - 1]), max(quick, early), max(slow, early), known
                    )
            pace = max(slow, 1.0 / (seen + 1) if not known else 0.0)
            level[s, a, 0] += pace * (x - level[s, a, 0])
            level[s, a, 1] += pace * (abs(x - level[s, a, 0]) - level[s, a, 1])
            for j in range(kept - 1):
                own[s, a, j], apart[s, a, j] = own[s, a, j + 1], apart[s, a, j + 1]
                when[s, a, j] = when[s, a, j + 1]
            own[s, a, kept - 1], apart[s, a, kept - 1], when[s, a, kept - 1] = x, d, t[i]
            n[s, a] = min(seen + 1, warmup + kept)
