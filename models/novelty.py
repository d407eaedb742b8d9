"""Pattern novelty: how far the present state of a series lies from every state it has been in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.detector import F8, I4, I8, Detector, usable, within


@dataclass(frozen=True, slots=True)
class PatternNovelty(Detector):
    """Distance of a reading and its running means to the nearest remembered state, over the bar; 0 when nothing is new.

    A state is the reading and one exponentially weighted mean per entry of ``means``, on the measuring range taken as
    [0, 1] and raised to ``power`` (below 1 it tells small values apart more finely). The distance is the largest
    difference in any of them, to the nearest of ``memory`` remembered states. A state more than ``radius`` away is
    remembered, in place of the oldest once the memory is full; otherwise the nearest moves towards it by ``follow``.
    The bar is ``radius × (1 + habit × told)``, where told counts the scores above 1 so far and fades by ``fade`` a
    reading: a series that is new all the time, a young one above all, has to be newer to be told again. What is new
    once is told once: a score counts only above all of the ``rest`` readings before it, else it is 0.

    Sees spikes, shifts, rises and falls of a kind that never was, at any speed the means cover; needs no season.
    Does not work for a usual state at an unusual hour, for a fault that looks like one before, nor when the measuring
    range is far wider than what happens (all is near to all). Without a range the one seen so far is taken, which one
    wild reading spoils for good. The first day or so is all new: ``warmup`` readings are unknown. Above 1 is a sound
    threshold.

    Parameters
    ----------
    low, high : measuring range, low < high; both None: as seen so far. Values outside count as at its end.
    means : weights of the newest reading in the running means, each in (0, 1), at most 7.
    power : above 0, at most 2.
    radius : of a remembered state, a share of the range in (0, 1).
    memory : remembered states, 2 to 10,000.
    follow : share of the way that the nearest state moves, in [0, 1].
    habit : rise of the bar with each score above 1, at least 0.
    fade : share of it that is forgotten a reading, in [0, 1].
    rest : readings, at least 0.
    warmup : readings, at least 2.
    """

    low: float | None = None
    high: float | None = None
    means: tuple[float, ...] = (0.04, 0.008)
    power: float = 0.7
    radius: float = 0.045
    memory: int = 200
    follow: float = 0.05
    habit: float = 0.15
    fade: float = 0.0005
    rest: int = 100
    warmup: int = 100

    def __post_init__(self) -> None:
        if (self.low is None) != (self.high is None):
            raise ValueError(f"low, high: expected both or neither, got {self.low} and {self.high}")
        if self.low is not None and self.high is not None and not -np.inf < self.low < self.high < np.inf:
            raise ValueError(f"low, high: expected low < high, got {self.low} and {self.high}")
        if len(self.means) > 7 or any(not 0 < a < 1 for a in self.means):
            raise ValueError(f"means: expected at most 7 weights in (0, 1), got {self.means}")
        within("power", self.power, 0, 2, open_low=True)
        within("radius", self.radius, 0, 0.999, open_low=True)
        within("memory", self.memory, 2, 10_000)
        within("follow", self.follow, 0, 1)
        within("habit", self.habit, 0)
        within("fade", self.fade, 0, 1)
        within("rest", self.rest, 0)
        within("warmup", self.warmup, 2)

    @property
    def state(self) -> np.dtype[Any]:
        """Dtype of one key's row: the present state ``now``, remembered states ``known``, recent scores, range."""
        size = 1 + len(self.means)
        return np.dtype(
            [
                ("known", "f8", (self.memory, size)), ("now", "f8", (size,)), ("recent", "f8", (max(self.rest, 1),)),
                ("told", "f8"), ("low", "f8"), ("high", "f8"), ("n", "i8"), ("used", "i8"), ("next", "i8"),
            ]
        )  # fmt: skip

    def _run(self, state: NDArray[Any], slot: I4, t: I8, value: F8) -> F8:
        out = np.empty(len(value))
        given = self.low is not None and self.high is not None
        pattern_novelty(
            state, slot, value, self.low or 0.0, self.high or 0.0, given, np.asarray((1.0, *self.means)), self.power,
            self.radius, self.follow, self.habit, self.fade, self.rest, self.warmup, out,
        )  # fmt: skip
        return out


@njit(cache=True, inline="always")
def on_range(value: float, low: float, high: float, power: float) -> float:
    """A value's place on the range, in [0, 1]; 0 on a range of no width."""
    share = (value - low) / (high - low) if high > low else 0.0
    return float(min(max(share, 0.0), 1.0) ** power)


@njit(cache=True)
def nearest(known: F8, used: int, now: F8) -> tuple[int, float]:
    """Number of the nearest remembered state and its distance; (-1, 0) where none is remembered."""
    best, at = np.inf, -1
    for q in range(used):
        far = 0.0
        for k in range(len(now)):
            far = max(far, abs(now[k] - known[q, k]))
            if far >= best:
                break
        if far < best:
            best, at = far, q
    return at, best if at >= 0 else 0.0


@njit(cache=True)
def stretch(values: F8, low: float, high: float, new_low: float, new_high: float, power: float) -> None:
    """Turn places on one range into places on a wider one, in place."""
    for k in range(len(values)):
        values[k] = on_range(low + values[k] ** (1.0 / power) * (high - low), new_low, new_high, power)


@njit(cache=True, nogil=True)
def pattern_novelty(
    state: NDArray[Any], slot: I4, value: F8, low: float, high: float, given: bool, rate: F8, power: float,
    radius: float, follow: float, habit: float, fade: float, rest: int, warmup: int, out: F8,
) -> None:  # fmt: skip
    """The detector's kernel over readings in order of arrival; ``rate`` begins with 1, that of the reading itself."""
    for i in range(len(value)):
        out[i] = np.nan
        v = value[i]
        if not usable(v):
            continue
        row = state[slot[i]]
        known, now, recent = row.known, row.now, row.recent
        if row.n == 0:
            row.low, row.high = (low, high) if given else (v, v)
        if not given and not row.low <= v <= row.high:
            wider_low, wider_high = min(row.low, v), max(row.high, v)
            stretch(now, row.low, row.high, wider_low, wider_high, power)
            for q in range(row.used):
                stretch(known[q], row.low, row.high, wider_low, wider_high, power)
            row.low, row.high = wider_low, wider_high
        place = on_range(v, row.low, row.high, power)
        for k in range(len(now)):
            now[k] += max(rate[k], 1.0 / (row.n + 1)) * (place - now[k])
        at, far = nearest(known, row.used, now)
        score = far / (radius * (1.0 + habit * row.told))
        newest = True
        for j in range(rest):
            newest = newest and recent[j] < score
        recent[row.n % len(recent)] = score
        row.told = (1.0 - fade) * row.told + (1.0 if newest and score > 1.0 else 0.0)
        if row.n >= warmup:
            out[i] = score if newest else 0.0
        row.n += 1
        if at >= 0 and far <= radius:
            for k in range(len(now)):
                known[at, k] += follow * (now[k] - known[at, k])
        else:
            for k in range(len(now)):
                known[row.next, k] = now[k]
            row.next = (row.next + 1) % len(known)
            row.used = min(row.used + 1, len(known))
