"""``brain topics``: compare a cluster's topics with the catalogue, and create those that are missing."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from brain.commands.common import Bootstrap, Config, Lang, Prefix, broker_of, fail, load_settings

app = typer.Typer(invoke_without_command=True)
console = Console()

_ZH = {
    "title": "与目录不符的主题", "topic": "主题", "what": "项目", "expected": "应为", "got": "实际",
    "way_out": "处理办法", "good": "{n} 个主题均与目录一致", "bad": "{n} 处不符", "repaired": "已修正 {n} 个主题",
}  # fmt: skip
_EN = {
    "title": "Topics that differ from the catalogue", "topic": "topic", "what": "what", "expected": "expected",
    "got": "got", "way_out": "way out",
    "good": "all {n} topics are as the catalogue has them", "bad": "{n} differences",
    "repaired": "{n} topics repaired",
}  # fmt: skip


@app.callback()
def topics(
    context: typer.Context,
    create: Annotated[bool, typer.Option("--create", help="create the topics that are missing")] = False,
    mend: Annotated[bool, typer.Option("--repair", help="set policies of existing topics as in the catalogue")] = False,
    config: Config = None,
    bootstrap: Bootstrap = None,
    prefix: Prefix = None,
    lang: Lang = None,
) -> None:
    """Check partitions and policies of all topics; exit code 1 when any differs / 检查, 创建或修正主题."""
    if context.invoked_subcommand is not None:
        return
    from streams.admin import AdminError, ensure, repair
    from streams.topics import catalogue

    settings = load_settings(config, bootstrap=bootstrap, prefix=prefix, language=lang)
    words = _EN if settings.language == "en" else _ZH
    wanted = catalogue(settings.partitions, settings.prefix)
    broker = broker_of(settings)
    try:
        mended = repair(broker, wanted) if mend else 0
        found = ensure(broker, wanted, create=create)
    except AdminError as error:
        fail(str(error), 1)
    if mended:
        console.print(words["repaired"].format(n=mended))
    if not found:
        console.print(f"[green]✓[/] {words['good'].format(n=len(wanted))}")
        return
    table = Table(title=words["title"], title_justify="left")
    for column in ("topic", "what", "expected", "got", "way_out"):
        table.add_column(words[column], overflow="fold")
    for d in found:
        table.add_row(*(Text(cell) for cell in (d.topic, d.what, d.expected, d.got, d.way_out)))
    console.print(table)
    console.print(f"[red]✗[/] {words['bad'].format(n=len(found))}")
    raise typer.Exit(1)


@app.command()
def acl(
    principal: Annotated[
        list[str] | None, typer.Option(help="ROLE=PRINCIPAL, such as worker=User:CN=brain; User:brain-ROLE if left out")
    ] = None,
    requeue: Annotated[
        bool, typer.Option("--requeue", help="the auditor may also send dead letters again: write to all inputs")
    ] = False,
    config: Config = None,
    prefix: Prefix = None,
) -> None:
    """Print the kafka-acls lines with least rights by role; nothing is applied / 打印各角色的最小权限."""
    from streams.rights import ROLES, commands, rights
    from streams.topics import catalogue

    settings = load_settings(config, prefix=prefix)
    named: dict[str, str] = {}
    for one in principal or ():
        role, _, name = one.partition("=")
        named[role] = name
        if role not in ROLES or ":" not in name:
            fail(f"--principal: expected ROLE=User:NAME with a role of {', '.join(ROLES)}, got {role}={name}")
    found = rights(catalogue(settings.partitions, settings.prefix), settings.group, settings.prefix, requeue=requeue)
    for line in commands(found, named):
        typer.echo(line)
