"""What people's actions do to the city's incidents: each finds its incident, is judged, done, and told to the audit.

The rules are in :mod:`brain.incidents.life`; here are the book, the shelves and the archive that an action moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from brain.incidents import actions, by_hand, life, parts
from brain.incidents.actions import Accepted, AnyAction, Place, accepted, kind_of, subject
from brain.incidents.archive import KEY as ARCHIVE
from brain.incidents.archive import Archive
from brain.incidents.aside import Aside
from brain.incidents.book import Book
from brain.incidents.calendar import Limit
from brain.incidents.clock_acts import acted
from brain.incidents.clocks import ClockReason
from brain.incidents.clockwork import Clockwork
from brain.incidents.desk import Desk
from brain.incidents.fold import Case, FoldSettings, key_of
from brain.incidents.inbox import PATIENCE_MS, Waiting, audit, warned
from brain.incidents.life import (
    Done,
    Refused,
    judge,
    may,
    may_merge,
    next_state,
    propose,
    record,
)  # fmt: skip
from brain.incidents.ops import Ops
from brain.incidents.reasons import Reason
from brain.incidents.timers import Graves
from brain.incidents.transitions import Refusal
from brain.incidents.value import OVER, Incident, Text, incident_id
from brain.incidents.withheld import Withheld
from streams.records import Notice

SHOWS: Final = frozenset(("confirm", "assign", "take", "dispatch", "arrive", "grade", "respond", "reopen"))
"""Kinds by which an incident that was held back is shown: somebody sees to it."""


class People:
    """One city's."""

    def __init__(
        self, book: Book, desk: Desk, withheld: Withheld, graves: Graves, clockwork: Clockwork, settings: FoldSettings,
        ops: Ops,
    ) -> None:  # fmt: skip
        self.book, self.desk, self.withheld, self.graves, self.clockwork = book, desk, withheld, graves, clockwork
        self.settings, self.ops = settings, ops
        self.archive, self.waiting = Archive(), Waiting()
        self.aside = Aside(book, withheld, ops)

    # -- what the city logic calls

    def load(self, items: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
        """Take back what waits and what is over; answers the items that are not ours."""
        rest = self.waiting.load(items)
        mine = {key: value for key, value in rest.items() if key.startswith(ARCHIVE)}
        self.archive.load(mine)
        return {key: value for key, value in rest.items() if key not in mine}

    def changes(self) -> dict[bytes, bytes | None]:
        """State since the last call."""
        return self.waiting.changes() | self.archive.changes()

    def notice(self, notice: Notice) -> None:
        """The next accepted action or official warning in fold order. A warning is told, and changes no incident."""
        if notice.kind == "feedback":
            self._hear(notice, notice.fold)
        else:
            self.ops.tell(warned(notice))

    def opened(self, id_: str, now: int) -> None:
        """An incident is there now: do what has waited for it."""
        for notice in self.waiting.opened(id_):
            self._hear(notice, now)

    def due(self) -> int | None:
        """Fold time of the next end of a wait, or None."""
        waiting, over = self.waiting.due(), self.archive.due()
        if waiting is None or over is None:
            return over if waiting is None else waiting
        return min(waiting, over)

    def fire(self, now: int) -> None:
        """Refuse what has waited for too long, forget what was over for long."""
        for notice in self.waiting.fire(now):
            given = accepted(notice)
            why = f"{notice.key} is not there, and did not come within {PATIENCE_MS // 1000} s"
            self._tell(given, Refused(Refusal.UNKNOWN_INCIDENT, why), now, None)
        self.archive.fire(now)

    # -- one action

    def _hear(self, notice: Notice, now: int) -> None:
        given = accepted(notice)
        action = given.action
        match action:
            case actions.Create():
                self._create(given, action, notice.set, now)
            case actions.Handover() if not action.incident:
                self._handover(given, action, now)
            case actions.Shelve() | actions.Unshelve() if not action.incident:
                self._tell(given, self.aside.scope(action, now), now, None)
            case _:
                case = self._find(action)
                if case is None:
                    self.waiting.put(notice)
                else:
                    self._tell(given, self._do(case, action, now), now, case.incident)

    def _find(self, action: AnyAction) -> Case | None:
        """The case that an action is about: of a merged one its successor, unless the merge is to be undone."""
        id_ = subject(action)
        if not isinstance(action, actions.Unmerge):
            id_ = self.archive.successor(id_)
        if id_ in self.book.cases:
            return self.book.cases[id_]
        over = self.archive.look(id_)
        return None if over is None else Case.of(over)

    def _do(self, case: Case, action: AnyAction, now: int) -> Done | Refused:
        case.fixed = b""
        match action:
            case actions.Merge():
                return self._merge(case, action, now)
            case actions.Unmerge():
                return self._unmerge(case, action, now)
            case actions.Split():
                return self._split(case, action, now)
            case actions.Link():
                return self._link(case, action, now)
            case actions.Shelve() | actions.Unshelve():
                return self.aside.one(case, action, now)
        refused = self._unknown(action) or self._no_limit(case.incident, action, now)
        if refused is not None:
            return refused
        answer = life.apply(case.incident, action, now)
        if isinstance(answer, Done):
            self._name(case.incident)
            self._follow(case, action, answer, now)
        return answer

    def _follow(self, case: Case, action: AnyAction, done: Done, now: int) -> None:
        """What else changes when an incident has."""
        incident, was, state = case.incident, done.was, done.state
        if was != state:
            self.clockwork.moved(case, now)
        self.clockwork.acted(case, now, done.act.what, done.act.until, _more(action))
        if was == state:
            self._keep(case, now)
        elif state == "resolved":
            incident.close_at = now + round(self.settings.reopen_s * 1000)
            self.ops.over(case, now)
        elif state in OVER:
            self._end(case, now)
        elif was in OVER or was == "resolved":
            self._back(case, now)
            incident.sounded = now
        if kind_of(action) in SHOWS and incident.shown is None:
            self.desk.show(case, now, Reason.SHOWN_BY_HAND)
        self.ops.touch(case)

    def _unknown(self, action: AnyAction) -> Refused | None:
        """Departments that the set does not have; a set without routes has no list to hold them against."""
        routes = self.ops.rules().routes
        if routes is None or not isinstance(action, actions.Assign):
            return None
        strange = [unit for unit in (action.lead, *action.assisting) if unit not in routes.departments]
        known = ", ".join(sorted(routes.departments))
        return Refused(Refusal.UNKNOWN_UNIT, f"expected one of {known}, got {strange[0]!r}") if strange else None

    def _no_limit(self, incident: Incident, action: AnyAction, now: int) -> Refused | None:
        """Why there is no limit to extend, tried on a copy."""
        if not isinstance(action, actions.Extend) or judge(incident, action, now) is not None:
            return None
        copy = [msgspec.structs.replace(clock) for clock in incident.clocks]
        told = acted(copy, self.clockwork.plan(incident), "extend", now, more=_more(action)) if copy else []
        if any(t.reason is ClockReason.EXTENDED for t in told):
            return None
        why = told[-1].reason.value if told else ClockReason.NOT_RUNNING.value
        return Refused(Refusal.NO_LIMIT, f"{incident.id}: {why}")

    def _name(self, incident: Incident) -> None:
        routes = self.ops.rules().routes
        if routes is not None and incident.lead_name == Text() and incident.lead in routes.departments:
            department = routes.departments[incident.lead]
            incident.lead_name = Text(department.zh, department.en)

    def _keep(self, case: Case, now: int) -> None:
        """What is over was added to: it may come back, and stays on its topic, for so long from now."""
        if case.incident.id in self.archive:
            self.archive.keep(case, now)
            self.ops.bury(case, now)

    def _end(self, case: Case, now: int) -> None:
        self.ops.over(case, now)
        self.book.remove(case)
        self.ops.bury(case, now)
        self.archive.keep(case, now)

    def _back(self, case: Case, now: int) -> None:
        """Signals may reach it again."""
        incident = case.incident
        if incident.id in self.archive:
            self.archive.take(incident.id)
            self.graves.fill(incident.id)
            self.book.add(case)
        self.withheld.open(case, self.ops.rules())

    def _tell(self, given: Accepted, answer: Done | Refused, now: int, incident: Incident | None) -> None:
        self.ops.counted("feedback_done" if isinstance(answer, Done) else f"feedback_{answer.reason}")
        self.ops.tell(audit(given, answer, now, incident))

    # -- by hand

    def _create(self, given: Accepted, action: actions.Create, set_id: str, now: int) -> None:
        refused, id_, place = may(action), subject(action), given.place or Place()
        if refused is None and (id_ in self.book.cases or id_ in self.archive):
            refused = Refused(Refusal.ALREADY, f"{id_} is there already")
        rules = self.ops.rules()
        plan = rules.coded(action.code)
        if refused is not None or plan is None:
            like = "" if rules.events is None else rules.events.nearest(action.code)
            hint = f" (did you mean {like}?)" if like else ""
            unknown = Refused(Refusal.UNKNOWN_CODE, f"{action.code}: the set in force has no such event{hint}")
            self._tell(given, refused or unknown, now, None)
            return
        case = by_hand.made(action, place, plan, rules.route(plan, place), set_id, now, drill=rules.drill)
        incident = case.incident
        near = [] if incident.lon is None or incident.lat is None else self.book.around(
            key_of(incident.family, incident.life, incident.drill), incident.lon, incident.lat,
            self.settings.radius_m,
        )  # fmt: skip
        incident.links = [c.incident.id for _, c in sorted(near, key=lambda f: (f[0], f[1].incident.id))[:3]]
        self.book.add(case)
        self.withheld.open(case, self.ops.rules())
        self.ops.note(case, now, Reason.OPENED_BY_HAND, incident.members[0].id)
        act = record(incident, action, now)
        if not incident.life:
            self.desk.show(case, now, Reason.SHOWN_BY_HAND)
        self.ops.consider(case, now)
        self.ops.touch(case)
        self._tell(given, Done(act, incident.state, incident.state), now, incident)
        self.opened(id_, now)

    # -- more than one incident

    def _merge(self, case: Case, action: actions.Merge, now: int) -> Done | Refused:
        incident = case.incident
        refused = judge(incident, action, now)
        if refused is not None:
            return refused
        into = self.book.cases.get(self.archive.successor(action.into))
        if into is None:
            return Refused(Refusal.UNKNOWN_INCIDENT, f"{action.into} is not there")
        same = parts.same_site(incident, into.incident, self.settings.site_m)
        refused = may_merge(incident, into.incident, same_site=same)
        if refused is not None:
            return refused
        proposed = propose(incident, action, now)
        if proposed is not None:
            self.ops.touch(case)
            return proposed
        was, peak = incident.state, into.incident.peak_level
        self.ops.over(case, now)
        self.book.remove(case)
        self.book.remove(into)
        parts.merge(case, into)
        self.book.add(into)
        self.withheld.raised(into, self.ops.rules())
        if into.incident.state == "resolved" and into.standing:
            into.incident.state, into.incident.resolved, into.incident.close_at = "detected", None, None
        incident.state = "merged"
        incident.quiet_until = incident.close_at = incident.look_at = None
        act = record(incident, action, now, was)
        record(into.incident, action, now, other=incident.id)
        self.clockwork.moved(case, now)
        self.clockwork.acted(into, now, "merge")
        self.ops.bury(case, now)
        self.archive.keep(case, now)
        if into.incident.peak_level > peak:
            into.incident.sounded = now
        if incident.shown is not None and into.incident.shown is None:
            self.desk.show(into, now, Reason.SHOWN_BY_HAND)
        self.ops.touch(case)
        self.ops.touch(into)
        return Done(act, was, "merged")

    def _unmerge(self, case: Case, action: actions.Unmerge, now: int) -> Done | Refused:
        incident = case.incident
        refused = judge(incident, action, now)
        if refused is not None:
            return refused
        into = self.book.cases.get(incident.merged_into)
        if into is None:
            return Refused(Refusal.NOTHING_TO_UNDO, f"{incident.merged_into} is over, or merged itself")
        state = next_state(incident, action)
        self.book.remove(into)
        back = parts.unmerge(case, into)
        self.book.add(into)
        self.withheld.raised(into, self.ops.rules())
        if not back:
            return Refused(Refusal.NOTHING_TO_UNDO, f"{incident.id} cannot be told from {into.incident.id} any more")
        incident.state = state
        if state == "resolved":
            incident.close_at = now + round(self.settings.reopen_s * 1000)
        act = record(incident, action, now, "merged")
        record(into.incident, action, now, other=incident.id)
        self.clockwork.moved(case, now)
        self._back(case, now)
        self._rest(case, now)
        self._rest(into, now)
        return Done(act, "merged", incident.state)

    def _split(self, case: Case, action: actions.Split, now: int) -> Done | Refused:
        incident = case.incident
        refused = judge(incident, action, now)
        if refused is not None:
            return refused
        self.book.remove(case)
        new = parts.split(case, set(action.members), incident_id(f"feedback|{action.id}"), now)
        self.book.add(case)
        self.book.add(new)
        self.withheld.raised(case, self.ops.rules())
        self.withheld.open(new, self.ops.rules())
        act = record(incident, action, now)
        record(new.incident, action, now, other=incident.id)
        if incident.shown is not None:
            new.incident.shown = now
            self.book.see(new)
        else:
            new.incident.withheld, new.incident.look_at = "", None
            self.ops.consider(new, now)
        self._rest(case, now)
        self._rest(new, now)
        self.opened(new.incident.id, now)
        return Done(act, incident.state, incident.state)

    def _rest(self, case: Case, now: int) -> None:
        """Its quiet period begins where nothing stands in it any more."""
        incident = case.incident
        if not case.standing and incident.state not in OVER and incident.state != "resolved":
            incident.cleared = max((m.cleared or 0 for m in incident.members), default=now)
            incident.quiet_until = now + round(self.settings.quiet_s * 1000)
        self.ops.touch(case)

    def _link(self, case: Case, action: actions.Link, now: int) -> Done | Refused:
        incident = case.incident
        refused = judge(incident, action, now)
        if refused is not None:
            return refused
        other = self.book.cases.get(self.archive.successor(action.other))
        if other is None:
            return Refused(Refusal.UNKNOWN_INCIDENT, f"{action.other} is not there")
        if other is case:
            return Refused(Refusal.SAME_INCIDENT, f"{action.other} is part of {incident.id}")
        for one, to in ((incident, other.incident.id), (other.incident, incident.id)):
            if to not in one.links:
                one.links = [*one.links, to]
        act = record(incident, action, now)
        record(other.incident, action, now, other=incident.id)
        self._keep(case, now)
        self.ops.touch(case)
        self.ops.touch(other)
        return Done(act, incident.state, incident.state)

    def _handover(self, given: Accepted, action: actions.Handover, now: int) -> None:
        mine = [i for i in sorted(self.book.cases) if self.book.cases[i].incident.taken_by == action.giver]
        if not mine:
            refused = may(action) or Refused(Refusal.NOT_TAKEN, f"{action.giver} has taken nothing that is open")
            self._tell(given, refused, now, None)
        for id_ in mine:
            case = self.book.cases[id_]
            self._tell(given, self._do(case, action, now), now, case.incident)


def _more(action: AnyAction) -> Limit | None:
    if not isinstance(action, actions.Extend):
        return None
    return Limit(action.days, days=True) if action.days else Limit(action.minutes * 60_000)
