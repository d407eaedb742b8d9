"""What tests of the city share: its state as the engine keeps it; a set of fire and flood with the demo's limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace

import msgspec

from brain.incidents.calendar import WorkCalendar
from brain.incidents.limits import Limits
from streams.logic import Change, Record

DEMO = Path(__file__).parents[2] / "config" / "demo"
LIMITS = Limits.load(DEMO / "limits.yaml", WorkCalendar.of(msgspec.yaml.decode((DEMO / "calendar.yaml").read_bytes())))
SET = SimpleNamespace(routes=None, limits=LIMITS, scenarios=[
    SimpleNamespace(id=f"emergency.{k}", version=1, name=k, domain="emergency", event_code=f"emergency.{k}.x",
                    life=k == "fire") for k in ("fire", "flood")
])  # fmt: skip


def put_into(state: dict[bytes, bytes], changes: Mapping[bytes, bytes | None]) -> None:
    """Apply what a logic hands over: values by key, None deletes."""
    for key, value in changes.items():
        state.pop(key, None)
        if value is not None:
            state[key] = value


def parted(changes: Iterable[Change]) -> tuple[dict[bytes, bytes | None], list[Record]]:
    """State and records of changes, each by itself."""
    items: dict[bytes, bytes | None] = {}
    records: list[Record] = []
    for topic, key, value, headers in changes:
        if topic is None:
            items[key] = value
        else:
            records.append((topic, key, value, headers))
    return items, records
