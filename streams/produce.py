"""Sending to the input topics: what a device gateway, a drill or a feed of recorded data uses. At least once."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from types import TracebackType
from typing import Any, Self

from kafka import KafkaProducer
from kafka.errors import KafkaError

from streams.log import LogError
from streams.records import TP, Headers


class _Context:
    """A producer that is closed at the end of a ``with``."""

    _producer: Any

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._producer.close(timeout=5)


class Sender(_Context):
    """A producer whose partition is murmur2 of the key, as the input contract wants it. Use it as a context.

    A record that the broker refuses is never passed over: the next ``send`` or ``flush`` says so. Raises LogError where
    no broker answers.
    """

    def __init__(self, bootstrap: str, partitions: dict[str, int], prefix: str = "", linger_ms: int = 5) -> None:
        from streams.admin import client_options, must_answer
        from streams.partition import partition_of  # a kernel, which who names the partition does not wait for

        must_answer(bootstrap)
        self._partition_of = partition_of
        self._bootstrap, self._partitions, self._prefix = bootstrap, partitions, prefix
        self._sent, self._lost, self._why = 0, 0, ""
        self._producer = KafkaProducer(
            **client_options(bootstrap), linger_ms=linger_ms, acks="all", max_request_size=3 * 1024 * 1024
        )

    def send(self, topic: str, key: bytes, value: bytes) -> None:
        """Queue one record. Raises LogError where it, or one before it, was refused."""
        self._all_taken()
        to = TP(self._prefix + topic, self._partition_of(key, self._partitions[topic]))
        self._sent += 1
        try:
            sent = self._producer.send(to.topic, value=value, key=key, partition=to.partition)
        except KafkaError as error:
            self._refused(to, error)
            self._all_taken()
        else:
            sent.add_errback(partial(self._refused, to))

    def flush(self) -> None:
        """Return when every record is acknowledged. Raises LogError where one is not: send again from there."""
        self._producer.flush()
        self._all_taken()

    def _refused(self, to: TP, error: BaseException) -> None:
        self._why = self._why or f"{to}: {error!r}"
        self._lost += 1

    def _all_taken(self) -> None:
        if self._lost:
            raise LogError(
                f"{self._bootstrap} did not take {self._lost} of {self._sent} records, first {self._why}; expected an "
                "acknowledgement of each. `brain doctor` looks for the cause; then send all "
                "again: what came twice counts once"
            )


class Appender(_Context):
    """A producer for records that must be there before one goes on; keeps its connection. Use it as a context.

    Raises LogError where no broker answers.
    """

    def __init__(self, bootstrap: str, wait: float = 10.0) -> None:
        from streams.admin import client_options, must_answer

        must_answer(bootstrap)
        self._bootstrap, self._wait = bootstrap, wait
        self._producer = KafkaProducer(
            **client_options(bootstrap), acks="all", allow_auto_create_topics=False,
            max_in_flight_requests_per_connection=1,
        )  # fmt: skip

    def append(self, tp: TP, records: Iterable[tuple[bytes, bytes | None, Headers]]) -> list[int]:
        """Append (key, value, headers) in their order and return when each is acknowledged; their offsets.

        Raises
        ------
        LogError
            Not taken in time: the first of them may be there.
        """
        try:
            sent = [self._producer.send(tp.topic, v, k, list(h), tp.partition) for k, v, h in records]
            return [int(future.get(self._wait).offset) for future in sent]
        except KafkaError as error:
            raise LogError(f"{tp} at {self._bootstrap} takes nothing: {error!r}") from error


def send_one(bootstrap: str, topic: str, partition: int, key: bytes, value: bytes, wait: float = 10.0) -> int:
    """Send one record and wait until it is acknowledged; its offset. Raises LogError."""
    return send_all(bootstrap, TP(topic, partition), [(key, value)], wait)[0]


def send_all(
    bootstrap: str, tp: TP, records: Iterable[tuple[bytes, bytes | None]], wait: float = 30.0, headers: Headers = ()
) -> list[int]:
    """Append records to one partition in their order and wait until each is acknowledged; their offsets.

    ``headers`` are those of every record.

    Raises
    ------
    LogError
        No broker, no such topic, or not taken within ``wait`` seconds; the first of the records may be there then.
    """
    with Appender(bootstrap, wait) as to:
        return to.append(tp, ((key, value, headers) for key, value in records))
