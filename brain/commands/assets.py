"""``brain assets``: which sensing assets speak, which fell silent, and which grids nothing looks at."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from brain.commands.common import Bootstrap, Config, Prefix, broker_of, errors, fail, load_settings
from brain.notify.words import clock
from brain.settings import Settings
from brain.tail import Lang

if TYPE_CHECKING:
    from brain.screen.board.sensing import Asset, Sensing

app = typer.Typer(no_args_is_help=True)
console = Console()
Json = Annotated[bool, typer.Option("--json", help="one JSON object a line / 每行一个 JSON")]
Language = Annotated[Lang | None, typer.Option(help="language of the text: zh or en")]
Kind = Annotated[str, typer.Option("--type", help="only of this type / 类型")]
District = Annotated[str, typer.Option(help="only in this district, by code / 行政区")]

_ZH = {
    "live": "在线", "silent": "静默", "unknown": "未知", "id": "资产", "type": "类型", "health": "状态",
    "last": "最近读数", "since": "静默起于", "grid": "网格", "district": "行政区", "owner": "责任单位", "never": "-",
    "counted": "普查时间 {t}; 资产 {n}", "none": "还没有普查: 是否有工作进程在运行? 首次普查在五分钟之内",
    "blind": "盲区网格 {n}", "reading": "读取普查: {n} 条记录", "more": "另有 {n} 项, 用 --limit 调整",
}  # fmt: skip
_EN = {
    "live": "live", "silent": "silent", "unknown": "unknown", "id": "asset", "type": "type", "health": "health",
    "last": "newest reading", "since": "silent since", "grid": "grid", "district": "district", "owner": "owner",
    "never": "-", "counted": "census of {t}; {n} assets",
    "none": "no census yet: does a worker run? The first one comes within five minutes",
    "blind": "{n} blind grids", "reading": "reading the census: {n} records", "more": "{n} more; set --limit",
}  # fmt: skip


@app.command(name="list")
def listed(
    type_: Kind = "",
    health: Annotated[
        Literal["live", "silent", "unknown"] | None, typer.Option(help="only of this health / 状态")
    ] = None,
    district: District = "",
    grid: Annotated[str, typer.Option(help="only in this grid, by code / 网格")] = "",
    text: Annotated[str, typer.Option("--q", help="words in id, type or owner / 关键词")] = "",
    limit: Annotated[int, typer.Option(help="at most so many", min=1)] = 50,
    json: Json = False,
    config: Config = None,
    bootstrap: Bootstrap = None,
    prefix: Prefix = None,
    lang: Language = None,
) -> None:
    """Assets with their health, by id / 感知资产及其状态."""
    from brain.screen.board.sensing import Wanted

    sensing, words = _asked(config, bootstrap, prefix, lang)
    items, _, total = sensing.page(Wanted(type_, health, district, grid, None, text), limit)
    if json:
        _lines(items)
        return
    _head(sensing, words, total)
    table = Table(*(words[name] for name in ("id", "type", "health", "last", "since", "grid", "district", "owner")))
    for a in items:
        last, since = _time(a.last, words), _time(a.since, words)
        table.add_row(
            Text(a.id), Text(a.type), _health(a, words), last, since, Text(a.grid), Text(a.district), Text(a.owner)
        )
    console.print(table)
    if total > len(items):
        console.print(words["more"].format(n=total - len(items)), highlight=False)


@app.command()
def summary(
    district: District = "",
    json: Json = False,
    config: Config = None,
    bootstrap: Bootstrap = None,
    prefix: Prefix = None,
    lang: Language = None,
) -> None:
    """How many of each type are live, silent and unknown / 按类型统计."""
    sensing, words = _asked(config, bootstrap, prefix, lang)
    districts = (district,) if district else ()
    found, blind = sensing.by_type(districts), sensing.blind(districts)
    if json:
        _lines([{"t": sensing.t, "by_type": found, "blind": len(blind)}])
        return
    _head(sensing, words, sum(c.live + c.silent + c.unknown for c in found.values()))
    table = Table(words["type"], words["live"], words["silent"], words["unknown"])
    for name, c in found.items():
        table.add_row(Text(name), str(c.live), str(c.silent), str(c.unknown))
    console.print(table)
    console.print(words["blind"].format(n=len(blind)), highlight=False)


@app.command()
def blind(
    district: District = "",
    json: Json = False,
    config: Config = None,
    bootstrap: Bootstrap = None,
    prefix: Prefix = None,
    lang: Language = None,
) -> None:
    """Grids without a live asset, and since when / 盲区网格."""
    sensing, words = _asked(config, bootstrap, prefix, lang)
    found = sensing.blind((district,) if district else ())
    if json:
        _lines(found)
        return
    _head(sensing, words, len(sensing))
    table = Table(words["grid"], words["district"], words["since"])
    for b in found:
        table.add_row(Text(b.grid), Text(b.district), _time(b.since, words))
    console.print(table)
    console.print(words["blind"].format(n=len(found)), highlight=False)


def _asked(
    config: Path | None, bootstrap: str | None, prefix: str | None, lang: str | None
) -> tuple[Sensing, dict[str, str]]:
    """What the lanes said, and the words to tell it in."""
    settings = load_settings(config, bootstrap=bootstrap, prefix=prefix, language=lang)
    words = _EN if settings.language == "en" else _ZH
    return _read(settings, words), words


def _read(settings: Settings, words: dict[str, str]) -> Sensing:
    """What the lanes said since the last whole census before the newest pulse, over the set in force."""
    from brain import census
    from brain.commands.sets import last_pulse
    from brain.pipeline import library
    from brain.screen.board.sensing import Sensing
    from brain.screen.board.sensing_feed import begins
    from brain.settings import SettingsError
    from streams.log import LogError
    from streams.records import CE_TYPE
    from streams.tailing import follow

    broker = broker_of(settings)
    topics = [f"{settings.prefix}signals.{name}" for name in settings.partitions]
    try:
        pulse = last_pulse(broker, settings)
        sets, genesis = library(settings, broker)
        sensing = Sensing(genesis if pulse is None else sets.get(pulse.set))
        if pulse is None:
            fail(words["none"], 1)
        positions = begins(broker, topics, pulse.time)
        said = follow(broker, topics, until_end=True, positions=positions)
        with closing(said) as records, errors.status(words["reading"].format(n=0)) as status:
            for n, seen in enumerate(records, 1):
                found = census.heard(seen.header(CE_TYPE), seen.value)
                if found is not None:
                    sensing.hear(found)
                if n % 10_000 == 0:
                    status.update(words["reading"].format(n=n))
    except (LogError, SettingsError, KeyError, ValueError, OSError) as error:
        fail(str(error), 1)
    if not sensing.t:
        fail(words["none"], 1)
    return sensing


def _head(sensing: Sensing, words: dict[str, str], n: int) -> None:
    console.print(words["counted"].format(t=_time(sensing.t, words), n=n), highlight=False)


def _health(asset: Asset, words: dict[str, str]) -> Text:
    return Text(words[asset.health], {"live": "green", "silent": "bold red", "unknown": "dim"}[asset.health])


def _time(t: int | None, words: dict[str, str]) -> str:
    return words["never"] if t is None else clock(t)


def _lines(items: list[Any]) -> None:
    for item in items:
        typer.echo(msgspec.json.encode(item).decode())
