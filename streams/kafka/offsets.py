"""Where partitions begin and end, or stood at a time: Kafka's ListOffsets, one request a broker."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Collection
from typing import Any

from aiokafka.errors import for_code
from aiokafka.protocol.offset import OffsetRequest

from streams.kafka.connect import Cluster, Node, abort
from streams.log import Indefinite
from streams.records import TP

LATEST, EARLIEST = -1, -2
UNCOMMITTED, COMMITTED = 0, 1
_NOT_YET = {5, 6, 78}
"""A leader that was just elected does not know its end yet, and says so here; a Fetch would not."""


class NotYet(Exception):
    """The broker asked is not, or not yet, the leader that knows."""


async def offsets_on(conn: Any, partitions: Collection[TP], which: int, isolation: int) -> dict[TP, int]:
    """Offsets of partitions that this connection's broker leads.

    ``which`` is EARLIEST, LATEST (with COMMITTED the stable offset), or a time in ms: the first record at or after it,
    -1 where there is none. Raises NotYet, Indefinite, or one of ``streams.kafka.connect.ERRORS``.
    """
    topics: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for tp in partitions:
        topics[tp.topic].append((tp.partition, which))
    answer = await conn.send(OffsetRequest(-1, isolation, list(topics.items())))
    found = {}
    for topic, parts in answer.topics:
        for partition, code, _, offset in parts:
            if code in _NOT_YET:
                raise NotYet(f"{for_code(code).__name__} ({code})")
            if code:
                raise Indefinite(f"{topic}/{partition}: offsets: {for_code(code).__name__} ({code})")
            found[TP(topic, partition)] = int(offset)
    return found


async def offsets(cluster: Cluster, partitions: Collection[TP], which: int, isolation: int) -> dict[TP, int]:
    """As :func:`offsets_on`, wherever the leaders are. Raises Indefinite where they stay unknown for a time-out."""
    deadline = time.monotonic() + cluster.settings.request_timeout
    while True:
        by_node: dict[Node, list[TP]] = defaultdict(list)
        for tp in partitions:
            by_node[await cluster.find_leader(tp)].append(tp)
        found: dict[TP, int] = {}
        try:
            for node, mine in by_node.items():
                conn = await cluster.connect(node.host, node.port)
                try:
                    found |= await offsets_on(conn, mine, which, isolation)
                finally:
                    abort(conn)
            return found
        except NotYet as error:
            if time.monotonic() >= deadline:
                raise Indefinite(f"offsets of {len(partitions)} partitions: {error}") from error
        await asyncio.sleep(0.1)
        await cluster.refresh(*{tp.topic for tp in partitions})
