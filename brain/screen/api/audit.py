"""``GET /audit``: what everybody did of late, for the auditor: actions, refusals, looks at personal data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final

import msgspec
from litestar import Router, get

from brain.screen.access.gate import API
from brain.screen.access.rights import Right
from brain.screen.api.asked import Asked, Limit, Moment, operation, read
from brain.screen.api.bodies import problems_of
from brain.screen.heard import Heard, Note, Place
from brain.screen.language import Say
from brain.screen.problems import BAD, Problem

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_CURSOR: Final = re.compile(r"(\d{1,15})\.(\d{1,9})\.(\d{1,18})", re.ASCII)


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """Parameters of a page of notes; those left out let everything. Times are ms UTC, both ends included."""

    start: Moment | None = msgspec.field(default=None, name="from")
    to: Moment | None = None
    actor: Text | None = None
    incident: Text | None = None
    limit: Limit = 100
    cursor: Annotated[str, msgspec.Meta(pattern=r"^\d{1,15}\.\d{1,9}\.\d{1,18}$")] | None = None


class Item(msgspec.Struct):
    """A note as it was written, texts masked; ``t``: when the log took it, ms UTC; ``at``: its place there."""

    t: int
    at: str
    note: dict[str, Any]


class Page(msgspec.Struct):
    """The newest first; ``next``: where to go on, None at the end; ``since``: time of the oldest note that is kept."""

    items: list[Item]
    next: str | None
    since: int | None


def router(heard: Heard) -> Router:
    """The route over what was heard."""

    @get(
        "/audit", opt={"right": Right.AUDIT}, responses=problems_of(400, 401, 403, 429),
        operation_class=operation(Wanted), sync_to_thread=True,
    )  # fmt: skip
    def audit(request: Asked) -> Page:
        """Notes of the last hours, the newest first. What is older is on the topic: `brain tail audit`."""
        given = read(request, Wanted)
        below = None if given.cursor is None else _place(given.cursor)
        notes = heard.notes()
        chosen: list[Note] = []
        for note in notes:
            if (below is None or note.place < below) and _wanted(note, given):
                chosen.append(note)
                if len(chosen) > given.limit:
                    break
        more = len(chosen) > given.limit
        items = [Item(n.place[0], _text(n.place), n.said) for n in chosen[: given.limit]]
        return Page(items, items[-1].at if more else None, notes[-1].place[0] if notes else None)

    return Router(API, route_handlers=[audit])


def _wanted(note: Note, given: Wanted) -> bool:
    said, time = note.said, note.place[0]
    if (given.start is not None and time < given.start) or (given.to is not None and time > given.to):
        return False
    if given.actor is not None and said.get("by") != given.actor:
        return False
    return given.incident is None or any(given.incident in name for name in _about(said))


def _about(said: Mapping[str, Any]) -> Iterable[str]:
    """Incidents that a note names; of looks, the end of the path that was asked for."""
    listed = said.get("of")
    names = [said.get("incident"), said.get("named"), said.get("to"), *(listed if isinstance(listed, list) else ())]
    return [name for name in names if isinstance(name, str)]


def _text(place: Place) -> str:
    return ".".join(map(str, place))


def _place(cursor: str) -> Place:
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        expected = Say("上一页给出的 next", "the `next` of the page before")
        raise Problem(BAD, "cursor", expected, repr(cursor), Say("省略它从头开始", "leave it out to start anew"))
    return int(found[1]), int(found[2]), int(found[3])
