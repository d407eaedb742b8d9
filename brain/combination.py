"""Combinations of signals 组合, compiled: whose signals each part means, how near is together, and what is wrong."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import msgspec

from brain.incidents.squares import square, squares
from brain.near import Both, nears
from brain.scenario import Scenario
from brain.scenario_form import Combining, Part, Same
from brain.unfit import Unfit

SITE = "site"
"""Layer of the map that names sites."""
SIDE_M = 200.0
"""Least side of the squares by which signals are found."""
MOST_PARTS = 6


class Placed(Protocol):
    """What is needed of a signal to find those around it."""

    asset: str
    lon: float | None
    lat: float | None
    grid: str
    town: str
    district: str
    areas: dict[str, list[str]]


class Standing(Protocol):
    """What is needed of a signal to say whether it stands."""

    cleared: int | None
    t: int


@dataclass(frozen=True, slots=True)
class Combination:
    """One scenario of source signals. ``named``: scenarios of each part; ``form``: id and hash of what it looks for."""

    scenario: Scenario
    form: str
    kind: Combining
    parts: tuple[Part, ...]
    named: tuple[tuple[str, ...], ...]
    within_ms: int
    within_m: float | None
    same: Same | None
    place: int

    def cells(self, h: Placed) -> list[str]:
        """Where a signal is found again: its square, or what it shares with others; nowhere where that is unknown."""
        if self.within_m is not None:
            if h.lon is None or h.lat is None or math.isnan(h.lon + h.lat):
                return []
            row, column = square(h.lon, h.lat, max(self.within_m, SIDE_M))
            return [f"{row},{column}"]
        if self.same == "city":
            return ["city"]
        if self.same == "site":
            return list(h.areas.get(SITE, ()))
        shared = {"asset": h.asset, "grid": h.grid, "town": h.town, "district": h.district}[self.same or "asset"]
        return [shared] if shared else []

    def look(self, h: Placed) -> list[str]:
        """Cells in which those together with a signal can be."""
        if self.within_m is None:
            return self.cells(h)
        if h.lon is None or h.lat is None or math.isnan(h.lon + h.lat):
            return []
        side = max(self.within_m, SIDE_M)
        return [f"{row},{column}" for row, column in squares(h.lon, h.lat, self.within_m, side)]

    def stands(self, other: Standing, h: Standing) -> bool:
        """Whether a signal that came long before still counts beside another: it does as long as it stands."""
        return other.cleared is None and other.t <= h.t


class Trouble(NamedTuple):
    """What is wrong with a part: code of lint, place in the file, what, in Chinese and English."""

    code: str
    place: str
    zh: str
    en: str


def combinations(
    scenarios: Iterable[Scenario], beside: Iterable[Scenario] = (), aside: Iterable[Scenario] = ()
) -> list[Combination]:
    """Those among scenarios and those ``aside``, by id; parts are of scenarios and of those ``beside``, never of those
    aside. A part that nobody has is never heard."""
    mine = list(scenarios)
    every = sorted([*mine, *beside], key=lambda s: s.id)
    found = []
    for s in sorted([*mine, *aside], key=lambda s: s.id):
        d = s.detect if getattr(s, "source", "") == "signals" else None  # of what is like a scenario there may be less
        if d is None or d.combine is None:
            continue
        not_mine = (s.id, s.shadow_of)  # what it may take the place of is no part of it
        named = tuple(tuple(one.id for one in every if one.id not in not_mine and means(p, one)) for p in d.of)
        shape = (d, s.match, s.without, s.clear, s.level, named)
        form = hashlib.blake2b(msgspec.json.encode(shape, order="sorted"), digest_size=6).hexdigest()
        place = next((k for k, p in enumerate(d.of) if p.place), 0)
        ms = round((d.within_s or 0.0) * 1000)
        found.append(Combination(s, f"{s.id}#{form}", d.combine, d.of, named, ms, d.within_m, d.same, place))
    return found


def means(part: Part, s: Scenario) -> bool:
    """Whether a part means a scenario's signals: where a variant looks, its base does not, and it is heard for it."""
    if part.scenario:
        return part.scenario in (s.id, s.extends)
    return s.event_code == part.event or s.event_code.startswith(part.event + ".")


def needed(s: Scenario, every: Sequence[Scenario]) -> list[Scenario]:
    """The scenarios that a combination needs, through others too; without itself, by id."""
    found: dict[str, Scenario] = {}
    left = [s]
    while left:
        one = left.pop()
        for part in one.detect.of:
            for other in every:
                if other.id != s.id and other.id not in found and means(part, other):
                    found[other.id] = other
                    left.append(other)
    return [found[id_] for id_ in sorted(found)]


