"""Pages of incidents: which rows fit, in which order, and from where on.

A cursor is the order's value and the number of the last row told, and the newest change there was on the first page.
What did not change while somebody paged is told once; what did is left out from then on, as it may have moved behind
the cursor after it was told: the stream has it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

import numpy as np

from brain.incidents.value import Domain, State
from brain.screen.board.board import Board, Entry
from brain.screen.board.columns import DOMAIN, FAR, STATE, Table

Sort = Literal["updated", "-updated", "onset", "-onset", "level", "-level", "due", "-due"]
SORTS: Final[tuple[Sort, ...]] = get_args(Sort)
_WHOLE: Final = re.compile(r"-?[0-9]{1,19}", re.ASCII)
RADIUS_M: Final = 6_371_008.8


class BadCursor(ValueError):
    """No cursor of ours, or one of another order."""


@dataclass(frozen=True)
class Query:
    """What is wanted; None and empty let everything. Times are ms UTC of the onset, ``box``: west, south, east, north.

    ``open``: not closed, no false alarm, not merged. ``shown``: people have seen it.
    """

    domain: tuple[Domain, ...] = ()
    state: tuple[State, ...] = ()
    level_min: int = 0
    district: str = ""
    town: str = ""
    grid: str = ""
    box: tuple[float, float, float, float] | None = None
    since: int | None = None
    until: int | None = None
    text: str = ""
    life: bool | None = None
    shown: bool | None = True
    drill: bool | None = None
    open: bool | None = True
    lead: str = ""
    taken_by: str = ""
    districts: tuple[str, ...] = field(default=())
    """What the caller is bound to; () for all."""


@dataclass(frozen=True)
class Page:
    """``total`` counts all that fit, ``next`` is the cursor of what follows, None where nothing does."""

    entries: list[Entry]
    next: str | None
    total: int


def find(board: Board, query: Query) -> Any:
    """Slots that fit, (n,), in no order."""
    return np.flatnonzero(fits(board, query))


def fits(board: Board, query: Query) -> Any:
    """By slot, whether it fits."""
    rows, names = board.columns.live(), board.columns.names
    keep = rows["used"].copy()
    if query.domain:
        keep &= _any(rows["domain"], [DOMAIN[d] for d in query.domain])
    if query.state:
        keep &= _any(rows["state"], [STATE[s] for s in query.state])
    if query.level_min:
        keep &= rows["level"] >= query.level_min
    for column, name in (
        ("district", query.district), ("town", query.town), ("grid", query.grid), ("lead", query.lead),
        ("taken", query.taken_by),
    ):  # fmt: skip
        if name:
            keep &= rows[column] == names.find(name)
    if query.districts:
        keep &= _any(rows["district"], [names.find(d) for d in query.districts])
    for column, wanted in (("life", query.life), ("shown", query.shown), ("drill", query.drill), ("open", query.open)):
        if wanted is not None:
            keep &= rows[column] == wanted
    if query.since is not None:
        keep &= rows["onset"] >= query.since
    if query.until is not None:
        keep &= rows["onset"] <= query.until
    if query.box is not None:
        west, south, east, north = query.box
        lon, lat = rows["lon"], rows["lat"]
        keep &= (lat >= south) & (lat <= north)
        keep &= (lon >= west) & (lon <= east) if west <= east else (lon >= west) | (lon <= east)
    for word in query.text.lower().split():
        keep &= _says(board, rows, word)
    return keep


def _any(column: Any, wanted: list[int]) -> Any:
    """Where a column has one of a few values; numpy's own way costs ten comparisons."""
    keep = column == wanted[0]
    for value in wanted[1:]:
        keep |= column == value
    return keep


def _says(board: Board, rows: Table, word: str) -> Any:
    """Where a word is part of the names, the grid or who has it in hand, or the beginning of the id."""
    columns = board.columns
    keep = np.array([word in text for text in columns.texts])[rows["words"]]
    named = np.array(columns.names.having(word))
    keep |= named[rows["grid"]] | named[rows["taken"]]
    if word.startswith("inc-"):
        keep[[e.slot for e in board.entries.values() if e.id.startswith(word)]] = True
    return keep


def page(board: Board, query: Query, sort: Sort = "-updated", limit: int = 50, cursor: str = "") -> Page:
    """One page. Raises BadCursor."""
    values, slots, newest = _ordered(board, sort)
    found = slots[fits(board, query)[slots]]
    total, rows = len(found), board.columns.live()
    if cursor:
        value, number, newest = _read(cursor, sort)
        mine, numbers = values[found], rows["number"][found]
        after = (mine > value) | ((mine == value) & (numbers > number))
        found = found[after & (rows["updated"][found] <= newest)]
    by_slot = board.by_slot
    entries = [by_slot[slot] for slot in found[:limit].tolist()]
    if len(found) == len(entries) or not entries:
        return Page(entries, None, total)
    last = entries[-1].slot
    return Page(entries, f"{sort}.{values[last]}.{rows['number'][last]}.{newest}", total)


def _ordered(board: Board, sort: Sort) -> tuple[Any, Any, int]:
    """By slot what it is ordered by, all slots in that order, and the newest change: the same until the board changes.
    Ordering ten thousand takes a millisecond, and most reads come between two changes."""
    made = board.orders.get(sort)
    if made is None or made[0] != board.version:
        rows, column = board.columns.live(), sort.lstrip("-")
        values = rows[column].astype(np.int64)
        if sort.startswith("-"):
            values = -values if column != "due" else np.where(values == FAR, FAR, -values)
        slots = np.lexsort((rows["number"], values))
        made = board.orders[sort] = (board.version, (values, slots, int(rows["updated"].max(initial=0))))
    return made[1]


def _read(cursor: str, sort: Sort) -> tuple[int, int, int]:
    named, *rest = cursor.split(".")
    if named != sort or len(rest) != 3 or not all(map(_WHOLE.fullmatch, rest)):
        raise BadCursor(cursor)
    value, number, newest = map(int, rest)
    if max(map(abs, (value, number, newest))) >= 2**63:
        raise BadCursor(cursor)
    return value, number, newest


def near(
    board: Board, lon: float, lat: float, radius_m: float, districts: tuple[str, ...]
) -> list[tuple[float, Entry]]:
    """Open incidents around a place, shown or not, and how far off in metres, nearest first."""
    found = find(board, Query(shown=None, districts=districts))
    rows = board.columns.live()[found]
    away = distance(lon, lat, rows["lon"], rows["lat"])
    order = np.argsort(away, kind="stable")
    return [(float(away[k]), board.by_slot[int(found[k])]) for k in order if away[k] <= radius_m]


def distance(lon: float, lat: float, lons: Any, lats: Any) -> Any:
    """Metres on a sphere from a place to others; NaN stays NaN."""
    a, b = np.radians(lat), np.radians(lats)
    h = np.sin((b - a) / 2) ** 2 + np.cos(a) * np.cos(b) * np.sin(np.radians(lons - lon) / 2) ** 2
    return 2 * RADIUS_M * np.arcsin(np.sqrt(np.clip(h, 0, 1)))
