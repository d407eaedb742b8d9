"""Topics on a cluster, compared with the catalogue: create what is missing, say what differs, wipe what tests left."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import KafkaError, for_code

from streams.kafka.connect import KafkaSettings
from streams.kafka.greet import Unreachable, greet
from streams.log import LogError
from streams.security import security_of
from streams.topics import Topic

Cluster = str | KafkaSettings
"""Address of a broker, which carries its security, or all settings of a client."""

_EXISTS = 36
_WAIT_MS = 30_000


class AdminError(LogError):
    """The cluster cannot be reached, or refuses; the text says what to do."""


@dataclass(frozen=True)
class Difference:
    """One way in which a topic on the cluster is not as the catalogue has it."""

    topic: str
    what: str
    expected: str
    got: str
    way_out: str

    def __str__(self) -> str:
        return f"{self.topic}: {self.what}: expected {self.expected}, got {self.got}. {self.way_out}"


def ensure(cluster: Cluster, topics: Sequence[Topic], *, create: bool = True) -> list[Difference]:
    """Create topics that are missing and compare all others; changes nothing that exists. Empty: all as it should be.

    With ``create`` false a missing topic is a difference too. Returns when every new partition has a leader.

    Raises
    ------
    AdminError
        No answer, or the cluster refuses to create a topic.
    """
    with _admin(cluster) as admin:
        found = {t["name"]: len(t["partitions"]) for t in admin.describe_topics()}
        missing = [t for t in topics if t.name not in found]
        if create and missing:
            _create(admin, missing)
        elif missing:
            found_missing = [Difference(t.name, "topic", "to exist", "nothing", _HOW_TO_CREATE) for t in missing]
            return found_missing + _compare(admin, [t for t in topics if t.name in found], found)
        return _compare(admin, [t for t in topics if t.name in found], found)


def repair(cluster: Cluster, topics: Sequence[Topic]) -> int:
    """Set the policies of existing topics as the catalogue has them; how many topics were changed. Partitions stay."""
    wrong = {d.topic for d in ensure(cluster, topics, create=False) if d.what not in {"topic", "partitions"}}
    if wrong:
        with _admin(cluster) as admin:
            admin.alter_configs(
                [ConfigResource(ConfigResourceType.TOPIC, t.name, t.settings()) for t in topics if t.name in wrong]
            )
        mine = [t for t in topics if t.name in wrong]
        end = time.monotonic() + 10.0
        while left := [d for d in ensure(cluster, mine, create=False) if d.what != "partitions"]:
            if time.monotonic() > end:
                raise AdminError(f"the cluster did not take the change: {left[0]}")
            time.sleep(0.1)
    return len(wrong)


def wipe(cluster: Cluster, prefix: str) -> int:
    """Delete every topic that begins with ``prefix``; how many. For tests and benches: an empty prefix is refused."""
    if not prefix:
        raise ValueError("prefix: an empty one would delete every topic of the cluster")
    with _admin(cluster) as admin:
        names = [name for name in admin.list_topics() if name.startswith(prefix)]
        if names:
            admin.delete_topics(names)
        return len(names)


def names(cluster: Cluster) -> list[str]:
    """Names of all topics, sorted; Kafka's own (with two underscores) left out."""
    with _admin(cluster) as admin:
        return sorted(name for name in admin.list_topics() if not name.startswith("__"))


def describe(cluster: Cluster, names: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Partitions and the cluster's own id of topics, by name; those that do not exist are left out.

    The id is empty where the broker gives none (before Kafka 3.1).
    """
    with _admin(cluster) as admin:
        wanted = set(names)
        found = [t for t in admin.describe_topics() if t["name"] in wanted]
        return {t["name"]: (len(t["partitions"]), str(t.get("topic_id") or "")) for t in found}


def broker_version(cluster: Cluster) -> str:
    """Newest Kafka release whose requests the first broker answers, such as "4.1"."""
    with _admin(cluster) as admin:
        first = admin.describe_cluster()["brokers"][0]
        version = admin.get_broker_version_data(_node_id(first)).broker_version
        return ".".join(str(part) for part in version)


def client_options(cluster: Cluster, timeout_ms: int = _WAIT_MS) -> dict[str, Any]:
    """Keyword arguments with which kafka-python reaches the cluster."""
    address = cluster if isinstance(cluster, str) else cluster.bootstrap
    options = security_of(address).options() if isinstance(cluster, str) else cluster.options()
    return {**options, "bootstrap_servers": str(address), "bootstrap_timeout_ms": timeout_ms}


def must_answer(cluster: Cluster) -> str:
    """The address, or AdminError at once when no broker works with us: it is away, no Kafka, or refuses TLS or user.

    kafka-python would wait for its whole time-out first, and leave its sockets open.
    """
    address = cluster if isinstance(cluster, str) else cluster.bootstrap
    try:
        greet(address)
    except Unreachable as error:
        raise AdminError(str(error)) from error
    return address


@contextmanager
def _admin(cluster: Cluster) -> Iterator[Any]:
    address = must_answer(cluster)
    try:
        client = KafkaAdminClient(**client_options(cluster, 10_000))
    except (KafkaError, OSError) as error:
        raise AdminError(f"Kafka at {address} takes connections but does not answer: {error!r}") from error
    try:
        yield client
    except KafkaError as error:
        raise AdminError(f"Kafka at {address} refuses: {error}") from error
    finally:
        client.close()


_HOW_TO_CREATE = "Create it: brain topics --create."
_HOW_TO_SET = "Set it as the catalogue has it: brain topics --repair."
_HOW_TO_COUNT = (
    "The count is part of the state: run with the count that is there, or take a new prefix and replay. "
    "Adding partitions would send known assets to other lanes."
)


def _create(admin: Any, topics: Sequence[Topic]) -> None:
    wanted = {t.name: {"num_partitions": t.partitions, "configs": t.settings()} for t in topics}
    answer = admin.create_topics(wanted, timeout_ms=_WAIT_MS, raise_errors=False)
    for topic in answer["topics"]:
        if topic["error_code"] not in {0, _EXISTS}:  # somebody else may have been quicker
            reason = topic.get("error_message") or for_code(topic["error_code"]).__name__
            raise AdminError(f"topic {topic['name']} cannot be created: {reason}")
    admin.wait_for_topics([t.name for t in topics], timeout_ms=_WAIT_MS)


def _compare(admin: Any, topics: Sequence[Topic], partitions: dict[str, int]) -> list[Difference]:
    if not topics:
        return []
    asked = [ConfigResource(ConfigResourceType.TOPIC, t.name, list(t.settings())) for t in topics]
    configs = admin.describe_configs(asked, config_filter="all").get("topic", {})
    out = []
    for t in topics:
        if partitions[t.name] != t.partitions:
            out.append(Difference(t.name, "partitions", str(t.partitions), str(partitions[t.name]), _HOW_TO_COUNT))
        for name, expected in t.settings().items():
            got = str(configs.get(t.name, {}).get(name, {}).get("value"))
            if _normal(got) != _normal(expected):
                out.append(Difference(t.name, name, expected, got, _HOW_TO_SET))
    return out


def _normal(value: str) -> list[str]:
    return sorted(part.strip() for part in value.split(","))


def _node_id(broker: Any) -> int:
    return int(broker.get("broker_id", broker.get("node_id", -1)))
