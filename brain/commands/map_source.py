"""Where ``brain map`` gets features from: a file, changes in a file, the map of the set that is in force."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from brain.commands.common import fail
from brain.settings import Settings
from geo import geojson
from geo.changes import LIMIT, Change, read_change
from geo.feature import Feature
from geo.findings import MapError, found

FEATURES = "map.features"
MOST_LINES = 500_000


class _Line(msgspec.Struct):
    key: str
    value: msgspec.Raw


def load(path: Path) -> list[Feature]:
    """Features of a map file of ours. Ends readably where it cannot be opened; raises MapError for what is in it."""
    try:
        return geojson.load(path)
    except OSError as error:
        fail(f"{path}: {error.strerror or error}")


def write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    try:
        handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        fail(f"{path}: {error.strerror or error}")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(beside).replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            Path(beside).unlink()
        fail(f"{path}: {error.strerror or error}")


def lines(changes: Iterable[Change]) -> bytes:
    """Changes as a file: a line of JSON each, ``key`` and ``value``; null takes the version away. Raises MapError."""
    made = []
    for change in changes:
        key, value = change.record()
        made.append(msgspec.json.encode(_Line(key.decode(), msgspec.Raw(b"null" if value is None else value))))
    return b"".join(line + b"\n" for line in made)


def read_lines(path: Path) -> list[Change]:
    """Read what :func:`lines` wrote, or another wrote; raises MapError with all that is wrong, by line."""
    try:
        raw = path.read_bytes().splitlines()
    except OSError as error:
        fail(f"{path}: {error.strerror or error}")
    if len(raw) > MOST_LINES:
        raise MapError([found("M002", path.name, limit=MOST_LINES, what="lines", got=len(raw))])
    changes, findings = [], []
    for number, line in enumerate(raw, 1):
        if not line.strip():
            continue
        try:
            changes.append(_change(line))
        except MapError as error:
            findings += error.within(f"{path.name}:{number}").findings
    if findings:
        raise MapError(findings)
    return changes


def _change(line: bytes) -> Change:
    if len(line) > 2 * LIMIT:
        raise MapError([found("M002", "map", limit=2 * LIMIT, what="bytes", got=len(line))])
    try:
        read = msgspec.json.decode(line, type=_Line)
    except (ValueError, RecursionError) as error:
        raise MapError([found("M001", "map", why=str(error))]) from error
    return read_change(read.key.encode(), None if bytes(read.value) == b"null" else bytes(read.value))


def in_force(broker: str, settings: Settings) -> tuple[str, list[Feature]]:
    """The set in force and its map, with all live changes that it took up; those of the last seconds may be missing."""
    from brain.commands.sets import in_force

    set_id = in_force(broker, settings)
    return set_id, geojson.read(geojson.decode(_map_of(broker, settings, set_id)))


def _map_of(broker: str, settings: Settings, set_id: str) -> bytes:
    from brain.sets import MAP, digest, folders
    from streams import set_store

    for folder in folders(settings.set_folder()):
        if digest(folder) == set_id:
            return (folder / MAP).read_bytes()
    try:
        return set_store.unpack(set_store.fetch(broker, settings.prefix + "sets").packed(set_id))[MAP]
    except KeyError:
        where = f"neither below {settings.set_folder()} nor in topic sets"
        fail(f"the set in force, {set_id}, is {where}: name its map by --against", 1)


def keep(changes: Sequence[Change]) -> list[tuple[bytes, bytes | None]]:
    """Records of changes, all or none. Raises MapError with all that cannot be sent."""
    records, findings = [], []
    for change in changes:
        try:
            records.append(change.record())
        except MapError as error:
            findings += error.findings
    if findings:
        raise MapError(findings)
    return records
