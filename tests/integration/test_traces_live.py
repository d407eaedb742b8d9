"""A reading's trace followed to its incident: real Kafka, real worker, and a collector that takes what it exports."""

from __future__ import annotations

import gzip
import time
from pathlib import Path

import msgspec
import pytest
from receivers import Receiver, http, receiver
from running import running, until

from streams.partition import partition_of
from streams.produce import send_all
from streams.records import TP

pytestmark = [pytest.mark.kafka, pytest.mark.long]
trace_service = pytest.importorskip(
    "opentelemetry.proto.collector.trace.v1.trace_service_pb2", reason="the extra trace is not installed"
)
TRACE, SPAN = 0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7
HEADER = ("traceparent", b"00-%032x-%016x-01" % (TRACE, SPAN))


def linked(collector: Receiver) -> dict[str, dict[str, str]]:
    """Attributes of the spans that link to the reading's trace, by name."""
    out: dict[str, dict[str, str]] = {}
    for headers, body in list(collector.requests):
        plain = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
        for resource in trace_service.ExportTraceServiceRequest.FromString(plain).resource_spans:
            for span in (span for scope in resource.scope_spans for span in scope.spans):
                if any(link.trace_id == TRACE.to_bytes(16, "big") for link in span.links):
                    out[span.name] = {a.key: a.value.string_value for a in span.attributes}
    return out


def test_the_trace_of_a_reading_is_linked_by_lane_fold_and_incident_and_brain_audit_finds_nothing_wrong(
    kafka: str, prefix: str, tmp_path: Path
) -> None:
    with receiver(http(200)) as collector:
        endpoint = f"http://127.0.0.1:{collector.port}"
        with running(kafka, prefix, tmp_path, trace_endpoint=endpoint) as worker:
            worker.start()
            until(lambda: worker.read("pulse"))
            asset, now = b"smoke-01", int(time.time() * 1000)
            body = msgspec.json.encode({"asset": "smoke-01", "metric": "smoke", "t": now, "v": 9.0})
            at = TP(f"{prefix}iot.telemetry", partition_of(asset, 2))
            send_all(kafka, at, [(asset, body)], headers=(HEADER,))
            found = until(lambda: (spans := linked(collector)) and "incident" in spans and spans)
            incidents = {key.decode() for key, _, _ in worker.read("incidents.emergency") if key}
            assert {"lane flush", "city fold", "incident"} <= set(found)
            assert found["incident"]["brain.incident"] in incidents
            [alarm] = [
                heads
                for _, value, heads in worker.read("alarms.iot.telemetry", at.partition)
                if b"smoke-01" in (value or b"")
            ]
            assert alarm["traceparent"] == HEADER[1]
            assert not any("traceparent" in heads for _, _, heads in worker.read("incidents.emergency"))
            assert worker.stop() == 0
            audited = worker.command("audit")
            assert audited.returncode == 0, audited.stdout + audited.stderr
