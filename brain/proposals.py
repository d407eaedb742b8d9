"""What the past says should change in the rules: a higher threshold, an asset put aside, an asset to calibrate.

Pure: verdicts, signals and scenarios in, proposals out, the same for the same records. Nothing is applied here. Values
are those that signals told: a peak between two signals is not known, so a threshold is never raised past what confirmed
incidents are known to have reached; whether a longer duration would still have been met, only a replay can say.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from brain.beside import NEIGHBOURS
from brain.incidents.value import Incident, Member, Text
from brain.precision import Count, Judged, report
from brain.scenario import Scenario
from streams.records import Signal

Kind = Literal["threshold", "mute", "recalibrate"]
FIELDS = ("above", "below", "sum_over", "ewma_deviation", "score_over")
"""Thresholds that can be raised; for ``below`` that is a lower one. Tables of standards are not ours to move."""
MENDED = frozenset(("drift", "neighbours", "calibration_age"))
"""Reasons of low trust that a calibration may mend."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much must speak for a change. ``rule`` and ``asset``: decided incidents; ``gain``: false ones spared;
    ``doubtful``: an asset is put aside where the upper end of its precision's interval lies below;
    ``disagreements`` with neighbours, all to one side, and ``wrong`` false alarms, for a calibration."""

    rule: int = 8
    asset: int = 5
    gain: int = 3
    doubtful: float = 0.5
    disagreements: int = 2
    wrong: int = 2


class Proposal(msgspec.Struct, omit_defaults=True):
    """One change. ``old`` and ``new`` of ``detect.<field>``; ids of incidents: ``spared`` false ones that would not
    have been, ``kept`` confirmed ones that stay, ``lost`` confirmed ones it would have cost, ``later`` confirmed ones
    that would have been raised later, ``open`` undecided ones that would not have been. ``acts``: the dispositions
    that speak for it. ``two``: a never-hidden class, so that it takes two persons."""

    id: str
    kind: Kind
    scenario: str
    version: int
    words: Text
    asset: str = ""
    field: str = ""
    old: float | None = None
    new: float | None = None
    spared: list[str] = []
    kept: list[str] = []
    lost: list[str] = []
    later: list[str] = []
    open: list[str] = []
    acts: list[str] = []
    doubts: list[str] = []
    """Why the asset was doubted."""
    two: bool = False


def concerned(every: Sequence[Judged]) -> Callable[[Signal], bool]:
    """Which signals are wanted: those of assets that are members of any of the incidents."""
    pairs = {(m.scenario or one.incident.scenario, m.asset) for one in every for m in one.incident.members}
    return lambda signal: (signal.scenario, signal.asset) in pairs


def propose(
    every: Sequence[Judged], signals: Sequence[Signal], scenarios: Mapping[str, Scenario],
    notes: Iterable[Mapping[str, Any]] = (), bounds: Bounds | None = None,
) -> list[Proposal]:  # fmt: skip
    """All that the past speaks for, by kind, scenario and asset.

    ``scenarios`` of the set whose rules are judged; ``notes`` of the audit topic, for assets that were doubted.
    """
    b = bounds or Bounds()
    doubted = _doubted(notes)
    counts = report(every)
    told = _Told(every, signals)
    out: list[Proposal] = []
    for count in counts.rules:
        scenario = scenarios.get(count.scenario)
        if scenario is not None and count.decided >= b.rule:
            found = _threshold(scenario, every, told, b)
            out += [] if found is None else [found]
    for count in counts.assets:
        scenario = scenarios.get(count.scenario)
        if scenario is None:
            continue
        if not scenario.life and count.decided >= b.asset and count.high < b.doubtful:
            found = _mute(scenario, count, every)
            out += [] if found is None else [found]
        if len(count.false) >= b.wrong:
            found = _recalibrate(scenario, count, every, scenarios, doubted.get(count.asset, []), b)
            out += [] if found is None else [found]
    order = ("threshold", "mute", "recalibrate")
    return sorted(out, key=lambda p: (order.index(p.kind), p.scenario, p.asset))


# -- a threshold


class _Told:
    """The values that signals told of an incident's members, worse always higher."""

    def __init__(self, every: Sequence[Judged], signals: Sequence[Signal]) -> None:
        self._signals: dict[tuple[str, str], list[Signal]] = {}
        for signal in sorted(signals, key=lambda s: (s.fold, s.identity(), s.n)):
            if signal.kind != "clear":
                self._signals.setdefault((signal.scenario, signal.asset), []).append(signal)

    def worst(self, i: Incident, s: Scenario, field: str, old: float) -> tuple[float, float] | None:
        """First and worst value of the scenario in an incident; None where one is not known, or where another
        threshold judged it."""
        found: list[tuple[int, float]] = []
        for m in i.members:
            if (m.scenario or i.scenario) != s.id:
                continue
            if m.threshold != old:
                return None
            last = _turned(s, field, m)
            if last is None:
                return None
            found.append((i.updated, last))
            for signal in self._signals.get((s.id, m.asset), ()):
                if i.opened <= signal.fold <= i.updated and signal.threshold == old:
                    value = _turned(s, field, signal)
                    if value is not None:
                        found.append((signal.fold, value))
        if not found:
            return None
        return min(found)[1], max(value for _, value in found)


