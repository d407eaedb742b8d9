"""One seed with the real fold, from start to verdict."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

from brain.drill.simulate.check import check
from brain.drill.simulate.lane import DrillLane, ManyTell
from brain.drill.simulate.sets import DESK, FOLDING, SETS
from brain.incidents import archive, inbox, timers
from brain.incidents.city import CityLogic
from streams.simulate.plan import Plan
from streams.simulate.run import Outcome, played
from streams.simulate.world import Cast, World

SHORT: dict[tuple[ModuleType, str], int] = {
    (timers, "GRAVE_MS"): 7_500, (archive, "KEPT_MS"): 7_000, (inbox, "PATIENCE_MS"): 1_500,
}  # fmt: skip
"""Days and minutes that would never pass in a world of seconds."""


def city() -> CityLogic:
    """The fold as the city task has it."""
    return CityLogic(FOLDING, SETS.__getitem__, DESK)


def plan(rng: random.Random) -> Plan:
    """As the toy's, harder on the city: it is killed often, and every third time a lane is slow and left out."""
    drawn = Plan.of(rng)
    drawn.kills = 0.6
    if rng.random() < 1 / 3:
        drawn.exclude_s = 2.0
        lane = f"lane-{rng.randrange(drawn.lanes)}"
        drawn.freezes.append((rng.uniform(1, drawn.seconds - 5), rng.uniform(6, 9), lane))
    return drawn


MODULE = "brain.drill.simulate"
"""What to run to see a seed again."""
CAST = Cast(DrillLane, city, SETS.__getitem__, ManyTell, plan)


def simulate(seed: int, trace: Callable[[str], None] | None = None) -> Outcome:
    """Play a seed and judge it. An error out of the fold is a violation like any other."""
    with shortened(SHORT):
        return played(World(seed, CAST), check, trace, MODULE)


@contextlib.contextmanager
def shortened(places: Mapping[tuple[ModuleType, str], int]) -> Iterator[None]:
    """Times of modules in the place of theirs, while a seed is played."""
    before: dict[tuple[ModuleType, str], Any] = {place: getattr(*place) for place in places}
    try:
        for place, value in places.items():
            setattr(*place, value)
        yield
    finally:
        for place, value in before.items():
            setattr(*place, value)
