"""The scorer: what people were shown, against what really happened. It knows no fold, only what became visible when."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from brain.drill.storm import Storm, Truth
from brain.drill.storm.kinds import family_of
from geo.metres import Metres

WITHIN_M = 500.0
LIFE_S, OTHER_S = 5.0, 120.0
"""Class limits: event time from a truth's first signal until it is seen. Never-hidden signals have the first."""
WINDOW_MS = 600_000


@dataclass
class Shown:
    """One incident as people saw it: when it became visible (ms), where, of which family, on which console.

    ``counted``: identity of a signal → when it was seen to belong to it (ms), never before ``at``.
    """

    id: str
    at: int
    console: str
    family: str
    lon: float | None
    lat: float | None
    counted: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """The figures (docs/storm.md) and, for people, what they came from."""

    signals: int
    shown: int
    truths: int
    missed: list[str]
    late: list[str]
    """Of the missed, those seen too late."""
    hidden: list[str]
    """Identities of never-hidden signals not counted in time; one a signal."""
    wrong: list[str]
    """Ids of shown incidents with signals of two truths."""
    extra: dict[str, int]
    """Truth → shown incidents beyond the first."""
    peak: dict[str, int]
    """Console → most shown within ten minutes."""
    delays: list[float]
    """Seconds to each truth that was seen, in time or not."""
    empty: int
    """Shown incidents without a signal of any truth."""

    @property
    def reduction(self) -> float:
        """1 − shown ÷ signals."""
        return 1.0 - self.shown / self.signals

    @property
    def wrong_merges(self) -> float:
        """Share of the shown incidents; 0 where none was."""
        return len(self.wrong) / self.shown if self.shown else 0.0

    @property
    def splits_per_true(self) -> float:
        """Extra shown incidents a truth."""
        return sum(self.extra.values()) / self.truths

    @property
    def shown_per_true(self) -> float:
        """Shown incidents, false ones too, a truth."""
        return self.shown / self.truths

    @property
    def peak_per_10min(self) -> int:
        """Most shown on one console in any ten minutes."""
        return max(self.peak.values(), default=0)

    @property
    def delay_p95_s(self) -> float:
        """95th percentile of the delays; NaN where nothing was seen."""
        return float(np.percentile(self.delays, 95)) if self.delays else float("nan")


class Judge:
    """Scores of one storm. Places of truths and signals are worked out once."""

    def __init__(self, storm: Storm) -> None:
        self.storm = storm
        self.truths: dict[str, Truth] = {t.id: t for t in storm.truths}
        self.label: dict[str, set[str]] = defaultdict(set)
        """Identity → truths of its raise, updates and clear; usually one."""
        self.first: dict[str, int] = {}
        for signal, truth in zip(storm.signals, storm.labels, strict=True):
            if truth is not None:
                self.label[signal.identity()].add(truth)
                self.first[truth] = min(self.first.get(truth, signal.t), signal.t)
        self.family = {s.id: family_of(s.event_code) for s in storm.scenarios}

    def __call__(self, shown: Iterable[Shown]) -> Verdict:
        """Judge what was shown."""
        shown = sorted(shown, key=lambda s: (s.at, s.id))
        holders: dict[str, list[tuple[Shown, int]]] = defaultdict(list)
        wrong, empty = [], 0
        for one in shown:
            held: dict[str, int] = {}
            for identity, when in one.counted.items():
                for name in self.label.get(identity, ()):
                    held[name] = min(held.get(name, when), when)
            if len(held) > 1:
                wrong.append(one.id)
            empty += not held
            for name, when in held.items():
                holders[name].append((one, when))
        missed, late, delays = [], [], []
        for truth in self.storm.truths:
            seen = self._seen(truth, holders.get(truth.id, []))
            limit = LIFE_S if truth.life else OTHER_S
            if seen is not None:
                delays.append(seen)
            if seen is None or seen > limit:
                missed.append(truth.id)
                late += [truth.id] if seen is not None else []
        return Verdict(
            len(self.storm.signals), len(shown), len(self.truths), missed, late, self._hidden(shown), wrong,
            {t: len(h) - 1 for t, h in sorted(holders.items()) if len(h) > 1}, _peaks(shown), delays, empty,
        )  # fmt: skip

    def _seen(self, truth: Truth, holders: Sequence[tuple[Shown, int]]) -> float | None:
        """Seconds from its first signal until people saw it: by an incident of its family, near it, that holds it."""
        times = [
            when for one, when in holders
            if one.family == truth.family and self._near(one.lon, one.lat, truth.lon, truth.lat, truth.reach_m)
        ]  # fmt: skip
        return None if not times else max(0, min(times) - self.first[truth.id]) / 1000

    def _hidden(self, shown: Sequence[Shown]) -> list[str]:
        """Never-hidden signals that no visible incident of their class near their site counted within five seconds."""
        where: dict[str, list[tuple[Shown, int]]] = defaultdict(list)
        for one in shown:
            for identity, when in one.counted.items():
                where[identity].append((one, when))
        out = []
        for signal, truth in zip(self.storm.signals, self.storm.labels, strict=True):
            if not signal.life:
                continue
            site = self.truths.get(truth or "", signal)
            identity, family = signal.identity(), self.family[signal.scenario]
            if not any(
                one.family == family and when <= signal.t + LIFE_S * 1000
                and self._near(one.lon, one.lat, site.lon, site.lat)
                for one, when in where.get(identity, [])
            ):  # fmt: skip
                out.append(identity)
        return out

    @cached_property
    def metres(self) -> Metres:
        """Of the zone in which the truths are; of the signals' where none is."""
        lons = [at.lon for at in self.storm.truths or self.storm.signals if at.lon is not None]
        return Metres.around(float(np.median(lons)))

    def _near(
        self, lon: float | None, lat: float | None, other_lon: float | None, other_lat: float | None, reach: float = 0.0
    ) -> bool:
        if lon is None or lat is None or other_lon is None or other_lat is None:
            return False
        x, y = self.metres.of(np.array([lon, other_lon]), np.array([lat, other_lat]))
        return bool(np.hypot(x[1] - x[0], y[1] - y[0]) <= WITHIN_M + reach)


def _peaks(shown: Sequence[Shown]) -> dict[str, int]:
    """Most within any ten minutes, by console: half-open windows that begin with a shown one."""
    times: dict[str, list[int]] = defaultdict(list)
    for one in shown:
        times[one.console].append(one.at)
    return {
        console: max(bisect_left(at, t + WINDOW_MS) - k for k, t in enumerate(at))
        for console, at in sorted(times.items())
    }
