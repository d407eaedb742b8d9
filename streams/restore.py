"""Putting a backup into topics that are empty, of another cluster or under another prefix, so that the brain goes on.

An input's new log begins at 0. The lane's head is told so (``Head.base``): its position, and with it every id, goes on
counting, while the rest that was not worked stands at the beginning of the new log. What the city task has not released
stands in signals under seals of a chain that begins anew; its marks name the new offsets. Heads are written last.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from streams import admin, set_store
from streams import backup_files as files
from streams import topics as catalogue
from streams.backup import CHANGES, Told, ends
from streams.backup_files import BackupBroken, Manifest, Part, Record
from streams.city import CityHead
from streams.kafka.connect import KafkaSettings
from streams.lane_parts import Head
from streams.log import LogError
from streams.reclaim import KEY as RECLAIM
from streams.reclaim import Mark
from streams.records import AUDIT_TYPE, CE_TYPE, SEAL_TYPE, TP, Seal
from streams.seal import TOOL_KEY, Digest, seal_key
from streams.state import FORMAT, HEAD
from streams.topics import INPUTS, Topic

SENT = 2_000
"""Records on their way at a time."""
WITHIN_S = 60.0

_json = msgspec.json.Encoder().encode


class Offsets:
    """Where records went: old offset → new one, by topic without prefix and partition."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, int], list[int]] = {}

    def add(self, topic: str, partition: int, old: Sequence[int]) -> None:
        """Records of these offsets, which rise, stand at 0, 1, 2 … now."""
        self._kept[topic, partition] = list(old)

    def of(self, topic: str, partition: int, old: int) -> int:
        """New offset of the first record at or after an old one; 0 of a topic that was left behind."""
        return bisect_left(self._kept.get((topic, partition), ()), old)


Rewrite = Callable[[str, Record, Offsets], Record]
"""Makes of a record of an extra topic the one to write: what names offsets must name the new ones."""


def check(folder: Path, told: Told) -> tuple[Manifest, str]:
    """Read a whole backup as a restore would, writing nothing; the manifest and its SHA-256. Raises BackupBroken."""
    manifest, digest = files.read_manifest(folder)
    if manifest.state_format > FORMAT:
        raise BackupBroken(f"{folder}: state of format {manifest.state_format}; this release knows {FORMAT}")
    wanted = {(f"{kind}{t}", p) for t, n in manifest.partitions.items() for p in range(n)
              for kind in ("", "state.", "signals.")} | {("state.city", 0)}  # fmt: skip
    if lacking := sorted(wanted - {(p.topic, p.partition) for p in manifest.parts}):
        raise BackupBroken(f"{folder}: lacks {lacking[0][0]}/{lacking[0][1]}")
    for part in manifest.parts:
        files.same(folder, part)
        for _ in files.read_part(folder, part):
            pass
        told(f"{part.topic}/{part.partition}", part.records)
    for set_id in manifest.sets:
        try:
            set_store.unpack(_packed(folder, set_id))
        except set_store.SetTorn as error:
            raise BackupBroken(f"{files.set_file(folder, set_id).name}: {error}") from error
    return manifest, digest


def restore(
    kafka: KafkaSettings, folder: Path, prefix: str, by: str, told: Told, extras: Mapping[str, Topic],
    rewrite: Rewrite,
) -> Manifest:  # fmt: skip
    """Check the backup, create the topics and fill them; ``by`` is who asked, for the audit.

    ``extras``: name → topic, of those that the application adds.

    Raises
    ------
    BackupBroken
        Before anything is written: the backup is not whole, or a later release's.
    LogError
        A topic under the prefix has records, or has another count of partitions; or the cluster stopped taking records:
        then delete the topics and begin again.
    """
    if not by.strip():
        raise ValueError("by: expected who restores (the audit names them), got nothing")
    manifest, digest = check(folder, lambda what, n: None)
    wanted = catalogue.catalogue(manifest.partitions, prefix)
    names = {part.topic for part in manifest.parts}
    wanted += [Topic(prefix + t.name, t.partitions, t.cleanup, t.retention_ms, t.config)
               for name, t in extras.items() if name in names]  # fmt: skip
    _empty(kafka, wanted)
    if differ := admin.ensure(kafka, wanted):
        raise LogError("; ".join(map(str, differ)))
    with _Put(kafka, folder, prefix, manifest, told) as put:
        put.everything(rewrite, set(extras))
        note = {
            "what": "backup.restored", "by": by, "t": time.time_ns() // 1_000_000, "backup": digest,
            "taken": manifest.taken_ms, "version": manifest.version, "from_prefix": manifest.prefix,
        }  # fmt: skip
        put.send(TP(prefix + "audit", 0), [Record(0, 0, TOOL_KEY, _json(note), ((CE_TYPE, AUDIT_TYPE),))])
    return manifest


