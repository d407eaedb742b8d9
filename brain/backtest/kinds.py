"""Of which kind a scenario's new version is, by what its signals do on a log.

Catches less, later or at a lower level: **major**, which two people answer for. More alarms: **minor**. What decides is
the same: **patch**. A log in which the version in force raises nothing proves nothing, and counts as major.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from brain.backtest import depends
from brain.backtest.engine import Run
from brain.backtest.report import Judged, Kind
from brain.backtest.truths import LATER_MS
from brain.scenario import Scenario
from brain.scenario_kit.lock import hash_of
from streams.records import Signal

_FOREVER: Final = 1 << 62
_ORDER: Final[dict[Kind, int]] = {"": 0, "patch": 1, "minor": 2, "new": 3, "gone": 4, "major": 5}


class Episode(NamedTuple):
    """From a raise to its clear, event time in ms; ``level`` is the highest it had."""

    begin: int
    end: int
    level: int


class Held(NamedTuple):
    """Episodes of one scenario against those of another version of it."""

    base: int
    candidate: int
    lost: int
    later: int
    weaker: int
    more: int


def judged(base: Run, candidate: Run) -> list[Judged]:
    """Every scenario that is not the same in both sets, whatever its state, by id."""
    was, now = _scenarios(base), _scenarios(candidate)
    mine, theirs = _by_scenario(base.signals), _by_scenario(candidate.signals)
    out = []
    for id_ in sorted({*was, *now}):
        a, b = was.get(id_), now.get(id_)
        if a == b:
            continue
        held = held_against(mine.get(id_, ()), theirs.get(id_, ()))
        kind, why = kind_of(a, b, held)
        out.append(Judged(
            id_, 0 if a is None else a.version, 0 if b is None else b.version, "" if a is None else hash_of(a),
            "" if b is None else hash_of(b), depends.fields(a, b), kind, why, *held,
        ))  # fmt: skip
    return out


def kind_of(was: Scenario | None, now: Scenario | None, held: Held) -> tuple[Kind, str]:
    """The kind, and why."""
    if was is None:
        return "new", "new"
    if now is None:
        return "gone", "gone"
    if depends.same_decision(was, now):
        return "patch", "wording"
    if was.life and not now.life:
        return "major", "no_longer_life"
    if held.lost:
        return "major", "catches_less"
    if held.later:
        return "major", "catches_later"
    if held.weaker:
        return "major", "lower_level"
    if not held.base:
        return "major", "nothing_to_compare"
    return ("minor", "more_alarms") if held.more else ("minor", "no_difference")


def held_against(base: Sequence[Signal], candidate: Sequence[Signal]) -> Held:
    """Episodes of the base are found again where one of the candidate on the same asset overlaps them."""
    was, now = episodes(base), episodes(candidate)
    lost = later = weaker = more = 0
    for asset, several in was.items():
        others = _Over(now.get(asset, ()))
        for one in several:
            same = others.lap(one)
            lost += not same
            if same:
                later += min(o.begin for o in same) > one.begin + LATER_MS
                weaker += max(o.level for o in same) < one.level
    for asset, several in now.items():
        others = _Over(was.get(asset, ()))
        more += sum(not others.lap(one) for one in several)
    return Held(_count(was.values()), _count(now.values()), lost, later, weaker, more)


class _Over:
    """Episodes of one asset, to be asked which overlap another: those of a sensor that flaps are many."""

    def __init__(self, several: Sequence[Episode]) -> None:
        self._several = sorted(several)
        self._begins = [one.begin for one in self._several]
        self._reach = list(itertools.accumulate((one.end for one in self._several), max))

    def lap(self, one: Episode) -> list[Episode]:
        first, after = bisect_left(self._reach, one.begin), bisect_right(self._begins, one.end)
        return [other for other in self._several[first:after] if other.end >= one.begin]


def episodes(signals: Iterable[Signal]) -> dict[str, list[Episode]]:
    """By asset, in the order in which they were raised; one that the log does not end has no end."""
    out: dict[str, list[Episode]] = defaultdict(list)
    place: dict[str, tuple[str, int]] = {}
    for signal in signals:
        identity = signal.identity()
        if signal.kind == "raise":
            place[identity] = signal.asset, len(out[signal.asset])
            out[signal.asset].append(Episode(signal.t, _FOREVER, signal.level))
        elif identity in place:
            asset, k = place[identity]
            one = out[asset][k]
            if signal.kind == "clear":
                out[asset][k] = one._replace(end=signal.t)
            else:
                out[asset][k] = one._replace(level=max(one.level, signal.level))
    return out


def greatest(kinds: Iterable[Kind]) -> Kind:
    """The kind that asks for most; empty of none."""
    return max(kinds, key=lambda kind: _ORDER[kind], default="")


def _scenarios(run: Run) -> dict[str, Scenario]:
    content = run.version.content
    return {s.id: s for s in content.scenarios}


def _by_scenario(signals: Iterable[Signal]) -> dict[str, list[Signal]]:
    out: dict[str, list[Signal]] = defaultdict(list)
    for signal in signals:
        out[signal.scenario].append(signal)
    return out


def _count(several: Iterable[Sequence[Episode]]) -> int:
    return sum(map(len, several))
