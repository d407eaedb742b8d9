"""The door: a Faust app whose service owns the tasks of this worker, and whose agents work through their batches.

The group decides who owns what (streams/kafka/member.py); the door starts a task for each partition that is ours and
stops it, after a last flush, when it is ours no more. A batch goes to the Faust agent of its input through a channel,
and the door waits until the agent is done with it. The owner of ``pulse`` also runs the city task and the conductor.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import faust
import structlog
from faust.app.base import BootStrategy
from mode import Service

from streams import admin, meters, process
from streams.audit import Kind
from streams.audit_task import AuditTask
from streams.city import City, CitySettings
from streams.collector import Leavings, collect_seldom
from streams.conductor import Conductor, ConductorSettings
from streams.figures import Figure, Shows
from streams.kafka import batches
from streams.kafka.conductor_log import KafkaConductorLog
from streams.kafka.connect import Cluster, KafkaSettings
from streams.kafka.member import Member
from streams.kafka.reader import Reader
from streams.kafka.task_log import KafkaTaskLog
from streams.lane import Lane, LaneSettings, LaneTopics
from streams.log import LogError, NotOwner
from streams.logic import CityLogic, LaneLogic, Sets
from streams.pages import Pages
from streams.probe import in_child
from streams.progress import CITY, CONDUCTOR, Progress
from streams.reclaim import Claims, Reclaimer
from streams.records import TP, Batch
from streams.set_build import Changes, SetBuild
from streams.set_watch import SetWatch
from streams.state import Store
from streams.tracing import Fold

log = structlog.get_logger(__name__)

EXIT_TROUBLE = 71
FIGURES_S = 5.0
"""A logic is asked for its figures this often: the city's go through all open incidents."""
CHANGES = ("assets", "map.features")
"""Topics by which the registry and the map change."""


@dataclass(frozen=True)
class WorkerSettings:
    """One worker. ``inputs`` maps an input topic to its partitions; times in seconds.

    ``lanes`` and ``city`` make the application's logic; ``clock`` answers the city's time in ms UTC; ``outcomes``
    answers the provisional ids that the value of an incident record settles (None: the auditor does not ask).
    """

    kafka: KafkaSettings
    inputs: Mapping[str, int]
    lanes: Mapping[str, Callable[[], LaneLogic]]
    city: Callable[[], CityLogic] | None
    sets: Sets
    genesis: str
    key: bytes
    prefix: str = ""
    group: str = "city-brain"
    flush_s: float = 0.2
    pulse_every_s: float = 1.0
    conduct: bool = True
    load_set: Callable[[str], object] | None = None
    """Reads a set that is wanted in force and tries it; raises where it cannot be used. None: no set is followed."""
    changes: Callable[[], Changes] | None = None
    """Makes the application's side of live changes; they come by the topics assets and map.features. None: none do."""
    claims: Claims | None = None
    """Whether a set makes a dead letter worth another try; None: nothing is sent again by itself."""
    logs: Mapping[str, str] = field(default_factory=dict)
    """Input topic → its id in the cluster, as far as known."""
    clock: Callable[[], int] = field(default=lambda: int(time.time() * 1000))
    outcomes: Callable[[bytes], Iterable[str]] | None = None
    audit: bool = True
    fates: Iterable[str] = ()
    """All that the city's logic counts by, so that metrics show a zero for what has not been."""


class _NoKafka(BootStrategy):
    """Faust brings app, agents and channels; the consuming is the door's."""

    enable_kafka = False
    enable_web = False


class Diskless(faust.App):
    """A Faust app that leaves nothing on disk."""

    def _create_directories(self) -> None:
        """Faust would make folders for tables, which are not used, where the process happens to run."""


class App(Diskless):
    """A Faust app that leaves Kafka to the door."""

    BootStrategy = _NoKafka


@dataclass(slots=True)
class Work:
    """One batch on its way through a channel; ``done`` is set when the agent has worked it through."""

    lane: Lane
    batch: Batch
    done: asyncio.Future[None]


