"""The gate before every route: who asks, whether they may, how often; nothing runs before it has answered.

A route says in its ``opt`` what it asks for (``right``); one that says nothing is closed. ``personal: True`` besides
says that those with that right see personal data there: the audit has it first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import structlog
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import Counter

from brain.screen.access import origin
from brain.screen.access.config import Access
from brain.screen.access.limits import Buckets
from brain.screen.access.rights import SCOPE, Caller, Right
from brain.screen.access.tokens import TokenRefused, Verifier, Why
from brain.screen.access.trail import Trail
from brain.screen.language import Say, same
from brain.screen.problems import (
    ABSENT,
    BUG,
    CROSS_SITE,
    DUTIES,
    FORBIDDEN,
    FORBIDDEN_ROLE,
    LIMITED,
    UNAUTHENTICATED,
    UNAVAILABLE,
    Kind,
    Problem,
)
from streams.log import LogError

API: Final = "/api/v1"
ADDRESS: Final = "address"
"""Where a request's scope keeps the client's address."""
ALLOWED: Final = "GET, HEAD, POST, DELETE"
SECURITY: Final = {
    "Content-Security-Policy": "default-src 'self'; script-src 'self'; worker-src 'self' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""Of every answer; what a route says itself stays. MapLibre draws from workers that it makes of blobs."""
HSTS: Final = "max-age=31536000"


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


FAILURES: Final = "too_many_failures"
"""Why an address waits that came with too many tokens that were not taken, or with writes without any."""
_KINDS: Final = {k: k.name.replace("-", "_") for k in (FORBIDDEN, FORBIDDEN_ROLE, DUTIES, CROSS_SITE, ABSENT, LIMITED)}
REFUSED: Final = Counter(
    "brain_screen_refused_total", "Requests that access refused, by why; reads without a token aside", ["reason"]
)
for _reason in dict.fromkeys((*(why.value for why in Why), *_KINDS.values(), FAILURES)):
    REFUSED.labels(_reason)

_SECURITY: Final = _encoded(SECURITY)
_NOT_KEPT: Final = _encoded({"Cache-Control": "no-store"})
_BELOW: Final = f"{API}/"
log = structlog.get_logger(__name__)


