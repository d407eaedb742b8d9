"""The second pass: names with one wrong, lost, added or swapped character, weighed against names that nobody knows.

Where a number stands (12号, 3栋), what ends before it is compared with roads and estates that have this number.
Elsewhere, windows that begin or end as some name does are compared with points of interest and estates. Each fit is a
row of the book with a probability; beside them stands the chance that a place is meant which the book does not have.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any, NamedTuple

import ahocorasick

from geo.addresses.book import AddressBook
from geo.addresses.channel import BACKGROUND, NameModel, log_written, shortened
from geo.addresses.claims import within
from geo.addresses.dictionary import MOST_CANDIDATES, DictionaryPass, Reading, is_near
from geo.addresses.elsewhere import unknown_area
from geo.addresses.index import Index, Rows
from geo.addresses.names import Level, Name, Names
from geo.addresses.outcome import Outcome, Why, without
from geo.addresses.plates import ANCHOR, building_at, phase_at, plate_at

UNKNOWN = 0.06
"""Prior share of texts about a place that the book does not have, and of those on a road with a number it lacks."""
HOLE = 0.03
STRAY = 0.03
"""Chance that the area or road said beside is not the row's own."""
MATCH_AT = 0.9
"""Probability from which the best fit is the answer."""
AMBIGUOUS_AT = 0.15
"""Probability of the second from which several fit, rather than one badly."""
LONGEST, SHORTEST = 14, 3
ANCHORS = 6
"""Numbers of one text that are looked at, from the left."""
LONGER = frozenset("东西南北新老")
"""Before a name, these make another name of it as often as not."""
_GAP = "的 ,、("
_HINT = math.log(0.1)


class Fit(NamedTuple):
    """A row that fits with a log weight, and the part of the text that it fits to."""

    weight: float
    level: Level
    start: int
    end: int
    name: str


