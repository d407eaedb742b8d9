"""All that is wrong with one table of a set, with file, line and row: a person who writes one mends it in one go.

A set is refused for the first fault; here a row that has one is taken out, and the rest is looked at again.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar, get_args

import msgspec

from brain.chinese.below import chinese
from brain.incidents.value import Text
from brain.incidents.windows import EXAMPLE
from brain.near import hints
from brain.scenario_kit.lines import broken_at, layout, line_of
from brain.unfit import both

T = TypeVar("T")
_FIELD = re.compile(r"`([^`]*)`")
_DAY = re.compile(r"\b([1-9]\d{3})-(\d\d?)-(\d\d?)")


class Fault(NamedTuple):
    """One thing that is wrong, or that can never count (``refuses`` false): file, line from 1, place, what."""

    file: str
    line: int
    place: str
    what: Text
    refuses: bool = True

    def text(self, lang: str = "en") -> str:
        """One line: ``file:line: place: what``."""
        what = self.what.zh if lang == "zh" else self.what.en
        return f"{self.file}:{self.line}: {self.place + ': ' if self.place else ''}{what}"


@dataclass
class Source:
    """A file of a set and where things stand in it; what is found wrong goes to ``faults``."""

    path: Path
    text: bytes
    faults: list[Fault]
    lines: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        found = layout(self.text)
        self.lines = found.lines
        for place, line in found.doubled:
            what = Text("这个键出现两次, YAML 只取最后一个", "this key stands twice, and YAML takes the last of them")
            self.faults.append(Fault(str(self.path), line, place, what))

    def found(self, place: str, what: Text, *, refuses: bool = True) -> None:
        """One fault, at the line of its place."""
        self.faults.append(Fault(str(self.path), line_of(self.lines, place), place, what, refuses))

    def data(self) -> Any:
        """What its YAML says; None, and a fault, where it is none."""
        try:
            return msgspec.yaml.decode(self.text)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            line = broken_at(self.text)
            line = _no_day(self.text) if line == 1 else line
            said = [text for text in str(error).splitlines() if not text.lstrip().startswith("in ")]
            what = Text(f"不是 YAML: {' '.join(map(chinese, said))}", f"not YAML: {' '.join(said)}")
            self.faults.append(Fault(str(self.path), line, "", what))
            return None


def _no_day(text: bytes) -> int:
    """The first line with a date that is none, as 30 February, which YAML refuses without a place; 1 where none has."""
    for number, line in enumerate(text.decode(errors="replace").splitlines(), 1):
        for year, month, day in _DAY.findall(line):
            if not (1 <= int(month) <= 12 and 1 <= int(day) <= monthrange(int(year), int(month))[1]):
                return number
    return 1


Wrong = Iterable[tuple[str, Text]]
"""What is wrong with a row: its field, empty where it is of several, and what."""


class Table(NamedTuple, Generic[T]):
    """A table without the rows that are wrong, and the others by their numbers in the file."""

    made: T
    rows: dict[int, Any]


def table(
    source: Source, part: str, form: type[msgspec.Struct], of: Callable[[Any, str], T],
    each: Callable[[Any], Wrong] = lambda row: (),
) -> Table[T] | None:  # fmt: skip
    """The table of a file that has rows under ``part``; None where something else than its rows is wrong.

    ``of`` makes it of decoded data and a place that begins its errors, which it raises as ValueError. ``each`` says all
    that is wrong with a row of the right form; of other tables a row has one fault at a time.
    """
    data = source.data()
    if not isinstance(data, dict):
        if data is not None:
            got = type(data).__name__
            en = f"expected version and {part}, got {got}"
            source.found("", Text(f"应为 version 与 {part}, 实为 {got}", en))
        return None
    listed = data.get(part, [])
    rows = dict(enumerate(listed)) if isinstance(listed, list) else {}
    out: set[int] = set()
    for number, row in rows.items():
        wrong = list(_row(row, form)) or list(each(msgspec.convert(row, form)))
        for at, what in wrong:
            source.found(f"{part}[{number}]{at and '.' + at}", what)
        if wrong:
            out.add(number)
    file = dict(data)
    while True:
        while below := _below(rows, out):
            out |= below
        left = [number for number in rows if number not in out]
        if part in data and isinstance(listed, list):
            file[part] = [rows[number] for number in left]
        try:
            made = of(file, "")
            return Table(made, {number: msgspec.convert(rows[number], form) for number in left})
        except ValueError as error:
            place, what = _said(error, part, left)
            row = re.match(rf"{part}\[(\d+)\]", place)
            if row is not None and int(row[1]) not in out:
                source.found(place, what)
                out.add(int(row[1]))
            elif not _mended(source, file, what, place, out and place == part):
                return None


def _below(rows: Mapping[int, Any], out: set[int]) -> set[int]:
    """Rows of codes that lie below one that was taken out: without it they would look wrong too."""
    codes = {n: str(row["code"]) for n, row in rows.items() if isinstance(row, dict) and "code" in row}
    gone = {code for n, code in codes.items() if n in out}
    left = [(n, code) for n, code in codes.items() if n not in out]
    return {n for n, code in left if code.rpartition(".")[0] in gone or str(rows[n].get("parent")) in gone}


def _said(error: ValueError, part: str, left: list[int]) -> tuple[str, Text]:
    """Place and text of an error about the rows that are left, with the numbers that they have in the file."""
    numbers = dict(enumerate(left))
    zh, en = (
        re.sub(rf"\b{part}\[(\d+)\]", lambda m: f"{part}[{numbers.get(int(m[1]), int(m[1]))}]", text.removeprefix(": "))
        for text in both(error)
    )
    message, _, path = en.partition(" - at `$.")
    if path:
        return path.rstrip("`"), Text(chinese(message), message)
    found = re.match(r"([A-Za-z_][\w.\[\]]*): ", en)
    if found is not None:
        return found[1], Text(zh.removeprefix(found[0]), en.removeprefix(found[0]))
    row = re.match(rf"{part}\[\d+\]", en)
    return row[0] if row is not None else "", Text(zh, en)


def _mended(source: Source, file: dict[str, Any], what: Text, place: str, follows: Any) -> bool:
    """Tell of a fault outside the rows; whether it could be put aside, so that the rest can be looked at."""
    if follows:  # that something lacks among the rows may come of those that were taken out
        return False
    named = _FIELD.search(what.en)
    if "unknown field" in what.en and named is not None and named[1] in file:
        source.found(named[1], Text(f"没有这样的键 {named[1]!r}", f"there is no key {named[1]!r} here"))
        del file[named[1]]
        return True
    if place == "version" or (named is not None and named[1] == "version"):
        got = file.get("version", "–")
        source.found("version", Text(f"应为 1, 实为 {got}", f"expected 1, got {got}"))
        again, file["version"] = file.get("version") == 1, 1
        return not again
    source.found(place, what)
    return False


def _row(row: Any, form: type[msgspec.Struct]) -> Iterator[tuple[str, Text]]:
    """Keys that are unknown, lacking, or of another type: each, not the first alone."""
    fields = {f.encode_name: f for f in msgspec.structs.fields(form)}
    if not isinstance(row, dict):
        got = type(row).__name__
        yield "", Text(f"应为键与值, 实为 {got}", f"expected keys and values, got {got}")
        return
    for key in row:
        if key not in fields:
            near = hints(str(key), fields)
            every = ", ".join(fields)
            zh = f"没有这样的键{near[0]}; 可用: {every}"
            yield str(key), Text(zh, f"there is no such key{near[1]}; there are {every}")
    for name, one in fields.items():
        if name not in row:
            if one.required:
                yield "", Text(f"缺少 {name}", f"{name} is missing")
            continue
        try:
            msgspec.convert(row[name], one.type)
        except msgspec.ValidationError as error:
            message, _, inner = str(error).partition(" - at ")
            yield name + inner.strip("`").removeprefix("$"), _form(message, row[name], one.type)


def _form(message: str, value: Any, wanted: Any) -> Text:
    """What a value was expected to be, in place of the decoder's words where a person can be told more."""
    choices = get_args(wanted)
    if message.startswith("Invalid enum value") and all(isinstance(choice, str) for choice in choices):
        names = ", ".join(choice for choice in choices if choice)
        return Text(f"应为 {names} 之一, 实为 {value!r}", f"expected one of {names}, got {value!r}")
    if wanted is datetime:
        zh, en = f"应为时刻, 如 {EXAMPLE}", f"expected a moment, as {EXAMPLE}"
        return Text(f"{zh}, 实为 {value!r}", f"{en}, got {value!r}")
    found = re.fullmatch(r"Expected `(.+)`, got `(.+)`", message)
    if found is None:
        return Text(chinese(message), message)
    zh, en = f"应为 {found[1]}, 实为 {found[2]}", f"expected {found[1]}, got {found[2]}"
    if wanted is str and isinstance(value, int | float):
        return Text(f'{zh}: 请加引号, 如 "{value}"', f'{en}: put it in quotes, as "{value}"')
    return Text(zh, en)
