"""Two runs of one log become a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from brain.backtest import depends, kinds, measure, pairs
from brain.backtest.engine import Run, Told, Version, run
from brain.backtest.limits import Limits, blocks
from brain.backtest.report import FORMAT, Dispositions, Ran, Report
from brain.backtest.truths import LATER_MS, Labelled, Truth, quantile
from brain.incidents.value import Incident
from brain.precision import FALSE, REAL, verdict
from brain.settings import Settings
from streams.offline import Recorded
from streams.records import TP


def span(log: Recorded) -> tuple[int, int]:
    """First and last time of the log's own records, ms UTC. Raises ValueError of an empty log."""
    batches = [batch for several in log.batches.values() for batch in several if len(batch)]
    if not batches:
        raise ValueError("the log has no record of any input")
    return min(int(b.times.min()) for b in batches), max(int(b.times.max()) for b in batches)


def backtest(
    log: Recorded, base: Version, candidate: Version, settings: Settings | None = None, *,
    changed: Sequence[str] | None = None, truths: Sequence[Truth] | None = None, limits: Limits | None = None,
    since: int | None = None, told: Told | None = None, begun: Callable[[str], None] | None = None,
) -> tuple[Report, Run, Run]:  # fmt: skip
    """Run both versions and judge the candidate; answers the report and the runs of base and candidate.

    ``changed``: names of the sets' files that differ, which decides what need not run twice; None: not known, so all
    runs. ``since``: what was shown before, ms UTC, is not counted. ``begun`` is told "base" and "candidate".
    Raises ValueError of an empty log, KeyError of a set that a pulse names and nobody has.
    """
    first, until = span(log)
    since = first if since is None else max(since, first)
    tell = begun or (lambda name: None)
    tell("base")
    was = run(log, base, settings, told=told)
    taken, why = _taken(log, base, candidate, changed)
    tell("candidate")
    now = run(log, candidate, settings, given={source: was.lanes[source] for source in taken}, told=told)
    ran = Ran([str(s) for s in sorted(log.batches) if s not in taken], [str(s) for s in taken], why)
    return report(was, now, ran, changed or (), truths, limits or Limits(), (first, since, until)), was, now


def _taken(
    log: Recorded, base: Version, candidate: Version, changed: Sequence[str] | None
) -> tuple[list[TP], list[str]]:
    if base.recorded or candidate.recorded:
        return [], ["all lanes: several sets were in force in the log"]
    if changed is None:
        return [], ["all lanes: it is not known what differs"]
    return depends.lanes(sorted(log.batches), changed, base.content, candidate.content)


def report(
    was: Run, now: Run, ran: Ran, changed: Sequence[str], truths: Sequence[Truth] | None, limits: Limits,
    times: tuple[int, int, int],
) -> Report:  # fmt: skip
    """Judge two runs; ``times``: begin of the log, of what is counted, and the end, ms UTC."""
    first, since, until = times
    before, after = measure.shown(was, since, until), measure.shown(now, since, until)
    matched = pairs.matched(_counted(was, since), _counted(now, since))
    labels = None
    if truths is not None:
        labels = Labelled(truths, since, until).judge(was, now, (before, after))
    said = dispositions(matched)
    candidate = measure.side(now, since, until)
    events: Counter[str] = Counter()
    for source, lane in now.lanes.items():
        events[source.topic] += lane.rows
    return Report(
        format=FORMAT, since=since, until=until, warm_up_s=(since - first) / 1000, events=dict(sorted(events.items())),
        changed=list(changed), ran=ran, base=measure.side(was, since, until), candidate=candidate,
        compared=pairs.compared(matched), labels=labels, dispositions=said, scenarios=kinds.judged(was, now),
        blocks=blocks(limits, candidate, after, labels, said, since, until),
    )  # fmt: skip


def _counted(run_of: Run, since: int) -> list[Incident]:
    return [i for i in run_of.incidents if i.shown is None or i.shown >= since]


def dispositions(matched: pairs.Matched) -> Dispositions:
    """What people said of the base's incidents, against what the candidate makes of them."""
    confirmed = kept = false = false_kept = 0
    missed, life, later = list[str](), list[str](), list[str]()
    leads, theirs = list[float](), list[float]()
    for a, b in matched:
        if a is None or a.merged_into:
            continue
        said = verdict(a).verdict
        there = b is not None and b.shown is not None
        if said == "false":
            false += 1
            false_kept += there
        elif said == "confirmed":
            confirmed += 1
            kept += there
            heard = _heard(a)
            if a.shown is not None and heard is not None:
                leads.append((heard - a.shown) / 1000)
            if not there:
                missed.append(a.id)
                if a.life:
                    life.append(a.id)
            elif b is not None and b.shown is not None:
                if heard is not None:
                    theirs.append((heard - b.shown) / 1000)
                if a.shown is not None and b.shown > a.shown + LATER_MS:
                    later.append(a.id)
    return Dispositions(
        confirmed, kept, missed, life, later, false, false_kept, quantile(leads, 0.5),
        quantile(theirs, 0.5),
    )  # fmt: skip


def _heard(incident: Incident) -> int | None:
    """When a person first said what it was."""
    return min((act.t for act in incident.history if act.what in REAL or act.what == FALSE), default=None)
