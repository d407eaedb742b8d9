"""CloudEvents 1.0 in binary mode: the attributes as Kafka headers, the value as JSON beside them."""

from __future__ import annotations

from datetime import UTC, datetime

from streams.records import Headers


def rfc3339(ms: int) -> str:
    """Milliseconds UTC as RFC 3339 text with milliseconds. Raises OverflowError or ValueError beyond year 9999."""
    seconds, rest = divmod(ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"


def headers(kind: str, id_: str, source: str, subject: str, time_ms: int) -> Headers:
    """Attributes of one event. Id and time must come from what caused it, so that a second run gives the same bytes."""
    return (
        ("ce_specversion", b"1.0"),
        ("ce_type", kind.encode()),
        ("ce_id", id_.encode()),
        ("ce_source", source.encode()),
        ("ce_subject", subject.encode()),
        ("ce_time", rfc3339(time_ms).encode()),
        ("content-type", b"application/json"),
    )
