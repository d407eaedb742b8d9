"""``brain scenario backtest`` and ``brain scenario diff``: what another version would have done to a recorded time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from brain.commands.common import Bootstrap, Config, Lang, Prefix, broker_of, fail, load_settings, plain

if TYPE_CHECKING:
    from brain.backtest import Report, Run
    from brain.backtest.engine import Version
    from brain.backtest.ground import Base, Log, Window
    from brain.backtest.limits import Limits
    from brain.backtest.truths import Truth
    from brain.settings import Settings

BLOCKED = 3
"""Exit code: a limit is not kept."""
out = Console()
errors = Console(stderr=True)

Files = Annotated[
    list[str] | None, typer.Argument(help="bundles, or readings=FILE …; the broker's topics when left out")
]
Json = Annotated[Path | None, typer.Option("--json", help="report to write, the same bytes for the same log")]
Html = Annotated[Path | None, typer.Option("--html", help="page with plots to write / 报告页")]
Labels = Annotated[Path | None, typer.Option(help="what really happened, a label a line / 标注")]
LimitsFile = Annotated[Path | None, typer.Option("--limits", help="limits that block, YAML / 阻断条件")]
BaseDir = Annotated[Path | None, typer.Option("--base", help="set in force; what the log's pulses name when left out")]


def backtest(
    files: Files = None,
    set_dir: Annotated[Path | None, typer.Option("--set", help="folder of the candidate set / 候选集")] = None,
    scenario: Annotated[list[Path] | None, typer.Option(help="scenario put over the base set / 候选场景")] = None,
    map_file: Annotated[Path | None, typer.Option("--map", help="map.geojson in place of the base's")] = None,
    assets: Annotated[Path | None, typer.Option(help="assets.ndjson in place of the base's")] = None,
    base: BaseDir = None,
    labels: Labels = None,
    limits: LimitsFile = None,
    since: Annotated[str, typer.Option("--from", help="from this time of the log: ms, a date, RFC 3339")] = "",
    until: Annotated[str, typer.Option("--to", help="until this time")] = "",
    warm_up: Annotated[float, typer.Option(help="hours before --from that are run and not counted")] = 24.0,
    offsets: Annotated[list[str] | None, typer.Option(help="topic/partition:from-to, of that partition only")] = None,
    json: Json = None,
    html: Html = None,
    config: Config = None,
    bootstrap: Bootstrap = None,
    prefix: Prefix = None,
    lang: Lang = None,
) -> None:
    """What another set, scenario, map or registry would have done to a recorded time / 回测.

    Exit code 3: a limit is not kept (docs/backtest.md).
    """
    from brain.backtest.ground import GroundError, Over, base_of, candidate_of

    settings = load_settings(config, language=lang, bootstrap=bootstrap, prefix=prefix)
    over = Over(tuple(scenario or ()), map_file, assets)
    if set_dir is None and not any(over):
        fail(
            GroundError("", "expected a candidate: --set FOLDER, --scenario FILE, --map FILE or --assets FILE"),
            language=settings.language,
        )
    truths, held = _truths(labels, settings), _limits(limits, settings)
    try:
        window = _window(since, until, warm_up, offsets or (), settings)
        log = _log(files or [], settings, window)
        force = base_of(log, settings, base)
        candidate, changed = candidate_of(force, settings, set_dir, over)
    except GroundError as error:
        fail(error, 1, language=settings.language)
    report, was, now = _run(log, force, candidate, changed, settings, truths, held, window)
    _finish(report, was, now, settings, json, html)


def diff(
    one: Annotated[Path, typer.Argument(help="scenario file or folder of a set / 场景文件或集")],
    other: Annotated[Path, typer.Argument(help="another version of it")],
    bundle: Annotated[list[str] | None, typer.Option(help="bundle on which both are run")] = None,
    base: BaseDir = None,
    labels: Labels = None,
    limits: LimitsFile = None,
    json: Json = None,
    html: Html = None,
    config: Config = None,
    lang: Lang = None,
) -> None:
    """What differs between two versions of a scenario or a set, and with --bundle what it does / 比较两个版本."""
    from brain.backtest.ground import GroundError, Over, Window, base_of, candidate_of, two_versions

    settings = load_settings(config, language=lang)
    if one.is_dir() != other.is_dir():
        fail(GroundError("", "expected two scenario files, or two folders of sets"), language=settings.language)
    truths, held = _truths(labels, settings), _limits(limits, settings)
    _tell_fields(one, other, settings)
    if not bundle:
        return
    window = Window()
    try:
        log = _log(bundle, settings, window)
        if one.is_dir():
            force = base_of(log, settings, one)
            candidate, changed = candidate_of(force, settings, other, Over())
        else:
            force, candidate, changed = two_versions(base_of(log, settings, base), settings, one, other)
    except GroundError as error:
        fail(error, 1, language=settings.language)
    report, was, now = _run(log, force, candidate, changed, settings, truths, held, window)
    _finish(report, was, now, settings, json, html)


def _truths(path: Path | None, settings: Settings) -> list[Truth] | None:
    from brain.backtest.truths import LabelError, read

    try:
        return None if path is None else read(path)
    except LabelError as error:
        fail(error, 1, language=settings.language)


def _limits(path: Path | None, settings: Settings) -> Limits:
    from brain.backtest.limits import LimitError, Limits, read

    try:
        return Limits() if path is None else read(path)
    except LimitError as error:
        fail(error, 1, language=settings.language)


def _window(since: str, until: str, warm_up: float, offsets: Sequence[str], settings: Settings) -> Window:
    from brain.backtest import ground
    from brain.backtest.ground import GroundError

    if not warm_up >= 0:
        wrong = GroundError("--warm-up", "expected hours, 0 or more, got {got:g}", got=warm_up)
        fail(wrong, language=settings.language)
    begin = ground.moment(since, "--from") if since else None
    end = ground.moment(until, "--to") if until else None
    if begin is not None and end is not None and end <= begin:
        fail(GroundError("--to", "expected a time after --from"), language=settings.language)
    return ground.Window(begin, end, round(warm_up * 3_600_000), ground.offsets(offsets))


def _log(files: list[str], settings: Settings, window: Window) -> Log:
    from brain.backtest.ground import read_broker, read_files
    from brain.backtest.words import words

    with _progress() as bar:
        task = bar.add_task(words(settings.language)["read"], total=None)

        def told(records: int) -> None:
            bar.advance(task, records)

        if files:
            return read_files(files, settings, window, told)
        return read_broker(broker_of(settings), settings, window, told)


def _run(
    log: Log, force: Base, candidate: Version, changed: list[str] | None, settings: Settings,
    truths: list[Truth] | None, limits: Limits, window: Window,
) -> tuple[Report, Run, Run]:  # fmt: skip
    from brain.backtest import backtest as run
    from brain.backtest.ground import GroundError
    from brain.backtest.words import words
    from brain.unfit import both

    said = words(settings.language)
    records = sum(len(batch) for several in log.recorded.batches.values() for batch in several)
    with _progress() as bar:
        tasks: list[Any] = []

        def begun(name: str) -> None:
            tasks.append(bar.add_task(said[name], total=records))

        try:
            found = run(
                log.recorded, force.version, candidate, settings, changed=changed, truths=truths, limits=limits,
                since=window.since, told=lambda source, n: bar.advance(tasks[-1], n), begun=begun,
            )  # fmt: skip
        except (KeyError, ValueError) as error:
            wrong = GroundError("", "the log cannot be run: {said}", said=both(error))
            fail(wrong, 1, language=settings.language)
        for task in tasks:
            bar.update(task, completed=records)
    return found


@contextmanager
def _progress() -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True) as bar:
        yield bar


def _finish(report: Report, was: Run, now: Run, settings: Settings, json: Path | None, html: Path | None) -> None:
    from brain.backtest import encode
    from brain.backtest.page import page
    from brain.backtest.words import words
    from brain.commands.map_source import write

    said = words(settings.language)
    spent = ((name, one.lanes_s + one.fold_s, one.worked) for name, one in (("base", was), ("candidate", now)))
    cost = f"{said['cost']}: " + ", ".join(
        f"{said[name]} {seconds:.2f}{f' ({seconds / n * 1e6:.2f})' if n else ''}" for name, seconds, n in spent
    )
    made: list[Path] = []
    if json is not None:
        write(json, encode(report))
        made.append(json)
    if html is not None:
        write(html, page(report, settings.language, cost))
        made.append(html)
    for path in made:
        path.chmod(0o644)
    _tell(report, settings)
    out.print(Text(cost, style="dim"), soft_wrap=True)
    for path in made:
        out.print(Text(f"{said['wrote']} {path}"), soft_wrap=True)
    if report.blocks:
        raise typer.Exit(BLOCKED)


def _tell(report: Report, settings: Settings) -> None:
    from brain.backtest import tables
    from brain.backtest.words import words

    said = words(settings.language)
    head = f"{report.base.name} → {report.candidate.name}   {tables.when(report.since)} – {tables.when(report.until)}"
    out.print(Text(plain(head), style="bold"), soft_wrap=True)
    out.print(_table(("", said["base"], said["candidate"]), [row[:3] for row in tables.figures(report, said)]))
    loads = tables.loads(report, said)
    if loads:
        heads = [f"{said[h]}, {said[v]}" for h in ("shown", "peak") for v in ("base", "candidate")]
        out.print(_table((said["department"], *heads), loads))
    for j in report.scenarios:
        kind, why = said.get(j.kind, j.kind), said.get(j.why, j.why)
        text = f"{j.id} {j.was} → {j.now}: {kind} ({why}); {tables.held(j, said)}"
        out.print(Text(plain(text)), soft_wrap=True)
    out.print(Text(tables.differences(report, said)))
    pairs = tables.pairs(report, said, 12)
    if pairs:
        out.print(_table([said[h] for h in ("what", "at", "code", "grid", "change")], pairs, left=True))
    out.print(Text(tables.ran(report, said), style="dim"), soft_wrap=True)
    for text in tables.blocks(report, said):
        out.print(Text(plain(f"✗ {said['blocked']}: {text}"), style="bold red"), soft_wrap=True)
    if not report.blocks:
        out.print(Text(f"✓ {said['passed']}", style="green"))


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], left: bool = False) -> Table:
    table = Table()
    for k, head in enumerate(heads):
        table.add_column(head, justify="left" if left or not k else "right", overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain(cell)) for cell in row))
    return table


def _tell_fields(one: Path, other: Path, settings: Settings) -> None:
    """What differs in fields: of two scenarios, or file by file and scenario by scenario of two sets."""
    from brain.backtest.ground import GroundError, fields_of_files, fields_of_sets
    from brain.backtest.words import words

    try:
        found = fields_of_sets(one, other) if one.is_dir() else fields_of_files(one, other)
    except (GroundError, ValueError, OSError) as error:
        fail(error, 1, language=settings.language)
    for place, was, now in found:
        out.print(Text(plain(f"{place}: ")).append(was, "red").append(" → ").append(now, "green"), soft_wrap=True)
    if not found:
        out.print(Text(words(settings.language)["nothing_changed"]))
