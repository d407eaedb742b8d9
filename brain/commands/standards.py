"""``brain standards``: which tables are in force on a day, what one says, and what a model makes of given numbers."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from brain.commands.common import Lang, fail, load_settings

if TYPE_CHECKING:
    from brain.standards import Document, Library
    from models.standards.model import RiskModel

app = typer.Typer(no_args_is_help=True)
console = Console()

Folder = Annotated[Path | None, typer.Option(help="folder of tables; the shipped ones when left out")]
At = Annotated[
    str | None, typer.Option(help="day, or time with offset (2026-03-01, 2026-02-28T16:00Z); now if left out")
]

_ZH = {
    "id": "编号", "standard": "标准", "name": "名称", "from": "自", "until": "至", "force": "{day} 生效",
    "model": "模型", "unverified": "未核对行", "always": "一直", "open": "未定", "row": "行", "unit": "单位",
    "verified": "已核对", "read": "读自", "then": "其后", "note": "说明", "value": "数值", "grade": "级别",
    "level": "等级", "reason": "原因", "table": "所用表", "none": "无", "yes": "是", "no": "否", "takes": "输入",
    "experimental": "试验性模型: 只预警, 不升级", "gone": "没有编号为 {id!r} 的表; 现有: {known}",
    "nomodel": "没有模型 {id!r}; 现有: {known}", "pair": "{text!r}: 应为 名称=数值",
    "number": "{name}: 应为数字, 实为 {text!r}", "when": "--at: 应为日期或带时区的时间, 实为 {text!r}",
}  # fmt: skip
_EN = {
    "id": "id", "standard": "standard", "name": "name", "from": "from", "until": "until", "force": "in force {day}",
    "model": "models", "unverified": "not verified", "always": "always", "open": "open", "row": "row", "unit": "unit",
    "verified": "verified", "read": "read in", "then": "then", "note": "note", "value": "value", "grade": "grade",
    "level": "level", "reason": "reason", "table": "table", "none": "none", "yes": "yes", "no": "no",
    "takes": "inputs", "experimental": "experimental model: it warns and never escalates",
    "gone": "no table {id!r}; there are: {known}", "nomodel": "no model {id!r}; there are: {known}",
    "pair": "{text!r}: expected name=value", "number": "{name}: expected a number, got {text!r}",
    "when": "--at: expected a day or a time with offset, got {text!r}",
}  # fmt: skip


@app.command("list")
def list_(at: At = None, folder: Folder = None, lang: Lang = None) -> None:
    """List all tables, and which are in force on a day / 列出各表及其是否生效."""
    words = _words(lang)
    library, moment = _load(folder), _moment(at, words)
    table = Table()
    for column in ("force", "id", "standard", "name", "from", "until", "model", "unverified"):
        table.add_column(words[column].format(day=moment.date()))
    for document in library.documents:
        unverified = sum(not row.verified for row in document.rows)
        cells = (
            document.id, document.source.number, _name(document, words), str(document.first or words["always"]),
            str(document.last or words["open"]), ", ".join(_readers(document)),
            f"{unverified}/{len(document.rows)}" if unverified else "",
        )  # fmt: skip
        table.add_row("●" if _in_force(document, moment) else "", *(Text(cell) for cell in cells))
    console.print(table)


@app.command()
def show(id: Annotated[str, typer.Argument(help="of the table")], folder: Folder = None, lang: Lang = None) -> None:
    """Show one table with its source / 显示一张表及出处."""
    words, library = _words(lang), _load(folder)
    known = {document.id: document for document in library.documents}
    if id not in known:
        fail(words["gone"].format(id=id, known=", ".join(known)))
    document = known[id]
    source = document.source
    console.print(f"{_name(document, words)}: {source.number} {source.title}, {source.place}", highlight=False)
    for label, text in (("read", source.read), ("then", document.then), ("note", document.note)):
        if text:
            console.print(f"{words[label]}: {text}", highlight=False, markup=False)
    span = f"{document.first or words['always']} … {document.last or words['open']}"
    console.print(f"{span} · {words['unit']}: {document.unit}", highlight=False)
    table = Table()
    for column in (words["row"], *document.columns, words["unit"], words["verified"], words["note"]):
        table.add_column(column)
    for row in document.rows:
        values = ["" if value is None else f"{value:g}" for value in row.values]
        what = f"{row.id} {row.name}".strip()
        verified = words["yes" if row.verified else "no"]
        table.add_row(*(Text(cell) for cell in (what, *values, document.unit_of(row), verified, row.note)))
    console.print(table)


@app.command()
def judge(
    model: Annotated[str, typer.Argument(help="aqi, water, rain_guangdong, plume ...")],
    values: Annotated[
        list[str] | None, typer.Argument(metavar="NAME=VALUE...", help="inputs; none: what it takes")
    ] = None,
    at: At = None,
    folder: Folder = None,
    lang: Lang = None,
) -> None:
    """Judge given numbers by the tables of a day, as production does / 按当日的表评判给定数值."""
    from models.standards.model import UnknownInput
    from models.standards.registry import MODELS

    words = _words(lang)
    if model not in MODELS:
        fail(words["nomodel"].format(id=model, known=", ".join(MODELS)))
    library, which, moment = _load(folder), MODELS[model], _moment(at, words)
    if not values:
        _takes(which, library, words)
        return
    columns = {name: [value] for name, value in (_pair(which, text, words) for text in values)}
    try:
        said = library.judge(which, [round(moment.timestamp() * 1000)], columns)
    except UnknownInput as error:
        fail(str(error))
    table = library.standards[which.families[0]].tables[said.table[0]] if said.table[0] >= 0 else None
    for label, answer in (
        ("value", f"{said.value[0]:.6g}"), ("grade", said.names()[0] or "–"), ("level", str(said.level[0])),
        ("reason", said.reasons()[0]), ("verified", words["yes" if said.verified[0] else "no"]),
        ("table", table.id if table else words["none"]),
    ):  # fmt: skip
        console.print(f"{words[label]}: {answer}", highlight=False, markup=False)
    for name, column in said.more.items():
        answer = _spoken(float(column[0]), which.more[name], table.rows if table else ())
        console.print(f"{name}: {answer}", highlight=False, markup=False)
    if which.experimental:
        console.print(words["experimental"])


def _spoken(number: float, unit: str, rows: tuple[str, ...]) -> str:
    """A further column in words: rows of the table by name where the number stands for them."""
    if unit in {"bits", "row"} and not math.isnan(number):
        chosen = {int(number)} if unit == "row" else {i for i in range(len(rows)) if int(number) >> i & 1}
        return ", ".join(row for i, row in enumerate(rows) if i in chosen) or "–"
    return f"{number:.6g} {unit}"


def _takes(which: RiskModel, library: Library, words: dict[str, str]) -> None:
    from models.standards.model import Input

    doc = (type(which).__doc__ or "").strip()
    console.print(doc, highlight=False, markup=False)
    console.print(f"\n{words['takes']}:")
    for name, kind in which.inputs.items():
        unit = f" [{kind.unit}]" if isinstance(kind, Input) else ""
        console.print(f"  {name}{unit}  {kind.what}{' (?)' if kind.optional else ''}", highlight=False, markup=False)
    if which.listed is not None and which.families[0] in library.standards:
        rows = {row: None for table in library.standards[which.families[0]].tables for row in table.rows}
        console.print(f"  {', '.join(rows)} [{which.listed.unit}] (?)", highlight=False, markup=False)


def _pair(which: RiskModel, text: str, words: dict[str, str]) -> tuple[str, float | str]:
    from models.standards.model import TextInput

    name, equals, value = text.partition("=")
    if not equals or not name:
        fail(words["pair"].format(text=text))
    if isinstance(which.inputs.get(name), TextInput):
        return name, value
    try:
        return name, float(value)
    except ValueError:
        fail(words["number"].format(name=name, text=value))


def _load(folder: Path | None) -> Library:
    from brain.standards import FOLDER, load
    from models.standards.table import StandardError

    try:
        return load(folder or FOLDER)
    except (StandardError, OSError) as error:
        fail(str(error))


def _moment(text: str | None, words: dict[str, str]) -> datetime:
    """A time in China: now, a day's noon, or as given."""
    from brain.standards import CHINA

    if text is None:
        return datetime.now(UTC).astimezone(CHINA)
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), time(12), CHINA)
        moment = datetime.fromisoformat(text)
    except ValueError:
        fail(words["when"].format(text=text))
    if moment.tzinfo is None:
        fail(words["when"].format(text=text))
    return moment.astimezone(CHINA)


def _in_force(document: Document, moment: datetime) -> bool:
    day = moment.date()
    return (document.first is None or document.first <= day) and (document.last is None or day <= document.last)


def _readers(document: Document) -> list[str]:
    from models.standards.registry import MODELS

    return [name for name, model in MODELS.items() if document.family in model.families]


def _name(document: Document, words: dict[str, str]) -> str:
    return document.name.en if words is _EN else document.name.zh


def _words(lang: str | None) -> dict[str, str]:
    return _EN if load_settings(language=lang).language == "en" else _ZH
