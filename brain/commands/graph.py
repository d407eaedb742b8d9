"""``brain graph``: the running pipeline as a drawing, with rates and lag where a broker answers."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from brain.commands.common import Bootstrap, Config, Lang, Prefix, errors, load_settings

if TYPE_CHECKING:
    from brain.graph import Graph
    from brain.sets import CitySet
    from brain.settings import Settings

console = Console()


class Form(StrEnum):
    """What is printed."""

    TEXT = "text"
    MERMAID = "mermaid"
    DOT = "dot"


_ZH = {
    "title": "{prefix} 处理流水线",
    "still": "没有实时数据: {why}",
    "looks": "观察 {seconds:g} 秒 …",
    "set": "未读出生效集: {why}",
}
_EN = {"title": "{prefix} pipeline", "still": "without what runs: {why}", "looks": "looking for {seconds:g} s …",
       "set": "the set was not read: {why}"}  # fmt: skip


def graph(
    form: Annotated[Form, typer.Option("--format", help="text, mermaid or dot")] = Form.TEXT,
    seconds: Annotated[
        float, typer.Option(help="seconds between the two looks at rates; 0: draw without a broker", min=0, max=600)
    ] = 3.0,
    config: Config = None,
    bootstrap: Bootstrap = None,
    prefix: Prefix = None,
    lang: Lang = None,
) -> None:
    """Draw topics, lanes, city task, agents and readers, with live rates and lag / 绘制运行中的流水线."""
    from brain.graph import build
    from brain.graph_draw import dot, mermaid, text

    settings = load_settings(config, bootstrap=bootstrap, prefix=prefix, language=lang)
    words = _EN if settings.language == "en" else _ZH
    g = build(settings, _content(settings, words))
    if seconds:
        why = _live(g, settings, seconds, words)
        if why:
            errors.print(f"[dim]· {words['still'].format(why=why)}[/]", soft_wrap=True)
    if form is Form.TEXT:
        console.print(text(g, words["title"].format(prefix=settings.prefix).strip(), settings.language))
    else:
        typer.echo((mermaid if form is Form.MERMAID else dot)(g, settings.language), nl=False)


def _content(settings: Settings, words: dict[str, str]) -> CitySet | None:
    from brain.sets import CitySet

    try:
        return CitySet.load(settings.set_folder() / settings.genesis)
    except Exception as error:  # noqa: BLE001  # every part of a set has errors of its own; the topics can be drawn
        errors.print(f"[dim]· {words['set'].format(why=error)}[/]", soft_wrap=True)
        return None


def _live(g: Graph, settings: Settings, seconds: float, words: dict[str, str]) -> str:
    """Look twice and write it into the graph; why not, or nothing."""
    from brain.doctor.checks import looks
    from brain.doctor.run import Patient, examine
    from brain.graph import live
    from streams.log import LogError

    patient = Patient(settings=settings, sample_s=seconds)
    with errors.status(words["looks"].format(seconds=seconds)):
        done = examine(patient, looks(seconds), close=False)
        try:
            if len(patient.looks) < 2 or patient.census is None:
                return "; ".join(f.text("what", settings.language) for f in done.findings[:1]) or "–"
            members = patient.census.group(settings.prefix + settings.group).members
        except LogError as error:
            return str(error)
        finally:
            patient.closing.close()
    one, two = patient.looks
    rates = {
        tp: (end - one.offsets[tp][1]) / (two.at - one.at) for tp, (_, end) in two.offsets.items() if tp in one.offsets
    }
    lags = {lane: max(0, lag) for lane, lag in two.lags().items()}
    age = None if patient.pulse is None else time.time() - patient.pulse.time / 1000
    live(g, settings.prefix, rates, lags, members, age)
    return ""
