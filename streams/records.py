"""What passes between the rooms: fetched batches, records to write, signals, dead letters, seals.

A batch is the unit of work. Its payloads stay where they were received; columns of spans say where each one lies.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

I4 = NDArray[np.int32]
I8 = NDArray[np.int64]
Headers = tuple[tuple[str, bytes], ...]

NONE = -1
"""Span start of a key or value that is absent (null in Kafka)."""


SHADOW = 1 << 29
"""Bit of the last number of a signal's origin: it was raised in shadow 影子, and so was all that follows from it."""


class TP(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}"


@dataclass(slots=True)
class Batch:
    """Consecutive records of one partition, columns of spans over one buffer.

    ``offsets`` rise but need not be dense (compaction, aborted transactions and control batches leave holes);
    ``first`` is the position that was asked for, ``next`` the position to ask for afterwards: a batch may be empty
    and still move the position. ``headers`` is sparse: only records that have headers are in it, by row.

    Shapes: ``vstart, vend, kstart, kend, offsets, times`` are (n,). ``times`` are the log's own timestamps in ms.
    A null value or key has start ``NONE``.
    """

    source: TP
    first: int
    next: int
    buffer: bytes | bytearray | memoryview
    vstart: I4
    vend: I4
    kstart: I4
    kend: I4
    offsets: I8
    times: I8
    headers: dict[int, Headers] = field(default_factory=dict)
    high: int = -1
    """High watermark of the partition when this was fetched; -1 unknown. Lag is measured to it."""
    base: int = 0
    """How far ``offsets``, ``first``, ``next`` and ``high`` lie above the log's own: see :meth:`moved`."""

    def __len__(self) -> int:
        return len(self.offsets)

    def value(self, row: int) -> bytes | None:
        """Payload of a row, as bytes; None when the record has none."""
        a = int(self.vstart[row])
        return None if a < 0 else bytes(self.buffer[a : int(self.vend[row])])

    def key(self, row: int) -> bytes | None:
        """Key of a row, as bytes; None when the record has none."""
        a = int(self.kstart[row])
        return None if a < 0 else bytes(self.buffer[a : int(self.kend[row])])

    def header(self, row: int, name: str) -> bytes | None:
        """First header of that name on a row, or None."""
        for key, value in self.headers.get(row, ()):
            if key == name:
                return value
        return None

    def size(self) -> int:
        """Payload bytes, for bounds on memory."""
        return len(self.buffer)

    def cut(self, start: int, stop: int) -> Batch:
        """Rows [start, stop) as a batch of its own; positions follow the rows."""
        first = self.first if start == 0 else int(self.offsets[start - 1]) + 1
        after = self.next if stop >= len(self) else (int(self.offsets[stop - 1]) + 1 if stop > start else first)
        heads = {r - start: h for r, h in self.headers.items() if start <= r < stop} if self.headers else {}
        s = slice(start, stop)
        return Batch(
            self.source, first, after, self.buffer, self.vstart[s], self.vend[s], self.kstart[s], self.kend[s],
            self.offsets[s], self.times[s], heads, self.high, self.base,
        )  # fmt: skip

    def moved(self, base: int) -> Batch:
        """The same records with their offsets counted from ``base``: the log of a restored lane begins at 0 again."""
        if not base:
            return self
        high = self.high + base if self.high >= 0 else self.high
        return replace(
            self, first=self.first + base, next=self.next + base, offsets=self.offsets + base, high=high, base=base
        )

    @classmethod
    def of(
        cls,
        source: TP,
        first: int,
        after: int,
        records: Sequence[tuple[int, int, bytes | None, bytes | None, Headers]],
        high: int = -1,
    ) -> Batch:
        """Build from (offset, time, key, value, headers) rows: the slow way, for memory logs, files and tests."""
        n = len(records)
        spans = np.full((4, n), NONE, np.int32)
        offsets, times = np.empty(n, np.int64), np.empty(n, np.int64)
        buffer, heads = bytearray(), {}
        for i, (offset, time, key, value, headers) in enumerate(records):
            offsets[i], times[i] = offset, time
            if key is not None:
                spans[2, i] = len(buffer)
                buffer += key
                spans[3, i] = len(buffer)
            if value is not None:
                spans[0, i] = len(buffer)
                buffer += value
                spans[1, i] = len(buffer)
            if headers:
                heads[i] = headers
        return cls(
            source, first, after, bytes(buffer), spans[0], spans[1], spans[2], spans[3], offsets, times, heads, high
        )


