"""What people are shown, and what waits: a console is one domain's, and takes so many new incidents in ten minutes.

EEMUA 191 and ISA-18.2 call about one alarm in ten minutes manageable for one operator, and more than ten a flood. So a
weak signal on a busy console is held for a while, and in a storm the weakest wait: kept, counted, on the topic with the
reason, and shown when they are corroborated, when there is room, or when the storm is over and they still stand.
Never-hidden classes are shown at once, whatever the count. Nothing that was shown is taken back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from brain.incidents.fold import Case
from brain.incidents.reasons import Reason

KEY = b"v/"


@dataclass(frozen=True, slots=True)
class DeskSettings:
    """Of one console. ``window_s``: ten minutes. ``most``: what it takes in that time, never-hidden ones included;
    ``keep``: so many of it are kept free for those. ``weak``: so many may be single weak signals; up to ``calm`` it is
    not busy. ``hold_s``: a weak one on a busy console is looked at again after so long. ``urgent``: level from which a
    single signal is not weak.
    """

    window_s: float = 600.0
    most: int = 10
    keep: int = 4
    weak: int = 4
    calm: int = 2
    hold_s: float = 75.0
    urgent: int = 3


class Console(msgspec.Struct):
    """State of one: fold times of the latest shown, those of never-hidden classes apart; since when it defers."""

    shown: list[int] = []
    life: list[int] = []
    storm: int | None = None
    deferred: dict[str, int] = {}
    """In this storm, by family."""
    replayed: int = 0
    look_at: int | None = None
    """When there is room again."""


Tell = Callable[..., None]
_json = msgspec.json.Encoder().encode


class Desk:
    """The consoles, and who waits at each. ``note`` puts a reason on a case; ``audit`` tells people of it."""

    def __init__(self, settings: DeskSettings, note: Callable[[Case, int, Reason, str], None], audit: Tell) -> None:
        self.settings = settings
        self._note, self._audit = note, audit
        self.consoles: dict[str, Console] = {}
        self._waiting: dict[str, dict[str, Case]] = {}
        self._changed: set[str] = set()

    def load(self, domain: str, value: bytes) -> None:
        """A console as it was."""
        self.consoles[domain] = msgspec.json.decode(value, type=Console)

    def changes(self) -> dict[bytes, bytes | None]:
        """State since the last call."""
        out: dict[bytes, bytes | None] = {KEY + d.encode(): _json(self.consoles[d]) for d in sorted(self._changed)}
        self._changed.clear()
        return out

    def wait(self, case: Case) -> None:
        """A deferred case is back from the state."""
        self._waiting.setdefault(case.incident.domain, {})[case.incident.id] = case

    def leave(self, case: Case, now: int) -> None:
        """It is over, or somebody else's now."""
        incident = case.incident
        waiting = self._waiting.get(incident.domain, {})
        if waiting.pop(incident.id, None) is not None and not waiting:
            self._calm(incident.domain, now)

    def judge(self, case: Case, now: int, replay: bool = False) -> None:
        """Show it, hold it or defer it; what is shown stays so."""
        incident = case.incident
        if incident.shown is not None:
            return
        console = self._console(incident.domain, now)
        if incident.life:
            self._show(case, console, now, Reason.SHOWN_LIFE)
            return
        if not case.standing:
            incident.look_at = None
            return
        s = self.settings
        strong = self.strength(case)
        room = s.most - max(s.keep, len(console.life)) - len(console.shown)
        if strong:
            if room > 0:
                because = Reason.SHOWN_CORROBORATED if strong > 1 else Reason.SHOWN_LEVEL
                self._show(case, console, now, Reason.SHOWN_REPLAYED if replay else because)
            else:
                self._defer(case, console, now)
            return
        until = incident.opened + round(s.hold_s * 1000)
        busy = len(console.shown) >= s.calm or incident.chattering
        if busy and now < until and not replay:
            self._hold(case, now, until)
        elif room > 0 and len(console.shown) < s.weak and not (incident.chattering and console.storm is not None):
            because = Reason.SHOWN_REPLAYED if replay else Reason.SHOWN_LASTING if incident.withheld else Reason.SHOWN
            self._show(case, console, now, because)
        else:
            self._defer(case, console, now)

    def strength(self, case: Case) -> int:
        """How much speaks for it: 0 one weak signal, 1 an urgent level, 2 several assets, 3 several kinds of source."""
        incident = case.incident
        if incident.confidence != "unconfirmed" or len(incident.sources) > 1:
            return 3
        if len({asset for _, asset in case.standing}) > 1:
            return 2
        return 1 if incident.level >= self.settings.urgent else 0

    def look(self, domain: str, now: int) -> None:
        """There may be room: the strongest of those that wait go first, then the worst, then the oldest."""
        console = self._console(domain, now)
        console.look_at = None
        self._changed.add(domain)
        waiting = self._waiting.get(domain, {})
        for case in sorted(waiting.values(), key=self._turn):
            if case.standing:
                self.judge(case, now, replay=True)
        if self._waiting.get(domain):
            self._look_again(console, now)
        else:
            self._calm(domain, now)

    def show(self, case: Case, now: int, reason: Reason) -> None:
        """Show it whatever the count: a person said so, or what withheld it is over."""
        if case.incident.shown is None:
            self._show(case, self._console(case.incident.domain, now), now, reason)

    def _turn(self, case: Case) -> tuple[Any, ...]:
        i = case.incident
        return -self.strength(case), i.chattering, -i.level, i.opened, i.id

    def _show(self, case: Case, console: Console, now: int, reason: Reason) -> None:
        incident = case.incident
        (console.life if incident.life else console.shown).append(now)
        waited = incident.withheld
        incident.shown = incident.sounded = now
        incident.withheld, incident.look_at = "", None
        self._changed.add(incident.domain)
        if reason is Reason.SHOWN_REPLAYED:
            console.replayed += 1
        self._note(case, now, reason, "")
        self.leave(case, now)
        if waited:
            self._audit("incident.shown", case, now, reason=reason.value, waited=waited)

    def _hold(self, case: Case, now: int, until: int) -> None:
        incident = case.incident
        if incident.withheld != Reason.HELD:
            incident.withheld = Reason.HELD.value
            self._note(case, now, Reason.HELD, "")
            self._audit("incident.withheld", case, now, reason=Reason.HELD.value, until=until)
        incident.look_at = until

    def _defer(self, case: Case, console: Console, now: int) -> None:
        incident = case.incident
        incident.look_at = None
        if incident.withheld != Reason.DEFERRED_STORM:
            if console.storm is None:
                console.storm, console.replayed = now, 0
                console.deferred = {}
                self._audit("storm.began", None, now, domain=incident.domain)
            console.deferred[incident.family] = console.deferred.get(incident.family, 0) + 1
            incident.withheld = Reason.DEFERRED_STORM.value
            self._note(case, now, Reason.DEFERRED_STORM, "")
            self._audit("incident.withheld", case, now, reason=Reason.DEFERRED_STORM.value)
        self.wait(case)
        self._look_again(console, now)
        self._changed.add(incident.domain)

    def _look_again(self, console: Console, now: int) -> None:
        times = console.shown + console.life
        at = (min(times) if times else now) + round(self.settings.window_s * 1000) + 1
        console.look_at = max(at, now + 1)

    def _calm(self, domain: str, now: int) -> None:
        console = self.consoles.get(domain)
        if console is None or console.storm is None:
            return
        counts = Counter(console.deferred)
        self._audit("storm.ended", None, now, domain=domain, since=console.storm, deferred=dict(sorted(counts.items())),
                    replayed=console.replayed)  # fmt: skip
        console.storm = console.look_at = None
        console.deferred = {}
        self._changed.add(domain)

    def _console(self, domain: str, now: int) -> Console:
        console = self.consoles.setdefault(domain, Console())
        since = now - round(self.settings.window_s * 1000)
        for times in (console.shown, console.life):
            if times and times[0] < since:
                times[:] = [t for t in times if t >= since]
                self._changed.add(domain)
        return console
