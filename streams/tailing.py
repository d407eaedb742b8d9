"""Reading along: committed records of some topics as they come, for people and tools that watch.

It belongs to no group, commits nothing and hides what an aborted transaction wrote.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from streams.log import LogError
from streams.records import TP, Headers

LOOK_AGAIN_S = 5.0
"""Topics that are not there yet, and partitions that were added, are looked for this often."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One committed record; ``time`` is the log's own timestamp in ms."""

    topic: str
    partition: int
    offset: int
    time: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    def header(self, name: str) -> bytes | None:
        """First header of that name, or None."""
        return next((value for key, value in self.headers if key == name), None)


class Ends(Protocol):
    """Who wants to know where reading along begins, and when it has come to an end."""

    def begins(self, tp: TP, offset: int) -> None:
        """A partition is read from this offset on."""
        ...

    def at_end(self, partitions: Collection[TP]) -> None:
        """Every record of these partitions that could be read has been handed out."""
        ...


def follow(
    bootstrap: str,
    topics: Sequence[str],
    *,
    from_beginning: bool = False,
    until_end: bool = False,
    stop: Callable[[], bool] = lambda: False,
    ends: Ends | None = None,
    positions: Mapping[TP, int] | None = None,
) -> Generator[Seen]:
    """Records of the topics, in the order of their time within each poll (exact order only within a partition).

    Starts at the ends of the topics, or at their beginnings; with ``until_end`` it ends at the ends of the moment it
    started, else when ``stop`` answers true (asked about every half second) or the iterator is closed. A topic that
    does not exist is waited for, and then read from its beginning. ``ends`` is told after each poll, of partitions that
    are read to their high watermark: one with an open transaction is not. Partitions in ``positions`` are read from
    there, or from the first record that is left.

    Raises
    ------
    LogError
        No broker answers at ``bootstrap``.
    """
    with _consumer(bootstrap) as consumer:
        follower = _Follower(consumer, topics, ends=ends, resume=positions)
        yield from follower.records(from_beginning, until_end, stop)


def after(bootstrap: str, topics: Sequence[str], ask: Callable[[], object], wait_s: float) -> Generator[Seen]:
    """What comes into the topics within some seconds after ``ask`` was called: answers to a question asked by record.

    Raises
    ------
    LogError
        No broker answers at ``bootstrap``.
    """
    with _consumer(bootstrap) as consumer:
        follower = _Follower(consumer, topics)
        follower.look(False)
        ask()
        until = time.monotonic() + wait_s
        yield from follower.records(False, False, lambda: time.monotonic() >= until)


def snapshot(
    bootstrap: str, partitions: Sequence[TP]
) -> Iterator[tuple[TP, int, int, bytes | None, bytes | None, Headers]]:
    """All that is committed in these partitions now: (partition, offset, time in ms, key, value, headers), partition
    by partition, each in log order.

    Raises
    ------
    LogError
        No broker answers, or it does not have one of the topics.
    """
    from kafka import TopicPartition

    with _consumer(bootstrap) as consumer:
        there = consumer.topics()
        missing = sorted({tp.topic for tp in partitions} - set(there))
        if missing:
            raise LogError(f"Kafka at {bootstrap} has no topic {', '.join(missing)}")
        for tp in partitions:
            follower = _Follower(consumer, (), [TopicPartition(tp.topic, tp.partition)])
            for r in follower.records(True, True, lambda: False):
                yield tp, r.offset, r.time, r.key, r.value, r.headers


def stretch(
    bootstrap: str, tp: TP, start: int, end: int
) -> Iterator[tuple[int, int, bytes | None, bytes | None, Headers]]:
    """Committed records of one partition at offsets [start, end): (offset, time in ms, key, value, headers).

    ``end`` is at most the stable offset. Raises LogError where no broker answers.
    """
    from kafka import TopicPartition

    if start >= end:
        return
    at = TopicPartition(tp.topic, tp.partition)
    with _consumer(bootstrap) as consumer:
        follower = _Follower(consumer, (), [at])
        follower.positions[at] = start
        follower.assign()
        for r in follower.records(True, True, lambda: follower.positions[at] >= end):
            if r.offset < end:
                yield r.offset, r.time, r.key, r.value, r.headers


def counts(bootstrap: str, topics: Sequence[str]) -> dict[str, int]:
    """Partitions of those of the topics that are there. Raises LogError where no broker answers."""
    with _consumer(bootstrap) as consumer:
        there = consumer.topics()
        return {topic: len(consumer.partitions_for_topic(topic) or ()) for topic in topics if topic in there}


def since(bootstrap: str, topic: str, time_ms: int) -> dict[TP, int]:
    """Offset of the first record of each partition whose time is at or after ``time_ms``, the end where there is none;
    to go on from by :func:`follow`. Empty where the topic is not there. Raises LogError where no broker answers.
    """
    from kafka import TopicPartition

    with _consumer(bootstrap) as consumer:
        numbers = consumer.partitions_for_topic(topic) or () if topic in consumer.topics() else ()
        asked = [TopicPartition(topic, number) for number in sorted(numbers)]
        if not asked:
            return {}
        ends = consumer.end_offsets(asked)
        found = consumer.offsets_for_times(dict.fromkeys(asked, time_ms))
        return {TP(at.topic, at.partition): ends[at] if found[at] is None else found[at].offset for at in asked}


