"""Combinations 组合: signals of several scenarios that come together in time and place, or one that stays away.

Judged in fold order, so every run finds the same. What was heard lies under squares of the ground, or under what it
shares (asset, grid, site …): a signal looks only at those around it. All of it is state; timers follow from it.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from brain.combination import Combination, combinations
from brain.hours import Openings
from brain.incidents.heard import CASE, HEARD, Episode, Evidence, Heard, complete, heard_of, together
from brain.reach import hears
from brain.shadow import side_of
from streams.records import CITY, Signal

MOST_HEARD = 20_000
"""Signals that are kept of one part; of more the oldest are forgotten."""
MOST_PARTS = 500
"""Parts of what is raised that are kept when they do not stand any more; those that stand are all kept."""
_encode = msgspec.msgpack.Encoder().encode

PartKey = tuple[str, int]
"""Form of a combination (:attr:`Combination.form`) and number of the part."""


class Combine:
    """All combinations of a set, and what was heard for them. No clock: time comes with signals and timers.

    ``side``: of the book that it is in, 0 or SHADOW. What a combination finds where its scenario is of the other book
    is kept as any other and not told, so that a promotion, or what takes it back, finds it standing.
    """

    def __init__(self, side: int = 0) -> None:
        self.side = side
        self.dropped = 0
        """Signals forgotten before their time, because a part had more than it may."""
        self._combos: dict[str, Combination] = {}
        self._listeners: dict[str, list[tuple[Combination, int]]] = {}
        self._openings: dict[str, Openings] = {}
        self._content: Any = None
        self._set_id = ""
        self._heard: dict[PartKey, dict[str, Heard]] = {}
        self._age: dict[PartKey, list[tuple[int, str]]] = {}
        """By fold, for what is forgotten first."""
        self._cells: dict[tuple[PartKey, str], list[tuple[int, str]]] = {}
        """By event time, under each cell."""
        self._parts_of: dict[str, list[PartKey]] = {}
        """By identity of the signal."""
        self._cases: dict[str, Episode] = {}
        self._near: dict[tuple[str, str], list[str]] = {}
        """Open cases of a scenario by cell."""
        self._named: dict[str, list[str]] = {}
        """Open cases by identity of a part that stands."""
        self._timers: list[tuple[int, int, str, int, str]] = []
        self._changed: dict[bytes, bytes | None] = {}

    def __bool__(self) -> bool:
        """Whether there is anything to listen for: combinations, or what earlier ones raised."""
        return bool(self._combos or self._cases)

    # -- what the city task calls

    def load(self, items: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
        """Take what is ours of the state; answers the rest."""
        rest: dict[bytes, bytes] = {}
        for key, value in items.items():
            if key.startswith(HEARD):
                h = msgspec.msgpack.decode(value, type=Heard)
                self._add((h.form, h.part), h)
            elif key.startswith(CASE):
                self._open(msgspec.msgpack.decode(value, type=Episode))
            else:
                rest[key] = value
        return rest

    def enter(self, set_id: str, content: Any) -> None:
        """A set comes into force. What was heard for combinations that are gone, or changed, is forgotten; what changed
        ones raised ends as its parts do, the rest by :meth:`turn`. Where there are such, ``content.heard``: scenarios
        that can be parts, beside those of the set; ``content.aside``: combinations that are kept here and told in the
        other book."""
        found = combinations(content.scenarios, getattr(content, "heard", ()), getattr(content, "aside", ()))
        self._set_id, self._content = set_id, content
        self._combos = {c.form: c for c in found}
        self._openings = {c.form: Openings([c.scenario.match.hours], content.calendar)
                          for c in found if c.scenario.match.hours}  # fmt: skip
        self._listeners = {}
        for c in found:
            for number, names in enumerate(c.named):
                for name in names:
                    self._listeners.setdefault(name, []).append((c, number))
        for part in sorted(key for key in self._heard if key[0] not in self._combos):
            for identity in list(self._heard[part]):
                self._forget(part, identity)

    def turn(self, now: int) -> list[Signal]:
        """After a change of set: what is not of this book any more ends, first; then what stands and was of the other
        joins what is near, or is told anew. Of combinations that do not run any more nothing is left."""
        of = {c.scenario.id: c for c in self._combos.values()}
        out: list[Signal] = []
        begun: list[Episode] = []
        for name in sorted(self._cases):
            case = self._cases[name]
            c = of.get(case.scenario)
            if c is None:
                self._clear(case, now, now, -1, len(out), out)
            elif case.silent == self._ours(c, case.at):
                if not case.silent:
                    self._tell(case, "clear", now, now, now, len(out), out)
                    case.silent = True
                    self._keep(case)
                elif not case.quiet or case.last + case.quiet > now:  # else it ends at this very time
                    begun.append(case)
        for case in begun:
            near = self._told(of[case.scenario], case.at)
            if near is not None:
                self._join(near, case.parts, case.last)
                self._remove(case)
                continue
            case.silent, case.n, case.anew = False, 0, (CITY, 0, now, len(out))
            self._tell(case, "raise", now, now, now, len(out), out)
            self._keep(case)
        return out

    def concerns(self, signal: Signal) -> bool:
        """Whether a signal is of any part, or of one that was heard."""
        if signal.kind != "clear":
            return signal.scenario in self._listeners
        if not self._parts_of and not self._named:
            return False
        identity = signal.identity()
        return identity in self._parts_of or identity in self._named

    def hear(self, signal: Signal) -> list[Signal]:
        """Take a signal in fold order; answers the combined ones that it brings about."""
        out: list[Signal] = []
        if signal.kind == "clear":
            self._ended(signal, out)
            return out
        for c, number in self._listeners.get(signal.scenario, ()):
            part, identity = (c.form, number), signal.identity()
            known = self._heard.get(part, {}).get(identity)
            if signal.level < c.parts[number].level_from or not self._looks(c, signal):
                continue
            if known is not None:
                known.level = max(known.level, signal.level)
                self._write(part, known)
                continue
            h = heard_of(signal, c, number)
            self._add(part, h)
            self._write(part, h)
            if c.kind == "absence":
                self._awaited(c, h, out)
            else:
                found = complete(c, h, self._around)
                if found:
                    self._put(c, found, h, max(x.t for x in found), signal.fold, out)
            if len(self._age[part]) > MOST_HEARD:
                self.dropped += 1
                self._forget(part, self._age[part][0][1])
        return out

    def due(self) -> int | None:
        """Fold time of the next timer, or None."""
        while self._timers and not self._valid(self._timers[0]):
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def fire(self, now: int) -> list[Signal]:
        """Run what is due; answers the combined signals of it."""
        out: list[Signal] = []
        while (at := self.due()) is not None and at <= now:
            _, kind, form, number, identity = heapq.heappop(self._timers)
            if kind == _QUIET:
                self._clear(self._cases[identity], now, now, -1, 0, out)
                continue
            part = (form, number)
            h = self._heard[part][identity]
            if kind == _FORGET:
                self._forget(part, identity)
                continue
            h.awaits = None
            self._write(part, h)
            if h.cleared is None:
                c = self._combos[form]
                self._put(c, [h], h, h.t + c.within_ms, now, out)
        return out

    def changes(self) -> dict[bytes, bytes | None]:
        """State since the last call."""
        out, self._changed = self._changed, {}
        return out

    # -- parts that come

    def _looks(self, c: Combination, signal: Signal) -> bool:
        hours = self._openings.get(c.form)
        if hours is not None and hours.shut_at(signal.t):
            return False
        s = c.scenario
        return not s.placed() or hears(s, signal.district, signal.areas, self._content.map)

    def _around(self, c: Combination, h: Heard, part: int) -> Iterator[Heard]:
        """Those of a part that are together with a signal, the latest first."""
        key = (c.form, part)
        lists = [self._cells[key, cell] for cell in c.look(h) if (key, cell) in self._cells]
        mine, met = self._heard.get(key, {}), set[str]()
        for _, identity in heapq.merge(*map(reversed, lists), reverse=True):
            if identity not in met and together(c, h, mine[identity]):
                met.add(identity)
                yield mine[identity]

    # -- what stays away

    def _awaited(self, c: Combination, h: Heard, out: list[Signal]) -> None:
        first = (c.form, 0)
        if h.part == 0:
            for other in self._around(c, h, 1):
                if other.identity != h.identity and (other.cleared is None or 0 <= other.t - h.t <= c.within_ms):
                    return
            h.awaits = h.fold + c.within_ms
            self._write(first, h)
            self._timer(h.awaits, _AWAIT, first, h.identity)
            return
        for other in list(self._around(c, h, 0)):
            if other.awaits is not None and other.identity != h.identity and h.t - other.t <= c.within_ms:
                other.awaits = None
                self._write(first, other)
        for name in self._cases_near(c, h):
            self._clear(self._cases[name], h.t, h.fold, h.origin[2], h.origin[3], out)

    # -- cases

    def _put(self, c: Combination, found: list[Heard], by: Heard, t: int, now: int, out: list[Signal]) -> None:
        """Raise, or add to what is raised there already; ``by`` completed it."""
        at = by if c.kind == "or" else found[c.place]
        said = [Evidence(x.identity, f"{x.scenario} {x.asset}", x.cleared is None) for x in found]
        silent = not self._ours(c, at)
        near = self._told(c, at, silent)
        if near is not None:
            self._join(near, said, now)
            return
        here = msgspec.structs.replace(at, cleared=None, awaits=None)  # of its own: what was heard changes on
        s = c.scenario
        quiet = round((s.clear.quiet_s or 0.0) * 1000)
        case = Episode(s.id, s.level, t, by.origin, 0, here, said, now, quiet, silent)
        self._tell(case, "raise", t, now, now, len(out), out)
        self._open(case)
        self._keep(case)

    def _ours(self, c: Combination, at: Heard) -> bool:
        """Whether what is found at a part's place is told here; on trial what has no district is in shadow."""
        return side_of(c.scenario, at.district) == self.side

    def _told(self, c: Combination, at: Heard, silent: bool = False) -> Episode | None:
        """What is raised near a place, and told here or not: at the border of a trial both may be."""
        near = map(self._cases.__getitem__, self._cases_near(c, at))
        return next((case for case in near if case.silent == silent), None)

    def _join(self, case: Episode, parts: list[Evidence], now: int) -> None:
        there = {e.identity for e in case.parts}
        case.parts += [e for e in parts if e.identity not in there]
        over = [e for e in case.parts if not e.stands][: max(0, len(case.parts) - MOST_PARTS)]
        if over:  # the oldest: what is raised for weeks would else be as long as all that came in them
            gone = {e.identity for e in over}
            case.parts = [e for e in case.parts if e.identity not in gone]
        case.last = max(case.last, now)
        self._open(case)
        self._keep(case)

    def _cases_near(self, c: Combination, h: Heard) -> list[str]:
        names = {name for cell in c.look(h) for name in self._near.get((c.scenario.id, cell), ())}
        return sorted(name for name in names if together(c, h, self._cases[name].at))

    def _ended(self, signal: Signal, out: list[Signal]) -> None:
        """A part's condition is over."""
        identity = signal.identity()
        for part in list(self._parts_of.get(identity, ())):
            h = self._heard[part][identity]
            h.cleared, h.awaits = signal.fold, None
            until = h.fold + h.within
            if until <= signal.fold:
                self._forget(part, identity)
            else:
                self._write(part, h)
                self._timer(until, _FORGET, part, identity)
        for name in list(self._named.pop(identity, ())):
            case = self._cases[name]
            for e in case.parts:
                e.stands = e.stands and e.identity != identity
            if case.quiet or any(e.stands for e in case.parts):
                self._keep(case)
            else:
                self._clear(case, signal.t, signal.fold, signal.offset, signal.index, out)

    def _open(self, case: Episode) -> None:
        name = case.name()
        self._cases[name] = case
        for cell in case.at.cells:
            mine = self._near.setdefault((case.scenario, cell), [])
            if name not in mine:
                mine.append(name)
        for e in case.parts:
            there = self._named.setdefault(e.identity, []) if e.stands else [name]
            if name not in there:
                insort(there, name)
        if case.quiet:
            self._timer(case.last + case.quiet, _QUIET, ("", 0), name)

    def _clear(self, case: Episode, t: int, now: int, offset: int, index: int, out: list[Signal]) -> None:
        self._tell(case, "clear", t, now, offset if offset >= 0 else now, index, out)
        self._remove(case)

    def _remove(self, case: Episode) -> None:
        name = case.name()
        del self._cases[name]
        self._changed[CASE + name.encode()] = None
        for cell in case.at.cells:
            _drop(self._near, (case.scenario, cell), name)
        for e in case.parts:
            _drop(self._named, e.identity, name)

    def _tell(self, case: Episode, kind: Any, t: int, now: int, offset: int, index: int, out: list[Signal]) -> None:
        if case.silent:
            return
        at = case.at
        out.append(Signal(
            case.scenario, at.asset, kind, case.anew or case.origin, case.n, offset, index, t, case.onset, fold=now,
            level=case.level if kind != "clear" else 0, value=float(len(case.parts)), lon=at.lon, lat=at.lat,
            grid=at.grid, town=at.town, district=at.district, areas=at.areas, map=at.map, set=self._set_id,
            source=at.source, text="; ".join(e.said for e in case.parts)[:TEXT_CHARS],
        ))  # fmt: skip
        case.n += 1

    # -- what was heard

    def _add(self, part: PartKey, h: Heard) -> None:
        self._heard.setdefault(part, {})[h.identity] = h
        insort(self._age.setdefault(part, []), (h.fold, h.identity))
        for cell in h.cells:
            insort(self._cells.setdefault((part, cell), []), (h.t, h.identity))
        insort(self._parts_of.setdefault(h.identity, []), part)
        if h.awaits is not None:
            self._timer(h.awaits, _AWAIT, part, h.identity)
        if h.cleared is not None:
            self._timer(h.fold + h.within, _FORGET, part, h.identity)

    def _forget(self, part: PartKey, identity: str) -> None:
        h = self._heard[part].pop(identity)
        age = self._age[part]
        del age[bisect_left(age, (h.fold, identity))]
        for cell in h.cells:
            mine = self._cells[part, cell]
            del mine[bisect_left(mine, (h.t, identity))]
            if not mine:
                del self._cells[part, cell]
        _drop(self._parts_of, identity, part)
        if not self._heard[part]:
            del self._heard[part], self._age[part]
        self._changed[_key(part, identity)] = None

    def _write(self, part: PartKey, h: Heard) -> None:
        self._changed[_key(part, h.identity)] = _encode(h)

    def _keep(self, case: Episode) -> None:
        self._changed[CASE + case.name().encode()] = _encode(case)

    def _timer(self, at: int, kind: int, part: PartKey, identity: str) -> None:
        heapq.heappush(self._timers, (at, kind, *part, identity))

    def _valid(self, timer: tuple[int, int, str, int, str]) -> bool:
        at, kind, form, number, identity = timer
        if kind == _QUIET:
            case = self._cases.get(identity)
            return case is not None and case.last + case.quiet == at
        h = self._heard.get((form, number), {}).get(identity)
        return h is not None and (h.awaits == at if kind == _AWAIT else h.cleared is not None)


_AWAIT, _FORGET, _QUIET = 0, 1, 2
TEXT_CHARS = 200


def _key(part: PartKey, identity: str) -> bytes:
    return HEARD + f"{part[0]}/{part[1]}/{identity}".encode()


def _drop(lists: dict[Any, list[Any]], key: Any, what: Any) -> None:
    mine = lists.get(key, [])
    if what in mine:
        mine.remove(what)
    if not mine:
        lists.pop(key, None)
