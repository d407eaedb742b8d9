"""``brain agent``: run a plain agent of a domain, and list those there are."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any

import structlog
import typer

from brain.commands.common import Bootstrap, Config, Prefix, broker_of, fail, load_settings
from brain.commands.worker import configure_logs

if TYPE_CHECKING:
    from streams.plain import App

app = typer.Typer(no_args_is_help=True)

ENTRY_POINTS = "city_brain.agents"
"""Packages of their own name their agents under this group: ``name = "package.module:register"``."""


@app.command("list")
def list_() -> None:
    """List the agents that are installed: what `run` takes, and what each is for / 列出已安装的智能体."""
    for name, doc in sorted(installed()):
        typer.echo(f"{name}\n    {doc}")


@app.command()
def run(
    module: Annotated[str, typer.Argument(metavar="MODULE[:FUNCTION]", help="the function is `register` by default")],
    group: Annotated[
        str | None,
        typer.Option(help="consumer group (after the prefix); another one works everything that is kept once more"),
    ] = None,
    config: Config = None,
    bootstrap: Bootstrap = None,
    prefix: Prefix = None,
    health_port: Annotated[int | None, typer.Option(help="port of /metrics and /health; 0 takes a free one")] = None,
) -> None:
    """Run an agent until Ctrl-C or SIGTERM / 运行一个智能体."""
    settings = load_settings(config, bootstrap=bootstrap, prefix=prefix, health_port=health_port)
    register = find(module)

    from streams import plain, plain_worker
    from streams.admin import AdminError
    from streams.health import serve
    from streams.progress import Progress, watchdog

    configure_logs()
    progress = Progress(settings.stuck_s)
    name = group or "agent." + module.partition(":")[0].rpartition(".")[2]
    agents = plain.App(name, broker_of(settings), settings.prefix, progress)
    try:
        register(agents)
        plain_worker.prepare(agents)
    except (plain.PlainError, AdminError) as error:
        fail(f"{module}: {error}", 1)
    _, port = serve(progress, settings.health_port, settings.health_host)
    watchdog(progress)
    structlog.get_logger(__name__).info(
        "agent", agents=sorted(agents.feeds), group=settings.prefix + name,
        health=f"http://{settings.health_host}:{port}/health/ready",
    )  # fmt: skip
    raise typer.Exit(plain_worker.run(agents))


def find(named: str) -> Callable[[App], Any]:
    """The function that ``MODULE[:FUNCTION]`` names; a module in the current folder too. Ends readably without one."""
    module, _, function = named.partition(":")
    function = function or "register"
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        loaded = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not (module + ".").startswith(error.name + "."):
            raise  # the module is there, and something that it imports is not: its own traceback says more
        fail(f"{module}: no such module here or in what is installed; see `brain agent list`")
    except (ValueError, TypeError):
        fail(f"{named!r}: expected MODULE or MODULE:FUNCTION, such as brain.agents.examples.repeat_offenders")
    found = getattr(loaded, function, None)
    if not callable(found):
        fail(f"{module}: expected a function {function}(app), got {'nothing' if found is None else repr(found)}")
    return found  # type: ignore[no-any-return]  # what it takes and gives is a convention, not a type


def installed() -> Iterator[tuple[str, str]]:
    """What `run` takes and the first line of its docstring: agents in brain/agents, and entry points of packages."""
    import brain.agents

    for info in pkgutil.walk_packages(brain.agents.__path__, "brain.agents."):
        loaded = importlib.import_module(info.name)
        if callable(getattr(loaded, "register", None)):
            yield info.name, _first_line(loaded)
    for entry in entry_points(group=ENTRY_POINTS):
        spec = importlib.util.find_spec(entry.module)
        yield entry.value, _first_line(importlib.import_module(entry.module)) if spec else "not importable"


def _first_line(loaded: ModuleType) -> str:
    return (loaded.__doc__ or "no docstring").strip().splitlines()[0]
