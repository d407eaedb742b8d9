"""The board: incidents as they stand, taken in from the topics' records in any order of topics.

It belongs to one event loop, and decides nothing: what is shown, and for how long, the records say. A record that is
older than what is there, by revision and then by offset, changes nothing: the board never goes back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from brain.incidents.value import OVER, Incident, Text
from brain.screen.board.columns import Columns
from brain.screen.board.ring import KEPT, Change, Ring
from brain.screen.board.row import Alarm, Row, accepted_ms, alarm_of, decode_incident, decode_signal, encode, row_of

KEEP_MS: Final = 24 * 3_600_000
"""How long incidents that are over, and alarms without an outcome, are kept, by the pulse's time."""
BIN_MS: Final = 15 * 60_000
BINS: Final = 96
POINTS: Final = 60
"""Values of a member that its chart has."""
SETTLED: Final = 20_000
"""Alarms that have an outcome and are remembered, so that one which comes late does not stand again."""


@dataclass(slots=True)
class Entry:
    """One incident: its newest record, and what was seen of it over time."""

    id: str
    slot: int
    rev: int
    at: str
    offset: int
    value: bytes
    row: Row
    data: bytes
    fingerprint: str
    family: str
    fired: dict[int, int] = field(default_factory=dict)
    """Number of a quarter of an hour → raises in it."""
    points: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    """Member → (fold time, value), the latest."""

    def incident(self) -> Incident:
        """The whole record."""
        found: Incident = decode_incident(self.value)
        return found


