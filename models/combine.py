"""Combiner: scores of different detectors, each with a scale of its own, become one probability."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.detector import F8, I4, I8, Detector, usable, within

CELLS = 64
PER_DOUBLING, FIRST = 4, 20
"""The histogram of magnitudes: four cells a doubling, from 2^-5 to 2^11; what lies beyond is in the outermost."""


@dataclass(frozen=True, slots=True)
class Combiner(Detector):
    """Logistic model of how rare each detector's score is among that detector's own scores of the key.

    A column is one detector; only the magnitude of its score counts. Its surprise is -log10 of the share of earlier
    magnitudes at least as large, from a histogram that fades (halved at ``memory`` rows). The probability is
    ``1 / (1 + exp(-(bias + sum weight × surprise)))``; an unknown score adds nothing. Unknown while all are.
    Calibrated only for what :meth:`fitted` was shown: with weights made up it is a ranking, not a probability. Does not
    work where anomalies are a large share of a key's past, because then they are not rare, and it cannot see what none
    of its detectors sees.

    Parameters
    ----------
    weights : one a column, each at least 0: more surprise never lowers the probability.
    bias : log odds of a row without any surprise.
    memory : rows after which the histogram is halved, at least 100.
    warmup : scores of a column before it is known, at least 10.
    """

    weights: tuple[float, ...]
    bias: float = -6.0
    memory: int = 5000
    warmup: int = 50

    def __post_init__(self) -> None:
        if not self.weights:
            raise ValueError("weights: expected at least one, got none")
        for k, weight in enumerate(self.weights):
            within(f"weights[{k}]", weight, 0)
        within("bias", self.bias, -100, 100)
        within("memory", self.memory, 100)
        within("warmup", self.warmup, 10)

    @property
    def columns(self) -> int:
        return len(self.weights)

    @property
    def state(self) -> np.dtype[Any]:
        """Dtype of one key's row: histograms of magnitudes, their sums, and scores seen (at most the warm-up)."""
        d = self.columns
        return np.dtype([("cell", "f8", (d, CELLS)), ("total", "f8", (d,)), ("n", "i4", (d,))])

    def surprise(self, state: NDArray[Any], slot: I4, value: F8) -> F8:
        """(n, d) surprises, at least 0, NaN while unknown; ``state`` learns each row after it is judged."""
        out = np.empty(value.shape)
        surprises(state["cell"], state["total"], state["n"], slot, value, float(self.memory), self.warmup, out)
        return out

    def fitted(self, slot: I4, value: F8, truth: NDArray[np.bool_]) -> Combiner:
        """The same with weights and bias from labelled rows in order of arrival.

        Weights that come out negative are left out and the others fitted anew. Raises ValueError where the labelled,
        known rows are all of one kind.
        """
        from sklearn.linear_model import LogisticRegression

        rows = self.surprise(np.zeros(int(slot.max()) + 1, self.state), slot, value)
        known = ~np.isnan(rows).all(axis=1)
        x, y = np.nan_to_num(rows[known]), truth[known]
        if not len(y) or y.all() or not y.any():
            raise ValueError(f"truth: expected known rows of both kinds, got {int(y.sum())} of {len(y)} true")
        weights, used = np.zeros(self.columns), np.arange(self.columns)
        while len(used):
            model = LogisticRegression(C=1e6, max_iter=1000).fit(x[:, used], y)
            bias, found = float(model.intercept_[0]), model.coef_[0]
            if (found >= 0).all():
                weights[used] = found
                break
            used = used[found >= 0]
        else:
            share = float(y.mean())
            bias = float(np.log(share / (1 - share)))
        return replace(self, weights=tuple(float(w) for w in weights), bias=max(min(bias, 100.0), -100.0))

    def _run(self, state: NDArray[Any], slot: I4, t: I8, value: F8) -> F8:
        rows = self.surprise(state, slot, value)
        out = np.empty(len(slot))
        logistic(rows, np.asarray(self.weights), self.bias, out)
        return out


@njit(cache=True, nogil=True)
def surprises(cell: F8, total: F8, n: I4, slot: I4, value: F8, memory: float, warmup: int, out: F8) -> None:
    """The detector's kernel; ``cell``, ``total`` and ``n`` are the state's fields, rows in order of arrival."""
    for i in range(len(slot)):
        s = slot[i]
        for k in range(value.shape[1]):
            out[i, k] = np.nan
            v = abs(value[i, k])
            if not usable(v):
                continue
            at = 0
            if v > 0.0:
                at = int(min(max(np.floor(PER_DOUBLING * np.log2(v)) + FIRST, 0.0), CELLS - 1.0))
            if n[s, k] >= warmup:
                above = 0.0
                for j in range(at, CELLS):
                    above += cell[s, k, j]
                out[i, k] = -np.log10((above + 0.5) / (total[s, k] + 0.5))
            else:
                n[s, k] += 1
            cell[s, k, at] += 1.0
            total[s, k] += 1.0
            if total[s, k] >= memory:
                total[s, k] = 0.0
                for j in range(CELLS):
                    cell[s, k, j] *= 0.5
                    total[s, k] += cell[s, k, j]


@njit(cache=True, nogil=True)
def logistic(surprise: F8, weight: F8, bias: float, out: F8) -> None:
    """Probability of each row; NaN where no column is known. A loop, so that no row depends on a batch's length."""
    for i in range(len(out)):
        odds, known = bias, False
        for k in range(len(weight)):
            if not np.isnan(surprise[i, k]):
                odds += weight[k] * surprise[i, k]
                known = True
        out[i] = 1.0 / (1.0 + np.exp(-odds)) if known else np.nan