class FuzzyPass:
    """Does not forgive two faults in one name, nor any in a number: those stay undecided, or nobody can see them."""

    def __init__(self, book: AddressBook, names: Names, index: Index, first: DictionaryPass) -> None:
        self._book, self._index, self._first, self._rows = book, index, first, len(book)
        # Tuples of numbers, not of objects: the garbage collector need not walk through them.
        self._names = list(names.all.values())
        near: dict[str, list[int]] = defaultdict(list)
        halves: dict[str, tuple[set[int], set[int]]] = {}
        kinds: dict[str, list[str]] = {"road": [], "estate": [], "poi": []}
        for number, (text, name) in enumerate(names.all.items()):
            if name.elsewhere or not SHORTEST <= name.size <= LONGEST:
                continue
            for key in shortened(text):
                near[key].append(number)
            for kind, of in (("road", name.roads), ("estate", name.estates), ("poi", name.pois)):
                if of:
                    kinds[kind].append(text)
            if (name.pois or name.estates) and name.size >= 4:
                half = name.size // 2
                for side, part in ((0, text[:half]), (1, text[half:])):
                    halves.setdefault(part, (set(), set()))[side].add(name.size)
        self._near = {key: tuple(of) for key, of in near.items()}
        self._models = {kind: NameModel(texts) for kind, texts in kinds.items()}
        self._counts = {kind: max(1, len(texts)) for kind, texts in kinds.items()}
        self._halves: Any = ahocorasick.Automaton()
        for part, sides in halves.items():
            self._halves.add_word(part, (len(part), *(tuple(sorted(s)) for s in sides)))
        if halves:
            self._halves.make_automaton()
        self._has_halves = bool(halves)
        total = sum(index.numbers.values())
        self._log_number = {key: math.log(count / total) for key, count in index.numbers.items()}
        self._no_number = math.log(0.5 / (total + 1))
        plates = sum(len(rows) for by in index.plates.values() for rows in by.values())
        built = sum(len(rows) for by in index.buildings.values() for rows in by.values())
        pois = len({row for name in names.all.values() for row in name.pois})
        self._prior = {
            level: math.log((1 - UNKNOWN) / 3 / max(1, count))
            for level, count in (
                (Level.PLATE, plates),
                (Level.BUILDING, built),
                (Level.ESTATE, built),
                (Level.POI, pois),
            )
        }

    def decide(self, reading: Reading) -> Outcome:
        """The outcome for a text that the dictionary left undecided."""
        if reading.strange is not None and not self._of_the_book(reading, *reading.strange):
            return without(Why.ELSEWHERE, 0, tuple(reading.spans))
        context = _Context(reading, self._index, self._rows)
        fits: dict[int, Fit] = {}
        other: list[float] = []
        self._by_numbers(reading.s, context, fits, other)
        self._free(reading.s, context, fits, other)
        if not fits:
            return self._first.undecided(reading)
        return self._weigh(reading, fits, other)

    def _foreign(self, reading: Reading, best: Fit) -> bool:
        """Whether what stands before the best fit looks like an area and is none of the book's."""
        word = unknown_area(reading.s, best.start, cities=bool(self._book.city))
        known = any(span[1] == best.start for span in reading.spans)
        return bool(word) and not known and not self._of_the_book(reading, word, best.start)

    def _of_the_book(self, reading: Reading, word: str, end: int) -> bool:
        """Whether a word for an area is one of the book's, or the city, with a fault; it then counts as said."""
        areas: set[tuple[int, int]] = set()
        own = False
        for size in range(SHORTEST, min(len(word) + 3, end) + 1):
            written = reading.s[end - size : end]
            for name in self._named(written):
                if name.level <= Level.COMMUNITY and not name.weak and log_written(written, name.text) > -math.inf:
                    areas.update(name.areas)
                    own = own or not name.areas
        for level, number in areas:
            reading.areas[level] = (*reading.areas.get(level, ()), number)
        return own or bool(areas)

    def _named(self, written: str) -> list[Name]:
        """Names that share the text, or the text less one character, with what is written."""
        near, found = self._near, set[int]()
        for key in shortened(written):
            numbers = near.get(key)
            if numbers is not None:
                found.update(numbers)
        return [self._names[number] for number in found]

    def _by_numbers(self, s: str, context: _Context, fits: dict[int, Fit], other: list[float]) -> None:
        for count, m in enumerate(ANCHOR.finditer(s)):
            if count >= ANCHORS:
                return
            at = m.start()
            plate, building = plate_at(s, at), building_at(s, at)
            if plate is None and building is None:
                continue
            end = at
            for gap in ("小区", "里", "里面", "院内", "第", *_GAP):
                if s.endswith(gap, 0, end):
                    end -= len(gap)
            for stop in {at, end}:
                self._before(s, stop, plate, building, context, fits, other)

    def _before(
        self, s: str, end: int, plate: Any, building: Any, context: _Context, fits: dict[int, Fit], other: list[float]
    ) -> None:
        """Fits of names that end at a place, where a plate, a building or either begins."""
        unknown = -math.inf
        for size in range(2, min(LONGEST + 1, end) + 1):
            start = end - size
            if not s[start].isalnum():
                break
            written = s[start:end]
            gain = -size * BACKGROUND
            if size <= 8:
                for kind, found in (("road", plate), ("estate", building)):
                    if found is not None:
                        log = self._models[kind].log(written) + self._number(found.key) + gain
                        unknown = max(unknown, log)
            for name in self._named(written):
                log = log_written(written, name.text)
                if log == -math.inf:
                    continue
                log += gain
                if plate is not None and name.roads:
                    rows = self._index.plate_rows(name.roads, plate.key)
                    inside = within(self._book, self._index, s, name.roads, plate.key, plate.end) if rows else None
                    if inside is not None:
                        self._add(inside[0], Level.BUILDING, log, start, inside[1], name, context, fits)
                    else:
                        self._add(rows, Level.PLATE, log, start, plate.end, name, context, fits)
                    self._else(rows, "road", Level.PLATE, plate.key, log, s[start - 1 : start], context, other)
                if building is not None and name.estates:
                    rows = self._index.building_rows(name.estates, building.key, building.unit)
                    self._add(rows, Level.BUILDING, log, start, building.end, name, context, fits)
                    self._else(rows, "estate", Level.BUILDING, building.key, log, s[start - 1 : start], context, other)
        if unknown > -math.inf:
            other.append(math.log(UNKNOWN / 3) + unknown + context.unknown)

    def _number(self, key: str) -> float:
        return self._log_number.get(key, self._no_number)

    def _else(
        self, rows: Rows, kind: str, level: Level, key: str, log: float, before: str, context: _Context,
        other: list[float],
    ) -> None:  # fmt: skip
        """What a name that fits may mean instead: a number that the book lacks, or a longer name (东翠香路)."""
        if not rows:
            hole = math.log(HOLE / 3 / self._counts[kind]) + self._number(key)
            other.append(hole + log + context.unknown)
        elif before in LONGER:
            other.append(self._prior[level] + log + context.of(rows[0]))

    def _add(
        self, rows: Rows, level: Level, log: float, start: int, end: int, name: Name, context: _Context,
        fits: dict[int, Fit],
    ) -> None:  # fmt: skip
        prior = self._prior[level]
        for row in rows:
            weight = prior + log + context.of(row)
            known = fits.get(row)
            if known is None or known.weight < weight:
                fits[row] = Fit(weight, level, start, end, name.text)

    def _free(self, s: str, context: _Context, fits: dict[int, Fit], other: list[float]) -> None:
        """Fits of points of interest and whole estates anywhere in the text."""
        if not self._has_halves:
            return
        windows: set[tuple[int, int]] = set()
        for last, (size, begins, ends) in self._halves.iter(s):
            start, end = last + 1 - size, last + 1
            for whole in begins:
                windows.update((start, start + n) for n in (whole - 1, whole, whole + 1))
            for whole in ends:
                windows.update((end - n, end) for n in (whole - 1, whole, whole + 1))
        best: dict[str, float] = {}
        for start, end in windows:
            if start < 0 or end > len(s) or end - start < SHORTEST:
                continue
            written = s[start:end]
            gain = -(end - start) * BACKGROUND
            for name in self._named(written):
                if not (name.pois or name.estates) or name.size < 4:
                    continue
                log = log_written(written, name.text)
                if log == -math.inf:
                    continue
                # 二期, or 99栋 that the book does not have: then not the estate as a whole is meant.
                part = phase_at(s, end) or building_at(s, end) is not None
                whole_estate = () if part else self._index.building_rows(name.estates, "")
                for kind, level, rows in (
                    ("poi", Level.POI, name.pois), ("estate", Level.ESTATE, whole_estate)
                ):  # fmt: skip
                    if rows:
                        self._add(rows, level, log + gain, start, end, name, context, fits)
                        best[kind] = max(best.get(kind, -math.inf), self._longer(s, start, end, kind))
        other.extend(math.log(UNKNOWN / 3) + log + context.unknown for log in best.values())

    def _longer(self, s: str, start: int, end: int, kind: str) -> float:
        """The most probable name that the book may lack around a window: it may begin or end up to two further."""
        best = -math.inf
        for a in range(max(0, start - 2), start + 1):
            for b in range(end, min(len(s), end + 2) + 1):
                written = s[a:b]
                if written.isalnum():
                    best = max(best, self._models[kind].log(written) - (b - a) * BACKGROUND)
        return best

    def _weigh(self, reading: Reading, fits: dict[int, Fit], other: list[float]) -> Outcome:
        top = max([fit.weight for fit in fits.values()] + other)
        known = {row: math.exp(fit.weight - top) for row, fit in fits.items()}
        total = sum(known.values()) + sum(math.exp(w - top) for w in other)
        order = sorted(known, key=lambda row: (-known[row], row))[:MOST_CANDIDATES]
        weights = tuple(known[row] / total for row in order)
        row, sure = order[0], weights[0]
        best = fits[row]
        if best.level == Level.PLATE:
            row, sure, best = self._at_the_plate(row, sure, fits, order, weights)
        exact = reading.s.startswith(best.name, best.start)
        spans = [s for s in reading.spans if s[1] <= best.start or s[0] >= best.end]
        spans.append((best.start, best.end, best.level, exact, best.name))
        near = is_near(reading.s, best.end)
        shown = Outcome(-1, best.level, Why.UNSURE, sure, tuple(order), weights, tuple(spans), near)
        if self._foreign(reading, best):
            return without(Why.ELSEWHERE, 0, tuple(reading.spans))
        if sure >= MATCH_AT:
            return shown._replace(row=row, why=Why.MATCHED)
        several = len(weights) > 1 and weights[1] >= AMBIGUOUS_AT
        return shown._replace(why=Why.AMBIGUOUS) if several else shown

    def _at_the_plate(
        self, row: int, sure: float, fits: dict[int, Fit], order: list[int], weights: tuple[float, ...]
    ) -> tuple[int, float, Fit]:
        """The point of interest that is said behind the best plate and stands there; else the plate."""
        index, best = self._index, fits[row]
        for other, weight in zip(order[1:], weights[1:], strict=True):
            fit = fits[other]
            here = (index.road[other], index.plate[other]) == (index.road[row], index.plate[row])
            if here and fit.level == Level.POI and fit.start >= best.end:
                return other, sure + weight, fit
        return row, sure, best


class _Context:
    """What is said beside: areas, and roads without number; how well a row agrees, and an unknown place would."""

    def __init__(self, reading: Reading, index: Index, rows: int) -> None:
        self._index = index
        self._areas = reading.areas
        self._roads = {road for name in reading.bare for road in name.roads}
        self._hints = set(reading.hints)
        self._share = 1.0
        for numbers in self._areas.values():
            self._share = min(self._share, sum(index.sizes["area", a] for a in numbers) / rows)
        if self._roads:
            self._share = min(self._share, sum(index.sizes["road", r] for r in self._roads) / rows)
        self.unknown = math.log(max(self._share, 1e-6))
        self._stray = math.log(STRAY) + self.unknown

    def of(self, row: int) -> float:
        """Log weight of a row for what is said beside it."""
        index, log = self._index, 0.0
        for level, numbers in self._areas.items():
            if index.area[row][level - 1] not in (*numbers, -1):
                log += self._stray
        if self._hints and not any((k + 1, a) in self._hints for k, a in enumerate(index.area[row])):
            log += _HINT
        if self._roads and index.road[row] not in self._roads:
            log += self._stray
        return log
