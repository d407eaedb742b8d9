"""Helps for agents that work in columns: numbers for a compiled function, and rounding as Python rounds."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]
T = TypeVar("T")


def numbers(form: type[T], params: Mapping[str, Any], **more: float) -> T:
    """Params as a named tuple of floats, which a compiled function takes: those that ``form`` names, and ``more``.

    Raises KeyError for one that is in neither, ValueError for one that is no number.
    """
    named = {**params, **more}
    made: Any = form
    filled: T = made(*(float(named[name]) for name in made._fields))
    return filled


def rounded(column: F8, digits: int) -> F8:
    """To so many digits (0 to 6) after the point, each number exactly as Python's ``round``; NaN and infinity stay.

    ``np.round`` differs where ten times a number is a half only after it was rounded itself.
    """
    scale = 10.0**digits
    with np.errstate(all="ignore"):  # what is no number, or too large, goes through Python below or stays as it is
        wide = column * scale
        away = np.abs(np.abs(wide - np.trunc(wide)) - 0.5)
        out: F8 = np.rint(wide) / scale
    # Where the product is near a half, or too large to have one, its own rounding could decide.
    sure = (away > 1e-6) & (np.abs(wide) < 1e9)
    out[~sure] = [round(v, digits) if isfinite(v) else v for v in column[~sure].tolist()]
    return out
