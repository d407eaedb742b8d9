"""``brain kafka``: the embedded broker of this machine: start it, stop it, see whether it answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from brain.commands.common import Config, Lang, embedded, fail, load_settings
from streams import broker, jars

app = typer.Typer(no_args_is_help=True)
console = Console()

Data = Annotated[Path | None, typer.Option(help="data directory; it names the broker")]

_ZH = {
    "jars": "下载 Kafka", "format": "初始化存储", "start": "启动 Kafka", "ready": "就绪",
    "runs": "Kafka 运行中", "silent": "Kafka 进程在, 但无应答 (暂停或启动中)", "none": "Kafka 未运行",
    "stopped": "Kafka 已停止", "log": "日志", "pid": "进程", "data": "数据",
}  # fmt: skip
_EN = {
    "jars": "downloading Kafka", "format": "formatting the storage", "start": "starting Kafka", "ready": "ready",
    "runs": "Kafka is running", "silent": "Kafka's process is there but does not answer (paused, or starting)",
    "none": "Kafka is not running", "stopped": "Kafka stopped", "log": "log", "pid": "process", "data": "data",
}  # fmt: skip


@app.command()
def start(
    config: Config = None,
    data: Data = None,
    port: Annotated[int | None, typer.Option(help="0 chooses a free one and keeps it", min=0, max=65535)] = None,
    heap_mb: Annotated[int | None, typer.Option(help="memory of the broker, MiB", min=128)] = None,
    lang: Lang = None,
) -> None:
    """Start the broker, or say where it is; the first start downloads it (44 MB) / 启动内置 Kafka."""
    given = load_settings(config, kafka_data=_text(data), kafka_port=port, kafka_heap_mb=heap_mb, language=lang)
    words = _words(given.language)
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn(), console=console,
        transient=True,
    )  # fmt: skip
    with bar:
        task: Any = None

        def show(step: jars.Progress) -> None:
            nonlocal task
            if step.stage != "jars":
                return
            task = bar.add_task(words["jars"], total=step.total) if task is None else task
            bar.update(task, completed=step.done, description=f"{words['jars']} · {step.what}")

        try:
            running = broker.start(embedded(given), show)
        except (broker.BrokerError, jars.JarsUnavailable) as error:
            fail(str(error), 1)
    _say(running, embedded(given), words)


@app.command()
def stop(config: Config = None, data: Data = None, lang: Lang = None) -> None:
    """Stop the broker; its data stay / 停止内置 Kafka, 保留数据."""
    given = load_settings(config, kafka_data=_text(data), language=lang)
    try:
        stopped = broker.stop(embedded(given))
    except broker.BrokerError as error:
        fail(str(error), 1)
    console.print(_words(given.language)["stopped" if stopped else "none"])


@app.command()
def status(config: Config = None, data: Data = None, lang: Lang = None) -> None:
    """Where the broker is and whether it answers; exit code 1 when it does not / 查看内置 Kafka 状态."""
    given = load_settings(config, kafka_data=_text(data), language=lang)
    words = _words(given.language)
    try:
        running = broker.status(embedded(given))
    except broker.BrokerError as error:
        fail(str(error), 1)
    if running is None:
        console.print(words["none"])
        raise typer.Exit(1)
    _say(running, embedded(given), words)
    if not running.answers:
        raise typer.Exit(1)


def _say(running: broker.Running, settings: broker.BrokerSettings, words: dict[str, str]) -> None:
    head = "[green]●[/]" if running.answers else "[red]●[/]"
    console.print(f"{head} {words['runs' if running.answers else 'silent']}: [bold]{running.bootstrap}[/]")
    rows = (("pid", running.pid), ("data", settings.data_dir.resolve()), ("log", running.log_file))
    for name, value in rows:
        console.print(f"  {words[name]}: {value}", highlight=False, soft_wrap=True, markup=False)


def _words(language: str) -> dict[str, str]:
    return _EN if language == "en" else _ZH


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
