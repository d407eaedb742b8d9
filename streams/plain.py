"""Plain agents: an ordinary Faust app, with Faust's own consumer, for topics of a low rate beside the engine.

At least once: an event may come again, so what an agent writes must carry an id made from the event's own. The app
closes the holes that stock Faust leaves open: it reads committed records only, lets an event go only when its agent
has asked for the next one, and buries the event of an agent that raises.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, NoReturn, TypeVar

import faust
import msgspec
import structlog
from faust.app.base import BootStrategy
from faust.transport.drivers import aiokafka as driver
from prometheus_client import Counter

from streams import admin, door
from streams.deadletter import to_write
from streams.meters import DEAD
from streams.progress import Progress
from streams.records import CE_TYPE, SIGNAL_TYPE, TP, Batch, Dead, Headers, Reason, Signal, Stage
from streams.security import Security, security_of
from streams.tailing import Seen, snapshot
from streams.topics import MAX_MESSAGE, Topic

log = structlog.get_logger(__name__)

T = TypeVar("T")
Agent = Callable[[AsyncIterator[T]], Awaitable[None]]

EVENTS = Counter("brain_agent_events_total", "Events of plain agents, by what became of them", ["agent", "outcome"])
"""Outcomes: worked, passed (a seal or another record that is no business of agents), failed, undecodable."""

SESSION_S = 6.0
"""The group waits this long for a killed process; Faust's own default is a minute."""

_BUFFER = 256


class PlainError(Exception):
    """An agent that cannot run as it is; read by a person."""


@dataclass(frozen=True)
class Source(Generic[T]):
    """What an agent reads: a topic (with its prefix) and how a record becomes a value.

    ``decode`` answers None for a record that is not for agents, and raises msgspec's errors for one it cannot read.
    """

    topic: str
    decode: Callable[[Seen], T | None]


class _Boot(BootStrategy):
    enable_web = False


class _Thread(driver.AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: driver.Transport) -> Any:
        consumer = super()._create_worker_consumer(transport)
        if not hasattr(consumer, "_isolation_level"):
            raise PlainError("this aiokafka keeps its isolation level elsewhere: aborted records would be seen")
        # Faust reads committed data only under its exactly_once, which has open bugs of its own.
        consumer._isolation_level = "read_committed"
        return consumer


class _Consumer(driver.Consumer):
    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)


class _Transport(driver.Transport):
    Consumer = _Consumer


