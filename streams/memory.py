"""The log in memory: topics, transactions, fencing and compaction as Kafka has them, without a broker.

It serves ``brain replay`` and, stepped by the fault simulator, the proof of the engine. Every await yields a
:class:`Step` to whoever drives the coroutine; the driver decides whether, when and with what answer it goes on.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Coroutine, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from streams.log import Indefinite, LogError, NotOwner, OffsetGone
from streams.records import TP, Batch, Headers, Write
from streams.state import HEAD, flush_of, needed_since

T = TypeVar("T")


class Step(NamedTuple):
    """One thing a task asks of the log: its name, what carries it out, and the seconds it may wait for an answer."""

    name: str
    action: Callable[[], Any]
    wait: float = 0.0


@types.coroutine
def ask(step: Step) -> Generator[Step, Any, Any]:
    """Hand a step to the driver and give back its answer."""
    return (yield step)


def drive(task: Coroutine[Any, Any, T], clock: Callable[[float], None] = lambda _: None) -> T:
    """Run a task on the memory log to its end, nothing failing; ``clock`` is told of seconds waited."""
    send, value = task.send, None
    while True:
        try:
            step = send(value)
        except StopIteration as end:
            result: T = end.value
            return result
        try:
            send, value = task.send, step.action()
            if step.name == "fetch" and not value:
                clock(step.wait)
        except LogError as error:
            send, value = task.throw, error


@dataclass(slots=True)
class _Record:
    offset: int
    time: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    txn: _Txn | None


@dataclass(slots=True, eq=False)
class _Txn:
    state: str = "open"
    first: dict[TP, int] = field(default_factory=dict)


class MemoryPartition:
    """Records of one partition; control markers take an offset, as in Kafka."""

    def __init__(self) -> None:
        self.records: list[_Record] = []
        self.end = 0
        self.start = 0
        self.open: dict[int, _Txn] = {}

    def append(self, time: int, key: bytes | None, value: bytes | None, headers: Headers, txn: _Txn | None) -> int:
        """Append one record; answers its offset."""
        self.records.append(_Record(self.end, time, key, value, headers, txn))
        self.end += 1
        return self.end - 1

    def stable(self) -> int:
        """Last stable offset: before the first record of any open transaction."""
        return min((o for o, t in self.open.items() if t.state == "open"), default=self.end)

    def committed(self, position: int, limit: int) -> tuple[list[_Record], int]:
        """Visible records from ``position`` on, at most ``limit``, and the position after them."""
        stable, out = self.stable(), []
        low, high = 0, len(self.records)
        while low < high:
            mid = (low + high) // 2
            low, high = (mid + 1, high) if self.records[mid].offset < position else (low, mid)
        for record in self.records[low:]:
            if record.offset >= stable:
                break
            if record.txn is None or record.txn.state == "committed":
                out.append(record)
                if len(out) == limit:
                    return out, record.offset + 1
        return out, max(position, stable)

    def compact(self, upto: int) -> None:
        """Keep the last record of each key below ``upto`` and the stable offset; aborted ones go."""
        upto = min(upto, self.stable())
        last = {
            r.key: r.offset for r in self.records if r.offset < upto and (r.txn is None or r.txn.state != "aborted")
        }
        self.records = [r for r in self.records if r.offset >= upto or last.get(r.key) == r.offset]


class MemoryBroker:
    """All partitions, transactional ids and who owns which task. ``clock`` is monotonic seconds."""

    def __init__(self) -> None:
        self.partitions: dict[TP, MemoryPartition] = {}
        self.epochs: dict[str, int] = {}
        self.txns: dict[str, _Txn] = {}
        self.owners: dict[str, object] = {}
        self.clock = 0.0

    def partition(self, tp: TP) -> MemoryPartition:
        """The partition; made when it is first named."""
        return self.partitions.setdefault(tp, MemoryPartition())

    def produce(self, tp: TP, key: bytes | None, value: bytes | None, headers: Headers = (), time: int = 0) -> int:
        """Append outside any transaction."""
        return self.partition(tp).append(time, key, value, headers, None)

    def init(self, task: str) -> int:
        """New epoch of a transactional id; the earlier owner's open transaction is aborted."""
        self._end(task, "aborted")
        self.epochs[task] = self.epochs.get(task, -1) + 1
        return self.epochs[task]

    def send(self, task: str, epoch: int, writes: Sequence[Write]) -> None:
        """Append to the open transaction; begins one when there is none."""
        self._fence(task, epoch)
        txn = self.txns.setdefault(task, _Txn())
        for write in writes:
            part = self.partition(write.to)
            at = part.append(int(self.clock * 1000), write.key, write.value, write.headers, txn)
            if write.to not in txn.first:
                txn.first[write.to] = at
                part.open[at] = txn

    def end(self, task: str, epoch: int, *, commit: bool = True) -> None:
        """Commit or abort; an end without an open transaction is an error, as in Kafka."""
        self._fence(task, epoch)
        if task not in self.txns:
            raise Indefinite(f"{task}: no transaction is open")
        self._end(task, "committed" if commit else "aborted")

    def expire(self, task: str) -> None:
        """The broker's own time-out of an open transaction: aborted, and the epoch fenced."""
        if task in self.txns:
            self.init(task)

    def _end(self, task: str, state: str) -> None:
        txn = self.txns.pop(task, None)
        if txn is None:
            return
        txn.state = state
        for tp, first in txn.first.items():
            part = self.partitions[tp]
            del part.open[first]
            part.end += 1  # the control marker

    def _fence(self, task: str, epoch: int) -> None:
        if self.epochs.get(task) != epoch:
            raise Indefinite(f"{task}: fenced, epoch {epoch} is not {self.epochs.get(task)}")

    def read(self, tp: TP) -> list[tuple[int, bytes | None, bytes | None, Headers]]:
        """Everything committed in a partition: (offset, key, value, headers)."""
        records, _ = self.partition(tp).committed(0, 1 << 60)
        return [(r.offset, r.key, r.value, r.headers) for r in records]


