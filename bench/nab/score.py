"""NAB's published scoring rule, written from its description: windows, early detection, costs, one threshold for all.

Only the first detection within a window counts, the earlier the more; a detection outside costs the more the further
it lies behind the last window; the first 15 % of a file (at most 750 rows) count neither way. Lavin and Ahmad 2015,
arXiv 1510.03336. A test checks it against scores that the corpus ships.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]

NOT_SCORED, OUTSIDE = -2, -1
"""Marks of rows that are in no window: in the probation at a file's begin, or anywhere else."""
PROBATION_SHARE, PROBATION_MOST = 0.15, 750.0


@dataclass(frozen=True)
class Profile:
    """What a detection in a window, one outside and a window without any are worth."""

    name: str
    tp: float
    fp: float
    fn: float


PROFILES = (
    Profile("standard", 1.0, 0.11, 1.0),
    Profile("low_fp", 1.0, 0.22, 1.0),
    Profile("low_fn", 1.0, 0.11, 2.0),
)


@dataclass(frozen=True)
class Truth:
    """What each row of one file is worth if it is a detection; shared by all detectors.

    Attributes
    ----------
    mark : (n,) number of the window a row lies in, else OUTSIDE or NOT_SCORED.
    worth : (n,) in (0, 1] inside a window and in [-1, 0] outside, before the profile's weights.
    windows : how many windows there are.
    labelled : (n,) whether a row lies in a window, in the probation too.
    """

    mark: I8
    worth: F8
    windows: int
    labelled: NDArray[np.bool_]


def sigmoid(position: float) -> float:
    """Worth of a detection: near 1 at -1 (a window's begin), 0 at 0 (its end), near -1 from 1 on; -1 beyond 3."""
    return -1.0 if position > 3.0 else 2.0 / (1.0 + math.exp(5.0 * position)) - 1.0


def truth(times: Sequence[str], windows: Sequence[tuple[str, str]]) -> Truth:
    """Windows are (first, last) texts of rows. Raises ValueError where one names no row of the file."""
    n = len(times)
    first_row: dict[str, int] = {}
    for i, text in enumerate(times):
        first_row.setdefault(text, i)
    mark = np.full(n, OUTSIDE, np.int64)
    worth = np.full(n, -1.0)
    best = sigmoid(-1.0)
    behind: tuple[int, int] | None = None  # last row and width of the window passed last
    at = 0
    for w, (begin, end) in enumerate(sorted(windows)):
        if begin not in first_row or end not in first_row:
            raise ValueError(f"window {begin} to {end}: expected the times of two rows of the file")
        left, right = first_row[begin], first_row[end]
        _outside(worth, at, left, behind)
        width = right - left + 1
        for i in range(left, right + 1):
            worth[i] = sigmoid(-(right - i + 1) / width) / best
        mark[left : right + 1] = w
        behind, at = (right, width), right + 1
    _outside(worth, at, n, behind)
    labelled = mark >= 0
    mark[: int(min(math.floor(PROBATION_SHARE * n), PROBATION_MOST))] = NOT_SCORED
    return Truth(mark, worth, len(windows), labelled)


def _outside(worth: F8, a: int, b: int, behind: tuple[int, int] | None) -> None:
    if behind is not None:
        right, width = behind
        for i in range(a, b):
            worth[i] = sigmoid((i - right) / (width - 1))


def raw(truths: Sequence[Truth], scores: Sequence[F8], threshold: float, profile: Profile) -> float:
    """Sum over files of what the rows with score >= threshold are worth; NaN is no detection."""
    total = 0.0
    for t, s in zip(truths, scores, strict=True):
        hit = s >= threshold
        total += profile.fp * float(t.worth[hit & (t.mark == OUTSIDE)].sum())
        rows = np.flatnonzero(hit & (t.mark >= 0))
        found, first = np.unique(t.mark[rows], return_index=True)
        total += profile.tp * float(t.worth[rows[first]].sum()) - profile.fn * (t.windows - len(found))
    return total


def best_threshold(truths: Sequence[Truth], scores: Sequence[F8], profile: Profile) -> tuple[float, float]:
    """(threshold, raw score) that is best on these very labels, over all thresholds that differ; ties: the highest.

    Above all scores (no detection at all) is a threshold too: it is infinity.
    """
    base = np.cumsum([0] + [t.windows for t in truths])
    mark = np.concatenate([np.where(t.mark >= 0, t.mark + b, t.mark) for t, b in zip(truths, base, strict=False)])
    worth, score = np.concatenate([t.worth for t in truths]), np.concatenate(list(scores))
    used = np.flatnonzero((mark != NOT_SCORED) & ~np.isnan(score))
    used = used[np.argsort(-score[used], kind="stable")]
    mark, worth, score = mark[used], worth[used], score[used]
    gain = np.where(mark == OUTSIDE, profile.fp * worth, 0.0)
    held: dict[int, float] = {}
    for k in np.flatnonzero(mark >= 0).tolist():
        w, v = int(mark[k]), profile.tp * float(worth[k])
        before = held.get(w, -profile.fn)
        if v > before:
            gain[k], held[w] = v - before, v
    nothing = -profile.fn * float(base[-1])
    total = nothing + np.cumsum(gain)
    ends = np.flatnonzero(np.append(score[1:] != score[:-1], True)) if len(score) else np.zeros(0, np.int64)
    if not len(ends) or total[ends].max() <= nothing:
        return math.inf, nothing
    best = int(ends[np.argmax(total[ends])])
    return float(score[best]), float(total[best])


def normalised(raw_score: float, windows: int, profile: Profile) -> float:
    """0 for a detector that never fires, 100 for one that fires at the begin of each window and nowhere else."""
    least = -profile.fn * windows
    return 100.0 * (raw_score - least) / (profile.tp * windows - least)
