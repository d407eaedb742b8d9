"""How often a rule was right: by scenario, asset and grid, from what people said of its incidents.

Pure: records in, counts out. An incident is *confirmed* when a person confirmed it, was there, disposed of it or opened
it again; *false* when the last word was false alarm (of two persons where it takes two). One that only went quiet is
undecided: it speaks neither for nor against its rule. Merged incidents speak through the one they are part of.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

import msgspec

from brain.incidents.value import Incident

Verdict = Literal["confirmed", "false", ""]
Z: Final = 1.96
"""Quantile of the normal distribution for intervals of 95 %."""

REAL: Final = frozenset(("confirm", "arrive", "resolve", "reopen"))
FALSE: Final = "false_alarm"


class Judged(NamedTuple):
    """An incident and what people said of it; ``acts``: ids of the actions that said so, the last one deciding."""

    incident: Incident
    verdict: Verdict
    acts: tuple[str, ...]


class Gone(NamedTuple):
    """An incident whose record is no longer kept, as the audit topic has it: its first scenario, and the verdict."""

    incident: str
    scenario: str
    verdict: Verdict


class Count(msgspec.Struct):
    """Of one rule, asset or grid. Ids of incidents, sorted; ``unseen``: withheld, so that nobody could judge them."""

    scenario: str
    asset: str = ""
    grid: str = ""
    confirmed: list[str] = []
    false: list[str] = []
    undecided: int = 0
    unseen: int = 0
    precision: float | None = None
    """Confirmed among decided; null where nothing is decided."""
    low: float = 0.0
    high: float = 1.0
    """Wilson interval of 95 %."""

    @property
    def decided(self) -> int:
        """Of how many people said what they were."""
        return len(self.confirmed) + len(self.false)


class Report(msgspec.Struct):
    """All counts, each list sorted by its names."""

    rules: list[Count]
    assets: list[Count]
    grids: list[Count]


def wilson(right: int, of: int, z: float = Z) -> tuple[float, float]:
    """Interval of a share (Wilson 1927); 0 to 1 where there is nothing to judge by. Wide for few: that is its use."""
    if of == 0:
        return 0.0, 1.0
    p, zz = right / of, z * z / of
    middle, wide = p + zz / 2, z * math.sqrt(p * (1 - p) / of + zz / of / 4)
    return max(0.0, (middle - wide) / (1 + zz)), min(1.0, (middle + wide) / (1 + zz))


def verdict(incident: Incident) -> Judged:
    """What people said of it; the last word counts."""
    said: Verdict = "false" if incident.state == "false_alarm" else ""
    acts: list[str] = []
    for act in incident.history:
        if act.what in REAL:
            said = "confirmed"
            acts.append(act.id)
        elif act.what == FALSE:
            said = "false"
            acts.append(act.id)
    return Judged(incident, said, tuple(acts))


def judged(incidents: Mapping[str, Incident]) -> list[Judged]:
    """All that are not part of another, by id."""
    return [verdict(incidents[key]) for key in sorted(incidents) if not incidents[key].merged_into]


def gone(incidents: Mapping[str, Incident], notes: Iterable[Mapping[str, Any]]) -> list[Gone]:
    """What the audit topic has of incidents whose records are not kept any more, by id."""
    scenario: dict[str, str] = {}
    said: dict[str, Verdict] = {}
    merged: set[str] = set()
    for note in notes:
        name, what = str(note.get("incident") or ""), note.get("what")
        if not name or name in incidents:
            continue
        if note.get("scenario"):
            scenario.setdefault(name, str(note["scenario"]))
        if what == "feedback.done" and not note.get("proposed"):
            do = note.get("do")
            if do == "merge":
                merged.add(name)
            elif do == "unmerge":
                merged.discard(name)
            elif do in REAL or do == FALSE:
                said[name] = "false" if do == FALSE else "confirmed"
    return [Gone(n, scenario[n], said.get(n, "")) for n in sorted(scenario) if n not in merged]


def report(every: Sequence[Judged], old: Sequence[Gone] = ()) -> Report:
    """Count each incident once for each scenario, scenario's asset and scenario's grid that it has.

    Incidents that only the audit topic still knows count for their rule alone.
    """
    rules: dict[tuple[str, str], Count] = {}
    assets: dict[tuple[str, str], Count] = {}
    grids: dict[tuple[str, str], Count] = {}
    for one in every:
        i = one.incident
        for scenario in sorted({m.scenario or i.scenario for m in i.members} or {i.scenario}):
            _add(rules.setdefault((scenario, ""), Count(scenario)), i.id, one.verdict, seen=i.shown is not None)
        for scenario, asset in sorted({(m.scenario or i.scenario, m.asset) for m in i.members}):
            count = assets.setdefault((scenario, asset), Count(scenario, asset))
            _add(count, i.id, one.verdict, seen=i.shown is not None)
        for scenario, grid in sorted({(m.scenario or i.scenario, m.grid or i.grid) for m in i.members}):
            if grid:
                count = grids.setdefault((scenario, grid), Count(scenario, grid=grid))
                _add(count, i.id, one.verdict, seen=i.shown is not None)
    for past in old:
        _add(rules.setdefault((past.scenario, ""), Count(past.scenario)), past.incident, past.verdict, seen=True)
    return Report(*([_closed(counts[key]) for key in sorted(counts)] for counts in (rules, assets, grids)))


def _add(count: Count, incident: str, said: Verdict, *, seen: bool) -> None:
    if said == "confirmed":
        count.confirmed.append(incident)
    elif said == "false":
        count.false.append(incident)
    elif seen:
        count.undecided += 1
    else:
        count.unseen += 1


def _closed(count: Count) -> Count:
    count.confirmed.sort()
    count.false.sort()
    if count.decided:
        count.precision = len(count.confirmed) / count.decided
        count.low, count.high = wilson(len(count.confirmed), count.decided)
    return count
