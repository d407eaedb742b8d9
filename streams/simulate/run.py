"""One seed, from start to verdict."""

from __future__ import annotations

import argparse
import sys
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
    return played(World(seed), check, trace)


def played(
    world: World, judge: Callable[[World], list[str]], trace: Callable[[str], None] | None = None,
    module: str = "streams.simulate",
) -> Outcome:  # fmt: skip
    """Play a world to its end and judge it."""
    world.trace = trace
    try:
        world.run()
        found = judge(world) if world.live else []
    except Exception:  # noqa: BLE001  # whatever the engine raises is what we are looking for
        found = [traceback.format_exc(limit=-6)]
        world.live = True
    signals = sum(len(world.broker.read(t.signals)) for t in world.topics)
    return Outcome(world.seed, tuple(found), world.live, world.steps, signals, world.counts, module)


def command(play: Callable[[int, Callable[[str], None] | None], Outcome], module: str, what: str) -> int:
    """``python -m MODULE SEED [COUNT] [--trace]``: 0 when everything held."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=what)
    parser.add_argument("seed", type=int)
    parser.add_argument("count", type=int, nargs="?", default=1)
    parser.add_argument("--trace", action="store_true")
    chosen = parser.parse_args()
    bad = 0
    for seed in range(chosen.seed, chosen.seed + chosen.count):
        outcome = play(seed, _tell if chosen.trace else None)
        if outcome.failed:
            bad += 1
            _tell(str(outcome))
    _tell(f"{chosen.count} seeds, {bad} failed")
    return 1 if bad else 0


def _tell(text: str) -> None:
    sys.stdout.write(text + "\n")
