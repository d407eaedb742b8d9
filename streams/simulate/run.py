"""One seed, from start to verdict."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass

from streams.simulate.check import check
from streams.simulate.world import World


@dataclass(frozen=True)
class Outcome:
    """What became of a seed."""

    seed: int
    violations: tuple[str, ...]
    live: bool
    steps: int
    signals: int
    faults: dict[str, int]
    module: str = "streams.simulate"
    """What to run to see it again."""

    @property
    def failed(self) -> bool:
        """Whether something did not hold."""
        return bool(self.violations) or not self.live

    def __str__(self) -> str:
        what = "\n  ".join(self.violations) if self.live else "not live: " + "; ".join(self.violations)
        return f"seed {self.seed}: {what}\n  repeat: python -m {self.module} {self.seed} --trace"


def simulate(seed: int, trace: Callable[[str], None] | None = None) -> Outcome:
    """Play a seed and judge it. An error out of the engine is a violation like any other."""
    world = World(seed)
    world.trace = trace
    try:
        world.run()
        found = check(world) if world.live else []
    except Exception:  # noqa: BLE001  # whatever the engine raises is what we are looking for
        found = [traceback.format_exc(limit=-6)]
        world.live = True
    signals = sum(len(world.broker.read(t.signals)) for t in world.topics)
    return Outcome(seed, tuple(found), world.live, world.steps, signals, world.counts)
