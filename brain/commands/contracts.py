"""``brain contracts``: the published schemas made and checked, and incidents in the forms of public standards."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from brain.commands.common import Config, fail, load_settings, plain

if TYPE_CHECKING:
    from brain.contracts.published import Made
    from brain.incidents.value import Incident

app = typer.Typer(no_args_is_help=True)
out = Console()
told = Console(stderr=True)

FOLDER = Path("docs/contracts")
Folder = Annotated[Path, typer.Option(help="folder of the published contracts / 契约目录")]


class Standard(StrEnum):
    """Forms that incidents can be given."""

    CAP = "cap"
    NGSI_LD = "ngsi-ld"
    OPEN311 = "open311"
    ALERTMANAGER = "alertmanager"


@app.command()
def write(
    folder: Folder = FOLDER,
    anew: Annotated[
        list[str] | None, typer.Option(help="a contract whose committed form was never released: it begins anew")
    ] = None,
) -> None:
    """Write JSON Schemas and the AsyncAPI document anew from the types / 由类型生成契约文件."""
    from brain.contracts import published

    made = _made(folder, frozenset(anew or ()))
    _refuse_breaks(made)
    for verdict in made.verdicts:
        for change in verdict.changes:
            told.print(f"{verdict.name} {verdict.was} → {verdict.now}: {change}", highlight=False, soft_wrap=True)
    try:
        names = published.write(folder, made)
    except OSError as error:
        fail(f"{folder}: {error}")
    told.print(f"{folder}: {', '.join(names)}" if names else f"{folder}: up to date", highlight=False, soft_wrap=True)


@app.command()
def check(folder: Folder = FOLDER) -> None:
    """Say whether the published contracts are those of the types, and what a change would break / 检查契约."""
    from brain.contracts import published

    made = _made(folder)
    _refuse_breaks(made)
    names = published.stale(folder, made)
    if names:
        fail(
            f"{folder}: {', '.join(names)} not as the types are now: run `make contracts` and commit what it writes", 1
        )
    out.print(f"{len(made.verdicts)} contracts and the AsyncAPI document are those of the types", highlight=False)


def _made(folder: Path, anew: frozenset[str] = frozenset()) -> Made:
    from brain.contracts import published
    from brain.contracts.catalogue import CONTRACTS

    try:
        known = published.read(folder)
    except published.ContractError as error:
        fail(str(error))
    unknown = sorted(anew - set(CONTRACTS) - set(known))
    if unknown:
        fail(f"--anew {unknown[0]}: no such contract; there are {', '.join(CONTRACTS)}")
    return published.make(known, anew)


def _refuse_breaks(made: Made) -> None:
    lines = [f"{v.name} {v.was}: {change}" for v in made.verdicts for change in v.breaks]
    if lines:
        advice = (
            "these break who relies on the contract. Keep the old form, or raise its major version in "
            "brain/contracts/catalogue.py (of a form that was never released: `brain contracts write --anew NAME`)"
        )
        fail("\n  ".join([advice, *lines]), 1)


@app.command()
def losses(to: Annotated[Standard, typer.Option(help="which form / 标准")]) -> None:
    """List where each field of an incident goes in a standard's form, and what is lost / 映射与损失."""
    from brain.contracts.mapping import losses as lost
    from brain.contracts.standards import FORMS

    mapping = FORMS[to.value]
    table = Table("field", mapping.title, "loss")
    why = {loss.field: loss for loss in lost(mapping)}
    for name, place in mapping.at.items():
        table.add_row(name, place, why.pop(name).why if name in why else "")
    for name, loss in why.items():
        table.add_row(name, "", loss.why)
    out.print(table)


