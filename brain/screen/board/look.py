"""What is worked out over the board: figures by domain, how often it fired, what is like it, how it was at a time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec
import numpy as np

from brain.incidents.value import DOMAINS, OVER, Incident
from brain.screen.board.board import BIN_MS, BINS, Board, Entry
from brain.screen.board.columns import FAR, NONE, STATES
from brain.screen.board.query import distance
from brain.screen.board.ring import Change
from brain.screen.board.row import Row, decode_row, encode

HOUR_MS: Final = 3_600_000
LIKE_M: Final = 1000.0
"""How near one of the same family must be to be like it."""
WAITING: Final = tuple(STATES.index(s) for s in ("detected", "confirmed"))


class DomainFigures(msgspec.Struct):
    """Of one console. ``by_level``: open and shown, by level 0 to 4; ``unacknowledged``: nobody has it in hand;
    ``overdue``: a limit has passed; hours end with the newest; ``withheld``: open and not shown; ``signals``: raises
    of all that is kept; medians in seconds, of those that were accepted or are over, null where none is."""

    open: int
    by_level: list[int]
    life: int
    unacknowledged: int
    overdue: int
    opened_by_hour: list[int]
    closed_by_hour: list[int]
    withheld: int
    signals: int
    median_accept_s: float | None
    median_close_s: float | None


class GridFigures(msgspec.Struct):
    """A grid in which something is open: how many, and the highest level."""

    grid: str
    open: int
    level: int


class Stats(msgspec.Struct):
    """``t``: the pulse they are of, ms UTC. ``reduction``: share of the raises that made no shown incident."""

    t: int
    domains: dict[str, DomainFigures]
    grids: list[GridFigures]
    reduction: float | None
    sources: dict[str, int]


class Bin(msgspec.Struct):
    """A quarter of an hour: its beginning, and the raises in it."""

    t: int
    raises: int


class Course(msgspec.Struct, omit_defaults=True):
    """A member's values: (fold time, value)."""

    id: str
    asset: str
    metric: str
    points: list[tuple[int, float]]
    threshold: float | None = None
    level: int = 0


class Firing(msgspec.Struct):
    """A day of raises at this place by this family, and the course of the members' values."""

    bins: list[Bin]
    members: list[Course]


def stats(board: Board, hours: int, districts: tuple[str, ...]) -> Stats:
    """Figures of the last ``hours``, which end with the pulse."""
    rows, names = board.columns.live(), board.columns.names
    rows = rows[rows["used"]]
    if districts:
        rows = rows[np.isin(rows["district"], [names.find(d) for d in districts])]
    now = board.pulse
    domains: dict[str, DomainFigures] = {
        d: _domain(rows[rows["domain"] == k], now, hours) for k, d in enumerate(DOMAINS)
    }
    shown, raises = int(rows["shown"].sum()), int(rows["raises"].sum())
    sources: dict[str, int] = {}
    grids: dict[str, GridFigures] = {}
    for entry in board.entries.values():
        row = entry.row
        if districts and row.district not in districts:
            continue
        for source in row.sources:
            sources[source] = sources.get(source, 0) + 1
        if row.grid and row.shown is not None and row.state not in OVER:
            found = grids.setdefault(row.grid, GridFigures(row.grid, 0, 0))
            found.open, found.level = found.open + 1, max(found.level, row.level)
    reduction = None if raises == 0 else 1.0 - shown / raises
    return Stats(now, domains, [grids[g] for g in sorted(grids)], reduction, dict(sorted(sources.items())))


