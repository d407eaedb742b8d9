"""Topics 热点 of a stream of texts: what is said now, by how many, and how far that exceeds the topic's own past.

Each text joins the topic whose words it shares, or begins one. Nothing is fitted beforehand: which words are worth
something is learned from the texts that came before, so the first few hundred texts are sorted worse than later ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.text.grams import F4, I4, I8, Grams, codepoints, count_grams

F8 = NDArray[np.float64]
U8 = NDArray[np.uint64]
DAY_MS = 86_400_000
OPEN = np.dtype([("first", "i8"), ("last", "i8"), ("texts", "i8"), ("callers", "i8"), ("id", "i8"), ("norm", "f8")])


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as ranked.

    Attributes
    ----------
    id : number of the text that began it, counted from 0 over the whole stream.
    score : how far its callers in the best window exceed what its own past lets expect, as a log likelihood ratio.
    texts, callers : all so far; several texts of one caller count once as a caller.
    window_days : the window in which it rises most.
    recent, expected : callers in that window, and what the past lets expect.
    first, last : ms UTC of its first and last text.
    """

    id: int
    score: float
    texts: int
    callers: int
    window_days: int
    recent: int
    expected: float
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class TopicSettings:
    """What makes a topic.

    Parameters
    ----------
    similarity : cosine from which a text joins, in (0, 1).
    words : weightiest grams of a text that are compared.
    memory : grams a topic keeps.
    open : topics open at one time; the one that was silent longest gives way.
    head : characters of the body that are read: what a complaint is about stands at its beginning.
    bits : of the hashed columns.
    windows : days over which a rise is looked for.
    quiet_days : how often a topic without a past is expected to be heard of: one caller in so many days.
    floor : callers in any window that count as nothing: two who speak of one thing are no rise.
    fade_days : silence that halves a topic's score: what nobody has mentioned for long does not rise now.
    callers : fewest different callers of a topic that is ranked.
    ring : latest callers with their times that a topic remembers.
    """

    similarity: float = 0.22
    words: int = 64
    memory: int = 96
    open: int = 2048
    head: int = 100
    bits: int = 18
    windows: tuple[int, ...] = (7, 30, 90, 365)
    quiet_days: float = 730.0
    floor: float = 1.0
    fade_days: float = 3.0
    callers: int = 2
    ring: int = 256


class Topics:
    """Sorts texts into topics in the order in which they come, and ranks the topics that rise.

    Does not work where one matter is told in quite different words (two topics) or two matters share place and words
    (one topic); a topic that was silent while ``open`` others began is forgotten and begins anew. A rise that all
    topics share (more calls on a Monday) counts as a rise of each. Times may run backwards: a late text counts in the
    window in which it belongs.
    """

    def __init__(self, settings: TopicSettings | None = None) -> None:
        self.settings = s = settings or TopicSettings()
        self.head = Grams(2, 4, s.bits)
        self.df = np.zeros(1 << s.bits, np.float32)
        self.seen = np.zeros(1, np.int64)
        self.topic = np.zeros(s.open, OPEN)
        self.topic["id"] = -1
        self.gram = np.full((s.open, s.memory), -1, np.int32)
        self.weight = np.zeros((s.open, s.memory), np.float32)
        self.when = np.zeros((s.open, s.ring), np.int64)
        self.who = np.zeros((s.open, s.ring), np.uint64)
        self._dense = np.zeros(1 << s.bits, np.float32)

    def add(self, t: I8, callers: U8, titles: Sequence[str], texts: Sequence[str], places: Sequence[str]) -> I8:
        """(n,) the topic's id of each text, in order; the same whether texts come one by one or all at once.

        ``t``: ms UTC. ``callers``: a hash of who called; 0: unknown, each such text counts as a caller of its own.
        ``places``: place phrase of each text or "": its grams count double.
        """
        s = self.settings
        heads = [f"{a} {a} {p} {p} {b[: s.head]}" for a, b, p in zip(titles, texts, places, strict=True)]
        codes, ends = codepoints(heads, 4 * s.head)
        start, column, count = count_grams(codes, ends, self.head.low, self.head.high, self.head.bits)
        return _add(
            start, column, count, t, callers, self.df, self.seen, self.topic, self.gram, self.weight, self.when,
            self.who, self._dense, s.words, s.similarity,
        )  # fmt: skip

    def rank(self, now: int, first: int = 20) -> list[Topic]:
        """The ``first`` topics that rise most at ``now`` (ms UTC), the highest score first, then the lowest id."""
        heard = np.flatnonzero((self.topic["id"] >= 0) & (self.topic["callers"] >= self.settings.callers))
        found = [self._ranked(k, now) for k in heard.tolist()]
        return sorted(found, key=lambda topic: (-topic.score, topic.id))[:first]

    def _ranked(self, k: int, now: int) -> Topic:
        s, row = self.settings, self.topic[k]
        callers = int(row["callers"])
        times = self.when[k][: min(callers, s.ring)]
        rises = [_rise(times, callers, now, days, s) for days in s.windows]
        score, days, recent, expected = max(rises, key=lambda rise: rise[0])
        silent = max(0, now - int(row["last"])) / DAY_MS
        return Topic(
            int(row["id"]), score * 0.5 ** (silent / s.fade_days), int(row["texts"]), callers, days, recent, expected,
            int(row["first"]), int(row["last"]),
        )  # fmt: skip


