"""Acknowledgements of receivers as feedback: an action ``acknowledge``, signed, the same however often it is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from brain.incidents.actions import Role, read_action
from brain.notify.config import Config
from brain.notify.post import Entry
from brain.signed import sign
from streams.decode.payload import Refused
from streams.records import Headers

_LETTERS = str.maketrans("0123456789abcdef", "ghijklmnopabcdef")
_json = msgspec.json.Encoder().encode


def acknowledge(config: Config, key: bytes) -> Callable[[Entry], tuple[bytes, bytes, Headers]]:
    """Makes the record (key, value, headers) of an entry that has an acknowledgement and an incident.

    Who acts does so as a responder of the target's ``unit``; where it has none, as an operator. ``key`` signs. What it
    answers raises ValueError where the lane of feedback would not take it.
    """

    def make(entry: Entry) -> tuple[bytes, bytes, Headers]:
        if entry.ack is None:
            raise ValueError("no acknowledgement")
        target = config.targets.get(entry.target)
        unit = target.unit if target else ""
        body: dict[str, Any] = {
            # In letters: a run of digits could be taken for a number of a person and masked.
            "do": "acknowledge", "id": entry.id.translate(_LETTERS), "t": entry.acked, "incident": entry.incident,
            "by": {"id": entry.ack.by, "role": (Role.RESPONDER if unit else Role.OPERATOR).value, "unit": unit},
        }  # fmt: skip
        if entry.ack.until is not None:
            body["until"] = entry.ack.until
        value = _json(body)
        try:
            read_action(value)
        except Refused as refused:
            raise ValueError(refused.detail) from refused
        return entry.incident.encode(), value, sign(value, key)

    return make
