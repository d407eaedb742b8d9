"""Tokens: a JWT becomes a :class:`Caller`, or is refused with a reason. Nothing of a token is believed before its
signature holds; that holds only by a key that we have, with the one algorithm of this key.
"""

from __future__ import annotations

import enum
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import jwt

from brain.incidents.actions import Role as Duty
from brain.screen.access.config import Access, Claims
from brain.screen.access.keys import Key, KeyFile, Ring
from brain.screen.access.rights import Caller, Role

LONGEST: Final = 8192
"""Bytes of a token."""
KEPT: Final = 1024
"""Tokens whose signature need not be checked again."""
THREE: Final = frozenset((Role.SYSTEM, Role.SECURITY, Role.AUDITOR))
_NAME: Final = re.compile(r"[\w.:@/-]{1,64}")
_PARTS: Final = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


class Why(enum.StrEnum):
    """Why a token is not taken: a closed list, safe as a metric label and for the client."""

    NO_TOKEN = "no_token"
    MALFORMED = "malformed"
    ALGORITHM = "algorithm"
    UNKNOWN_KEY = "unknown_key"
    SIGNATURE = "signature"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    EXPIRED = "expired"
    NOT_YET = "not_yet"
    CLAIMS = "claims"
    NO_ROLE = "no_role"
    DUTIES = "duties_not_separated"


class TokenRefused(Exception):
    """A token that is not taken."""

    def __init__(self, why: Why, detail: str) -> None:
        self.why, self.detail = why, detail
        super().__init__(f"{why}: {detail}")


class Keys(Protocol):
    """Where keys come from; ``version`` grows when they change."""

    version: int

    def ring(self) -> Ring:
        """By kid."""
        ...


def keys_of(access: Access) -> KeyFile:
    """Of an access file. Raises AccessError."""
    if access.secret_file:
        return KeyFile(Path(access.secret_file), access.kid, secret=True)
    return KeyFile(Path(access.keys), access.kid)


class Verifier:
    """Takes tokens of one issuer for one audience. ``clock``: ms UTC. Safe in several threads only by the caller's
    lock; the application asks from its one loop."""

    def __init__(self, access: Access, keys: Keys, clock: Callable[[], int]) -> None:
        self._access, self._keys, self._clock = access, keys, clock
        self._known: OrderedDict[str, Caller] = OrderedDict()
        self._version = keys.version

    def caller(self, token: str) -> Caller:
        """Who presents it. Raises TokenRefused."""
        ring = self._keys.ring()
        if self._version != self._keys.version:
            self._version = self._keys.version
            self._known.clear()
        known, now = self._known.get(token), self._clock()
        if known is not None:
            if now >= known.expires + self._access.leeway_s * 1000:
                del self._known[token]
                raise TokenRefused(Why.EXPIRED, "it has expired")
            self._known.move_to_end(token)
            return known
        caller = self._judge(self._claims(token, ring), now)
        self._known[token] = caller
        if len(self._known) > KEPT:
            self._known.popitem(last=False)
        return caller

    def _claims(self, token: str, ring: Ring) -> dict[str, Any]:
        if len(token) > LONGEST or not _PARTS.fullmatch(token):
            raise TokenRefused(Why.MALFORMED, "expected three parts in base64url, 8 KiB at most")
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise TokenRefused(Why.MALFORMED, "its header is none") from error
        algorithm, kid = header.get("alg"), header.get("kid", "")
        if algorithm not in self._access.algorithms:
            raise TokenRefused(Why.ALGORITHM, f"expected one of {', '.join(self._access.algorithms)}")
        if "crit" in header or "b64" in header:
            raise TokenRefused(Why.MALFORMED, "it has headers that must be understood and are not")
        found: Key | None = ring.get(kid) if isinstance(kid, str) else None
        if found is None:
            raise TokenRefused(Why.UNKNOWN_KEY, "its kid names no key of this server")
        if found.algorithm != algorithm:
            raise TokenRefused(Why.ALGORITHM, f"its key signs by {found.algorithm}")
        asked: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}  # by our clock, in _judge
        asked["require"] = ["exp", "iat", "iss", "aud"]
        try:
            claims: dict[str, Any] = jwt.decode(
                token, found.key, algorithms=[algorithm], issuer=self._access.issuer, audience=self._access.audience,
                options=asked,
            )  # fmt: skip
        except jwt.PyJWTError as error:
            raise TokenRefused(*_said(error)) from error
        except (ValueError, RecursionError) as error:
            raise TokenRefused(Why.MALFORMED, "its claims are no JSON object") from error
        return claims

    def _judge(self, claims: Mapping[str, Any], now: int) -> Caller:
        leeway, names = self._access.leeway_s * 1000, self._access.claims
        expires, issued, after = _ms(claims, "exp"), _ms(claims, "iat"), _ms(claims, "nbf")
        if expires is None or issued is None:
            raise TokenRefused(Why.CLAIMS, "exp, iat: expected seconds since 1970")
        if now >= expires + leeway:
            raise TokenRefused(Why.EXPIRED, "it has expired")
        if max(issued, after or 0) > now + leeway:
            raise TokenRefused(Why.NOT_YET, "iat, nbf: it is not valid yet")
        account = _at(claims, names.account)
        if not isinstance(account, str) or not _NAME.fullmatch(account):
            raise TokenRefused(Why.CLAIMS, f"{names.account}: expected an account of up to 64 letters and digits")
        return Caller(
            account, self._roles(claims, names), _unit(claims, names), _districts(claims, names),
            _duty(claims, names), expires,
        )  # fmt: skip

    def _roles(self, claims: Mapping[str, Any], names: Claims) -> frozenset[Role]:
        given = _texts(claims, names.roles)
        roles = frozenset(self._access.roles[name] for name in given or () if name in self._access.roles)
        if not roles:
            raise TokenRefused(Why.NO_ROLE, f"{names.roles}: expected one of {', '.join(self._access.roles)}")
        separate(roles)
        return roles


