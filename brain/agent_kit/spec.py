"""An agent in force as bytes: what is needed to run it in another process, and what it then is there."""

from __future__ import annotations

import hashlib
import importlib
import importlib.abc
import importlib.util
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import numpy as np
import shapely

from brain.agent_kit.kinds import Layer, World
from models.standards.table import Standard, Table

MODULE = "agent"
"""Name of the module in an agent's folder that has its functions."""


class Spec(msgspec.Struct, array_like=True):
    """One agent with its params and its share of map and standards. ``events``: ids; ``metrics``: sorted."""

    id: str
    version: int
    shape: str
    events: list[str]
    kinds: list[str]
    metrics: list[str]
    module: str
    """Name of the package; empty where the folder lies in none."""
    folder: str
    params: dict[str, Any]
    layers: dict[str, list[tuple[str, bytes, dict[str, Any]]]]
    """Layer → (code, shape as WKB, attributes)."""
    standards: dict[str, list[dict[str, Any]]]
    grids: list[str]
    middle: float
    wakes_ms: int = 0
    """Least ms ahead that it asks to be woken; 0: never."""

    def world(self) -> World:
        """What the agent sees of it, without ``ready``."""
        return World(
            dict(self.params), {name: _layer(rows) for name, rows in self.layers.items()},
            {family: Standard(family, [_table(t) for t in tables]) for family, tables in self.standards.items()},
            tuple(self.grids), self.middle,
        )  # fmt: skip

    def load(self) -> ModuleType:
        """The agent's module. Raises whatever its import does, and ImportError where there is none."""
        if self.module:
            return importlib.import_module(f"{self.module}.{MODULE}")
        return of_folder(Path(self.folder))


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Spec).decode


def of_folder(folder: Path) -> ModuleType:
    """The module of an agent that lies in no package; its own modules are imported from it by ``from . import``."""
    folder = folder.resolve()
    name = "city_agent_" + hashlib.blake2b(str(folder).encode(), digest_size=6).hexdigest()
    if name not in sys.modules:
        init = folder / "__init__.py"
        found = importlib.util.spec_from_file_location(
            name, init if init.is_file() else None, submodule_search_locations=[str(folder)],
            loader=None if init.is_file() else _Empty(),
        )  # fmt: skip
        if found is None or found.loader is None:
            raise ImportError(f"{folder}: no package can be made of it")
        package = importlib.util.module_from_spec(found)
        sys.modules[name] = package
        found.loader.exec_module(package)
    return importlib.import_module(f"{name}.{MODULE}")


class _Empty(importlib.abc.Loader):
    """Of a folder without ``__init__.py``."""

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is in it."""


def layer_rows(features: Iterable[Any]) -> list[tuple[str, bytes, dict[str, Any]]]:
    """Of features of :mod:`geo.feature`, as a spec holds them: by code."""
    rows = [(f.code, shapely.to_wkb(f.shape), dict(sorted(f.attributes.items()))) for f in features]
    return sorted(rows, key=lambda row: (row[0], row[1]))


def table_row(table: Table) -> dict[str, Any]:
    """A table as a spec holds it."""
    return {
        "id": table.id, "family": table.family, "since": table.since, "until": table.until,
        "columns": list(table.columns), "rows": list(table.rows), "values": table.values.astype("<f8").tobytes(),
        "verified": table.verified.tolist(), "less": table.less.tolist(), "levels": dict(table.levels),
    }  # fmt: skip


def _table(row: Mapping[str, Any]) -> Table:
    columns, rows = tuple(row["columns"]), tuple(row["rows"])
    return Table(
        row["id"], row["family"], row["since"], row["until"], columns, rows,
        np.frombuffer(row["values"], "<f8").reshape(len(rows), len(columns)).astype(np.float64),
        np.array(row["verified"], bool), np.array(row["less"], bool), dict(row["levels"]),
    )  # fmt: skip


def _layer(rows: list[tuple[str, bytes, dict[str, Any]]]) -> Layer:
    shapes = tuple(shapely.from_wkb([shape for _, shape, _ in rows]).tolist()) if rows else ()
    return Layer(tuple(code for code, _, _ in rows), shapes, tuple(attributes for _, _, attributes in rows))
