"""A backup as files: one a partition, its records as they were committed, and a manifest that is written last.

A folder without its manifest is no backup. Files are gzip; in them each record is its length (4 bytes, little-endian)
and that many bytes of msgpack. They hold what people wrote, not masked: only their owner may read them.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from streams.records import Headers

FORMAT = 1
MANIFEST = "manifest.json"
LARGEST = 64 * 2**20
"""Bytes of one record in a file; more is a torn file."""

_size = struct.Struct("<I")


class Record(msgspec.Struct, array_like=True):
    """One committed record; ``time`` is the log's own timestamp, ms."""

    offset: int
    time: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class Part(msgspec.Struct):
    """One partition. ``topic`` has no prefix; ``start`` and ``end`` are the log's offsets between which was read."""

    topic: str
    partition: int
    file: str
    records: int
    bytes: int
    sha256: str
    start: int
    end: int


class Manifest(msgspec.Struct):
    """What a backup is. ``version`` is the release that took it, ``state_format`` that of its state records."""

    format: int
    version: str
    state_format: int
    taken_ms: int
    prefix: str
    partitions: dict[str, int]
    parts: list[Part]
    sets: list[str] = []
    """Sets in force in some task, whose content is in ``sets/``."""
    pulse: int = -1
    """Of a brain that ran on: the last pulse that is in it; what came after the next is not. -1: it stood still."""


class BackupBroken(ValueError):
    """The folder is no backup, or not as it was written."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Record).decode


def new_folder(folder: Path) -> None:
    """Make the folder, for its owner only. Raises BackupBroken where it has anything in it."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BackupBroken(f"{folder}: expected a folder that is not there yet, or an empty one")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)


def write_bytes(path: Path, content: bytes) -> None:
    """A file that only its owner may read."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(content)


def write_part(
    folder: Path, topic: str, partition: int, span: tuple[int, int], records: Iterable[Record],
    told: Callable[[int], None],
) -> Part:  # fmt: skip
    """Write one partition's file; ``told`` hears of each thousand records."""
    name, count = f"{topic}-{partition}.gz", 0
    path = folder / name
    with (
        os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=4, mtime=0) as stream,
    ):
        for record in records:
            packed = _encode(record)
            stream.write(_size.pack(len(packed)) + packed)
            count += 1
            if count % 1000 == 0:
                told(1000)
    told(count % 1000)
    return Part(topic, partition, name, count, path.stat().st_size, _sha256(path), *span)


def write_manifest(folder: Path, manifest: Manifest) -> str:
    """Write the manifest, last; its SHA-256, by which a person can name the backup."""
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"
    write_bytes(folder / MANIFEST, text)
    return hashlib.sha256(text).hexdigest()


def read_manifest(folder: Path) -> tuple[Manifest, str]:
    """The manifest and its SHA-256. Raises BackupBroken."""
    try:
        text = (folder / MANIFEST).read_bytes()
        manifest = msgspec.json.decode(text, type=Manifest)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BackupBroken(f"{folder}: no backup that was finished: {error}") from error
    if manifest.format > FORMAT:
        raise BackupBroken(
            f"{folder}: a backup of format {manifest.format}; this release knows {FORMAT}: upgrade first"
        )
    for part in manifest.parts:
        if part.file != f"{part.topic}-{part.partition}.gz" or "/" in part.file or part.file.startswith("."):
            raise BackupBroken(f"{folder}: a part names the file {part.file!r}")
    for name in manifest.sets:
        if not name.removeprefix("sha256:").isalnum():
            raise BackupBroken(f"{folder}: a set is named {name!r}")
    return manifest, hashlib.sha256(text).hexdigest()


def read_part(folder: Path, part: Part) -> Iterator[Record]:
    """Its records. Raises BackupBroken where the file is torn or has another count of them."""
    count = 0
    try:
        with gzip.open(folder / part.file) as stream:
            while head := stream.read(4):
                n = _size.unpack(head)[0]
                packed = stream.read(n) if n <= LARGEST else b""
                if len(packed) != n:
                    raise BackupBroken(f"{part.file}: torn at record {count}")
                yield _decode(packed)
                count += 1
    except (OSError, EOFError, struct.error, msgspec.MsgspecError) as error:
        raise BackupBroken(f"{part.file}: torn at record {count}: {error}") from error
    if count != part.records:
        raise BackupBroken(f"{part.file}: expected {part.records} records, got {count}")


def same(folder: Path, part: Part) -> None:
    """Raises BackupBroken where the file is not the one that was written."""
    path = folder / part.file
    got = _sha256(path) if path.is_file() else "no file"
    if got != part.sha256:
        raise BackupBroken(f"{part.file}: expected SHA-256 {part.sha256}, got {got}")


def set_file(folder: Path, set_id: str) -> Path:
    """Where the packed files of a set lie."""
    return folder / "sets" / f"{set_id.removeprefix('sha256:')}.zz"


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
