"""Two books: the incidents that people deal with, and beside them those in shadow 影子, which bother nobody.

What is raised in shadow is folded in the same order by a second city logic with incidents, clocks and console of its
own; combinations in shadow overhear what is folded into the first book. Those, and those on trial, are kept in both
books and told in one, by place, so that what stands is told anew where a promotion or its end moves it. Its records go
to ``incidents-shadow.*`` and ``audit-shadow``, its state under keys of its own, and nothing that it does reaches the
first: no feedback, no trust, no cause, no load on a console.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

from brain.agent_kit import meters as agent_meters
from brain.incidents.city import CityLogic
from brain.incidents.desk import DeskSettings
from brain.incidents.figures import figures
from brain.incidents.fold import FoldSettings
from brain.newest import Newest
from streams.figures import Figure
from streams.logic import FAR, Change
from streams.records import SHADOW, Notice, Signal, Summary

KEY: Final = b"shadow/"
"""Before every key of the shadow book's state."""
TOPICS: Final = "-shadow"
"""Behind the family of every topic that it writes to."""


class Sides(NamedTuple):
    """A set as each book sees it, and its scenarios by state, as far as they are not live."""

    live: Any
    shadow: Any
    ids: frozenset[str]
    """Of scenarios in shadow."""
    trials: Mapping[str, str]
    """Of scenarios on trial: their district."""

    @classmethod
    def of(cls, content: Any) -> Sides:
        """Of any content; one that says nothing of drafts has no shadow."""
        drafts = getattr(content, "drafts", ())
        trials = {s.id: s.trial.district for s in drafts if s.state == "trial"}
        if not trials and not any(s.state == "shadow" for s in drafts):
            return cls(content, None, frozenset(), {})
        on_trial = [s for s in drafts if s.state == "trial"]
        hidden = [s for s in drafts if s.state == "shadow"]
        aside = [s for s in hidden if s.source == "signals"]
        live = _Seen(content, scenarios=[*content.scenarios, *on_trial], aside=aside) if on_trial or aside else content
        # What speaks against assets is the live book's: the other would ask for minutes that never come to it.
        shadow = _Seen(content, scenarios=[*on_trial, *hidden], trust=None, heard=content.scenarios)
        return cls(live, shadow, frozenset(s.id for s in hidden), trials)


class _Seen(SimpleNamespace):
    """A set with some of its parts put in the place of others."""

    def __init__(self, content: Any, **parts: Any) -> None:
        super().__init__(**parts)
        self.of = content

    def __getattr__(self, name: str) -> Any:
        return getattr(self.of, name)


class _Book(CityLogic):
    """What both can."""

    def end_left(self, now: int) -> None:
        """After a change of set: what a rule raised that is not of this book any more ends, and what is told anew."""
        for signal in self.models.left(self.bare(), now):
            self.signal(signal)
        self._asked = False
        for made in self._combine.turn(now):
            self._own(made)


class _Live(_Book):
    """The first book. ``tells`` hears each signal before it is folded, those that were made here as well."""

    tells: Callable[[Signal], None] | None = None

    def signal(self, signal: Signal) -> None:
        """Fold one signal."""
        if self.tells is not None:
            self.tells(signal)
        super().signal(signal)


class _Shadow(_Book):
    """The second book."""

    side = SHADOW

    def listens(self) -> bool:
        """Whether there are combinations, or what such raised."""
        return bool(self._combine)

    def overhear(self, signal: Signal) -> None:
        """A signal of the first book: here it is a part of combinations and nothing else."""
        if self._combine.concerns(signal):
            self._asked = False
            for made in self._combine.hear(signal):
                self._own(made)


