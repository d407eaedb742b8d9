"""Autoregressive residual: a reading against its prediction from the few before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.detector import F8, I4, I8, Detector, usable, within


@dataclass(frozen=True, slots=True)
class AutoregressiveResidual(Detector):
    """Error of a linear one-step prediction, over the running standard deviation of such errors.

    The prediction is the running mean plus weights times the ``order`` last deviations from it, learned by normalised
    least mean squares, which stays bounded on any input. Signed standard deviations. Sees a break in a smooth or
    swinging course that lies well within the usual range. Does not work when readings come at uneven distances (the
    times are not used), nor on white noise, where it is an EWMA with more work; a series that is constant or that it
    predicts without error stays unknown. Source: Widrow and Hoff 1960; Nagumo and Noda 1967.

    Parameters
    ----------
    order : readings that the prediction rests on, 1 to 32.
    step : speed of learning, above 0 and below 2; 0.1 to 0.5 is usual.
    alpha : weight of the newest in the running mean and error, in (0, 1].
    warmup : readings before the first score, more than order.
    """

    order: int = 4
    step: float = 0.2
    alpha: float = 0.02
    warmup: int = 50

    def __post_init__(self) -> None:
        within("order", self.order, 1, 32)
        within("step", self.step, 0, 1.99, open_low=True)
        within("alpha", self.alpha, 0, 1, open_low=True)
        within("warmup", self.warmup, self.order + 1)

    @property
    def state(self) -> np.dtype[Any]:
        """Dtype of one key's row; ``last`` is the newest deviation first."""
        p = (self.order,)
        return np.dtype([("last", "f8", p), ("weight", "f8", p), ("mean", "f8"), ("var", "f8"), ("n", "i4")])

    def _run(self, state: NDArray[Any], slot: I4, t: I8, value: F8) -> F8:
        out = np.empty(len(value))
        autoregressive(state, slot, value, self.step, self.alpha, self.warmup, out)
        return out


@njit(cache=True)
def autoregressive_step(state: NDArray[Any], slot: int, value: float, step: float, alpha: float, warmup: int) -> float:
    """Score one reading, then learn it."""
    row = state[slot]
    if not usable(value):
        return np.nan
    last, weight = row.last, row.weight
    order = len(last)
    if row.n == 0:
        row.mean = value
    predicted, power = 0.0, 0.0
    for k in range(order):
        predicted += weight[k] * last[k]
        power += last[k] * last[k]
    deviation = value - row.mean
    error = deviation - predicted
    score = np.nan
    if row.n >= warmup:
        rate = alpha
        if row.var > 0.0:
            score = error / np.sqrt(row.var)
    else:
        row.n += 1
        rate = max(alpha, 1.0 / row.n)
    if power > 0.0:
        gain = step * error / power
        for k in range(order):
            weight[k] += gain * last[k]
    for k in range(order - 1, 0, -1):
        last[k] = last[k - 1]
    last[0] = deviation
    row.mean += rate * deviation
    row.var = (1.0 - rate) * (row.var + rate * error * error)
    return score


@njit(cache=True, nogil=True)
def autoregressive(state: NDArray[Any], slot: I4, value: F8, step: float, alpha: float, warmup: int, out: F8) -> None:
    """The detector's kernel over readings in order of arrival."""
    for i in range(len(value)):
        out[i] = autoregressive_step(state, slot[i], value[i], step, alpha, warmup)
