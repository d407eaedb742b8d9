"""Clocks 计时 of an incident: what must happen by when, and what is told when it does not.

Clocks are values inside the incident, and these functions change them in place: a function of clocks, plan and fold
time, nothing else. A restart has nothing to restore but the incident: :func:`next_due` says when to call :func:`fire`,
and what fell due in between is told once, with its own time, however late it is called.

What people do to clocks is in ``clock_acts``.
"""

from __future__ import annotations

import enum
from typing import Final, Literal, NamedTuple

import msgspec

from brain.incidents.calendar import CalendarKind, Limit
from brain.incidents.limits import Plan

ClockName = Literal["accept", "arrive", "dispose", "escalate", "progress", "review"]
State = Literal["detected", "confirmed", "dispatched", "handling", "resolved", "closed", "false_alarm", "merged"]


class ClockReason(enum.StrEnum):
    """What happened to a clock: a closed list, safe as a metric label."""

    STOPPED = "clock_stopped"
    """What it waited for has come."""
    RESUMED = "clock_resumed"
    """It runs on with what was left: reopened, settled, or taken again."""
    PREDICTED = "breach_predicted"
    """So much of the limit is used that it will be missed if nothing happens 预警."""
    BREACHED = "breached"
    """The limit has passed 超时."""
    UNACKNOWLEDGED = "unacknowledged"
    """Nobody has taken a life-safety incident: the next step of escalation 升级催办."""
    STALE = "stale_acknowledgement"
    """Somebody took it, and nothing has happened for as long as was promised."""
    REVIEW_DUE = "review_due"
    """The day until which it was to wait has come 复核."""
    RETURNED = "returned"
    """The department says it is not theirs 退回: what it was to do stands still, and somebody must accept anew."""
    DISPUTED = "disputed"
    """Departments disagree whose it is 争议: the clock stands still."""
    EXTENDED = "extended"
    """More time was granted 延期."""
    SUPERVISED = "supervised"
    """Somebody above presses for it 督办, perhaps by an earlier time."""
    TIGHTENED = "tightened"
    """The level rose, and its limits are shorter."""
    WAITING = "waiting"
    """It waits until a day 待复核."""
    UNCOVERED = "calendar_uncovered"
    """The end lies beyond the years of the calendar: weekdays were counted, holidays unknown."""

    NOT_RUNNING = "not_running"
    """There is no such clock, or it has stopped; nothing changes."""
    RUNS_ON = "life_runs_on"
    """The clocks of never-hidden classes stand still for nobody; nothing changes."""
    TOO_LATE = "too_late"
    """Extended after its end; nothing changes."""
    EXTENDED_OUT = "extended_out"
    """Extended as often as may be; nothing changes."""
    PAST = "past"
    """A time that is not later than now; nothing changes."""

    @property
    def changes(self) -> bool:
        """Whether the clock is another one because of it."""
        return self not in _UNCHANGED


_UNCHANGED: Final = frozenset(
    (ClockReason.NOT_RUNNING, ClockReason.RUNS_ON, ClockReason.TOO_LATE, ClockReason.EXTENDED_OUT, ClockReason.PAST)
)


class Clock(msgspec.Struct, omit_defaults=True, gc=False):
    """One clock. All times are fold time, ms UTC.

    ``accept`` 受理, ``arrive`` 到场 and ``dispose`` 处置 are limits; ``escalate`` has the steps of a life-safety
    incident that nobody takes, ``progress`` the promise of an acknowledgement, ``review`` 复核 a time to wait until.
    """

    name: ClockName
    started: int
    due: int
    """When it ends; while it stands still, when it would have ended."""
    rule: str = ""
    """Which row of the table gave it its limit."""
    kind: CalendarKind = "clock"
    warn: int | None = None
    """When its breach is predicted."""
    early: int = 0
    """From warn to due, in ms of its calendar."""
    pausable: bool = False
    stopped: int | None = None
    stopped_by: str = ""
    """A state, or ``taken``, ``seen``, ``due``, ``returned``."""
    held: int | None = None
    """Since when it stands still."""
    held_by: str = ""
    left: int = 0
    """What was left when it stopped or began to stand still, in ms of its calendar."""
    until: int = 0
    """Nothing is used up before: it waits for a review."""
    stood: int = 0
    """By how much its end was moved, in ms of its calendar: standing still, waiting, extended."""
    predicted: int | None = None
    breached: int | None = None
    round: int = 1
    """Begun so many times: once more with each return."""
    missed: int = 0
    """Breaches in all rounds."""
    extended: int = 0
    supervised: int = 0
    uncovered: bool = False
    steps: tuple[int, ...] = ()
    """Of ``escalate``: since its start. Of ``progress``: the promise, once."""
    step: int = 0
    """Steps that were told."""
    most: int = 0
    """Of ``progress``: how often it is told."""

    def running(self) -> bool:
        """Neither stopped nor standing still."""
        return self.stopped is None and self.held is None

    def next(self) -> int | None:
        """When it has something to tell, or None."""
        if self.stopped is not None or self.held is not None:
            return None
        if self.name == "escalate":
            return self.due if self.step < len(self.steps) else None
        if self.name == "progress":
            return self.due if self.step < self.most else None
        if self.breached is not None:
            return None
        return self.due if self.warn is None or self.predicted is not None else min(self.warn, self.due)


