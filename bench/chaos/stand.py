"""What the chaos bench does things to: workers as processes, the broker, and a watcher of what gets committed."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from confluent_kafka import Consumer

from bench.chaos.oracle import ends
from bench.watch.measure import reader, worker


class Worker:
    """One worker process under a name; started anew as often as it takes. Its log is appended to."""

    def __init__(self, name: str, bootstrap: str, prefix: str, assets: int, partitions: int, logs: Path) -> None:
        self.name, self.log = name, logs / f"{name}.log"
        self._command = worker(bootstrap, prefix, assets, partitions, "--conduct")
        self.process: subprocess.Popen[bytes] | None = None
        self.exits: list[int] = []

    def start(self) -> None:
        """Start it unless it runs."""
        if self.process is None or self.process.poll() is not None:
            if self.process is not None:
                self.exits.append(self.process.returncode)
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(self._command, stdout=log, stderr=log)

    def send(self, which: signal.Signals) -> None:
        """Send a signal when it runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(which)

    def kill(self) -> None:
        """kill -9."""
        self.send(signal.SIGKILL)
        if self.process is not None:
            self.process.wait(10)

    def stop(self) -> None:
        """SIGTERM, then -9 after twenty seconds."""
        self.send(signal.SIGTERM)
        if self.process is not None:
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()

    def owned(self) -> set[int]:
        """Telemetry partitions whose task started last in this worker's log and has not ended since."""
        mine: set[int] = set()
        for line in self.log.read_text(errors="replace").splitlines():
            if '"worker"' in line or '"bench worker"' in line:
                mine.clear()
            try:
                # Something of the terminal, or of a library, may stand before it on the line.
                entry = json.loads(line[line.find("{") :])
            except ValueError:
                continue
            topic, _, partition = str(entry.get("partition", "")).rpartition("/")
            if topic.endswith("iot.telemetry"):
                (mine.add if entry.get("event") == "task starts" else mine.discard)(int(partition))
        return mine


class Watcher(threading.Thread):
    """Notes when each lane's committed position came to where: (monotonic, position) by partition."""

    def __init__(self, bootstrap: str, prefix: str, partitions: int) -> None:
        super().__init__(name="watcher", daemon=True)
        self.seals: dict[int, list[tuple[float, int]]] = defaultdict(list)
        self.over = threading.Event()
        self._new: Callable[[], Consumer] = lambda: reader(
            bootstrap, prefix + "signals.iot.telemetry", partitions, prefix + "watch"
        )

    def run(self) -> None:
        """Follow the seals."""
        consumer = self._new()
        while not self.over.is_set():
            for message in consumer.consume(1000, 0.1):
                if message.error() is None and dict(message.headers() or []).get("ce_type") == b"city.seal":
                    position = json.loads(message.value() or b"{}").get("position", -1)
                    self.seals[message.partition() or 0].append((time.monotonic(), position))
        consumer.close()

    def reached(self, partition: int, position: int, since: float) -> float | None:
        """When the lane first committed beyond ``position`` after ``since``; None: not yet."""
        for at, got in self.seals[partition]:
            if at >= since and got > position:
                return at
        return None


class Offsets:
    """Ends of partitions, as seen by readers of committed and of all records."""

    def __init__(self, bootstrap: str) -> None:
        common = {"bootstrap.servers": bootstrap, "group.id": "offsets", "enable.auto.commit": False}
        self._stable = Consumer({**common, "isolation.level": "read_committed"})
        self._all = Consumer({**common, "isolation.level": "read_uncommitted"})

    def high(self, topic: str, partition: int) -> int:
        """High watermark."""
        return ends(self._all, topic, partition)[1]

    def open(self, topic: str, partition: int) -> bool:
        """Whether a transaction is open on the partition."""
        return ends(self._stable, topic, partition)[1] < self.high(topic, partition)
