"""How a Faust app ends as a process."""

from __future__ import annotations

import asyncio

import faust
import pytest

from streams.process import Worker


async def _forever(left: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        left.append("ended")


def test_what_reads_on_when_the_app_has_stopped_is_ended_and_nothing_else_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop, left, slept = asyncio.new_event_loop(), list[str](), list[float]()
    sleep = asyncio.sleep

    async def counted(seconds: float) -> None:
        slept.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", counted)
    worker = Worker(faust.App("of-a-test", broker="kafka://127.0.0.1:9", autodiscover=False), loop=loop)
    reading = loop.create_task(_forever(left))
    loop.run_until_complete(sleep(0))
    worker._shutdown_loop()
    assert (reading.cancelled(), left, sum(slept)) == (True, ["ended"], 0)
    assert loop.is_closed()
