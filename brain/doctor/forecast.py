"""When a broker's disk is full, and what it holds once retention and compaction are in balance: numbers only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

COPIES_WHILE_COMPACTING = 2.0
"""A compacted log holds up to half of what is old (min.cleanable.dirty.ratio 0.5) beside what is new."""


@dataclass(frozen=True)
class Growth:
    """One topic's logs in one directory: bytes now, bytes that come a second, how long they stay.

    ``retention_s`` None: compacted, kept for ever by key; ``segment_bytes`` and ``partitions`` bound what a closed
    segment keeps beyond its retention; ``lag_s`` is the longest that compaction may wait, None where it is not bounded.
    """

    topic: str
    size: float
    rate: float
    retention_s: float | None
    segment_bytes: float = 2.0**30
    partitions: int = 1
    lag_s: float | None = None

    @property
    def steady(self) -> float:
        """Bytes in balance, never less than now: at this rate, retention lets go as much as comes.

        A segment goes when its newest record is too old, so one segment a partition lies beyond the retention. What
        a compacted log keeps by key cannot be known from outside: it is taken for what is there now.
        """
        if self.retention_s is not None:
            kept = self.rate * self.retention_s
            return max(self.size, kept + min(self.segment_bytes * self.partitions, kept))
        waiting = self.rate * self.lag_s if self.lag_s is not None else self.size * (COPIES_WHILE_COMPACTING - 1)
        return self.size + waiting


@dataclass(frozen=True)
class Forecast:
    """``full_s``: seconds until the disk is full at these rates; None: never. Bytes: now, in balance, still free."""

    full_s: float | None
    size: float
    steady: float
    usable: float
    rate: float
    topics: tuple[Growth, ...]
    """The largest in balance first."""

    @property
    def needs(self) -> float:
        """Bytes that are lacking in balance; 0 where it fits."""
        return max(0.0, self.steady - self.size - self.usable)


def forecast(topics: Sequence[Growth], usable: float) -> Forecast:
    """Every topic grows at its rate until it is in balance; ``usable`` bytes are free for all of them together."""
    growing = sorted(((g.steady - g.size) / g.rate, g.rate) for g in topics if g.rate > 0 and g.steady > g.size)
    full: float | None = None
    at, left, rate = 0.0, usable, sum(one for _, one in growing)
    for end, mine in growing:  # between two such moments the sum grows evenly
        if rate * (end - at) > left:
            full = at + left / rate
            break
        left -= rate * (end - at)
        at, rate = end, rate - mine
    ordered = tuple(sorted(topics, key=lambda g: (-g.steady, g.topic)))
    return Forecast(
        full, sum(g.size for g in topics), sum(g.steady for g in topics), usable, sum(g.rate for g in topics), ordered
    )
