"""What people do to the clocks of an incident: take, return, dispute, extend, press, wait.

As in ``clocks``, in place and a function of clocks, plan and fold time. Each answers named reasons; where nothing
changes, why. Whether somebody may do it is not asked here: that is the business of feedback.
"""

from __future__ import annotations

from brain.incidents.calendar import Limit
from brain.incidents.clocks import (
    TAKEN,
    Clock,
    ClockName,
    ClockReason,
    Told,
    again,
    aim,
    begin,
    find,
    left,
    released,
    stop,
    tighten,
    told_of,
)
from brain.incidents.limits import LIMIT_NAMES, Plan


def acted(
    clocks: list[Clock], plan: Plan, what: str, now: int, *, until: int = 0, more: Limit | None = None
) -> list[Told]:
    """What one kind of action does; where it moves the state, after :func:`brain.incidents.clocks.moved`.

    ``until``: of wait, supervise and acknowledge, ms UTC; ``more``: of extend. Whatever is not listed is progress.
    """
    if what in {"take", "handover"}:
        return acknowledged(clocks, plan, now)
    if what == "acknowledge":
        return acknowledged(clocks, plan, now, until - now if until > now else None, seen=True)
    if what == "return":
        return returned(clocks, plan, now)
    told = progressed(clocks, plan, now)
    if what == "dispute":
        told += disputed(clocks, plan, now)
    elif what == "settle":
        told += settled(clocks, plan, now)
    elif what == "wait":
        told.append(waiting(clocks, plan, until, now))
    elif what == "supervise":
        told.append(supervised(clocks, plan, now, until or None))
    elif what == "extend" and more is not None:
        told.append(extended(clocks, plan, more, now))
    return told


def acknowledged(
    clocks: list[Clock], plan: Plan, now: int, promised: int | None = None, *, seen: bool = False
) -> list[Told]:
    """Somebody takes it: acceptance and escalation stop, and the promise begins. ``seen`` 签收: acceptance runs on.

    ``promised``: in ms, else the table's. Called again it stops what a stale acknowledgement began, and the promise
    begins anew.
    """
    names = {"escalate"} if seen else TAKEN
    told = [t for clock in clocks if clock.name in names for t in stop(clock, plan, "seen" if seen else "taken", now)]
    if not seen:
        told += released(clocks, plan, "returned", now)
    every = plan.promise if promised is None else promised
    if every > 0:
        clocks[:] = [c for c in clocks if c.name != "progress"]
        clocks.append(Clock("progress", now, now + every, steps=(every,), most=plan.repeats))
    return told


def progressed(clocks: list[Clock], plan: Plan, now: int) -> list[Told]:
    """Somebody did something: the promise begins anew, and the escalation of a stale acknowledgement stops."""
    clock = find(clocks, "progress")
    if clock is None or clock.stopped is not None:
        return []
    clock.started, clock.due, clock.step = now, now + clock.steps[0], 0
    escalate = find(clocks, "escalate")
    return [] if escalate is None else stop(escalate, plan, "taken", now)


def returned(clocks: list[Clock], plan: Plan, now: int) -> list[Told]:
    """The department sends it back 退回: it must be accepted anew; arrival and disposal stand still meanwhile.

    Those of life-safety stand still for nobody: they run on, and the escalation begins anew.
    """
    told = _hold(clocks, plan, ("arrive", "dispose"), ClockReason.RETURNED, now)
    for clock in clocks:
        if clock.name == "accept" and clock.stopped is not None:
            limit = next((limit for name, limit in plan.limits if name == "accept"), None)
            if limit is not None:
                clock.stopped, clock.stopped_by, clock.stood = None, "", 0
                clock.rule, clock.kind = plan.rule, plan.kind
                clock.round += 1
                begin(clock, plan, limit, now)
                told.append(told_of(clock, ClockReason.RETURNED, now))
        elif clock.name == "escalate":
            again(clock, now)
            clock.round += 1
            told.append(told_of(clock, ClockReason.RETURNED, now))
        elif clock.name == "progress":
            told += stop(clock, plan, "returned", now)
    return told or [_nothing(clocks, now)]


