"""What a topic is called: words, place, class and urgency of its tickets, in one row a topic of the lane's tables."""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

import numpy as np

from brain.sets import CitySet
from brain.ticket_read import Read
from brain.ticket_texts import TOPIC
from models.text.topics import Sorted
from streams.state import Store

ISSUE = "topic.issue"
ISSUE_STATE = np.dtype(
    [
        ("id", "i8"), ("like", "f8"), ("lon", "f8"), ("lat", "f8"), ("placed", "i8"), ("there", "i8"), ("lead", "i8"),
        ("classed", "i8"), ("alike", "i8"), ("ahead", "i8"), ("urgency", "i8"), ("cell", "S48"), ("category", "S96"),
        ("words", "S240"), ("place", "S120"),
    ]
)  # fmt: skip
"""Beside the topic of the same row. ``id`` is the topic's and 1; texts are UTF-8, cut to their room."""
CLAUSE = re.compile(r"[。！？；!?;\r\n]")


class Issue(NamedTuple):
    """A topic in words: those of the ticket that is most like it, and what most of its tickets share.

    ``category``, ``cell`` (grid, else district, as tickets say) are "" where no majority has one; ``lon``, ``lat`` are
    those of the last ticket of that cell, None where it states none. ``urgency``: the highest of its tickets.
    """

    words: str
    place: str
    category: str
    urgency: int
    cell: str
    lon: float | None
    lat: float | None


class Issues:
    """Keeps and tells what topics are called. Texts must be masked before.

    Majorities are counted by the vote of Boyer and Moore: one that came late may be told as none.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    def learn(self, read: Read, begin: int, found: Sorted, content: CitySet) -> None:
        """Tickets from ``begin`` on went to those topics."""
        table = self.store.table(ISSUE)
        table.slots(self.store.table(TOPIC).keys[table.n :])
        for i, (k, id_, like) in enumerate(
            zip(found.slot.tolist(), found.id.tolist(), found.similarity.tolist(), strict=True), begin
        ):
            row = table.rows[k]
            if row["id"] != id_ + 1:
                table.rows[k] = np.zeros((), ISSUE_STATE)
                row["id"] = id_ + 1
            if row["words"] == b"" or like > row["like"]:
                row["like"], row["words"], row["place"] = like, _cut(_said(read, i), 240), _cut(read.phrase(i), 120)
            row["urgency"] = max(int(row["urgency"]), int(read.reading.urgency[i]))
            _vote(row, "category", _cut(read.reading.category[i], 96), ("classed", "alike", "ahead"))
            place = read.place(i, content)
            cell = _cut(place.name or read.tickets[i].district, 48)
            _vote(row, "cell", cell, ("placed", "there", "lead"))
            if cell and row["cell"] == cell:
                row["lon"], row["lat"] = read.lon[i], read.lat[i]
            table.dirty[k] = 1

    def of(self, slot: int) -> Issue:
        """The topic of a row."""
        row = self.store.table(ISSUE).rows[slot]
        there = 2 * int(row["there"]) > int(row["placed"])
        known = there and not math.isnan(row["lon"])
        return Issue(
            _text(row["words"]), _text(row["place"]),
            _text(row["category"]) if 2 * int(row["alike"]) > int(row["classed"]) else "", int(row["urgency"]),
            _text(row["cell"]) if there else "", float(row["lon"]) if known else None,
            float(row["lat"]) if known else None,
        )  # fmt: skip


def _said(read: Read, i: int) -> str:
    """What the ticket is about, in few words: its title without the place, else its first sentence."""
    ticket = read.tickets[i]
    text = read.reading.where[i].what or ticket.title
    return text.strip() or next((part.strip() for part in CLAUSE.split(ticket.text[:400]) if part.strip()), "")


def _vote(row: Any, name: str, value: bytes, counts: tuple[str, str, str]) -> None:
    """One more value, b"" being none: all there were, those equal to the leading one since it leads, its lead."""
    if not value:
        return
    every, same, lead = counts
    row[every] += 1
    if row[name] == value:
        row[same] += 1
        row[lead] += 1
    elif row[lead] == 0:
        row[name], row[same], row[lead] = value, 1, 1
    else:
        row[lead] -= 1


def _cut(text: str, room: int) -> bytes:
    """UTF-8 of at most so many bytes, cut between characters."""
    raw = text.encode("utf-8", "replace")[:room]
    return raw.decode("utf-8", "ignore").encode().rstrip(b"\0")


def _text(raw: bytes) -> str:
    return bytes(raw).decode("utf-8", "replace")
