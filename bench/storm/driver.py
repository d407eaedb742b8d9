"""The production fold on a storm: signals in fold order, timers in their places, every published record looked at."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Protocol

import msgspec

from bench.storm.judge import Shown
from brain.drill.storm import Storm
from brain.drill.storm.kinds import family_of
from brain.incidents.city import CityLogic

AFTER_MS = 3_600_000
"""Timers go on for so long after the last signal: what was deferred may still be shown."""


class _Member(msgspec.Struct):
    id: str
    last: str = ""


class _Incident(msgspec.Struct):
    """What the published contract says of an incident, as far as it is judged here."""

    id: str
    domain: str
    scenario: str
    event_code: str
    opened: int
    shown: int | msgspec.UnsetType | None = msgspec.UNSET
    """Fold time at which it became visible; null while withheld. Without the field, every incident is visible."""
    withheld: str = ""
    lon: float | None = None
    lat: float | None = None
    members: list[_Member] = []
    fates: dict[str, int] = {}


_decode = msgspec.json.Decoder(_Incident).decode


class Logic(Protocol):
    """What is driven; ``streams.logic.CityLogic`` has it."""

    def due(self) -> int | None: ...
    def fire(self, now: int) -> None: ...


class Watcher:
    """Whoever reads the incident topics: what became visible when, and which signals are seen to belong to it."""

    def __init__(self) -> None:
        self.shown: dict[str, Shown] = {}
        self.records = 0
        self.withheld: Counter[str] = Counter()
        """Incidents never shown, by the last reason why."""
        self._why: dict[str, str] = {}

    def see(self, value: bytes | None, now: int) -> None:
        """One record published at a fold time."""
        if value is None:
            return
        self.records += 1
        incident = _decode(value)
        at = incident.opened if incident.shown is msgspec.UNSET else incident.shown
        if at is None:
            self._why[incident.id] = incident.withheld
            return
        self._why.pop(incident.id, None)
        one = self.shown.get(incident.id)
        if one is None:
            family = family_of(incident.event_code)
            at = max(at, now)  # visible no sooner than it was published
            one = Shown(incident.id, at, incident.domain, family, incident.lon, incident.lat)
            self.shown[incident.id] = one
        for member in incident.members:
            one.counted.setdefault(member.id, now)
            if member.last:
                one.counted.setdefault(member.last, now)

    def result(self) -> list[Shown]:
        """All that was shown."""
        self.withheld = Counter(self._why.values())
        return list(self.shown.values())


def fold(storm: Storm, logic: CityLogic) -> Watcher:
    """Drive as the city task does: of equal times, timers before signals; published after every step, so to the ms."""
    watcher = Watcher()
    logic.enter("storm", SimpleNamespace(scenarios=storm.scenarios, routes=None))
    end = storm.signals[-1].fold + AFTER_MS
    for signal in storm.signals:
        _timers(logic, watcher, signal.fold)
        logic.signal(signal)
        _publish(logic, watcher, signal.fold)
    _timers(logic, watcher, end)
    return watcher


def _timers(logic: CityLogic, watcher: Watcher, until: int) -> None:
    while True:
        due = logic.due()
        if due is None or due > until:
            return
        logic.fire(due)
        _publish(logic, watcher, due)


def _publish(logic: CityLogic, watcher: Watcher, now: int) -> None:
    _, records = logic.changes()
    for topic, _, value, _ in records:
        if topic.startswith("incidents."):
            watcher.see(value, now)
