"""Exactly once, live: workers under kill -9, frozen brokers, a storm of joins; then the oracle counts."""

from __future__ import annotations

import random
import signal
import tempfile
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from rich.console import Console

from bench.chaos.judge import Verdict, judge
from bench.chaos.stand import Offsets, Watcher, Worker
from bench.harness import Result
from bench.watch.feed import Feed
from brain.settings import Settings
from streams import admin, broker, topics
from streams.broker import BrokerSettings

PREFIX, PARTITIONS, ASSETS = "chaos.", 4, 2_000
AIM_TRIES = 1_500
"""A transaction is open for some milliseconds in two hundred: so often the worker is stopped to catch one."""
console = Console(stderr=True)


@dataclass
class Plan:
    """How much of everything; the defaults are the bench, tests take less."""

    rate: int = 10_000
    kills: int = 12
    aimed: int = 3
    storm: int = 12
    broker_stop_s: float = 30.0
    broker_freeze_s: float = 12.0
    calm_s: float = 8.0


@dataclass
class Count:
    """What was done and what was seen."""

    kills: int = 0
    kills_in_open_txn: int = 0
    broker_outages: int = 0
    rebalances: int = 0
    recover_s: list[float] = field(default_factory=list)
    faults: list[tuple[float, float]] = field(default_factory=list)
    hit: list[tuple[float, set[int]]] = field(default_factory=list)
    progress_min: float = 1.0


def run(seed: int, data: Path | None) -> Result:
    """All faults on a broker of its own."""
    with tempfile.TemporaryDirectory(prefix="brain-chaos-") as folder:
        settings = BrokerSettings(Path(folder) / "kafka", heap_mb=1024)
        try:
            return chaos(settings, Path(folder), seed, Plan())
        finally:
            broker.stop(settings)


def chaos(home: BrokerSettings, logs: Path, seed: int, plan: Plan) -> Result:
    """Run the plan, then compare everything that was committed with the oracle."""
    bootstrap = broker.start(home).bootstrap
    admin.ensure(bootstrap, topics.catalogue({"iot.telemetry": PARTITIONS}, PREFIX))
    workers = [Worker(f"w{i}", bootstrap, PREFIX, ASSETS, PARTITIONS, logs) for i in range(3)]
    watcher = Watcher(bootstrap, PREFIX, PARTITIONS)
    feed = Feed(bootstrap, PREFIX + "iot.telemetry", ASSETS, PARTITIONS, plan.rate, seed)
    run_ = _Run(home, bootstrap, workers, watcher, feed, random.Random(seed), plan)
    try:
        for worker in workers[:2]:
            worker.start()
        watcher.start()
        run_.wait_for_seals()
        feed.start()
        run_.everything()
        feed.over.set()
        feed.join(180)
        live = run_.drained()
    finally:
        for worker in workers:
            worker.stop()
        watcher.over.set()
    logs_ = [w.log.read_text(errors="replace") for w in workers if w.log.exists()]
    return _result(run_, feed, judge(bootstrap, PREFIX, PARTITIONS, logs_), live=live)


