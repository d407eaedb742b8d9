"""``brain tail``: any stage of the way, as it comes, filtered and readable."""

from __future__ import annotations

from typing import Annotated

import typer

from brain import tail as stages
from brain.commands.common import Config, Prefix, broker_of, fail, load_settings, until_interrupted
from brain.incidents.value import Domain


def tail(
    stage: Annotated[stages.Stage, typer.Argument(help="what to read along")] = "incidents",
    config: Config = None,
    bootstrap: Annotated[str | None, typer.Option(help="broker, host:port")] = None,
    prefix: Prefix = None,
    scenario: Annotated[str | None, typer.Option(help="glob of scenario ids, as in 'eco.*'")] = None,
    domain: Annotated[Domain | None, typer.Option(help="of the incident, or of the signal's scenario")] = None,
    level: Annotated[int, typer.Option(help="this level and above", min=0, max=4)] = 0,
    grid: Annotated[str | None, typer.Option(help="glob of grid ids")] = None,
    shown: Annotated[bool, typer.Option("--shown", help="only incidents that people are shown / 只看上屏事件")] = False,
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="also what is there already")] = False,
    no_follow: Annotated[bool, typer.Option("--no-follow", help="end at the end of the topics")] = False,
    lang: Annotated[stages.Lang | None, typer.Option(help="language of the text")] = None,
    output: Annotated[stages.Format, typer.Option("--format", help="text, or one JSON object a line")] = "text",
    limit: Annotated[int, typer.Option(help="end after so many; 0: never", min=0)] = 0,
) -> None:
    """Show incidents, or any stage before them, as they come / 实时查看事件、信号、死信."""
    from streams.log import LogError

    settings = load_settings(config, bootstrap=bootstrap, prefix=prefix, language=lang)
    broker = broker_of(settings)
    try:
        with until_interrupted() as stop:
            stages.run(
                broker, stage, prefix=settings.prefix, lang=settings.language,
                filters=stages.Filters(scenario, domain, level, grid, shown), output=output, limit=limit,
                from_beginning=from_beginning, until_end=no_follow, inputs=tuple(settings.partitions), stop=stop,
            )  # fmt: skip
    except LogError as error:
        fail(str(error), 1)
    except (KeyboardInterrupt, BrokenPipeError):
        return
