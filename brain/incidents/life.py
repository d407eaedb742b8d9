"""The lifecycle 生命周期: which action is legal in which state, and what it does to the incident.

Pure: an incident, an action and the fold time in; the incident changed and :class:`Done`, or nothing changed and
:class:`Refused`. What needs a second incident or another index (:data:`BY_BOOK`) is judged and recorded here too, and
done by the book: it calls :func:`judge`, then :func:`propose`, does it, and calls :func:`record`.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, get_args

from brain.incidents import actions
from brain.incidents.actions import Action, AnyAction, Role, kind_of
from brain.incidents.reasons import Reason
from brain.incidents.transitions import ALREADY, LAST_WORD, NEXT, ROLES, Refusal
from brain.incidents.value import OVER, Act, Incident, State, Text
from brain.incidents.withheld import Shelf

HISTORY_KEPT: Final = 200
PROPOSAL_MS: Final = 30 * 60_000
"""A proposal that nobody has seconded for so long (fold time) has to be made anew."""
SHELF_MS: Final = 7 * 86_400_000
"""Longest that one may put aside."""
WAIT_MS: Final = 366 * 86_400_000
"""Longest wait for a review, and latest time by which a supervisor may want it."""
PROMISE_MS: Final = 24 * 3_600_000
PROMISE_LIFE_MS: Final = 30 * 60_000
"""Longest promise of an acknowledgement; of a never-hidden class."""

ByBook = (
    actions.Create | actions.Split | actions.Merge | actions.Unmerge | actions.Link | actions.Shelve | actions.Unshelve
)
BY_BOOK: Final = frozenset(kind_of(c) for c in get_args(ByBook))
"""Kinds that make, or touch, more than one incident."""


class Refused(NamedTuple):
    """Nothing changed. ``by`` and ``unit``: the other actor, where one is the reason."""

    reason: Refusal
    detail: str
    by: str = ""
    unit: str = ""


class Done(NamedTuple):
    """The act that is now in the history, the state before and after.

    ``proposed``: nothing but that was done, a second person has to do the same. Both states are empty where it was
    about no single incident.
    """

    act: Act
    was: State | Literal[""]
    state: State | Literal[""]
    proposed: bool = False


def judge(incident: Incident, action: AnyAction, now: int) -> Refused | None:
    """Whether the action may be done to the incident as it stands; nothing changes. ``now``: fold time, ms UTC."""
    kind = kind_of(action)
    forbidden = may(action)
    if forbidden is not None:
        return forbidden
    if incident.state not in NEXT[kind]:
        return _not_in(incident, action, kind)
    stale = _stale(incident, action) or _overtaken(incident, action, kind)
    if stale is not None:
        return stale
    return _particular(incident, action, now)


def may(action: AnyAction) -> Refused | None:
    """Whether the actor's role may do that at all."""
    kind, role = kind_of(action), action.by.role
    if role in ROLES[kind]:
        return None
    allowed = ", ".join(sorted(ROLES[kind]))
    return Refused(Refusal.FORBIDDEN_ROLE, f"{kind} is for {allowed}; {action.by.id} acts as {role}")


def may_merge(a: Incident, b: Incident, *, same_site: bool) -> Refused | None:
    """What :func:`judge`, which sees ``a`` alone, cannot say of a merge of ``a`` into ``b``."""
    if a.id == b.id:
        return Refused(Refusal.SAME_INCIDENT, f"{a.id} cannot be merged into itself")
    if a.drill != b.drill:
        return Refused(Refusal.FORBIDDEN_DRILL, f"{a.id} and {b.id}: one is of a drill, the other is real")
    if b.state in OVER:
        return Refused(Refusal.ILLEGAL_TRANSITION, f"{b.id} is {b.state}: nothing can be merged into it")
    if (a.life or b.life) and not (a.life and b.life and a.family == b.family and same_site):
        return Refused(Refusal.FORBIDDEN_LIFE, "a never-hidden class is merged only with its like at the same site")
    return None


def may_shelve(action: actions.Shelve, now: int, *, life: bool) -> Refused | None:
    """Whether a scope may be put aside; ``life``: the scenario or family it names is of a never-hidden class."""
    if life:
        return Refused(Refusal.FORBIDDEN_LIFE, "a never-hidden class is never put aside")
    return may(action) or _until("until", action.until, now, SHELF_MS)


def shelf_of(action: actions.Shelve, now: int) -> Shelf:
    """The shelf that the action asks for."""
    return Shelf(
        action.until, action.by.id, action.note, incident=action.incident, asset=action.asset,
        scenario=action.scenario, grid=action.grid, family=action.family, since=now,
    )  # fmt: skip


def scope_of(action: actions.Scope) -> str:
    """What a shelf is about, as its key."""
    return Shelf(
        0, "", "", incident=action.incident, asset=action.asset, scenario=action.scenario, grid=action.grid,
        family=action.family,
    ).scope()  # fmt: skip


