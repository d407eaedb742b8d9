"""What people are shown, and what waits: a console is one domain's, and takes so many new incidents in ten minutes.

EEMUA 191 and ISA-18.2 call about one alarm in ten minutes manageable for one operator, and more than ten a flood. So a
weak signal on a busy console is held for a while, and in a storm the weakest wait: kept, counted, on the topic with the
reason, and shown when they are corroborated, when there is room, or when the storm is over and they still stand.
Never-hidden classes are shown at once, whatever the count. Nothing that was shown is taken back.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from brain.incidents import fold
from brain.incidents.evidence import CLEAR, HIGH, KINDS, Lens, Parts, evidence, of_late, parts
from brain.incidents.fold import Case
from brain.incidents.reasons import Reason

KEY = b"v/"


@dataclass(frozen=True, slots=True)
class DeskSettings:
    """Of one console. ``window_s``: ten minutes. ``most``: what it takes in that time; on consoles that have
    never-hidden classes ``keep`` of it are kept free for those: of the places that they have not taken, half as large
    a share again as is left of the ten minutes (all of four for five minutes).

    ``need``: evidence (:mod:`brain.incidents.evidence`) to be shown, ``easy`` while fewer than ``calm`` were;
    ``dearer`` more for each place less than ``free``, or than ``spare`` for level 3 or 4 where no others of its family
    stand around. What its members raised within ``fresh_s`` speaks by itself; with older ones too it needs ``slow``
    more. Below ``sure`` it must have stood for ``hold_s``; below ``surer`` one of many of its family is carried by the
    shown one.

    Where more than ``families`` families stand around, and others of its own, weather sets off all kinds of sensors:
    ``wild`` more on a console that is not calm, and for each of those families ``stormy`` more where more than ``few``
    others of its own stand too, all of it where ``alike`` more do, up to ``enough``. Where ``gusts`` others stand,
    level ``gust`` counts one less for an asset that began at it: what climbs there is no gust. What reached ``ample``
    and was watched is not taken for weather where it came first of its family around: what rises after it may be its
    effects.

    ``again`` more where all that speaks had raised shortly before, in the same incident or in another. Where none had,
    several kinds of source speak and one climbed, something new begins: it pays for the last places as what is high
    and has no others of its family around, and with three kinds no other one carries it.

    ``rising`` less where one asset climbed to level 2 beside another, and no more than ``still`` families and one other
    of its own stand around: what grows while all else is still.

    In quiet times a weak one is shown at once while fewer than ``calm`` were shown, after ``hold_s`` while fewer than
    ``weak``; then the storm begins. It is over when for ``over_s`` no weak one had to wait; then of those that wait one
    is replayed each ``over_s``, as long as nothing else comes. What stands alone, nothing else around it, on a console
    where none had to wait for ``window_s``, is no part of the storm: it is shown after ``hold_s`` while fewer than
    ``lone`` were. The figures are a choice, measured by ``bench storm``.
    """

    window_s: float = 600.0
    most: int = 10
    keep: int = 4
    need: float = 2.75
    easy: float = 2.5
    free: int = 3
    spare: int = 2
    dearer: float = 0.5
    fresh_s: float = 120.0
    slow: float = 1.0
    families: int = 6
    wild: float = 0.25
    stormy: float = 0.6
    few: int = 2
    alike: int = 2
    enough: float = 6.0
    gusts: int = 3
    gust: int = 3
    again: float = 0.5
    ample: float = 4.0
    rising: float = 0.75
    still: int = 2
    sure: float = 5.0
    surer: float = 6.5
    hold_s: float = 90.0
    calm: int = 2
    weak: int = 2
    lone: int = 3
    over_s: float = 7200.0


class Weighed(NamedTuple):
    """What an incident was judged by. ``need``: evidence wanted at this console at this time; ``room``: places left;
    ``shown``: those of its ``window_s`` so far; ``families`` and ``alike`` stand around it."""

    parts: Parts
    known: float
    need: float
    room: int
    shown: int
    families: int
    alike: int
    wild: float
    least: float
    """Below, it is a weak one."""
    late: float
    """Of ``need`` and ``least``, for evidence that came over a longer time; 0 where what is fresh is judged."""
    lens: Lens = CLEAR

    def note(self, settings: DeskSettings) -> dict[str, Any]:
        """For the audit, with the bounds as they are now: small numbers, the same in every run."""
        return {
            "evidence": self.known, "parts": list(self.parts), "need": round(self.need, 3), "sure": settings.sure,
            "surer": settings.surer, "room": self.room, "shown": self.shown, "calm": settings.calm,
            "weak": settings.weak, "lone": settings.lone, "most": settings.most, "families": self.families,
            "alike": self.alike, "wild": self.wild, "late": self.late, "hold_s": settings.hold_s,
            "gust": self.lens.gust,
        }  # fmt: skip


class Console(msgspec.Struct):
    """State of one: fold times of the latest shown, those of never-hidden classes apart; since when it defers."""

    shown: list[int] = []
    life: list[int] = []
    storm: int | None = None
    deferred: dict[str, int] = {}
    """In this storm, by family."""
    look_at: int | None = None
    """When those that wait are looked at again."""


Tell = Callable[..., None]
_DEFERRED, _HELD = Reason.DEFERRED_STORM.value, Reason.HELD.value
_json = msgspec.json.Encoder().encode


class Desk:
    """The consoles, and who waits at each. ``note`` puts a reason on a case; ``audit`` tells people of it."""

    def __init__(
        self, settings: DeskSettings, folding: fold.FoldSettings, note: Callable[[Case, int, Reason, str], None],
        audit: Tell,
    ) -> None:  # fmt: skip
        self.settings, self.folding = settings, folding
        self._window_ms, self._hold_ms = round(settings.window_s * 1000), round(settings.hold_s * 1000)
        self._over_ms, self._fresh_ms = round(settings.over_s * 1000), round(settings.fresh_s * 1000)
        self.life: set[str] = set()
        """Domains that have never-hidden classes, in the set in force."""
        self.moved: Callable[[str], None] = lambda domain: None
        """Those that wait at a console are looked at at another time."""
        self.began: Callable[[Case, int], None] = lambda case, now: None
        """An incident has become visible."""
        self.carry: Callable[[Case, int, Weighed], bool] = lambda case, now, w: False
        """Withholds an incident that another one carries, for the audit with what it was judged by; whether it did."""
        self.carried: Callable[[Case, int], bool] = lambda case, now: False
        """Whether there is such another one."""
        self.around: Callable[[Case], tuple[int, int]] = lambda case: (0, 0)
        """How many families, and how many others of its own, stand around an incident."""
        self.first: Callable[[Case], bool] = lambda case: False
        """Whether no other of its family that stands around an incident was raised before it."""
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

    def rest(self, case: Case) -> None:
        """Nothing stands any more: whether it lasts is watched anew when it comes again."""
        if case.incident.withheld == _HELD:
            case.incident.withheld, case.incident.look_at = "", None

    def leave(self, case: Case) -> None:
        """It is over, or somebody else's now."""
        incident = case.incident
        self._waiting.get(incident.domain, {}).pop(incident.id, None)

    def judge(self, case: Case, now: int) -> None:
        """Show it, hold it or defer it; what is shown stays so."""
        incident, s = case.incident, self.settings
        if incident.shown is not None:
            return
        console = self._console(incident.domain, now)
        if incident.life:
            self._show(case, console, now, Reason.SHOWN_LIFE)
            return
        if not case.standing:
            return
        waits = incident.withheld == _DEFERRED and console.storm is not None
        whole = parts(case, now, self.folding)
        if waits and len(console.shown) >= s.calm and whole.worth() < s.need - (s.rising if _rises(whole) else 0.0):
            self._wait_on(case)  # too weak whatever stands around it
            return
        if waits and self._waits_on(case, console, now):
            self._wait_on(case)
            return
        w = self._weigh(case, console, now, whole)
        quiet = console.storm is None and w.shown < s.calm and not w.wild
        if w.known >= w.least:
            if w.known < s.sure and not quiet and self._hold(case, now, w):
                return
            if self._doubtful(whole, w) and self.carry(case, now, w):
                return
            if w.room > 0 and w.known >= w.need:
                several = len(incident.sources) > 1 or len({m.asset for m in case.standing.values()}) > 1
                self._show(case, console, now, Reason.SHOWN_CORROBORATED if several else Reason.SHOWN_LEVEL, w)
            else:
                self._defer(case, console, now, w)
        elif incident.chattering or w.wild or (console.storm is not None and not self._alone(console, now, w)):
            self._defer(case, console, now, w)
        elif quiet and not incident.withheld:
            self._show(case, console, now, Reason.SHOWN, w)
        elif self._hold(case, now, w):
            return
        elif (w.shown < s.weak or self._alone(console, now, w)) and w.room > 0:
            self._show(case, console, now, Reason.SHOWN_LASTING, w)
        else:
            self._defer(case, console, now, w)

    def _waits_on(self, case: Case, console: Console, now: int) -> bool:
        """Whether one that was deferred in this storm stays so whatever it is worth: no place is left, it was watched
        for long enough, and no other one may carry it."""
        full = self._room(case.incident.domain, console, now) <= 0
        return full and now >= self._watched(case) and not self.carried(case, now)

    def _wait_on(self, case: Case) -> None:
        case.incident.look_at = None
        self.wait(case)

    def _weigh(self, case: Case, console: Console, now: int, whole: Parts | None = None) -> Weighed:
        s = self.settings
        families, alike = self.around(case)
        many, wild, lens = 0.0, 0.0, CLEAR
        if families > s.families and alike > 0 and not self._foremost(case, whole):
            many, wild = (families - s.families) * min(max(0, alike - s.few), s.alike) / s.alike, s.wild
            lens = Lens(True, s.gust if alike >= s.gusts else 0)
        if whole is None or lens.wild:
            whole = parts(case, now, self.folding, None, lens)
        found, late = self._found(case, now, whole, lens)
        shown, room = len(console.shown), self._room(case.incident.domain, console, now)
        least = s.easy if shown < s.calm and not wild else s.need
        if families <= s.still and alike <= 1 and _rises(found):
            least -= s.rising
        need = least + s.stormy * many
        if shown >= s.calm:
            need += wild
        if found.again:
            need += s.again
        need = min(need, s.enough)
        free = min(s.spare, s.free) if found.begins() or (found.top >= HIGH and alike == 0) else s.free
        if room < free:
            need += s.dearer * (free - room)
        return Weighed(
            found, found.worth(), need + late, room, shown, families, alike, wild, least + late, late, lens
        )  # fmt: skip

    def _foremost(self, case: Case, whole: Parts | None) -> bool:
        """Whether ample evidence, watched by now, came before the others of its family around."""
        watched = case.incident.withheld == _HELD and whole is not None and whole.worth() >= self.settings.ample
        return watched and self.first(case)

    def _doubtful(self, whole: Parts, w: Weighed) -> bool:
        """Whether another one of its family may carry it."""
        if w.parts.begins() and w.parts.sources >= KINDS:
            return False
        return w.known - w.late < self.settings.surer and (not w.lens.wild or whole.worth() < self.settings.surer)

    def _found(self, case: Case, now: int, whole: Parts, lens: Lens) -> tuple[Parts, float]:
        """What speaks for it, and how much more it needs: what is fresh, or all of it where that says more even so."""
        since, slow = now - self._fresh_ms, self.settings.slow
        for member in case.standing.values():
            if not of_late(member, since):
                break
        else:
            return whole, 0.0
        fresh = parts(case, now, self.folding, since, lens)
        return (fresh, 0.0) if fresh.worth() >= whole.worth() - slow else (whole, slow)

    def _alone(self, console: Console, now: int, w: Weighed) -> bool:
        """Whether nothing else stands around it, and its console, in a storm or not, deferred nothing of late."""
        deferred = None if console.storm is None or console.look_at is None else console.look_at - self._over_ms
        abates = deferred is None or now - deferred >= self._window_ms
        return abates and w.families <= 1 and w.alike == 0 and w.shown < self.settings.lone

    def _room(self, domain: str, console: Console, now: int) -> int:
        """Places left: in the fullest of the windows that are not over, each begun by one that was shown, or now."""
        most, keep = self.settings.most, self.settings.keep if domain in self.life else 0
        shown, life = console.shown, console.life
        if len(life) >= keep:  # nothing is kept in the longest of them, and no other has less room
            return most - len(life) - len(shown)
        room, over = most - keep, now - self._window_ms
        for begun in (*shown, *life):
            lives = len(life) - bisect_left(life, begun)
            free = keep - lives
            kept = min(free, -(free * (over - begun) * 3 // (2 * self._window_ms)))
            room = min(room, most - lives - kept - len(shown) + bisect_left(shown, begun))
        return room

    def look(self, domain: str, now: int) -> None:
        """No weak one had to wait for ``over_s``: the storm ends. Of those that wait the one of most evidence is shown,
        where nothing else was within the window."""
        console = self._console(domain, now)
        console.look_at = None
        self._changed.add(domain)
        self._calm(domain, now)
        waiting = [c for c in self._waiting.get(domain, {}).values() if c.standing]
        if waiting and console.storm is None and not console.shown:
            first = min(waiting, key=lambda c: self._turn(c, now))
            self._show(first, console, now, Reason.SHOWN_REPLAYED, self._weigh(first, console, now))
        if self._waiting.get(domain):
            console.look_at = now + self._over_ms
        self.moved(domain)

    def show(self, case: Case, now: int, reason: Reason) -> None:
        """Show it whatever the count: a person said so, or what withheld it is over."""
        if case.incident.shown is None:
            console = self._console(case.incident.domain, now)
            self._show(case, console, now, reason, self._weigh(case, console, now))

    def _turn(self, case: Case, now: int) -> tuple[Any, ...]:
        i = case.incident
        return -evidence(case, now, self.folding), i.chattering, i.opened, i.id

    def _show(self, case: Case, console: Console, now: int, reason: Reason, w: Weighed | None = None) -> None:
        incident = case.incident
        (console.life if incident.life else console.shown).append(now)
        waited = incident.withheld
        incident.shown = incident.sounded = now
        incident.withheld, incident.look_at = "", None
        self._changed.add(incident.domain)
        self._note(case, now, reason, "")
        self.began(case, now)
        self.leave(case)
        judged = {} if w is None else w.note(self.settings)
        self._audit("incident.shown", case, now, reason=reason.value, waited=waited, **judged)

    def _hold(self, case: Case, now: int, w: Weighed) -> bool:
        """Whether it is watched first: what stands has not stood for long enough."""
        incident = case.incident
        until = self._watched(case)
        if now >= until:
            return False
        incident.look_at = until
        if incident.withheld != _HELD:
            self.leave(case)
            incident.withheld = _HELD
            self._note(case, now, Reason.HELD, "")
            self._audit("incident.withheld", case, now, reason=_HELD, until=until, **w.note(self.settings))
        return True

    def _watched(self, case: Case) -> int:
        """Until when what stands is watched before it is shown."""
        return min([m.recent[-1] for m in case.standing.values() if m.recent]) + self._hold_ms

    def _defer(self, case: Case, console: Console, now: int, w: Weighed) -> None:
        incident = case.incident
        incident.look_at = None
        if incident.withheld != _DEFERRED:
            if console.storm is None:
                console.storm, console.deferred = now, {}
                self._audit("storm.began", None, now, domain=incident.domain)
            console.deferred[incident.family] = console.deferred.get(incident.family, 0) + 1
            incident.withheld = _DEFERRED
            self._note(case, now, Reason.DEFERRED_STORM, "")
            self._audit("incident.withheld", case, now, reason=_DEFERRED, **w.note(self.settings))
            console.look_at = now + self._over_ms
            self._changed.add(incident.domain)
            self.moved(incident.domain)
        self.wait(case)

    def _calm(self, domain: str, now: int) -> None:
        console = self.consoles.get(domain)
        if console is None or console.storm is None:
            return
        deferred, waiting = dict(sorted(console.deferred.items())), len(self._waiting.get(domain, {}))
        self._audit(
            "storm.ended", None, now, domain=domain, since=console.storm, deferred=deferred, waiting=waiting
        )  # fmt: skip
        console.storm = None
        console.deferred = {}
        self._changed.add(domain)

    def _console(self, domain: str, now: int) -> Console:
        console = self.consoles.get(domain)
        if console is None:
            console = self.consoles[domain] = Console()
        since, shown, life = now - self._window_ms, console.shown, console.life
        if (shown and shown[0] < since) or (life and life[0] < since):
            console.shown, console.life = [t for t in shown if t >= since], [t for t in life if t >= since]
            self._changed.add(domain)
        return console


def _rises(found: Parts) -> bool:
    """Whether an asset climbed to level 2, no higher, beside another one."""
    return found.climbed == HIGH - 1 and found.assets > 1
