"""``brain agent``: agents of the kit made, checked and shown; plain ones run; both listed."""

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
from brain.logs import configure_logs

if TYPE_CHECKING:
    from brain.agent_kit.find import Installed
    from streams.plain import App

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_() -> None:
    """List the agents that are installed: of the kit by id, plain ones as `run` takes them / 列出已安装的智能体."""
    from brain.agent_kit import find as kit
    from brain.agent_kit.manifest import AgentError

    try:
        known = kit.installed()
    except AgentError as error:
        fail(str(error))
    for id, one in sorted(known.items()):
        m = one.manifest
        typer.echo(f"{id}\n    {m.shape} · {m.version} · {m.owner} · {m.name.zh} · {m.name.en}")
    packages = {one.module for one in known.values()}
    for name, doc in sorted(installed()):
        if name not in packages:
            typer.echo(f"{name}\n    {doc}")


@app.command()
def show(named: Annotated[str, typer.Argument(metavar="ID|PATH")]) -> None:
    """Show what an agent of the kit reads, says and can be set to / 显示智能体的输入、事件与参数."""
    m = _of(named).manifest
    typer.echo(f"{m.id}  {m.name.zh} · {m.name.en}")
    typer.echo(f"  version {m.version}, {m.shape}, {m.isolation}, {m.owner}")
    for reads in m.reads:
        typer.echo(f"  reads {reads.type}: {', '.join(reads.metrics)}")
    for label, names in (("signals", m.signals), ("layers", m.layers), ("standards", m.standards)):
        if names:
            typer.echo(f"  {label} {', '.join(names)}")
    for event in m.events:
        life = " · life" if event.life else ""
        typer.echo(f"  says {m.scenario(event.id)} → {event.event_code}{life}  {event.name.zh} · {event.name.en}")
    for key, param in m.params.items():
        limits = f" in {param.range[0]:g} to {param.range[1]:g}" if param.range else ""
        typer.echo(f"  param {key} = {param.default}{limits} {param.unit}  {param.note}".rstrip())
    for label, wording in (("means", m.means), ("first steps", m.first_steps), ("false alarms", m.false_alarms)):
        if wording is not None:
            typer.echo(f"  {label}: {wording.zh} · {wording.en}")


@app.command()
def new(
    id: Annotated[str, typer.Argument(metavar="ID", help="dotted, the domain first: emergency.bridge.sway")],
    folder: Annotated[Path | None, typer.Option(help="by default the id's last word, here")] = None,
    owner: Annotated[str, typer.Option(help="who answers for it")] = "owner",
    city: Annotated[bool, typer.Option("--city", help="sees all assets once a minute, not each record")] = False,
) -> None:
    """Write the folder of a new agent; it passes `check` at once / 新建智能体目录."""
    from brain.agent_kit import new as kit
    from brain.agent_kit.manifest import AgentError

    try:
        for path in kit.write(id, folder or Path(id.rpartition(".")[2]), owner, "city" if city else "lane"):
            typer.echo(str(path))
    except AgentError as error:
        fail(str(error))


@app.command()
def check(named: Annotated[str, typer.Argument(metavar="ID|PATH")]) -> None:
    """Hold an agent of the kit to the conformance suite / 检验智能体是否合规."""
    from rich.console import Console

    from brain.agent_kit import check as kit

    one = _of(named)
    with Console(stderr=True).status("") as status:
        report = kit.check(one, status.update)
    for found in report.findings:
        typer.echo(f"{found.code}  {'FAILS' if found.wrong else 'holds'}  {found.asks}")
        if found.wrong:
            typer.echo(f"      {found.wrong}")
    if report.row_us == report.row_us:  # NaN: it could not be measured
        slow = "  (slow)" if report.row_us > kit.SLOW_US else ""
        typer.echo(f"{report.row_us:.1f} µs a {'record' if one.manifest.shape == 'lane' else 'minute'}{slow}")
    if not report.passed():
        raise typer.Exit(1)


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


def _of(named: str) -> Installed:
    """An agent of the kit. Ends readably without one."""
    from brain.agent_kit import find as kit
    from brain.agent_kit.manifest import AgentError

    try:
        return kit.of(named)
    except AgentError as error:
        fail(str(error))


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
    from brain.agent_kit.find import ENTRY_POINTS

    for info in pkgutil.walk_packages(brain.agents.__path__, "brain.agents."):
        loaded = importlib.import_module(info.name)
        if callable(getattr(loaded, "register", None)):
            yield info.name, _first_line(loaded)
    for entry in entry_points(group=ENTRY_POINTS):
        try:
            spec = importlib.util.find_spec(entry.module)
        except ImportError:  # nor is what it lies in
            spec = None
        yield entry.value, _first_line(importlib.import_module(entry.module)) if spec else "not importable"


def _first_line(loaded: ModuleType) -> str:
    return (loaded.__doc__ or "no docstring").strip().splitlines()[0]
