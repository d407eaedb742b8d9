"""OpenTelemetry spans of flushes, with links to the traces of sampled input records. Off unless it is asked for.

A span is of a flush: a lane's has the time since its first batch, with a child for the transaction; the city task's the
time that it took, with a child for each incident written of a traced signal. Links name the ``traceparent`` (W3C Trace
Context) of at most :data:`LINKS` input records, as their producers wrote it.

Where spans are wanted, a lane hands the context of the record that caused a signal on, in a header of the signal: the
producer's, never a span's of its own, so that what stands there follows from the log. No value depends on it but the
digests of seals, which cover all headers, and the heads that keep them; a replay compares neither.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from streams.logic import Change
from streams.records import Batch, Headers, Signal

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Link

HEADER = "traceparent"
LINKS = 8
WAITING = 4096
"""Traced signals that wait for their fold, at most; of more the oldest are folded without a link."""
SHOWN = ("incidents", "incidents-shadow")
"""Families of topics whose records are incidents."""
LOOKED_AT = 64
"""Records with headers that are looked at in one batch: a producer may put one on each."""
_FORM = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?", re.DOTALL
)


Context = tuple[int, int, int]
"""Trace id, span id and flags."""


def context_of(header: bytes) -> Context | None:
    """Trace id, span id and flags of a ``traceparent``; None for what is none: whoever sends may write anything."""
    found = _FORM.fullmatch(header)
    if found is None or (header.startswith(b"00-") and len(header) != 55):
        return None
    trace, span, flags = (int(part, 16) for part in found.groups())
    return trace, span, flags


def sampled(batch: Batch, wanted: int) -> list[Context]:
    """Contexts of a batch's first records that carry one, at most ``wanted``."""
    out: list[Context] = []
    for heads in islice(batch.headers.values(), LOOKED_AT):
        for name, value in heads:
            if name == HEADER and len(out) < wanted and (found := context_of(value)) is not None:
                out.append(found)
    return out


def carried(batch: Batch, offset: int) -> Headers:
    """The header that a signal of the record at that offset carries on: its trace in 55 bytes, if it has one."""
    header = batch.header(int(np.searchsorted(batch.offsets, offset)), HEADER)
    found = None if header is None else context_of(header)
    return () if found is None else ((HEADER, b"00-%032x-%016x-%02x" % (found[0], found[1], found[2] & 1)),)


class Traced(NamedTuple):
    """An incident that was written of traced signals, by its id; their contexts, each once."""

    incident: str
    links: list[Context]


class Fold:
    """Trace contexts of signals between the record that brought them and the flush that folds them.

    Beside the task, in memory alone: no result can come of it. Bounded by :data:`WAITING` and :data:`LINKS`.
    """

    def __init__(self) -> None:
        self._waiting: dict[tuple[int, int, int], Context] = {}
        self._folded: list[tuple[Context, bytes]] = []
        self.links: list[Context] = []
        """Of the flush that was committed last."""
        self.incidents: list[Traced] = []

    def again(self) -> None:
        """The task begins anew from what it saved: what was read since comes again."""
        self._waiting.clear()
        self._folded.clear()

    def read(self, rank: int, signal: Signal, header: bytes | None) -> None:
        """A signal of a lane was read, with this header or none."""
        found = None if header is None else context_of(header)
        if found is not None:
            if len(self._waiting) >= WAITING:
                del self._waiting[next(iter(self._waiting))]
            self._waiting[rank, signal.offset, signal.index] = found

    def take(self, rank: int, signal: Signal) -> None:
        """It is folded now."""
        found = self._waiting.pop((rank, signal.offset, signal.index), None) if self._waiting else None
        if found is not None and len(self._folded) < LINKS:
            self._folded.append((found, msgspec.json.encode(signal.identity())))

    def passing(self, changes: Iterator[Change]) -> Iterator[Change]:
        """The same, looked at as a flush writes them: which incidents name the signals folded since the last flush."""
        self.links = list(dict.fromkeys(context for context, _ in self._folded))
        self.incidents = []
        return self._looked_at(changes) if self._folded else changes

    def _looked_at(self, changes: Iterator[Change]) -> Iterator[Change]:
        for change in changes:
            topic, key, value, _ = change
            if topic is not None and value is not None and topic.partition(".")[0] in SHOWN:
                links = list(dict.fromkeys(context for context, name in self._folded if name in value))
                if links:
                    self.incidents.append(Traced(key.decode(errors="replace"), links))
            yield change
        self._folded.clear()


class Tracing:
    """Makes spans after the fact: whoever flushed says what it took."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("city-brain")

    def flushed(
        self, name: str, seconds: Mapping[str, float], begun_ns: int = 0,
        links: list[Context] | None = None, incidents: Iterable[Traced] = (), **more: Any,
    ) -> None:  # fmt: skip
        """One flush that ends now. ``seconds`` by stage; ``begun_ns`` 0: it began as long ago as its stages took.

        Each of ``incidents`` is a child with the links of its own signals.
        """
        now = time.time_ns()
        begun = begun_ns or now - round(sum(seconds.values()) * 1e9)
        attributes = {f"brain.{stage}_seconds": value for stage, value in seconds.items()} | more
        found = [_link(*context) for context in links or ()]
        span = self._tracer.start_span(name, start_time=begun, links=found, attributes=attributes)
        from opentelemetry.trace import set_span_in_context

        within = set_span_in_context(span)
        for one in incidents:
            of = [_link(*context) for context in one.links]
            named = {"brain.incident": one.incident}
            self._tracer.start_span("incident", within, start_time=begun, links=of, attributes=named).end(now)
        if "publish" in seconds:
            start = max(begun, now - round(seconds["publish"] * 1e9))
            self._tracer.start_span("publish", within, start_time=start).end(now)
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