def _turned(s: Scenario, field: str, row: Member | Signal) -> float | None:
    """What the condition looked at, turned so that worse is higher."""
    if field in {"ewma_deviation", "score_over"}:
        if row.score is None:
            return None
        return {"both": abs(row.score), "up": row.score, "down": -row.score}[s.detect.side]
    if row.value is None:
        return None
    return -row.value if field == "below" else row.value


def _threshold(s: Scenario, every: Sequence[Judged], told: _Told, b: Bounds) -> Proposal | None:
    field = next((name for name in FIELDS if getattr(s.detect, name) is not None), None)
    if field is None:
        return None
    old, turn = float(getattr(s.detect, field)), -1 if field == "below" else 1
    rows = []
    for one in every:
        if any((m.scenario or one.incident.scenario) == s.id for m in one.incident.members):
            known = told.worst(one.incident, s, field, old)
            if known is not None:
                alone = all((m.scenario or one.incident.scenario) == s.id for m in one.incident.members)
                rows.append((one, *known, alone))
            elif one.verdict == "confirmed" and _same(one.incident, s, old):
                return None  # it was real, and how far it went is not known
    real = [row for row in rows if row[0].verdict == "confirmed"]
    false = [row for row in rows if row[0].verdict == "false" and row[3]]
    if len(real) + len(false) < b.rule or not real:
        return None  # a rule of which nothing was ever confirmed is not mended by a number
    ceiling = min([worst for _, _, worst, _ in real] + [turn * rung.at for rung in s.levels])
    below = sorted(worst for _, _, worst, _ in false if worst < ceiling)
    if len(below) < b.gain:
        return None
    new = _between(below[-1], ceiling)
    if new is None:
        return None
    spared = [one for one, _, worst, _ in false if worst < new]
    kept = [one.incident.id for one, *_ in real]
    later = [one.incident.id for one, first, _, _ in real if first < new]
    undecided = [one.incident.id for one, _, worst, alone in rows if not one.verdict and alone and worst < new]
    return _made(
        "threshold", s, Text(
            f"{s.name.zh}: detect.{field} 由 {old:g} 改为 {turn * new:g}: 少误报 {len(spared)} 件, "
            f"保留全部 {len(kept)} 件属实, 其中 {len(later)} 件会更晚报出",
            f"{s.name.en}: detect.{field} from {old:g} to {turn * new:g}: {len(spared)} false alarms fewer, all "
            f"{len(kept)} confirmed ones kept, {len(later)} of them raised later",
        ), field=field, old=old, new=turn * new, spared=[one.incident.id for one in spared], kept=kept, later=later,
        open=undecided, acts=[act for one in (*spared, *(row[0] for row in real)) for act in one.acts],
    )  # fmt: skip


def _same(i: Incident, s: Scenario, old: float) -> bool:
    """Whether the threshold that is now judged it too."""
    return any((m.scenario or i.scenario) == s.id and m.threshold == old for m in i.members)


def _between(low: float, high: float) -> float | None:
    """A number between the two with as few digits as do, above ``low`` and below ``high``; None where there is none."""
    middle = low + (high - low) / 2
    for digits in range(1, 16):
        found = float(f"{middle:.{digits}g}")
        if low < found < high:
            return found
    return None