class Write(NamedTuple):
    """One record of a transaction."""

    to: TP
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class Reason(enum.StrEnum):
    """Why a record, or one value in it, went to the dead letter: a closed list, safe as a metric label."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    TRUNCATED = "truncated"
    NOT_JSON = "not_json"
    TRAILING_DATA = "trailing_data"
    NOT_AN_OBJECT = "not_an_object"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    NOT_FINITE = "not_finite"
    OUT_OF_RANGE = "out_of_range"
    ABSURD_TIME = "absurd_time"
    UNKNOWN_ASSET = "unknown_asset"
    UNKNOWN_METRIC = "unknown_metric"
    UNIT_MISMATCH = "unit_mismatch"
    BAD_POSITION = "bad_position"
    UNKNOWN_CRS = "unknown_crs"
    BAD_SENML = "bad_senml"
    BAD_OBJECT = "bad_object"
    WRONG_PARTITION = "wrong_partition"
    FUTURE = "future"
    LATE = "late"
    CONFLICT = "conflict"
    FORGED_PULSE = "forged_pulse"
    FORGED_ACTOR = "forged_actor"
    UNKNOWN_ACTION = "unknown_action"
    UNKNOWN_FIELD = "unknown_field"
    NOT_XML = "not_xml"
    FORBIDDEN_XML = "forbidden_xml"
    NOT_CAP = "not_cap"
    BAD_FORM = "bad_form"
    SWAPPED_POSITION = "swapped_position"
    NO_AREA = "no_area"
    AGENT_ERROR = "agent_error"
    AGENT_FAILED = "agent_failed"
    """An agent of the kit failed at the row; all else that reads it did its work."""
    POISON = "poison"


class Stage(enum.StrEnum):
    """Where an event ended."""

    DECODE = "decode"
    LOCATE = "locate"
    SCORE = "score"
    DECIDE = "decide"
    PUBLISH = "publish"
    AGENT = "agent"
    """In a plain agent (streams/plain.py), after the engine was done with it."""


class Dead(NamedTuple):
    """One dead letter: row of the batch, index of the value within the record, and why.

    ``series``: whose reading it is, where it is outside its registered range; -1 else.
    """

    row: int
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs
    stage: Stage
    reason: Reason
    detail: str
    series: int = -1


class Signal(msgspec.Struct, omit_defaults=True, gc=False):
    """One asset crossed into (raise), moved within (update) or left (clear) a condition of one scenario.

    Times are ms UTC. ``origin`` is the raising record (topic, partition, offset, index): with scenario and asset it is
    the identity; updates and clears carry it with a running number ``n``. ``offset`` and ``index`` are those of the
    record that caused this very signal. ``fold`` is set by the lane, ``t`` is event time, ``onset`` that of the raise.
    """

    scenario: str
    asset: str
    kind: Literal["raise", "update", "clear"]
    origin: tuple[str, int, int, int]
    n: int
    offset: int
    index: int
    t: int
    onset: int
    fold: int = 0
    pulse: int = -1
    """The lane's last accepted pulse before the record, ms; -1 before the first."""
    level: int = 0
    metric: str = ""
    value: float | None = None
    score: float | None = None
    threshold: float | None = None
    standard: str = ""
    """The table (edition) that judged it, of scenarios that name a risk model; ``score`` is then the risk number."""
    grade: str = ""
    """The standard's own grade, as a class or a colour; what it rates is ``level``."""
    lon: float | None = None
    lat: float | None = None
    grid: str = ""
    town: str = ""
    district: str = ""
    areas: dict[str, list[str]] = {}
    """Codes of everything else that the place lies in, by layer: communities, managing zones, risk zones, sites."""
    map: str = ""
    set: str = ""
    source: str = ""
    life: bool = False
    """Never-hidden class: fire, gas, people trapped or drowning."""
    drill: bool = False
    """Of a drill 演练: nothing of it is real."""
    text: str = ""
    """Of a ticket, masked; of a topic, its words."""
    category: str = ""
    """Class of the ticket 诉求类别 where a classifier is sure of it."""
    urgency: int = 0
    """Of the ticket: 0 no hint, 1 pressing, 2 urgent, 3 danger to life."""
    place: str = ""
    """Place phrase of the ticket's text, masked."""
    confidence: float | None = None
    """That the position is right, where it was found by the text; None: it came with the event."""
    facts: dict[str, float | str] = {}
    """What else an agent found out: name → number, in the unit that the name says, or short text."""
    footprint: list[list[tuple[float, float]]] = []
    """Ground that it reaches, by an agent: rings in degrees WGS 84, longitude first, not closed."""
    trust: float = 1.0
    """Trust in its asset in [0, 1] as far as the lane knows, of a raise or update of a never-hidden class; 1 of others.
    It lowers nothing. What is seen only beside neighbours is known to the city task alone, and is on the incident."""
    doubts: tuple[str, ...] = ()
    """What speaks against the asset, greatest first: reasons of ``trust``."""

    def shadow(self) -> bool:
        """Whether it was raised in shadow: told on topics of its own, and to nobody."""
        return bool(self.origin[3] & SHADOW)

    def identity(self) -> str:
        """The signal's id as text; the same for its raise, updates and clear."""
        topic, partition, offset, index = self.origin
        return f"{self.scenario}|{self.asset}|{topic}/{partition}/{offset}/{index}"


