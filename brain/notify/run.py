"""The process: one thread reads, one a target sends, and nothing is tried before the ledger has it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import structlog
from prometheus_client import Counter, Gauge

from brain.incidents import publish
from brain.notify.ledger import Ledger
from brain.notify.port import Message, Notifier, Outcome, Status
from brain.notify.post import Entry, Post
from streams.records import CE_TYPE, SIGNAL_TYPE, TP, Headers
from streams.tailing import Seen

log = structlog.get_logger(__name__)

ATTEMPTS = Counter("brain_notify_attempts_total", "Attempts to tell somebody, by what became of them",
                   ["target", "outcome"])  # fmt: skip
WAITING = Gauge("brain_notify_waiting", "Messages that have not arrived", ["target"])
LEADING = Gauge("brain_notify_leading", "1 where this process tells people, 0 where it stands by for the one that does")
UNREADABLE = Counter("brain_notify_unreadable_total", "Records of incidents and alarms that could not be read")

AT: Final = b"at/"
SAVE_S: Final = 5.0
"""Positions are written with whatever else is, and after this long."""
TIDY_S: Final = 3600.0
LOOK_S: Final = 1.0
"""A thread with nothing to do looks again after this long."""

Acknowledge = Callable[[Entry], tuple[bytes, bytes, Headers]]
"""The feedback record (key, value, headers) of an entry's acknowledgement. Raises ValueError where none can be made."""


def positions(items: Mapping[bytes, bytes]) -> dict[TP, int]:
    """How far was read, from the ledger."""
    out = {}
    for key, value in items.items():
        if key.startswith(AT):
            topic, _, partition = key[len(AT) :].decode().rpartition("/")
            out[TP(topic, int(partition))] = int(value)
    return out


class Office:
    """Feeds a post with what is read and carries its messages out. ``clock`` answers ms UTC.

    ``acknowledge`` None: acknowledgements in answers are audited, and become no feedback. ``held``: whether the work
    is ours still; nothing is tried and nothing more is read once it is not.
    """

    def __init__(
        self, post: Post, ledger: Ledger, notifiers: Mapping[str, Notifier], prefix: str = "",
        acknowledge: Acknowledge | None = None, clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        held: Callable[[], bool] = lambda: True,
    ) -> None:  # fmt: skip
        self.post, self.ledger, self.notifiers, self.prefix = post, ledger, notifiers, prefix
        self.acknowledge, self.clock, self.held = acknowledge, clock, held
        self.stopped = threading.Event()
        self.failure: Exception | None = None
        self._moved = threading.Condition()
        self._at: dict[TP, int] = {}
        self._saved = self._tidied = time.monotonic()
        for name in notifiers:
            WAITING.labels(name)
            for status in Status:
                ATTEMPTS.labels(name, status.value)

    def run(self, records: Iterable[Seen], wait_s: float = 15.0) -> None:
        """Until the records end or :meth:`stop` is called; then attempts in hand have ``wait_s`` to end.

        Raises
        ------
        LogError
            The ledger takes nothing more: what is due stays due, and a new process goes on.
        """
        with self._moved:
            self._flush()
        threads = [
            threading.Thread(target=self._guarded, args=(name,), name=f"notify-{name}", daemon=True)
            for name in self.notifiers
        ]
        for thread in threads:
            thread.start()
        try:
            for seen in records:
                self.take(seen)
                if self.stopped.is_set():
                    break
        finally:
            self.stop()
            until = time.monotonic() + wait_s
            for thread in threads:
                thread.join(max(0.0, until - time.monotonic()))
        if self.failure is not None:
            raise self.failure
        if self.held():  # what another process knows by now is not written over
            with self._moved:
                self._flush()

    def stop(self) -> None:
        """No new attempt is begun."""
        self.stopped.set()
        with self._moved:
            self._moved.notify_all()

    # -- reading

    def take(self, seen: Seen) -> None:
        """One record of an incident or alarms topic; others, seals among them, only move the position."""
        now, topic = self.clock(), seen.topic.removeprefix(self.prefix)
        if not self.held():
            self.stop()
            return
        with self._moved:
            if topic.startswith("incidents."):
                if seen.value is None or seen.header(CE_TYPE) == publish.TYPE.encode():
                    self.post.incident((seen.key or b"").decode(errors="replace"), seen.value, now)
            elif topic.startswith("alarms.") and seen.header(CE_TYPE) == SIGNAL_TYPE:
                self.post.alarm(seen.value, seen.time, now)
            self._at[TP(seen.topic, seen.partition)] = seen.offset + 1
            if time.monotonic() - self._tidied > TIDY_S:
                self.post.tidy(now)
                self._tidied = time.monotonic()
            self._acknowledge(now)
            self._flush()
            self._moved.notify_all()

    def _flush(self) -> None:
        """With the lock held: write what changed, and the positions that it followed from."""
        items, notes = self.post.changes()
        late = time.monotonic() - self._saved > SAVE_S
        if items or notes or (late and self._at) or self.stopped.is_set():
            at: dict[bytes, bytes | None] = {AT + f"{tp}".encode(): b"%d" % offset for tp, offset in self._at.items()}
            self.ledger.write({**items, **at}, notes)
            self._at.clear()
            self._saved = time.monotonic()
        for name, count in self.post.waiting().items():
            WAITING.labels(name).set(count)
        UNREADABLE.inc(sum(n for what, n in self.post.counts.items() if what.startswith("unreadable")))
        self.post.counts.clear()

    # -- sending

    def _guarded(self, name: str) -> None:
        try:
            while not self.stopped.is_set():
                self._once(name)
        except Exception as error:  # told to the thread that reads, which raises it
            self.failure = error
            log.error("leaving, a supervisor starts me anew", target=name, exc_info=error)
            self.stop()

    def _once(self, name: str) -> None:
        """Try what is due, or wait for something."""
        with self._moved:
            now = self.clock()
            entry = self.post.due(name, now)
            if entry is None or entry.message is None:
                at = self.post.next(name)
                self._moved.wait(LOOK_S if at is None else min(LOOK_S, max(0.001, (at - now) / 1000)))
                return
            id_, message, attempt = entry.id, entry.message, entry.attempts + 1
        if not self.held():
            self.stop()
            return
        outcome = self._try(name, message, attempt)
        ATTEMPTS.labels(name, outcome.status.value).inc()
        with self._moved:
            now = self.clock()
            self.post.done(id_, outcome, now)
            # Before it becomes feedback it is in the ledger, and gone from there after it has.
            self._flush()
            self._acknowledge(now)
            self._flush()

    def _try(self, name: str, message: Message, attempt: int) -> Outcome:
        try:
            return self.notifiers[name].send(message, attempt)
        except Exception as error:  # whatever an adapter raises ends one attempt, and no other target's
            log.warning("adapter raised", target=name, message=message.id, exc_info=error)
            return Outcome(Status.FAILED, type(error).__name__)

    def _acknowledge(self, now: int) -> None:
        for entry in self.post.acks():
            record = None
            if self.acknowledge is not None:
                try:
                    record = self.acknowledge(entry)
                except ValueError as error:
                    log.warning("acknowledgement of no use", message=entry.id, error=str(error))
            if record is not None:
                self.ledger.feedback(*record)
            self.post.acknowledged(entry.id, now, sent=record is not None)