def trouble(every: Sequence[Scenario]) -> Iterator[tuple[Scenario, Trouble]]:
    """Parts that no scenario, or only a retired one, answers to; those that do not run; circles."""
    by_id = {s.id: s for s in every}
    # By an event code a combination does not hear itself.
    uses = {s.id: {o.id for p in s.detect.of for o in every if means(p, o)} - {s.id} for s in every if s.detect.of}
    for s in every:
        for n, part in enumerate(s.detect.of):
            mine = [o for o in every if o.id != s.id and means(part, o) and o.state != "retired"]
            name, where = part.scenario or part.event, f"detect.of[{n}].{'scenario' if part.scenario else 'event'}"
            if not mine:
                close = nears(name, list(by_id)) if part.scenario else Both("", "")
                yield (
                    s,
                    Trouble(
                        "removed_but_used", where, f"没有场景 {name}{close.zh}", f"no scenario is {name}{close.en}"
                    ),
                )
            elif all(o.state != "live" for o in mine):
                states = ", ".join(f"{o.id} ({o.state})" for o in mine)
                yield s, Trouble("part_not_live", where, f"不在运行: {states}", f"does not run: {states}")
            elif all(part.level_from > highest(o) for o in mine):
                top = max(highest(o) for o in mine)
                zh, en = f"{name} 最高 {top} 级", f"{name} comes to level {top} at most"
                yield s, Trouble("never_true", f"detect.of[{n}].level_from", zh, en)
        lost = nowhere(s, every) if s.detect.of and s.state in ("draft", "shadow", "trial") else []
        if lost:
            code = "contradicts" if s.state == "trial" else "no_trial"
            yield s, Trouble(code, "trial" if s.state == "trial" else "detect.of", *no_trial(lost))
        if s.id in _reached(s.id, uses):
            yield s, Trouble("cycle", "detect.of", "组合绕回自身", "it needs itself, through its parts")


def _reached(begin: str, uses: Mapping[str, set[str]]) -> set[str]:
    met: set[str] = set()
    left = list(uses.get(begin, ()))
    while left:
        one = left.pop()
        if one not in met:
            met.add(one)
            left += uses.get(one, ())
    return met


def nowhere(s: Scenario, every: Sequence[Scenario]) -> list[str]:
    """Scenarios that would give a combination its place, by id, where none of them ever lies in a district: sums over
    the city, and combinations of such. Else empty."""
    met, out = {s.id}, list[str]()
    left = [s]
    while left:
        one = left.pop()
        given = [p for p in one.detect.of if p.place] or list(one.detect.of[:1])
        for part in one.detect.of if one.detect.combine == "or" else given:
            for o in every:
                if o.id in met or o.state == "retired" or not means(part, o):
                    continue
                met.add(o.id)
                if o.detect.of:
                    left.append(o)
                elif o.detect.sum_over is None or o.detect.by not in (None, "city"):
                    return []
                else:
                    out.append(o.id)
    return sorted(out)


def no_trial(names: Sequence[str]) -> tuple[str, str]:
    """Why a combination with its place of these cannot be on trial, in Chinese and English."""
    who = ", ".join(names)
    return (
        f"不能试点: 位置取自 {who}, 其信号不属于任何区; 请由影子直接上线",
        f"it cannot be on trial: its place is that of {who}, whose signals lie in no district; from shadow go live",
    )


def highest(s: Scenario) -> int:
    """Highest level that a scenario can come to; of standards 4, as far as a file says."""
    if s.detect.standard is not None:
        return max(s.detect.levels.values(), default=4)
    return max([s.level, *(rung.level for rung in s.levels)])


def check(s: Scenario) -> None:
    """Whether a combination's parts go together. Raises ValueError with the place in the scenario."""
    d, m = s.detect, s.match
    if s.source != "signals" or d.combine is None:
        raise Unfit(
            "detect.combine", "expected with source signals, and there only; source is {source!r}", source=s.source
        )
    mine = {"combine", "of", "within_s", "within_m", "same"}
    _plain(d, mine, "detect", Both("不能与 combine 同用", "not with combine"))
    only = Both(
        "不用于来源 signals: 应为 hours, districts, layer", "not for source signals: expected hours, districts, layer"
    )
    _plain(m, {"hours", "districts", "layer", "sort"}, "match", only)
    least, most = (2, 2) if d.combine == "absence" else (1 if d.combine == "or" else 2, MOST_PARTS)
    if not least <= len(d.of) <= most:
        raise Unfit(
            "detect.of",
            "expected {least} to {most} parts for {combine}, got {got}",
            least=least,
            most=most,
            combine=d.combine,
            got=len(d.of),
        )
    for n, part in enumerate(d.of):
        if bool(part.scenario) == bool(part.event):
            raise Unfit(f"detect.of[{n}]", "expected scenario or event, one of both")
        if not 1 <= part.level_from <= 4:
            raise Unfit(f"detect.of[{n}].level_from", "expected 1 to 4, got {got}", got=part.level_from)
        if part.scenario == s.id:
            raise Unfit(f"detect.of[{n}].scenario", "a combination of itself")
    if sum(part.place for part in d.of) > (d.combine in ("and", "sequence")):
        raise Unfit("detect.of", "expected one part with place, of and or sequence: else the first has it")
    if (d.within_s is None) != (d.combine == "or") or (d.within_s is not None and not 0 < d.within_s <= 31 * 86_400):
        raise Unfit("detect.within_s", "expected seconds above 0, at most 31 days; none for or")
    if (d.within_m is None) == (d.same is None) or (d.within_m is not None and not 0 < d.within_m <= 50_000):
        raise Unfit("detect", "expected within_m (metres above 0, at most 50,000) or same, one of both")
    ends = [name for name in s.clear.__struct_fields__ if getattr(s.clear, name) is not None]
    if ends not in ([], ["quiet_s"]):
        raise Unfit(f"clear.{ends[0]}", "expected quiet_s, or nothing: it ends when its parts do")
    if s.life or s.levels or (s.duration.readings, s.duration.seconds) != (1, 0.0):
        raise Unfit("life, levels, for", "not for combine: its parts have them")


def _plain(part: msgspec.Struct, allowed: set[str], where: str, why: Both) -> None:
    bare: Any = type(part)()
    for name in part.__struct_fields__:
        if name not in allowed and getattr(part, name) != getattr(bare, name):
            raise Unfit(f"{where}.{name}", "{why}", why=why)
