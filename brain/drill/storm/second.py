"""Who tells of an ordinary truth after the first one, and when: the rule of docs/storm.md, for every truth.

Somebody else tells of it within 100 s, or else a lone sensor says level 3 or 4 and nobody else for two minutes, then
others. :class:`~brain.drill.storm.episodes.Told` draws so; but calls may be left out that would count for another
truth's case, sensors may be taken, and effects come when they come. Where the rule is broken by what is left it is put
right here, by draws of its own: all other truths stay as they were drawn.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from brain.drill.city.terrain import stream
from brain.drill.storm.episodes import Told, risen
from brain.drill.storm.ground import Draw, Ground, kinds_of
from brain.drill.storm.kinds import BY_ID, IOT, VIDEO
from brain.drill.storm.lanes import Apart, cases
from brain.drill.storm.model import Episode
from brain.drill.storm.truths import Planned

SOON_MS, LONE_MS = 100_000, 120_000
"""The second one comes before the one, or after the other."""
BROUGHT_MS = (35_000, 95_000)
"""How long after the first one somebody is brought who would not have come in time."""
LONE_LEVEL = 3
ROUNDS = 20
NO_SECOND = "truth {truth}: nobody else to tell of it"


class Raise(NamedTuple):
    """One raise of a truth's own family: event time ms, who, at which level; a call has no ``episode``."""

    t: int
    asset: str
    level: int
    episode: Episode | None


def accompany(ground: Ground, told: Told) -> None:
    """Put right, in ``told``, who tells of its ordinary truths second. Raises ValueError where nobody can."""
    draws = {p.truth.id: stream(ground.seed, f"storm.second.{p.truth.id}") for p in told.plan.truths}
    for _ in range(ROUNDS):
        raises = _raises(ground, told)
        broken = [p for p in told.plan.truths if not (p.truth.life or holds(raises.get(p.truth.id, [])))]
        if not broken:
            return
        for planned in broken:
            _mend(draws[planned.truth.id], told, planned, raises.get(planned.truth.id, []))
    raise ValueError(NO_SECOND.format(truth=broken[0].truth.id))


def holds(raises: list[Raise]) -> bool:
    """Whether what is told of one ordinary truth, in order, is as it should be."""
    second = _second(raises)
    if second is None:
        return False
    later = second - raises[0].t
    return later <= SOON_MS or (later >= LONE_MS and _lone(raises[0]))


def _second(raises: list[Raise]) -> int | None:
    return next((r.t for r in raises if r.asset != raises[0].asset), None)


def _lone(first: Raise) -> bool:
    """Whether it is a sensor that may be alone."""
    return first.episode is not None and first.episode.asset.source == IOT and first.level >= LONE_LEVEL


def _raises(ground: Ground, told: Told) -> dict[str, list[Raise]]:
    """Of each truth, what its lanes will tell of its own family, in order."""
    family = {p.truth.id: p.truth.family for p in told.plan.truths}
    kept = Apart(ground.end)
    kept.add(told.episodes)
    out: dict[str, list[Raise]] = {}
    for e in kept.episodes:
        if e.truth is not None and BY_ID[e.scenario].family == family[e.truth]:
            out.setdefault(e.truth, []).append(Raise(e.steps[0].t, e.asset.id, e.steps[0].level, e))
    for (scenario, grid), mine in cases(ground, told.tickets).items():
        for first, *_ in mine:
            if first.truth is not None and BY_ID[scenario].family == family[first.truth]:
                out.setdefault(first.truth, []).append(Raise(first.t, f"{scenario}@{grid}", 1, None))
    for raises in out.values():
        raises.sort(key=lambda r: (r.t, r.asset))
    return out


def _mend(draw: Draw, told: Told, planned: Planned, raises: list[Raise]) -> None:
    if not raises:
        raise ValueError(NO_SECOND.format(truth=planned.truth.id))
    first = raises[0]
    early = [r.episode for r in raises if r.asset != first.asset and r.t - first.t < LONE_MS]
    moved = [episode for episode in early if episode is not None]
    if _lone(first) and moved:  # it stays alone for so long
        for episode in moved:
            _move(episode, LONE_MS - SOON_MS)
        return
    t = first.t + round(draw.uniform(*BROUGHT_MS))
    others = [r.episode for r in raises if r.asset != first.asset and r.episode is not None]
    if others:
        _move(others[0], t - others[0].steps[0].t)
        return
    used = {r.asset for r in raises}
    for kind in (k for source in (VIDEO, IOT) for k in kinds_of(planned.truth.family, source)):
        for asset in told.ground.sensors(planned.spot, kind):
            if asset.id not in used and first.episode is not None:
                steps = first.episode.steps
                top = max(step.level for step in steps)
                levels = (max(1, top - 1), top)
                told.episodes.append(risen(draw, kind, asset, t, steps[-1].t, levels, planned.truth.id))
                return
    raise ValueError(NO_SECOND.format(truth=planned.truth.id))


def _move(episode: Episode, later: int) -> None:
    """Raise and climb so much later, or earlier; the end stays where that leaves room."""
    *steps, clear = episode.steps
    moved = [replace(step, t=step.t + later) for step in steps]
    episode.steps = [*moved, replace(clear, t=max(clear.t, moved[-1].t + 8_000))]
