"""A lane that is given away leaves nothing behind in the worker that had it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from streams.door import Door
from streams.kafka.reader import Reader
from streams.kafka.task_log import KafkaTaskLog
from streams.log import NotOwner
from streams.records import TP

LANE = TP("in", 0)


def test_a_reader_ends_though_what_it_waits_for_loses_the_first_word_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asyncio.Event()

    async def refresh(*topics: str) -> None:
        asked.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:  # as a wait with a limit that was over in that very moment
            return

    async def stopped() -> None:
        cluster: Any = SimpleNamespace(leader=lambda tp: None, refresh=refresh)
        reader = Reader(cluster)
        await reader.start()
        reader._lost.set()
        await asked.wait()
        async with asyncio.timeout(20):
            await reader.stop()

    monkeypatch.setattr("streams.kafka.reader._END_S", 0.05)
    asyncio.run(stopped())


@pytest.mark.parametrize("ends", [None, NotOwner("somebody else's")])
def test_the_reader_fetches_no_more_for_a_lane_that_came_and_went(ends: Exception | None) -> None:
    cluster: Any = SimpleNamespace(leader=lambda tp: None)

    async def come_and_go(times: int) -> int:
        reader = Reader(cluster)
        for _ in range(times):
            log = KafkaTaskLog("in-0", [LANE], LANE, app="a", cluster=cluster, reader=reader, member=None)

            async def run(log: KafkaTaskLog = log) -> None:
                await log.fetch({LANE: 0}, 0.0)
                assert len(reader._slots) == 1
                if ends is not None:
                    raise ends

            await Door._guard(cast(Door, SimpleNamespace()), LANE, SimpleNamespace(run=run, log=log))
        return len(reader._slots)

    assert asyncio.run(come_and_go(5)) == 0
