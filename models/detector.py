"""What all detectors share: settings, a state dtype, and `score` over rows in order of arrival.

A detector is a frozen dataclass of settings. Its ``state`` is a numpy dtype, one row a key, in which all zeros means
that nothing was seen yet; whoever calls keeps the table. A row is scored with what the rows of its key before it have
taught, then learned. A score is NaN while unknown. Nothing here reads a clock or a file: time is an argument.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
I4 = NDArray[np.int32]

LARGEST = 1e100
"""No sensor's reading is beyond it, and squares of what is within it are still finite numbers."""


class Detector:
    """Base of all detectors: checks the columns, makes the result, calls the compiled kernel.

    A reading that is NaN, infinite or beyond :data:`LARGEST` is scored NaN and not learned. Times may stand still or
    run backwards: detectors that need their order say in their docstring what they do then.
    """

    __slots__ = ()

    @property
    def state(self) -> np.dtype[Any]:
        """Dtype of one key's row."""
        raise NotImplementedError

    @property
    def columns(self) -> int:
        """Values a row has: 0 for a plain column of shape (n,), else d for (n, d)."""
        return 0

    def score(self, state: NDArray[Any], slot: I4, t: I8, value: F8) -> F8:
        """Scores of rows in the order of arrival; ``state`` learns each row after it is scored, in place.

        Parameters
        ----------
        state : (k,) of the detector's ``state`` dtype; zeros before the first call.
        slot : (n,) int32, the row of ``state`` that belongs to the key; 0 <= slot < k.
        t : (n,) int64, event time in ms UTC.
        value : (n,) or (n, columns) float64.

        Returns
        -------
        (n,) float64, or (n, d) where the docstring says so; NaN while unknown. No rows give no scores.

        Raises
        ------
        ValueError : columns of different length, a slot outside the table, or a state of another dtype.
        """
        if state.dtype != self.state:
            raise ValueError(f"state: expected rows of {type(self).__name__}.state, got dtype {state.dtype}")
        shape = (len(slot),) if self.columns == 0 else (len(slot), self.columns)
        if value.shape != shape or t.shape != shape[:1]:
            raise ValueError(
                f"columns: expected {len(slot)} times and values of shape {shape}, got {t.shape} and {value.shape}"
            )
        if len(slot) and not 0 <= int(slot.min()) <= int(slot.max()) < len(state):
            raise ValueError(f"slot: expected 0 to {len(state) - 1}, got {slot.min()} to {slot.max()}")
        return self._run(state, slot, t, value)

    def _run(self, state: NDArray[Any], slot: I4, t: I8, value: F8) -> F8:
        raise NotImplementedError


class Fixed(Detector):
    """A detector whose state has the same dtype whatever its settings are."""

    __slots__ = ()

    STATE: ClassVar[np.dtype[Any]]

    @property
    def state(self) -> np.dtype[Any]:
        return self.STATE


def within(name: str, value: float, low: float, high: float = math.inf, *, open_low: bool = False) -> None:
    """Raises ValueError unless low <= value <= high (low < value where ``open_low``); infinity is no setting."""
    ok = (value > low if open_low else value >= low) and value <= high and math.isfinite(value)
    if not ok:
        bracket = "(" if open_low else "["
        end = f"{high}]" if math.isfinite(high) else "inf)"
        raise ValueError(f"{name}: expected a number in {bracket}{low}, {end}, got {value}")


@njit(cache=True, inline="always")
def usable(value: float) -> bool:
    """Whether a reading can be learned: finite and not beyond :data:`LARGEST`."""
    return bool(abs(value) <= LARGEST)
