"""``brain demo``: broker, topics, worker, screen and recorded data, on this machine; Ctrl-C ends it cleanly."""

from __future__ import annotations

import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from brain.commands.common import Config, broker_of, embedded, fail, load_settings, until_interrupted
from brain.commands.demo_children import HOST, USUAL, Child, free_port, watch
from brain.drill.recorded import Event, Place, events
from brain.settings import HOME, Settings
from brain.tail import Filters as Wanted
from brain.tail import fields_of, topics_of, wanted
from brain.tail import run as run_tail
from streams import admin, broker, jars, topics
from streams.produce import Sender
from streams.tailing import follow

console = Console(stderr=True)
PAGE = HOME / "brain" / "screen" / "page" / "dist" / "index.html"
LAST_S = 5.0
"""From the last record to the end."""

_ZH = {
    "kafka": "· 启动 Kafka …",
    "open": "在浏览器打开", "account": "选一个演示账号登录 (值班员 op-01 可处置); 仅本机可访问, 不校验身份",
    "runs": "· 工作进程、大屏与录制数据; Ctrl-C 结束",
    "drill": "· 演练: {stories}; 约 {minutes:.0f} 分钟, {pace:.0f} 倍速. 全部数据带演练标记, 无一为真",
    "unbuilt": "界面尚未构建: make setup 之后重来; 此处先逐条显示事件",
    "more": "  可在另一终端查看:", "log": "日志",
    "left": "{name} 已退出, 代码 {code}", "ending": "· 正在结束", "first": "首个事件: 启动后 {s:.0f} 秒",
    "status": "已上屏事件 {n}; {first}; Ctrl-C 结束", "none": "等待首个事件 ({s:.0f} 秒)",
    "stuck": "数据发送中断: {error}",
    "over": "数据已放完; 界面继续可用, Ctrl-C 结束", "unknown": "没有名为 {name} 的剧本；brain drill list 列出全部",
}  # fmt: skip
_EN = {
    "kafka": "· Kafka …",
    "open": "open in a browser",
    "account": "take a demo account (op-01, operator, may act); this machine only, nobody is asked who they are",
    "runs": "· worker, screen, recorded data; Ctrl-C ends it",
    "drill": "· drill: {stories}; about {minutes:.0f} min, {pace:.0f} times as fast. Marked as a drill, none is real",
    "unbuilt": "the page is not built: run make setup and come again; incidents are listed here instead",
    "more": "  in another terminal:", "log": "logs",
    "left": "the {name} left with exit code {code}",
    "ending": "· ending", "first": "the first {s:.0f} s after the start",
    "status": "{n} incidents shown; {first}; Ctrl-C ends it", "none": "waiting for the first incident ({s:.0f} s)",
    "over": "the data have ended; the page goes on, Ctrl-C ends it", "stuck": "no more data are sent: {error}",
    "unknown": "no story is called {name}; brain drill list names them all",
}  # fmt: skip

Feed = Callable[[int, float], Iterator[Event]]
"""Input records, given the start in ms UTC and the speed."""


