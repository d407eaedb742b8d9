"""Putting aside 搁置 by people: one incident, or a scope of assets and grids with what is open in it."""

from __future__ import annotations

from brain.incidents import actions, life
from brain.incidents.book import Book
from brain.incidents.fold import Case
from brain.incidents.life import Done, Refused, judge, may, may_shelve, record, scope_of, shelf_of
from brain.incidents.ops import Ops
from brain.incidents.reasons import Reason
from brain.incidents.transitions import Refusal
from brain.incidents.withheld import Withheld


class Aside:
    """Shelves as people ask for them; where they are kept is :class:`brain.incidents.withheld.Withheld`."""

    def __init__(self, book: Book, withheld: Withheld, ops: Ops) -> None:
        self.book, self.withheld, self.ops = book, withheld, ops

    def one(self, case: Case, action: actions.Shelve | actions.Unshelve, now: int) -> Done | Refused:
        """Put an incident aside, or take it back."""
        incident = case.incident
        refused = judge(incident, action, now)
        if refused is None and isinstance(action, actions.Unshelve) and scope_of(action) not in self.withheld.shelves:
            refused = Refused(Refusal.NOTHING_TO_UNDO, f"{incident.id} is put aside by its asset or grid")
        if refused is not None:
            return refused
        act = record(incident, action, now)
        if isinstance(action, actions.Shelve):
            self.withheld.put(shelf_of(action, now))
            self._put_aside(case, now)
        else:
            self.withheld.lift(scope_of(action))
            self.ops.release(case, now)
        self.ops.touch(case)
        return Done(act, incident.state, incident.state)

    def scope(self, action: actions.Shelve | actions.Unshelve, now: int) -> Done | Refused:
        """Put a scope aside, or take it back, and with it what is open in it and not being worked on."""
        if isinstance(action, actions.Shelve):
            rules = self.ops.rules()
            hidden = rules.plan(action.scenario).life if action.scenario else False
            hidden |= any(p.life for p in rules.plans.values() if action.family and p.family == action.family)
            refused = may_shelve(action, now, life=hidden)
            if refused is not None:
                return refused
            self.withheld.put(shelf_of(action, now))
        else:
            refused = may(action)
            if refused is None and self.withheld.lift(scope_of(action)) is None:
                refused = Refused(Refusal.NOTHING_TO_UNDO, f"{scope_of(action)} is not put aside")
            if refused is not None:
                return refused
        for id_ in sorted(self.book.cases):
            case = self.book.cases[id_]
            if self.withheld.shelf(case, now) is not None:
                self._put_aside(case, now)
            elif case.incident.withheld == Reason.SHELVED:
                self.ops.release(case, now)
                self.ops.touch(case)
        return Done(life.act_of(action, now), "", "")

    def _put_aside(self, case: Case, now: int) -> None:
        incident, shelf = case.incident, self.withheld.shelf(case, now)
        if shelf is not None and not incident.life and incident.state in {"detected", "confirmed"}:
            self.ops.withhold(case, now, Reason(shelf.kind), shelf.until, by=shelf.by, why=shelf.reason)
            self.ops.touch(case)