class _Run:
    def __init__(
        self, home: BrokerSettings, bootstrap: str, workers: list[Worker], watcher: Watcher, feed: Feed,
        chance: random.Random, plan: Plan,
    ) -> None:  # fmt: skip
        self.home, self.workers, self.watcher, self.feed = home, workers, watcher, feed
        self.chance, self.plan, self.count = chance, plan, Count()
        self.offsets = Offsets(bootstrap)

    def wait_for_seals(self) -> None:
        """Until every lane is alive."""
        until = time.monotonic() + 90
        while time.monotonic() < until and len(self.watcher.seals) < PARTITIONS:
            time.sleep(0.2)

    def everything(self) -> None:
        """Kills, freezes, broker faults and the storm, one after the other with calm between."""
        time.sleep(self.plan.calm_s)
        for n in range(self.plan.kills):
            console.print(f"kill {n + 1} of {self.plan.kills}")
            self._kill(self.chance.choice(self.workers[:2]), dead_s=8.5 if n % 2 else 0.3)
        for n in range(self.plan.aimed):
            console.print(f"aimed kill {n + 1} of {self.plan.aimed}")
            self._aimed(self.chance.choice(self.workers[:2]), kill=True)
        if self.plan.aimed:
            self._aimed(self.workers[0], kill=False)
        self._storm()
        self._broker(lambda: broker.pause(self.home), self.plan.broker_freeze_s, lambda: broker.resume(self.home))
        self._broker(lambda: broker.stop(self.home), self.plan.broker_stop_s, lambda: broker.start(self.home))
        time.sleep(self.plan.calm_s)

    def _kill(self, worker: Worker, dead_s: float) -> None:
        time.sleep(self.chance.uniform(0.5, 3.0))
        mine = worker.owned()
        ends = {p: self.offsets.high(PREFIX + "iot.telemetry", p) for p in mine}
        worker.kill()
        self._after_kill(worker, mine, ends, dead_s)

    def _after_kill(
        self, worker: Worker, mine: set[int], ends: dict[int, int], dead_s: float, *, in_open: bool = False
    ) -> None:
        at = time.monotonic()
        self.count.kills += 1
        self.count.rebalances += 1
        self.count.hit.append((at, mine))
        self.count.kills_in_open_txn += in_open or any(
            self.offsets.open(PREFIX + "state.iot.telemetry", p) for p in mine
        )
        time.sleep(dead_s)
        worker.start()
        self.count.rebalances += 1
        until = at + 60
        waiting = set(mine)
        while waiting and time.monotonic() < until:
            for p in list(waiting):
                reached = self.watcher.reached(p, ends[p], at)
                if reached is not None:
                    self.count.recover_s.append(reached - at)
                    waiting.discard(p)
            time.sleep(0.1)
        self.count.recover_s += [60.0] * len(waiting)

    def _aimed(self, worker: Worker, *, kill: bool) -> None:
        """Stop the worker where it stands until a transaction of its is open; then kill it, or let it lie."""
        mine = worker.owned()
        found = False
        for _ in range(AIM_TRIES):
            worker.send(signal.SIGSTOP)
            found = any(self.offsets.open(PREFIX + "state.iot.telemetry", p) for p in mine)
            if found:
                break
            worker.send(signal.SIGCONT)
            time.sleep(self.chance.uniform(0.002, 0.03))
        ends = {p: self.offsets.high(PREFIX + "iot.telemetry", p) for p in mine}
        if kill:
            worker.kill()
            self._after_kill(worker, mine, ends, 0.3, in_open=found)
        else:
            self.count.hit.append((time.monotonic(), mine))
            time.sleep(9.0)
            worker.send(signal.SIGCONT)
            time.sleep(self.plan.calm_s)

    def _storm(self) -> None:
        """A third worker joins and leaves; what was committed meanwhile against what was sent."""
        if not self.plan.storm:
            return
        begun, sent = time.monotonic(), self.feed.sent
        before = self._committed()
        for n in range(self.plan.storm // 2):
            console.print(f"storm {n + 1} of {self.plan.storm // 2}")
            self.workers[2].start()
            time.sleep(6.0)
            self.workers[2].stop()
            time.sleep(1.0)
            self.count.rebalances += 2
        self.count.hit.append((begun, set(range(PARTITIONS))))
        self.count.faults.append((begun, time.monotonic()))
        self.count.progress_min = (self._committed() - before) / max(1, self.feed.sent - sent)

    def _committed(self) -> int:
        return sum(seals[-1][1] for seals in self.watcher.seals.values() if seals)

    def _broker(self, down, seconds, up) -> None:  # type: ignore[no-untyped-def]  # three plain steps
        if not seconds:
            return
        console.print(f"broker away for {seconds:g} s")
        begun = time.monotonic()
        down()
        time.sleep(seconds)
        up()
        self.count.broker_outages += 1
        self.count.faults.append((begun, time.monotonic() + 15))
        time.sleep(15)
        for worker in self.workers[:2]:
            worker.start()

    def drained(self, wait_s: float = 90.0) -> bool:
        """Whether every lane came to the end of its input."""
        until = time.monotonic() + wait_s
        while time.monotonic() < until:
            ends = [self.offsets.high(PREFIX + "iot.telemetry", p) for p in range(PARTITIONS)]
            if all(self.watcher.seals[p] and self.watcher.seals[p][-1][1] >= ends[p] - 2 for p in range(PARTITIONS)):
                return True
            for worker in self.workers[:2]:
                worker.start()
            time.sleep(0.5)
        return False

    def stall_s(self) -> float:
        """Longest time between two seals of a lane whose worker was not hit, outside broker faults and the storm."""
        return max((length for length, *_ in self.stalls()), default=0.0)

    def stalls(self) -> list[tuple[float, int, float]]:
        """Such times, the longest first: (seconds, partition, seconds since the last kill or freeze of the other)."""
        out = []
        for p, seals in self.watcher.seals.items():
            for (a, _), (b, _) in pairwise(seals):
                hit = any(p in mine and a - 1 <= at <= b for at, mine in self.count.hit)
                if not hit and not any(x <= b and a <= y for x, y in self.count.faults):
                    since = min((a - at for at, _ in self.count.hit if at <= b), default=-1.0, key=abs)
                    out.append((b - a, p, since))
        return sorted(out, reverse=True)


def _result(done: _Run, feed: Feed, verdict: Verdict, *, live: bool) -> Result:
    c = done.count
    figures: dict[str, float | int | str | None] = {
        "kills": c.kills, "kills_in_open_txn": c.kills_in_open_txn, "broker_outages": c.broker_outages,
        "rebalances": c.rebalances, "late_sent": feed.late, "duplicates_sent": feed.repeated,
        "signals": len(verdict.want.signals), "lost": verdict.lost, "double": verdict.double, "wrong": verdict.wrong,
        "torn": verdict.torn, "recover_s_max": round(max(c.recover_s, default=0.0), 1),
        "unaffected_stall_s_max": round(done.stall_s(), 1), "rebalance_progress_min": round(c.progress_min, 2),
    }  # fmt: skip
    rows: list[dict[str, float | int | str | None]] = [
        {"what": "readings in the log", "seen": verdict.want.readings},
        {"what": "late / repeated in the log", "seen": f"{verdict.want.late} / {verdict.want.repeated}"},
        {"what": "every lane at its end", "seen": str(live)},
        {"what": "worker exits", "seen": str([w.exits for w in done.workers])},
        {
            "what": "longest stalls of lanes not hit: s, partition, begun s after the nearest hit",
            "seen": "; ".join(f"{s:.1f} p{p} {at:+.1f}" for s, p, at in done.stalls()[:6]),
        },
        {"what": "kill to first new input, s", "seen": str(sorted(round(s, 1) for s in c.recover_s))},
        {
            "what": "findings of the auditor, afterwards / in the workers",
            "seen": f"{verdict.findings} / {verdict.live}",
        },
    ]
    rows += [{"what": "does not fit", "seen": line} for line in verdict.examples]
    ok = live and verdict.holds and not feed.refused
    defaults = Settings()
    return Result(rows, figures, ok, {"flush_s": defaults.flush_s, "request_timeout_s": defaults.request_timeout_s})
