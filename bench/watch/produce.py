"""Fill a topic with the watch's readings: the bytes of :func:`bench.watch.workload.payloads`, written by a kernel.

Producing is not what is measured, but ten million `%` formats and calls would take longer than all that is.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from confluent_kafka import KafkaError, Message, Producer
from numba import njit
from numpy.typing import NDArray

from bench.watch.workload import KEY, START_MS, Load, asset_id, payloads
from streams import pulse as pulses
from streams.partition import partitions_of
from streams.pulse import Pulse

PULSE_EVERY = 1000
"""Readings between two pulses: one second of event time."""
BLOCK = 20 * PULSE_EVERY
AHEAD = 400_000
"""Records that wait in the producer at most."""
PIECES = (
    b'{"asset":"wl-', b'","metric":"water_level","t":', b',"v":', b',"unit":"m","lon":', b',"lat":',
    b',"crs":"wgs84","q":"good","seq":', b"}",
)  # fmt: skip
TEXT = np.frombuffer(b"".join(PIECES), np.uint8)
ENDS = np.cumsum([0, *map(len, PIECES)])
LONGEST = 256
ALONE = 400_000
"""Up to so many readings a second process takes longer to start than it saves."""

Told = Callable[[float], None]
"""Hears the share that is done, from 0 to 1."""


@dataclass(frozen=True)
class Job:
    """What one process of the producing does: the partitions p with p % ``ways`` == ``mine``."""

    bootstrap: str
    load: Load
    topic: str
    set_id: str | None
    ways: int
    mine: int


def produce(
    bootstrap: str,
    load: Load,
    column: NDArray[np.float64],
    topic: str,
    set_id: str | None,
    told: Told = lambda share: None,
) -> None:
    """Fill a topic; with ``set_id``, a pulse a second of event time in every partition (the peers get none).

    Two processes share the partitions of a large load, so the order within each is that of the readings. Raises
    RuntimeError when
    a record was refused.
    """
    ways = min(2, load.partitions) if load.readings > ALONE else 1
    jobs = [Job(bootstrap, load, topic, set_id, ways, mine) for mine in range(ways)]
    if ways == 1:
        _work(jobs[0], column, lambda mine, share: told(share))
        return
    context = multiprocessing.get_context("spawn")
    heard = context.SimpleQueue()
    workers = [context.Process(target=_work, args=(job, column, _Put(heard)), daemon=True) for job in jobs]
    for worker in workers:
        worker.start()
    done = [0.0] * ways
    while any(worker.is_alive() for worker in workers):
        while not heard.empty():
            mine, share = heard.get()
            done[mine] = share
        told(min(done))
        for worker in workers:
            worker.join(0.2)
    if bad := [worker.exitcode for worker in workers if worker.exitcode]:
        raise RuntimeError(f"{topic}: producing failed, a process ended with {bad[0]}; its error stands above")


@dataclass(frozen=True)
class _Put:
    """Tells the parent process how far a child is."""

    heard: Any

    def __call__(self, mine: int, share: float) -> None:
        self.heard.put((mine, share))


def blocks(load: Load, column: NDArray[np.float64], rows: NDArray[np.int64]) -> Iterator[bytes]:
    """Payloads of the readings ``rows``, in their order; the same bytes as :func:`workload.payloads`."""
    out, ends = np.empty(len(rows) * LONGEST, np.uint8), np.empty(len(rows) + 1, np.int64)
    if _write(rows, column[rows], load.assets, START_MS, TEXT, ENDS, out, ends):
        data = out[: ends[-1]].tobytes()
        yield from (data[a:b] for a, b in itertools.pairwise(ends.tolist()))
        return
    for n in rows.tolist():  # a number stands too near the middle between two texts for the kernel to decide
        yield next(payloads(load, column, n))[1]


@contextlib.contextmanager
def filling(bootstrap: str, topic: str) -> Iterator[Producer]:
    """A producer for many records, all of which have landed at the end. Raises RuntimeError when one was refused."""
    failed: list[str] = []

    def landed(error: KafkaError | None, message: Message) -> None:
        if error is not None:
            failed.append(str(error))

    producer = Producer(
        {
            "bootstrap.servers": bootstrap, "linger.ms": 50, "queue.buffering.max.messages": 1_000_000,
            "batch.num.messages": 5000, "enable.idempotence": True, "delivery.report.only.error": True,
            "on_delivery": landed,
        }
    )  # fmt: skip
    yield producer
    producer.flush(120)
    if failed or len(producer):
        raise RuntimeError(f"{topic}: {len(failed)} records refused, {len(producer)} not sent: {failed[:1]}")


def _work(job: Job, column: NDArray[np.float64], heard: Callable[[int, float], None]) -> None:
    with filling(job.bootstrap, job.topic) as producer:
        _fill(producer, job, column, heard)


def _fill(producer: Producer, job: Job, column: NDArray[np.float64], heard: Callable[[int, float], None]) -> None:
    load = job.load
    keys = [asset_id(a).encode() for a in range(load.assets)]
    parts = partitions_of(keys, load.partitions)
    mine = [p for p in range(load.partitions) if p % job.ways == job.mine]
    for start in range(0, load.readings, PULSE_EVERY):
        if job.set_id is not None:
            _pulse(producer, job, mine, start // PULSE_EVERY)
        rows = np.arange(start, min(start + PULSE_EVERY, load.readings))
        part = parts[rows % load.assets]
        ours = part % job.ways == job.mine
        rows, part = rows[ours], part[ours]
        assets = (rows % load.assets).tolist()
        for a, p, value in zip(assets, part.tolist(), blocks(load, column, rows), strict=True):
            producer.produce(job.topic, value, keys[a], p)
        while len(producer) > AHEAD:
            producer.poll(0.02)
        if start % BLOCK == 0:
            producer.poll(0)
            heard(job.mine, start / load.readings)
    if job.set_id is not None:
        _pulse(producer, job, mine, load.readings // PULSE_EVERY + 1)


def _pulse(producer: Producer, job: Job, partitions: list[int], second: int) -> None:
    pulse = Pulse(second, START_MS + second * 1000, second * 1000, job.set_id or "", 0)
    value = pulses.encode(pulse, KEY)
    heads: list[tuple[str, str | bytes | None]] = list(pulses.HEADERS)
    for p in partitions:
        producer.produce(job.topic, value, partition=p, headers=heads)


@njit(cache=True)
def integer(out, at, value, width):  # type: ignore[no-untyped-def]  # numba infers
    digits, rest = 1, value
    while rest >= 10:
        rest //= 10
        digits += 1
    digits = max(digits, width)
    for i in range(digits):
        out[at + digits - 1 - i] = 48 + value % 10
        value //= 10
    return at + digits


@njit(cache=True)
def text_at(out, at, text, begin, end):  # type: ignore[no-untyped-def]  # numba infers
    for i in range(begin, end):
        out[at] = text[i]
        at += 1
    return at


@njit(cache=True)
def _seven(out, at, x):  # type: ignore[no-untyped-def]  # numba infers
    """``%.7f`` of a number from 0 to 180; -1 where rounding could go either way."""
    scaled = x * 1e7
    whole = np.floor(scaled)
    if abs(scaled - whole - 0.5) < 1e-4:
        return -1
    k = np.int64(whole) + (scaled - whole > 0.5)
    at = integer(out, at, k // 10_000_000, 1)
    out[at] = 46
    return integer(out, at + 1, k % 10_000_000, 7)


@njit(cache=True)
def _shortest(out, at, v):  # type: ignore[no-untyped-def]  # numba infers
    """``repr`` of a number of at most three decimals; -1 for any other."""
    k = np.int64(np.rint(v * 1000))
    if k < 0 or k / 1000 != v:
        return -1
    at = integer(out, at, k // 1000, 1)
    out[at] = 46
    at = integer(out, at + 1, k % 1000, 3)
    while out[at - 1] == 48 and out[at - 2] != 46:
        at -= 1
    return at


@njit(cache=True)
def _write(rows, values, assets, begun, text, cuts, out, ends):  # type: ignore[no-untyped-def]  # numba infers
    at = 0
    ends[0] = 0
    for i in range(len(rows)):
        n = rows[i]
        a = n % assets
        at = integer(out, text_at(out, at, text, cuts[0], cuts[1]), a, 6)
        at = integer(out, text_at(out, at, text, cuts[1], cuts[2]), begun + n, 1)
        at = _shortest(out, text_at(out, at, text, cuts[2], cuts[3]), values[i])
        if at < 0:
            return False
        at = text_at(out, at, text, cuts[3], cuts[4])
        at = _seven(out, at, 113.2 + (a * 7919 % assets) / assets * 0.4 + n % 97 * 1e-6)
        if at < 0:
            return False
        at = text_at(out, at, text, cuts[4], cuts[5])
        at = _seven(out, at, 22.0 + (a * 104729 % assets) / assets * 0.3 + n % 89 * 1e-6)
        if at < 0:
            return False
        at = integer(out, text_at(out, at, text, cuts[5], cuts[6]), n, 1)
        at = text_at(out, at, text, cuts[6], cuts[7])
        ends[i + 1] = at
    return True
