"""Copies 重复件 and mass sending 群发: texts that say nearly the same, exactly compared, found in a stream.

Candidates come from banded minimum hashes over character 4-grams; a candidate is a copy only when the exact Jaccard
similarity of the two sets of grams says so. Broder 1997.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.text.grams import I4, I8, Grams, mixed

U8 = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Copy:
    """What one text is a copy of.

    ``first``: number of the text, counted from 0 over the stream, that began the group: its own where it is new.
    ``size``: texts of the group so far. ``callers``: different callers among them, at most 1,000 are told apart.
    ``similarity``: with the group's first text, in [0, 1]; 1.0 for the first itself.
    """

    first: int
    size: int
    callers: int
    similarity: float


class Copies:
    """Finds copies among the last ``keep`` groups.

    Does not work for short texts (below ``shortest`` different grams each stands for itself, empty ones too), for a
    copy that is buried in much text of its own, and for the same wish in other words: that is a topic's matter. With
    ``bands`` x ``rows`` hashes a copy at the threshold is missed in about 1 %, one at 0.9 practically never.
    """

    def __init__(
        self, similarity: float = 0.7, bands: int = 16, rows: int = 4, keep: int = 4096, shortest: int = 8
    ) -> None:
        if not 0 < similarity <= 1:
            raise ValueError(f"similarity: expected a number in (0, 1], got {similarity}")
        if rows < 2 or rows % 2:
            raise ValueError(f"rows: expected an even number from 2, got {rows}")
        self.similarity, self.bands, self.rows, self.keep, self.shortest = similarity, bands, rows, keep, shortest
        self.grams = Grams(4, 4)
        self.seen = 0
        self.band: list[dict[int, int]] = [{} for _ in range(bands)]
        self.groups: OrderedDict[int, tuple[I4, tuple[int, ...]]] = OrderedDict()
        self.size: dict[int, int] = {}
        self.who: dict[int, set[int]] = {}

    def add(self, texts: Sequence[str], callers: Sequence[int]) -> list[Copy]:
        """What each text is a copy of, in order; the same whether they come one by one or all at once.

        ``callers``: a number for who called; 0: unknown, each such text counts as a caller of its own.
        """
        counts = self.grams.counts(texts)
        keys = band_keys(counts.indptr.astype(np.int64), counts.indices, self.bands, self.rows)
        out = []
        for i, caller in enumerate(callers):
            grams = np.sort(counts.indices[counts.indptr[i] : counts.indptr[i + 1]])
            out.append(self._one(grams, tuple(keys[i].tolist()), caller))
        return out

    def _one(self, grams: I4, keys: tuple[int, ...], caller: int) -> Copy:
        number = self.seen
        self.seen += 1
        if len(grams) < self.shortest:
            return Copy(number, 1, 1, 1.0)
        found = {self.band[b][key] for b, key in enumerate(keys) if key in self.band[b]}
        first, likeness = number, 0.0
        for group in sorted(found):
            shared = jaccard(self.groups[group][0], grams)
            if shared >= self.similarity and shared > likeness:
                first, likeness = group, shared
        if first == number:
            self._open(number, grams, keys)
            likeness = 1.0
        self.groups.move_to_end(first)
        self.size[first] += 1
        if caller == 0:
            caller = -1 - number
        if len(self.who[first]) < 1000:
            self.who[first].add(caller)
        return Copy(first, self.size[first], len(self.who[first]), likeness)

    def _open(self, number: int, grams: I4, keys: tuple[int, ...]) -> None:
        if len(self.groups) >= self.keep:
            old, (_, old_keys) = self.groups.popitem(last=False)
            del self.size[old], self.who[old]
            for b, key in enumerate(old_keys):
                if self.band[b].get(key) == old:
                    del self.band[b][key]
        self.groups[number] = (grams, keys)
        self.size[number], self.who[number] = 0, set()
        for b, key in enumerate(keys):
            self.band[b].setdefault(key, number)


@njit(cache=True)
def jaccard(a: I4, b: I4) -> float:
    """Shared over all of two sets, each ascending without repeats; 0.0 where both are empty."""
    i = j = shared = 0
    while i < len(a) and j < len(b):
        if a[i] == b[j]:
            shared += 1
            i += 1
            j += 1
        elif a[i] < b[j]:
            i += 1
        else:
            j += 1
    total = len(a) + len(b) - shared
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
