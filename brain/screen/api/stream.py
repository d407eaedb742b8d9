"""``/stream``: changes as they come, by server-sent events; who was cut goes on exactly where it was.

Each client has only a place in the ring of changes, and a position. Who reads too slowly for the ring is cut, and told
to load the board anew when it comes back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Final, Literal

import msgspec
from litestar import Router, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter
from litestar.response import Stream
from prometheus_client import Gauge

from brain.screen.access.gate import API
from brain.screen.access.rights import Right, caller_of
from brain.screen.api.asked import Asked, operation, read
from brain.screen.api.bodies import problems_of
from brain.screen.api.looks import late
from brain.screen.board.board import Board
from brain.screen.board.look import told
from brain.screen.board.ring import LONGEST_POSITION, Change, Position, position_of, text_of
from brain.screen.board.row import encode
from brain.screen.language import Say
from brain.screen.problems import BAD, Problem

EVENTS: Final = "text/event-stream"
BEAT_S: Final = 1.0
AT_ONCE: Final = 500
"""Changes that are sent in one piece."""
RESET: Final = b"event: reset\ndata: {}\n\n"
HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
CLIENTS = Gauge("brain_screen_stream_clients", "Streams that are open")


class Told(msgspec.Struct, omit_defaults=True):
    """One event as the document describes it. ``data``: JSON of a row, an alarm, a pulse or ``{}``; ``id``: where to go
    on from, of incidents and alarms."""

    event: Literal["incident", "alarm", "pulse", "reset"]
    data: str
    id: str = ""


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """Parameters of a stream. ``last``: as ``Last-Event-ID``."""

    last: Annotated[str, msgspec.Meta(max_length=LONGEST_POSITION)] = ""
    withheld: bool = False


class Hub:
    """All streams of a process. ``clock``: ms UTC."""

    def __init__(self, board: Board, clock: Callable[[], int]) -> None:
        self.board, self.clock = board, clock
        self._ended = False
        self._bells: set[asyncio.Event] = set()
        board.on_change(self._ring)

    def close(self) -> None:
        """End all streams at once: whoever reads them comes back to another server."""
        self._ended = True
        self._ring()

    def _ring(self) -> None:
        for bell in self._bells:
            bell.set()

    async def events(
        self, position: Position | None, districts: tuple[str, ...], *, withheld: bool, until: int | None = None
    ) -> AsyncIterator[bytes]:
        """What came after a position, and what comes; without one, from now on. It ends at ``until``, ms UTC."""
        ring, bell = self.board.ring, asyncio.Event()
        if position is not None and not ring.holds(position):
            yield RESET
            return
        mine = dict(ring.last if position is None else position)
        number = ring.end if position is None else ring.first
        self._bells.add(bell)
        CLIENTS.inc()
        try:
            yield self._pulse()
            beat = asyncio.get_running_loop().time()
            while not self._ended and (until is None or self.clock() < until):
                bell.clear()
                while number < ring.end and not self._ended:
                    if number < ring.first:
                        return  # too slow: it comes back, and is told to begin anew
                    piece = min(number + AT_ONCE, ring.end)
                    out = []
                    for change in ring.between(number, piece):
                        if change.offset <= mine.get(change.at, -1):
                            continue
                        # Also of what this client is not told: else its position grows old while little is for it.
                        mine[change.at] = change.offset
                        data = told(change, districts) if change.seen or withheld else None
                        if data is not None:
                            out.append(self._event(change, mine, data))
                    number = piece
                    if out:
                        yield b"".join(out)
                now = asyncio.get_running_loop().time()
                if now - beat >= BEAT_S:
                    beat = now
                    yield self._pulse()
                try:
                    async with asyncio.timeout(max(0.01, beat + BEAT_S - now)):
                        await bell.wait()
                except TimeoutError:
                    continue
        finally:
            self._bells.discard(bell)
            CLIENTS.dec()

    @staticmethod
    def _event(change: Change, mine: Position, data: bytes) -> bytes:
        return b"id: %b\nevent: %b\ndata: %b\n\n" % (text_of(mine).encode(), change.kind.encode(), data)

    def _pulse(self) -> bytes:
        said = {"t": self.board.pulse, "set": self.board.set, "late": late(self.board, self.clock())}
        return b"event: pulse\ndata: %b\n\n" % encode(said)


def router(hub: Hub, leeway_s: int = 0) -> Router:
    """The route. A stream ends when a token is refused: ``leeway_s`` after its end."""

    @get(
        "/stream", opt={"right": Right.READ}, media_type=EVENTS,
        responses={200: ResponseSpec(Told, generate_examples=False, media_type=EVENTS,
                                     description="server-sent events, each of this form"),
                   **problems_of(400, 401, 403, 429)},
        operation_class=operation(Wanted),
    )  # fmt: skip
    async def stream(
        request: Asked,
        last_event_id: Annotated[str | None, HeaderParameter(name="Last-Event-ID", max_length=LONGEST_POSITION)] = None,
    ) -> Stream:
        """Rows of incidents as they change, alarms of never-hidden classes, and a pulse a second."""
        given = read(request, Wanted)
        asked = last_event_id or given.last
        position = None
        if asked:
            position = position_of(asked)
            if position is None:
                expected, way = Say("事件流给出的 id", "an id of this stream"), Say("先读 /board", "read /board first")
                raise Problem(BAD, "Last-Event-ID", expected, asked, way)
        caller = caller_of(request)
        until = caller.expires + leeway_s * 1000
        events = hub.events(position, caller.districts, withheld=given.withheld, until=until)
        return Stream(events, media_type=EVENTS, headers=HEADERS)

    return Router(API, route_handlers=[stream], tags=["stream"])
