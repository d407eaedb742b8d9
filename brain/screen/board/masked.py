"""What of an incident a caller does not see: a record as it is, or with less, by rights."""

from __future__ import annotations

import msgspec

from brain.incidents.value import Act, Incident, Member
from brain.screen.access.rights import Right


def masked(incident: Incident, rights: frozenset[Right]) -> Incident:
    """Without members and what judged them for those who do not see evidence, without what people wrote for those who
    do not see personal data. The incident that was given is not changed."""
    evidence, personal = Right.EVIDENCE in rights, Right.PERSONAL in rights
    if evidence and personal:
        return incident
    members = [_member(m, personal=personal) for m in incident.members] if evidence else []
    history = incident.history if personal else [_act(a) for a in incident.history]
    # A case of calls is named for its grid and class; what else the place is called may be somebody's address.
    return msgspec.structs.replace(incident, members=members, history=history)


def _member(member: Member, *, personal: bool) -> Member:
    return member if personal or not member.text else msgspec.structs.replace(member, text="")


def _act(act: Act) -> Act:
    return msgspec.structs.replace(act, note="") if act.note else act