class Books:
    """Both as one. Implements ``streams.logic.CityLogic``; arguments as of :class:`CityLogic`.

    ``sets`` finds the content of a set by id. Without it the set in force in fold order is used for all.
    """

    owner = CityLogic.owner

    def __init__(
        self, settings: FoldSettings | None = None, sets: Callable[[str], Any] | None = None,
        desk: DeskSettings | None = None,
    ) -> None:  # fmt: skip
        self._sets = sets
        self._known: Newest[Sides] = Newest()
        self._force = Sides(None, None, frozenset(), {})
        self.live = _Live(settings, None if sets is None else lambda id_: self._of(id_).live, desk)
        self.shadow = _Shadow(settings, None if sets is None else self._hidden, desk)
        self.live.models.keeps = lambda s: s.district == self._force.trials.get(s.scenario, s.district)
        self.shadow.models.keeps = lambda s: s.district != self._force.trials.get(s.scenario)
        self._due: int | None = None
        """When the shadow book has something to do next."""
        self._left = False
        """Whether a set came into force since timers last ran."""

    # -- what the engine calls

    def load(self, items: Mapping[bytes, bytes]) -> None:
        """Take both back. Raises ValueError on foreign state."""
        self.live.load({key: value for key, value in items.items() if not key.startswith(KEY)})
        self.shadow.load({key[len(KEY) :]: value for key, value in items.items() if key.startswith(KEY)})
        self._due = self.shadow.due()

    def enter(self, set_id: str, content: Any) -> None:
        """A set comes into force. Raises what either book does."""
        self._force = self._known[set_id] = Sides.of(content)
        self.live.enter(set_id, self._force.live)
        if self._force.shadow is None:
            nothing: Any = SimpleNamespace(scenarios=(), routes=None)
            self.shadow.enter(set_id, nothing)
        else:
            self.shadow.enter(set_id, self._force.shadow)
        self.live.tells = self._overhear if self.shadow.listens() else None
        self._due, self._left = self.shadow.due(), True

    def _overhear(self, signal: Signal) -> None:
        self.shadow.overhear(signal)
        self._due = self.shadow.due()

    def signal(self, signal: Signal) -> None:
        """Fold one signal into its book."""
        if signal.shadow():
            self.shadow.signal(signal)
            self._due = self.shadow.due()
        else:
            self.live.signal(signal)

    def summary(self, summary: Summary) -> None:
        """A minute, to the books whose models judge it; of a scenario on trial to both."""
        sides = self._of(summary.set)
        if summary.name in sides.ids or summary.name in sides.trials:
            self.shadow.summary(summary)
            self._due = self.shadow.due()
        if summary.name not in sides.ids:
            self.live.summary(summary)

    def notice(self, notice: Notice) -> None:
        """What people did; nobody sees what is in shadow."""
        self.live.notice(notice)

    def due(self, until: int = FAR) -> int | None:
        """Fold time of the next timer of either; of those after ``until`` some may be missing."""
        first, later = self.live.due(until), self._due
        return first if later is None or (first is not None and first < later) else later

    def fire(self, now: int) -> None:
        """Run the timers that are due at exactly ``now``, of each book that has any.

        After a change of set, what minutes and combinations raised by a rule that is not of a book any more ends first;
        a restart finds nothing of it.
        """
        if self._left:
            self._end_left(now)
        if self.live.due(now) == now:
            self.live.fire(now)
        if self._due == now:
            self.shadow.fire(now)
            self._due = self.shadow.due()

    def _end_left(self, now: int) -> None:
        self._left = False
        self.live.end_left(now)
        self.shadow.end_left(now)
        self.live.tells = self._overhear if self.shadow.listens() else None
        self._due = self.shadow.due()

    def figures(self) -> Sequence[Figure]:
        """What stands in the book that people see."""
        return [*figures(self.live.bare()), agent_meters.stopped(self.live.agents.stopped())]

    def fates(self) -> Mapping[str, int]:
        """What became of signals and timers since the last call, by reason; in shadow as ``shadow_<reason>``."""
        return {**self.live.fates(), **{f"shadow_{reason}": n for reason, n in self.shadow.fates().items()}}

    def changes(self) -> Iterator[Change]:
        """State and records of both since the last call, the live book's first."""
        yield from self.live.changes()
        for topic, key, value, heads in self.shadow.changes():
            yield (None, KEY + key, value, ()) if topic is None else (beside(topic), key, value, heads)

    # -- sets

    def _of(self, set_id: str) -> Sides:
        """Raises KeyError where the set is not here; of no set, or without a way to find it, the one in force."""
        if self._sets is None or not set_id:
            return self._force
        if set_id not in self._known:
            self._known[set_id] = Sides.of(self._sets(set_id))
        return self._known[set_id]

    def _hidden(self, set_id: str) -> Any:
        shadow = self._of(set_id).shadow
        if shadow is None:
            raise KeyError(set_id)
        return shadow


def beside(name: str) -> str:
    """Name of a topic as the shadow book has it."""
    family, dot, rest = name.partition(".")
    return f"{family}{TOPICS}{dot}{rest}"
