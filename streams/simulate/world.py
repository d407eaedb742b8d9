"""The simulated world: tasks stepped by hand on one memory broker, a seed that decides what goes wrong and when."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import random
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from streams import city as city_module
from streams import state as state_module
from streams.city import City, CityHead, CitySettings
from streams.conductor import Conductor, ConductorSettings
from streams.lane import Head, Lane, LaneSettings, LaneTopics
from streams.log import Indefinite, LogError, NotOwner
from streams.logic import CityLogic, LaneLogic, Sets
from streams.memory import MemoryBroker, MemoryTaskLog, Step
from streams.records import TP, Batch
from streams.simulate.feed import KEY, START_S, Feed
from streams.simulate.plan import Plan
from streams.simulate.toy import SETS, Killed, ToyCity, ToyLane
from streams.state import HEAD

GENESIS = "s0"
TOPIC = "toy"
JOURNAL = TP("journal", 0)
CITY_STATE = TP("state.city", 0)
PULSE = TP("pulse", 0)
STEPS_MOST = 20_000


@dataclass(frozen=True)
class Cast:
    """Whose logic a world runs. ``sets`` knows the names of :data:`streams.simulate.toy.SETS`, GENESIS among them."""

    lane: Callable[[], LaneLogic] = ToyLane
    city: Callable[[], CityLogic] = ToyCity
    sets: Sets = SETS.__getitem__
    feed: type[Feed] = Feed
    plan: Callable[[random.Random], Plan] = Plan.of


TOY = Cast()


@dataclass(eq=False)
class Worker:
    """A process; tasks on it die together."""

    number: int
    alive: bool = True


@dataclass(eq=False)
class Run:
    """One incarnation of a task: the engine's coroutine and where it stands."""

    name: str
    worker: Worker
    engine: Any
    coro: Coroutine[Any, Any, None]
    alive: bool = True
    history: list[list[Batch]] = field(default_factory=list)


