"""Bytes of a Fetch answer to columns: record batches of format 2, read in place by one compiled loop.

Every filter of a careful consumer is kept: check sum, control batches, aborted transactions, records below the wanted
offset, an incomplete last batch. Positions come from batch headers, so they also move over what was filtered.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from aiokafka.codec import gzip_decode, lz4_decode, snappy_decode, zstd_decode
from aiokafka.record.util import calc_crc32c
from numba import njit
from numpy.typing import NDArray

from streams.log import LogError
from streams.records import I4, I8, NONE, TP, Batch, Headers

_HEADER = struct.Struct(">qiibIhiqqqhii")
_CRC_FROM = 21
_CODEC, _APPEND_TIME, _TRANSACTIONAL, _CONTROL = 0x07, 0x08, 0x10, 0x20
_DECODERS = {1: gzip_decode, 2: snappy_decode, 3: lz4_decode, 4: zstd_decode}
_LEAST_RECORD = 7
_ABORT = b"\x00\x00\x00\x00"
_NO_ROWS4 = np.empty(0, np.int32)
_NO_ROWS8 = np.empty(0, np.int64)


class CorruptBatch(LogError):
    """A record batch cannot be read: wrong check sum, format before 2, unknown codec, or lengths that lie."""


def parse_batches(
    source: TP, data: bytes, wanted: int, aborted: Sequence[tuple[int, int]] = (), high: int = -1
) -> Batch:
    """Records of one partition of a Fetch answer, from ``wanted`` on, read committed.

    ``aborted`` are the answer's (producer id, first offset) pairs: batches of that producer from that offset up to
    its abort marker are skipped. ``next`` of the result is the offset after the last complete batch, also when no
    row is left; without a complete batch it is ``wanted``. A header without a value gets an empty one.

    Raises CorruptBatch.
    """
    pending = sorted(aborted or (), key=lambda pair: pair[1])
    gone: set[int] = set()
    view = memoryview(data)
    kept: list[tuple[int, int, int, int, int, int]] = []  # start, end, base offset, base time, append time, count
    codecs: list[int] = []
    at, size, after = 0, len(data), wanted
    while size - at >= _HEADER.size:
        fields = _HEADER.unpack_from(data, at)
        base, length, _, magic, crc, attributes, last, first_time, max_time, producer, _, _, count = fields
        end = at + 12 + length
        if length < _HEADER.size - 12 or magic != 2:
            raise CorruptBatch(f"{source}: batch at offset {base}: format {magic}, length {length}: expected format 2")
        if end > size:
            break
        if calc_crc32c(view[at + _CRC_FROM : end]) != crc:
            raise CorruptBatch(f"{source}: batch at offset {base}: check sum is wrong")
        start, at = at + _HEADER.size, end
        after = max(after, base + last + 1)
        while pending and pending[0][1] <= base:
            gone.add(pending.pop(0)[0])
        if attributes & _CONTROL:
            try:
                if _marker(view[start:end]) == _ABORT:
                    gone.discard(producer)
            except IndexError as error:
                raise CorruptBatch(f"{source}: batch at offset {base}: its control record is cut short") from error
            continue
        if base + last < wanted or count == 0 or (attributes & _TRANSACTIONAL and producer in gone):
            continue
        codec = attributes & _CODEC
        if count < 0 or (not codec and count > (end - start) // _LEAST_RECORD):
            raise CorruptBatch(f"{source}: batch at offset {base}: {count} records in {end - start} bytes")
        kept.append((start, end, base, first_time, max_time if attributes & _APPEND_TIME else -1, count))
        codecs.append(codec)
    if not kept:
        none, never = _NO_ROWS4, _NO_ROWS8
        return Batch(source, wanted, after, b"", none, none, none, none, never, never, {}, high)
    buffer = data
    if any(codecs):
        buffer = _inflate(source, view, kept, codecs)
    return _columns(source, buffer, np.array(kept, np.int64), wanted, after, high)


def last_marker(data: bytes, wanted: int) -> tuple[int, int | None]:
    """Offset after the last complete batch, and the time (ms) of the last marker that ends a transaction."""
    at, after, found = 0, wanted, None
    while len(data) - at >= _HEADER.size:
        base, length, _, _, _, attributes, last, _, newest, *_ = _HEADER.unpack_from(data, at)
        at += 12 + length
        if length < _HEADER.size - 12 or at > len(data):
            break
        after = base + last + 1
        if attributes & _CONTROL and base >= wanted:
            found = newest
    return after, found


def warm() -> None:
    """Compile the loop (or load it from its cache) before the first event."""
    parse_batches(TP("warm", 0), _SAMPLE, 0)


def _columns(source: TP, buffer: bytes, table: I8, wanted: int, after: int, high: int) -> Batch:
    total = int(table[:, 5].sum())
    spans = np.empty((5, total), np.int32)
    longs = np.empty((2, total), np.int64)
    n, bad, heads = _read(np.frombuffer(buffer, np.uint8), table, wanted, spans, longs)
    if bad >= 0:
        raise CorruptBatch(f"{source}: batch at offset {table[bad, 2]}: a record does not fit its batch")
    headers: dict[int, Headers] = {}
    if heads:
        for row in np.flatnonzero(spans[4, :n] != NONE):
            try:
                headers[int(row)] = _headers(buffer, int(spans[4, row]))
            except (IndexError, UnicodeDecodeError) as error:
                raise CorruptBatch(f"{source}: offset {longs[0, row]}: headers: {error}") from error
    s = slice(0, n)
    return Batch(
        source, wanted, after, buffer, spans[0, s], spans[1, s], spans[2, s], spans[3, s],
        longs[0, s], longs[1, s], headers, high,
    )  # fmt: skip


def _inflate(source: TP, view: memoryview, kept: list[tuple[int, int, int, int, int, int]], codecs: list[int]) -> bytes:
    """Payloads of the kept batches one after the other, decompressed; moves the spans in ``kept`` to match."""
    parts: list[bytes | memoryview] = []
    at = 0
    for i, ((start, end, base, first_time, max_time, count), codec) in enumerate(zip(kept, codecs, strict=True)):
        part: bytes | memoryview = view[start:end]
        if codec:
            decode = _DECODERS.get(codec)
            if decode is None:
                raise CorruptBatch(f"{source}: batch at offset {base}: unknown codec {codec}")
            try:
                part = decode(bytes(part))
            except Exception as error:  # each codec has its own errors, none of them typed
                raise CorruptBatch(f"{source}: batch at offset {base}: cannot be decompressed: {error}") from error
            if count > len(part) // _LEAST_RECORD:
                raise CorruptBatch(f"{source}: batch at offset {base}: {count} records in {len(part)} bytes")
        parts.append(part)
        kept[i] = (at, at + len(part), base, first_time, max_time, count)
        at += len(part)
    return b"".join(parts)


def _marker(record: memoryview) -> bytes:
    """Key of a control batch's only record: version and type, two bytes each; empty when there is none."""
    if len(record) < _LEAST_RECORD:
        return b""
    at = 0
    for skip in (0, 1, 0, 0):  # length; attributes before the time delta; offset delta; length of the key
        at += skip
        value, at = _varint(record, at)
    return bytes(record[at : at + max(value, 0)])


