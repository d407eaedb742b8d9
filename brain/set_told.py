"""What each table of a set would do, in one line, in both languages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np

from brain.agent_kit.chosen import Agent
from brain.city_time import CITY_TIME
from brain.incidents.calendar import WorkCalendar
from brain.incidents.causes import Causes
from brain.incidents.events import Events
from brain.incidents.limits import Limits
from brain.incidents.route import Routes
from brain.incidents.value import Text
from brain.incidents.warning_rules import WarningRules
from brain.incidents.windows import Windows
from brain.sets import SCENARIOS
from brain.standards import Library
from geo.coords import to_wgs84
from geo.grid_map import GridMap
from streams.registry import Registry


def assets(registry: Registry) -> Text:
    """Of assets.ndjson."""
    n, types = len(registry.ids), len(set(registry.asset_type.tolist()))
    return Text(f"{n} 个资产, {types} 类", f"{n} assets of {types} types")


def grids(city: GridMap) -> Text:
    """Of map.geojson."""
    n, districts = len(city.codes), len({d for d in city.districts if d})
    return Text(f"{n} 个网格, {districts} 个区, 图层 {len(city.map.layers)} 个",
                f"{n} grids in {districts} districts, {len(city.map.layers)} layers")  # fmt: skip


def scenario_files(contents: Mapping[str, bytes]) -> tuple[set[str], Counter[str]]:
    """Ids of the scenarios among a set's files, and how many are in which state, without those that are no YAML."""
    ids, states = set[str](), Counter[str]()
    for name, text in contents.items():
        if name.startswith(f"{SCENARIOS}/"):
            try:
                data: Any = msgspec.yaml.decode(text)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
            if isinstance(data, dict):
                ids.add(str(data.get("id", "")))
                states[str(data.get("state", "live"))] += 1
    return ids, states


def scenarios(states: Mapping[str, int], warned: int) -> Text:
    """Of the folder scenarios."""
    said = ", ".join(f"{state} {n}" for state, n in sorted(states.items())) or "0"
    zh, en = (
        (f"; {warned} 个警告: brain scenario lint", f"; {warned} warnings: brain scenario lint") if warned else ("", "")
    )
    return Text(said + zh, said + en)


def calendar(days: WorkCalendar) -> Text:
    """Of calendar.yaml."""
    first, last = min(days.years), max(days.years)
    return Text(f"覆盖 {first} 至 {last} 年", f"covers {first} to {last}")


def events(table: Events) -> Text:
    """Of events.yaml."""
    n, life = len(table.by_code), sum(e.life for e in table.by_code.values())
    return Text(f"{n} 个事件类型, 其中 {life} 个不可隐藏", f"{n} event codes, {life} of them never hidden")


def routes(table: Routes) -> Text:
    """Of routes.yaml."""
    n, departments = len(table.rules), len(table.departments)
    zh, en = (", 须无遗漏", ", strict") if table.strict else ("", "")
    return Text(f"{n} 条规则, {departments} 个部门{zh}", f"{n} rules to {departments} departments{en}")


def limits(table: Limits) -> Text:
    """Of limits.yaml."""
    n, steps = len(table.rows), len(table.steps)
    return Text(f"{n} 行时限, {steps} 级催办", f"{n} rows of limits, {steps} steps of escalation")


def causes(table: Causes) -> Text:
    """Of causes.yaml."""
    n, along = len(table.rows), sum(row.along is not None for row in table.rows)
    return Text(f"{n} 条主因与次生, 其中 {along} 条沿河", f"{n} causes with effects, {along} of them along rivers")


def warnings(table: WarningRules) -> Text:
    """Of warnings.yaml."""
    n, opening, colours = len(table.rows), len(list(table.opening())), sum(bool(r.colours) for r in table.rows)
    return Text(f"{n} 类预警: {opening} 类开立事件, {colours} 类给事件着色",
                f"{n} kinds of warnings: {opening} open incidents, {colours} colour them")  # fmt: skip


def windows(table: Windows, registry: Registry | None, city: GridMap | None, now: int) -> Text:
    """Of maintenance.yaml, as of ``now``, ms UTC: windows that are not over, the next that begins, what they cover."""
    every = [m for mine in table.by_scope.values() for m in mine]
    left = [m for m in every if m[1] > now]
    running, ahead = sum(m[0] <= now for m in left), [m[0] for m in left if m[0] > now]
    assets, grids = {w.asset for _, _, w in left if w.asset}, {w.grid for _, _, w in left if w.grid}
    covered = len(assets) if registry is None else sum(a in registry.index for a in assets)
    if registry is not None and city is not None and grids:
        lon, lat = to_wgs84(np.asarray(registry.lon, np.float64), np.asarray(registry.lat, np.float64), registry.crs)
        there = city.map.locate(lon, lat)[:, city.column].tolist()
        covered = sum(
            id_ in assets or (grid >= 0 and city.codes[grid] in grids)
            for id_, grid in zip(registry.ids, there, strict=True)
        )
    zh, en = f"{len(left)} 个检修窗口", f"{len(left)} window{'' if len(left) == 1 else 's'}"
    if running:
        zh, en = f"{zh}, {running} 个进行中", f"{en}, {running} running now"
    if ahead:
        zh, en = f"{zh}, 下一个始于 {_clock(min(ahead))}", f"{en}, the next begins {_clock(min(ahead))}"
    if left:
        plural = "" if covered == 1 else "s"
        zh, en = f"{zh}, 覆盖 {covered} 个资产", f"{en}, cover{'s' if len(left) == 1 else ''} {covered} asset{plural}"
    over = len(every) - len(left)
    return Text(f"{zh}; {over} 个已结束", f"{en}; {over} over") if over else Text(zh, en)


def trust(data: Any) -> Text:
    """Of trust.yaml, decoded."""
    types = data.get("types") if isinstance(data, dict) else None
    names = sorted(map(str, types)) if isinstance(types, dict) else []
    return Text(f"考察 {len(names)} 类资产: {', '.join(names)}", f"watches {len(names)} types: {', '.join(names)}")


def standards(library: Library, own: bool) -> Text:
    """Of the folder standards."""
    n = len(library.documents)
    return Text(f"{n} 张表, {'自带' if own else '随版本'}", f"{n} tables, {'its own' if own else 'shipped'}")


def agents(chosen: Sequence[Agent]) -> Text:
    """Of agents.yaml."""
    live = sum(a.state == "live" for a in chosen)
    return Text(f"{len(chosen)} 个智能体, {live} 个启用", f"{len(chosen)} agents, {live} live")


def _clock(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC).astimezone(CITY_TIME):%Y-%m-%d %H:%M} +08:00"
