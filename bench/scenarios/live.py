"""The same readings through one worker on a real Kafka, with one, ten and a hundred scenarios in force."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

from bench.engine.stand import Stand
from bench.scenarios.memory import PARTITIONS, TOPIC, Change, said
from bench.scenarios.readings import Feed
from bench.watch import measure
from bench.watch.produce import AHEAD
from streams import admin, topics
from streams import pulse as pulses


@dataclass(frozen=True)
class Outcome:
    """Cost of a run and what each scenario said."""

    cost: measure.Cost
    said: dict[str, list[Change]]


def speed(stand: Stand, feed: Feed, scenarios: int, patience_s: float = 90.0) -> Outcome:
    """Produce the readings, run one worker with the shipped settings over them."""
    what = f"{scenarios} scenarios on Kafka"
    with stand.topics(f"scenarios-{feed.readings}-{scenarios}.") as prefix:
        admin.ensure(stand.bootstrap, topics.catalogue({TOPIC: PARTITIONS}, prefix))
        with stand.step(f"{what}: producing {feed.readings:,} readings"):
            produce(stand.bootstrap, feed, prefix + TOPIC)
        signals = f"{prefix}signals.{TOPIC}"
        consumer = measure.reader(stand.bootstrap, signals, PARTITIONS, prefix)
        follow = measure.Seals(_ends(consumer, prefix + TOPIC))
        command = [
            sys.executable, "-m", "bench.scenarios.worker", "--bootstrap", stand.bootstrap, "--prefix", prefix,
            "--assets", str(feed.city.assets), "--partitions", str(PARTITIONS), "--scenarios", str(scenarios),
        ]  # fmt: skip
        with stand.step(f"{what}: working"), (stand.logs / f"{prefix}log").open("wb") as log:
            cost = measure.run(command, {}, consumer, follow, feed.readings, log, patience_s)
        consumer.close()
        if not follow.over():
            stand.say(f"{what}: the worker stopped at {follow.done():.1%}. The end of its log:")
            stand.say_why(stand.logs / f"{prefix}log")
        values = [value for _, value in measure.committed(stand.bootstrap, signals, PARTITIONS)]
        return Outcome(cost, said([v for v in values if measure.is_signal(v)], []))


def produce(bootstrap: str, feed: Feed, topic: str) -> None:
    """Fill a topic, a pulse a second in every partition. Raises RuntimeError when a record was refused."""
    failed: list[str] = []

    def landed(error: KafkaError | None, message: Message) -> None:
        if error is not None:
            failed.append(str(error))

    producer = Producer(
        {
            "bootstrap.servers": bootstrap, "linger.ms": 50, "queue.buffering.max.messages": 1_000_000,
            "batch.num.messages": 5000, "enable.idempotence": True, "delivery.report.only.error": True,
            "on_delivery": landed,
        }
    )  # fmt: skip
    keys, heads = feed.keys(), list(pulses.HEADERS)
    for pulse, rows, assets, parts in feed.seconds(PARTITIONS):
        for p in range(PARTITIONS):
            producer.produce(topic, pulse, partition=p, headers=heads)  # type: ignore[arg-type]  # pairs of str, bytes
        for a, p, value in zip(assets.tolist(), parts.tolist(), feed.payloads(rows), strict=True):
            producer.produce(topic, value, keys[a], p)
        while len(producer) > AHEAD:
            producer.poll(0.02)
        producer.poll(0)
    producer.flush(120)
    if failed or len(producer):
        raise RuntimeError(f"{topic}: {len(failed)} records refused, {len(producer)} not sent: {failed[:1]}")


def _ends(consumer: Consumer, topic: str) -> dict[int, int]:
    ends = {}
    for p in range(PARTITIONS):
        _, ends[p] = consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=20)
    return ends
