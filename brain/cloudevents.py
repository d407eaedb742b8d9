"""CloudEvents 1.0 in binary mode: the attributes as Kafka headers, the value as JSON beside them."""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from typing import Final

from streams.records import Headers

_VERSION: Final = ("ce_specversion", b"1.0")
_JSON: Final = ("content-type", b"application/json")


def rfc3339(ms: int) -> str:
    """Milliseconds UTC as RFC 3339 text with milliseconds. Raises OverflowError or ValueError beyond year 9999."""
    return f"{_second(ms // 1000)}.{ms % 1000:03d}Z"


@functools.lru_cache(4096)
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


@functools.lru_cache(4096)
def _fixed(kind: str, source: str) -> tuple[tuple[str, bytes], tuple[str, bytes]]:
    """One of the few kinds and sources there are."""
    return ("ce_type", kind.encode()), ("ce_source", source.encode())


def headers(kind: str, id_: str, source: str, subject: str, time_ms: int) -> Headers:
    """Attributes of one event. Id and time must come from what caused it, so that a second run gives the same bytes."""
    type_, source_ = _fixed(kind, source)
    return (
        _VERSION,
        type_,
        ("ce_id", id_.encode()),
        source_,
        ("ce_subject", subject.encode()),
        ("ce_time", rfc3339(time_ms).encode()),
        _JSON,
    )
