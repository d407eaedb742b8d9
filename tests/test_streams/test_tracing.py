"""Spans of flushes: linked to input records whose header holds, and nothing at all where nobody wants them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.figures import Meter
from streams.logic import Output, View
from streams.progress import Progress
from streams.records import TP, Batch
from streams.tracing import LINKS, LOOKED_AT, Tracing, context_of, sampled

GOOD = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
LANE = TP("t.trace", 0)


def batch(*headers: bytes | None) -> Batch:
    rows = [(i, 0, None, b"{}", () if h is None else (("traceparent", h),)) for i, h in enumerate(headers)]
    return Batch.of(LANE, 0, len(rows), rows)


def worked(meter: Meter, of: Batch) -> Meter:
    n = np.arange(len(of), dtype=np.int32)
    meter.worked(View(LANE, of, n, of.times, [], 0), Output(), 0.5)
    return meter


def exported() -> tuple[Tracing, Any]:
    sdk = pytest.importorskip("opentelemetry.sdk.trace", reason="the extra trace is not installed")
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), sdk.TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Tracing(provider), exporter


@given(st.binary(max_size=80))
@example(GOOD[:-1])
@example(GOOD + b"-x")
@example(GOOD.upper())
@example(b"ff" + GOOD[2:])
@example(b"00-" + b"0" * 32 + GOOD[35:])
@example(GOOD[:36] + b"0" * 16 + GOOD[52:])
@settings(derandomize=True, max_examples=50)
def test_whatever_a_producer_writes_as_a_header_is_no_context_and_no_error(header: bytes) -> None:
    assert context_of(header) is None


def test_a_header_is_read_and_one_of_a_later_version_may_have_more() -> None:
    assert context_of(GOOD) == (0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7, 1)
    assert context_of(b"01" + GOOD[2:] + b"-more") == context_of(GOOD)


def test_few_records_are_looked_at_however_many_carry_one() -> None:
    assert len(sampled(batch(*[GOOD] * 100), LINKS)) == LINKS
    assert sampled(batch(*[b"none"] * LOOKED_AT, GOOD), LINKS) == []


def test_no_header_is_looked_at_where_nobody_wants_spans() -> None:
    meter = worked(Meter(), batch(GOOD))
    assert (meter.links, meter.begun_ns) == (None, 0)


def test_a_trace_is_linked_once_however_often_its_batch_is_worked() -> None:
    meter, of = Meter(links=[]), batch(GOOD, None, GOOD[:3] + GOOD[3:35].replace(b"4", b"5") + GOOD[35:], GOOD)
    worked(worked(meter, of), of)
    assert meter.links is not None
    assert meter.links == list(dict.fromkeys(sampled(of, LINKS)))
    assert len(meter.links) == 2
    meter.rolled_back()
    assert meter.links == [], "what is worked again is linked again, to the flush that it enters"


def test_a_flush_of_a_lane_is_a_span_with_links_and_its_transaction_a_child() -> None:
    tracing, exporter = exported()
    progress, meter = Progress(), Meter(links=[])
    progress.tracing = tracing
    worked(meter, batch(GOOD, None, b"broken"))
    meter.took("publish", 0.25)
    head = SimpleNamespace(position=3, time=-1)
    progress.progress(SimpleNamespace(topics=SimpleNamespace(source=LANE), head=head, meter=meter), "flush", 0.3)
    child, span = exporter.get_finished_spans()
    assert (child.name, child.parent.span_id) == ("publish", span.context.span_id)
    assert (span.name, span.attributes["brain.lane"], span.attributes["brain.position"]) == (
        "lane flush",
        "t.trace/0",
        3,
    )
    assert [format(link.context.trace_id, "032x") for link in span.links] == ["4bf92f3577b34da6a3ce929d0e0e4736"]
    assert span.start_time <= child.start_time < child.end_time == span.end_time
    meter.clear()
    assert (meter.links, meter.begun_ns) == ([], 0)


def test_a_fold_of_the_city_is_a_span_with_the_seconds_of_its_stages() -> None:
    tracing, exporter = exported()
    progress = Progress()
    progress.tracing = tracing
    for stage in ("order", "fold", "publish"):
        progress.city("stage", 0.1, stage)
    progress.city("flush", 0.1)
    _, span = exporter.get_finished_spans()
    assert span.name == "city fold"
    assert dict(span.attributes) == {f"brain.{s}_seconds": 0.1 for s in ("order", "fold", "publish")}
    assert (span.end_time - span.start_time) / 1e9 == pytest.approx(0.3, abs=0.01)
