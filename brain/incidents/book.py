"""Open incidents and where they are found again: by raise, by asset, by place. Nothing here scans them all.

Which incident a raise belongs to is a rule over values, so that it is the same after a restart.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from brain.incidents import fold
from brain.incidents.fold import Case, FoldSettings, Key
from brain.incidents.reasons import Reason
from brain.incidents.squares import METRES_A_DEGREE, ROW, Latest, around, metres, narrow, square
from brain.incidents.value import Member
from streams.records import SYSTEM, Signal

CELL_M = 1000.0
"""Side of the squares by which incidents are found near a place."""
AREA_M = 1000.0
"""Side of the squares in which families that stand are counted."""
FIRST_M = 1500.0
"""How far around an incident none of its family may have been raised before it, so that it came first."""
_AREAS = tuple(row * ROW + column for row in (-1, 0, 1) for column in (-1, 0, 1))
_NONE = (0,) * len(_AREAS)
_FURTHEST_M = max(fold.ACCURACY_M.values())
SITE = "site"
"""Layer of the map that names sites; two signals of other sites never share a never-hidden incident."""


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
        """By the first and the latest raise of a member: what came in between is forgotten, as it is by a restart."""
        self._assets: defaultdict[tuple[Key, str], list[Case]] = defaultdict(list)
        self._cells: defaultdict[Key, Latest] = defaultdict(Latest)
        """By square of CELL_M, as :func:`around` counts them."""
        self._grids: defaultdict[tuple[Key, str], list[Case]] = defaultdict(list)
        self._stand: defaultdict[str, dict[int, int]] = defaultdict(dict)
        """How many stand, by family and area."""
        self._bits: dict[str, int] = {}
        """A bit for each family, so that those of several areas are counted by one or."""
        self._families: dict[int, int] = {}
        """Bits of those that stand in an area."""
        self._shown = Latest()
        """Those that people see, by family; never-hidden ones aside."""

    def __len__(self) -> int:
        return len(self.cases)

    # -- in and out

    def add(self, case: Case) -> None:
        """Take an incident in, with all its members."""
        self.cases[case.incident.id] = case
        case.open = True
        for member in case.incident.members:
            self.note_member(case, member)
        self._put(case)
        self.weigh(case)
        for grid in case.incident.grids or [""]:
            self.note_grid(case, grid)
        self.see(case)

    def see(self, case: Case) -> None:
        """Where people see it, it may stand for others of its family."""
        i = case.incident
        if i.shown is not None and not i.life and i.id in self.cases:
            self._shown.put(case, (case.key[0],))

    def remove(self, case: Case) -> None:
        """Signals no longer reach it."""
        incident, key = case.incident, case.key
        self._cells[key].drop(incident.id)
        self._shown.drop(incident.id)
        self._count(case, None)
        for grid in incident.grids or [""]:
            _drop(self._grids, (key, grid), case)
        for member in incident.members:
            self.forget_raises(case, member)
            _drop(self._assets, (key, member.asset), case)
        del self.cases[incident.id]
        case.open = False

    def note_member(self, case: Case, member: Member) -> None:
        """A member has joined."""
        self._raises[member.id] = self._raises[member.latest()] = (case, member)
        mine = self._assets[case.key, member.asset]
        if case not in mine:
            mine.append(case)
        self._touched(case)

    def note_raise(self, case: Case, member: Member, before: str) -> None:
        """A member was raised again; ``before`` was its latest raise until now."""
        raises = self._raises
        raises[member.latest()] = raises[before] if before == member.id else raises.pop(before)
        self._touched(case)

    def _touched(self, case: Case) -> None:
        self._cells[case.key].touch(case)
        if case.incident.shown is not None:
            self._shown.touch(case)

    def note_grid(self, case: Case, grid: str) -> None:
        """The incident lies in this grid too; the brain's own signals have none and belong together all the same."""
        if not grid and not _own(case):
            return
        mine = self._grids[case.key, grid]
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
            self._count(case, case.spot)

    def _count(self, case: Case, area: int | None) -> None:
        was, family = case.area, case.incident.family
        if was == area:
            return
        case.area = area
        mine, bit = self._stand[family], self._bits.get(family)
        if bit is None:
            bit = self._bits[family] = 1 << len(self._bits)
        if was is not None:
            left = mine[was] - 1
            if left:
                mine[was] = left
            else:
                del mine[was]
                others = self._families[was] & ~bit
                if others:
                    self._families[was] = others
                else:
                    del self._families[was]
        if area is not None:
            mine[area] = mine.get(area, 0) + 1
            self._families[area] = self._families.get(area, 0) | bit

    def around_it(self, case: Case) -> tuple[int, int]:
        """Families, and others of its own, that stand within a kilometre or so; never-hidden ones aside."""
        i, spot, here = case.incident, case.spot, self._families
        if i.lon is None or i.lat is None:
            return 0, 0
        mine, families = self._stand[i.family], 0
        areas = [spot + step for step in _AREAS]
        for bits in map(here.get, areas, _NONE):
            families |= bits
        alike = sum(map(mine.get, areas, _NONE)) - (case.area is not None)
        return families.bit_count(), alike

    def first_there(self, case: Case) -> bool:
        """Whether of those of its family that stand within FIRST_M none was raised before it; false without a place."""
        i = case.incident
        if i.lon is None or i.lat is None:
            return False
        begun, cells = fold.begun(case), self._cells[case.key]
        return not any(
            other is not case and other.standing and fold.begun(other) <= begun
            and metres(i.lon, i.lat, other.incident.lon, other.incident.lat) <= FIRST_M
            for mine in cells.of(around(i.lon, i.lat, FIRST_M, CELL_M)) for _, _, other in mine
        )  # fmt: skip

    def of_asset(self, signal: Signal, key: Key) -> Sequence[Case]:
        """Incidents of a kind that a signal's asset has a part in."""
        return self._assets.get((key, signal.asset), ())

    def before(self, signal: Signal, mine: Sequence[Case]) -> int | None:
        """Fold time of the last raise of a signal's asset by its scenario, in any of the incidents of the asset."""
        latest = None
        for case in mine:
            member = case.member(signal.scenario, signal.asset)
            if member is not None and member.recent and (latest is None or member.recent[-1] > latest):
                latest = member.recent[-1]
        return latest

    def raised(self, identity: str) -> tuple[Case, Member] | None:
        """The case and member that have this raise."""
        return self._raises.get(identity)

    def known(self, identity: str) -> bool:
        """Whether this very raise is in already."""
        return identity in self._raises

    def home(
        self, signal: Signal, key: Key, mine: Sequence[Case], near_m: float | None = None, near_s: float | None = None
    ) -> Home:
        """Which incident a raise joins: its asset's, its site's or its neighbour's; else none, and why.

        ``mine``: those of its asset (:meth:`of_asset`). ``near_m`` and ``near_s``: how near and how soon, where it is
        not as the settings say.
        """
        s, life = self.settings, key[1]
        best = None if not mine else mine[0] if len(mine) == 1 else max(mine, key=_newest)
        if best is not None and (life or not _left(best)):
            return self._again(best, signal)
        apart = False
        found: tuple[float, tuple[int, str], Case] | None = None
        full: tuple[float, tuple[int, str], Case] | None = None
        since = signal.fold - (s.window_s if near_s is None else near_s) * 1000
        for d, case in self._near(signal, key, since, near_m):
            if life and not _one_site(case, signal):
                continue
            incident = case.incident
            if incident.state == "resolved" or incident.raised < since:
                apart = True
                continue
            one = d, (incident.opened, incident.id), case
            if not self._room(case, signal):
                full = one if full is None or one[:2] < full[:2] else full
            elif found is None or one[:2] < found[:2]:
                found = one
        if best is not None and (found is None or not found[2].standing):
            return self._again(best, signal)
        if found is not None:
            case = found[2]
            if not case.standing:
                return Home(case, Reason.REOPENED)
            if life:
                return Home(case, Reason.JOINED_SITE)
            new = signal.source not in case.incident.sources
            return Home(case, Reason.JOINED_SOURCE if new else Reason.JOINED_NEIGHBOUR)
        if full is not None:
            return Home(None, Reason.OPENED_FULL, full[2])
        return Home(None, Reason.OPENED_APART if apart else Reason.OPENED)

    def _again(self, case: Case, signal: Signal) -> Home:
        """The incident of an asset that raises again, where it may grow."""
        if signal.fold - case.incident.opened > self.settings.age_s * 1000:
            return Home(None, Reason.OPENED_AGED, case)
        if not self._room(case, signal):
            return Home(None, Reason.OPENED_FULL, case)
        return Home(case, Reason.JOINED_REPEAT if case.standing else Reason.REOPENED)

    def around(
        self, key: Key, lon: float, lat: float, within_m: float, since: float = -math.inf
    ) -> list[tuple[float, Case]]:
        """Incidents of a family within so many metres raised since then, with their distance, in no order."""
        cells = self._cells[key]
        return [
            (d, case) for case in cells.since(around(lon, lat, within_m, CELL_M), since)
            if (d := metres(lon, lat, case.incident.lon, case.incident.lat)) <= within_m
        ]  # fmt: skip

    def shown(
        self, family: str, lon: float, lat: float, within_m: float, since: float
    ) -> list[tuple[float, Case]]:  # fmt: skip
        """As :meth:`around`, of those only that people see: they are few, as a console takes few."""
        return [
            (d, case) for case in self._shown.since((family,), since)
            if (d := metres(lon, lat, case.incident.lon, case.incident.lat)) <= within_m
        ]  # fmt: skip

    def _room(self, case: Case, signal: Signal) -> bool:
        return case.incident.count < self.settings.members or case.member(signal.scenario, signal.asset) is not None

    def _near(self, signal: Signal, key: Key, since: float, near_m: float | None) -> list[tuple[float, Case]]:
        """Incidents that it may belong to, with their distance: all raised since then, of the others no more than tell
        that there are some.
        """
        reach = near_m if near_m is not None else self.settings.site_m if key[1] else self.settings.radius_m
        if signal.lon is not None and signal.lat is not None:
            lon, lat, off, old = signal.lon, signal.lat, fold.accuracy(signal.source), False
            cells, found = self._cells[key], []
            for mine in cells.of(around(lon, lat, reach + max(off, _FURTHEST_M), CELL_M)):
                for _, _, case in reversed(mine):
                    incident = case.incident
                    late = incident.raised >= since
                    if not late and old:
                        break
                    d = metres(lon, lat, incident.lon, incident.lat)
                    if d <= reach + max(off, incident.accuracy_m or 0.0):
                        old = old or not (late or key[1])
                        found.append((d, case))
            if signal.grid and not key[1]:
                found += [(reach, c) for c in self._grids.get((key, signal.grid), ()) if c.incident.lon is None]
            return found
        if (signal.grid or signal.source == SYSTEM) and not key[1]:
            return [(reach, case) for case in self._grids.get((key, signal.grid), ())]
        return []

    def _put(self, case: Case) -> None:
        """Where it is found near a place, and as of its last raise."""
        i, cells = case.incident, self._cells[case.key]
        if i.lon is None or i.lat is None:
            cells.put(case, ())
        else:
            row, column = square(i.lon, i.lat, CELL_M)
            case.spot = _area(i.lon, i.lat)
            cells.put(case, (row * ROW + column,))


def _newest(case: Case) -> tuple[int, str]:
    return case.incident.opened, case.incident.id


def _left(case: Case) -> bool:
    """Whether nobody saw it and nothing of it stands: what its assets say now may belong to one near that stands."""
    return case.incident.shown is None and not case.standing


def _own(case: Case) -> bool:
    return case.incident.sources == [SYSTEM]


def _one_site(case: Case, signal: Signal) -> bool:
    theirs, ours = case.incident.areas.get(SITE, ()), signal.areas.get(SITE, ())
    return not theirs or not ours or any(site in theirs for site in ours)


def _area(lon: float, lat: float) -> int:
    """Row and column of a square of AREA_M in one number: those around it differ by :data:`_AREAS`."""
    row = math.floor(lat * METRES_A_DEGREE / AREA_M)
    shrunk = narrow(math.floor(lat * METRES_A_DEGREE / 500.0) // 2 * 2, 500.0)
    return row * ROW + math.floor(lon * METRES_A_DEGREE * shrunk / AREA_M)


def _drop(index: dict[Any, list[Case]], key: tuple[Any, ...], case: Case) -> None:
    cases = index.get(key)
    if cases is not None and case in cases:
        cases.remove(case)
        if not cases:
            del index[key]