@app.command()
def export(
    to: Annotated[Standard, typer.Option(help="which form / 标准")],
    file: Annotated[Path | None, typer.Argument(help="incidents.ndjson; stdin when left out")] = None,
    into: Annotated[Path | None, typer.Option("--out", help="file, or folder for CAP; stdout when left out")] = None,
    withheld: Annotated[bool, typer.Option(help="also those that people are not shown")] = False,
) -> None:
    """Write incidents in the form of a public standard / 按公开标准导出事件.

    CAP is one document an incident: into a folder, or to stdout where there is only one.
    """
    from brain.contracts.standards import export as exported

    incidents = list(_incidents(file))
    chosen = [incident for incident in incidents if withheld or not incident.withheld]
    if len(chosen) < len(incidents):
        told.print(f"{len(incidents) - len(chosen)} incidents that people are not shown are left out (--withheld)")
    files = exported(to.value, chosen)
    try:
        if to is Standard.CAP and into is not None:
            into.mkdir(parents=True, exist_ok=True)
            for name, content in files:
                (into / name).write_bytes(content)
            told.print(f"{len(files)} documents → {into}", highlight=False)
        elif to is Standard.CAP and len(files) > 1:
            fail(f"{len(files)} incidents are as many CAP documents: name a folder with --out")
        elif into is not None:
            into.write_bytes(b"".join(content for _, content in files))
        else:
            for _, content in files:
                sys.stdout.buffer.write(content)
    except OSError as error:
        fail(f"{into}: {error}")


@app.command()
def tickets(
    file: Annotated[Path | None, typer.Argument(help="Open311 service requests, JSON; stdin when left out")] = None,
) -> None:
    """Make records of hotline.tickets of another system's service requests, one a line / Open311 工单转入.

    Exit code 1: some were refused, each with its number and reason on stderr.
    """
    from brain.contracts.mapping import NotOurs
    from brain.contracts.open311 import ticket_of

    name, content = _content(file)
    try:
        several = content.lstrip().startswith(b"[")
        found = (
            msgspec.json.decode(content, type=list[msgspec.Raw])
            if several
            else [msgspec.json.decode(content, type=msgspec.Raw)]
        )
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        fail(f"{name}: expected a service request or a list of them: {error}")
    refused = 0
    for number, request in enumerate(found, 1):
        try:
            sys.stdout.buffer.write(msgspec.json.encode(ticket_of(bytes(request))) + b"\n")
        except NotOurs as error:
            refused += 1
            told.print(f"{name}: request {number}: {plain(str(error))}", highlight=False, markup=False, soft_wrap=True)
    if refused:
        raise typer.Exit(1)


@app.command()
def warning(
    file: Annotated[Path | None, typer.Argument(help="a CAP message; stdin when left out")] = None,
    map_file: Annotated[
        Path | None, typer.Option("--map", help="map.geojson; that of the genesis set when left out")
    ] = None,
    config: Config = None,
) -> None:
    """Say how the brain reads an official warning, or why it refuses it / 检查预警信息.

    Exit code 1: refused.
    """
    from brain.contracts.cap import read_cap
    from brain.contracts.places import MapLookup
    from brain.contracts.warning import Refusal
    from brain.pipeline import library
    from geo.feature import MapError
    from geo.grid_map import GridMap

    _, content = _content(file)
    try:
        grids = GridMap.load(map_file) if map_file else library(load_settings(config))[1].map
    except (MapError, OSError, ValueError) as error:
        fail(str(error))
    found = read_cap(content, MapLookup(grids))
    if isinstance(found, Refusal):
        fail(f"{found.reason}: {plain(found.detail)}", 1)
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")


def _content(file: Path | None) -> tuple[str, bytes]:
    """Name for messages, and bytes."""
    name = str(file) if file else "stdin"
    try:
        return name, file.read_bytes() if file else sys.stdin.buffer.read()
    except OSError as error:
        fail(f"{name}: {error}")


def _incidents(file: Path | None) -> Iterator[Incident]:
    from brain.incidents.value import Incident

    name, content = _content(file)
    decode = msgspec.json.Decoder(Incident).decode
    for number, line in enumerate(content.splitlines(), 1):
        if line.strip():
            try:
                yield decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                fail(f"{name}:{number}: no incident: {error} (incidents.ndjson as `brain replay` writes it)")
