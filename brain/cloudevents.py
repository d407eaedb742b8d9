"""CloudEvents 1.0 in binary mode: the attributes as Kafka headers, the value as JSON beside them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from streams.records import Headers

_VERSION: Final = ("ce_specversion", b"1.0")
_JSON: Final = ("content-type", b"application/json")
_MS: Final = tuple(b".%03dZ" % ms for ms in range(1000))
"""How a time ends, by its milliseconds."""

Attributes = Callable[[str, str, int], Headers]
"""Id, subject and time of an event, ms UTC, to its headers."""


def rfc3339(ms: int) -> str:
    """Milliseconds UTC as RFC 3339 text with milliseconds. Raises OverflowError or ValueError beyond year 9999."""
    return _second(ms // 1000).decode() + _MS[ms % 1000].decode()


@functools.lru_cache(4096)
def _second(seconds: int) -> bytes:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}".encode()


def headers(kind: str, id_: str, source: str, subject: str, time_ms: int) -> Headers:
    """Attributes of one event. Id and time must come from what caused it, so that a second run gives the same bytes."""
    return of(kind, source)(id_, subject, time_ms)


@functools.lru_cache(4096)
def of(kind: str, source: str) -> Attributes:
    """For events of one kind and source, of which there are few: for who writes thousands."""
    type_, source_ = ("ce_type", kind.encode()), ("ce_source", source.encode())

    def made(id_: str, subject: str, time_ms: int) -> Headers:
        return (
            _VERSION, type_, ("ce_id", id_.encode()), source_, ("ce_subject", subject.encode()),
            ("ce_time", _second(time_ms // 1000) + _MS[time_ms % 1000]), _JSON,
        )  # fmt: skip

    return made
