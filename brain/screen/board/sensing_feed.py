"""From the topics of signals to :class:`Sensing`: a thread reads, the event loop takes in what was read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from contextlib import closing

import structlog

from brain import census
from brain.screen.board.sensing import Sensing
from brain.screen.following import Following
from streams.records import CE_TYPE, TP, Summary
from streams.tailing import follow, since

log = structlog.get_logger(__name__)


class SensingFeed:
    """Follows what lanes say, from the last whole census on. ``inputs``: names of the input topics."""

    def __init__(self, sensing: Sensing, bootstrap: str, prefix: str, inputs: Collection[str]) -> None:
        self._sensing, self._bootstrap = sensing, bootstrap
        self._topics = [f"{prefix}signals.{name}" for name in inputs]
        self._following = Following("census", self._read)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Read in a thread of its own until :meth:`stop`; a broker that leaves is waited for."""
        self._following.start(loop)

    def stop(self) -> None:
        """End, within the time of one poll."""
        self._following.stop()

    def _hear(self, summary: Summary) -> None:
        try:
            self._sensing.hear(summary)
        except ValueError as error:
            log.warning("a census cannot be used", source=summary.source, error=str(error)[:300])

    def _read(self, positions: dict[TP, int], loop: asyncio.AbstractEventLoop) -> None:
        if not positions:
            positions |= begins(self._bootstrap, self._topics, int(time.time() * 1000))
        records = follow(self._bootstrap, self._topics, stop=self._following.ended, positions=positions)
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