def propose(incident: Incident, action: AnyAction, now: int) -> Done | None:
    """The first of two persons where it takes two: recorded, and no more. None: go ahead."""
    kind = kind_of(action)
    if not (incident.life and isinstance(action, actions.FalseAlarm | actions.Merge)):
        return None
    if _proposals(incident, action, now) - {action.by.id}:
        return None
    act = record(incident, action, now)
    act.what = f"propose_{kind}"
    return Done(act, incident.state, incident.state, proposed=True)


def apply(incident: Incident, action: AnyAction, now: int) -> Done | Refused:
    """Do it. Raises TypeError for what the book does (:data:`BY_BOOK`)."""
    kind = kind_of(action)
    if kind in BY_BOOK:
        raise TypeError(f"{kind}: judged and recorded here, done by the book")
    refused = judge(incident, action, now)
    if refused is not None:
        return refused
    proposed = propose(incident, action, now)
    if proposed is not None:
        return proposed
    was = incident.state
    incident.state = next_state(incident, action)
    _set(incident, action, now)
    act = record(incident, action, now, was if was != incident.state else "")
    return Done(act, was, incident.state)


def next_state(incident: Incident, action: AnyAction) -> State:
    """The state after a legal action. Raises KeyError for one that is not legal."""
    kind = kind_of(action)
    if kind == "reopen" and any(act.what in {"take", "dispatch", "arrive"} for act in incident.history):
        return "handling"
    if kind == "unmerge":
        for act in reversed(incident.history):
            if act.what == "merge" and act.was:
                return act.was
    return NEXT[kind][incident.state]


def act_of(action: AnyAction, now: int) -> Act:
    """What a person did, as it stands in histories."""
    by, until = action.by, getattr(action, "until", None)
    return Act(
        now, kind_of(action), by.id, by.unit, action.note, action.id, "", by.role.value, at=min(action.t, now),
        to=_named(action), until=until or 0,
    )  # fmt: skip


def record(
    incident: Incident, action: AnyAction, now: int, was: State | Literal[""] = "", other: str | None = None
) -> Act:
    """Write the act into the history and count the change; ``was``: the state before, where it moved; ``other``: what
    it names, where that is another than of the incident it was said of."""
    incident.revision += 1
    incident.updated = now
    act = act_of(action, now)
    act.was, act.revision = was, incident.revision
    if other is not None:
        act.to = other
    incident.history = _bounded([*incident.history, act])
    return act


# -- reasons against


def _not_in(incident: Incident, action: AnyAction, kind: str) -> Refused:
    last = _moved(incident)
    who = {} if last is None else {"by": last.by, "unit": last.unit}
    if incident.state == "merged" and kind == "merge":
        return Refused(Refusal.ALREADY_MERGED, f"{incident.id} is part of {incident.merged_into}", **who)
    if kind == "unmerge":
        return Refused(Refusal.NOTHING_TO_UNDO, f"{incident.id} is {incident.state}, not merged")
    if ALREADY.get(kind) == incident.state:
        return Refused(Refusal.ALREADY, f"{incident.id} is {incident.state} already", **who)
    if last is not None and action.t < last.at and not _knows(action, last):
        return _after(Refusal.OVERTAKEN, last)
    legal = ", ".join(NEXT[kind]) or "none"
    return Refused(Refusal.ILLEGAL_TRANSITION, f"{kind} is legal in {legal}; {incident.id} is {incident.state}", **who)


def _stale(incident: Incident, action: AnyAction) -> Refused | None:
    if action.expect is None:
        return None
    if action.expect > incident.revision:
        return Refused(Refusal.STALE_REVISION, f"revision {action.expect} is not there yet: {incident.revision} is")
    for act in reversed(incident.history):
        if act.revision <= action.expect:
            return None
        if act.by != action.by.id:
            return _after(Refusal.STALE_REVISION, act)
    return None


def _overtaken(incident: Incident, action: AnyAction, kind: str) -> Refused | None:
    moves, sets = NEXT[kind][incident.state] != incident.state and kind not in BY_BOOK, LAST_WORD.get(kind)
    for act in reversed(incident.history):
        same = (moves and act.was) or (sets is not None and LAST_WORD.get(act.what) == sets)
        if same and act.at > action.t and not _knows(action, act):
            return _after(Refusal.OVERTAKEN, act)
    return None


