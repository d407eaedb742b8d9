"""``brain demo``: broker, topics, worker, recorded data and the tail, on this machine; Ctrl-C ends it cleanly."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from brain.commands.common import embedded, load_settings
from brain.drill.recorded import Place, events
from brain.pipeline import library
from brain.settings import Settings
from brain.tail import run as run_tail
from streams import admin, broker, jars, topics
from streams.produce import Sender

console = Console(stderr=True)


def demo(
    config: Annotated[Path | None, typer.Option(help="settings file (YAML)")] = None,
    speed: Annotated[float, typer.Option(help="multiplies every source's own speed-up")] = 1.0,
    seconds: Annotated[float, typer.Option(help="end after so many seconds; 0: when the data end")] = 0.0,
    lang: Annotated[str, typer.Option(help="zh or en")] = "zh",
    keep: Annotated[bool, typer.Option(help="leave the embedded broker running at the end")] = False,
) -> None:
    """Run the whole brain on recorded data and show the incidents as they come / 用录制数据运行整个大脑."""
    settings = load_settings(config)
    own_broker = not settings.bootstrap
    bootstrap = settings.bootstrap
    if own_broker:
        console.print("· Kafka …" if lang == "en" else "· 启动 Kafka …")
        bootstrap = broker.start(embedded(settings), _say).bootstrap
    prefix = settings.prefix or f"demo-{int(time.time())}."
    admin.ensure(bootstrap, topics.catalogue(settings.partitions, prefix))
    worker = _worker(config, bootstrap, prefix)
    stop = threading.Event()
    feeder = threading.Thread(target=_feed, args=(settings, bootstrap, prefix, speed, seconds, stop), daemon=True)
    try:
        console.print("· worker, recorded data" if lang == "en" else "· 工作进程与录制数据")
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


def _say(step: jars.Progress) -> None:
    console.print(f"  {step.stage} {step.what} {step.done}/{step.total}", highlight=False)


def _worker(config: Path | None, bootstrap: str, prefix: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "brain", "worker", "--bootstrap", bootstrap, "--prefix", prefix]
    if config is not None:
        command += ["--config", str(config)]
    log = Path(".brain") / "demo-worker.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    # A session of its own: Ctrl-C reaches the demo alone, which then ends the worker in order.
    return subprocess.Popen(command, stderr=log.open("wb"), env=os.environ, start_new_session=True)


def _feed(settings: Settings, bootstrap: str, prefix: str, speed: float, seconds: float, stop: threading.Event) -> None:
    _, genesis = library(settings)
    registry = genesis.registry
    by_metric: dict[str, list[str]] = {}
    for series, asset in enumerate(registry.series_asset):
        by_metric.setdefault(registry.metrics[registry.series_metric[series]], []).append(registry.ids[asset])
    box = (float(min(registry.lon)), float(min(registry.lat)), float(max(registry.lon)), float(max(registry.lat)))
    place = Place(
        by_metric.get("pm25", []), by_metric.get("person_count", []), by_metric.get("water_level", [])[:2], box
    )
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
