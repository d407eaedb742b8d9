"""What should have come out: the watch's two rules in plain Python over the log as it stands in Kafka.

Shares no code with the engine: it reads records one by one into dictionaries and notes every signal it expects.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass, field

from confluent_kafka import Consumer, KafkaException, TopicPartition


@dataclass
class _Asset:
    watermark: int = 0
    value: float = 0.0
    mean: float = 0.0
    var: float = 0.0
    seen: int = 0
    run: int = 0
    on: dict[str, bool] = field(default_factory=dict)


@dataclass
class _Clock:
    seq: int = -1
    time: int = -1
    rows: int = 0


@dataclass
class Expected:
    """Signals as (asset, kind, rule, partition, offset).

    ``ends``: asset → (watermark, mean, var, readings up to the warm-up, rules raised).
    """

    signals: set[tuple[str, str, str, int, int]] = field(default_factory=set)
    ends: dict[str, tuple[int, float, float, int, tuple[str, ...]]] = field(default_factory=dict)
    readings: int = 0
    late: int = 0
    repeated: int = 0


def ends(consumer: Consumer, topic: str, partition: int) -> tuple[int, int]:
    """First and last offset; asked again for a while, since a topic just made may have no leader yet."""
    for _ in range(20):
        try:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
        except KafkaException:
            time.sleep(0.5)
        else:
            return int(low), int(high)
    raise RuntimeError(f"{topic}/{partition}: no broker tells its ends")


def records(bootstrap: str, topic: str, partitions: int, isolation: str = "read_committed", only: int = -1):  # type: ignore[no-untyped-def]  # confluent types
    """Every record of a topic up to its present end: (partition, offset, headers, key, value), by partition.

    ``only``: of this partition.
    """
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "oracle", "isolation.level": isolation,
         "enable.auto.commit": False, "auto.offset.reset": "earliest", "enable.partition.eof": False}
    )  # fmt: skip
    try:
        for p in range(partitions) if only < 0 else (only,):
            low, high = ends(consumer, topic, p)
            consumer.assign([TopicPartition(topic, p, low)])
            while True:
                at = consumer.position([TopicPartition(topic, p)])[0].offset
                if at >= high or (at < 0 and low >= high):
                    break
                for message in consumer.consume(10_000, 0.5):
                    if message.error() is None:
                        yield p, message.offset(), dict(message.headers() or []), message.key(), message.value()
    finally:
        consumer.close()


def expect(bootstrap: str, topic: str, partitions: int, alpha: float, warmup: int, high: float, low: float) -> Expected:
    """Walk the input log and note every signal of both rules."""
    out = Expected()
    assets: dict[str, _Asset] = {}
    clocks: dict[int, _Clock] = {}
    for p, offset, headers, _, value in records(bootstrap, topic, partitions):
        if headers.get("ce_type") == b"city.pulse":
            _pulse(out, clocks.setdefault(p, _Clock()), json.loads(value), f"{topic}/{p}", p, offset)
            continue
        clocks.setdefault(p, _Clock()).rows += 1
        reading = json.loads(value)
        name, t, v = reading["asset"], reading["t"], reading["v"]
        a = assets.setdefault(name, _Asset())
        out.readings += 1
        if a.seen and t < a.watermark:
            out.late += 1
            continue
        if a.seen and t == a.watermark:
            out.repeated += v == a.value
            continue
        a.watermark, a.value = t, v
        _threshold(out, a, name, v, p, offset)
        _deviation(out, a, name, v, p, offset, alpha, warmup, high, low)
    out.ends = {
        name: (a.watermark, a.mean, a.var, min(a.seen, warmup), tuple(rule for rule, on in a.on.items() if on))
        for name, a in assets.items()
    }
    return out


def _pulse(out: Expected, clock: _Clock, pulse: dict[str, int], lane: str, p: int, offset: int) -> None:
    """Over five seconds without a pulse and without a row: the inputs were down, and are up again."""
    if pulse["seq"] <= clock.seq or pulse["time"] <= clock.time:
        return
    if clock.seq >= 0 and pulse["time"] - clock.time > 5_000 and not clock.rows:
        out.signals |= {(lane, kind, "inputs_down", p, offset) for kind in ("raise", "clear")}
    clock.seq, clock.time, clock.rows = pulse["seq"], pulse["time"], 0


def _threshold(out: Expected, a: _Asset, name: str, v: float, p: int, offset: int) -> None:
    a.run = a.run + 1 if v > 10 else 0
    if not a.on.get("t") and a.run >= 3:
        a.on["t"] = True
        out.signals.add((name, "raise", "t", p, offset))
    elif a.on.get("t") and v < 8:
        a.on["t"] = False
        out.signals.add((name, "clear", "t", p, offset))


def _deviation(
    out: Expected, a: _Asset, name: str, v: float, p: int, offset: int,
    alpha: float, warmup: int, high: float, low: float,
) -> None:  # fmt: skip
    if not a.seen:
        a.mean = v
    d = v - a.mean
    score = d / math.sqrt(a.var) if a.seen >= warmup and a.var > 0 else math.nan
    if a.seen:
        a.mean += alpha * d
        a.var = (1 - alpha) * (a.var + alpha * d * d)
    a.seen += 1
    if not a.on.get("d") and abs(score) >= high:
        a.on["d"] = True
        out.signals.add((name, "raise", "d", p, offset))
    elif a.on.get("d") and abs(score) < low:
        a.on["d"] = False
        out.signals.add((name, "clear", "d", p, offset))
