"""Texts as hashed character n-grams: the one representation that classifying, copies and topics share.

No words are cut: in Chinese, one to three characters carry what a word does, and nothing needs a dictionary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numba import njit
from numpy.typing import NDArray

F4 = NDArray[np.float32]
I4 = NDArray[np.int32]
I8 = NDArray[np.int64]
U4 = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Grams:
    """Counts of all character n-grams of ``low`` to ``high`` characters in ``2**bits`` hashed columns.

    Full-width forms and letter case are made equal; white space and punctuation end a gram. Two grams may share a
    column: with 20 bits and 200,000 different grams about one in ten does, which costs classifying nothing that could
    be measured. Does not work for texts that differ in script only (traditional and simplified are different
    characters).
    """

    low: int = 1
    high: int = 3
    bits: int = 20

    def __post_init__(self) -> None:
        if not 1 <= self.low <= self.high <= 8:
            raise ValueError(f"grams: expected 1 <= low <= high <= 8, got {self.low} and {self.high}")
        if not 8 <= self.bits <= 24:
            raise ValueError(f"bits: expected 8 to 24, got {self.bits}")

    def counts(self, texts: Sequence[str], limit: int = 4000) -> sp.csr_matrix:
        """(texts, 2**bits) float32 counts; of each text the first ``limit`` characters. Columns are unsorted."""
        codes, ends = codepoints(texts, limit)
        start, column, count = count_grams(codes, ends, self.low, self.high, self.bits)
        return sp.csr_matrix((count, column, start), shape=(len(texts), 1 << self.bits))


@dataclass(frozen=True, slots=True)
class Space:
    """Columns that are frequent enough to mean something, with their inverse document frequency.

    ``kept``: (k,) hashed columns, ascending. ``idf``: (k,).
    """

    grams: Grams
    kept: I4
    idf: F4

    @classmethod
    def fit(cls, grams: Grams, texts: Sequence[str], least: int = 3, most: float = 0.3) -> Space:
        """Keeps the columns that occur in at least ``least`` texts and at most the share ``most`` of them.

        Raises ValueError where nothing is left, which means far too few texts.
        """
        counts = grams.counts(texts)
        df = np.bincount(counts.indices, minlength=1 << grams.bits)
        kept = np.flatnonzero((df >= least) & (df <= max(most * len(texts), least))).astype(np.int32)
        if not len(kept):
            raise ValueError(f"texts: expected enough for grams that occur {least} times, got {len(texts)} texts")
        idf = np.log((1 + len(texts)) / (1 + df[kept])) + 1
        return cls(grams, kept, idf.astype(np.float32))

    def rows(self, texts: Sequence[str], limit: int = 4000) -> sp.csr_matrix:
        """(texts, k) float32: (1 + log count) x idf, each row of length 1; all zeros where nothing is known."""
        codes, ends = codepoints(texts, limit)
        start, column, count = count_grams(codes, ends, self.grams.low, self.grams.high, self.grams.bits)
        place = np.full(1 << self.grams.bits, -1, np.int32)
        place[self.kept] = np.arange(len(self.kept), dtype=np.int32)
        start, column, value = _weigh(start, column, count, place, self.idf)
        return sp.csr_matrix((value, column, start), shape=(len(texts), len(self.kept)))


def codepoints(texts: Sequence[str], limit: int) -> tuple[U4, I8]:
    """All characters after one another, and where each text ends. Lone surrogates are characters like others."""
    cut = [text[:limit] for text in texts]
    ends = np.cumsum([len(text) for text in cut], dtype=np.int64) if cut else np.zeros(0, np.int64)
    return np.frombuffer("".join(cut).encode("utf-32-le", "surrogatepass"), np.uint32), ends


@njit(cache=True)
def plain(code: int) -> int:
    """The character in the one form that counts; 0: it ends a gram."""
    if 0xFF01 <= code <= 0xFF5E:
        code -= 0xFEE0
    if 65 <= code <= 90:
        return int(code + 32)
    if 48 <= code <= 57 or 97 <= code <= 122:
        return int(code)
    if code < 0xC0 or 0x2000 <= code <= 0x206F or 0x3000 <= code <= 0x303F or 0xFE30 <= code <= 0xFFFF:
        return 0
    return int(code)


@njit(cache=True, inline="always")
def mixed(h: np.uint64) -> np.uint64:
    """A finaliser that spreads all bits (splitmix64)."""
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(31))


@njit(cache=True)
def count_grams(codes: U4, ends: I8, low: int, high: int, bits: int) -> tuple[I8, I4, F4]:
    """Rows of hashed columns and their counts: (rows + 1,) where each begins, columns in order of occurrence."""
    bound = len(codes) * (high - low + 1)
    start = np.zeros(len(ends) + 1, np.int64)
    column, count = np.empty(bound, np.int32), np.empty(bound, np.float32)
    last = np.full(1 << bits, -1, np.int32)  # where the column stands in the row at hand, if not before its start
    shift = np.uint64(64 - bits)
    n, begin = 0, 0
    for i in range(len(ends)):
        row = n
        for at in range(begin, ends[i]):
            h = np.uint64(0)
            for k in range(high):
                if at + k >= ends[i]:
                    break
                code = plain(codes[at + k])
                if code == 0:
                    break
                h = h * np.uint64(0x9E3779B97F4A7C15) + np.uint64(code)
                if k + 1 >= low:
                    c = np.int32(mixed(h + np.uint64(k)) >> shift)
                    if last[c] >= row:
                        count[last[c]] += 1
                    else:
                        last[c] = n
                        column[n], count[n] = c, 1
                        n += 1
        begin = ends[i]
        start[i + 1] = n
    return start, column[:n].copy(), count[:n].copy()


@njit(cache=True)
def _weigh(start: I8, column: I4, count: F4, place: I4, idf: F4) -> tuple[I8, I4, F4]:
    rows = len(start) - 1
    begin = np.zeros(rows + 1, np.int64)
    out, value = np.empty(len(column), np.int32), np.empty(len(column), np.float32)
    n = 0
    for i in range(rows):
        total, first = 0.0, n
        for j in range(start[i], start[i + 1]):
            k = place[column[j]]
            if k >= 0:
                w = (1 + math.log(count[j])) * idf[k]
                out[n], value[n] = k, w
                total += w * w
                n += 1
        for j in range(first, n):
            value[j] /= math.sqrt(total)
        begin[i + 1] = n
    return begin, out[:n].copy(), value[:n].copy()
