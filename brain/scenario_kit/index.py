"""The index page of a library of scenarios: what there is, by domain, and how each looks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from brain.scenario import Scenario
from brain.scenario_form import DOMAINS

TITLES: Final = {
    "emergency": "应急管理 Emergency", "market": "市场监管 Market supervision", "eco": "生态环境 Environment",
    "social": "社会治理 Social governance", "public": "公共服务 Public services", "economy": "经济调节 Economy",
}  # fmt: skip
_SOURCES: Final = {"iot": "感知", "video": "视频", "hotline": "热线", "signals": "组合"}


def kind(s: Scenario) -> str:
    """How it looks at the city, in the words of the scenario's file."""
    d, how = s.detect, ""
    if d.combine is not None:
        how = f"combine {d.combine}"
    elif d.standard is not None:
        how = f"standard {d.standard}"
    elif d.watch is not None:
        how = f"tracks {d.watch}"
    elif d.detector is not None:
        how = d.detector + (" of neighbours" if d.within_m is not None and d.detector == "spike" else "")
    elif d.topic is not None:
        how = f"topic {d.topic}"
    elif d.ewma_deviation is not None:
        how = "its own past"
    else:
        named = {
            "mass": d.mass, "count": d.count_over, "sum": d.sum_over, "silence": d.silent_s, "words": d.words,
            "ticket": d.ticket, "above": d.above, "below": d.below,
        }  # fmt: skip
        how = next((name for name, value in named.items() if value is not None), "")
    more = [name for name, there in (
        ("ladder", bool(s.levels)), ("hours", s.match.hours is not None), ("layer", bool(s.match.layer)),
        ("districts", bool(s.match.districts)), ("lasting", s.duration.seconds > 0),
    ) if there]  # fmt: skip
    return ", ".join([how, *more])


def page(every: Iterable[Scenario]) -> str:
    """The page in Markdown; the same for the same scenarios, in whatever order they come."""
    found = sorted(every, key=lambda s: (DOMAINS.index(s.domain), s.id))
    counts = Counter[str](s.domain for s in found)
    lines = [
        "# Scenarios of the library 场景库", "",
        f"{len(found)} scenarios, written by `brain scenario index`. Each has tests that fire and tests that stay",
        "quiet; `brain scenario show ID` says what it means and what to do first (with `--set config/scenarios` of",
        "those that are not in the demo). How one is written: [scenarios](scenarios.md). Those in *shadow* raised too",
        "much in ordinary days of the drill district, and want thresholds of the place that takes them; combinations",
        "of such are *draft*. All figures are a sample.", "",
    ]  # fmt: skip
    for domain in DOMAINS:
        if counts[domain]:
            lines += [f"## {TITLES[domain]} · {counts[domain]}", "", *_table([s for s in found if s.domain == domain])]
    return "\n".join(lines)


def _table(mine: Sequence[Scenario]) -> list[str]:
    out = ["| id | 名称 | name | looks at | kind | event code | basis |", "|---|---|---|---|---|---|---|"]
    for s in mine:
        looks = _SOURCES[s.source] + (f" {s.match.type}" if s.match.type else "")
        state = "" if s.state == "live" else f" *{s.state}*"
        id_ = f"`{s.id}`" + (" **life**" if s.life else "") + state
        cells = (id_, s.name.zh, s.name.en, looks, kind(s), s.event_code, s.basis)
        out.append("| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |")
    return [*out, ""]