def _rise(times: I8, callers: int, now: int, days: int, s: TopicSettings) -> tuple[float, int, int, float]:
    """(score, days, recent, expected) of one window. A topic's past rate is its callers before the window over the
    time since its first, with one caller in ``quiet_days`` as what is known beforehand."""
    since = now - days * DAY_MS
    recent = int(np.count_nonzero((times > since) & (times <= now)))
    age = max(0.0, (since - int(times.min())) / DAY_MS)
    expected = s.floor + days * (callers - recent + 1) / (age + s.quiet_days)
    if recent <= expected:
        return 0.0, days, recent, expected
    return recent * math.log(recent / expected) - (recent - expected), days, recent, expected


@njit(cache=True)
def _add(
    start: I8, column: I4, count: F4, t: I8, caller: U8, df: F4, seen: I8, topic: NDArray[np.void], gram: I4,
    weight: F4, when: I8, who: U8, dense: F4, words: int, least: float,
) -> I8:  # fmt: skip
    n = len(start) - 1
    answer = np.empty(n, np.int64)
    slots, memory = gram.shape
    core = min(memory, 32)
    for i in range(n):
        a, b = start[i], start[i + 1]
        w = np.empty(b - a, np.float32)
        for j in range(a, b):
            c = column[j]
            w[j - a] = (1 + math.log(count[j])) * max(0.0, math.log((seen[0] + 8.0) / (df[c] + 0.5)))
            df[c] += 1
        order = np.argsort(-w)[:words]
        total = 0.0
        for j in order:
            total += w[j] * w[j]
        length = math.sqrt(total)
        for j in order:
            dense[column[a + j]] = w[j] / length if length > 0 else 0.0
        best, likeness, oldest = -1, 0.0, 0
        for k in range(slots):
            if topic[k]["id"] < 0:
                oldest = k
                break
            if topic[k]["last"] < topic[oldest]["last"]:
                oldest = k
            dot = 0.0
            for m in range(core):
                if gram[k, m] >= 0:
                    dot += weight[k, m] * dense[gram[k, m]]
            if dot == 0:
                continue  # a text that shares none of a topic's first words is not of it
            for m in range(core, memory):
                g = gram[k, m]
                if g < 0:
                    break
                dot += weight[k, m] * dense[g]
            if dot > likeness * topic[k]["norm"]:
                best, likeness = k, dot / topic[k]["norm"]
        number = seen[0]
        seen[0] += 1
        if likeness < least:
            best = oldest
            topic[best]["first"] = topic[best]["last"] = t[i]
            topic[best]["texts"] = topic[best]["callers"] = 0
            topic[best]["id"] = number
            gram[best, :] = -1
            weight[best, :] = 0
        _learn(topic, gram, weight, when, who, best, t[i], caller[i], column[a:b], order, dense)
        answer[i] = topic[best]["id"]
        for j in order:
            dense[column[a + j]] = 0
    return answer


@njit(cache=True)
def _learn(
    topic: NDArray[np.void], gram: I4, weight: F4, when: I8, who: U8, k: int, t: int, caller: np.uint64, column: I4,
    order: I8, dense: F4,
) -> None:  # fmt: skip
    """The topic takes the text's words: known ones grow, new ones take the place of the weakest."""
    memory = gram.shape[1]
    filled = 0
    while filled < memory and gram[k, filled] >= 0:
        filled += 1
    known = filled
    for m in range(known):
        g = gram[k, m]
        if dense[g] > 0:
            weight[k, m] += dense[g]
            dense[g] = -dense[g]
    for j in order:
        g = column[j]
        if dense[g] < 0:
            dense[g] = -dense[g]
        elif filled < memory:
            gram[k, filled], weight[k, filled] = g, dense[g]
            filled += 1
        else:
            weakest = 0
            for m in range(memory):
                if weight[k, m] < weight[k, weakest]:
                    weakest = m
            if weight[k, weakest] < dense[g]:
                gram[k, weakest], weight[k, weakest] = g, dense[g]
    total = 0.0
    for m in range(filled):
        total += weight[k, m] * weight[k, m]
    topic[k]["norm"] = math.sqrt(total)
    topic[k]["first"], topic[k]["last"] = min(topic[k]["first"], t), max(topic[k]["last"], t)
    topic[k]["texts"] += 1
    heard = min(topic[k]["callers"], when.shape[1])
    for m in range(heard):
        if caller != 0 and who[k, m] == caller:
            return
    at = topic[k]["callers"] % when.shape[1]
    when[k, at], who[k, at] = t, caller
    topic[k]["callers"] += 1
