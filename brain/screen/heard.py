"""The audit topic as the process hears it: one follower for all requests, the last hours kept for those who look back.

Who sends an action waits here for what the city says of it, by the action's id or by its place in ``feedback``. What it
says of trust in assets is kept in ``doubted``.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import msgspec
import structlog

from brain.incidents.publish import NOTED
from brain.incidents.trust import STILL
from brain.screen.board.doubted import Doubted
from brain.signed import TOPIC
from streams.records import TP
from streams.tailing import Seen

KEPT: Final = 50_000
"""Notes that are kept at most."""
KEPT_MS: Final = 24 * 3_600_000
OUTCOMES: Final = 20_000
log = structlog.get_logger(__name__)

Place = tuple[int, int, int]
"""Time in the log in ms, partition, offset: the order in which notes are listed."""


class Note(NamedTuple):
    """One note, and where it stands."""

    place: Place
    said: dict[str, Any]


class Heard:
    """What was noted of late, told by whoever follows the topic, in any thread."""

    def __init__(self, prefix: str = "") -> None:
        self._lane = str(TP(prefix + TOPIC, 0))
        self.doubted = Doubted()
        self._lock = threading.Lock()
        self._notes: deque[Note] = deque(maxlen=KEPT)
        self._outcomes: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._waiting: dict[str, list[tuple[asyncio.AbstractEventLoop, asyncio.Future[dict[str, Any]]]]] = {}

    def hear(self, seen: Iterable[Seen]) -> None:
        """Take records in; whoever waits for one is told."""
        for record in seen:
            try:
                said = msgspec.json.decode(record.value or b"null")
            except msgspec.DecodeError:
                continue
            if isinstance(said, dict) and isinstance(said.get("what"), str):
                if record.key == NOTED:
                    self._doubt(said, record)
                # That one repeats what is known, by the thousand: whoever looks back has the notes of each asset.
                if said["what"] != STILL:
                    self._take(Note((record.time, record.partition, record.offset), said))

    def _doubt(self, said: dict[str, Any], record: Seen) -> None:
        try:
            self.doubted.hear(said)
        except msgspec.ValidationError as error:
            log.warning("a note of trust cannot be used", offset=record.offset, error=str(error)[:300])

    def notes(self) -> list[Note]:
        """Those kept, the newest first."""
        with self._lock:
            return sorted(self._notes, key=lambda note: note.place, reverse=True)

    def waiter(self, name: str) -> asyncio.Future[dict[str, Any]]:
        """A future of the first note about an action: by its id, or by :meth:`by_offset`. It is done at once where that
        was heard already; give it back by :meth:`leave`."""
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self.also(future, name)
        return future

    def also(self, future: asyncio.Future[dict[str, Any]], name: str) -> None:
        """Wait by another name too; a note under it that was heard already counts."""
        with self._lock:
            there = self._outcomes.get(name)
            self._waiting.setdefault(name, []).append((asyncio.get_running_loop(), future))
        if there is not None and not future.done():
            future.set_result(there)

    def leave(self, future: asyncio.Future[dict[str, Any]], *names: str) -> None:
        """Wait no longer."""
        with self._lock:
            for name in names:
                left = [entry for entry in self._waiting.pop(name, []) if entry[1] is not future]
                if left:
                    self._waiting[name] = left

    @staticmethod
    def by_offset(offset: int) -> str:
        """The name of a record of ``feedback`` that is refused before its id can be believed."""
        return f"at {offset}"

    def _take(self, note: Note) -> None:
        names = []
        if note.said["what"] in {"feedback.done", "feedback.refused", "feedback.dead"}:
            # A second record under the same id says nothing of what became of the first, which is still to come.
            repeated = note.said["what"] == "feedback.dead" and note.said.get("reason") == "conflict"
            if isinstance(note.said.get("id"), str) and not repeated:
                names.append(note.said["id"])
            here = note.said.get("lane") == self._lane and not repeated
            if here and isinstance(note.said.get("offset"), int):
                names.append(self.by_offset(note.said["offset"]))
        with self._lock:
            self._notes.append(note)
            while self._notes[0].place[0] < note.place[0] - KEPT_MS:
                self._notes.popleft()
            waiting = []
            for name in names:
                self._outcomes[name] = note.said
                waiting += self._waiting.get(name, [])
            while len(self._outcomes) > OUTCOMES:
                self._outcomes.popitem(last=False)
        for loop, future in waiting:
            loop.call_soon_threadsafe(_resolve, future, note.said)


def _resolve(future: asyncio.Future[dict[str, Any]], said: dict[str, Any]) -> None:
    if not future.done():
        future.set_result(said)
