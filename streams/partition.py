"""The partitioner that is part of the input contract: murmur2 of the key, as Java's clients have it."""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np
from numpy.typing import NDArray

from streams.records import I4, I8


def murmur2(key: bytes) -> int:
    """32-bit murmur2 of a key with the seed of Kafka's Java clients, as an unsigned number."""
    return int(_murmur2(np.frombuffer(key, np.uint8), 0, len(key)))


def partition_of(key: bytes, n: int) -> int:
    """Partition of a key among ``n``, as Kafka's Java producer chooses it. librdkafka's own default differs."""
    return (murmur2(key) & 0x7FFFFFFF) % n


def partitions_of(keys: Sequence[bytes], n: int) -> I4:
    """Partitions of many keys; shape (len(keys),)."""
    ends = np.cumsum(np.fromiter(map(len, keys), np.int64, len(keys)))
    buffer = np.frombuffer(b"".join(keys), np.uint8)
    starts = np.empty_like(ends)
    starts[1:] = ends[:-1]
    starts[:1] = 0
    return _partitions(buffer, starts, ends, n)


@numba.njit(cache=True)
def _murmur2(data: NDArray[np.uint8], start: int, end: int) -> np.uint32:
    m, mask = np.uint32(0x5BD1E995), np.uint32(0xFF)
    length = end - start
    h = np.uint32(np.uint32(0x9747B28C) ^ np.uint32(length))
    stop = start + (length & ~3)
    for i in range(start, stop, 4):
        k = np.uint32(
            np.uint32(data[i])
            | np.uint32(np.uint32(data[i + 1]) << np.uint32(8))
            | np.uint32(np.uint32(data[i + 2]) << np.uint32(16))
            | np.uint32(np.uint32(data[i + 3]) << np.uint32(24))
        )
        k = np.uint32(k * m)
        k = np.uint32(k ^ (k >> np.uint32(24)))
        k = np.uint32(k * m)
        h = np.uint32(np.uint32(h * m) ^ k)
    left = length & 3
    if left >= 3:
        h = np.uint32(h ^ np.uint32((np.uint32(data[stop + 2]) & mask) << np.uint32(16)))
    if left >= 2:
        h = np.uint32(h ^ np.uint32((np.uint32(data[stop + 1]) & mask) << np.uint32(8)))
    if left >= 1:
        h = np.uint32(h ^ np.uint32(data[stop]))
        h = np.uint32(h * m)
    h = np.uint32(h ^ (h >> np.uint32(13)))
    h = np.uint32(h * m)
    return np.uint32(h ^ (h >> np.uint32(15)))


@numba.njit(cache=True)
def _partitions(data: NDArray[np.uint8], starts: I8, ends: I8, n: int) -> I4:
    out = np.empty(len(starts), np.int32)
    for i in range(len(starts)):
        out[i] = np.int64(_murmur2(data, starts[i], ends[i]) & np.uint32(0x7FFFFFFF)) % n
    return out
