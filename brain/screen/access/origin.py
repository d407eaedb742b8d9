"""What a browser says of where a request comes from: origins, addresses behind proxies, the token against forgery."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Collection, Mapping
from typing import Any, Final

from brain.screen.urls import root_of

COOKIE: Final = "brain_token"
SAFE: Final = frozenset(("GET", "HEAD", "OPTIONS"))

Headers = Mapping[bytes, bytes]


def headers_of(scope: Any) -> dict[bytes, bytes]:
    """By lower-case name; of one that comes twice the first, which is what everything here looks at."""
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.lower(), value)
    return found


def csrf_of(token: str, key: bytes) -> str:
    """What a page sends back with a token in a cookie; who does not have ``key`` (up to 64 bytes) cannot make it."""
    return hashlib.blake2b(token.encode(), key=key, digest_size=24, person=b"city.csrf").hexdigest()


def same(given: bytes | None, wanted: str) -> bool:
    """Compared in a time that says nothing."""
    return given is not None and hmac.compare_digest(given, wanted.encode())


def cookie_of(headers: Headers) -> str:
    """The token in the cookie; "" without. Two cookies of that name are none: one of them is not ours."""
    found = [
        value.strip()
        for pair in headers.get(b"cookie", b"").decode("latin-1").split(";")
        for name, _, value in (pair.partition("="),)
        if name.strip() == COOKIE
    ]
    return found[0] if len(found) == 1 else ""


def bearer_of(headers: Headers) -> str | None:
    """The token of ``Authorization``; "" where it is of another scheme, None without the header."""
    given = headers.get(b"authorization")
    if given is None:
        return None
    scheme, _, token = given.decode("latin-1").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def foreign(scope: Any, headers: Headers, url: str, origins: Collection[str]) -> str:
    """The origin of a write where it is neither ours nor one that may ask; "" where all is well.

    A browser always names one in a write across origins. Programs name none, and bring a token of their own.
    """
    origin = headers.get(b"origin")
    if origin is None:
        return "cross-site" if headers.get(b"sec-fetch-site") == b"cross-site" else ""
    text = origin.decode("latin-1")
    return "" if text in origins or text == (url or root_of(scope)) else text


def address_of(scope: Any, headers: Headers, proxies: Collection[str]) -> str:
    """Where a client is: behind a proxy that is believed, the last address that it did not make up."""
    client = scope.get("client")
    address = str(client[0]) if client else ""
    if address not in proxies:
        return address
    for hop in reversed(headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",")):
        text = hop.strip()
        if text in proxies:
            continue
        return text if _is_address(text) else address
    return address


def local(text: str) -> bool:
    """Whether an address, or the host of a ``Host`` header, is this machine."""
    host = text.partition("]")[0].lstrip("[") if text.startswith("[") else text
    host = host.partition(":")[0] if host.count(":") == 1 else host
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
