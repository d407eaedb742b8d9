"""The same readings through one worker on a real Kafka, with one, ten and a hundred scenarios in force."""

from __future__ import annotations

from dataclasses import dataclass

from bench.engine.ours import INPUT, worked
from bench.engine.stand import Stand
from bench.scenarios.memory import PARTITIONS, Change, said
from bench.scenarios.readings import Feed
from bench.watch import measure
from bench.watch.produce import AHEAD, filling
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
        admin.ensure(stand.bootstrap, topics.catalogue({INPUT: PARTITIONS}, prefix))
        with stand.step(f"{what}: producing {feed.readings:,} readings"):
            produce(stand.bootstrap, feed, prefix + INPUT)
        command = measure.worker(
            stand.bootstrap, prefix, feed.city.assets, PARTITIONS, "--scenarios", str(scenarios),
            module="bench.scenarios.worker",
        )  # fmt: skip
        cost = worked(stand, what, prefix, PARTITIONS, command, feed.readings, patience_s)
        values = [value for _, value in measure.committed(stand.bootstrap, f"{prefix}signals.{INPUT}", PARTITIONS)]
        return Outcome(cost, said([v for v in values if measure.is_signal(v)], []))


def produce(bootstrap: str, feed: Feed, topic: str) -> None:
    """Fill a topic, a pulse a second in every partition. Raises RuntimeError when a record was refused."""
    keys = feed.keys()
    heads: list[tuple[str, str | bytes | None]] = list(pulses.HEADERS)
    with filling(bootstrap, topic) as producer:
        for pulse, rows, assets, parts in feed.seconds(PARTITIONS):
            for p in range(PARTITIONS):
                producer.produce(topic, pulse, partition=p, headers=heads)
            for a, p, value in zip(assets.tolist(), parts.tolist(), feed.payloads(rows), strict=True):
                producer.produce(topic, value, keys[a], p)
            while len(producer) > AHEAD:
                producer.poll(0.02)
            producer.poll(0)