def demo(
    config: Config = None,
    speed: Annotated[float, typer.Option(help="multiplies every source's own speed-up / 加速倍数", min=0.01)] = 1.0,
    seconds: Annotated[float, typer.Option(help="end after so many seconds; 0: at Ctrl-C / 若干秒后结束")] = 0.0,
    lang: Annotated[str, typer.Option(help="zh or en")] = "zh",
    port: Annotated[
        int, typer.Option(help="port of the page; 8080 or a free one when left out / 界面端口", min=0, max=65535)
    ] = 0,
    drill: Annotated[
        str, typer.Option(help="stories to rehearse in place of recorded data, with commas, or mix / 演练剧本")
    ] = "",
    page: Annotated[bool, typer.Option(help="start the screen too / 同时启动大屏")] = True,
    tail: Annotated[bool, typer.Option("--tail", help="list incidents here as they come / 在终端逐条显示")] = False,
    keep: Annotated[bool, typer.Option(help="leave the embedded broker running at the end / 结束时保留 Kafka")] = False,
) -> None:
    """Run the whole brain on recorded data, or on a drill, and open its page / 用录制数据或演练剧本运行整个大脑."""
    began = time.monotonic()
    words = _EN if lang == "en" else _ZH
    settings = load_settings(config)
    with ExitStack() as stack:
        own = {} if not drill else {"BRAIN_SETS": stack.enter_context(tempfile.TemporaryDirectory(prefix="demo-"))}
        feed, told = _rehearsal(drill, settings, own, lang) if drill else (_recorded(settings), words["runs"])
        own_broker = not settings.bootstrap
        bootstrap = "" if own_broker else broker_of(settings)
        if own_broker:
            console.print(words["kafka"])
            found = broker.status(embedded(settings)) is not None
            bootstrap = broker.start(embedded(settings), _say).bootstrap
            if not keep and not found:  # one that ran before is somebody else's to end
                stack.callback(broker.stop, embedded(settings))
        # A log is of a city or of a drill: a drill never has the topics of another.
        prefix = f"{settings.prefix}drill-{int(time.time())}." if drill else settings.prefix
        prefix = prefix or f"demo-{int(time.time())}."
        try:
            admin.ensure(bootstrap, topics.catalogue(settings.partitions, prefix))
        except admin.AdminError as error:
            fail(str(error), 1)
        where = ["--bootstrap", bootstrap, "--prefix", prefix]
        given = [*where, "--config", str(config)] if config is not None else where
        health, at = free_port(), port or free_port(USUAL)
        stop, children = stack.enter_context(_until_asked()), list[Child]()
        commands = {"worker": ["--health-port", str(health)]}
        if page:
            commands["screen"] = ["--demo", "--port", str(at), "--lang", lang]
        for name, more in commands.items():
            children.append(Child(name, [*given, *more], own))
            stack.callback(children[-1].end)  # so the screen goes before what it shows
        stack.callback(stop.set)

        broken = threading.Event()

        def gone(child: Child, code: int) -> None:
            broken.set()
            console.print(f"[bold red]✗[/] {words['left'].format(name=child.name, code=code)}; {child.log}:")
            console.print(child.last_words(), markup=False, highlight=False, soft_wrap=True)
            stop.set()

        def send() -> None:
            try:
                _feed(settings, bootstrap, prefix, feed, speed, seconds, stop, words)
            except Exception as error:  # noqa: BLE001  # of a thread that nobody joins: said here, or never
                broken.set()
                why = escape(f"{type(error).__name__}: {error}")
                console.print(f"[bold red]✗[/] {words['stuck'].format(error=why)}")
                stop.set()

        for child in children:
            watch(child, stop, gone)
        listed = tail or not page or not PAGE.is_file()
        _tell(words, told, at if page else 0, f"127.0.0.1:{health}", " ".join(where), children)
        threading.Thread(target=send, name="feed", daemon=True).start()
        if listed:
            run_tail(bootstrap, prefix=prefix, lang=lang, stop=stop)
        else:
            _count(bootstrap, prefix, words, began, stop)
        console.print(words["ending"])
    if broken.is_set():
        raise typer.Exit(1)


@contextmanager
def _until_asked() -> Iterator[threading.Event]:
    """An event that SIGTERM and the first Ctrl-C set; the second one interrupts as ever."""
    with until_interrupted() as asked:
        if threading.current_thread() is not threading.main_thread():
            yield asked
            return
        before = signal.signal(signal.SIGTERM, lambda *_: asked.set())
        try:
            yield asked
        finally:
            signal.signal(signal.SIGTERM, before)


def _tell(words: dict[str, str], told: str, page: int, health: str, where: str, children: list[Child]) -> None:
    console.print(told, highlight=False, soft_wrap=True)
    if page:
        hint = words["account" if PAGE.is_file() else "unbuilt"]
        url = f"[bold cyan]http://{HOST}:{page}[/]"
        console.print(f"\n  [bold]→ {words['open']}:[/]  {url}", highlight=False, soft_wrap=True)
        console.print(f"    {hint}\n", highlight=False, soft_wrap=True)
    console.print(words["more"])
    for command in (f"top {health}", f"tail {where}", f"tail deadletter {where}",
                    f"notify config/demo/notify.yaml {where}"):  # fmt: skip
        console.print(f"    .venv/bin/brain {command}", highlight=False, soft_wrap=True)
    console.print(f"  {words['log']}: {', '.join(str(c.log) for c in children)}", highlight=False, soft_wrap=True)


