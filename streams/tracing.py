"""OpenTelemetry spans of flushes, with links to the traces of sampled input records. Off unless it is asked for.

A span is of a flush, never of a record: a lane's has the time since its first batch, with a child for the transaction;
the city task's the time that it took. Links name the ``traceparent`` (W3C Trace Context) of at most :data:`LINKS`
input records, as their producers wrote it. Nothing of this is written to a topic: outputs stay a function of the logs.
So a trace that began at a gateway ends at the lane's flush; the city task's spans have no links, as signals carry none.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from streams.records import Batch

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Link

HEADER = "traceparent"
LINKS = 8
LOOKED_AT = 64
"""Records with headers that are looked at in one batch: a producer may put one on each."""
_FORM = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?", re.DOTALL
)


def context_of(header: bytes) -> tuple[int, int, int] | None:
    """Trace id, span id and flags of a ``traceparent``; None for what is none: whoever sends may write anything."""
    found = _FORM.fullmatch(header)
    if found is None or (header.startswith(b"00-") and len(header) != 55):
        return None
    trace, span, flags = (int(part, 16) for part in found.groups())
    return trace, span, flags


def sampled(batch: Batch, wanted: int) -> list[tuple[int, int, int]]:
    """Contexts of a batch's first records that carry one, at most ``wanted``."""
    out: list[tuple[int, int, int]] = []
    for heads in islice(batch.headers.values(), LOOKED_AT):
        for name, value in heads:
            if name == HEADER and len(out) < wanted and (found := context_of(value)) is not None:
                out.append(found)
    return out


class Tracing:
    """Makes spans after the fact: whoever flushed says what it took."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("city-brain")

    def flushed(
        self, name: str, seconds: Mapping[str, float], begun_ns: int = 0,
        links: list[tuple[int, int, int]] | None = None, **more: Any,
    ) -> None:  # fmt: skip
        """One flush that ends now. ``seconds`` by stage; ``begun_ns`` 0: it began as long ago as its stages took."""
        now = time.time_ns()
        begun = begun_ns or now - round(sum(seconds.values()) * 1e9)
        attributes = {f"brain.{stage}_seconds": value for stage, value in seconds.items()} | more
        found = [_link(*context) for context in links or ()]
        span = self._tracer.start_span(name, start_time=begun, links=found, attributes=attributes)
        if "publish" in seconds:
            from opentelemetry.trace import set_span_in_context

            start = max(begun, now - round(seconds["publish"] * 1e9))
            self._tracer.start_span("publish", set_span_in_context(span), start_time=start).end(now)
        span.end(now)

    def close(self) -> None:
        """Send what waits."""
        self._provider.shutdown()


def _link(trace: int, span: int, flags: int) -> Link:
    from opentelemetry.trace import Link, SpanContext, TraceFlags

    return Link(SpanContext(trace, span, is_remote=True, trace_flags=TraceFlags(flags & 1)))


def connect(endpoint: str) -> Tracing:
    """Spans to a collector by OTLP over HTTP, as ``http://127.0.0.1:4318``; what it does not take is dropped.

    Raises ImportError where the extra ``trace`` is not installed.
    """
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "city-brain"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint.rstrip("/") + "/v1/traces")))
    return Tracing(provider)
