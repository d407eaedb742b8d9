"""All names of a book in one automaton: areas, roads, estates, points of interest, and the ways they are written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Any

import ahocorasick

from geo.addresses.book import AddressBook, other_names
from geo.addresses.elsewhere import other_places, stem
from geo.addresses.numerals import CHARACTERS, by_position, chinese, plain, value

LONGEST = 24
"""Characters of the longest name that is used."""


class Level(IntEnum):
    """How far an answer goes 层级: from nothing to a unit, or a point of interest."""

    NONE = 0
    DISTRICT = 1
    TOWN = 2
    COMMUNITY = 3
    ROAD = 4
    ESTATE = 5
    PLATE = 6
    BUILDING = 7
    UNIT = 8
    POI = 9


class Name:
    """One way of writing one or more things of the book.

    ``areas``: (level, number of the area) pairs; ``roads``, ``estates``: their numbers; ``pois``: rows. ``weak``: a
    short form (翠香 for 翠香街道) that may as well be part of another word. ``elsewhere``: a place that is not this
    city: 1 by its bare name, 2 with its rank. A name of nothing (level NONE) is the city's own.
    """

    __slots__ = ("areas", "elsewhere", "estates", "level", "pois", "roads", "size", "text", "weak")

    def __init__(self, text: str) -> None:
        self.text, self.size, self.weak, self.elsewhere, self.level = text, len(text), True, 0, 0
        self.areas: tuple[tuple[int, int], ...] = ()
        self.roads: tuple[int, ...] = ()
        self.estates: tuple[int, ...] = ()
        self.pois: tuple[int, ...] = ()

    def settle(self) -> None:
        """Set ``level``, the number of the finest thing named, once all is known."""
        kinds = ((Level.POI, self.pois), (Level.ESTATE, self.estates), (Level.ROAD, self.roads))
        area = max((level for level, _ in self.areas), default=0)
        self.level = next((int(level) for level, there in kinds if there), area)


_AREA_RANK = re.compile(r"(街道办事处|街道|社区居委会|社区居民委员会|居委会|村委会|社区|新区|区|县|镇|乡|村)$")
_BRACKETS = re.compile(r"[()（）\[\]【】]")
_NUMERAL = re.compile(rf"\d{{1,3}}|[{CHARACTERS}]{{1,5}}")


class Names:
    """The dictionary of a book. ``all``: every :class:`Name` by its plain text; ``automaton`` finds the longest.

    ``roads`` and ``estates``: number of each name as the book has it.
    """

    def __init__(self, book: AddressBook) -> None:
        self.all: dict[str, Name] = {}
        self.roads: dict[str, int] = {}
        self.estates: dict[str, int] = {}
        self.areas: dict[tuple[int, str], int] = {}
        self._add_areas(book)
        self._add_places(book)
        for text, ranked in other_places(book.city).items():
            if text not in self.all:
                self._name(text).elsewhere = 2 if ranked else 1
        self.automaton: Any = ahocorasick.Automaton()
        for text, name in self.all.items():
            name.settle()
            self.automaton.add_word(text, name)
        self.automaton.make_automaton()

    def _name(self, text: str, weak: bool = False) -> Name:
        found = self.all.get(text)
        if found is None:
            found = self.all[text] = Name(text)
        found.weak = found.weak and weak
        return found

    def _add_areas(self, book: AddressBook) -> None:
        for level, column in ((1, book.district), (2, book.town), (3, book.community)):
            for text in dict.fromkeys(column):
                if not text:
                    continue
                number = self.areas[level, text] = len(self.areas)
                for form, weak in _area_forms(plain(text)):
                    name = self._name(form, weak)
                    name.areas = (*name.areas, (level, number))
        for text in book.city:
            # Own names are read, so that they end what is before a road; they say no more.
            for form in {plain(text), stem(plain(text))}:
                self._name(form)

    def _add_places(self, book: AddressBook) -> None:
        aliases: dict[str, set[str]] = {}
        pois: dict[str, list[int]] = {}
        for row, (road, estate, poi, other) in enumerate(
            zip(book.road, book.estate, book.poi, book.aliases, strict=True)
        ):
            if road and road not in self.roads:
                self.roads[road] = len(self.roads)
            if estate and estate not in self.estates:
                self.estates[estate] = len(self.estates)
            if poi:
                pois.setdefault(poi, []).append(row)
            if other:
                aliases.setdefault(poi or estate or road, set()).update(other_names(other))
        for road, number in self.roads.items():
            self._place("roads", road, aliases, (number,), with_aliases=road not in self.estates and road not in pois)
        for estate, number in self.estates.items():
            self._place("estates", estate, aliases, (number,), with_aliases=estate not in pois)
        for poi, rows in pois.items():
            self._place("pois", poi, aliases, tuple(rows), with_aliases=True)

    def _place(
        self, kind: str, text: str, aliases: dict[str, set[str]], what: tuple[int, ...], *, with_aliases: bool
    ) -> None:
        forms = set(_forms(plain(text)))
        if with_aliases:
            for other in aliases.get(text, ()):
                forms.update(_forms(plain(other)))
        for form in sorted(forms):
            if 2 <= len(form) <= LONGEST:
                name = self._name(form)
                setattr(name, kind, (*getattr(name, kind), *what))


def _area_forms(text: str) -> Iterable[tuple[str, bool]]:
    yield text, False
    short = _AREA_RANK.sub("", text)
    if short != text and len(short) >= 2:
        yield short, True
        if text.endswith(("街道", "街道办事处")):
            yield short + "街道", False
            yield short + "街道办", False
            yield short + "街", True
        if text.endswith(("社区", "居委会")):
            yield short + "社区", False
            yield short + "居委会", False


def _forms(text: str) -> Iterable[str]:
    """A name, without brackets, and with its numerals in other writing (五巷, 5巷)."""
    yield text
    bare = _BRACKETS.sub("", text).replace(" ", "")
    yield bare
    if _NUMERAL.search(bare):
        for write in (str, chinese, by_position):
            yield _NUMERAL.sub(_rewrite(write), bare)


def _rewrite(write: Callable[[int], str]) -> Callable[[re.Match[str]], str]:
    def changed(m: re.Match[str]) -> str:
        number = value(m[0])
        return m[0] if number is None else write(number)

    return changed