class App(door.Diskless):
    """A Faust app for plain agents. ``name`` is its group (after the prefix): processes of one name share the work.

    Faust's timers and services work as ever. Tables do not: their changelogs are neither transactional nor restored
    by the engine; keep state in a compacted topic of your own (``owns``, ``latest``). Topics are not declared by
    Faust either, which would count partitions by its own default.
    """

    BootStrategy = _Boot

    def __init__(self, name: str, bootstrap: str, prefix: str, progress: Progress) -> None:
        self.bootstrap, self.prefix, self.progress = bootstrap, prefix, progress
        self.feeds: dict[str, _Feed[Any]] = {}
        self.owned: dict[str, Topic] = {}
        self._letters = 0
        super().__init__(
            prefix + name,
            broker=[f"kafka://{one.strip()}" for one in bootstrap.split(",")],
            broker_credentials=_credentials(security_of(bootstrap)),
            autodiscover=False,
            broker_session_timeout=SESSION_S,
            broker_heartbeat_interval=SESSION_S / 3,
            broker_request_timeout=10.0,
            broker_commit_interval=1.0,
            consumer_auto_offset_reset="earliest",
            producer_request_timeout=10.0,
            producer_max_request_size=MAX_MESSAGE,
            stream_buffer_maxsize=_BUFFER,
            topic_allow_declare=False,
            topic_disable_leader=True,
        )

    def _new_transport(self) -> Any:
        return _Transport(self.conf.broker_consumer, self)

    # Narrower than Faust's on purpose: a plain agent gets its channel from here only.
    def agent(self, source: Source[T], *, name: str = "") -> Callable[[Agent[T]], Agent[T]]:  # type: ignore[override]  # see above
        """Make ``async def agent(events)`` a Faust agent on a source.

        The function is called when the first event is there, and called anew when partitions change hands or when it
        raised; so what it reads at its beginning holds until it returns. An event is done when the next is asked for.
        """

        def decorate(fun: Agent[T]) -> Agent[T]:
            label = name or fun.__name__
            if label in self.feeds:
                raise PlainError(f"agent {label}: there are two of this name; give one another: app.agent(…, name=…)")
            feed = self.feeds[label] = _Feed(self, label, source)

            async def run(stream: Any) -> None:
                try:
                    await feed.run(stream, fun)
                except Exception as error:  # noqa: BLE001  # Faust would start the agent anew and skip the event
                    _leave(label, error)

            topic = self.topic(source.topic, key_type=bytes, value_type=bytes, key_serializer="raw",
                               value_serializer="raw")  # fmt: skip
            faust.App.agent(self, topic, name=f"plain.{label}")(run)
            return fun

        return decorate

    def owns(self, topic: Topic) -> str:
        """Say that the agents write this topic: it is created before they start. Answers its name with the prefix."""
        made = Topic(self.prefix + topic.name, topic.partitions, topic.cleanup, topic.retention_ms, topic.config)
        self.owned[made.name] = made
        return made.name

    async def put(self, topic: str, key: bytes, value: bytes | None, headers: Headers = ()) -> None:
        """Write one record and wait until the cluster has it; its partition is murmur2 of the key.

        Raises Faust's and aiokafka's errors: let them through, the event then comes again.
        """
        await self._sent(self.topic(topic, value_serializer="raw", key_serializer="raw"), key, value, headers, None)

    async def latest(self, topic: str) -> dict[bytes, bytes]:
        """Newest value of each key of an own topic, to its end of now; keys with a tombstone are left out."""
        partitions = [TP(topic, p) for p in range(self.owned[topic].partitions)]

        def read() -> dict[bytes, bytes]:
            out: dict[bytes, bytes] = {}
            for _, _, _, key, value, _ in snapshot(self.bootstrap, partitions):
                if value is None:
                    out.pop(key or b"", None)
                else:
                    out[key or b""] = value
            return out

        return await asyncio.to_thread(read)

    async def bury(self, label: str, event: Any, stage: Stage, reason: Reason, detail: str) -> None:
        """Write the event of an agent to the dead letters."""
        if not self._letters:
            name = self.prefix + "deadletter"
            found, _ = (await asyncio.to_thread(admin.describe, self.bootstrap, [name])).get(name, (0, ""))
            self._letters = max(found, 1)
        m = event.message
        row = (m.offset, int(m.timestamp * 1000), m.key, m.value, ())
        batch = Batch.of(TP(m.topic, m.partition), m.offset, m.offset + 1, [row])
        to = TP(self.prefix + "deadletter", m.partition % self._letters)
        letter = to_write(batch, Dead(0, 0, stage, reason, f"{label}: {detail}"), to)
        raw = self.topic(to.topic, value_serializer="raw", key_serializer="raw")
        await self._sent(raw, letter.key, letter.value, letter.headers, to.partition)
        DEAD.labels(m.topic.removeprefix(self.prefix), stage, reason).inc()

    async def _sent(
        self, topic: Any, key: bytes | None, value: bytes | None, headers: Headers, partition: int | None
    ) -> None:
        # The first await hands it to the producer, the second waits for the cluster.
        await (await topic.send(key=key, value=value, headers=list(headers), partition=partition))

    def Table(self, *args: Any, **kwargs: Any) -> NoReturn:  # noqa: N802  # Faust's name
        """Refused."""
        raise PlainError(
            "Table: plain agents have none (its changelog is not transactional, and windowed ones lose data); keep "
            "state in a compacted topic of your own: app.owns(Topic(…)), app.latest(…)"
        )

    GlobalTable = SetTable = SetGlobalTable = Table  # refused alike


def _credentials(security: Security) -> faust.auth.Credentials | None:
    """What Faust's own consumer and producer are given."""
    if security.sasl:
        return faust.SASLCredentials(
            username=security.username, password=security.password, ssl_context=security.context,
            mechanism=security.mechanism,
        )  # fmt: skip
    return None if security.context is None else faust.SSLCredentials(security.context)


