"""The clocks of incidents in the running city: begun when an incident is shown, moved by its states, told by timers."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from brain.incidents import clock_acts, clocks
from brain.incidents.calendar import Limit
from brain.incidents.clocks import ClockReason, Told
from brain.incidents.fold import Case
from brain.incidents.limits import NO_PLAN, Plan
from brain.incidents.rules import Rules
from brain.incidents.value import Incident

SOUNDING = frozenset((ClockReason.UNACKNOWLEDGED, ClockReason.STALE))
"""What asks for attention anew."""
ALARMING = SOUNDING | {ClockReason.PREDICTED, ClockReason.BREACHED, ClockReason.REVIEW_DUE, ClockReason.UNCOVERED}
"""What is told on the audit topic: the rest follows from what somebody did, which is there already."""

Note = Callable[[Case, int, ClockReason, str], None]
Tell = Callable[..., None]


class Clockwork:
    """Starts, moves and fires clocks by the limits of the set in force. ``note`` puts a reason on an incident."""

    def __init__(self, note: Note, audit: Tell) -> None:
        self._note, self._audit = note, audit
        self.rules = Rules({}, None)

    def plan(self, incident: Incident) -> Plan:
        """The limits of an incident, at its present level."""
        limits = self.rules.limits
        return NO_PLAN if limits is None else limits.plan(incident.event_code, incident.level, incident.life)

    def shown(self, case: Case, now: int) -> None:
        """People see it: its clocks begin, once."""
        i = case.incident
        if i.clocks:
            return
        i.clocks = clocks.start(self.plan(i), now)
        self._tell(case, now, (Told(c, ClockReason.UNCOVERED, now, c.name) for c in i.clocks if c.uncovered))

    def moved(self, case: Case, now: int) -> None:
        """It is in another state."""
        i = case.incident
        if i.clocks:
            self._tell(case, now, clocks.moved(i.clocks, self.plan(i), i.state, now))

    def acted(self, case: Case, now: int, what: str, until: int = 0, more: Limit | None = None) -> list[ClockReason]:
        """Somebody did something, after :meth:`moved` where that moved the state; answers what it did to clocks."""
        i = case.incident
        told = clock_acts.acted(i.clocks, self.plan(i), what, now, until=until, more=more) if i.clocks else []
        self._tell(case, now, told)
        return [t.reason for t in told]

    def levelled(self, case: Case, now: int) -> None:
        """Its level rose: shorter limits count."""
        i = case.incident
        if i.clocks:
            self._tell(case, now, clock_acts.levelled(i.clocks, self.plan(i), now))

    def fire(self, case: Case, now: int) -> None:
        """Tell what is due."""
        self._tell(case, now, clocks.fire(case.incident.clocks, now))

    def _tell(self, case: Case, now: int, told: Iterable[Told]) -> None:
        for t in told:
            if not t.reason.changes:
                continue
            if t.reason in SOUNDING:
                case.incident.sounded = now
            self._note(case, now, t.reason, t.what)
            if t.reason in ALARMING:
                i, c = case.incident, t.clock
                self._audit("clock." + t.reason.value, case, now, clock=t.what, at=t.at, due=c.due, rule=c.rule,
                            lead=i.lead, taken_by=i.taken_by)  # fmt: skip
