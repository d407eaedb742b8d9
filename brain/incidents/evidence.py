"""How much speaks for an incident: levels, and whether they climbed, kinds of source, assets.

An alarm that climbs through its levels tells of something that grows; one that begins high may be a spike, a stuck
sensor or a gust. So a climb that another asset stands beside adds to the evidence, and in weather that sets off all
kinds of sensors what began high says less (:class:`Lens`). It does not work for scenarios of one level.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from brain.incidents import fold
from brain.incidents.fold import Case
from brain.incidents.value import Member

LEVELS = (0.0, 0.0, 1.0, 3.0, 4.0)
SECOND = (0.0, 0.0, 0.0, 1.5, 1.5)
"""What the highest and the second highest level add."""
CLIMBED = (0.0, 0.0, 0.5, 1.5, 1.5)
"""What the highest level adds that an asset climbed to, rather than began at: a thing that grows."""
SOURCES, ASSETS = (0.0, 0.0, 1.5, 2.5), (0.0, 0.0, 0.5, 1.0, 1.0, 1.5)
"""What so many kinds of source, and assets, add; more than three kinds count as three, over five assets as five."""
IN_WEATHER = 3
"""More assets than so many count as so many in weather that sets off all kinds of sensors."""
HIGH = 3
"""Levels from it on speak for themselves."""
DOUBTED = 0.5
"""Trust in a member's asset below which it speaks for nothing."""


class Parts(NamedTuple):
    """What evidence is made of: highest and second highest level, kinds of source and assets that speak.

    ``climbed``: the highest level that one of them climbed to; ``again``: 1 where each had raised shortly before its
    latest raise, in this incident or in another; ``anew``: 1 where none had.
    """

    top: int = 0
    second: int = 0
    sources: int = 0
    assets: int = 0
    climbed: int = 0
    again: int = 0
    anew: int = 0

    def worth(self) -> float:
        """How much that is; 0 where no asset speaks."""
        return _worth(self)

    def company(self) -> float:
        """What so many assets add."""
        return ASSETS[min(self.assets, len(ASSETS) - 1)]

    def grows(self) -> float:
        """What the climb adds; nothing where no other asset speaks."""
        return CLIMBED[self.climbed] if self.assets > 1 else 0.0

    def begins(self) -> bool:
        """Whether something new grows: several kinds of source tell of it, one climbed, none had raised of late."""
        return self.anew > 0 and self.sources > 1 and self.climbed >= HIGH - 1


@lru_cache(10_000)
def _worth(found: Parts) -> float:
    """Asked of every raise, and of few kinds of parts."""
    if not found.assets:
        return 0.0
    level = LEVELS[found.top] + SECOND[found.second] + found.grows()
    return level + SOURCES[min(found.sources, KINDS)] + found.company()


_new = tuple.__new__
"""Makes parts, of which there are several a raise: what their own class does, at half the cost."""
NOTHING = Parts()
KINDS = len(SOURCES) - 1
"""Kinds of source that there are."""


class Lens(NamedTuple):
    """How what stands is read in weather that sets off all kinds of sensors; three kinds of source are read as ever.

    ``wild``: where nothing climbed several kinds of source count as one, and so do several assets of which the second
    highest is below level 3; more than three assets count as three. Level ``gust`` counts one less for an asset that
    began at it.
    """

    wild: bool = False
    gust: int = 0


CLEAR = Lens()


def evidence(case: Case, now: int, settings: fold.FoldSettings) -> float:
    """How much speaks for an incident: levels, assets, kinds of source of what stands, but chatters not nor is doubted.

    One asset at level 3 is 3.0, as much as three assets of two kinds, one of which is at level 2.
    """
    return parts(case, now, settings).worth()


def parts(
    case: Case, now: int, settings: fold.FoldSettings, since: int | None = None, lens: Lens = CLEAR
) -> Parts:  # fmt: skip
    """What speaks for an incident, counted; of what was last raised at ``since`` (fold time, ms) or later."""
    if len(case.standing) == 1:
        (m,) = case.standing.values()
        if not ((since is None or of_late(m, since)) and _speaks(m, now, settings)):
            return NOTHING
        again = 0 if m.before is None else int(fold.again(m, settings))
        return _new(Parts, (_level(m, lens.gust), 0, 1, 1, m.level if m.climbed else 0, again, 1 - again))
    top = second = climbed = old = new = 0
    speaking, sources, assets = list[Member](), set[str](), set[str]()
    for m in case.standing.values():
        if not ((since is None or of_late(m, since)) and _speaks(m, now, settings)):
            continue
        speaking.append(m)
        sources.add(m.source)
        assets.add(m.asset)
        level = m.level
        if level > second:
            top, second = (level, top) if level > top else (top, level)
        if level > climbed and m.climbed:
            climbed = level
        if m.before is not None and fold.again(m, settings):
            old += 1
        else:
            new += 1
    if not speaking:
        return NOTHING
    if lens.gust and len(sources) < KINDS:
        top, second = sorted((*(_level(m, lens.gust) for m in speaking), 0, 0), reverse=True)[:2]
    idle = lens.wild and not climbed and len(sources) < KINDS
    company = 1 if idle and second < HIGH else len(assets)
    if lens.wild:
        company = min(company, IN_WEATHER)
    return _new(Parts, (top, second, 1 if idle else len(sources), company, climbed, int(not new), int(not old)))


def _speaks(member: Member, now: int, settings: fold.FoldSettings) -> bool:
    """Whether a member is trusted, and does not chatter; what climbed since its last raise says something new."""
    if member.trust < DOUBTED:
        return False
    return member.climbed > 0 or len(member.recent) < settings.chatter or not fold.chatters(member, now, settings)


def _level(member: Member, gust: int) -> int:
    level = member.level if member.level > 0 else 0
    return level - 1 if level and level == gust and not member.climbed else level


def of_late(member: Member, since: int | None) -> bool:
    """Whether a member was last raised at ``since`` or later."""
    return since is None or (bool(member.recent) and member.recent[-1] >= since)
