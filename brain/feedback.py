"""The lane of feedback: what people did, signed (signed.py), each once, in the order of the log.

Texts are masked here, before anything else sees them.
"""

from __future__ import annotations

import bisect
import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import numpy as np

from brain.incidents.actions import Accepted, AnyAction, Create, Place, kind_of, read_action, subject
from brain.placing import answer_at
from brain.sets import CitySet
from brain.signed import SIGNATURE, genuine
from geo.coords import crs_code, to_wgs84
from streams.decode.payload import Refused
from streams.logic import Output, View
from streams.private import shown_text
from streams.records import TP, Dead, Notice, Reason, Stage
from streams.state import Store

OWNER: Final = "brain.feedback@1"
SEEN_STATE: Final = np.dtype([("id", "u8"), ("body", "u8")])
METER_STATE: Final = np.dtype([("actions", "i8")])
REMEMBERED: Final = 4096
"""Actions among which a repeat is recognised. One that is repeated later is refused as late, unless so many came in
less than a day: then its state refuses most of them."""
FUTURE_MS: Final = 300_000
LATE_MS: Final = 24 * 3_600_000
"""A phone without network may send late; what is older than this says nothing about now."""

_json = msgspec.json.Encoder().encode


class FeedbackLane:
    """Feedback to notices. State: the last actions by id, as hashes."""

    owner = OWNER
    tables: Mapping[str, np.dtype[Any]] = {"seen": SEEN_STATE, "meter": METER_STATE}

    def __init__(self, key: bytes) -> None:
        """``key``: 1 to 64 bytes; what is signed with another is refused. Raises ValueError."""
        if not 1 <= len(key) <= 64:
            raise ValueError(f"feedback: expected a key of 1 to 64 bytes, got {len(key)}: anybody could act")
        self.key = key

    def bind(self, store: Store, source: TP, partitions: int) -> None:
        """Keep the tables and who we are."""
        self.store, self.at = store, source

    def enter(self, set_id: str, content: CitySet) -> None:
        """Take the map of a set."""
        self.content = content

    def process(self, view: View) -> Output:
        """Each record by itself; beats bring nothing about."""
        out = Output()
        for row, pulse in zip(view.rows.tolist(), view.pulse.tolist(), strict=True):
            action: AnyAction | None = None
            try:
                value = self._genuine(view, row)
                action = read_action(value)
                notice = self._notice(action, int(view.batch.offsets[row]))
                if self._admit(action, pulse):
                    out.notices.append(notice)
                    _count(out, f"feedback_{kind_of(action)}")
                else:
                    _count(out, "repeated")
            except Refused as refused:
                late = refused.reason in {Reason.FUTURE, Reason.LATE, Reason.CONFLICT}
                stage = Stage.SCORE if late else Stage.DECODE
                if action is None:  # then it may quote what came
                    refused.detail = shown_text(refused.detail)
                out.dead.append(Dead(row, 0, stage, refused.reason, refused.detail))
                out.audits.append(("feedback.dead", self._told(action, refused, int(view.batch.offsets[row]))))
        return out

    def _genuine(self, view: View, row: int) -> bytes | None:
        """The payload, whose keyed hash holds. Raises Refused."""
        value, signature = view.batch.value(row), view.batch.header(row, SIGNATURE)
        if signature is None:
            raise Refused(Reason.FORGED_ACTOR, f"no header {SIGNATURE}: send it by the API or `brain feedback`")
        if not genuine(value, signature, self.key):
            raise Refused(Reason.FORGED_ACTOR, "keyed hash does not hold")
        return value

    def _admit(self, action: AnyAction, pulse: int) -> bool:
        """Whether it is new. Raises Refused for one out of its time, and for another under the same id."""
        if action.t > pulse + FUTURE_MS:
            raise Refused(Reason.FUTURE, f"{action.t} is over {FUTURE_MS // 1000} s ahead of the clock")
        if action.t < pulse - LATE_MS:
            raise Refused(Reason.LATE, f"{action.t} is over {LATE_MS // 3_600_000} h behind the clock")
        mine, body = np.uint64(_hash(action.id.encode())), np.uint64(_hash(_json(action)))
        table, meter = self.store.table("seen"), self.store.table("meter")
        found = np.flatnonzero(table.rows["id"][: table.n] == mine)
        if len(found):
            if table.rows["body"][found[0]] == body:
                return False
            raise Refused(Reason.CONFLICT, f"action {action.id}: came before with other content")
        slot = meter.slot(b"n")
        number = int(meter.rows["actions"][slot])
        meter.rows["actions"][slot] = number + 1
        meter.dirty[slot] = 1
        slot = table.slot(f"{number % REMEMBERED}".encode())
        table.rows[slot] = (mine, body)
        table.dirty[slot] = 1
        return True

    def _notice(self, action: AnyAction, offset: int) -> Notice:
        place = self._place(action) if isinstance(action, Create) else None
        body = msgspec.Raw(_json(Accepted(action, place)))
        return Notice("feedback", action.id, subject(action), action.t, offset, 0, body)

    def _place(self, action: Create) -> Place:
        """Where it is by the map: of its position, else of its grid. Raises Refused for a grid that the map lacks."""
        known = self.content.map
        if action.lon is not None and action.lat is not None:
            x, y = np.array([action.lon]), np.array([action.lat])
            lon, lat = (float(side[0]) for side in to_wgs84(x, y, np.array([crs_code(action.crs)], np.int8)))
            return Place(lon, lat, *known.where(answer_at(self.content, lon, lat, action.t)), known.version)
        if not action.grid:
            return Place(map=known.version)
        number = bisect.bisect_left(known.codes, action.grid)
        if number == len(known.codes) or known.codes[number] != action.grid:
            raise Refused(Reason.BAD_POSITION, f"grid: the map has no {action.grid}")
        return Place(None, None, action.grid, known.towns[number], known.districts[number], map=known.version)

    def _told(self, action: AnyAction | None, refused: Refused, offset: int) -> dict[str, Any]:
        """For the audit topic. Nothing of a record whose sender or form is in doubt but where it lies."""
        said: dict[str, Any] = {"offset": offset, "reason": refused.reason, "detail": refused.detail}
        if action is not None:
            said |= {"id": action.id, "do": kind_of(action), "named": subject(action), "t": action.t}
            said |= {"by": action.by.id, "unit": action.by.unit, "role": action.by.role}
        return said


def _count(out: Output, name: str) -> None:
    out.counts[name] = out.counts.get(name, 0) + 1


def _hash(data: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")
