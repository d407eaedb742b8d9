"""Topics 热点 of a stream of texts: what is said now, by how many, and how far that exceeds the topic's own past.

Each text joins the topic whose words it shares, or begins one. Nothing is fitted beforehand: which words are worth
something is learned from the texts that came before, so the first few hundred texts are sorted worse than later ones.
All that is known is in arrays of bounded size that the caller keeps: how many texts have each gram, and a row a topic.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.text.grams import F4, I4, I8, Grams, codepoints, count_grams

F8 = NDArray[np.float64]
U4 = NDArray[np.uint32]
U8 = NDArray[np.uint64]
DAY_MS = 86_400_000
CORE = 32
"""Grams of a topic of which a text must share one: those that it has had for longest."""


class Heads(NamedTuple):
    """Grams of what was read of each text: those of text i from ``start[i]`` to ``start[i + 1]``."""

    start: I8
    column: I4
    amount: F4


@dataclass(frozen=True, slots=True)
class Sorted:
    """Where each of n texts went: ``slot`` of its topic, ``id`` of it, and ``similarity`` with it before, 0.0 where it
    began the topic."""

    slot: I4
    id: I8
    similarity: F8


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as ranked.

    Attributes
    ----------
    id : number of the text that began it, counted from 0 over the whole stream; ``slot``: its row.
    score : how far its callers in the best window exceed what its own past lets expect, as a log likelihood ratio.
    texts, callers : all so far; several texts of one caller count once as a caller.
    window_days : the window in which it rises most.
    recent, expected : callers in that window, and what the past lets expect.
    first, last : ms UTC of its first and last text.
    """

    id: int
    slot: int
    score: float
    texts: int
    callers: int
    window_days: float
    recent: float
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
    windows : days over which a rise is looked for, rising; all but the first are cut to half of the topic's life, so
        that there is as much past to compare with.
    quiet_days : how often a topic without a past is expected to be heard of: one caller in so many days.
    prior_days : days of its own past that weigh as much as that expectation.
    floor : callers in any window that count as nothing: one who speaks of a thing is no rise.
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
    prior_days: float = 7.0
    floor: float = 0.5
    fade_days: float = 3.0
    callers: int = 2
    ring: int = 128

    @property
    def state(self) -> np.dtype[Any]:
        """Dtype of a topic's row; ``texts`` 0 is "none yet". A gram is its column and 1, 0 where there is none."""
        return np.dtype(
            [
                ("id", "i8"), ("first", "i8"), ("last", "i8"), ("texts", "i8"), ("callers", "i8"), ("norm", "f8"),
                ("when", "i8", (self.ring,)), ("who", "u4", (self.ring,)),
                ("gram", "i4", (self.memory,)), ("weight", "f4", (self.memory,)),
            ]
        )  # fmt: skip


