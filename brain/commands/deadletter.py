"""``brain deadletter``: find, read and re-queue records that could not be worked."""

from __future__ import annotations

import base64
import getpass
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from brain.commands.common import Bootstrap, Config, Lang, Prefix, broker_of, fail, load_settings
from brain.commands.common import plain as _plain
from brain.tail import Format, clock
from streams.records import Reason, Stage

if TYPE_CHECKING:
    from streams.deadletter import Letter

app = typer.Typer(no_args_is_help=True)
console = Console()

ByReason = Annotated[Reason | None, typer.Option(help="only this reason")]
ByStage = Annotated[Stage | None, typer.Option(help="only this stage")]
Raw = Annotated[bool, typer.Option("--raw", help="the bytes as they came, not masked; needs --by and --why")]
Who = Annotated[str, typer.Option("--by", help="with --raw: who asks, for the audit")]
Why = Annotated[str, typer.Option("--why", help="with --raw: what for, for the audit")]
Output = Annotated[Format, typer.Option("--format", help="text, or one JSON object a line")]

T = TypeVar("T")
_ASK_ABOVE = 1
_SHOWN = 4096
"""Bytes of an original that ``show`` prints; --out writes all that the dead letter holds."""

_ZH = {
    "time": "时间", "id": "原始记录", "index": "序号", "stage": "阶段", "reason": "原因", "detail": "说明",
    "size": "字节", "key": "键", "cut": "已截断, 只保留开头 {n} 字节, sha256 {sha}", "count": "共 {n} 条",
    "none": "没有符合条件的死信",
    "ask": "将 {n} 条原始记录重新放回原主题?", "sent": "已重新放回 {n} 条", "refused": "未放回 {n} 条",
    "not_found": "死信中没有 {id}", "more": "… 其余 {n} 字节未显示 (用 --out 保存)", "log_time": "原始写入时间",
    "masked": "个人信息已遮蔽; 查看原文: --raw --by 姓名 --why 理由 (记入 audit)",
}  # fmt: skip
_EN = {
    "time": "time", "id": "original", "index": "index", "stage": "stage", "reason": "reason", "detail": "detail",
    "size": "bytes", "key": "key", "cut": "cut: only the first {n} bytes are here, sha256 {sha}",
    "count": "{n} letters", "none": "no dead letter like that",
    "ask": "send {n} originals again to where they came from?", "sent": "{n} sent again",
    "refused": "{n} not sent", "not_found": "no dead letter of {id}",
    "more": "… {n} more bytes (--out writes them to a file)", "log_time": "written originally",
    "masked": "personal data are masked; the bytes as they came: --raw --by NAME --why TEXT (the audit has it)",
}  # fmt: skip


@app.command("list")
def list_(
    reason: ByReason = None,
    stage: ByStage = None,
    limit: Annotated[int, typer.Option(help="the newest so many; 0: all", min=0)] = 50,
    raw: Raw = False,
    by: Who = "",
    why: Why = "",
    config: Config = None,
    bootstrap: Bootstrap = None,
    prefix: Prefix = None,
    lang: Lang = None,
    output: Output = "text",
) -> None:
    """List the newest dead letters, oldest first, personal data masked / 列出死信."""
    from streams.deadletter import list_dead

    settings = load_settings(config, bootstrap=bootstrap, prefix=prefix, language=lang)
    words = _words(settings.language)
    broker = broker_of(settings)
    letters = _told(lambda: list_dead(broker, reason, stage, limit, prefix=settings.prefix))
    letters = _allowed(letters, broker, settings.prefix, raw=raw, by=by, why=why)
    if output == "json":
        for letter in letters:
            typer.echo(_json(letter, masked=not raw))
        return
    if not letters:
        console.print(words["none"])
        return
    table = Table()
    for column in ("time", "id", "index", "stage", "reason", "size", "detail"):
        table.add_column(words[column], overflow="fold", no_wrap=column in {"time", "stage", "reason"})
    for d in letters:
        # Text, not markup: a detail may quote what came in.
        row = (clock(d.time), d.id, str(d.index), d.stage, d.reason, str(d.size), _plain(d.detail))
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)
    per = ", ".join(f"{name} {n}" for name, n in Counter(d.reason for d in letters).most_common())
    console.print(f"{words['count'].format(n=len(letters))}: {per}")


