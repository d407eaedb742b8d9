"""Incidents as bytes, put together from pieces: what did not change is not encoded again.

An open incident is dozens of small values all over the memory, and most of what it costs to write one is to fetch them.
So the case keeps as bytes what of it hardly changes, its members, encoded anew when one changes, and its reasons; the
bytes are those of :func:`brain.incidents.publish.encode`.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import msgspec

from brain.incidents.fold import NOTHING, Case
from brain.incidents.value import REASONS_KEPT, Incident, Member

_fields = Incident.__struct_fields__
_first = _fields.index("revision")
_fixed: Any = msgspec.defstruct("_fixed", _fields[:_first], gc=False)
"""What most changes leave as it was; all others forget ``Case.fixed``, see :func:`brain.incidents.fold.note`."""
_moving: Any = msgspec.defstruct("_moving", _fields[_first:-2], gc=False)
"""What they change; members and reasons are written apart."""
_values = attrgetter(*_fields[:_first])
_encode = msgspec.json.Encoder().encode
_reasons = msgspec.json.Decoder(list[tuple[int, str, str]]).decode
_NEXT = b'"],['
"""Between two reasons."""
_UNSURE = b"\\,"
"""Before a quote: it may stand within a text, or begin one, and then all reasons are encoded again."""


def keep(case: Case, member: Member) -> None:
    """A member is new or has changed, and is encoded while it is at hand: who changes one in place says so.

    The only one of an incident is encoded with it.
    """
    members, kept = case.incident.members, case.lines
    if len(members) == 1:
        case.lines = None
    elif kept is None:
        case.lines = {m.id: _encode(m) for m in members}
    else:
        kept[member.id] = _encode(member)


def encode(case: Case) -> bytes:
    """JSON of an incident as it is now."""
    i = case.incident
    moving = _encode(_moving(
        i.revision, i.state, i.level, i.peak_level, i.raised, i.updated, i.cleared, i.quiet_until, i.resolved,
        i.close_at, i.withheld, i.look_at, i.sounded, i.raises, i.fates, i.cause, i.effects, i.rule,
    ))  # fmt: skip
    fixed = case.fixed or _fix(case)
    told = _tell(case) if case.fresh else case.told
    return b"".join((fixed, moving[1:-1], b',"members":[', _members(case), b'],"reasons":', told, b"]}"))


def whole(case: Case) -> Incident:
    """A copy of an open incident with its reasons; of what is in it nothing else is copied."""
    told = _tell(case) if case.fresh else case.told
    return msgspec.structs.replace(case.incident, reasons=_reasons(told + b"]"))


def _fix(case: Case) -> bytes:
    case.fixed = _encode(_fixed(*_values(case.incident)))[:-1] + b","
    return case.fixed


def _members(case: Case) -> bytes:
    members, kept = case.incident.members, case.lines
    if len(members) == 1:
        return _encode(members[0])
    if kept is None or len(kept) != len(members):
        kept = case.lines = {m.id: _encode(m) for m in members}
    return b",".join(kept.values())


def _tell(case: Case) -> bytes:
    """Write the fresh reasons after those that are kept; of all the last so many."""
    fresh = case.fresh
    stay = min(case.told_n, REASONS_KEPT - len(fresh))
    if stay <= 0:
        told, stay = _encode(fresh[-REASONS_KEPT:])[:-1], 0
    else:
        told = b"".join((b"[", _last(case.told, case.told_n - stay, stay), b",", _encode(fresh)[1:-1]))
    case.told, case.told_n, case.fresh = told, min(stay + len(fresh), REASONS_KEPT), NOTHING
    return told


def _last(told: bytes, first: int, count: int) -> bytes:
    """Of reasons as they are written those after the first so many, which are ``count``; without brackets around."""
    begin = 1
    for _ in range(first):
        at = told.find(_NEXT, begin)
        if at < 0 or told[at - 1] in _UNSURE:
            return _encode(_reasons(told + b"]")[-count:])[1:-1]
        begin = at + 3
    return told[begin:]
