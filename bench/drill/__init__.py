"""Seventy stories in fourteen ordinary days of a district, through the memory log and the real pipeline: docs/drill.md.

Beside it, on the same days, the plain limits that instruments are shipped with, and calls by their words. Quality is
reported, not demanded; a run fails where the drill's own records were refused, or a drill's incident is not marked.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from bench.harness import Figure, Result
from brain.drill.stories import plan, sets
from brain.drill.stories.district import District
from brain.drill.stories.hold import Held, hold

STORIES, DAYS = 70, 14


def run(seed: int, data: Path | None) -> Result:
    """Figures of :data:`bench.harness`; ``data`` is a set's folder whose rules are drilled, in place of config/demo."""
    begun = time.process_time()
    district = District.load(sets.DISTRICT)
    made = plan.make(district, seed, DAYS, plan.chosen(STORIES))
    held = hold(made, data or sets.RULES)
    rows: list[dict[str, Figure]] = [
        {"by": "brain", "found": held.found, "missed life-safety": held.missed_life_safety,
         "delay median s": held.delay_median_s, "shown": held.shown, "false a day": held.false_per_day,
         "peak in 10 min": max(held.peak_console.values(), default=0)},
        {"by": "plain limits", "found": held.peer_found, "missed life-safety": held.peer_missed_life_safety,
         "delay median s": held.peer_delay_median_s, "shown": held.peer_shown, "false a day": held.peer_false_per_day,
         "peak in 10 min": max(held.peer_peak.values(), default=0)},
    ]  # fmt: skip
    figures: dict[str, Figure] = {
        "stories": held.stories, "days": held.days, "found": held.found,
        "missed_life_safety": held.missed_life_safety, "delay_median_s": held.delay_median_s,
        "false_per_day": held.false_per_day, "peer_threshold_found": held.peer_found,
        "peer_threshold_false_per_day": held.peer_false_per_day,
    }  # fmt: skip
    return Result(rows, figures, not held.dead and held.marked, _about(held, time.process_time() - begun))


def _about(held: Held, cpu_s: float) -> dict[str, Figure]:
    missed = [f"{t.story} {t.family}" for t in held.truths if not t.found]
    return {
        "district": f"{held.assets} assets, {held.scenarios} scenarios",
        "records": ", ".join(f"{n:,} {topic}" for topic, n in held.records.items()),
        "truths": f"{len(held.truths)}, {sum(t.life for t in held.truths)} never hidden; {held.decoys} decoys",
        "missed": "; ".join(f"{n} {name}" for name, n in sorted(Counter(missed).items())) or "none",
        "false by family": ", ".join(f"{family} {n}" for family, n in held.false.items()) or "none",
        "limits of clocks": "; ".join(f"{k}: {v}" for k, v in held.clocks.items()),
        "CPU": f"{cpu_s:.0f} s",
    }
