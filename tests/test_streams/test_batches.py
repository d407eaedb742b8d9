"""The fetch parser against aiokafka's own record reader, on batches made by aiokafka's builder."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.kafka.batches import CorruptBatch, parse_batches
from streams.records import TP, Batch

SOURCE = TP("iot.telemetry", 3)
Row = tuple[int, int, bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]


@dataclass(frozen=True)
class Made:
    """One record batch on the wire and what it is."""

    data: bytes
    base: int
    after: int
    producer: int
    control: bytes | None = None


def make(
    base: int,
    rows: list[tuple[int, int, bytes | None, bytes | None, list[tuple[str, bytes | None]]]],
    *,
    codec: int = 0,
    producer: int = -1,
    control: bytes | None = None,
    append_time: int = -1,
    last: int = -1,
) -> Made:
    """A batch of (offset delta, time, key, value, headers) rows; ``last`` keeps the last delta after compaction."""
    builder = DefaultRecordBatchBuilder(2, codec, int(producer >= 0), producer, 0, 0, 2**30)
    for delta, time, key, value, headers in rows:
        builder.append(delta, time, key, value, headers)
    data = bytearray(builder.build())
    last = max(last, rows[-1][0] if rows else 0)
    attributes = struct.unpack_from(">h", data, 21)[0] | (0x20 if control is not None else 0)
    if append_time >= 0:
        attributes |= 0x08
        struct.pack_into(">q", data, 35, append_time)
    struct.pack_into(">q", data, 0, base)
    struct.pack_into(">h", data, 21, attributes)
    struct.pack_into(">i", data, 23, last)
    struct.pack_into(">I", data, 17, calc_crc32c(bytes(data[21:])))
    return Made(bytes(data), base, base + last + 1, producer, control)


def marker(base: int, producer: int, kind: int) -> Made:
    """A control batch: kind 0 aborts, 1 commits."""
    key = struct.pack(">hh", 0, kind)
    return make(base, [(0, 5, key, b"\x00\x00\x00\x00\x00\x00", [])], producer=producer, control=key)


def expected(log: list[Made], wanted: int, aborted: list[tuple[int, int]]) -> list[Row]:
    """What a careful consumer gives, by aiokafka's record objects."""
    rows: list[Row] = []
    gone: set[int] = set()
    for made in log:
        gone |= {p for p, first in aborted if first <= made.base and (p, first) in aborted}
        aborted = [(p, first) for p, first in aborted if first > made.base]
        if made.control is not None:
            if made.control[2:] == b"\x00\x00":
                gone.discard(made.producer)
            continue
        if made.producer in gone:
            continue
        batch = MemoryRecords(made.data).next_batch()
        assert batch is not None
        assert batch.validate_crc()
        for record in batch:
            if record.offset >= wanted:
                heads = tuple((k, v or b"") for k, v in record.headers)
                rows.append((record.offset, record.timestamp, record.key, record.value, heads))
    return rows


def got(batch: Batch) -> list[Row]:
    return [
        (int(batch.offsets[i]), int(batch.times[i]), batch.key(i), batch.value(i), batch.headers.get(i, ()))
        for i in range(len(batch))
    ]


payload = st.none() | st.binary(max_size=200)
header = st.tuples(st.text(max_size=8), st.none() | st.binary(max_size=20))
row = st.tuples(st.integers(0, 3), st.integers(0, 2**42), payload, payload, st.lists(header, max_size=3) | st.just([]))


@st.composite
def logs(draw: st.DrawFn) -> tuple[list[Made], list[tuple[int, int]]]:
    """A log of plain, transactional, aborted, compacted and compressed batches, and its aborted transactions."""
    log: list[Made] = []
    aborted: list[tuple[int, int]] = []
    open_at: dict[int, int] = {}
    at = draw(st.integers(0, 1000))
    for _ in range(draw(st.integers(1, 8))):
        kind = draw(st.sampled_from(["plain", "plain", "transactional", "abort", "commit"]))
        producer = draw(st.integers(7, 8)) if kind != "plain" else -1
        if kind in ("abort", "commit"):
            made = marker(at, producer, int(kind == "commit"))
            first = open_at.pop(producer, None)
            if kind == "abort" and first is not None:
                aborted.append((producer, first))
        else:
            rows = []
            delta = -1
            for step, time, key, value, headers in draw(st.lists(row, min_size=1, max_size=6)):
                delta += 1 + step
                rows.append((delta, time, key, value, headers))
            made = make(
                at,
                rows,
                codec=draw(st.sampled_from([0, 0, 1])),
                producer=producer,
                append_time=draw(st.sampled_from([-1, -1, 12345])),
                last=delta + draw(st.integers(0, 2)),
            )
            if kind == "transactional":
                open_at.setdefault(producer, at)
        log.append(made)
        at = made.after + draw(st.integers(0, 3))
    return log, aborted


