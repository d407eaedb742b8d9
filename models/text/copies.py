"""Copies 重复件 and mass sending 群发: texts that say nearly the same, found in a stream over a bounded memory.

Candidates come from banded minimum hashes over character 4-grams; a candidate is a copy only when the Jaccard
similarity of the two sets of grams says so. Broder 1997; for long texts its estimate from the smallest hashes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.text.grams import I4, I8, Grams, mixed

F8 = NDArray[np.float64]
U8 = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Copied:
    """What each of n texts is a copy of.

    ``slot``: (n,) row of its group, -1 for a text too short to have one. ``first``: (n,) number of the text that began
    the group: its own where it is new. ``size``: (n,) texts of the group so far. ``callers``: (n,) different callers
    among them. ``recent``: (n, windows) different callers within each window that ends with the text, itself included.
    ``similarity``: (n,) with the group's first text, in [0, 1]; 1.0 for the first itself.
    """

    slot: I4
    first: I8
    size: I8
    callers: I8
    recent: I4
    similarity: F8


@dataclass(frozen=True)
class Copies:
    """Finds copies among the last ``keep`` groups. State is two arrays with a row a group, all zeros at the beginning.

    Does not work for short texts (below ``shortest`` different grams each stands for itself, empty ones too), for a
    copy that is buried in much text of its own, and for the same wish in other words: that is a topic's matter. With
    ``bands`` x ``rows`` hashes a copy at the threshold is missed in about 1 %, one at 0.9 practically never. Texts of
    more than ``sketch`` different grams are compared by their ``sketch`` smallest hashes, to about 0.03. Callers are
    told apart among the last ``ring`` of a group: no count of ``recent`` is above that.
    """

    similarity: float = 0.7
    bands: int = 16
    rows: int = 4
    keep: int = 4096
    shortest: int = 8
    sketch: int = 256
    ring: int = 64

    def __post_init__(self) -> None:
        if not 0 < self.similarity <= 1:
            raise ValueError(f"similarity: expected a number in (0, 1], got {self.similarity}")
        if self.rows < 2 or self.rows % 2:
            raise ValueError(f"rows: expected an even number from 2, got {self.rows}")

    @property
    def band(self) -> np.dtype[Any]:
        """Dtype of a group's band hashes: apart from the rest, because every text is held against all of them."""
        return np.dtype([("key", "u8", (self.bands,))])

    @property
    def group(self) -> np.dtype[Any]:
        """Dtype of a group's row; ``texts`` 0 is "none yet". ``used`` orders the groups by their last text."""
        return np.dtype(
            [
                ("first", "i8"), ("used", "i8"), ("texts", "i8"), ("callers", "i8"), ("grams", "i8"),
                ("when", "i8", (self.ring,)), ("who", "u4", (self.ring,)), ("gram", "i4", (self.sketch,)),
            ]
        )  # fmt: skip

    def find(
        self, band: NDArray[Any], group: NDArray[Any], number: int, t: I8, callers: U8, texts: Sequence[str],
        windows: I8,
    ) -> Copied:  # fmt: skip
        """What each text is a copy of, in order; the same whether they come one by one or all at once.

        ``band``, ``group``: the state, changed in place; rows for each text to come, or ``keep`` of them. ``number``
        of the first text, counted over the stream. ``t``: ms UTC. ``callers``: a number for who called; 0: unknown,
        each such text counts as a caller of its own. ``windows``: (w,) ms.
        """
        n = len(texts)
        counts = Grams(4, 4).counts(texts)
        start, column = counts.indptr.astype(np.int64), counts.indices.astype(np.int32)
        found = Copied(
            np.full(n, -1, np.int32), np.arange(number, number + n, dtype=np.int64), np.ones(n, np.int64),
            np.ones(n, np.int64), np.ones((n, len(windows)), np.int32), np.ones(n),
        )  # fmt: skip
        rows = min(len(group), self.keep)
        _find(
            start, column, band_keys(start, column, self.bands, self.rows), number, t, callers, band["key"][:rows],
            group["first"], group["used"], group["texts"], group["callers"], group["grams"], group["when"],
            group["who"], group["gram"], windows, self.similarity, self.shortest, found.slot, found.first,
            found.size, found.callers, found.recent, found.similarity,
        )  # fmt: skip
        return found


