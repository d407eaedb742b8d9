"""What people asked for that is worth an audit: personal data before they are shown, and writes that were refused.

What was done to incidents is on the audit already: the city writes it when it judges an action.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import structlog

from brain.screen.access.rights import Caller
from streams.log import LogError

Sink = Callable[[bytes], None]
"""Takes one record and returns when it is kept. Raises LogError."""
AGAIN_MS: Final = 10 * 60_000
"""Looks of one account at one thing within this time are one look."""
LOOKS: Final = 20_000
log = structlog.get_logger(__name__)


class Trail:
    """Writes notes of access by a sink, which may block, in threads. ``clock``: ms UTC."""

    def __init__(self, sink: Sink, clock: Callable[[], int]) -> None:
        self._sink, self._clock = sink, clock
        self._looks: OrderedDict[tuple[str, str], int] = OrderedDict()

    async def shown(self, caller: Caller, of: str) -> None:
        """Kept before the account sees what is personal of ``of``. Raises LogError: then it must not be shown."""
        now, look = self._clock(), (caller.id, of)
        if now - self._looks.get(look, -AGAIN_MS) < AGAIN_MS:
            return
        await asyncio.to_thread(self._sink, self._note("access.personal", caller, now, of=[of]))
        self._looks[look] = now
        self._looks.move_to_end(look)
        if len(self._looks) > LOOKS:
            self._looks.popitem(last=False)

    async def refused(
        self, caller: Caller | None, address: str, asked: str, reason: str, of: Sequence[str] = ()
    ) -> None:
        """A write, or a read without the right to it, that was refused. It stays refused where nothing can be kept,
        and the log says so."""
        note = self._note(
            "access.refused", caller, self._clock(), asked=asked[:200], reason=reason, address=address, of=list(of)
        )  # fmt: skip
        await self._keep(note)

    async def session(self, caller: Caller, address: str, what: str) -> None:
        """A session began or ended."""
        await self._keep(self._note(f"session.{what}", caller, self._clock(), address=address))

    async def _keep(self, note: bytes) -> None:
        try:
            await asyncio.to_thread(self._sink, note)
        except LogError as error:
            log.error("a note of access was not kept on the audit", note=note.decode(), error=str(error))

    def _note(self, what: str, caller: Caller | None, now: int, **more: Any) -> bytes:
        by = {} if caller is None else {"by": caller.id, "unit": caller.unit, "role": " ".join(sorted(caller.roles))}
        return msgspec.json.encode({"what": what, "t": now, "by": "", **by, **more})
