"""Taking a backup: everything that the state of a stopped brain says, and of its logs what is not worked yet.

The cut is consistent because nothing moves: no transaction is open at the beginning, and every topic but the inputs
ends where it ended some seconds before. Taken are the state, what is compacted (incidents, pulse, sets, map, assets,
messages), of each signals partition what the city task has not released, and of each input what its lane has not read.
Left behind: audit, journal, dead letters, alarms, and inputs that were worked.
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
            f"a transaction is open on {', '.join(moving[:3])}: stop the workers, wait ten seconds, try again"
        )
    cut = _Cut(kafka.bootstrap, folder, prefix, bounds, told)
    city = cut.compacted("state.city", 0)
    head = msgspec.json.decode(city, type=CityHead) if city else CityHead()
    lanes = [cut.lane(topic, p, head) for topic, n in partitions.items() for p in range(n)]
    for name in (*WHOLE, *more):
        cut.compacted(name, 0)
    _still(kafka, watched, bounds, began)
    in_force = sorted({head.set, *(set_id for _, set_id in head.sets), *lanes, cut.named} - {""})
    for set_id in in_force:
        files.write_bytes(files.set_file(folder, set_id), sets(set_id))
    taken = time.time_ns() // 1_000_000
    manifest = Manifest(
        files.FORMAT, version, FORMAT, taken, prefix, dict(partitions), cut.parts, in_force
    )  # fmt: skip
    return manifest, files.write_manifest(folder, manifest)


def _still(
    kafka: KafkaSettings, watched: Sequence[TP], bounds: Mapping[TP, tuple[int, int, int]], began: float
) -> None:
    time.sleep(max(0.0, began + QUIET_S - time.monotonic()))
    again = asyncio.run(ends(kafka, watched))
    if moved := [str(tp) for tp in watched if again[tp][2] != bounds[tp][2]]:
        raise Running(f"{', '.join(moved[:3])} grew while it was read: stop workers, notifier and whoever changes sets")


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


class _Cut:
    """What is read, partition by partition."""

    def __init__(
        self, bootstrap: str, folder: Path, prefix: str, bounds: Mapping[TP, tuple[int, int, int]], told: Told
    ) -> None:
        self._bootstrap, self._folder, self._prefix, self._bounds, self._told = bootstrap, folder, prefix, bounds, told
        self.parts: list[Part] = []
        self.named = ""
        """The set that the last pulse names."""

    def lane(self, topic: str, partition: int, city: CityHead) -> str:
        """State, rest of signals and of input of one lane; the set it stands in."""
        raw = self.compacted(f"state.{topic}", partition)
        head = msgspec.json.decode(raw, type=Head) if raw else Head()
        source, signals = self._tp(topic, partition), self._tp(f"signals.{topic}", partition)
        mark = city.lanes.get(str(signals))
        self._put(f"signals.{topic}", partition, self._after_seal(signals, mark.offset if mark else 0))
        first, stable, high = self._bounds[source]
        at = head.at if raw else first
        if not first <= at <= high:
            raise LogError(
                f"{source}: the lane stands at {at}, the log has {first} to {high}: `brain recover` says more"
            )
        self._put(topic, partition, self._read(source, at), (at, stable))
        return head.set

    def compacted(self, topic: str, partition: int) -> bytes | None:
        """The newest record of each key, in the order in which they stand; answers the head, where there is one."""
        newest: dict[bytes, Record] = {}
        for record in self._read(self._tp(topic, partition), self._bounds[self._tp(topic, partition)][0]):
            key = record.key or b""
            newest.pop(key, None)
            if record.value is not None:
                newest[key] = record
        if topic == "pulse" and b"pulse" in newest:
            self.named = msgspec.json.decode(newest[b"pulse"].value or b"", type=Pulse).set
        self._put(topic, partition, newest.values())
        return newest[HEAD].value if HEAD in newest else None

    def _after_seal(self, signals: TP, at: int) -> list[Record]:
        """From after the last seal before ``at`` to the end: whole flushes."""
        first, window = self._bounds[signals][0], 1000
        while True:
            start = max(first, at - window)
            records = list(self._read(signals, start))
            seals = [n for n, r in enumerate(records) if r.offset < at and (CE_TYPE, SEAL_TYPE) in r.headers]
            if seals:
                return records[seals[-1] + 1 :]
            if start == first:
                return records
            window *= 8

    def _put(self, topic: str, partition: int, records: Iterable[Record], span: tuple[int, int] | None = None) -> None:
        first, stable, _ = self._bounds[self._tp(topic, partition)]
        name = f"{topic}/{partition}"
        self.parts.append(
            files.write_part(
                self._folder, topic, partition, span or (first, stable), records, lambda n: self._told(name, n)
            )
        )

    def _read(self, tp: TP, start: int) -> Iterator[Record]:
        end = self._bounds[tp][1]
        for offset, at, key, value, headers in stretch(self._bootstrap, tp, start, end):
            yield Record(offset, at, key, value, headers)

    def _tp(self, topic: str, partition: int) -> TP:
        return TP(self._prefix + topic, partition)
