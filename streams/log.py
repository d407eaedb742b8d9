"""The log as a port: what a task needs of Kafka, and nothing else. Adapters: streams/memory.py and streams/kafka/.

One log object belongs to one task. Every await of the engine is on this port, so that a simulator can stand between
any two steps. Errors form a small tree:

    LogError
    ├── Indefinite   the outcome of a commit, or ownership, is not known: only the recovery path may follow
    ├── NotOwner     the partition belongs to somebody else now: stop, write nothing
    └── OffsetGone   the position is no longer in the log (retention, or the topic was made anew): a person decides
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from streams.records import TP, Batch, Write


class LogError(Exception):
    """Base of everything the log raises."""


class Indefinite(LogError):
    """A time-out, a lost connection, a sequence error or fencing: what happened is not known."""


class NotOwner(LogError):
    """The group gave the partition to somebody else."""


class OffsetGone(LogError):
    """The wanted offset is not in the log any more, or the log is another one."""


class TaskLog(Protocol):
    """One task's view of the log.

    ``fetch`` answers batches that begin exactly at the positions asked for, or an empty list after ``wait`` seconds.
    ``commit`` writes all records in one transaction and returns only on a definite answer; anything else is
    ``Indefinite``. ``restore`` answers the whole state partition in log order up to its stable offset and raises
    ``Indefinite`` when that is not the high watermark. ``needed`` may leave out what lies before the flush that the
    last head asks for (``streams.state.needed_since``): it may answer more than that, never less.
    """

    state: TP

    def now(self) -> float:
        """Monotonic seconds, for flush intervals and time-outs only; never enters a result."""
        ...

    async def open(self) -> None:
        """Take the transactional id: fences any earlier owner and ends its open transaction."""
        ...

    async def confirm(self) -> None:
        """Return once the group has confirmed, since this call, that the task is ours; else raise NotOwner."""
        ...

    async def restore(self, *, needed: bool = False) -> Sequence[tuple[bytes, bytes | None]]:
        """All (key, value) of the state partition, in log order; ``needed``: from where the last head says."""
        ...

    async def fetch(self, positions: Mapping[TP, int], wait: float) -> list[Batch]:
        """Next batches at these positions."""
        ...

    async def commit(self, writes: Iterable[Write]) -> None:
        """Write all in one transaction. They are asked for once, before anything is waited for."""
        ...

    async def cut(self) -> None:
        """Break the connections at once, so that nothing sent earlier can be sent again. Never raises, never waits."""
        ...
