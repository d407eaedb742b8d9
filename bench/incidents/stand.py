"""The production city task on a log that keeps what is committed in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from brain.incidents.city import CityLogic
from streams.city import City, CitySettings
from streams.records import TP, Batch, Write


class Kept:
    """A log of one task: with ``all`` the newest value by key of the state and of each topic, and all notes.

    Without, what is committed is counted and gone, as from a producer whose broker has answered. Fetches nothing.
    """

    def __init__(self, all: bool = False) -> None:
        self.all = all
        self.state = TP("state.bench", 0)
        self.table: dict[bytes, bytes] = {}
        self.records: dict[tuple[str, bytes], tuple[bytes | None, object]] = {}
        self.audit: list[bytes] = []
        self.bytes = 0

    def now(self) -> float:
        """Of no use: flushes are called for."""
        return 0.0

    async def open(self) -> None:
        """Nothing to fence."""

    async def confirm(self) -> None:
        """Always ours."""

    async def cut(self) -> None:
        """No connections."""

    async def fetch(self, positions: Mapping[TP, int], wait: float) -> list[Batch]:
        """Batches are given to the task by hand."""
        return []

    async def restore(self, *, needed: bool = False) -> Sequence[tuple[bytes, bytes | None]]:
        """The state."""
        return list(self.table.items())

    async def commit(self, writes: Iterable[Write]) -> None:
        """Keep the newest of each key, and all notes."""
        size, all_ = 0, self.all
        for write in writes:
            value = write[2]
            if value is not None:
                size += len(value)
            if all_:
                self._keep(write)
        self.bytes += size

    def _keep(self, write: Write) -> None:
        to, key, value, headers = write
        assert key is not None
        if to is self.state:
            if value is None:
                self.table.pop(key, None)
            else:
                self.table[key] = value
        elif to.topic == "audit":
            if value is not None:
                self.audit.append(value)
        else:
            self.records[to.topic, key] = (value, headers)


async def city(log: Kept, lanes: Sequence[TP], made: Any) -> City:
    """A task that has recovered from what the log keeps."""

    def sets(_: str) -> Any:
        return made

    task = City(
        log, lanes, TP("journal.bench", 0), lambda: CityLogic(sets=sets), sets, CitySettings("bench")
    )  # fmt: skip
    await task.recover()
    return task


def logic(task: City) -> CityLogic:
    """The fold of a task."""
    assert isinstance(task.logic, CityLogic)
    return task.logic


async def step(task: City, batches: Iterable[Batch], flush: bool = True) -> None:
    """What the task does between two waits."""
    for batch in batches:
        task.take(batch)
    task.advance()
    if flush:
        await task.flush()
