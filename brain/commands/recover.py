"""``brain recover``: when records were gone before a lane read them, accept the loss and go on."""

from __future__ import annotations

import asyncio
import getpass
from typing import Annotated

import typer
from rich.console import Console

from brain.commands.common import Bootstrap, Config, Lang, Prefix, broker_of, fail, load_settings

console = Console()

_ZH = {
    "none": "{lane}: 没有缺口, 无需处理",
    "hole": "{lane}: 位移 {since} 至 {until} (不含) 的记录在读取前已被清除, 至多 {n} 条",
    "how": "确认接受损失后继续: brain recover {lane} --accept-loss",
    "done": "已记入 journal 与 audit; 该分区从 {until} 继续",
}  # fmt: skip
_EN = {
    "none": "{lane}: no hole, nothing to do",
    "hole": "{lane}: the records at offsets {since} to {until} (exclusive) went before they were read, at most {n}",
    "how": "to accept the loss and go on: brain recover {lane} --accept-loss",
    "done": "journalled and audited; the lane goes on at {until}",
}  # fmt: skip


def recover(
    lane: Annotated[str, typer.Argument(help="input partition, such as iot.telemetry/2")],
    accept: Annotated[bool, typer.Option("--accept-loss", help="go on after the hole; cannot be undone")] = False,
    by: Annotated[str, typer.Option(help="who accepts, for the audit; your login when left out")] = "",
    config: Config = None,
    bootstrap: Bootstrap = None,
    prefix: Prefix = None,
    lang: Lang = None,
) -> None:
    """Show what a lane can no longer read; accept it / 查看并接受分区已丢失的记录. Exit code 1: there is a hole."""
    from streams.kafka.connect import KafkaSettings
    from streams.log import LogError
    from streams.recover import accept_loss, hole

    settings = load_settings(config, bootstrap=bootstrap, prefix=prefix, language=lang)
    words = _EN if settings.language == "en" else _ZH
    topic, _, partition = lane.removeprefix(settings.prefix).rpartition("/")
    if topic not in settings.partitions or not partition.isdecimal():
        fail(f"lane: expected one of {', '.join(settings.partitions)} with /partition, got {lane!r}")
    if int(partition) >= settings.partitions[topic]:
        fail(f"lane: {topic} has partitions 0 to {settings.partitions[topic] - 1}, got {partition}")
    kafka = KafkaSettings(bootstrap=broker_of(settings), request_timeout=settings.request_timeout_s)
    try:
        if accept:
            who = by or getpass.getuser()
            found = asyncio.run(accept_loss(kafka, settings.group, topic, int(partition), who, settings.prefix))
        else:
            found = asyncio.run(hole(kafka, settings.group, topic, int(partition), settings.prefix))
    except LogError as error:
        fail(str(error), 1)
    if found is None:
        console.print(words["none"].format(lane=lane))
        return
    console.print(words["hole"].format(lane=lane, since=found.since, until=found.until, n=found.records))
    if accept:
        console.print(words["done"].format(until=found.until))
        return
    console.print(words["how"].format(lane=lane))
    raise typer.Exit(1)
