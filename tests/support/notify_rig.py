"""What the tests of notify share: a city that publishes, a file, a ledger in memory, and a post that is restarted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from city_rig import SET, parted, put_into

from brain.incidents import publish
from brain.incidents.city import CityLogic
from brain.incidents.value import Incident
from brain.notify.config import Config
from streams.records import CE_TYPE, SIGNAL_TYPE, Headers, Signal
from streams.tailing import Seen

T = 1_790_000_000_000
MINUTE = 60_000


def config(**more: Any) -> Config:
    """Targets duty and boss; life-safety goes to duty, the second step of its escalation to boss too."""
    given = {
        "version": 1, "language": "en", "targets": {"duty": {"adapter": "x"}, "boss": {"adapter": "x"}},
        "units": {"*": ["duty"]}, "rules": [{"life": True, "to": ["duty"]}, {"level": 3, "to": ["duty"]}],
        "escalation": [["duty"], ["duty", "boss"]], **more,
    }  # fmt: skip
    return Config.of(given)


def raised(kind: str, t: int, level: int = 1, asset: str = "a", **more: Any) -> Signal:
    return Signal(f"emergency.{kind}", asset, "raise", ("in", 0, t, 0), 0, t, 0, T + t, T + t, T + t, level=level,
                  lon=113.5, lat=22.2, grid="g", source="iot", life=kind == "fire", **more)  # fmt: skip


class City:
    """The real logic; ``seen`` is what its topics and those of the lanes have, in order of time."""

    def __init__(self) -> None:
        self.logic = CityLogic()
        self.logic.enter("s", SET)
        self.seen: list[Seen] = []

    def until(self, t: int) -> None:
        """Timers up to a time, a flush after each."""
        while (due := self.logic.due()) is not None and due <= T + t:
            self.logic.fire(due)
            self.flush(due)

    def give(self, signal: Signal, *, quietly: bool = False) -> None:
        """A lane's signal: life-safety to alarms at once (but ``quietly``), then to the incident."""
        if signal.life and not quietly and signal.kind != "clear":
            self.alarm(signal)
        self.until(signal.fold - T)
        self.logic.signal(signal)
        self.flush(signal.fold)

    def alarm(self, signal: Signal) -> None:
        """On the alarms topic."""
        headers: Headers = ((CE_TYPE, SIGNAL_TYPE),)
        key, value = signal.identity().encode(), msgspec.json.encode(signal)
        self.seen.append(Seen("alarms.in", 0, len(self.seen), signal.fold, key, value, headers))

    def flush(self, now: int) -> None:
        """What changed, onto the topics."""
        for topic, key, value, headers in parted(self.logic.changes())[1]:
            if topic.startswith("incidents."):
                self.seen.append(Seen(topic, 0, len(self.seen), now, key, value, headers))

    def change(self, change: Any) -> None:
        """As if people had done something: the newest record once more, changed."""
        value = next(s.value for s in reversed(self.seen) if s.topic.startswith("incidents.") and s.value)
        incident = msgspec.json.decode(value, type=Incident)
        change(incident)
        incident.revision += 1
        key, value = incident.id.encode(), publish.encode(incident)
        topic, headers = publish.topic(incident), publish.headers(incident)
        self.seen.append(Seen(topic, 0, len(self.seen), incident.updated, key, value, headers))


class Memory:
    """Implements ``brain.notify.ledger.Ledger``."""

    topic = "notify"

    def make(self) -> None:
        """Is there."""

    def __init__(self, items: Mapping[bytes, bytes] | None = None) -> None:
        self.items = dict(items or {})
        self.notes: list[dict[str, Any]] = []
        self.acks: list[tuple[bytes, bytes, Headers]] = []

    def load(self) -> dict[bytes, bytes]:
        return dict(self.items)

    def write(self, items: Mapping[bytes, bytes | None], notes: Sequence[Mapping[str, Any]]) -> None:
        self.notes += map(dict, notes)
        put_into(self.items, items)

    def feedback(self, key: bytes, value: bytes, headers: Headers) -> None:
        self.acks.append((key, value, headers))

    def told(self, what: str) -> list[dict[str, Any]]:
        return [note for note in self.notes if note["what"] == what]
