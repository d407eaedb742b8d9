"""``brain doctor``: what is wrong with settings, machine, broker, topics, rights, clocks, lag, disks; the way out."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from brain.commands.common import Bootstrap, Config, Lang, Prefix, errors, fail, plain

if TYPE_CHECKING:
    from brain.doctor.codes import Finding
    from brain.doctor.run import Check, Examined, Patient

console = Console()
SHOWN = 3
"""Findings of one code that are shown in full; --all shows all, as --json does."""

_ZH = {
    "expected": "应为", "got": "实际", "more": "另有 {n} 处同类, 用 --all 显示",
    "fine": "一切正常: {n} 项检查", "bad": "{errors} 处错误, {warnings} 处警告, {notes} 条说明; 先处理 {first}",
    "left": "未检查: {names}", "never": "按当前速率不会写满", "full": "约 {when} 后写满",
    "disk": "{place}: 已用 {size}, 每秒增加 {rate}, 稳态 {steady}, 可用 {usable}: {when}", "topic": "主题",
    "size": "现有", "rate": "每秒", "steady": "稳态", "role": "角色应为 {roles} 之一, 得到 {got!r}",
    "error": "错误", "warning": "警告", "note": "说明",
}  # fmt: skip
_EN = {
    "expected": "expected", "got": "got", "more": "{n} more of these; --all shows them",
    "fine": "all is well: {n} checks", "bad": "{errors} errors, {warnings} warnings, {notes} notes; begin with {first}",
    "left": "not looked at: {names}", "never": "never full at these rates", "full": "full in about {when}",
    "disk": "{place}: holds {size}, grows {rate} a second, in balance {steady}, free {usable}: {when}",
    "topic": "topic", "size": "now", "rate": "a second", "steady": "in balance",
    "role": "--role: expected one of {roles}, got {got!r}", "error": "error", "warning": "warning", "note": "note",
}  # fmt: skip
_COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object, for machines")] = False,
    every: Annotated[bool, typer.Option("--all", help="every finding, also where many are alike")] = False,
    by_topic: Annotated[bool, typer.Option("--topics", help="the largest topics, and what they grow to")] = False,
    codes: Annotated[bool, typer.Option("--codes", help="print all codes as a table and end")] = False,
    seconds: Annotated[float, typer.Option(help="seconds between the two looks at rates", min=0.5, max=600)] = 3.0,
    health: Annotated[
        list[str] | None, typer.Option(help="host:port of a process's health port, or a URL; may be given again")
    ] = None,
    role: Annotated[str, typer.Option(help="whose rights are looked for; see brain topics acl")] = "worker",
    config: Config = None,
    bootstrap: Bootstrap = None,
    prefix: Prefix = None,
    lang: Lang = None,
) -> None:
    """Say what is wrong and what to do; exit code 0 fine, 1 warnings, 2 errors / 体检: 指出问题与处理办法."""
    from brain.doctor.checks import checks
    from brain.doctor.codes import page
    from brain.doctor.run import Patient
    from streams.rights import ROLES

    if codes:
        typer.echo(page(), nl=False)
        return
    if role not in ROLES:
        fail(_words(lang)["role"].format(roles=", ".join(ROLES), got=role))
    options = {"bootstrap": bootstrap, "prefix": prefix, "language": lang}
    patient = Patient(config, options, role=role, health=health or (), sample_s=seconds)
    done = _watched(patient, checks(patient), lang, quiet=as_json)
    language = lang or patient.known().language
    if as_json:
        typer.echo(json.dumps(report(patient, done, language), ensure_ascii=False, indent=2))
    else:
        _show(patient, done, language, every=every, by_topic=by_topic)
    raise typer.Exit(done.exit_code)


def _watched(patient: Patient, checks: list[Check], lang: str | None, *, quiet: bool) -> Examined:
    from brain.doctor.run import examine

    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=errors, transient=True, disable=quiet,
    )  # fmt: skip
    with bar:
        task = bar.add_task("", total=len(checks))

        def on_check(number: int, check: Check) -> None:
            name = check.name.en if (lang or patient.known().language) == "en" else check.name.zh
            bar.update(task, completed=number, description=name)

        return examine(patient, checks, on_check)


def report(patient: Patient, done: Examined, language: str) -> dict[str, Any]:
    """All that was found, for machines; the values of a finding are the same in every language."""
    from brain.doctor.codes import PARTS

    return {
        "exit_code": done.exit_code,
        "broker": str(patient.address),
        "findings": [
            {
                "code": f.code, "severity": f.severity, "place": f.place, "values": dict(f.values),
                **{part: f.text(part, language) for part in PARTS},
            }
            for f in done.findings
        ],
        "left_out": [check.name.en for check in done.left_out],
        "disks": {
            place: {
                "full_s": ahead.full_s, "bytes": ahead.size, "bytes_per_s": ahead.rate, "steady_bytes": ahead.steady,
                "usable_bytes": ahead.usable,
                "topics": {g.topic: {"bytes": g.size, "bytes_per_s": g.rate, "steady_bytes": g.steady}
                           for g in ahead.topics},
            }
            for place, ahead in patient.forecasts.items()
        },
    }  # fmt: skip


def _show(patient: Patient, done: Examined, language: str, *, every: bool, by_topic: bool) -> None:
    from brain.doctor.checks import checks
    from brain.doctor.disks import span
    from brain.doctor.here import size

    words = _words(language)
    shown: Counter[str] = Counter()
    for f in done.findings:
        shown[f.code] += 1
        if every or shown[f.code] <= SHOWN:
            _one(f, words, language)
    for code, count in shown.items():
        if count > SHOWN and not every:
            console.print(f"[dim]{code}: {words['more'].format(n=count - SHOWN)}[/]")
    for place, ahead in patient.forecasts.items():
        when = words["never"] if ahead.full_s is None else words["full"].format(when=span(ahead.full_s))
        line = words["disk"].format(
            place=place, size=size(ahead.size), rate=size(ahead.rate), steady=size(ahead.steady),
            usable=size(ahead.usable), when=when,
        )  # fmt: skip
        console.print(f"[dim]·[/] {escape(line)}", highlight=False, soft_wrap=True)
        if by_topic:
            table = Table(*(words[column] for column in ("topic", "size", "rate", "steady")))
            for g in ahead.topics[:20]:
                table.add_row(Text(g.topic), size(g.size), size(g.rate), size(g.steady))
            console.print(table)
    if done.left_out:
        names = ", ".join(check.name.en if language == "en" else check.name.zh for check in done.left_out)
        console.print(f"[dim]· {words['left'].format(names=names)}[/]", soft_wrap=True)
    if not done.findings:
        console.print(f"[green]✓[/] {words['fine'].format(n=len(checks(patient)) - len(done.left_out))}")
        return
    counts = Counter(f.severity for f in done.findings)
    first = done.findings[0]
    line = words["bad"].format(
        errors=counts["error"], warnings=counts["warning"], notes=counts["note"],
        first=f"{first.code} {first.text('what', language)}",
    )  # fmt: skip
    mark = "[red]✗[/]" if counts["error"] else "[yellow]![/]" if counts["warning"] else "[green]✓[/]"
    console.print(f"{mark} {escape(line)}", highlight=False, soft_wrap=True)


def _one(f: Finding, words: dict[str, str], language: str) -> None:
    colour = _COLOURS[f.severity]
    head = f"[{colour}]{f.code} {words[f.severity]}[/] [bold]{escape(f.text('what', language))}[/]"
    console.print(f"{head} · {escape(plain(f.place))}", highlight=False, soft_wrap=True)
    expected, got = plain(f.text("expected", language)), plain(f.text("got", language))
    console.print(
        f"  {words['expected']}: {escape(expected)}; {words['got']}: {escape(got)}", highlight=False, soft_wrap=True
    )
    console.print(f"  → {escape(plain(f.text('do', language)))}", highlight=False, soft_wrap=True)


def _words(language: str | None) -> dict[str, str]:
    return _EN if language == "en" else _ZH
