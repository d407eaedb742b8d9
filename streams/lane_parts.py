"""What a lane is made of: its head, its topics and settings, who watches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from streams.records import TP
from streams.state import FORMAT, StateError


class Head(msgspec.Struct):
    """Where a lane stands: the last record of every flush, and the truth after a restart."""

    owner: str = ""
    format: int = FORMAT
    flush: int = 0
    position: int = 0
    seq: int = -1
    time: int = -1
    up: int = 0
    """Up-time by this lane's own count, ms."""
    pulse_up: int = 0
    clock: int = -1
    """Greatest log timestamp seen; stands in for the pulse until the first one."""
    set: str = ""
    rows_since_pulse: int = 0
    attempts: int = 0
    seals: dict[str, str] = {}
    full: int = 0
    """The flush since which all state was written in full: a restore begins there. 0: at the beginning."""
    partitions: int = 0
    """Partitions of the input when this was written: keys, state and signals are bound to them. 0: not known."""
    log: str = ""
    """The topic's own id in the cluster, so that a topic made anew under the same name is noticed. Empty: not known."""
    base: int = 0
    """What is added to the log's own offsets: ``position`` and all ids go on counting where a restored lane stood."""
    topic: str = ""
    """Name of the input in ids, where a lane was restored under another prefix. Empty: the log's own."""

    @property
    def at(self) -> int:
        """``position`` by the log's own offsets: what to compare with where the log begins and ends."""
        return self.position - self.base


class SetMissing(Exception):
    """A pulse names a set that this worker does not have: it must not go on with another."""


class PartitionsChanged(StateError):
    """The input has another count of partitions than the state was written with."""


class Observer(Protocol):
    """Who is told of progress: metrics, logs, watchdog. Nothing it does may change a result."""

    def progress(self, lane: Any, event: str, amount: float = 1.0, label: str = "") -> None:
        """Something happened; ``event`` is from a closed list."""
        ...


class Silent:
    """An observer that does not care."""

    def progress(self, lane: Any, event: str, amount: float = 1.0, label: str = "") -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class LaneTopics:
    """Where a lane reads and writes; every output partition is its own."""

    source: TP
    signals: TP
    alarms: TP
    dead: TP
    journal: TP
    state: TP
    audit: TP
    shadow: TP

    @classmethod
    def of(cls, topic: str, partition: int, prefix: str = "") -> LaneTopics:
        """By the catalogue's naming."""
        return cls(
            TP(prefix + topic, partition), TP(f"{prefix}signals.{topic}", partition),
            TP(f"{prefix}alarms.{topic}", partition), TP(prefix + "deadletter", partition),
            TP(prefix + "journal", 0), TP(f"{prefix}state.{topic}", partition), TP(prefix + "audit", partition),
            TP(f"{prefix}signals.shadow.{topic}", partition),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class LaneSettings:
    """Times in seconds, sizes in bytes; ``key`` signs pulses; ``genesis`` is the set before the first pulse."""

    genesis: str
    key: bytes
    partitions: int = 1
    flush_s: float = 0.2
    flush_bytes: int = 4 * 1024 * 1024
    idle_wait_s: float = 1.0
    log: str = ""
    """The input topic's own id in the cluster; empty: not known."""
