"""Door plates, buildings and points of interest by what a text says: names and numbers in, rows of the book out."""

from __future__ import annotations

from collections import Counter, defaultdict

from geo.addresses.book import AddressBook
from geo.addresses.names import Names
from geo.addresses.plates import building_key, plate_key

Rows = tuple[int, ...]
NO_ROWS: Rows = ()


class Index:
    """Inverted lists over the rows of a book.

    ``plates``: by road, then plate key: rows that are the plate itself. ``at_plate``: the same for buildings and points
    of interest that stand at it. ``buildings``: by estate, then building key: rows without unit; units are under
    ``3/2``, all of one building under ``3/*``; the estate itself under the empty key. ``estates_at``, ``pois_at``:
    estates, and rows of points of interest, by road and plate. ``area``: (district, town, community) numbers of each
    row, -1 where the book has none; ``road``, ``estate``, ``plate`` of each row. ``numbers``: how often each
    plate and building key is in the book.
    """

    def __init__(self, book: AddressBook, names: Names) -> None:
        n = len(book)
        keys: dict[str, str] = {"": ""}
        for text in set(book.number):
            keys.setdefault(text, plate_key(text))
        built = {text: building_key(text) for text in {*book.building, *book.unit}}
        levels = ((1, book.district), (2, book.town), (3, book.community))
        per_level = [[names.areas.get((level, text), -1) for text in column] for level, column in levels]
        self.area = list(zip(*per_level, strict=True))
        self.road = [names.roads.get(text, -1) for text in book.road]
        self.estate = [names.estates.get(text, -1) for text in book.estate]
        self.plate: list[str] = [keys[text] if road else "" for road, text in zip(book.road, book.number, strict=True)]
        plates: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        at_plate: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        buildings: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        estates_at: dict[tuple[int, str], dict[int, None]] = defaultdict(dict)
        pois_at: dict[tuple[int, str], list[int]] = defaultdict(list)
        self.numbers: Counter[str] = Counter()
        for row in range(n):
            road, key, estate = self.road[row], self.plate[row], self.estate[row]
            building, unit = built[book.building[row]], built[book.unit[row]]
            finer = building or book.poi[row]
            if road >= 0 and key:
                (at_plate if finer or estate >= 0 else plates)[road][key].append(row)
                self.numbers[key] += 1
                if estate >= 0:
                    estates_at[road, key][estate] = None
                if book.poi[row]:
                    pois_at[road, key].append(row)
            if estate >= 0 and not book.poi[row]:
                buildings[estate][f"{building}/{unit}" if unit else building].append(row)
                self.numbers[building] += 1
                if unit:
                    buildings[estate][f"{building}/*"].append(row)
        self.plates = {road: {k: tuple(v) for k, v in by.items()} for road, by in plates.items()}
        self.at_plate = {road: {k: tuple(v) for k, v in by.items()} for road, by in at_plate.items()}
        self.buildings = {estate: {k: tuple(v) for k, v in by.items()} for estate, by in buildings.items()}
        self.estates_at: dict[tuple[int, str], Rows] = {at: tuple(of) for at, of in estates_at.items()}
        self.pois_at: dict[tuple[int, str], Rows] = {at: tuple(of) for at, of in pois_at.items()}
        sizes: Counter[tuple[str, int]] = Counter(("road", r) for r in self.road)
        sizes.update(("area", a) for area in self.area for a in area)
        sizes.update(("estate", e) for e in self.estate)
        self.sizes = sizes
        """How many rows each road, area and estate has."""

    def plate_rows(self, roads: Rows, key: str) -> Rows:
        """Rows of a plate on any of these roads; where none is the plate itself, what stands at it."""
        found = NO_ROWS
        for road in roads:
            at = self.plates.get(road)
            rows = at.get(key) if at is not None else None
            if rows is None:
                other = self.at_plate.get(road)
                rows = other.get(key) if other is not None else None
                if rows is not None:
                    # An estate's gate: the row of the whole estate, if there is one, is the plate.
                    whole = tuple(r for r in rows if r in self.buildings.get(self.estate[r], {}).get("", NO_ROWS))
                    rows = whole or rows
            if rows is not None:
                found += rows
        return found

    def building_rows(self, estates: Rows, building: str, unit: str = "") -> Rows:
        """Rows of a building in any of these estates: its unit if in the book, else itself, else its units."""
        found = NO_ROWS
        for estate in estates:
            by = self.buildings.get(estate)
            if by is None:
                continue
            rows = by.get(f"{building}/{unit}") if unit else None
            found += rows or by.get(building) or (by.get(f"{building}/*", NO_ROWS) if building else NO_ROWS)
        return found

    def beside(self, road: int, key: str, most: int = 4) -> Rows:
        """Rows of the plates on a road whose numbers are nearest to one that the book does not have."""
        wanted = _leading(key)
        near = sorted(self.plates.get(road, {}).items(), key=lambda item: (abs(_leading(item[0]) - wanted), item[0]))
        return tuple(row for _, rows in near[:most] for row in rows)[:most]


def _leading(key: str) -> int:
    digits = ""
    for c in key:
        if not (c.isascii() and c.isdigit()):
            break
        digits += c
    return int(digits[:9] or 0)
