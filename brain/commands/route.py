"""``brain route``: who leads an event at a place, by which rule and by when; or whether a set's tables hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from brain.commands.common import Lang, fail, load_settings

if TYPE_CHECKING:
    from brain.incidents.limits import Limits
    from brain.incidents.route import Rule
    from brain.set_tables import Tables
    from geo.grid_map import GridMap, Where
    from streams.registry import Registry

console = Console()

_ZH = {
    "event": "事件类型", "unlisted": "不在 events.yaml 中, 上级为 {code}", "unknown": "不在 events.yaml 中",
    "place": "位置", "outside": "不在任何网格内", "anywhere": "全市", "owner": "资产权属", "lead": "牵头部门",
    "assisting": "协办部门", "rule": "依据", "also": "也符合, 但次于上一条", "no": "没有规则符合: 用该领域的缺省部门",
    "zone": "功能区规则优先", "limits": "时限", "accept": "受理", "arrive": "到场", "dispose": "处置",
    "working": "工作时间", "clock": "自然时间", "days": "{n} 个工作日", "more": "(另有 {n} 级升级催办)",
    "none": "{folder} 没有 routes.yaml", "sound": "✓ {folder}: 路由完整且无歧义 (类型 {codes}, 规则 {rules})",
    "warning": "提示", "refused": "拒绝", "at": "--at: 应为 经度,纬度 (WGS 84), 实为 {text!r}",
    "gone": "地图中没有网格 {code!r}", "domain": "{code!r} 不在 events.yaml 中: 用 --domain 指明领域",
    "asset": "登记表中没有资产 {asset!r}",
}  # fmt: skip
_EN = {
    "event": "event", "unlisted": "not in events.yaml, under {code}", "unknown": "not in events.yaml",
    "place": "place", "outside": "outside every grid", "anywhere": "the whole city", "owner": "owner",
    "lead": "lead", "assisting": "assisting", "rule": "rule", "also": "fits too, after the one above",
    "no": "no rule fits: the domain's default", "zone": "a rule for a managing zone goes first", "limits": "limits",
    "accept": "accept", "arrive": "arrive", "dispose": "dispose", "working": "working time",
    "clock": "round the clock", "days": "{n} working day(s)", "more": "(and {n} steps of escalation)",
    "none": "{folder} has no routes.yaml",
    "sound": "✓ {folder}: routes are complete and unambiguous ({codes} codes, {rules} rules)",
    "warning": "note", "refused": "refused", "at": "--at: expected lon,lat in WGS 84, got {text!r}",
    "gone": "the map has no grid {code!r}", "domain": "{code!r} is not in events.yaml: say its --domain",
    "asset": "the registry has no asset {asset!r}",
}  # fmt: skip


def route(
    event_code: Annotated[str | None, typer.Argument(help="event code; none: check the tables of the set")] = None,
    at: Annotated[str | None, typer.Option(help="lon,lat in WGS 84")] = None,
    grid: Annotated[str | None, typer.Option(help="code of a unit grid, instead of a position")] = None,
    asset: Annotated[str | None, typer.Option(help="asset that spoke: its owner counts")] = None,
    owner: Annotated[str | None, typer.Option(help="owner of the asset, instead of the asset")] = None,
    domain: Annotated[str | None, typer.Option(help="domain of a code that events.yaml lacks")] = None,
    level: Annotated[int, typer.Option(help="level 0 to 4, for the limits", min=0, max=4)] = 0,
    folder: Annotated[Path | None, typer.Option("--set", help="folder of a set; the one in use when left out")] = None,
    lang: Lang = None,
) -> None:
    """Show which rule chooses whom for an event at a place, or check the tables / 查询牵头部门及其依据."""
    from brain import scenarios
    from brain.set_tables import tables
    from brain.sets import ASSETS, MAP, SCENARIOS, files
    from geo.grid_map import GridMap
    from streams.registry import Registry, RegistryError

    settings = load_settings(language=lang)
    words = _EN if settings.language == "en" else _ZH
    place = folder or settings.set_folder() / settings.genesis
    try:
        has = tables(files(place), place)
        city, registry = GridMap.load(place / MAP), Registry.load(place / ASSETS)
        listed = scenarios.load(place / SCENARIOS)
    except (ValueError, OSError, RegistryError) as error:
        fail(error, language=settings.language)
    if has.routes is None:
        fail(words["none"].format(folder=place))
    if event_code is None:
        _check(has, city, registry, listed, place, words)
        return
    if asset is not None and asset not in registry.index:
        fail(words["asset"].format(asset=asset))
    whose = owner if owner is not None else registry.owner(asset or "")
    _explain(has, event_code, domain, level, _where(city, at, grid, words), whose, words)


def _check(
    has: Tables, city: GridMap, registry: Registry, listed: list[Any], place: Path, words: dict[str, str]
) -> None:
    from brain.set_tables import findings

    found = findings(has, city, registry, listed)
    for finding in found:
        kind = words["refused" if finding.refuses else "warning"]
        console.print(
            f"{kind} {finding.code} {place}/{finding.text('zh' if words is _ZH else 'en')}",
            highlight=False, markup=False, soft_wrap=True,
        )  # fmt: skip
    if any(finding.refuses for finding in found):
        raise typer.Exit(1)
    codes = 0 if has.events is None else len(has.events.by_code)
    rules = 0 if has.routes is None else len(has.routes.rules)
    console.print(words["sound"].format(folder=place, codes=codes, rules=rules), highlight=False, soft_wrap=True)


def _where(city: GridMap, at: str | None, grid: str | None, words: dict[str, str]) -> Where | None:
    import numpy as np

    if at is not None:
        try:
            lon, lat = (float(part) for part in at.split(","))
        except ValueError:
            fail(words["at"].format(text=at))
        return city.where(city.map.locate(np.array([lon]), np.array([lat]))[0])
    if grid is not None:
        if grid not in city.codes:
            fail(words["gone"].format(code=grid))
        inside = city.map.features("grid")[city.codes.index(grid)].shape.representative_point()
        return city.where(city.map.locate(np.array([inside.x]), np.array([inside.y]))[0])
    return None


def _explain(
    has: Tables, code: str, domain: str | None, level: int, where: Where | None, owner: str, words: dict[str, str]
) -> None:
    routes, event = has.routes, has.events.find(code) if has.events is not None else None
    if routes is None:
        return
    if domain is None and event is None:
        first = code.partition(".")[0]
        if first not in routes.defaults:
            fail(words["domain"].format(code=code))
        domain = first
    chosen = domain or (event.domain if event is not None else "")
    if chosen not in routes.defaults:
        fail(f"--domain: {', '.join(routes.defaults)}; {chosen!r}")
    zones = tuple(where.areas.get("zone", ())) if where is not None else ()
    asked: dict[str, Any] = {"zones": zones, "owner": owner}
    if where is not None:
        asked |= {"grid": where.grid, "town": where.town, "district": where.district}
    rules, found = routes.matching(code, chosen, **asked), routes.find(code, chosen, **asked)
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    known = event is not None and event.code == code
    said = "" if known else words["unlisted" if event else "unknown"].format(code=event.code if event else "")
    name = _name(event.name.zh, event.name.en, words) if event is not None else ""
    _row(table, words["event"], " ".join(part for part in (code, name, f"({said})" if said else "") if part))
    _row(table, words["place"], _place(where, zones, words))
    if owner:
        _row(table, words["owner"], owner)
    _row(table, words["lead"], f"{_name(found.lead_name.zh, found.lead_name.en, words)} ({found.lead})")
    if found.assisting:
        names = [routes.departments[d] for d in found.assisting]
        _row(table, words["assisting"], ", ".join(_name(d.zh, d.en, words) for d in names))
    _row(table, words["rule"], found.rule + _why(rules, words))
    for rule in rules[1:]:
        _row(table, "", f"{words['also']}: {rule.name()} → {rule.lead}")
    if has.limits is not None:
        life = event.life if event is not None else False
        _limits(table, has.limits, code, level, life, words)
    console.print(table)


def _why(rules: list[Rule], words: dict[str, str]) -> str:
    if not rules:
        return f" ({words['no']})"
    return f" ({words['zone']})" if rules[0].zone else ""


def _place(where: Where | None, zones: tuple[str, ...], words: dict[str, str]) -> str:
    if where is None:
        return words["anywhere"]
    codes = [f"{kind} {value}" for kind, value in zip(("grid", "town", "district"), where[:3], strict=True) if value]
    codes += [f"zone {zone}" for zone in zones if zone]
    return ", ".join(codes) or words["outside"]


def _limits(table: Table, limits: Limits, code: str, level: int, life: bool, words: dict[str, str]) -> None:
    plan = limits.plan(code, level, life)
    parts = []
    for name, limit in plan.limits:
        if limit.days and plan.kind == "working":
            text = words["days"].format(n=limit.amount)
        else:
            text = _span(limit.amount * (86_400_000 if limit.days else 1))
        parts.append(f"{words[name]} {text}")
    steps = f" {words['more'].format(n=len(plan.steps))}" if plan.steps else ""
    _row(table, words["limits"], f"{', '.join(parts)}; {words[plan.kind]} [{plan.rule}]{steps}")


def _span(ms: int) -> str:
    for unit, size in (("h", 3_600_000), ("min", 60_000)):
        if ms % size == 0:
            return f"{ms // size} {unit}"
    return f"{ms // 1000} s"


def _row(table: Table, label: str, text: str) -> None:
    table.add_row(Text(label), Text(text))


def _name(zh: str, en: str, words: dict[str, str]) -> str:
    return (en or zh) if words is _EN else zh
