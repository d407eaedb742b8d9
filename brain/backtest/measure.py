"""What one version does to people: incidents a day, a grid and a department, and what folding spared them."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from brain.backtest.engine import Run
from brain.backtest.pairs import code_of
from brain.backtest.report import Load, Side
from brain.incidents.value import Incident
from streams.records import Signal

WINDOW_MS: Final = 600_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
HERE_MS: Final = 8 * HOUR_MS
"""Days begin at midnight, UTC+8."""


def shown(run: Run, since: int, until: int) -> list[Incident]:
    """Incidents that people would have been shown in [since, until]."""
    return [i for i in run.incidents if i.shown is not None and since <= i.shown <= until]


def side(run: Run, since: int, until: int) -> Side:
    """One version's figures over [since, until], ms UTC."""
    visible, signals = shown(run, since, until), _within(run.signals, since, until)
    raises = sum(s.kind == "raise" for s in signals)
    leads = _leads(visible)
    return Side(
        name=run.version.name, set=run.version.content.id, scenarios=len(run.version.content.scenarios),
        signals=len(signals), raises=raises, incidents=sum(since <= i.opened <= until for i in run.incidents),
        shown=len(visible), life=sum(i.life for i in visible), per_day=per_day(len(visible), since, until),
        days=sorted(Counter(_day(i.shown) for i in visible if i.shown is not None).items()),
        grids=_counted(i.grid for i in visible), codes=_counted(map(code_of, visible)), leads=leads,
        peak_10min=max((load.peak_10min for load in leads), default=0),
        reduction=1 - len(visible) / raises if raises else 0.0, fates=dict(sorted(run.fates.items())),
        outcomes=_added(lane.outcomes for lane in run.lanes.values()),
        dead=_added(lane.dead for lane in run.lanes.values()),
    )  # fmt: skip


def per_day(count: int, since: int, until: int) -> float:
    """A rate; a log of less than a day counts as one, so that an hour's burst is not taken for a day's."""
    return count / max((until - since) / DAY_MS, 1.0)


def peak(times: Sequence[int]) -> tuple[int, int]:
    """Most of the times (ms, rising) within any ten minutes, in half-open windows that begin with one, and where."""
    return max(((bisect_left(times, t + WINDOW_MS) - k, -t) for k, t in enumerate(times)), default=(0, 1))


def _leads(visible: Iterable[Incident]) -> list[Load]:
    times: dict[str, list[int]] = defaultdict(list)
    names: dict[str, str] = {}
    for i in visible:
        if i.shown is not None:
            times[i.lead].append(i.shown)
            names[i.lead] = i.lead_name.zh or i.lead_name.en
    out = []
    for lead in sorted(times):
        mine = sorted(times[lead])
        most, at = peak(mine)
        hours = sorted(Counter(t // HOUR_MS * HOUR_MS for t in mine).items())
        out.append(Load(lead, names[lead], len(mine), most, -at, hours))
    return out


def _within(signals: Sequence[Signal], since: int, until: int) -> list[Signal]:
    return [s for s in signals if since <= s.fold <= until]


def _day(t: int) -> str:
    return datetime.fromtimestamp((t + HERE_MS) / 1000, UTC).date().isoformat()


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))


def _added(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(sorted(total.items()))
