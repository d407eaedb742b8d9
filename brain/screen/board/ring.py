"""Changes in the order in which they came: for streams that go on where they were cut, and for a look back.

A position is, by partition of a topic, the offset of the last record told. It holds for every server that reads the
same topics, and over restarts; the order of changes is the log's within a partition, and a server's own between them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

KEPT: Final = 100_000
"""Changes; about 60 MB."""
LONGEST_POSITION: Final = 4096
_OFFSET: Final = re.compile(r"-1|[0-9]{1,18}", re.ASCII)
Position = dict[str, int]
"""Topic without prefix, ``/`` and partition → offset."""
Kind = Literal["incident", "alarm"]


@dataclass(slots=True, frozen=True)
class Change:
    """One record as it is told. ``t``: when, ms UTC, never before the one before; ``seen`` whether people see it (or
    saw it until now); ``district`` and ``was`` where it lies and lay; ``over``: it leaves the board."""

    at: str
    offset: int
    t: int
    kind: Kind
    id: str
    data: bytes
    seen: bool
    district: str
    was: str
    over: bool


class Ring:
    """The last changes, and the state before the first of them."""

    def __init__(self, most: int = KEPT) -> None:
        self.most = most
        self.first = 0
        """Number of the first change that is kept; they are numbered from 0 on."""
        self._items: list[Change] = []
        self._cut = 0
        """Items at the front that are dropped already; they are removed many at a time."""
        self.last: Position = {}
        """Position after the newest change."""
        self.floor: Position = {}
        """By partition, the highest offset that is no longer kept."""
        self.base: dict[str, Change] = {}
        """By incident, the newest change that is no longer kept, of those not over then: as many as stood at once."""
        self.base_t = 0

    @property
    def end(self) -> int:
        """Number of the next change."""
        return self.first + len(self._items) - self._cut

    def not_before(self, t: int) -> int:
        """A time, or that of the newest change where that is later."""
        return max(t, self._items[-1].t) if self._items else t

    def add(self, change: Change) -> None:
        """The newest."""
        self._items.append(change)
        self.last[change.at] = change.offset
        while len(self._items) - self._cut > self.most:
            self._drop(self._items[self._cut])
            self._cut += 1
            self.first += 1
        if self._cut > 4096 and self._cut * 4 > len(self._items):
            del self._items[: self._cut]
            self._cut = 0

    def _drop(self, old: Change) -> None:
        self.floor[old.at] = old.offset
        self.base_t = old.t
        if old.kind == "incident":
            if old.over:
                self.base.pop(old.id, None)
            else:
                self.base[old.id] = old

    def begin(self, at: str, offset: int) -> None:
        """A partition is read from this offset on: what lies before is not kept."""
        self.floor.setdefault(at, offset - 1)
        self.last.setdefault(at, offset - 1)

    def get(self, number: int) -> Change:
        """One change. Raises IndexError for one that is not there (any more)."""
        k = number - self.first
        if k < 0:
            raise IndexError(number)
        return self._items[self._cut + k]

    def holds(self, position: Mapping[str, int]) -> bool:
        """Whether all that came after a position is kept. A partition that it does not name was not known then."""
        return all(position.get(at, -1) >= lowest for at, lowest in self.floor.items())

    def since(self, t: int) -> int:
        """Number of the first change after a time."""
        return self.first + bisect_right(self._items, t, lo=self._cut, key=lambda c: c.t) - self._cut

    def between(self, start: int, end: int) -> Iterator[Change]:
        """Changes by number."""
        for number in range(max(start, self.first), min(end, self.end)):
            yield self.get(number)

    def state_at(self, t: int) -> dict[str, Change]:
        """By incident the newest change at or before a time; of those that were on the board then, or not shown."""
        state = dict(self.base)
        for change in self.between(self.first, self.since(t)):
            if change.kind != "incident":
                continue
            if change.over:
                state.pop(change.id, None)
            else:
                state[change.id] = change
        return state


def text_of(position: Mapping[str, int]) -> str:
    """A position as text for an event's id."""
    return ";".join(f"{at}:{offset}" for at, offset in sorted(position.items()))


def position_of(text: str) -> Position | None:
    """Read it back; None for what is none."""
    if not text or len(text) > LONGEST_POSITION:
        return None
    out: Position = {}
    for part in text.split(";"):
        at, _, offset = part.rpartition(":")
        if "/" not in at or not _OFFSET.fullmatch(offset):
            return None
        out[at] = int(offset)
    return out
