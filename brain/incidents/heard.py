"""What combinations keep 组合的状态: signals that were heard for a part, and what was raised of them."""

from __future__ import annotations

import msgspec

from brain.combination import Combination
from brain.incidents.squares import metres
from streams.records import Signal

HEARD, CASE = b"combine/h/", b"combine/c/"


class Heard(msgspec.Struct, array_like=True, gc=False):
    """One signal, for one part of one combination. Times are ms UTC; ``within`` as its combination had it then."""

    form: str
    part: int
    identity: str
    scenario: str
    asset: str
    t: int
    fold: int
    level: int
    origin: tuple[str, int, int, int]
    cells: list[str]
    lon: float | None
    lat: float | None
    grid: str
    town: str
    district: str
    areas: dict[str, list[str]]
    map: str
    source: str
    within: int
    cleared: int | None = None
    """Fold time of its clear; None while it stands."""
    awaits: int | None = None
    """Fold time until which another may still come, of a part of an absence."""


class Evidence(msgspec.Struct, array_like=True):
    """A part of what was raised, for people, and whether it stands."""

    identity: str
    said: str
    stands: bool


class Episode(msgspec.Struct, array_like=True):
    """What a combination found at one place. ``at``: the part that gave the place; ``quiet``: ms, 0 by its parts."""

    scenario: str
    level: int
    onset: int
    origin: tuple[str, int, int, int]
    n: int
    at: Heard
    parts: list[Evidence]
    last: int
    quiet: int
    silent: bool = False
    """Whether it is of the other book: kept, and not told here."""
    anew: tuple[str, int, int, int] | None = None
    """Origin of its signals since it was told anew, in another set than the one it was raised in."""

    def name(self) -> str:
        """What it is known by, and the identity of its signals until it is told anew."""
        topic, partition, offset, index = self.origin
        return f"{self.scenario}|{self.at.asset}|{topic}/{partition}/{offset}/{index}"


def heard_of(signal: Signal, c: Combination, part: int) -> Heard:
    """A signal, as a part of a combination."""
    h = Heard(
        c.form, part, signal.identity(), signal.scenario, signal.asset, signal.t, signal.fold, signal.level,
        signal.origin, [], signal.lon, signal.lat, signal.grid, signal.town, signal.district, signal.areas, signal.map,
        signal.source, c.within_ms,
    )  # fmt: skip
    h.cells = c.cells(h)
    return h


def together(c: Combination, a: Heard, b: Heard) -> bool:
    """Whether two are near enough, or share what they must share."""
    if c.within_m is None:
        return not set(a.cells).isdisjoint(b.cells)
    if a.lon is None or a.lat is None:
        return False
    return metres(a.lon, a.lat, b.lon, b.lat) <= c.within_m
