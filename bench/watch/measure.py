"""Run a worker on a topic and measure what it costs: CPU seconds of the process and its children, start apart."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from confluent_kafka import Consumer, TopicPartition


def cpu_seconds(pid: int) -> float:
    """User and system seconds of a process and its direct children; 0 when it is gone."""
    kids = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout.split()
    total = 0
    for one in (pid, *map(int, kids)):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += sum(int(f) for f in fields[11:15])
    return total / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    """Resident memory, MB."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), 0.0)


def reader(bootstrap: str, topic: str, partitions: int, group: str) -> Consumer:
    """A read_committed consumer at the start of a topic."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.assign([TopicPartition(topic, p, 0) for p in range(partitions)])
    return consumer


@dataclass(frozen=True)
class Cost:
    """What a run cost. ``steady`` is over the last two thirds of the expected output."""

    seen: int
    steady_per_cpu_s: float
    all_per_cpu_s: float
    steady_per_s: float
    rss_mb: float


def run(
    command: Sequence[str],
    environ: dict[str, str],
    consumer: Consumer,
    want: int,
    readings: int,
    is_output: Callable[[bytes | None], bool],
    log: IO[bytes],
    patience_s: float = 60.0,
) -> Cost:
    """Start the worker, wait until ``want`` outputs are committed (or none came for ``patience_s``), end it."""
    worker = subprocess.Popen(command, env={**os.environ, **environ}, stdout=log, stderr=log)
    seen, third, last = 0, (0.0, 0.0, 0), time.monotonic()
    try:
        while seen < want and time.monotonic() - last < patience_s and worker.poll() is None:
            for message in consumer.consume(5000, 0.1):
                if message.error() is None and is_output(message.value()):
                    seen += 1
                    last = time.monotonic()
            if not third[2] and seen >= want / 3:
                third = (time.monotonic(), cpu_seconds(worker.pid), seen)
        end, used, memory = time.monotonic(), cpu_seconds(worker.pid), rss_mb(worker.pid)
    finally:
        worker.terminate()
        try:
            worker.wait(15)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
    extra = time.monotonic() + 1.5
    while time.monotonic() < extra:
        seen += sum(1 for m in consumer.consume(1000, 0.2) if m.error() is None and is_output(m.value()))
    part = readings * max(0, min(seen, want) - third[2]) / want
    return Cost(
        seen,
        part / max(used - third[1], 0.01),
        readings * min(seen, want) / want / max(used, 0.01),
        part / max(end - third[0], 0.01),
        memory,
    )
