"""From the topics of signals to :class:`Sensing`: a thread reads, the event loop takes in what was read."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Collection
from contextlib import closing
from typing import Final

import structlog

from brain import census
from brain.screen.board.sensing import Sensing
from streams.log import LogError
from streams.records import CE_TYPE, TP, Summary
from streams.tailing import follow, since

AGAIN_S: Final = 2.0
log = structlog.get_logger(__name__)


class SensingFeed:
    """Follows what lanes say, from the last whole census on. ``inputs``: names of the input topics."""

    def __init__(self, sensing: Sensing, bootstrap: str, prefix: str, inputs: Collection[str]) -> None:
        self._sensing, self._bootstrap = sensing, bootstrap
        self._topics = [f"{prefix}signals.{name}" for name in inputs]
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Read in a thread of its own until :meth:`stop`; a broker that leaves is waited for."""
        self._thread = threading.Thread(target=self._run, args=(loop,), name="census feed", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, within the time of one poll."""
        self._end.set()
        if self._thread is not None:
            self._thread.join(2.0)

    def _hear(self, summary: Summary) -> None:
        try:
            self._sensing.hear(summary)
        except ValueError as error:
            log.warning("a census cannot be used", source=summary.source, error=str(error)[:300])

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        positions: dict[TP, int] = {}
        while not self._end.is_set():
            try:
                if not positions:
                    positions = begins(self._bootstrap, self._topics, int(time.time() * 1000))
                self._read(positions, loop)
            except LogError as error:
                log.warning("the census is not fed", error=str(error)[:300])
                self._end.wait(AGAIN_S)

    def _read(self, positions: dict[TP, int], loop: asyncio.AbstractEventLoop) -> None:
        records = follow(self._bootstrap, self._topics, stop=self._end.is_set, positions=positions)
        with closing(records):
            for seen in records:
                positions[TP(seen.topic, seen.partition)] = seen.offset + 1
                summary = census.heard(seen.header(CE_TYPE), seen.value)
                if summary is not None and not loop.is_closed():
                    loop.call_soon_threadsafe(self._hear, summary)


def begins(bootstrap: str, topics: Collection[str], now: int) -> dict[TP, int]:
    """Where to begin for a whole census of every lane. ``now``: ms UTC. Raises LogError."""
    out: dict[TP, int] = {}
    for topic in topics:
        out |= since(bootstrap, topic, now - census.BACK_MS)
    return out
