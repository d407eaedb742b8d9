"""Sets in the topic ``sets``: packed, cut into chunks that a broker takes, and put together again by whoever lacks one.

A key is ``<content hash>/<chunk>/<chunks>``. The hash says what must come out, so a set that came incomplete, or was
written by two at once, is found or is the same.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping

import msgspec

from streams.records import TP
from streams.tailing import snapshot

CHUNK = 900_000
"""Bytes of a chunk: below the megabyte that a broker takes by default."""
LARGEST = 1 << 30
"""Bytes that a set may have when unpacked."""
KEPT = 16
"""Newest sets whose chunks stay in the topic; a worker that was away for longer needs the folder."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[tuple[str, bytes]]).decode


class SetTorn(ValueError):
    """The chunks do not make a set."""


def pack(files: Mapping[str, bytes]) -> bytes:
    """Names and contents as one compressed text; the same files always give the same bytes."""
    return zlib.compress(_encode(sorted(files.items())), 6)


def unpack(packed: bytes) -> dict[str, bytes]:
    """Names and contents. Raises SetTorn where it is none, or larger than LARGEST."""
    machine = zlib.decompressobj()
    try:
        raw = machine.decompress(packed, LARGEST)
        if machine.unconsumed_tail or not machine.eof:
            raise SetTorn(f"expected a packed set of at most {LARGEST} bytes, got more, or not all of it")
        return dict(_decode(raw))
    except (zlib.error, msgspec.DecodeError) as error:
        raise SetTorn(f"not a packed set: {error}") from error


def chunks(set_id: str, packed: bytes) -> list[tuple[bytes, bytes]]:
    """Key and value of each record."""
    parts = [packed[at : at + CHUNK] for at in range(0, len(packed), CHUNK)] or [b""]
    return [(f"{set_id}/{k}/{len(parts)}".encode(), part) for k, part in enumerate(parts)]


class Shelf:
    """Chunks as they are read, in log order; a tombstone takes one away."""

    def __init__(self) -> None:
        self._parts: dict[str, dict[bytes, bytes]] = {}

    def take(self, key: bytes | None, value: bytes | None) -> None:
        """One record of the topic; those that are no chunks are passed over."""
        set_id, count = _key(key)
        if not count or key is None:
            return
        parts = self._parts.pop(set_id, {})
        if value is None:
            parts.pop(key, None)
        else:
            parts[key] = value
        if parts:
            self._parts[set_id] = parts  # again last: the order is that of the newest chunk

    def ids(self) -> list[str]:
        """Sets that are whole, oldest first."""
        return [set_id for set_id, parts in self._parts.items() if len(parts) == _key(next(iter(parts)))[1]]

    def packed(self, set_id: str) -> bytes:
        """Raises KeyError where it is not there or not whole."""
        if set_id not in self.ids():
            raise KeyError(set_id)
        parts = self._parts[set_id]
        return b"".join(parts[key] for key in sorted(parts, key=lambda key: int(key.split(b"/")[1])))

    def old(self, kept: Iterable[str]) -> list[bytes]:
        """Keys of chunks that can go: of all but the newest sets and those to be kept."""
        stay = {*list(self._parts)[-KEPT:], *kept}
        return [key for set_id, parts in self._parts.items() if set_id not in stay for key in parts]


def fetch(bootstrap: str, topic: str) -> Shelf:
    """All chunks that are in the topic now. Raises LogError where no broker answers or the topic is not there."""
    shelf = Shelf()
    for _, _, _, key, value, _ in snapshot(bootstrap, [TP(topic, 0)]):
        shelf.take(key, value)
    return shelf


def _key(key: bytes | None) -> tuple[str, int]:
    """Set and count of chunks; count 0 where the key is another's."""
    parts = (key or b"").split(b"/")
    if len(parts) != 3 or not parts[1].isdigit() or not parts[2].isdigit():
        return "", 0
    return parts[0].decode(errors="replace"), int(parts[2])
