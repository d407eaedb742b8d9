"""State of a task: tables of rows with append-only keys, and their records in a compacted topic.

A flush writes only what changed: a *delta* (row numbers and rows) for scattered changes, the full *chunk* where most
rows of it changed, and some more chunks in rotation. A delta's slot is used again only after every chunk has been
written in full since, so compaction, which keeps the last record of a key, never removes a row's only copy. Restoring
applies records in log order, never "latest by key", and begins at the flush since which every chunk of rows and of keys
has been written in full (:meth:`Store.full_since`): however long the log has grown, it reads about twice the state.

Record keys: ``d/<slot>/<table>/<part>`` delta, ``c/<table>/<chunk>`` rows, ``k/<table>/<chunk>`` keys, ``h`` head.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.records import I4

FORMAT = 1
CHUNK_BYTES = 64 * 1024
PART_BYTES = 512 * 1024
KEYS_PER_CHUNK = 2048
HEAD = b"h"


class StateError(Exception):
    """A state record this code must not touch: written by a newer release, or with a field of another type."""


class Record(msgspec.Struct, array_like=True):
    """One state record as stored (msgpack). ``dtype`` is numpy's own description; ``index`` is int32 row numbers."""

    format: int
    owner: str
    flush: int
    dtype: list[tuple[str, str]]
    start: int
    index: bytes
    data: bytes
    keys: list[bytes]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Record).decode


