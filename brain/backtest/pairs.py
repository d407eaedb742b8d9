"""Which incident of one version is which of the other: what is new, gone, changed.

The same id is the same: an incident is named by the signal that opened it. Else the nearest in time of those of one
family that stood at the same time and share an asset, or lie within 500 m.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence

from brain.backtest.report import SHOWN, Compared, Glance, Pair
from brain.incidents.squares import METRES_A_DEGREE, metres
from brain.incidents.value import Incident

NEAR_M = 500.0
Matched = list[tuple[Incident | None, Incident | None]]


def matched(base: Sequence[Incident], candidate: Sequence[Incident]) -> Matched:
    """Pairs, in the order of the base's incidents, then what only the candidate has."""
    by_id = {i.id: i for i in candidate}
    partner: dict[str, Incident] = {i.id: by_id[i.id] for i in base if i.id in by_id}
    left = [i for i in candidate if i.id not in partner]
    where = _Where(left)
    taken: set[str] = set()
    for one in sorted((i for i in base if i.id not in partner), key=lambda i: (i.opened, i.id)):
        near = [other for other in where.beside(one) if other.id not in taken]
        if near:
            best = min(near, key=lambda other: (abs(other.opened - one.opened), other.id))
            taken.add(best.id)
            partner[one.id] = best
    pairs: Matched = [(i, partner.get(i.id)) for i in base]
    return pairs + [(None, i) for i in left if i.id not in taken]


def compared(pairs: Matched) -> Compared:
    """How the versions differ, in what people would see."""
    gone, changed, new, same = list[Pair](), list[Pair](), list[Pair](), 0
    for a, b in pairs:
        was, now = a is not None and a.shown is not None, b is not None and b.shown is not None
        one = Pair(None if a is None else glance(a), None if b is None else glance(b))
        if was and now and one.base is not None and one.candidate is not None:
            one.differs = [
                name for name in ("code", "grid", "shown", "peak_level", "life", "lead", "assets")
                if getattr(one.base, name) != getattr(one.candidate, name)
            ]  # fmt: skip
            if one.differs:
                changed.append(one)
            else:
                same += 1
        elif was:
            gone.append(one)
        elif now:
            new.append(one)
    return Compared(same, len(new), len(gone), len(changed), [*gone, *changed, *new][:SHOWN])


def glance(i: Incident) -> Glance:
    """What is compared of an incident."""
    assets = len({m.asset for m in i.members})
    return Glance(i.id, code_of(i), i.grid, i.opened, i.shown, i.withheld, i.peak_level, i.life, i.lead, assets)


def code_of(i: Incident) -> str:
    """What an incident is of: its event code, else the scenario."""
    return i.event_code or i.scenario


def end_of(i: Incident) -> int:
    """Until when it stood, ms UTC, as far as the log goes."""
    return i.updated if i.cleared is None else i.cleared


class _Where:
    """Incidents by family with asset, and by family with a square of the distance that is near."""

    def __init__(self, incidents: Sequence[Incident]) -> None:
        self._assets: dict[tuple[str, str], list[Incident]] = defaultdict(list)
        self._squares: dict[tuple[str, int, int], list[Incident]] = defaultdict(list)
        for i in incidents:
            for asset in sorted({m.asset for m in i.members}):
                self._assets[i.family, asset].append(i)
            if i.lon is not None and i.lat is not None:
                self._squares[i.family, *_square(i.lon, i.lat)].append(i)

    def beside(self, one: Incident) -> Iterator[Incident]:
        """Those that may be the same thing; some twice."""
        for asset in sorted({m.asset for m in one.members}):
            yield from (i for i in self._assets.get((one.family, asset), ()) if _together(one, i))
        if one.lon is None or one.lat is None:
            return
        x, y = _square(one.lon, one.lat)
        for i in (x - 1, x, x + 1):
            for j in (y - 1, y, y + 1):
                for other in self._squares.get((one.family, i, j), ()):
                    if _together(one, other) and metres(one.lon, one.lat, other.lon, other.lat) <= NEAR_M:
                        yield other


def _together(a: Incident, b: Incident) -> bool:
    return min(a.onset, a.opened) <= end_of(b) and min(b.onset, b.opened) <= end_of(a)


def _square(lon: float, lat: float) -> tuple[int, int]:
    # A degree of longitude is at least half one of latitude up to 60 degrees: 500 m are never two squares away.
    return math.floor(lon * METRES_A_DEGREE * 0.5 / NEAR_M), math.floor(lat * METRES_A_DEGREE / NEAR_M)