class Topics:
    """Sorts texts into topics in the order in which they come, and ranks the topics that rise.

    Does not work where one matter is told in quite different words (two topics) or two matters share place and words
    (one topic); a topic that was silent while ``open`` others began is forgotten and begins anew. A rise that all
    topics share (more calls on a Monday) counts as a rise of each. Times may run backwards: a late text counts in the
    window in which it belongs. Of more than ``ring`` callers, the earlier ones are taken to have come evenly.
    """

    def __init__(self, settings: TopicSettings | None = None) -> None:
        self.settings = s = settings or TopicSettings()
        self._grams = Grams(2, 4, s.bits)
        self._dense = np.zeros(1 << s.bits, np.float32)  # all zeros between two calls

    def heads(self, titles: Sequence[str], texts: Sequence[str], places: Sequence[str]) -> Heads:
        """What is read of each text. ``places``: place phrase of each or "": its grams count double, as the title's."""
        s, g = self.settings, self._grams
        heads = [f"{a} {a} {p} {p} {b[: s.head]}" for a, b, p in zip(titles, texts, places, strict=True)]
        return Heads(*count_grams(*codepoints(heads, 4 * s.head), g.low, g.high, g.bits))

    def sort(
        self, heads: Heads, begin: int, end: int, t: I8, callers: U8, seen: int, place: I4, df: I4, topic: NDArray[Any]
    ) -> Sorted:
        """Texts [begin, end) of ``heads`` go to their topics; the same whether they come one by one or all at once.

        Parameters
        ----------
        t, callers : (end - begin,) ms UTC, and a number for who called; 0: unknown, a caller of its own.
        seen : texts before these, over the whole stream.
        place : (2**bits,) row of each column in ``df``, for the columns that occur.
        df : texts with each gram; changed in place.
        topic : rows of :attr:`TopicSettings.state`, changed in place; with room for each text to come, or ``open``.
        """
        n = end - begin
        out = Sorted(np.empty(n, np.int32), np.empty(n, np.int64), np.empty(n))
        s, at = self.settings, heads.start[begin : end + 1]
        _sort(
            at, heads.column, heads.amount, t, callers, seen, place, df, topic["id"][: s.open], topic["first"],
            topic["last"], topic["texts"], topic["callers"], topic["norm"], topic["when"], topic["who"], topic["gram"],
            topic["weight"], self._dense, s.words, s.similarity, out.slot, out.id, out.similarity,
        )  # fmt: skip
        return out

    def rank(self, topic: NDArray[Any], now: int, least: float = 0.0, also: Collection[int] = ()) -> list[Topic]:
        """The topics that rise at ``now`` (ms UTC) by ``least`` or more, the highest score first, then by their id.

        ``also``: ids of topics that are wanted whatever their score; those that were forgotten are left out.
        """
        s = self.settings
        score, days, recent, expected = self.rises(topic, now)
        wanted = (topic["callers"] >= s.callers) & (score >= least)
        if also:
            wanted |= np.isin(topic["id"], list(also)) & (topic["texts"] > 0)
        heard = np.flatnonzero(wanted)
        order = heard[np.lexsort((topic["id"][heard], -score[heard]))]
        return [
            Topic(
                int(topic["id"][k]), k, float(score[k]), int(topic["texts"][k]), int(topic["callers"][k]),
                float(days[k]), float(recent[k]), float(expected[k]), int(topic["first"][k]),
                int(topic["last"][k]),
            )
            for k in order.tolist()
        ]  # fmt: skip

    def rises(self, topic: NDArray[Any], now: int) -> tuple[F8, F8, F8, F8]:
        """(score, days of the window, recent, expected) of every row, each (n,); score 0 of an empty one."""
        s, n = self.settings, len(topic)
        score, days, recent, expected = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
        _rises(
            topic["texts"], topic["callers"], topic["first"], topic["last"], topic["when"], now,
            np.array(s.windows, np.float64), s.floor, s.quiet_days, s.prior_days, s.fade_days, score, days, recent,
            expected,
        )  # fmt: skip
        return score, days, recent, expected


@njit(cache=True)
def _rises(
    texts: I8, callers: I8, first: I8, last: I8, when: I8, now: int, windows: F8, floor: float, quiet_days: float,
    prior_days: float, fade_days: float, score: F8, days: F8, recent: F8, expected: F8,
) -> None:  # fmt: skip
    """A topic's past rate is its callers before the window over the time since its first, with ``prior_days`` of one
    caller in ``quiet_days`` as what is known beforehand."""
    for k in range(len(texts)):
        if texts[k] == 0:
            continue
        held = min(callers[k], when.shape[1])
        oldest = when[k, 0]
        for m in range(1, held):
            oldest = min(oldest, when[k, m])
        hidden = callers[k] - held
        silent = max(0, now - last[k]) / DAY_MS
        begun = min(first[k], oldest)
        life = max(0, now - begun) / DAY_MS
        for w in range(len(windows)):
            window = min(windows[w], max(windows[0], life / 2))
            since = now - window * DAY_MS
            within = 0.0
            for m in range(held):
                within += since < when[k, m] <= now
            if hidden and oldest > since:
                span = max(1, oldest - begun)
                within += hidden * (1.0 - min(1.0, max(0.0, (since - begun) / span)))
            age = max(0.0, (since - begun) / DAY_MS)
            lets = floor + window * (callers[k] - within + prior_days / quiet_days) / (age + prior_days)
            rise = 0.0
            if within > lets:
                rise = within * np.log(within / lets) - (within - lets)
            if w == 0 or rise > score[k]:
                score[k], days[k], recent[k], expected[k] = rise, window, within, lets
        score[k] *= 0.5 ** (silent / fade_days)


