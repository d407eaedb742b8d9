"""Accounts to try it with, on one machine: signed in without a password, by a secret that ends with the process."""

from __future__ import annotations

import secrets
from typing import Any, Final, NamedTuple

import jwt
import msgspec

from brain.incidents.actions import Role as Duty
from brain.screen.access.config import Access, Limits
from brain.screen.access.keys import FixedKeys, Key
from brain.screen.access.rights import Role
from brain.screen.language import Say

ISSUER: Final = "city-brain-demo"
AUDIENCE: Final = "city-brain"
HOURS: Final = 12
UNIT: Final = "指挥中心"


class Account(NamedTuple):
    """One that may be taken: an id, never a name."""

    id: str
    role: Role
    title: Say
    unit: str = ""
    duty: Duty | None = None


ACCOUNTS: Final = (
    Account("op-01", Role.DISPATCHER, Say("值班员", "operator"), UNIT, Duty.OPERATOR),
    Account("op-02", Role.DISPATCHER, Say("值班员", "operator"), UNIT, Duty.OPERATOR),
    Account("cmd-01", Role.DISPATCHER, Say("指挥长", "commander"), UNIT, Duty.COMMANDER),
    Account("rsp-01", Role.DISPATCHER, Say("处置人员", "responder"), "处置一组", Duty.RESPONDER),
    Account("sup-01", Role.DISPATCHER, Say("督办", "supervisor"), "督查室", Duty.SUPERVISOR),
    Account("viewer-01", Role.VIEWER, Say("大屏查看", "viewer")),
    Account("dom-eco-01", Role.DOMAIN, Say("生态环境领域团队", "domain team, environment")),
    Account("sys-01", Role.SYSTEM, Say("系统管理员", "system administrator")),
    Account("sec-01", Role.SECURITY, Say("安全管理员", "security administrator")),
    Account("aud-01", Role.AUDITOR, Say("审计员", "auditor")),
)


class Demo:
    """The accounts, and what signs for them; its access takes nobody else's tokens."""

    def __init__(self, limits: Limits | None = None) -> None:
        key = Key("HS256", secrets.token_bytes(48))
        self.keys = FixedKeys({"": key})
        self._key = key
        self.access = Access(
            issuer=ISSUER, audience=AUDIENCE, algorithms=["HS256"], secret_file="-", limits=limits or Limits()
        )

    def token(self, account: str, now: int) -> str:
        """Of an account of the list; ``now`` in ms UTC. Raises KeyError."""
        found = {a.id: a for a in ACCOUNTS}[account]
        duty = None if found.duty is None else found.duty.value
        return issue(
            self._key, self.access, now, HOURS * 3600, account=found.id, roles=[found.role.value], unit=found.unit,
            duty=duty, jti=secrets.token_hex(8),
        )  # fmt: skip


def issue(
    key: Key, access: Access, now: int, seconds: int, *, account: str, roles: list[str], unit: str = "",
    districts: list[str] | None = None, duty: str | None = None, kid: str = "", **more: Any,
) -> str:  # fmt: skip
    """A token as this server wants them, its claims at the top by our names. ``now``: ms UTC."""
    at = now // 1000
    claims: dict[str, Any] = {
        "iss": access.issuer, "aud": access.audience, "iat": at, "exp": at + seconds, "sub": account, "roles": roles,
        **more,
    }  # fmt: skip
    claims |= {name: v for name, v in (("unit", unit), ("districts", districts), ("duty", duty)) if v}
    return jwt.encode(claims, key.key, algorithm=key.algorithm, headers={"kid": kid} if kid else None)


class Offered(msgspec.Struct):
    """An account as the page lists it."""

    id: str
    role: str
    title: dict[str, str]
    duty: str | None = None


def offered() -> list[Offered]:
    """The list."""
    return [
        Offered(a.id, a.role.value, {"zh": a.title.zh, "en": a.title.en}, None if a.duty is None else a.duty.value)
        for a in ACCOUNTS
    ]
