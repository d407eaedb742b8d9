"""The city's incidents: signals in fold order and timers in, incident records out. The engine keeps the state.

A signal finds its incident by :class:`Book`, a timer by a heap: neither scans what is open. Only an asset whose trust
crosses the floor is looked for among all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from brain.census import NAME as SENSING
from brain.incidents import fold, publish, written
from brain.incidents.areas import Areas
from brain.incidents.book import Book
from brain.incidents.clocks import ClockReason
from brain.incidents.clockwork import Clockwork
from brain.incidents.combine import Combine
from brain.incidents.desk import KEY as CONSOLE
from brain.incidents.desk import Desk, DeskSettings
from brain.incidents.fold import Case, FoldSettings, key_of
from brain.incidents.known import KnownRules
from brain.incidents.opening import opened
from brain.incidents.ops import Ops
from brain.incidents.people import People
from brain.incidents.reasons import UNCHANGED, Reason
from brain.incidents.rules import Rules
from brain.incidents.sight import Sight
from brain.incidents.state import restored
from brain.incidents.timers import GRAVE, Graves, Timers
from brain.incidents.trust import AssetsTrust
from brain.incidents.value import Incident, Warning
from brain.incidents.warned import Warned
from brain.incidents.warning_rules import SOURCE as OFFICIAL
from brain.incidents.withheld import KEY as SHELF
from brain.incidents.withheld import Withheld
from brain.trust import NAME as TRUST
from streams.logic import FAR, Change, Record
from streams.records import SYSTEM, Notice, Signal, Summary

KEY = b"i/"
_UPDATED_LEVEL, _CLEARED_MEMBER = Reason.UPDATED_LEVEL, Reason.CLEARED_MEMBER
_CLEARED_ALL, _REPEATED = Reason.CLEARED_ALL, Reason.REPEATED_SIGNAL
"""A member of an enumeration is found five times as slowly as a name of the module."""
HANDLED = frozenset(("dispatched", "handling"))
"""States of incidents that people end, not silence."""


class CityLogic:
    """Folds signals into incidents. Implements ``streams.logic.CityLogic``.

    ``sets`` finds the content of a set by id: scenario, domain and route of an incident come from the set its signal
    names. Without it the set in force in fold order is used for all. ``counts`` has,
    by reason, what became of the signals and timers since the object was made; it is for metrics and enters no result.
    """

    owner = "incidents@2"
    side = 0
    """Of combinations that are told here (:class:`Combine`)."""

    def __init__(
        self, settings: FoldSettings | None = None, sets: Callable[[str], Any] | None = None,
        desk: DeskSettings | None = None,
    ) -> None:  # fmt: skip
        self.settings = settings or FoldSettings()
        self.counts: Counter[str] = Counter()
        self.book = Book(self.settings)
        self.desk = Desk(desk or DeskSettings(), self.settings, self._note, self._audit)
        self.withheld = Withheld()
        self.clockwork = Clockwork(self._note, self._audit)
        self.desk.began = self._began
        self.sight = Sight(self.settings, self.book, self.desk, self.withheld, self._note, self._audit, self._touch)
        self.graves = Graves()
        self._told: Counter[str] = Counter()
        self.models, self._combine = Areas(self._audit), Combine(self.side)
        self.agents = self.models.agents
        self._later: int | None = None
        self._asked = False
        """Whether ``_later`` is still when people, models or trust have something to do."""
        self._trust = AssetsTrust()
        self._warned = Warned()
        self._rules = KnownRules(sets, self.counts)
        self._force = Rules({}, None)
        self._timers = Timers(self.book, self.desk, self.graves)
        self.desk.moved = self._timers.console
        self._changed: dict[str, Case] = {}
        self._notes: list[Record] = []
        self.people = People(self.book, self.desk, self.withheld, self.graves, self.clockwork, self.settings, Ops(
            self._note, self._notes.append, self._handled, self.sight.consider, self.sight.withhold, self.sight.release,
            self._over, self._bury, lambda: self._force, lambda reason: self.counts.update((reason,)),
        ))  # fmt: skip

    def __len__(self) -> int:
        """Incidents that signals may reach."""
        return len(self.book)

    def incidents(self) -> list[Incident]:
        """Incidents that signals may reach, by id: copies, to look at, not to change."""
        return [written.whole(self.book.cases[key]) for key in sorted(self.book.cases)]

    def bare(self) -> Iterator[Incident]:
        """The same themselves, without their reasons."""
        return (self.book.cases[key].incident for key in sorted(self.book.cases))

    # -- what the engine calls

    def load(self, items: Mapping[bytes, bytes]) -> None:
        """Take the open incidents back; timers and indexes follow from them. Raises ValueError on foreign state."""
        rest = self.models.load(self._warned.load(items))
        for key, value in self.people.load(self._trust.load(self._combine.load(rest))).items():
            if key.startswith(KEY):
                self._back(Case.of(restored(value)))
            elif key.startswith(CONSOLE):
                self.desk.load(key[len(CONSOLE) :].decode(), value)
            elif key.startswith(SHELF):
                self.withheld.load(value)
            elif key.startswith(GRAVE):
                self.graves.load(key, value)
            else:
                raise ValueError(f"state key {key!r}: expected {KEY!r} and an incident's id")
        self._timers.all()
        self._asked = False

    def _back(self, case: Case) -> None:
        self.book.add(case)
        if case.incident.withheld == Reason.DEFERRED_STORM:
            self.desk.wait(case)

    def enter(self, set_id: str, content: Any) -> None:
        """A set comes into force. Open incidents keep name, domain and route they were opened with."""
        self._asked = False
        self._force = self._rules.enter(set_id, content)
        self.models.enter(set_id, content)
        self._combine.enter(set_id, content)
        self._trust.enter(content)
        self._warned.enter(set_id, self._force.warnings)
        self.withheld.enter(self.book.cases.values(), self._force)
        self.clockwork.rules = self.sight.rules = self._force
        self.desk.life = {plan.domain for plan in self._force.plans.values() if plan.life}

    def signal(self, signal: Signal) -> None:
        """Fold one signal. What a lane says of itself is of a drill where the set in force is."""
        if signal.source == SYSTEM:
            signal.drill = self._force.drill
        if signal.scenario in self.agents.wanted:
            self._asked &= not self.agents.signal(signal)
        identity = signal.identity()
        reason = self._raise(signal, identity) if signal.kind == "raise" else self._follow(signal, identity)
        if reason._value_ in UNCHANGED:
            self.counts[reason._value_] += 1
        if reason is not _REPEATED and self._combine.concerns(signal):
            self._asked = False
            for made in self._combine.hear(signal):
                self._own(made)

    def summary(self, summary: Summary) -> None:
        """Keep what a lane saw in a minute for the models that need all lanes; a census is for people alone."""
        self._asked = False
        if summary.name != SENSING and not (self._trust if summary.name == TRUST else self.models).summary(summary):
            self.counts["late_summary"] += 1

    def notice(self, notice: Notice) -> None:
        """What people did, or other offices warn of, in its place."""
        self._asked = False
        self.people.notice(notice)
        if notice.kind == "warning":
            self._warn(self._warned.hear(notice), notice.fold)

    def due(self, until: int = FAR) -> int | None:
        """Fold time of the next timer or at which a minute can be judged, or None; after ``until`` it may be missed."""
        first, later = self._timers.due(until), self._later if self._asked else self._ask()
        return first if later is None or (first is not None and first < later) else later

    def _ask(self) -> int | None:
        """When people, models or trust have something to do."""
        times = (self.people.due(), self.models.due(), self._trust.due(), self._warned.due(), self._combine.due())
        self._later, self._asked = min((t for t in times if t is not None), default=None), True
        return self._later

    def fire(self, now: int) -> None:
        """Run the timers that are due at exactly ``now``, then judge the minute that ended just before."""
        timers = self._timers
        while timers.due(now) == now:
            kind, key = timers.pop()
            if kind == "quiet":
                self._quiet(self.book.cases[key], now)
            elif kind == "close":
                self._close(self.book.cases[key], now)
            elif kind == "look":
                self.sight.look(self.book.cases[key], now)
            elif kind == "clock":
                self.clockwork.fire(self.book.cases[key], now)
                timers.of(self.book.cases[key])
            elif kind == "console":
                self.desk.look(key, now)
            else:
                self.graves.due(key)
        later = self._later if self._asked else self._ask()
        if later is None or later > now:
            return
        self._asked = False
        self.people.fire(now)
        if (due := self._warned.due()) is not None and due <= now:
            self._warn(self._warned.fire(now), now)
        for signal in self._combine.fire(now):
            self._own(signal)
        if now not in (self.models.due(), self._trust.due()):
            return
        unread = self.models.unread
        judged = self.models.fire(now) if self.models.due() == now else []
        if self.models.unread > unread:
            self.counts["unread_memory"] += self.models.unread - unread
        self._doubt(self._trust.fire(now, self.models.evidence()), now)
        for signal in judged:
            self._own(signal)

    def fates(self) -> Mapping[str, int]:
        """What became of signals and timers since the last call, by reason."""
        out, self._told = self.counts - self._told, self.counts.copy()
        return out

    def changes(self) -> Iterator[Change]:
        """State and records since the last call: of each incident the newest revision only, by id, then audit notes."""
        encode, topic, headers = written.encode, publish.topic, publish.headers
        changed, self._changed = self._changed, {}
        for key in sorted(changed):
            case, name = changed[key], key.encode()
            value, incident = encode(case), case.incident
            yield None, KEY + name, value if case.open else None, ()
            yield topic(incident), name, value, headers(incident)
        items, notes = self._trust.changes()
        items |= self.models.changes() | self.desk.changes() | self.withheld.changes() | self.graves.changes()
        items |= self.people.changes() | self._warned.changes() | self._combine.changes()
        for state, kept in items.items():
            yield None, state, kept, ()
        yield from self.graves.tombstones()
        yield from self._notes
        self._notes.clear()
        yield from notes

    # -- signals

    def _raise(self, signal: Signal, identity: str) -> Reason:
        if self.book.known(identity):
            return Reason.REPEATED_SIGNAL
        rules = self._rules.of(signal.set, self._force)
        plan = rules.plan(signal.scenario)
        life = signal.life or plan.life
        key = key_of(plan.family, life, signal.drill)
        mine = self.book.of_asset(signal, key)
        home, earlier = self.book.home(signal, key, mine, plan.near_m, plan.near_s), self.book.before(signal, mine)
        case = home.case or opened(signal, identity, plan, life, rules.route(plan, signal), home.beside)
        incident = case.incident
        was, ended = incident.peak_level, incident.state == "resolved"
        known = None if home.case is None else case.member(signal.scenario, signal.asset)
        before = "" if known is None else known.latest()
        member = fold.join(case, known, signal, identity, plan.version, self.settings)
        if earlier != member.before:
            member.before = earlier
        self._trust.stamp(case, member, signal.fold)
        written.keep(case, member)
        if home.case is None:
            self.book.add(case)
            self.book.place(case, member, signal)
            self.withheld.open(case, self._force)
            if len(self._warned):
                incident.warning = self._warned.colour(incident)
        else:
            if known is None:
                self.book.note_member(case, member)
                self.book.place(case, member, signal)
            else:
                self.book.note_raise(case, member, before)
            if known is None or signal.grid != member.grid:
                self.book.note_grid(case, signal.grid)
            self.withheld.raised(case, self._force)
        self.book.weigh(case)
        if ended:
            incident.state, incident.resolved, incident.close_at = "detected", None, None
            if incident.shown is None:
                incident.withheld, incident.cause = "", ""
            self.withheld.open(case, self._force)
        rule = home.reason._value_
        if rule != incident.rule:
            incident.rule = rule
        self._note(case, signal.fold, home.reason, identity)
        if ended or incident.peak_level > was or (life and member.raises == 1):
            incident.sounded = signal.fold
        if ended:
            self.clockwork.moved(case, signal.fold)
        if incident.peak_level > was:
            self.clockwork.levelled(case, signal.fold)
        for reason in fold.weigh(case, member, signal.fold, self.settings):
            self._note(case, signal.fold, reason, member.latest())
        if signal.source == OFFICIAL:
            self.desk.show(case, signal.fold, Reason.SHOWN_OFFICIAL)
        self.sight.consider(case, signal.fold)
        if home.case is None and len(self.people.waiting):
            self.people.opened(incident.id, signal.fold)
            self._asked = False
        return home.reason

    def _follow(self, signal: Signal, identity: str) -> Reason:
        found = self.book.raised(identity)
        if found is None:
            return Reason.UNKNOWN_MEMBER
        case, member = found
        latest = member.latest()
        if identity != latest:
            return Reason.AFTER_CLEAR
        incident, was = case.incident, case.incident.peak_level
        if signal.kind == "update":
            reason = fold.update(case, member, signal, self.settings)
        else:
            reason = fold.clear(case, member, signal, self.settings)
        if reason._value_ in UNCHANGED:
            return reason
        self._trust.stamp(case, member, signal.fold)
        written.keep(case, member)
        self._note(case, signal.fold, reason, latest)
        if reason is _UPDATED_LEVEL:
            if incident.peak_level > was:
                incident.sounded = signal.fold
                self.clockwork.levelled(case, signal.fold)
            self.sight.consider(case, signal.fold)
        elif reason is _CLEARED_MEMBER and fold.contradicted(case, member):
            self._note(case, signal.fold, Reason.CONTRADICTED, latest)
        elif reason is _CLEARED_ALL:
            self.desk.rest(case)
            self.book.weigh(case)
            self._timers.of(case)
        return reason

    def _own(self, signal: Signal) -> None:
        """Fold a signal that was made here: one of a drill where the set in force is."""
        signal.drill = self._force.drill
        self.signal(signal)

    def _warn(self, signals: Sequence[Signal], now: int) -> None:
        """Official warnings changed: what they open and end, then the colour of all that lies in them."""
        for signal in signals:
            self._own(signal)
        self._warned.recolour(self.book.cases.values(), lambda case, colour: self._colour(case, colour, now))

    def _colour(self, case: Case, colour: Warning, now: int) -> None:
        case.incident.warning = colour
        self._note(case, now, Reason.WARNED if colour else Reason.WARNING_OVER, "")

    def _doubt(self, assets: Sequence[str], now: int) -> None:
        """Trust in assets crossed the floor: their standing members, and the incidents of these, say so."""
        wanted = set(assets)
        for case in self.book.cases.values() if wanted else ():
            # In the order of the members, which a restart keeps; that of what stands is lost.
            members = [m for m in case.incident.members if m.cleared is None and m.asset in wanted]
            for member in members:
                self._trust.stamp(case, member, now)
                written.keep(case, member)
            if members:
                low = any(member.trust < self._trust.floor for member in members)
                self._note(case, now, Reason.DOUBTED if low else Reason.TRUSTED_AGAIN, members[0].latest())

    # -- ends

    def _quiet(self, case: Case, now: int) -> None:
        incident = case.incident
        incident.quiet_until = None
        if incident.chattering:
            incident.chattering, case.fixed = False, b""
        if incident.state in HANDLED or incident.taken_by:
            self._note(case, now, Reason.QUIET_HANDLED, "")
        else:
            gone = incident.scenario_version and incident.scenario not in self._force.plans
            self._resolve(case, now, Reason.RULE_ENDED if gone else Reason.QUIET_RESOLVED)
        self._timers.of(case)

    def _resolve(self, case: Case, now: int, reason: Reason) -> None:
        incident = case.incident
        incident.state, incident.resolved = "resolved", now
        incident.close_at = now + round(self.settings.reopen_s * 1000)
        incident.look_at = None
        self._note(case, now, reason, "")
        self.clockwork.moved(case, now)
        if incident.shown is None:
            incident.withheld = Reason.NEVER_SHOWN.value
            self._note(case, now, Reason.NEVER_SHOWN, "")
        self._over(case, now)

    def _began(self, case: Case, now: int) -> None:
        """People see it: its clocks begin, whoever showed it."""
        self.book.see(case)
        if len(self._warned):
            case.incident.warning = self._warned.colour(case.incident)
        self.clockwork.shown(case, now)
        self._timers.of(case)

    def _over(self, case: Case, now: int) -> None:
        """It asks nobody for anything any more, and its effects stand on their own."""
        self.desk.leave(case)
        for effect in self.withheld.close(case):
            self.sight.release(effect, now)

    def _bury(self, case: Case, now: int) -> None:
        self.graves.dig(case.incident, now)
        self._timers.grave(case.incident.id)

    def _close(self, case: Case, now: int) -> None:
        incident = case.incident
        incident.state, incident.close_at = "closed", None
        self._note(case, now, Reason.CLOSED, "")
        self.clockwork.moved(case, now)
        self.book.remove(case)
        self._bury(case, now)
        if incident.shown is not None or incident.history:  # nobody reopens what nobody saw
            self.people.archive.keep(case, now)
            self._asked = False

    # -- what is kept

    def _note(self, case: Case, now: int, reason: Reason | ClockReason, identity: str) -> None:
        value = reason._value_
        fold.note(case, now, value, identity)
        self._changed[case.incident.id] = case
        self.counts[value] += 1

    def _touch(self, case: Case) -> None:
        """Record, state and timers follow a change."""
        self._changed[case.incident.id] = case
        self._timers.of(case)

    def _handled(self, case: Case) -> None:
        """A person may have changed anything of it."""
        case.fixed = b""
        self._touch(case)

    def _audit(self, what: str, case: Case | None, now: int, **more: object) -> None:
        if case is not None:
            i = case.incident
            note = {
                "what": what, "t": now, "incident": i.id, "scenario": i.scenario, "family": i.family, "set": i.set,
                "level": i.level, **more,
            }  # fmt: skip
        else:
            note = {"what": what, "t": now, **more}
        self._notes.append(publish.noted(note))
