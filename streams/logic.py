"""What the application gives the engine: the logic of a lane and the logic of the city. No clock, no I/O in either."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol

import numpy as np

from streams.records import I4, I8, TP, Batch, Dead, Headers, Notice, Signal, Summary
from streams.state import Store


class Beat(NamedTuple):
    """An accepted pulse, seen from the rows around it.

    ``at``: how many of the view's rows come before it. ``offset``: the pulse record's offset, the origin of signals
    that timers raise. ``time``: ms. ``up``: ms of up-time, which grows only while the inputs can be trusted:
    absence timers count it, never ``time``. ``outage``: ms the lane was blind before this beat (0 in normal times).
    ``before``: time of the pulse before it, ms; -1 for the lane's first.
    """

    at: int
    offset: int
    time: int
    up: int
    outage: int
    before: int = -1

    def passed(self, step: int) -> bool:
        """Whether the lane's clock came to or over a multiple of ``step`` ms with this beat; its first never does."""
        return self.before >= 0 and self.before // step != self.time // step

    def minute(self) -> int:
        """End of the minute of the lane's clock that this beat closed, ms; -1 where it closed none."""
        return (self.before // MINUTE_MS + 1) * MINUTE_MS if self.passed(MINUTE_MS) else -1


MINUTE_MS = 60_000
"""Summaries are of minutes."""
FAR: Final = 1 << 62
"""A fold time that never comes."""


Record = tuple[str, bytes, bytes | None, Headers]
"""Topic without its prefix, key, value, headers."""
Change = tuple[str | None, bytes, bytes | None, Headers]
"""A record, or, without a topic, a key of the state and its value, None to delete it."""


@dataclass(slots=True)
class View:
    """A stretch of one lane's log under one set: data rows and beats in offset order.

    ``rows`` (n,) are row numbers of ``batch`` that hold data; ``pulse`` (n,) is the lane's clock in ms before each
    row (the last accepted pulse; until the first one, the greatest of the log's own timestamps so far).
    """

    source: TP
    batch: Batch
    rows: I4
    pulse: I8
    beats: list[Beat]
    up: int
    """Up-time in ms at the first row."""


@dataclass(slots=True)
class Output:
    """What a stretch led to: signals and dead letters in the order of (offset, index)."""

    signals: list[Signal] = field(default_factory=list)
    summaries: list[Summary] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    audits: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """What a person may ask about later: (what, fields of the note)."""
    dead: list[Dead] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    """Rows by outcome for metrics, from a closed list of names (late, repeated, outside, ...)."""
    seconds: dict[str, float] = field(default_factory=dict)
    """For metrics: what decoding and scoring took, as ``decode`` and ``score``; empty where nobody measures."""
    newest: int = -1
    """For metrics: greatest event time of accepted rows, ms; -1: not known, and the log's timestamps stand in."""


class LaneLogic(Protocol):
    """Columns in, signals out. One object a lane; state lives only in the store's tables."""

    tables: Mapping[str, np.dtype[Any]]
    """Name → structured dtype of one row. Each table has its own append-only key space."""

    owner: str
    """Who wrote this state, as ``name@version``; kept in every state record."""

    def bind(self, store: Store, source: TP, partitions: int) -> None:
        """Called once an attempt, before anything else; the tables hold what was restored."""
        ...

    def enter(self, set_id: str, content: Any) -> None:
        """A set comes into force here: from the next row on. Also called after every restore with the set in force."""
        ...

    def process(self, view: View) -> Output:
        """Work through a stretch. Must give the same however the log is cut into stretches."""
        ...


class CityLogic(Protocol):
    """Signals in fold order and timers in, records out. State is keyed values, kept by the engine.

    ``changes`` hands over what changed since the last call. Output must not depend on when it is called.
    """

    owner: str

    def load(self, items: Mapping[bytes, bytes]) -> None:
        """State as it was last handed over."""
        ...

    def enter(self, set_id: str, content: Any) -> None:
        """A set comes into force, in fold order."""
        ...

    def signal(self, signal: Signal) -> None:
        """The next signal in fold order; its ``fold`` is the time."""
        ...

    def summary(self, summary: Summary) -> None:
        """The next summary in fold order. All lanes' summaries of one minute come before a timer set after its end."""
        ...

    def notice(self, notice: Notice) -> None:
        """The next notice in fold order; its ``fold`` is the time."""
        ...

    def due(self, until: int = FAR) -> int | None:
        """Fold time of the earliest timer, or None; whether there is one after ``until`` need not be looked for."""
        ...

    def fire(self, now: int) -> None:
        """Run the timers due at exactly ``now``, the earliest time; also when a set has just come into force then."""
        ...

    def fates(self) -> Mapping[str, int]:
        """What became of signals and timers since the last call, by reason from a closed list: for metrics."""
        ...

    def changes(self) -> Iterator[Change]:
        """State and records since the last call, each made as it is asked for; all are asked for, at once."""
        ...


Sets = Callable[[str], Any]
"""Set id → content. Raises KeyError where this worker does not have the set: it then takes no partition."""