@settings(max_examples=150, deadline=None)
@given(logs(), st.data())
def test_every_record_that_a_careful_consumer_sees_and_no_other(
    made: tuple[list[Made], list[tuple[int, int]]], data: st.DataObject
) -> None:
    log, aborted = made
    wanted = data.draw(st.integers(log[0].base, log[0].after))
    wire = b"".join(m.data for m in log)
    batch = parse_batches(SOURCE, wire, wanted, aborted, 99)
    assert got(batch) == expected(log, wanted, aborted)
    assert (batch.first, batch.next, batch.high) == (wanted, log[-1].after, 99)


@settings(max_examples=60, deadline=None)
@given(logs(), st.data())
def test_an_incomplete_last_batch_is_left_for_the_next_fetch(
    made: tuple[list[Made], list[tuple[int, int]]], data: st.DataObject
) -> None:
    log, aborted = made
    keep = data.draw(st.integers(0, len(log[-1].data) - 1))
    wire = b"".join(m.data for m in log[:-1]) + log[-1].data[:keep]
    batch = parse_batches(SOURCE, wire, log[0].base, aborted)
    assert got(batch) == expected(log[:-1], log[0].base, aborted)
    assert batch.next == (log[-2].after if len(log) > 1 else log[0].base)


@settings(max_examples=60, deadline=None)
@given(logs(), st.data())
def test_a_changed_bit_is_never_read_as_data(
    made: tuple[list[Made], list[tuple[int, int]]], data: st.DataObject
) -> None:
    log, _ = made
    wire = bytearray(log[0].data)
    at = data.draw(st.integers(16, len(wire) - 1))
    wire[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(CorruptBatch, match=r"iot\.telemetry/3"):
        parse_batches(SOURCE, bytes(wire), 0)


@settings(max_examples=100, deadline=None)
@given(logs(), st.binary(min_size=1, max_size=30), st.data())
def test_lengths_that_lie_under_a_right_check_sum_stay_within_the_batch(
    made: tuple[list[Made], list[tuple[int, int]]], noise: bytes, data: st.DataObject
) -> None:
    log, _ = made
    wire = bytearray(log[0].data)
    at = data.draw(st.integers(57, len(wire) - 1))
    noise = noise[: len(wire) - at]
    wire[at : at + len(noise)] = noise
    struct.pack_into(">I", wire, 17, calc_crc32c(bytes(wire[21:])))
    try:
        batch = parse_batches(SOURCE, bytes(wire), 0)
    except CorruptBatch:
        return
    for a, b in ((batch.vstart, batch.vend), (batch.kstart, batch.kend)):
        assert ((a == -1) | ((a >= 0) & (a <= b) & (b <= len(batch.buffer)))).all()


def test_a_batch_in_which_all_was_aborted_still_moves_the_position() -> None:
    lost = make(10, [(0, 1, None, b"x", []), (1, 1, None, b"y", [])], producer=7)
    batch = parse_batches(SOURCE, lost.data + marker(12, 7, 0).data, 10, [(7, 10)])
    assert (len(batch), batch.next) == (0, 13)


def test_the_same_producer_is_read_again_after_its_abort_marker() -> None:
    lost = make(0, [(0, 1, None, b"lost", [])], producer=7)
    kept = make(2, [(0, 1, None, b"kept", [])], producer=7)
    batch = parse_batches(SOURCE, lost.data + marker(1, 7, 0).data + kept.data + marker(3, 7, 1).data, 0, [(7, 0)])
    assert [batch.value(i) for i in range(len(batch))] == [b"kept"]


def test_the_format_before_two_is_refused_by_name() -> None:
    old = bytearray(make(0, [(0, 1, None, b"x", [])]).data)
    old[16] = 1
    with pytest.raises(CorruptBatch, match="format 1"):
        parse_batches(SOURCE, bytes(old), 0)


def test_nothing_fetched_is_an_empty_batch_at_the_same_place() -> None:
    batch = parse_batches(SOURCE, b"", 42)
    assert (len(batch), batch.first, batch.next) == (0, 42, 42)
