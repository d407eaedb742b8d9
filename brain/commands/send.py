"""``brain send``: send a file of records, or only check it with the very decoder that the brain uses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from brain.commands.common import Config, Prefix, broker_of, fail, load_settings
from brain.pipeline import library
from streams.decode.detections import decode_detections
from streams.decode.readings import decode_readings
from streams.decode.tickets import decode_tickets
from streams.log import LogError
from streams.produce import Sender
from streams.records import TP, Batch, Dead
from streams.registry import Registry, RegistryError

console = Console()
KINDS = {"readings": "iot.telemetry", "detections": "video.metadata", "tickets": "hotline.tickets"}
KEYS = {"readings": "asset", "detections": "sensorId", "tickets": "id"}
WORDS = {
    "zh": {"good": "{n} 条记录, 全部可用", "bad": "{n} 条记录, {bad} 条会进入死信"},
    "en": {"good": "{n} records, all good", "bad": "{n} records, {bad} would become dead letters"},
}


def send(
    file: Annotated[Path, typer.Argument(help="ndjson, one record a line", exists=True, dir_okay=False)],
    like: Annotated[str, typer.Option(help="readings, detections or tickets")] = "readings",
    check: Annotated[bool, typer.Option("--check", help="only check, send nothing; exit 1 on a bad record")] = False,
    assets: Annotated[Path | None, typer.Option(help="registry to check against; else the genesis set's")] = None,
    config: Config = None,
    bootstrap: Annotated[str | None, typer.Option(help="broker")] = None,
    prefix: Prefix = None,
    lang: Annotated[str, typer.Option(help="zh or en")] = "zh",
) -> None:
    """Send records to their input topic, or check them first / 发送或检查输入记录."""
    if like not in KINDS:
        fail(f"--like: expected one of {', '.join(KINDS)}, got {like!r}")
    settings = load_settings(config, bootstrap=bootstrap, prefix=prefix)
    numbered = [(n, line) for n, line in enumerate(file.read_bytes().splitlines(), 1) if line.strip()]
    lines = [line for _, line in numbered]
    if check:
        try:
            registry = Registry.load(assets) if assets is not None else library(settings)[1].registry
        except RegistryError as error:
            fail(str(error))
        dead = find_bad(like, lines, registry)
        for one in dead:
            console.print(f"{file}:{numbered[one.row][0]}: {one.reason}: {one.detail}", highlight=False, markup=False)
        words = WORDS.get(lang, WORDS["zh"])
        console.print(words["bad" if dead else "good"].format(n=len(lines), bad=len(dead)))
        raise typer.Exit(1 if dead else 0)
    try:
        with Sender(broker_of(settings), settings.partitions, settings.prefix) as sender:
            for line in track(lines, description=KINDS[like], console=console):
                sender.send(KINDS[like], _key(like, line), line)
            sender.flush()
    except LogError as error:
        fail(str(error), 1)
    console.print(f"{len(lines)} → {settings.prefix}{KINDS[like]}")


def find_bad(like: str, lines: list[bytes], registry: Registry) -> list[Dead]:
    """Dead letters that these payloads would become; ``row`` counts the lines from 0."""
    records = [(n, 0, None, line, ()) for n, line in enumerate(lines)]
    batch = Batch.of(TP(KINDS[like], 0), 0, len(lines), records)
    rows = np.arange(len(lines), dtype=np.int32)
    if like == "tickets":
        return decode_tickets(batch, rows)[1]
    decode = decode_readings if like == "readings" else decode_detections
    return decode(batch, rows, registry)[1]


def _key(like: str, line: bytes) -> bytes:
    try:
        found = msgspec.json.decode(line)
    except msgspec.DecodeError:
        return b""
    return str(found.get(KEYS[like], "")).encode() if isinstance(found, dict) else b""
