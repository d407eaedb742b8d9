"""Where a restore begins: a search by flush number through a state partition that may have grown for hours.

Flush numbers rise along the log (one owner at a time, compaction keeps the order), so few fetches find it.
"""

from __future__ import annotations

from streams.kafka.connect import Cluster
from streams.kafka.reader import Feed, Reader
from streams.log import Indefinite
from streams.records import TP, Batch
from streams.state import HEAD, flush_of, needed_since

TAIL = 64
"""Records at the end in which the last head is looked for first."""
NEAR = 256
"""A stretch this short is not halved any more: it is read."""
PEEK_BYTES = 256 * 1024


async def needed_from(cluster: Cluster, tp: TP, start: int, end: int, wait: float) -> int:
    """An offset at or before the first record that the last head in [start, end) needs; ``start`` where all is needed.

    Raises Indefinite when ``wait`` s pass without an answer.
    """
    if end - start <= NEAR:
        return start
    reader = Reader(cluster, partition_bytes=PEEK_BYTES, max_bytes=PEEK_BYTES, pace=0)
    await reader.start()
    feed = reader.feed()
    try:
        since = await _last_head(feed, tp, start, end, wait)
        low, high = start, end
        while since and high - low > NEAR:
            middle = (low + high) // 2
            number = await _flush_at(feed, tp, middle, end, wait)
            if number is None or number >= since:
                high = middle
            else:
                low = middle
        return low if since else start
    finally:
        feed.drop()
        await reader.stop()


async def _last_head(feed: Feed, tp: TP, start: int, end: int, wait: float) -> int:
    """The flush that the last head asks for; 0 where there is none."""
    span = TAIL
    while True:
        at, since, found = max(start, end - span), 0, False
        while at < end:
            batch = await _next(feed, tp, at, wait)
            for row in range(len(batch)):
                value = batch.value(row)
                if batch.key(row) == HEAD and value is not None:
                    since, found = needed_since(value), True
            at = batch.next
        if found or end - span <= start:
            return since
        span *= 8


async def _flush_at(feed: Feed, tp: TP, at: int, end: int, wait: float) -> int | None:
    """Flush number of the first record at or after an offset; None where there is none before the end."""
    while at < end:
        batch = await _next(feed, tp, at, wait)
        for row in range(len(batch)):
            number = flush_of(batch.key(row) or b"", batch.value(row))
            if number >= 0:
                return number
        at = batch.next
    return None


async def _next(feed: Feed, tp: TP, at: int, wait: float) -> Batch:
    got = await feed.fetch({tp: at}, wait)
    if not got:
        raise Indefinite(f"{tp}: nothing readable at {at} for {wait:g} s")
    return got[0]
