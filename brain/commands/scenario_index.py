"""``brain scenario index``: the page of the library of scenarios."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from brain.commands.common import fail


def index(
    write: Annotated[Path | None, typer.Option(help="file to write, in place of the terminal / 写入文件")] = None,
) -> None:
    """Print the index page of the library of scenarios as Markdown / 生成场景库目录页."""
    from brain.scenario_kit import library
    from brain.scenario_kit.index import page

    try:
        text = page(library.whole())
        if write is None:
            typer.echo(text, nl=False)
        else:
            write.write_text(text, encoding="utf-8")
    except (ValueError, OSError) as error:
        fail(str(error))
