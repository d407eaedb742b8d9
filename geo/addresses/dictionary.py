"""The first pass: names letter for letter by one automaton, then door plates, buildings and points of interest."""

from __future__ import annotations

import re
from typing import Any

from geo.addresses.book import AddressBook
from geo.addresses.claims import Claim, agree, refine, within
from geo.addresses.elsewhere import leads_on, unknown_area
from geo.addresses.index import Index, Rows
from geo.addresses.names import Level, Name, Names
from geo.addresses.outcome import EMPTY, Outcome, RawSpan, Why, without
from geo.addresses.plates import building_at, phase_at, plate_at

SURE, PLAIN, BARE_PLATE, BY_NUMBER = 0.99, 0.97, 0.91, 0.93
"""Confidence of one row: with its area said, without, by the plate that its refined number hangs on, 3号 for 3栋."""
CONTRADICTED = 0.5
"""Confidence where the area said is not the row's."""
MOST_CANDIDATES = 8
BEFORE = frozenset(
    "在于是到住的从去向和与及跟由至对往经过自即我你他下问看映报诉叫有位里处这那个号路街道区镇市县乡村组栋室层楼旁边门口面段侧头了为请靠近"
)
"""Characters before a name that do not make it another name."""
_NO_AREA = re.compile(
    r"[东西南北中]?[一二三四五六七八九十]?"
    r"(?:路|街|巷|大道|花园|新村|大厦|广场|公园|医院|学校|小学|中学|幼儿园|酒店|市场|超市|苑|庭|轩|府|城)"
)
_NEAR = re.compile(r"[的,、 ]?(?:对面|斜对面|旁|附近|隔壁|后面|前面|背后|边上|周边|周围|往[东西南北])")
_NEAR_BEGINS = frozenset("的,、 对斜旁附隔后前背边周往")
_NONE, _POI, _ESTATE, _ROAD, _PLATE, _BUILDING, _UNIT, _COMMUNITY = (
    int(level)
    for level in (
        Level.NONE, Level.POI, Level.ESTATE, Level.ROAD, Level.PLATE, Level.BUILDING, Level.UNIT, Level.COMMUNITY
    )
)  # fmt: skip
_MATCHED, _UNSURE, _AMBIGUOUS = int(Why.MATCHED), int(Why.UNSURE), int(Why.AMBIGUOUS)


class Reading:
    """What the first pass read in a text: ``s`` plain, areas by level, claims, and what is left open.

    ``hints``: areas by a short form; ``bare``: roads and estates without number; ``missing``: those whose number the
    book does not have, with its key, and whether it is a plate. ``doubt``: a name begins in the middle of other words,
    so it may be part of a longer one. ``strange``: a word before a name that looks like an area and is none of the
    book's, and where it ends.
    """

    # Defaults that most texts keep: there is one of these for every text.
    hints: tuple[tuple[int, int], ...] = ()
    bare: tuple[Name, ...] = ()
    missing: tuple[tuple[Name, str, bool], ...] = ()
    doubt = elsewhere = False
    strange: tuple[str, int] | None = None

    def __init__(self, s: str) -> None:
        self.s = s
        self.areas: dict[int, Rows] = {}
        self.claims: list[Claim] = []
        self.spans: list[RawSpan] = []


def is_near(s: str, end: int) -> bool:
    """Whether a place of a text is followed by a word for beside, opposite or near."""
    return s[end : end + 1] in _NEAR_BEGINS and _NEAR.match(s, end) is not None


