"""12345 hotline tickets 热线工单: strict fields, and personal data masked before anything else sees the text."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import msgspec
import numpy as np

from streams.decode.columns import EARLIEST_MS, LATEST_MS, bad_position
from streams.decode.mask import mask, mask_parts
from streams.decode.payload import READING_LIMIT, Refused, moment, need, number, parse, text_of
from streams.records import I4, Batch, Dead, Reason, Stage


class Ticket(msgspec.Struct):
    """One ticket with its texts masked. ``t`` is ms UTC; ``caller`` is an opaque hash; position in degrees or None."""

    row: int
    id: str
    t: int
    title: str
    text: str
    address: str
    district: str
    lon: float | None
    lat: float | None
    caller: str


def decode_tickets(batch: Batch, rows: I4) -> tuple[list[Ticket], list[Dead]]:
    """All good tickets and a dead letter for each bad record, in row order."""
    tickets: list[Ticket] = []
    dead: list[Dead] = []
    for row in rows.tolist():
        try:
            tickets.append(_ticket(row, parse(batch.value(row), READING_LIMIT)))
        except Refused as refused:
            dead.append(Dead(row, 0, Stage.DECODE, refused.reason, refused.detail))
    return tickets, dead


def _ticket(row: int, d: Any) -> Ticket:
    if not isinstance(d, dict):
        raise Refused(Reason.NOT_AN_OBJECT, f"expected an object, got {type(d).__name__}")
    t = _time(need(d, "t"))
    lon = None if d.get("lon") is None else number("lon", d["lon"])
    lat = None if d.get("lat") is None else number("lat", d["lat"])
    pair = np.array([math.nan if x is None else x for x in (lon, lat)])
    if bad_position(pair[:1], pair[1:])[0]:
        raise Refused(Reason.BAD_POSITION, f"expected lon in [-180, 180] with lat in [-90, 90], got {lon}, {lat}")
    name = text_of(d, "id")
    title, text, address = mask_parts((text_of(d, "title", ""), text_of(d, "text"), text_of(d, "address", "")))
    district, caller = text_of(d, "district", ""), _opaque(text_of(d, "caller", ""))
    ticket = Ticket(row, name, t, title, text, address, district, lon, lat, caller)
    if not EARLIEST_MS <= t <= LATEST_MS:
        raise Refused(Reason.ABSURD_TIME, f"t: expected ms between 2000 and 2100, got {mask(str(t))}")
    return ticket


def _time(found: Any) -> int:
    """Ms UTC. What is no time is not quoted: people's numbers and names come in any field."""
    try:
        return moment("t", found)
    except Refused as refused:
        if isinstance(found, str):
            raise Refused(refused.reason, "t: expected ms or RFC 3339 with its zone, got another text") from None
        raise Refused(refused.reason, mask(refused.detail)) from None


def _opaque(caller: str) -> str:
    """The caller's hash as it came; where a producer put a phone number or a name there, a hash of that."""
    if mask(caller) == caller:
        return caller
    return hashlib.blake2b(caller.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