@app.command()
def show(
    id_: Annotated[
        str, typer.Argument(metavar="ID", help="topic/partition/offset of the original, as `list` shows it")
    ],
    out: Annotated[Path | None, typer.Option(help="write the bytes to this file, masked unless --raw")] = None,
    raw: Raw = False,
    by: Who = "",
    why: Why = "",
    config: Config = None,
    bootstrap: Bootstrap = None,
    prefix: Prefix = None,
    lang: Lang = None,
    output: Output = "text",
) -> None:
    """Show one original: why it ended, and its bytes, personal data masked / 查看一条死信."""
    from streams.deadletter import CUT, list_dead

    settings = load_settings(config, bootstrap=bootstrap, prefix=prefix, language=lang)
    words = _words(settings.language)
    broker = broker_of(settings)
    letters = _told(lambda: list_dead(broker, limit=0, prefix=settings.prefix, ids=[id_]))
    if not letters:
        fail(words["not_found"].format(id=id_), 1)
    letters = _allowed(letters, broker, settings.prefix, raw=raw, by=by, why=why)
    first = letters[0]
    if out is not None:
        out.write_bytes(first.value)
    if output == "json":
        for letter in letters:
            typer.echo(_json(letter, masked=not raw))
        return
    head = Text()
    head.append(f"{first.id}\n", "bold")
    head.append(f"{words['log_time']}: {clock(first.timestamp)}\n" if first.timestamp >= 0 else "")
    head.append(f"{words['key']}: {_readable(first.key)}\n" if first.key is not None else "")
    head.append(f"{words['size']}: {first.size}")
    console.print(head, soft_wrap=True)
    for d in letters:
        line = Text(f"{clock(d.time)} ")
        line.append(f"{d.stage} · {d.reason}", "bold red").append(f" [{d.index}] {_plain(d.detail)}")
        console.print(line, soft_wrap=True)
    if first.sha256:
        console.print(words["cut"].format(n=CUT, sha=first.sha256), style="yellow", soft_wrap=True)
    console.print(Text(_readable(first.value[:_SHOWN])), soft_wrap=True)
    if len(first.value) > _SHOWN:
        console.print(words["more"].format(n=len(first.value) - _SHOWN), style="dim")
    if not raw:
        console.print(words["masked"], style="dim", soft_wrap=True)


@app.command()
def requeue(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="originals, as `list` shows them")] = None,
    reason: ByReason = None,
    stage: ByStage = None,
    limit: Annotated[int, typer.Option(help="at most the newest so many letters; 0: all", min=0)] = 0,
    by: Annotated[
        str | None, typer.Option(help="who asks, for the audit; the user of this machine when left out")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="also those that were sent again before")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
    config: Config = None,
    bootstrap: Bootstrap = None,
    prefix: Prefix = None,
    lang: Lang = None,
) -> None:
    """Send originals again to the partition they came from; exit code 1 when one is refused / 重新放回原主题."""
    from streams.deadletter import list_dead
    from streams.deadletter import requeue as send_again

    if not ids and reason is None and stage is None:
        fail("name originals (topic/partition/offset), or --reason, or --stage: all of them at once is not offered")
    settings = load_settings(config, bootstrap=bootstrap, prefix=prefix, language=lang)
    words = _words(settings.language)
    broker = broker_of(settings)
    letters = _told(lambda: list_dead(broker, reason, stage, limit, prefix=settings.prefix, ids=ids or ()))
    found = {d.id: d for d in letters}  # an original with several letters is one record
    missing = [i for i in ids or () if i not in found]
    for i in missing:
        console.print(words["not_found"].format(id=i), style="yellow", markup=False)
    if not found:
        console.print(words["none"])
        raise typer.Exit(1)
    if len(found) > _ASK_ABOVE and not yes:
        typer.confirm(words["ask"].format(n=len(found)), abort=True)
    who = by or getpass.getuser()
    done = _told(lambda: send_again(broker, list(found.values()), by=who, prefix=settings.prefix, again=again))
    refused = [r for r in done if r.refused]
    for r in refused:
        console.print(Text(f"✗ {r.letter.id}: {r.refused}", "red"), soft_wrap=True)
    console.print(words["sent"].format(n=len(done) - len(refused)))
    if refused:
        console.print(words["refused"].format(n=len(refused)))
    if refused or missing:
        raise typer.Exit(1)


def _allowed(letters: list[Letter], broker: str, prefix: str, *, raw: bool, by: str, why: str) -> list[Letter]:
    """The letters, masked; with ``raw`` as they are, once the audit says who sees them and why."""
    from streams.deadletter import masked
    from streams.private import disclose

    if not raw:
        return [masked(letter) for letter in letters]
    of = sorted({letter.id for letter in letters})
    _told(lambda: disclose(broker, "deadletter.raw", by=by, why=why, of=of, prefix=prefix))
    return letters


def _told(ask: Callable[[], T]) -> T:
    from streams.admin import AdminError
    from streams.log import LogError

    try:
        return ask()
    except (LogError, AdminError, ValueError) as error:
        fail(str(error), 1)


def _json(d: Letter, *, masked: bool) -> str:
    row = {
        "id": d.id, "index": d.index, "time": d.time, "stage": d.stage, "reason": d.reason, "detail": d.detail,
        "timestamp": d.timestamp, "size": d.size, "cut": bool(d.sha256), "sha256": d.sha256, "masked": masked,
        "key_b64": None if d.key is None else base64.b64encode(d.key).decode(),
        "value_b64": base64.b64encode(d.value).decode(),
    }  # fmt: skip
    return msgspec.json.encode(row).decode()


def _readable(data: bytes) -> str:
    return _plain(data.decode("utf-8", "backslashreplace"))


def _words(language: str) -> dict[str, str]:
    return _EN if language == "en" else _ZH
