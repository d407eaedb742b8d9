"""``brain set``: which set is in force, and how another one comes into force."""

from __future__ import annotations

import getpass
import time
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from brain.commands.common import Bootstrap, Config, Lang, Prefix, broker_of, fail, load_settings, told
from brain.commands.set_check import check
from brain.settings import Settings

app = typer.Typer(no_args_is_help=True)
app.command()(check)
console = Console()


_ZH = {
    "name": "目录", "id": "内容哈希", "force": "生效", "assets": "资产", "scenarios": "场景", "wrong": "不可用: {why}",
    "live": "{base} 的实时变更", "elsewhere": "不在本机",
    "already": "{name} ({id}) 已经生效", "asked": "已请求 {name} ({id}); 等待全部任务加载…",
    "named": "✓ {name} ({id}) 自 {time} 起生效", "refused": "未生效: {why}",
    "moved": "{folder}: 读取时内容有变; 请重试",
    "waiting": "{seconds:g} 秒内既未生效也未被拒绝: 是否有工作进程在运行? 见 brain tail audit",
}  # fmt: skip
_EN = {
    "name": "folder", "id": "content hash", "force": "in force", "assets": "assets", "scenarios": "scenarios",
    "wrong": "unusable: {why}", "live": "live changes of {base}",
    "elsewhere": "not on this machine", "already": "{name} ({id}) is in force",
    "asked": "asked for {name} ({id}); waiting until every task has loaded it …",
    "named": "✓ {name} ({id}) is in force from {time} on", "refused": "not in force: {why}",
    "moved": "{folder}: changed while it was read; try again",
    "waiting": "neither in force nor refused within {seconds:g} s: does a worker run? See brain tail audit",
}  # fmt: skip


@app.command("list")
def list_(config: Config = None, bootstrap: Bootstrap = None, prefix: Prefix = None, lang: Lang = None) -> None:
    """List the sets of the folder, and which is in force / 列出生效集."""
    from brain.sets import CitySet, digest, folders

    settings = load_settings(config, bootstrap=bootstrap, prefix=prefix, language=lang)
    words = _EN if settings.language == "en" else _ZH
    broker = broker_of(settings)
    force = in_force(broker, settings)
    table = Table()
    for column in ("force", "name", "id", "assets", "scenarios"):
        table.add_column(words[column])
    names: dict[str, str] = {}
    for folder in folders(settings.set_folder()):
        id_ = digest(folder)
        try:
            content = CitySet.load(folder)
            what = (str(len(content.registry.ids)), str(len(content.scenarios)))
        except (ValueError, OSError) as error:
            what = (words["wrong"].format(why=told(error, settings.language)), "")
        names[id_] = folder.name
        table.add_row("●" if id_ == force else "", *(Text(cell) for cell in (folder.name, id_, *what)))
    if force not in names:
        live = _live(broker, settings, force)
        base = live[0] if live else ""
        name = words["live"].format(base=names.get(base, base)) if live else words["elsewhere"]
        table.add_row("●", *(Text(cell) for cell in (name, force, *(live[1:] if live else ("", "")))))
    console.print(table)


def _live(broker: str, settings: Settings, set_id: str) -> tuple[str, str, str] | None:
    """Base, assets and scenarios of a set that live changes made; None where topic sets does not have it."""
    from brain.sets import CHANGES, Changes
    from streams import set_store

    try:
        contents = set_store.unpack(set_store.fetch(broker, settings.prefix + "sets").packed(set_id))
    except KeyError:
        return None
    base = msgspec.json.decode(contents[CHANGES], type=Changes).base
    assets = len(contents["assets.ndjson"].splitlines())
    return base, str(assets), str(sum(name.startswith("scenarios/") for name in contents))


@app.command()
def use(
    name: Annotated[str, typer.Argument(help="folder below the folder of sets")],
    wait: Annotated[float, typer.Option(help="seconds to wait for the outcome; 0: only ask")] = 90.0,
    by: Annotated[str, typer.Option(help="who wants it, for the audit; your login when left out")] = "",
    config: Config = None,
    bootstrap: Bootstrap = None,
    prefix: Prefix = None,
    lang: Lang = None,
) -> None:
    """Have another set come into force once every task has loaded it / 切换生效集."""
    settings = load_settings(config, bootstrap=bootstrap, prefix=prefix, language=lang)
    bring(settings, settings.set_folder() / name, by, wait)


def bring(settings: Settings, folder: Path, by: str, wait: float) -> None:
    """Ask for the set of a folder; with ``wait`` seconds, say what became of it. Ends the command where it cannot."""
    from brain.sets import CitySet, digest, files
    from streams import set_store
    from streams.produce import send_all
    from streams.records import TP
    from streams.set_watch import WANTED, Wanted

    words, name = _EN if settings.language == "en" else _ZH, folder.name
    try:
        id_ = CitySet.load(folder).id
    except (ValueError, OSError) as error:
        fail(f"{name}: {told(error, settings.language)} (brain set check {name})")
    if id_ != digest(folder):
        fail(words["moved"].format(folder=folder))
    broker = broker_of(settings)
    if in_force(broker, settings) == id_:
        console.print(words["already"].format(name=name, id=id_))
        return
    wish = Wanted(id_, name, by or getpass.getuser(), time.time_ns() // 1_000_000)
    # Its files go first, so that workers on machines without the folder have them when they read the wish.
    records = [*set_store.chunks(id_, set_store.pack(files(folder))), (WANTED, msgspec.json.encode(wish))]
    offset = send_all(broker, TP(settings.prefix + "sets", 0), records)[-1]
    console.print(words["asked"].format(name=name, id=id_))
    if wait:
        _outcome(broker, settings, wish, offset, wait, words)


def _outcome(broker: str, settings: Settings, wish: Any, offset: int, wait: float, words: dict[str, str]) -> None:
    from brain.tail import clock

    until = time.monotonic() + wait
    with console.status(""):
        while time.monotonic() < until:
            pulse = last_pulse(broker, settings)
            if pulse is not None and pulse.set == wish.set:
                console.print(words["named"].format(name=wish.name, id=wish.set, time=clock(pulse.time)))
                return
            why = _refusal(broker, settings, wish.set, offset)
            if why:
                fail(words["refused"].format(why=why), 1)
            time.sleep(1.0)
    fail(words["waiting"].format(seconds=wait), 1)


def _refusal(broker: str, settings: Settings, set_id: str, offset: int) -> str:
    from streams.records import TP
    from streams.tailing import snapshot

    for _, _, _, key, value, _ in snapshot(broker, [TP(settings.prefix + "audit", 0)]):
        if key == b"city" and value and b'"set.refused"' in value:
            note = msgspec.json.decode(value)
            if note.get("set") == set_id and note.get("wish") == offset:
                return str(note.get("why", ""))
    return ""


def last_pulse(broker: str, settings: Settings) -> Any:
    """The last pulse that is signed with our key; None before the first. Raises LogError."""
    from streams import pulse as pulses
    from streams.records import TP
    from streams.tailing import snapshot

    last = None
    for _, _, _, key, value, _ in snapshot(broker, [TP(settings.prefix + "pulse", 0)]):
        last = (pulses.decode(value, settings.key()) if key == b"pulse" else None) or last
    return last


def in_force(broker: str, settings: Settings) -> str:
    from brain.pipeline import library
    from streams.log import LogError

    try:
        pulse = last_pulse(broker, settings)
    except LogError as error:
        fail(f"{error} (brain topics --create)", 1)
    return pulse.set if pulse is not None else library(settings)[1].id
