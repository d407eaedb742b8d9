"""Feedback on its way to incidents: what comes before its incident waits, and what became of each is told.

Composed by the city logic as its models of areas are: state is small keyed items, time is fold time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from brain.incidents import publish
from brain.incidents.actions import Accepted, kind_of
from brain.incidents.life import Done, Refused
from brain.incidents.value import Incident, Warning
from streams.records import Headers, Notice

KEY: Final = b"w/"
PATIENCE_MS: Final = 15_000
"""So long (fold time) feedback waits for its incident: it may be about a provisional alarm, that the city has not yet
made an incident of."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Notice).decode


class Waiting:
    """Feedback whose incident is not there yet, in the order in which it came."""

    def __init__(self) -> None:
        self._waiting: dict[int, Notice] = {}
        self._changed: dict[bytes, bytes | None] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def load(self, items: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
        """Take back what waited; answers the items that are not ours."""
        mine = {key: value for key, value in items.items() if key.startswith(KEY)}
        self._waiting = {int(key[len(KEY) :]): _decode(mine[key]) for key in sorted(mine)}
        self._changed = {}
        return {key: value for key, value in items.items() if key not in mine}

    def put(self, notice: Notice) -> None:
        """Let it wait."""
        number = next(reversed(self._waiting), -1) + 1
        self._waiting[number] = notice
        self._changed[_key(number)] = _encode(notice)

    def opened(self, incident: str) -> list[Notice]:
        """What waited for this incident, which is there now; it waits no longer."""
        return self._out([n for n, notice in self._waiting.items() if notice.key == incident])

    def due(self) -> int | None:
        """Fold time at which the first of them has waited long enough, or None."""
        if not self._waiting:
            return None
        return next(iter(self._waiting.values())).fold + PATIENCE_MS  # they came in fold order

    def fire(self, now: int) -> list[Notice]:
        """What has waited until ``now``: to be refused, the incident being unknown."""
        return self._out([n for n, notice in self._waiting.items() if notice.fold + PATIENCE_MS <= now])

    def changes(self) -> dict[bytes, bytes | None]:
        """State since the last call."""
        out, self._changed = self._changed, {}
        return out

    def _out(self, numbers: list[int]) -> list[Notice]:
        self._changed |= dict.fromkeys(map(_key, numbers))
        return [self._waiting.pop(n) for n in numbers]


def _key(number: int) -> bytes:
    return KEY + b"%012d" % number


class Told(msgspec.Struct):
    """What is told of a warning; its type is brain/contracts/warning.py."""

    id: str
    sender: str
    kind: str
    event: str
    colour: Warning
    onset: int
    expires: int | None = None
    drill: bool = False
    headline: str = ""


_told = msgspec.json.Decoder(Told).decode


def warned(notice: Notice) -> tuple[str, bytes, bytes, Headers]:
    """The record of an accepted warning on the audit topic."""
    note = {"what": "warning.accepted", "fold": notice.fold, **msgspec.structs.asdict(_told(notice.body))}
    return publish.noted(note)


def audit(
    accepted: Accepted, answer: Done | Refused, fold: int, incident: Incident | None
) -> tuple[str, bytes, bytes, Headers]:
    """The record of one action on the audit topic, done or refused: who, what, why. For ``CityLogic.changes``."""
    action = accepted.action
    note: dict[str, object] = {
        "what": "feedback.done" if isinstance(answer, Done) else "feedback.refused", "id": action.id,
        "do": kind_of(action), "incident": "" if incident is None else incident.id,
        "named": getattr(action, "incident", ""), "revision": 0 if incident is None else incident.revision,
        "by": action.by.id, "unit": action.by.unit, "role": action.by.role, "t": action.t, "fold": fold,
        "note": action.note,
    }  # fmt: skip
    if isinstance(answer, Done):
        note |= {"was": answer.was, "state": answer.state, "to": answer.act.to, "until": answer.act.until}
        note["proposed"] = answer.proposed
    else:
        note |= {"reason": answer.reason, "detail": answer.detail, "other": answer.by, "other_unit": answer.unit}
    return publish.noted(note)
