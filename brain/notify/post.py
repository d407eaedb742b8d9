"""What was told to whom, and what is due: records and outcomes in, entries of the ledger and audit notes out.

No clock, no I/O: ``now`` is handed in. Everything is in the entries, so that after a restart what arrived is not sent
again and what did not is. A message is in the ledger before it is tried for the first time.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from brain.incidents.value import Incident
from brain.notify import words
from brain.notify.config import Config
from brain.notify.occasions import Occasion, about, about_alarm, moot, occasions
from brain.notify.port import About, Ack, Kind, Message, Outcome, Status
from streams.records import Signal

ENTRY: Final = b"m/"
SINCE: Final = b"since"
FORGET_MS: Final = 8 * 86_400_000
"""Alarms stay on their topics for 7 days: what was told of one that has no incident is kept for longer than that."""
LONGEST_WAIT_S: Final = 3600.0
"""A receiver may ask for so much patience and no more."""
DETAIL_MOST: Final = 200
AGAIN: Final = frozenset((Kind.LEVEL, Kind.JOINED, Kind.REOPENED, Kind.RELEASED, Kind.SOUNDED))
"""What a target that is told of the incident only now need not be told besides."""

State = Literal["pending", "delivered", "refused", "given_up", "withdrawn", "covered"]
_json = msgspec.json.Encoder().encode


class Entry(msgspec.Struct, omit_defaults=True):
    """One message to one target. ``since``, ``next`` and ``acked`` are wall-clock ms UTC; ``at`` is fold time.

    ``key`` names the occasion; ``signals`` brought it about. ``message`` is kept while it may have to be sent, the same
    in every attempt. ``ack`` is kept until it has become feedback, which of an alarm waits for the incident.
    """

    id: str
    target: str
    kind: Kind
    key: str
    at: int
    since: int
    state: State = "pending"
    incident: str = ""
    signals: list[str] = []
    level: int = 0
    life: bool = False
    attempts: int = 0
    next: int = 0
    message: Message | None = None
    ack: Ack | None = None
    acked: int = 0


_incident = msgspec.json.Decoder(Incident).decode
_signal = msgspec.json.Decoder(Signal).decode
_entry = msgspec.json.Decoder(Entry).decode


class Post:
    """All messages. :meth:`changes` has what must be written before :meth:`due` may be acted on.

    What it holds is of incidents whose records are on their topics (30 days after their end), and of alarms without
    one for :data:`FORGET_MS`.

    ``items``: the ledger, newest value of each key. ``now``: of a ledger that is empty, what happened before it is not
    told. ``drill``: messages are marked, and go only to targets that take drills. Raises ValueError where the ledger
    is not ours.
    """

    def __init__(self, config: Config, items: Mapping[bytes, bytes], now: int, *, drill: bool = False) -> None:
        self.config, self.drill = config, drill
        self.entries: dict[str, Entry] = {}
        self.counts: Counter[str] = Counter()
        """Records that could not be read, by kind; for metrics."""
        self._pending: dict[str, dict[str, Entry]] = {name: {} for name in config.targets}
        self._of_incident: dict[str, dict[str, Entry]] = {}
        self._alarms: dict[str, list[Entry]] = {}
        self._settled: dict[str, str] = {}
        """Signal → incident that tells of it."""
        self._acks: dict[str, Entry] = {}
        self._changed: dict[bytes, bytes | None] = {}
        self._notes: list[dict[str, Any]] = []
        for key in sorted(items):
            if key.startswith(ENTRY):
                try:
                    self._back(_entry(items[key]), now)
                except msgspec.DecodeError as error:
                    raise ValueError(f"ledger: {key!r}: not of this release: {error}") from error
        if SINCE not in items:
            self._changed[SINCE] = str(now).encode()
        self.since = int(items.get(SINCE, str(now).encode()))

    def _back(self, entry: Entry, now: int) -> None:
        self._index(entry)
        if entry.state == "pending" and entry.target not in self.config.targets:
            self._end(entry, "withdrawn", "target_gone", now)

    def _index(self, entry: Entry) -> None:
        self.entries[entry.id] = entry
        if entry.incident:
            self._of_incident.setdefault(entry.incident, {})[entry.id] = entry
            self._settled.update(dict.fromkeys(entry.signals, entry.incident))
        if entry.kind is Kind.ALARM:
            self._alarms.setdefault(entry.signals[0], []).append(entry)
        if entry.state == "pending" and entry.target in self._pending:
            self._pending[entry.target][entry.id] = entry
        if entry.ack is not None:
            self._acks[entry.id] = entry

    # -- what is read

    def incident(self, key: str, value: bytes | None, now: int) -> None:
        """The newest record of an incident; None: it is deleted, and what was told of it is forgotten."""
        if value is None:
            self._forget(key)
            return
        try:
            incident = _incident(value)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._unreadable("incident", key, error, now)
            return
        if incident.drill and not self.drill:
            self.counts["drill"] += 1
            return
        self._link(incident)
        for entry in list(self._of_incident.get(incident.id, {}).values()):
            if entry.state == "pending" and (why := moot(entry.kind, entry.key, incident)):
                self._end(entry, "withdrawn", why, now)
        said, new = about(incident), set[str]()
        for occasion in occasions(incident):
            if occasion.at < self.since:
                continue
            for entry in self._new(occasion, said, incident.id, now):
                if why := moot(occasion.kind, occasion.key, incident):
                    self._end(entry, "withdrawn", why, now)
                elif self._told_as_alarm(entry):
                    self._end(entry, "covered", "told as an alarm", now)
                elif entry.kind is Kind.SHOWN:
                    new.add(entry.target)
                elif entry.kind in AGAIN and entry.target in new:
                    self._end(entry, "covered", "told as new", now)

    def alarm(self, value: bytes | None, time: int, now: int) -> None:
        """A provisional record; ``time`` is the log's, ms. One whose incident is known is the incident's to tell."""
        try:
            signal = _signal(value or b"")
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._unreadable("alarm", "", error, now)
            return
        identity = signal.identity()
        if signal.drill and not self.drill:
            self.counts["drill"] += 1
            return
        if not signal.life or signal.kind == "clear" or time < self.since or identity in self._settled:
            return
        if signal.level <= max((e.level for e in self._alarms.get(identity, ())), default=-1):
            return
        occasion = Occasion(Kind.ALARM, signal.fold, f"{Kind.ALARM}:{signal.level}@{identity}", signals=(identity,))
        for _ in self._new(occasion, about_alarm(signal), "", now):
            self.counts["alarm"] += 1

    def _new(self, occasion: Occasion, said: About, incident: str, now: int) -> Iterator[Entry]:
        for name in self.config.whom(occasion, said):
            target = self.config.targets[name]
            identity = _id(incident, occasion.key, name, *(("drill",) if self.drill else ()))
            if identity in self.entries or (self.drill and not target.drill):
                continue
            alarm = occasion.signals[0] if occasion.kind is Kind.ALARM else ""
            message = Message(
                identity, occasion.kind, occasion.at, name,
                words.title(occasion, said, target.language, drill=self.drill),
                words.body(occasion, said, target.language, alarm),
                said, self.drill, occasion.step, occasion.clock, occasion.due, alarm,
            )  # fmt: skip
            entry = Entry(
                identity, name, occasion.kind, occasion.key, occasion.at, now, incident=incident,
                signals=list(occasion.signals), level=said.level, life=said.life, message=message,
                next=target.awake(now, life=said.life),
            )  # fmt: skip
            self._index(entry)
            self._keep(entry)
            yield entry

    def _link(self, incident: Incident) -> None:
        """Alarms that have their outcome in this incident are its own from now on."""
        for identity in incident.provisional:
            if self._settled.get(identity) == incident.id:
                continue
            self._settled[identity] = incident.id
            for entry in self._alarms.get(identity, ()):
                self._of_incident.get(entry.incident, {}).pop(entry.id, None)
                entry.incident = incident.id
                self._of_incident.setdefault(incident.id, {})[entry.id] = entry
                self._keep(entry)

    def _told_as_alarm(self, entry: Entry) -> bool:
        """Whether this target was told of it, or is about to be, by alarms: of the incident, or of each signal behind
        what happened to it since, at its level."""
        if entry.kind is Kind.SHOWN:
            return any(a.kind is Kind.ALARM and _tells(a, entry) for a in self._of_incident[entry.incident].values())
        return bool(entry.signals) and all(
            any(a.level >= entry.level and _tells(a, entry) for a in self._alarms.get(identity, ()))
            for identity in entry.signals
        )

    def _forget(self, incident: str) -> None:
        for entry in self._of_incident.pop(incident, {}).values():
            self._drop(entry)
        for identity in [i for i, found in self._settled.items() if found == incident]:
            del self._settled[identity]

    def _drop(self, entry: Entry) -> None:
        del self.entries[entry.id]
        self._acks.pop(entry.id, None)
        self._pending.get(entry.target, {}).pop(entry.id, None)
        self._changed[ENTRY + entry.id.encode()] = None
        if entry.kind is Kind.ALARM:
            left = [e for e in self._alarms.pop(entry.signals[0], ()) if e is not entry]
            if left:
                self._alarms[entry.signals[0]] = left

    def tidy(self, now: int) -> None:
        """Forget what was told of alarms that never had an incident and are gone from their topics."""
        for entry in [e for e in self.entries.values() if not e.incident and e.state != "pending"]:
            if now - entry.since > FORGET_MS:
                self._drop(entry)

    # -- what is due

    def due(self, target: str, now: int) -> Entry | None:
        """What to try next at a target: life-safety first, of those what was tried least, then the oldest."""
        ready = [e for e in self._pending[target].values() if e.next <= now]
        return min(ready, key=lambda e: (not e.life, e.attempts, e.at, e.id), default=None)

    def next(self, target: str) -> int | None:
        """When something is due there, or None."""
        return min((e.next for e in self._pending[target].values()), default=None)

    def waiting(self) -> dict[str, int]:
        """Messages that have not arrived, by target."""
        return {name: len(entries) for name, entries in self._pending.items()}

    def done(self, id_: str, outcome: Outcome, now: int) -> None:
        """One attempt has ended. What was forgotten or withdrawn meanwhile is audited all the same."""
        entry = self.entries.get(id_)
        if entry is None:
            self._notes.append({"what": "notify.attempt", "t": now, "message": id_, "outcome": outcome.status})
            return
        entry.attempts += 1
        target = self.config.targets[entry.target]
        self._note("notify.attempt", entry, now, outcome=outcome.status, attempt=entry.attempts,
                   detail=words.plain(outcome.detail)[:DETAIL_MOST])  # fmt: skip
        if outcome.status is Status.DELIVERED:
            if outcome.ack is not None:
                entry.ack, entry.acked = outcome.ack, now
                self._acks[entry.id] = entry
            self._settle(entry, "delivered")
        elif entry.state != "pending":
            self._keep(entry)
        elif outcome.status is Status.REFUSED:
            self._end(entry, "refused", "refused", now)
        elif now - entry.since >= target.give_up and not (entry.life and entry.incident):
            self._end(entry, "given_up", "given_up", now)
        else:
            pause = max(target.pause(entry.attempts), round(1000 * min(max(outcome.after_s, 0.0), LONGEST_WAIT_S)))
            entry.next = target.awake(now + pause, life=entry.life)
            self._keep(entry)

    # -- acknowledgements

    def acks(self) -> list[Entry]:
        """Acknowledgements whose incident is known and that have not become feedback."""
        return [e for e in self._acks.values() if e.incident]

    def acknowledged(self, id_: str, now: int, *, sent: bool) -> None:
        """One has become feedback, or cannot (``sent`` false)."""
        entry = self._acks.pop(id_)
        by = "" if entry.ack is None else entry.ack.by
        self._note("notify.acknowledged" if sent else "notify.unacknowledged", entry, now, by=by)
        entry.ack = None
        if entry.id in self.entries:
            self._keep(entry)

    # -- what is written

    def changes(self) -> tuple[dict[bytes, bytes | None], list[dict[str, Any]]]:
        """Ledger and audit notes since the last call. The notes are to be written first."""
        items, self._changed = self._changed, {}
        notes, self._notes = self._notes, []
        return items, notes

    def _keep(self, entry: Entry) -> None:
        self._changed[ENTRY + entry.id.encode()] = _json(entry)

    def _settle(self, entry: Entry, state: State) -> None:
        entry.state, entry.message = state, None
        self._pending.get(entry.target, {}).pop(entry.id, None)
        self._keep(entry)

    def _end(self, entry: Entry, state: State, why: str, now: int) -> None:
        self._settle(entry, state)
        self._note("notify." + state, entry, now, reason=why)

    def _note(self, what: str, entry: Entry, now: int, **more: object) -> None:
        told: dict[str, Any] = {"what": what, "t": now, "message": entry.id, "target": entry.target}
        target = self.config.targets.get(entry.target)
        told |= {"adapter": target.adapter if target else "", "kind": entry.kind, "life": entry.life}
        told |= {"incident": entry.incident} if entry.incident else {"alarm": entry.signals[0]}
        self._notes.append({**told, **more})

    def _unreadable(self, what: str, key: str, error: Exception, now: int) -> None:
        self.counts[f"unreadable_{what}"] += 1
        detail = words.plain(str(error))[:DETAIL_MOST]
        self._notes.append({"what": "notify.unreadable", "t": now, "record": what, "key": key, "detail": detail})


def _tells(alarm: Entry, entry: Entry) -> bool:
    return alarm.target == entry.target and alarm.state in {"pending", "delivered"}


def _id(*parts: str) -> str:
    """The same for the same occasion and target, in every run: a receiver knows a repeat by it."""
    return "ntf-" + hashlib.blake2b("|".join(parts).encode(), digest_size=12).hexdigest()
