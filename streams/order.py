"""Fold order: signals of all lanes in one order that no arrival, flush or restart can change.

The key is (fold time, lane's rank, input offset, index). Released is what lies strictly below the least pulse of the
included lanes less B. A lane that keeps everybody waiting is excluded by a journal entry and admitted by another; what
it said in between keeps its place but takes a fold time no earlier than what was already released.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from streams.pulse import BOUND_MS
from streams.records import Notice, Signal, Summary


class FoldKey(NamedTuple):
    """Place of a signal in fold order."""

    fold: int
    rank: int
    offset: int
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs


_new = tuple.__new__
"""Makes the named tuples of which there are thousands in a flush: what their own class does, at half the cost."""
Item = Signal | Summary | Notice
"""What a lane says to the city task."""


class Place(msgspec.Struct, gc=False):
    """What of a signal says where it belongs: the rest of it is read when its turn has come."""

    offset: int
    index: int
    fold: int = 0


Unread = tuple[Place, bytes, int]
"""A signal whose place alone has been read, and the record that it is.

As bytes it is one object instead of thirty, and those that are made of it when it is folded are gone before the next is
read: they are all in the processor's cache, and need no others."""
LEAST = FoldKey(-(1 << 62), -1, -1, -1)
_NEVER = 1 << 62


class Absence(msgspec.Struct):
    """One exclusion of a lane, as journalled: rows at input offsets [since, until) take fold times ≥ ``bound``.

    ``since`` and ``until`` are sealed input positions; ``until`` and ``bound`` are -1 while the lane is still out.
    """

    since: int
    until: int = -1
    bound: int = -1


class LaneMark(msgspec.Struct):
    """How far one lane has been read: what the city task saves of it, never the buffer."""

    offset: int = 0
    """Next record to read of the lane's signals partition."""
    pulse: int = -1
    position: int = 0
    """Input position that the last seal read has confirmed."""
    out: bool = False
    absences: list[Absence] = []
    again: int = 0
    """Records before this offset had been read before the restart; until they are read again nothing may move on."""


class Waiting(NamedTuple):
    """What waits in the buffer, with the record it was read from and the pulse that stood before that record.

    Its key comes first, so that these sort by it; of one record there is one, so no items are compared.
    """

    fold: int
    rank: int
    offset: int
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs
    record: int
    item: Item | bytes
    """Bytes are a signal that is still to be read, and takes the key's fold time then."""
    pulse_before: int

    @property
    def key(self) -> FoldKey:
        """Its place."""
        return FoldKey(self.fold, self.rank, self.offset, self.index)


