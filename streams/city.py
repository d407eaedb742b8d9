"""The city task: signals of all lanes in fold order, timers and set changes in their places, incidents out.

One task for a whole city, exactly once: it reads the signals partitions, and one transaction carries what came out, the
state by key, the journal entries of lanes it went on without, and the head.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol

import msgspec

from streams.log import Indefinite, TaskLog
from streams.logic import CityLogic, Sets
from streams.order import Absence, FoldKey, FoldOrder, LaneMark, Place, Unread, Waiting
from streams.records import (
    AUDIT_TYPE,
    CE_TYPE,
    NOTICE_TYPE,
    READY_TYPE,
    SEAL_TYPE,
    SHADOW_TYPE,
    SIGNAL_TYPE,
    SUMMARY_TYPE,
    TP,
    Batch,
    Headers,
    Notice,
    Seal,
    Signal,
    Summary,
    Write,
)
from streams.state import FORMAT, HEAD, StateError
from streams.tracing import HEADER, Fold

REPORTED_SETS = 16
"""Sets of which reports are kept: lanes go on to repeat theirs after it was decided."""
BUFFER_ROWS = 200_000
"""A lane far ahead of the slowest is not read on while so many signals wait."""

_new = tuple.__new__
"""Makes the named tuples of which there are thousands in a flush: what their own class does, at half the cost."""
ALARM: Headers = ((CE_TYPE, SIGNAL_TYPE),)
"""What a lane writes beside a signal, and so next to all there is to read."""
_json = msgspec.json.Encoder().encode
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError)
_signal = msgspec.json.Decoder(Signal).decode
_place = msgspec.json.Decoder(Place).decode
_summary = msgspec.msgpack.Decoder(Summary).decode
_notice = msgspec.json.Decoder(Notice).decode
_seal = msgspec.json.Decoder(Seal).decode


class CityHead(msgspec.Struct):
    """Where the city task stands."""

    owner: str = ""
    format: int = FORMAT
    flush: int = 0
    lanes: dict[str, LaneMark] = {}
    last: tuple[int, int, int, int] = (-(1 << 62), -1, -1, -1)
    frontier: int = -(1 << 62)
    set: str = ""
    sets: list[tuple[int, str]] = []


class JournalEntry(msgspec.Struct, omit_defaults=True):
    """What is not a function of the logs, named by input positions: replay obeys it."""

    lane: str
    skip: int = -1
    since: int = -1
    until: int = -1
    bound: int = -1
    loss: bool = False
    """Input offsets [since, until) were gone before they were read, and a person accepted that."""


class _Topics(dict[str, TP]):
    """By suffix, where a record goes."""

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self._prefix = prefix

    def __missing__(self, suffix: str) -> TP:
        to = self[suffix] = TP(self._prefix + suffix, 0)
        return to


@dataclass(frozen=True, slots=True)
class CitySettings:
    """``genesis`` is the set before the first change; waits in seconds."""

    genesis: str
    prefix: str = ""
    flush_s: float = 0.2
    exclude_after_s: float = 10.0
    idle_wait_s: float = 0.5


class CityObserver(Protocol):
    """Who is told of progress."""

    def city(self, event: str, amount: float = 1.0, label: str = "") -> None:
        """Something happened; ``event`` is from a closed list."""
        ...


class City:
    """The task itself. ``lanes`` are the signals partitions; their sorted order is their rank."""

    def __init__(
        self,
        log: TaskLog,
        lanes: Sequence[TP],
        journal: TP,
        make_logic: Callable[[], CityLogic],
        sets: Sets,
        settings: CitySettings,
        observer: CityObserver | None = None,
        absences: Mapping[str, list[Absence]] | None = None,
    ) -> None:
        self.log, self.journal, self.sets, self.settings = log, journal, sets, settings
        self.lanes = sorted(lanes)
        self.observer = observer
        self.stop = False
        self.head = CityHead()
        self.ready: dict[str, set[str]] = {}
        """Set id → lanes that reported it loaded; a report, never part of a result."""
        self.refused: dict[str, str] = {}
        """Set id → why a lane cannot use it."""
        self.traces: Fold | None = None
        """Trace contexts of signals on their way to the fold; None: nobody wants any."""
        self._make_logic = make_logic
        self._given = absences
        self._seconds: dict[str, float] = {}
        """By stage, since the last flush; for metrics."""

    async def run(self) -> None:
        """Recover and work; again after every indefinite outcome."""
        while True:
            try:
                await self.recover()
                await self.work()
                return
            except Indefinite:
                self._tell("recovery")
                await self.log.cut()

    async def recover(self) -> None:
        """New epoch, ownership confirmed since, state read."""
        await self.log.confirm()
        await self.log.open()
        await self.log.confirm()
        self._load(await self.log.restore())

    def _load(self, records: Sequence[tuple[bytes, bytes | None]]) -> None:
        items: dict[bytes, bytes] = {}
        for key, value in records:
            if value is None:
                items.pop(key, None)
            else:
                items[key] = value
        raw = items.pop(HEAD, None)
        self.head = msgspec.json.decode(raw, type=CityHead) if raw else CityHead(set=self.settings.genesis)
        if self.head.format > FORMAT:
            raise StateError(f"{self.log.state}: head of format {self.head.format}, this release knows {FORMAT}")
        self.order = FoldOrder(len(self.lanes), FoldKey(*self.head.last))
        self.order.frontier = self.head.frontier
        self.order.marks = [self.head.lanes.get(str(tp), LaneMark()) for tp in self.lanes]
        if self._given is not None:
            for tp, mark in zip(self.lanes, self.order.marks, strict=True):
                mark.absences = list(self._given.get(str(tp), []))
        self.read = {tp: mark.offset for tp, mark in zip(self.lanes, self.order.marks, strict=True)}
        self.logic = self._make_logic()
        self.head.owner = self.logic.owner
        self.logic.load(items)
        self.logic.enter(self.head.set, self.sets(self.head.set))
        self._journal: list[JournalEntry] = []
        self._audit: list[bytes] = []
        self._encoded = 0.0
        self._since: float | None = None
        self._blocked: tuple[int, float] | None = None
        if self.traces is not None:
            self.traces.again()

    # -- work

    async def work(self) -> None:
        """Read, order, fold, flush; a last flush when told to stop."""
        while not self.stop:
            wait = self.settings.idle_wait_s
            if self._since is not None:
                wait = max(0.0, self._since + self.settings.flush_s - self.log.now())
            got = await self.log.fetch(self._wanted(), wait)
            begun = perf_counter()
            for batch in got:
                if batch.first == self.read[batch.source]:
                    self.take(batch)
            ordered = perf_counter()
            self.advance()
            self._took("order", ordered - begun)
            self._took("fold", perf_counter() - ordered)
            self._watch_blocked(got)
            if self._since is not None and self.log.now() >= self._since + self.settings.flush_s:
                await self.flush()
        await self.flush()

    def positions(self) -> dict[TP, int]:
        """How far each lane had been read at the last flush."""
        return {tp: self.head.lanes[str(tp)].again for tp in self.lanes if str(tp) in self.head.lanes}

    def _wanted(self) -> dict[TP, int]:
        if len(self.order) < BUFFER_ROWS:
            return dict(self.read)
        least = min((m.pulse for m in self.order.marks if not m.out), default=0)
        return {tp: self.read[tp] for tp, m in zip(self.lanes, self.order.marks, strict=True) if m.pulse <= least}

    def take(self, batch: Batch) -> None:
        """Add one batch of a signals partition to the order."""
        rank = self.lanes.index(batch.source)
        heads, buffer = batch.headers, batch.buffer
        signals: list[Unread] = []
        for row, (offset, start, end) in enumerate(
            zip(batch.offsets.tolist(), batch.vstart.tolist(), batch.vend.tolist(), strict=True)
        ):
            try:
                if heads.get(row) == ALARM:
                    value = bytes(buffer[start:end]) if start >= 0 else b""
                    signals.append((_place(value), value, offset))
                    continue
                self._add(rank, signals)
                self._one(rank, batch, row, offset)
            except UNREADABLE as error:
                self._unreadable(rank, offset, error)
        self._add(rank, signals)
        self.read[batch.source] = self.order.marks[rank].offset = batch.next
        if self._since is None:
            self._since = self.log.now()

    def _unreadable(self, rank: int, record: int, error: Exception) -> None:
        """No lane wrote this: the auditor says so too. It must not stop the city."""
        self.audit("signals.unreadable", place=f"{self.lanes[rank]}/{record}", why=str(error)[:200])
        self._tell("unreadable")

    def _add(self, rank: int, signals: list[Unread]) -> None:
        """A run of signals without a seal between them; the list is empty afterwards."""
        if signals:
            self.order.add_all(rank, signals)
            signals.clear()

    def _one(self, rank: int, batch: Batch, row: int, offset: int) -> None:
        kind, value = batch.header(row, CE_TYPE), batch.value(row) or b""
        if kind in (SIGNAL_TYPE, SHADOW_TYPE):
            signal = _signal(value)
            self.order.add(rank, signal, offset)
            if self.traces is not None:
                self.traces.read(rank, signal, batch.header(row, HEADER))
        elif kind == SUMMARY_TYPE:
            self.order.add(rank, _summary(value), offset)
        elif kind == NOTICE_TYPE:
            self.order.add(rank, _notice(value), offset)
        elif kind == SEAL_TYPE:
            self._sealed(rank, _seal(value))
        elif kind == READY_TYPE:
            self._reported(value.decode(), batch.source)

    def _reported(self, report: str, lane: TP) -> None:
        if report.startswith("!"):
            set_id, _, why = report[1:].partition(" ")
            self.refused[set_id] = f"{lane}: {why}"
        else:
            self.ready.setdefault(report, set()).add(str(lane))
        for reports in (self.ready, self.refused):
            while len(reports) > REPORTED_SETS:
                reports.pop(next(iter(reports)))

    def _sealed(self, rank: int, seal: Seal) -> None:
        self.order.seal(rank, seal.pulse, seal.position)
        for change in seal.sets:
            if change not in self.head.sets and change[0] >= self.order.frontier:
                self.head.sets = sorted([*self.head.sets, change])
        if self._given is not None:
            self.order.obey(rank)
        elif self.order.admissible(rank):
            self._note(rank, self.order.admit(rank))

    def advance(self) -> None:
        """Run everything strictly below the frontier, in order: set changes, then timers, then signals."""
        order, logic = self.order, self.logic
        bound = order.bound()
        ready = order.ready(bound)
        while True:
            now = ready[-1][0] if ready and ready[-1][0] < bound else bound
            due = logic.due(now)
            change = self.head.sets[0][0] if self.head.sets else None
            if due is not None and due < now:
                now = due
            if change is not None and change < now:
                now = change
            if now >= bound:
                return
            if change == now:
                _, self.head.set = self.head.sets.pop(0)
                logic.enter(self.head.set, self.sets(self.head.set))
                logic.fire(now)
            elif due == now:
                logic.fire(now)
            else:
                self._fold(ready, bound if change is None else min(bound, change))

    def _fold(self, ready: Sequence[Waiting], until: int) -> None:
        """What is next, and all that follows before a timer or ``until``."""
        pop, logic, traces = self.order.pop, self.logic, self.traces
        signal, due, folded = logic.signal, logic.due, 0
        while True:
            fold, rank, _, _, record, item, _ = pop()
            if isinstance(item, bytes):
                try:
                    item = _signal(item)
                except UNREADABLE as error:
                    self._unreadable(rank, record, error)
            if not isinstance(item, bytes) and item.fold != fold:
                item.fold = fold
            if isinstance(item, Signal):
                if traces is not None:
                    traces.take(rank, item)
                signal(item)
                folded += 1
            elif isinstance(item, Notice):
                logic.notice(item)
            elif isinstance(item, Summary):
                logic.summary(item)
            if not ready:
                break
            now = ready[-1][0]
            if now >= until:
                break
            timer = due(now)
            if timer is not None and timer <= now:
                break
        if folded:
            self._tell("folded", folded)

    # -- lanes that keep everybody waiting

    def _watch_blocked(self, got: list[Batch]) -> None:
        if self._given is not None:
            return
        included = [(m.pulse, r) for r, m in enumerate(self.order.marks) if not m.out]
        if len(included) < 2 or self.order.rereading():
            self._blocked = None
            return
        least, rank = min(included)
        ahead = max(p for p, _ in included)
        if ahead - least < self.settings.exclude_after_s * 1000 or any(b.source == self.lanes[rank] for b in got):
            self._blocked = None
        elif self._blocked is None or self._blocked[0] != rank:
            self._blocked = (rank, self.log.now())
        elif self.log.now() - self._blocked[1] >= self.settings.exclude_after_s:
            self._note(rank, self.order.exclude(rank))
            self._blocked = None
            self._tell("excluded", 1, str(self.lanes[rank]))

    def _note(self, rank: int, absence: Absence) -> None:
        entry = JournalEntry(str(self.lanes[rank]), -1, absence.since, absence.until, absence.bound)
        self._journal.append(entry)
        if self._since is None:
            self._since = self.log.now()

    # -- flush

    async def flush(self) -> None:
        """One transaction: incidents, state, journal, head."""
        encoding = perf_counter()
        head = self.head
        head.flush += 1
        last = self.order.last
        head.last = (last.fold, last.rank, last.offset, last.index)
        head.frontier = self.order.frontier
        for rank, tp in enumerate(self.lanes):
            mark = self.order.marks[rank]
            self.order.settle(rank)
            offset, pulse = self.order.resume_at(rank, self.read[tp])
            head.lanes[str(tp)] = LaneMark(offset, pulse, mark.position, mark.out, mark.absences, self.read[tp])
        begun = self.log.now()
        try:
            await self.log.commit(self._writes(head))
        except Indefinite:
            self._tell("indefinite")
            raise
        self._took("encode", self._encoded - encoding)
        self._took("publish", perf_counter() - self._encoded)
        for stage, seconds in self._seconds.items():
            self._tell("stage", seconds, stage)
        self._seconds.clear()
        self._tell("flush", self.log.now() - begun)
        self._tell("frontier", self.order.frontier)
        for reason, n in self.logic.fates().items():
            self._tell("fate", n, reason)
        self._journal.clear()
        self._audit.clear()
        self._since = None

    def _writes(self, head: CityHead) -> Iterator[Write]:
        """All of a flush. Each is made when it is asked for and may go when the next is: thousands held at once would
        each lie in a part of the memory that the processor has to fetch."""
        prefix, state, changes = self.settings.prefix, self.log.state, self.logic.changes()
        topics = _Topics(prefix)
        if self.traces is not None:
            changes = self.traces.passing(changes)
        for suffix, key, value, heads in changes:
            yield _new(Write, (state if suffix is None else topics[suffix], key, value, heads))
        for entry in self._journal:
            yield Write(self.journal, entry.lane.encode(), _json(entry))
        for note in self._audit:
            yield Write(TP(prefix + "audit", 0), b"city", note, ((CE_TYPE, AUDIT_TYPE),))
        yield Write(state, HEAD, _json(head))
        self._encoded = perf_counter()

    def audit(self, what: str, **more: object) -> None:
        """Leave a note for people in the next flush; it is no part of any result."""
        self._audit.append(_json({"what": what, **more}))
        if self._since is None:
            self._since = self.log.now()

    def out(self) -> int:
        """Lanes that it goes on without now."""
        return sum(mark.out for mark in self.head.lanes.values())

    def _took(self, stage: str, seconds: float) -> None:
        self._seconds[stage] = self._seconds.get(stage, 0.0) + seconds

    def _tell(self, event: str, amount: float = 1.0, label: str = "") -> None:
        if self.observer is not None:
            self.observer.city(event, amount, label)
