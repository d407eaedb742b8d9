"""The whole storm of a seed."""

from __future__ import annotations

from brain.drill.city import City
from brain.drill.storm.episodes import Told
from brain.drill.storm.ground import Ground
from brain.drill.storm.kinds import KINDS
from brain.drill.storm.lanes import Apart, told
from brain.drill.storm.model import FULL, Scenario, Size, Storm
from brain.drill.storm.noise import Noise
from brain.drill.storm.second import accompany
from brain.drill.storm.truths import Plan

START = 1_786_924_800_000
"""2026-08-17 08:00 in Beijing, ms UTC; recorded times mean nothing else."""


def make_storm(seed: int, size: Size = FULL, city: City | None = None) -> Storm:
    """The same for a seed and size, over the city of that seed or another one. Raises ValueError for a seed below 0."""
    ground = Ground(seed, size, START, city)
    plan = Plan(ground)
    while len(ground.spots) < size.spots:
        ground.add(*ground.site())
    true = Told(ground, plan)
    accompany(ground, true)
    noise = Noise(ground)
    kept = Apart(ground.end)
    kept.add(true.episodes)
    kept.add(noise.episodes)
    for burst in noise.bursts():  # chattering fills up what is missing
        if kept.signals >= size.signals:
            break
        kept.add(burst)
    signals, labels = told(ground, kept.episodes, [*true.tickets, *noise.tickets])
    scenarios = tuple(Scenario(k.id, k.event_code, k.domain, {"zh": k.zh, "en": k.en}, k.life) for k in KINDS)
    truths = tuple(p.truth for p in plan.truths)
    about: dict[str, str | int | float] = {"seed": seed, "start": ground.start, "hours": size.hours}
    return Storm(scenarios, truths, signals, labels, about)
