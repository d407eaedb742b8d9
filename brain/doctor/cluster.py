"""Checks of the broker and of the topics: is it there, does it let us in, are the topics and rights as they must be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from brain.doctor.codes import Finding, found
from brain.doctor.run import Patient
from brain.settings import SettingsError
from streams.broker import BrokerSettings, status
from streams.census import census
from streams.kafka.greet import Trouble, Unreachable, greet
from streams.rights import rights as all_rights
from streams.topics import MAX_MESSAGE, catalogue

_TROUBLES = {
    Trouble.NO_HOST: "D201", Trouble.NO_ANSWER: "D202", Trouble.NOT_KAFKA: "D203", Trouble.TLS: "D204",
    Trouble.CERTIFICATE: "D205", Trouble.SASL: "D206", Trouble.USER: "D207",
}  # fmt: skip
_POLICIES = {"cleanup.policy": "D303", "retention.ms": "D304", "max.message.bytes": "D305"}
_LARGEST = MAX_MESSAGE + 65_536
"""As the embedded broker has it: a record batch around the largest record."""


def reach(p: Patient) -> Iterator[Finding]:
    """Find the broker, and be let in."""
    s = p.known()
    try:
        p.address = s.address()
    except SettingsError:  # D104 has said it
        return
    if not p.address:
        running = status(BrokerSettings(Path(s.kafka_data)))
        if running is None:
            yield found("D208", "bootstrap")
            return
        p.address = running.bootstrap
    try:
        greet(p.address, answer_s=5.0)
    except Unreachable as error:
        code = _TROUBLES[error.trouble]
        yield found(code, error.address, error.got, wanted=error.expected, way_out=error.way_out)
        return
    p.census = p.closing.enter_context(census(p.address))


def brokers(p: Patient) -> Iterator[Finding]:
    """What the brokers themselves are set to, where we may see it."""
    assert p.census is not None
    p.brokers = p.census.brokers()
    for broker in p.brokers[:1]:
        config = p.census.broker_config(broker)
        limit = config.get("message.max.bytes")
        if limit is not None and int(limit) < _LARGEST:
            yield found("D211", f"broker {broker}", f"message.max.bytes={limit}", wanted=_LARGEST)
        if config.get("auto.create.topics.enable") == "true":
            yield found("D212", f"broker {broker}", "auto.create.topics.enable=true")


def topics(p: Patient) -> Iterator[Finding]:
    """Each topic of the catalogue: there, with its partitions, replicas and policies."""
    assert p.census is not None
    s = p.known()
    wanted = catalogue(s.partitions, s.prefix)
    names = [t.name for t in wanted]
    p.topics = p.census.topics(names)
    there = [t for t in wanted if p.topics[t.name].partitions]
    p.configs = p.census.configs([t.name for t in there])
    if there and not any(p.configs.values()):
        yield found("D312", f"{s.prefix}*")
    for topic in wanted:
        seen = p.topics[topic.name]
        if not seen.exists:
            yield found("D301", topic.name, wanted=topic.partitions)
        if not seen.partitions:
            continue
        if len(seen.partitions) != topic.partitions:
            yield found("D302", topic.name, len(seen.partitions), wanted=topic.partitions)
        config = p.configs[topic.name]
        for name, value in topic.settings().items():
            if name in config and _normal(config[name]) != _normal(value):
                yield found(_POLICIES.get(name, "D306"), topic.name, config[name], wanted=value, name=name)
        least = int(config.get("min.insync.replicas", 1))
        for one in seen.partitions:
            place = f"{topic.name}/{one.number}"
            if one.leader < 0:
                yield found("D308", place)
            elif one.in_sync < least:
                yield found("D307", place, one.in_sync, wanted=least)
        if len(p.brokers) > 1 and any(one.replicas < 2 for one in seen.partitions):
            yield found("D309", topic.name, 1)


def rights(p: Patient) -> Iterator[Finding]:
    """What our role needs and we do not have. Transactional ids cannot be asked for without taking one."""
    assert p.census is not None
    s = p.known()
    for right in all_rights(catalogue(s.partitions, s.prefix), s.group, s.prefix):
        if right.role != p.role:
            continue
        if right.kind == "topic" and right.name in p.topics:
            seen = p.topics[right.name]
            missing = [one for one in right.operations if one not in seen.rights]
            if missing and (seen.denied or seen.partitions):
                yield found("D311", right.name, ", ".join(sorted(seen.rights)) or "–", wanted=", ".join(missing),
                            role=p.role)  # fmt: skip
        elif right.kind == "group" and not right.prefixed and p.census.group(right.name).denied:
            yield found("D311", f"group {right.name}", "–", wanted=", ".join(right.operations), role=p.role)


def _normal(value: str) -> list[str]:
    return sorted(part.strip() for part in value.split(","))
