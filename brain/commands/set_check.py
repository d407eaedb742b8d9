"""``brain set check``: all that is wrong with a set's tables, before anything is asked to load it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from brain.commands.common import Config, Lang, fail, load_settings, plain, told

console = Console()

_ZH = {
    "refused": "拒绝", "note": "提示", "sound": "✓ {folder}: 可以生效 ({notes} 条提示); 下一步: brain set use {name}",
    "wrong": "{folder}: {n} 处错误, {notes} 条提示: 这样的生效集会被拒绝",
}  # fmt: skip
_EN = {
    "refused": "refused", "note": "note",
    "sound": "✓ {folder}: it can come into force ({notes} notes); next: brain set use {name}",
    "wrong": "{folder}: {n} faults, {notes} notes: a set like this is refused",
}  # fmt: skip


def check(
    folder: Annotated[
        Path | None,
        typer.Argument(help="folder of a set, or its name; the genesis set when left out / 生效集目录或名称"),
    ] = None,
    config: Config = None,
    lang: Lang = None,
) -> None:
    """Check all files of a set, by file and line, and say what each table would do / 按文件与行检查生效集.

    Exit code 1: it would be refused / 会被拒绝; 2: it cannot be looked at / 无法检查.
    """
    from brain.set_check import check as checked
    from brain.unfit import Unfit

    settings = load_settings(config, language=lang)
    words = _EN if settings.language == "en" else _ZH
    place = folder or settings.set_folder() / settings.genesis
    if folder is not None and not folder.is_dir() and (settings.set_folder() / folder).is_dir():
        place = settings.set_folder() / folder  # by its name, as `brain set use` takes it
    try:
        with console.status(""):
            found = checked(place, time.time_ns() // 1_000_000)
    except (Unfit, OSError) as error:
        fail(plain(told(error, settings.language)))
    for name, what in found.told:
        said = what.en if settings.language == "en" else what.zh
        console.print(f"{name.removesuffix('.yaml')}: {said}", highlight=False, markup=False, soft_wrap=True)
    for fault in found.faults:
        kind, style = ("refused", "red") if fault.refuses else ("note", "yellow")
        said = plain(f"{words[kind]} {fault.text(settings.language)}")
        console.print(Text(said, style=style), highlight=False, soft_wrap=True)
    notes = len(found.faults) - found.refused
    said = words["wrong" if found.refused else "sound"]
    said = said.format(folder=place, n=found.refused, notes=notes, name=place.name)
    console.print(said, highlight=False, markup=False, soft_wrap=True)
    if found.refused:
        raise typer.Exit(1)