def _particular(incident: Incident, action: AnyAction, now: int) -> Refused | None:
    match action:
        case actions.Confirm() if incident.confidence == "confirmed" and incident.state != "detected":
            return Refused(Refusal.ALREADY, f"{incident.id} is confirmed already")
        case actions.FalseAlarm() | actions.Merge() if _alone(incident, action, now):
            return Refused(Refusal.FORBIDDEN_LIFE, "of a never-hidden class: a second person has to do the same")
        case actions.Merge() if action.into == incident.id:
            return Refused(Refusal.SAME_INCIDENT, f"{incident.id} cannot be merged into itself")
        case actions.Link() if action.other == incident.id:
            return Refused(Refusal.SAME_INCIDENT, f"{incident.id} cannot be linked to itself")
        case actions.Link() if action.other in incident.links:
            return Refused(Refusal.ALREADY, f"{incident.id} is linked to {action.other} already")
        case actions.Split():
            return _splits(incident, action)
        case actions.Handover() if incident.taken_by != action.giver:
            return Refused(
                Refusal.NOT_TAKEN, f"{incident.id} is with {incident.taken_by or 'nobody'}, not with {action.giver}"
            )
        case actions.Return() if action.by.role is Role.RESPONDER and incident.taken_by not in {"", action.by.id}:
            return Refused(Refusal.NOT_TAKEN, f"{incident.id} is with {incident.taken_by}, not with {action.by.id}")
        case actions.Shelve() if incident.life:
            return Refused(Refusal.FORBIDDEN_LIFE, "a never-hidden class is never put aside")
        case actions.Shelve():
            return _until("until", action.until, now, SHELF_MS)
        case actions.Unshelve() if incident.withheld != Reason.SHELVED:
            return Refused(Refusal.NOTHING_TO_UNDO, f"{incident.id} is not put aside")
        case actions.SetGrade() if incident.grade == action.grade:
            return Refused(Refusal.ALREADY, f"its grade is {action.grade or 'not set'} already")
        case actions.SetResponse() if incident.response == action.response:
            return Refused(Refusal.ALREADY, f"its response is {action.response or 'not set'} already")
        case actions.Wait():
            return _until("until", action.until, now, WAIT_MS)
        case actions.Supervise() if action.until is not None:
            return _until("until", action.until, now, WAIT_MS)
        case actions.Acknowledge() if action.until is not None:
            return _until("until", action.until, now, PROMISE_LIFE_MS if incident.life else PROMISE_MS)
    return None


def _splits(incident: Incident, action: actions.Split) -> Refused | None:
    mine = {member.id for member in incident.members}
    strange = [name for name in action.members if name not in mine]
    if strange:
        return Refused(Refusal.NOT_A_MEMBER, f"{strange[0]} is no member of {incident.id}")
    if mine <= set(action.members):
        return Refused(Refusal.NOT_ALL_MEMBERS, f"{incident.id} has only these {len(mine)}: a split must leave one")
    return None


def _until(name: str, until: int, now: int, most: int) -> Refused | None:
    if now < until <= now + most:
        return None
    return Refused(Refusal.BAD_TIME, f"{name}: expected within {most // 60_000} minutes from now, got {until}")


def _after(reason: Refusal, act: Act) -> Refused:
    unit = f" ({act.unit})" if act.unit else ""
    return Refused(reason, f"{act.by or 'others'}{unit}: {act.what}, revision {act.revision}", act.by, act.unit)


def _knows(action: Action, act: Act) -> bool:
    return action.expect is not None and action.expect >= act.revision


def _moved(incident: Incident) -> Act | None:
    return next((act for act in reversed(incident.history) if act.was), None)


def _proposals(incident: Incident, action: AnyAction, now: int) -> set[str]:
    """Who has proposed the same lately, and since the state last moved."""
    what, named, who = f"propose_{kind_of(action)}", _named(action), set()
    for act in reversed(incident.history):
        if act.was or now - act.t > PROPOSAL_MS:
            break
        if act.what == what and act.to == named:
            who.add(act.by)
    return who


def _alone(incident: Incident, action: AnyAction, now: int) -> bool:
    """Whether only the actor has proposed it, where it takes two."""
    return incident.life and _proposals(incident, action, now) == {action.by.id}


# -- effects


def _set(incident: Incident, action: AnyAction, now: int) -> None:
    match action:
        case actions.Confirm():
            incident.confidence = "confirmed"
        case actions.Assign():
            incident.lead, incident.lead_name = action.lead, Text()
            incident.assisting, incident.route = list(action.assisting), "by_hand"
        case actions.Take():
            incident.taken_by = action.by.id
        case actions.Handover():
            incident.taken_by = action.taker
        case actions.Return():
            incident.taken_by = ""
        case actions.Resolve():
            incident.resolved, incident.quiet_until = now, None
        case actions.Reopen():
            incident.resolved = incident.close_at = incident.quiet_until = None
        case actions.SetGrade():
            incident.grade = action.grade
        case actions.SetResponse():
            incident.response = action.response
    if incident.state in OVER:
        incident.quiet_until = incident.close_at = incident.look_at = None


def _named(action: AnyAction) -> str:
    match action:
        case actions.Assign():
            return ",".join([action.lead, *action.assisting])
        case actions.Dispatch():
            return ",".join(action.units)
        case actions.Split():
            return f"{len(action.members)} members"
        case actions.Merge():
            return action.into
        case actions.Link():
            return action.other
        case actions.Handover():
            return action.taker
        case actions.Scope():
            return scope_of(action)
        case actions.SetGrade():
            return action.grade
        case actions.SetResponse():
            return action.response
        case actions.Extend():
            return f"{action.days} days" if action.days else f"{action.minutes} minutes"
    return ""


def _bounded(history: list[Act]) -> list[Act]:
    """With the oldest acts summed up where there are too many: when they began, how many they were."""
    over = len(history) - HISTORY_KEPT
    if over <= 0:
        return history
    old = history[: over + 1]
    many = sum(act.count for act in old)
    return [Act(old[0].t, "earlier", at=old[0].at, revision=old[-1].revision, count=many), *history[over + 1 :]]
