"""Rules of shadow, combinations, agents and census, each taken away singly: the simulator must notice."""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Callable, Mapping
from typing import Any

from brain import census as census_module
from brain import lane as lane_module
from brain.agent_kit import city as agents_module
from brain.agent_kit.city import CityAgents
from brain.agent_kit.fault import Fault, Inline
from brain.agent_kit.tables import SAYS, TROUBLES, States
from brain.beats import Timers
from brain.incidents import areas as areas_module
from brain.incidents import books as books_module
from brain.incidents import combine as combine_module
from brain.incidents import neighbours as neighbours_module
from brain.incidents.areas import Areas
from brain.incidents.books import KEY, Books
from brain.incidents.combine import Combine
from brain.incidents.heard import CASE
from brain.lane import ReadingsLane
from streams import pulse as pulses
from streams.city import City
from streams.lane import Lane
from streams.outbox import Outbox
from streams.records import CE_TYPE, PULSE_TYPE, SHADOW, SIGNAL_TYPE, Write
from streams.simulate.mutants import Change, patched


def _promoted_at_arrival() -> list[Change]:
    original = City._sealed

    def sealed(self: City, rank: int, seal: Any) -> None:
        original(self, rank, seal)
        while self.head.sets:
            _, self.head.set = self.head.sets.pop(0)
            self.logic.enter(self.head.set, self.sets(self.head.set))

    return [(City, "_sealed", sealed)]


def _promoted_with_the_batch() -> list[Change]:
    original = Lane._apply

    def apply(self: Lane, batch: Any) -> None:
        for row in sorted(batch.headers):
            pulse = pulses.decode(batch.value(row), self.settings.key)
            if batch.header(row, CE_TYPE) == PULSE_TYPE and pulse is not None and pulse.seq > self.head.seq:
                self.logic.enter(pulse.set, self.sets(pulse.set))
        original(self, batch)

    return [(Lane, "_apply", apply)]


def _shadow_not_restored() -> list[Change]:
    original = Books.load

    def load(self: Books, items: Mapping[bytes, bytes]) -> None:
        original(self, {key: value for key, value in items.items() if not key.startswith(KEY)})

    return [(Books, "load", load)]


def _shadow_timer_forgotten() -> list[Change]:
    enter, end_left = Books.enter, Books._end_left

    def entered(self: Books, set_id: str, content: Any) -> None:
        enter(self, set_id, content)
        self._due = None  # until the next signal in shadow

    def ended(self: Books, now: int) -> None:
        end_left(self, now)
        self._due = None

    return [(Books, "enter", entered), (Books, "_end_left", ended)]


def _told_live() -> list[Change]:
    original = Outbox.signal

    def signal(self: Outbox, signal: Any) -> None:
        before = len(self.writes.get(self.topics.signals, ()))
        original(self, signal)
        mine = self.writes[self.topics.signals]
        mine[before:] = [write._replace(headers=((CE_TYPE, SIGNAL_TYPE),)) for write in mine[before:]]

    return [(Outbox, "signal", signal)]


def _folded_live() -> list[Change]:
    return [(Books, "signal", lambda self, signal: self.live.signal(signal))]


def _stays_in_shadow() -> list[Change]:
    return [(Timers, "_cell", lambda self, slot, table: self._cell_of.get(slot, -1))]


