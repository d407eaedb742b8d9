"""A broker's clock, seen without writing: the leader stamps the marker that ends a transaction with its own time."""

from __future__ import annotations

import time
from typing import NamedTuple

from aiokafka.errors import for_code
from aiokafka.protocol.fetch import FetchRequest

from streams.kafka.batches import last_marker
from streams.kafka.connect import ERRORS, Cluster, abort
from streams.kafka.offsets import LATEST, UNCOMMITTED, NotYet, offsets_on
from streams.log import Indefinite
from streams.records import TP

_WAIT_MS, _BYTES = 500, 2**20


class Stamp(NamedTuple):
    """A broker's time at a moment between two of ours, all ms UTC."""

    broker: int
    before: int
    after: int

    @property
    def ahead_ms(self) -> int:
        """How far the broker's clock is ahead of ours at least; negative: behind; 0: they agree as far as is known."""
        if self.broker > self.after:
            return self.broker - self.after
        return min(0, self.broker - self.before)


async def broker_clock(cluster: Cluster, tp: TP, wait: float) -> Stamp | None:
    """Time of the next transaction that ends in a partition; None where none ends within ``wait`` s. Raises Indefinite.

    The marker was written after the request before was sent, and before its bytes were here.
    """
    node = await cluster.find_leader(tp)
    deadline = time.monotonic() + wait
    try:
        conn = await cluster.connect(node.host, node.port)
        try:
            before = sent = int(time.time() * 1000)
            at = (await offsets_on(conn, [tp], LATEST, UNCOMMITTED))[tp]
            while time.monotonic() < deadline:
                # What this answer has and the one before had not, was written after that one was asked for.
                before, sent = sent, int(time.time() * 1000)
                asked = [(tp.topic, [(tp.partition, at, _BYTES)])]
                answer = await conn.send(FetchRequest(_WAIT_MS, 1, _BYTES, UNCOMMITTED, asked))
                after = int(time.time() * 1000)
                ((_, ((_, code, _, _, *rest),)),) = answer.topics
                if code:
                    raise Indefinite(f"{tp}: fetch: {for_code(code).__name__} ({code})")
                following, stamped = last_marker(rest[-1] or b"", at)
                if stamped is not None:
                    return Stamp(stamped, before, after)
                at = following
        finally:
            abort(conn)
    except (*ERRORS, NotYet) as error:
        raise Indefinite(f"{tp}: the broker's clock: {error!r}") from error
    return None
