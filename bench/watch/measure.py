"""Run a worker on a topic and measure what it costs: CPU seconds of the process and its children, start apart."""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple, Protocol

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from bench.processes import ALL, children, cpu_s

SLICES = 5
"""Of equal work; the steady figure is the median over those of the last two thirds."""
QUIET_S = 2.0
SILENT_S = 30.0


def cpu_seconds(pid: int) -> float:
    """User and system seconds of a process and its direct children; 0 when it is gone."""
    return sum(cpu_s(one, ALL) for one in (pid, *children(pid)))


def rss_mb(pid: int) -> float:
    """Resident memory, MB."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), 0.0)


def reader(bootstrap: str, topic: str, partitions: int, group: str, *, eof: bool = False) -> Consumer:
    """A read_committed consumer at the start of a topic; ``eof`` has it say where a partition ends for now."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "enable.partition.eof": eof,
        }
    )
    consumer.assign([TopicPartition(topic, p, 0) for p in range(partitions)])
    return consumer


def committed(bootstrap: str, topic: str, partitions: int) -> Iterator[tuple[bytes, bytes]]:
    """(key, value) of every record that is committed now, in order within each partition; b"" for one that is null.

    Raises RuntimeError when nothing comes for a while and the end is not reached.
    """
    consumer = reader(bootstrap, topic, partitions, f"{topic}.check", eof=True)
    left, last = set(range(partitions)), time.monotonic()
    while left:
        for message in consumer.consume(10_000, 0.2):
            last, error = time.monotonic(), message.error()
            if error is None:
                yield message.key() or b"", message.value() or b""
            elif error.code() == KafkaError._PARTITION_EOF:
                left.discard(message.partition())
        if time.monotonic() - last > SILENT_S:
            raise RuntimeError(f"{topic}: no record for {SILENT_S:g} s, and not at the end of {sorted(left)}")
    consumer.close()


def worker(
    bootstrap: str, prefix: str, assets: int, partitions: int, *options: str, module: str = "bench.watch.worker"
) -> list[str]:
    """Command line of our worker: the shipped door, lanes and settings."""
    return [
        sys.executable, "-m", module, "--bootstrap", bootstrap, "--prefix", prefix,
        "--assets", str(assets), "--partitions", str(partitions), *options,
    ]  # fmt: skip


class Sample(NamedTuple):
    """A moment of a run: monotonic seconds, CPU-seconds used so far, readings done so far."""

    at: float
    cpu: float
    done: float


class Rates(NamedTuple):
    """Readings per CPU-second over slices of the steady part, and per second of the wall clock over all of it."""

    median: float
    least: float
    most: float
    slices: int
    per_s: float


@dataclass(frozen=True)
class Cost:
    """What a run cost. ``seen`` counts outputs; ``steady`` leaves the first third of the work out."""

    seen: int
    steady: Rates
    all_per_cpu_s: float
    rss_mb: float


class Follow(Protocol):
    """Tells from a worker's output how far it is."""

    seen: int
    """Outputs so far."""

    def take(self, message: Message) -> None:
        """One committed record."""
        ...

    def done(self) -> float:
        """Share of the readings that is worked, from 0 to 1."""
        ...

    def over(self) -> bool:
        """Everything expected is there."""
        ...


class Outputs:
    """Progress of an engine that says nothing but its outputs: as many of the expected ones as have come."""

    def __init__(self, want: int) -> None:
        self.want, self.seen = want, 0

    def take(self, message: Message) -> None:
        """Every record with a value is an output."""
        self.seen += message.value() is not None

    def done(self) -> float:
        """By outputs, which lie evenly over the readings."""
        return min(self.seen, self.want) / self.want

    def over(self) -> bool:
        """Whether as many as expected came."""
        return self.seen >= self.want


