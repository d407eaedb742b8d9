"""``brain audit``: whether all that was written holds together, seal by seal, and every alarm got its outcome."""

from __future__ import annotations

import contextlib
from typing import Annotated

import typer
from rich.console import Console

from brain.audit import Audit, Format
from brain.commands.common import Bootstrap, Config, Prefix, broker_of, fail, load_settings, until_interrupted
from brain.tail import Lang


def audit(
    config: Config = None,
    bootstrap: Bootstrap = None,
    prefix: Prefix = None,
    follow: Annotated[bool, typer.Option("--follow", help="read along from now on, until Ctrl-C")] = False,
    from_beginning: Annotated[
        bool, typer.Option("--from-beginning", help="with --follow: also what is there already (without it always)")
    ] = False,
    lang: Annotated[Lang | None, typer.Option(help="language of the text")] = None,
    output: Annotated[Format, typer.Option("--format", help="table, or one JSON object a line")] = "table",
) -> None:
    """Check the seals of all output and the outcomes of alarms; exit code 1 on findings / 核对输出封条与预警结果."""
    from streams.log import LogError

    settings = load_settings(config, bootstrap=bootstrap, prefix=prefix, language=lang)
    broker = broker_of(settings)
    try:
        reading = Audit(
            broker, settings.prefix, tuple(settings.partitions), "en" if settings.language == "en" else "zh", output,
            Console(),
        )  # fmt: skip
        with contextlib.suppress(KeyboardInterrupt), until_interrupted() as stop:
            # That is how --follow ends: what was found until then counts.
            reading.run(from_beginning=from_beginning or not follow, until_end=not follow, stop=stop)
        reading.close()
    except LogError as error:
        fail(str(error))
    if reading.broken:
        raise typer.Exit(1)
