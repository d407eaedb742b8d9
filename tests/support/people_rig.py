"""A city in which people act."""

from __future__ import annotations

from typing import Any

import msgspec
from console_rig import City

from brain.incidents.actions import Accepted, AnyAction, Place, read_action, subject
from streams.records import Notice, Signal

EPOCH = 1_718_000_000
"""Actions have times of this century; the cities here begin at it, in seconds."""


class Town(City):
    """A city in which people act; what they are told is in ``answers``."""

    @property
    def answers(self) -> list[dict[str, Any]]:
        return [note for note in self.audit if note["what"].startswith("feedback.")]

    def alarm(self, t: int, family: str, asset: str, at: float = 0.0, **more: Any) -> Signal:
        return self.raised(EPOCH + t, family, asset, at, **more)

    def over(self, t: int, signal: Signal) -> None:
        self.follow(EPOCH + t, signal)

    def now(self, t: float) -> None:
        self.until(round((EPOCH + t) * 1000))

    def act(self, t: float, do: str, incident: str = "", who: str = "op-1", role: str = "commander",
            place: Place | None = None, **more: Any) -> dict[str, Any]:  # fmt: skip
        """An action at ``t`` seconds; the last answer to it."""
        self.n += 1
        fold = round((EPOCH + t) * 1000)
        body = {"do": do, "id": more.pop("id", f"a{self.n}"), "t": fold, "by": {"id": who, "role": role}, **more}
        if incident:
            body["incident"] = incident
        action: AnyAction = read_action(msgspec.json.encode(body))
        self.until(fold)
        packed = msgspec.Raw(msgspec.json.encode(Accepted(action, place)))
        self.logic.notice(Notice("feedback", action.id, subject(action), action.t, self.n, 0, packed, fold))
        self.take()
        mine = [note for note in self.answers if note["id"] == action.id]
        return mine[-1] if mine else {"what": "waits"}

    def id(self, asset: str) -> str:
        return self.of(asset).id

    def open(self) -> dict[str, list[str]]:
        """Open incidents and their assets."""
        return {i.id: sorted(m.asset for m in i.members) for i in self.logic.incidents()}
