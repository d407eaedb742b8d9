"""The topic catalogue as data. Which partition a record goes to, partition.py says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

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
