"""What of an incident a caller does not see: a record as it is, or with less, by rights."""

from __future__ import annotations

import msgspec

from brain.incidents.value import Act, Incident, Member
from brain.screen.access.rights import Right


def masked(incident: Incident, rights: frozenset[Right]) -> Incident:
    """Without members and what judged them for those who do not see evidence, without what people wrote and agents
    said in words for those who do not see personal data. The incident that was given is not changed."""
    evidence, personal = Right.EVIDENCE in rights, Right.PERSONAL in rights
    if evidence and personal:
        return incident
    members = [_member(m, personal=personal) for m in incident.members] if evidence else []
    history = incident.history if personal else [_act(a) for a in incident.history]
    # A case of calls is named for its grid and class; what else the place is called may be somebody's address.
    return msgspec.structs.replace(incident, members=members, history=history)


def _member(member: Member, *, personal: bool) -> Member:
    if personal or not (member.text or member.facts):
        return member
    # What an agent says in words may be somebody's name or address; its numbers are values like any other.
    numbers = {name: value for name, value in member.facts.items() if not isinstance(value, str)}
    return msgspec.structs.replace(member, text="", facts=numbers)


def _act(act: Act) -> Act:
    return msgspec.structs.replace(act, note="") if act.note else act
