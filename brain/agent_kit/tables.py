"""State of lane agents in the lane's tables: rows of bytes in a few sizes, since a lane's tables do not change.

Each row says of which form it is; a form's description is a key of its own table, so that rows of an earlier form are
read by the names of their fields. Zero is "nothing yet": a new asset's state is all zeros.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.records import I4
from streams.state import Store, Table

SIZES = (32, 128, 512, 2048)
"""Bytes of a row; an agent's state goes into the smallest that holds it."""
SAID = np.dtype([("level", "i4"), ("index", "i4"), ("count", "i4"), ("onset", "i8"), ("offset", "i8")])
"""What stands of one event of one asset: level, and the raise that began it."""
TROUBLE = np.dtype(
    [("since", "i8"), ("n", "i4"), ("stopped", "i4"), ("index", "i4"), ("offset", "i8"), ("onset", "i8")]
)
"""Failures of one agent in the window under way, and whether it was stopped, with the raise that says so."""
WAKE = np.dtype([("up", "i8"), ("span", "i8")])
"""When one asset of one agent is to be woken: ``span`` ms of up-time after ``up``; a span of 0: not at all."""
SAYS, TROUBLES, FORMS, WAKES = "agent.said", "agent.trouble", "agent.form", "agent.wake"
TABLES: Mapping[str, np.dtype[Any]] = {
    **{f"agent.{size}": np.dtype([("form", "u8"), ("data", "u1", (size,))]) for size in SIZES},
    SAYS: SAID, TROUBLES: TROUBLE, FORMS: np.dtype([("known", "u1")]), WAKES: WAKE,
}  # fmt: skip
SEPARATOR = b"\x1f"

Migrate = Callable[[NDArray[Any]], "NDArray[Any] | None"]


def packed(form: np.dtype[Any]) -> np.dtype[Any]:
    """A form without gaps. Raises ValueError for one within another, or one that is larger than any row."""
    names = form.names or ()
    if any(form[name].base.names is not None for name in names):
        raise ValueError("STATE: a form within a form; give each field a plain type")
    out = np.dtype([(name, form[name]) for name in names])
    if out.itemsize > SIZES[-1]:
        raise ValueError(f"STATE: {out.itemsize} bytes an asset, at most {SIZES[-1]}")
    return out


def describe(form: np.dtype[Any]) -> bytes:
    """A packed form as text: what :func:`read` reads."""
    return msgspec.json.encode([[name, form[name].base.str, list(form[name].shape)] for name in form.names or ()])


def read(text: bytes) -> np.dtype[Any]:
    """A form from its description."""
    fields = msgspec.json.decode(text, type=list[tuple[str, str, list[int]]])
    return np.dtype([(name, kind, tuple(shape)) for name, kind, shape in fields])


def number_of(text: bytes) -> int:
    """Of a form, by its description; never 0."""
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little") | 1


class States:
    """The state of one agent's assets in a lane. ``warm``: rows that could not be read in the new form, and began anew.

    ``migrate`` takes rows of an earlier form and answers them in this one, or None.
    """

    def __init__(self, store: Store, agent: str, assets: Sequence[str], form: np.dtype[Any], migrate: Migrate) -> None:
        self.form = packed(form)
        text = describe(self.form)
        self._number = number_of(text)
        forms = store.table(FORMS)
        forms.slot(f"{self._number:016x}".encode() + SEPARATOR + text)
        self._name = f"agent.{next(size for size in SIZES if size >= self.form.itemsize)}"
        self._store = store
        keys = [f"{agent}\x1f{asset}".encode() for asset in assets]
        self.warm = self._carry(keys, migrate)
        self._slots = store.table(self._name).slots(keys)

    def _carry(self, keys: list[bytes], migrate: Migrate) -> int:
        """Rows of earlier forms, in whichever table they lie, become rows of this one."""
        known = {int(key[:16], 16): read(key[17:]) for key in self._store.table(FORMS).keys}
        lost, mine = 0, self._store.table(self._name)
        for size in SIZES:
            table = self._store.table(f"agent.{size}")
            slots = np.array([s for s in map(table.find, keys) if s >= 0], np.int32)
            forms = table.rows["form"][slots]
            for number in sorted({int(f) for f in forms.tolist()} - {0, self._number}):
                old = slots[forms == number]
                rows = _rows(table, old, known[number])
                new = migrate(rows)
                names = [table.keys[s] for s in old.tolist()]
                table.rows[old] = np.zeros((), table.dtype)
                table.dirty[old] = 1
                if new is None:
                    lost += len(old)
                else:
                    self._put(mine, mine.slots(names), new.astype(self.form))
        return lost

    def take(self, assets: I4) -> NDArray[Any]:
        """Copies of the rows of some of the assets, by their place in the list."""
        return _rows(self._store.table(self._name), self._slots[assets], self.form)

    def put(self, assets: I4, rows: NDArray[Any]) -> None:
        """Keep them."""
        self._put(self._store.table(self._name), self._slots[assets], rows)

    def _put(self, table: Table, slots: I4, rows: NDArray[Any]) -> None:
        width = self.form.itemsize
        data = np.zeros((len(slots), table.dtype["data"].shape[0]), np.uint8)
        data[:, :width] = np.ascontiguousarray(rows).view(np.uint8).reshape(len(slots), width)
        table.rows["form"][slots], table.rows["data"][slots] = self._number, data
        table.dirty[slots] = 1


def _rows(table: Table, slots: I4, form: np.dtype[Any]) -> NDArray[Any]:
    data = np.ascontiguousarray(table.rows["data"][slots][:, : form.itemsize])
    rows: NDArray[Any] = data.view(form).reshape(len(slots))
    return rows
