"""The pulse: the city's clock as records in every input partition, proven by a keyed hash.

It moves event time where no data does, names the set in force and shows that the chain is alive.
"""

from __future__ import annotations

import hashlib
import hmac

import msgspec

from streams.records import CE_TYPE, PULSE_TYPE, Headers

BOUND_MS = 2_000
"""B: how far before the last pulse a signal's fold time may lie."""
AHEAD_MS = 1_000
"""How far after the last pulse a signal's fold time may lie."""
GAP_MS = 5_000
"""Up-time grows only over gaps between pulses that are no longer than this."""

HEADERS: Headers = ((CE_TYPE, PULSE_TYPE),)


class Pulse(msgspec.Struct):
    """One tick: sequence, time and up-time in ms, id of the set in force, epoch of the conductor, keyed hash."""

    seq: int
    time: int
    up: int
    set: str
    epoch: int
    mac: str = ""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Pulse).decode


def _mac(pulse: Pulse, key: bytes) -> str:
    text = f"{pulse.seq}|{pulse.time}|{pulse.up}|{pulse.set}|{pulse.epoch}".encode()
    return hashlib.blake2b(text, key=key, digest_size=16).hexdigest()


def encode(pulse: Pulse, key: bytes) -> bytes:
    """Bytes of a pulse, signed with ``key`` (up to 64 bytes)."""
    pulse.mac = _mac(pulse, key)
    return _encode(pulse)


def decode(value: bytes | None, key: bytes) -> Pulse | None:
    """The pulse, or None where the bytes are no pulse or the keyed hash does not hold."""
    try:
        pulse = _decode(value or b"")
    except msgspec.DecodeError:
        return None
    return pulse if hmac.compare_digest(pulse.mac, _mac(pulse, key)) else None


def hold(t: int, pulse: int, last: int) -> int:
    """Fold time of a signal: event time held around the lane's clock, never before the asset's last one (ms)."""
    return max(min(max(t, pulse - BOUND_MS), pulse + AHEAD_MS), last)
