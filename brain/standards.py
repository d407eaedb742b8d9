"""Standards 标准: tables of limits as YAML files, with source, days in force and what was verified.

A file is one edition of one table. Models take decoded tables, so only this module knows files and calendars. A day in
force is a day by China's clocks: the first begins at its midnight, the last ends with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from brain.scenario_form import Name
from brain.settings import HOME
from brain.unfit import Unfit, both
from models.standards.model import Input, Judgement, RiskModel
from models.standards.registry import MODELS
from models.standards.table import ALWAYS, FOREVER, Standard, StandardError, Table

FOLDER = HOME / "config" / "standards"
CHINA = ZoneInfo("Asia/Shanghai")


class DocumentError(Unfit, StandardError):
    """A file of a table that cannot be used, in both languages."""


class Source(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Where the standard says it, and where we read it: those two differ, and a person checks by the first."""

    number: str
    title: str
    place: str
    read: str


class Row(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One row. ``less``: less is worse. ``unit`` where it is not the table's. ``note``: why it is not verified."""

    id: str
    values: tuple[float | None, ...]
    verified: bool
    name: str = ""
    unit: str | None = None
    less: bool = False
    note: str = ""


class Document(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One file, as written. ``first`` and ``last`` day in force; ``then`` says what follows where that is known."""

    id: str
    family: str
    name: Name
    source: Source
    unit: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    first: date | None = msgspec.field(name="from")
    last: date | None = msgspec.field(name="until")
    then: str = ""
    note: str = ""
    levels: dict[str, int] = {}

    def unit_of(self, row: Row) -> str:
        """Unit of a row's numbers."""
        return self.unit if row.unit is None else row.unit

    def table(self) -> Table:
        """The table as models take it. Raises StandardError where it contradicts itself."""
        for row in self.rows:
            if len(row.values) != len(self.columns):
                raise DocumentError(
                    f"rows: {row.id}",
                    "expected {n} values, one a column, got {got}",
                    n=len(self.columns),
                    got=len(row.values),
                )
        values = [[np.nan if v is None else v for v in row.values] for row in self.rows]
        return Table(
            self.id, self.family, day_ms(self.first) if self.first else ALWAYS,
            day_ms(self.last + timedelta(days=1)) if self.last else FOREVER,
            self.columns, tuple(row.id for row in self.rows),
            np.array(values, np.float64).reshape(len(self.rows), len(self.columns)),
            np.array([row.verified for row in self.rows], bool), np.array([row.less for row in self.rows], bool),
            dict(self.levels),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Library:
    """All tables, by family, and the documents that they came from, sorted by id."""

    documents: tuple[Document, ...]
    standards: Mapping[str, Standard]

    def judge(self, model: str | RiskModel, t: Any, columns: Mapping[str, Any]) -> Judgement:
        """Judge events (``t`` in ms UTC) by the tables of their days; see :meth:`RiskModel.judge`.

        Raises KeyError on a model that there is not.
        """
        which = MODELS[model] if isinstance(model, str) else model
        return which.judge(self.standards, t, columns)

    def units(self, model: RiskModel, column: str) -> tuple[str, ...]:
        """Units of a model's column of numbers, one unless editions differ. Raises KeyError where it takes none."""
        kind = model.inputs.get(column)
        if isinstance(kind, Input):
            return (kind.unit,)
        of_rows = {
            document.unit_of(row) for document in self.documents
            if model.listed is not None and document.family == model.families[0]
            for row in document.rows if row.id == column
        }  # fmt: skip
        if not of_rows:
            raise KeyError(column)
        return tuple(sorted(of_rows))

    def document(self, id: str) -> Document:
        """One document. Raises KeyError."""
        found = {d.id: d for d in self.documents}
        return found[id]


def load(folder: Path = FOLDER) -> Library:
    """Read all ``*.yaml`` of a folder.

    Raises
    ------
    StandardError
        On the first file that is wrong, an id that is there twice, editions that overlap, or grades and levels that
        no model knows. The message begins with the file.
    """
    return of_files({str(path): path.read_bytes() for path in sorted(folder.glob("*.yaml"))}, str(folder))


def of_files(files: Mapping[str, bytes], place: str = "standards") -> Library:
    """All tables of files by name; ``place`` names what they share. Raises StandardError as :func:`load`."""
    documents: dict[str, Document] = {}
    tables: dict[str, list[Table]] = {}
    for path in sorted(files):
        document = read(files[path], path)
        if document.id in documents:
            raise DocumentError(f"{path}: id", "{id!r} is there already; each edition needs its own", id=document.id)
        documents[document.id] = document
        tables.setdefault(document.family, []).append(document.table())
    try:
        standards = {family: Standard(family, editions) for family, editions in tables.items()}
    except StandardError as error:
        raise DocumentError(place, "{said}", said=both(error)) from error
    return Library(tuple(documents[key] for key in sorted(documents)), standards)


def read(text: bytes | str, place: str = "standard") -> Document:
    """One document from YAML; ``place`` begins every error. Raises StandardError."""
    try:
        document = msgspec.yaml.decode(text, type=Document)
        _check(document)
    except (msgspec.DecodeError, msgspec.ValidationError, StandardError) as error:
        raise DocumentError(place, "{said}", said=both(error)) from error
    return document


def day_ms(day: date) -> int:
    """First millisecond of a day in China, UTC."""
    return round(datetime.combine(day, time.min, CHINA).timestamp() * 1000)


def _check(document: Document) -> None:
    if not all((document.source.number, document.source.title, document.source.place, document.source.read)):
        raise DocumentError("source", "expected number, title, place and where it was read; one is empty")
    if not document.rows:
        raise DocumentError("rows", "expected at least one; leave the file out while the numbers are not known")
    if document.family not in {family for model in MODELS.values() for family in model.families}:
        raise DocumentError("family", "expected one that a model reads, got {got!r}", got=document.family)
    table = document.table()
    for model in MODELS.values():
        if document.family in model.families:
            model.check(table)
        if model.families[:1] == (document.family,):
            _levels(document, model)


def _levels(document: Document, model: RiskModel) -> None:
    unknown = [grade for grade in document.levels if grade not in model.grades]
    if unknown:
        raise DocumentError(
            f"levels: {unknown[0]}",
            "expected a grade of {name}: {grades}",
            name=model.name,
            grades=", ".join(model.grades),
        )
    ladder = [document.levels[grade] for grade in model.grades if grade in document.levels]
    if ladder != sorted(ladder) or any(not 0 <= level <= 4 for level in ladder):
        raise DocumentError("levels", "expected 0 to 4, never lower for a worse grade, got {got}", got=document.levels)
