"""A set compiled for one lane of series, and a stretch of values on its way through it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brain import beats
from brain.agent_kit import minute as agent_minute
from brain.agent_kit.lane import LaneAgents
from brain.alike import alike
from brain.census import Census
from brain.hours import Openings
from brain.lane_trust import Evidence
from brain.minutes import MinuteView
from brain.scenario import Scenario
from brain.scored import NO_SCORES, Scored
from brain.sets import CitySet
from geo.coords import F8
from streams.decode.columns import Columns
from streams.records import I4, I8


@dataclass(slots=True)
class Program:
    """A set, compiled for one lane: which series are ours, their cells, and the rules in tables."""

    content: CitySet
    scenarios: list[Scenario]
    slot_of: I4
    first: I4
    cells: NDArray[Any]
    cell_series: I4
    rules: NDArray[Any]
    rungs: NDArray[Any]
    timed: bool
    """Whether a pulse can change anything: conditions that end in silence, or orphans of an earlier set."""
    timers: beats.Timers
    minute_of: I4
    """Series → row of the minute under way; -1 where no summary needs it."""
    views: list[MinuteView]
    """Of each scenario that needs a summary."""
    shadows: list[MinuteView]
    """Of those in shadow or on trial."""
    scored: Scored
    joint: bool
    """Whether a summary needs the last values of several metrics, whenever they came."""
    openings: Openings
    """Hours of the scenarios."""
    census: Census
    """Which assets speak; false where none has a registered interval."""
    evidence: Evidence | None = None
    """What speaks against assets, where the set asks for it."""
    agents: LaneAgents | None = None
    asked: Sequence[agent_minute.View] = ()
    """Of city agents: what they get of a minute."""

    @property
    def sums(self) -> bool:
        """Whether anything wants the sums of a minute."""
        return bool(self.views or self.shadows or self.asked) or self.evidence is not None


@dataclass(slots=True)
class Stretch:
    """Values between two changes of the set: columns, the record's offset, the lane's clock and up-time of each, what
    became of it, where it is, in which hours it does not lie, and the scores that were made ahead of the decisions,
    with the place reached in them and the seconds that they took, for metrics."""

    columns: Columns
    offset: I8
    pulse: I8
    up: I8
    outcome: NDArray[np.uint8]
    place: tuple[F8, F8, I4]
    shut: I8
    scored: NDArray[Any] = field(default_factory=lambda: NO_SCORES)
    at: int = 0
    spent: float = 0.0


def same(one: CitySet, other: CitySet) -> bool:
    """Whether two sets of one registry are the same to a lane of series."""
    return (
        one.running() == other.running()
        and alike(one, other)
        and one.standards.documents == other.standards.documents
        and one.trust == other.trust
        and [(a.manifest, a.version, a.state) for a in one.agents]
        == [(a.manifest, a.version, a.state) for a in other.agents]
    )