class Seals:
    """Progress of ours: the position that each committed flush seals, in the partitions' own record counts."""

    def __init__(self, ends: Mapping[int, int]) -> None:
        self.ends, self.seen = dict(ends), 0
        self.positions = dict.fromkeys(ends, 0)

    def take(self, message: Message) -> None:
        """A signal is an output, a seal moves its partition."""
        value = message.value() or b""
        if is_signal(value):
            self.seen += 1
        elif (position := json.loads(value).get("position") if value.startswith(b"{") else None) is not None:
            partition = message.partition() or 0
            self.positions[partition] = max(self.positions[partition], position)

    def done(self) -> float:
        """Records worked of all records; pulses, the same in each partition, lie evenly among the readings."""
        return sum(self.positions.values()) / max(1, sum(self.ends.values()))

    def over(self) -> bool:
        """Whether every partition is at its end."""
        return all(self.positions[p] >= end for p, end in self.ends.items())


def follow_for(consumer: Consumer, follow: Follow, seconds: float) -> None:
    """Take in whatever comes within some seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for message in consumer.consume(5000, 0.1):
            if message.error() is None:
                follow.take(message)


def until_over(consumer: Consumer, follow: Follow, process: subprocess.Popen[bytes], patience_s: float = 240.0) -> None:
    """Wait until ``follow`` has all. Raises RuntimeError when the process ends first, or patience does."""
    end = time.monotonic() + patience_s
    while not follow.over():
        follow_for(consumer, follow, 0.2)
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"the worker was not ready within {patience_s:.0f} s, or ended: {process.returncode}")


def is_signal(value: bytes | None) -> bool:
    """Whether a record of a signals topic is a signal, and no seal."""
    return value is not None and value.startswith(b'{"scenario"')


def run(
    command: Sequence[str],
    environ: dict[str, str],
    consumer: Consumer,
    follow: Follow,
    readings: int,
    log: IO[bytes],
    patience_s: float = 60.0,
    told: Callable[[float], None] = lambda share: None,
) -> Cost:
    """Start the worker, wait until ``follow`` has all (or nothing came for ``patience_s``), end it.

    ``told`` hears the share done. Outputs that come after the last expected one are counted too.
    """
    worker = subprocess.Popen(command, env={**os.environ, **environ}, stdout=log, stderr=log)
    samples, last, memory = [Sample(time.monotonic(), 0.0, 0.0)], time.monotonic(), 0.0
    try:
        while not follow.over() and time.monotonic() - last < patience_s and worker.poll() is None:
            moved = False
            for message in consumer.consume(5000, 0.1):
                if message.error() is None:
                    follow.take(message)
                    moved = True
            if moved:
                last = time.monotonic()
                samples.append(Sample(last, cpu_seconds(worker.pid), follow.done() * readings))
                told(follow.done())
        memory = rss_mb(worker.pid)
    finally:
        worker.terminate()
        try:
            worker.wait(15)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
    follow_for(consumer, follow, QUIET_S)
    end = samples[-1]
    return Cost(follow.seen, rates(samples, readings), end.done / max(end.cpu, 0.01), memory)


def rates(samples: Sequence[Sample], readings: int, slices: int = SLICES) -> Rates:
    """Cut the last two thirds of the work into slices of equal work, each from the first sample at its beginning.

    Fewer slices where the samples are too sparse to tell them apart; NaN where the steady part was never reached.
    """
    # Half a reading less: a share of records is not exactly a share of readings, nor a third a number.
    marks = [readings * (1 / 3 + 2 / 3 * k / slices) - 0.5 for k in range(slices + 1)]
    cuts = [next((s for s in samples if s.done >= mark), None) for mark in marks]
    there = list(dict.fromkeys(s for s in cuts if s is not None))
    found = [(b.done - a.done) / (b.cpu - a.cpu) for a, b in itertools.pairwise(there) if b.cpu - a.cpu >= 0.05]
    if not found:
        return Rates(float("nan"), float("nan"), float("nan"), 0, float("nan"))
    per_s = (there[-1].done - there[0].done) / max(there[-1].at - there[0].at, 0.01)
    return Rates(statistics.median(found), min(found), max(found), len(found), per_s)