class DictionaryPass:
    """Reads texts by the dictionary. Does not forgive a wrong character in a name: those texts stay undecided."""

    def __init__(self, book: AddressBook, names: Names, index: Index) -> None:
        self._book, self._index = book, index
        self._cities = bool(book.city)
        self._find: Any = names.automaton.iter

    def read(self, s: str) -> Reading:
        """Names and numbers in plain text (:func:`geo.addresses.numerals.plain`)."""
        reading = Reading(s)
        spans, areas = reading.spans, reading.areas
        reached = 0
        city_end = -1
        # All names, then the longest from the left: iter_long of pyahocorasick 2.3 loses a name that begins within a
        # longer one which then fails.
        hits = [(last + 1 - name.size, -last, name) for last, name in self._find(s)]
        hits.sort()
        taken = 0
        for start, end, name in hits:
            if start < taken:
                continue
            taken = end = 1 - end
            if name.elsewhere:
                if (name.elsewhere == 2 and s[end : end + 1] not in {"路", "街", "大", "巷"}) or leads_on(s, end):
                    reading.elsewhere = True
                city_end = end
                continue
            if start == city_end:
                # 广东省 before the city's own name is where it lies; 深圳 right before a road is where the road lies.
                reading.elsewhere = (reading.elsewhere or name.roads != ()) and name.level != _NONE
            if start != reached and start:
                c = s[start - 1]
                if c in BEFORE or not c.isalnum():
                    if c in "区县镇乡道市" and reading.strange is None:
                        word = unknown_area(s, start, cities=self._cities)
                        if word:
                            reading.strange = (word, start)
                elif name.level >= _ROAD:
                    reading.doubt = True
            reached = end
            spans.append((start, end, name.level, True, name.text))
            if name.areas:
                if name.weak or name.level > _COMMUNITY:
                    if name.weak and _NO_AREA.match(s, end):
                        reading.doubt = True
                        continue
                    reading.hints += name.areas
                else:
                    for level, number in name.areas:
                        areas[level] = (*areas[level], number) if level in areas else (number,)
                    continue
            if name.roads:
                reached = self._road(reading, name, start, end)
            if name.estates:
                reached = max(reached, self._estate(reading, name, start, end))
            if name.pois:
                reading.claims.append(Claim(_POI, name.pois, 1.0, start, end, is_near(s, end)))
        return reading

    def _road(self, reading: Reading, name: Name, start: int, end: int) -> int:
        s, index = reading.s, self._index
        plate = plate_at(s, end)
        if plate is None:
            reading.bare += (name,)
            return end
        exact, key = 1.0, plate.key
        rows = index.plate_rows(name.roads, key)
        if not rows and plate.base:
            exact, key = BARE_PLATE, plate.base
            rows = index.plate_rows(name.roads, key)
        reading.spans.append((end, plate.end, _PLATE, True, key))
        if not rows:
            reading.missing += ((name, plate.key, True),)
            return plate.end
        near = is_near(s, plate.end)
        reading.claims.append(Claim(_PLATE, rows, exact, start, plate.end, near))
        inside = within(self._book, index, s, name.roads, key, plate.end)
        if inside is not None:
            found, last = inside
            reading.claims.append(Claim(_BUILDING, found, 1.0, start, last, is_near(s, last)))
        return plate.end

    def _estate(self, reading: Reading, name: Name, start: int, end: int) -> int:
        s, index = reading.s, self._index
        building = building_at(s, end)
        if building is None:
            rows = () if phase_at(s, end) else index.building_rows(name.estates, "")
            if rows:
                reading.claims.append(Claim(_ESTATE, rows, 1.0, start, end, is_near(s, end)))
            else:
                reading.bare += (name,)
            return end
        last = building.end
        reading.spans.append((end, last, _BUILDING, True, building.key))
        rows = index.building_rows(name.estates, building.key, building.unit)
        if not rows:
            reading.missing += ((name, building.key, False),)
            return last
        exact = BY_NUMBER if s[last - 1] == "号" else 1.0
        reading.claims.append(Claim(_BUILDING, rows, exact, start, last, is_near(s, last)))
        return last

    def decide(self, reading: Reading) -> Outcome | None:
        """The outcome that the dictionary alone allows; None where the second pass has to look."""
        if reading.elsewhere:
            return without(Why.ELSEWHERE, 0, tuple(reading.spans))
        if reading.doubt or reading.strange is not None:
            return None
        if reading.claims:
            return self._combine(reading)
        if reading.missing:
            return self.missing(reading)
        return None if reading.s.strip() else EMPTY

    def missing(self, reading: Reading) -> Outcome:
        """A road or estate whose number the book does not have, with its neighbours."""
        name, key, plate = reading.missing[0]
        rows = self._index.beside(name.roads[0], key) if plate else ()
        return without(Why.NUMBER_UNKNOWN, _ROAD if plate else _ESTATE, tuple(reading.spans), rows)

    def undecided(self, reading: Reading) -> Outcome:
        """The outcome where nothing more is found: how far the text is known all the same."""
        if reading.missing:
            return self.missing(reading)
        level = max((int(name.level) for name in reading.bare), default=0) or max(reading.areas, default=0)
        if level == 0:
            return EMPTY
        return without(Why.COARSE, level, tuple(reading.spans))

    def _combine(self, reading: Reading) -> Outcome:
        claims, areas, contradicted = reading.claims, reading.areas, False
        if areas:
            of = self._index.area
            for claim in claims:
                rows = claim.rows
                for level, numbers in areas.items():
                    # -1: the book does not say in which area the row lies.
                    rows = tuple([r for r in rows if (a := of[r][level - 1]) in numbers or a < 0])
                if rows:
                    claim.rows = rows
                else:
                    contradicted = True
        if len(claims) > 1:
            claims = agree(self._index, claims)
        spans = tuple(reading.spans)
        claim, rows = claims[0], claims[0].rows
        if len(claims) > 1:
            rows = tuple(dict.fromkeys(r for c in claims for r in c.rows))
        elif len(rows) > 1:
            rows = self._narrow(reading, rows)
        if len(rows) != 1:
            shown, weight = rows[:MOST_CANDIDATES], 1 / len(rows)
            return Outcome(
                -1, claim.level, _AMBIGUOUS, weight, shown, (weight,) * len(shown), spans, claim.near
            )  # fmt: skip
        level, row = claim.level, rows[0]
        if level == _PLATE:
            refined = refine(self._book, self._index, reading.s, claim)
            if refined >= 0:
                rows, level, row = (refined,), _POI, refined
        elif level == _BUILDING and self._book.unit[row]:
            level = _UNIT
        if contradicted:
            return Outcome(-1, level, _UNSURE, CONTRADICTED, rows, (CONTRADICTED,), spans, claim.near)
        confidence = min(SURE if areas else PLAIN, claim.exact)
        return Outcome(row, level, _MATCHED, confidence, rows, (confidence,), spans, claim.near)

    def _narrow(self, reading: Reading, rows: Rows) -> Rows:
        """Rows on the roads and in the areas that are hinted at, if any is."""
        if reading.hints:
            hinted = set(reading.hints)
            same = tuple(r for r in rows if any((k + 1, a) in hinted for k, a in enumerate(self._index.area[r])))
            rows = same or rows
        if len(rows) > 1 and reading.bare:
            roads = {road for name in reading.bare for road in name.roads}
            same = tuple(r for r in rows if self._index.road[r] in roads)
            rows = same or rows
        return rows
