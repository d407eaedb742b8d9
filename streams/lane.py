"""One lane: an input partition and everything that follows from it alone.

Its output is a function of its own log: rows in offset order, pulses as the only clock, and nothing depends on where a
fetch, a stretch or a flush ends. A flush is one transaction: signals, alarms, dead letters, seals, state, head.
Every await is on the log port, so the same code runs on Kafka, on files, and inside the fault simulator.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams import pulse as pulses
from streams.figures import Meter
from streams.fold_times import FOLD_DTYPE, FOLD_TABLE, FoldTimes
from streams.lane_parts import Head, LaneSettings, LaneTopics, Observer, PartitionsChanged, SetMissing, Silent
from streams.log import Indefinite, OffsetGone, TaskLog
from streams.logic import Beat, LaneLogic, Output, Sets, View
from streams.outbox import INPUTS_DOWN, Outbox, inputs_down
from streams.pulse import Pulse
from streams.records import CE_TYPE, I8, PULSE_TYPE, TP, Batch, Dead, Notice, Reason, Signal, Stage, Write
from streams.state import FORMAT, HEAD, StateError, Store
from streams.tracing import carried

__all__ = [
    "INPUTS_DOWN",
    "Head",
    "Lane",
    "LaneSettings",
    "LaneTopics",
    "Observer",
    "PartitionsChanged",
    "SetMissing",
    "Silent",
]

NOTICES = b"\x00notices"
"""Key of the fold time that the lane's notices keep among themselves; no asset's name begins like that."""
SHADOWED = b"\x00shadow/"
"""Before an asset's name: of signals in shadow, which must not move those that people are told of."""
DEATHS = 3
"""After so many deaths at one position the next batch is tried in a child first."""

_json = msgspec.json.Encoder().encode

Deliver = Callable[["Lane", Batch], Awaitable[None]]
"""How a batch reaches :meth:`Lane.take`: directly, or through a Faust channel and its agent."""


Trouble = tuple[Reason, str] | None
"""Why a part of a batch could not be processed."""