class _Feed(Generic[T]):
    """Events of one agent: decoded, acknowledged only when done, buried when the agent raises."""

    def __init__(self, app: App, label: str, source: Source[T]) -> None:
        self.app, self.label, self.source = app, label, source
        self.stream: Any = None
        self.pending: Any = None
        self.at: dict[TP, int] = {}

    async def run(self, stream: Any, fun: Agent[T]) -> None:
        """Call the agent again and again until the app stops."""
        stream.enable_acks = False  # Faust would acknowledge an event whose agent raised or was cancelled
        self.stream, self.pending = stream, None
        events = stream.events()
        while await self._next(events):
            held = self.pending
            try:
                await fun(self._values(events))
            except Exception as error:  # noqa: BLE001  # whatever a domain's code raises ends its event alone
                await self._failed(error)
            else:
                if self.pending is held:
                    await self._deserted()

    async def _next(self, events: AsyncIterator[Any]) -> bool:
        """Hold the next event; False at the end of the stream."""
        if self.pending is None:
            self.pending = await anext(events, None)
        return self.pending is not None

    async def _values(self, events: AsyncIterator[Any]) -> AsyncGenerator[T]:
        generation = self.pending.message.generation_id
        while await self._next(events):
            event = self.pending
            if event.message.generation_id != generation:
                return  # others may have worked in between: the agent begins anew, with this event
            m = event.message
            seen = Seen(m.topic, m.partition, m.offset, int(m.timestamp * 1000), m.key, m.value, tuple(m.headers or ()))
            try:
                value = self.source.decode(seen)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                wrong = isinstance(error, msgspec.ValidationError)
                reason = Reason.WRONG_TYPE if wrong else Reason.NOT_JSON
                await self.app.bury(self.label, event, Stage.AGENT, reason, str(error))
                await self._done("undecodable")
                continue
            if value is None:
                await self._done("passed")
                continue
            yield value
            await self._done("worked")

    async def _done(self, outcome: str) -> None:
        event, self.pending = self.pending, None
        await self.stream.ack(event)
        tp = TP(event.message.topic, event.message.partition)
        self.at[tp] = event.message.offset + 1
        EVENTS.labels(self.label, outcome).inc()

    async def _failed(self, error: Exception) -> None:
        if self.pending is None:
            raise error  # between two events: nothing to bury, and nothing that another event would mend
        m = self.pending.message
        place = f"{m.topic}/{m.partition}/{m.offset}"
        log.error("agent raised", agent=self.label, record=place, exc_info=error)
        detail = f"{type(error).__name__}: {error}"
        await self.app.bury(self.label, self.pending, Stage.AGENT, Reason.AGENT_ERROR, detail)
        await self._done("failed")

    async def _deserted(self) -> None:
        m = self.pending.message
        raise PlainError(
            f"agent {self.label} returned at {m.topic}/{m.partition}/{m.offset} though there is more: an agent is one "
            "`async for` over all its events; use `continue` for those it does not want"
        )

    @property
    def since(self) -> int:
        """Log time of the event in hand, ms; 0 when there is none."""
        return 0 if self.pending is None else int(self.pending.message.timestamp * 1000)

    @property
    def idle(self) -> bool:
        """Whether all that was fetched is done."""
        return self.pending is None and (self.stream is None or self.stream.channel.queue.empty())


def _leave(label: str, error: Exception) -> NoReturn:
    """What is not an event's fault (no broker, no dead-letter topic) ends the process; the event comes again."""
    log.error("leaving, a supervisor starts me anew", agent=label, exc_info=error)
    sys.stderr.flush()
    os._exit(door.EXIT_TROUBLE)


def signals(app: App, name: str) -> Source[Signal]:
    """Signals that the lanes of an input made, such as ``signals(app, "iot.telemetry")``; seals are left out."""
    return Source(f"{app.prefix}signals.{name}", _signal)


_decode = msgspec.json.Decoder(Signal).decode


def _signal(seen: Seen) -> Signal | None:
    return _decode(seen.value or b"") if seen.header(CE_TYPE) == SIGNAL_TYPE else None
