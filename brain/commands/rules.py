"""``brain rules``: how often rules were right, what the past speaks for changing, and a named person who changes it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from brain.commands.common import Bootstrap, Config, Lang, Prefix, broker_of, fail, load_settings, plain
from brain.settings import Settings

if TYPE_CHECKING:
    from brain.precision import Count, Report
    from brain.proposals import Proposal

app = typer.Typer(no_args_is_help=True)
console = Console()

Source = Annotated[Path | None, typer.Option("--from", help="a bundle, or the folder of `brain replay`")]
SetDir = Annotated[Path | None, typer.Option("--set", help="the set whose rules are judged; genesis when left out")]
Json = Annotated[bool, typer.Option("--json", help="one JSON object")]

LISTED = 30
"""Assets and grids in a table; JSON has all."""

_ZH = {
    "others": "另有 {n} 个 (--json)",
    "rules": "场景准确率", "assets": "资产", "grids": "网格", "scenario": "场景", "asset": "资产", "grid": "网格",
    "confirmed": "属实", "false": "误报", "undecided": "未判定", "unseen": "未上屏", "precision": "准确率",
    "interval": "95% 区间", "none": "没有可说的: 尚无处置结论, 或结论不足",
    "spared": "少误报", "kept": "保留", "lost": "会漏掉", "later": "会更晚报出", "open": "涉及未判定",
    "acts": "依据的处置", "two": "不可隐藏类别: 须两人", "unknown": "没有建议 {id}; 现有: {names}",
    "outside": "数据变化后建议会改变: 重新运行 brain rules propose",
    "copied": "✓ {out}: {scenario} v{version}, 内容哈希 {id}; 试算: brain replay … --set {out}; 启用: brain set use",
    "out": "--out: 应为新方案目录", "broker": "{kind} 需要运行中的系统, 不能用 --from",
    "sent": "✓ 已请求搁置 {asset} ({scenario}), 至 {until}; 结果见 brain tail audit", "noted": "✓ 已记入 audit: {id}",
    "work": "校准完成后: brain feedback unshelve --asset {asset} --scenario {scenario}",
}  # fmt: skip
_EN = {
    "others": "{n} more (--json)",
    "rules": "Precision of rules", "assets": "Assets", "grids": "Grids", "scenario": "scenario", "asset": "asset",
    "grid": "grid", "confirmed": "confirmed", "false": "false", "undecided": "undecided", "unseen": "not shown",
    "precision": "precision", "interval": "95 %",
    "none": "nothing to propose: nothing decided yet, or too little", "spared": "false ones spared", "kept": "kept",
    "lost": "lost", "later": "raised later", "open": "undecided ones concerned", "acts": "dispositions",
    "two": "of a never-hidden class: takes two persons", "unknown": "no proposal {id}; there are: {names}",
    "outside": "proposals change with what they are made of: run brain rules propose again",
    "copied": "✓ {out}: {scenario} v{version}, content hash {id}; try it: brain replay … --set {out}, "
              "then brain set use",
    "out": "--out: expected a folder for the new set", "broker": "{kind} needs a running brain, not --from",
    "sent": "✓ asked to put {asset} aside ({scenario}) until {until}; brain tail audit says what became of it",
    "noted": "✓ on the audit topic: {id}",
    "work": "when it is calibrated: brain feedback unshelve --asset {asset} --scenario {scenario}",
}  # fmt: skip


class _Past(NamedTuple):
    """What the commands read."""

    report: Report
    proposals: list[Proposal]


@app.command()
def report(
    source: Source = None, set_dir: SetDir = None, as_json: Json = False, config: Config = None,
    bootstrap: Bootstrap = None, prefix: Prefix = None, lang: Lang = None,
) -> None:  # fmt: skip
    """Precision of rules, assets and grids, from what people said of their incidents / 场景、资产、网格的准确率."""
    settings = load_settings(config, bootstrap=bootstrap, prefix=prefix, language=lang)
    found = _read(settings, source, set_dir).report
    words = _EN if settings.language == "en" else _ZH
    if as_json:
        console.out(msgspec.json.encode(found).decode(), highlight=False)
        return
    for name, of, rows in (
        ("rules", "", found.rules),
        ("assets", "asset", found.assets),
        ("grids", "grid", found.grids),
    ):
        console.print(_table(words, name, of, rows))


def _table(words: dict[str, str], name: str, of: str, rows: list[Count]) -> Table:
    """Of rules all; of assets and grids those of which something is decided, those most often false first."""
    table = Table(title=words[name], title_justify="left", box=None, pad_edge=False)
    counts = ("confirmed", "false", "undecided", "unseen", "precision", "interval")
    for column in ("scenario", *([of] if of else []), *counts):
        table.add_column(words[column], overflow="fold", justify="right" if column in counts else "left")
    listed = sorted((c for c in rows if c.decided), key=lambda c: (-len(c.false), c.scenario)) if of else rows
    for c in listed[:LISTED] if of else listed:
        share = "–" if c.precision is None else f"{c.precision:.0%}"
        between = "–" if c.precision is None else f"{c.low:.0%}–{c.high:.0%}"
        cells = [c.scenario, *([getattr(c, of)] if of else []), str(len(c.confirmed)), str(len(c.false)),
                 str(c.undecided), str(c.unseen), share, between]  # fmt: skip
        table.add_row(*(Text(plain(cell)) for cell in cells))
    if len(rows) > table.row_count:
        table.add_row(Text(words["others"].format(n=len(rows) - table.row_count), "dim"))
    return table


@app.command()
def propose(
    source: Source = None, set_dir: SetDir = None, as_json: Json = False, config: Config = None,
    bootstrap: Bootstrap = None, prefix: Prefix = None, lang: Lang = None,
) -> None:  # fmt: skip
    """What the past speaks for changing, with the dispositions that speak for it; changes nothing / 改进建议."""
    settings = load_settings(config, bootstrap=bootstrap, prefix=prefix, language=lang)
    found = _read(settings, source, set_dir).proposals
    words = _EN if settings.language == "en" else _ZH
    if as_json:
        console.out(msgspec.json.encode(found).decode(), highlight=False)
        return
    if not found:
        console.print(words["none"], style="yellow")
    for p in found:
        head = Text(f"{p.id} ", "bold").append(plain(p.words.en if settings.language == "en" else p.words.zh))
        console.print(head, soft_wrap=True)
        if p.two:
            console.print(f"  {words['two']}", style="red")
        for name in ("spared", "kept", "lost", "later", "open", "acts"):
            ids = getattr(p, name)
            if ids or name == "lost":
                line = f"  {words[name]} {len(ids)}: {', '.join(map(plain, ids))}"
                console.print(Text(line, "red" if name == "lost" and ids else "dim"), soft_wrap=True)


@app.command()
def apply(
    proposal: Annotated[str, typer.Argument(help="id of a proposal, prop-…")],
    by: Annotated[str, typer.Option(help="account of who decides it")],
    why: Annotated[str, typer.Option(help="the reason, for the audit")],
    second: Annotated[str, typer.Option(help="account of a second person; a never-hidden class needs one")] = "",
    unit: Annotated[str, typer.Option(help="unit of who decides it")] = "",
    out: Annotated[Path | None, typer.Option(help="threshold: the new set's folder, a copy")] = None,
    source: Source = None, set_dir: SetDir = None, config: Config = None,
    bootstrap: Bootstrap = None, prefix: Prefix = None, lang: Lang = None,
) -> None:  # fmt: skip
    """Apply a proposal: a scenario's next version in a copy of its set, or an asset put aside / 由指定人员采纳建议."""
    from brain import ruling
    from brain.sets import digest
    from brain.tail import clock

    settings = load_settings(config, bootstrap=bootstrap, prefix=prefix, language=lang)
    words = _EN if settings.language == "en" else _ZH
    found = _read(settings, source, set_dir).proposals
    p = next((p for p in found if p.id == proposal), None)
    if p is None:
        names = ", ".join(each.id for each in found) or "–"
        fail(f"{words['unknown'].format(id=plain(proposal), names=names)}\n  {words['outside']}", 1)
    now = time.time_ns() // 1_000_000
    try:
        ruling.may(p, by, second, why)
        if p.kind == "threshold":
            if out is None:
                fail(words["out"])
            folder = set_dir or settings.set_folder() / settings.genesis
            before, after = digest(folder), ruling.copied(folder, out, p)
            note = ruling.record(p, by, second, why, now, before=before, after=after)
            with (out / ruling.RULINGS).open("ab") as beside:
                beside.write(note + b"\n")
            done = words["copied"].format(out=out, scenario=p.scenario, version=p.version + 1, id=after)
        elif source is not None:
            fail(words["broker"].format(kind=p.kind))
        else:
            until = 0 if p.two else now + ruling.SHELF_MS
            note, done = ruling.record(p, by, second, why, now, until=until), ""
            if until:
                _shelve(settings, p, ruling.shelving(p, by, unit, why, now))
                done = words["sent"].format(asset=plain(p.asset), scenario=p.scenario, until=clock(until))
    except (ValueError, OSError) as error:
        fail(error, 1, language=settings.language)
    if source is None:
        note_down(settings, note)
        console.print(words["noted"].format(id=p.id), style="green", highlight=False)
    if done:
        console.print(done, style="green", highlight=False, soft_wrap=True)
    if p.kind == "recalibrate":
        console.print(words["work"].format(asset=plain(p.asset), scenario=p.scenario), highlight=False, soft_wrap=True)


