"""The conductor: the one writer of the pulse. Each is committed to the ``pulse`` topic, then copied to every lane.

A new conductor fences the old one, reads ``pulse`` to its end, copies the last pulse again and goes on at the next
sequence with time = max(clock, last + 1 ms), the same set and epoch + 1: sequence and time never go back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from streams import pulse as pulses
from streams.log import Indefinite, TaskLog
from streams.pulse import Pulse
from streams.reclaim import KEY as RECLAIM
from streams.reclaim import Reclaimer
from streams.records import TP, Write

COPY_WITHIN_S = 1.0
"""Copies that take longer than this do not count as up-time."""


class ConductorLog(TaskLog, Protocol):
    """The log port plus what only the conductor needs. Its ``state`` is the one partition of ``pulse``."""

    async def copy(self, writes: Sequence[Write]) -> float:
        """Append outside any transaction, idempotently; answers the seconds until all were acknowledged."""
        ...

    async def earliest(self, tp: TP) -> int:
        """First offset that a partition still holds."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    async def close(self) -> None:
        """Give back what the copies needed."""
        ...


@dataclass(frozen=True, slots=True)
class ConductorSettings:
    """``key`` signs; ``genesis`` is the first set; ``every_s`` is the beat of the log's monotonic clock."""

    key: bytes
    genesis: str
    every_s: float = 1.0


class Conductor:
    """Beats until told to stop. ``clock`` answers ms UTC: the wall's, a drill's, or a feed's of recorded data."""

    def __init__(
        self,
        log: ConductorLog,
        lanes: Sequence[TP],
        clock: Callable[[], int],
        settings: ConductorSettings,
        reclaimer: Reclaimer | None = None,
        observer: Callable[[str, int], None] = lambda event, amount: None,
    ) -> None:
        self.log, self.lanes, self.clock, self.settings = log, list(lanes), clock, settings
        self.reclaimer, self.observer = reclaimer, observer
        self.stop = False
        self.wanted_set: str | None = None
        """Named in the next pulse; set it only after every live task has reported the set loaded."""
        self.last: Pulse | None = None
        self._slow = False

    async def run(self) -> None:
        """Take over and beat; take over anew after every indefinite outcome."""
        while not self.stop:
            try:
                await self.take_over()
                while not self.stop:
                    begun = self.log.now()
                    pulse = await self.beat()
                    self.observer("beat", pulse.time)
                    if self.reclaimer is not None:
                        self.observer("reclaimed", await self.reclaimer.step(self.log, pulse.set))
                    await self.log.sleep(max(0.0, self.settings.every_s - (self.log.now() - begun)))
            except Indefinite:
                self.observer("indefinite", 1)
                self._slow = True
                await self.log.cut()

    async def take_over(self) -> None:
        """Fence, read the last pulse, copy it again: the one before may have died between commit and copies."""
        await self.log.open()
        await self.log.confirm()
        self.last, mark = None, None
        for key, value in await self.log.restore():
            if key == RECLAIM:
                mark = value
                continue
            found = pulses.decode(value, self.settings.key)
            if found is not None and (self.last is None or found.seq > self.last.seq):
                self.last = found
        if self.reclaimer is not None:
            self.reclaimer.load(mark)
        if self.last is not None:
            await self._copy(self.last)
        self._epoch = self.last.epoch + 1 if self.last else 0

    async def beat(self) -> Pulse:
        """Commit the next pulse, then copy it to every lane."""
        last, now = self.last, self.clock()
        if last is None:
            following = Pulse(0, now, 0, self.wanted_set or self.settings.genesis, self._epoch)
        else:
            time = max(now, last.time + 1)
            gap = time - last.time
            up = last.up + (gap if gap <= pulses.GAP_MS and not self._slow else 0)
            following = Pulse(last.seq + 1, time, up, self.wanted_set or last.set, self._epoch)
        value = pulses.encode(following, self.settings.key)
        await self.log.commit([Write(self.log.state, b"pulse", value, pulses.HEADERS)])
        self.last = following
        await self._copy(following)
        return following

    async def _copy(self, pulse: Pulse) -> None:
        value = pulses.encode(pulse, self.settings.key)
        took = await self.log.copy([Write(tp, None, value, pulses.HEADERS) for tp in self.lanes])
        self._slow = took > COPY_WITHIN_S