@dataclass(frozen=True, slots=True)
class Came:
    """A record from a topic without its prefix."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None

    @property
    def at(self) -> str:
        """The partition, as positions name it."""
        return f"{self.topic}/{self.partition}"


class Board:
    """All of it. ``name_of``: a scenario's name, for alarms, which do not carry it."""

    def __init__(self, keep_ms: int = KEEP_MS, kept: int = KEPT) -> None:
        self.keep_ms = keep_ms
        self.entries: dict[str, Entry] = {}
        self.by_slot: dict[int, Entry] = {}
        self.alarms: dict[str, Alarm] = {}
        self.columns = Columns()
        self.ring = Ring(kept)
        self.by_fingerprint: dict[str, dict[str, None]] = {}
        self.causes: dict[str, dict[str, None]] = {}
        """Cause → incidents that are its effects."""
        self.merged: dict[str, dict[str, None]] = {}
        """Incident → those merged into it."""
        self.pulse = 0
        """Time of the newest pulse, ms UTC; 0 before the first."""
        self.set = ""
        self.version = 0
        """Counts what has changed."""
        self.orders: dict[str, tuple[int, Any]] = {}
        """By sort, the version for which an order was worked out, and the order (query.py)."""
        self.refused = 0
        """Records that could not be read."""
        self.ready = False
        """Whether the topics were read to their ends once."""
        self.name_of: Callable[[str], Text] = lambda scenario: Text()
        self._settled: dict[str, None] = {}
        self._wake: list[Callable[[], None]] = []
        self._swept = 0

    def on_change(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Have something called after each batch that changed anything; what comes back ends that."""
        self._wake.append(wake)
        return lambda: self._wake.remove(wake)

    # -- records

    def take(self, records: Iterable[Came]) -> None:
        """Records of one poll."""
        before = self.version
        for came in records:
            if came.offset <= self.ring.last.get(came.at, -1):
                continue  # told already, also where its incident is forgotten since
            try:
                if came.topic.startswith("incidents."):
                    self._incident(came)
                elif came.topic.startswith("alarms."):
                    self._alarm(came)
            except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
                self.refused += 1
        if self.version != before:
            for wake in list(self._wake):
                wake()

    def beat(self, t: int, set_id: str) -> None:
        """The pulse of a lane went by."""
        if t > self.pulse:
            self.pulse, self.set = t, set_id
            if t - self._swept > 60_000:
                self._sweep(t)

    def begins(self, topic: str, partition: int, offset: int) -> None:
        """A partition is read from this offset on."""
        if topic.startswith(("incidents.", "alarms.")):
            self.ring.begin(f"{topic}/{partition}", offset)

    def _incident(self, came: Came) -> None:
        if came.value is None:
            return  # its key is forgotten by the topic; here it is when its time is over
        incident: Incident = decode_incident(came.value)
        at, known = came.at, self.entries.get(incident.id)
        if known is not None and (incident.revision, came.offset if at == known.at else 0) <= (
            known.rev, known.offset if at == known.at else 0,
        ):  # fmt: skip
            return
        row = row_of(incident)
        over, seen = row.state in OVER, row.shown is not None
        for name in incident.provisional:
            self._settle(name)
        was = "" if known is None else known.row.district
        change = Change(
            at, came.offset, self.ring.not_before(row.updated), "incident", row.id, encode(row), seen, row.district,
            was, over,
        )  # fmt: skip
        self.ring.add(change)
        self.version += 1
        if over and not seen:
            if known is not None:
                self._forget(known)
            return
        self._keep(incident, row, came, at, change.data, known)

    def _keep(self, incident: Incident, row: Row, came: Came, at: str, data: bytes, known: Entry | None) -> None:
        if known is None:
            known = self.entries[row.id] = Entry(
                row.id, self.columns.slot(), row.rev, at, came.offset, came.value or b"", row, data,
                incident.fingerprint, incident.family,
            )  # fmt: skip
            self.by_slot[known.slot] = known
            self.by_fingerprint.setdefault(incident.fingerprint, {})[row.id] = None
            fresh = row.raises
        else:
            fresh = row.raises - known.row.raises
            if known.row.cause != row.cause:
                _out(self.causes, known.row.cause, row.id)
            if known.row.merged_into != row.merged_into:
                _out(self.merged, known.row.merged_into, row.id)
            known.rev, known.at, known.offset, known.value = row.rev, at, came.offset, came.value or b""
            known.row, known.data = row, data
        if row.cause:
            self.causes.setdefault(row.cause, {})[row.id] = None
        if row.merged_into:
            self.merged.setdefault(row.merged_into, {})[row.id] = None
        if fresh > 0:
            number = incident.raised // BIN_MS
            known.fired[number] = known.fired.get(number, 0) + fresh
            while len(known.fired) > BINS:
                del known.fired[next(iter(known.fired))]
        for member in incident.members:
            if member.value is not None:
                points = known.points.setdefault(member.id, [(member.onset, member.value)])
                if points[-1][1] != member.value:
                    points.append((incident.updated, member.value))
                    del points[:-POINTS]
        self.columns.put(known.slot, row, accepted_ms(incident))

    def _alarm(self, came: Came) -> None:
        if came.value is None:
            return
        signal = decode_signal(came.value)
        alarm = alarm_of(signal, self.name_of(signal.scenario))
        if alarm.id in self._settled or signal.kind == "clear":
            return
        self.alarms[alarm.id] = alarm
        t, data = self.ring.not_before(signal.t), encode(alarm)
        self.ring.add(Change(came.at, came.offset, t, "alarm", alarm.id, data, True, alarm.district, "", False))
        self.version += 1

    def _settle(self, name: str) -> None:
        self.alarms.pop(name, None)
        self._settled[name] = None
        while len(self._settled) > SETTLED:
            del self._settled[next(iter(self._settled))]

    # -- time

    def _sweep(self, now: int) -> None:
        """Forget what has been over for long enough."""
        self._swept = now
        least = now - self.keep_ms
        for entry in [e for e in self.entries.values() if e.row.state in OVER and e.row.updated < least]:
            self._forget(entry)
        for name in [a.id for a in self.alarms.values() if a.t < least]:
            del self.alarms[name]

    def _forget(self, entry: Entry) -> None:
        del self.entries[entry.id]
        del self.by_slot[entry.slot]
        self.columns.release(entry.slot)
        for index, key in (
            (self.by_fingerprint, entry.fingerprint), (self.causes, entry.row.cause),
            (self.merged, entry.row.merged_into),
        ):  # fmt: skip
            _out(index, key, entry.id)
        self.version += 1

    # -- who sees what

    def entry(self, id: str, districts: tuple[str, ...]) -> Entry | None:
        """One incident, where the caller may see it. ``districts``: codes, () for all."""
        found = self.entries.get(id)
        return None if found is None or (districts and found.row.district not in districts) else found

    def district_of(self, id: str) -> str | None:
        """In which district an incident lies; None for what is not there."""
        found = self.entries.get(id)
        return None if found is None else found.row.district

    def rows(self, ids: Iterable[str], districts: tuple[str, ...]) -> list[Row]:
        """Rows of those that are there and may be seen."""
        found = (self.entry(id, districts) for id in ids)
        return [e.row for e in found if e is not None]


def _out(index: dict[str, dict[str, None]], key: str, id: str) -> None:
    """Not under that key any more; of a key with nothing under it nothing is left."""
    mine = index.get(key)
    if mine is not None:
        mine.pop(id, None)
        if not mine:
            del index[key]
