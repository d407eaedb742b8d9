"""``brain scenario``: write what to watch for, check it, and run the tests in its file."""

from __future__ import annotations

import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from brain.commands.backtest import backtest, diff
from brain.commands.common import Config, Lang, fail, load_settings, plain
from brain.commands.promote import promote, retire, rollback, shadow
from brain.commands.scenario_index import index

if TYPE_CHECKING:
    from brain.incidents.events import Events
    from brain.scenario import Scenario
    from brain.scenario_kit.case_form import Expected
    from brain.scenario_kit.run import Outcome
    from brain.settings import Settings

app = typer.Typer(no_args_is_help=True)
app.command()(backtest)
app.command()(diff)
app.command()(index)
for _change in (promote, retire, rollback, shadow):
    app.command()(_change)
out = Console()

SetDir = Annotated[Path | None, typer.Option("--set", help="folder of a set; the genesis set when left out / 生效集")]
Paths = Annotated[list[Path] | None, typer.Argument(help="scenario files; all of the set when left out / 场景文件")]

_ZH = {
    "id": "编号", "version": "版本", "state": "状态", "name": "名称", "event": "事件类型", "owner": "负责",
    "tests": "测试",
    "found": "{errors} 个错误, {warnings} 个警告, {files} 个文件", "ran": "{passed} 个通过, {failed} 个未通过",
    "missing": "应有而无", "more": "不应有", "refused": "记录被拒绝: {why}", "quiet": "应为安静",
    "wrote": "已写入 {path}; 下一步: brain scenario lint {path}; brain scenario test {path}",
    "locked": "{path}: {changes}", "same": "{path}: 无变化",
    "none": "没有测试; 见 brain scenario explain no_test_fires",
    "allowed": "允许 {n} 次: {id}: {why} ({by}, 至 {until})",
    "hits": "{bad} 次不应有的触发, {allowed} 次属例外, {weeks} 周",
    "means": "含义", "first_steps": "先做", "false_alarms": "误报", "basis": "依据",
}  # fmt: skip
_EN = {
    "id": "id", "version": "version", "state": "state", "name": "name", "event": "event code", "owner": "owner",
    "tests": "tests", "found": "{errors} errors, {warnings} warnings in {files} files",
    "ran": "{passed} passed, {failed} failed", "missing": "expected, did not come", "more": "came, not expected",
    "refused": "a record was refused: {why}", "quiet": "expected quiet",
    "wrote": "wrote {path}; next: brain scenario lint {path}; brain scenario test {path}",
    "locked": "{path}: {changes}", "same": "{path}: up to date",
    "none": "no tests; see brain scenario explain no_test_fires",
    "allowed": "allowed {n}: {id}: {why} ({by}, until {until})",
    "hits": "{bad} raised that should not be, {allowed} by exceptions, in {weeks} weeks",
    "means": "means", "first_steps": "first steps", "false_alarms": "false alarms", "basis": "basis",
}  # fmt: skip


@app.command()
def new(
    id: Annotated[str, typer.Argument(help="domain and names with dots between, as eco.water.do_low / 编号")],
    type: Annotated[str, typer.Option(help="type of the assets / 资产类型")] = "",
    metric: Annotated[str, typer.Option(help="their metric; the first that has a range when left out / 指标")] = "",
    word: Annotated[list[str] | None, typer.Option(help="word of tickets, in place of --type")] = None,
    event: Annotated[str, typer.Option(help="event code; the nearest above the id when left out / 事件类型")] = "",
    file: Annotated[Path | None, typer.Option(help="file to write; in the set when left out")] = None,
    set_dir: SetDir = None,
    config: Config = None,
    lang: Lang = None,
) -> None:
    """Write a draft with tests that passes lint and test as it stands / 新建场景草稿."""
    from brain.scenario_kit import draft
    from brain.scenario_kit.findings import Ground
    from brain.sets import SCENARIOS, CitySet

    settings = load_settings(config, language=lang)
    folder = _folder(settings, set_dir)
    if bool(type) == bool(word):
        fail("expected --type (of assets) or --word (of tickets), one of both")
    try:
        domain = draft.check_id(id)
        content = CitySet.load(folder)
        if any(s.id == id for s in (*content.scenarios, *content.drafts)):
            fail(f"{id}: is there already; ids are permanent, take another")
        code, life = _event(content.events, id, event)
        if word:
            text = draft.of_tickets(id, code, word, life)
        else:
            text = draft.of_readings(id, code, Ground.of(content.registry, content.map), type, metric, life)
        path = file or folder / SCENARIOS / domain / f"{id.removeprefix(domain + '.').replace('.', '_')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        fail(f"{path}: is there already; it is not overwritten (--file)")
    except (ValueError, OSError) as error:
        fail(error, language=settings.language)
    out.print(_words(settings)["wrote"].format(path=path), highlight=False, markup=False, soft_wrap=True)