# -- an asset


def _mute(s: Scenario, count: Count, every: Sequence[Judged]) -> Proposal | None:
    by = {one.incident.id: one for one in every}
    alone = {key for key in (*count.false, *count.confirmed) if _alone(by[key].incident, count.asset)}
    spared, lost = [k for k in count.false if k in alone], [k for k in count.confirmed if k in alone]
    if not spared:
        return None
    kept = [k for k in count.confirmed if k not in alone]
    return _made(
        "mute", s, Text(
            f"搁置 {count.asset} ({s.name.zh}): {count.decided} 件中 {len(count.false)} 件误报; "
            f"少误报 {len(spared)} 件, 会漏掉属实 {len(lost)} 件",
            f"put {count.asset} aside ({s.name.en}): {len(count.false)} of {count.decided} false; {len(spared)} false "
            f"alarms fewer, {len(lost)} confirmed ones lost",
        ), asset=count.asset, spared=spared, kept=kept, lost=lost, acts=[a for k in count.false for a in by[k].acts],
    )  # fmt: skip


def _recalibrate(
    s: Scenario, count: Count, every: Sequence[Judged], scenarios: Mapping[str, Scenario], doubts: list[str], b: Bounds
) -> Proposal | None:
    """Where people say that an asset's alarms are false, and either its neighbours say, always to the same side, that
    it reads wrong, or it was doubted for drift, for its neighbours or for the age of its calibration."""
    watch = {n for n, o in scenarios.items() if o.detect.detector == NEIGHBOURS and _one_series(o, s) and n != s.id}
    against = [
        (one.incident.id, m.score) for one in every if one.verdict != "confirmed" for m in one.incident.members
        if m.asset == count.asset and m.scenario in watch and m.score
    ]  # fmt: skip
    sides = {score > 0 for _, score in against}
    if len(sides) != 1 or len(against) < b.disagreements:
        against = []
    if not against and not doubts:
        return None
    zh, en = [f"校准 {count.asset} ({s.name.zh}): 误报 {len(count.false)} 件"], [
        f"calibrate {count.asset} ({s.name.en}): {len(count.false)} false alarms"]  # fmt: skip
    if against:
        mean = sum(score for _, score in against) / len(against)
        zh.append(f"与邻近站点不一致 {len(against)} 次, 均{'偏高' if mean > 0 else '偏低'} (平均得分 {mean:.3g})")
        side = "high" if mean > 0 else "low"
        en.append(f"{len(against)} disagreements with its neighbours, always {side} (mean score {mean:.3g})")
    if doubts:
        zh.append(f"可信度低于下限: {', '.join(doubts)}")
        en.append(f"its trust fell below the floor: {', '.join(doubts)}")
    by = {one.incident.id: one for one in every}
    return _made(
        "recalibrate", s, Text("; ".join(zh), "; ".join(en)), asset=count.asset, spared=list(count.false),
        kept=list(count.confirmed), open=sorted({name for name, _ in against}), doubts=doubts,
        acts=[a for k in count.false for a in by[k].acts],
    )  # fmt: skip


def _doubted(notes: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Asset → reasons, sorted, for which it was doubted and which a calibration may mend."""
    found: dict[str, set[str]] = {}
    for note in notes:
        if note.get("what") == "asset.doubted":
            found.setdefault(str(note.get("asset")), set()).update(MENDED & set(map(str, note.get("reasons", ()))))
    return {asset: sorted(reasons) for asset, reasons in found.items() if reasons}


def _one_series(a: Scenario, b: Scenario) -> bool:
    return a.match.type == b.match.type and bool(set(a.metrics()) & set(b.metrics()))


def _alone(incident: Incident, asset: str) -> bool:
    return all(m.asset == asset for m in incident.members)


def _made(kind: Kind, s: Scenario, words: Text, **more: Any) -> Proposal:
    what = "|".join(map(str, (kind, s.id, s.version, more.get("asset", ""), more.get("old"), more.get("new"))))
    digest = hashlib.blake2b(what.encode(), digest_size=6).hexdigest()
    letters = digest.translate(str.maketrans("0123456789abcdef", "abcdefghijklmnop"))  # digits could pass for a phone
    return Proposal(f"prop-{letters}", kind, s.id, s.version, words, two=s.life, **more)
