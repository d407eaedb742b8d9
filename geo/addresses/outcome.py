"""What is found for one text: an address with its confidence, or why there is none, and the words it comes from."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from geo.addresses.index import NO_ROWS, Rows
from geo.addresses.names import Level


class Why(IntEnum):
    """Why a text has no address 未定原因; MATCHED where it has one."""

    MATCHED = 0
    AMBIGUOUS = 1
    """Several addresses fit; they are the candidates."""
    UNSURE = 2
    """One fits best and not well enough: it may be another place with a similar name that the book does not have."""
    COARSE = 3
    """An area, a road or an estate is said, and no door plate, building or point of interest."""
    NUMBER_UNKNOWN = 4
    """The road or estate is in the book, the number is not; candidates are its neighbours."""
    ELSEWHERE = 5
    """Another city, or a district that the book does not have."""
    NOTHING = 6
    """No name of the book is said."""


class Span(NamedTuple):
    """Part of a text (start, end in characters) read as a name of a level; ``exact`` where letter for letter."""

    start: int
    end: int
    level: Level
    exact: bool
    name: str


RawSpan = tuple[int, int, int, bool, str]
"""A span before it is shown: a plain tuple, as there are several for every text."""


class Outcome(NamedTuple):
    """For one text. ``row``: -1 where no address is sure; ``level``: of the address, else how far the text is known.

    ``rows`` and ``weights``: candidates, best first, and their probability. ``near``: the text says beside, opposite or
    near the place.
    """

    row: int
    level: int
    why: int
    confidence: float
    rows: Rows
    weights: tuple[float, ...]
    spans: tuple[RawSpan, ...]
    near: bool


def without(why: Why, level: int = 0, spans: tuple[RawSpan, ...] = (), rows: Rows = NO_ROWS) -> Outcome:
    """No address; ``rows`` are shown as candidates without a probability."""
    return Outcome(-1, level, int(why), 0.0, rows, (0.0,) * len(rows), spans, near=False)


EMPTY = without(Why.NOTHING)
