"""Open incidents and where they are found again: by raise, by asset, by place. Nothing here scans them all.

Which incident a raise belongs to is a rule over values, so that it is the same after a restart.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from brain.incidents import fold
from brain.incidents.fold import Case, FoldSettings
from brain.incidents.reasons import Reason
from brain.incidents.value import Member
from streams.records import Signal

METRES_A_DEGREE = 111_320.0
CELL_M = 500.0
"""Side of the squares by which incidents are found near a place."""
AREA_M = 1000.0
"""Side of the squares in which families that stand are counted."""
SITE = "site"
"""Layer of the map that names sites; two signals of other sites never share a never-hidden incident."""

Key = tuple[str, bool]
"""What can share an incident: family and whether it is never hidden."""


class Home(NamedTuple):
    """Where a raise goes: a case to join, or None to open one, why, and an older one to link."""

    case: Case | None
    reason: Reason
    beside: Case | None = None


class Book:
    """All incidents that signals may reach."""

    def __init__(self, settings: FoldSettings) -> None:
        self.settings = settings
        self.cases: dict[str, Case] = {}
        self._raises: dict[str, tuple[Case, Member]] = {}
        self._assets: defaultdict[tuple[Key, str], list[Case]] = defaultdict(list)
        self._cells: defaultdict[tuple[Key, int, int], list[Case]] = defaultdict(list)
        self._grids: defaultdict[tuple[Key, str], list[Case]] = defaultdict(list)
        self._stand: defaultdict[tuple[int, int], Counter[str]] = defaultdict(Counter)

    def __len__(self) -> int:
        return len(self.cases)

    # -- in and out

    def add(self, case: Case) -> None:
        """Take an incident in, with all its members."""
        self.cases[case.incident.id] = case
        for member in case.incident.members:
            self.note_member(case, member)
        self._put(case)
        self.weigh(case)
        for grid in case.incident.grids or [""]:
            self.note_grid(case, grid)

    def remove(self, case: Case) -> None:
        """Signals no longer reach it."""
        incident, key = case.incident, _key(case)
        self._take(case)
        self._count(case, None)
        for grid in incident.grids or [""]:
            _drop(self._grids, (key, grid), case)
        for member in incident.members:
            self.forget_raises(case, member)
            _drop(self._assets, (key, member.asset), case)
        del self.cases[incident.id]

    def note_member(self, case: Case, member: Member) -> None:
        """A member has joined or was raised again."""
        self._raises[member.id] = self._raises[member.latest()] = (case, member)
        mine = self._assets[_key(case), member.asset]
        if case not in mine:
            mine.append(case)

    def note_grid(self, case: Case, grid: str) -> None:
        """The incident lies in this grid too; the brain's own signals have none and belong together all the same."""
        if not grid and not _own(case):
            return
        mine = self._grids[_key(case), grid]
        if case not in mine:
            mine.append(case)

    def forget_raises(self, case: Case, member: Member) -> None:
        """Updates and clears of this member no longer find it."""
        for identity in (member.id, member.latest()):
            if self._raises.get(identity, (None,))[0] is case:
                del self._raises[identity]

    def place(self, case: Case, member: Member, signal: Signal) -> None:
        """A member that is new: the incident lies in the middle of its most exact ones.

        Grid, town, district and areas are those of the first of them.
        """
        incident, off = case.incident, fold.accuracy(signal.source)
        if member.lon is None or member.lat is None:
            return
        known = math.inf if incident.lon is None else incident.accuracy_m or 0.0
        if off > known:
            return
        self._take(case)
        if off < known:
            case.middle = fold.Middle()
            incident.grid, incident.town, incident.district = signal.grid, signal.town, signal.district
            incident.areas, incident.map, incident.accuracy_m = signal.areas, signal.map, off
        incident.lon, incident.lat = case.middle.add(member.lon, member.lat)
        self._put(case)

    def weigh(self, case: Case) -> None:
        """Count its family where it stands; called whenever it may have begun or ceased to stand, or moved."""
        i = case.incident
        if not case.standing or i.life or i.lon is None or i.lat is None:
            self._count(case, None)
        else:
            self._count(case, _area(i.lon, i.lat))

    def _count(self, case: Case, area: tuple[int, int] | None) -> None:
        was, family = case.area, case.incident.family
        if was == area:
            return
        if was is not None:
            here = self._stand[was]
            here[family] -= 1
            if not here[family]:
                del here[family]
                if not here:
                    del self._stand[was]
        if area is not None:
            self._stand[area][family] += 1
        case.area = area

    def around_it(self, case: Case) -> tuple[int, int]:
        """Families, and others of its own, that stand within a kilometre or so; never-hidden ones aside."""
        lon, lat = case.incident.lon, case.incident.lat
        if lon is None or lat is None:
            return 0, 0
        row, column = _area(lon, lat)
        around = [self._stand.get((row + a, column + b)) for a in (-1, 0, 1) for b in (-1, 0, 1)]
        found = [here for here in around if here]
        alike = sum(here.get(case.incident.family, 0) for here in found)
        return len({family for here in found for family in here}), alike - (case.area is not None)

    # -- found again

    def raised(self, identity: str) -> tuple[Case, Member] | None:
        """The case and member that have this raise."""
        return self._raises.get(identity)

    def known(self, identity: str) -> bool:
        """Whether this very raise is in already."""
        return identity in self._raises

    def home(self, signal: Signal, key: Key) -> Home:
        """Which incident a raise joins: its asset's, its site's or its neighbour's; else none, and why."""
        s, life = self.settings, key[1]
        mine = self._assets.get((key, signal.asset), ())
        best = max(mine, key=_newest) if mine else None
        if best is not None:
            if signal.fold - best.incident.opened <= s.age_s * 1000:
                if self._room(best, signal):
                    return Home(best, Reason.JOINED_REPEAT if best.standing else Reason.REOPENED)
                return Home(None, Reason.OPENED_FULL, best)
            return Home(None, Reason.OPENED_AGED, best)
        apart = full = None
        for _, case in sorted(self._near(signal, key), key=lambda found: (found[0], _newest(found[1]))):
            if life and not _one_site(case, signal):
                continue
            if case.incident.state == "resolved" or signal.fold - case.incident.raised > s.window_s * 1000:
                apart = apart or case
            elif not self._room(case, signal):
                full = full or case
            elif not case.standing:
                return Home(case, Reason.REOPENED)
            elif life:
                return Home(case, Reason.JOINED_SITE)
            else:
                new = signal.source not in case.incident.sources
                return Home(case, Reason.JOINED_SOURCE if new else Reason.JOINED_NEIGHBOUR)
        if full is not None:
            return Home(None, Reason.OPENED_FULL, full)
        return Home(None, Reason.OPENED_APART if apart else Reason.OPENED)

    def around(self, key: Key, lon: float, lat: float, within_m: float) -> list[tuple[float, Case]]:
        """Incidents of a family within so many metres, with their distance, in no order."""
        return [(d, case) for case in self._in_cells(key, lon, lat, within_m)
                if (d := metres(lon, lat, case.incident.lon, case.incident.lat)) <= within_m]  # fmt: skip

    def in_grid(self, key: Key, grid: str) -> list[Case]:
        """Incidents of a family that lie in a grid."""
        return list(self._grids.get((key, grid), ()))

    def _room(self, case: Case, signal: Signal) -> bool:
        return case.incident.count < self.settings.members or (signal.scenario, signal.asset) in case.by_asset

    def _near(self, signal: Signal, key: Key) -> Iterator[tuple[float, Case]]:
        reach = self.settings.site_m if key[1] else self.settings.radius_m
        if signal.lon is not None and signal.lat is not None:
            off = fold.accuracy(signal.source)
            most = reach + max(off, *fold.ACCURACY_M.values())
            for case in self._in_cells(key, signal.lon, signal.lat, most):
                d = metres(signal.lon, signal.lat, case.incident.lon, case.incident.lat)
                if d <= reach + max(off, case.incident.accuracy_m or 0.0):
                    yield d, case
            if signal.grid and not key[1]:
                yield from ((reach, c) for c in self._grids.get((key, signal.grid), ()) if c.incident.lon is None)
        elif (signal.grid or signal.source == "system") and not key[1]:
            yield from ((reach, case) for case in self._grids.get((key, signal.grid), ()))

    # -- squares

    def _in_cells(self, key: Key, lon: float, lat: float, within_m: float) -> Iterator[Case]:
        reach = within_m / METRES_A_DEGREE
        for row in range(_row(lat - reach), _row(lat + reach) + 1):
            wide = reach / _narrow(row)
            for column in range(_column(lon - wide, row), _column(lon + wide, row) + 1):
                yield from self._cells.get((key, row, column), ())

    def _square(self, case: Case) -> tuple[Key, int, int] | None:
        lon, lat = case.incident.lon, case.incident.lat
        if lon is None or lat is None:
            return None
        row = _row(lat)
        return _key(case), row, _column(lon, row)

    def _put(self, case: Case) -> None:
        square = self._square(case)
        if square is not None:
            self._cells[square].append(case)

    def _take(self, case: Case) -> None:
        square = self._square(case)
        if square is not None:
            _drop(self._cells, square, case)


