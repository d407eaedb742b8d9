"""Roles and what each may do: one table, which the guards, the documents and the tests read."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import msgspec
from litestar import Request

from brain.incidents.actions import Role as Duty

SCOPE: Final = "caller"
"""Where a request's scope keeps its :class:`Caller`."""


class Role(enum.StrEnum):
    """What an account is for. The three administrators 三员 are three people: no account has two of them."""

    VIEWER = "viewer"
    """查看: a wall, a guest."""
    DISPATCHER = "dispatcher"
    """值守: at a console; acts on incidents."""
    DOMAIN = "domain"
    """领域团队: writes scenarios, reads evidence; acts on no incident."""
    SYSTEM = "system"
    """系统管理员: keeps it running; sees no personal data and acts on no incident."""
    SECURITY = "security"
    """安全管理员: who may what."""
    AUDITOR = "auditor"
    """审计员: what everybody did; does nothing himself."""


class Right(enum.StrEnum):
    """What a route asks for."""

    NONE = "none"
    """Everybody, also without a token."""
    SELF = "self"
    """Any account, about itself."""
    READ = "read"
    """Incidents, map, statistics, the stream."""
    EVIDENCE = "evidence"
    """Signals and values behind an incident."""
    PERSONAL = "personal"
    """Texts of tickets, addresses."""
    ACT = "act"
    """Actions on incidents; which of them: the duty says."""
    ASSETS = "assets"
    """The registry of sensing assets and its health."""
    OPERATE = "operate"
    """Lag, partitions, what the process says of itself."""
    ACCOUNTS = "accounts"
    """Who may what, and what was refused."""
    AUDIT = "audit"
    """What everybody did."""


RIGHTS: Final[Mapping[Role, frozenset[Right]]] = {
    Role.VIEWER: frozenset({Right.NONE, Right.SELF, Right.READ, Right.ASSETS}),
    Role.DISPATCHER: frozenset(
        {Right.NONE, Right.SELF, Right.READ, Right.EVIDENCE, Right.PERSONAL, Right.ACT, Right.ASSETS}
    ),
    Role.DOMAIN: frozenset({Right.NONE, Right.SELF, Right.READ, Right.EVIDENCE, Right.ASSETS}),
    Role.SYSTEM: frozenset({Right.NONE, Right.SELF, Right.READ, Right.ASSETS, Right.OPERATE}),
    Role.SECURITY: frozenset({Right.NONE, Right.SELF, Right.ACCOUNTS}),
    Role.AUDITOR: frozenset({Right.NONE, Right.SELF, Right.READ, Right.EVIDENCE, Right.AUDIT}),
}


class Caller(msgspec.Struct, frozen=True):
    """Who asks. ``id`` is an account, never a name; ``districts``: codes that the account is bound to, () for all;
    ``duty``: as what it acts on incidents, None where it does not; ``expires``: ms UTC."""

    id: str
    roles: frozenset[Role]
    unit: str = ""
    districts: tuple[str, ...] = ()
    duty: Duty | None = None
    expires: int = 0

    @property
    def rights(self) -> frozenset[Right]:
        """Of all its roles together."""
        return _together(self.roles)


@cache
def _together(roles: frozenset[Role]) -> frozenset[Right]:
    return frozenset().union(*(RIGHTS[role] for role in roles))


def caller_of(request: Request[Any, Any, Any]) -> Caller:
    """Who asks. Raises KeyError on a route that let a request through without: a bug, which a test looks for."""
    scope: Any = request.scope
    caller: Caller = scope[SCOPE]
    return caller
