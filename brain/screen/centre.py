"""The command centre as one application: board, stream, people's actions and the page, over a broker's topics."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from litestar import Litestar

from brain.screen.access.config import Access
from brain.screen.access.demo import Demo
from brain.screen.access.gate import Gate
from brain.screen.access.tokens import Keys, Verifier, keys_of
from brain.screen.access.trail import Trail
from brain.screen.api import stream
from brain.screen.api.actions import Acts
from brain.screen.app import build
from brain.screen.board.board import Board
from brain.screen.board.feed import Feed
from brain.screen.board.lore import Lore
from brain.screen.board.sensing import Sensing
from brain.screen.board.sensing_feed import SensingFeed
from brain.screen.features.store import LayerStore
from brain.screen.mounted import Parts, api, others
from brain.screen.watched import Watched
from brain.screen.whereabouts import MapWhereabouts
from brain.screen.writing import Writing
from streams.log import LogError

if TYPE_CHECKING:
    from brain.sets import CitySet

log = structlog.get_logger(__name__)


def now_ms() -> int:
    """The clock of the screen, ms UTC."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Source:
    """Where it reads and writes. ``inputs``: names of the input topics; ``key`` signs actions and proves pulses;
    ``content`` finds a set by its id, and raises LogError, KeyError, ValueError or OSError where it cannot."""

    bootstrap: str
    prefix: str
    inputs: Sequence[str]
    key: bytes
    content: Callable[[str], CitySet]
    genesis: CitySet


class Centre:
    """Makes the application, and holds what lives as long as it. Use :attr:`writing` as a context around serving."""

    def __init__(
        self, source: Source, store: LayerStore, access: Access | None, demo: Demo | None, url: str = ""
    ) -> None:
        """``access``: whose tokens are taken; with ``demo`` the demo's accounts, and nobody else's.

        Raises ValueError without either, AccessError where keys cannot be read.
        """
        keys: Keys
        if demo is not None:
            access, keys = demo.access, demo.keys
        elif access is not None:
            keys = keys_of(access)
        else:
            raise ValueError("the command centre: expected rules of access, or the demo's accounts")
        self.board, self.lore = Board(), Lore()
        self._content = source.content
        self.lore.enter(source.genesis)
        self.board.name_of = self.lore.name
        self.feed = Feed(self.board, source.bootstrap, source.prefix, source.inputs, source.key, self._entered)
        self.sensing = Sensing(source.genesis)
        self.census = SensingFeed(self.sensing, source.bootstrap, source.prefix, source.inputs)
        self.hub = stream.Hub(self.board, now_ms)
        self.writing = Writing(source.bootstrap, source.prefix, now_ms)
        verifier = Verifier(access, keys, now_ms)
        self.gate = Gate(
            access, verifier, Trail(self.writing.note, now_ms), now_ms, source.key, url, demo=demo is not None
        )
        where = MapWhereabouts(store, now_ms, incident=self.board.district_of, asset=self.sensing.district_of)
        heard = self.writing.heard
        acts = Acts(self.gate, self.writing, heard, where, source.key)
        parts = Parts(self.gate, self.board, self.lore, store, self.hub, now_ms, heard, self.sensing, acts, demo)
        self.watched = Watched(self.board, now_ms)
        self.app: Litestar = build(
            store, now_ms, url, gate=self.gate, routers=api(parts), more=others(self.watched),
            started=self._started, ended=self._stopped, watched=self.watched,
        )  # fmt: skip
        self._tasks: set[asyncio.Task[Any]] = set()

    async def _started(self) -> None:
        self.feed.start(asyncio.get_running_loop())
        self.census.start(asyncio.get_running_loop())

    async def _stopped(self) -> None:
        await asyncio.to_thread(self.feed.stop)
        await asyncio.to_thread(self.census.stop)

    def _entered(self, set_id: str) -> None:
        """A pulse named a set: its wordings are wanted, and reading it takes a while."""
        task = asyncio.get_running_loop().create_task(self._learn(set_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _learn(self, set_id: str) -> None:
        try:
            content = await asyncio.to_thread(self._content, set_id)
            self.lore.enter(content)
            self.sensing.enter(content)
        except (LogError, KeyError, ValueError, OSError) as error:
            log.warning("the wordings of the set in force cannot be read", set=set_id, error=str(error)[:300])