def make_app(settings: WorkerSettings, progress: Progress) -> App:
    """The app with its door and one agent an input. A plain agent belongs into an app of its own: streams/plain.py."""
    app = App(settings.prefix + settings.group, broker=f"kafka://{settings.kafka.bootstrap}", autodiscover=False)
    channels = {topic: app.channel(maxsize=1) for topic in settings.inputs}
    for topic, channel in channels.items():
        app.agent(channel, name=f"work.{topic}")(_agent())
    app.service(Door.of(settings, progress, channels))
    app.flow_control.resume()  # Faust does this at the first assignment of its own consumer, which is not there
    return app


def run_worker(settings: WorkerSettings, progress: Progress) -> None:
    """Run the app until SIGINT or SIGTERM; returns after a last flush of every task."""
    settings = checked(settings)
    meters.begin([settings.prefix + topic for topic in settings.inputs], [k.value for k in Kind], settings.fates)
    collect_seldom()
    batches.warm()
    _warm(settings)
    process.run(lambda: make_app(settings, progress))


def _warm(settings: WorkerSettings) -> None:
    """Have all kernels compiled or loaded before the group gives us a lane: one that moves must not wait for that."""
    for topic, partitions in settings.inputs.items():
        logic = settings.lanes[topic]()
        logic.bind(Store(logic.tables, logic.owner), TP(topic, 0), partitions)
        logic.enter(settings.genesis, settings.sets(settings.genesis))


def checked(settings: WorkerSettings) -> WorkerSettings:
    """The settings with the ids of the input topics. Raises LogError for a topic that is not as they say."""
    names = {settings.prefix + topic: n for topic, n in settings.inputs.items()}
    found = admin.describe(settings.kafka, list(names))
    for name, n in names.items():
        if name not in found:
            raise LogError(f"{name}: no such topic; create the topics: brain topics --create")
        if found[name][0] != n:
            raise LogError(
                f"{name}: expected {n} partitions as in the settings, the cluster has {found[name][0]}: the count is "
                "part of the state. Set it to what is there, or create topics under another prefix and replay into them"
            )
    return replace(settings, logs={topic: found[settings.prefix + topic][1] for topic in settings.inputs})


def figures_of(task: Lane | City, *, due: bool) -> Sequence[Figure] | None:
    """Those of a task's logic; None while it has none yet, or it is too early to ask again."""
    logic = getattr(task, "logic", None)
    return logic.figures() if due and isinstance(logic, Shows) else None


def _kind(task: Any) -> str:
    """As a label."""
    return type(task).__name__.removesuffix("Task").lower()


def _agent() -> Callable[[Any], Any]:
    async def work(stream: Any) -> None:
        async for item in stream:
            try:
                await item.lane.take(item.batch)
            except Exception as error:  # noqa: BLE001  # handed to the door, which waits for it
                item.done.set_exception(error)
            else:
                item.done.set_result(None)

    return work


