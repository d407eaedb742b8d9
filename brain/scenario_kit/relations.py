"""What is wrong between scenarios: one makes another needless, a combination's part is gone, a variant says nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from brain import combination
from brain.incidents.value import Text
from brain.scenario import Scenario
from brain.scenario_kit import variant
from brain.scenario_kit.findings import Found


def between(every: Sequence[Scenario]) -> Iterator[tuple[Scenario, Found]]:
    """Of combinations and variants; ``every``: all scenarios, by id."""
    for s, (code, place, zh, en) in (*combination.trouble(every), *variant.trouble(every)):
        yield s, Found(code, place, Text(zh, en))
    by_id = {s.id: s for s in every}
    for s in every:
        base = by_id.get(s.extends)
        if base is not None and (base.detect, base.clear, base.duration, base.level, base.levels, base.event_code) == (
            s.detect, s.clear, s.duration, s.level, s.levels, s.event_code,
        ) and _filters(base) == _filters(s):  # fmt: skip
            zh, en = f"与 {base.id} 没有不同", f"it differs in nothing from {base.id}"
            yield s, Found("shadowed", "extends", Text(zh, en))
        if s.detect.combine in ("and", "sequence") and s.detect.same != "city":
            yield from _never_together(s, every)


def _filters(s: Scenario) -> Any:
    return msgspec.structs.replace(s.match, districts=())


def _never_together(s: Scenario, every: Sequence[Scenario]) -> Iterator[tuple[Scenario, Found]]:
    """A part all of whose scenarios look in other districts than the combination does."""
    mine = set(s.match.districts)
    for n, part in enumerate(s.detect.of):
        others = [o for o in every if o.id != s.id and combination.means(part, o)]
        if mine and others and all(o.match.districts and mine.isdisjoint(o.match.districts) for o in others):
            zh, en = "各部分不在同一区", "this part looks in other districts than the combination"
            yield s, Found("never_true", f"detect.of[{n}]", Text(zh, en))


def shadowed(scenarios: Sequence[Scenario]) -> Iterator[tuple[Scenario, Found]]:
    """Scenarios that another one of the same match makes needless."""
    for s in scenarios:
        other = next((o for o in scenarios if o.id != s.id and _covers(o, s)), None)
        if other is not None:
            zh, en = f"凡触发时 {other.id} 也触发", f"whenever it fires, {other.id} does"
            yield s, Found("shadowed", "detect", Text(zh, en))


def _covers(o: Scenario, s: Scenario) -> bool:
    """Whether ``o`` is raised whenever ``s`` is, at no lower level, for the same event and domain."""
    if (o.source, o.life, o.event_code) != (s.source, s.life, s.event_code) or not _wider(o, s):
        return False
    name = next((n for n in _BOUNDS if getattr(s.detect, n) is not None), "")
    if not name or getattr(o.detect, name) is None or _rest(o, name) != _rest(s, name):
        return False
    theirs, ours = float(getattr(o.detect, name)), float(getattr(s.detect, name))
    weaker = theirs >= ours if name == "below" else theirs <= ours
    sooner = o.duration.readings <= s.duration.readings and o.duration.seconds <= s.duration.seconds
    same = (theirs, o.duration, o.level, o.levels, o.match) == (ours, s.duration, s.level, s.levels, s.match)
    if not weaker or not sooner or (same and o.id > s.id):
        return False
    worse = [(ours, s.level), *((rung.at, rung.level) for rung in s.levels)]
    return all(_level(o, name, at) >= level for at, level in worse)


def _wider(o: Scenario, s: Scenario) -> bool:
    """Whether ``o`` looks at all that ``s`` looks at, and wherever and whenever it does."""
    here: dict[str, Any] = {"hours": None, "districts": (), "layer": "", "sort": ""}
    if msgspec.structs.replace(o.match, **here) != msgspec.structs.replace(s.match, **here):
        return False
    ours, theirs = set(s.match.districts), set(o.match.districts)
    where = not theirs or (bool(ours) and ours <= theirs)
    if not where or any(d not in s.without and (not ours or d in ours) for d in o.without):
        return False
    areas = (o.match.layer, o.match.sort) in (("", ""), (s.match.layer, ""), (s.match.layer, s.match.sort))
    return areas and o.match.hours in (None, s.match.hours)


_BOUNDS = ("above", "below", "sum_over", "ewma_deviation", "score_over", "count_over", "mass", "silent_s")


def _rest(s: Scenario, bound: str) -> dict[str, Any]:
    return {name: getattr(s.detect, name) for name in s.detect.__struct_fields__ if name != bound}


def _level(s: Scenario, bound: str, at: float) -> int:
    met = [rung.level for rung in s.levels if (at <= rung.at if bound == "below" else at >= rung.at)]
    return max([s.level, *met])
