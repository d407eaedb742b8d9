"""The topic catalogue as data, and the partitioner that is part of the input contract (murmur2, as Java's clients)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numba
import numpy as np
from numpy.typing import NDArray

from streams.records import I4, I8

Cleanup = Literal["delete", "compact", "compact,delete"]

INPUTS = ("iot.telemetry", "video.metadata", "hotline.tickets", "warnings", "feedback")
"""Topics that lanes read. Only the first two scale by partitions; the others have one unless the caller says more."""

DOMAINS = ("emergency", "market", "eco", "social", "public", "economy")
MAX_MESSAGE = 2 * 2**20

_DAY = 86_400_000
_TEN_MINUTES = 600_000
# Restoring reads the whole state partition, so compaction must keep up: small segments, closed early, cleaned soon.
_STATE = {
    "segment.ms": str(_TEN_MINUTES),
    "max.compaction.lag.ms": str(_TEN_MINUTES),
    "segment.bytes": str(32 * 2**20),
    "min.cleanable.dirty.ratio": "0.1",
}
_LARGE = {"max.message.bytes": str(MAX_MESSAGE)}


@dataclass(frozen=True)
class Topic:
    """One topic: its count of partitions and what is kept. ``retention_ms`` -1 keeps for ever (compacted topics)."""

    name: str
    partitions: int
    cleanup: Cleanup
    retention_ms: int
    config: Mapping[str, str] = field(default_factory=dict)

    def settings(self) -> dict[str, str]:
        """Everything as Kafka's own topic configuration."""
        return {"cleanup.policy": self.cleanup, "retention.ms": str(self.retention_ms), **self.config}


def catalogue(partitions: Mapping[str, int], prefix: str = "") -> list[Topic]:
    """All topics, given the partitions of the inputs; inputs not named have one.

    What a lane writes it writes to its own partition, so ``signals``, ``alarms`` and ``state`` have their input's
    count, and ``deadletter`` and ``audit`` the greatest of all. ``prefix`` goes before every name.

    Raises
    ------
    ValueError
        A name that is not an input, or a count below 1.
    """
    for name, n in partitions.items():
        if name not in INPUTS:
            raise ValueError(f"partitions.{name}: no such input topic; the inputs are {', '.join(INPUTS)}")
        if n < 1:
            raise ValueError(f"partitions.{name}: expected at least 1, got {n}")
    count = {name: partitions.get(name, 1) for name in INPUTS}
    most = max(count.values())
    topics = [
        Topic("iot.telemetry", count["iot.telemetry"], "delete", 3 * _DAY, _LARGE),
        Topic("video.metadata", count["video.metadata"], "delete", 3 * _DAY, _LARGE),
        Topic("hotline.tickets", count["hotline.tickets"], "delete", 7 * _DAY, _LARGE),
        Topic("warnings", count["warnings"], "delete", 7 * _DAY, _LARGE),
        Topic("feedback", count["feedback"], "delete", 7 * _DAY, _LARGE),
        Topic("assets", 1, "compact", -1),
        Topic("map.features", 1, "compact", -1),
        Topic("sets", 1, "compact", -1),
        # A new conductor reads it to its end before its first pulse: it must stay short.
        Topic("pulse", 1, "compact,delete", 7 * _DAY, _STATE),
        Topic("journal", 1, "delete", 7 * _DAY),
    ]
    for name, n in count.items():
        topics += [
            Topic(f"signals.{name}", n, "delete", 7 * _DAY),
            Topic(f"signals.shadow.{name}", n, "delete", 7 * _DAY),
            Topic(f"alarms.{name}", n, "delete", 7 * _DAY),
            Topic(f"state.{name}", n, "compact", -1, _STATE),
        ]
    topics.append(Topic("state.city", 1, "compact", -1, _STATE))
    topics += [Topic(f"incidents.{domain}", 1, "compact", -1) for domain in DOMAINS]
    topics += [Topic(f"incidents-shadow.{domain}", 1, "compact", -1) for domain in DOMAINS]
    topics += [
        Topic("audit-shadow", 1, "delete", 90 * _DAY),
        Topic("deadletter", most, "delete", 7 * _DAY, _LARGE),
        Topic("audit", most, "delete", 3 * 365 * _DAY),
    ]
    if not prefix:
        return topics
    return [Topic(prefix + t.name, t.partitions, t.cleanup, t.retention_ms, t.config) for t in topics]


def murmur2(key: bytes) -> int:
    """32-bit murmur2 of a key with the seed of Kafka's Java clients, as an unsigned number."""
    return int(_murmur2(np.frombuffer(key, np.uint8), 0, len(key)))


def partition_of(key: bytes, n: int) -> int:
    """Partition of a key among ``n``, as Kafka's Java producer chooses it. librdkafka's own default differs."""
    return (murmur2(key) & 0x7FFFFFFF) % n


def partitions_of(keys: Sequence[bytes], n: int) -> I4:
    """Partitions of many keys; shape (len(keys),)."""
    ends = np.cumsum(np.fromiter(map(len, keys), np.int64, len(keys)))
    buffer = np.frombuffer(b"".join(keys), np.uint8)
    starts = np.empty_like(ends)
    starts[1:] = ends[:-1]
    starts[:1] = 0
    return _partitions(buffer, starts, ends, n)


@numba.njit(cache=True)
def _murmur2(data: NDArray[np.uint8], start: int, end: int) -> np.uint32:
    m, mask = np.uint32(0x5BD1E995), np.uint32(0xFF)
    length = end - start
    h = np.uint32(np.uint32(0x9747B28C) ^ np.uint32(length))
    stop = start + (length & ~3)
    for i in range(start, stop, 4):
        k = np.uint32(
            np.uint32(data[i])
            | np.uint32(np.uint32(data[i + 1]) << np.uint32(8))
            | np.uint32(np.uint32(data[i + 2]) << np.uint32(16))
            | np.uint32(np.uint32(data[i + 3]) << np.uint32(24))
        )
        k = np.uint32(k * m)
        k = np.uint32(k ^ (k >> np.uint32(24)))
        k = np.uint32(k * m)
        h = np.uint32(np.uint32(h * m) ^ k)
    left = length & 3
    if left >= 3:
        h = np.uint32(h ^ np.uint32((np.uint32(data[stop + 2]) & mask) << np.uint32(16)))
    if left >= 2:
        h = np.uint32(h ^ np.uint32((np.uint32(data[stop + 1]) & mask) << np.uint32(8)))
    if left >= 1:
        h = np.uint32(h ^ np.uint32(data[stop]))
        h = np.uint32(h * m)
    h = np.uint32(h ^ (h >> np.uint32(13)))
    h = np.uint32(h * m)
    return np.uint32(h ^ (h >> np.uint32(15)))


@numba.njit(cache=True)
def _partitions(data: NDArray[np.uint8], starts: I8, ends: I8, n: int) -> I4:
    out = np.empty(len(starts), np.int32)
    for i in range(len(starts)):
        out[i] = np.int64(_murmur2(data, starts[i], ends[i]) & np.uint32(0x7FFFFFFF)) % n
    return out
