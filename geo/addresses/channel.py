"""How a name gets written wrongly, and how likely a name is that the book does not have: two models to weigh against.

The shares below are assumptions about hotline texts (typing by sound, speech recognition), not fitted to any data set.
Source of the idea: noisy-channel spelling correction (Kernighan, Church and Gale 1990).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import lru_cache

from rapidfuzz.distance import Levenshtein

RIGHT, BY_SOUND, OTHER, LOST, ADDED, SWAPPED = 0.70, 0.14, 0.08, 0.04, 0.02, 0.02
"""Shares of names: as in the book; one character by one of the same sound; by any other; lost; added; swapped."""
SAME_SOUND, ANY = 14, 2000
"""Characters that a wrong one may be: of the same sound; of those in use."""
SOUND_APART = 10
"""Places in the order by sound of GB/T 2312 that characters of one sound are at most apart, mostly."""
TELLING = frozenset("东西南北中一二三四五六七八九十0123456789ABCDEFGH")
"""Characters that tell names of one family apart: 中山北路 is no 中山路 with a fault. Only their loss is forgiven."""
BACKGROUND = math.log(1 / 600)
"""Log probability of a character of talk: about nine bits."""
_UNSEEN = 4000


@lru_cache(maxsize=8192)
def _place(c: str) -> int:
    """Place of a character in the first level of GB/T 2312, which is ordered by sound; far from all where not in it."""
    try:
        raw = c.encode("gb2312")
    except UnicodeEncodeError:
        return -(10**6) - ord(c) * 100
    if len(raw) != 2 or not 0xB0 <= raw[0] <= 0xD7:
        return -(10**6) - ord(c) * 100
    return (raw[0] - 0xB0) * 94 + raw[1] - 0xA1


def same_sound(a: str, b: str) -> bool:
    """Whether two characters probably sound alike (香, 湘). Rare characters, and readings of another region, do not."""
    return abs(_place(a) - _place(b)) <= SOUND_APART


@lru_cache(maxsize=65536)
def log_written(written: str, name: str) -> float:
    """Log probability that a name is written so: with at most one fault; minus infinity beyond."""
    if written == name:
        return math.log(RIGHT)
    n = len(name)
    ops = list(Levenshtein.editops(name, written))
    if len(ops) == 1:
        op = ops[0]
        telling = op.tag != "delete" and written[op.dest_pos] in TELLING
        if telling and (op.tag == "insert" or name[op.src_pos] in TELLING):
            return -math.inf
        if op.tag == "delete":
            return math.log(LOST / n)
        if op.tag == "insert":
            return math.log(ADDED / (n * ANY))
        near = same_sound(name[op.src_pos], written[op.dest_pos])
        return math.log(BY_SOUND / (n * SAME_SOUND) if near else OTHER / (n * ANY))
    if len(written) == n:
        at = [k for k in range(n) if written[k] != name[k]]
        if len(at) == 2 and at[1] == at[0] + 1 and written[at[0]] == name[at[1]] and written[at[1]] == name[at[0]]:
            return math.log(SWAPPED / n)
    return -math.inf


class NameModel:
    """How probable a text is as a name of one kind (roads, estates, points of interest), by pairs of characters.

    Learned from the names of the book, pairs smoothed after Witten and Bell 1991, so names that the book lacks are
    taken to be made of the same characters. A kind of which the book has no name makes everything improbable alike.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._pairs: dict[str, Counter[str]] = defaultdict(Counter)
        self._single: Counter[str] = Counter()
        for name in names:
            for a, b in zip("^" + name, name + "$", strict=True):
                self._pairs[a][b] += 1
                self._single[b] += 1
        self._of = {a: sum(by.values()) for a, by in self._pairs.items()}
        self._all = sum(self._single.values())
        self._known: dict[str, float] = {}

    def log(self, text: str) -> float:
        """Log probability of a text as a name."""
        total = 0.0
        for a, b in zip("^" + text, text + "$", strict=True):
            key = a + b
            step = self._known.get(key)
            if step is None:
                one = (self._single[b] + 0.5) / (self._all + 0.5 * _UNSEEN)
                by = self._pairs.get(a)
                two, kinds = (by[b], len(by)) if by is not None else (0, 1)
                step = math.log((two + kinds * one) / (self._of.get(a, 0) + kinds))
                if len(self._known) < 100_000:
                    self._known[key] = step
            total += step
        return total


def shortened(text: str) -> set[str]:
    """The text and all that it is with one character taken out: texts one fault apart share one of these."""
    out = {text[:k] + text[k + 1 :] for k in range(len(text))}
    out.add(text)
    return out
