"""``brain scenario promote``, ``retire``, ``rollback``, ``shadow``: a scenario's next state, and what speaks for it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from brain.commands.common import Bootstrap, Config, Lang, Prefix, broker_of, embedded, fail, load_settings, plain
from brain.settings import Settings

if TYPE_CHECKING:
    from brain.incidents.value import Incident
    from brain.promotion import Step, Taken
    from brain.scenario import Scenario
    from brain.scenario_form import State

out = Console()

Id = Annotated[str, typer.Argument(help="id of a scenario / 编号")]
By = Annotated[str, typer.Option(help="account of who decides it / 决定人")]
Why = Annotated[str, typer.Option(help="the reason, for the audit / 理由")]
Second = Annotated[str, typer.Option(help="account of a second person: never-hidden class, major change / 第二人")]
SetDir = Annotated[Path | None, typer.Option("--set", help="the set before; the one in force when left out / 生效集")]
Wait = Annotated[float, typer.Option(help="seconds to wait for the outcome; 0: only ask / 等待秒数")]

_ZH = {
    "made": "✓ {scenario}: {was} → {to}; 新方案 {folder} ({id})", "also": "  同时: {id} → {to}",
    "later": "没有运行中的系统: 未请求启用; 之后: brain set use {name}",
    "elsewhere": "生效集 {id} 不在 {folder} 下 (或为实时变更所成); 请用 --set 指明目录",
}  # fmt: skip
_EN = {
    "made": "✓ {scenario}: {was} → {to}; new set {folder} ({id})", "also": "  with it: {id} → {to}",
    "later": "no brain runs here: it was not asked for; later: brain set use {name}",
    "elsewhere": "the set in force, {id}, is no folder below {folder} (or live changes made it): name one by --set",
}  # fmt: skip


def promote(
    id: Id,
    to: Annotated[str, typer.Option(help="shadow, trial, live, retired; or back to an earlier one / 目标状态")],
    by: By,
    why: Why,
    second: Second = "",
    evidence: Annotated[Path | None, typer.Option(help="JSON of a backtest or of `shadow --json` / 依据")] = None,
    district: Annotated[str, typer.Option(help="with --to trial: where it is live / 试点区划代码，其余为影子")] = "",
    file: Annotated[Path | None, typer.Option(help="with --to shadow: a draft that the set lacks / 草稿文件")] = None,
    set_dir: SetDir = None, wait: Wait = 90.0,
    config: Config = None, bootstrap: Bootstrap = None, prefix: Prefix = None, lang: Lang = None,
) -> None:  # fmt: skip
    """Bring a scenario on, or back: a new set, in force from a pulse on / 场景转正或回退."""
    from brain.promotion import PromotionError, Step
    from brain.scenario_form import State as States  # at run time; the other is for types

    settings = load_settings(config, bootstrap=bootstrap, prefix=prefix, language=lang)
    if to not in get_args(States):
        names = ", ".join(get_args(States))
        fail(
            PromotionError("--to", "expected one of {names}, got {to}", names=names, to=plain(to)),
            language=settings.language,
        )
    _take(settings, set_dir, Step(id, cast("State", to), by, why, second, district), evidence, wait, file)


def retire(
    id: Id, by: By, why: Why, second: Second = "", set_dir: SetDir = None, wait: Wait = 90.0,
    config: Config = None, bootstrap: Bootstrap = None, prefix: Prefix = None, lang: Lang = None,
) -> None:  # fmt: skip
    """Let a scenario run no more, from a pulse on / 停用场景."""
    from brain.promotion import Step

    settings = load_settings(config, bootstrap=bootstrap, prefix=prefix, language=lang)
    _take(settings, set_dir, Step(id, "retired", by, why, second), None, wait)


def rollback(
    id: Id, by: By, why: Why, second: Second = "",
    evidence: Annotated[Path | None, typer.Option(help="where it goes on to trial or live again / 依据")] = None,
    set_dir: SetDir = None, wait: Wait = 90.0,
    config: Config = None, bootstrap: Bootstrap = None, prefix: Prefix = None, lang: Lang = None,
) -> None:  # fmt: skip
    """Take back a scenario's last step / 回退场景的上一步."""
    from brain.promotion import PromotionError, Step, before_last

    settings = load_settings(config, bootstrap=bootstrap, prefix=prefix, language=lang)
    folder = _before(settings, set_dir)
    try:
        to, district = before_last(folder, id)
    except (PromotionError, OSError) as error:
        fail(error, 1, language=settings.language)
    _take(settings, folder, Step(id, to, by, why, second, district, undo=True), evidence, wait)


