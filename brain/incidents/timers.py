"""What is due when: one heap for all timers of the city task. Every entry follows from the state, so none is lost.

An entry counts only while its incident or console still names that very time: moving a timer is writing a new time.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Final

from brain.incidents import publish
from brain.incidents.book import Book
from brain.incidents.clocks import next_due
from brain.incidents.desk import Desk
from brain.incidents.fold import Case
from brain.incidents.value import Incident
from streams.logic import FAR
from streams.records import Headers

GRAVE = b"x/"
GRAVE_MS: Final = 30 * 86_400_000
"""A closed incident stays on its topic for so long."""
KINDS: Final = ("quiet", "close", "look", "clock", "console", "grave")
"""Those due at one time go in this order, then by id."""
QUIET, CLOSE, LOOK, CLOCK, CONSOLE, GRAVES = 0, 1, 2, 3, 4, 5


class Graves:
    """Closed incidents whose records are still on their topics: id → (when to delete them, topic)."""

    def __init__(self) -> None:
        self.at: dict[str, tuple[int, str]] = {}
        self._changed: dict[bytes, bytes | None] = {}
        self._tombstones: list[tuple[str, bytes, bytes | None, Headers]] = []

    def load(self, key: bytes, value: bytes) -> None:
        """One as it was."""
        time, _, topic = value.decode().partition(" ")
        self.at[key[len(GRAVE) :].decode()] = int(time), topic

    def dig(self, incident: Incident, now: int) -> None:
        """An incident is closed."""
        time, topic = self.at[incident.id] = now + GRAVE_MS, publish.topic(incident)
        self._changed[GRAVE + incident.id.encode()] = f"{time} {topic}".encode()

    def fill(self, id_: str) -> None:
        """It has come back."""
        if self.at.pop(id_, None) is not None:
            self._changed[GRAVE + id_.encode()] = None

    def due(self, key: str) -> None:
        """Its record may go."""
        _, topic = self.at.pop(key)
        self._changed[GRAVE + key.encode()] = None
        self._tombstones.append((topic, key.encode(), None, ()))

    def changes(self) -> dict[bytes, bytes | None]:
        """State since the last call."""
        out, self._changed = self._changed, {}
        return out

    def tombstones(self) -> list[tuple[str, bytes, bytes | None, Headers]]:
        """Deletions since the last call."""
        out, self._tombstones = self._tombstones, []
        return out


class Timers:
    """The heap."""

    def __init__(self, book: Book, desk: Desk, graves: Graves) -> None:
        self._book, self._desk, self._graves = book, desk, graves
        self._heap: list[tuple[int, int, str]] = []
        self._consoles: dict[str, int | None] = {}

    def all(self) -> None:
        """Of everything there is, after a restart."""
        for key in sorted(self._book.cases):
            self.of(self._book.cases[key])
        for domain in sorted(self._desk.consoles):
            self.console(domain)
        for key in sorted(self._graves.at):
            self.grave(key)

    def of(self, case: Case) -> None:
        """An incident has changed."""
        i, was = case.incident, case.timers
        clocks = i.clocks
        now = (i.quiet_until, i.close_at, i.look_at, next_due(clocks) if clocks else None)
        if now == was:
            return
        case.timers = now
        quiet, close, look, clock = now
        if quiet is not None and quiet != was[QUIET]:
            heappush(self._heap, (quiet, QUIET, i.id))
        if close is not None and close != was[CLOSE]:
            heappush(self._heap, (close, CLOSE, i.id))
        if look is not None and look != was[LOOK]:
            heappush(self._heap, (look, LOOK, i.id))
        if clock is not None and clock != was[CLOCK]:
            heappush(self._heap, (clock, CLOCK, i.id))

    def console(self, domain: str) -> None:
        """A console has changed."""
        console = self._desk.consoles.get(domain)
        time = None if console is None else console.look_at
        if time is not None and time != self._consoles.get(domain):
            heappush(self._heap, (time, CONSOLE, domain))
        self._consoles[domain] = time

    def grave(self, key: str) -> None:
        """An incident is closed."""
        heappush(self._heap, (self._graves.at[key][0], GRAVES, key))

    def due(self, until: int = FAR) -> int | None:
        """When the next one is, where that is not after ``until``."""
        heap = self._heap
        while heap:
            first = heap[0]
            if first[0] > until:
                return None
            if self._holds(*first):
                return first[0]
            heappop(heap)
        return None

    def pop(self) -> tuple[str, str]:
        """Kind and id of the next one, which :meth:`due` has found."""
        _, kind, key = heappop(self._heap)
        return KINDS[kind], key

    def _holds(self, time: int, kind: int, key: str) -> bool:
        if kind == CONSOLE:
            console = self._desk.consoles.get(key)
            return console is not None and console.look_at == time
        if kind == GRAVES:
            return self._graves.at.get(key, (None,))[0] == time
        case = self._book.cases.get(key)
        if case is None:
            return False
        i = case.incident
        if kind == QUIET:
            return i.quiet_until == time
        if kind == CLOSE:
            return i.close_at == time
        if kind == LOOK:
            return i.look_at == time
        return next_due(i.clocks) == time