class Summary(msgspec.Struct):
    """A view of several assets of one lane over one minute of its clock, for a model that needs them all together.

    ``t`` is the end of the minute, ms; ``offset`` and ``index`` are its place in the lane's log (the pulse that ended
    the minute). ``columns`` are parallel to ``keys``: name → float64 bytes in the machine's little-endian order.
    """

    name: str
    t: int
    offset: int
    index: int
    keys: list[str]
    columns: dict[str, bytes]
    fold: int = 0
    set: str = ""
    source: str = ""
    """The lane it came from, as ``topic/partition``."""

    def column(self, name: str) -> NDArray[np.float64]:
        """One column, (len(keys),)."""
        return np.frombuffer(self.columns[name], "<f8")


class Notice(msgspec.Struct, omit_defaults=True):
    """An accepted record of an input that people or other offices write: what they did, or what they warn of.

    It travels with the lane's signals and takes its place in fold order. ``body`` is the record as its lane decoded,
    checked and masked it, as JSON. ``t`` is its own time, ms UTC; ``key`` what it is about (an incident's id, a
    warning's), ``id`` the sender's name for it. ``offset`` and ``index`` are its place in the lane's log. Notices of a
    lane keep the order of its log: ``fold`` is never less than that of the notice before.
    """

    kind: Literal["feedback", "warning"]
    id: str
    key: str
    t: int
    offset: int
    index: int
    body: msgspec.Raw
    fold: int = 0
    pulse: int = -1
    """The lane's last accepted pulse before the record, ms; -1 before the first."""
    set: str = ""
    source: str = ""
    """The lane it came from, as ``topic/partition``."""


class Seal(msgspec.Struct):
    """Last record of a flush in an output partition: a chain that makes a lost or torn transaction visible.

    ``count`` and ``digest`` cover the records this flush wrote to the partition before the seal, the digest this seal's
    other fields too (streams/seal.py); ``before`` is the digest of the lane's previous seal there, empty on the first.
    On signals partitions ``pulse`` says how far the lane's clock has come.
    """

    flush: int
    count: int
    digest: str
    before: str
    pulse: int = -1
    seq: int = -1
    position: int = -1
    sets: list[tuple[int, str]] = []
    """Sets that came into force in this flush: (pulse time, set id)."""


CITY = "city"
"""Stands for the topic in the origin of a signal that no single record raised; its offset is a time, ms UTC:
the end of the minute that was judged, or the change of set by which it is told anew."""
SYSTEM = "system"
"""Source of what the brain says of itself."""
CE_TYPE = "ce_type"
PULSE_TYPE = b"city.pulse"
SEAL_TYPE = b"city.seal"
SIGNAL_TYPE = b"city.signal"
SHADOW_TYPE = b"city.shadow"
READY_TYPE = b"city.ready"
SUMMARY_TYPE = b"city.summary"
NOTICE_TYPE = b"city.notice"
AUDIT_TYPE = b"city.audit"
