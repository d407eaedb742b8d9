"""One seed with the real lane and the real city, from start to verdict."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from brain import census
from brain.agent_kit import city as city_agents
from brain.agent_kit import lane as lane_agents
from brain.agent_kit.fault import Inline
from brain.agent_kit.runners import run_by
from brain.drill.simulate.real.check import check
from brain.drill.simulate.real.lane import HurtLane, Readings
from brain.drill.simulate.real.sets import content
from brain.drill.simulate.run import SHORT, shortened
from brain.drill.simulate.sets import DESK, FOLDING
from brain.incidents.books import Books
from streams import logic
from streams.simulate.plan import Plan
from streams.simulate.run import Outcome, played
from streams.simulate.world import Cast, World

SHORTER: dict[tuple[Any, str], int] = {
    **SHORT, (logic, "MINUTE_MS"): 3_000, (city_agents, "MINUTE_MS"): 3_000, (census, "EVERY_MS"): 2_000,
    (census, "WHOLE_MS"): 6_000, (lane_agents, "WINDOW_MS"): 9_000, (city_agents, "WINDOW_MS"): 9_000,
}  # fmt: skip
"""A minute, the times of the census, and the window of an agent's failures, all ms."""


def city() -> Books:
    """Both books, as the city task has them."""
    return Books(FOLDING, content, DESK)


def plan(rng: random.Random) -> Plan:
    """As the toy's, with a promotion and what takes it back, and workers that are killed around both."""
    drawn = Plan.of(rng)
    drawn.kills = rng.choice((0.0, 0.3))
    first = rng.uniform(2, drawn.seconds * 0.5)
    second = rng.uniform(first + 2, drawn.seconds)
    drawn.changes = [(first, "s1"), (second, rng.choice(("s0", "s2", "s2")))]
    if rng.random() < 0.25:
        drawn.changes.append((rng.uniform(first, drawn.seconds), rng.choice(("s0", "s1"))))
    names = [f"lane-{i}" for i in range(drawn.lanes)] + ["city"] * drawn.lanes + ["conductor"]
    drawn.deaths = [
        (when + rng.uniform(-0.5, 2.5), rng.choice(names))
        for when, _ in drawn.changes for _ in range(rng.choice((0, 1, 2)))
    ]  # fmt: skip
    return drawn


MODULE = "brain.drill.simulate.real"
"""What to run to see a seed again."""
CAST = Cast(HurtLane, city, content, Readings, plan)


def simulate(seed: int, trace: Callable[[str], None] | None = None) -> Outcome:
    """Play a seed and judge it. An error out of the lane or the city is a violation like any other.

    Agents run in this process: what they do when they raise is the same there, and the seed is to give the same on
    every run, which a process that is killed by a clock does not.
    """
    with shortened(SHORTER), run_by(Inline()):
        return played(World(seed, CAST), check, trace, MODULE)
