"""Ours over a load: what it costs, whether its signals are exactly the oracle's, what it writes to its state topic."""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec
import numpy as np
from confluent_kafka import Consumer, TopicPartition
from numpy.typing import NDArray

from bench.engine.stand import Stand
from bench.watch import measure
from bench.watch.produce import produce
from bench.watch.workload import START_MS, Load, deviation_oracle, threshold_oracle, values
from brain.watch import watch_set
from streams import admin, topics
from streams.records import Signal
from streams.topics import Topic

INPUT = "iot.telemetry"
HELD = {"min.compaction.lag.ms": "86400000", "max.compaction.lag.ms": "86400000"}
"""The state topic's, while its bytes are to be counted: compaction would delete them before they are. The worker
writes the same with it or without."""


@dataclass(frozen=True)
class Outcome:
    """Cost of a run, its signals that are missing, doubled or not expected, and bytes of state a reading."""

    cost: measure.Cost
    wrong: int
    state_bytes: float


def speed(stand: Stand, load: Load, what: str, patience_s: float = 60.0) -> Outcome:
    """Produce, run one worker with the shipped settings, compare."""
    content = watch_set(load.assets)
    with stand.topics(f"ours-{load.readings}-{load.assets}-{load.partitions}.") as prefix:
        state = f"{prefix}state.{INPUT}"
        admin.ensure(stand.bootstrap, held(topics.catalogue({INPUT: load.partitions}, prefix), prefix))
        column = values(load)
        with stand.step(f"{what}: producing {load.readings:,} readings of {load.assets:,} assets") as told:
            produce(stand.bootstrap, load, column, prefix + INPUT, content.id, told)
        command = measure.worker(stand.bootstrap, prefix, load.assets, load.partitions)
        cost = worked(stand, what, prefix, load.partitions, command, load.readings, patience_s)
        with stand.step(f"{what}: comparing {cost.seen:,} signals with the oracle"):
            wrong = _differences(stand.bootstrap, f"{prefix}signals.{INPUT}", load, column)
            written = _bytes(stand.bootstrap, state, load.partitions)
        return Outcome(cost, wrong, written / load.readings)


def worked(
    stand: Stand, what: str, prefix: str, partitions: int, command: list[str], readings: int, patience_s: float
) -> measure.Cost:
    """Run a worker over all that the input topic holds, and show the end of its log where it stopped before."""
    consumer = measure.reader(stand.bootstrap, f"{prefix}signals.{INPUT}", partitions, prefix)
    follow = measure.Seals(_ends(consumer, prefix + INPUT, partitions))
    with stand.step(f"{what}: working"), (stand.logs / f"{prefix}log").open("wb") as log:
        cost = measure.run(command, {}, consumer, follow, readings, log, patience_s)
    consumer.close()
    if not follow.over():
        stand.say(f"{what}: the worker stopped at {follow.done():.1%}. The end of its log:")
        stand.say_why(stand.logs / f"{prefix}log")
    return cost


def held(wanted: list[Topic], prefix: str) -> list[Topic]:
    """The same topics, the state topic of the input without compaction."""
    state = f"{prefix}state.{INPUT}"
    return [replace(t, config={**t.config, **HELD}) if t.name == state else t for t in wanted]


def oracle(load: Load, column: NDArray[np.float64]) -> set[tuple[str, int]]:
    """Every signal that must come, as (rule, reading number × 2, + 1 for a clear)."""
    deviations = deviation_oracle(load, column, 0.05, 20, 8.0, 4.0)
    return {("t", int(c)) for c in threshold_oracle(load, column)} | {("d", int(c)) for c in deviations}


def _ends(consumer: Consumer, topic: str, partitions: int) -> dict[int, int]:
    """End of each partition; where nothing is written in transactions that is its count of records."""
    ends = {}
    for p in range(partitions):
        _, ends[p] = consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=20)
    return ends


def _differences(bootstrap: str, topic: str, load: Load, column: NDArray[np.float64]) -> int:
    """Signals missing, doubled or not expected."""
    decode = msgspec.json.Decoder(Signal).decode
    got: list[tuple[str, int]] = []
    for _, value in measure.committed(bootstrap, topic, load.partitions):
        if measure.is_signal(value):
            signal = decode(value)
            rule = "t" if signal.scenario.endswith("high") else "d"
            got.append((rule, (signal.t - START_MS) * 2 + (signal.kind == "clear")))
    return len(set(got) ^ oracle(load, column)) + len(got) - len(set(got))


def _bytes(bootstrap: str, topic: str, partitions: int) -> int:
    """Bytes of all keys and values of a topic, as they were handed to the producer: before compression."""
    return sum(len(key) + len(value) for key, value in measure.committed(bootstrap, topic, partitions))
