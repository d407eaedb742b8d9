"""Dead letters: how one is written, and how a person finds, reads and re-queues it.

A record of topic ``deadletter``: key ``<topic>/<partition>/<offset>`` of the original, value its bytes (whole up to
256 KiB, else the first 64 KiB), headers stage, reason, detail, topic, partition, offset, index, timestamp (ms), key
(base64; absent when the original had none), and for a cut one size and sha256 of the whole. A null value is written
as an empty one. The original's headers are not kept.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from streams.log import LogError
from streams.private import of_people, shown_bytes, shown_id, shown_text
from streams.records import TP, Batch, Dead, Headers, Reason, Stage, Write

WHOLE = 256 * 1024
CUT = 64 * 1024
REQUEUED_FROM = "requeued_from"
"""Header of a record that was sent again: where the first one was, ``<topic>/<partition>/<offset>``."""
REQUEUED_SET = "requeued_set"
"""Header of a record that was sent again by itself: the set that came to know its asset."""

_DETAIL = 400
_WINDOW = 500
_WAIT_MS = 10_000
_WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter as it lies in the topic.

    ``at`` and ``at_offset`` say where it lies, ``origin`` and ``offset`` where the original was; ``value`` is all of
    the original's bytes, or its head when ``cut``; ``size`` is that of the whole. Times are ms.
    """

    at: TP
    at_offset: int
    time: int
    origin: TP
    offset: int
    index: int
    stage: str
    reason: str
    detail: str
    timestamp: int
    key: bytes | None
    value: bytes
    size: int
    sha256: str = ""

    @property
    def id(self) -> str:
        """Place of the original: ``<topic>/<partition>/<offset>``."""
        return f"{self.origin}/{self.offset}"

    @property
    def cut(self) -> bool:
        """Whether ``value`` is only the head of the original."""
        return len(self.value) < self.size


@dataclass(frozen=True, slots=True)
class Requeued:
    """What became of one original: ``refused`` is empty when it was sent again, else says why not."""

    letter: Letter
    refused: str = ""


def to_write(batch: Batch, dead: Dead, to: TP) -> Write:
    """The dead-letter record for one row of a batch."""
    offset, value, key = int(batch.offsets[dead.row]) - batch.base, batch.value(dead.row) or b"", batch.key(dead.row)
    detail = _detail(batch.source.topic, dead)[:_DETAIL]
    headers: Headers = (
        ("stage", dead.stage.encode()), ("reason", dead.reason.encode()),
        ("detail", detail.encode("utf-8", "replace")), ("topic", batch.source.topic.encode()),
        ("partition", b"%d" % batch.source.partition), ("offset", b"%d" % offset), ("index", b"%d" % dead.index),
        ("timestamp", b"%d" % int(batch.times[dead.row])),
    )  # fmt: skip
    if key is not None:
        headers += (("key", base64.b64encode(key)),)
    again = batch.header(dead.row, REQUEUED_SET)
    if again is not None:
        headers += ((REQUEUED_SET, again),)
    if len(value) > WHOLE:
        headers += (("size", b"%d" % len(value)), ("sha256", hashlib.sha256(value).hexdigest().encode()))
        value = value[:CUT]
    return Write(to, f"{batch.source}/{offset}".encode(), value, headers)


def _detail(topic: str, dead: Dead) -> str:
    """What the letter says of its reason: masked where it may quote what people wrote."""
    of_agent = dead.reason in (Reason.AGENT_ERROR, Reason.AGENT_FAILED)
    quotes = of_agent or (of_people(topic) and dead.stage == Stage.DECODE)
    return shown_text(dead.detail) if quotes else dead.detail


def list_dead(
    bootstrap: str,
    reason: str | None = None,
    stage: str | None = None,
    limit: int = 100,
    *,
    prefix: str = "",
    ids: Sequence[str] = (),
) -> list[Letter]:
    """The newest ``limit`` dead letters (0: all), oldest first; of one reason, stage, or of the originals ``ids``.

    Reads backwards from the ends, so without a filter it is quick however many there are; a filter that little passes
    reads the whole topic (about 30,000 letters a second). Seals of the engine are left out.

    Raises
    ------
    LogError
        No broker answers, or it has no dead-letter topic.
    """
    asked = frozenset(ids)

    def wanted(letter: Letter) -> bool:
        fits = reason in {None, letter.reason} and stage in {None, letter.stage}
        return fits and (not asked or letter.id in asked)

    partitions = _partitions(bootstrap, prefix + "deadletter")
    own = {int(p) for p in (one.split("/")[-2] for one in asked if one.count("/") > 1) if p.isdecimal()}
    if asked and own <= {tp.partition for tp in partitions}:
        partitions = [tp for tp in partitions if tp.partition in own]  # a lane buries in its own partition
    out: list[Letter] = []
    with _reader(bootstrap) as reader:
        for tp in partitions:
            out += _newest(reader, tp, wanted, limit)
    out.sort(key=lambda letter: (letter.time, letter.at.partition, letter.at_offset))
    return out[-limit:] if limit else out