class World:
    """Runs one seed. After :meth:`run`, ``broker`` holds all that was written; ``live`` says whether it all arrived."""

    def __init__(self, seed: int, cast: Cast = TOY) -> None:
        self.seed, self.cast = seed, cast
        self.rng = random.Random(seed)
        self.plan = cast.plan(self.rng)
        self.broker = MemoryBroker()
        self.broker.clock = START_S
        self.names = [f"lane-{i}" for i in range(self.plan.lanes)] + ["city", "conductor"]
        self.sources = [TP(TOPIC, i) for i in range(self.plan.lanes)]
        self.topics = [LaneTopics.of(TOPIC, i) for i in range(self.plan.lanes)]
        self.runs: list[Run] = []
        self.faults = True
        self.conducting = True
        self.live = False
        self.steps = 0
        self.trace: Callable[[str], None] | None = None
        self.counts: dict[str, int] = {}
        self.pulses: dict[int, bytes] = {}
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()
        self._workers = [Worker(next(self._number)) for _ in range(2)]

    # -- time

    def at(self, when: float, what: Callable[[], None]) -> None:
        """Call at a time of the broker's clock."""
        heapq.heappush(self._events, (when, next(self._number), what))

    def after(self, seconds: float, what: Callable[[], None]) -> None:
        """Call later."""
        self.at(self.broker.clock + seconds, what)

    def run(self) -> World:
        """Play the seed to its end."""
        with _constants(self.plan.constants):
            self._schedule()
            for name in self.names:
                self._start(name)
            while self._events and not self.live and self.steps < STEPS_MOST:
                when, _, what = heapq.heappop(self._events)
                self.broker.clock = max(self.broker.clock, when)
                what()
            self.keep_pulses()
        for run in self.runs:
            run.coro.close()
        return self

    def _schedule(self) -> None:
        end = START_S + self.plan.seconds
        self.cast.feed(self, self.rng).schedule(end)
        for when, name in self.plan.changes:
            self.at(START_S + when, lambda name=name: self._want(name))  # type: ignore[misc]  # binds the loop variable
        for when, name in self.plan.deaths:
            self.at(START_S + when, lambda name=name: self._end_worker_of(name))  # type: ignore[misc]  # binds it too
        rates = (
            (self.plan.moves, self._move),
            (self.plan.compactions, self._compact),
            (self.plan.kills, self._kill_city),
        )
        for rate, what in rates:
            when = START_S
            while rate and (when := when + self.rng.expovariate(rate)) < end:
                self.at(when, what)
        self.at(end, self._calm)

    def _calm(self) -> None:
        self.faults = False
        self.count("calm")
        # Enough pulses that every lane sees the end of every timer, then none, then all must come to rest.
        self.after(8.0, lambda: setattr(self, "conducting", False))
        self.after(9.0, self._look)

    def _look(self) -> None:
        """Is everything that is in the logs worked through?"""
        if self._at_rest():
            self.live = True
        else:
            self.after(1.0, self._look)

    def _at_rest(self) -> bool:
        for topics in self.topics:
            raw = self.last(topics.state, HEAD)
            if raw is None or msgspec.json.decode(raw, type=Head).position < self.broker.partition(topics.source).end:
                return False
        raw = self.last(CITY_STATE, HEAD)
        if raw is None:
            return False
        head = msgspec.json.decode(raw, type=CityHead)
        ends = [(str(t.signals), self.broker.partition(t.signals).end) for t in self.topics]
        return all(name in head.lanes and head.lanes[name].again >= end for name, end in ends)

    def keep_pulses(self) -> None:
        """Remember every pulse ever committed: compaction takes them away."""
        for offset, _, value, _ in self.broker.read(PULSE):
            if value is not None:
                self.pulses[offset] = value

    def last(self, tp: TP, key: bytes) -> bytes | None:
        """The last committed value of a key."""
        for record in reversed(self.broker.partition(tp).records):
            if record.key == key and (record.txn is None or record.txn.state == "committed"):
                return record.value
        return None

    def count(self, what: str) -> None:
        """Note that something happened; printed when a seed fails."""
        self.counts[what] = self.counts.get(what, 0) + 1
        if self.trace is not None:
            self.trace(f"{self.broker.clock - START_S:8.3f} {what}")

    # -- tasks

    def _start(self, name: str) -> None:
        worker: Any = self.broker.owners.get(name)
        if worker is None or not worker.alive:
            living = [w for w in self._workers if w.alive]
            worker = self.rng.choice(living)
            self.broker.owners[name] = worker
        if any(r.alive and r.name == name and r.worker is worker for r in self.runs):
            return
        self.runs = [r for r in self.runs if r.alive]
        engine = self._engine(name, worker)
        run = Run(name, worker, engine, engine.run())
        self.runs.append(run)
        self.count(f"start {name}")
        self._advance(run, None)

    def _engine(self, name: str, worker: Worker) -> Any:
        rng = self.rng
        if name.startswith("lane-"):
            topics = self.topics[int(name[5:])]
            log = MemoryTaskLog(self.broker, name, topics.state, worker, rng.choice((1, 3, 10, 4096)))
            settings = LaneSettings(
                GENESIS, KEY, self.plan.lanes, rng.choice((0.05, 0.2, 1.0, 2.0)), rng.choice((1, 300, 4_000_000)), 0.5
            )
            cast = self.cast
            lane = Lane(log, topics, cast.lane, cast.sets, settings, probe=lambda attempt: _probe(lane, attempt))
            return lane
        if name == "city":
            log = MemoryTaskLog(self.broker, name, CITY_STATE, worker, rng.choice((1, 5, 50, 4096)))
            lanes = [t.signals for t in self.topics]
            settings_ = CitySettings(GENESIS, "", rng.choice((0.05, 0.2, 1.0)), self.plan.exclude_s, 0.5)
            return City(log, lanes, JOURNAL, self.cast.city, self.cast.sets, settings_)
        log = MemoryTaskLog(self.broker, name, PULSE, worker)
        conductor = Conductor(log, self.sources, self._clock, ConductorSettings(KEY, GENESIS, 1.0))
        conductor.wanted_set = self._wanted
        return conductor

    _wanted: str | None = None

    def _want(self, name: str) -> None:
        self._wanted = name
        for run in self.runs:
            if run.name == "conductor":
                run.engine.wanted_set = name

    def _clock(self) -> int:
        """The conductor's clock: the wall's, which may be set back a little."""
        return int(self.broker.clock * 1000) - (self.rng.choice((0, 0, 700)) if self.faults else 0)

    def _advance(self, run: Run, answer: Any, error: BaseException | None = None) -> None:
        if not run.alive:
            return
        self.steps += 1
        try:
            step = run.coro.throw(error) if error is not None else run.coro.send(answer)
        except (StopIteration, NotOwner):
            run.alive = False
            self.after(self.rng.uniform(0.1, 1.0), lambda: self._start(run.name))
        except Killed:
            run.alive = False
            self._kill(run.worker, "killed by a row")
        else:
            self.after(self._latency(run, step), lambda: self._answer(run, step))

    def _latency(self, run: Run, step: Step) -> float:
        if step.name == "sleep":
            return step.wait
        soon = self.rng.uniform(0.001, 0.02)
        if self.faults and self.rng.random() < self.plan.rates["freeze"]:
            self.count("freeze")
            return self.rng.uniform(0.5, 6.0)
        return soon

    def _frozen(self, run: Run) -> float:
        now = self.broker.clock - START_S
        if not self.faults:
            return 0.0
        ends = [a + b - now for a, b, name in self.plan.freezes if name == run.name and a <= now < a + b]
        if run.name == "conductor":
            ends += [a + b - now for a, b in self.plan.outages if a <= now < a + b]
        return max(ends, default=0.0)

    def _answer(self, run: Run, step: Step, waited: bool = False) -> None:
        if not run.alive:
            return
        if run.name == "conductor" and not self.conducting and step.name == "sleep":
            return
        if (rest := self._frozen(run)) > 0:
            self.after(rest + 0.001, lambda: self._answer(run, step, waited))
            return
        if step.name == "fetch":
            self._answer_fetch(run, step, waited)
            return
        if step.name == "restore" and self.plan.compactions and self.rng.random() < 0.5:
            self._compact(run.engine.log.state)
        fault = self._fault() if step.name != "sleep" else ""
        if self.faults and step.name == "end" and run.name == "city" and run.engine._journal:
            fault = self.rng.choice((fault, fault, "crash_after", "lost"))
        if fault:
            self.count(f"{fault} at {step.name}")
        if fault == "freeze":
            self.after(self.rng.uniform(1.0, 6.0), lambda: self._answer(run, step))
            return
        if fault in {"late", "crash_late"}:
            self.after(self.rng.choice((0.01, 0.1, 1.0, 3.0)) * self.rng.random(), lambda: _try(step))
        if fault in {"crash_after", "lost"}:
            _try(step)
        if fault.startswith("crash"):
            self._crash(run)
        elif fault:
            self._advance(run, None, Indefinite(f"{step.name}: {fault}"))
        else:
            try:
                answer = step.action()
            except LogError as error:
                self._advance(run, None, error)
            else:
                self._advance(run, answer)

    def _fault(self) -> str:
        if not self.faults:
            return ""
        draw = self.rng.random()
        for kind, rate in self.plan.rates.items():
            draw -= rate
            if draw < 0:
                return kind
        return ""

    def _answer_fetch(self, run: Run, step: Step, waited: bool) -> None:
        try:
            got: list[Batch] = step.action()
        except LogError as error:
            self._advance(run, None, error)
            return
        if not got and step.wait > 0 and not waited:
            self.after(step.wait, lambda: self._answer(run, step, True))
            return
        if self.faults and self.rng.random() < self.plan.fetch_rate:
            got = self._disturbed(run, got)
        elif len(got) > 1 and self.rng.random() < 0.3:  # brokers answer for some partitions first: no fault at all
            got = self.rng.sample(got, self.rng.randrange(1, len(got)))
        if got:
            run.history = [*run.history[-5:], got]
        if self.faults and self.rng.random() < self.plan.rates["crash"]:
            self._crash(run)
        else:
            self._advance(run, got)

    def _disturbed(self, run: Run, got: list[Batch]) -> list[Batch]:
        how = self.rng.choice(("repeat", "elsewhere", "shuffle", "part", "twice"))
        self.count(f"fetch {how}")
        if how == "repeat" and run.history:
            return self.rng.choice(run.history)
        if how == "elsewhere" and got:
            tp = self.rng.choice(got).source
            end = self.broker.partition(tp).end
            wrong = {tp: max(0, min(end, got[0].first + self.rng.choice((-5, -1, 1, 4))))}
            return run.engine.log._fetch(wrong)  # type: ignore[no-any-return]  # the wrapped method's own answer
        if how == "twice":
            return got + got
        if how == "part":
            return got[: self.rng.randrange(len(got) + 1)]
        return self.rng.sample(got, len(got))

    # -- what goes wrong from outside

    def _crash(self, run: Run) -> None:
        if self.rng.random() < 0.5:
            run.alive = False
            self.count(f"crash {run.name}")
            self.after(self.rng.uniform(0.05, 1.5), lambda: self._start(run.name))
        else:
            self._kill(run.worker, "crash worker")

    def _kill_city(self) -> None:
        for run in [r for r in self.runs if r.alive and r.name == "city"]:
            self._crash(run)

    def _end_worker_of(self, name: str) -> None:
        for run in [r for r in self.runs if r.alive and r.name == name]:
            self._kill(run.worker, f"kill {name}")

    def _kill(self, worker: Worker, why: str) -> None:
        self.count(why)
        worker.alive = False
        self._workers = [w for w in self._workers if w.alive] + [Worker(next(self._number))]
        for run in self.runs:
            if run.worker is worker:
                run.alive = False
                self.after(self.rng.uniform(0.05, 1.5), lambda name=run.name: self._start(name))  # type: ignore[misc]  # a default binds it

    def _move(self) -> None:
        """Give a task to another worker; the one that has it is not told and goes on."""
        name = self.rng.choice(self.names)
        self.count(f"move {name}")
        self._workers = [*self._workers, Worker(next(self._number))][-3:]
        self.broker.owners[name] = self.rng.choice([w for w in self._workers if w.alive])
        if self.rng.random() < 0.3:
            self.broker.expire(name)
        self.after(self.rng.choice((0.0, 0.3)), lambda: self._start(name))

    def _compact(self, tp: TP | None = None) -> None:
        tp = tp or self.rng.choice([*(t.state for t in self.topics), CITY_STATE, PULSE])
        part = self.broker.partition(tp)
        self.count("compact")
        if tp == PULSE:
            self.keep_pulses()
        part.compact(self.rng.randint(0, part.end) if self.rng.random() < 0.5 else part.end)


def _probe(lane: Lane, attempt: Callable[[], object]) -> bool:
    """What a child process would show; its changes die with it."""
    try:
        attempt()
    except Killed:
        return False
    except Exception:  # noqa: BLE001  # the parent runs it again and sees it
        return True
    finally:
        lane._rollback()
    return True


def _try(step: Step) -> None:
    with contextlib.suppress(LogError):
        step.action()


@contextlib.contextmanager
def _constants(values: dict[str, int]) -> Iterator[None]:
    """Small sizes for the time of one seed, so that few rows make many chunks, slots and a full buffer."""
    place: dict[str, Any] = {name: city_module if name == "BUFFER_ROWS" else state_module for name in values}
    before = {name: getattr(place[name], name) for name in values}
    for name, value in values.items():
        setattr(place[name], name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(place[name], name, value)
