"""``brain drill``: material to practise with."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from brain.commands.common import Config, Lang, fail, load_settings

if TYPE_CHECKING:
    from brain.drill.stories.hold import Held

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


_TOLD_ZH = {
    "story": "剧本", "what": "内容", "minutes": "分钟", "kind": "类别", "true": "真实", "decoy": "干扰",
        "held": "演练中",
    "unknown": "没有名为 {name} 的剧本；brain drill list 列出全部", "none": "{path}：不是演练结果：{error}",
    "report": "✓ 报告 → {out}",
}  # fmt: skip
_TOLD_EN = {
    "story": "story", "what": "what happens", "minutes": "minutes", "kind": "kind", "true": "true", "decoy": "decoy",
    "held": "the drill runs", "unknown": "no story is called {name}; brain drill list names them all",
    "none": "{path}: no result of a drill: {error}", "report": "✓ report → {out}",
}  # fmt: skip
Html = Annotated[Path | None, typer.Option("--html", help="write the report as one page / 写出网页报告")]
Json = Annotated[bool, typer.Option("--json", help="the result as JSON, on stdout / 输出 JSON")]


@app.command("list")
def list_(config: Config = None, lang: Lang = None) -> None:
    """The stories that can be drilled, and what only looks like one / 列出演练剧本与干扰项."""
    from rich.table import Table

    from brain.drill.stories.plan import STORIES

    english = load_settings(config, language=lang).language == "en"
    w = _TOLD_EN if english else _TOLD_ZH
    table = Table(w["story"], "", w["what"], w["kind"])
    for s in STORIES.values():
        names = (s.en, s.what_en) if english else (s.zh, s.what_zh)
        table.add_row(s.name, *names, w["decoy"] if s.decoy else w["true"])
    Console().print(table)


@app.command("run")
def run_(
    stories: Annotated[list[str] | None, typer.Argument(help="names (brain drill list); a mix when left out")] = None,
    seed: Annotated[int, typer.Option(min=0, help="other places and hours for each / 随机种子")] = 1,
    days: Annotated[int, typer.Option(min=2, max=60, help="ordinary days that they happen in / 天数")] = 3,
    count: Annotated[int, typer.Option(min=1, max=200, help="how many of the mix / 剧本数")] = 12,
    rules: Annotated[Path | None, typer.Option("--set", help="a set whose rules are drilled / 被演练的生效集")] = None,
    out: Annotated[Path, typer.Option(help="file for the result / 结果文件")] = Path("drill.json"),
    html: Html = None,
    json: Json = False,
    config: Config = None,
    lang: Lang = None,
) -> None:
    """Hold a drill through the memory log and the real pipeline; twenty seconds of CPU a day / 在内存日志上演练.

    Nothing of it is real: every record, signal and incident says so, and nobody is sent.
    """
    import msgspec

    from brain.drill.stories import plan, sets
    from brain.drill.stories.district import District
    from brain.drill.stories.hold import hold

    english = load_settings(config, language=lang).language == "en"
    w = _TOLD_EN if english else _TOLD_ZH
    for name in stories or ():
        if name not in plan.STORIES:
            fail(w["unknown"].format(name=name))
    try:
        made = plan.make(District.load(sets.DISTRICT), seed, days, plan.chosen(count, stories or ()))
        with Progress(console=console, transient=True) as bar:
            task = bar.add_task(w["held"], total=3 * made.minutes)
            held = hold(made, rules or sets.RULES, lambda _, minutes: bar.advance(task, minutes))
        out.write_bytes(msgspec.json.encode(held))
    except (OSError, ValueError) as error:
        fail(error, language="en" if english else "zh")
    _tell(held, "en" if english else "zh", html, json)


@app.command()
def report(
    path: Annotated[Path, typer.Argument(help="what brain drill run wrote / 演练结果")] = Path("drill.json"),
    html: Html = None,
    json: Json = False,
    config: Config = None,
    lang: Lang = None,
) -> None:
    """The after-action report of a drill: found, delay, missed, false, limits kept, peak / 演练评估报告."""
    import msgspec

    from brain.drill.stories.hold import Held

    english = load_settings(config, language=lang).language == "en"
    try:
        held = msgspec.json.decode(path.read_bytes(), type=Held)
    except (OSError, msgspec.DecodeError) as error:
        fail((_TOLD_EN if english else _TOLD_ZH)["none"].format(path=path, error=error))
    _tell(held, "en" if english else "zh", html, json)


def _tell(held: Held, lang: str, html: Path | None, json: bool) -> None:
    import msgspec
    from rich.table import Table

    from brain.drill.stories import report as told

    if html is not None:
        try:
            html.write_text(told.html(held, lang), encoding="utf-8")
        except OSError as error:
            fail(f"{html}: {error}")
        console.print((_TOLD_EN if lang == "en" else _TOLD_ZH)["report"].format(out=html), highlight=False)
    if json:
        typer.echo(msgspec.json.encode(held).decode())
        return
    words = told.words(lang)
    table = Table("", words["brain"], words["peer"])
    for row in told.summary(held, lang):
        table.add_row(*row)
    screen = Console()
    screen.print(table)
    for line in told.lines(held, lang):
        screen.print(line, highlight=False, soft_wrap=True)
