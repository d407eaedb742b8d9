"""Speed of the whole path on a real Kafka, decode to durable state and signals; exact by an oracle."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from bench.engine import latency
from bench.harness import Result
from bench.watch import measure
from bench.watch.workload import START_MS, Load, deviation_oracle, produce, threshold_oracle, values
from brain.settings import Settings
from brain.watch import watch_set
from streams import admin, broker, topics
from streams.records import Signal
from streams.topics import Topic

HERE = Path(__file__).parent
READINGS, BARE_READINGS, FAUST_READINGS = 10_000_000, 3_000_000, 100_000
LATENCY_RATE, LATENCY_S = 20_000, 190.0
console = Console(stderr=True)


@dataclass(frozen=True)
class Stand:
    """The broker of a run and where its logs go."""

    bootstrap: str
    logs: Path


def run(seed: int, data: Path | None) -> Result:
    """10M readings through ours, the same bytes through a bare loop and stock Faust, then latency at 20,000/s."""
    with tempfile.TemporaryDirectory(prefix="brain-bench-") as folder:
        settings = broker.BrokerSettings(Path(folder) / "kafka", heap_mb=1024)
        running = broker.start(settings)
        try:
            return measure_all(Stand(running.bootstrap, Path(folder)), seed)
        finally:
            broker.stop(settings)


def measure_all(
    stand: Stand, seed: int, readings: int = READINGS, bare: int = BARE_READINGS, faust: int = FAUST_READINGS,
    seconds: float = LATENCY_S,
) -> Result:  # fmt: skip
    """Every slice on one broker; smaller numbers serve tests."""
    load = Load(readings, seed=seed)
    column = values(load)
    ours, wrong = speed(stand, load, column)
    rows: list[dict[str, Any]] = [_row("ours: exactly once, map, 2 scenarios", readings, ours)]
    figures: dict[str, float | int | str | None] = {
        "events_per_cpu_s": round(ours.steady_per_cpu_s), "signals": ours.seen, "wrong": wrong,
    }  # fmt: skip
    ok = wrong == 0
    for name, file, n in (("bare_loop", "bare.py", bare), ("stock_faust", "faust_table.py", faust)):
        small = Load(n, seed=seed)
        want = len(threshold_oracle(small, column[:n]))
        cost = peer(stand, name, HERE / "peers" / file, small, column, want)
        figures[f"{name}_events_per_cpu_s"] = round(cost.steady_per_cpu_s)
        rows.append(_row(name, n, cost))
        ok &= cost.seen == want
    figures |= latency.measure(stand.bootstrap, stand.logs, LATENCY_RATE, seconds, seed)
    defaults = Settings()
    return Result(rows, figures, ok, {"flush_s": defaults.flush_s, "request_timeout_s": defaults.request_timeout_s})


def _row(name: str, readings: int, cost: measure.Cost) -> dict[str, Any]:
    return {
        "engine": name, "readings": readings, "events/CPU-s steady": f"{cost.steady_per_cpu_s:,.0f}",
        "all": f"{cost.all_per_cpu_s:,.0f}", "events/s": f"{cost.steady_per_s:,.0f}", "signals": cost.seen,
        "RSS MB": round(cost.rss_mb),
    }  # fmt: skip


def speed(stand: Stand, load: Load, column: Any) -> tuple[measure.Cost, int]:
    """Ours over ``load``; the cost and how many signals are not exactly the oracle's."""
    prefix = f"engine{load.readings}x{load.assets}p{load.partitions}."
    content = watch_set(load.assets)
    admin.ensure(stand.bootstrap, topics.catalogue({"iot.telemetry": load.partitions}, prefix))
    console.print(f"producing {load.readings:,} readings …")
    produce(stand.bootstrap, load, column, prefix + "iot.telemetry", content.id)
    want = {("t", int(c)) for c in threshold_oracle(load, column)}
    want |= {("d", int(c)) for c in deviation_oracle(load, column, 0.05, 20, 8.0, 4.0)}
    topic = prefix + "signals.iot.telemetry"
    consumer = measure.reader(stand.bootstrap, topic, load.partitions, prefix)
    command = [
        sys.executable, "-m", "bench.watch.worker", "--bootstrap", stand.bootstrap, "--prefix", prefix,
        "--assets", str(load.assets), "--partitions", str(load.partitions),
    ]  # fmt: skip
    with (stand.logs / f"{prefix}log").open("wb") as log:
        cost = measure.run(command, {}, consumer, len(want), load.readings, _is_signal, log)
    consumer.close()
    return cost, _differences(stand.bootstrap, topic, load, want)


def _is_signal(value: bytes | None) -> bool:
    return value is not None and value.startswith(b'{"scenario"')


def _differences(bootstrap: str, topic: str, load: Load, want: set[tuple[str, int]]) -> int:
    """Signals missing, doubled or not expected."""
    consumer = measure.reader(bootstrap, topic, load.partitions, topic + ".check")
    decode = msgspec.json.Decoder(Signal).decode
    got: list[tuple[str, int]] = []
    quiet = 0
    while quiet < 4:
        some = consumer.consume(10_000, 0.5)
        quiet = 0 if some else quiet + 1
        for message in some:
            value = message.value() or b""
            if message.error() is None and _is_signal(value):
                signal = decode(value)
                rule = "t" if signal.scenario.endswith("high") else "d"
                got.append((rule, (signal.t - START_MS) * 2 + (signal.kind == "clear")))
    consumer.close()
    return len(set(got) ^ want) + len(got) - len(set(got))


def peer(stand: Stand, name: str, script: Path, load: Load, column: Any, want: int) -> measure.Cost:
    """One of the peers over the first readings of the same bytes, without pulses."""
    source, out = f"twin-{name}-{load.readings}", f"out-{name}-{load.readings}"
    wanted = [Topic(source, load.partitions, "delete", -1), Topic(out, load.partitions, "delete", -1)]
    admin.ensure(stand.bootstrap, wanted)
    produce(stand.bootstrap, load, column[: load.readings], source, None)
    consumer = measure.reader(stand.bootstrap, out, load.partitions, out)
    environ = {"IN": source, "OUT": out, "TAG": out, "BROKER": stand.bootstrap, "N": str(load.readings)}
    with (stand.logs / f"{name}.log").open("wb") as log:
        cost = measure.run(
            [sys.executable, str(script)], environ, consumer, want, load.readings, lambda v: v is not None, log
        )
    consumer.close()
    return cost
