"""The lane of official warnings 预警信息: CAP messages in, notices of those that concern this city out, each once.

What a message says and where it belongs is :func:`brain.contracts.cap.read_cap`'s to find. Whoever may write to the
topic is believed: CAP as it comes from platforms carries no signature that could be checked here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import numpy as np

from brain.contracts.cap import read_cap
from brain.contracts.places import MapLookup
from brain.contracts.warning import OfficialWarning, WarningReason
from brain.sets import CitySet
from streams.logic import Output, View
from streams.records import TP, Dead, Notice, Reason, Stage
from streams.state import Store

TOPIC: Final = "warnings"
OWNER: Final = "brain.warnings@1"
SEEN_STATE: Final = np.dtype([("id", "u8"), ("body", "u8")])
METER_STATE: Final = np.dtype([("warnings", "i8")])
REMEMBERED: Final = 2048
"""Messages among which a repeat is recognised."""
FUTURE_MS: Final = 300_000
LATE_MS: Final = 7 * 86_400_000
"""A warning without an end that was sent longer ago than this says nothing about now."""
NOT_OURS: Final[Mapping[WarningReason, str]] = {
    WarningReason.ELSEWHERE: "warning_elsewhere", WarningReason.NO_WARNING: "warning_no_warning",
}  # fmt: skip
"""Sound messages that are not for this city, or no warnings: counted, and no dead letters."""
REASONS: Final[Mapping[WarningReason, Reason]] = {
    WarningReason.EMPTY: Reason.EMPTY, WarningReason.TOO_LARGE: Reason.TOO_LARGE,
    WarningReason.BAD_ENCODING: Reason.NOT_UTF8, WarningReason.NOT_XML: Reason.NOT_XML,
    WarningReason.FORBIDDEN_XML: Reason.FORBIDDEN_XML, WarningReason.NOT_CAP: Reason.NOT_CAP,
    WarningReason.BAD_FORM: Reason.BAD_FORM, WarningReason.BAD_TIME: Reason.ABSURD_TIME,
    WarningReason.BAD_POSITION: Reason.BAD_POSITION, WarningReason.SWAPPED_POSITION: Reason.SWAPPED_POSITION,
    WarningReason.NO_AREA: Reason.NO_AREA,
}  # fmt: skip

REPEATED: Final = (Reason.CONFLICT, "")
"""Of a message that is in already, byte for byte: nothing happens."""

_json = msgspec.json.Encoder().encode


class WarningsLane:
    """CAP to notices. State: the last messages by id, as hashes."""

    owner = OWNER
    tables: Mapping[str, np.dtype[Any]] = {"seen": SEEN_STATE, "meter": METER_STATE}

    def __init__(self) -> None:
        self._map: Any = None

    def bind(self, store: Store, source: TP, partitions: int) -> None:
        """Keep the tables and who we are."""
        self.store, self.at = store, source

    def enter(self, set_id: str, content: CitySet) -> None:
        """Take the map of a set; its codes are worked out once a map."""
        if content.map is not self._map:
            self._map, self.lookup = content.map, MapLookup(content.map)

    def process(self, view: View) -> Output:
        """Each message by itself; beats bring nothing about."""
        out = Output()
        for row, pulse in zip(view.rows.tolist(), view.pulse.tolist(), strict=True):
            offset, found = int(view.batch.offsets[row]), read_cap(view.batch.value(row), self.lookup)
            if isinstance(found, OfficialWarning):
                refused = self._late(found, pulse) or self._seen(found)
                if refused is None:
                    body = msgspec.Raw(_json(found))
                    out.notices.append(Notice("warning", found.id, found.id, found.sent, offset, 0, body))
                    _count(out, f"warning_{found.kind}")
                elif refused is REPEATED:
                    _count(out, "repeated")
                else:
                    out.dead.append(Dead(row, 0, Stage.SCORE, *refused))
                    told = {"id": found.id, "event": found.event, "colour": found.colour, "t": found.sent}
                    out.audits.append(("warning.dead", {"offset": offset, **_why(*refused), **told}))
            elif found.reason in NOT_OURS:
                _count(out, NOT_OURS[found.reason])
            else:
                out.dead.append(Dead(row, 0, Stage.DECODE, REASONS[found.reason], found.detail))
                out.audits.append(("warning.dead", {"offset": offset, **_why(REASONS[found.reason], found.detail)}))
        return out

    def _late(self, found: OfficialWarning, pulse: int) -> tuple[Reason, str] | None:
        if found.sent > pulse + FUTURE_MS:
            return Reason.FUTURE, f"{found.id}: sent over {FUTURE_MS // 1000} s ahead of the clock"
        if found.expires is not None and found.expires <= pulse:
            return Reason.LATE, f"{found.id}: it had ended before it came"
        if found.expires is None and found.sent < pulse - LATE_MS:
            return Reason.LATE, f"{found.id}: sent over {LATE_MS // 86_400_000} days ago, and without an end"
        return None

    def _seen(self, found: OfficialWarning) -> tuple[Reason, str] | None:
        """None for a message that is new, and from now on is known."""
        mine, body = np.uint64(_hash(f"{found.sender}|{found.id}".encode())), np.uint64(_hash(_json(found)))
        table, meter = self.store.table("seen"), self.store.table("meter")
        at = np.flatnonzero(table.rows["id"][: table.n] == mine)
        if len(at):
            if table.rows["body"][at[0]] == body:
                return REPEATED
            return Reason.CONFLICT, f"{found.id}: came before with other content"
        slot = meter.slot(b"n")
        number = int(meter.rows["warnings"][slot])
        meter.rows["warnings"][slot] = number + 1
        meter.dirty[slot] = 1
        slot = table.slot(f"{number % REMEMBERED}".encode())
        table.rows[slot] = (mine, body)
        table.dirty[slot] = 1
        return None


def _why(reason: Reason, detail: str) -> dict[str, Any]:
    return {"reason": reason, "detail": detail}


def _count(out: Output, name: str) -> None:
    out.counts[name] = out.counts.get(name, 0) + 1


def _hash(data: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")