@app.command()
def lint(
    paths: Paths = None,
    strict: Annotated[bool, typer.Option("--strict", help="warnings fail too / 警告也算失败")] = False,
    since: Annotated[
        Path | None, typer.Option(help="bundle of what was recorded: whose assets have gone silent / 录制包")
    ] = None,
    set_dir: SetDir = None,
    config: Config = None,
    lang: Lang = None,
) -> None:
    """Say what is wrong with scenarios, by file and line / 检查场景. Exit code 1: there are errors."""
    from brain.scenario_kit.lint import lint as found_in
    from brain.scenario_kit.silence import speakers
    from brain.sets import SCENARIOS
    from streams.bundle import BundleError

    settings = load_settings(config, language=lang)
    folder = _folder(settings, set_dir)
    try:
        found = found_in(folder, paths or (), None if since is None else speakers(since))
    except (OSError, BundleError) as error:
        fail(error, language=settings.language)
    for finding in found:
        style = "red" if finding.severity == "error" else "yellow"
        out.print(Text(plain(finding.text(settings.language)), style=style), soft_wrap=True)
    errors = sum(finding.severity == "error" for finding in found)
    count = len(paths) if paths else sum(1 for _ in (folder / SCENARIOS).rglob("*.yaml"))
    said = _words(settings)["found"].format(errors=errors, warnings=len(found) - errors, files=count)
    out.print(said, highlight=False)
    if errors or (strict and found):
        raise typer.Exit(1)


@app.command("test")
def run_tests(
    paths: Paths = None,
    filter_: Annotated[str, typer.Option("--filter", help="pattern of ids or of tests' names / 筛选")] = "*",
    set_dir: SetDir = None,
    config: Config = None,
    lang: Lang = None,
) -> None:
    """Run the tests in scenario files on the real pipeline / 运行场景测试. Exit code 1: one failed, or none was run."""
    from brain.scenario_kit.run import placed, run
    from brain.scenarios import ScenarioError, bases, read
    from brain.sets import SCENARIOS, CitySet

    settings = load_settings(config, language=lang)
    words = _words(settings)
    try:
        folder = _folder(settings, set_dir)
        content = CitySet.load(folder)
        if paths:
            known = bases(folder / SCENARIOS)
            scenarios = [placed(content, read(path.read_bytes(), str(path), known)) for path in paths]
        else:
            scenarios = sorted((*content.scenarios, *content.drafts), key=lambda s: s.id)
    except (ScenarioError, ValueError, OSError) as error:
        fail(f"{error} (brain scenario lint)", 1)
    passed = failed = 0
    for s in scenarios:
        chosen = [c for c in s.tests if fnmatch.fnmatch(s.id, filter_) or fnmatch.fnmatch(c.name, filter_)]
        for case in chosen:
            try:
                outcome = run(content, s, case, settings)
            except ValueError as error:
                fail(f"{s.id}: {error} (brain scenario lint)", 1)
            passed, failed = passed + outcome.passed(), failed + (not outcome.passed())
            _tell(outcome, words)
    out.print(words["ran"].format(passed=passed, failed=failed) if passed + failed else words["none"], highlight=False)
    if failed or not passed:
        raise typer.Exit(1)


@app.command()
def quiet(
    seed: Annotated[int, typer.Option(min=0, help="other weeks for each / 随机种子")] = 1,
    weeks: Annotated[int, typer.Option(min=1, max=12, help="weeks of each season / 每季周数")] = 1,
    days: Annotated[float, typer.Option(min=0.05, max=7, help="days of each week / 每周天数")] = 7.0,
    year: Annotated[int, typer.Option(min=2020, max=2100, help="whose seasons / 年份")] = 2026,
    set_dir: SetDir = None,
    config: Config = None,
    lang: Lang = None,
) -> None:
    """Run the live scenarios over weeks in which nothing happens / 平常城市检验.

    Exit code 1: something was raised that no exception in quiet.yaml allows.
    """
    from datetime import datetime, timedelta, timezone

    from rich.progress import track

    from brain.drill import quiet as ordinary
    from brain.scenario_kit import quiet as quiets
    from brain.sets import CitySet

    settings = load_settings(config, language=lang)
    words = _words(settings)
    try:
        folder = _folder(settings, set_dir)
        content, exceptions = CitySet.load(folder), quiets.exceptions_of(folder)
        hits: list[quiets.Hit] = []
        for week in track(ordinary.weeks(year, weeks), "", console=Console(stderr=True), transient=True):
            hits += quiets.run(content, week, seed, settings, days)
    except (ValueError, OSError) as error:
        fail(error, language=settings.language)
    today = datetime.now(timezone(timedelta(hours=8))).date()  # exceptions run out by people's calendar
    found = quiets.judged(hits, exceptions, today)
    bad = [hit for hit in found if hit.allowed < 0]
    for line in quiets.told(bad):
        out.print(Text(plain(line), style="red"), soft_wrap=True)
    for n, one in enumerate(exceptions):
        used = sum(hit.allowed == n for hit in found)
        why = one.reason.en if settings.language == "en" else one.reason.zh
        out.print(Text(plain(words["allowed"].format(n=used, id=one.scenario, why=why, by=one.by, until=one.until))))
    out.print(words["hits"].format(bad=len(bad), allowed=len(found) - len(bad), weeks=4 * weeks), highlight=False)
    if bad:
        raise typer.Exit(1)