def _newest(reader: Any, at: TP, wanted: Callable[[Letter], bool], limit: int) -> list[Letter]:
    """At most ``limit`` (0: all) wanted letters of one partition, newest first."""
    from kafka import TopicPartition

    tp = TopicPartition(*at)
    first, end, window = reader.beginning_offsets([tp])[tp], reader.end_offsets([tp])[tp], _WINDOW
    out: list[Letter] = []
    while end > first and not (limit and len(out) >= limit):
        start = max(first, end - window)
        got = []
        for r in _between(reader, tp, start, end):
            letter = letter_of(at, r.offset, r.timestamp, r.value, tuple((k, v or b"") for k, v in r.headers or ()))
            if letter is not None and wanted(letter):
                got.append(letter)
        out += reversed(got)
        end, window = start, min(2 * window, 64 * _WINDOW)
    return out[:limit] if limit else out


def _between(reader: Any, tp: Any, start: int, end: int) -> Iterator[Any]:
    """Committed records of a partition in [start, end), which must lie within its stable offsets."""
    reader.assign([tp])
    reader.seek(tp, start)
    until = time.monotonic() + _WAIT_S
    # The position moves over markers of transactions and aborted records too, which are never handed out.
    while (reader.position(tp) or 0) < end:
        records = reader.poll(timeout_ms=500).get(tp, ())
        for record in records:
            if record.offset >= end:
                return
            yield record
        if records:
            until = time.monotonic() + _WAIT_S
        elif time.monotonic() > until:
            raise LogError(f"{tp.topic}/{tp.partition} gives nothing for {_WAIT_S:.0f} s: is the broker paused?")


def requeue(
    bootstrap: str, letters: Sequence[Letter], *, by: str, prefix: str = "", again: bool = False
) -> list[Requeued]:
    """Send originals once more to the partition they came from, each with its audit record in one transaction.

    An original with several letters (one a value) is sent once; one that was re-queued before is refused unless
    ``again``. Two calls at the same time do not send twice: the later one fences the earlier. It gets the time of now
    as the log's timestamp and, of headers, only ``requeued_from``. ``by`` is who asked, for the audit.

    Raises
    ------
    LogError
        No broker answers, a topic is missing, or another call took over; what was answered before then was sent.
    """
    if not by.strip():
        raise ValueError("by: expected who asks for it (the audit names them), got nothing")
    from kafka.errors import KafkaError

    audit = prefix + "audit"
    out: list[Requeued] = []
    try:
        with _producer(bootstrap, prefix) as producer, _reader(bootstrap) as reader:
            # Only after init_transactions fenced any other call is the audit complete.
            count = len(_partitions(bootstrap, audit))
            done = set() if again else _requeued_before(bootstrap, audit, count)
            for letter in letters:
                if letter.id in done:
                    out.append(Requeued(letter, "re-queued before; say `again` to send it once more"))
                    continue
                value, refused = _original(reader, letter)
                if not refused:
                    done.add(letter.id)
                    _send(producer, letter, value, TP(audit, letter.at.partition % count), by)
                out.append(Requeued(letter, refused))
    except KafkaError as error:
        raise LogError(f"re-queueing at {bootstrap} ended after {len(out)} of {len(letters)}: {error!r}") from error
    return out


def _send(producer: Any, letter: Letter, value: bytes, audit: TP, by: str) -> None:
    note = {
        "what": "deadletter.requeue", "by": by, "t": time.time_ns() // 1_000_000, "id": letter.id,
        "stage": letter.stage, "reason": letter.reason, "size": letter.size,
    }  # fmt: skip
    producer.begin_transaction()
    try:
        sent = [
            producer.send(
                letter.origin.topic, value, letter.key, [(REQUEUED_FROM, letter.id.encode())], letter.origin.partition
            ),
            producer.send(
                audit.topic, msgspec.json.encode(note), letter.id.encode(), [("ce_type", b"city.audit")],
                audit.partition,
            ),
        ]  # fmt: skip
        for future in sent:
            future.get(_WAIT_S)
    except BaseException:
        producer.abort_transaction()
        raise
    producer.commit_transaction()


