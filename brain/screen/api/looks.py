"""``/stats``, ``/replay``, ``/status``, ``/layers``: figures, how it was, how fresh it is, what the map has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

import msgspec
from litestar import Router, get

from brain.screen.access.gate import API
from brain.screen.access.rights import Right, caller_of
from brain.screen.api.answers import Answer, documented, encoded, large
from brain.screen.api.asked import Asked, Moment, bare, operation, read
from brain.screen.api.bodies import problems_of
from brain.screen.board import look
from brain.screen.board.board import Board
from brain.screen.board.row import Row
from brain.screen.features.catalogue import title
from brain.screen.features.store import LayerStore
from brain.screen.language import Say
from brain.screen.problems import ABSENT, Problem

LATE_MS: Final = 10_000
"""A pulse through the whole chain that is older makes the page red."""
EVENTS_MOST: Final = 20_000


class Hours(msgspec.Struct, forbid_unknown_fields=True):
    """How far back figures by the hour go."""

    hours: Annotated[int, msgspec.Meta(ge=1, le=48)] = 24


class Between(msgspec.Struct, forbid_unknown_fields=True):
    """After one time until another, ms UTC."""

    start: Moment = msgspec.field(name="from")
    to: Moment


class At(msgspec.Struct, forbid_unknown_fields=True):
    """A time, ms UTC."""

    t: Moment


class Status(msgspec.Struct):
    """How fresh the screen is. ``pulse``: newest second that went through the whole chain, ms UTC, 0 before the first;
    ``lag_ms``: how far the screen is behind what is written, null while it reads what was; ``kept_since``: from when on
    the board can be shown as it was."""

    t: int
    pulse: int
    pulse_age_ms: int | None
    late: bool
    set: str
    map: str
    ready: bool
    kept_since: int
    open: int
    refused: int


class Event(msgspec.Struct):
    """A row as it was told at a time, ms UTC; of one that left the caller's districts then, that it is over there."""

    t: int
    row: Row


class Past(msgspec.Struct):
    """Changes between two times, oldest first; ``t1`` is before the asked end where there were too many."""

    t0: int
    t1: int
    events: list[Event]


class Then(msgspec.Struct):
    """The board as people saw it at a time."""

    t: int
    rows: list[Row]


class Named(msgspec.Struct):
    """A name in both languages."""

    zh: str
    en: str


class LayerInfo(msgspec.Struct):
    """A layer of the map; its geometry is at ``href``."""

    id: str
    title: Named
    count: int
    href: str


class Layers(msgspec.Struct):
    """Those that are served."""

    items: list[LayerInfo]


def late(board: Board, now: int) -> bool:
    """Whether the newest pulse through the chain is too old, or none came."""
    return not board.pulse or now - board.pulse > LATE_MS


def router(board: Board, store: LayerStore, clock: Callable[[], int]) -> Router:
    """The routes. ``clock``: ms UTC."""

    @get(
        "/stats", opt={"right": Right.READ}, responses=documented(look.Stats, 400, 401, 403, 429),
        operation_class=operation(Hours), sync_to_thread=False,
    )  # fmt: skip
    def stats(request: Asked) -> Answer:
        """Figures by domain and grid; hours end with the newest pulse."""
        return encoded(look.stats(board, read(request, Hours).hours, caller_of(request).districts))

    @get("/status", opt={"right": Right.READ}, responses=problems_of(400, 401, 403, 429), sync_to_thread=False)
    def status(request: Asked) -> Status:
        """How fresh it is."""
        bare(request)
        now = clock()
        return Status(
            now, board.pulse, None if not board.pulse else max(0, now - board.pulse), late(board, now), board.set,
            store.current.version, board.ready, look.kept_since(board), int(board.columns.live()["open"].sum()),
            board.refused,
        )  # fmt: skip

    @get(
        "/replay", opt={"right": Right.READ}, responses=documented(Past, 400, 401, 403, 404, 429),
        operation_class=operation(Between),
    )  # fmt: skip
    async def replay(request: Asked) -> Answer:
        """What changed after one time until another, of what people saw; the oldest 20,000."""
        given = read(request, Between)
        start, t1 = given.start, given.to
        _kept(start)
        districts = caller_of(request).districts
        events: list[bytes] = []
        for change in board.ring.between(board.ring.since(start), board.ring.since(given.to)):
            data = look.told(change, districts) if change.kind == "incident" and change.seen else None
            if data is None:
                continue
            if len(events) == EVENTS_MOST:
                t1 = change.t - 1
                break
            events.append(b'{"t":%d,"row":%b}' % (change.t, data))
        return await large(request, b'{"t0":%d,"t1":%d,"events":[%b]}' % (start, t1, b",".join(events)))

    @get(
        "/replay/at", opt={"right": Right.READ}, responses=documented(Then, 400, 401, 403, 404, 429),
        operation_class=operation(At),
    )  # fmt: skip
    async def then(request: Asked) -> Answer:
        """The board as people saw it at a time."""
        t = read(request, At).t
        _kept(t)
        rows = look.at(board, t, caller_of(request).districts)
        return await large(request, b'{"t":%d,"rows":[%b]}' % (t, b",".join([c.data for c in rows])))

    @get("/layers", opt={"right": Right.READ}, responses=problems_of(400, 401, 403, 429), sync_to_thread=False)
    def layers(request: Asked) -> Layers:
        """Layers of the map; what they have is served as OGC API - Features."""
        bare(request)
        return Layers([
            LayerInfo(name, Named(*title(name)), len(layer), f"/ogc/collections/{name}/items?limit=10000")
            for name, layer in store.current.layers.items()
        ])  # fmt: skip

    def _kept(t: int) -> None:
        since = look.kept_since(board)
        if t < since or not since:
            expected = Say(f"{since} 及以后", f"{since} or later")
            raise Problem(
                ABSENT, "t", expected, str(t), Say("更早的记录用 brain tail 查看", "brain tail has older ones")
            )

    return Router(API, route_handlers=[stats, status, replay, then, layers], tags=["looks"])
