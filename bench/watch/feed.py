"""The load of the chaos bench: readings at a steady rate on the wall clock, late and repeated ones among them."""

from __future__ import annotations

import random
import threading
import time

from confluent_kafka import Producer

from bench.watch.workload import asset_id
from streams.partition import partition_of


class Feed(threading.Thread):
    """Produces until told to stop; idempotent, so its own retries repeat nothing."""

    def __init__(
        self, bootstrap: str, topic: str, assets: int, partitions: int, rate: int, seed: int, mischief: float = 0.001
    ) -> None:
        super().__init__(name="feed", daemon=True)
        self.topic, self.assets, self.rate, self.mischief = topic, assets, rate, mischief
        self.sent = self.late = self.repeated = self.refused = 0
        self.over = threading.Event()
        self._random = random.Random(seed)
        self._keys = [asset_id(a).encode() for a in range(assets)]
        self._parts = [partition_of(key, partitions) for key in self._keys]
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "linger.ms": 20,
                "enable.idempotence": True,
                "queue.buffering.max.messages": 1_000_000,
                "message.timeout.ms": 300_000,
            }
        )

    def run(self) -> None:
        """One slice of readings every 20 ms."""
        left = [0] * self.assets
        turn, begun = 0, time.monotonic()
        while not self.over.is_set():
            due = int((time.monotonic() - begun) * self.rate)
            while self.sent < due and not self.over.is_set():
                a = turn % self.assets
                turn += 1
                if left[a]:
                    left[a] -= 1
                    v = 12.0
                else:
                    v = round(self._random.random() * 5, 3)
                    if self._random.random() < 0.003:
                        left[a] = 5
                now = int(time.time() * 1000)
                value = self._payload(a, now, v)
                self._put(a, value)
                chance = self._random.random()
                if chance < self.mischief:
                    self._put(a, self._payload(a, now - 60_000, 12.5))
                    self.late += 1
                elif chance < 2 * self.mischief:
                    self._put(a, value)
                    self.repeated += 1
            self._producer.poll(0)
            time.sleep(0.02)
        self._producer.flush(120)

    def _payload(self, a: int, t: int, v: float) -> bytes:
        return b'{"asset":"%s","metric":"water_level","t":%d,"v":%r,"unit":"m"}' % (self._keys[a], t, v)

    def _put(self, a: int, value: bytes) -> None:
        while True:
            try:
                self._producer.produce(self.topic, value, self._keys[a], self._parts[a], on_delivery=self._done)
            except BufferError:
                self._producer.poll(0.1)
            else:
                self.sent += 1
                return

    def _done(self, error: object, _: object) -> None:
        if error is not None:
            self.refused += 1
