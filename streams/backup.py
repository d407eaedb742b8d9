"""Taking a backup: everything that the state of a brain says, and of its logs what is not worked yet.

Of a stopped brain the cut is consistent because nothing moves: no transaction is open at the beginning, and every topic
but the inputs ends where it ended some seconds before; of one that runs on see streams/backup_running.py. Taken are the
state, what is compacted (incidents, pulse, sets, map, assets, messages), of each signals partition what the city task
has not released, and of each input what its lane has not read. Left behind: audit, journal, dead letters, alarms, and
inputs that were worked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from streams import backup_files as files
from streams import topics as catalogue
from streams.backup_files import Manifest, Part, Record
from streams.city import CityHead
from streams.kafka.connect import Cluster, KafkaSettings
from streams.kafka.offsets import COMMITTED, EARLIEST, LATEST, UNCOMMITTED, offsets
from streams.lane_parts import Head
from streams.log import LogError
from streams.pulse import Pulse
from streams.records import CE_TYPE, SEAL_TYPE, TP
from streams.state import FORMAT, HEAD
from streams.tailing import counts, stretch
from streams.topics import INPUTS

QUIET_S = 2.5
"""A running brain writes a pulse a second: whoever wrote none for so long is stopped."""
CHANGES = ("assets", "map.features")
"""Compacted topics whose offsets are named elsewhere, so that they come to the same ones again."""
WHOLE = (*CHANGES, "sets", "pulse", *(f"{kind}.{d}" for kind in ("incidents", "incidents-shadow")
                                      for d in catalogue.DOMAINS))  # fmt: skip
"""Compacted topics that are taken whole, the newest record of each key."""


class Running(LogError):
    """Something still writes: there is no consistent cut."""


class Told(Protocol):
    """Who shows progress."""

    def __call__(self, what: str, records: int) -> None:
        """So many more records of a partition were done."""
        ...


def take(
    kafka: KafkaSettings, folder: Path, partitions: Mapping[str, int], prefix: str, version: str,
    sets: Callable[[str], bytes], told: Told, extras: Sequence[str] = (),
) -> tuple[Manifest, str]:  # fmt: skip
    """Write a backup into a new folder; the manifest and its SHA-256.

    ``sets`` answers the packed files of a set by id and raises KeyError; ``extras`` are more compacted topics, taken
    where they exist.

    Raises
    ------
    Running
        A transaction is open, or a topic grew meanwhile.
    LogError
        No broker answers, a topic is missing, or the lanes' input is no longer there where they stand.
    BackupBroken
        The folder is not empty.
    """
    there = counts(kafka.bootstrap, [prefix + name for name in extras])
    more = [name for name in extras if prefix + name in there]
    files.new_folder(folder)
    watched = [TP(t.name, p) for t in catalogue.catalogue(partitions, prefix) for p in range(t.partitions)]
    watched = [tp for tp in watched if tp.topic.removeprefix(prefix) not in INPUTS]
    watched += [TP(prefix + name, 0) for name in more]
    inputs = [TP(prefix + topic, p) for topic, n in partitions.items() for p in range(n)]
    began = time.monotonic()
    bounds = asyncio.run(ends(kafka, [*watched, *inputs]))
    if moving := [str(tp) for tp in watched if bounds[tp][1] != bounds[tp][2]]:
        raise Running(
            f"a transaction is open on {', '.join(moving[:3])}: stop the workers, wait ten seconds, try again; or take "
            "the backup of a brain that runs on: brain backup --running"
        )
    cut = Cut(kafka.bootstrap, folder, prefix, bounds, told)
    city = cut.compacted("state.city", 0)
    head = msgspec.json.decode(city, type=CityHead) if city else CityHead()
    lanes = []
    for topic, n in partitions.items():
        for p in range(n):
            lanes.append(cut.lane(topic, p, head))
            cut.input(topic, p)
    for name in (*WHOLE, *more):
        cut.compacted(name, 0)
    _still(kafka, watched, bounds, began)
    return sealed(folder, prefix, version, partitions, cut.parts, {*of_city(head), *lanes, cut.named}, sets)


def of_city(head: CityHead) -> set[str]:
    """Sets that the city task stands in, or will."""
    return {head.set, *(set_id for _, set_id in head.sets)}


def sealed(
    folder: Path, prefix: str, version: str, partitions: Mapping[str, int], parts: list[files.Part], in_force: set[str],
    sets: Callable[[str], bytes], pulse: int = -1,
) -> tuple[Manifest, str]:  # fmt: skip
    """Content of the sets in force, and the manifest, last."""
    names = sorted(in_force - {""})
    for set_id in names:
        files.write_bytes(files.set_file(folder, set_id), sets(set_id))
    taken = time.time_ns() // 1_000_000
    manifest = Manifest(files.FORMAT, version, FORMAT, taken, prefix, dict(partitions), parts, names, pulse)
    return manifest, files.write_manifest(folder, manifest)


def _still(
    kafka: KafkaSettings, watched: Sequence[TP], bounds: Mapping[TP, tuple[int, int, int]], began: float
) -> None:
    time.sleep(max(0.0, began + QUIET_S - time.monotonic()))
    again = asyncio.run(ends(kafka, watched))
    if moved := [str(tp) for tp in watched if again[tp][2] != bounds[tp][2]]:
        raise Running(
            f"{', '.join(moved[:3])} grew while it was read: stop workers, notifier and whoever changes "
            "sets; or take the backup of a brain that runs on: brain backup --running"
        )


async def ends(kafka: KafkaSettings, partitions: Sequence[TP]) -> dict[TP, tuple[int, int, int]]:
    """First offset, stable offset and high watermark of each. Raises LogError."""
    cluster = Cluster(kafka)
    await cluster.start()
    try:
        first = await offsets(cluster, partitions, EARLIEST, UNCOMMITTED)
        stable = await offsets(cluster, partitions, LATEST, COMMITTED)
        high = await offsets(cluster, partitions, LATEST, UNCOMMITTED)
    finally:
        await cluster.stop()
    return {tp: (first[tp], stable[tp], high[tp]) for tp in partitions}


class Cut:
    """What is read, partition by partition."""

    def __init__(
        self, bootstrap: str, folder: Path, prefix: str, bounds: Mapping[TP, tuple[int, int, int]], told: Told
    ) -> None:
        self._bootstrap, self._folder, self._prefix, self._told = bootstrap, folder, prefix, told
        self.bounds = dict(bounds)
        """First offset, stable offset and high watermark of each partition."""
        self.parts: list[Part] = []
        self.named = ""
        """The set that the last pulse names."""
        self._at: dict[TP, int] = {}
        """Where lanes that have a state stand in their inputs."""

    def lane(self, topic: str, partition: int, city: CityHead) -> str:
        """State of one lane and its signals that the city has not released; the set it stands in."""
        raw = self.compacted(f"state.{topic}", partition)
        head = msgspec.json.decode(raw, type=Head) if raw else Head()
        if raw:
            self._at[self.tp(topic, partition)] = head.at
        signals = self.tp(f"signals.{topic}", partition)
        self.put(f"signals.{topic}", partition, self.rest(signals, again(city, signals), head))
        return head.set

    def rest(self, signals: TP, at: int, head: Head) -> list[Record]:
        """A lane's signals from where the city stands on, whole flushes; ``head`` is the lane's."""
        return self.after_seal(signals, at)

    def input(self, topic: str, partition: int) -> None:
        """What one lane has not read."""
        source = self.tp(topic, partition)
        at, stable = self.stands(source), self.bounds[source][1]
        self.put(topic, partition, self.read(source, at, stable), (at, stable))

    def compacted(self, topic: str, partition: int) -> bytes | None:
        """The newest record of each key, in the order in which they stand; answers the head, where there is one."""
        newest: dict[bytes, Record] = {}
        first, stable, _ = self.bounds[self.tp(topic, partition)]
        for record in self.read(self.tp(topic, partition), first, stable):
            newer(newest, record)
        if topic == "pulse" and b"pulse" in newest:
            self.named = msgspec.json.decode(newest[b"pulse"].value or b"", type=Pulse).set
        self.put(topic, partition, newest.values())
        return newest[HEAD].value if HEAD in newest else None

    def after_seal(self, signals: TP, at: int) -> list[Record]:
        """From after the last seal before ``at`` to the end: whole flushes."""
        first, stable, _ = self.bounds[signals]
        window = 1000
        while True:
            start = max(first, at - window)
            records = list(self.read(signals, start, stable))
            seals = [n for n, r in enumerate(records) if r.offset < at and (CE_TYPE, SEAL_TYPE) in r.headers]
            if seals:
                return records[seals[-1] + 1 :]
            if start == first:
                return records
            window *= 8

    def put(self, topic: str, partition: int, records: Iterable[Record], span: tuple[int, int] | None = None) -> None:
        """Write a partition's file; ``span`` where that is not all that the log has."""
        first, stable, _ = self.bounds[self.tp(topic, partition)]
        name = f"{topic}/{partition}"
        self.parts.append(
            files.write_part(
                self._folder, topic, partition, span or (first, stable), records, lambda n: self._told(name, n)
            )
        )

    def read(self, tp: TP, start: int, end: int) -> Iterator[Record]:
        """Committed records of a partition."""
        for offset, at, key, value, headers in stretch(self._bootstrap, tp, start, end):
            yield Record(offset, at, key, value, headers)

    def stands(self, source: TP) -> int:
        """Where a lane stands in its input. Raises LogError where that has gone, or its topic was made anew."""
        first, _, high = self.bounds[source]
        at = self._at.get(source, first)
        if not first <= at <= high:
            raise LogError(
                f"{source}: the lane stands at {at}, the log has {first} to {high}: `brain recover` says more"
            )
        return at

    def tp(self, topic: str, partition: int) -> TP:
        """With its prefix."""
        return TP(self._prefix + topic, partition)


def newer(newest: dict[bytes, Record], record: Record) -> None:
    """One more record of a compacted topic; without a value it ends its key."""
    key = record.key or b""
    newest.pop(key, None)
    if record.value is not None:
        newest[key] = record


def again(city: CityHead, signals: TP) -> int:
    """From where the city task would read a lane's signals."""
    mark = city.lanes.get(str(signals))
    return mark.offset if mark else 0
