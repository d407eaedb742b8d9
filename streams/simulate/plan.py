"""What one seed does, drawn from it before anything runs."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from streams.simulate.toy import SETS

KINDS = ("crash", "crash_after", "fail", "lost", "late", "crash_late", "freeze")


@dataclass
class Plan:
    """What one seed does: sizes, settings and how often each fault strikes (chance a step)."""

    lanes: int
    seconds: float
    rates: dict[str, float]
    fetch_rate: float
    moves: float
    """Rebalances a second."""
    compactions: float
    exclude_s: float
    constants: dict[str, int]
    forged: bool
    poison: bool
    raising: bool
    changes: list[tuple[float, str]]
    freezes: list[tuple[float, float, str]]
    """(from, seconds, task) in which a task does nothing at all."""
    outages: list[tuple[float, float]]
    """(from, seconds) in which no data comes and the conductor stands still."""
    kills: float = 0.0
    """Of the city task alone, a second, beside all else that it suffers."""
    deaths: list[tuple[float, str]] = field(default_factory=list)
    """(when, task): the worker that has the task is gone, with all its tasks, as by kill -9."""

    @classmethod
    def of(cls, rng: random.Random) -> Plan:
        """Draw one."""
        lanes, seconds = rng.choice((2, 2, 3)), rng.uniform(9, 16)
        rates = {kind: rng.choice((0.0, 0.0, 0.01, 0.03)) for kind in KINDS}
        names = [f"lane-{i}" for i in range(lanes)] + ["city"]
        return cls(
            lanes, seconds, rates,
            fetch_rate=rng.choice((0.0, 0.05, 0.2)),
            moves=rng.choice((0.0, 0.1, 0.4)),
            compactions=rng.choice((0.0, 0.5, 2.0)),
            exclude_s=rng.choice((2.0, 3.0, 10.0)),
            constants={
                "BUFFER_ROWS": rng.choice((2, 10, 200_000)), "CHUNK_BYTES": rng.choice((140, 210, 300, 65_536)),
                "PART_BYTES": rng.choice((70, 200, 500_000)), "KEYS_PER_CHUNK": rng.choice((2, 3, 2048)),
            },
            forged=rng.random() < 0.4, poison=rng.random() < 0.25, raising=rng.random() < 0.4,
            changes=[(rng.uniform(1, seconds), rng.choice(sorted(SETS))) for _ in range(rng.choice((0, 1, 1, 3)))],
            freezes=[
                (rng.uniform(1, seconds - 5), rng.uniform(4, 9), rng.choice(names))
                for _ in range(rng.choice((0, 0, 1, 2)))
            ],
            outages=[(rng.uniform(2, seconds - 4), rng.uniform(5.5, 8))] if rng.random() < 0.25 else [],
        )  # fmt: skip