class Told(NamedTuple):
    """What happened to a clock, and when. ``what`` is for an incident's reasons: ``accept``, or with its step
    ``escalate:2``.
    """

    clock: Clock
    reason: ClockReason
    at: int
    what: str


def told_of(clock: Clock, reason: ClockReason, at: int) -> Told:
    """With the step as it is now."""
    return Told(clock, reason, at, f"{clock.name}:{clock.step}" if clock.steps else clock.name)


TAKEN: Final = frozenset(("accept", "escalate"))
"""What stops when somebody takes it."""
_ALL: Final = frozenset(("accept", "arrive", "dispose", "escalate", "progress", "review"))
# Which clocks a state stops.
_STOPS: Final[dict[State, frozenset[str]]] = {
    "detected": frozenset(),
    "confirmed": TAKEN,
    "dispatched": TAKEN,
    "handling": TAKEN | {"arrive", "progress"},
    "resolved": _ALL - {"review"},
    "closed": _ALL,
    "false_alarm": _ALL,
    "merged": _ALL,
}
ENDS: Final = frozenset(("resolved", "closed", "false_alarm", "merged"))
"""What a clock that these states stopped runs on from, when the incident is reopened."""


# -- the timer heap's


def next_due(clocks: list[Clock]) -> int | None:
    """When :func:`fire` has something to tell, or None."""
    first: int | None = None
    for clock in clocks:
        at = clock.next()
        if at is not None and (first is None or at < first):
            first = at
    return first


def fire(clocks: list[Clock], now: int) -> list[Told]:
    """Tell all that fell due until ``now``, in order of time, each at its own time; of equal times in list order."""
    told: list[Told] = []
    while (at := next_due(clocks)) is not None and at <= now:
        clock = next(c for c in clocks if c.next() == at)
        reason = _tell(clocks, clock, at)
        told.append(told_of(clock, reason, at))
    return told


def _tell(clocks: list[Clock], clock: Clock, at: int) -> ClockReason:
    if clock.name == "escalate":
        clock.step += 1
        if clock.step < len(clock.steps):
            clock.due = clock.started + clock.stood + clock.steps[clock.step]
        return ClockReason.UNACKNOWLEDGED
    if clock.name == "progress":
        clock.step += 1
        clock.due = at + clock.steps[0]
        # Who took it does not act: as if nobody had.
        for other in clocks:
            if other.name == "escalate" and clock.step == 1:
                again(other, at)
        return ClockReason.STALE
    if clock.name == "review":
        clock.stopped, clock.stopped_by = at, "due"
        return ClockReason.REVIEW_DUE
    if clock.warn is not None and clock.predicted is None and clock.warn < clock.due:
        clock.predicted = at
        return ClockReason.PREDICTED
    clock.breached = at
    clock.missed += 1
    return ClockReason.BREACHED


# -- what happens to an incident


def start(plan: Plan, now: int) -> list[Clock]:
    """The clocks of an incident that becomes visible ``now``; those with ``uncovered`` are worth an ``UNCOVERED``."""
    clocks = []
    for name, limit in plan.limits:
        clock = Clock(name, now, now, plan.rule, plan.kind, pausable=plan.pausable)
        begin(clock, plan, limit, now)
        clocks.append(clock)
    if plan.steps:
        clocks.append(Clock("escalate", now, now + plan.steps[0], plan.rule, steps=plan.steps))
    return clocks