def _varint(data: bytes | memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at
        shift += 7


def _headers(buffer: bytes, at: int) -> Headers:
    count, at = _varint(buffer, at)
    found = []
    for _ in range(count):
        size, at = _varint(buffer, at)
        key = buffer[at : at + size].decode()
        size, at = _varint(buffer, at + size)
        size = max(size, 0)
        found.append((key, buffer[at : at + size]))
        at += size
    return tuple(found)


@njit(cache=True, inline="always")
def _zigzag(data: NDArray[np.uint8], at: Any, end: Any) -> tuple[Any, Any]:
    """Value and where it ended; the end is -1 when it runs out of the batch or of 64 bits."""
    value = np.uint64(0)
    shift = np.uint64(0)
    while at < end:
        byte = np.uint64(data[at])
        at += 1
        value |= (byte & np.uint64(0x7F)) << shift
        if byte < np.uint64(0x80):
            return np.int64(value >> np.uint64(1)) ^ -np.int64(value & np.uint64(1)), at
        shift += np.uint64(7)
        if shift > np.uint64(63):
            break
    return np.int64(0), np.int64(-1)


@njit(cache=True)
def _read(data: NDArray[np.uint8], table: I8, wanted: int, spans: I4, longs: I8) -> tuple[int, int, int]:
    """Fill ``spans`` (5, n): value start, end, key start, end, headers; ``longs`` (2, n): offset, time in ms.

    Gives the rows filled, the bad batch's row of ``table`` or -1, and how many rows have headers.
    """
    n = 0
    heads = 0
    for b in range(table.shape[0]):
        at, stop, base, first_time, max_time = table[b, 0], table[b, 1], table[b, 2], table[b, 3], table[b, 4]
        for _ in range(table[b, 5]):
            length, at = _zigzag(data, at, stop)
            if at < 0 or length < 6 or length > stop - at:
                return n, b, heads
            end = at + length
            delta, at = _zigzag(data, at + 1, end)
            if at < 0:
                return n, b, heads
            step, at = _zigzag(data, at, end)
            if at < 0:
                return n, b, heads
            size, at = _zigzag(data, at, end)
            if at < 0 or size > end - at:
                return n, b, heads
            if size < 0:
                spans[2, n] = NONE
                spans[3, n] = NONE
            else:
                spans[2, n] = at
                at += size
                spans[3, n] = at
            size, at = _zigzag(data, at, end)
            if at < 0 or size > end - at:
                return n, b, heads
            if size < 0:
                spans[0, n] = NONE
                spans[1, n] = NONE
            else:
                spans[0, n] = at
                at += size
                spans[1, n] = at
            start = at
            size, at = _zigzag(data, at, end)
            if at < 0 or size < 0:
                return n, b, heads
            at = end
            if base + step < wanted:
                continue
            longs[0, n] = base + step
            longs[1, n] = max_time if max_time >= 0 else first_time + delta
            if size:
                spans[4, n] = start
                heads += 1
            else:
                spans[4, n] = NONE
            n += 1
    return n, -1, heads


def _sample() -> bytes:
    record = bytes([14, 0, 0, 0, 1, 2, 65, 0])
    tail = struct.pack(">hiqqqhii", 0, 0, 0, 0, -1, -1, -1, 1) + record
    return struct.pack(">qiibI", 0, len(tail) + 9, 0, 2, calc_crc32c(tail)) + tail


_SAMPLE = _sample()