@njit(cache=True)
def _sort(
    start: I8, column: I4, count: F4, t: I8, caller: U8, seen: int, place: I4, df: I4, id_: I8, first: I8, last: I8,
    texts: I8, callers: I8, norm: F8, when: I8, who: U4, gram: I4, weight: F4, dense: F4, words: int, least: float,
    out_slot: I4, out_id: I8, out_like: F8,
) -> None:  # fmt: skip
    slots, memory = len(id_), gram.shape[1]
    core = min(memory, CORE)
    for i in range(len(start) - 1):
        a, b = start[i], start[i + 1]
        number = seen + i
        w = np.empty(b - a, np.float32)
        for j in range(a, b):
            p = place[column[j]]
            w[j - a] = (1 + np.log(count[j])) * max(0.0, np.log((number + 8.0) / (df[p] + 0.5)))
            df[p] += 1
        order = np.argsort(-w, kind="mergesort")[:words]
        total = 0.0
        for j in order:
            total += w[j] * w[j]
        length = np.sqrt(total)
        for j in order:
            dense[column[a + j]] = w[j] / length if length > 0 else 0.0
        best, likeness, oldest = -1, 0.0, 0
        for k in range(slots):
            if texts[k] == 0:
                oldest = k
                break
            if last[k] < last[oldest]:
                oldest = k
            dot = 0.0
            for m in range(core):
                g = gram[k, m]
                if g > 0:
                    dot += weight[k, m] * dense[g - 1]
            if dot == 0:
                continue  # a text that shares none of a topic's first words is not of it
            for m in range(core, memory):
                g = gram[k, m]
                if g == 0:
                    break
                dot += weight[k, m] * dense[g - 1]
            if dot > likeness * norm[k]:
                best, likeness = k, dot / norm[k]
        out_like[i] = likeness
        if likeness < least:
            best, out_like[i] = oldest, 0.0
            first[best] = last[best] = t[i]
            texts[best] = callers[best] = 0
            id_[best] = number
            gram[best, :] = 0
            weight[best, :] = 0
        norm[best] = _learn(gram[best], weight[best], column[a:b], order, dense)
        first[best], last[best] = min(first[best], t[i]), max(last[best], t[i])
        texts[best] += 1
        _hear(callers, when[best], who[best], best, t[i], np.uint32(caller[i] & np.uint64(0xFFFFFFFF)))
        out_slot[i], out_id[i] = best, id_[best]
        for j in order:
            dense[column[a + j]] = 0


@njit(cache=True)
def _learn(gram: I4, weight: F4, column: I4, order: I8, dense: F4) -> float:
    """The topic takes the text's words: known ones grow, new ones take the place of the weakest. Its new length."""
    memory = len(gram)
    filled = 0
    while filled < memory and gram[filled] > 0:
        filled += 1
    for m in range(filled):
        g = gram[m] - 1
        if dense[g] > 0:
            weight[m] += dense[g]
            dense[g] = -dense[g]
    for j in order:
        g = column[j]
        if dense[g] < 0:
            dense[g] = -dense[g]
        elif filled < memory:
            gram[filled], weight[filled] = g + 1, dense[g]
            filled += 1
        else:
            weakest = 0
            for m in range(memory):
                if weight[m] < weight[weakest]:
                    weakest = m
            if weight[weakest] < dense[g]:
                gram[weakest], weight[weakest] = g + 1, dense[g]
    total = 0.0
    for m in range(filled):
        total += weight[m] * weight[m]
    return float(np.sqrt(total))


@njit(cache=True)
def _hear(callers: I8, when: I8, who: U4, k: int, t: int, caller: np.uint32) -> None:
    """A caller who was heard of before is no new one; a new one takes the place of the one who came first."""
    if caller != 0:
        for m in range(min(callers[k], len(who))):
            if who[m] == caller:
                return
    at = callers[k] % len(who)
    when[at], who[at] = t, caller
    callers[k] += 1
