"""The tickets of a stretch in columns: what their texts say one by one, where they are, and what they are copies of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import structlog
from numpy.typing import NDArray

from brain.hotline import Reading
from brain.scenario import Scenario
from brain.sets import CitySet
from brain.ticket_texts import TicketTexts, callers_of
from geo.coords import F8
from models.text.copies import Copied
from models.text.place import Where
from models.text.topics import Heads
from streams.decode.tickets import Ticket
from streams.records import I4, I8

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ticket is: rectified position or None, the map's answer, grid number or below 0, and its grid's code.

    ``confidence``: that the position is right where the ticket's text gave it; None where the ticket states it.
    """

    lon: float | None
    lat: float | None
    answer: I4
    grid: int
    name: str
    confidence: float | None = None


@dataclass(slots=True)
class Read:
    """n admitted tickets, an entry each in every column.

    ``texts``: title and text. ``lon``, ``lat``: degrees, NaN unknown; ``confidence``: NaN where they came with the
    ticket. ``answer``: the map's. ``copied``, ``heads``: None where no scenario asks for copies, or for topics.
    """

    tickets: Sequence[Ticket]
    texts: list[str]
    t: I8
    callers: NDArray[np.uint64]
    reading: Reading
    lon: F8
    lat: F8
    confidence: F8
    answer: I4
    copied: Copied | None
    heads: Heads | None
    unread: list[bool]
    """Tickets that a model failed on; their columns say nothing, and their words count all the same."""

    def place(self, i: int, content: CitySet) -> Place:
        """Where ticket i is."""
        grid = int(self.answer[i, content.map.column])
        name = content.map.codes[grid] if grid >= 0 else ""
        if math.isnan(self.lon[i]):
            return Place(None, None, self.answer[i], grid, name)
        sure = None if math.isnan(self.confidence[i]) else float(self.confidence[i])
        return Place(float(self.lon[i]), float(self.lat[i]), self.answer[i], grid, name, sure)

    def phrase(self, i: int) -> str:
        """Place phrase of ticket i, with the areas that it names."""
        where = self.reading.where[i]
        return "".join(where.regions) + where.place


def read_tickets(
    tickets: Sequence[Ticket], content: CitySet, texts: TicketTexts, windows: I8 | None, topics: bool
) -> Read:
    """Columns of tickets that were admitted, in order; however they are cut, each gets the same entries.

    ``windows``: ms in which callers of a text are counted; None: copies are not looked for.
    """
    titles, bodies = [x.title for x in tickets], [x.text for x in tickets]
    if not tickets:  # most stretches, in quiet hours: a pulse a second costs nothing then
        windows, topics = None, False
    reading, unread = _reading(content, titles, bodies)
    t = np.array([x.t for x in tickets], np.int64)
    callers = callers_of([x.caller for x in tickets])
    lon = np.array([math.nan if x.lon is None else x.lon for x in tickets], np.float64)
    lat = np.array([math.nan if x.lat is None else x.lat for x in tickets], np.float64)
    places = [where.place for where in reading.where]
    made = Read(
        tickets, [f"{a}\n{b}" for a, b in zip(titles, bodies, strict=True)], t, callers, reading, lon, lat,
        np.full(len(tickets), np.nan), np.zeros((0, 0), np.int32),
        None if windows is None else texts.copies(t, callers, bodies, windows),
        texts.heads(titles, bodies, places) if topics else None, unread,
    )  # fmt: skip
    _look_up(made, content)
    made.answer = content.map.map.locate(lon, lat, t)
    return made


def _reading(content: CitySet, titles: list[str], bodies: list[str]) -> tuple[Reading, list[bool]]:
    """What the texts say; one that a model fails on says nothing, so that it never costs an alarm by its words."""
    try:
        return content.text.read(titles, bodies), [False] * len(titles)
    except Exception as error:  # noqa: BLE001  # a model is data that somebody trained: it may fail in any way
        if len(titles) == 1:
            log.error("a ticket's text could not be read", error=f"{type(error).__name__}: {error}"[:300])
            blank = Reading([""], [Where((), "", titles[0])], np.zeros(1, np.int32), np.full(1, np.nan))
            return blank, [True]
    parts = [_reading(content, [a], [b]) for a, b in zip(titles, bodies, strict=True)]
    return Reading(
        [one.category[0] for one, _ in parts], [one.where[0] for one, _ in parts],
        np.concatenate([one.urgency for one, _ in parts]), np.concatenate([one.mood for one, _ in parts]),
    ), [bad for _, (bad,) in parts]  # fmt: skip


def _look_up(read: Read, content: CitySet) -> None:
    """Positions of the tickets that state none: by their address, and where that is not sure by their place phrase."""
    if content.addresses is None:
        return
    for says in (lambda i: read.tickets[i].address, read.phrase):
        lost = [i for i in np.flatnonzero(np.isnan(read.lon)).tolist() if says(i)]
        if lost:
            read.lon[lost], read.lat[lost], read.confidence[lost] = content.addresses.place([says(i) for i in lost])


def matches(s: Scenario, read: Read, i: int) -> bool:
    """Whether ticket i is one that the scenario looks for."""
    m, text = s.match, read.texts[i]
    if m.words and not (all if s.detect.words == "all" else any)(word in text for word in m.words):
        return False
    if s.by_class() and read.reading.category[i] != m.kind:
        return False
    if m.urgency_from is not None and read.reading.urgency[i] < m.urgency_from:
        return False
    return m.mood_below is None or bool(read.reading.mood[i] < m.mood_below)
