"""Taking a backup of a brain that runs on: as of one pulse.

Nothing stands still, so the order of reading makes the cut. The state of each task is read until its end was reached,
which is a flush of that task, whole. The city's comes first and the lanes' after it, so that no signal is missing
between the two: those from where the city stands to the lane's own flush are taken. Incidents are taken as of the flush
of the city: what changed later is put back to what its state says, or left out. Then the pulse is read, which no lane
is ahead of, and of each input what lies between its lane and the copy of a later pulse. Messages come before all that,
so that none is missed: those of the seconds that a backup takes may be told again.

A brain that is restored from it goes on at that pulse and does what the old one did after it, given the same input. It
does not work while no conductor beats: then the brain has stopped, and the plain backup is the one to take.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from streams import backup_files as files
from streams import pulse as pulses
from streams.backup import WHOLE, Cut, Running, Told, ends, newer, of_city, sealed
from streams.backup_files import Manifest, Record
from streams.city import CityHead
from streams.kafka.connect import KafkaSettings
from streams.lane_parts import Head
from streams.log import LogError
from streams.records import CE_TYPE, PULSE_TYPE, SEAL_TYPE, TP, Headers, Seal
from streams.state import HEAD
from streams.tailing import counts

NEAR_S = 1.0
"""A topic's end was reached when reading to it took no longer: no segment rolls and is compacted within that."""
ROUNDS = 50
"""Each is shorter than the one before, where a topic is read faster than it grows."""
BEATS = 2
"""So many pulses after the one of the cut, and every input has the copy of the one that follows it, or of the next."""
OPEN_S = 90.0
"""Longer than the broker lets a transaction be open that nobody ends."""
BEAT_S = 30.0
"""Without a pulse for so long the brain counts as stopped."""


class Incidents(Protocol):
    """What the application knows of the records of its city task."""

    def changed(self, value: bytes) -> int:
        """Fold time, ms, of an incident's last change. Raises ValueError on bytes that are none."""
        ...

    def standing(self, state: Mapping[bytes, bytes]) -> Mapping[str, Mapping[bytes, tuple[bytes, Headers]]]:
        """Incidents that the city's state holds, as they stand on their topics: topic → key → value and headers."""
        ...


def take_running(
    kafka: KafkaSettings, folder: Path, partitions: Mapping[str, int], prefix: str, version: str,
    sets: Callable[[str], bytes], told: Told, key: bytes, incidents: Incidents, extras: Sequence[str] = (),
) -> tuple[Manifest, str]:  # fmt: skip
    """Write a backup into a new folder; the manifest and its SHA-256. ``key`` proves pulses; else as ``backup.take``.

    Raises
    ------
    Running
        No pulse came: the brain does not run.
    LogError
        No broker answers, a topic is missing, or the lanes' input is no longer there where they stand.
    BackupBroken
        The folder is not empty.
    """
    there = counts(kafka.bootstrap, [prefix + name for name in extras])
    files.new_folder(folder)
    cut = _Moving(kafka, folder, prefix, told, key)
    for name in extras:
        if prefix + name in there:
            cut.compacted(name, 0)
    items = cut.newest("state.city", 0)
    head = msgspec.json.decode(items[HEAD].value or b"", type=CityHead) if HEAD in items else CityHead()
    cut.put("state.city", 0, items.values())
    standing = incidents.standing({k: r.value for k, r in items.items() if r.value is not None and k != HEAD})
    for name in WHOLE:
        if name.startswith("incidents"):
            cut.as_of(name, head.frontier, incidents.changed, standing.get(name, {}))
    lanes = [cut.lane(topic, p, head) for topic, n in partitions.items() for p in range(n)]
    cut.compacted("pulse", 0)
    cut.beats(BEATS)
    for topic, n in partitions.items():
        for p in range(n):
            cut.input(topic, p)
    for name in WHOLE:
        if name != "pulse" and not name.startswith("incidents"):
            cut.compacted(name, 0)
    in_force = {*of_city(head), *lanes, cut.named}
    return sealed(folder, prefix, version, partitions, cut.parts, in_force, sets, cut.seq)


