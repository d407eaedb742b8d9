"""What combinations keep 组合的状态: what was heard for a part, what of it belongs together, what was raised of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from brain.combination import Combination
from brain.incidents.squares import metres
from streams.records import Signal

HEARD, CASE = b"combine/h/", b"combine/c/"
LOOK = 4
"""Of each part the latest around a signal that are tried."""


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


Around = Callable[[Combination, Heard, int], Iterable[Heard]]
"""Those of a part that are together with a signal, the latest first."""


def complete(c: Combination, h: Heard, around: Around) -> list[Heard]:
    """One signal of each part, this one among them, that belong together; empty where a part lacks."""
    if c.kind == "or":
        return [h]
    order = range(len(c.parts))
    chosen: list[Heard | None] = [h if k == h.part else None for k in order]
    # From this one outwards: parts before it backwards, then those after it.
    others = [*reversed(range(h.part)), *range(h.part + 1, len(c.parts))]
    return [x for x in chosen if x is not None] if _fill(c, h, around, others, chosen) else []


def _fill(c: Combination, h: Heard, around: Around, others: list[int], chosen: list[Heard | None]) -> bool:
    if not others:
        return True
    part, left = others[0], others[1:]
    for other in _candidates(c, h, around, part, chosen):
        chosen[part] = other
        if _fill(c, h, around, left, chosen):
            return True
    chosen[part] = None
    return False


def _candidates(c: Combination, h: Heard, around: Around, part: int, chosen: list[Heard | None]) -> list[Heard]:
    """The latest around a signal that may be a part; of a sequence those that keep the order."""
    used = {x.identity for x in chosen if x is not None}
    low, high = float("-inf"), float("inf")
    if c.kind == "sequence":
        low = max((x.t for x in chosen[:part] if x is not None), default=low)
        high = min((x.t for x in chosen[part + 1 :] if x is not None), default=high)
    fine: list[Heard] = []
    for other in around(c, h, part):
        late = abs(h.t - other.t) > c.within_ms
        if other.identity in used or not low <= other.t <= high or (late and not c.stands(other, h)):
            continue
        fine.append(other)
        if len(fine) == LOOK:
            break
    return fine