class MemoryTaskLog:
    """The log port of one task on a :class:`MemoryBroker`. ``who`` is the worker; it must own the task to go on."""

    def __init__(self, broker: MemoryBroker, task: str, state: TP, who: object = None, limit: int = 4096) -> None:
        self.broker, self.task, self.state, self.who, self.limit = broker, task, state, who, limit
        self.epoch = -1
        broker.owners.setdefault(task, who)

    def now(self) -> float:
        """The broker's clock."""
        return self.broker.clock

    async def open(self) -> None:
        """New epoch."""
        self.epoch = await ask(Step("open", lambda: self.broker.init(self.task)))

    async def confirm(self) -> None:
        """Raises NotOwner where the task was given to another worker."""
        await ask(Step("confirm", self._confirm))

    def _confirm(self) -> None:
        if self.broker.owners.get(self.task) is not self.who:
            raise NotOwner(f"{self.task} belongs to another worker")

    async def restore(self, *, needed: bool = False) -> Sequence[tuple[bytes, bytes | None]]:
        """The state partition, or Indefinite while another transaction is open on it."""
        found: list[tuple[bytes, bytes | None]] = await ask(Step("restore", self._restore))
        heads = [value for key, value in found if key == HEAD and value is not None]
        since = needed_since(heads[-1]) if needed and heads else 0
        return [(key, value) for key, value in found if flush_of(key, value) >= since] if since else found

    def _restore(self) -> list[tuple[bytes, bytes | None]]:
        part = self.broker.partition(self.state)
        if part.stable() != part.end:
            raise Indefinite(f"{self.state}: a transaction is open at {part.stable()}, the log ends at {part.end}")
        records, _ = part.committed(0, 1 << 60)
        return [(r.key or b"", r.value) for r in records]

    async def fetch(self, positions: Mapping[TP, int], wait: float) -> list[Batch]:
        """Next batches; an empty list when there is nothing."""
        got: list[Batch] = await ask(Step("fetch", lambda: self._fetch(positions), wait))
        return got

    def _fetch(self, positions: Mapping[TP, int]) -> list[Batch]:
        out = []
        for tp, position in positions.items():
            part = self.broker.partition(tp)
            if position < part.start or position > part.end:
                raise OffsetGone(f"{tp}: wanted offset {position}, the log holds {part.start} to {part.end}")
            records, after = part.committed(position, self.limit)
            if after > position:
                rows = [(r.offset, r.time, r.key, r.value, r.headers) for r in records]
                out.append(Batch.of(tp, position, after, rows, part.end))
        return out

    async def commit(self, writes: Iterable[Write]) -> None:
        """One transaction in several requests; each may be lost, delayed or answered too late."""
        await self._send(writes)
        epoch = self.epoch
        await ask(Step("end", lambda: self.broker.end(self.task, epoch)))

    async def _send(self, writes: Iterable[Write]) -> None:
        rows = list(writes)
        epoch, half = self.epoch, len(rows) // 2
        for part in (rows[:half], rows[half:]):
            if part:
                await ask(Step("send", lambda p=part: self.broker.send(self.task, epoch, p)))  # type: ignore[misc]  # binds

    async def cut(self) -> None:
        """Nothing to break here; requests the simulator holds back may still arrive, as on a network."""

    async def copy(self, writes: Sequence[Write]) -> float:
        """Append outside any transaction, one step a partition: a conductor may die between two of them."""
        begun = self.now()
        for write in writes:
            await ask(Step("copy", lambda w=write: self._copy(w)))  # type: ignore[misc]  # default binds the loop variable
        return self.now() - begun

    def _copy(self, write: Write) -> None:
        now = int(self.broker.clock * 1000)
        self.broker.produce(write.to, write.key, write.value, write.headers, now)

    async def earliest(self, tp: TP) -> int:
        """First offset held."""
        start: int = await ask(Step("earliest", lambda: self.broker.partition(tp).start))
        return start

    async def sleep(self, seconds: float) -> None:
        """Wait on the broker's clock."""
        await ask(Step("sleep", lambda: None, seconds))

    async def close(self) -> None:
        """Nothing to give back."""
