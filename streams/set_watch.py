"""How a set comes into force: a person names it, every task loads and tests it and says so, only then a pulse names it.

The wish is a record of topic ``sets`` under the key ``wanted``. Who cannot load it says why; then it is refused, which
is audited, and the old set stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import msgspec
import structlog

from streams.city import City
from streams.conductor import Conductor
from streams.lane import Lane
from streams.records import TP, Batch

log = structlog.get_logger(__name__)

WANTED = b"wanted"
WITHIN_S = 60.0
"""A set that not every task has reported by then is refused."""
AGAIN_S = 2.0
"""A lane repeats its report this often, because the city task may have been started anew in between."""


class Wanted(msgspec.Struct):
    """Which set a person wants in force, who, and when (ms)."""

    set: str
    name: str = ""
    by: str = ""
    t: int = 0


class Feed(Protocol):
    """What is needed of the reader."""

    async def fetch(self, positions: Any, wait: float) -> list[Batch]:
        """Next batches."""
        ...


class SetWatch:
    """One a worker. ``load`` reads and tests a set, in a thread, and raises where it cannot be used."""

    def __init__(
        self, feed: Feed, topic: TP, lanes: Iterable[TP], load: Callable[[str], object],
        observer: Callable[[str], None] = lambda outcome: None,
    ) -> None:  # fmt: skip
        """``observer`` hears of sets that this worker's conductor ``named`` or ``refused``."""
        self._feed, self._topic, self._load, self._observer = feed, topic, load, observer
        self._lanes = {str(tp) for tp in lanes}
        self._position = 0
        self.wanted: Wanted | None = None
        self._offset = -1
        self._trouble: str | None = ""
        """None: loaded; empty: not tried yet; else why it cannot be used."""
        self._since = 0.0
        self._told = 0.0
        self._ended = False

    @property
    def busy(self) -> bool:
        """Whether a wish has neither come true nor been refused, as far as the worker that conducts knows."""
        return self.wanted is not None and not self._ended

    async def step(self, tasks: Iterable[Any], now: float) -> None:
        """Look once; ``tasks`` are this worker's, ``now`` monotonic seconds."""
        await self._look(now)
        if self.wanted is None:
            return
        if self._trouble == "":
            await self._try()
        mine = list(tasks)
        if now - self._told >= AGAIN_S:
            self._told = now
            report = self.wanted.set if self._trouble is None else f"!{self.wanted.set} {self._trouble}"
            for task in mine:
                if isinstance(task, Lane) and task.head.flush and task.head.set != self.wanted.set:
                    task.report_ready(report)
        city = next((t for t in mine if isinstance(t, City)), None)
        conductor = next((t for t in mine if isinstance(t, Conductor)), None)
        if city is not None and conductor is not None and not self._ended:
            self._decide(city, conductor, now)

    async def _look(self, now: float) -> None:
        for batch in await self._feed.fetch({self._topic: self._position}, 0.0):
            self._position = batch.next
            for row in range(len(batch)):
                if batch.key(row) == WANTED:
                    self._take(batch.value(row) or b"", int(batch.offsets[row]), now)

    def _take(self, value: bytes, offset: int, now: float) -> None:
        try:
            wanted = msgspec.json.decode(value, type=Wanted)
        except msgspec.DecodeError as error:
            log.error("a wish for a set that cannot be read", offset=offset, error=str(error))
            return
        self.wanted, self._offset, self._trouble, self._since, self._told = wanted, offset, "", now, 0.0
        self._ended = False

    async def _try(self) -> None:
        assert self.wanted is not None
        try:
            await asyncio.to_thread(self._load, self.wanted.set)
        except Exception as error:  # noqa: BLE001  # whatever a set's files lead to: the old set stays, and it is said why
            self._trouble = f"{type(error).__name__}: {error}"[:300]
            log.error("set cannot be used", set=self.wanted.set, error=self._trouble)
        else:
            self._trouble = None
            log.info("set loaded", set=self.wanted.set, name=self.wanted.name)

    def _decide(self, city: City, conductor: Conductor, now: float) -> None:
        assert self.wanted is not None
        wanted = self.wanted.set
        if conductor.last is None or conductor.last.set == wanted:
            self._ended = conductor.last is not None
            return
        missing = self._lanes - city.ready.get(wanted, set())
        refused = city.refused.get(wanted, "") or (self._trouble or "")
        if self._trouble is None and not missing and not refused:
            conductor.wanted_set = wanted
            city.audit("set.named", set=wanted, name=self.wanted.name, by=self.wanted.by)
            self._observer("named")
            log.info("set named", set=wanted, by=self.wanted.by)
        elif refused or now - self._since > WITHIN_S:
            why = refused or f"not reported within {WITHIN_S:g} s by {', '.join(sorted(missing))}"
            city.audit("set.refused", set=wanted, name=self.wanted.name, by=self.wanted.by, why=why, wish=self._offset)
            self._observer("refused")
            log.error("set refused", set=wanted, why=why)
        else:
            return
        self._ended = True
        city.ready.pop(wanted, None)
        city.refused.pop(wanted, None)
