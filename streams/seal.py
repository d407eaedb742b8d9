"""What a seal's digest is made of, for the lane that writes it and the auditor that checks it.

It covers the records of the flush in order (key, value, headers, each with its length, so that no byte can move from
one to the next), then the seal's own fields and with them the digest before: two flushes that wrote nothing differ.
"""

from __future__ import annotations

import hashlib
import struct

import msgspec

from streams.records import Headers, Seal

SEAL_KEY = b"seal/"
TOOL_KEY = b"recover"
"""Key of what a person's tool writes beside a lane: no lane's seal covers it."""

_sizes = struct.Struct("<iiH").pack
_pair = struct.Struct("<HI").pack
_json = msgspec.json.Encoder().encode


def seal_key(lane: str) -> bytes:
    """Key of every seal of a lane, by the name of its input partition."""
    return SEAL_KEY + lane.encode()


class Digest:
    """The records of one lane in one output partition since its last seal. One use: :meth:`sealed` ends it."""

    __slots__ = ("_hash", "count")

    def __init__(self) -> None:
        self.count = 0
        self._hash = hashlib.blake2b(digest_size=16)

    def add(self, key: bytes | None, value: bytes | None, headers: Headers = ()) -> None:
        """The next record; an absent key or value is another thing than an empty one."""
        self.count += 1
        parts = [
            _sizes(-1 if key is None else len(key), -1 if value is None else len(value), len(headers)),
            key or b"", value or b"",
        ]  # fmt: skip
        for name, content in headers:
            encoded = name.encode()
            parts += (_pair(len(encoded), len(content)), encoded, content)
        self._hash.update(b"".join(parts))

    def sealed(self, seal: Seal) -> str:
        """The digest, as hexadecimal text: the records and every field of the seal but ``digest``."""
        fields = (seal.flush, seal.count, seal.before, seal.pulse, seal.seq, seal.position, seal.sets)
        self._hash.update(_json(fields))
        return self._hash.hexdigest()
