"""``brain demo``: broker, topics, worker, recorded data and the tail, on this machine; Ctrl-C ends it cleanly."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from brain.commands.common import Config, broker_of, embedded, fail, load_settings
from brain.drill.recorded import Place, events
from brain.pipeline import library
from brain.settings import Settings
from brain.tail import run as run_tail
from streams import admin, broker, jars, topics
from streams.produce import Sender

console = Console(stderr=True)
LOG = Path(".brain") / "demo-worker.log"


def demo(
    config: Config = None,
    speed: Annotated[float, typer.Option(help="multiplies every source's own speed-up")] = 1.0,
    seconds: Annotated[float, typer.Option(help="end after so many seconds; 0: when the data end")] = 0.0,
    lang: Annotated[str, typer.Option(help="zh or en")] = "zh",
    keep: Annotated[bool, typer.Option(help="leave the embedded broker running at the end")] = False,
) -> None:
    """Run the whole brain on recorded data and show the incidents as they come / 用录制数据运行整个大脑."""
    settings = load_settings(config)
    own_broker = not settings.bootstrap
    bootstrap = "" if own_broker else broker_of(settings)
    if own_broker:
        console.print("· Kafka …" if lang == "en" else "· 启动 Kafka …")
        bootstrap = broker.start(embedded(settings), _say).bootstrap
    prefix = settings.prefix or f"demo-{int(time.time())}."
    try:
        admin.ensure(bootstrap, topics.catalogue(settings.partitions, prefix))
    except admin.AdminError as error:
        fail(str(error), 1)
    health = _free_port()
    worker = _worker(config, bootstrap, prefix, health)
    stop = threading.Event()
    watcher = threading.Thread(target=_watch, args=(worker, stop, lang), daemon=True)
    feeder = threading.Thread(target=_feed, args=(settings, bootstrap, prefix, speed, seconds, stop), daemon=True)
    try:
        _tell(lang, bootstrap, prefix, health)
        watcher.start()
        feeder.start()
        run_tail(bootstrap, prefix=prefix, lang=lang, stop=stop)
    except KeyboardInterrupt:
        console.print("· ending" if lang == "en" else "· 正在结束")
    finally:
        stop.set()
        worker.terminate()
        try:
            worker.wait(15)
        except subprocess.TimeoutExpired:
            worker.kill()
        if own_broker and not keep:
            broker.stop(embedded(settings))


def _tell(lang: str, bootstrap: str, prefix: str, health: int) -> None:
    where = f"--bootstrap {bootstrap} --prefix {prefix}"
    english = lang == "en"
    console.print("· worker, recorded data; Ctrl-C ends it" if english else "· 工作进程与录制数据; Ctrl-C 结束")
    console.print("  in another terminal:" if english else "  可在另一终端查看:")
    for command in (f"top 127.0.0.1:{health}", f"tail signals {where}", f"tail deadletter {where}",
                    f"notify config/demo/notify.yaml {where}"):  # fmt: skip
        console.print(f"    .venv/bin/brain {command}", highlight=False, soft_wrap=True)
    console.print(f"  {'log' if english else '日志'}: {LOG}", highlight=False)


def _watch(worker: subprocess.Popen[bytes], stop: threading.Event, lang: str) -> None:
    """A worker that leaves by itself ends the demo, and its last words are shown."""
    while not stop.wait(0.5):
        code = worker.poll()
        if code is not None and not stop.is_set():
            said = f"the worker left with exit code {code}" if lang == "en" else f"工作进程已退出, 代码 {code}"
            console.print(f"[bold red]✗[/] {said}; {LOG}:", highlight=False)
            lines = LOG.read_text(errors="replace").splitlines()[-5:]
            console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
            stop.set()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _say(step: jars.Progress) -> None:
    console.print(f"  {step.stage} {step.what} {step.done}/{step.total}", highlight=False)


def _worker(config: Path | None, bootstrap: str, prefix: str, health: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "brain", "worker", "--bootstrap", bootstrap, "--prefix", prefix]
    command += ["--health-port", str(health)]
    if config is not None:
        command += ["--config", str(config)]
    LOG.parent.mkdir(parents=True, exist_ok=True)
    # A session of its own: Ctrl-C reaches the demo alone, which then ends the worker in order.
    return subprocess.Popen(command, stderr=LOG.open("wb"), env=os.environ, start_new_session=True)


def _feed(settings: Settings, bootstrap: str, prefix: str, speed: float, seconds: float, stop: threading.Event) -> None:
    _, genesis = library(settings)
    registry = genesis.registry
    by_metric: dict[str, list[str]] = {}
    for series, asset in enumerate(registry.series_asset):
        by_metric.setdefault(registry.metrics[registry.series_metric[series]], []).append(registry.ids[asset])
    box = (float(min(registry.lon)), float(min(registry.lat)), float(max(registry.lon)), float(max(registry.lat)))
    place = Place(
        by_metric.get("pm25", []), by_metric.get("person_count", []), by_metric.get("water_level", [])[:2], box,
        by_metric.get("mm_6h", []), by_metric.get("ponding", []), by_metric.get("nh3n", []),
    )  # fmt: skip
    begun = time.monotonic() + 3.0
    start_ms = int((time.time() + 3.0) * 1000)
    with Sender(bootstrap, settings.partitions, prefix) as sender:
        for event in events(place, start_ms, speed):
            wait = begun + event.at - time.monotonic()
            if stop.wait(max(0.0, wait)) or (seconds and event.at > seconds):
                break
            sender.send(event.topic, event.key.encode(), event.value)
        sender.flush()
    stop.wait(5.0)
    stop.set()
