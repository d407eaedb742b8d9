"""What a hotline's texts say together: copies and topics, over state in the tables of the lane that sees them all.

Rows are of bounded number: groups of copies, topics, and hashed grams. Each method gives the same however a stream of
texts is cut into calls, and after a restore goes on as if there had been none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brain.hotline import caller_number
from models.text.copies import Copied, Copies
from models.text.grams import I4, I8
from models.text.topics import Heads, Sorted, Topic, Topics, TopicSettings
from streams.state import Store, Table

BAND, GROUP, GRAM, TOPIC, READ = "copy.band", "copy.group", "topic.gram", "topic.topic", "text.read"
READ_STATE = np.dtype([("copies", "i8"), ("topics", "i8")])
"""Texts that went to either so far: the numbers of groups and topics are counted by them."""
COPIES, SETTINGS = Copies(), TopicSettings()
TABLES: Mapping[str, np.dtype[Any]] = {
    BAND: COPIES.band, GROUP: COPIES.group, GRAM: np.dtype([("df", "i4")]), TOPIC: SETTINGS.state, READ: READ_STATE,
}  # fmt: skip


class TicketTexts:
    """Copies and topics over the tables of a store. Texts must be masked before."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.topics = Topics(SETTINGS)
        self._place = np.full(1 << SETTINGS.bits, -1, np.int32)
        keys = store.table(GRAM).keys
        self._place[_columns(keys)] = np.arange(len(keys), dtype=np.int32)

    def warm(self) -> None:
        """Have the kernels compiled, or loaded, before a ticket waits for them."""
        none, who = np.zeros(0, np.int64), np.zeros(0, np.uint64)
        self.copies(none, who, [], none)
        self.sort(self.heads([], [], []), 0, 0, none, who)
        self.rank(0)

    def copies(self, t: I8, callers: NDArray[np.uint64], texts: Sequence[str], windows: I8) -> Copied:
        """What each text is a copy of; see :meth:`models.text.copies.Copies.find`."""
        groups = _room(self.store.table(GROUP), len(texts), COPIES.keep)
        bands = self.store.table(BAND)
        bands.slots(groups.keys[bands.n :])
        found = COPIES.find(
            bands.rows[: groups.n], groups.rows[: groups.n], self._count("copies", len(texts)), t, callers, texts,
            windows,
        )  # fmt: skip
        mine = found.slot[found.slot >= 0]
        groups.dirty[mine] = 1
        bands.dirty[mine[found.size[found.slot >= 0] == 1]] = 1
        return found

    def heads(self, titles: Sequence[str], texts: Sequence[str], places: Sequence[str]) -> Heads:
        """What topics read of each text; see :meth:`models.text.topics.Topics.heads`."""
        return self.topics.heads(titles, texts, places)

    def sort(self, heads: Heads, begin: int, end: int, t: I8, callers: NDArray[np.uint64]) -> Sorted:
        """Texts [begin, end) go to their topics; see :meth:`models.text.topics.Topics.sort`."""
        topic, gram = _room(self.store.table(TOPIC), end - begin, SETTINGS.open), self.store.table(GRAM)
        column = heads.column[heads.start[begin] : heads.start[end]]
        self._learn_columns(gram, column)
        out = self.topics.sort(
            heads, begin, end, t, callers, self._count("topics", end - begin), self._place, gram.rows["df"],
            topic.rows[: topic.n],
        )  # fmt: skip
        gram.dirty[self._place[column]] = 1
        topic.dirty[out.slot] = 1
        return out

    def rank(self, now: int, least: float = 0.0, also: Collection[int] = ()) -> list[Topic]:
        """Topics that rise at a time; see :meth:`models.text.topics.Topics.rank`."""
        table = self.store.table(TOPIC)
        return self.topics.rank(table.rows[: table.n], now, least, also)

    def _learn_columns(self, gram: Table, column: I4) -> None:
        """Columns that were never seen get their rows, in the order in which they come."""
        fresh = column[self._place[column] < 0]
        if not len(fresh):
            return
        seen, at = np.unique(fresh, return_index=True)
        fresh = seen[np.argsort(at)]
        self._place[fresh] = gram.slots([int(c).to_bytes(3, "little") for c in fresh])

    def _count(self, name: str, more: int) -> int:
        """Texts so far, these not included; they are counted."""
        if not more:
            return 0
        table = self.store.table(READ)
        slot = table.slot(b"n")
        before = int(table.rows[name][slot])
        table.rows[name][slot], table.dirty[slot] = before + more, 1
        return before


def callers_of(names: Sequence[str]) -> NDArray[np.uint64]:
    """A number for each caller; 0 for "", which stands for unknown."""
    return np.array([caller_number(name) for name in names], np.uint64)


def _columns(keys: Sequence[bytes]) -> NDArray[np.int64]:
    raw = np.frombuffer(b"".join(keys), np.uint8).reshape(-1, 3).astype(np.int64)
    return raw[:, 0] | raw[:, 1] << 8 | raw[:, 2] << 16


def _room(table: Table, more: int, most: int) -> Table:
    """Rows for so many new groups or topics; they are used in order, and none is given up."""
    used = int(np.count_nonzero(table.rows["texts"][: table.n]))
    if more:
        table.slots([f"{k}".encode() for k in range(table.n, min(most, used + more))])
    return table