class Door(Service):
    """Starts and stops tasks as the group decides."""

    settings: WorkerSettings
    progress: Progress
    channels: Mapping[str, Any]

    @classmethod
    def of(cls, settings: WorkerSettings, progress: Progress, channels: Mapping[str, Any]) -> type[Door]:
        """A class of its own with these settings: Faust makes the instance."""
        return type("Door", (cls,), {"settings": settings, "progress": progress, "channels": dict(channels)})

    def __post_init__(self) -> None:
        self.running: dict[TP, list[tuple[Any, asyncio.Task[None]]]] = {}
        self._figures_at, self._pages, self._leavings = 0.0, Pages(), Leavings()
        self.cluster = Cluster(self.settings.kafka)
        self.reader = Reader(self.cluster)
        s = self.settings
        self.pulse = TP(s.prefix + "pulse", 0)
        topics = [s.prefix + topic for topic in s.inputs] + [self.pulse.topic]
        self.sets: SetWatch | None = None
        self.build: SetBuild | None = None
        if s.load_set is not None:
            if s.changes is not None:
                sources = {name: TP(s.prefix + name, 0) for name in CHANGES}
                self.build = SetBuild(self.reader.feed(), sources, s.changes())
            topic, lanes = TP(s.prefix + "sets", 0), self._all("signals.")
            self.sets = SetWatch(self.reader.feed(), topic, lanes, s.load_set, self.progress.set_told)
        self.member = Member(self.cluster, s.prefix + s.group, topics)

    async def on_start(self) -> None:
        """Reach the cluster and join the group."""
        await self.cluster.start()
        await self.reader.start()
        await self.member.start()

    @Service.task
    async def _supervise(self) -> None:
        while not self.should_stop:
            wanted = set(self.member.assignment)
            self.member.check()
            self.progress.member_ok = self.member.generation >= 0
            for tp in wanted - self.running.keys():
                self._begin(tp)
            for tp in self.running.keys() - wanted:
                self._end(tp)
            self._watch()
            self.member.changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.member.changed.wait(), 0.25)

    @Service.task
    async def _follow_sets(self) -> None:
        while not self.should_stop and self.sets is not None:
            tasks = [task for tasks in self.running.values() for task, _ in tasks]
            try:
                await self.sets.step(tasks, time.monotonic())
                if self.build is not None:
                    await self.build.step(tasks, self.sets, time.monotonic())
            except LogError as error:  # the tasks go on under the set in force; this looks again
                log.warning("cannot read which set is wanted, or hand out the next", error=str(error))
            await self.sleep(0.5)

    def _begin(self, tp: TP) -> None:
        s = self.settings
        names = {s.prefix + topic: topic for topic in s.inputs}
        self.running[tp] = []
        if tp == self.pulse:
            if s.conduct:
                conductor_log = KafkaConductorLog("conductor", [tp], tp, **self._common())
                settings = ConductorSettings(s.key, s.genesis, s.pulse_every_s)
                reclaimer = None
                if s.claims is not None:
                    letters = [TP(s.prefix + "deadletter", p) for p in range(max(s.inputs.values()))]
                    reclaimer = Reclaimer(letters, s.prefix + "audit", s.claims)
                conductor = Conductor(
                    conductor_log, self._all(""), s.clock, settings, reclaimer, self.progress.conductor
                )
                self._spawn(tp, conductor)
            if s.city is not None:
                signals = self._all("signals.")
                city_log = KafkaTaskLog("city", [tp, *signals], TP(s.prefix + "state.city", 0), **self._common())
                journal = TP(s.prefix + "journal", 0)
                city_settings = CitySettings(s.genesis, s.prefix, s.flush_s)
                city = City(city_log, signals, journal, s.city, s.sets, city_settings, self.progress)
                city.traces = self.progress.traces = None if self.progress.tracing is None else Fold()
                self._spawn(tp, city)
            if s.audit:
                lanes = [LaneTopics.of(topic, p, s.prefix) for topic, n in s.inputs.items() for p in range(n)]
                # The wall's clock, not the city's: it is compared with the log's timestamps.
                now_ms = lambda: int(time.time() * 1000)  # noqa: E731
                self._spawn(tp, AuditTask(self.cluster, lanes, s.prefix, s.outcomes, self.progress, now_ms))
        elif tp.topic in names:
            topic = names[tp.topic]
            topics = LaneTopics.of(topic, tp.partition, s.prefix)
            lane_log = KafkaTaskLog(f"{topic}-{tp.partition}", [tp], topics.state, **self._common())
            lane_settings = LaneSettings(s.genesis, s.key, s.inputs[topic], s.flush_s, log=s.logs.get(topic, ""))
            lane = Lane(
                lane_log, topics, s.lanes[topic], s.sets, lane_settings, self.progress, in_child,
                deliver=self._through(topic),
            )  # fmt: skip
            lane.meter.links = None if self.progress.tracing is None else []
            self._spawn(tp, lane)

    def _common(self) -> dict[str, Any]:
        app = self.settings.prefix + self.settings.group
        return {"app": app, "cluster": self.cluster, "reader": self.reader, "member": self.member}

    def _all(self, family: str) -> list[TP]:
        s = self.settings
        return [TP(f"{s.prefix}{family}{topic}", p) for topic, n in s.inputs.items() for p in range(n)]

    def _through(self, topic: str) -> Callable[[Lane, Batch], Any]:
        channel = self.channels[topic]

        async def deliver(lane: Lane, batch: Batch) -> None:
            name = str(lane.topics.source)
            oldest = int(batch.times[0]) if len(batch) else int(time.time() * 1000)
            self.progress.high(name, lane.head.position, batch.high, oldest)
            done = asyncio.get_running_loop().create_future()
            await channel.send(value=Work(lane, batch, done))
            await done

        return deliver

    def _spawn(self, tp: TP, task: Any) -> None:
        meters.TASKS.labels(_kind(task), "started").inc()
        log.info("task starts", partition=str(tp), task=type(task).__name__)
        self.running[tp].append((task, asyncio.create_task(self._guard(tp, task))))

    async def _guard(self, tp: TP, task: Any) -> None:
        try:
            await task.run()
            if isinstance(task, Conductor):
                await task.log.close()
            meters.TASKS.labels(_kind(task), "ended").inc()
            log.info("task ends", partition=str(tp), task=type(task).__name__)
        except NotOwner:
            meters.TASKS.labels(_kind(task), "fenced").inc()
            log.info("not ours any more", partition=str(tp))
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is, it ends the worker and is logged
            self._leave(tp, error)
        finally:
            if isinstance(log_ := getattr(task, "log", None), KafkaTaskLog):
                await log_.cut()  # else the reader fetches on for it: lanes come and go

    def _leave(self, tp: TP, error: Exception) -> None:
        """What no recovery mends ends the worker, not the lane in silence."""
        log.error("worker leaves", partition=str(tp), error=f"{type(error).__name__}: {error}", exc_info=error)
        sys.stderr.flush()
        os._exit(EXIT_TROUBLE)

    def _end(self, tp: TP) -> None:
        for task, _ in self.running[tp]:
            task.stop = True

    def _watch(self) -> None:
        self._pages.look()
        cities = [t for tasks in self.running.values() for t, _ in tasks if isinstance(t, City)]
        self._leavings.look([t.logic for t in cities if hasattr(t, "logic")], time.monotonic())
        due = time.monotonic() >= self._figures_at
        if due:
            self._figures_at = time.monotonic() + FIGURES_S
        for tp, tasks in list(self.running.items()):
            if tasks and all(handle.done() for _, handle in tasks):
                del self.running[tp]
                for name in (str(tp),) if tp != self.pulse else (CITY, CONDUCTOR):
                    self.progress.drop(name)
                if tp == self.pulse:
                    self.progress.audit_ended()
                continue
            for task, _ in tasks:
                if isinstance(task, City) and isinstance(task.log, KafkaTaskLog):
                    self.progress.city_lag(sum(max(0, task.log.high(t) - at) for t, at in task.positions().items()))
                    self.progress.stands(CITY, task.head.set, figures_of(task, due=due), task.out())
                if isinstance(task, Lane) and isinstance(task.log, KafkaTaskLog):
                    self.progress.look(str(tp), task.log.high(tp) + task.head.base)
                    self.progress.stands(str(tp), task.head.set, figures_of(task, due=due))

    async def on_stop(self) -> None:
        """Last flush of every task, then leave the group."""
        for tp in list(self.running):
            self._end(tp)
        handles = [handle for tasks in self.running.values() for _, handle in tasks]
        if handles:
            await asyncio.wait(handles, timeout=10)
        await self.member.stop()
        await self.reader.stop()
        await self.cluster.stop()