def moved(clocks: list[Clock], plan: Plan, state: State, now: int) -> list[Told]:
    """The incident is in another state: stop what that ends; when it leaves an end, run on what that end stopped.

    The time it was ended counts for no clock: each runs on from its own start with what was left. A life-safety
    incident that comes back and is with nobody escalates anew.
    """
    stops = _STOPS[state]
    told: list[Told] = []
    back = state not in ENDS and any(clock.stopped_by in ENDS for clock in clocks)
    for clock in clocks:
        if clock.name in stops:
            told += stop(clock, plan, state, now)
        elif back and clock.name == "escalate":
            again(clock, now)
            told.append(told_of(clock, ClockReason.RESUMED, now))
        elif back and clock.stopped_by in ENDS:
            told += run_on(clock, plan, now)
    if state in {"dispatched", "handling"}:
        told += released(clocks, plan, "returned", now)
    return told


def released(clocks: list[Clock], plan: Plan, why: str, now: int) -> list[Told]:
    """What stood still for that reason runs on."""
    return [t for clock in clocks if clock.held_by == why for t in run_on(clock, plan, now)]


# -- the steps these and the acts of people are made of


def begin(clock: Clock, plan: Plan, limit: Limit, now: int) -> None:
    """Give the clock its limit, counted from ``now``."""
    calendar = plan.calendars[clock.kind]
    ends = calendar.due(now, limit)
    used = int(ends.total * plan.warn)
    clock.started, clock.due, clock.uncovered = now, ends.at, not ends.covered
    clock.predicted = clock.breached = None
    clock.early = ends.total - used
    clock.warn = calendar.add_working_ms(now, used)


def aim(clock: Clock, plan: Plan, due: int, since: int) -> None:
    """Another end, of which nothing is used before ``since``; a prediction is void where there is time again."""
    calendar = plan.calendars[clock.kind]
    clock.stood += calendar.working_ms(clock.due, due) - calendar.working_ms(due, clock.due)
    clock.due = due
    clock.uncovered = clock.uncovered or not calendar.covers(since, due)
    if clock.warn is not None:
        left = calendar.working_ms(since, due)
        if left > clock.early:
            clock.predicted = None
        clock.warn = calendar.add_working_ms(since, max(0, left - clock.early))


def left(clock: Clock, plan: Plan, now: int) -> int:
    """What a running clock has left, in ms of its calendar."""
    return plan.calendars[clock.kind].working_ms(max(now, clock.until), clock.due)


def stop(clock: Clock, plan: Plan, why: str, now: int) -> list[Told]:
    """Stop it, if it is not stopped; it keeps what was left."""
    if clock.stopped is not None:
        return []
    if clock.held is None:
        clock.left = left(clock, plan, now)
    clock.stopped, clock.stopped_by = now, why
    clock.held, clock.held_by = None, ""
    return [told_of(clock, ClockReason.STOPPED, now)]


def run_on(clock: Clock, plan: Plan, now: int) -> list[Told]:
    """Go on with what was left; where the level rose meanwhile, with less."""
    clock.stopped, clock.stopped_by = None, ""
    clock.held, clock.held_by = None, ""
    if clock.name == "review":
        clock.due = max(clock.due, now)  # a day is a day
    elif clock.breached is None:
        since = max(now, clock.until)
        aim(clock, plan, plan.calendars[clock.kind].add_working_ms(since, clock.left), since)
    return [told_of(clock, ClockReason.RESUMED, now), *tighten(clock, plan, now)]


def tighten(clock: Clock, plan: Plan, now: int) -> list[Told]:
    """Where the plan has a shorter limit, that one counts from the clock's own start; none gets longer."""
    limit = next((limit for name, limit in plan.limits if name == clock.name), None)
    if limit is None or not clock.running() or clock.breached is not None:
        return []
    calendar = plan.calendars[plan.kind]
    ends = max(calendar.add_working_ms(calendar.due(clock.started, limit).at, max(0, clock.stood)), now)
    if ends >= clock.due:
        return []
    stood, clock.rule, clock.kind = clock.stood, plan.rule, plan.kind
    total = calendar.working_ms(clock.started, ends)
    clock.early = total - int(total * plan.warn)
    aim(clock, plan, ends, max(now, clock.until))
    clock.stood = stood
    return [told_of(clock, ClockReason.TIGHTENED, now)]


def again(escalate: Clock, now: int) -> None:
    """Escalation begins with its first step."""
    escalate.stopped, escalate.stopped_by = None, ""
    escalate.started, escalate.stood, escalate.step, escalate.due = now, 0, 0, now + escalate.steps[0]


def find(clocks: list[Clock], name: ClockName) -> Clock | None:
    """The clock of that name."""
    return next((clock for clock in clocks if clock.name == name), None)
