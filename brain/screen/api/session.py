"""Sessions: a token becomes a cookie, for pages; who one is; accounts of the demo where it is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from litestar import Response, Router, delete, get, post
from litestar.datastructures import Cookie
from litestar.openapi.spec import OpenAPIResponse, Operation

from brain.screen.access import origin
from brain.screen.access.demo import ACCOUNTS, Demo, Offered, offered
from brain.screen.access.gate import API, Gate, client_of
from brain.screen.access.rights import Caller, Right, caller_of
from brain.screen.api.asked import Asked
from brain.screen.api.bodies import decode, operation, problems_of
from brain.screen.language import Say
from brain.screen.problems import ABSENT, Problem


class Me(msgspec.Struct):
    """Who asks, and what they may; ``csrf``: for ``X-CSRF-Token`` with the cookie; ``expires``: ms UTC."""

    id: str
    roles: list[str]
    unit: str
    duty: str | None
    districts: list[str]
    rights: list[str]
    csrf: str
    expires: int


class Begin(msgspec.Struct, forbid_unknown_fields=True):
    """A token to keep in the cookie."""

    token: Annotated[str, msgspec.Meta(min_length=1, max_length=8192)]


class Choose(msgspec.Struct, forbid_unknown_fields=True):
    """An account of the demo."""

    account: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class Accounts(msgspec.Struct):
    """Those that may be taken."""

    items: list[Offered]


BeginBody = operation(Begin)
ChooseBody = operation(Choose)


@dataclass
class Nothing(Operation):
    """Answers 204 without a body."""

    def __post_init__(self) -> None:
        gone = OpenAPIResponse(description="the cookie is forgotten")
        self.responses = {**(self.responses or {}), "204": gone}


def router(gate: Gate, demo: Demo | None = None) -> Router:
    """The routes; those of the demo exist only with one."""

    def me_of(caller: Caller, token: str) -> Me:
        return Me(
            caller.id, sorted(caller.roles), caller.unit, None if caller.duty is None else caller.duty.value,
            list(caller.districts), sorted(caller.rights), gate.csrf(token), caller.expires,
        )  # fmt: skip

    def cookie(request: Asked, token: str, seconds: int) -> Cookie:
        return Cookie(
            key=origin.COOKIE,
            value=token,
            path="/api",
            max_age=seconds,
            httponly=True,
            samesite="strict",
            secure=gate.secure(request.scope),
        )

    async def begin(request: Asked, token: str) -> Response[Me]:
        address = client_of(request.scope)
        try:
            caller = gate.verify(token, address)
        except Problem as refused:
            await gate.refused(request.scope, refused)
            raise
        await gate.trail.session(caller, address, "began")
        seconds = max(1, (caller.expires - gate.clock()) // 1000)
        return Response(me_of(caller, token), cookies=[cookie(request, token, seconds)])

    @get("/me", opt={"right": Right.SELF}, responses=problems_of(401, 429), sync_to_thread=False)
    def me(request: Asked) -> Me:
        """Who the token is of, and what that account may."""
        token, _ = gate.presented(origin.headers_of(request.scope))
        return me_of(caller_of(request), token)

    @post(
        "/session", status_code=200, opt={"right": Right.NONE}, operation_class=BeginBody,
        responses=problems_of(400, 401, 403, 413, 429),
    )  # fmt: skip
    async def sign_in(request: Asked) -> Response[Me]:
        """Keep a token in the cookie."""
        return await begin(request, (await decode(request, Begin)).token)

    @delete(
        "/session", opt={"right": Right.SELF}, operation_class=Nothing, responses=problems_of(401, 403, 429)
    )  # fmt: skip
    async def sign_out(request: Asked) -> Response[None]:
        """Forget the cookie. The token itself holds until it is over."""
        await gate.trail.session(caller_of(request), client_of(request.scope), "ended")
        return Response(None, status_code=204, cookies=[cookie(request, "", 0)])

    routes: list[Any] = [me, sign_in, sign_out]
    if demo is not None:

        @get("/session/demo", opt={"right": Right.NONE}, responses=problems_of(403, 429), sync_to_thread=False)
        def accounts() -> Accounts:
            """Accounts that may be taken."""
            return Accounts(offered())

        @post(
            "/session/demo", status_code=200, opt={"right": Right.NONE}, operation_class=ChooseBody,
            responses=problems_of(400, 403, 404, 413, 429),
        )  # fmt: skip
        async def take(request: Asked) -> Response[Me]:
            """Sign in as one of them."""
            asked = await decode(request, Choose)
            try:
                token = demo.token(asked.account, gate.clock())
            except KeyError as error:
                listed = ", ".join(a.id for a in ACCOUNTS)
                raise Problem(
                    ABSENT, "account", Say(f"{listed} 之一", f"one of {listed}"), repr(asked.account),
                    Say(f"列表: {API}/session/demo", f"listed at {API}/session/demo"),
                ) from error  # fmt: skip
            return await begin(request, token)

        routes += [accounts, take]
    return Router(API, route_handlers=routes)
