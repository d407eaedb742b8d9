"""How to reach the cluster: settings, connections of our own, and who leads which partition."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from dataclasses import dataclass
from typing import Any, NamedTuple

from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection, collect_hosts, create_conn
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from streams.kafka.greet import greet
from streams.log import Indefinite, LogError
from streams.records import TP
from streams.security import security_of

ERRORS = (KafkaError, OSError, TimeoutError, ValueError, AssertionError)
"""What a request on a connection may end in; aiokafka raises the last two on answers it cannot read."""

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_BUFFER = 4 * 2**20


class Node(NamedTuple):
    """Address of one broker."""

    id: int
    host: str
    port: int


@dataclass(frozen=True)
class KafkaSettings:
    """Where the cluster is and how to speak to it.

    Users and TLS are bound to the address (``streams.security.Address``). ``request_timeout`` is in seconds, at most
    10: recovery must not wait longer for a dead broker.
    """

    bootstrap: str
    client_id: str = "city-brain"
    request_timeout: float = 5.0

    def __post_init__(self) -> None:
        if not 0 < self.request_timeout <= 10:
            raise ValueError(f"request_timeout: expected more than 0 and at most 10 s, got {self.request_timeout}")

    def options(self) -> dict[str, Any]:
        """Keyword arguments that aiokafka's connection, client, consumer and producer have in common."""
        return {
            "client_id": self.client_id,
            "request_timeout_ms": int(self.request_timeout * 1000),
            **security_of(self.bootstrap).options(),
        }


class Cluster:
    """Shared by all tasks of a worker: metadata of the cluster, and connections that belong to whoever asks."""

    def __init__(self, settings: KafkaSettings) -> None:
        self.settings = settings
        self._client: AIOKafkaClient | None = None

    @property
    def client(self) -> AIOKafkaClient:
        """aiokafka's client, for metadata; raises LogError before ``start``."""
        if self._client is None:
            raise LogError("the cluster is not started")
        return self._client

    async def start(self) -> None:
        """Read the cluster's metadata. Raises LogError when no broker of ``bootstrap`` answers."""
        self._client = await self.new_client()

    async def new_client(self, request_timeout: float | None = None) -> AIOKafkaClient:
        """A started client for the caller, who closes it. Raises LogError when no broker answers."""
        options = self.settings.options()
        if request_timeout is not None:
            options["request_timeout_ms"] = int(request_timeout * 1000)
        client = AIOKafkaClient(bootstrap_servers=self.settings.bootstrap, metadata_max_age_ms=60_000, **options)
        try:
            await client.bootstrap()
        except ERRORS as error:
            await client.close()
            await asyncio.to_thread(greet, self.settings.bootstrap)  # says what it is, where it can
            raise LogError(f"no broker answers at {self.settings.bootstrap}: {error}") from error
        return client

    async def stop(self) -> None:
        """Close the shared client."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()

    def leader(self, tp: TP) -> Node | None:
        """Leader as last heard, or None when not known."""
        metadata = self.client.cluster
        node = metadata.leader_for_partition(TopicPartition(tp.topic, tp.partition))
        broker = metadata.broker_metadata(node) if node is not None and node >= 0 else None
        return Node(broker.nodeId, broker.host, broker.port) if broker is not None else None

    async def refresh(self, *topics: str) -> None:
        """Ask for metadata again, these topics included. Never raises for a broker that is away."""
        for topic in topics:
            self.client.add_topic(topic)
        with contextlib.suppress(*ERRORS):
            await asyncio.wait_for(self.client.force_metadata_update(), self.settings.request_timeout)

    async def find_leader(self, tp: TP, wait: float | None = None) -> Node:
        """Leader of a partition; asks until one is known. Raises Indefinite after ``wait`` s (the request time-out)."""
        deadline = time.monotonic() + (self.settings.request_timeout if wait is None else wait)
        while (node := self.leader(tp)) is None:
            if time.monotonic() >= deadline:
                raise Indefinite(f"{tp}: no leader is known (is the topic there?)")
            await self.refresh(tp.topic)
            if self.leader(tp) is None:
                await asyncio.sleep(0.05)
        return node

    async def partitions(self, topic: str) -> int:
        """Number of partitions of a topic. Raises LogError when it does not exist."""
        if self.client.cluster.partitions_for_topic(topic) is None:
            await self.find_leader(TP(topic, 0))
        found = self.client.cluster.partitions_for_topic(topic)
        if not found:
            raise LogError(f"{topic}: no such topic")
        return len(found)

    def nodes(self) -> list[Node]:
        """Brokers as last heard; the bootstrap addresses (with id -1) when none were."""
        known = [Node(b.nodeId, b.host, b.port) for b in self.client.cluster.brokers()]
        return known or [Node(-1, host, port) for host, port, _ in collect_hosts(self.settings.bootstrap)]

    async def connect(self, host: str, port: int, *, timeout: float | None = None) -> AIOKafkaConnection:
        """A connection of the caller's own: nobody else sends on it. Raises one of ERRORS."""
        options = self.settings.options()
        if timeout is not None:
            options["request_timeout_ms"] = int(timeout * 1000)
        conn = await create_conn(host, port, **options)
        # The stream's default of 64 KiB would pause and resume the socket sixty times in one large answer.
        conn._reader._limit = _BUFFER
        return conn


def abort(conn: AIOKafkaConnection) -> None:
    """Close a socket at once: what is still in its buffers is thrown away, not sent. Never raises, never waits."""
    writer = conn._writer
    if writer is not None:
        sock = writer.transport.get_extra_info("socket")
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        writer.transport.abort()
    conn.close()
