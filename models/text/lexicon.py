"""Words with a meaning: urgency, danger to life, mood. The words are data; denial before a word is understood.

Many words are looked for in one pass (Aho-Corasick). A hit counts unless it is denied before (没有火灾, 没有发生火灾),
and a longer listed word wins over a shorter one within it (防火门 over 火).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import ahocorasick
import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]
CLAUSE = frozenset(' \t\r\n,.;:!?、。，；：！？（）()“”"…')


@dataclass(frozen=True, slots=True)
class Hit:
    """A word found: its kind, the word, where it begins, and whether it is denied."""

    kind: str
    word: str
    at: int
    denied: bool


@dataclass(frozen=True)
class Lexicon:
    """Words by kind, with what denies them.

    ``kinds``: words of each kind. ``denials``: what turns the word that follows, with at most ``fillers`` between, all
    within ``reach`` characters. ``harmless``: longer words that contain one of a kind and mean none of it.

    Does not work for irony, for a denial after the word (火灾没有发生), for questions (是不是着火), and for words that
    nobody listed. For life and limb that is why it only raises, and no score here ever calls an alarm off.
    """

    kinds: Mapping[str, Sequence[str]]
    denials: Sequence[str]
    fillers: Sequence[str] = ()
    harmless: Sequence[str] = ()
    reach: int = 12

    @classmethod
    def of(cls, data: Mapping[str, object]) -> Lexicon:
        """From a mapping with the fields' names; all but ``kinds`` may be left out. Raises ValueError."""
        kinds, lists = data.get("kinds"), {name: data.get(name, []) for name in ("denials", "fillers", "harmless")}
        if not isinstance(kinds, Mapping) or not kinds:
            raise ValueError(f"lexicon.kinds: expected words by kind, got {kinds!r}")
        for name, words in (*kinds.items(), *lists.items()):
            if not isinstance(words, list) or not all(isinstance(w, str) and w for w in words):
                raise ValueError(f"lexicon.{name}: expected a list of words, got {words!r}")
        reach = data.get("reach", 12)
        if not isinstance(reach, int) or not 0 <= reach <= 100:
            raise ValueError(f"lexicon.reach: expected characters, 0 to 100, got {reach!r}")
        return cls(kinds, **cast("dict[str, list[str]]", lists), reach=reach)

    @cached_property
    def _automaton(self) -> ahocorasick.Automaton:
        automaton = ahocorasick.Automaton()
        entries: dict[str, list[str]] = {}
        for kind, words in self.kinds.items():
            for word in words:
                entries.setdefault(word, []).append(kind)
        for word in self.harmless:
            entries[word] = [""]
        for word, kinds in entries.items():
            automaton.add_word(word, (word, tuple(kinds)))
        automaton.make_automaton()
        return automaton

    def hits(self, text: str) -> list[Hit]:
        """All words found, by place; one within a longer word, of any kind or harmless, counts as nothing."""
        raw = [(end - len(word) + 1, end + 1, word, kinds) for end, (word, kinds) in self._automaton.iter(text)]
        if not raw:
            return []
        return [
            Hit(kind, word, a, self._denied(text, a))
            for a, b, word, kinds in sorted(raw)
            for kind in kinds
            if kind and not any(c <= a and b <= d and b - a < d - c for c, d, _, _ in raw)
        ]

    def _denied(self, text: str, at: int) -> bool:
        """Whether what stands before is a denial, with nothing but fillers between: 没有|发生|火灾."""
        before = text[max(0, at - self.reach) : at]
        while filler := next((word for word in self.fillers if before.endswith(word)), ""):
            before = before[: -len(filler)]
        return before.endswith(tuple(self.denials))


@dataclass(frozen=True, slots=True)
class Mood:
    """Satisfaction 满意度 from words of praise and of anger: in [-1, 1], NaN where too little is said either way.

    A denied word counts for the other side (不满意). Does not work for complaints told soberly, which most are: those
    come back NaN and not as neutral; ``least`` words must speak before it answers.
    """

    lexicon: Lexicon
    good: str = "good"
    bad: str = "bad"
    least: int = 2

    def of(self, texts: Sequence[str]) -> F8:
        """(n,) mood of each text."""
        return self.judge([self.lexicon.hits(text) for text in texts])

    def judge(self, hits: Sequence[Sequence[Hit]]) -> F8:
        """(n,) mood of each text, of the words found in it."""
        out = np.full(len(hits), np.nan)
        for i, words in enumerate(hits):
            found = [hit for hit in words if hit.kind in {self.good, self.bad}]
            good = sum((hit.kind == self.good) != hit.denied for hit in found)
            if len(found) >= self.least:
                out[i] = (2 * good - len(found)) / len(found)
        return out


@dataclass(frozen=True, slots=True)
class Urgency:
    """How soon somebody must act: 0 no hint, 1 pressing, 2 urgent, 3 danger to life now.

    ``life`` and ``urgent`` and ``pressing`` name kinds of the lexicon. The highest kind found decides: a danger to
    life is never averaged away by a calm rest. A text about last year's fire comes back 3 as well: words know no
    tense, so what is counted here is a reason to look, and a scenario decides.
    """

    lexicon: Lexicon
    life: str = "life"
    urgent: str = "urgent"
    pressing: str = "pressing"

    def of(self, texts: Sequence[str]) -> NDArray[np.int32]:
        """(n,) level of each text."""
        return self.judge([self.lexicon.hits(text) for text in texts])

    def judge(self, hits: Sequence[Sequence[Hit]]) -> NDArray[np.int32]:
        """(n,) level of each text, of the words found in it."""
        rank = {self.pressing: 1, self.urgent: 2, self.life: 3}
        levels = [max((rank.get(hit.kind, 0) for hit in words if not hit.denied), default=0) for words in hits]
        return np.array(levels, np.int32)