def _read(settings: Settings, source: Path | None, set_dir: Path | None) -> _Past:
    from brain import precision, proposals
    from brain.explain.trail import TrailError, live, recorded, written
    from streams.bundle import BundleError
    from streams.log import LogError

    try:
        rules = {name: w.scenario for name, w in written(set_dir or settings.set_folder() / settings.genesis).items()}
        if source is not None:
            trail = recorded(source, settings, set_dir)
        else:
            trail = live(broker_of(settings), settings.prefix, tuple(settings.partitions))
        incidents, notes = trail.incidents(), trail.notes()
        every = precision.judged(incidents)
        decided = [one for one in every if one.verdict]
        signals = trail.signals(proposals.concerned(decided)) if decided else []
    except (TrailError, BundleError, LogError, ValueError, OSError) as error:
        fail(error, 1, language=settings.language)
    counts = precision.report(every, precision.gone(incidents, notes))
    return _Past(counts, proposals.propose(every, signals, rules, notes))


def _shelve(settings: Settings, proposal: Proposal, value: bytes) -> None:
    from brain.incidents.actions import read_action, subject
    from brain.signed import TOPIC, sign
    from streams.records import TP

    key = subject(read_action(value)).encode()
    _send(settings, TP(settings.prefix + TOPIC, 0), key, value, sign(value, settings.key()))


def note_down(settings: Settings, note: bytes) -> None:
    """Put what a person decided on the audit topic; ends the command where it cannot."""
    from streams.records import AUDIT_TYPE, CE_TYPE, TP
    from streams.seal import TOOL_KEY

    _send(settings, TP(settings.prefix + "audit", 0), TOOL_KEY, note, ((CE_TYPE, AUDIT_TYPE),))


def _send(settings: Settings, to: Any, key: bytes, value: bytes, headers: Any) -> None:
    from streams.log import LogError
    from streams.produce import send_all

    try:
        send_all(broker_of(settings), to, [(key, value)], headers=headers)
    except LogError as error:
        fail(error, 1, language=settings.language)
