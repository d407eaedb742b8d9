"""Labels 标注: what really happened, as people wrote it down, and which of it a version found.

A truth is found as in ``bench/storm``: by an incident that was shown, of its family, within 500 m, and in time of its
class. Not for things without a place, nor for what moves further than that.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np

from brain.backtest.engine import Run
from brain.backtest.report import Found, Labels
from brain.chinese.below import chinese
from brain.incidents.value import Incident, family_of
from brain.near import Both
from brain.unfit import Unfit, both
from geo.metres import Metres, OutsideZones

WITHIN_M: Final = 500.0
LIFE_S: Final = 5.0
OTHER_S: Final = 120.0
"""Class limits: seconds from onset until it is shown."""
LATER_MS: Final = 1_000


class LabelError(Unfit):
    """A file of labels that cannot be used: file, line, place in it, what was expected."""


class Truth(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of the file. ``family``: an event code, of which the first two parts count; degrees WGS 84.

    ``onset`` and ``end``: ms UTC or RFC 3339; without an end it is over an hour after its onset. ``within_s``: in place
    of its class limit; ``ahead_s``: how long before its onset an incident may already be of it; ``reach_m``: how far it
    reaches from its place, metres. ``cause`` and ``tags`` are for reading only.
    """

    id: str
    family: str
    lon: float
    lat: float
    onset: int | datetime
    end: int | datetime | None = None
    life: bool = False
    within_s: float | None = None
    ahead_s: float = 0.0
    reach_m: float = 0.0
    cause: str = ""
    tags: tuple[str, ...] = ()


class Sight(NamedTuple):
    """When a version showed a truth, ms UTC, by which incident."""

    at: int
    incident: str


_decode = msgspec.json.Decoder(Truth).decode
LASTS_MS: Final = 3_600_000


def read(path: Path) -> list[Truth]:
    """Labels of an ndjson file, in its order. Raises LabelError."""
    found: dict[str, Truth] = {}
    try:
        rows = path.read_bytes().splitlines()
    except OSError as error:
        said = error.strerror or str(error)
        raise LabelError(path, "{said}", said=Both(chinese(said), said)) from error
    for number, raw in enumerate(rows, 1):
        if not raw.strip():
            continue
        try:
            truth = _decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise LabelError(
                f"{path}:{number}", "expected a label (docs/backtest.md), got: {said}", said=both(error)
            ) from error
        _check(truth, found, f"{path}:{number}")
        found[truth.id] = truth
    if not found:
        raise LabelError(path, "expected a label a line, found none")
    return list(found.values())


def _check(truth: Truth, others: Iterable[str], where: str) -> None:
    """Raises LabelError of what is wrong with one."""
    if not truth.id or truth.id in others:
        raise LabelError(f"{where}: id", "expected one of its own, got {got!r}", got=truth.id)
    if not truth.family:
        raise LabelError(f"{where}: family", "expected an event code, as eco.water, got nothing")
    if not (abs(truth.lat) <= 90 and abs(truth.lon) <= 180):
        raise LabelError(f"{where}: lon, lat", "expected degrees, got {lon:g}, {lat:g}", lon=truth.lon, lat=truth.lat)
    try:
        Metres.around(truth.lon)
    except OutsideZones as error:
        raise LabelError(f"{where}: lon", "{said}", said=both(error)) from error
    if _end(truth) < ms(truth.onset):
        raise LabelError(f"{where}: end", "expected a time after onset")
    if not truth.reach_m >= 0:
        raise LabelError(f"{where}: reach_m", "expected metres, 0 or more")
    if truth.ahead_s < 0 or not (truth.within_s is None or truth.within_s > 0):
        raise LabelError(f"{where}: ahead_s, within_s", "expected seconds above 0")


def ms(when: int | datetime) -> int:
    """A time in ms UTC."""
    return when if isinstance(when, int) else round(when.timestamp() * 1000)


def _end(truth: Truth) -> int:
    return ms(truth.onset) + LASTS_MS if truth.end is None else ms(truth.end)


