"""Asset trust 设备可信度 of a set: ``trust.yaml`` says what speaks against which assets; a lane gathers it each minute.

Of a minute only what is faulty travels: an asset against which nothing speaks costs the city task nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from brain.near import hint
from brain.scenario_checks import BESIDE, CLOCK_SKEW, NEIGHBOURS
from brain.scenario_form import Detect, Match, Name
from brain.scenarios import Scenario
from models.detector import F8, Detector
from models.drift import Drift
from models.flatline import Flatline
from models.noise import Noise
from models.trust import REASONS
from streams.logic import Beat
from streams.records import I4, Dead, Summary
from streams.registry import Registry
from streams.state import Store, Table

NAME = "trust"
"""Name of the lanes' summaries of evidence; no scenario can have it."""
CHUNK = 4096
"""Assets in one summary: a record stays well below Kafka's megabyte."""
COLUMN: Mapping[str, int] = {reason.name: k for k, reason in enumerate(REASONS)}
BEGINS = np.array([reason.begins for reason in REASONS])

T = TypeVar("T", bound=msgspec.Struct)


class TrustError(ValueError):
    """A ``trust.yaml`` that cannot be used: place in it, what was expected, what came."""


class Beside(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A detector that sees an asset beside those within so many metres."""

    within_m: float
    settings: dict[str, Any] = {}


class TypeTrust(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What counts against assets of one type; what is left out does not. ``metrics``: all where none is named.

    ``flatline``, ``noise``: settings of the detector, over the last value of each minute. ``impossible``: readings
    outside the registered range. ``clock_s``: seconds between a reading's time and the lane's clock from which it
    speaks against the asset, fully at twice as many. ``neighbours``, ``clock_skew``: beside others, once a minute;
    ``drift``: of the disagreement with neighbours. ``calibration``: older than its registered interval.
    """

    metrics: tuple[str, ...] = ()
    flatline: dict[str, Any] | None = None
    noise: dict[str, Any] | None = None
    impossible: bool = False
    clock_s: float | None = None
    neighbours: Beside | None = None
    drift: dict[str, Any] | None = None
    clock_skew: Beside | None = None
    calibration: bool = False


class _File(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    version: int
    types: dict[str, Any]
    floor: float = 0.5


class Trust(msgspec.Struct, frozen=True):
    """The settings of a set. ``floor``: trust below which an alarm is not verified."""

    types: dict[str, TypeTrust]
    floor: float = 0.5

    def together(self, registry: Registry) -> list[Scenario]:
        """What has to be seen beside neighbours, in the form of scenarios that never raise: see :func:`observed`."""
        out = []
        for name, of in sorted(self.types.items()):
            for metric in _metrics(registry, name, of):
                for detector, beside in ((NEIGHBOURS, of.neighbours), (CLOCK_SKEW, of.clock_skew)):
                    if beside is not None:
                        detect = Detect(
                            detector=detector, within_m=beside.within_m, settings=beside.settings, score_over=1.0
                        )
                        out.append(
                            Scenario(
                                id=f"{NAME}/{name}/{metric}/{detector}", version=1, name=Name("", ""),
                                domain="emergency", event_code="", source="iot",
                                match=Match(type=name, metric=metric), detect=detect,
                            )
                        )  # fmt: skip
        return out

    def drift_of(self, scenario: Scenario) -> Drift | None:
        """What watches the scores of such a scenario for a creep, where the type asks for that."""
        settings = self.types[scenario.match.type].drift
        return Drift(**settings) if settings is not None and scenario.detect.detector == NEIGHBOURS else None


def observed(scenario: Scenario) -> bool:
    """Whether it only observes: its scores are evidence, and raise nothing."""
    return scenario.id.startswith(NAME + "/")


def of(data: Any, place: str) -> Trust:
    """From decoded YAML. Raises TrustError, which begins with ``place``, for what cannot be used.

    A type or metric that no asset has is no error: the last such asset may go while the set lives on.
    """
    file = _convert(data, _File, f"{place}: ")
    if file.version != 1:
        raise TrustError(f"{place}: version: expected 1, got {file.version}")
    if not 0 <= file.floor <= 1:
        raise TrustError(f"{place}: floor: expected a number in [0, 1], got {file.floor}")
    types = {name: _convert(one, TypeTrust, f"{place}: types.{name}.") for name, one in file.types.items()}
    for name, one in types.items():
        try:
            _check(one)
        except ValueError as error:
            raise TrustError(f"{place}: types.{name}{error}") from error
    return Trust(types, file.floor)


def _convert(data: Any, kind: type[T], place: str) -> T:
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at ")
        path = path.strip("`").removeprefix("$").lstrip(".")
        near = ""
        if "unknown field" in message:
            inner: type[msgspec.Struct] = Beside if path in {NEIGHBOURS, CLOCK_SKEW} else kind
            near = hint(message.split("`")[1], inner.__struct_fields__)
        said = f"{path + ': ' if path else ''}{message[:1].lower()}{message[1:]}{near}"
        raise TrustError(
            f"{place if path else place.rstrip('.')}{'' if path or place.endswith(' ') else ': '}{said}"
        ) from error


def _check(one: TypeTrust) -> None:
    if one.clock_s is not None and not one.clock_s > 0:
        raise ValueError(f".clock_s: expected seconds above 0, got {one.clock_s}")
    if one.drift is not None and one.neighbours is None:
        raise ValueError(".drift: needs neighbours, because it is that of the disagreement with them")
    for field, kind, first in (
        ("flatline", Flatline, ()), ("noise", Noise, ()), ("drift", Drift, ()),
        (NEIGHBOURS, BESIDE[NEIGHBOURS], (((),),)), (CLOCK_SKEW, BESIDE[CLOCK_SKEW], (((),),)),
    ):  # fmt: skip
        given = getattr(one, field)
        if isinstance(given, Beside):
            if not given.within_m > 0:
                raise ValueError(f".{field}.within_m: expected metres above 0, got {given.within_m}")
            _settings(f".{field}.settings", kind, given.settings, first)
        elif given is not None:
            _settings(f".{field}", kind, given, first)


def _settings(place: str, kind: Any, given: Mapping[str, Any], first: tuple[Any, ...]) -> None:
    names = [f.name for f in dataclasses.fields(kind)][len(first) :]
    for key in given:
        if key not in names:
            raise ValueError(f"{place}.{key}: there are {', '.join(names)}{hint(key, names)}")
    try:
        kind(*first, **given)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{place}: {error}") from error


def _metrics(registry: Registry, name: str, one: TypeTrust) -> list[str]:
    """Metrics of a type that count, sorted."""
    kind = registry.types.index(name) if name in registry.types else -1
    there = set(registry.series_metric[registry.asset_type[registry.series_asset] == kind].tolist())
    return [m for k, m in enumerate(registry.metrics) if k in there and (not one.metrics or m in one.metrics)]


class _Judge(NamedTuple):
    """A detector over some of the watched series: their places, its reason's column, its table and its rows there."""

    model: Detector
    column: int
    table: str
    at: I4
    slots: I4


class Evidence:
    """What one lane can say against its own assets, compiled for one set; ``ours`` (series,) are the lane's."""

    def __init__(self, trust: Trust, registry: Registry, ours: NDArray[np.bool_], store: Store, minute: Table) -> None:
        chosen = np.zeros(len(ours), bool)
        clock_ms, ranged = np.full(len(ours), np.nan), np.zeros(len(ours), bool)
        wanted: list[tuple[str, int, Detector, NDArray[np.bool_]]] = []
        kind = registry.asset_type[registry.series_asset]
        for name, one in sorted(trust.types.items()):
            metrics = [registry.metrics.index(m) for m in _metrics(registry, name, one)]
            if not metrics:
                continue
            mine = ours & (kind == registry.types.index(name)) & np.isin(registry.series_metric, metrics)
            if one.flatline is not None:
                wanted.append(("model.flatline", COLUMN["flatline"], Flatline(**one.flatline), mine))
            if one.noise is not None:
                wanted.append(("model.noise", COLUMN["noise"], Noise(**one.noise), mine))
            ranged |= mine & one.impossible
            if one.clock_s is not None:
                clock_ms[mine] = 1000.0 * one.clock_s
            if one.flatline is not None or one.noise is not None or one.impossible or one.clock_s is not None:
                chosen |= mine
        self.series = np.flatnonzero(chosen)
        self._ids, self._asset = registry.ids, registry.series_asset[self.series]
        keys = [registry.series_key(int(s)) for s in self.series]
        self.rows = minute.slots(keys)
        self._row_of = np.full(len(ours), -1, np.int32)
        self._row_of[self.series] = self.rows
        self._clock_ms, self._ranged = clock_ms[self.series], ranged[self.series]
        self._store = store
        self._judges = []
        for table, column, model, mine in wanted:
            at = np.flatnonzero(mine[self.series]).astype(np.int32)
            slots = store.table(table).slots([f"{NAME}\x1f".encode() + keys[k] for k in at.tolist()])
            self._judges.append(_Judge(model, column, table, at, slots))

    @cached_property
    def _place(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return np.unique(self._asset, return_inverse=True)

    def warm(self) -> None:
        """Have the kernels compiled, or loaded."""
        for j in self._judges:
            none = np.zeros(0, np.int32)
            j.model.score(self._store.table(j.table).rows, none, np.zeros(0, np.int64), np.zeros(0))

    def count(self, dead: list[Dead], end: int, minute: Table) -> list[Dead]:
        """Count the readings outside their range that came before row ``end``; answers the others."""
        for d in dead:
            row = int(self._row_of[d.series])
            if d.row < end and row >= 0:
                minute.rows["wrong"][row] += 1
                minute.dirty[row] = 1
        return [d for d in dead if d.row >= end]

    def sum_up(self, beat: Beat, minute: Table, index: int) -> list[Summary]:
        """The assets against which the minute that is over speaks, by number; ``index`` is the first summary's."""
        t = beat.minute()
        row = minute.rows[self.rows]
        spoke = row["n"] > 0
        found = np.full((len(self.series), len(REASONS)), np.nan)
        for j in self._judges:
            here = spoke[j.at]
            slots, table = j.slots[here], self._store.table(j.table)
            values = row["last"][j.at[here]]
            score = j.model.score(table.rows, slots, np.full(len(slots), t, np.int64), values)
            table.dirty[slots] = 1
            found[j.at[here], j.column] = np.abs(score)
        found[self._ranged & (spoke | (row["wrong"] > 0)), COLUMN["impossible"]] = 0.0
        found[self._ranged & (row["wrong"] > 0), COLUMN["impossible"]] = 1.0
        ahead = np.abs(row["ahead"]) / self._clock_ms * BEGINS[COLUMN["clock_skew"]]
        timed = (spoke | (row["ahead"] != 0)) & ~np.isnan(self._clock_ms)
        found[timed, COLUMN["clock_skew"]] = ahead[timed]
        bad = (found > BEGINS).any(axis=1)
        if not bad.any():
            return []
        assets, place = self._place
        worst = np.full((len(assets), len(REASONS)), np.nan)
        np.fmax.at(worst, place, found)
        accused = np.flatnonzero(np.bincount(place[bad], minlength=len(assets)))
        out = []
        for k, a in enumerate(range(0, len(accused), CHUNK)):
            part = accused[a : a + CHUNK]
            columns = {r.name: worst[part, c].astype("<f8").tobytes() for c, r in enumerate(REASONS)}
            out.append(Summary(NAME, t, beat.offset, index + k, [self._ids[x] for x in assets[part].tolist()], columns))
        return out


def columns_of(summary: Summary) -> F8:
    """Evidence of a summary, (assets, reasons); NaN where a lane of an earlier release named no such reason."""
    n = len(summary.keys)
    return np.column_stack([
        summary.column(r.name) if r.name in summary.columns else np.full(n, np.nan) for r in REASONS
    ])  # fmt: skip