class _Moving(Cut):
    """A cut through logs that grow."""

    def __init__(self, kafka: KafkaSettings, folder: Path, prefix: str, told: Told, key: bytes) -> None:
        super().__init__(kafka.bootstrap, folder, prefix, {}, told)
        self._kafka, self._key = kafka, key
        self.seq = -1
        """Of the last pulse that is in it."""

    def end(self, tp: TP) -> int:
        """Where the committed records of a partition end now; its bounds follow. Raises LogError."""
        self.bounds |= asyncio.run(ends(self._kafka, [tp]))
        return self.bounds[tp][1]

    def settled(self, tp: TP) -> int:
        """As :meth:`end`, when all is decided that was written before: a transaction ends in one partition after the
        other, and what was seen of it in one must be seen in the next. Raises Running where one stays open."""
        self.end(tp)
        written, last = self.bounds[tp][2], time.monotonic() + OPEN_S
        while self.end(tp) < written:
            if time.monotonic() > last:
                raise Running(
                    f"{tp}: a transaction has been open for {OPEN_S:.0f} s; `brain doctor` looks for the cause"
                )
            time.sleep(0.05)
        return self.bounds[tp][1]

    def follow(self, tp: TP) -> Iterator[Record]:
        """All that a partition holds, until its end was reached. Raises LogError where that is not in ROUNDS."""
        end = self.settled(tp)
        at = self.bounds[tp][0]
        for _ in range(ROUNDS):
            began = time.monotonic()
            yield from self.read(tp, at, end)
            if time.monotonic() - began <= NEAR_S:
                return
            at, end = end, self.end(tp)
        raise LogError(f"{tp}: grows faster than it is read; take the backup at an hour with less traffic")

    def newest(self, topic: str, partition: int) -> dict[bytes, Record]:
        """The newest record of each key, in the order in which they stand."""
        found: dict[bytes, Record] = {}
        for record in self.follow(self.tp(topic, partition)):
            newer(found, record)
        return found

    def compacted(self, topic: str, partition: int) -> bytes | None:
        """Write the newest record of each key; answers the head, where there is one."""
        found = self.newest(topic, partition)
        if topic == "pulse":
            last = pulses.decode(found[b"pulse"].value, self._key) if b"pulse" in found else None
            if last is None:
                raise Running(f"{self.tp(topic, 0)}: expected a pulse of this key, got none: check pulse_key")
            self.seq, self.named = last.seq, last.set
        self.put(topic, partition, found.values())
        return found[HEAD].value if HEAD in found else None

    def as_of(
        self, topic: str, frontier: int, changed: Callable[[bytes], int],
        standing: Mapping[bytes, tuple[bytes, Headers]],
    ) -> None:  # fmt: skip
        """Incidents as they stood when the city had folded everything below ``frontier``."""
        then: dict[bytes, Record] = {}
        later: dict[bytes, Record] = {}
        for record in self.follow(self.tp(topic, 0)):
            if record.value is None or changed(record.value) < frontier:
                newer(then, record)
            else:
                newer(later, record)
        for key, (value, headers) in standing.items():
            was = then.get(key) or later.get(key)
            if was is None:
                raise LogError(f"{self.tp(topic, 0)}: lacks {key.decode()}, which the city's state has")
            if was.value != value:  # compacted away, because it changed later
                then[key] = Record(was.offset, was.time, key, value, headers)
        self.put(topic, 0, sorted(then.values(), key=lambda r: r.offset))

    def rest(self, signals: TP, at: int, head: Head) -> list[Record]:
        """A lane's signals from where the city stands to the flush that its state is of."""
        self.settled(signals)
        return _until(signals, self.after_seal(signals, at), head.seals.get(str(signals), ""))

    def beats(self, count: int) -> None:
        """Wait until so many pulses have followed."""
        tp, last = self.tp("pulse", 0), time.monotonic() + BEAT_S
        while time.monotonic() < last:
            end = self.end(tp)
            found = [pulses.decode(r.value, self._key) for r in self.read(tp, max(self.bounds[tp][0], end - 20), end)]
            if any(p is not None and p.seq >= self.seq + count for p in found):
                return
            time.sleep(0.2)
        raise Running(
            f"{tp}: expected a pulse a second, got none after {self.seq} for {BEAT_S:.0f} s: the brain does not run; "
            "stop its workers and take the backup without --running"
        )

    def input(self, topic: str, partition: int) -> None:
        """What lies between a lane and the first pulse after the cut."""
        source = self.tp(topic, partition)
        stable, at = self.end(source), self.stands(source)
        end = at

        def until_then() -> Iterator[Record]:
            nonlocal end
            for record in self.read(source, at, stable):
                if self._later(record):
                    return
                end = record.offset + 1
                yield record

        self.put(topic, partition, until_then(), (at, at))
        self.parts[-1].end = end

    def _later(self, record: Record) -> bool:
        """Whether it is a pulse after the cut."""
        if (CE_TYPE, PULSE_TYPE) not in record.headers:
            return False
        pulse = pulses.decode(record.value, self._key)
        return pulse is not None and pulse.seq > self.seq


def _until(signals: TP, records: Sequence[Record], digest: str) -> list[Record]:
    """Up to the seal with that digest, a lane's last; none where that stands before them. Raises LogError."""
    first = True
    for n, record in enumerate(records):
        if (CE_TYPE, SEAL_TYPE) not in record.headers:
            continue
        seal = msgspec.json.decode(record.value or b"", type=Seal)
        if seal.digest == digest:
            return list(records[: n + 1])
        if first and seal.before == digest:
            return []
        first = False
    if records:
        raise LogError(
            f"{signals}: the lane's last seal {digest or '(none)'} is not in its log: `brain audit` says more"
        )
    return []