def _domain(rows: Any, now: int, hours: int) -> DomainFigures:
    on = rows[rows["open"] & rows["shown"]]
    waits = np.isin(on["state"], WAITING) & (on["taken"] == 0)
    accepted, over = rows["accepted"][~np.isnan(rows["accepted"])], rows[rows["closed_at"] != NONE]
    return DomainFigures(
        open=len(on), by_level=np.bincount(np.clip(on["level"], 0, 4), minlength=5).tolist(),
        life=int(on["life"].sum()), unacknowledged=int(waits.sum()),
        overdue=int(((on["due"] != FAR) & (on["due"] < now)).sum()),
        opened_by_hour=_hours(rows["shown_at"], now, hours), closed_by_hour=_hours(over["closed_at"], now, hours),
        withheld=int((rows["open"] & ~rows["shown"]).sum()), signals=int(rows["raises"].sum()),
        median_accept_s=_median(accepted), median_close_s=_median((over["closed_at"] - over["opened"]).astype(float)),
    )  # fmt: skip


def _hours(times: Any, now: int, hours: int) -> list[int]:
    back = (now - times[times != NONE]) // HOUR_MS
    inside = back[(back >= 0) & (back < hours)]
    out: list[int] = np.bincount(inside, minlength=hours)[::-1].tolist()
    return out


def _median(ms: Any) -> float | None:
    return None if len(ms) == 0 else float(np.median(ms)) / 1000.0


def firing(board: Board, entry: Entry, incident: Incident) -> Firing:
    """Of one incident: raises of all that is kept of its family at its place, and its members' values."""
    alike = [board.entries[name] for name in board.by_fingerprint.get(entry.fingerprint, {})]
    last = max(board.pulse, entry.row.updated) // BIN_MS
    bins = [Bin(n * BIN_MS, sum(e.fired.get(n, 0) for e in alike)) for n in range(last - BINS + 1, last + 1)]
    members = [
        Course(m.id, m.asset, m.metric, entry.points.get(m.id, []), m.threshold, m.level) for m in incident.members
    ]
    return Firing(bins, members)


def similar(board: Board, entry: Entry, districts: tuple[str, ...], limit: int = 20) -> list[Row]:
    """Those of its fingerprint, then of its family nearby; the latest first. Only what is kept."""

    def may(other: Entry) -> bool:
        return other.id != entry.id and (not districts or other.row.district in districts)

    alike = [e for e in map(board.entries.__getitem__, board.by_fingerprint.get(entry.fingerprint, {})) if may(e)]
    names = {e.id for e in alike}
    others = [e for e in board.entries.values() if e.family == entry.family and e.id not in names and may(e)]
    where = board.columns.live()[np.array([e.slot for e in others], np.intp)]
    here = board.columns.live()[entry.slot]
    away = distance(here["lon"], here["lat"], where["lon"], where["lat"])
    near = [e for e, metres in zip(others, away.tolist(), strict=True) if metres <= LIKE_M]

    def latest(entries: Iterable[Entry]) -> list[Entry]:
        return sorted(entries, key=lambda e: (-e.row.onset, e.id))

    return [e.row for e in (*latest(alike), *latest(near))][:limit]


def kept_since(board: Board) -> int:
    """From when on the board can be shown as it was, ms UTC; 0 where nothing has come yet."""
    ring = board.ring
    if ring.end == ring.first:
        return 0
    return max(ring.base_t, ring.get(ring.first).t)


def told(change: Change, districts: tuple[str, ...]) -> bytes | None:
    """What a caller is told of a change: the row; where it left the caller's districts by it, a row that says no more
    than that it is over there; None of what was not there before either. ``districts``: codes, () for all."""
    if not districts or change.district in districts:
        return change.data
    if change.was not in districts:
        return None
    r = decode_row(change.data)
    gone = Row(id=r.id, rev=r.rev, state="closed", domain=r.domain, scenario=r.scenario, onset=r.onset, opened=r.opened,
               updated=r.updated)  # fmt: skip
    return bytes(encode(gone))


def at(board: Board, t: int, districts: tuple[str, ...]) -> list[Change]:
    """The newest records of what was on the board at a time, as people saw it, by id."""
    state = board.ring.state_at(t)
    return [state[k] for k in sorted(state) if state[k].seen and (not districts or state[k].district in districts)]
