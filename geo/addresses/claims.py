"""What parts of a text claim, and whether several parts are about one place: plate, building, point of interest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rapidfuzz import fuzz

from geo.addresses.book import AddressBook
from geo.addresses.index import NO_ROWS, Index, Rows
from geo.addresses.names import Level
from geo.addresses.plates import ANCHOR, building_at

ALIKE = 60.0
"""Partial ratio (rapidfuzz) from which the words after a plate are one of the few names that stand at it."""
WITHIN = 16
"""Characters after a plate in which a building or a point of interest there is looked for."""


class Claim:
    """Rows that a part of a text names, by what level; ``exact`` 1.0, or lower where a rule had to be bent."""

    __slots__ = ("end", "exact", "level", "near", "rows", "start")

    def __init__(self, level: int, rows: Rows, exact: float, start: int, end: int, near: bool) -> None:
        self.level, self.rows, self.exact = level, rows, exact
        self.start, self.end, self.near = start, end, near


def within(book: AddressBook, index: Index, s: str, roads: Rows, key: str, at: int) -> tuple[Rows, int] | None:
    """Rows of the building that is said after a plate, in the estates that stand there, and where it ends."""
    for road in roads:
        estates = index.estates_at.get((road, key))
        if estates is None:
            continue
        for m in ANCHOR.finditer(s, at, at + WITHIN):
            building = building_at(s, m.start())
            if building is None:
                continue
            rows = index.building_rows(estates, building.key, building.unit)
            if len(rows) > 1:
                rows = _most_alike(rows, book.estate, s[at : m.start()]) or rows
            if rows:
                return rows, building.end
    return None


def refine(book: AddressBook, index: Index, s: str, claim: Claim) -> int:
    """The point of interest at a plate that the words after it name with a fault; -1 where none."""
    row = claim.rows[0]
    here = index.pois_at.get((index.road[row], index.plate[row]))
    if here is None:
        return -1
    rows = _most_alike(here, book.poi, s[claim.end : claim.end + WITHIN])
    return rows[0] if len(rows) == 1 else -1


def _most_alike(rows: Iterable[int], names: Sequence[str], words: str) -> Rows:
    """The one row whose name is most alike to the words, if any is alike and no other as much."""
    if len(words) < 3:
        return NO_ROWS
    scored = sorted((-fuzz.partial_ratio(names[r], words), r) for r in rows if len(names[r]) > 2)
    if not scored or -scored[0][0] < ALIKE or (len(scored) > 1 and scored[1][0] == scored[0][0]):
        return NO_ROWS
    return (scored[0][1],)


def agree(index: Index, claims: list[Claim]) -> list[Claim]:
    """One claim where all are about one place, the finest; else those that contradict each other, finest first."""
    kept: list[Claim] = []
    for claim in sorted(claims, key=lambda c: (-c.level, c.start)):
        for k, other in enumerate(kept):
            both = _both(index, other, claim)
            if both is not None:
                kept[k] = both
                break
        else:
            kept.append(claim)
    return kept


def _both(index: Index, fine: Claim, coarse: Claim) -> Claim | None:
    """The finer claim narrowed by the coarser, if they are about one place; None if about two."""
    same = tuple(r for r in fine.rows if r in coarse.rows)
    if not same and coarse.level == Level.PLATE:
        plates = {(index.road[r], index.plate[r]) for r in coarse.rows}
        same = tuple(r for r in fine.rows if (index.road[r], index.plate[r]) in plates)
    elif not same and not fine.level == coarse.level == Level.BUILDING:
        estates = {index.estate[r] for r in coarse.rows}
        same = tuple(r for r in fine.rows if index.estate[r] in estates and index.estate[r] >= 0)
    if same:
        fine.rows = same
        return fine
    if fine.level == Level.POI and (fine.near or len(fine.rows) > 1):
        coarse.near = coarse.near or fine.near
        return coarse
    return fine if coarse.near and not fine.near else None
