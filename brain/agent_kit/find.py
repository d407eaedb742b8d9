"""Agents that are installed: folders of the tree and packages with an entry point. Only manifests are read here."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import NamedTuple

from brain.agent_kit import manifest
from brain.agent_kit.manifest import MANIFEST, AgentError, Manifest
from brain.near import nears

ENTRY_POINTS = "city_brain.agents"
"""Group under which packages name theirs: ``"package.folder"``; of a plain agent ``"package.module:register"``."""
TREE = "brain.agents"


class Installed(NamedTuple):
    """One agent: its manifest, the package that it is (empty: a folder in none), and where it lies."""

    manifest: Manifest
    module: str
    folder: Path


def installed() -> dict[str, Installed]:
    """All, by id. Raises AgentError for a manifest that is wrong, or an id that is there twice."""
    out: dict[str, Installed] = {}
    for module, folder in sorted([*_tree(), *_packages()]):
        one = Installed(manifest.load(folder), module, folder)
        other = out.get(one.manifest.id)
        if other is not None and other.folder != folder:
            raise AgentError(
                f"{folder}: id", "{id!r} is there already, in {folder}", id=one.manifest.id, folder=other.folder
            )
        out[one.manifest.id] = one
    return out


def of(named: str) -> Installed:
    """By id, or the folder that a person names. Raises AgentError."""
    folder = Path(named)
    if (folder / MANIFEST).is_file():
        folder = folder.resolve()
        inside = next((one for one in installed().values() if one.folder.resolve() == folder), None)
        return inside or Installed(manifest.load(folder), "", folder)
    every = installed()
    if named not in every:
        raise AgentError(
            named,
            "neither an agent that is installed nor a folder with {file}{near}",
            file=MANIFEST,
            near=nears(named, every),
        )
    return every[named]


def _tree() -> Iterator[tuple[str, Path]]:
    import brain.agents

    for base in map(Path, brain.agents.__path__):
        for path in base.rglob(MANIFEST):
            parts = path.parent.relative_to(base).parts
            yield ".".join((TREE, *parts)), path.parent


def _packages() -> Iterator[tuple[str, Path]]:
    for entry in entry_points(group=ENTRY_POINTS):
        try:
            spec = importlib.util.find_spec(entry.module)
        except ImportError:
            continue  # `brain agent list` says that it cannot be imported
        for folder in map(Path, (spec.submodule_search_locations or ()) if spec else ()):
            if (folder / MANIFEST).is_file():
                yield entry.module, folder