def _no_timer(kind: int) -> list[Change]:
    original = Combine.load

    def load(self: Combine, items: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
        rest = original(self, items)
        self._timers = [timer for timer in self._timers if timer[1] != kind]
        heapq.heapify(self._timers)
        return rest

    return [(Combine, "load", load)]


def _told_in_both() -> list[Change]:
    return [(Combine, "_ours", lambda self, c, at: True)]


def _trial_by_its_state() -> list[Change]:
    return [(combine_module, "side_of", lambda s, district: 0 if s.state in ("live", "trial") else SHADOW)]


def _silence_not_kept() -> list[Change]:
    original = Combine.load

    def load(self: Combine, items: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
        rest = original(self, items)
        for case in self._cases.values():
            case.silent = False
        return rest

    return [(Combine, "load", load)]


def _same_name_again() -> list[Change]:
    original = Combine._tell

    def tell(self: Combine, case: Any, *where: Any) -> None:
        case.anew = None
        original(self, case, *where)

    return [(Combine, "_tell", tell)]


def _unsaved(owner: type, prefix: bytes) -> list[Change]:
    original = owner.__dict__["changes"]

    def changes(self: Any) -> dict[bytes, bytes | None]:
        return {key: value for key, value in original(self).items() if not key.startswith(prefix)}

    return [(owner, "changes", changes)]


def _agents_first() -> list[Change]:
    original = Lane._commit

    async def commit(self: Lane, writes: Any) -> None:
        def is_state(write: Write) -> bool:
            return write.to == self.topics.state and b"agent." in (write.key or b"")

        first = [write for write in writes if is_state(write)]
        if first:
            await self.log.commit(first)
        await original(self, [write for write in writes if not is_state(write)])

    return [(Lane, "_commit", commit)]


def _agent_outlives() -> list[Change]:
    take, put = States.take, States.put
    kept: dict[tuple[int, int], Any] = {}

    def taken(self: States, assets: Any) -> Any:
        rows = take(self, assets)
        for k, a in enumerate(assets.tolist()):
            rows[k] = kept.get((self._number, int(self._slots[a])), rows[k])
        return rows

    def kept_too(self: States, assets: Any, rows: Any) -> None:
        put(self, assets, rows)
        kept.update({(self._number, int(self._slots[a])): rows[k].copy() for k, a in enumerate(assets.tolist())})

    return [(States, "take", taken), (States, "put", kept_too)]


def _half_judged() -> list[Change]:
    def judge(self: Inline, agent: Any, rows: Any, state: Any) -> Any:
        try:
            return self.program(agent).judge(rows, state)
        except Exception as error:
            raise Fault("raised", f"{type(error).__name__}: {error}") from error

    return [(Inline, "judge", judge)]


def _unmarked(name: str) -> list[Change]:
    original = ReadingsLane.process

    def process(self: ReadingsLane, view: Any) -> Any:
        table = self.store.table(name)
        before = table.dirty.copy()
        out = original(self, view)
        table.dirty[: len(before)] = before
        table.dirty[len(before) :] = 0
        return out

    return [(lane_module._SeriesLane, "process", process)]


def _beat_lost() -> list[Change]:
    bind, beat = ReadingsLane.bind, ReadingsLane._beat

    def bound(self: Any, *where: Any) -> None:
        bind(self, *where)
        self.fresh = True

    def beaten(self: Any, one: Any, out: Any) -> None:
        if not self.fresh:
            beat(self, one, out)
        self.fresh = False

    return [(lane_module._SeriesLane, "bind", bound), (lane_module._SeriesLane, "_beat", beaten)]


MUTANTS: dict[str, Callable[[], list[Change]]] = {
    "the city promotes when a seal names the set": _promoted_at_arrival,
    "a lane promotes with the batch that the pulse is in": _promoted_with_the_batch,
    "the shadow book is not restored": _shadow_not_restored,
    "after a set change the shadow book's timers wait for a signal": _shadow_timer_forgotten,
    "a signal in shadow is told live": _told_live,
    "the shadow book writes to the live topics": lambda: [(books_module, "beside", lambda name: name)],
    "a signal in shadow is folded among the live": _folded_live,
    "what stands in shadow goes on there when it is promoted": _stays_in_shadow,
    "after a restart no absence comes to its end": lambda: _no_timer(combine_module._AWAIT),
    "after a restart no combination ends by quiet": lambda: _no_timer(combine_module._QUIET),
    "after a restart what ended is heard for good": lambda: _no_timer(combine_module._FORGET),
    "what combinations raised is not kept": lambda: _unsaved(Combine, CASE),
    "a combination on trial is told in both books": _told_in_both,
    "a combination on trial is live in every district": _trial_by_its_state,
    "what a combination raised stays as it is when it is promoted or taken back": lambda: [
        (Combine, "turn", lambda self, now: [])
    ],
    "after a restart what a trial found elsewhere is told": _silence_not_kept,
    "what a combination tells anew has the name of what ended": _same_name_again,
    "an agent's state is committed before its signals": _agents_first,
    "an agent's state outlives a rollback": _agent_outlives,
    "an agent that raises keeps half of its work": _half_judged,
    "what an agent left standing is not kept": lambda: _unmarked(SAYS),
    "an agent's failures are not kept": lambda: _unmarked(TROUBLES),
    "the census is not kept": lambda: _unmarked(census_module.TABLE),
    "a city agent's memory is not kept": lambda: _unsaved(CityAgents, agents_module.MEMORY),
    "what a city agent heard is not kept": lambda: _unsaved(CityAgents, agents_module.HEARD),
    "what areas raised stands when its rule is taken back": lambda: [(Areas, "left", lambda self, incidents, now: [])],
    "what stands in areas is not kept": lambda: _unsaved(Areas, areas_module.STATE),
    "what is usual beside neighbours is not kept": lambda: _unsaved(Areas, neighbours_module.STATE),
    "a beat is left out after a restore": _beat_lost,
}
"""Name → the changes that take one rule away."""


def reverted(name: str) -> contextlib.AbstractContextManager[None]:
    """The brain without one of its rules."""
    return patched(MUTANTS[name]())
