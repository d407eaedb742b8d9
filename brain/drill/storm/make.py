"""The whole storm of a seed."""

from __future__ import annotations

from itertools import chain

from brain.drill.storm.episodes import Told
from brain.drill.storm.ground import Ground
from brain.drill.storm.kinds import KINDS
from brain.drill.storm.lanes import told
from brain.drill.storm.model import FULL, Scenario, Size, Storm
from brain.drill.storm.noise import Noise
from brain.drill.storm.truths import Plan

START = 1_786_924_800_000
"""2026-08-17 08:00 in Beijing, ms UTC; recorded times mean nothing else."""


def make_storm(seed: int, size: Size = FULL) -> Storm:
    """The same for a seed and size. Raises ValueError for a seed below 0."""
    ground = Ground(seed, size, START)
    plan = Plan(ground)
    while len(ground.spots) < size.spots:
        ground.add(*ground.site())
    true = Told(ground, plan)
    noise = Noise(ground)
    # Chattering fills up what is missing: what it is worth is known only when the lanes have told it.
    bursts, wanted = noise.bursts(), 0
    while True:
        signals, labels = told(ground, chain(true.episodes, noise.episodes), [*true.tickets, *noise.tickets])
        missing = size.signals - len(signals)
        if missing <= 0:
            break
        wanted = max(missing, 200)
        while wanted > 0:
            wanted -= next(bursts)
    scenarios = tuple(Scenario(k.id, k.event_code, k.domain, {"zh": k.zh, "en": k.en}, k.life) for k in KINDS)
    truths = tuple(p.truth for p in plan.truths)
    about: dict[str, str | int | float] = {"seed": seed, "start": ground.start, "hours": size.hours, "city": size.city}
    return Storm(scenarios, truths, signals, labels, about)
