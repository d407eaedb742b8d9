"""Chinese free text to addresses 地址匹配: dictionary, door plates and points of interest, one fault forgiven."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.addresses import channel
from geo.addresses.book import AddressBook
from geo.addresses.dictionary import DictionaryPass
from geo.addresses.fuzzy import HOLE, MATCH_AT, UNKNOWN, FuzzyPass
from geo.addresses.index import Index
from geo.addresses.names import Level, Names
from geo.addresses.numerals import plain
from geo.addresses.outcome import RawSpan, Span

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
I1 = NDArray[np.int8]
B1 = NDArray[np.bool_]
READ = 1000
"""Characters of a text that are read, from its beginning."""


@dataclass(frozen=True)
class Matches:
    """For each of n texts an address, or why there is none. Columns (n,) unless said otherwise.

    ``row`` in the book, -1 where no address is sure; ``code`` of it, else empty; ``level`` (:class:`Level`) of the
    address, else how far the text is known; ``why`` (:class:`Why`); ``confidence`` 0 to 1, the probability of the best
    candidate under the assumptions of :mod:`geo.addresses.channel`; ``lon``, ``lat`` in degrees, NaN without address;
    ``near``: the text says beside, opposite or near it; ``cut``: it is longer than what is read.
    ``candidate``, ``weight``: rows and their probability, best first, those of text k from ``first[k]`` to
    ``first[k + 1]``. The parts that were read, of text k from ``span_first[k]`` on: ``span_start``, ``span_end`` in
    characters, ``span_level``, ``span_exact``, ``span_name``.
    """

    row: I8
    code: list[str]
    level: I1
    why: I1
    confidence: F8
    lon: F8
    lat: F8
    near: B1
    cut: B1
    first: I8
    candidate: I8
    weight: F8
    span_first: I8
    span_start: I8
    span_end: I8
    span_level: I1
    span_exact: B1
    span_name: list[str]

    def __len__(self) -> int:
        return len(self.row)

    def candidates(self, k: int) -> list[tuple[int, float]]:
        """(row, probability) of text k, best first."""
        part = slice(int(self.first[k]), int(self.first[k + 1]))
        return list(zip(self.candidate[part].tolist(), self.weight[part].tolist(), strict=True))

    def spans(self, k: int) -> list[Span]:
        """The parts of text k that were read."""
        return [
            Span(
                int(self.span_start[j]), int(self.span_end[j]), Level(int(self.span_level[j])),
                bool(self.span_exact[j]), self.span_name[j],
            )
            for j in range(int(self.span_first[k]), int(self.span_first[k + 1]))
        ]  # fmt: skip


class AddressMatcher:
    """Finds the address that a text means, in one book. Immutable; building takes seconds for 100,000 addresses.

    Does not work for: a wrong digit (a number that exists is believed), two faults in one name, names under two
    characters, texts about two places (ambiguous by intent), places told only by landmarks that the book lacks.
    """

    def __init__(self, book: AddressBook) -> None:
        self.book = book
        names = Names(book)
        index = Index(book, names)
        self._first = DictionaryPass(book, names, index)
        self._second = FuzzyPass(book, names, index, self._first)

    def match(self, texts: Sequence[str], *, forgive: bool = True) -> Matches:
        """Match texts, each alone: a batch gives what its texts give one by one. Never raises for any text.

        ``forgive``: whether names with a fault are looked for. Without, texts that the dictionary leaves undecided have
        no address, and a batch takes about a tenth of the time.
        """
        read, decide = self._first.read, self._first.decide
        rest = self._second.decide if forgive else self._first.undecided
        # Columns grow text by text: outcomes that stay until the end would keep the garbage collector busy.
        rows, levels, whys, sure, nears = list[int](), list[int](), list[int](), list[float](), list[bool]()
        candidates, weights, candidate_counts = list[int](), list[float](), list[int]()
        spans, span_counts = list[RawSpan](), list[int]()
        for text in texts:
            reading = read(plain(text[:READ]))
            row, level, why, confidence, found, of, parts, near = decide(reading) or rest(reading)
            rows.append(row)
            levels.append(level)
            whys.append(why)
            sure.append(confidence)
            nears.append(near)
            candidates += found
            weights += of
            candidate_counts.append(len(found))
            spans += parts
            span_counts.append(len(parts))
        starts, ends, span_levels, exact, names = zip(*spans, strict=True) if spans else ((),) * 5
        at = np.array(rows, np.int64)
        return Matches(
            row=at,
            code=[self.book.code[r] if r >= 0 else "" for r in rows],
            level=np.array(levels, np.int8),
            why=np.array(whys, np.int8),
            confidence=np.array(sure, np.float64),
            # Row -1 takes the last position; it is then blanked.
            lon=np.where(at >= 0, self.book.lon[at], np.nan),
            lat=np.where(at >= 0, self.book.lat[at], np.nan),
            near=np.array(nears, np.bool_),
            cut=np.array([len(t) > READ for t in texts], np.bool_),
            first=_first(candidate_counts),
            candidate=np.array(candidates, np.int64),
            weight=np.array(weights, np.float64),
            span_first=_first(span_counts),
            span_start=np.array(starts, np.int64),
            span_end=np.array(ends, np.int64),
            span_level=np.array(span_levels, np.int8),
            span_exact=np.array(exact, np.bool_),
            span_name=list(names),
        )


def _first(counts: Sequence[int]) -> I8:
    """Where each text's part of a column begins, and the end."""
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(np.array(counts, np.int64))))


def assumptions() -> dict[str, float]:
    """The settings that decide between an answer and none, as shipped."""
    return {
        "match_at": MATCH_AT, "unknown": UNKNOWN, "hole": HOLE, "right": channel.RIGHT, "by_sound": channel.BY_SOUND,
        "other": channel.OTHER, "lost": channel.LOST, "added": channel.ADDED, "swapped": channel.SWAPPED,
    }  # fmt: skip