def latest(bootstrap: str, partitions: Sequence[TP], key: bytes) -> dict[TP, bytes]:
    """Value of the last committed record with this key in each partition, found from the end backwards.

    Partitions that are not there, or lack the key, are left out. Raises LogError where no broker answers.
    """
    from kafka import TopicPartition

    found: dict[TP, bytes] = {}
    with _consumer(bootstrap) as consumer:
        there = consumer.topics()
        for tp in partitions:
            if tp.topic not in there:
                continue
            at = TopicPartition(tp.topic, tp.partition)
            first, end, window = consumer.beginning_offsets([at])[at], consumer.end_offsets([at])[at], 8
            start = end
            while tp not in found and start > first:
                start, window = max(first, end - window), 8 * window
                follower = _Follower(consumer, (), [at])
                follower.positions[at] = start
                follower.assign()
                for record in follower.records(True, True, lambda: False):
                    if record.key == key and record.value is not None:
                        found[tp] = record.value
    return found


@contextmanager
def _consumer(bootstrap: str) -> Iterator[Any]:
    from kafka import KafkaConsumer
    from kafka.errors import KafkaError

    from streams.admin import client_options, must_answer

    must_answer(bootstrap)  # asked first, because the client tries for long and says less
    try:
        consumer = KafkaConsumer(
            **client_options(bootstrap),
            group_id=None,
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            max_partition_fetch_bytes=4 * 1024 * 1024,
            metadata_max_age_ms=5000,
        )
    except KafkaError as error:
        raise LogError(f"no Kafka answers at {bootstrap}: {error}") from error
    try:
        yield consumer
    except KafkaError as error:
        raise LogError(f"Kafka at {bootstrap}: {error}") from error
    finally:
        consumer.close()


class _Follower:
    """Keeps positions itself: assigning anew, when topics appear, must not move them."""

    def __init__(
        self, consumer: Any, topics: Sequence[str], partitions: Sequence[Any] = (), ends: Ends | None = None,
        resume: Mapping[TP, int] | None = None,
    ) -> None:  # fmt: skip
        self.resume = resume or {}
        self.consumer, self.topics, self.partitions, self.ends = consumer, topics, partitions, ends
        self.positions: dict[Any, int] = {}

    def records(self, from_beginning: bool, until_end: bool, stop: Callable[[], bool]) -> Iterator[Seen]:
        self.look(from_beginning)
        ends = self.consumer.end_offsets(list(self.positions)) if until_end and self.positions else {}
        looked = time.monotonic()
        while not stop() and not (until_end and self._reached(ends)):
            for got in self._poll():
                yield Seen(
                    got.topic, got.partition, got.offset, got.timestamp, got.key, got.value,
                    tuple((k, v or b"") for k, v in got.headers or ()),
                )  # fmt: skip
            self._tell_ends()
            if not until_end and time.monotonic() - looked > LOOK_AGAIN_S:
                self.look(True)
                looked = time.monotonic()

    def _poll(self) -> list[Any]:
        if not self.positions:
            time.sleep(0.5)
            return []
        polled = self.consumer.poll(timeout_ms=500)
        for tp in self.positions:
            # The position, not the last offset: markers of transactions and aborted records move it too.
            position = self.consumer.position(tp, timeout_ms=500)
            if position is not None:
                self.positions[tp] = position
        # Merged, not sorted: the records of one partition keep their order even where their times do not rise.
        return list(heapq.merge(*polled.values(), key=lambda r: r.timestamp))

    def look(self, from_beginning: bool) -> None:
        """Find partitions that are not read yet and read them too."""
        from kafka import TopicPartition

        there = self.consumer.topics() if self.topics else ()
        found = list(self.partitions) + [
            TopicPartition(topic, partition)
            for topic in self.topics
            if topic in there
            for partition in sorted(self.consumer.partitions_for_topic(topic) or ())
        ]
        new = [tp for tp in found if tp not in self.positions]
        if not new:
            return
        ask = self.consumer.beginning_offsets if from_beginning else self.consumer.end_offsets
        self.positions.update(ask(new))
        resumed = [tp for tp in new if TP(tp.topic, tp.partition) in self.resume]
        if resumed:
            first, end = self.consumer.beginning_offsets(resumed), self.consumer.end_offsets(resumed)
            for tp in resumed:
                at = self.resume[TP(tp.topic, tp.partition)]
                # Beyond the end it is another topic of that name.
                self.positions[tp] = max(at, first[tp]) if at <= end[tp] else first[tp]
        if self.ends is not None:
            for tp in new:
                self.ends.begins(TP(tp.topic, tp.partition), self.positions[tp])
        self.assign()

    def assign(self) -> None:
        """Read on from the positions."""
        self.consumer.assign(list(self.positions))
        for tp, position in self.positions.items():
            self.consumer.seek(tp, position)

    def _tell_ends(self) -> None:
        if self.ends is not None:
            highs = {tp: self.consumer.highwater(tp) for tp in self.positions}
            self.ends.at_end(
                [
                    TP(tp.topic, tp.partition)
                    for tp, high in highs.items()
                    if high is not None and self.positions[tp] >= high
                ]
            )

    def _reached(self, ends: dict[Any, int]) -> bool:
        return all(self.positions.get(tp, 0) >= end for tp, end in ends.items())
