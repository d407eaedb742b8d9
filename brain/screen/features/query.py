"""What a client asks of a layer: every parameter read strictly, and refused with what was expected and the way out."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any
from urllib.parse import parse_qsl

import numpy as np

from brain.screen.features.crs import CRS84, Crs, of
from brain.screen.features.store import Span
from brain.screen.language import Say, same
from brain.screen.problems import BAD, UNKNOWN, Problem
from geo.feature import ALWAYS, FOREVER

DEFAULT_LIMIT, MOST = 100, 10_000
FORMATS = ("json", "html")
COMMON = ("f",)
ITEM = ("f", "crs")
ITEMS = ("f", "bbox", "bbox-crs", "datetime", "limit", "crs", "page")
PARAMETERS_AT_MOST = 100

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_COUNT = re.compile(r"0*([1-9]\d*)", re.ASCII)
_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}):(\d{2})(?:\.(\d+))?(?:[Zz]|([+-])(\d{2}):(\d{2}))", re.ASCII)
_PAGE = re.compile(r"(.{1,200})-(\d{1,12})", re.ASCII)
_EXAMPLE = "2020-06-22T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Query:
    """A request for items. ``area``: shapes in degrees, longitude first; ``first``: row that the page begins with."""

    area: Sequence[Any] | None = None
    span: Span | None = None
    equal: Mapping[str, Any] = field(default_factory=dict)
    limit: int = DEFAULT_LIMIT
    first: int = 0
    crs: Crs = CRS84


def pairs(raw: bytes) -> dict[str, str]:
    """Parameters of a query string, each at most once.

    Raises
    ------
    Problem
        Not UTF-8 under its percent signs, a parameter twice, or more than a hundred of them.
    """
    try:
        text = raw.decode("ascii")
        listed = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=PARAMETERS_AT_MOST)
    except ValueError as error:
        expected = Say("UTF-8 的百分号编码, 至多 100 个参数", "percent-encoded UTF-8, at most 100 parameters")
        raise Problem(BAD, "query", expected, repr(raw), Say("编码后重试", "encode it and ask again")) from error
    given: dict[str, str] = {}
    for name, value in listed:
        if name in given:
            once = Say("每个参数至多一次", "each parameter at most once")
            raise Problem(BAD, name, once, f"{given[name]!r}, {value!r}", Say("去掉一个", "leave one out"))
        given[name] = value
    return given


def known(given: Mapping[str, str], names: Collection[str], document: str = "/ogc/api") -> None:
    """Raises Problem for a parameter that the resource does not have; ``document`` says which it has."""
    for name in given:
        if name not in names:
            near = get_close_matches(name, list(names), 1)
            listed = ", ".join(names)
            expected = Say(f"以下之一: {listed}", f"one of {listed}") if names else Say("没有参数", "no parameter")
            way = (
                Say(f"是否指 {near[0]}?", f"did you mean {near[0]}?")
                if near
                else Say(f"定义见 {document}", f"they are defined at {document}")
            )
            raise Problem(UNKNOWN, name or "?", expected, repr(name), way)


def wants_html(given: Mapping[str, str], default: bool) -> bool:
    """Whether ``f`` asks for a page; ``default`` where it is not there. Raises Problem for another format."""
    asked = given.get("f")
    if asked is None:
        return default
    if asked not in FORMATS:
        raise Problem(BAD, "f", same(" / ".join(FORMATS)), repr(asked), Say("或省略 f", "or leave f out"))
    return asked == "html"


def page(given: Mapping[str, str]) -> tuple[str, int] | None:
    """Map version and row that a page begins with. Raises Problem where the link was changed."""
    text = given.get("page")
    if text is None:
        return None
    found = _PAGE.fullmatch(text)
    if found is None:
        expected = Say("上一页 next 或 prev 链接中的值", "the value of a next or prev link")
        raise Problem(BAD, "page", expected, repr(text), Say("省略 page 从头开始", "leave page out to start anew"))
    return found[1], int(found[2])


def token(version: str, row: int) -> str:
    """A ``page``: the version it is read from, so that a change of the map moves no row."""
    return f"{version}-{row}"


def items(given: Mapping[str, str], fields: Mapping[str, str]) -> Query:
    """Read all but ``f``. ``fields``: types by name of what may be filtered. Raises Problem."""
    filters = {name: kind for name, kind in fields.items() if name not in ITEMS}
    known(given, [*ITEMS, *filters])
    start = page(given)
    return Query(
        area=_area(given),
        span=_span(given["datetime"]) if "datetime" in given else None,
        equal={name: _value(name, given[name], kind) for name, kind in filters.items() if name in given},
        limit=_limit(given["limit"]) if "limit" in given else DEFAULT_LIMIT,
        first=start[1] if start else 0,
        crs=of(given["crs"], "crs") if "crs" in given else CRS84,
    )


def _limit(text: str) -> int:
    found = _COUNT.fullmatch(text)
    if found is None:
        expected = Say(f"1 到 {MOST} 的整数", f"a whole number from 1 to {MOST}")
        raise Problem(BAD, "limit", expected, repr(text), Say("更大的值按上限处理", "more is taken as the most"))
    return MOST if len(found[1]) > len(str(MOST)) else min(int(found[1]), MOST)


def _area(given: Mapping[str, str]) -> Sequence[Any] | None:
    crs = of(given["bbox-crs"], "bbox-crs") if "bbox-crs" in given else CRS84
    text = given.get("bbox")
    if text is None:
        return None
    parts = text.split(",")
    sizes = (4, 6) if crs is CRS84 else (4,)
    if len(parts) not in sizes or not all(_NUMBER.fullmatch(part) for part in parts):
        count = Say(
            " 或 ".join(map(str, sizes)) + " 个以逗号分隔的数", " or ".join(map(str, sizes)) + " numbers with commas"
        )
        way = Say("例如 bbox=113.4,22.1,113.6,22.3", "for example bbox=113.4,22.1,113.6,22.3")
        raise Problem(BAD, "bbox", count, repr(text), way)
    numbers = [float(part) for part in parts]
    if len(numbers) == 6:
        if numbers[2] > numbers[5]:
            low = Say("最低高度不大于最高高度", "the least height not above the greatest")
            raise Problem(
                BAD, "bbox", low, repr(text), Say("地图没有高度, 四个数即可", "the map has no heights: give four")
            )
        del numbers[5], numbers[2]
    return crs.areas((numbers[0], numbers[1], numbers[2], numbers[3]), repr(text))


def _span(text: str) -> Span:
    """First and last millisecond; features are in force from a millisecond until just before another."""
    start, bar, end = text.partition("/")
    if not bar:
        at = _time(start, text)
        return at, at
    opened = [side in {"", ".."} for side in (start, end)]
    if all(opened):
        raise _bad_time(text)
    first = ALWAYS if opened[0] else _time(start, text)
    last = FOREVER if opened[1] else _time(end, text)
    if first > last:
        order = Say("开始不晚于结束", "a start not after the end")
        raise Problem(BAD, "datetime", order, repr(text), Say("交换两端", "swap the ends"))
    return first, last


def _time(text: str, whole: str) -> int:
    found = _TIME.fullmatch(text)
    if found is None:
        raise _bad_time(whole)
    day, clock, second, fraction, sign, hours, minutes = found.groups()
    leap = second == "60"
    if int(hours or 0) > 23 or int(minutes or 0) > 59:
        raise _bad_time(whole)
    try:
        # Not datetime: RFC 3339 has a year 0000.
        at = int(np.datetime64(f"{day}T{clock}:{'59' if leap else second}", "ms").astype(np.int64))
    except ValueError:
        raise _bad_time(whole) from None
    offset = (int(hours or 0) * 60 + int(minutes or 0)) * 60_000 * (-1 if sign == "-" else 1)
    # Times in force are whole milliseconds: cutting the rest changes no comparison.
    return at + 1000 * leap + int((fraction or "0")[:3].ljust(3, "0")) - offset


def _bad_time(text: str) -> Problem:
    expected = Say("RFC 3339 时间或区间 (a/b, a/.., ../b)", "an RFC 3339 time or an interval (a/b, a/.., ../b)")
    way = Say(f"例如 {_EXAMPLE}", f"for example {_EXAMPLE}")
    if " " in text:
        way = Say("URL 中 + 须写作 %2B", "in a URL + is written %2B")
    elif re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        way = Say(f"补上时刻和时区: {text}T00:00:00Z", f"add the time and its offset: {text}T00:00:00Z")
    elif text in {"/", "../..", "../", "/.."}:
        way = Say("不限时间则省略 datetime", "leave datetime out to ask for all times")
    return Problem(BAD, "datetime", expected, repr(text), way)


def _value(name: str, text: str, kind: str) -> Any:
    if kind in {"string", "mixed"}:
        return text
    if kind == "boolean" and text in {"true", "false"}:
        return text == "true"
    if kind == "integer" and _WHOLE.fullmatch(text):
        return int(text)
    if kind == "number" and _NUMBER.fullmatch(text) and np.isfinite(float(text)):
        return float(text)
    expected = {
        "boolean": same("true / false"),
        "integer": Say("整数", "a whole number"),
        "number": Say("数", "a number"),
    }[kind]
    raise Problem(BAD, name, expected, repr(text), Say("属性过滤按相等比较", "attributes are compared for equality"))