def _original(reader: Any, letter: Letter) -> tuple[bytes, str]:
    """All bytes of the original, or why it cannot be sent again."""
    if letter.reason == Reason.FORGED_PULSE:
        return b"", "a forged pulse is never sent again"
    if letter.reason == Reason.AGENT_FAILED:
        return b"", (
            "all but the agent that it names have worked it, and would get it again: mend the agent, and replay the "
            "range with the set that names it (brain replay)"
        )
    if letter.stage == Stage.AGENT:
        return b"", (
            "only the engine writes to its topic, and all its readers would get it again: mend the agent and have it "
            "work everything once more (brain agent run MODULE --group ANOTHER); its ids make that harmless"
        )
    partitions = reader.partitions_for_topic(letter.origin.topic)
    if letter.origin.partition not in (partitions or ()):
        return b"", f"{letter.origin} does not exist any more"
    if not letter.cut:
        return letter.value, ""
    found = _fetch(reader, letter)
    if found is None:
        return b"", (
            f"only {len(letter.value)} of {letter.size} bytes are in the dead letter, and {letter.id} is gone from "
            "its topic (retention): ask the producer to send it again"
        )
    if hashlib.sha256(found).hexdigest() != letter.sha256:
        return b"", f"{letter.id} now holds other bytes (sha256 differs): the topic was made anew"
    return found, ""


def _fetch(reader: Any, letter: Letter) -> bytes | None:
    from kafka import TopicPartition

    tp = TopicPartition(*letter.origin)
    first, end = reader.beginning_offsets([tp])[tp], reader.end_offsets([tp])[tp]
    if not first <= letter.offset < end:
        return None
    reader.assign([tp])
    reader.seek(tp, letter.offset)
    until = time.monotonic() + _WAIT_S
    while time.monotonic() < until:
        for record in reader.poll(timeout_ms=500, max_records=1).get(tp, ()):
            return record.value if record.offset == letter.offset else None
        if reader.position(tp) > letter.offset:
            return None  # compacted away, or aborted
    raise LogError(f"{letter.id} could not be read again within {_WAIT_S:.0f} s")


def _requeued_before(bootstrap: str, audit: str, count: int) -> set[str]:
    from streams.tailing import snapshot

    out = set()
    for _, _, _, key, value, _ in snapshot(bootstrap, [TP(audit, p) for p in range(count)]):
        if key and value and b'"deadletter.requeue"' in value:
            out.add(key.decode(errors="replace"))
    return out


def letter_of(at: TP, offset: int, time_ms: int, value: bytes | None, headers: Headers) -> Letter | None:
    """A record of the topic as a letter, or None where it is none (a seal, or somebody else's)."""
    found = dict(headers)
    body = value or b""
    try:
        origin = TP(found["topic"].decode(), int(found["partition"]))
        return Letter(
            at, offset, time_ms, origin, int(found["offset"]), int(found["index"]), found["stage"].decode(),
            found["reason"].decode(), found["detail"].decode(errors="replace"), int(found.get("timestamp", b"-1")),
            base64.b64decode(found["key"], validate=True) if "key" in found else None, body,
            int(found.get("size", len(body))), found.get("sha256", b"").decode(),
        )  # fmt: skip
    except (KeyError, ValueError, binascii.Error):
        return None


def masked(letter: Letter) -> Letter:
    """The letter as people may see it: value, key and detail masked. ``size`` and ``sha256`` stay the original's."""
    key = None if letter.key is None else shown_id(letter.key.decode(errors="backslashreplace")).encode()
    detail = shown_text(letter.detail) if of_people(letter.origin.topic) else letter.detail
    return replace(letter, key=key, value=shown_bytes(letter.value), detail=detail)


def _partitions(bootstrap: str, topic: str) -> list[TP]:
    from kafka.errors import KafkaError

    try:
        with _reader(bootstrap) as reader:
            found = reader.partitions_for_topic(topic)
    except KafkaError as error:
        raise LogError(f"no Kafka answers at {bootstrap}: {error}") from error
    if not found:
        raise LogError(f"Kafka at {bootstrap} has no topic {topic}; create the topics: brain topics --create")
    return [TP(topic, p) for p in sorted(found)]


@contextmanager
def _reader(bootstrap: str) -> Iterator[Any]:
    from kafka import KafkaConsumer

    from streams.admin import client_options, must_answer

    must_answer(bootstrap)
    reader = KafkaConsumer(
        **client_options(bootstrap, _WAIT_MS), group_id=None, enable_auto_commit=False, allow_auto_create_topics=False,
        isolation_level="read_committed", max_partition_fetch_bytes=4 * 2**20,
    )  # fmt: skip
    try:
        yield reader
    finally:
        reader.close()


@contextmanager
def _producer(bootstrap: str, prefix: str) -> Iterator[Any]:
    from kafka import KafkaProducer

    from streams.admin import client_options

    producer = KafkaProducer(
        **client_options(bootstrap, _WAIT_MS), transactional_id=f"{prefix}deadletter-requeue",
        allow_auto_create_topics=False, max_request_size=3 * 2**20,
    )  # fmt: skip
    try:
        producer.init_transactions()
        yield producer
    finally:
        producer.close(timeout=5)
