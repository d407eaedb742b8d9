"""From the topics to the board: a thread reads, the event loop takes in what was read.

What went through the whole chain is known by the city task's own position, which each of its flushes writes: the second
up to which it has folded. An incident of that second is on its topic; so that is the pulse that people see.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from typing import Final

import msgspec
import structlog

from brain.incidents.value import DOMAINS
from brain.screen.board.board import Board, Came
from brain.screen.following import Following
from streams import pulse as pulses
from streams.pulse import BOUND_MS
from streams.records import CE_TYPE, SEAL_TYPE, TP
from streams.state import HEAD
from streams.tailing import Seen, follow, since

CITY: Final = "state.city"
PULSE: Final = "pulse"
GATHER: Final = 500
"""Records that are taken in at once, at most: others are served in between."""
GATHER_S: Final = 0.05
BACK_MS: Final = 60_000
log = structlog.get_logger(__name__)


class _Head(msgspec.Struct):
    frontier: int


class Feed:
    """Follows a brain's topics into a board. ``entered`` is told in the loop of each set that a pulse names."""

    def __init__(
        self, board: Board, bootstrap: str, prefix: str, inputs: Collection[str], key: bytes,
        entered: Callable[[str], None] = lambda set_id: None,
    ) -> None:  # fmt: skip
        self.board, self.bootstrap, self.prefix, self._key, self._entered = board, bootstrap, prefix, key, entered
        names = [*(f"incidents.{d}" for d in DOMAINS), *(f"alarms.{i}" for i in inputs), CITY, PULSE]
        self.topics: Sequence[str] = [prefix + name for name in names]
        self._mine = {prefix + name: name for name in names}
        self._following = Following("board", self._read)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._set = ""
        self._left: set[TP] = set()
        self._past: dict[TP, list[tuple[int, Came]]] | None = {}
        """What is read until the ends are reached: the board takes it in the order of its time, however the topics'
        partitions come. None from then on."""
        self._known = False

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Read in a thread of its own until :meth:`stop`; a broker that leaves is waited for."""
        self._loop = loop
        self._following.start()

    def stop(self) -> None:
        """End, within the time of one poll."""
        self._following.stop()

    # -- what follow() tells

    def begins(self, tp: TP, offset: int) -> None:
        """A partition is read from here on."""
        name = self._mine.get(tp.topic, "")
        if name not in (CITY, PULSE):
            self._left.add(tp)
            self._known = True
        self._tell(self.board.begins, name, tp.partition, offset)

    def at_end(self, partitions: Collection[TP]) -> None:
        """All of these that could be read has been handed out."""
        if self._left:
            self._left.difference_update(partitions)
        if self._known and not self._left:
            self._take_past()
            self._tell(self._ready)

    def _ready(self) -> None:
        if not self.board.ready:
            self.board.ready = True
            log.info("the board is as the topics are", incidents=len(self.board.entries))

    # -- the thread

    def _read(self, positions: dict[TP, int]) -> None:
        if not positions:
            back = int(time.time() * 1000) - BACK_MS
            for name in (CITY, PULSE):
                positions |= since(self.bootstrap, self.prefix + name, back)
        some: list[Came] = []
        at = time.monotonic()
        records = follow(
            self.bootstrap, self.topics, from_beginning=True, stop=self._following.ended, ends=_Both(self, some),
            positions=positions,
        )  # fmt: skip
        with closing(records):
            for came in self._cast(records, positions):
                some.append(came)
                now = time.monotonic()
                if len(some) >= GATHER or now - at >= GATHER_S:
                    self._flush(some)
                    at = now

    def _cast(self, records: Iterator[Seen], positions: dict[TP, int]) -> Iterator[Came]:
        for seen in records:
            tp, name = TP(seen.topic, seen.partition), self._mine[seen.topic]
            positions[tp] = seen.offset + 1
            if name == CITY:
                up_to = frontier(seen) if seen.key == HEAD else None
                if up_to is not None:
                    self._tell(self._beat, up_to + BOUND_MS)
            elif name == PULSE:
                tick = pulses.decode(seen.value, self._key) if seen.key == b"pulse" else None
                if tick is not None and tick.set != self._set:
                    self._set = tick.set
                    self._tell(self._entered, tick.set)
            elif seen.header(CE_TYPE) != SEAL_TYPE:
                came = Came(name, seen.partition, seen.offset, seen.key, seen.value)
                if self._past is None:
                    yield came
                else:
                    self._past.setdefault(tp, []).append((seen.time, came))

    def _take_past(self) -> None:
        """Hand over what was gathered, partitions merged by time; the order within one stays the log's."""
        if self._past is None:
            return
        merged = [came for _, came in heapq.merge(*self._past.values(), key=lambda one: one[0])]
        self._past = None
        for start in range(0, len(merged), GATHER):
            self._tell(self.board.take, tuple(merged[start : start + GATHER]))

    def _flush(self, some: list[Came]) -> None:
        if some:
            self._tell(self.board.take, tuple(some))
            some.clear()

    def _beat(self, t: int) -> None:
        self.board.beat(t, self._set)

    def _tell(self, what: Callable[..., object], *given: object) -> None:
        assert self._loop is not None
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(what, *given)


def frontier(seen: Seen) -> int | None:
    """Up to which time the city task has folded; None where the record does not say."""
    try:
        return msgspec.json.decode(seen.value or b"", type=_Head).frontier
    except msgspec.DecodeError as error:
        log.warning("the city's position cannot be read", offset=seen.offset, error=str(error)[:300])
        return None


class _Both:
    """Hands on what is gathered before the end of a partition is told."""

    def __init__(self, feed: Feed, some: list[Came]) -> None:
        self._feed, self._some = feed, some

    def begins(self, tp: TP, offset: int) -> None:
        self._feed.begins(tp, offset)

    def at_end(self, partitions: Collection[TP]) -> None:
        self._feed._flush(self._some)
        self._feed.at_end(partitions)