class Gate:
    """The rules of one application. ``clock``: ms UTC; ``key`` makes tokens against forgery, up to 64 bytes; ``url``:
    public root where a proxy stands before it; ``demo``: this machine only."""

    def __init__(
        self, access: Access, verifier: Verifier, trail: Trail, clock: Callable[[], int], key: bytes, url: str = "",
        *, demo: bool = False,
    ) -> None:  # fmt: skip
        self.access, self.verifier, self.trail, self.clock = access, verifier, trail, clock
        self.key, self.url, self.demo = key, url.rstrip("/"), demo
        limits, times = access.limits, access.limits.address_times
        self._reads = Buckets(limits.reads, limits.reads_burst)
        self._writes = Buckets(limits.writes, limits.writes_burst)
        self._reads_from = Buckets(limits.reads * times, limits.reads_burst * times)
        self._writes_from = Buckets(limits.writes * times, limits.writes_burst * times)
        self._failures = Buckets(limits.failures, limits.failures_burst)

    def middleware(self, app: ASGIApp) -> ASGIApp:
        """The gate before ``app``."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            if scope.get("method") != "OPTIONS":
                await self.admit(scope)
            await app(scope, receive, send)

        return guarded

    async def admit(self, scope: Any) -> None:
        """Let a request through, with its caller in the scope. Raises Problem."""
        opt = scope["route_handler"].opt
        right = opt.get("right")
        if scope["type"] != "http" or not isinstance(right, Right):
            log.error("a route names no right: it is closed", path=scope["path"])
            raise Problem(BUG, "server", same("2xx"), "a route without a right", _TELL)
        headers = origin.headers_of(scope)
        address = origin.address_of(scope, headers, self.access.proxies)
        scope[ADDRESS] = address
        write = scope["method"] not in origin.SAFE
        caller: Caller | None = None
        try:
            self._pace(self._writes_from if write else self._reads_from, address)
            self._where(scope, headers, address, write=write)
            if right is Right.NONE:
                return
            caller, token, by_cookie = self._caller(headers, address, write=write)
            scope[SCOPE] = caller
            self._pace(self._writes if write else self._reads, caller.id)
            if write and by_cookie and not origin.same(headers.get(b"x-csrf-token"), self.csrf(token)):
                raise problem(CROSS_SITE, "X-CSRF-Token", Say("/me 给出的值", "the value that /me gave"), "another one")
            if right not in caller.rights:
                raise forbidden(caller, right)
        except Problem as refused:
            if write or refused.kind is FORBIDDEN:
                await self.refused(scope, refused)
            elif refused.more.get("reason") != Why.NO_TOKEN.value:  # so every page begins
                _count(refused)
            raise
        if opt.get("personal") and Right.PERSONAL in caller.rights:
            await self._tell(caller, scope["path"].removeprefix(API))

    async def refused(self, scope: Any, why: Problem, of: Sequence[str] = ()) -> None:
        """Count that a request was refused, and note it on the audit; ``of``: incidents that it was about. One that
        came too often is counted alone: else who floods us would flood the audit."""
        _count(why)
        if why.kind is LIMITED:
            return
        asked = f"{scope['method']} {scope['path']}"
        await self.trail.refused(scope.get(SCOPE), client_of(scope), asked, why.kind.name, of)

    def secure(self, scope: Any) -> bool:
        """Whether the client's way here is encrypted, to us or to the proxy before us."""
        return scope.get("scheme") == "https" or self.url.startswith("https://")

    def csrf(self, token: str) -> str:
        """What goes with a token in a cookie."""
        return origin.csrf_of(token, self.key)

    def verify(self, token: str, address: str) -> Caller:
        """Whose token it is. Raises Problem; failures from one address are counted, and are slow after some."""
        try:
            return self.verifier.caller(token)
        except TokenRefused as refused:
            self._fail(address)
            if refused.why is Why.DUTIES:
                raise problem(DUTIES, "roles", _SEPARATE, refused.detail, _OTHER_ACCOUNT) from refused
            raise unauthenticated(refused) from refused

    def presented(self, headers: origin.Headers) -> tuple[str, bool]:
        """The token of a request, and whether it came by cookie."""
        bearer = origin.bearer_of(headers)
        return (origin.cookie_of(headers), True) if bearer is None else (bearer, False)

    async def before_send(self, message: Message, scope: Scope) -> None:
        """Hook on every answer: what browsers must hold to."""
        if message["type"] != "http.response.start":
            return
        there = {name.lower() for name, _ in message["headers"]}
        new = [*_SECURITY]
        if self.secure(scope):
            new += _encoded({"Strict-Transport-Security": HSTS})
        if f"{scope['path']}/".startswith(_BELOW):
            new += _NOT_KEPT
            if self.access.origins:
                new += _encoded(self._cors(scope))
        message["headers"] = [*message["headers"], *[pair for pair in new if pair[0] not in there]]

    def _cors(self, scope: Any) -> dict[str, str]:
        asked = origin.headers_of(scope).get(b"origin", b"").decode("latin-1")
        if asked not in self.access.origins:
            return {"Vary": "Origin"}
        more = {"Vary": "Origin", "Access-Control-Allow-Origin": asked, "Access-Control-Expose-Headers": "Retry-After"}
        if scope.get("method") == "OPTIONS":
            named = "Authorization, Content-Type, Last-Event-ID"
            more |= {"Access-Control-Allow-Methods": ALLOWED, "Access-Control-Allow-Headers": named,
                     "Access-Control-Max-Age": "600"}  # fmt: skip
        return more

    def _where(self, scope: Any, headers: origin.Headers, address: str, *, write: bool) -> None:
        if self.demo and not (origin.local(address) and origin.local(headers.get(b"host", b"").decode("latin-1"))):
            raise problem(FORBIDDEN, "host", Say("本机", "this machine"), "another one", _DEMO)
        found = origin.foreign(scope, headers, self.url, self.access.origins) if write else ""
        if found:
            raise problem(CROSS_SITE, "Origin", Say("本站来源", "our own origin"), repr(found))

    def _caller(self, headers: origin.Headers, address: str, *, write: bool) -> tuple[Caller, str, bool]:
        token, by_cookie = self.presented(headers)
        if not token:
            if write:
                self._fail(address)
            raise unauthenticated(TokenRefused(Why.NO_TOKEN, "none came"))
        return self.verify(token, address), token, by_cookie

    def _fail(self, address: str) -> None:
        """Somebody failed to say who they are. Raises Problem where that was too often."""
        self._pace(self._failures, address, FAILURES)

    def _pace(self, buckets: Buckets, key: str, reason: str = "") -> None:
        wait = buckets.take(key, self.clock() / 1000)
        if wait:
            seconds = int(wait) + 1
            way = Say(f"{seconds} 秒后再试", f"try again in {seconds} s")
            fewer = Say("更少的请求", "fewer requests")
            more = {"reason": reason} if reason else None
            raise Problem(LIMITED, "requests", fewer, "too many", way, more=more, headers={"Retry-After": str(seconds)})

    async def _tell(self, caller: Caller, of: str) -> None:
        try:
            await self.trail.shown(caller, of)
        except LogError as error:
            log.error("nothing personal is shown: the audit takes nothing", error=str(error))
            raise unavailable() from error


