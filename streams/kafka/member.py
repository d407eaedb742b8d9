"""The group member that only decides who owns what: it never fetches and never commits offsets.

Ownership is enforced by transactional ids, not here; an assignment is who should try. It therefore stays as it is
during a rebalance, until the next one is known.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from typing import Any

from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.conn import CloseReason
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import KafkaError, RequestTimedOutError
from aiokafka.protocol.group import HeartbeatRequest, JoinGroupRequest, SyncGroupRequest
from aiokafka.structs import TopicPartition

from streams.kafka.connect import ERRORS, Cluster
from streams.log import Indefinite, LogError, NotOwner
from streams.records import TP

log = logging.getLogger(__name__)

_OK = 0
_JOIN_AGAIN = {22, 25, 27}
"""Answers to a heartbeat that mean: another generation is being made."""
_NEVER_MS = 10**12
"""aiokafka leaves the group when nothing was consumed for this long; this member never consumes."""
_PAUSE = 0.05


class Member(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Membership in one group for a set of topics, with the sticky assignor.

    ``changed`` is set at every new assignment (the waiter clears it); ``on_change`` is called with it and must return
    at once. A member that dies is noticed after ``session_timeout`` s.
    """

    def __init__(
        self,
        cluster: Cluster,
        group: str,
        topics: Collection[str],
        *,
        on_change: Callable[[frozenset[TP]], None] | None = None,
        session_timeout: float = 6.0,
        heartbeat: float = 1.0,
        rebalance_timeout: float = 10.0,
    ) -> None:
        self.assignment: frozenset[TP] = frozenset()
        self.changed = asyncio.Event()
        self.generation = -1
        """Grows with every assignment; -1 before the first."""
        self._cluster, self._group, self._topics = cluster, group, sorted(topics)
        self._on_change = on_change
        self._session_timeout, self._heartbeat = session_timeout, heartbeat
        self._rebalance_timeout = rebalance_timeout
        self._coordinator: GroupCoordinator | None = None
        self._client: AIOKafkaClient | None = None

    async def start(self) -> None:
        """Join; the first assignment comes later (see ``changed``). The cluster must be started.

        Raises Indefinite when a topic is not there.
        """
        for topic in self._topics:
            await self._cluster.partitions(topic)
        # Of its own, because a JoinGroup may take as long as the slowest member.
        self._client = client = await self._cluster.new_client(self._rebalance_timeout + 5)
        client.set_topics(self._topics)
        subscription = SubscriptionState()
        subscription.subscribe(topics=set(self._topics), listener=self)
        self._coordinator = _Coordinator(
            client,
            subscription,
            group_id=self._group,
            session_timeout_ms=int(self._session_timeout * 1000),
            heartbeat_interval_ms=int(self._heartbeat * 1000),
            rebalance_timeout_ms=int(self._rebalance_timeout * 1000),
            max_poll_interval_ms=_NEVER_MS,
            enable_auto_commit=False,
            assignors=(StickyPartitionAssignor,),
        )

    async def stop(self) -> None:
        """Leave the group, so that others get the partitions at once. Never raises."""
        coordinator, self._coordinator = self._coordinator, None
        if coordinator is not None:
            try:
                async with asyncio.timeout(self._cluster.settings.request_timeout):
                    await coordinator.close()
            except ERRORS as error:
                log.warning("leaving group %s failed: %r", self._group, error)
                for task in (coordinator._coordination_task, coordinator._heartbeat_task):
                    if task is not None:
                        task.cancel()
        client, self._client = self._client, None
        if client is not None:
            await client.close()
        self._set(frozenset())

    def check(self) -> None:
        """Raise LogError when membership has ended for good, for example for lack of permission."""
        if self._coordinator is not None:
            try:
                self._coordinator.check_errors()
            except KafkaError as error:
                raise LogError(f"group {self._group}: {error}") from error

    async def confirm(self, tp: TP, wait: float = 30.0) -> None:
        """Return once a heartbeat sent after this call was answered in a stable group that gives ``tp`` to us.

        Raises NotOwner when it is given to somebody else or the member has stopped, Indefinite when neither is known
        after ``wait`` s.
        """
        deadline = time.monotonic() + wait
        while True:
            coordinator = self._coordinator
            if coordinator is None:
                raise NotOwner(f"{tp}: not a member of group {self._group} any more")
            self.check()
            if await self._beat(coordinator):
                if tp in self.assignment:
                    return
                raise NotOwner(f"{tp}: group {self._group} gave it to another member")
            if time.monotonic() >= deadline:
                raise Indefinite(f"{tp}: group {self._group} has not confirmed it within {wait:g} s")
            await asyncio.sleep(_PAUSE)

    async def _beat(self, coordinator: GroupCoordinator) -> bool:
        """Whether the group is stable in the generation of our assignment, by a heartbeat of our own."""
        generation, member = coordinator.generation, coordinator.member_id
        if generation != self.generation or member == JoinGroupRequest.UNKNOWN_MEMBER_ID:
            return False
        if coordinator.coordinator_id is None:
            return False
        try:
            answer = await coordinator._send_req(HeartbeatRequest(self._group, generation, member))
        except ERRORS:
            return False
        if answer.error_code in _JOIN_AGAIN:
            # The coordinator's own heartbeat sees the same within a second and joins again; this makes it sooner.
            coordinator.request_rejoin()
        return bool(answer.error_code == _OK and generation == self.generation == coordinator.generation)

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Nothing: tasks work on until the next assignment is known."""

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Take the new assignment and say so; returns at once."""
        if self._coordinator is not None:
            self.generation = self._coordinator.generation
            self._set(frozenset(TP(t.topic, t.partition) for t in assigned))

    def _set(self, assignment: frozenset[TP]) -> None:
        self.assignment = assignment
        self.changed.set()
        if self._on_change is not None:
            self._on_change(assignment)


class _Coordinator(GroupCoordinator):  # type: ignore[misc]  # aiokafka has no types
    """aiokafka's, but only joining may take long: a heartbeat that is not answered in time is a dead connection."""

    async def _send_req(self, request: Any) -> Any:
        if isinstance(request, JoinGroupRequest | SyncGroupRequest):
            return await super()._send_req(request)
        node = self.coordinator_id
        try:
            async with asyncio.timeout(self._session_timeout_ms / 2000):
                return await super()._send_req(request)
        except TimeoutError as error:
            conn = self._client._conns.pop((node, ConnectionGroup.COORDINATION), None)
            if conn is not None:
                conn.close(reason=CloseReason.CONNECTION_TIMEOUT)
            self.coordinator_dead()
            raise RequestTimedOutError from error
