"""The engine's Prometheus metrics. Counted once a flush or a batch, never once a record; docs/metrics.md lists them.

What stands at a moment (lag, freshness, the set in force) is not here: :class:`streams.progress.Progress` works it out
when it is scraped, from the tasks that run now, so that nothing is left of a task that is somebody else's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from prometheus_client import Counter, Histogram

from streams.figures import CITY_STAGES, STAGES
from streams.records import Reason, Stage

LANE, CITY, CONDUCTOR, AUDIT = "lane", "city", "conductor", "audit"
SCENARIOS: Final = 500
"""Scenarios told apart; further ones are counted as ``other``. Their names come from the set, never from data."""
OTHER: Final = "other"

_FINE = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)

ROWS = Counter("brain_rows_total", "Records worked through", ["input"])
SIGNALS = Counter("brain_signals_total", "Signals made", ["input"])
RAISES = Counter("brain_raises_total", "Raises that lanes made, those in shadow aside", ["domain", "scenario", "life"])
DEAD = Counter("brain_dead_letters_total", "Records that ended as dead letters", ["input", "stage", "reason"])
OUTCOMES = Counter("brain_rows_outcome_total", "Rows by outcome that is neither signal nor dead letter", ["outcome"])
FLUSHES = Counter("brain_flushes_total", "Transactions committed", ["task"])
FLUSH_SECONDS = Histogram(
    "brain_flush_seconds",
    "Time of one transaction",
    ["task"],
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
STAGE_SECONDS = Histogram(
    "brain_stage_seconds", "Time that a stage took of one flush", ["input", "stage"], buckets=_FINE
)
INDEFINITE = Counter(
    "brain_transactions_indefinite_total", "Transactions whose outcome is not known: fenced, timed out or cut", ["task"]
)
RECOVERIES = Counter("brain_recoveries_total", "Walks of the recovery path", ["task"])
TASKS = Counter("brain_tasks_total", "Tasks by what happened to them: started, ended, or fenced (not ours any more)",
                ["task", "event"])  # fmt: skip
BATCH_ROWS = Histogram("brain_batch_rows", "Rows in a batch", buckets=(1, 10, 100, 1_000, 5_000, 10_000, 50_000))
FOLDED = Counter("brain_signals_folded_total", "Signals folded by the city task")
EXCLUDED = Counter("brain_lanes_excluded_total", "Lanes the city task went on without")
UNREADABLE = Counter("brain_signals_unreadable_total", "Records of signals topics that no lane can have written")
FATES = Counter("brain_fold_total", "What became of signals and timers in the city task", ["reason"])
BEATS = Counter("brain_pulses_total", "Pulses this worker's conductor wrote")
RECLAIMED = Counter("brain_reclaimed_total", "Dead letters sent again because a set came to know their asset")
SETS = Counter("brain_sets_total", "Sets that this worker's conductor named or refused", ["outcome"])
AUDIT_FINDINGS = Counter("brain_audit_findings_total", "What the auditor found not to hold", ["kind"])
AUDIT_RECORDS = Counter("brain_audit_records_total", "Sealed records the auditor looked at")
AUDIT_FAILURES = Counter("brain_audit_failures_total", "Times the auditor ended by an error and began anew")

_SCORE = (Reason.LATE, Reason.CONFLICT, Reason.FUTURE, Reason.WRONG_PARTITION, Reason.AGENT_ERROR, Reason.POISON)
"""Reasons found when a row is admitted or worked; the others are found when it is decoded."""

_known: set[str] = set()


def stage_of(reason: Reason) -> Stage:
    """Where the engine finds it first."""
    return Stage.AGENT if reason is Reason.AGENT_FAILED else Stage.SCORE if reason in _SCORE else Stage.DECODE


def begin(inputs: Iterable[str], kinds: Iterable[str], fates: Iterable[str]) -> None:
    """Have series at zero before the first event, so that its increase is seen and a quiet panel shows 0.

    ``inputs`` are topics with their prefix; ``kinds`` of the auditor's findings; ``fates`` of the application.
    """
    for topic in inputs:
        ROWS.labels(topic)
        SIGNALS.labels(topic)
        for stage in STAGES:
            STAGE_SECONDS.labels(topic, stage)
        for reason in Reason:
            DEAD.labels(topic, stage_of(reason).value, reason.value)
    for stage in CITY_STAGES:
        STAGE_SECONDS.labels(CITY, stage)
    for task in (LANE, CITY):
        FLUSHES.labels(task)
        FLUSH_SECONDS.labels(task)
    for task in (LANE, CITY, CONDUCTOR):
        INDEFINITE.labels(task)
        RECOVERIES.labels(task)
    for task in (LANE, CITY, CONDUCTOR, AUDIT):
        for event in ("started", "ended", "fenced"):
            TASKS.labels(task, event)
    for outcome in ("named", "refused"):
        SETS.labels(outcome)
    for kind in kinds:
        AUDIT_FINDINGS.labels(kind)
    for fate in fates:
        FATES.labels(fate)


def raised(scenario: str, *, life: bool, n: int) -> None:
    """Raises of one scenario; beyond the first :data:`SCENARIOS` it has no name."""
    if scenario not in _known:
        if len(_known) >= SCENARIOS:
            scenario = OTHER
        else:
            _known.add(scenario)
    RAISES.labels(scenario.partition(".")[0], scenario, "yes" if life else "no").inc(n)
