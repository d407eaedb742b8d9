"""``brain address``: which door plate, building or point of interest a text means, or why none is sure."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from brain.commands.common import fail

_ZH = {
    "code": "编码", "address": "地址", "lon": "经度", "lat": "纬度", "confidence": "把握", "read": "识别",
    "near": "附近",
    "cut": "过长, 只读前一部分", "candidates": "候选",
    "MATCHED": "✓ 已定位", "AMBIGUOUS": "? 多处符合, 请人工选择", "UNSURE": "? 只有一处接近, 把握不足, 请人工核实",
    "COARSE": "? 只到{level}, 缺门牌", "NUMBER_UNKNOWN": "? {level}在库中, 号不在库中; 下列为邻近门牌",
    "ELSEWHERE": "✗ 不在本市",
    "NOTHING": "✗ 未识别到库中的地名",
    "levels": ("无", "区", "镇街", "社区", "道路", "小区", "门牌", "楼栋", "单元", "兴趣点"),
}  # fmt: skip
_EN = {
    "code": "code", "address": "address", "lon": "lon", "lat": "lat", "confidence": "confidence", "read": "read",
    "near": "near it", "cut": "too long, only its beginning was read", "candidates": "candidates",
    "MATCHED": "✓ found", "AMBIGUOUS": "? several fit: choose", "UNSURE": "? one is close, and not sure: check",
    "COARSE": "? only the {level} is said, no door plate",
    "NUMBER_UNKNOWN": "? the {level} is in the book, the number is not; these are its neighbours",
    "ELSEWHERE": "✗ not in this city", "NOTHING": "✗ no name of the book is said",
    "levels": (
        "nothing", "district", "town", "community", "road", "estate", "door plate", "building", "unit", "POI",
    ),
}  # fmt: skip


def address(
    book: Annotated[Path, typer.Option(help="GeoJSON with layer address, or CSV (docs/addresses.md)")],
    texts: Annotated[list[str] | None, typer.Argument(help="texts; from standard input, one a line, if none")] = None,
    city: Annotated[str, typer.Option(help="names of the city and its province, with commas: 珠海市,广东省")] = "",
    lang: Annotated[Literal["zh", "en"], typer.Option(help="language of the text")] = "zh",
    output: Annotated[
        Literal["table", "json"], typer.Option("--format", help="table, or one JSON object a line")
    ] = "table",
) -> None:
    """Find the address that a text means, or its candidates / 从文字定位门牌, 楼栋, 兴趣点."""
    from brain.addresses import load_book
    from geo.addresses import AddressMatcher, BookError
    from geo.feature import MapError

    own = [name for name in city.replace("，", ",").split(",") if name]
    try:
        loaded = load_book(book, time.time_ns() // 1_000_000, own)
    except OSError as error:
        fail(f"{book}: {error.strerror}")
    except (BookError, MapError) as error:
        fail(str(error))
    lines = texts or [line.rstrip("\n") for line in sys.stdin]
    found = AddressMatcher(loaded).match(lines)
    console = Console()
    for k, text in enumerate(lines):
        if output == "json":
            typer.echo(msgspec.json.encode(_record(loaded, found, k, text)))
        else:
            _show(console, loaded, found, k, text, _EN if lang == "en" else _ZH)


def _record(book: Any, found: Any, k: int, text: str) -> dict[str, Any]:
    from geo.addresses import Level, Why

    sure = bool(found.row[k] >= 0)
    return {
        "text": text, "code": found.code[k] or None, "level": Level(found.level[k]).name.lower(),
        "why": Why(found.why[k]).name.lower(), "confidence": round(float(found.confidence[k]), 4),
        "lon": float(found.lon[k]) if sure else None, "lat": float(found.lat[k]) if sure else None,
        "near": bool(found.near[k]), "cut": bool(found.cut[k]),
        "candidates": [
            {"code": book.code[row], "address": book.text(row), "confidence": round(weight, 4)}
            for row, weight in found.candidates(k)
        ],
        "read": [
            {"text": text[s.start : s.end], "name": s.name, "level": s.level.name.lower(), "exact": s.exact}
            for s in found.spans(k)
        ],
    }  # fmt: skip


def _show(console: Console, book: Any, found: Any, k: int, text: str, words: dict[str, Any]) -> None:
    from geo.addresses import Why

    level = words["levels"][int(found.level[k])]
    says = words[Why(found.why[k]).name].format(level=level)
    extra = "".join(f" · {words[name]}" for name in ("near", "cut") if getattr(found, name)[k])
    console.print(Text(text), soft_wrap=True)
    read = " ".join(
        f"{text[s.start : s.end]}{'' if s.exact else '→' + s.name}[{words['levels'][s.level]}]" for s in found.spans(k)
    )
    console.print(Text(f"  {says} ({level}){extra}" + (f" · {words['read']}: {read}" if read else "")), soft_wrap=True)
    candidates = found.candidates(k)
    if not candidates:
        return
    table = Table()
    for column in ("confidence", "code", "address", "lon", "lat"):
        table.add_column(words[column], no_wrap=column != "address")
    for row, weight in candidates:
        place = (f"{weight:.2f}", book.code[row], book.text(row), f"{book.lon[row]:.6f}", f"{book.lat[row]:.6f}")
        table.add_row(*(Text(cell) for cell in place))
    console.print(table)
