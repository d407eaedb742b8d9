"""State records: any history of flushes, restores and compactions gives back the same rows."""

import base64
import gzip
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.lane import ReadingsLane
from streams import state as state_module
from streams.fold_times import FOLD_DTYPE, FOLD_TABLE
from streams.lane import Head
from streams.memory import MemoryPartition
from streams.state import FORMAT, HEAD, Record, StateError, Store, flush_of, needed_since

ROW = np.dtype([("a", "i8"), ("b", "f8")])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.integers(0, 19), st.integers(1, 1000)),
        st.tuples(
            st.sampled_from(["flush", "flush", "restore", "compact", "rollback"]), st.integers(0, 400), st.just(0)
        ),
    ),
    max_size=80,
)


def _records(part: MemoryPartition) -> list[tuple[bytes, bytes | None]]:
    return [(r.key or b"", r.value) for r in part.committed(0, 1 << 60)[0]]


@settings(max_examples=120, deadline=None)
@given(STEPS, st.sampled_from([16, 32, 64, 65536]), st.sampled_from([20, 65536]), st.sampled_from([1, 3, 2048]))
def test_any_history_restores_the_rows_of_the_last_flush(steps: list[tuple[str, int, int]], chunk: int, part_bytes: int, keys: int) -> None:  # fmt: skip  # noqa: E501
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state_module, "CHUNK_BYTES", chunk)
        patch.setattr(state_module, "PART_BYTES", part_bytes)
        patch.setattr(state_module, "KEYS_PER_CHUNK", keys)
        _play(steps)


def _play(steps: list[tuple[str, int, int]]) -> None:
    log, store, flush = MemoryPartition(), Store({"t": ROW, "u": ROW}, "test"), 0
    now: dict[tuple[str, bytes], int] = {}
    saved: dict[tuple[str, bytes], int] = {}
    for what, number, value in [*steps, ("flush", 0, 0), ("compact", 1 << 30, 0), ("restore", 0, 0)]:
        if what == "set":
            name, key = "tu"[number % 2], b"k%d" % number
            table = store.table(name)
            slot = table.slot(key)
            table.rows["a"][slot] = value
            table.dirty[slot] = 1
            now[name, key] = value
        elif what == "flush":
            flush += 1
            for key, raw in store.flush(flush):
                log.append(0, key, raw, (), None)
            log.append(0, HEAD, msgspec.json.encode({"flush": flush, "full": store.full_since()}), (), None)
            saved = dict(now)
        elif what == "compact":
            log.compact(number)
        elif what == "rollback":
            store.rollback()
            now = dict(saved)
        else:
            store = Store({"t": ROW, "u": ROW}, "test")
            records = _records(log)
            heads = [v for k, v in records if k == HEAD and v is not None]
            since = needed_since(heads[-1]) if heads else 0
            if number % 2:  # from where the last head says, as production does; else from the beginning
                records = [(k, v) for k, v in records if flush_of(k, v) >= since]
            head = store.restore(records)
            assert head == (heads[-1] if heads else None)
            now = dict(saved)
        got = {(n, k): int(t.rows["a"][i]) for n, t in store.tables.items() for i, k in enumerate(t.keys)}
        assert got == now


def test_slots_are_used_again_so_the_log_stays_small_after_compaction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "CHUNK_BYTES", 160)
    log, store = MemoryPartition(), Store({"t": ROW}, "test")
    table = store.table("t")
    for flush in range(1, 400):
        slot = table.slot(b"k%d" % (flush * 7 % 50))
        table.rows["a"][slot] = flush
        table.dirty[slot] = 1
        for key, value in store.flush(flush):
            log.append(0, key, value, (), None)
        log.append(0, HEAD, msgspec.json.encode({"flush": flush, "full": store.full_since()}), (), None)
    since = store.full_since()
    assert sum(flush_of(r.key or b"", r.value) >= since for r in log.records) < 80, (
        "a restore reads little of a long log"
    )
    log.compact(log.end)
    assert len(log.records) < 40


def test_a_field_that_was_added_starts_at_zero() -> None:
    old = Store({"t": np.dtype([("a", "i8")])}, "old")
    slot = old.table("t").slot(b"k")
    old.table("t").rows["a"][slot], old.table("t").dirty[slot] = 7, 1
    new = Store({"t": ROW}, "new")
    new.restore(old.flush(1))
    assert new.table("t").rows[0].item() == (7, 0.0)


def test_a_field_of_another_type_is_refused() -> None:
    old = Store({"t": np.dtype([("a", "f8")])}, "old")
    slot = old.table("t").slot(b"k")
    old.table("t").dirty[slot] = 1
    with pytest.raises(StateError, match="migration"):
        Store({"t": ROW}, "new").restore(old.flush(1))


def test_a_record_of_a_newer_release_is_refused() -> None:
    record = msgspec.msgpack.encode(Record(FORMAT + 1, "later", 1, [], 0, b"", b"", [b"k"]))
    with pytest.raises(StateError, match="upgrade"):
        Store({"t": ROW}, "now").restore([(b"k/t/0", record)])


WRITTEN_BEFORE = Path(__file__).parents[1] / "data" / "state-format-1.json.gz"
"""Eight flushes of a lane of readings as format 1 wrote them, and the rows they hold. Never made anew: state of that
format lies in clusters. A new format gets a file of its own beside it."""


def test_state_of_an_earlier_release_is_read_field_by_field_and_written_on() -> None:
    given = msgspec.json.decode(gzip.decompress(WRITTEN_BEFORE.read_bytes()))
    records = [(base64.b64decode(k), base64.b64decode(v)) for k, v in given["records"]]
    store = Store({**ReadingsLane.tables, FOLD_TABLE: FOLD_DTYPE}, "brain.series@1")
    head = store.restore(records)
    assert head is not None
    assert msgspec.json.decode(head, type=Head).position == given["position"]
    for name, rows in given["rows"].items():
        table = store.table(name)
        assert [key.decode() for key in table.keys] == list(rows)
        for slot, values in enumerate(rows.values()):
            assert [float(table.rows[f][slot]) for f in given["fields"][name]] == values
    table = store.table("series")
    table.rows["t"][3] = 77
    table.dirty[3] = 1
    again = Store({**ReadingsLane.tables, FOLD_TABLE: FOLD_DTYPE}, "brain.series@1")
    again.restore([*records, *store.flush(9)])
    assert int(again.table("series").rows["t"][3]) == 77


def test_fields_that_are_arrays_come_back_in_their_shape_and_another_shape_needs_a_migration() -> None:
    dtype = np.dtype([("cell", "f8", (2, 3)), ("word", "S5"), ("n", "i8")])
    store = Store({"t": dtype}, "test")
    table = store.table("t")
    slot = table.slot(b"k")
    table.rows["cell"][slot], table.rows["word"][slot], table.dirty[slot] = np.arange(6).reshape(2, 3), b"ab", 1
    records = store.flush(1)
    for now in (dtype, np.dtype([*dtype.descr, ("more", "i4")])):
        again = Store({"t": now}, "test")
        again.restore(records)
        assert again.table("t").rows["cell"][0].tolist() == [[0, 1, 2], [3, 4, 5]]
        assert again.table("t").rows["word"][0] == b"ab"
    with pytest.raises(StateError, match=r"field cell was \(2, 3\)<f8, is \(3, 2\)<f8: needs a migration"):
        Store({"t": np.dtype([("cell", "f8", (3, 2))])}, "test").restore(records)