@app.command("list")
def list_(set_dir: SetDir = None, config: Config = None, lang: Lang = None) -> None:
    """List the scenarios of a set, those that do not run too / 列出场景."""
    settings = load_settings(config, language=lang)
    words = _words(settings)
    table = Table()
    for column in ("id", "version", "state", "name", "event", "owner", "tests"):
        table.add_column(words[column], overflow="fold")
    for s in _all(settings, set_dir):
        name = s.name.en if settings.language == "en" else s.name.zh
        row = (s.id, str(s.version), s.state, name, s.event_code, s.owner, str(len(s.tests)))
        table.add_row(*(Text(plain(cell)) for cell in row))
    out.print(table)


@app.command()
def show(
    id: Annotated[str, typer.Argument(help="id of a scenario / 编号")],
    set_dir: SetDir = None,
    config: Config = None,
    lang: Lang = None,
) -> None:
    """Show one scenario: what it means, what to do, when it is raised, its tests / 查看场景."""
    from brain.near import near
    from brain.scenario_kit.lock import decides

    settings = load_settings(config, language=lang)
    words, every = _words(settings), _all(settings, set_dir)
    s = next((one for one in every if one.id == id), None)
    if s is None:
        fail(f"{id}: the set has no such scenario{near(id, [one.id for one in every])}")
    english = settings.language == "en"
    out.print(Text(f"{s.id}  {s.name.en if english else s.name.zh}  {words['version']} {s.version}, {s.state}"))
    for part in ("means", "first_steps", "false_alarms"):
        text = getattr(s, part)
        out.print(Text(f"{words[part]}: {plain(text.en if english else text.zh) or '–'}"), soft_wrap=True)
    out.print(Text(f"{words['owner']}: {plain(s.owner) or '–'}   {words['basis']}: {plain(s.basis) or '–'}"))
    for key, value in decides(s).items():
        out.print(Text(plain(f"  {key}: {value}")), soft_wrap=True)
    for case in s.tests:
        out.print(Text(plain(f"{words['tests']}: {case.name}")), soft_wrap=True)
        for signal in case.expect:
            out.print(Text(plain(f"    {_signal(signal)}")))
        if not case.expect:
            out.print(Text(f"    {words['quiet']}"))


@app.command()
def explain(
    code: Annotated[str, typer.Argument(help="code of a finding, as never_true / 代码")], lang: Lang = None
) -> None:
    """Say what a finding of lint means and what to do / 解释检查代码."""
    from brain.near import near
    from brain.scenario_kit.codes import CODES

    settings = load_settings(language=lang)
    if code not in CODES:
        fail(f"{code}: no such code{near(code, CODES)}")
    row = CODES[code]
    severity = row.severity if row.draft == row.severity else f"{row.severity}, {row.draft} (draft)"
    out.print(Text(f"{code} ({severity}): {row.what.en if settings.language == 'en' else row.what.zh}"), soft_wrap=True)


