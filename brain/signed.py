"""Feedback as it is signed: whoever has the key is trusted to know who acts.

A record is an action (brain/incidents/actions.py) as JSON, with a keyed hash of its bytes in a header: only who has the
key (the HTTP API, ``brain feedback``) can act.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

import msgspec

from brain.incidents.actions import read_action
from streams.decode.payload import Refused
from streams.records import Headers

TOPIC: Final = "feedback"
SIGNATURE: Final = "city_signature"

_json = msgspec.json.Encoder().encode


def sign(value: bytes, key: bytes) -> Headers:
    """Headers of a feedback record; ``key`` up to 64 bytes, that of the pulse."""
    return ((SIGNATURE, _mac(value, key)),)


def genuine(value: bytes | None, signature: bytes | None, key: bytes) -> bool:
    """Whether the keyed hash holds."""
    return signature is not None and hmac.compare_digest(signature, _mac(value or b"", key))


def masked(value: bytes | None, headers: Headers, key: bytes) -> tuple[bytes, Headers, bool]:
    """What may stand for a record where personal data must not: the action with its texts masked, signed anew.

    It leads to the same notice. Of a record that is no action nothing is kept, which the last value says; it stays
    refused, and one that was forged stays forged.
    """
    signature = next((content for name, content in headers if name == SIGNATURE), None)
    if not genuine(value, signature, key):
        return b"", ((SIGNATURE, b""),), True
    try:
        clean = _json(read_action(value))
    except Refused:
        return b"{}", sign(b"{}", key), True
    return clean, sign(clean, key), False


def _mac(value: bytes, key: bytes) -> bytes:
    return hashlib.blake2b(value, key=key, digest_size=16, person=b"city.feedback").hexdigest().encode()