def _count(bootstrap: str, prefix: str, words: dict[str, str], began: float, stop: threading.Event) -> None:
    """A quiet line: how many incidents were shown so far, and when the first came."""
    seen: set[bytes] = set()
    shown = Wanted(shown=True)
    first = 0.0
    with console.status(words["none"].format(s=time.monotonic() - began)) as status:

        def tick() -> bool:
            if seen:
                since = words["first"].format(s=first)
                status.update(words["status"].format(n=len(seen), first=since))
            else:
                status.update(words["none"].format(s=time.monotonic() - began))
            return stop.is_set()

        with closing(follow(bootstrap, topics_of("incidents", prefix), from_beginning=True, stop=tick)) as records:
            for record in records:
                if record.key is not None and wanted("incidents", record, fields_of(record), shown):
                    if not seen:
                        first = time.monotonic() - began
                        console.print(f"· {words['first'].format(s=first)}", highlight=False)
                    seen.add(record.key)


def _say(step: jars.Progress) -> None:
    console.print(f"  {step.stage} {step.what} {step.done}/{step.total}", highlight=False)


def _recorded(settings: Settings) -> Feed:
    """Recorded data, for the assets of the genesis set."""

    def feed(start_ms: int, speed: float) -> Iterator[Event]:
        from brain.pipeline import library

        _, genesis = library(settings)
        registry = genesis.registry
        by_metric: dict[str, list[str]] = {}
        for series, asset in enumerate(registry.series_asset):
            by_metric.setdefault(registry.metrics[registry.series_metric[series]], []).append(registry.ids[asset])
        box = (float(min(registry.lon)), float(min(registry.lat)), float(max(registry.lon)), float(max(registry.lat)))
        place = Place(
            by_metric.get("pm25", []), by_metric.get("person_count", []), by_metric.get("water_level", [])[:2], box,
            by_metric.get("mm_6h", []), by_metric.get("ponding", []), by_metric.get("nh3n", []),
            by_metric.get("gas", []), by_metric.get("wind_speed", []), by_metric.get("stopped_s", []),
            by_metric.get("speed", []),
        )  # fmt: skip
        yield from events(place, start_ms, speed)

    return feed


def _rehearsal(names: str, settings: Settings, own: dict[str, str], lang: str) -> tuple[Feed, str]:
    """Stories by name; their set is written below ``own``, which is what the processes are given."""
    from brain.drill.rehearsal import Rehearsal, named
    from brain.drill.stories import sets

    words = _EN if lang == "en" else _ZH
    try:
        stories = named([name.strip() for name in names.split(",") if name.strip()])
    except KeyError as error:
        fail(words["unknown"].format(name=error.args[0]))
    try:
        sets.compose(Path(own["BRAIN_SETS"]) / "drill", settings.set_folder() / settings.genesis)
        made = Rehearsal(stories)
    except (ValueError, OSError) as error:
        fail(str(error))
    own["BRAIN_GENESIS"] = "drill"
    told = ", ".join(s.en if lang == "en" else s.zh for s in stories)
    return made.events, words["drill"].format(stories=told, minutes=made.minutes / made.pace, pace=made.pace)


def _feed(
    settings: Settings, bootstrap: str, prefix: str, feed: Feed, speed: float, seconds: float, stop: threading.Event,
    words: dict[str, str],
) -> None:  # fmt: skip
    """Send each record when it is due; ends the demo after ``seconds``."""
    begun = time.monotonic() + 1.0
    with Sender(bootstrap, settings.partitions, prefix) as sender:
        for event in feed(int((time.time() + 1.0) * 1000), speed):
            if seconds and event.at > seconds:
                break
            if stop.wait(max(0.0, begun + event.at - time.monotonic())):
                break
            sender.send(event.topic, event.key.encode(), event.value)
        sender.flush()
    if not seconds and not stop.is_set():
        console.print(f"· {words['over']}", highlight=False)
        return
    stop.wait(LAST_S)
    stop.set()
