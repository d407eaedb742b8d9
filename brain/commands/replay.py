"""``brain replay`` and ``brain record``: the same log always gives the same incidents, shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from brain.commands.common import Config, Prefix, broker_of, fail, load_settings
from brain.masking import bundle_mask
from brain.pipeline import replay_settings
from streams import bundle, set_store
from streams.log import LogError
from streams.private import disclose
from streams.records import TP
from streams.replay import replay as run_replay
from streams.tailing import snapshot

app = typer.Typer()
console = Console(stderr=True)

TOPICS = {"readings": "iot.telemetry", "detections": "video.metadata", "tickets": "hotline.tickets"}


@app.command()
def replay(
    files: Annotated[list[str], typer.Argument(help="bundles, or readings=FILE detections=FILE tickets=FILE")],
    out: Annotated[Path, typer.Option(help="folder for signals, incidents, dead letters and audit")] = Path("replayed"),
    config: Config = None,
    set_dir: Annotated[Path | None, typer.Option("--set", help="a set folder, in place of the genesis set")] = None,
) -> None:
    """Run the pipeline over recorded logs, without a broker / 用录制的日志重放整条流水线."""
    settings = load_settings(config)
    lines: list[bundle.Line] = []
    plain: list[tuple[str, Path]] = []
    for name in files:
        kind, found, path = name.partition("=")
        if found and kind in TOPICS:
            plain.append((TOPICS[kind], Path(path)))
        elif bundle.is_bundle(Path(name)):
            lines += bundle.read(Path(name))
        else:
            fail(f"{name}: neither a bundle nor readings=FILE, detections=FILE, tickets=FILE")
    shelf = set_store.Shelf()
    for line in lines:
        if line.topic == settings.prefix + "sets":
            shelf.take(line.key_bytes(), line.value_bytes())
    rules = replay_settings(settings, set_dir, shelf)
    if plain:
        made, grid = bundle.plain(plain, dict(rules.partitions), rules.key, rules.genesis)
        lines += made
        console.print(f"plain files: partition by murmur2 of the key, offset by line, pulses every {grid / 1000:g} s")
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("lanes", total=sum(rules.partitions.values()))
        result = run_replay(lines, rules, lambda tp, n: bar.advance(task))
    out.mkdir(parents=True, exist_ok=True)
    kinds = {
        "signals": result.signals, "incidents": result.incidents, "deadletters": result.dead, "audit": result.audit,
        "incidents-shadow": result.shadow,
    }  # fmt: skip
    for name, rows in kinds.items():
        (out / f"{name}.ndjson").write_bytes(b"".join(row + b"\n" for row in rows))
    console.print(
        f"{result.rows} records → {len(result.signals)} signals, {len(result.incidents)} incidents, "
        f"{len(result.dead)} dead letters → {out}"
    )


@app.command()
def record(
    out: Annotated[Path, typer.Argument(help="bundle to write, .ndjson or .ndjson.gz")],
    raw: Annotated[bool, typer.Option("--raw", help="tickets as they came, not masked; needs --by and --why")] = False,
    by: Annotated[str, typer.Option(help="with --raw: who asks, for the audit")] = "",
    why: Annotated[str, typer.Option(help="with --raw: what for, for the audit")] = "",
    config: Config = None,
    bootstrap: Annotated[str | None, typer.Option(help="broker")] = None,
    prefix: Prefix = None,
) -> None:
    """Write a replay bundle from the input topics, pulses, journal and sets included / 从主题录制重放包.

    Personal data are masked, and the bundle replays to the same signals and incidents.
    """
    settings = load_settings(config, bootstrap=bootstrap, prefix=prefix)
    wanted = [TP(settings.prefix + topic, p) for topic, n in settings.partitions.items() for p in range(n)]
    wanted += [TP(settings.prefix + "journal", 0), TP(settings.prefix + "pulse", 0), TP(settings.prefix + "sets", 0)]
    mask, broker = bundle_mask(settings), broker_of(settings)
    try:
        if raw:
            disclose(
                broker, "bundle.raw", by=by, why=why, of=sorted({tp.topic for tp in wanted}), prefix=settings.prefix
            )
        else:
            mask.check(tp.topic for tp in wanted)
    except (LogError, ValueError) as error:
        fail(f"nothing is written: {error}", 1)
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("records", total=None)

        def lines() -> Iterator[bundle.Line]:
            for tp, offset, time, key, value, headers in snapshot(broker, wanted):
                bar.advance(task)
                yield bundle.Line.of(tp, offset, time, key, value, headers)

        count = bundle.write(out, lines() if raw else mask.lines(lines()))
    console.print(f"{count} records → {out}")
    if not raw:
        console.print(
            f"masked: {sum(mask.masked.values())} records of people; content left out of "
            f"{sum(mask.left_out.values())} that decoding refuses"
        )
