"""A Faust app as a process: it runs until SIGINT or SIGTERM, and ends when everything has stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import faust


def run(make: Callable[[], faust.App]) -> None:
    """Run in a loop of its own, in which the app is made; leaves by SystemExit, as Faust does."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    worker = Worker(make(), loop=loop, loglevel="WARN", redirect_stdouts=False, quiet=True)
    worker.spinner = None  # it would write codes of the terminal between the lines of the log
    worker.execute_from_commandline()


class Worker(faust.Worker):
    """Faust's, without its two seconds at the end.

    When it comes to that the app has stopped: what is left are connections that read on, and they are not to be waited
    for. Faust gives them a second to end by themselves, which they do not, and one more when it has cancelled them.
    """

    def _gather_all(self) -> None:
        for task in asyncio.all_tasks(self.loop):
            task.cancel()

    async def _sentinel_task(self) -> None:
        cancelled = asyncio.all_tasks() - {asyncio.current_task()}
        if cancelled:
            await asyncio.wait(cancelled, timeout=1.0)
