"""Bad payloads among good ones on a real Kafka: each ends with its one right reason, each good one is worked."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
from confluent_kafka import Message, Producer

from bench.badinput.payloads import Sample, samples
from bench.badinput.worker import INPUTS
from bench.chaos.oracle import records
from bench.chaos.stand import Offsets
from bench.engine.stand import alone
from bench.harness import Result
from brain.settings import Settings
from streams import admin, topics
from streams.partition import partition_of
from streams.records import Seal

PREFIX = "bad."
Origin = str
"""``topic/partition/offset`` of a sent record, as in a dead letter's key."""


def run(seed: int, data: Path | None) -> Result:
    """All payloads through a worker of three inputs."""
    with alone(heap_mb=512) as stand:
        return bad_input(stand.bootstrap, stand.logs, seed)


def bad_input(bootstrap: str, logs: Path, seed: int, per_reason: int = 540) -> Result:
    """Send, wait until every lane has committed its end, compare the dead letters with the labels."""
    admin.ensure(bootstrap, topics.catalogue(INPUTS, PREFIX))
    command = [sys.executable, "-m", "bench.badinput.worker", "--bootstrap", bootstrap, "--prefix", PREFIX]
    with (logs / "worker.log").open("wb") as log:
        worker = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            wait_for_pulses(bootstrap, worker)  # before the first pulse the log's own timestamps are the clock
            sent = send(bootstrap, samples(seed, per_reason))
            drained = wait_until_drained(bootstrap, worker)
            crashes = int(worker.poll() is not None)
        finally:
            worker.terminate()
            worker.wait(20)
    letters: dict[Origin, str] = {}
    for _, _, headers, key, _ in records(bootstrap, PREFIX + "deadletter", max(INPUTS.values())):
        if "reason" in headers:
            letters[key.decode()] = headers["reason"].decode()
    bad = {origin: s for origin, s in sent.items() if s.reason is not None}
    good = sent.keys() - bad.keys()
    reasons = Counter(str(s.reason) for s in bad.values())
    wrong = [(str(s.reason), letters[o]) for o, s in bad.items() if o in letters and letters[o] != s.reason]
    figures: dict[str, float | int | str | None] = {
        "good_sent": len(good), "good_processed": len(good - letters.keys()) if drained else 0,
        "bad_sent": len(bad), "bad_deadlettered": len(bad.keys() & letters.keys()),
        "reasons": len(reasons), "least_per_reason": min(reasons.values()), "reason_wrong": len(wrong),
        "crashes": crashes,
    }  # fmt: skip
    rows: list[dict[str, float | int | str | None]] = [
        {"reason": name, "sent": n, "right": sum(letters.get(o) == name for o, s in bad.items() if s.reason == name)}
        for name, n in sorted(reasons.items())
    ]
    rows += [{"reason": f"{want} came as {got}", "sent": n, "right": 0} for (want, got), n in Counter(wrong).items()]
    ok = drained and not crashes and not wrong and len(letters) == len(bad) == figures["bad_deadlettered"]
    return Result(rows, figures, ok, {"flush_s": Settings().flush_s})


def wait_for_pulses(bootstrap: str, worker: subprocess.Popen[bytes], wait_s: float = 60.0) -> None:
    """Until every lane has sealed a pulse."""
    until = time.monotonic() + wait_s
    lanes = [(topic, p) for topic, n in INPUTS.items() for p in range(n)]
    while time.monotonic() < until and worker.poll() is None:
        if all(_position(bootstrap, *lane) > 0 for lane in lanes):
            return
        time.sleep(1.0)


def send(bootstrap: str, payloads: Iterator[Sample]) -> dict[Origin, Sample]:
    """Produce all, mixed as they come; answers where each one went."""
    out: dict[Origin, Sample] = {}
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 50, "message.max.bytes": 2_000_000})
    for sample in payloads:
        part = partition_of(sample.key, INPUTS[sample.topic])

        def done(error: object, message: Message, sample: Sample = sample) -> None:
            if error is not None:
                raise RuntimeError(f"not sent: {error}")
            out[f"{message.topic()}/{message.partition()}/{message.offset()}"] = sample

        producer.produce(PREFIX + sample.topic, sample.payload, sample.key, part, on_delivery=done)
        producer.poll(0)
    producer.flush()
    return out


def wait_until_drained(bootstrap: str, worker: subprocess.Popen[bytes], wait_s: float = 120.0) -> bool:
    """Whether every lane's committed position reached the end of its input."""
    offsets = Offsets(bootstrap)
    lanes = [(topic, p) for topic, n in INPUTS.items() for p in range(n)]
    ends = {lane: offsets.high(PREFIX + lane[0], lane[1]) for lane in lanes}
    until = time.monotonic() + wait_s
    while time.monotonic() < until and worker.poll() is None:
        if all(_position(bootstrap, *lane) >= end for lane, end in ends.items()):
            return True
        time.sleep(1.0)
    return False


def _position(bootstrap: str, topic: str, partition: int) -> int:
    at = -1
    for p, _, headers, _, value in records(bootstrap, f"{PREFIX}signals.{topic}", INPUTS[topic]):
        if p == partition and headers.get("ce_type") == b"city.seal":
            at = max(at, msgspec.json.decode(value, type=Seal).position)
    return at
