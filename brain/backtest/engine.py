"""A log in memory and a set in, signals, incidents and their cost out: the lanes and the city task that run live.

What nobody asks a backtest for is not done (no broker, no seals, no state written), by :mod:`streams.offline`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field

import msgspec

from brain.incidents.city import CityLogic
from brain.incidents.value import Incident
from brain.pipeline import lanes as lane_logic
from brain.sets import CitySet
from brain.settings import Settings
from streams.lane_parts import LaneSettings
from streams.offline import LaneRun, Recorded, run_city, run_lane
from streams.records import TP, Signal

_incident = msgspec.json.Decoder(Incident).decode

Told = Callable[[TP, int], None]
"""Is told, while a lane runs, of each batch that it took: input partition, records."""


@dataclass(frozen=True)
class Version:
    """What is in force in a run: ``content`` from the first record to the last, or, with ``recorded``, where pulses
    name another set, that one."""

    name: str
    content: CitySet
    recorded: Mapping[str, CitySet] = field(default_factory=dict)

    def sets(self) -> Callable[[str], CitySet]:
        """Finds the set in force where a pulse names one; of scenarios each has the live ones alone.

        What it answers raises KeyError where a set should be there and is not.
        """
        alone, each = _live(self.content), {set_id: _live(content) for set_id, content in self.recorded.items()}
        return each.__getitem__ if each else lambda _: alone


@dataclass(frozen=True)
class Run:
    """What a version does with a log.

    ``signals``: all that were folded, those of the models of a minute too, in fold order. ``incidents``: the last
    record of each, by id. ``fates``: what became of signals and timers, by reason. ``events``: records that were no
    pulses, of all lanes, ``worked`` of those that this run worked itself, in ``lanes_s`` seconds of CPU; ``fold_s`` for
    the city.
    """

    version: Version
    signals: list[Signal]
    incidents: list[Incident]
    lanes: Mapping[TP, LaneRun]
    fates: Mapping[str, int]
    events: int
    worked: int
    lanes_s: float
    fold_s: float


def run(
    log: Recorded, version: Version | CitySet, settings: Settings | None = None, *,
    given: Mapping[TP, LaneRun] | None = None, told: Told | None = None,
) -> Run:  # fmt: skip
    """Run a version over a log.

    ``given`` are lanes that another run of the same log has worked and that this version is known not to change
    (:func:`brain.backtest.depends.lanes`). Raises KeyError where a pulse names a set that the version lacks.
    """
    settings = settings or Settings()
    made = version if isinstance(version, Version) else Version(version.id, version)
    logic, find = lane_logic(settings), made.sets()
    ready, lanes = given or {}, dict[TP, LaneRun]()
    begun = time.process_time()
    for source in sorted(log.batches):
        if source in ready:
            lanes[source] = ready[source]
            continue
        how = LaneSettings(made.content.id, settings.key(), settings.partitions[source.topic])
        hear = None if told is None else (lambda n, source=source: told(source, n))
        lanes[source] = run_lane(log, source, logic[source.topic], find, how, hear)
    between = time.process_time()
    city = _Heard(find)
    result = run_city(log, lanes.values(), lambda: city, find, made.content.id)
    fold_s = time.process_time() - between
    return Run(
        made, city.heard, [_incident(raw) for raw in result.incidents], lanes,
        {reason: n for reason, n in sorted(city.counts.items()) if n}, sum(lane.rows for lane in lanes.values()),
        sum(lane.rows for source, lane in lanes.items() if source not in ready), between - begun, fold_s,
    )  # fmt: skip


def _live(content: CitySet) -> CitySet:
    made = copy(content)
    made.drafts = []
    return made


class _Heard(CityLogic):
    """The city task, which also keeps what it folded."""

    def __init__(self, sets: Callable[[str], CitySet]) -> None:
        super().__init__(sets=sets)
        self.heard: list[Signal] = []

    def signal(self, signal: Signal) -> None:
        self.heard.append(msgspec.structs.replace(signal))
        super().signal(signal)
