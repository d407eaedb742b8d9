"""The tables of the lifecycle 生命周期: which state follows which action, who may do it, why it may be refused."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

from brain.incidents.actions import Role
from brain.incidents.value import State


class Refusal(enum.StrEnum):
    """Why an action did nothing: a closed list, safe as a metric label."""

    UNKNOWN_INCIDENT = "unknown_incident"
    """Not there, nor within the time that one is waited for."""
    UNKNOWN_CODE = "unknown_code"
    """Neither a scenario nor a route of the set in force is of that family of events."""
    UNKNOWN_UNIT = "unknown_unit"
    """Not a department of the set in force."""
    ILLEGAL_TRANSITION = "illegal_transition"
    """Not in this state."""
    ALREADY = "already"
    """It is so already."""
    OVERTAKEN = "overtaken"
    """What another did after it, by their own times, was applied before it came."""
    STALE_REVISION = "stale_revision"
    """Another has acted since the revision that the person saw."""
    FORBIDDEN_ROLE = "forbidden_role"
    FORBIDDEN_DRILL = "forbidden_drill"
    """Of a drill and of what is real: the two are never one."""
    FORBIDDEN_LIFE = "forbidden_life"
    """Of a never-hidden class: not shelved, not merged across sites, no second proposal by the same person."""
    NOT_A_MEMBER = "not_a_member"
    NOT_ALL_MEMBERS = "not_all_members"
    """A split must leave something."""
    ALREADY_MERGED = "already_merged"
    SAME_INCIDENT = "same_incident"
    NOTHING_TO_UNDO = "nothing_to_undo"
    NOT_TAKEN = "not_taken"
    """Not with whoever would hand it over."""
    NO_LIMIT = "no_limit"
    """Of an extension: no limit runs, it has passed, or it was extended as often as may be."""
    BAD_TIME = "bad_time"
    """An end that has passed, or lies too far ahead."""


_EVERY: Final[frozenset[Role]] = frozenset(Role)
_DESK: Final = frozenset((Role.OPERATOR, Role.COMMANDER))
_FIELD: Final = _DESK | {Role.RESPONDER}
_ABOVE: Final = frozenset((Role.COMMANDER, Role.SUPERVISOR))

ROLES: Final[Mapping[str, frozenset[Role]]] = {
    "create": _FIELD, "confirm": _FIELD, "false_alarm": _FIELD, "assign": _DESK, "take": _FIELD, "dispatch": _DESK,
    "arrive": _FIELD, "resolve": _FIELD, "close": _DESK, "reopen": _EVERY, "split": _DESK, "merge": _DESK,
    "unmerge": _DESK, "link": _DESK, "handover": _FIELD, "shelve": _DESK, "unshelve": _DESK,
    "grade": frozenset((Role.COMMANDER,)), "respond": frozenset((Role.COMMANDER,)), "extend": _EVERY,
    "return": _FIELD, "dispute": _FIELD, "settle": _DESK, "wait": _FIELD,
    "supervise": _ABOVE, "acknowledge": _EVERY, "note": _EVERY,
}  # fmt: skip
"""Kind → roles that may do it."""

_OPEN: Final[tuple[State, ...]] = ("detected", "confirmed", "dispatched", "handling")
_GOING: Final[tuple[State, ...]] = (*_OPEN, "resolved")
_APART: Final[tuple[State, ...]] = (*_GOING, "closed", "false_alarm")


def _stay(*states: State) -> Mapping[State, State]:
    return {state: state for state in states}


NEXT: Final[Mapping[str, Mapping[State, State]]] = {
    "create": {},
    "confirm": {**_stay("confirmed", "dispatched", "handling"), "detected": "confirmed"},
    "false_alarm": dict.fromkeys(_GOING, "false_alarm"),
    "assign": _stay(*_OPEN),
    "take": _stay(*_OPEN),
    "dispatch": {"detected": "dispatched", "confirmed": "dispatched", **_stay("dispatched", "handling")},
    "arrive": {"confirmed": "handling", "dispatched": "handling", **_stay("handling")},
    "resolve": {"confirmed": "resolved", "dispatched": "resolved", "handling": "resolved"},
    "close": {"resolved": "closed"},
    "reopen": {"resolved": "confirmed", "closed": "confirmed", "false_alarm": "confirmed"},
    "split": _stay(*_GOING),
    "merge": dict.fromkeys(_GOING, "merged"),
    "unmerge": {"merged": "detected"},
    "link": _stay(*_APART),
    "handover": _stay(*_OPEN),
    "shelve": _stay("detected", "confirmed"),
    "unshelve": _stay(*_OPEN),
    "grade": _stay(*_GOING),
    "respond": _stay(*_GOING),
    "extend": _stay(*_OPEN),
    "return": {"detected": "detected", "confirmed": "confirmed", "dispatched": "confirmed", "handling": "confirmed"},
    "dispute": _stay(*_OPEN),
    "settle": _stay(*_OPEN),
    "wait": _stay(*_OPEN),
    "supervise": _stay(*_OPEN),
    "acknowledge": _stay(*_GOING),
    "note": _stay(*_APART, "merged"),
}
"""Kind → state in which it is legal → state afterwards. An incident that people had worked on is reopened as
``handling``; one whose merge is undone has the state again that it was merged in."""

ALREADY: Final[Mapping[str, State]] = {
    "false_alarm": "false_alarm", "resolve": "resolved", "close": "closed",
}  # fmt: skip
"""Kind → the state in which there is nothing left to do."""
LAST_WORD: Final[Mapping[str, str]] = {
    "assign": "lead", "take": "taken", "handover": "taken", "return": "taken", "grade": "grade", "respond": "response",
}  # fmt: skip
"""Kind → what it sets: of those that set the same the last by people's own times holds."""
