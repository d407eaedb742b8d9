"""A drill held: plan, run through the real pipeline, score, and what the after-action report 演练评估 is made of."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from brain.drill.stories import feed, plan, run, score, sets
from brain.drill.stories.days import START_MS
from brain.drill.stories.district import District
from brain.drill.stories.plan import Plan
from brain.drill.stories.run import KEY, Ran
from brain.drill.stories.score import Labels, Limits, Score
from brain.drill.stories.world import MINUTE_MS
from brain.incidents.value import Incident
from brain.scenario import Scenario
from brain.sets import CitySet

CLOCKS = ("accept", "arrive", "dispose")


class Row(msgspec.Struct):
    """One truth."""

    story: str
    family: str
    life: bool
    onset: int
    found: bool
    delay_s: float | None
    peer_found: bool
    peer_delay_s: float | None
    incidents: list[str]


class Held(msgspec.Struct):
    """All that a report says; times ms UTC, shares of 1. ``peer`` has the same of plain per-sensor limits."""

    seed: int
    days: float
    stories: int
    decoys: int
    assets: int
    records: dict[str, int]
    dead: dict[str, int]
    scenarios: int
    left_out: dict[str, str]
    found: float
    missed_life_safety: int
    delay_median_s: float | None
    false_per_day: float
    shown: int
    signals: int
    peak_console: dict[str, int]
    """Console → most shown within ten minutes."""
    false: dict[str, int]
    peer_found: float
    peer_false_per_day: float
    peer_shown: int
    peer_peak: dict[str, int]
    peer_missed_life_safety: int
    peer_delay_median_s: float | None
    marked: bool
    """Whether every signal and incident says that it is of a drill."""
    clocks: dict[str, dict[str, int]]
    """Limit → how its clocks stand: kept, breached, running."""
    truths: list[Row]


def hold(
    made: Plan, rules: Path = sets.RULES, told: Callable[[str, int], None] | None = None, folder: Path | None = None
) -> Held:
    """Run a plan with the rules of a set; ``told`` as in :func:`brain.drill.stories.run.run`.

    ``folder`` is where the drill's own set is written; else a temporary one. Raises what a set's loading raises.
    """
    with tempfile.TemporaryDirectory(prefix="drill-") as temporary:
        out = folder or Path(temporary)
        left = sets.compose(out, rules)
        content = CitySet.load(out)
        limits, places = Limits(made), list[int]()
        minutes = made.minutes
        ran = run.run(
            content,
            {
                "iot.telemetry": lambda tp, s: feed.readings(made.days, minutes, tp, feed.Beats(s, KEY), limits.see),
                "video.metadata": lambda tp, s: feed.frames(made.cameras, minutes, tp, feed.Beats(s, KEY)),
                "hotline.tickets": lambda tp, s: feed.tickets(made.calls, minutes, tp, feed.Beats(s, KEY), places),
            },
            told,
        )
    limits.cameras()
    labels = Labels(made, places)
    events = [event for agent in content.agents if agent.state == "live" for event in agent.told()]
    said = sorted([*ran.signals, *score.of_city(events, ran.incidents)], key=lambda s: s.fold)
    ours = score.score(
        made, score.scenarios_of([*content.scenarios, *events]), said, [labels.of(s) for s in said],
        score.shown(ran.incidents),
    )  # fmt: skip
    signals, whose, alarms = limits.result(labels)
    peer = score.score(made, limits.rules(), signals, whose, alarms)
    return _held(made, content.scenarios, left, ran, ours, peer)


def _held(made: Plan, scenarios: Sequence[Scenario], left: dict[str, str], ran: Ran, ours: Score, peer: Score) -> Held:
    days = made.minutes / 1_440
    true = [h for h in made.happenings if not plan.STORIES[h.story].decoy]
    rows = [
        Row(a.story, a.family, a.life, a.onset, a.found, a.delay_s, b.found, b.delay_s, a.incidents)
        for a, b in zip(ours.told, peer.told, strict=True)
    ]
    district: District = made.days.district
    return Held(
        made.seed, days, len(true), len(made.happenings) - len(true), len(district.ids), ran.records, ran.dead,
        len(scenarios), left, ours.found, ours.missed_life, ours.delay_median_s, sum(ours.false.values()) / days,
        ours.shown, len(ran.signals), ours.verdict.peak, ours.false, peer.found, sum(peer.false.values()) / days,
        peer.shown, peer.verdict.peak, peer.missed_life, peer.delay_median_s,
        all(i.drill for i in ran.incidents) and all(s.drill for s in ran.signals if s.kind == "raise"),
        clocks(ran.incidents, START_MS + made.minutes * MINUTE_MS), rows,
    )  # fmt: skip


def clocks(incidents: Sequence[Incident], now: int) -> dict[str, dict[str, int]]:
    """How the limits of shown incidents stand at a time: kept (stopped before it was due), breached, running."""
    out: dict[str, Counter[str]] = {}
    for incident in incidents:
        for clock in incident.clocks if incident.shown is not None else ():
            if clock.name in CLOCKS:
                end = now if clock.stopped is None else clock.stopped
                how = "breached" if end > clock.due else "running" if clock.stopped is None else "kept"
                out.setdefault(clock.name, Counter())[how] += 1
    return {name: dict(sorted(found.items())) for name, found in sorted(out.items())}
