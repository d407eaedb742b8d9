"""Assets that raise again and again within a day: worth a visit by maintenance, whatever each single raise says.

Writes one record an asset to the compacted topic ``agents.repeat_offenders``; ``repeat`` is true from the third raise
within a day on. The topic is also what the agent begins from after a restart.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from brain import cloudevents
from brain.agents import signals
from brain.agents.examples.repeat_offenders.window import DAY_MS, Offenders, Repeat
from streams.plain import App
from streams.records import Signal
from streams.topics import Topic

TOPIC = Topic("agents.repeat_offenders", 1, "compact,delete", 3 * DAY_MS)
TYPE = "city.agent.repeat_offender.v1"


def register(app: App) -> None:
    """One agent on the signals of sensors."""
    topic = app.owns(TOPIC)

    @app.agent(signals(app, "iot.telemetry"))
    async def repeat_offenders(events: AsyncIterator[Signal]) -> None:
        known = (await app.latest(topic)).values()
        offenders = Offenders(msgspec.json.decode(value, type=Repeat) for value in known)
        async for signal in events:
            repeat = offenders.take(signal)
            if repeat is None:
                continue
            headers = cloudevents.headers(
                TYPE, f"repeat_offenders/{signal.identity()}", "/city-brain/agents/repeat_offenders", signal.asset,
                signal.t,
            )  # fmt: skip
            await app.put(topic, signal.asset.encode(), msgspec.json.encode(repeat), headers)