def disputed(clocks: list[Clock], plan: Plan, now: int) -> list[Told]:
    """Departments disagree 争议: limits stand still until :func:`settled`; those of life-safety do not."""
    return _hold(clocks, plan, LIMIT_NAMES, ClockReason.DISPUTED, now) or [_nothing(clocks, now)]


def settled(clocks: list[Clock], plan: Plan, now: int) -> list[Told]:
    """The dispute is over: limits run on with what was left."""
    return released(clocks, plan, "disputed", now) or [_nothing(clocks, now)]


def extended(clocks: list[Clock], plan: Plan, more: Limit, now: int) -> Told:
    """More time for the disposal 延期, granted before its end and as often as the table allows."""
    clock = find(clocks, "dispose")
    if clock is None or not clock.running():
        return _nothing(clocks, now)
    if clock.breached is not None or now >= clock.due:
        return told_of(clock, ClockReason.TOO_LATE, now)
    if clock.extended >= plan.extensions:
        return told_of(clock, ClockReason.EXTENDED_OUT, now)
    clock.extended += 1
    aim(clock, plan, plan.calendars[clock.kind].due(clock.due, more).at, max(now, clock.until))
    return told_of(clock, ClockReason.EXTENDED, now)


def supervised(clocks: list[Clock], plan: Plan, now: int, by: int | None = None) -> Told:
    """Somebody above presses for the disposal 督办; ``by``: the time it is wanted, if that is earlier than its end."""
    clock = find(clocks, "dispose")
    if clock is None or not clock.running():
        return _nothing(clocks, now)
    if by is not None and by <= now:
        return told_of(clock, ClockReason.PAST, now)
    clock.supervised += 1
    if by is not None and by < clock.due and clock.breached is None:
        aim(clock, plan, by, max(now, min(by, clock.until)))
    return told_of(clock, ClockReason.SUPERVISED, now)


def waiting(clocks: list[Clock], plan: Plan, until: int, now: int) -> Told:
    """Wait until a time 复核日期; the disposal has after it what it has left now. Another wait takes its place.

    Life-safety waits for nothing: its review comes, and its disposal ends when it would have.
    """
    if until <= now:
        return told_of(Clock("review", now, until), ClockReason.PAST, now)
    dispose = find(clocks, "dispose")
    if dispose is not None and dispose.pausable and dispose.stopped is None and dispose.breached is None:
        rest = dispose.left if dispose.held is not None else left(dispose, plan, now)
        dispose.until = until
        if dispose.held is None:
            aim(dispose, plan, plan.calendars[dispose.kind].add_working_ms(until, rest), until)
    clocks[:] = [c for c in clocks if c.name != "review"]
    clocks.append(Clock("review", now, until))
    return told_of(clocks[-1], ClockReason.WAITING, now)


def levelled(clocks: list[Clock], plan: Plan, now: int) -> list[Told]:
    """The level rose, and ``plan`` is that of the new one: shorter limits count, from each clock's own start."""
    return [t for clock in clocks for t in tighten(clock, plan, now)]


def _hold(clocks: list[Clock], plan: Plan, names: tuple[ClockName, ...], why: ClockReason, now: int) -> list[Told]:
    told = []
    for clock in clocks:
        if clock.name in names and clock.running() and clock.pausable and clock.breached is None:
            clock.left = left(clock, plan, now)
            clock.held, clock.held_by = now, why.value
            told.append(told_of(clock, why, now))
    return told


def _nothing(clocks: list[Clock], now: int) -> Told:
    """Why nothing changes: there is nothing that runs, or what runs does not stand still."""
    running = next((c for c in clocks if c.name in LIMIT_NAMES and c.running()), None)
    if running is not None and not running.pausable:
        return told_of(running, ClockReason.RUNS_ON, now)
    return told_of(running or Clock("dispose", now, now), ClockReason.NOT_RUNNING, now)
