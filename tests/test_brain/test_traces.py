"""A reading's trace to its incident: linked where spans are wanted, and no byte of any value depends on it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from lane_rig import ASSETS, GRIDS, flood

from brain.incidents.city import CityLogic
from brain.lane import ReadingsLane
from brain.scenarios import read
from brain.sets import CitySet
from geo.grid_map import GridMap
from streams import pulse as pulses
from streams.audit import Auditor
from streams.city import City, CitySettings
from streams.lane import Lane, LaneSettings
from streams.lane_parts import LaneTopics
from streams.memory import MemoryBroker, MemoryTaskLog
from streams.progress import Progress
from streams.pulse import Pulse
from streams.records import CE_TYPE, SEAL_TYPE, SIGNAL_TYPE, TP, Batch, Headers, Signal
from streams.registry import Registry
from streams.replay import to_end
from streams.tracing import HEADER, LINKS, WAITING, Fold, Tracing, carried

T0 = 1_718_000_040_000
KEY = b"key"
TOPICS = LaneTopics.of("iot.telemetry", 0)
HIGH = flood("high", "life: true\ndetect: {above: 10}\nclear: {below: 8}")
SET = CitySet("s", Registry.of(ASSETS), GridMap(GRIDS), [read(HIGH)])


def trace(n: int, more: bytes = b"") -> bytes:
    return b"%s-%032x-%016x-01%s" % (b"01" if more else b"00", n + 1, n + 1, more)


def told(broker: MemoryBroker, *, traced: bool) -> tuple[Progress, Any]:
    """Twenty seconds: wl-0 rises with a trace, wl-1 without, wl-2 with one that is none; all through lane and city."""
    for second in range(20):
        t = T0 + 1000 * second
        pulse = pulses.encode(Pulse(second, t, second * 1000, "s", 0), KEY)
        broker.produce(TOPICS.source, None, pulse, pulses.HEADERS, t)
        heads: dict[str, Headers] = {
            "wl-0": ((HEADER, trace(second, b"-more" * 99)),), "wl-1": (), "wl-2": ((HEADER, b"none"),),
        }  # fmt: skip
        for asset, headers in heads.items():
            value = 12.0 if second == 5 else 3.0
            body = msgspec.json.encode({"asset": asset, "metric": "water_level", "t": t + 1, "v": value})
            broker.produce(TOPICS.source, asset.encode(), body, headers, t)
    progress, exporter = Progress(), None
    lane_log = MemoryTaskLog(broker, "lane", TOPICS.state)
    lane = Lane(lane_log, TOPICS, ReadingsLane, lambda _: SET, LaneSettings("s", KEY))
    city_log = MemoryTaskLog(broker, "city", TP("state.city", 0))
    settings = CitySettings("s", flush_s=1e9)
    made = lambda: CityLogic(sets=lambda _: SET)  # noqa: E731
    city = City(city_log, [TOPICS.signals], TP("journal", 0), made, lambda _: SET, settings, progress)
    if traced:
        sdk = pytest.importorskip("opentelemetry.sdk.trace", reason="the extra trace is not installed")
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        exporter, provider = InMemorySpanExporter(), sdk.TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        progress.tracing, lane.meter.links = Tracing(provider), []
        city.traces = progress.traces = Fold()
    to_end(lane)
    to_end(city)
    return progress, exporter


def written(broker: MemoryBroker) -> dict[TP, list[tuple[bytes | None, bytes | None, Headers]]]:
    """All but seals, whose digests cover headers, and heads, which name the seals; without the headers of traces."""
    found = {}
    for tp in sorted(broker.partitions):
        rows = [(k, v, tuple(h for h in heads if h[0] != HEADER)) for _, k, v, heads in broker.read(tp)]
        found[tp] = [row for row in rows if (CE_TYPE, SEAL_TYPE) not in row[2] and row[0] != b"h"]
    return found


def test_no_value_key_or_order_of_what_is_written_depends_on_traces_and_incidents_carry_none() -> None:
    plain, traced = MemoryBroker(), MemoryBroker()
    told(plain, traced=False)
    told(traced, traced=True)
    assert written(plain) == written(traced)
    headers = {tp.topic for tp in traced.partitions for *_, heads in traced.read(tp) if HEADER in dict(heads)}
    assert headers == {"iot.telemetry", "signals.iot.telemetry", "alarms.iot.telemetry"}
    out = [tp for tp in plain.partitions if tp != TOPICS.source]
    assert not any(HEADER in dict(heads) for tp in out for *_, heads in plain.read(tp))


def test_a_signal_carries_the_trace_of_the_record_that_caused_it_in_a_bounded_form() -> None:
    broker = MemoryBroker()
    told(broker, traced=True)
    found = {}
    for _, _, value, heads in broker.read(TOPICS.signals):
        if (CE_TYPE, SIGNAL_TYPE) in heads:
            signal = msgspec.json.decode(value or b"", type=Signal)
            found[signal.asset, signal.kind] = dict(heads).get(HEADER)
    assert found == {
        ("wl-0", "raise"): trace(5), ("wl-0", "clear"): trace(6), ("wl-1", "raise"): None, ("wl-1", "clear"): None,
        ("wl-2", "raise"): None, ("wl-2", "clear"): None,
    }  # fmt: skip


def test_an_auditor_finds_nothing_wrong_with_signals_that_carry_a_trace() -> None:
    broker = MemoryBroker()
    told(broker, traced=True)
    auditor, found = Auditor([TOPICS]), []
    for tp in (TOPICS.signals, TOPICS.alarms):
        auditor.begin(tp, whole=True)
        rows = [(offset, T0, key, value, heads) for offset, key, value, heads in broker.read(tp)]
        found += auditor.take(Batch.of(tp, 0, rows[-1][0] + 1, rows))
    assert found == []
    assert auditor.totals.records > 4


def test_the_span_of_an_incident_links_to_the_traces_of_its_own_signals_within_the_fold_that_wrote_it() -> None:
    broker = MemoryBroker()
    _, exporter = told(broker, traced=True)
    spans = exporter.get_finished_spans()
    folds = {s.context.span_id: s for s in spans if s.name == "city fold"}
    named = [s for s in spans if s.name == "incident"]
    assert named
    ids = {}
    for _, key, value, _ in broker.read(TP("incidents.emergency", 0)):
        for member in msgspec.json.decode(value or b"")["members"]:
            ids.setdefault(member["asset"], set()).add((key or b"").decode())
    assert {s.attributes["brain.incident"] for s in named} == ids["wl-0"]
    assert all(s.parent.span_id in folds for s in named)
    assert {link.context.trace_id for s in named for link in s.links} <= {6, 7}
    assert {link.context.trace_id for s in folds.values() for link in s.links} <= {6, 7}
    assert any(s.links for s in folds.values())


def flush(fold: Fold, *changes: Any) -> None:
    """A flush that writes these."""
    assert list(fold.passing(iter(changes))) == list(changes)


def signal(n: int) -> Signal:
    return Signal("emergency.flood.high", f"wl-{n}", "raise", ("in", 0, n, 0), 0, n, 0, n, n)


def test_links_and_what_waits_for_its_fold_are_bounded_and_what_is_read_again_is_linked_once() -> None:
    fold = Fold()
    for n in range(WAITING + 5):
        fold.read(0, signal(n), trace(n))
    for n in range(WAITING + 5):
        fold.take(0, signal(n))
    flush(fold, ("incidents.emergency", b"i", msgspec.json.encode([signal(n).identity() for n in range(99)]), ()))
    assert fold.links == [(n + 1, n + 1, 1) for n in range(5, 5 + LINKS)]
    assert [(one.incident, one.links) for one in fold.incidents] == [("i", fold.links)]
    fold.read(0, signal(1), trace(1))
    fold.take(0, signal(1))
    fold.again()
    flush(fold, ("incidents.emergency", b"i", msgspec.json.encode(signal(1).identity()), ()))
    assert (fold.links, fold.incidents) == ([], [])


@pytest.mark.parametrize("topic", ["audit", "state.city"])
def test_only_records_of_incidents_are_named_and_tombstones_are_none(topic: str) -> None:
    fold = Fold()
    fold.read(0, signal(1), trace(1))
    fold.take(0, signal(1))
    value = msgspec.json.encode(signal(1).identity())
    flush(fold, (topic, b"i", value, ()), ("incidents.eco", b"j", None, ()), ("incidents.eco", b"k", b"{}", ()))
    assert (fold.links, fold.incidents) == ([(2, 2, 1)], [])


def test_a_record_without_a_trace_carries_none_on() -> None:
    rows = [(3, 0, None, b"{}", ((HEADER, b"00-" + b"0" * 52),)), (7, 0, None, b"{}", ()), (9, 0, None, b"", ())]
    batch = Batch.of(TP("in", 0), 3, 10, rows)
    assert [carried(batch, offset) for offset in (3, 7, 9)] == [(), (), ()]
