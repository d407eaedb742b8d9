"""Running plain agents: what must be there before, the Faust worker, and its progress for /health and /metrics."""

from __future__ import annotations

import asyncio
import contextlib
import time

import faust

from streams import admin, process
from streams.plain import App, PlainError
from streams.records import TP


def prepare(app: App) -> None:
    """Check that there is something to run, that its topics are there, and create those it owns.

    Raises
    ------
    PlainError
        No agent was made, or a topic is missing or not as the agent has it.
    """
    if not app.feeds:
        raise PlainError("no agent was made: expected at least one `@app.agent(signals(app, …))`")
    there = set(admin.names(app.bootstrap))
    wanted = {feed.source.topic for feed in app.feeds.values()} | {app.prefix + "deadletter"}
    if missing := sorted(wanted - there - app.owned.keys()):
        raise PlainError(f"Kafka at {app.bootstrap} has no topic {', '.join(missing)}. Way out: brain topics --create")
    if differ := admin.ensure(app.bootstrap, list(app.owned.values())):
        raise PlainError("; ".join(map(str, differ)))


def run(app: App) -> int:
    """Run the agents until SIGINT or SIGTERM; answers the exit code. Call ``prepare`` first."""
    app.task()(_Watch(app).follow)
    try:
        process.run(lambda: app)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


class _Watch:
    """Reports to the worker's progress, once a second: membership, lag and whether anything moves."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.done: dict[TP, int] = {}

    async def follow(self) -> None:
        while not self.app.should_stop:
            with contextlib.suppress(faust.exceptions.ConsumerNotStarted):
                await self.look()
            await asyncio.sleep(1.0)

    async def look(self) -> None:
        """One look at every partition that is ours."""
        consumer, progress = self.app.consumer, self.app.progress
        assigned = {TP(*tp): tp for tp in consumer.assignment()}
        progress.member_ok = bool(assigned) or self.app.unassigned  # more processes than partitions: some have none
        for gone in self.done.keys() - assigned.keys():
            progress.drop(str(gone))
            del self.done[gone]
        for tp, theirs in assigned.items():
            feeds = [feed for feed in self.app.feeds.values() if feed.source.topic == tp.topic]
            done = min((feed.at.get(tp, 0) for feed in feeds), default=0)
            if all(feed.idle for feed in feeds):
                # Markers of transactions and aborted records are passed without an event.
                done = max(done, await consumer.position(theirs) or 0)
            high = consumer.highwater(theirs) or 0
            entry = progress.task(str(tp))
            if done >= high or done > self.done.get(tp, -1):
                entry.moved = time.monotonic()
            self.done[tp] = done
            held = min((feed.since for feed in feeds), default=0) or int(time.time() * 1000)
            progress.high(str(tp), done, high, held)