class Labelled:
    """Labels, ready to be held against runs of one log; those outside [since, until] are left out."""

    def __init__(self, truths: Sequence[Truth], since: int, until: int) -> None:
        self.truths = [t for t in truths if since <= ms(t.onset) <= until]
        self._metres = Metres.around(float(np.median([t.lon for t in self.truths]))) if self.truths else None

    def judge(self, base: Run, candidate: Run, shown: tuple[Sequence[Incident], Sequence[Incident]]) -> Labels:
        """What both versions found; ``shown`` are the incidents that count, of each."""
        was, now = self._sights(base, shown[0]), self._sights(candidate, shown[1])
        a, b = self._found(was, shown[0]), self._found(now, shown[1])
        lost = [t.id for t in self.truths if self._in_time(t, was) and not self._in_time(t, now)]
        gained = [t.id for t in self.truths if self._in_time(t, now) and not self._in_time(t, was)]
        both = [t.id for t in self.truths if t.id in was and t.id in now]
        later = [id_ for id_ in both if now[id_].at > was[id_].at + LATER_MS]
        earlier = sum(now[id_].at < was[id_].at - LATER_MS for id_ in both)
        return Labels(a, b, lost, gained, earlier, later)

    def _sights(self, run: Run, shown: Sequence[Incident]) -> dict[str, Sight]:
        folds = {signal.identity(): signal.fold for signal in run.signals if signal.kind == "raise"}
        by_family: dict[str, list[Incident]] = defaultdict(list)
        for incident in shown:
            by_family[incident.family].append(incident)
        return {t.id: sight for t in self.truths if (sight := self._sight(t, by_family, folds)) is not None}

    def _sight(self, truth: Truth, by_family: dict[str, list[Incident]], folds: dict[str, int]) -> Sight | None:
        first, last = ms(truth.onset) - round(truth.ahead_s * 1000), _end(truth)
        seen = []
        for incident in self._near(truth, by_family[family_of(truth.family, "")]):
            mine = [folds.get(m.id, m.onset) for m in incident.members if first <= m.onset <= last]
            mine += [folds[m.last] for m in incident.members if m.last in folds and first <= folds[m.last] <= last]
            if mine and incident.shown is not None:
                seen.append(Sight(max(incident.shown, min(mine)), incident.id))
        return min(seen, default=None)

    def _near(self, truth: Truth, incidents: Sequence[Incident]) -> list[Incident]:
        placed = [i for i in incidents if i.lon is not None and i.lat is not None]
        if not placed or self._metres is None:
            return []
        x, y = self._metres.of(
            np.array([truth.lon, *(i.lon for i in placed)], np.float64),
            np.array([truth.lat, *(i.lat for i in placed)], np.float64),
        )
        near = np.hypot(x[1:] - x[0], y[1:] - y[0]) <= WITHIN_M + truth.reach_m
        return [i for i, here in zip(placed, near, strict=True) if here]

    def _in_time(self, truth: Truth, sights: dict[str, Sight]) -> bool:
        sight = sights.get(truth.id)
        limit = truth.within_s if truth.within_s is not None else LIFE_S if truth.life else OTHER_S
        return sight is not None and sight.at - ms(truth.onset) <= limit * 1000

    def _found(self, sights: dict[str, Sight], shown: Sequence[Incident]) -> Found:
        missed = [t for t in self.truths if not self._in_time(t, sights)]
        delays = [(sights[t.id].at - ms(t.onset)) / 1000 for t in self.truths if t.id in sights]
        leads = [(_end(t) - sights[t.id].at) / 1000 for t in self.truths if t.id in sights and t.end is not None]
        return Found(
            of=len(self.truths), found=len(self.truths) - len(missed), missed=[t.id for t in missed],
            late=[t.id for t in missed if t.id in sights],
            life_missed=[t.id for t in missed if t.life],
            false=len(shown) - len(self._true(shown)),
            delay_median_s=quantile(delays, 0.5), delay_p95_s=quantile(delays, 0.95),
            lead_median_s=quantile(leads, 0.5),
        )  # fmt: skip

    def _true(self, shown: Sequence[Incident]) -> set[str]:
        """Incidents that are of a truth: of its family, near it, raised while it was."""
        by_family: dict[str, list[Incident]] = defaultdict(list)
        for incident in shown:
            by_family[incident.family].append(incident)
        true: set[str] = set()
        for t in self.truths:
            first, last = ms(t.onset) - round(t.ahead_s * 1000), _end(t)
            true |= {
                i.id for i in self._near(t, by_family[family_of(t.family, "")])
                if any(first <= m.onset <= last for m in i.members) or first <= i.raised <= last
            }  # fmt: skip
        return true


def quantile(values: Sequence[float], share: float) -> float | None:
    """The nearest-rank quantile, which is one of the values; None of none."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
