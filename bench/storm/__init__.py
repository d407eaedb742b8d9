"""Few, placed, in time: the production fold on a labelled storm, beside plain dedup and grouping by labels.

``DATA=`` takes a storm as a file (docs/storm.md; ``brain drill storm`` writes one); without it one is made from the
seed, and the run holds where all of :data:`LEAST` and :data:`MOST` do. On another's file quality is reported, not
demanded: its last row says what nobody could satisfy. The scorer must not contradict itself: one incident for the
whole city must be found nowhere but where it happens to stand, and on a storm of our own who knows the labels must be
faultless.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from bench.harness import Figure, Result
from bench.storm import driver, peers
from brain.drill.judge import Judge, Verdict
from brain.drill.storm import Storm, make_storm
from brain.drill.storm.file import read
from brain.incidents.city import CityLogic

LEAST = {"reduction": 0.95}
MOST = {
    "missed": 0, "hidden_never_hide": 0, "wrong_merges": 0.02, "splits_per_true": 0.5, "shown_per_true": 3.0,
    "peak_per_10min": 10, "delay_p95_s": 120.0,
}  # fmt: skip
"""What is promised of a storm of our own."""


def run(seed: int, data: Path | None) -> Result:
    """Figures of the fold, and reduction and missed of the peers; shares are fractions of 1, the rest counts."""
    storm = read(data) if data is not None else make_storm(seed)
    judge = Judge(storm)
    logic = CityLogic()
    watcher = driver.fold(storm, logic)
    ours = judge(watcher.result())
    dedup, grouping, coarse = peers.Dedup(), peers.Grouping(), peers.Grouping(by=("scenario", "district"))
    deduped, grouped = judge(dedup.run(storm)), judge(grouping.run(storm))
    city, known = judge(peers.whole_city(storm)), judge(peers.perfect(storm))
    rows = [
        _row("incidents (ours)", ours),
        _row(f"dedup by scenario, asset, {dedup.quiet_s:.0f} s", deduped),
        _row(f"grouping by {', '.join(grouping.by)}", grouped),
        _row(f"grouping by {', '.join(coarse.by)}", judge(coarse.run(storm))),
        _row("one for the whole city", city),
        _row("who knows the labels", known),
    ]
    figures: dict[str, Figure] = {
        "reduction": ours.reduction, "missed": len(ours.missed), "hidden_never_hide": len(ours.hidden),
        "wrong_merges": ours.wrong_merges, "splits_per_true": ours.splits_per_true,
        "shown_per_true": ours.shown_per_true, "peak_per_10min": ours.peak_per_10min, "delay_p95_s": ours.delay_p95_s,
        "peer_dedup_reduction": deduped.reduction, "peer_dedup_missed": len(deduped.missed),
        "peer_grouping_reduction": grouped.reduction, "peer_grouping_missed": len(grouped.missed),
    }  # fmt: skip
    sound = len(city.missed) >= city.truths - 1 and (data is not None or _faultless(known))
    lacking = short(figures) if data is None else []
    settings = {"fold": logic.settings, "dedup": asdict(dedup), "grouping": asdict(grouping)}
    told = {"not reached": "; ".join(lacking)} if lacking else {}
    return Result(
        rows, figures, sound and not lacking, _about(storm) | settings | _details(storm, ours, watcher) | told
    )


def short(figures: Mapping[str, Figure]) -> list[str]:
    """What is not as promised, with what was."""
    found = {name: float(figure) for name, figure in figures.items() if isinstance(figure, int | float)}
    low = [(name, bar) for name, bar in LEAST.items() if not found[name] >= bar]
    high = [(name, bar) for name, bar in MOST.items() if not found[name] <= bar]
    return [f"{name} {found[name]:.4g}, promised {bar:g}" for name, bar in (*low, *high)]


def _row(name: str, v: Verdict) -> dict[str, Figure]:
    return {
        "by": name, "shown": v.shown, "reduction": v.reduction, "missed": len(v.missed), "hidden": len(v.hidden),
        "wrong merges": v.wrong_merges, "splits a truth": v.splits_per_true, "shown a truth": v.shown_per_true,
        "peak in 10 min": v.peak_per_10min, "p95 delay s": v.delay_p95_s, "of no truth": v.empty,
    }  # fmt: skip


def _about(storm: Storm) -> dict[str, Figure]:
    kinds = Counter(s.kind for s in storm.signals)
    life = [s for s in storm.signals if s.life]
    return {
        "signals": f"{len(storm.signals):,} ({', '.join(f'{n:,} {kind}' for kind, n in sorted(kinds.items()))})",
        "of a truth": f"{sum(label is not None for label in storm.labels):,}",
        "never hidden": f"{len(life):,}, {sum(s.kind == 'raise' for s in life):,} of them raises",
        "truths": f"{len(storm.truths)}, {sum(t.life for t in storm.truths)} of never-hidden classes",
        "storm": ", ".join(f"{key} {value}" for key, value in storm.about.items()),
    }


def _details(storm: Storm, v: Verdict, watcher: driver.Watcher) -> dict[str, Figure]:
    """What a reader who tunes the fold wants to know of ours."""
    truths = {t.id: t for t in storm.truths}

    def names(ids: list[str]) -> str:
        told = [f"{i} {truths[i].family} {'+'.join(truths[i].tags)}".strip() for i in ids]
        return f"{'; '.join(told[:12])}{' …' if len(told) > 12 else ''}" or "none"

    most = sorted(v.extra, key=lambda i: (-v.extra[i], i))
    return {
        "missed": names(v.missed), "of them seen too late": len(v.late),
        "most splits": "; ".join(f"{i} +{v.extra[i]} {truths[i].family}" for i in most[:8]) or "none",
        "peaks": ", ".join(f"{console} {n}" for console, n in v.peak.items()),
        "withheld to the end": ", ".join(f"{w or '?'} {n}" for w, n in watcher.withheld.most_common()) or "none",
    }  # fmt: skip


def _faultless(v: Verdict) -> bool:
    return not (v.missed or v.hidden or v.wrong or v.extra)
