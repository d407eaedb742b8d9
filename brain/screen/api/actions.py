"""People act on incidents: an action is signed and sent to ``feedback``, and answered by what the city says."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, Protocol

from litestar import Response, Router, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath

from brain.incidents.actions import KINDS, subject
from brain.screen.access.gate import API, Gate, unavailable
from brain.screen.access.rights import Caller, Right, caller_of
from brain.screen.api.acting import (
    Done,
    Made,
    Prepared,
    Preparer,
    Sent,
    Whereabouts,
    answer,
    body_of,
    conflict,
    permitted,
    same_action,
)
from brain.screen.api.asked import Asked, absent
from brain.screen.api.bodies import operation, problems_of
from brain.screen.heard import Heard
from brain.screen.problems import Problem
from brain.signed import sign
from streams.log import LogError
from streams.records import Headers

WAIT_S: Final = 5.0
"""Seconds that a client waits for the city's answer."""
OnOne = operation(body_of([kind for kind in KINDS if kind != "create"], ("id", "t", "by")))
ByHand = operation(body_of(["create"], ("id", "t", "by")))
_LATER = {202: ResponseSpec(Sent, generate_examples=False, description="no answer yet; the same again is safe")}


class Sender(Protocol):
    """Appends to ``feedback``."""

    def send(self, key: bytes, value: bytes, headers: Headers) -> int:
        """Returns when all replicas have it; its offset. May block. Raises LogError."""
        ...


class Acts:
    """Takes actions of callers to the city and its answers back. ``key`` signs, as that of the pulse."""

    def __init__(
        self, gate: Gate, sender: Sender, heard: Heard, where: Whereabouts, key: bytes, wait_s: float = WAIT_S
    ) -> None:
        self._gate, self._sender, self._heard, self._where = gate, sender, heard, where
        self._key, self._wait = key, wait_s
        self._preparer = Preparer(gate.clock)

    async def act(self, request: Asked, given: Mapping[str, Any]) -> tuple[Prepared, Done | None]:
        """Prepare, send, wait; None where no answer came in time. Raises Problem."""
        caller, of = caller_of(request), str(given.get("incident", ""))
        raw = await request.body()
        try:
            if of and self._hidden(caller, of):
                raise absent(of)
            prepared = self._preparer.prepare(caller, raw, given)
            permitted(caller, prepared.action, self._where)
        except Problem as refused:
            await self._gate.refused(request.scope, refused, [of] if of else [])
            raise
        return prepared, await self._sent(prepared)

    def _hidden(self, caller: Caller, incident: str) -> bool:
        return bool(caller.districts) and self._where.district_of("incident", incident) not in caller.districts

    async def _sent(self, prepared: Prepared) -> Done | None:
        action = prepared.action
        names, waiter = [action.id], self._heard.waiter(action.id)
        try:
            if not waiter.done():
                key, signed = subject(action).encode(), sign(prepared.value, self._key)
                offset = await asyncio.to_thread(self._sender.send, key, prepared.value, signed)
                names.append(self._heard.by_offset(offset))
                self._heard.also(waiter, names[1])
            return self._answer(await asyncio.wait_for(waiter, self._wait), prepared)
        except LogError as error:
            raise unavailable() from error
        except TimeoutError:
            return None
        finally:
            self._heard.leave(waiter, *names)

    @staticmethod
    def _answer(note: Mapping[str, Any], prepared: Prepared) -> Done:
        """Of the note about this action. Raises Problem, also where it is about another one under its id."""
        if note["what"] != "feedback.dead" and not same_action(note, prepared.action):
            raise conflict(prepared.action.id)
        return answer(note)


def _later(prepared: Prepared) -> Response[Any]:
    """No answer yet. Its type is beside that of the answer, in the document too."""
    return Response(Sent(prepared.action.id), status_code=202)


def router(acts: Acts) -> Router:
    """The routes."""

    @post(
        "/incidents/{incident:str}/actions", status_code=200, opt={"right": Right.ACT}, operation_class=OnOne,
        responses={**_LATER, **problems_of(400, 401, 403, 404, 409, 413, 422, 429, 503)},
    )  # fmt: skip
    async def act(request: Asked, incident: FromPath[str]) -> Response[Done]:
        """Do something to an incident. Another who acted first is named: 409."""
        prepared, done = await acts.act(request, {"incident": incident})
        if done is None:
            return _later(prepared)
        return Response(done)

    @post(
        "/incidents", status_code=201, opt={"right": Right.ACT}, operation_class=ByHand,
        responses={**_LATER, **problems_of(400, 401, 403, 409, 413, 422, 429, 503)},
    )  # fmt: skip
    async def create(request: Asked) -> Response[Made]:
        """Make an incident by hand, from a call for example."""
        prepared, done = await acts.act(request, {"do": "create"})
        if done is None:
            return _later(prepared)
        return Response(Made(prepared.action.id, subject(prepared.action)))

    return Router(API, route_handlers=[act, create])
