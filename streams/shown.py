"""Gauges of a worker as they stand when somebody scrapes: worked out from its tasks, kept nowhere."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily, Metric

from streams.figures import TaskProgress
from streams.meters import CITY, CONDUCTOR

_LANE = ("input", "partition")


def shown(tasks: Sequence[TaskProgress], *, ready: bool, stuck: int, overdue: int | None) -> Iterator[Metric]:
    """All gauges; a name without tasks that have it comes without samples.

    ``overdue``: provisional records without an outcome, of the worker whose auditor knows; None elsewhere.
    """
    now = time.time()
    lanes = [(t.name.rpartition("/")[0], t.name.rpartition("/")[2], t) for t in tasks if "/" in t.name]
    own = {t.name: t for t in tasks if "/" not in t.name}
    yield _one("brain_ready", "1 when this worker does its work, as /health/ready says", [float(ready)])
    yield _one("brain_stuck_tasks", "Tasks with input before them that have moved nothing for too long", [float(stuck)])
    yield _lanes("brain_lag_records", "Records before the high watermark not yet worked through",
                 [(i, p, float(t.lag)) for i, p, t in lanes])  # fmt: skip
    yield _lanes("brain_lag_seconds", "Age of the oldest record not yet worked through",
                 [(i, p, max(0.0, now - t.oldest_ms / 1000) if t.lag else 0.0) for i, p, t in lanes])  # fmt: skip
    yield _lanes("brain_pulse_age_seconds", "Age of the last pulse a lane accepted",
                 [(i, p, max(0.0, now - t.pulse_ms / 1000)) for i, p, t in lanes if t.pulse_ms > 0])  # fmt: skip
    yield _lanes("brain_accepted_timestamp_seconds",
                 "When rows were last accepted; before the first, since when this worker has the lane",
                 [(i, p, t.accepted_ms / 1000) for i, p, t in lanes if t.accepted_ms])  # fmt: skip
    yield _lanes("brain_event_timestamp_seconds", "Greatest event time of the rows accepted here",
                 [(i, p, t.event_ms / 1000) for i, p, t in lanes if t.event_ms >= 0])  # fmt: skip
    info = GaugeMetricFamily("brain_set_info", "The set that a task works with; always 1", labels=[*_LANE, "set"])
    for topic, partition, task in lanes:
        if task.set:
            info.add_metric([topic, partition, task.set], 1.0)
    if CITY in own and own[CITY].set:
        info.add_metric([CITY, "0", own[CITY].set], 1.0)
    yield info
    city = [own[CITY]] if CITY in own else []
    yield _one("brain_city_lag_records", "Records of signals topics not yet read by the city task",
               [float(t.lag) for t in city])  # fmt: skip
    yield _one("brain_city_frontier_timestamp_seconds",
               "City time up to which the city task has folded: the pulse at the far end of the chain",
               [t.pulse_ms / 1000 for t in city if t.pulse_ms > 0])  # fmt: skip
    yield _one("brain_lanes_out", "Lanes that the city task goes on without now", [float(t.out) for t in city])
    conductor = [own[CONDUCTOR]] if CONDUCTOR in own else []
    yield _one("brain_pulse_timestamp_seconds", "City time of the last pulse that this worker's conductor wrote",
               [t.pulse_ms / 1000 for t in conductor if t.pulse_ms > 0])  # fmt: skip
    yield _one("brain_pulse_written_timestamp_seconds", "When this worker's conductor last wrote a pulse",
               [t.accepted_ms / 1000 for t in conductor if t.accepted_ms])  # fmt: skip
    yield _one("brain_audit_overdue_alarms", "Provisional records overdue for their outcome (30 s)",
               [] if overdue is None else [float(overdue)])  # fmt: skip
    yield from _figures(tasks)


def _figures(tasks: Iterable[TaskProgress]) -> Iterator[Metric]:
    """Those of all logics; of several tasks with the same name and labels the greatest counts."""
    found: dict[str, GaugeMetricFamily] = {}
    values: dict[str, dict[tuple[str, ...], float]] = {}
    for task in tasks:
        for figure in task.figures:
            found.setdefault(figure.name, GaugeMetricFamily(figure.name, figure.says, labels=figure.labels))
            mine = values.setdefault(figure.name, {})
            for labels, value in figure.values.items():
                mine[labels] = max(value, mine.get(labels, value))
    for name, family in found.items():
        for labels, value in values[name].items():
            family.add_metric(labels, value)
        yield family


def _lanes(name: str, says: str, rows: Iterable[tuple[str, str, float]]) -> Metric:
    family = GaugeMetricFamily(name, says, labels=_LANE)
    for topic, partition, value in rows:
        family.add_metric([topic, partition], value)
    return family


def _one(name: str, says: str, values: Sequence[float]) -> Metric:
    family = GaugeMetricFamily(name, says, labels=())
    for value in values:
        family.add_metric([], value)
    return family
