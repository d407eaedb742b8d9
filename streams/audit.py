"""The auditor: follows every sealed output partition and says where a chain of seals does not hold.

Pure: records in, findings out, no clock of its own. It shares nothing with the lanes but the recipe of the digest
(streams/seal.py), and is fed by the worker that owns ``pulse`` (streams/audit_task.py) or by ``brain audit``.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from streams.lane_parts import LaneTopics
from streams.outcomes import Outcomes
from streams.records import CE_TYPE, SEAL_TYPE, TP, Batch, Headers, Seal
from streams.seal import SEAL_KEY, TOOL_KEY, Digest
from streams.topics import DOMAINS

UNSEALED_AFTER_MS = 30_000
"""A transaction ends within seconds: records that have no seal after this are nobody's."""

_seal = msgspec.json.Decoder(Seal).decode


class Kind(enum.StrEnum):
    """What is wrong: a closed list, safe as a metric label."""

    TORN = "torn"
    """A seal covers another number of records than stand before it: one is missing, or one too many is there."""
    ALTERED = "altered"
    """As many as the seal says, but not these, not in this order, or the seal itself says something else."""
    LOST_FLUSH = "lost_flush"
    """A seal follows one that is not there: a whole transaction is missing."""
    REPEATED_FLUSH = "repeated_flush"
    """The number of the flush did not grow: a flush is there twice, or two owners wrote."""
    LOST_TAIL = "lost_tail"
    """The lane's head names a last seal that its output partition does not have."""
    UNSEALED = "unsealed"
    """Records that no seal has covered for thirty seconds of log time."""
    FOREIGN = "foreign"
    """A record that none of the lanes that write here can have written."""
    UNREADABLE = "unreadable"
    """A seal that cannot be decoded."""
    OVERDUE_ALARM = "overdue_alarm"
    """A provisional record without an outcome for thirty seconds of log time."""
    LATE_OUTCOME = "late_outcome"
    """The outcome of an alarm that was overdue has come."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not hold. ``about`` is the lane, or of an alarm its id; ``since`` is the first offset that
    it may concern (``offset`` where only one record does)."""

    kind: Kind
    where: TP
    offset: int
    about: str
    expected: str
    got: str
    since: int = -1

    def __str__(self) -> str:
        return f"{self.where}/{self.offset}: {self.kind}: {self.about}: expected {self.expected}, got {self.got}"


@dataclass(slots=True)
class Totals:
    """What was looked at."""

    partitions: int = 0
    seals: int = 0
    records: int = 0
    alarms: int = 0
    overdue: int = 0
    unverified: int = 0
    """Heads whose last seal lies before what was read: neither confirmed nor refuted."""
    findings: Counter[Kind] = field(default_factory=Counter)


@dataclass(slots=True)
class _Chain:
    """One lane in one output partition; ``sure`` says that everything since its last seal was read."""

    lane: str
    where: TP
    sure: bool = False
    flush: int = -1
    digest: str | None = None
    open: Digest = field(default_factory=Digest)
    since: int = -1
    since_ms: int = 0
    reported: bool = False
    head: tuple[int, str] | None = None
    """(flush, digest) that the lane's head said and that was not seen yet."""


class _Place:
    """One output partition: who writes here, and how a record's key names its lane (None: only one lane writes)."""

    def __init__(self, where: TP, lane_of: Callable[[bytes], bytes] | None) -> None:
        self.where, self.lane_of = where, lane_of
        self.chains: dict[bytes, _Chain] = {}
        self.unsealed: Callable[[bytes], bool] = lambda key: False
        """Whether a key is that of a record which somebody else writes here, by design without a seal."""
        self.begun = False

    def chain(self, key: bytes) -> _Chain | None:
        """The chain a record belongs to, by its key."""
        if self.lane_of is None:
            return next(iter(self.chains.values()))
        return self.chains.get(self.lane_of(key))

    def begin(self, *, whole: bool) -> None:
        """Reading begins; ``whole``: at the very first record that the partition ever had."""
        self.begun = True
        for chain in self.chains.values():
            if whole:
                chain.sure, chain.flush, chain.digest = True, 0, ""


def _of_letter(key: bytes) -> bytes:
    return key.rpartition(b"/")[0]


def _is_letter(key: bytes) -> bool:
    """Whether a key is a dead letter's, topic/partition/offset: of a re-queued one the audit has a note."""
    _, *numbers = key.rsplit(b"/", 2)
    return len(numbers) == 2 and all(n.isdigit() for n in numbers)


def _as_it_is(key: bytes) -> bytes:
    return key


