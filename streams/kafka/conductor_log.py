"""The conductor's log on Kafka: the task log of ``pulse``, and copies of each pulse outside any transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer

from streams.kafka.connect import ERRORS, Cluster
from streams.kafka.task_log import KafkaTaskLog
from streams.log import Indefinite
from streams.records import Write

COPY_TIMEOUT_S = 5.0


class KafkaConductorLog(KafkaTaskLog):
    """Adds ``copy`` and ``sleep``; the copies go through an idempotent producer of their own."""

    def __init__(self, *args: Any, cluster: Cluster, **kwargs: Any) -> None:
        super().__init__(*args, cluster=cluster, **kwargs)
        self._settings = cluster.settings
        self._producer: AIOKafkaProducer | None = None

    async def copy(self, writes: Sequence[Write]) -> float:
        """Append all; answers the seconds until the last was acknowledged. Raises Indefinite."""
        begun = self.now()
        try:
            async with asyncio.timeout(COPY_TIMEOUT_S):
                if self._producer is None:
                    self._producer = AIOKafkaProducer(
                        bootstrap_servers=self._settings.bootstrap, enable_idempotence=True, **self._settings.options()
                    )
                    await self._producer.start()
                sent = [
                    await self._producer.send(
                        w.to.topic, w.value, w.key, partition=w.to.partition, headers=list(w.headers)
                    )
                    for w in writes
                ]
                await asyncio.gather(*sent)
        except ERRORS as error:
            await self._drop_producer()
            raise Indefinite(f"copies of a pulse: {error!r}") from error
        return self.now() - begun

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        """Close the producer of the copies."""
        await self._drop_producer()

    async def _drop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                async with asyncio.timeout(1.0):
                    await producer.stop()
            except ERRORS:
                return  # a producer that cannot say goodbye is gone all the same
