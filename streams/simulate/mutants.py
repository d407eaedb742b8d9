"""The engine's rules, each taken away singly: the simulator must notice. A patch lasts for one ``with`` block."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from streams import fold_times
from streams import order as order_module
from streams import pulse as pulse_module
from streams.city import City
from streams.conductor import Conductor
from streams.lane import Head, Lane
from streams.log import Indefinite
from streams.memory import MemoryBroker, MemoryPartition, MemoryTaskLog, Step, ask
from streams.order import FoldOrder, LaneMark, Waiting
from streams.outbox import Outbox
from streams.records import Notice, Summary
from streams.state import HEAD, Store

Change = tuple[Any, str, Any]


def _any_position() -> list[Change]:
    async def work(self: Lane) -> None:
        while True:
            for batch in await self.log.fetch({self.topics.source: self.head.position}, 0.5):
                await self.take(batch)
            if self._due() or self.stop:
                await self.flush()
            if self.stop:
                return

    return [(Lane, "work", work)]


def _no_new_epoch() -> list[Change]:
    original = MemoryTaskLog.open

    async def open_once(self: MemoryTaskLog) -> None:
        if self.epoch < 0:
            await original(self)

    return [(MemoryTaskLog, "open", open_once)]


def _memory_kept() -> list[Change]:
    async def run(self: Lane) -> None:
        recovered = False
        while True:
            try:
                if not recovered:
                    await self.recover()
                recovered = True
                await self.work()
                return
            except Indefinite:
                with contextlib.suppress(Indefinite):
                    await self.log.open()
                self._keep()

    return [(Lane, "run", run)]


def _position_apart() -> list[Change]:
    original = MemoryTaskLog.commit

    async def commit(self: MemoryTaskLog, writes: Any) -> None:
        rows = list(writes)
        await original(self, rows[:-1])
        await original(self, rows[-1:])

    return [(MemoryTaskLog, "commit", commit)]


def _end_sent_again() -> list[Change]:
    async def commit(self: MemoryTaskLog, writes: Any) -> None:
        await self._send(writes)
        epoch = self.epoch
        for attempt in range(3):
            try:
                await ask(Step("end", lambda: self.broker.end(self.task, epoch)))
            except Indefinite as error:
                if "fenced" in str(error) or attempt == 2:  # as a client would: no transaction is open, so it was ended
                    raise
                if "no transaction" in str(error):
                    return
            else:
                return

    return [(MemoryTaskLog, "commit", commit)]


def _unstable_state() -> list[Change]:
    def restore(self: MemoryTaskLog) -> Any:
        records, _ = self.broker.partition(self.state).committed(0, 1 << 60)
        return [(r.key or b"", r.value) for r in records]

    async def open_late(self: MemoryTaskLog) -> None:
        """Reads first and takes the id afterwards: what the earlier owner still commits is never seen."""
        self.early = await ask(Step("restore", lambda: restore(self)))  # type: ignore[attr-defined]  # that is the mutant
        self.epoch = await ask(Step("open", lambda: self.broker.init(self.task)))

    return [(MemoryTaskLog, "open", open_late), (MemoryTaskLog, "_restore", lambda self: self.early)]


def _alarm_apart() -> list[Change]:
    original = Outbox.signal

    def signal(self: Outbox, signal: Any) -> None:
        original(self, signal)
        if signal.kind == "update":
            self.writes.pop(self.topics.alarms, None)

    return [(Outbox, "signal", signal)]


def _uncommitted() -> list[Change]:
    def committed(self: MemoryPartition, position: int, limit: int) -> Any:
        out = [r for r in self.records if r.offset >= position][:limit]
        return out, out[-1].offset + 1 if len(out) == limit else max(position, self.end)

    original = MemoryTaskLog._fetch

    def fetch(self: MemoryTaskLog, positions: Any) -> Any:
        before = MemoryPartition.committed
        MemoryPartition.committed = committed  # type: ignore[method-assign]  # that is the mutant
        try:
            return original(self, positions)
        finally:
            MemoryPartition.committed = before  # type: ignore[method-assign]  # a mutant is put in and out

    return [(MemoryTaskLog, "_fetch", fetch)]


def _latest_by_key() -> list[Change]:
    original = Store.restore

    def restore(self: Store, records: Any) -> bytes | None:
        latest = dict(records)  # keeps the place of the first record of a key, as an index by key would
        return original(self, list(latest.items()))

    return [(Store, "restore", restore)]


def _fold_as_it_comes() -> list[Change]:
    return [(fold_times, "hold", lambda t, pulse, last: max(min(max(t, pulse - 2000), pulse + 1000), 0))]


def _fold_unheld() -> list[Change]:
    return [(fold_times, "hold", lambda t, pulse, last: max(t, last))]


def _resume_at_read() -> list[Change]:
    return [(FoldOrder, "resume_at", lambda self, rank, read: (read, self.marks[rank].pulse))]


def _resume_with_pulse() -> list[Change]:
    original = FoldOrder.resume_at

    def resume_at(self: FoldOrder, rank: int, read: int) -> tuple[int, int]:
        return original(self, rank, read)[0], self.marks[rank].pulse

    return [(FoldOrder, "resume_at", resume_at), (FoldOrder, "rereading", lambda self: False)]


def _released_again() -> list[Change]:
    def push(self: FoldOrder, waiting: Any) -> None:
        self._fresh.append(waiting)
        self._least = min(self._least, waiting.key.fold)

    return [(FoldOrder, "_push", push)]


def _admit_as_it_was() -> list[Change]:
    return [(order_module, "_not_before", lambda waiting, bound: waiting)]


def _no_journal() -> list[Change]:
    original = City._note

    def note(self: City, rank: int, absence: Any) -> None:
        original(self, rank, absence)
        self._journal.clear()

    return [(City, "_note", note)]


def _any_pulse() -> list[Change]:
    def accept(self: Lane, batch: Any, row: int) -> Any:
        return pulse_module.decode(batch.value(row), self.settings.key)

    return [(Lane, "_accept", accept)]


def _forged_taken() -> list[Change]:
    def decode(value: bytes | None, key: bytes) -> Any:
        try:
            return pulse_module._decode(value or b"")
        except msgspec.DecodeError:
            return None

    return [(pulse_module, "decode", decode)]


def _half_kept() -> list[Change]:
    original = Lane._rollback

    def rollback(self: Lane) -> None:
        rows = {n: (t.rows.copy(), list(t.keys)) for n, t in self.store.tables.items()}
        original(self)
        for name, (copy, keys) in rows.items():
            table = self.store.tables[name]
            for key in keys:
                table.slot(key)
            table.rows[: len(keys)] = copy[: len(keys)]
            table.dirty[: len(keys)] = 1

    return [(Lane, "_rollback", rollback)]


def _attempts_forgotten() -> list[Change]:
    original = Lane._load

    def load(self: Lane, records: Any) -> None:
        original(self, records)
        self.head.attempts = 0

    return [(Lane, "_load", load)]


def _unfenced() -> list[Change]:
    return [(MemoryBroker, "_fence", lambda self, task, epoch: None)]


def _blind_gap_counts() -> list[Change]:
    return [(pulse_module, "GAP_MS", 1 << 40)]


def _not_copied_again() -> list[Change]:
    original = Conductor.take_over

    async def take_over(self: Conductor) -> None:
        lanes, self.lanes = self.lanes, []
        try:
            await original(self)
        finally:
            self.lanes = lanes

    return [(Conductor, "take_over", take_over)]


def _clock_goes_back() -> list[Change]:
    original = Conductor.beat

    async def beat(self: Conductor) -> Any:
        if self.last is not None:
            self.last.time = min(self.last.time, self.clock() - 1)
        return await original(self)

    return [(Conductor, "beat", beat)]


def _set_at_the_end() -> list[Change]:
    original = Lane._apply

    def change(self: Lane, pulse: Any) -> None:
        self.head.set = pulse.set
        self.pending.sets.append((pulse.time, pulse.set))

    def apply(self: Lane, batch: Any) -> None:
        original(self, batch)
        self.logic.enter(self.head.set, self.sets(self.head.set))

    return [(Lane, "_change_set", change), (Lane, "_apply", apply)]


def _no_bound() -> list[Change]:
    def bound(self: FoldOrder) -> int:
        included = [m.pulse for m in self.marks if not m.out]
        if included and min(included) >= 0 and not self.rereading():
            self.frontier = max(self.frontier, min(included))
        return self.frontier

    return [(FoldOrder, "bound", bound)]


def _notices_overtake() -> list[Change]:
    original = Lane._place

    def place(self: Lane, batch: Any, item: Any, key: bytes, clocks: Any) -> None:
        original(self, batch, item, b"%d" % item.offset if isinstance(item, Notice) else key, clocks)

    return [(Lane, "_place", place)]


def _unheld(kind: type[Summary | Notice]) -> list[Change]:
    original = FoldOrder.add

    def add(self: FoldOrder, rank: int, item: Any, record: int) -> None:
        if isinstance(item, kind):
            self._push(Waiting(item.fold, rank, item.offset, item.index, record, item, self.marks[rank].pulse))
        else:
            original(self, rank, item, record)

    return [(FoldOrder, "add", add)]


def _timers_by_watermark() -> list[Change]:
    original = City.advance

    def advance(self: City) -> None:
        original(self)
        due = self.logic.due()
        if due is not None and due < self.order.bound() + 2_000 and len(self.order) == 0:
            self.logic.fire(due)

    return [(City, "advance", advance)]


def _full_without_keys() -> list[Change]:
    def full_since(self: Store) -> int:
        return max(0, min((f for t in self.tables.values() for f in t.chunk_flush), default=0))

    return [(Store, "full_since", full_since)]


def _slot_at_once() -> list[Change]:
    return [(Store, "_free_slot", lambda self: 0)]


def _head_position_lost() -> list[Change]:
    original = Lane._load

    def load(self: Lane, records: Any) -> None:
        heads = [v for k, v in records if k == HEAD and v is not None]
        stale = heads[-2:-1]
        if stale and msgspec.json.decode(stale[0], type=Head).flush > 0:
            records = [*records, (HEAD, stale[0])]
        original(self, records)

    return [(Lane, "_load", load)]


def _mark_forgotten() -> list[Change]:
    original = City._load

    def load(self: City, records: Any) -> None:
        original(self, records)
        self.order.marks = [LaneMark(m.offset, m.pulse, m.position, False, [], m.again) for m in self.order.marks]

    return [(City, "_load", load)]


MUTANTS: dict[str, Callable[[], list[Change]]] = {
    "a batch at another position is taken": _any_position,
    "recovery goes on with the old epoch": _no_new_epoch,
    "memory is kept after an indefinite outcome": _memory_kept,
    "the position is committed apart from the output": _position_apart,
    "the end of a transaction is sent again": _end_sent_again,
    "state is read before the id is taken": _unstable_state,
    "an escalation is not on the alarms topic": _alarm_apart,
    "open and aborted transactions are read": _uncommitted,
    "state is restored by latest key": _latest_by_key,
    "a restore begins where not all keys are": _full_without_keys,
    "a delta's slot is used again at once": _slot_at_once,
    "an older head is believed": _head_position_lost,
    "fold time of an asset may go back": _fold_as_it_comes,
    "fold time is not held around the pulse": _fold_unheld,
    "the city resumes at what it had read": _resume_at_read,
    "the city resumes with the latest pulse": _resume_with_pulse,
    "released signals are released again": _released_again,
    "an admitted lane's rows keep their time": _admit_as_it_was,
    "exclusions are forgotten at a restart": _mark_forgotten,
    "exclusions are not journalled": _no_journal,
    "released up to the pulse, not B before it": _no_bound,
    "an excluded lane's summaries keep their time": lambda: _unheld(Summary),
    "an excluded lane's notices keep their time": lambda: _unheld(Notice),
    "a notice may overtake another": _notices_overtake,
    "timers fire by how the watermark steps": _timers_by_watermark,
    "a pulse counts though its sequence is old": _any_pulse,
    "a forged pulse counts": _forged_taken,
    "what a raising agent did is kept": _half_kept,
    "attempts are not persisted": _attempts_forgotten,
    "an old epoch may still write": _unfenced,
    "up-time grows over any gap": _blind_gap_counts,
    "a new conductor does not copy the last pulse": _not_copied_again,
    "the pulse's time follows the clock back": _clock_goes_back,
    "a set comes into force at the end of a batch": _set_at_the_end,
}
"""Name → the changes that take one rule away."""


def reverted(name: str) -> contextlib.AbstractContextManager[None]:
    """The engine without one of its rules."""
    return patched(MUTANTS[name]())


@contextlib.contextmanager
def patched(changes: list[Change]) -> Iterator[None]:
    """Attributes replaced: (owner, name, value)."""
    before = [(owner, attr, owner.__dict__[attr]) for owner, attr, _ in changes]
    for owner, attr, value in changes:
        setattr(owner, attr, value)
    try:
        yield
    finally:
        for owner, attr, value in before:
            setattr(owner, attr, value)
