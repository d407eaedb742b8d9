"""Whether people see an incident: first what withholds it, a shelf or a cause, then what the console has room for."""

from __future__ import annotations

from collections.abc import Callable

from brain.incidents.book import Book
from brain.incidents.desk import Desk, Weighed
from brain.incidents.evidence import evidence
from brain.incidents.fold import Case, FoldSettings
from brain.incidents.reasons import Reason
from brain.incidents.rules import Rules
from brain.incidents.withheld import Withheld

_INHIBITED, _AREA_WIDE = Reason.INHIBITED.value, Reason.AREA_WIDE.value
_ASIDE = frozenset((Reason.SHELVED.value, Reason.MAINTENANCE.value))
Note = Callable[[Case, int, Reason, str], None]


class Sight:
    """Judges incidents anew as they change. ``touch`` has record, state and timers follow a change."""

    def __init__(
        self, settings: FoldSettings, book: Book, desk: Desk, withheld: Withheld, note: Note,
        audit: Callable[..., None], touch: Callable[[Case], None],
    ) -> None:  # fmt: skip
        self.settings, self.rules = settings, Rules({}, None)
        self._book, self._desk, self._withheld = book, desk, withheld
        self._note, self._audit, self._touch = note, audit, touch
        desk.carry, desk.around, desk.first = self._carry, book.around_it, book.first_there
        desk.carried = lambda case, now: withheld.around(case, now, book) is not None

    def consider(self, case: Case, now: int) -> None:
        """Show an incident, or say what withholds it, and when that is judged again."""
        incident = case.incident
        if incident.shown is None and (incident.life or not self._lens(case, now)):
            self._desk.judge(case, now)
        self._touch(case)

    def _lens(self, case: Case, now: int) -> bool:
        """Whether a shelf or a cause withholds it."""
        incident = case.incident
        shelf = self._withheld.shelf(case, now)
        if shelf is not None:
            self.withhold(case, now, Reason(shelf.kind), shelf.until, by=shelf.by, why=shelf.reason)
            return True
        if not incident.cause:
            cause = self._withheld.cause(case, now, self.rules)
            if cause is not None:
                self._withheld.bind(case, cause)
                self._note(cause, now, Reason.INHIBITED, incident.id)
                self.withhold(case, now, Reason.INHIBITED, None, **self._withheld.told(case, cause, now, self.rules))
                return True
        elif incident.withheld == _INHIBITED:
            return True
        elif incident.withheld == _AREA_WIDE:
            if evidence(case, now, self.settings) < self._desk.settings.surer:
                return True
            self._withheld.loose(case)
        if incident.withheld in _ASIDE:
            incident.withheld = ""
        return False

    def _carry(self, case: Case, now: int, weighed: Weighed) -> bool:
        """Whether it is one of many of its family all over its area, one of which is shown and carries it."""
        cause = self._withheld.around(case, now, self._book)
        if cause is None:
            return False
        self._withheld.bind(case, cause)
        self._note(cause, now, Reason.INHIBITED, case.incident.id)
        judged = weighed.note(self._desk.settings)
        self.withhold(case, now, Reason.AREA_WIDE, None, cause=cause.incident.id, **judged)
        return True

    def withhold(self, case: Case, now: int, reason: Reason, until: int | None, **more: object) -> None:
        """Say why people do not see it, and until when; ``more`` is for the audit."""
        incident = case.incident
        self._desk.leave(case)
        incident.look_at = until
        if incident.withheld != reason:
            incident.withheld = reason.value
            self._note(case, now, reason, str(more.get("cause", "")))
            self._audit("incident.withheld", case, now, reason=reason.value, until=until, **more)

    def look(self, case: Case, now: int) -> None:
        """The time has come to judge it again."""
        case.incident.look_at = None
        if case.incident.shown is not None and case.incident.withheld:
            self.release(case, now)
        else:
            self.consider(case, now)

    def release(self, case: Case, now: int) -> None:
        """What withheld it has ended."""
        incident = case.incident
        incident.withheld, incident.cause = "", ""
        self._touch(case)
        if incident.state == "resolved" or not case.standing:
            return
        self._note(case, now, Reason.RELEASED, "")
        if incident.shown is None:
            self.consider(case, now)
        else:
            incident.sounded = now
