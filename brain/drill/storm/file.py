"""A storm as a file: ndjson, first a header with scenarios and truths, then a signal a line (docs/storm.md)."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, cast

import msgspec

from brain.drill.storm.model import Scenario, Storm, Truth
from streams.records import Signal

FORMAT: Final = "city.storm/1"
DOMAINS: Final = ("emergency", "market", "eco", "social", "public", "economy")
FIELDS: Final = Signal.__struct_fields__


class StormFileError(ValueError):
    """A file is no storm: which line, where in it, what was expected."""


class Header(msgspec.Struct, forbid_unknown_fields=True):
    """The first line."""

    format: str
    scenarios: list[Scenario]
    truths: list[Truth]
    about: dict[str, str | int | float] = {}


class Line(Signal, forbid_unknown_fields=True, kw_only=True):
    """A signal with the truth it belongs to; null where it belongs to none."""

    truth: str | None


_header = msgspec.json.Decoder(Header).decode
_line = msgspec.json.Decoder(Line).decode
_encode = msgspec.json.Encoder().encode


def write(storm: Storm, path: Path) -> int:
    """Write a storm, packed where the name ends in ``.gz``; answers its signals. The same bytes for the same storm."""
    with _writing(path) as out:
        header = Header(FORMAT, list(storm.scenarios), list(storm.truths), dict(storm.about))
        out.write(_encode(header) + b"\n")
        for signal, truth in zip(storm.signals, storm.labels, strict=True):
            out.write(_encode(signal)[:-1] + b',"truth":' + _encode(truth) + b"}\n")
    return len(storm.signals)


def read(path: Path) -> Storm:
    """Read a storm; its signals may lie in any order, and come back in fold order.

    Raises
    ------
    StormFileError
        With file, line, path in it and what was expected: not JSON, unknown or missing fields, a scenario, domain or
        truth that the header lacks, an id twice, a place outside the globe, a truth without a signal.
    """
    try:
        with _reading(path) as lines:
            return _read(lines)
    except StormFileError as error:
        raise StormFileError(f"{path.name}: {error}") from None
    except (OSError, EOFError, zlib.error) as error:
        raise StormFileError(f"{path.name}: {error}") from error


def _read(lines: Iterator[bytes]) -> Storm:
    first = next(lines, b"")
    try:
        header = _header(first)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StormFileError(f"line 1: expected a header with format, scenarios and truths: {error}") from None
    scenarios, truths = _checked(header)
    read: list[Line] = []
    seen: set[tuple[str, int, int, int]] = set()
    for number, raw in enumerate(lines, 2):
        try:
            line = _line(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise StormFileError(f"line {number}: {error}") from None
        _check(line, number, scenarios, truths)
        key = (*line.origin[:2], line.offset, line.index)
        if key in seen:
            lane = f"{line.origin[0]}/{line.origin[1]}"
            raise StormFileError(f"line {number}: offset {line.offset}, index {line.index} of {lane} came before")
        seen.add(key)
        read.append(line)
    told = {line.truth for line in read}
    for truth in header.truths:
        if truth.id not in told:
            raise StormFileError(f"line 1: truth {truth.id}: no signal belongs to it")
    lanes = {lane: rank for rank, lane in enumerate(sorted({line.origin[:2] for line in read}))}
    read.sort(key=lambda x: (x.fold, lanes[x.origin[:2]], x.offset, x.index))
    signals = [Signal(*(getattr(line, name) for name in FIELDS)) for line in read]
    return Storm(tuple(header.scenarios), tuple(header.truths), signals, [line.truth for line in read], header.about)


def _checked(header: Header) -> tuple[dict[str, Scenario], dict[str, Truth]]:
    if header.format != FORMAT:
        raise StormFileError(f"line 1: format: expected {FORMAT!r}, got {header.format!r}")
    scenarios: dict[str, Scenario] = {}
    for k, scenario in enumerate(header.scenarios):
        if scenario.id in scenarios:
            raise StormFileError(f"line 1: scenarios[{k}].id: {scenario.id!r} is there twice")
        if scenario.domain not in DOMAINS:
            raise StormFileError(
                f"line 1: scenarios[{k}].domain: expected one of {', '.join(DOMAINS)}, got {scenario.domain!r}"
            )
        scenarios[scenario.id] = scenario
    truths: dict[str, Truth] = {}
    for k, truth in enumerate(header.truths):
        if truth.id in truths or not truth.id:
            raise StormFileError(f"line 1: truths[{k}].id: {truth.id!r} is empty or there twice")
        if not _on_globe(truth.lon, truth.lat):
            raise StormFileError(f"line 1: truths[{k}]: lon and lat must be degrees, got {truth.lon}, {truth.lat}")
        truths[truth.id] = truth
    if not truths:
        raise StormFileError("line 1: truths: expected at least one")
    return scenarios, truths


def _check(line: Line, number: int, scenarios: dict[str, Scenario], truths: dict[str, Truth]) -> None:
    if line.scenario not in scenarios:
        raise StormFileError(f"line {number}: scenario: {line.scenario!r} is not in the header")
    if line.truth is not None and line.truth not in truths:
        raise StormFileError(f"line {number}: truth: {line.truth!r} is not in the header")
    if line.t <= 0 or line.fold <= 0:
        raise StormFileError(f"line {number}: t and fold must be set, got {line.t} and {line.fold}")
    if (line.lon is None) != (line.lat is None):
        raise StormFileError(f"line {number}: lon and lat go together")
    if line.lon is not None and line.lat is not None and not _on_globe(line.lon, line.lat):
        raise StormFileError(f"line {number}: lon and lat must be degrees, got {line.lon}, {line.lat}")
    if line.life != scenarios[line.scenario].life:
        raise StormFileError(f"line {number}: life: the header says {scenarios[line.scenario].life} of {line.scenario}")


def _on_globe(lon: float, lat: float) -> bool:
    return math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 90


def _reading(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb"))


@contextmanager
def _writing(path: Path) -> Iterator[IO[bytes]]:
    with path.open("wb") as raw:
        if path.suffix != ".gz":
            yield raw
            return
        # No time and no name in it: the same storm gives the same bytes.
        with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed:
            yield cast("IO[bytes]", packed)
