"""Live changes 实时变更 of the map and of assets: records become the next set, or are refused with their reason.

A change is judged together with all others of its batch, in a process of its own; those that a finding names are left
out, and the rest is judged again. Whatever happens there, the set in force stays as it is.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import msgspec
import structlog

from brain import live_apply
from brain.live_apply import ASSETS, FEATURES, Outcome, Record, Refusal, valid_from
from brain.set_library import SetLibrary
from brain.sets import Changes, changes_of, digest_of, files
from geo.compiled import beside
from streams import set_store
from streams.produce import send_all
from streams.records import TP, Batch
from streams.set_build import Built
from streams.set_watch import WANTED, Wanted
from streams.tailing import latest

log = structlog.get_logger(__name__)

TOPICS = (ASSETS, FEATURES)
CONSIDERED = b"considered"
"""Key in topic sets: next offset of each topic of changes that was judged, so that a refusal is told once."""


class LiveChanges:
    """The changes that came so far, and which of them the set in force lacks. One a worker; it works where it conducts.

    ``sets`` finds the files of a set, ``folder`` has those that people wrote; ``topic`` is that of sets. It holds what
    the compacted topics do, the newest record of each key: a person may go back to a set that has none of it yet.
    """

    def __init__(self, sets: SetLibrary, folder: Path, bootstrap: str, topic: str) -> None:
        self._sets, self._folder, self._bootstrap, self._topic = sets, folder, bootstrap, TP(topic, 0)
        self._newest: dict[tuple[str, bytes], Record] = {}
        self._ends = dict.fromkeys(TOPICS, 0)
        self._later: list[tuple[int, bytes]] = []
        """Assets' changes by the time from which they are so: those of the future wait for it."""
        self._followed: tuple[str, Changes] | None = None
        """The set in force, and how far it followed."""
        self._judged: tuple[str, Changes] | None = None
        """The set in force, and how far changes were judged under it: it lacks those of a set that was then refused."""
        self._next: tuple[str, Changes] | None = None
        self._told: dict[str, int] | None = None

    def take(self, topic: str, batch: Batch) -> None:
        """Records of one of TOPICS in log order; the newest of a key replaces the others."""
        for row in range(len(batch)):
            key = batch.key(row) or b""
            if (topic, key) not in self._newest and (start := _start(topic, key)):
                heapq.heappush(self._later, (start, key))
            self._newest[topic, key] = Record(topic, int(batch.offsets[row]), key, batch.value(row))
        self._ends[topic] = max(self._ends[topic], batch.next)

    def waiting(self, set_id: str, now: int) -> bool:
        """Whether the set may lack anything that is valid by ``now`` (ms). Raises KeyError: the set is not here."""
        judged = self._judged[1] if self._judged and self._judged[0] == set_id else self._of(set_id)
        while self._later and self._later[0][0] <= judged.time:
            heapq.heappop(self._later)
        if self._later and self._later[0][0] <= now:
            return True
        return any(self._ends[topic] > judged.positions.get(topic, 0) for topic in TOPICS)

    def build(self, set_id: str, now: int) -> Built:
        """Make the next set of that one and all that it lacks; blocks for seconds: call it in a thread.

        Raises
        ------
        KeyError, OSError, ValueError
            The set in force cannot be read.
        """
        seen = self._of(set_id)
        newest = list(self._newest.values())
        fresh = sorted((r for r in newest if _due(r, seen, now)), key=lambda r: (r.topic, r.offset))
        after = Changes(seen.base or set_id, dict(self._ends), now, seen.live_since)
        path = self._sets.path(set_id, self._folder)
        known = [r for r in newest if r.topic == ASSETS]
        outcome = _in_child(path, fresh, known, after) if fresh else Outcome({}, 0, [])
        id_ = ""
        if outcome.files:
            made = {**files(path), **outcome.files}
            id_ = digest_of(made)
            self._sets.keep(made, id_)
        self._next = (set_id, after)
        return Built(id_, outcome.applied, [_told(r) for r in outcome.refused if self._is_news(r)])

    def publish(self, set_id: str, now: int) -> None:
        """Put the set into topic sets, and then the wish that it comes into force; blocks. Raises LogError.

        With "" only notes what was judged.
        """
        records: list[tuple[bytes, bytes | None]] = []
        if set_id:
            packed = set_store.pack(files(self._sets.path(set_id, self._folder)))
            records += set_store.chunks(set_id, packed)
            wish = Wanted(set_id, "live changes", "assets, map.features", now)
            records.append((WANTED, msgspec.json.encode(wish)))
            old = set_store.fetch(self._bootstrap, self._topic.topic).old([set_id])
            records += [(key, None) for key in old]
        records.append((CONSIDERED, msgspec.json.encode(self._ends)))
        send_all(self._bootstrap, self._topic, records)
        self._told = dict(self._ends)
        self.judged()

    def judged(self) -> None:
        """What was built of is not built of again under that set."""
        self._judged = self._next

    def _of(self, set_id: str) -> Changes:
        if self._followed is None or self._followed[0] != set_id:
            self._followed = (set_id, changes_of(self._sets.path(set_id, self._folder)) or Changes("", {}, 0))
        return self._followed[1]

    def _is_news(self, refusal: Refusal) -> bool:
        if self._told is None:
            found = latest(self._bootstrap, [self._topic], CONSIDERED)
            self._told = {} if not found else msgspec.json.decode(found[self._topic], type=dict[str, int])
        return refusal.record.offset >= self._told.get(refusal.record.topic, 0)


def _due(record: Record, seen: Changes, now: int) -> bool:
    start = _start(record.topic, record.key)
    return start <= now and (record.offset >= seen.positions.get(record.topic, 0) or start > seen.time)


def _start(topic: str, key: bytes) -> int:
    """From when on a change is so; 0 for the map, which has its own times."""
    return valid_from(key) if topic == ASSETS else 0


def _told(refusal: Refusal) -> dict[str, object]:
    r = refusal.record
    return {
        "topic": r.topic,
        "offset": r.offset,
        "key": r.key[:200].decode(errors="replace"),
        "why": refusal.why[:1000],
    }


def _in_child(path: Path, fresh: Sequence[Record], known: Sequence[Record], after: Changes) -> Outcome:
    """In a process of its own, which gives way and may die of what it is given."""
    try:
        return beside(live_apply.follow, path, fresh, known, after)
    except BrokenProcessPool:
        log.error("the builder of sets died", changes=len(fresh))
        why = "the process that judged it, and what came with it, died"
        return Outcome({}, 0, [Refusal(record, why) for record in fresh])
