"""Progress of a worker, measured: what each task last did, how far behind it is, and whether it is stuck.

Liveness is not a flag that somebody sets: a task with input before it that has moved nothing for ``stuck_s`` is stuck,
whatever its process looks like. The watchdog runs in a thread of its own, so it sees an event loop that hangs.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import structlog
from prometheus_client.core import Metric

from streams import meters
from streams.audit import Finding, Totals
from streams.figures import Figure, Meter, TaskProgress
from streams.meters import CITY, CONDUCTOR, LANE
from streams.shown import shown
from streams.tracing import Fold, Tracing

__all__ = ["CITY", "CONDUCTOR", "Progress", "watchdog"]

log = structlog.get_logger(__name__)


class Progress:
    """All tasks of a worker; also the observer that lanes and the city task report to."""

    def __init__(self, stuck_s: float = 30.0) -> None:
        self.stuck_s = stuck_s
        self.tasks: dict[str, TaskProgress] = {}
        self.started = time.monotonic()
        self.member_ok = False
        self.findings = 0
        """Of the auditor, since this worker began."""
        self.remarks: list[Callable[[], str]] = []
        """What else whoever asks for health should know: asked each time; an empty text is left out."""
        self.tracing: Tracing | None = None
        """Makes spans of flushes; None: nobody wants any."""
        self.traces: Fold | None = None
        """Of the city task that runs here: what its last flush folded."""
        self._folding: dict[str, float] = {}
        self._audited = 0
        self._overdue: int | None = None
        self._lock = threading.Lock()

    def task(self, name: str) -> TaskProgress:
        """The entry of a task, made on first use."""
        with self._lock:
            return self.tasks.setdefault(name, TaskProgress(name))

    def drop(self, name: str) -> None:
        """The task is no longer ours."""
        with self._lock:
            self.tasks.pop(name, None)

    def high(self, name: str, position: int, high: int, oldest_ms: int) -> None:
        """A fetch told where the input ends; ``oldest_ms`` is the log's timestamp of the first record not done."""
        entry = self.task(name)
        entry.high = max(entry.high, high)
        entry.position = max(entry.position, position)
        entry.oldest_ms = oldest_ms

    def look(self, name: str, high: int) -> None:
        """Where a lane's input ends now: what no fetch, no pulse and no flush moves must not look fresh for that."""
        entry = self.task(name)
        if entry.high <= entry.position < high:
            entry.oldest_ms = int(time.time() * 1000)
        entry.high = max(entry.high, high)
        if not entry.accepted_ms:
            entry.accepted_ms = int(time.time() * 1000)

    def stands(self, name: str, set_id: str, figures: Sequence[Figure] | None, out: int = 0) -> None:
        """What a task works with, and the figures of its logic; None: as before."""
        entry = self.task(name)
        entry.set, entry.out = set_id, out
        if figures is not None:
            entry.figures = figures

    # -- observer of lanes

    def progress(self, lane: Any, event: str, amount: float = 1.0, label: str = "") -> None:
        """A lane reports; see :class:`streams.lane.Observer`."""
        topic = lane.topics.source.topic
        if event == "rows":
            meters.ROWS.labels(topic).inc(amount)
            meters.BATCH_ROWS.observe(amount)
        elif event == "signals":
            meters.SIGNALS.labels(topic).inc(amount)
        elif event == "dead":
            meters.DEAD.labels(topic, *label.split("/")).inc(amount)
        elif event == "outcome":
            meters.OUTCOMES.labels(label).inc(amount)
        elif event == "flush":
            meters.FLUSHES.labels(LANE).inc()
            meters.FLUSH_SECONDS.labels(LANE).observe(amount)
            entry = self.task(str(lane.topics.source))
            entry.moved, entry.position = time.monotonic(), lane.head.position
            if lane.head.time != entry.pulse_ms:
                entry.pulse_ms, entry.pulsed = lane.head.time, entry.moved
            self._flushed(topic, entry, lane.meter)
            if self.tracing is not None:
                meter = lane.meter
                where: dict[str, Any] = {"brain.lane": entry.name, "brain.position": entry.position}
                self.tracing.flushed("lane flush", meter.seconds, meter.begun_ns, meter.links, **where)
        elif event == "restored":
            self.task(str(lane.topics.source)).position = lane.head.position
        elif event == "recovery":
            meters.RECOVERIES.labels(LANE).inc()
            log.warning("recovery", lane=str(lane.topics.source))
        elif event == "indefinite":
            meters.INDEFINITE.labels(LANE).inc()

    def _flushed(self, topic: str, entry: TaskProgress, meter: Meter) -> None:
        for stage, seconds in meter.seconds.items():
            meters.STAGE_SECONDS.labels(topic, stage).observe(seconds)
        for (scenario, life), n in meter.raises.items():
            meters.raised(scenario, life=life, n=n)
        entry.event_ms = max(entry.event_ms, meter.event_ms)
        if meter.accepted or not entry.accepted_ms:
            entry.accepted_ms = int(time.time() * 1000)

    # -- observer of the city task

    def city(self, event: str, amount: float = 1.0, label: str = "") -> None:
        """The city task reports; see :class:`streams.city.CityObserver`."""
        if event == "folded":
            meters.FOLDED.inc(amount)
        elif event == "fate":
            meters.FATES.labels(label).inc(amount)
        elif event == "flush":
            meters.FLUSHES.labels(CITY).inc()
            meters.FLUSH_SECONDS.labels(CITY).observe(amount)
            self.task(CITY).moved = time.monotonic()
            if self.tracing is not None:
                fold = self.traces or Fold()
                self.tracing.flushed("city fold", self._folding, links=fold.links, incidents=fold.incidents)
            self._folding.clear()
        elif event == "recovery":
            meters.RECOVERIES.labels(CITY).inc()
            log.warning("recovery", task="city")
        elif event == "stage":
            meters.STAGE_SECONDS.labels(CITY, label).observe(amount)
            self._folding[label] = amount
        elif event == "frontier":
            self.task(CITY).pulse_ms = int(amount)
        elif event == "indefinite":
            meters.INDEFINITE.labels(CITY).inc()
        elif event == "unreadable":
            meters.UNREADABLE.inc(amount)
        elif event == "excluded":
            meters.EXCLUDED.inc()
            log.warning("lane excluded", lane=label)

    def city_lag(self, records: int) -> None:
        """Records of the signals topics that the city task has before it."""
        entry = self.task(CITY)
        entry.high, entry.position = records, 0

    # -- observer of the conductor

    def conductor(self, event: str, amount: int) -> None:
        """The conductor reports: a ``beat`` at its time in ms, ``indefinite``, or dead letters it sent again."""
        if event == "beat":
            meters.BEATS.inc()
            entry = self.task(CONDUCTOR)
            # There is always one more pulse to write: who writes none is stuck.
            entry.moved, entry.high, entry.pulse_ms = time.monotonic(), 1, amount
            entry.accepted_ms = int(time.time() * 1000)
        elif event == "indefinite":
            meters.INDEFINITE.labels(CONDUCTOR).inc()
            meters.RECOVERIES.labels(CONDUCTOR).inc()
        elif amount:
            meters.RECLAIMED.inc(amount)

    # -- observer of sets

    def set_told(self, outcome: str) -> None:
        """The conductor ``named`` a set, or it was ``refused``."""
        meters.SETS.labels(outcome).inc()

    # -- observer of the auditor

    def audit(self, totals: Totals, found: Sequence[Finding]) -> None:
        """The auditor reports; see :class:`streams.audit_task.AuditObserver`."""
        new = totals.records - self._audited
        self._audited = totals.records
        meters.AUDIT_RECORDS.inc(new if new >= 0 else totals.records)
        self._overdue = totals.overdue
        self.findings += len(found)
        for finding in found:
            meters.AUDIT_FINDINGS.labels(finding.kind.value).inc()

    def audit_ended(self) -> None:
        """It is somebody else's now, and so is what is overdue."""
        self._overdue = None

    def audit_failed(self) -> None:
        """It begins anew, from the tail."""
        self._audited = 0
        meters.AUDIT_FAILURES.inc()

    # -- what is shown

    def figures(self) -> list[Figure]:
        """Of all tasks that run here."""
        with self._lock:
            return [figure for task in self.tasks.values() for figure in task.figures]

    def collect(self) -> Iterator[Metric]:
        """Gauges of this moment, for a registry: of the tasks that run here now, and of no others."""
        ready, _ = self.ready()
        with self._lock:
            tasks = [replace(t) for t in self.tasks.values()]
        yield from shown(tasks, ready=ready, stuck=len(self.stuck()), overdue=self._overdue)

    # -- what it means

    def stuck(self) -> list[TaskProgress]:
        """Tasks that have input before them and have moved nothing for ``stuck_s``."""
        now = time.monotonic()
        with self._lock:
            return [t for t in self.tasks.values() if t.lag > 0 and now - t.moved > self.stuck_s]

    def unpulsed(self) -> list[TaskProgress]:
        """Lanes that had a pulse once and none for ``stuck_s``: nobody conducts, or its pulses do not arrive."""
        now = time.monotonic()
        with self._lock:
            return [t for t in self.tasks.values() if t.pulsed and now - t.pulsed > self.stuck_s]

    def ready(self) -> tuple[bool, str]:
        """Whether this worker does its work, and if not, why.

        Findings of the auditor are named and do not count against it: they speak of what was written, by whomever, and
        to take this worker out of service would mend none of it.
        """
        stuck = self.stuck()
        if stuck:
            return False, "no progress: " + ", ".join(f"{t.name} at {t.position} of {t.high}" for t in stuck)
        quiet = self.unpulsed()
        if quiet:
            return False, f"no pulse for {self.stuck_s:g} s: " + ", ".join(t.name for t in quiet)
        if not self.member_ok:
            return False, "not a member of the group yet"
        found = f", audit: {self.findings} findings (see brain_audit_findings_total)" if self.findings else ""
        more = "".join(f", {text}" for remark in self.remarks if (text := remark()))
        return True, f"{len(self.tasks)} tasks{found}{more}"


def watchdog(progress: Progress, grace_s: float = 10.0) -> threading.Thread:
    """Start the thread that ends a stuck worker with exit code 70, ``grace_s`` after it went unready."""

    def watch() -> None:
        since: float | None = None
        while True:
            time.sleep(1.0)
            stuck = progress.stuck()
            if not stuck:
                since = None
            elif since is None:
                since = time.monotonic()
                log.error("stuck", tasks=[t.name for t in stuck])
            elif time.monotonic() - since > grace_s:
                log.error("stuck for too long: leaving, a supervisor starts me anew", tasks=[t.name for t in stuck])
                sys.stderr.flush()
                os._exit(70)

    thread = threading.Thread(target=watch, name="watchdog", daemon=True)
    thread.start()
    return thread
