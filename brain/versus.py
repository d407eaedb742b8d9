"""A scenario in shadow against the live one 影子对比: what both found, what one alone, who was earlier.

Pure: incidents of both books in, a report out. An incident of one book is the other's where their times overlap and
they share an asset or a grid, or are near.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Final, Literal, NamedTuple

import msgspec

from brain.incidents.squares import metres
from brain.incidents.value import Incident
from brain.precision import verdict, wilson
from brain.scenario import Scenario
from brain.scenario_kit.lock import hash_of

FORMAT: Final = "city-brain.shadow/1"
SLACK_MS: Final = 600_000
"""So far apart in time two incidents may be and still be of one thing."""
NEAR_M: Final = 500.0
LATER_MS: Final = 1_000
"""Of less nobody says that it came later."""
DAY_MS: Final = 86_400_000
CITY_MS: Final = 8 * 3_600_000
"""Days are those of the city, UTC+8."""

Kind = Literal["new", "major", "minor", "patch"]


class Day(msgspec.Struct):
    """Incidents that began on a day (YYYY-MM-DD): found by both, by the live one alone, in shadow alone."""

    day: str
    both: int = 0
    live: int = 0
    shadow: int = 0


class Work(msgspec.Struct):
    """What a department would have had on its console, of incidents that were shown."""

    lead: str
    live: int = 0
    shadow: int = 0


class Told(msgspec.Struct):
    """As a backtest's report tells of a scenario: by this a promotion knows that evidence is of this very content."""

    id: str
    now: int
    now_hash: str
    kind: Kind


class Versus(msgspec.Struct):
    """The comparison. Lists are of incidents' ids; ``since`` and ``until``: the span of the shadow's incidents, ms UTC.

    ``against``: the live scenario; empty where there is none, and then all live incidents of its family are.
    ``lead_s``: seconds that the shadow was earlier, of those that both found, sorted; below 0 it was later.
    """

    scenario: str
    against: str
    since: int
    until: int
    both: list[tuple[str, str]]
    only_live: list[str]
    only_shadow: list[str]
    weaker: list[str]
    lead_s: list[float]
    lead_median_s: float | None
    confirmed: int
    """Live ones that people found real, and how many of them the shadow found too."""
    confirmed_found: int
    false: int
    false_found: int
    precision: float | None
    """Of what the shadow found and people judged; null where they judged nothing of it."""
    low: float
    high: float
    days: list[Day]
    load: list[Work]
    scenarios: list[Told]
    format: str = FORMAT


class _Pair(NamedTuple):
    live: Incident
    shadow: Incident


def versus(s: Scenario, live: Iterable[Incident], shadow: Iterable[Incident]) -> Versus:
    """Compare the incidents of a scenario in shadow with the live ones, from the shadow's first on."""
    against = s.shadow_of or (s.id if s.state == "trial" else "")
    ours = _sorted(i for i in shadow if _has(i, s.id))
    since = min((i.onset for i in ours), default=0)
    until = max((_end(i) for i in ours), default=0)
    families = {i.family for i in ours}
    theirs = _sorted(
        i for i in live if not i.merged_into and _end(i) + SLACK_MS >= since
        and (_has(i, against) if against else i.family in families)
    )  # fmt: skip
    pairs = _paired(theirs, ours)
    paired = {i.id for pair in pairs for i in pair}
    only_live = [i for i in theirs if i.id not in paired]
    only_shadow = [i for i in ours if i.id not in paired]
    leads = sorted((pair.live.opened - pair.shadow.opened) / 1000 for pair in pairs)
    said = {i.id: verdict(i).verdict for i in theirs}
    found = {pair.live.id for pair in pairs}
    confirmed = [i.id for i in theirs if said[i.id] == "confirmed"]
    false = [i.id for i in theirs if said[i.id] == "false"]
    right, wrong = (sum(name in found for name in names) for names in (confirmed, false))
    low, high = wilson(right, right + wrong)
    weaker = [pair.live.id for pair in pairs if pair.shadow.peak_level < pair.live.peak_level]
    return Versus(
        s.id, against, since, until, [(pair.live.id, pair.shadow.id) for pair in pairs], [i.id for i in only_live],
        [i.id for i in only_shadow], weaker, leads, median(leads) if leads else None, len(confirmed), right,
        len(false), wrong, right / (right + wrong) if right + wrong else None, low, high,
        _days(pairs, only_live, only_shadow), _load(theirs, ours),
        [Told(s.id, s.version, hash_of(s), _kind(against, theirs, only_live, only_shadow, said, leads, weaker))],
    )  # fmt: skip


def _kind(
    against: str, theirs: Sequence[Incident], only_live: Sequence[Incident], only_shadow: Sequence[Incident],
    said: Mapping[str, str], leads: Sequence[float], weaker: Sequence[str],
) -> Kind:  # fmt: skip
    """Of the change from the live one to this: what finds less, later or weaker is major; nothing to judge by, too."""
    if not against:
        return "new"
    lost = [i for i in only_live if said[i.id] != "false"]
    if not theirs or lost or weaker or (leads and leads[0] * 1000 < -LATER_MS):
        return "major"
    return "minor" if only_shadow else "patch"


def _paired(live: Sequence[Incident], shadow: Sequence[Incident]) -> list[_Pair]:
    """Each with the other book's nearest in time that is of the same thing and not taken yet."""
    left, out = list(live), list[_Pair]()
    for one in shadow:
        alike = [other for other in left if _same(other, one)]
        if alike:
            best = min(alike, key=lambda other: (abs(other.onset - one.onset), other.id))
            left.remove(best)
            out.append(_Pair(best, one))
    return out


def _same(a: Incident, b: Incident) -> bool:
    if a.onset > _end(b) + SLACK_MS or b.onset > _end(a) + SLACK_MS:
        return False
    if {m.asset for m in a.members} & {m.asset for m in b.members} or set(a.grids) & set(b.grids):
        return True
    return a.lon is not None and a.lat is not None and metres(a.lon, a.lat, b.lon, b.lat) <= NEAR_M


def _end(i: Incident) -> int:
    """Until when it went on, as far as is known."""
    return max(i.onset, i.raised, i.cleared or 0, i.updated if i.resolved is None else i.resolved)


def _has(i: Incident, scenario: str) -> bool:
    return any((m.scenario or i.scenario) == scenario for m in i.members)


def _sorted(found: Iterable[Incident]) -> list[Incident]:
    return sorted(found, key=lambda i: (i.onset, i.id))


def _days(pairs: Sequence[_Pair], live: Sequence[Incident], shadow: Sequence[Incident]) -> list[Day]:
    days: dict[int, Day] = {}
    every = [*((p.shadow, "both") for p in pairs), *((i, "live") for i in live), *((i, "shadow") for i in shadow)]
    for i, side in every:
        number = (i.onset + CITY_MS) // DAY_MS
        day = days.setdefault(number, Day(_date(number)))
        setattr(day, side, getattr(day, side) + 1)
    return [days[number] for number in sorted(days)]


def _date(number: int) -> str:
    return (datetime.date(1970, 1, 1) + datetime.timedelta(days=number)).isoformat()


def _load(live: Sequence[Incident], shadow: Sequence[Incident]) -> list[Work]:
    mine, other = (Counter(i.lead_name.zh or i.lead or i.domain for i in side if i.shown is not None)
                   for side in (shadow, live))  # fmt: skip
    return [Work(lead, other[lead], mine[lead]) for lead in sorted(mine | other)]