@njit(cache=True)
def _find(
    start: I8, column: I4, keys: U8, number: int, t: I8, caller: U8, band: U8, first: I8, used: I8, texts: I8,
    callers: I8, grams: I8, when: I8, who: NDArray[np.uint32], gram: I4, windows: I8, least: float, shortest: int,
    out_slot: I4, out_first: I8, out_size: I8, out_callers: I8, out_recent: I4, out_like: F8,
) -> None:  # fmt: skip
    slots, ring, sketch = len(band), who.shape[1], gram.shape[1]
    for i in range(len(start) - 1):
        total = start[i + 1] - start[i]
        if total < shortest:
            continue
        mine = np.sort(column[start[i] : start[i + 1]])[:sketch]
        best, likeness, oldest = -1, 0.0, 0
        for k in range(slots):
            if texts[k] == 0:
                oldest = k
                break
            if used[k] < used[oldest]:
                oldest = k
            if not meets(band[k], keys[i]):
                continue
            length = min(grams[k], sketch)
            # Two whole sets are compared exactly; else the smallest hashes of both stand for them.
            bound = 2 * sketch if max(grams[k], total) <= sketch else sketch
            alike = jaccard(gram[k, :length], mine, bound)
            if alike >= least and alike > likeness:
                best, likeness = k, alike
        if best < 0:
            best, likeness = oldest, 1.0
            first[best], grams[best] = number + i, total
            texts[best] = callers[best] = 0
            band[best], gram[best, : len(mine)] = keys[i], mine
        used[best] = number + i + 1
        texts[best] += 1
        _hear(callers, when[best], who[best], best, t[i], np.uint32(caller[i] & np.uint64(0xFFFFFFFF)))
        out_slot[i], out_first[i], out_size[i], out_like[i] = best, first[best], texts[best], likeness
        out_callers[i] = callers[best]
        heard = min(callers[best], ring)
        for w in range(len(windows)):
            recent = 0
            for m in range(heard):
                recent += t[i] - windows[w] < when[best, m] <= t[i]
            out_recent[i, w] = recent


@njit(cache=True)
def _hear(callers: I8, when: I8, who: NDArray[np.uint32], k: int, t: int, caller: np.uint32) -> None:
    """A known caller's time moves on; a new one takes the place of the one who came first."""
    if caller != 0:
        for m in range(min(callers[k], len(who))):
            if who[m] == caller:
                when[m] = max(when[m], t)
                return
    at = callers[k] % len(who)
    when[at], who[at] = t, caller
    callers[k] += 1


@njit(cache=True, inline="always")
def meets(a: U8, b: U8) -> bool:
    """Whether any band of two texts is the same."""
    same = False
    for j in range(len(a)):
        same |= a[j] == b[j]
    return same


@njit(cache=True)
def jaccard(a: I4, b: I4, bound: int) -> float:
    """Shared over all, of the ``bound`` smallest of two sets, each ascending without repeats; 0.0 where both are
    empty."""
    i = j = shared = total = 0
    while total < bound and (i < len(a) or j < len(b)):
        total += 1
        if j == len(b) or (i < len(a) and a[i] < b[j]):
            i += 1
        elif i == len(a) or b[j] < a[i]:
            j += 1
        else:
            shared += 1
            i += 1
            j += 1
    return shared / total if total else 0.0


@njit(cache=True)
def band_keys(start: I8, column: I4, bands: int, rows: int) -> U8:
    """(texts, bands): one hash over ``rows`` minimum hashes; a text without grams has keys that nobody looks up."""
    out = np.zeros((len(start) - 1, bands), np.uint64)
    for i in range(len(start) - 1):
        for b in range(bands):
            key = np.uint64(0)
            for r in range(0, rows, 2):
                # One mixing gives two hashes of 32 bits: the halves of its result are independent.
                salt = np.uint64(b * rows + r + 1) * np.uint64(0x9E3779B97F4A7C15)
                high = low = np.uint64(0xFFFFFFFF)
                for j in range(start[i], start[i + 1]):
                    h = mixed(np.uint64(column[j]) + salt)
                    high, low = min(high, h >> np.uint64(32)), min(low, h & np.uint64(0xFFFFFFFF))
                key = mixed(key ^ (high << np.uint64(32) | low))
            out[i, b] = key
    return out
