"""``brain explain``: why an incident was or was not shown, or what became of a signal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from brain.commands.common import Bootstrap, Config, Lang, Prefix, broker_of, fail, load_settings, plain

console = Console()

_ZH = {
    "unknown": "没有 {asked}: 既不是事件编号, 也不是任何信号的标识",
    "near": "相近的: {names}",
    "way": "编号见 brain tail incidents --from-beginning --no-follow; 结案 30 天后事件不再保留, 信号保留 7 天",
    "alone": "信号 {asked} 在 {when} 记录, 但没有事件包含它: 尚未归并, 或其事件已不再保留",
}  # fmt: skip
_EN = {
    "unknown": "{asked}: neither the id of an incident nor the identity of a signal",
    "near": "near: {names}",
    "way": "brain tail incidents --from-beginning --no-follow has the ids; incidents stay 30 days after their end, "
           "signals 7 days",
    "alone": "signal {asked} was told at {when}, and no incident holds it: it is not folded yet, or its incident "
             "is not kept any more",
}  # fmt: skip


def explain(
    asked: Annotated[str, typer.Argument(help="id of an incident (inc-…), or identity of a signal")],
    source: Annotated[Path | None, typer.Option("--from", help="a bundle, or the folder of `brain replay`")] = None,
    set_dir: Annotated[Path | None, typer.Option("--set", help="a set folder to look in too")] = None,
    texts: Annotated[bool, typer.Option("--text", help="print the scenarios as they were then")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object, both languages")] = False,
    config: Config = None,
    bootstrap: Bootstrap = None,
    prefix: Prefix = None,
    lang: Lang = None,
) -> None:
    """Say why an incident was or was not shown, with rules and numbers as they were then / 事件为何上屏或未上屏."""
    from brain.explain import answer, story
    from brain.explain.show import show
    from brain.explain.trail import Past, TrailError, live, recorded
    from streams.bundle import BundleError
    from streams.log import LogError
    from streams.records import Signal

    settings = load_settings(config, bootstrap=bootstrap, prefix=prefix, language=lang)
    words = _EN if settings.language == "en" else _ZH
    broker = "" if source is not None else broker_of(settings)
    try:
        past = Past(settings, broker, set_dir)
        if source is not None:
            trail = recorded(source, settings, set_dir)
        else:
            trail = live(broker, settings.prefix, tuple(settings.partitions))
        incidents = trail.incidents()
        found = answer.find(asked, incidents)

        def wanted(signal: Signal) -> bool:
            return signal.identity() == asked or (found is not None and story.concerns(found)(signal))

        signals = trail.signals(wanted)
        asked_for = next((s for s in signals if s.identity() == asked), None)
        if found is None and asked_for is not None:
            held = found = answer.holding(asked_for, incidents)
            signals = [] if held is None else trail.signals(story.concerns(held))
            if held is None:
                from brain.tail import clock

                fail(words["alone"].format(asked=plain(asked), when=clock(asked_for.t)), 1)
        if found is None:
            names = [plain(name) for name in answer.near(asked, incidents)]
            hint = [words["near"].format(names=", ".join(names))] if names else []
            fail("\n  ".join([words["unknown"].format(asked=plain(asked)), *hint, words["way"]]), 1)
        told = answer.explain(asked, found, trail.notes(), signals, past.scenario)
    except (TrailError, BundleError, LogError, ValueError, OSError) as error:
        fail(error, 1, language=settings.language)
    if as_json:
        console.out(msgspec.json.encode(told).decode(), highlight=False)
    else:
        show(told, "en" if settings.language == "en" else "zh", console, texts=texts)