def metres(lon: float, lat: float, to_lon: float | None, to_lat: float | None) -> float:
    """Distance over some kilometres, on a plane; infinite where the other place is not known."""
    if to_lon is None or to_lat is None:
        return math.inf
    narrow = math.cos(math.radians((lat + to_lat) / 2))
    return math.hypot((to_lat - lat) * METRES_A_DEGREE, (to_lon - lon) * METRES_A_DEGREE * narrow)


def _newest(case: Case) -> tuple[int, str]:
    return case.incident.opened, case.incident.id


def _key(case: Case) -> Key:
    return case.incident.family, case.incident.life


def _own(case: Case) -> bool:
    return case.incident.sources == ["system"]


def _one_site(case: Case, signal: Signal) -> bool:
    theirs, ours = case.incident.areas.get(SITE, ()), signal.areas.get(SITE, ())
    return not theirs or not ours or any(site in theirs for site in ours)


def _row(lat: float) -> int:
    return math.floor(lat * METRES_A_DEGREE / CELL_M)


def _area(lon: float, lat: float) -> tuple[int, int]:
    row = math.floor(lat * METRES_A_DEGREE / AREA_M)
    narrow = _narrow(math.floor(lat * METRES_A_DEGREE / CELL_M) // 2 * 2)
    return row, math.floor(lon * METRES_A_DEGREE * narrow / AREA_M)


def _narrow(row: int) -> float:
    return max(0.01, math.cos(math.radians((row + 0.5) * CELL_M / METRES_A_DEGREE)))


def _column(lon: float, row: int) -> int:
    return math.floor(lon * METRES_A_DEGREE * _narrow(row) / CELL_M)


def _drop(index: dict[Any, list[Case]], key: tuple[Any, ...], case: Case) -> None:
    cases = index.get(key)
    if cases is not None and case in cases:
        cases.remove(case)
        if not cases:
            del index[key]