def _take(
    settings: Settings, set_dir: Path | None, step: Step, evidence: Path | None, wait: float, file: Path | None = None
) -> None:
    from brain import promotion
    from brain.commands.rules import note_down
    from brain.commands.sets import bring
    from brain.explain.trail import written
    from brain.promotion import PromotionError

    folder = _before(settings, set_dir)
    try:
        shown = None if evidence is None else promotion.evidence(evidence.read_bytes())
        new = None if file is None else promotion.brought(folder, file)
        found = written(folder).get(step.id) if new is None else new
        if found is None or found.scenario.id != step.id:
            where = folder if file is None else file
            fail(PromotionError(where, "it has no scenario {id}", id=plain(step.id)), language=settings.language)
        was = found.scenario.state
        forward = step.to in promotion.UP[was]
        promotion.check(found.scenario, step, shown, _failed(settings, folder, found.scenario) if forward else 0)
        below = settings.set_folder()
        name = promotion.next_name(below, folder.name)
        done = promotion.taken(folder, below / name, step, shown, time.time_ns() // 1_000_000, new)
    except (ValueError, OSError) as error:
        fail(error, 1, language=settings.language)
    _tell(settings, step, was, done)
    if not _running(settings):
        words = _EN if settings.language == "en" else _ZH
        out.print(words["later"].format(name=done.folder.name), style="yellow", highlight=False, soft_wrap=True)
        return
    note_down(settings, done.note)
    bring(settings, done.folder, step.by, wait)


def _tell(settings: Settings, step: Step, was: str, done: Taken) -> None:
    import msgspec

    words = _EN if settings.language == "en" else _ZH
    text = words["made"].format(scenario=step.id, was=was, to=step.to, folder=done.folder, id=done.set)
    out.print(text, style="green", highlight=False, markup=False, soft_wrap=True)
    for id_, to in msgspec.json.decode(done.note, type=dict[str, Any])["also"]:
        out.print(words["also"].format(id=id_, to=to), highlight=False, markup=False, soft_wrap=True)


def _before(settings: Settings, set_dir: Path | None) -> Path:
    """Folder of the set that the step is of."""
    from brain.commands.sets import in_force
    from brain.promotion import PromotionError
    from brain.sets import ASSETS, folders, has

    if set_dir is not None:
        if not (set_dir / ASSETS).is_file():
            wrong = PromotionError(set_dir, "expected the folder of a set, with {file}", file=ASSETS)
            fail(wrong, language=settings.language)
        return set_dir
    below = settings.set_folder()
    if not _running(settings):
        return below / settings.genesis
    force = in_force(broker_of(settings), settings)
    found = next((folder for folder in folders(below) if has(folder, force)), None)
    if found is None:
        words = _EN if settings.language == "en" else _ZH
        fail(words["elsewhere"].format(id=force, folder=below))
    return found


def _running(settings: Settings) -> bool:
    from streams.broker import status

    return bool(settings.bootstrap) or status(embedded(settings)) is not None


def _failed(settings: Settings, folder: Path, s: Scenario) -> int:
    """Tests in the scenario's file that do not pass. Raises ValueError, OSError."""
    from brain.scenario_kit.run import placed, run
    from brain.sets import CitySet

    content = CitySet.load(folder)
    there = placed(content, s)
    return sum(not run(content, there, case, settings).passed() for case in s.tests)


def shadow(
    id: Id,
    page: Annotated[Path | None, typer.Option(help="write one HTML page / 写入对比页面")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON: evidence for promote / 转正依据")] = False,
    source: Annotated[Path | None, typer.Option("--from", help="the folder of `brain replay` / 重放输出目录")] = None,
    set_dir: SetDir = None,
    config: Config = None, bootstrap: Bootstrap = None, prefix: Prefix = None, lang: Lang = None,
) -> None:  # fmt: skip
    """Compare a scenario in shadow with the live one / 影子场景与在线场景对比."""
    import msgspec

    from brain import versus_page
    from brain.explain.trail import written
    from brain.promotion import PromotionError
    from brain.versus import versus
    from streams.log import LogError

    settings = load_settings(config, bootstrap=bootstrap, prefix=prefix, language=lang)
    folder = set_dir or (settings.set_folder() / settings.genesis if source is not None else _before(settings, None))
    try:
        found = written(folder).get(id)
        if found is None:
            fail(PromotionError(folder, "it has no scenario {id}", id=plain(id)), language=settings.language)
        if found.scenario.state not in ("shadow", "trial"):
            state = found.scenario.state
            wrong = PromotionError(id, "is {state}; expected one in shadow or on trial", state=state)
            fail(wrong, 1, language=settings.language)
        sides = [_incidents(settings, family, source) for family in ("incidents", "incidents-shadow")]
        told = versus(found.scenario, *sides)
        if page is not None:
            page.write_text(versus_page.page(told, settings.language), encoding="utf-8")
    except (ValueError, OSError, LogError) as error:
        fail(error, 1, language=settings.language)
    if as_json:
        typer.echo(msgspec.json.encode(told).decode())
        return
    words = versus_page.EN if settings.language == "en" else versus_page.ZH
    table = Table(title=f"{words['title']}: {id}", title_justify="left", box=None, show_header=False)
    for what, how in versus_page.facts(told, words):
        table.add_row(Text(what), Text(plain(how)))
    for work in told.load:
        table.add_row(Text(plain(work.lead)), Text(f"{work.live} → {work.shadow}"))
    out.print(table)


def _incidents(settings: Settings, family: str, source: Path | None) -> list[Incident]:
    """Newest revision of each incident of a book. Raises LogError, OSError, ValueError."""
    from brain.incidents.state import restored
    from brain.incidents.value import DOMAINS
    from streams.records import TP
    from streams.tailing import snapshot

    if source is not None:
        return [restored(line) for line in (source / f"{family}.ndjson").read_bytes().splitlines() if line]
    newest: dict[bytes, bytes] = {}
    where = [TP(f"{settings.prefix}{family}.{domain}", 0) for domain in DOMAINS]
    for _, _, _, key, value, _ in snapshot(broker_of(settings), where):
        if key is not None:
            newest.pop(key, None)
            if value is not None:
                newest[key] = value
    return [restored(value) for value in newest.values()]
