"""Pages of incidents: which rows fit, in which order, and from where on.

A cursor is the order's value and the number of the last row told: what did not change while somebody paged is neither
missed nor told twice. What changed meanwhile may have moved before or behind the cursor.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

import numpy as np

from brain.incidents.value import DOMAINS, Domain, State
from brain.screen.board.board import Board, Entry
from brain.screen.board.columns import FAR, STATES

Sort = Literal["updated", "-updated", "onset", "-onset", "level", "-level", "due", "-due"]
SORTS: Final[tuple[Sort, ...]] = get_args(Sort)
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
    rows, names = board.columns.live(), board.columns.names
    keep = rows["used"].copy()
    if query.domain:
        keep &= np.isin(rows["domain"], [DOMAINS.index(d) for d in query.domain])
    if query.state:
        keep &= np.isin(rows["state"], [STATES.index(s) for s in query.state])
    if query.level_min:
        keep &= rows["level"] >= query.level_min
    for column, name in (
        ("district", query.district), ("town", query.town), ("grid", query.grid), ("lead", query.lead),
        ("taken", query.taken_by),
    ):  # fmt: skip
        if name:
            keep &= rows[column] == names.find(name)
    if query.districts:
        keep &= np.isin(rows["district"], [names.find(d) for d in query.districts])
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
    found = np.flatnonzero(keep)
    if query.text:
        words = query.text.lower().split()
        texts = board.by_slot
        found = np.array([s for s in found.tolist() if all(w in texts[s].text for w in words)], np.intp)
    return found


def page(board: Board, query: Query, sort: Sort = "-updated", limit: int = 50, cursor: str = "") -> Page:
    """One page. Raises BadCursor."""
    found, rows = find(board, query), board.columns.live()
    total, column = len(found), sort.lstrip("-")
    values = rows[column][found].astype(np.int64)
    if sort.startswith("-"):
        values = -values if column != "due" else np.where(values == FAR, FAR, -values)
    numbers = rows["number"][found]
    if cursor:
        value, number = _read(cursor, sort)
        after = (values > value) | ((values == value) & (numbers > number))
        found, values, numbers = found[after], values[after], numbers[after]
    if len(found) > 4 * limit:  # sort only what can be among the first
        edge = np.partition(values, limit)[limit]
        near = values <= edge
        found_, values_, numbers_ = found[near], values[near], numbers[near]
    else:
        found_, values_, numbers_ = found, values, numbers
    order = np.lexsort((numbers_, values_))[:limit]
    by_slot = board.by_slot
    entries = [by_slot[slot] for slot in found_[order].tolist()]
    more = len(found) > len(entries)
    last = order[-1] if len(order) else 0
    return Page(entries, f"{sort}.{values_[last]}.{numbers_[last]}" if more and entries else None, total)


def _read(cursor: str, sort: Sort) -> tuple[int, int]:
    named, _, rest = cursor.partition(".")
    value, _, number = rest.partition(".")
    try:
        if named != sort or len(cursor) > 80:
            raise ValueError(cursor)
        out = int(value), int(number)
        if not all(-(2**63) <= part < 2**63 for part in out):
            raise ValueError(cursor)
    except ValueError as error:
        raise BadCursor(cursor) from error
    return out


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