class Table:
    """Rows of one structured dtype, each with a key; rows are only ever appended: a table is as large as there ever
    were assets, scenarios and places, so what comes once and never again must have no key of its own.

    ``rows`` and ``dirty`` have room for more than ``n``; both are replaced when the table grows, so take them anew
    after :meth:`slot`. A new row is all zeros: zero must mean "nothing yet" in every field. Whoever changes a row sets
    ``dirty`` of it to 1, else the change is lost at the next restart.
    """

    def __init__(self, name: str, dtype: np.dtype[Any]) -> None:
        self.name = name
        self.dtype = dtype
        self.rows: NDArray[Any] = np.zeros(64, dtype)
        self.dirty: NDArray[np.uint8] = np.zeros(64, np.uint8)
        self.keys: list[bytes] = []
        self._slot: dict[bytes, int] = {}
        self._base: NDArray[Any] = np.zeros(64, dtype)
        self._raw = np.dtype((np.void, dtype.itemsize))  # numpy copies whole rows as bytes, structured ones by field
        self.saved_keys = 0
        self.per_chunk = max(1, CHUNK_BYTES // dtype.itemsize)
        self.chunk_flush: list[int] = []
        self.keys_flush: list[int] = []
        """Flush that last wrote each chunk of rows, and of keys, in full; -1: none has."""

    @property
    def n(self) -> int:
        """Rows in use."""
        return len(self.keys)

    def find(self, key: bytes) -> int:
        """Row of a key, or -1."""
        return self._slot.get(key, -1)

    def slot(self, key: bytes) -> int:
        """Row of a key; appended, all zeros, when it is new."""
        found = self._slot.get(key)
        if found is not None:
            return found
        at = len(self.keys)
        self._slot[key] = at
        self.keys.append(key)
        self._reserve(at + 1)
        return at

    def slots(self, keys: Iterable[bytes]) -> I4:
        """Rows of many keys, in their order."""
        known, names, found = self._slot, self.keys, []
        for key in keys:
            at = known.setdefault(key, len(names))
            if at == len(names):
                names.append(key)
            found.append(at)
        self._reserve(len(names))
        return np.array(found, np.int32)

    def _reserve(self, n: int) -> None:
        if n > len(self.rows):
            room = max(n, 2 * len(self.rows))
            for attr in ("rows", "dirty", "_base"):
                old = getattr(self, attr)
                new = np.zeros(room, old.dtype)
                new[: len(old)] = old
                setattr(self, attr, new)
        while len(self.chunk_flush) * self.per_chunk < n:
            self.chunk_flush.append(-1)
        while len(self.keys_flush) * KEYS_PER_CHUNK < n:
            self.keys_flush.append(-1)

    def rollback(self) -> None:
        """Back to the rows and keys of the last flush."""
        changed = np.flatnonzero(self.dirty[: self.n])
        self.rows.view(self._raw)[changed] = self._base.view(self._raw)[changed]
        self.dirty[: self.n] = 0
        for key in self.keys[self.saved_keys :]:
            del self._slot[key]
        del self.keys[self.saved_keys :]
        self.rows[self.saved_keys :] = np.zeros((), self.dtype)
        del self.chunk_flush[-(-self.saved_keys // self.per_chunk) :]
        del self.keys_flush[-(-self.saved_keys // KEYS_PER_CHUNK) :]

    def take_changes(self) -> I4:
        """Row numbers changed since the last call; their image becomes the one to roll back to."""
        n = self.n
        changed = np.flatnonzero(self.dirty[:n]).astype(np.int32)
        if 2 * len(changed) > n:  # all at once is cheaper than most of them one by one; the others are alike already
            self._base.view(self._raw)[:n] = self.rows.view(self._raw)[:n]
        else:
            self._base.view(self._raw)[changed] = self.rows.view(self._raw)[changed]
        self.dirty[:n] = 0
        return changed

    def split(self, changed: I4) -> tuple[list[int], I4]:
        """Chunks most of whose rows changed, and the changed rows of all others."""
        if len(self.chunk_flush) == 1:
            return ([0], changed[:0]) if 2 * len(changed) > self.n else ([], changed)
        chunk = changed // self.per_chunk
        counts = np.bincount(chunk, minlength=len(self.chunk_flush))
        sizes = np.minimum(self.per_chunk, self.n - np.arange(len(counts)) * self.per_chunk)
        dense = counts * 2 > sizes
        return np.flatnonzero(dense).tolist(), changed[~dense[chunk]]

    def put(self, index: I4, rows: NDArray[Any]) -> None:
        """Restore scattered rows; their keys may stand later in the log. :meth:`settle` after the last."""
        self._reserve(int(index.max()) + 1)
        self.rows.view(self._raw)[index] = rows.view(self._raw)

    def put_from(self, start: int, rows: NDArray[Any]) -> None:
        """Restore rows [start, start + len), as :meth:`put`."""
        self._reserve(start + len(rows))
        self.rows.view(self._raw)[start : start + len(rows)] = rows.view(self._raw)

    def settle(self) -> None:
        """What was restored becomes what a rollback goes back to."""
        self._base[:] = self.rows
        self.dirty[:] = 0
        if b"" in self.keys:
            raise StateError(f"table {self.name}: {self.keys.count(b'')} of {self.n} rows have no key in the log")
        self._slot = {key: at for at, key in enumerate(self.keys)}
        self.saved_keys = len(self.keys)

    def pick(self, index: I4) -> NDArray[Any]:
        """Copies of scattered rows, as bytes of their size."""
        return self.rows.view(self._raw)[index]

    def put_keys(self, start: int, keys: list[bytes]) -> None:
        """Restore keys [start, start + len); chunks come in any order. :meth:`settle` after the last."""
        end = start + len(keys)
        self.keys += [b""] * (end - len(self.keys))
        self.keys[start:end] = keys
        self._reserve(len(self.keys))


class Store:
    """All tables of one task and the arithmetic of their records. Owned by one task; not thread-safe."""

    def __init__(self, tables: Mapping[str, np.dtype[Any]], owner: str) -> None:
        self.owner = owner
        self.tables = {name: Table(name, np.dtype(dtype)) for name, dtype in tables.items()}
        self._slots: dict[int, int] = {}  # delta slot → flush that wrote it
        self._turn = 0

    def table(self, name: str) -> Table:
        """The table of that name."""
        return self.tables[name]

    def rollback(self) -> None:
        """Back to the last flush, in all tables."""
        for table in self.tables.values():
            table.rollback()

    def nbytes(self) -> int:
        """Bytes of all rows in use."""
        return sum(t.n * t.dtype.itemsize for t in self.tables.values())

    # -- writing

    def flush(self, number: int) -> list[tuple[bytes, bytes]]:
        """Records that carry every change since the last flush, in the order in which they must stand in the log."""
        out: list[tuple[bytes, bytes]] = []
        deltas: list[tuple[Table, I4]] = []
        full: list[tuple[Table, int]] = []
        for table in self.tables.values():
            out += self._new_keys(table, number)
            changed = table.take_changes()
            if not len(changed):
                continue
            dense, scattered = table.split(changed)
            full += [(table, chunk) for chunk in dense]
            if len(scattered):
                deltas.append((table, scattered))
        size = 0
        if deltas:
            slot = self._free_slot()
            self._slots[slot] = number
            for table, rows in deltas:
                step = max(1, PART_BYTES // (table.dtype.itemsize + 4))
                for part, at in enumerate(range(0, len(rows), step)):
                    index = rows[at : at + step]
                    value = self._record(table, number, 0, index.tobytes(), table.pick(index).tobytes())
                    out.append((f"d/{slot}/{table.name}/{part}".encode(), value))
                    size += len(value)
        for table, chunk in full:
            out.append(self._chunk(table, chunk, number))
        return out + self._rotate(size, number)

    def _new_keys(self, table: Table, number: int) -> list[tuple[bytes, bytes]]:
        out = []
        if table.n > table.saved_keys:
            chunks = range(table.saved_keys // KEYS_PER_CHUNK, -(-table.n // KEYS_PER_CHUNK))
            table.saved_keys = table.n
            out = [self._keys(table, chunk, number) for chunk in chunks]
        return out

    def _keys(self, table: Table, chunk: int, number: int) -> tuple[bytes, bytes]:
        start = chunk * KEYS_PER_CHUNK
        keys = table.keys[start : min(table.saved_keys, start + KEYS_PER_CHUNK)]
        table.keys_flush[chunk] = number
        value = _encode(Record(FORMAT, self.owner, number, [], start, b"", b"", keys))
        return f"k/{table.name}/{chunk}".encode(), value

    def _free_slot(self) -> int:
        oldest = min((f for t in self.tables.values() for f in t.chunk_flush), default=-1)
        slot = 0
        while slot in self._slots and self._slots[slot] > oldest:
            slot += 1
        return slot

    def _rotate(self, size: int, number: int) -> list[tuple[bytes, bytes]]:
        """Write as many bytes of chunks as of deltas, so that live deltas stay about as large as the state."""
        out: list[tuple[bytes, bytes]] = []
        every = self._all_chunks() if size else []
        for _ in range(len(every)):
            if size <= 0:
                break
            self._turn = (self._turn + 1) % len(every)
            table, chunk, write = every[self._turn]
            last = table.keys_flush if write == self._keys else table.chunk_flush
            if last[chunk] < number:
                out.append(write(table, chunk, number))
                size -= len(out[-1][1])
        return out

    def _all_chunks(self) -> list[tuple[Table, int, Callable[[Table, int, int], tuple[bytes, bytes]]]]:
        out: list[tuple[Table, int, Callable[[Table, int, int], tuple[bytes, bytes]]]] = []
        for table in self.tables.values():
            out += [(table, chunk, self._chunk) for chunk in range(len(table.chunk_flush))]
            out += [(table, chunk, self._keys) for chunk in range(len(table.keys_flush))]
        return out

    def full_since(self) -> int:
        """The flush since which every chunk was written in full: nothing before it is needed. 0: all is."""
        flushes = [f for t in self.tables.values() for f in (*t.chunk_flush, *t.keys_flush)]
        return max(0, min(flushes, default=0))

    def _chunk(self, table: Table, chunk: int, number: int) -> tuple[bytes, bytes]:
        start = chunk * table.per_chunk
        rows = table.rows[start : min(table.n, start + table.per_chunk)]
        table.chunk_flush[chunk] = number
        return f"c/{table.name}/{chunk}".encode(), self._record(table, number, start, b"", rows.tobytes())

    def _record(self, table: Table, number: int, start: int, index: bytes, data: bytes) -> bytes:
        return _encode(Record(FORMAT, self.owner, number, _describe(table.dtype), start, index, data, []))

    # -- reading

    def restore(self, records: Iterable[tuple[bytes, bytes | None]]) -> bytes | None:
        """Apply all records in log order; answers the last head, or None where there is none.

        Fields are matched by name; one the code has and the record lacks starts at zero.

        Raises
        ------
        StateError
            A record of a newer format, or a field whose type changed without a migration.
        """
        head = None
        for key, value in records:
            if key == HEAD:
                head = value
            elif value is not None:
                self._apply(key.decode(), _decode(value))
        for table in self.tables.values():
            table.settle()
        return head

    def _apply(self, key: str, record: Record) -> None:
        if record.format > FORMAT:
            raise StateError(f"state record {key}: format {record.format}, this release knows {FORMAT}; upgrade first")
        kind, *rest = key.split("/")
        name = rest[1] if kind == "d" else rest[0]
        table = self.tables.get(name)
        if kind == "d":
            self._slots[int(rest[0])] = record.flush
        if table is None:
            return
        if kind == "k":
            table.put_keys(record.start, record.keys)
            if record.start % KEYS_PER_CHUNK == 0:
                table.keys_flush[record.start // KEYS_PER_CHUNK] = record.flush
            return
        rows = _mapped(np.frombuffer(record.data, _dtype(record.dtype)), table.dtype, key)
        if kind == "c":
            table.put_from(record.start, rows)
        elif len(rows):
            table.put(np.frombuffer(record.index, np.int32), rows)
        if kind == "c" and record.start % table.per_chunk == 0 and len(rows) <= table.per_chunk:
            table.chunk_flush[record.start // table.per_chunk] = record.flush


def flush_of(key: bytes, value: bytes | None) -> int:
    """Number of the flush that wrote a state record (the head's too); -1 where it does not say."""
    if value is None:
        return -1
    if key == HEAD:
        return msgspec.json.decode(value, type=_Flush).flush
    return _decode(value).flush


def needed_since(head: bytes) -> int:
    """The first flush that a restore under this head needs; 0: all."""
    return msgspec.json.decode(head, type=_Flush).full


class _Flush(msgspec.Struct):
    flush: int = 0
    full: int = 0


def _describe(dtype: np.dtype[Any]) -> list[tuple[str, str]]:
    assert dtype.names is not None
    return [(name, _kind(dtype[name])) for name in dtype.names]


def _kind(field: np.dtype[Any]) -> str:
    """A field's type as numpy reads it back; of an array of values with its shape, which ``str`` leaves out."""
    return field.str if field.subdtype is None else f"{field.shape}{field.base.str}"


def _dtype(description: list[tuple[str, str]]) -> np.dtype[Any]:
    return np.dtype([(name, kind) for name, kind in description])


def _mapped(rows: NDArray[Any], dtype: np.dtype[Any], key: str) -> NDArray[Any]:
    if rows.dtype == dtype:
        return rows
    out = np.zeros(len(rows), dtype)
    for name in set(rows.dtype.names or ()) & set(dtype.names or ()):
        if not np.can_cast(rows.dtype[name], dtype[name], "safe"):
            raise StateError(
                f"state record {key}: field {name} was {_kind(rows.dtype[name])}, is {_kind(dtype[name])}: "
                "needs a migration"
            )
        out[name] = rows[name]
    return out