def _count(refused: Problem) -> None:
    """By why no token was taken, or by the kind of refusal. What is no matter of access (a body that cannot be read) is
    among the answers by status alone."""
    said = refused.more.get("reason") if refused.kind in (UNAUTHENTICATED, LIMITED) else None
    reason = said or _KINDS.get(refused.kind)
    if reason is not None:
        REFUSED.labels(reason).inc()


def client_of(scope: Any) -> str:
    """The address of who asks. Raises KeyError before the gate has found it."""
    address: str = scope[ADDRESS]
    return address


def problem(kind: Kind, where: str, expected: Say, got: str, way: Say | None = None) -> Problem:
    """One of access; by default its way out is to ask who administers accounts."""
    return Problem(kind, where, expected, got, way or _ASK)


def forbidden(caller: Caller, right: Right) -> Problem:
    """The account may not do that."""
    roles = ", ".join(sorted(caller.roles))
    return problem(FORBIDDEN, "right", Say(f"权限 {right}", f"right {right}"), roles)


def unauthenticated(refused: TokenRefused) -> Problem:
    """No token that is taken; the reason in RFC 6750's terms too."""
    error = "" if refused.why is Why.NO_TOKEN else f', error="invalid_token", error_description="{refused.why}"'
    expected = Say("本服务信任的、未过期的令牌", "a token that this server trusts and that is not over")
    return Problem(
        UNAUTHENTICATED, "Authorization", expected, refused.detail, _SIGN_IN, more={"reason": refused.why.value},
        headers={"WWW-Authenticate": f'Bearer realm="city-brain"{error}'},
    )  # fmt: skip


def unavailable() -> Problem:
    """The topics cannot be written: nothing is shown or sent that must be kept there first."""
    return Problem(
        UNAVAILABLE, "server", Say("可写的审计与反馈主题", "an audit and a feedback topic that take records"), "none",
        Say("稍后再试, 并告知运维", "try again later, and tell the operators"), headers={"Retry-After": "5"},
    )  # fmt: skip


_ASK = Say("请联系安全管理员", "ask the security administrator")
_SIGN_IN = Say("请重新登录", "sign in again")
_DEMO = Say("演示模式只供本机使用", "demo mode is for this machine only")
_SEPARATE = Say("三员由三人分任", "three administrators that are three people")
_OTHER_ACCOUNT = Say("请换用只有其中一种职责的账户", "use an account with one of these duties")
_TELL = Say("请把时间和路径告知运维", "tell the operators when and what")
