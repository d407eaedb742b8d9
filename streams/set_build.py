"""How changes that come by topics become the next set: read, gathered, made by the application, published, wished.

It works in the worker that conducts. From the wish on, :mod:`streams.set_watch` goes the way that a person's wish goes:
every task loads the set and says so, and only then a pulse names it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog

from streams.city import City
from streams.conductor import Conductor
from streams.records import TP, Batch
from streams.set_watch import Feed, SetWatch

log = structlog.get_logger(__name__)

GATHER_S = 1.0
"""Changes are gathered until none came for so long, because many come together and a set is made of all."""
GATHER_MOST_S = 10.0


@dataclass(frozen=True)
class Built:
    """What came of a batch of changes: the next set, or "" where there is none; those refused are told in the audit."""

    set: str
    applied: int
    refused: list[dict[str, Any]] = field(default_factory=list)


class Changes(Protocol):
    """The application's side; ``build`` and ``publish`` block and are called in a thread, one at a time."""

    def take(self, topic: str, batch: Batch) -> None:
        """Records that came, in log order."""
        ...

    def waiting(self, set_id: str, now: int) -> bool:
        """Whether the set in force may lack any of them by this time (ms). Raises KeyError: the set is not here."""
        ...

    def build(self, set_id: str, now: int) -> Built:
        """The next set."""
        ...

    def publish(self, set_id: str, now: int) -> None:
        """Hand it to all workers and wish it; with "" only keep what was judged. Raises LogError."""
        ...


class SetBuild:
    """One a worker. ``topics`` maps the application's name of a topic of changes to its one partition."""

    def __init__(self, feed: Feed, topics: Mapping[str, TP], changes: Changes) -> None:
        self._feed, self._topics, self._changes = feed, {tp: name for name, tp in topics.items()}, changes
        self._positions = dict.fromkeys(self._topics, 0)
        self._came = self._first = 0.0

    async def step(self, tasks: Iterable[Any], watch: SetWatch, now: float) -> None:
        """Look once; ``tasks`` are this worker's, ``now`` monotonic seconds. Raises LogError: look again later."""
        await self._look(now)
        mine = list(tasks)
        city = next((t for t in mine if isinstance(t, City)), None)
        conductor = next((t for t in mine if isinstance(t, Conductor)), None)
        if city is None or conductor is None or conductor.last is None or watch.busy:
            return
        if now - self._came < GATHER_S and now - self._first < GATHER_MOST_S:
            return
        force, time = conductor.last.set, conductor.last.time
        if not self._changes.waiting(force, time):
            return
        built = await asyncio.to_thread(self._changes.build, force, time)
        if conductor.last.set != force:
            return  # another set came into force meanwhile: it is made anew on that one
        await asyncio.to_thread(self._changes.publish, built.set, time)
        for refusal in built.refused:
            city.audit("change.refused", **refusal)
            log.error("change refused", **refusal)
        if built.set:
            city.audit("set.built", set=built.set, of=force, changes=built.applied)
            log.info("set built of changes", set=built.set, of=force, changes=built.applied)

    async def _look(self, now: float) -> None:
        for batch in await self._feed.fetch(self._positions, 0.0):
            if len(batch):
                self._first = now if now - self._came > GATHER_S else self._first
                self._came = now
            self._changes.take(self._topics[batch.source], batch)
            self._positions[batch.source] = batch.next
