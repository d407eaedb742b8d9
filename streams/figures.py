"""What tasks measure of themselves, and figures that the application's logic shows. Nothing here enters a result."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, runtime_checkable

from streams.logic import Output, View
from streams.records import Signal
from streams.tracing import LINKS, sampled

STAGES = ("decode", "score", "decide", "encode", "publish")
"""Of a lane's flush. ``decide`` is what its logic took beside decoding and scoring."""
CITY_STAGES = ("order", "fold", "encode", "publish")
"""Of the city task's flush."""


class Figure(NamedTuple):
    """A gauge as it stands: name, what it says (English), names of its labels, and value by their values."""

    name: str
    says: str
    labels: tuple[str, ...]
    values: Mapping[tuple[str, ...], float]


@runtime_checkable
class Shows(Protocol):
    """A logic that has figures. It is asked every few seconds, between two steps of its task, never within one."""

    def figures(self) -> Sequence[Figure]:
        """All of them, with all label values, also those that are zero."""
        ...


@dataclass(slots=True)
class TaskProgress:
    """One task: when it last moved, where it stands, where its input ends."""

    name: str
    moved: float = field(default_factory=time.monotonic)
    position: int = 0
    high: int = 0
    pulse_ms: int = -1
    pulsed: float = 0.0
    """When the pulse last moved, monotonic; 0: never."""
    oldest_ms: int = 0
    event_ms: int = -1
    """Greatest event time of accepted rows; -1: none since the task is ours."""
    accepted_ms: int = 0
    """When rows were last accepted, wall time; before the first since when the task is ours; 0: no lane.

    Of the conductor: when it last wrote a pulse.
    """
    set: str = ""
    out: int = 0
    """Of the city task: lanes that it goes on without."""
    figures: Sequence[Figure] = ()

    @property
    def lag(self) -> int:
        """Records between position and high watermark."""
        return max(0, self.high - self.position)


@dataclass(slots=True)
class Meter:
    """What a lane took and made since its last flush. Times in seconds, event time in ms UTC.

    ``event_ms`` is kept over flushes: the greatest event time of accepted rows; -1 before the first.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    raises: Counter[tuple[str, bool]] = field(default_factory=Counter)
    """Raises that are not in shadow, by scenario and whether of a never-hidden class."""
    accepted: int = 0
    """Rows that did not end as dead letters."""
    event_ms: int = -1
    begun_ns: int = 0
    """When the first batch since was worked, wall time; told only while records are sampled for traces."""
    links: list[tuple[int, int, int]] | None = None
    """Trace contexts of sampled input records, each once; None: none are sampled."""

    def took(self, stage: str, seconds: float) -> None:
        """A stage went on for so long."""
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds

    def worked(self, view: View, out: Output, seconds: float) -> None:
        """The logic worked a stretch; what it did not name of the time is that of deciding."""
        for stage, part in out.seconds.items():
            self.took(stage, part)
        self.took("decide", max(0.0, seconds - sum(out.seconds.values())))
        if self.links is not None:
            self.begun_ns = self.begun_ns or time.time_ns() - round(seconds * 1e9)
            self.links = list(dict.fromkeys([*self.links, *sampled(view.batch, LINKS)]))[:LINKS]
        accepted = len(view.rows) - len({dead.row for dead in out.dead})
        if accepted > 0:
            self.accepted += accepted
            # The log's own timestamps, of a logic that does not say what event time its rows have.
            newest = out.newest if out.newest >= 0 else int(view.batch.times[view.rows].max())
            self.event_ms = max(self.event_ms, newest)

    def raised(self, signals: Sequence[Signal]) -> None:
        """Signals that go out."""
        self.raises.update((s.scenario, s.life) for s in signals if s.kind == "raise" and not s.shadow())

    def clear(self) -> None:
        """A flush was committed and told."""
        self.seconds.clear()
        self.begun_ns = 0
        self.rolled_back()

    def rolled_back(self) -> None:
        """What was made will be made again; the time is gone all the same."""
        self.raises.clear()
        self.accepted = 0
        if self.links:
            self.links = []
