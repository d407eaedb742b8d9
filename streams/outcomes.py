"""Provisional records of never-hidden classes and their outcomes: which alarm has none, and for how long.

An alarm stands on ``alarms.*`` at once; the incident that takes it up follows. The two are read from different
partitions, so either may be seen first.
"""

from __future__ import annotations

from dataclasses import dataclass

from streams.records import TP

WITHIN_MS = 30_000
SEEN_MOST = 100_000
"""Outcomes remembered, and alarms without one; the oldest are forgotten beyond that."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A provisional record: its id, where it lies, and the log's time of it, ms."""

    id: str
    where: TP
    offset: int
    time: int


class Outcomes:
    """Alarms that wait for their outcome. Times are log time: nothing is overdue because a reader is slow.

    ``since`` (ms): alarms before it are not asked. Of more than ``most`` that wait, or are overdue, the oldest is
    forgotten and counted in ``forgotten``.
    """

    def __init__(self, since: int = 0, within_ms: int = WITHIN_MS, most: int = SEEN_MOST) -> None:
        self.since, self.within_ms, self.most = since, within_ms, most
        self.waiting: dict[str, Alarm] = {}
        self.overdue: dict[str, Alarm] = {}
        self.forgotten = 0
        self._settled: dict[str, None] = {}

    def alarm(self, identity: str, where: TP, offset: int, time: int) -> None:
        """A provisional record was read; an escalation has the id of its raise and counts from the raise."""
        if time < self.since or identity in self._settled or identity in self.overdue:
            return
        self.waiting.setdefault(identity, Alarm(identity, where, offset, time))
        if len(self.waiting) > self.most:
            self._forget(self.waiting)

    def outcome(self, identity: str) -> Alarm | None:
        """An incident names the alarm as settled; answers the alarm where it had been reported overdue."""
        self.waiting.pop(identity, None)
        if identity not in self._settled:
            self._settled[identity] = None
            if len(self._settled) > self.most:
                del self._settled[next(iter(self._settled))]
        return self.overdue.pop(identity, None)

    def judge(self, now: int) -> list[Alarm]:
        """Alarms that became overdue, each once. Call it with all incidents up to ``now`` (ms) read."""
        late = [a for a in self.waiting.values() if now - a.time > self.within_ms]
        for alarm in late:
            self.overdue[alarm.id] = self.waiting.pop(alarm.id)
            if len(self.overdue) > self.most:
                self._forget(self.overdue)
        return late

    def _forget(self, alarms: dict[str, Alarm]) -> None:
        del alarms[next(iter(alarms))]
        self.forgotten += 1