class FoldOrder:
    """The buffer of the city task. ``last`` is the key of the last released signal: only later ones follow.

    Lanes come nearly sorted, so what may be released is sorted at once and handed out from the end; what is later than
    the frontier waits as it came.
    """

    def __init__(self, lanes: int, last: FoldKey = LEAST) -> None:
        self.marks = [LaneMark() for _ in range(lanes)]
        self._last: FoldKey | Waiting = last
        self.frontier = -(1 << 62)
        self._ready: list[Waiting] = []  # the next one last
        self._fresh: list[Waiting] = []  # not sorted in yet
        self._least = _NEVER  # fold time of the first of these
        self._held: list[list[Waiting]] = [[] for _ in range(lanes)]  # rows of a lane that is out

    @property
    def last(self) -> FoldKey:
        """Key of what was released last."""
        return self._last.key if isinstance(self._last, Waiting) else self._last

    def __len__(self) -> int:
        return len(self._ready) + len(self._fresh) + sum(map(len, self._held))

    def add(self, rank: int, item: Item, record: int) -> None:
        """One signal, summary or notice as read from a lane."""
        self._wait(
            rank, [Waiting(item.fold, rank, item.offset, item.index, record, item, self.marks[rank].pulse)]
        )  # fmt: skip

    def add_all(self, rank: int, signals: Sequence[Unread]) -> None:
        """Signals of one lane, in its order; no seal lies in between."""
        pulse = self.marks[rank].pulse
        self._wait(rank, [
            _new(Waiting, (at.fold, rank, at.offset, at.index, record, value, pulse))
            for at, value, record in signals
        ])  # fmt: skip

    def _wait(self, rank: int, waits: list[Waiting]) -> None:
        mark, last = self.marks[rank], self.last
        if mark.absences:
            for waiting in waits:
                self._late(mark, waiting)
            return
        least = min(waits, default=None)
        if least is not None:
            self._fresh += waits if least.key > last else [waiting for waiting in waits if waiting.key > last]
            self._least = min(self._least, least.fold)

    def _late(self, mark: LaneMark, waiting: Waiting) -> None:
        """Of a lane that has been out."""
        absence = _absence(mark, waiting.offset)
        if absence is None:
            self._push(waiting)
        elif absence.until < 0:
            self._held[waiting.rank].append(waiting)
        else:
            self._push(_not_before(waiting, absence.bound))

    def _push(self, waiting: Waiting) -> None:
        if waiting.key > self.last:
            self._fresh.append(waiting)
            self._least = min(self._least, waiting.fold)

    def seal(self, rank: int, pulse: int, position: int) -> None:
        """The lane's clock has come to ``pulse`` and its input to ``position``; all it said before has been added."""
        mark = self.marks[rank]
        mark.pulse, mark.position = max(mark.pulse, pulse), max(mark.position, position)

    def bound(self) -> int:
        """Everything strictly below this fold time is complete; never goes back."""
        included = [m.pulse for m in self.marks if not m.out]
        if included and min(included) >= 0 and not self.rereading():
            self.frontier = max(self.frontier, min(included) - BOUND_MS)
        return self.frontier

    def rereading(self) -> bool:
        """Whether some lane's unreleased records are still to be read again after a restart."""
        return any(m.offset < m.again for m in self.marks)

    def ready(self, bound: int) -> Sequence[Waiting]:
        """What is sorted, the next one last, with all that may be released below ``bound`` and perhaps more. It follows
        every :meth:`pop`, until something is added."""
        if self._least < bound:
            self._ready += self._fresh
            self._ready.sort(reverse=True)
            self._fresh, self._least = [], _NEVER
        return self._ready

    def peek(self) -> FoldKey | None:
        """Key of the next one that may be released, or None."""
        bound = self.bound()
        self.ready(bound)
        if self._ready:
            first = self._ready[-1]
            if first.fold < bound:
                return first.key
        return None

    def pop(self) -> Waiting:
        """Release the next one, which :meth:`peek` or :meth:`ready` has found. Its fold time is that of its key."""
        self._last = waiting = self._ready.pop()
        return waiting

    def exclude(self, rank: int) -> Absence:
        """Go on without a lane; what it says after its last seal waits until it is admitted."""
        mark = self.marks[rank]
        mark.out = True
        absence = Absence(mark.position)
        mark.absences.append(absence)
        for rows in (self._ready, self._fresh):
            late = [w for w in rows if w.rank == rank and w.offset >= absence.since]
            if late:  # read, but not sealed yet
                self._held[rank] += late
                rows[:] = [w for w in rows if w.rank != rank or w.offset < absence.since]
        return absence

    def obey(self, rank: int) -> None:
        """In replay: a lane that was never admitted again keeps nobody waiting after its last place."""
        mark = self.marks[rank]
        mark.out = any(a.until < 0 and mark.position >= a.since for a in mark.absences)

    def admissible(self, rank: int) -> bool:
        """Whether an excluded lane has caught up, so that its later rows cannot lie below what was released."""
        mark = self.marks[rank]
        return mark.out and mark.pulse >= 0 and mark.pulse - BOUND_MS >= self.bound()

    def admit(self, rank: int) -> Absence:
        """Take a lane back; its held rows take a fold time not before the frontier."""
        mark = self.marks[rank]
        absence = mark.absences[-1]
        absence.until, absence.bound = mark.position, self.bound()
        mark.out = False
        for waiting in self._held[rank]:
            self._push(_not_before(waiting, absence.bound))
        self._held[rank].clear()
        return absence

    def settle(self, rank: int) -> None:
        """Forget absences of which all is released: what is read from now on, again after a restart too, is later."""
        mark = self.marks[rank]
        if not mark.absences or mark.offset < mark.again:
            return
        rows = [*self._ready, *self._fresh, *self._held[rank]]
        least = min((w.offset for w in rows if w.rank == rank), default=mark.position)
        mark.absences = [a for a in mark.absences if a.until < 0 or a.until > min(least, mark.position)]

    def resume_at(self, rank: int, read: int) -> tuple[int, int]:
        """Offset and pulse to start from after a restart: the oldest unreleased record of the lane, or ``read``."""
        mine = [w for rows in (self._ready, self._fresh) for w in rows if w.rank == rank] + self._held[rank]
        if not mine:
            return read, self.marks[rank].pulse
        oldest = min(mine, key=lambda w: w.record)
        return oldest.record, oldest.pulse_before


def _absence(mark: LaneMark, offset: int) -> Absence | None:
    for absence in mark.absences:
        if offset >= absence.since and (absence.until < 0 or offset < absence.until):
            return absence
    return None


def _not_before(waiting: Waiting, bound: int) -> Waiting:
    return waiting._replace(fold=max(waiting.fold, bound))