class Lane:
    """The task that owns one lane: recover, then work until told to stop or until the log says it is not ours."""

    def __init__(
        self,
        log: TaskLog,
        topics: LaneTopics,
        make_logic: Callable[[], LaneLogic],
        sets: Sets,
        settings: LaneSettings,
        observer: Observer | None = None,
        probe: Callable[[Callable[[], object]], bool] | None = None,
        skips: frozenset[int] = frozenset(),
        deliver: Deliver | None = None,
        outbox: Callable[[LaneTopics], Outbox] = Outbox,
    ) -> None:
        self.log, self.topics, self.sets, self.settings = log, topics, sets, settings
        self.observer: Observer = observer or Silent()
        self.head = Head()
        self.meter = Meter()
        self.stop = False
        self.source = topics.source
        """Who it is in ids: its input, by the name that it had when its state began."""
        self._make_logic = make_logic
        self._outbox = outbox
        self.pending = outbox(topics)
        self._first_pulse = 0
        self._counted = False
        self._spare = False
        self._probe = probe or (lambda run: True)
        self._skips = skips
        self._deliver = deliver or Lane.take

    # -- life

    async def run(self) -> None:
        """Recover and work; again after every indefinite outcome. Returns after a last flush once ``stop`` is set."""
        while True:
            try:
                await self.recover()
                await self.work()
                return
            except Indefinite:
                self.observer.progress(self, "recovery")
                # If it was the dead letter that could not be written, a fire must not wait for it.
                self._spare = self.pending.urgent and self.pending.first_dead >= 0
                await self.log.cut()

    async def recover(self) -> None:
        """The one recovery path: new epoch, ownership confirmed since, truth read from the state topic."""
        await self.log.confirm()  # before the new epoch: who has lost the lane must not fence its new owner
        await self.log.open()
        await self.log.confirm()  # and after it: the group may have given it away meanwhile
        records = await self.log.restore(needed=True)
        self._load(records)
        if not self._counted:  # an attempt ends with the process: to lose a connection is no death
            self.head.attempts += 1
            await self._commit_head_only()
            self._counted = True
        self.observer.progress(self, "restored")

    def _load(self, records: Sequence[tuple[bytes, bytes | None]]) -> None:
        self.meter.rolled_back()
        self.logic = self._make_logic()
        self.store = Store({**self.logic.tables, FOLD_TABLE: FOLD_DTYPE}, self.logic.owner)
        raw = self.store.restore(records)
        if raw is not None:
            self.head = msgspec.json.decode(raw, type=Head)
            if self.head.format > FORMAT:
                raise StateError(f"{self.topics.state}: head of format {self.head.format}, this release knows {FORMAT}")
            self._same_input()
        else:
            self.head = Head(set=self.settings.genesis)
        self.head.owner = self.logic.owner
        self.head.partitions, self.head.log = self.settings.partitions, self.settings.log or self.head.log
        self._enter_all()
        self._keep()

    def _same_input(self) -> None:
        """State belongs to one log with one count of partitions: with any other it would be somebody else's."""
        head, settings, source = self.head, self.settings, self.topics.source
        if head.partitions and head.partitions != settings.partitions:
            raise PartitionsChanged(
                f"{self.topics.state}: written with {head.partitions} partitions of {source.topic}, now there are "
                f"{settings.partitions}: keys would come to other partitions than their state. Set the count back to "
                f"{head.partitions}, or create topics under another prefix and replay the inputs into them"
            )
        if head.log and settings.log and head.log != settings.log:
            raise OffsetGone(
                f"{source}: the topic was made anew (id {settings.log}, the state is of {head.log}): its offsets say "
                "nothing about where this lane stood. Use another prefix for the new topics"
            )

    def _enter_all(self) -> None:
        source = self.topics.source
        self.source = TP(self.head.topic or source.topic, source.partition)
        self._folds = FoldTimes(self.store.table(FOLD_TABLE))
        self.logic.bind(self.store, self.source, self.settings.partitions)
        self.logic.enter(self.head.set, self.sets(self.head.set))

    def _keep(self) -> None:
        """What the last flush said becomes what a rollback goes back to."""
        self._saved = msgspec.json.encode(self.head)
        self.pending = self._outbox(self.topics)

    def _rollback(self) -> None:
        self.store.rollback()
        self.meter.rolled_back()
        self.head = msgspec.json.decode(self._saved, type=Head)
        self.pending = self._outbox(self.topics)
        self._enter_all()

    async def work(self) -> None:
        """Fetch, process, flush."""
        while True:
            waiting = self.pending.since
            wait = self.settings.idle_wait_s
            if waiting is not None:
                wait = max(0.0, waiting + self.settings.flush_s - self.log.now())
            got = [] if self.stop else await self._fetch(wait)
            for batch in got:
                if batch.first == self.head.position:
                    await self._deliver(self, batch)
            if self.stop or self._due():
                await self.flush()
            if self.stop:
                return

    async def _fetch(self, wait: float) -> list[Batch]:
        got = await self.log.fetch({self.topics.source: self.head.at}, wait)
        return [batch.moved(self.head.base) for batch in got]

    def _due(self) -> bool:
        p = self.pending
        if p.since is None:
            return False
        return p.urgent or p.size >= self.settings.flush_bytes or self.log.now() >= p.since + self.settings.flush_s

    # -- one batch

    async def take(self, batch: Batch) -> None:
        """Process a batch that begins at our position; rows that raise end as dead letters, alone."""
        if self.head.attempts > DEATHS:
            await self._take_carefully(batch)
            return
        try:
            self._apply(batch)
        except SetMissing:
            raise
        except Exception:  # noqa: BLE001  # an agent may raise anything; the row is found and buried
            await self._bisect(batch)
        if self._spare and self.pending.urgent and self.pending.good_before_dead():
            await self._without_dead()

    async def _without_dead(self) -> None:
        """Flush only what came before the first bad row: its dead letter cannot be written, and a life is at stake."""
        batches, bad = self.pending.batches, self.pending.first_dead
        self._rollback()
        for batch in batches:
            row = int(np.searchsorted(batch.offsets, bad))
            self._apply(batch.cut(0, row))
            if row < len(batch):
                break
        await self.flush()

    async def _bisect(self, batch: Batch) -> None:
        """Something raised: go back to before this batch, then halve it until the row is found."""
        before = self.pending.batches[:-1]
        self._rollback()
        for earlier in before:
            self._apply(earlier)
        await self.flush()
        await self._halves(batch, self._try)

    async def _take_carefully(self, batch: Batch) -> None:
        """Three deaths here: each part runs in a child first, and a row that kills the child is poison."""
        await self.flush()
        await self._halves(batch, self._try_in_child)

    def _try(self, part: Batch) -> Trouble:
        try:
            self._apply(part)
        except SetMissing:
            raise
        except Exception as error:  # noqa: BLE001  # it ends in the dead letter of the row
            self._rollback()
            return Reason.AGENT_ERROR, f"{type(error).__name__}: {error}"[:300]
        return None

    def _try_in_child(self, part: Batch) -> Trouble:
        if not self._probe(lambda: self._apply(part)):
            return Reason.POISON, "the worker died or hung at this row"
        return self._try(part)

    async def _halves(self, batch: Batch, attempt: Callable[[Batch], Trouble]) -> None:
        parts = [batch]
        while parts:
            part = parts.pop()
            trouble = attempt(part)
            if trouble is None:
                await self.flush(force=True)
            elif len(part) > 1:
                middle = len(part) // 2
                parts += [part.cut(middle, len(part)), part.cut(0, middle)]
            else:
                self._skip(part, *trouble)
                await self.flush(force=True)

    def _skip(self, part: Batch, reason: Reason, detail: str) -> None:
        self._pend(part)
        self._bury(part, Dead(0, 0, Stage.SCORE, reason, detail))
        offset = int(part.offsets[0])
        if reason is Reason.POISON:
            note = _json({"lane": str(self.topics.source), "skip": offset})
            self.pending.add(Write(self.topics.journal, str(self.topics.source).encode(), note))
        self.head.clock = max(self.head.clock, int(part.times[0]))
        self.head.position = part.next

    def _pend(self, batch: Batch) -> None:
        self.pending.begin(batch, self.log.now())

    def _apply(self, batch: Batch) -> None:
        self._pend(batch)
        n, head = len(batch), self.head
        marks = [r for r in sorted(batch.headers) if batch.header(r, CE_TYPE) == PULSE_TYPE]
        data = self._data_rows(batch, marks)
        marks = [r for r in marks if int(batch.offsets[r]) not in self._skips]
        before = np.concatenate(([0], np.cumsum(data)))  # data rows before each row
        clocks = self._clocks(batch)
        self._first_pulse = 0 if head.seq >= 0 else n
        start, since, up, ticked = 0, 0, head.up, n
        beats: list[Beat] = []
        for row in marks:
            pulse = self._accept(batch, row)
            if pulse is None:
                continue
            self._first_pulse = min(self._first_pulse, row)
            clocks[ticked:row] = head.time
            clocks[row] = pulse.time
            ticked = row
            head.rows_since_pulse += int(before[row]) - since
            since = int(before[row])
            beats.append(self._advance(pulse, int(batch.offsets[row]), since - int(before[start])))
            if pulse.set != head.set:
                self._stretch(batch, start, row + 1, data, clocks, beats, up)
                self._change_set(pulse)
                start, beats, up = row + 1, [], head.up
        clocks[ticked:] = head.time
        self._stretch(batch, start, n, data, clocks, beats, up)
        head.rows_since_pulse += int(before[n]) - since
        if n:
            head.clock = max(head.clock, int(batch.times.max()))
        head.position = batch.next
        self.observer.progress(self, "rows", int(before[n]))

    def _data_rows(self, batch: Batch, marks: list[int]) -> NDArray[np.bool_]:
        data = np.ones(len(batch), bool)
        data[marks] = False
        if self._skips:
            for row in np.flatnonzero(np.isin(batch.offsets, list(self._skips))):
                data[row] = False
                self._bury(batch, Dead(int(row), 0, Stage.SCORE, Reason.POISON, "skipped by the journal"))
        return data

    def _clocks(self, batch: Batch) -> I8:
        """The lane's clock before each row, until a pulse of this batch changes it."""
        if self.head.seq >= 0:
            return np.full(len(batch), self.head.time, np.int64)
        return np.maximum(np.maximum.accumulate(batch.times), self.head.clock) if len(batch) else batch.times.copy()

    def _accept(self, batch: Batch, row: int) -> Pulse | None:
        found = pulses.decode(batch.value(row), self.settings.key)
        if found is None:
            self._bury(batch, Dead(row, 0, Stage.DECODE, Reason.FORGED_PULSE, "keyed hash does not hold"))
        elif found.seq > self.head.seq and found.time > self.head.time:
            return found
        return None

    def _advance(self, pulse: Pulse, offset: int, at: int) -> Beat:
        head = self.head
        gap = pulse.time - head.time if head.seq >= 0 else 0
        blind = gap > pulses.GAP_MS and head.rows_since_pulse == 0
        if gap > pulses.GAP_MS and not blind:  # data came, so the inputs are up: the conductor changed
            self.pending.audit("pulse.gap", t=pulse.time, gap_ms=gap, rows=head.rows_since_pulse, epoch=pulse.epoch)
        before = head.time if head.seq >= 0 else -1
        if 0 < gap <= pulses.GAP_MS:
            head.up += max(0, min(gap, pulse.up - head.pulse_up))
        head.seq, head.time, head.pulse_up, head.rows_since_pulse = pulse.seq, pulse.time, pulse.up, 0
        self.pending.seal_due = True
        return Beat(at, offset, pulse.time, head.up, gap if blind else 0, before)

    def _change_set(self, pulse: Pulse) -> None:
        try:
            content = self.sets(pulse.set)
        except KeyError:
            raise SetMissing(f"{self.topics.source}: the pulse names set {pulse.set}, which is not here") from None
        self.head.set = pulse.set
        self.pending.sets.append((pulse.time, pulse.set))
        self.logic.enter(pulse.set, content)

    def _stretch(
        self, batch: Batch, start: int, stop: int, data: NDArray[np.bool_], clocks: I8, beats: list[Beat], up: int
    ) -> None:
        rows = (np.flatnonzero(data[start:stop]) + start).astype(np.int32)
        if len(rows) or beats:
            view, begun = View(self.source, batch, rows, clocks[rows], beats, up), perf_counter()
            out = self.logic.process(view)
            self.meter.worked(view, out, perf_counter() - begun)
            self._emit(batch, out, clocks, beats)

    # -- what came out

    def _emit(self, batch: Batch, out: Output, clocks: I8, beats: list[Beat]) -> None:
        blind = [beat for beat in beats if beat.outage]
        for beat in blind:
            out.signals += inputs_down(self.source, beat)
        if blind and len(out.signals) > 1:
            out.signals.sort(key=lambda s: (s.offset, s.index))
        for signal in out.signals:
            asset = signal.asset.encode()
            self._place(batch, signal, SHADOWED + asset if signal.shadow() else asset, clocks)
            self.pending.signal(signal, () if self.meter.links is None else carried(batch, signal.offset))
        self.meter.raised(out.signals)
        for notice in out.notices:
            self._place(batch, notice, NOTICES, clocks)
            notice.source = str(self.source)
            self.pending.notice(notice)
        for summary in out.summaries:
            summary.fold, summary.set, summary.source = summary.t, self.head.set, str(self.source)
            self.pending.summary(summary)
        for dead in out.dead:
            self._bury(batch, dead)
        for what, note in out.audits:
            self.pending.audit(what, **note)
        for name, amount in out.counts.items():
            self.observer.progress(self, "outcome", amount, name)
        self.observer.progress(self, "signals", len(out.signals))

    def _place(self, batch: Batch, item: Signal | Notice, key: bytes, clocks: I8) -> None:
        """Its place in fold order: held around the lane's clock, never before the last one of the same key."""
        row = int(np.searchsorted(batch.offsets, item.offset))
        clock, pulsed = int(clocks[row]), row >= self._first_pulse
        item.pulse = clock if pulsed else -1
        if isinstance(item, Notice):
            item.fold = self._folds.own(key, item.t, clock)
        else:
            item.fold = self._folds.hold(key, item.t, clock, pulsed=pulsed)
        item.set = self.head.set

    def _bury(self, batch: Batch, dead: Dead) -> None:
        self.pending.bury(batch, dead)
        self.observer.progress(self, "dead", 1, f"{dead.stage}/{dead.reason}")

    def report_ready(self, set_id: str) -> None:
        """Say on the signals topic that this lane has loaded a set and could change over to it."""
        self.pending.ready(set_id)
        self.pending.touch(self.log.now())

    # -- flush

    async def flush(self, *, force: bool = False) -> None:
        """Write everything since the last flush in one transaction; the position is part of it."""
        if self.pending.since is None and not force:
            return
        begun, encoding = self.log.now(), perf_counter()
        head = self.head
        head.flush += 1
        head.attempts = 0
        writes = self.pending.sealed(head)
        writes += [Write(self.topics.state, key, value) for key, value in self.store.flush(head.flush)]
        head.full = self.store.full_since()
        writes.append(Write(self.topics.state, HEAD, _json(head)))
        encoded = perf_counter()
        await self._commit(writes)
        self.meter.took("encode", encoded - encoding)
        self.meter.took("publish", perf_counter() - encoded)
        self.observer.progress(self, "flush", self.log.now() - begun)
        self.meter.clear()
        self._spare &= self.pending.first_dead < 0
        self._keep()

    async def _commit_head_only(self) -> None:
        """Persist that this position is being tried, before anything runs that could kill the worker."""
        self.head.flush += 1
        await self._commit([Write(self.topics.state, HEAD, _json(self.head))])
        self._keep()

    async def _commit(self, writes: Sequence[Write]) -> None:
        try:
            await self.log.commit(writes)
        except Indefinite:
            self.observer.progress(self, "indefinite")
            raise
