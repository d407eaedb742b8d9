"""``brain drill``: material to practise with."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from brain.commands.common import Config, Lang, fail, load_settings

app = typer.Typer(no_args_is_help=True)
console = Console(stderr=True)

_ZH = {"making": "生成样例城市", "made": "✓ {what} → {out}", "join": "、"}
_EN = {"making": "making the sample city", "made": "✓ {what} → {out}", "join": ", "}
_LAYERS_ZH = {
    "district": "区", "town": "镇街", "community": "社区", "grid": "网格", "zone": "功能区", "risk": "风险区",
    "reservoir": "水库", "river": "河段", "road": "道路", "road node": "路网节点", "site": "重点场所",
    "camera": "摄像机", "address": "地址", "asset": "感知资产", "asset types": "资产类型",
}  # fmt: skip


class _Scale(StrEnum):
    SMALL = "small"
    FULL = "full"


@app.callback()
def _group() -> None:
    """A group also while it has one command."""


@app.command()
def city(
    out: Annotated[Path, typer.Argument(help="folder to write into / 输出目录")],
    seed: Annotated[int, typer.Option(min=0, help="another city for each / 随机种子")] = 1,
    scale: Annotated[_Scale, typer.Option(help="a tenth of it, or all of it / 规模")] = _Scale.FULL,
    sample: Annotated[bool, typer.Option(help="only the layers of config/map / 仅随附的图层")] = False,
    config: Config = None,
    lang: Lang = None,
) -> None:
    """Write an invented city: map, roads, sites, addresses and assets, the same for a seed / 生成样例城市."""
    from brain.drill.city import make_city
    from brain.drill.city.write import FILES, SAMPLE, write, write_sample

    english = load_settings(config, language=lang).language == "en"
    words = _EN if english else _ZH
    try:
        with Progress(console=console, transient=True) as bar:
            task = bar.add_task(words["making"], total=len(SAMPLE) if sample else len(FILES))
            make = write_sample if sample else write
            counts = make(make_city(seed, scale.value), out, lambda name: bar.advance(task))
    except OSError as error:
        fail(f"{out}: {error}")
    told = (f"{n} {name}" if english else f"{_LAYERS_ZH[name]} {n}" for name, n in counts.items())
    console.print(words["made"].format(what=words["join"].join(told), out=out), highlight=False, soft_wrap=True)


@app.command()
def storm(
    out: Annotated[Path, typer.Option(help="file to write, packed where it ends in .gz / 输出文件")],
    seed: Annotated[int, typer.Option(min=0, help="another storm for each / 随机种子")] = 1,
    small: Annotated[bool, typer.Option(help="two hours instead of six / 小规模")] = False,
    config: Config = None,
    lang: Lang = None,
) -> None:
    """Write labelled signals of a bad day, to measure noise control with / 生成带标注的告警风暴."""
    from brain.drill.storm import FULL, SMALL, make_storm
    from brain.drill.storm.file import write

    english = load_settings(config, language=lang).language == "en"
    try:
        made = make_storm(seed, SMALL if small else FULL)
        count = write(made, out)
    except OSError as error:
        fail(f"{out}: {error}")
    what = f"{count} signals, {len(made.truths)} truths" if english else f"信号 {count}、真实事件 {len(made.truths)}"
    console.print((_EN if english else _ZH)["made"].format(what=what, out=out), highlight=False, soft_wrap=True)
