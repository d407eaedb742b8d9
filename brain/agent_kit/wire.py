"""Frames between a worker and the process that runs its agents: length, then msgpack. Arrays travel as bytes."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from brain.agent_kit.kinds import Assets, Minute, Rows
from brain.agent_kit.program import Judged
from streams.records import Signal

_LENGTH = struct.Struct("<I")
MOST = 256 * 1024 * 1024
"""Bytes of a frame; a longer one is no frame."""

pack = msgspec.msgpack.Encoder().encode
unpack = msgspec.msgpack.Decoder().decode


class Gone(Exception):
    """The other side is not there any more, or said what is no frame."""


def send(to: socket.socket, frame: Any) -> None:
    """Write one frame. Raises Gone."""
    body = pack(frame)
    try:
        to.sendall(_LENGTH.pack(len(body)) + body)
    except (BrokenPipeError, ConnectionError) as error:
        raise Gone(str(error)) from error


def receive(of: socket.socket, deadline: float | None = None) -> Any:
    """Read one frame. Raises Gone; TimeoutError once the deadline (monotonic) is over."""
    (length,) = _LENGTH.unpack(_exactly(of, _LENGTH.size, deadline))
    if length > MOST:
        raise Gone(f"a frame of {length} bytes")
    return unpack(_exactly(of, length, deadline))


def _exactly(of: socket.socket, n: int, deadline: float | None) -> bytes:
    parts, left = [], n
    while left:
        if deadline is not None:
            rest = deadline - time.monotonic()
            if rest <= 0:
                raise TimeoutError
            of.settimeout(rest)
        try:
            part = of.recv(min(left, 1 << 20))
        except ConnectionError as error:
            raise Gone(str(error)) from error
        if not part:
            raise Gone("the process ended")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def array(column: NDArray[Any]) -> Any:
    """A column of numbers as bytes with its type, one of texts as a list."""
    if column.dtype.kind == "U":
        return column.tolist()
    return [column.dtype.str, list(column.shape), column.tobytes()]


def column(said: Any) -> NDArray[Any]:
    """A column that :func:`array` made; its own copy."""
    if len(said) == 3 and isinstance(said[2], bytes):
        return np.frombuffer(said[2], said[0]).reshape(said[1]).copy()
    return np.array(said, str)


def of_rows(rows: Rows) -> list[Any]:
    """Rows as a frame has them."""
    values = {name: array(part) for name, part in rows.values.items()}
    return [
        list(rows.names), *(array(part) for part in (rows.asset, rows.kind, rows.t)), values,
        *(array(part) for part in (rows.lon, rows.lat, rows.grid)), rows.woken,
    ]  # fmt: skip


def rows_of(said: list[Any]) -> Rows:
    """Rows of a frame."""
    names, asset, kind, t, values, lon, lat, grid, woken = said
    return Rows(
        tuple(names), column(asset), column(kind), column(t), {k: column(v) for k, v in values.items()}, column(lon),
        column(lat), column(grid), woken,
    )  # fmt: skip


def of_judged(said: Judged) -> list[Any]:
    """What a lane agent said, as a frame has it."""
    facts = {k: array(v) for k, v in said.facts.items()}
    wake = None if said.wake is None else array(said.wake)
    return [array(said.level), array(said.value), array(said.score), facts, wake]


def judged_of(said: list[Any]) -> Judged:
    """What a lane agent said, of a frame."""
    level, value, score, facts, wake = said
    told = {k: column(v) for k, v in facts.items()}
    return Judged(column(level), column(value), column(score), told, None if wake is None else column(wake))


def of_minute(minute: Minute) -> list[Any]:
    """A minute as a frame has it."""
    assets = {
        name: [list(a.ids), array(a.lon), array(a.lat), array(a.t), {k: array(v) for k, v in a.values.items()},
               list(a.grid), list(a.town), list(a.district), list(a.areas)]
        for name, a in minute.assets.items()
    }  # fmt: skip
    return [minute.t, assets, [msgspec.to_builtins(signal) for signal in minute.signals]]


def minute_of(said: list[Any]) -> Minute:
    """A minute of a frame."""
    t, assets, signals = said
    return Minute(
        t, {name: _assets(part) for name, part in assets.items()},
        tuple(msgspec.convert(signal, Signal) for signal in signals),
    )  # fmt: skip


def _assets(said: list[Any]) -> Assets:
    ids, lon, lat, t, values, grid, town, district, areas = said
    columns: Mapping[str, Any] = {k: column(v) for k, v in values.items()}
    return Assets(
        tuple(ids), column(lon), column(lat), column(t), columns, tuple(grid), tuple(town), tuple(district),
        tuple(areas),
    )  # fmt: skip
