"""Half-space trees: how empty the part of space was in which a row of several values falls."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.detector import F8, I4, I8, Detector, usable, within


@dataclass(frozen=True, slots=True)
class HalfSpaceTrees(Detector):
    """Bits by which a row's surroundings were emptier than an even spread over the range; negative: denser.

    Random trees cut the range in halves; each node counts the rows of one window, and the next window is scored with
    those counts: -log2 of the mean over trees of count times 2^level at the node where fewer than ``small`` rows are
    left, per row of the window. Sees unusual combinations of usual values. Unknown in the first window and for a row
    with an unusable value, which is not learned. Does not work with more than about ten columns, with columns of which
    only some matter, or when a fault lasts longer than a window, which then is usual. Source: Tan, Ting and Liu 2011.

    Parameters
    ----------
    low, high : the measuring range of each column, low < high; values outside fall into the outermost cells.
    trees : 1 to 100.
    depth : levels of a tree, 1 to 12.
    window : rows that are counted before they judge, at least 10.
    small : rows of a node below which its children are not asked, at least 1.
    seed : of the cuts.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    trees: int = 25
    depth: int = 8
    window: int = 250
    small: int = 10
    seed: int = 1

    def __post_init__(self) -> None:
        if not self.low or len(self.low) != len(self.high):
            raise ValueError(f"low, high: expected one of each a column, got {len(self.low)} and {len(self.high)}")
        for column, (a, b) in enumerate(zip(self.low, self.high, strict=True)):
            if not -np.inf < a < b < np.inf:
                raise ValueError(f"low, high: expected low < high in column {column}, got {a} and {b}")
        within("trees", self.trees, 1, 100)
        within("depth", self.depth, 1, 12)
        within("window", self.window, 10)
        within("small", self.small, 1)

    @property
    def columns(self) -> int:
        return len(self.low)

    @property
    def state(self) -> np.dtype[Any]:
        """Dtype of one key's row: counts of the window that judges and of the one being counted."""
        nodes = (self.trees, 2 ** (self.depth + 1) - 1)
        return np.dtype([("judge", "u4", nodes), ("count", "u4", nodes), ("n", "i8")])

    def _run(self, state: NDArray[Any], slot: I4, t: I8, value: F8) -> F8:
        out = np.empty(len(value))
        column, cut = _cuts(self.low, self.high, self.trees, self.depth, self.seed)
        half_space_trees(
            state["judge"], state["count"], state["n"], slot, value, column, cut, self.depth, self.window, self.small,
            out,
        )  # fmt: skip
        return out


@lru_cache(maxsize=64)
def _cuts(
    low: tuple[float, ...], high: tuple[float, ...], trees: int, depth: int, seed: int
) -> tuple[NDArray[np.int64], F8]:
    """Column and value at which each inner node halves its box; children of node k are 2k + 1 and 2k + 2."""
    random = np.random.default_rng(seed)
    inner = 2**depth - 1
    column, cut = np.zeros((trees, inner), np.int64), np.zeros((trees, inner))
    for tree in range(trees):
        # Each tree has a box of its own around the range, so that cuts of different trees differ.
        share = random.uniform(size=len(low))
        reach = 2.0 * np.maximum(share, 1.0 - share)
        a, b = np.asarray(low), np.asarray(high)
        box = {0: (a + (share - reach) * (b - a), a + (share + reach) * (b - a))}
        for node in range(inner):
            left, right = box.pop(node)
            k = int(random.integers(len(low)))
            middle = 0.5 * (left[k] + right[k])
            column[tree, node], cut[tree, node] = k, middle
            upper, lower = right.copy(), left.copy()
            upper[k] = lower[k] = middle
            box[2 * node + 1], box[2 * node + 2] = (left, upper), (lower, right)
    return column, cut


@njit(cache=True, nogil=True)
def half_space_trees(
    judge: NDArray[np.uint32], count: NDArray[np.uint32], n: I8, slot: I4, value: F8, column: NDArray[np.int64],
    cut: F8, depth: int, window: int, small: int, out: F8,
) -> None:  # fmt: skip
    """The detector's kernel; ``judge``, ``count`` and ``n`` are the state's fields, rows in order of arrival."""
    trees = column.shape[0]
    for i in range(len(slot)):
        s = slot[i]
        out[i] = np.nan
        good = True
        for v in value[i]:
            good = good and usable(v)
        if not good:
            continue
        mass = 0.0
        for tree in range(trees):
            node, level, stopped = 0, 0, False
            while True:
                if not stopped and (level == depth or judge[s, tree, node] < small):
                    mass += judge[s, tree, node] * 2.0**level
                    stopped = True
                count[s, tree, node] += 1
                if level == depth:
                    break
                above = value[i, column[tree, node]] >= cut[tree, node]
                node = 2 * node + (2 if above else 1)
                level += 1
        if n[s] >= window:
            # Half a row is added: an empty node is rare, not impossible.
            out[i] = -np.log2((mass / trees + 0.5) / window)
        n[s] += 1
        if n[s] % window == 0:
            judge[s] = count[s]
            count[s] = 0
