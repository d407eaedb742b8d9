"""Restoring from a state log that has grown: only its end is read, and nothing of what is needed is left out."""

import msgspec
import numpy as np
import pytest

from streams import admin, topics
from streams.kafka.connect import Cluster, KafkaSettings
from streams.kafka.reader import Reader
from streams.kafka.task_log import KafkaTaskLog
from streams.lane_parts import Head
from streams.records import TP, Write
from streams.state import HEAD, Store

pytestmark = pytest.mark.kafka

ROW = np.dtype([("a", "i8"), ("b", "f8")])


@pytest.mark.parametrize("growing", [False, True])
async def test_a_restore_from_where_the_head_says_gives_the_same_rows_as_one_from_the_beginning(
    kafka: str, prefix: str, growing: bool
) -> None:
    admin.ensure(kafka, topics.catalogue({"iot.telemetry": 1}, prefix))
    state, source = TP(prefix + "state.iot.telemetry", 0), TP(prefix + "iot.telemetry", 0)
    cluster = Cluster(KafkaSettings(bootstrap=kafka))
    await cluster.start()
    reader = Reader(cluster)
    await reader.start()
    log = KafkaTaskLog("t", [source], state, app=prefix, cluster=cluster, reader=reader, member=None)
    try:
        await log.open()
        assert await log.restore(needed=True) == []
        store, draw, head = Store({"t": ROW}, "test"), np.random.default_rng(5), Head()
        table = store.table("t")
        writes: list[Write] = []
        for flush in range(1, 1501):
            known = 4_000 if not growing else 200 + 2 * flush
            for k in draw.integers(0, known, 40):
                slot = table.slot(b"key-%d" % k)
                table.rows["a"][slot] += flush
                table.dirty[slot] = 1
            head.flush = flush
            writes += [Write(state, key, value) for key, value in store.flush(flush)]
            head.full = store.full_since()
            writes.append(Write(state, HEAD, msgspec.json.encode(head)))
            if flush % 100 == 0:
                await log.commit(writes)
                writes.clear()
        every, some = await log.restore(), await log.restore(needed=True)
        assert len(some) < len(every) / 3
        assert list(some) == list(every)[-len(some) :]
        for records in (every, some):
            again = Store({"t": ROW}, "test")
            assert again.restore(records) == msgspec.json.encode(head)
            found = again.table("t")
            assert found.keys == table.keys
            assert (found.rows[: found.n] == table.rows[: table.n]).all()
    finally:
        await log.cut()
        await reader.stop()
        await cluster.stop()
