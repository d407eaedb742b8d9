"""What the commands share: settings from file and options, the broker to use, errors for people."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from brain.settings import Settings, SettingsError, load
from streams.broker import BrokerError, BrokerSettings, status

errors = Console(stderr=True)

# Options that many verbs have.
Config = Annotated[Path | None, typer.Option(help="settings file (YAML)")]
Bootstrap = Annotated[str | None, typer.Option(help="broker; the embedded one when left out")]
Prefix = Annotated[str | None, typer.Option(help="topic prefix")]
Lang = Annotated[str | None, typer.Option(help="zh or en")]


def fail(message: str | Exception, code: int = 2, *, language: str = "en") -> NoReturn:
    """Say what is wrong and end; of an error, in that language where it is known in both."""
    if isinstance(message, Exception):
        message = told(message, language)
    errors.print(f"[bold red]✗[/] {message}", highlight=False, soft_wrap=True)
    raise typer.Exit(code)


def told(error: Exception, language: str) -> str:
    """What an error says; Chinese for any language but ``en``."""
    from brain.unfit import both

    said = both(error)
    return said.en if language == "en" else said.zh


def load_settings(config: Path | None = None, **options: Any) -> Settings:
    """Settings, or a readable end."""
    try:
        return load(config, **options)
    except SettingsError as error:
        fail(str(error))


def embedded(settings: Settings) -> BrokerSettings:
    """The embedded broker of these settings."""
    return BrokerSettings(data_dir=Path(settings.kafka_data), port=settings.kafka_port, heap_mb=settings.kafka_heap_mb)


def broker_of(settings: Settings) -> str:
    """Address of the broker, its security bound to it: the one named, or the running embedded one."""
    try:
        named = settings.address()
    except SettingsError as error:
        fail(str(error))
    if named:
        return named
    running = status(embedded(settings))
    if running is None:
        fail("no broker: start the embedded one (`brain kafka start`), or name one by --bootstrap / BRAIN_BOOTSTRAP")
    return running.bootstrap


def folders_of(settings: Settings, broker: str) -> dict[str, Path]:
    """Folders on disks of this machine that a process over this broker fills, by the settings that name them."""
    try:
        running = status(embedded(settings))
    except BrokerError:  # of a broker that this process does not use: else there would be no `broker`
        running = None
    own = {"kafka_data": Path(settings.kafka_data)} if running is not None and running.bootstrap == broker else {}
    return {"set_cache": Path(settings.set_cache), **own}


def plain(text: str) -> str:
    """Nothing that steers a terminal: what came in is shown, not obeyed."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


@contextmanager
def until_interrupted() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets; the second one interrupts as ever.

    The Kafka client can lose a KeyboardInterrupt that comes while it waits. Outside the main thread nothing is caught.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def ask(*_: object) -> None:
        asked.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
