"""Where messages are kept: a compacted topic of their own, and the audit topic, which is written first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from streams import admin
from streams.produce import Appender
from streams.records import AUDIT_TYPE, CE_TYPE, TP, Headers
from streams.seal import TOOL_KEY
from streams.tailing import snapshot
from streams.topics import Topic

TOPIC: Final = Topic(
    "notify", 1, "compact", -1, {"segment.ms": "600000", "segment.bytes": str(32 * 2**20)}
)  # fmt: skip
_json = msgspec.json.Encoder().encode


class Ledger(Protocol):
    """What the process needs of it."""

    def load(self) -> Mapping[bytes, bytes]:
        """Newest value of each key."""
        ...

    def write(self, items: Mapping[bytes, bytes | None], notes: Sequence[Mapping[str, Any]]) -> None:
        """Audit notes, then items, None deleting one; returns when all of it is there. Raises LogError."""
        ...

    def feedback(self, key: bytes, value: bytes, headers: Headers) -> None:
        """One record of feedback. Raises LogError."""
        ...


class KafkaLedger:
    """Implements :class:`Ledger`. ``appender`` stays its owner's to close; a ``drill`` has a topic of its own."""

    def __init__(self, bootstrap: str, prefix: str, appender: Appender, *, drill: bool = False) -> None:
        self._bootstrap, self._prefix, self._appender = bootstrap, prefix, appender
        self.topic = prefix + TOPIC.name + (".drill" if drill else "")

    def make(self) -> None:
        """Create the topic where it is missing. Raises LogError, also where the topic is another than it should be."""
        wanted = Topic(self.topic, 1, TOPIC.cleanup, TOPIC.retention_ms, TOPIC.config)
        if differ := admin.ensure(self._bootstrap, [wanted]):
            raise admin.AdminError("; ".join(map(str, differ)))

    def load(self) -> dict[bytes, bytes]:
        """As the port says; :meth:`make` first. Raises LogError."""
        out: dict[bytes, bytes] = {}
        for _, _, _, key, value, _ in snapshot(self._bootstrap, [TP(self.topic, 0)]):
            out.pop(key or b"", None)
            if value is not None:
                out[key or b""] = value
        return out

    def write(self, items: Mapping[bytes, bytes | None], notes: Sequence[Mapping[str, Any]]) -> None:
        """As the port says. Notes have the key of tools: no lane's seal covers them."""
        headers: Headers = ((CE_TYPE, AUDIT_TYPE),)
        if notes:
            self._appender.append(TP(self._prefix + "audit", 0), [(TOOL_KEY, _json(n), headers) for n in notes])
        if items:
            self._appender.append(TP(self.topic, 0), [(key, value, ()) for key, value in items.items()])

    def feedback(self, key: bytes, value: bytes, headers: Headers) -> None:
        """As the port says."""
        self._appender.append(TP(self._prefix + "feedback", 0), [(key, value, headers)])
