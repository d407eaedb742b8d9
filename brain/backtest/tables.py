"""A report as rows of texts: what the terminal and the page both show."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from brain.backtest.measure import HERE_MS
from brain.backtest.report import Glance, Judged, Report


class Row(NamedTuple):
    """A figure of both versions; ``better``: -1 where less is better, 1 where more is, 0 where it is neither."""

    name: str
    base: str
    candidate: str
    change: float
    better: int = 0


def when(ms: int) -> str:
    """A time for people, UTC+8."""
    return datetime.fromtimestamp((ms + HERE_MS) / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def figures(report: Report, words: Mapping[str, str]) -> list[Row]:
    """The two versions side by side."""
    a, b = report.base, report.candidate
    rows = [
        _row(words[name], getattr(a, name), getattr(b, name), better)
        for name, better in (
            ("scenarios", 0), ("signals", 0), ("raises", 0), ("incidents", 0), ("shown", 0), ("life", 0),
            ("per_day", -1),
        )
    ]  # fmt: skip
    rows.append(_row(words["peak"], a.peak_10min, b.peak_10min, -1))
    rows.append(_row(words["reduction"], a.reduction, b.reduction, 0))
    if report.labels is not None:
        was, now = report.labels.base, report.labels.candidate
        rows += [
            Row(words["found"], f"{was.found} / {was.of}", f"{now.found} / {now.of}", now.found - was.found, 1),
            _row(words["missed"], len(was.missed), len(now.missed), -1),
            _row(words["late"], len(was.late), len(now.late), -1),
            _row(words["life_missed"], len(was.life_missed), len(now.life_missed), -1),
            _row(words["false"], was.false, now.false, -1),
            _maybe(words["delay"], was.delay_median_s, now.delay_median_s, -1),
            _maybe(words["lead_time"], was.lead_median_s, now.lead_median_s, 1),
        ]
    said = report.dispositions
    if said.confirmed:
        rows.append(Row(words["confirmed"], str(said.confirmed), str(said.kept), said.kept - said.confirmed, 1))
    if said.false:
        rows.append(Row(words["called_false"], str(said.false), str(said.false_kept), said.false_kept - said.false, -1))
    return rows


def loads(report: Report, words: Mapping[str, str]) -> list[tuple[str, str, str, str, str]]:
    """Departments: name, shown and ten-minute peak of both versions."""
    was = {load.lead: load for load in report.base.leads}
    now = {load.lead: load for load in report.candidate.leads}
    out = []
    for lead in sorted({*was, *now}):
        a, b = was.get(lead), now.get(lead)
        known = a or b
        name = known.name if known is not None and known.name else lead or words["no_lead"]
        counts = [str(0 if one is None else getattr(one, part)) for part in ("shown", "peak_10min") for one in (a, b)]
        out.append((name, counts[0], counts[1], counts[2], counts[3]))
    return out


def pairs(report: Report, words: Mapping[str, str], most: int) -> list[tuple[str, str, str, str, str]]:
    """Incidents that are not the same: what, time, event code, grid, which fields."""
    out = []
    for pair in report.compared.pairs[:most]:
        one = pair.candidate or pair.base
        if one is not None:
            differs = [f"{name} {_side(pair.base, name)} → {_side(pair.candidate, name)}" for name in pair.differs]
            what = "changed" if pair.differs else "gone" if _visible(pair.base) else "new"
            shown = one.opened if one.shown is None else one.shown
            out.append((words[what], when(shown), one.code, one.grid, "; ".join(differs) or one.withheld))
    return out


def ran(report: Report, words: Mapping[str, str]) -> str:
    """What was worked, and what taken over."""
    taken = f"; {words['taken']}: {', '.join(report.ran.taken)}" if report.ran.taken else ""
    return f"{words['ran']}: {', '.join(report.ran.worked) or words['none']}{taken}"


def differences(report: Report, words: Mapping[str, str]) -> str:
    """How many incidents are gone, changed, new and the same."""
    c = report.compared
    return ", ".join(f"{words[name]} {getattr(c, name)}" for name in ("gone", "changed", "new", "same"))


def held(judged: Judged, words: Mapping[str, str]) -> str:
    """How a scenario's episodes held against those of the base."""
    return ", ".join(f"{words[name]} {getattr(judged, name)}" for name in ("lost", "later", "weaker", "more"))


def blocks(report: Report, words: Mapping[str, str]) -> list[str]:
    """What blocks, in words."""
    return [
        f"{words['limit_' + block.limit]}{f' ({block.of})' if block.of else ''}: {block.got:g}, "
        f"{words['allowed']} {block.allowed:g}"
        for block in report.blocks
    ]


def _visible(one: Glance | None) -> bool:
    return one is not None and one.shown is not None


def _side(one: Glance | None, name: str) -> str:
    value = None if one is None else getattr(one, name)
    return when(value) if name == "shown" and isinstance(value, int) else str(value)


def _row(name: str, was: float, now: float, better: int) -> Row:
    return Row(name, _number(was), _number(now), now - was, better)


def _maybe(name: str, was: float | None, now: float | None, better: int) -> Row:
    change = 0.0 if was is None or now is None else now - was
    return Row(name, "–" if was is None else _number(was), "–" if now is None else _number(now), change, better)


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}"