def _empty(kafka: KafkaSettings, wanted: Sequence[Topic]) -> None:
    found = admin.describe(kafka, [t.name for t in wanted])
    there = [TP(name, p) for name, (n, _) in found.items() for p in range(n)]
    if used := [tp for tp, (_, _, high) in asyncio.run(ends(kafka, there)).items() if high] if there else []:
        raise LogError(
            f"{used[0]} and {len(used) - 1} more partitions have records: a backup goes into empty topics only"
        )


def _packed(folder: Path, set_id: str) -> bytes:
    try:
        return files.set_file(folder, set_id).read_bytes()
    except OSError as error:
        raise BackupBroken(f"{folder}: lacks the set {set_id}: {error}") from error


class _Put:
    """One restore."""

    def __init__(self, kafka: KafkaSettings, folder: Path, prefix: str, manifest: Manifest, told: Told) -> None:
        from kafka import KafkaProducer

        self._folder, self._prefix, self._manifest, self._told = folder, prefix, manifest, told
        self._parts = {(part.topic, part.partition): part for part in manifest.parts}
        self.offsets = Offsets()
        self._seals: dict[tuple[str, int], str] = {}
        """Last seal of each signals partition, of the chain that begins here."""
        self._heads: list[tuple[TP, Record]] = []
        self._producer = KafkaProducer(
            **admin.client_options(kafka), acks="all", linger_ms=5, max_request_size=3 * 1024 * 1024,
            allow_auto_create_topics=False, max_in_flight_requests_per_connection=1,
        )  # fmt: skip

    def __enter__(self) -> _Put:
        return self

    def __exit__(self, *_: object) -> None:
        self._producer.close(timeout=5)

    def everything(self, rewrite: Rewrite, extras: set[str]) -> None:
        """All parts, heads last."""
        for (topic, _), part in sorted(self._parts.items()):
            if topic in extras:
                continue  # they name offsets of the others
            if topic.startswith("signals."):
                self._signals(part)
            elif topic.startswith("state."):
                self._state(part)
            else:
                self._plain(part)
        for (topic, _), part in sorted(self._parts.items()):
            if topic in extras:
                self._write(part, [rewrite(self._prefix, r, self.offsets) for r in files.read_part(self._folder, part)])
        self._sets()
        for tp, record in self._heads:
            self.send(tp, [self._head(tp, record)])

    def _plain(self, part: Part) -> None:
        records: Iterable[Record] = files.read_part(self._folder, part)
        if part.topic in CHANGES:
            records = _filled(records, part.end)
        elif part.topic == "pulse":
            records = [self._marked(r) if r.key == RECLAIM else r for r in records]
        elif part.topic in INPUTS:
            self.send(self._tp(part), records, part)
            return
        self._write(part, list(records))

    def _write(self, part: Part, records: list[Record]) -> None:
        self.offsets.add(part.topic, part.partition, [r.offset for r in records])
        self.send(self._tp(part), records, part)

    def _state(self, part: Part) -> None:
        """All but the head, which follows when all else is there."""
        rest = []
        for record in files.read_part(self._folder, part):
            if record.key == HEAD:
                self._heads.append((self._tp(part), record))
            else:
                rest.append(record)
        self._write(part, rest)

    def _signals(self, part: Part) -> None:
        """The same records; seals chain them anew, because the log has nothing before them."""
        lane = self._prefix + part.topic.removeprefix("signals.")
        key = seal_key(f"{lane}/{part.partition}")
        out, digest, last = [], Digest(), ""
        for r in files.read_part(self._folder, part):
            if (CE_TYPE, SEAL_TYPE) not in r.headers:
                digest.add(r.key, r.value, r.headers)
                out.append(r)
                continue
            seal = msgspec.json.decode(r.value or b"", type=Seal)
            seal.before = last
            last = seal.digest = digest.sealed(seal)
            digest = Digest()
            out.append(Record(r.offset, r.time, key, _json(seal), r.headers))
        self._seals[part.topic, part.partition] = last
        self._write(part, out)

    def _marked(self, record: Record) -> Record:
        """Dead letters were left behind: those of the new log are looked through from their beginning."""
        mark = Mark(msgspec.json.decode(record.value or b"", type=Mark).set)
        return Record(record.offset, record.time, record.key, _json(mark), record.headers)

    def _sets(self) -> None:
        """Sets in force that came from folders: the topic has them now, so that no machine must bring them."""
        sets = self._parts.get(("sets", 0))
        have = set_store.Shelf()
        for r in files.read_part(self._folder, sets) if sets else ():
            have.take(r.key, r.value)
        now = time.time_ns() // 1_000_000
        for set_id in self._manifest.sets:
            if set_id not in have.ids():
                chunks = set_store.chunks(set_id, _packed(self._folder, set_id))
                self.send(TP(self._prefix + "sets", 0), [Record(0, now, k, v) for k, v in chunks])

    def _head(self, tp: TP, record: Record) -> Record:
        topic = tp.topic.removeprefix(self._prefix + "state.")
        value = (
            self._city(record.value or b"") if topic == "city" else self._lane(topic, tp.partition, record.value or b"")
        )
        return Record(record.offset, record.time, record.key, value, record.headers)

    def _lane(self, topic: str, partition: int, raw: bytes) -> bytes:
        head = msgspec.json.decode(raw, type=Head)
        last = self._seals.get((f"signals.{topic}", partition), "")
        head.seals = {f"{self._prefix}signals.{topic}/{partition}": last} if last else {}
        head.topic = head.topic or self._manifest.prefix + topic
        head.base, head.log, head.attempts = head.position, "", 0
        return _json(head)

    def _city(self, raw: bytes) -> bytes:
        head = msgspec.json.decode(raw, type=CityHead)
        lanes = {}
        for name, mark in head.lanes.items():
            topic, _, partition = name.removeprefix(self._manifest.prefix).rpartition("/")
            mark.offset = self.offsets.of(topic, int(partition), mark.offset)
            mark.again = self.offsets.of(topic, int(partition), mark.again)
            lanes[f"{self._prefix}{topic}/{partition}"] = mark
        head.lanes = lanes
        return _json(head)

    def send(self, tp: TP, records: Iterable[Record], part: Part | None = None) -> None:
        """Append in their order, with their times; returns when all are acknowledged. Raises LogError."""
        from kafka.errors import KafkaError

        waiting: list[Any] = []
        try:
            for record in records:
                waiting.append(
                    self._producer.send(
                        tp.topic, record.value, record.key, list(record.headers), tp.partition, record.time or None
                    )
                )
                if len(waiting) == SENT:
                    waiting = self._acknowledged(waiting, part)
            self._acknowledged(waiting, part)
        except KafkaError as error:
            raise LogError(f"{tp} takes nothing: {error!r}. Delete the topics and begin again") from error

    def _acknowledged(self, waiting: list[Any], part: Part | None) -> list[Any]:
        for future in waiting:
            future.get(WITHIN_S)
        if part is not None:
            self._told(f"{part.topic}/{part.partition}", len(waiting))
        return []

    def _tp(self, part: Part) -> TP:
        return TP(self._prefix + part.topic, part.partition)


def _filled(records: Iterable[Record], end: int) -> Iterable[Record]:
    """Each record at its old offset: what compaction took before it is filled with the record itself."""
    at = 0
    last: Record | None = None
    for record in records:
        for offset in range(at, record.offset):
            yield Record(offset, record.time, record.key, record.value, record.headers)
        yield record
        at, last = record.offset + 1, record
    for offset in range(at, end):
        if last is None:
            return
        yield Record(offset, last.time, last.key, last.value, last.headers)
