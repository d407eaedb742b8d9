"""The production fold on a storm: signals in fold order, timers in their places, every published record looked at."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import msgspec

from brain.drill.judge import Shown
from brain.drill.storm import Storm
from brain.drill.storm.kinds import family_of
from streams.logic import CityLogic

AFTER_MS = 3_600_000
"""Timers go on for so long after the last signal: what was deferred may still be shown."""


class _Member(msgspec.Struct):
    id: str
    last: str = ""


class _Incident(msgspec.Struct):
    """What the published contract says of an incident, as far as it is judged here."""

    id: str
    domain: str
    event_code: str
    opened: int
    shown: int | msgspec.UnsetType | None = msgspec.UNSET
    """Fold time at which it became visible; null while withheld. Without the field, every incident is visible."""
    withheld: str = ""
    lon: float | None = None
    lat: float | None = None
    members: list[_Member] = []


_decode = msgspec.json.Decoder(_Incident).decode


class Watcher:
    """Whoever reads the incident topics: what became visible when, and which signals are seen to belong to it."""

    def __init__(self) -> None:
        self.shown: dict[str, Shown] = {}
        self.withheld: Counter[str] = Counter()
        """Incidents never shown, by the last reason why; known at the end."""
        self.holders: dict[str, dict[str, None]] = {}
        """Identity of a raise → incidents that held it, seen or not."""
        self._why: dict[str, str] = {}
        self._unseen: dict[str, dict[str, None]] = {}
        """Raises of an incident that is withheld: a member tells of its first and its latest one only."""

    def see(self, value: bytes | None, now: int) -> None:
        """One record published at a fold time."""
        if value is None:
            return
        incident = _decode(value)
        at = incident.opened if incident.shown is msgspec.UNSET else incident.shown
        raises = [identity for m in incident.members for identity in (m.id, m.last) if identity]
        for identity in raises:
            self.holders.setdefault(identity, {})[incident.id] = None
        one = self.shown.get(incident.id)
        if at is None:
            self._unseen.setdefault(incident.id, {}).update(dict.fromkeys(raises))
            if one is None:
                self._why[incident.id] = incident.withheld
            return
        raises += self._unseen.pop(incident.id, {})
        if one is None:
            self._why.pop(incident.id, None)
            # Visible no sooner than it was published, whatever it says of itself.
            one = Shown(incident.id, max(at, now), incident.domain, family_of(incident.event_code), incident.lon,
                        incident.lat)  # fmt: skip
            self.shown[incident.id] = one
        for identity in raises:
            one.counted.setdefault(identity, now)

    def result(self) -> list[Shown]:
        """All that was shown."""
        self.withheld = Counter(self._why.values())
        return list(self.shown.values())


def fold(storm: Storm, logic: CityLogic, watcher: Watcher | None = None) -> Watcher:
    """Drive as the city task does: of equal times, timers before signals; published after every step, so to the ms."""
    watcher = watcher or Watcher()
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
    for topic, _, value, _ in logic.changes():
        if topic is not None and topic.startswith("incidents."):
            watcher.see(value, now)
