"""One of several processes does the work, the others stand by: leadership by a consumer group over one partition.

The group gives the partition to one member. It holds the lease as long as the broker has taken a commit of that
membership within the session's time, less a margin: a process that was paused, or cut off, knows by its own clock that
another may have taken over, before the broker gives the partition away.
"""

from __future__ import annotations

import math
import threading
import time
from types import TracebackType
from typing import Any, Self

from streams.log import LogError

SESSION_S = 10.0
"""The group gives the lease to another this long after it last heard of its holder."""
MARGIN_S = 2.0
RENEW_S = 1.0
LOOK_S = 0.2


class Lease:
    """Leadership among those who name the same topic and group; a context, held and renewed by a thread of its own.

    ``topic`` must exist: its partition 0 stands for the work, and nothing is read of it. Raises LogError where no
    broker answers.
    """

    def __init__(self, bootstrap: str, topic: str, group: str, session_s: float = SESSION_S) -> None:
        self._bootstrap, self._topic, self._group, self._session = bootstrap, topic, group, session_s
        self._until = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._guarded, name="lease", daemon=True)
        self.failure: LogError | None = None

    def __enter__(self) -> Self:
        self._consumer = self._connect()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._until = 0.0
        self._ended.set()
        self._thread.join(self._session)

    def held(self) -> bool:
        """Whether the work is ours at this moment. Raises LogError where the group refuses us for good."""
        if self.failure is not None:
            raise self.failure
        return time.monotonic() < self._until

    def wait(self, stop: threading.Event, seconds: float = math.inf) -> bool:
        """Whether the work became ours before ``stop`` was set, or so many seconds were over."""
        until = time.monotonic() + seconds
        while not self.held():
            if stop.wait(LOOK_S) or time.monotonic() >= until:
                return False
        return True

    def _connect(self) -> Any:
        from kafka import ConsumerRebalanceListener, KafkaConsumer
        from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
        from kafka.errors import KafkaError

        from streams.admin import client_options, must_answer

        lease = self

        class Given(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python ships no types
            """Told before the group gives the partition to another."""

            def on_partitions_revoked(self, revoked: Any) -> None:
                lease._until = 0.0

            def on_partitions_assigned(self, assigned: Any) -> None:
                """Confirmed by the next commit."""

        must_answer(self._bootstrap)
        try:
            consumer = KafkaConsumer(
                **client_options(self._bootstrap),
                group_id=self._group,
                enable_auto_commit=False,
                session_timeout_ms=int(self._session * 1000),
                heartbeat_interval_ms=int(self._session * 1000 / 5),
                max_poll_interval_ms=int(self._session * 1000),
                auto_offset_reset="latest",
                allow_auto_create_topics=False,
                partition_assignment_strategy=[CooperativeStickyAssignor],  # who leads goes on leading
            )
            consumer.subscribe([self._topic], listener=Given())
            return consumer
        except KafkaError as error:
            raise LogError(f"no Kafka answers at {self._bootstrap}: {error}") from error

    def _guarded(self) -> None:
        from kafka.errors import AuthorizationError, KafkaError

        try:
            while not self._ended.is_set():
                try:
                    self._renew()
                except AuthorizationError as error:
                    self.failure = LogError(f"group {self._group}: {error}; brain topics acl has the rights")
                    return
                except KafkaError:
                    self._ended.wait(RENEW_S)  # away, or the group changes: held() says so when the time is over
        finally:
            self._until = 0.0
            self._consumer.close()

    def _renew(self) -> None:
        """Take part in the group; when the partition is ours, have the broker confirm it."""
        from kafka import TopicPartition
        from kafka.structs import OffsetAndMetadata

        at = TopicPartition(self._topic, 0)
        self._consumer.poll(timeout_ms=int(RENEW_S * 1000))
        if at not in self._consumer.assignment():
            self._until = 0.0
            return
        self._consumer.pause(at)
        asked = time.monotonic()
        self._consumer.commit({at: OffsetAndMetadata(0, "", -1)}, timeout_ms=int(RENEW_S * 1000))
        if not self._ended.is_set():
            self._until = asked + self._session - MARGIN_S
        self._ended.wait(RENEW_S)