def separate(roles: frozenset[Role]) -> None:
    """三员分立: who administers neither has another of the three duties nor acts on incidents. Raises TokenRefused."""
    three = sorted(roles & THREE)
    if len(three) > 1 or (three and Role.DISPATCHER in roles):
        joined = ", ".join(three + [Role.DISPATCHER.value] * (Role.DISPATCHER in roles))
        raise TokenRefused(Why.DUTIES, f"one account has {joined}: these are duties of different people")


def _said(error: jwt.PyJWTError) -> tuple[Why, str]:
    match error:
        case jwt.InvalidIssuerError():
            return Why.ISSUER, "iss: it is not of the issuer that is trusted"
        case jwt.InvalidAudienceError():
            return Why.AUDIENCE, "aud: it is for another service"
        case jwt.MissingRequiredClaimError():
            return Why.CLAIMS, f"{error.claim}: missing"
        case jwt.InvalidSignatureError():
            return Why.SIGNATURE, "its signature does not hold"
        case jwt.DecodeError():
            return Why.MALFORMED, "it cannot be decoded"
    return Why.CLAIMS, "its claims are not well-formed"


def _ms(claims: Mapping[str, Any], name: str) -> int | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
        raise TokenRefused(Why.CLAIMS, f"{name}: expected seconds since 1970")
    return int(value * 1000)


def _at(claims: Mapping[str, Any], path: str) -> Any:
    found: Any = claims
    if path in claims:  # names with dots, as addresses of claims have
        return claims[path]
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _texts(claims: Mapping[str, Any], path: str) -> list[str] | None:
    found = _at(claims, path)
    if isinstance(found, str):
        found = found.split()
    if found is not None and not (isinstance(found, list) and all(isinstance(text, str) for text in found)):
        raise TokenRefused(Why.CLAIMS, f"{path}: expected a list of texts")
    return found


def _unit(claims: Mapping[str, Any], names: Claims) -> str:
    unit = _at(claims, names.unit)
    if unit in (None, ""):
        return ""
    if not isinstance(unit, str) or not _NAME.fullmatch(unit):
        raise TokenRefused(Why.CLAIMS, f"{names.unit}: expected a unit of up to 64 letters and digits")
    return unit


def _districts(claims: Mapping[str, Any], names: Claims) -> tuple[str, ...]:
    """A list that is there and empty would open all of the city by its absence: it is refused."""
    found = _texts(claims, names.districts)
    if found is None:
        return ()
    if not found or not all(_NAME.fullmatch(code) for code in found):
        raise TokenRefused(Why.CLAIMS, f"{names.districts}: expected codes of districts; leave it out for all")
    return tuple(dict.fromkeys(found))


def _duty(claims: Mapping[str, Any], names: Claims) -> Duty | None:
    found = _at(claims, names.duty)
    if found in (None, ""):
        return None
    try:
        return Duty(found)
    except (ValueError, TypeError) as error:
        raise TokenRefused(Why.CLAIMS, f"{names.duty}: expected one of {', '.join(Duty)}") from error
