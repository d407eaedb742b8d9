"""The AsyncAPI 3 document: every topic, its key, messages, headers, partitions and what is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from brain.contracts.catalogue import CONTRACTS, MESSAGES, Channel, Message, channels
from brain.notify.ledger import TOPIC as NOTIFY
from streams.topics import INPUTS, Topic, catalogue

VERSION: Final = "3.0.0"
BINDING: Final = "0.5.0"
SCHEMA_FORMAT: Final = "application/schema+json;version=draft-2020-12"
PARTITIONER: Final = (
    "partition = (murmur2 of the key's bytes, seed 0x9747b28c, & 0x7fffffff) modulo the count: as Java's clients "
    "choose it; librdkafka needs partitioner=murmur2"
)
_CONFIGURED: Final = ("max.message.bytes",)


def document(versions: Mapping[str, str]) -> dict[str, Any]:
    """The document; ``versions`` is major.minor by contract."""
    known = channels()
    topics = [*catalogue({}), NOTIFY]
    scaled = {t.name for t, more in zip(catalogue({}), catalogue(dict.fromkeys(INPUTS, 2)), strict=True) if t != more}
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "City brain 城市大脑",
            "version": _version(versions),
            "license": {"name": "Apache-2.0"},
            "description": (
                "Topics of the city brain. A prefix may go before every name. Times are milliseconds UTC unless said "
                "otherwise, positions WGS 84 degrees. Unknown fields must be let pass. The first number of the version "
                "grows with the major version of any contract, the second with any minor one, the third is their count."
            ),
        },
        "defaultContentType": "application/json",
        "channels": {t.name: _channel(t, known[t.name], scaled=t.name in scaled) for t in topics},
        "operations": {
            f"{'read' if known[t.name].way == 'in' else 'write'}.{t.name}": {
                "action": "receive" if known[t.name].way == "in" else "send",
                "channel": {"$ref": f"#/channels/{t.name}"},
            }
            for t in topics
        },
        "components": {"messages": {m.name: _message(m, versions) for m in MESSAGES.values()}},
    }


def _version(versions: Mapping[str, str]) -> str:
    pairs = [version.split(".") for version in versions.values()]
    raised = sum(int(major) - 1 for major, _ in pairs)
    return f"{1 + raised}.{sum(int(minor) for _, minor in pairs)}.{len(pairs)}"


def _channel(topic: Topic, channel: Channel, *, scaled: bool) -> dict[str, Any]:
    kept: dict[str, Any] = {"cleanup.policy": topic.cleanup.split(","), "retention.ms": topic.retention_ms}
    kept |= {name: int(topic.config[name]) for name in _CONFIGURED if name in topic.config}
    kafka: dict[str, Any] = {"topic": topic.name}
    if not scaled:
        kafka["partitions"] = topic.partitions
    return {
        "address": topic.name,
        "description": channel.about,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in channel.messages},
        "bindings": {"kafka": {**kafka, "topicConfiguration": kept, "bindingVersion": BINDING}},
        "x-key": channel.key,
        "x-partitions": _partitions(topic, channel, scaled=scaled),
    }


def _partitions(topic: Topic, channel: Channel, *, scaled: bool) -> str:
    count = "as configured, fixed at creation" if scaled else f"{topic.partitions}, always"
    own = next((name for name in INPUTS if topic.name.endswith(f".{name}")), "")
    if own:
        return f"{count}; a record lies in the partition of {own} that it follows from"
    if topic.name in ("deadletter", "audit") and scaled:
        return "the greatest count of the inputs; a record lies in the partition of the lane that wrote it"
    if channel.way == "in" and scaled:
        return f"{count}; {PARTITIONER}"
    return count


def _message(message: Message, versions: Mapping[str, str]) -> dict[str, Any]:
    made: dict[str, Any] = {"name": message.name, "title": message.title, "contentType": message.content_type}
    if message.headers:
        made["headers"] = _schema(message.headers)
    if message.payload:
        made["payload"] = _schema(message.payload)
        made["x-version"] = versions[message.payload]
    if message.ce_type:
        made["x-ce-type"] = message.ce_type
    return made


def _schema(contract: str) -> dict[str, Any]:
    return {"schemaFormat": SCHEMA_FORMAT, "schema": {"$ref": f"{CONTRACTS[contract].name}.json"}}
