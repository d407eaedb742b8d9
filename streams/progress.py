"""Progress of a worker, measured: what each task last did, how far behind it is, and whether it is stuck.

Liveness is not a flag that somebody sets: a task with input before it that has moved nothing for ``stuck_s`` is stuck,
whatever its process looks like. The watchdog runs in a thread of its own, so it sees an event loop that hangs.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from prometheus_client import Counter, Gauge, Histogram

from streams.audit import Finding, Totals

log = structlog.get_logger(__name__)

ROWS = Counter("brain_rows_total", "Records worked through", ["input"])
SIGNALS = Counter("brain_signals_total", "Signals made", ["input"])
DEAD = Counter("brain_dead_letters_total", "Records that ended as dead letters", ["input", "stage", "reason"])
OUTCOMES = Counter("brain_rows_outcome_total", "Rows by outcome that is neither signal nor dead letter", ["outcome"])
FLUSHES = Counter("brain_flushes_total", "Transactions committed", ["task"])
FLUSH_SECONDS = Histogram(
    "brain_flush_seconds",
    "Time of one transaction",
    ["task"],
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
RECOVERIES = Counter("brain_recoveries_total", "Walks of the recovery path", ["task"])
BATCH_ROWS = Histogram("brain_batch_rows", "Rows in a batch", buckets=(1, 10, 100, 1_000, 5_000, 10_000, 50_000))
LAG = Gauge("brain_lag_records", "Records before the high watermark not yet worked through", ["input", "partition"])
LAG_SECONDS = Gauge("brain_lag_seconds", "Age of the oldest record not yet worked through", ["input", "partition"])
PULSE_AGE = Gauge("brain_pulse_age_seconds", "Age of the last pulse a lane accepted", ["input", "partition"])
FOLDED = Counter("brain_signals_folded_total", "Signals folded by the city task")
EXCLUDED = Counter("brain_lanes_excluded_total", "Lanes the city task went on without")
UNREADABLE = Counter("brain_signals_unreadable_total", "Records of signals topics that no lane can have written")
FATES = Counter("brain_fold_total", "What became of signals and timers in the city task", ["reason"])
CITY_LAG = Gauge("brain_city_lag_records", "Records of signals topics not yet read by the city task")
BEATS = Counter("brain_pulses_total", "Pulses this worker's conductor wrote")
RECLAIMED = Counter("brain_reclaimed_total", "Dead letters sent again because a set came to know their asset")
AUDIT_FINDINGS = Counter("brain_audit_findings_total", "What the auditor found not to hold", ["kind"])
AUDIT_RECORDS = Counter("brain_audit_records_total", "Sealed records the auditor looked at")
AUDIT_OVERDUE = Gauge("brain_audit_overdue_alarms", "Provisional records overdue for their outcome")
AUDIT_FAILURES = Counter("brain_audit_failures_total", "Times the auditor ended by an error and began anew")

CITY, CONDUCTOR = "city", "conductor"


@dataclass(slots=True)
class TaskProgress:
    """One task: when it last moved, where it stands, where its input ends."""

    name: str
    moved: float = field(default_factory=time.monotonic)
    position: int = 0
    high: int = 0
    pulse_ms: int = -1
    pulsed: float = 0.0
    """When the pulse last moved, monotonic; 0: never."""
    oldest_ms: int = 0

    @property
    def lag(self) -> int:
        """Records between position and high watermark."""
        return max(0, self.high - self.position)


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
        self._audited = 0
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
        self._show(entry)

    def look(self, name: str, high: int) -> None:
        """Show a lane as it stands now: what no fetch, no pulse and no flush moves must not look fresh for that."""
        entry = self.task(name)
        if entry.high <= entry.position < high:
            entry.oldest_ms = int(time.time() * 1000)
        entry.high = max(entry.high, high)
        self._show(entry)

    def _show(self, entry: TaskProgress) -> None:
        topic, _, partition = entry.name.rpartition("/")
        now = time.time()
        LAG.labels(topic, partition).set(entry.lag)
        LAG_SECONDS.labels(topic, partition).set(max(0.0, now - entry.oldest_ms / 1000) if entry.lag else 0.0)
        if entry.pulse_ms > 0:
            PULSE_AGE.labels(topic, partition).set(max(0.0, now - entry.pulse_ms / 1000))

    # -- observer of lanes

    def progress(self, lane: Any, event: str, amount: float = 1.0, label: str = "") -> None:
        """A lane reports; see :class:`streams.lane.Observer`."""
        topic = lane.topics.source.topic
        if event == "rows":
            ROWS.labels(topic).inc(amount)
            BATCH_ROWS.observe(amount)
        elif event == "signals":
            SIGNALS.labels(topic).inc(amount)
        elif event == "dead":
            DEAD.labels(topic, *label.split("/")).inc(amount)
        elif event == "outcome":
            OUTCOMES.labels(label).inc(amount)
        elif event == "flush":
            FLUSHES.labels("lane").inc()
            FLUSH_SECONDS.labels("lane").observe(amount)
            entry = self.task(str(lane.topics.source))
            entry.moved, entry.position = time.monotonic(), lane.head.position
            if lane.head.time != entry.pulse_ms:
                entry.pulse_ms, entry.pulsed = lane.head.time, entry.moved
            self._show(entry)
        elif event == "recovery":
            RECOVERIES.labels("lane").inc()
            log.warning("recovery", lane=str(lane.topics.source))

    # -- observer of the city task

    def city(self, event: str, amount: float = 1.0, label: str = "") -> None:
        """The city task reports; see :class:`streams.city.CityObserver`."""
        if event == "folded":
            FOLDED.inc(amount)
        elif event == "fate":
            FATES.labels(label).inc(amount)
        elif event == "flush":
            FLUSHES.labels("city").inc()
            FLUSH_SECONDS.labels("city").observe(amount)
            self.task(CITY).moved = time.monotonic()
        elif event == "recovery":
            RECOVERIES.labels("city").inc()
            log.warning("recovery", task="city")
        elif event == "unreadable":
            UNREADABLE.inc(amount)
        elif event == "excluded":
            EXCLUDED.inc()
            log.warning("lane excluded", lane=label)

    def city_lag(self, records: int) -> None:
        """Records of the signals topics that the city task has before it."""
        entry = self.task(CITY)
        entry.high, entry.position = records, 0
        CITY_LAG.set(records)

    # -- observer of the conductor

    def conductor(self, event: str, amount: int) -> None:
        """The conductor reports: a ``beat`` at its time in ms, or how many dead letters it sent again."""
        if event == "beat":
            BEATS.inc()
            entry = self.task(CONDUCTOR)
            # There is always one more pulse to write: who writes none is stuck.
            entry.moved, entry.high, entry.pulse_ms = time.monotonic(), 1, amount
        elif amount:
            RECLAIMED.inc(amount)

    # -- observer of the auditor

    def audit(self, totals: Totals, found: Sequence[Finding]) -> None:
        """The auditor reports; see :class:`streams.audit_task.AuditObserver`."""
        new = totals.records - self._audited
        self._audited = totals.records
        AUDIT_RECORDS.inc(new if new >= 0 else totals.records)
        AUDIT_OVERDUE.set(totals.overdue)
        self.findings += len(found)
        for finding in found:
            AUDIT_FINDINGS.labels(finding.kind.value).inc()

    def audit_failed(self) -> None:
        """It begins anew, from the tail."""
        self._audited = 0
        AUDIT_FAILURES.inc()

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
