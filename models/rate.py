"""Rate of change: value per second over a span of time, in the reading's own unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.detector import F8, I4, I8, Fixed, usable, within


@dataclass(frozen=True, slots=True)
class RateOfChange(Fixed):
    """Change per second between a reading and one that is ``span_s`` to twice ``span_s`` older.

    For limits that are written as rates: a water level's rise per hour, a temperature's per minute. Signed, in the
    reading's unit per second. Two reference readings take turns, so no history is kept. Unknown until a reading of
    that age is there, and for a reading that is not newer than the last one, which is not learned either. Does not
    work for noise larger than the change within the span (make the span longer), nor where readings come further
    apart than twice the span: then the span is the distance of the two last readings, and a short rise between them
    is not seen.

    Parameters
    ----------
    span_s : seconds, above 0.
    """

    span_s: float = 600.0

    STATE: ClassVar[np.dtype[Any]] = np.dtype(
        [("t_old", "i8"), ("old", "f8"), ("t_new", "i8"), ("new", "f8"), ("t_last", "i8"), ("n", "i4")]
    )

    def __post_init__(self) -> None:
        within("span_s", self.span_s, 0, open_low=True)

    def _run(self, state: NDArray[Any], slot: I4, t: I8, value: F8) -> F8:
        out = np.empty(len(value))
        rate_of_change(state, slot, t, value, self.span_s * 1000.0, out)
        return out


@njit(cache=True, inline="always")
def rate_step(state: NDArray[Any], slot: int, t: int, value: float, span: float) -> float:
    """Score one reading, then learn it; ``span`` in ms."""
    row = state[slot]
    if not usable(value) or (row.n > 0 and t <= row.t_last):
        return np.nan
    row.t_last = t
    if row.n == 0:
        row.n = 1
        row.t_old = row.t_new = t
        row.old = row.new = value
        return np.nan
    if t - row.t_new >= span:
        row.t_old = row.t_new
        row.old = row.new
        row.t_new = t
        row.new = value
    age = float(t - row.t_old)
    return 1000.0 * (value - row.old) / age if age >= span else np.nan


@njit(cache=True, nogil=True)
def rate_of_change(state: NDArray[Any], slot: I4, t: I8, value: F8, span: float, out: F8) -> None:
    """The detector's kernel over readings in order of arrival; ``span`` in ms."""
    for i in range(len(value)):
        out[i] = rate_step(state, slot[i], t[i], value[i], span)
