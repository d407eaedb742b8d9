"""Incidents as bytes: members and reasons that did not change are not encoded again.

An open incident is dozens of small values all over the memory, and most of what it costs to write one is to fetch them.
Its members and reasons change one at a time, so the case keeps them as they were written, members from when they were
changed; the bytes are those of :func:`brain.incidents.publish.encode`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from brain.incidents.fold import Case
from brain.incidents.value import REASONS_KEPT, Member

_encode = msgspec.json.Encoder().encode
_raw = msgspec.Raw
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
    incident: Any = case.incident
    members, reasons = incident.members, incident.reasons
    if len(members) > 1:
        incident.members = _raw(_members(case, members))
    incident.reasons = _raw(_reasons(case, reasons))
    try:
        return _encode(incident)
    finally:
        incident.members, incident.reasons = members, reasons


def _members(case: Case, members: list[Member]) -> bytes:
    kept = case.lines
    if kept is None:
        kept = case.lines = {m.id: _encode(m) for m in members}
    return b"[%b]" % b",".join(kept.values()) if len(kept) == len(members) else _encode(members)


def _reasons(case: Case, reasons: list[tuple[int, str, str]]) -> bytes:
    fresh, told, n = case.fresh, case.told, case.told_n
    case.fresh = 0
    if fresh == 1 and n and n + 1 == len(reasons):
        told, n = b"%b,%b" % (told, _encode(reasons[-1])), n + 1
    elif fresh or not n or n != len(reasons):
        told, n = _anew(told, n, fresh, reasons), len(reasons)
    case.told, case.told_n = told, n
    return told + b"]"


def _anew(told: bytes, n: int, fresh: int, reasons: list[tuple[int, str, str]]) -> bytes:
    """Those that were told and are kept, and the fresh ones; all of them where that is not sure."""
    if n and 0 < fresh < REASONS_KEPT:
        told = b"%b,%b" % (told, _encode(reasons[-fresh:])[1:-1])
        n += fresh
        while n > len(reasons):
            at = told.find(_NEXT)
            if at < 0 or told[at - 1] in _UNSURE:
                break
            told, n = b"[" + told[at + 3 :], n - 1
        if n == len(reasons):
            return told
    return _encode(reasons)[:-1]