@app.command()
def lock(
    evidence: Annotated[Path | None, typer.Option(help="report of brain scenario backtest --json / 回测报告")] = None,
    by: Annotated[list[str] | None, typer.Option(help="who answers for it; twice for a major version / 批准人")] = None,
    set_dir: SetDir = None,
    config: Config = None,
    lang: Lang = None,
) -> None:
    """Write scenarios.lock: of which content each version is, of which kind, and who answers for it / 写锁文件.

    Exit code 1: a scenario changed without a new version, or a major one without two people; nothing is written.
    """
    from brain.backtest.report import decode
    from brain.scenario_kit import lock as locks

    settings = load_settings(config, language=lang)
    words, path = _words(settings), _folder(settings, set_dir, library=True) / locks.NAME
    now = locks.of(_all(settings, set_dir))
    try:
        was = locks.read(path)
        changes = locks.changes(was, now)
        bad = [change for change in changes if change.kind in ("changed", "older")]
        if bad:
            told = ", ".join(f"{c.id} ({c.kind}: {c.was} → {c.now})" for c in bad)
            fail(f"nothing is written: expected a higher version of {told}", 1)
        report = None if evidence is None else decode(evidence.read_bytes())
        if report is not None and report.blocks:
            held = ", ".join(f"{b.limit} {b.of}".strip() for b in report.blocks)
            fail(f"nothing is written: {evidence}: limits block the candidate: {held}", 1)
        made, against = locks.answered(was, now, () if report is None else report.scenarios, locks.names(by or ()))
        if against:
            way = "brain scenario backtest --json FILE, then --evidence FILE; or --by NAME --by NAME"
            fail(f"nothing is written: {'; '.join(against)} ({way})", 1)
        path.write_text(locks.text(made), encoding="utf-8")
    except (ValueError, OSError) as error:
        fail(error, language=settings.language)
    said = ", ".join(f"{c.id} {c.kind} {c.now or c.was}" for c in changes)
    text = words["locked" if changes else "same"].format(path=path, changes=said)
    out.print(text, highlight=False, markup=False, soft_wrap=True)


@app.command()
def schema(
    write: Annotated[bool, typer.Option("--write", help="into config/scenario.schema.json, not to stdout")] = False,
) -> None:
    """Print the JSON Schema of a scenario's file, for editors / 场景文件的 JSON Schema."""
    from brain.scenario_kit import schema as schemas

    if not write:
        typer.echo(schemas.text().decode(), nl=False)
        return
    try:
        schemas.FILE.write_bytes(schemas.text())
    except OSError as error:
        fail(f"{schemas.FILE}: {error}")
    out.print(str(schemas.FILE), highlight=False, soft_wrap=True)


def _folder(settings: Settings, set_dir: Path | None, *, library: bool = False) -> Path:
    """The folder of a set, or of scenarios alone where a ``library`` will do."""
    from brain.scenario_form import DOMAINS
    from brain.sets import ASSETS

    folder = set_dir or settings.set_folder() / settings.genesis
    if not (folder / ASSETS).is_file() and not (library and any((folder / name).is_dir() for name in DOMAINS)):
        fail(f"{folder}: expected the folder of a set, with {ASSETS}")
    return folder


def _all(settings: Settings, set_dir: Path | None) -> list[Scenario]:
    from brain import scenarios
    from brain.scenario_kit import library
    from brain.sets import ASSETS, SCENARIOS

    folder = _folder(settings, set_dir, library=True)
    try:
        if (folder / ASSETS).is_file():
            return scenarios.load(folder / SCENARIOS)
        return library.own(folder)
    except (ValueError, OSError) as error:
        fail(f"{error} (brain scenario lint)", 1)


def _event(events: Events | None, id_: str, code: str) -> tuple[str, bool]:
    """The event code, and whether it is a never-hidden class."""
    if events is None:
        return code or id_, False
    if not code:
        parts = id_.split(".")
        above = [".".join(parts[:n]) for n in range(len(parts), 1, -1)]
        code = next((one for one in above if one in events.by_code), "")
    event = events.by_code.get(code)
    if event is None:
        near = events.nearest(code or id_)
        fail(
            f"--event: {code or 'none above ' + id_} is not in events.yaml{f' (did you mean {near}?)' if near else ''}"
        )
    return event.code, event.life


def _words(settings: Settings) -> dict[str, str]:
    return _EN if settings.language == "en" else _ZH


def _tell(outcome: Outcome, words: dict[str, str]) -> None:
    passed = outcome.passed()
    mark = Text("✓ " if passed else "✗ ", style="green" if passed else "bold red")
    out.print(mark.append(plain(f"{outcome.scenario} · {outcome.name}"), style="default"), soft_wrap=True)
    if passed:
        return
    for why in outcome.refused:
        out.print(Text(plain(f"    {words['refused'].format(why=why)}"), style="red"), soft_wrap=True)
    for want, got in outcome.pairs():
        if want is not None and got is not None:
            out.print(Text(plain(f"    = {_signal(got)}"), style="dim"))
        elif want is not None:
            out.print(Text(plain(f"    - {_signal(want)}   {words['missing']}"), style="red"))
        elif got is not None:
            out.print(Text(plain(f"    + {_signal(got)}   {words['more']}"), style="yellow"))


def _signal(signal: Expected) -> str:
    parts = [f"{signal.at:g} s", signal.kind, signal.asset]
    parts += [f"level {signal.level}"] if signal.level is not None and signal.kind != "clear" else []
    parts += [f"{name} {value}" for name, value in (("grid", signal.grid), ("grade", signal.grade)) if value]
    return "  ".join(parts)