class Auditor:
    """Follows the output of ``lanes``. Feed it records of :attr:`partitions`, each partition in log order.

    A chain is taken as given at its first seal unless reading begins at offset 0. ``outcomes`` answers the provisional
    ids that the value of an incident record settles; without it alarms are only checked for their seals. Alarms older
    than ``alarms_from`` (ms, log time) are not asked for an outcome: their incidents may lie before what is read.

    Does not see: the loss of a lane's last flush, unless its head is told (:meth:`head`); an entry of the city task
    in the journal, which has no seal; what retention removed.
    """

    def __init__(
        self,
        lanes: Sequence[LaneTopics],
        prefix: str = "",
        outcomes: Callable[[bytes], Iterable[str]] | None = None,
        alarms_from: int = 0,
    ) -> None:
        self.totals = Totals()
        self.now = 0
        """Greatest log time read, ms."""
        self.alarms = Outcomes(alarms_from)
        self._outcomes = outcomes
        self._places: dict[TP, _Place] = {}
        self._states: dict[str, list[_Chain]] = {}
        self.incidents = frozenset(TP(f"{prefix}incidents.{d}", 0) for d in DOMAINS) if outcomes else frozenset()
        self._alarm_places = frozenset(topics.alarms for topics in lanes)
        for topics in lanes:
            name = str(topics.source)
            chains = [
                self._chain(topics.signals, name, None),
                self._chain(topics.alarms, name, None),
                self._chain(topics.shadow, name, None),
                self._chain(topics.dead, name, _of_letter),
                self._chain(topics.journal, name, _as_it_is),
                self._chain(topics.audit, name, _as_it_is),
            ]
            self._states[name] = chains
        city = frozenset(str(topics.signals).encode() for topics in lanes)
        agents = tuple(f"{prefix}{family}.".encode() for family in ("signals", "incidents"))
        for topics in lanes:
            self._places[topics.journal].unsealed = lambda key: key in city or key == TOOL_KEY
            self._places[topics.dead].unsealed = lambda key: key.startswith(agents)  # plain agents bury here too
            self._places[topics.audit].unsealed = lambda key: key in (b"city", TOOL_KEY) or _is_letter(key)

    def _chain(self, where: TP, lane: str, lane_of: Callable[[bytes], bytes] | None) -> _Chain:
        place = self._places.setdefault(where, _Place(where, lane_of))
        return place.chains.setdefault(lane.encode(), _Chain(lane, where))

    @property
    def sealed(self) -> list[TP]:
        """The sealed output partitions, sorted."""
        return sorted(self._places)

    @property
    def partitions(self) -> list[TP]:
        """All that it wants to be fed, incidents included."""
        return [*self.sealed, *sorted(self.incidents)]

    # -- what is read

    def begin(self, where: TP, *, whole: bool) -> None:
        """Reading of a partition begins; ``whole``: at offset 0, so that not even the first seal is taken as given.

        Only needed for partitions that may have no record at all; once per partition, later calls change nothing.
        """
        place = self._places.get(where)
        if place is not None and not place.begun:
            place.begin(whole=whole)
            self.totals.partitions += 1

    def take(self, batch: Batch) -> list[Finding]:
        """One batch of one partition, as it follows the batch before."""
        found: list[Finding] = []
        if batch.first == 0:
            self.begin(batch.source, whole=True)
        for row in range(len(batch)):
            offset, time = int(batch.offsets[row]), int(batch.times[row])
            found += self.record(
                batch.source, offset, time, batch.key(row), batch.value(row), batch.headers.get(row, ())
            )
        return found

    def record(
        self, where: TP, offset: int, time: int, key: bytes | None, value: bytes | None, headers: Headers
    ) -> list[Finding]:
        """One committed record; ``time`` is the log's timestamp in ms."""
        self.now = max(self.now, time)
        if where in self.incidents:
            return self._counted(self._incident(value, time))
        place = self._places.get(where)
        if place is None:
            got = f"one with key {_text(key or b'')!r}"
            return self._counted(
                [Finding(Kind.FOREIGN, where, offset, str(where), "no record: no lane writes here", got)]
            )
        if not place.begun:
            self.begin(where, whole=offset == 0)
        if (CE_TYPE, SEAL_TYPE) in headers:
            return self._counted(self._sealed(place, offset, key or b"", value or b""))
        self.totals.records += 1
        name = key or b""
        chain = place.chain(name)
        if chain is None:
            if place.unsealed(name):
                return []
            expected = f"one of {', '.join(sorted(c.lane for c in place.chains.values()))}"
            return self._counted([Finding(Kind.FOREIGN, where, offset, _text(name), expected, "a key of none of them")])
        found = self._unsealed(chain, time)  # before this record: it tells that time went on in this very partition
        if not chain.open.count:
            chain.since, chain.since_ms = offset, time
        chain.open.add(key, value, headers)
        if where in self._alarm_places and self._outcomes is not None:
            self.totals.alarms += 1
            self.alarms.alarm(_text(name), where, offset, time)
        return self._counted(found)

    def _sealed(self, place: _Place, offset: int, key: bytes, value: bytes) -> list[Finding]:
        where, lane = place.where, key.removeprefix(SEAL_KEY)
        chain = place.chains.get(lane) if key.startswith(SEAL_KEY) else None
        if chain is None:
            return [Finding(Kind.FOREIGN, where, offset, _text(key), "the seal of a lane that writes here", "another")]
        try:
            seal = _seal(value)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            # What it would have covered stays open: the next seal then does not fit either, as it should not.
            return [Finding(Kind.UNREADABLE, where, offset, chain.lane, "a seal", f"{error}"[:200])]
        self.totals.seals += 1
        found = self._followed(chain, seal, offset)
        count, digest = chain.open.count, chain.open.sealed(seal)
        since = chain.since if count else offset
        if chain.sure and count != seal.count:
            expected, got = f"{seal.count} records before the seal", f"{count}"
            found.append(Finding(Kind.TORN, where, offset, chain.lane, expected, got, since))
        elif chain.sure and digest != seal.digest:
            got = f"{digest}, over as many records"
            found.append(Finding(Kind.ALTERED, where, offset, chain.lane, f"digest {seal.digest}", got, since))
        chain.sure, chain.flush, chain.digest = True, seal.flush, seal.digest
        chain.open, chain.reported = Digest(), False
        return found

    def _followed(self, chain: _Chain, seal: Seal, offset: int) -> list[Finding]:
        where, lane, head = chain.where, chain.lane, chain.head
        if head is not None and (seal.digest == head[1] or seal.flush > head[0]):
            chain.head = None
            if chain.digest is None and seal.digest != head[1] and seal.before != head[1]:
                expected = f"a seal after {head[1]}, the last that the lane's head names (flush {head[0]})"
                return [Finding(Kind.LOST_TAIL, where, offset, lane, expected, f"one after {seal.before or 'none'}")]
        if chain.digest is None:
            return []
        if seal.flush <= chain.flush:
            expected = f"a flush after {chain.flush}"
            return [Finding(Kind.REPEATED_FLUSH, where, offset, lane, expected, f"flush {seal.flush}")]
        if seal.before != chain.digest:
            expected = f"a seal after {chain.digest or 'none'} (flush {chain.flush})"
            got = f"one after {seal.before or 'none'} (flush {seal.flush})"
            return [Finding(Kind.LOST_FLUSH, where, offset, lane, expected, got)]
        return []

    def _incident(self, value: bytes | None, time: int) -> list[Finding]:
        found = []
        for identity in self._outcomes(value) if value is not None and self._outcomes else ():
            late = self.alarms.outcome(identity)
            if late is not None:
                got = f"after {(time - late.time) / 1000:.1f} s"
                expected = f"an outcome within {self.alarms.within_ms // 1000} s"
                found.append(Finding(Kind.LATE_OUTCOME, late.where, late.offset, identity, expected, got))
        self.totals.overdue = len(self.alarms.overdue)
        return found

    # -- what is missing

    def head(self, source: TP, flush: int, seals: Mapping[str, str]) -> None:
        """What the state topic says of a lane: its flush, and the last seal by output partition.

        Tell it before anything is read that was written after the head; where reading begins in mid-log, read the
        head after the starting positions were chosen.
        """
        for chain in self._states.get(str(source), ()):
            digest = seals.get(str(chain.where))
            if digest is not None:
                chain.head = (flush, digest)

    def judge(self, at_end: Collection[TP], *, heads: bool = False) -> list[Finding]:
        """What can only be said of partitions that were read to their ends: unsealed records, overdue alarms.

        ``heads``: also hold the heads told against what was read; say so only some seconds after they were told.
        """
        found: list[Finding] = []
        for where in at_end:
            place = self._places.get(where)
            for chain in place.chains.values() if place is not None else ():
                found += self._unsealed(chain, self.now)
                if heads and chain.head is not None:
                    found += self._tail(chain)
        if self.incidents and self.incidents <= set(at_end):
            for alarm in self.alarms.judge(self.now):
                expected = f"an outcome within {self.alarms.within_ms // 1000} s"
                got = f"none after {(self.now - alarm.time) / 1000:.1f} s"
                found.append(Finding(Kind.OVERDUE_ALARM, alarm.where, alarm.offset, alarm.id, expected, got))
        self.totals.overdue = len(self.alarms.overdue)
        return self._counted(found)

    def _tail(self, chain: _Chain) -> list[Finding]:
        assert chain.head is not None
        (flush, digest), chain.head = chain.head, None
        if chain.digest is None:
            self.totals.unverified += 1
            return []
        last = f"{chain.digest} (flush {chain.flush})" if chain.digest else "none"
        expected = f"the seal {digest} that the lane's head names (flush {flush})"
        return [Finding(Kind.LOST_TAIL, chain.where, -1, chain.lane, expected, f"as the last one {last}")]

    def _unsealed(self, chain: _Chain, now: int) -> list[Finding]:
        if chain.reported or not chain.open.count or now - chain.since_ms <= UNSEALED_AFTER_MS:
            return []
        chain.reported = True
        got = f"{chain.open.count} records without one for {(now - chain.since_ms) / 1000:.0f} s"
        return [Finding(Kind.UNSEALED, chain.where, chain.since, chain.lane, "a seal", got)]

    def _counted(self, found: list[Finding]) -> list[Finding]:
        for finding in found:
            self.totals.findings[finding.kind] += 1
        return found


def _text(key: bytes) -> str:
    return key.decode(errors="replace")
