"""Bundles without personal data, which replay to the same signals and incidents.

Everything is decided on what decoding left, so what decoding made of a record stands in the bundle in its place: same
partition, offset and time. What decoding refuses is no ticket; a stand-in refused for the same reason takes its place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from streams import pulse as pulses
from streams.bundle import Line
from streams.decode.payload import READING_LIMIT
from streams.decode.tickets import Ticket, decode_tickets
from streams.records import CE_TYPE, PULSE_TYPE, TP, Batch, Headers, Reason

AS_THEY_CAME = frozenset(("iot.telemetry", "video.metadata", "warnings", "journal", "pulse", "sets"))
"""Topics without texts of people: devices, offices and the engine itself write them."""

_STAND_INS: Mapping[Reason, bytes] = {
    Reason.TOO_LARGE: b" " * (READING_LIMIT + 1), Reason.NOT_UTF8: b"\xff", Reason.TRUNCATED: b"{",
    Reason.NOT_JSON: b"{,}", Reason.TRAILING_DATA: b"{}{}", Reason.NOT_AN_OBJECT: b"[]", Reason.MISSING_FIELD: b"{}",
    Reason.WRONG_TYPE: b'{"t":[]}', Reason.NOT_FINITE: b"NaN", Reason.BAD_POSITION: b'{"t":0,"lon":1}',
    Reason.ABSURD_TIME: b'{"t":0,"id":"","text":""}',
}  # fmt: skip
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
_json = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Made:
    """What stands in the bundle for a record, and whether its content was left out."""

    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    left_out: bool = False


Rule = Callable[[bytes | None, bytes | None, Headers], Made]
"""(key, value, headers) of a record that is no pulse → what stands in its place."""


@dataclass
class BundleMask:
    """Masks lines one by one. ``rules`` by input topic; ``masked`` and ``left_out`` count by topic what was done.

    A topic that has neither a rule nor a place in ``AS_THEY_CAME`` is refused: what it holds is not known.
    """

    rules: Mapping[str, Rule]
    key: bytes
    """Signs pulses."""
    prefix: str = ""
    masked: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)

    def check(self, topics: Iterable[str]) -> None:
        """Raises ValueError for topics (with their prefix) that no rule covers."""
        unknown = sorted({t for t in topics if t.removeprefix(self.prefix) not in AS_THEY_CAME | self.rules.keys()})
        if unknown:
            raise ValueError(f"{', '.join(unknown)}: no rule of brain/masking.py says how to mask it; record it --raw")

    def lines(self, lines: Iterable[Line]) -> Iterator[Line]:
        """All lines, masked. Raises ValueError at one of a topic that no rule covers."""
        return map(self.line, lines)

    def line(self, line: Line) -> Line:
        """One line, masked; partition, offset and time stay."""
        topic = line.topic.removeprefix(self.prefix)
        if topic in AS_THEY_CAME:
            return line
        self.check([line.topic])
        heads = line.header_pairs()
        if next((value for name, value in heads if name == CE_TYPE), None) == PULSE_TYPE:
            pulse = pulses.decode(line.value_bytes(), self.key)
            value = b"{}" if pulse is None else pulses.encode(pulse, self.key)  # a forged one stays forged
            return Line.of(line.tp, line.offset, line.timestamp, None, value, pulses.HEADERS)
        made = self.rules[topic](line.key_bytes(), line.value_bytes(), heads)
        count = self.left_out if made.left_out else self.masked
        count[topic] = count.get(topic, 0) + 1
        return Line.of(line.tp, line.offset, line.timestamp, made.key, made.value, made.headers)


@dataclass(frozen=True, slots=True)
class TicketRule:
    """A ticket as decoding left it. Fields that decoding does not know are not in it, nor headers, nor a strange key.

    ``secret`` is the bundle's own: the same caller has one name within a bundle and another in the next one, so that
    bundles cannot be joined by their callers, nor with the hotline's own hashes.
    """

    secret: bytes

    def __call__(self, key: bytes | None, value: bytes | None, headers: Headers) -> Made:
        """The record's place-holder."""
        found = _decoded(value)
        if isinstance(found, Ticket):
            document: dict[str, Any] = {f: getattr(found, f) for f in Ticket.__struct_fields__ if f != "row"}
            document["caller"] = self.caller(found.caller)
            name = found.id.encode()
            return Made(name if key == name else None, _json({k: v for k, v in document.items() if v is not None}))
        if found is Reason.EMPTY:
            return Made(None, None, left_out=True)
        stand_in = _STAND_INS.get(found)
        return Made(None, stand_in if _decoded(stand_in) is found else None, left_out=True)

    def caller(self, name: str) -> str:
        """A caller's name in this bundle, in letters: digits could be taken for a number. "" stays: nobody known."""
        if not name:
            return ""
        digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), key=self.secret, digest_size=16)
        return digest.hexdigest().translate(_LETTERS)


def _decoded(value: bytes | None) -> Ticket | Reason:
    batch = Batch.of(TP("hotline.tickets", 0), 0, 1, [(0, 0, None, value, ())])
    tickets, dead = decode_tickets(batch, np.zeros(1, np.int32))
    return tickets[0] if tickets else dead[0].reason
