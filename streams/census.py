"""What a cluster says of itself, for those who look after it: topics, rights, offsets, groups, log directories.

Read only: nothing is created, and no group is joined. Every method raises LogError where the broker does not answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import CoordinatorNotAvailableError, GroupAuthorizationFailedError, KafkaError

from streams.admin import client_options, must_answer
from streams.log import LogError
from streams.records import TP

_UNKNOWN, _DENIED = 3, 29


@dataclass(frozen=True)
class PartitionSeen:
    """One partition; ``leader`` -1 where it has none."""

    number: int
    leader: int
    replicas: int
    in_sync: int


@dataclass(frozen=True)
class TopicSeen:
    """One topic; ``rights`` are the operations that we are allowed, such as Read. A denied one shows nothing else."""

    exists: bool
    denied: bool
    partitions: tuple[PartitionSeen, ...] = ()
    rights: frozenset[str] = frozenset()


@dataclass(frozen=True)
class GroupSeen:
    """A consumer group: its state, how many members, and what each partition's owner was given."""

    state: str
    members: int
    assigned: frozenset[TP]
    denied: bool = False


@dataclass(frozen=True)
class LogDir:
    """One directory of one broker: bytes of its volume (-1 where the broker is older than 3.3), bytes of partitions."""

    broker: int
    path: str
    total: int
    usable: int
    sizes: Mapping[TP, int]
    error: int = 0


class Census:
    """Asks one cluster. Use :func:`census`."""

    def __init__(self, address: str, admin: Any, consumer: Any) -> None:
        self.address, self._admin, self._consumer = address, admin, consumer

    def brokers(self) -> list[int]:
        """Ids of the brokers that are there."""
        with _told(self.address):
            found = self._admin.describe_cluster()["brokers"]
            return sorted(int(b["broker_id"]) for b in found if not b.get("is_fenced"))

    def topics(self, names: Sequence[str]) -> dict[str, TopicSeen]:
        """Each of these topics, whether it is there or not."""
        with _told(self.address):
            found = self._admin.describe_topics(list(names))
        out = {}
        for topic in found:
            partitions = tuple(
                PartitionSeen(
                    int(p["partition_index"]), int(p["leader_id"]), len(p["replica_nodes"]), len(p["isr_nodes"])
                )
                for p in sorted(topic["partitions"], key=lambda p: int(p["partition_index"]))
            )
            operations = topic.get("authorized_operations") or ()
            rights = frozenset(str(name).title().replace("_", "") for name in operations)
            code = int(topic["error_code"])
            out[str(topic["name"])] = TopicSeen(code != _UNKNOWN, code == _DENIED, partitions, rights)
        return out

    def configs(self, names: Sequence[str]) -> dict[str, dict[str, str]]:
        """Settings of topics in force; empty for one whose settings we may not see."""
        return self._configs(ConfigResourceType.TOPIC, names)

    def broker_config(self, broker: int) -> dict[str, str]:
        """Settings of a broker in force; empty where we may not see them."""
        return self._configs(ConfigResourceType.BROKER, [str(broker)]).get(str(broker), {})

    def _configs(self, kind: Any, names: Sequence[str]) -> dict[str, dict[str, str]]:
        if not names:
            return {}
        with _told(self.address):
            asked = [ConfigResource(kind, name) for name in names]
            found = self._admin.describe_configs(asked, config_filter="all").get(kind.name.lower(), {})
        return {
            name: {key: str(entry.get("value")) for key, entry in (found.get(name) or {}).items()} for name in names
        }

    def offsets(self, partitions: Collection[TP]) -> dict[TP, tuple[int, int]]:
        """First offset and end of partitions that are there and have a leader."""
        if not partitions:
            return {}
        asked = [TopicPartition(tp.topic, tp.partition) for tp in partitions]
        with _told(self.address):
            first, end = self._consumer.beginning_offsets(asked), self._consumer.end_offsets(asked)
        return {TP(tp.topic, tp.partition): (int(first[tp]), int(end[tp])) for tp in asked if tp in end}

    def since(self, partitions: Collection[TP], time_ms: int) -> dict[TP, int]:
        """Offset of the first record at or after a time; left out where there is none."""
        if not partitions:
            return {}
        with _told(self.address):
            found = self._consumer.offsets_for_times({TopicPartition(tp.topic, tp.partition): time_ms
                                                      for tp in partitions})  # fmt: skip
        return {TP(tp.topic, tp.partition): int(at.offset) for tp, at in found.items() if at is not None}

    def group(self, name: str) -> GroupSeen:
        """A group by its full name; one that never was has no members."""
        try:
            with _told(self.address):
                seen = self._admin.describe_groups([name])[name]
        except LogError as error:
            if isinstance(error.__cause__, GroupAuthorizationFailedError):
                return GroupSeen("", 0, frozenset(), denied=True)
            if isinstance(error.__cause__, CoordinatorNotAvailableError):  # no group has ever been on this cluster
                return GroupSeen("Dead", 0, frozenset())
            raise
        members = seen.get("members") or []
        assigned = {
            TP(str(part["topic"]), int(number))
            for member in members
            for part in ((member.get("member_assignment") or {}).get("assigned_partitions") or ())
            for number in part["partitions"]
        }
        return GroupSeen(str(seen.get("group_state") or ""), len(members), frozenset(assigned))

    def log_dirs(self) -> list[LogDir]:
        """Directories of all brokers; empty where we may not see them (Describe on the cluster)."""
        try:
            with _told(self.address):
                found = self._admin.describe_log_dirs()
        except IndexError:  # how this kafka-python reads an answer that has only an error
            return []
        out = []
        for broker in found:
            for one in broker["log_dirs"]:
                sizes = {
                    TP(str(topic["name"]), int(p["partition_index"])): int(p["partition_size"])
                    for topic in one["topics"]
                    for p in topic["partitions"]
                }
                total, usable = int(one.get("total_bytes", -1)), int(one.get("usable_bytes", -1))
                out.append(LogDir(broker["broker"], str(one["log_dir"]), total, usable, sizes, int(one["error_code"])))
        return out


@contextmanager
def census(address: str, timeout_s: float = 10.0) -> Iterator[Census]:
    """A census of the cluster at an address; ``timeout_s`` bounds each question. Raises LogError where none answers."""
    must_answer(address)
    timeout = int(timeout_s * 1000)
    with _told(address):
        admin = KafkaAdminClient(**client_options(address, timeout), request_timeout_ms=timeout)
    try:
        with _told(address):
            consumer = KafkaConsumer(
                **client_options(address, timeout), group_id=None, enable_auto_commit=False,
                allow_auto_create_topics=False, request_timeout_ms=timeout,
            )  # fmt: skip
        try:
            yield Census(address, admin, consumer)
        finally:
            consumer.close()
    finally:
        admin.close()


@contextmanager
def _told(address: str) -> Iterator[None]:
    try:
        yield
    except (KafkaError, OSError) as error:
        raise LogError(f"Kafka at {address}: {error!r}") from error
