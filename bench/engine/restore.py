"""How long a lane takes to be where it was: restore from an hour's state log, through the production path."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from bench.engine.ours import INPUT, held
from bench.engine.stand import Stand
from bench.watch.produce import Told
from bench.watch.workload import KEY
from brain.lane import DECISION, EWMA, SERIES, ReadingsLane
from brain.settings import Settings
from brain.watch import watch_set
from streams import admin, topics
from streams.kafka.connect import Cluster, KafkaSettings
from streams.kafka.reader import Reader
from streams.kafka.task_log import KafkaTaskLog
from streams.lane import Lane, LaneSettings, LaneTopics
from streams.records import Write
from streams.state import HEAD

TRANSACTION_BYTES = 24 * 2**20


@dataclass(frozen=True)
class Size:
    """The log: flushes of so many rows of a partition's assets."""

    assets: int
    deltas: int
    rows: int


@dataclass(frozen=True)
class Restored:
    """Seconds until the lane could go on; what it read; tables that are not exactly what was written."""

    seconds: float
    cpu_s: float
    records: int
    mb: float
    assets: int
    wrong: int

    def note(self) -> str:
        """In words."""
        return (
            f"{self.seconds:.1f} s, {self.cpu_s:.1f} s of CPU: {self.records:,} records, {self.mb:,.0f} MB, "
            f"{self.assets:,} assets"
        )


def measure(stand: Stand, size: Size, seed: int) -> Restored:
    """Write the log, then time ``Lane.recover`` of a new lane on it.

    A reading changes a series and its score, so a flush holds that many rows of both tables, some decisions, and the
    chunks that the rotation adds. It is written ahead in large transactions, and compaction is held off: the log is as
    long as an hour makes it. What is read of it is what the lane's head asks for, as in production.
    """
    with stand.topics("restore.") as prefix:
        admin.ensure(stand.bootstrap, held(topics.catalogue({INPUT: 1}, prefix), prefix))
        return asyncio.run(_measure(stand, prefix, size, seed))


async def _measure(stand: Stand, prefix: str, size: Size, seed: int) -> Restored:
    content = watch_set(size.assets)
    cluster = Cluster(KafkaSettings(bootstrap=stand.bootstrap, request_timeout=Settings().request_timeout_s))
    await cluster.start()
    reader = Reader(cluster)
    await reader.start()
    where = LaneTopics.of(INPUT, 0, prefix)

    def log(name: str, **options: float) -> _Counted:
        inputs, state = [where.source], where.state
        return _Counted(name, inputs, state, app=prefix, cluster=cluster, reader=reader, member=None, **options)

    def lane(log: KafkaTaskLog) -> Lane:
        return Lane(log, where, ReadingsLane, {content.id: content}.__getitem__, LaneSettings(content.id, KEY))

    try:
        writer = lane(log("writer", transaction_timeout=60.0, request_timeout=10.0))
        await writer.recover()
        with stand.step(f"restore: writing {size.deltas:,} deltas of {size.rows:,} of {size.assets:,} assets") as told:
            await _write(writer, size, np.random.default_rng(seed), told)
        await writer.log.cut()
        with stand.step("restore: reading"):
            counted = log("reader")
            fresh = lane(counted)
            begun, used = time.monotonic(), time.process_time()
            await fresh.recover()
            seconds, cpu = time.monotonic() - begun, time.process_time() - used
        await counted.cut()
    finally:
        await reader.stop()
        await cluster.stop()
    wrong = sum(not _same(writer, fresh, name) for name in writer.store.tables)
    wrong += (fresh.head.position, fresh.head.set) != (writer.head.position, writer.head.set)
    return Restored(seconds, cpu, counted.records, counted.size / 1e6, writer.store.table(SERIES).n, wrong)


class _Counted(KafkaTaskLog):
    """The log of production, which also notes how much it restored."""

    records = size = 0

    async def restore(self, *, needed: bool = False) -> Sequence[tuple[bytes, bytes | None]]:
        found = await super().restore(needed=needed)
        self.records, self.size = len(found), sum(len(key) + len(value or b"") for key, value in found)
        return found


async def _write(lane: Lane, size: Size, draw: np.random.Generator, told: Told) -> None:
    """Flush after flush as ``Lane.flush`` encodes them, many to a transaction."""
    series, ewma, decision = (lane.store.table(name) for name in (SERIES, EWMA, DECISION))
    writes: list[Write] = []
    held, rows = 0, size.rows
    for number in range(size.deltas):
        chosen = draw.choice(series.n, rows, replace=False)
        series.rows["t"][chosen] += 200
        series.rows["v"][chosen] = ewma.rows["mean"][chosen] = draw.random(rows)
        ewma.rows["var"][chosen] = draw.random(rows)
        ewma.rows["n"][chosen] += 1
        few = chosen[: max(1, rows // 400)]
        decision.rows["run"][few] += 1
        series.dirty[chosen] = ewma.dirty[chosen] = decision.dirty[few] = 1
        lane.head.flush += 1
        lane.head.position += rows
        flushed = lane.store.flush(lane.head.flush)
        lane.head.full = lane.store.full_since()
        records = [*flushed, (HEAD, msgspec.json.encode(lane.head))]
        writes += [Write(lane.topics.state, key, value) for key, value in records]
        held += sum(len(value) for _, value in records)
        if held >= TRANSACTION_BYTES or number == size.deltas - 1:
            await lane.log.commit(writes)
            writes, held = [], 0
            told(number / size.deltas)


def _same(one: Lane, other: Lane, name: str) -> bool:
    a, b = one.store.table(name), other.store.table(name)
    return a.keys == b.keys and bool((a.rows[: a.n] == b.rows[: b.n]).all())
