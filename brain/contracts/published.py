"""The committed contracts: made of the types, held against what was published, and never overwritten by a break."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import streams
from brain.contracts import asyncapi
from brain.contracts.catalogue import CONTRACTS, Contract
from brain.contracts.compare import Change, changes
from brain.contracts.schema import DIALECT, explain, of_type
from brain.contracts.standards import table

ASYNCAPI: Final = "asyncapi.json"
MAPPINGS: Final = "mappings.md"
FORMS: Final = Path(streams.__file__).parent / "schemas"
VERSION: Final = "x-version"
_FIRST: Final = ("$schema", "$id", "title", "description", VERSION, "type", "required", "properties")


class ContractError(Exception):
    """A committed contract that cannot be read: file, and what is wrong with it."""


@dataclass(frozen=True)
class Verdict:
    """One contract beside its published form. ``was`` and ``now`` are versions; ``was`` is empty for a new one."""

    name: str
    was: str
    now: str
    changes: list[Change] = field(default_factory=list)

    @property
    def breaks(self) -> list[Change]:
        """Changes that are refused: they break, and the major version is as it was."""
        raised = not self.was or (self.now and self.now.split(".")[0] != self.was.split(".")[0])
        return [] if raised else [change for change in self.changes if change.breaks]


@dataclass(frozen=True)
class Made:
    """What the folder should hold: bytes by file name; and the verdict on each contract."""

    files: dict[str, bytes]
    verdicts: list[Verdict]


def bare(contract: Contract) -> dict[str, Any]:
    """The schema of a contract, without its version."""
    if isinstance(contract.source, str):
        schema: dict[str, Any] = json.loads((FORMS / f"{contract.source}.json").read_text(encoding="utf-8"))
        explain(schema, contract.source)
    else:
        schema = of_type(contract.source)
    return {**schema, "title": contract.title, **({"description": contract.about} if contract.about else {})}


def make(
    published: Mapping[str, Mapping[str, Any]],
    anew: frozenset[str] = frozenset(),
    contracts: Mapping[str, Contract] = CONTRACTS,
) -> Made:
    """All documents as they should be, given what is published (schemas by name).

    A change that binds somebody raises the minor version; another major version begins at .0. ``anew``: contracts that
    begin anew at their major version, because what is committed was never released.
    """
    schemas: dict[str, dict[str, Any]] = {}
    verdicts = []
    for name, contract in contracts.items():
        schema = bare(contract)
        old = published.get(name)
        verdict = _judge(contract, old if name not in anew else None, schema)
        verdicts.append(verdict)
        schemas[name] = _ordered(contract, schema, verdict.now)
    verdicts += [
        Verdict(name, str(old[VERSION]), "", [Change("$", "is gone", breaks=True)])
        for name, old in published.items() if name not in contracts and name not in anew
    ]  # fmt: skip
    files = {f"{name}.json": _bytes(schema) for name, schema in schemas.items()}
    if contracts is CONTRACTS:
        files[MAPPINGS] = table().encode()
        files[ASYNCAPI] = _bytes(asyncapi.document({name: schema[VERSION] for name, schema in schemas.items()}))
    return Made(files, verdicts)


def _judge(contract: Contract, old: Mapping[str, Any] | None, schema: Mapping[str, Any]) -> Verdict:
    if old is None:
        return Verdict(contract.name, "", f"{contract.major}.0")
    was = str(old[VERSION])
    major, minor = (int(part) for part in was.split("."))
    found = changes(old, schema, contract.way)
    if contract.major < major:
        found = [Change("$", f"major version {major} is now {contract.major}", breaks=True)]
        return Verdict(contract.name, was, f"{major}.{minor}", found)
    if contract.major > major:
        return Verdict(contract.name, was, f"{contract.major}.0", found)
    return Verdict(contract.name, was, f"{major}.{minor + 1}" if found else was, found)


def _ordered(contract: Contract, schema: Mapping[str, Any], version: str) -> dict[str, Any]:
    whole = {
        **schema, "$schema": DIALECT, "$id": f"urn:city-brain:contract:{contract.name}:{contract.major}",
        VERSION: version,
    }  # fmt: skip
    return {name: whole[name] for name in (*_FIRST, *sorted(set(whole) - set(_FIRST))) if name in whole}


def _bytes(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()


def read(folder: Path) -> dict[str, dict[str, Any]]:
    """Published schemas by name; none where there is no folder yet. Raises ContractError."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        if path.name == ASYNCAPI:
            continue
        try:
            schema = json.loads(path.read_text(encoding="utf-8"))
            major, minor = schema[VERSION].split(".")
            int(major), int(minor)
        except (ValueError, KeyError, AttributeError, TypeError, OSError) as error:
            wrong = f"{path}: expected a JSON Schema with {VERSION} like 1.0; git has the last good one ({error})"
            raise ContractError(wrong) from error
        found[path.stem] = schema
    return found


def stale(folder: Path, made: Made) -> list[str]:
    """Names of files that are missing, differ, or belong to no contract."""
    paths = (*sorted(folder.glob("*.json")), folder / MAPPINGS)
    there = {path.name: path.read_bytes() for path in paths if path.is_file()}
    return sorted(name for name in {*there, *made.files} if there.get(name) != made.files.get(name))


def write(folder: Path, made: Made) -> list[str]:
    """Bring the folder up to date; names of what was written or removed."""
    names = stale(folder, made)
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        if name in made.files:
            (folder / name).write_bytes(made.files[name])
        else:
            (folder / name).unlink()
    return names
