"""Neighbours' disagreement: an asset against the median of the assets around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.detector import F8, I4, I8, Detector, usable, within


def check_neighbours(neighbours: tuple[tuple[int, ...], ...]) -> None:
    """Raises ValueError unless there are assets and each one's neighbours are other ones of them."""
    if not neighbours:
        raise ValueError("neighbours: expected at least one asset, got none")
    for asset, others in enumerate(neighbours):
        wrong = [k for k in others if not 0 <= k < len(neighbours) or k == asset]
        if wrong:
            raise ValueError(f"neighbours[{asset}]: expected others of 0 to {len(neighbours) - 1}, got {wrong[0]}")


def neighbour_table(neighbours: tuple[tuple[int, ...], ...]) -> NDArray[np.int64]:
    """Neighbours as a matrix (assets, most), filled with -1."""
    most = max(len(others) for others in neighbours)
    table = np.full((len(neighbours), max(most, 1)), -1, np.int64)
    for asset, others in enumerate(neighbours):
        table[asset, : len(others)] = others
    return table


@dataclass(frozen=True, slots=True)
class NeighbourDisagreement(Detector):
    """Deviation of an asset from its neighbours' median, in mean absolute deviations; each less its usual offset.

    A row is a summary of one moment: one value an asset, NaN where it had none; the state's row is one group of
    assets. What all see (weather, a holiday) cancels out; what only one sees stays. Offsets and scales are
    exponentially weighted and cut at 3 scales, so that a faulty asset does not become usual at once. Gives (n, assets)
    signed scores. Unknown for an asset without a value or with fewer than ``least`` neighbours that have one. Does not
    work when half of the neighbours err together, nor for what is truly local, such as a plume between two stations:
    it says "this one differs", not "this one is wrong".

    Parameters
    ----------
    neighbours : for each asset the numbers of its neighbours in the row; none is its own.
    least : neighbours with a value that a score needs, at least 1.
    alpha : weight of the newest row, in (0, 1].
    warmup : rows of an asset before its first score, at least 2.
    """

    neighbours: tuple[tuple[int, ...], ...]
    least: int = 2
    alpha: float = 0.02
    warmup: int = 24

    def __post_init__(self) -> None:
        check_neighbours(self.neighbours)
        within("least", self.least, 1)
        within("alpha", self.alpha, 0, 1, open_low=True)
        within("warmup", self.warmup, 2)

    @property
    def columns(self) -> int:
        return len(self.neighbours)

    @property
    def state(self) -> np.dtype[Any]:
        """Dtype of one group's row."""
        assets = (len(self.neighbours),)
        return np.dtype([("offset", "f8", assets), ("scale", "f8", assets), ("n", "i4", assets)])

    def _run(self, state: NDArray[Any], slot: I4, t: I8, value: F8) -> F8:
        out = np.empty(value.shape)
        disagreement(
            state["offset"], state["scale"], state["n"], slot, value, neighbour_table(self.neighbours), self.least,
            self.alpha, self.warmup, out,
        )  # fmt: skip
        return out


@njit(cache=True, nogil=True)
def disagreement(
    offset: F8, scale: F8, n: I4, slot: I4, value: F8, table: NDArray[np.int64], least: int, alpha: float,
    warmup: int, out: F8,
) -> None:  # fmt: skip
    """The detector's kernel; the state's fields are (groups, assets), rows in order of arrival."""
    near, apart = np.empty(table.shape[1]), np.empty(value.shape[1])
    for i in range(len(slot)):
        s = slot[i]
        for asset in range(value.shape[1]):
            apart[asset] = np.nan
            found = 0
            for j in table[asset]:
                if j >= 0 and usable(value[i, j]):
                    near[found] = value[i, j] - offset[s, j]
                    found += 1
            if usable(value[i, asset]) and found >= least:
                apart[asset] = value[i, asset] - np.median(near[:found]) - offset[s, asset]
        # All are judged by the offsets before this row, then all learn: the assets' order has no part in it.
        for asset in range(value.shape[1]):
            out[i, asset] = np.nan
            d, size = apart[asset], scale[s, asset]
            if np.isnan(d):
                continue
            if n[s, asset] >= warmup:
                rate = alpha
                if size > 0.0:
                    out[i, asset] = d / size
                    d = min(max(d, -3.0 * size), 3.0 * size)
            else:
                n[s, asset] += 1
                rate = max(alpha, 1.0 / n[s, asset])
            offset[s, asset] += rate * d
            if n[s, asset] > 1:  # the first row's distance is the offset, not its scatter
                scale[s, asset] += rate * (abs(d) - size)
