"""What else people use on such a stream, on the same signals: plain dedup, and grouping by labels as Alertmanager does.

Both are given more than they know by themselves: a place (their first alarm's) and a family (their rule's).
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from brain.drill.judge import Shown
from brain.drill.storm import Storm
from brain.drill.storm.kinds import family_of
from streams.records import Signal


class Told(NamedTuple):
    """Domain and family by scenario."""

    domain: str
    family: str


def told(storm: Storm) -> dict[str, Told]:
    """Of all scenarios."""
    return {s.id: Told(s.domain, family_of(s.event_code)) for s in storm.scenarios}


# -- plain dedup


@dataclass(frozen=True)
class Dedup:
    """One incident a scenario and asset, until it has been quiet for so long."""

    quiet_s: float = 300.0

    def run(self, storm: Storm) -> list[Shown]:
        """What people see: every incident at once."""
        about, out = told(storm), list[Shown]()
        current: dict[tuple[str, str], tuple[Shown, int]] = {}
        for signal in storm.signals:
            key = (signal.scenario, signal.asset)
            one, last = current.get(key, (None, 0))
            if one is None or signal.fold - last > self.quiet_s * 1000:
                if signal.kind == "clear":
                    continue
                domain, family = about[signal.scenario]
                one = Shown(f"dedup-{len(out)}", signal.fold, domain, family, signal.lon, signal.lat)
                out.append(one)
            one.counted.setdefault(signal.identity(), signal.fold)
            current[key] = (one, signal.fold)
        return out


# -- grouping by labels


@dataclass
class _Alert:
    """One alert by its labels: a raise after its end is the same one again. ``raises``: those not yet spoken of."""

    signal: Signal
    raises: list[str] = field(default_factory=list)
    ended: int | None = None


@dataclass
class _Group:
    """An aggregation group: alerts by fingerprint, and what was last notified of it."""

    key: tuple[str, ...]
    alerts: dict[tuple[str, str], _Alert] = field(default_factory=dict)


@dataclass
class _Entry:
    """The notification log's: what of a group is known to people, and since when. It outlives the group."""

    firing: set[tuple[str, str]]
    at: int
    shown: Shown


@dataclass(frozen=True)
class Grouping:
    """Alertmanager's dispatcher and its notification log, with its default times.

    A group waits ``group_wait`` before it first speaks and ``group_interval`` between words; it speaks when an alert
    fires that was not firing at its last word, when all have ended, and again after ``repeat``. Alerts that ended
    before the first word are never spoken of. Shown is a group from its first word until it has told that all have
    ended; alerts that join it are counted when it speaks.
    """

    by: tuple[str, ...] = ("scenario", "grid")
    wait_s: float = 30.0
    interval_s: float = 300.0
    repeat_s: float = 4 * 3600.0

    def run(self, storm: Storm) -> list[Shown]:
        """What people see."""
        return _Run(self, told(storm)).through(storm)


class _Run:
    def __init__(self, rule: Grouping, about: dict[str, Told]) -> None:
        self.rule, self.about = rule, about
        self.groups: dict[tuple[str, ...], _Group] = {}
        self.log: dict[tuple[str, ...], _Entry] = {}
        self.timers: list[tuple[int, int, _Group]] = []
        self.shown: list[Shown] = []
        self.set_ = 0
        """Timers so far: of equal times the one set first goes first."""

    def through(self, storm: Storm) -> list[Shown]:
        for signal in storm.signals:
            self._until(signal.fold)
            self._take(signal)
        self._until(storm.signals[-1].fold + round(self.rule.interval_s * 1000))
        return self.shown

    def _until(self, now: int) -> None:
        while self.timers and self.timers[0][0] <= now:
            at, _, group = heapq.heappop(self.timers)
            self._flush(group, at)

    def _take(self, signal: Signal) -> None:
        key = tuple(str(getattr(signal, name)) for name in self.rule.by)
        group = self.groups.get(key)
        fingerprint = (signal.scenario, signal.asset)
        if signal.kind == "clear":
            if group is not None and fingerprint in group.alerts:
                group.alerts[fingerprint].ended = signal.fold
            return
        if group is None:
            group = self.groups[key] = _Group(key)
            self._timer(group, signal.fold + round(self.rule.wait_s * 1000))
        alert = group.alerts.setdefault(fingerprint, _Alert(signal))
        alert.ended = None
        if signal.kind == "raise":
            alert.raises.append(signal.identity())

    def _timer(self, group: _Group, at: int) -> None:
        self.set_ += 1
        heapq.heappush(self.timers, (at, self.set_, group))

    def _flush(self, group: _Group, now: int) -> None:
        firing = {f for f, a in group.alerts.items() if a.ended is None}
        entry = self.log.get(group.key)
        if self._speaks(entry, firing, now):
            self._speak(group, entry, firing, now)
        for fingerprint in [f for f, a in group.alerts.items() if a.ended is not None]:
            del group.alerts[fingerprint]
        if group.alerts:
            self._timer(group, now + round(self.rule.interval_s * 1000))
        else:
            del self.groups[group.key]

    def _speaks(self, entry: _Entry | None, firing: set[tuple[str, str]], now: int) -> bool:
        if entry is None:
            return bool(firing)
        if not firing <= entry.firing:
            return True
        if not firing:
            return bool(entry.firing)
        return now - entry.at >= self.rule.repeat_s * 1000

    def _speak(self, group: _Group, entry: _Entry | None, firing: set[tuple[str, str]], now: int) -> None:
        if entry is None or not entry.firing:
            first = next(a for f, a in group.alerts.items() if f in firing).signal
            domain, family = self.about[first.scenario]
            one = Shown(f"group-{len(self.shown)}", now, domain, family, first.lon, first.lat)
            self.shown.append(one)
        else:
            one = entry.shown
        for alert in group.alerts.values():
            for identity in alert.raises:
                one.counted.setdefault(identity, now)
            alert.raises.clear()
        self.log[group.key] = _Entry(firing, now, one)


# -- what must never be found, and what must be found perfectly


def whole_city(storm: Storm) -> list[Shown]:
    """One incident for the whole city, at once and of everything: it is nowhere, so nothing is found."""
    placed = [s for s in storm.signals if s.lon is not None and s.lat is not None]
    lon, lat = (float(np.mean([getattr(s, side) for s in placed])) for side in ("lon", "lat"))
    first = storm.signals[0]
    domain, family = told(storm)[first.scenario]
    one = Shown("city", first.fold, domain, family, lon, lat)
    for signal in storm.signals:
        one.counted.setdefault(signal.identity(), signal.fold)
    return [one]


def perfect(storm: Storm) -> list[Shown]:
    """Who knows the labels: a truth at its place with its first signal; false never-hidden ones by class and asset."""
    about, out = told(storm), dict[str, Shown]()
    truths = {t.id: t for t in storm.truths}
    for signal, label in zip(storm.signals, storm.labels, strict=True):
        domain, family = about[signal.scenario]
        if label is not None:
            truth = truths[label]
            one = out.setdefault(label, Shown(label, signal.fold, domain, truth.family, truth.lon, truth.lat))
        elif signal.life:
            name = f"{family}|{signal.asset}"
            one = out.setdefault(name, Shown(name, signal.fold, domain, family, signal.lon, signal.lat))
        else:
            continue
        one.counted.setdefault(signal.identity(), signal.fold)
    return list(out.values())
