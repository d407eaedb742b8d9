"""Asset trust 设备可信度 of a set: ``trust.yaml`` says what speaks against which assets; a lane gathers it each minute.

The lane's side is :mod:`brain.lane_trust`, the city's :mod:`brain.incidents.trust`; what both do is here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from brain.beside import BESIDE, CLOCK_SKEW, NEIGHBOURS
from brain.chinese.below import chinese
from brain.near import Both, hints
from brain.scenario import Scenario
from brain.scenario_form import Detect, Match, Name
from brain.unfit import Unfit, both
from models.detector import F8
from models.drift import Drift
from models.flatline import Flatline
from models.noise import Noise
from models.trust import REASONS, AssetTrust, calibration_age, why
from streams.logic import MINUTE_MS
from streams.records import I4, Summary
from streams.registry import Registry

NAME = "trust"
"""Name of the lanes' summaries of evidence; no scenario can have it."""
COLUMN: Mapping[str, int] = {reason.name: k for k, reason in enumerate(REASONS)}
BEGINS = np.array([reason.begins for reason in REASONS])
CALIBRATION = COLUMN["calibration_age"]
MODEL = AssetTrust()
FADE_MS = np.array([1000.0 * reason.fade_s for reason in REASONS])
TOLD = 0.995
"""Trust from which on nothing is said."""

T = TypeVar("T", bound=msgspec.Struct)


class TrustError(Unfit):
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
            for metric in metrics_of(registry, name, of):
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

    def watches(self, registry: Registry, asset: int) -> bool:
        """Whether anything counts against an asset, by its number; -1 is none."""
        return asset >= 0 and registry.types[int(registry.asset_type[asset])] in self.types

    def overdue(self, registry: Registry, asset: int, now: int) -> float:
        """How far the calibration of a watched asset speaks against it, in [0, 1]: by the registry alone."""
        if not self.types[registry.types[int(registry.asset_type[asset])]].calibration:
            return 0.0
        one = slice(asset, asset + 1)
        age = calibration_age(np.array([now]), registry.calibrated[one], registry.calibrate_s[one])[0]
        reason = REASONS[CALIBRATION]
        return 0.0 if np.isnan(age) else float(np.clip((age - reason.begins) / (reason.full - reason.begins), 0.0, 1.0))

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
        raise TrustError(f"{place}: version", "expected 1, got {got}", got=file.version)
    if not 0 <= file.floor <= 1:
        raise TrustError(f"{place}: floor", "expected a number in [0, 1], got {got}", got=file.floor)
    types = {name: _convert(one, TypeTrust, f"{place}: types.{name}.") for name, one in file.types.items()}
    for name, one in types.items():
        try:
            _check(one)
        except ValueError as error:
            raise TrustError(place, "types.{name}{said}", name=name, said=both(error)) from error
    return Trust(types, file.floor)


def _convert(data: Any, kind: type[T], place: str) -> T:
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at ")
        path = path.strip("`").removeprefix("$").lstrip(".")
        near = Both("", "")
        if "unknown field" in message:
            inner: type[msgspec.Struct] = Beside if path in {NEIGHBOURS, CLOCK_SKEW} else kind
            near = hints(message.split("`")[1], inner.__struct_fields__)
        said = Both(f"{chinese(message)}{near.zh}", f"{message[:1].lower()}{message[1:]}{near.en}")
        raise TrustError(f"{place}{path}" if path else place.rstrip(".: "), "{said}", said=said) from error


def _check(one: TypeTrust) -> None:
    if one.clock_s is not None and not one.clock_s > 0:
        raise Unfit(".clock_s", "expected seconds above 0, got {got}", got=one.clock_s)
    if one.drift is not None and one.neighbours is None:
        raise Unfit(".drift", "needs neighbours, because it is that of the disagreement with them")
    for field, kind, first in (
        ("flatline", Flatline, ()), ("noise", Noise, ()), ("drift", Drift, ()),
        (NEIGHBOURS, BESIDE[NEIGHBOURS], (((),),)), (CLOCK_SKEW, BESIDE[CLOCK_SKEW], (((),),)),
    ):  # fmt: skip
        given = getattr(one, field)
        if isinstance(given, Beside):
            if not given.within_m > 0:
                raise Unfit(f".{field}.within_m", "expected metres above 0, got {got}", got=given.within_m)
            _settings(f".{field}.settings", kind, given.settings, first)
        elif given is not None:
            _settings(f".{field}", kind, given, first)


def _settings(place: str, kind: Any, given: Mapping[str, Any], first: tuple[Any, ...]) -> None:
    names = [f.name for f in dataclasses.fields(kind)][len(first) :]
    for key in given:
        if key not in names:
            raise Unfit(f"{place}.{key}", "there are {names}{near}", names=", ".join(names), near=hints(key, names))
    try:
        kind(*first, **given)
    except (TypeError, ValueError) as error:
        raise Unfit(place, "{said}", said=both(error)) from error


def metrics_of(registry: Registry, name: str, one: TypeTrust) -> list[str]:
    """Metrics of a type that count, sorted."""
    kind = registry.types.index(name) if name in registry.types else -1
    there = set(registry.series_metric[registry.asset_type[registry.series_asset] == kind].tolist())
    return [m for k, m in enumerate(registry.metrics) if k in there and (not one.metrics or m in one.metrics)]


def learn(rows: NDArray[Any], slots: I4, evidence: F8, t: int) -> None:
    """A minute's evidence (assets, reasons) against the rows ``slots`` of the model's state, as if every asset had been
    judged each minute: those that are not told of had nothing against them. ``t``: the minute's end, ms."""
    new = slots[rows["n"][slots] == 0]
    rows["n"][new], rows["last"][new] = 1, t - MINUTE_MS
    before, clean = np.full(len(slots), t - MINUTE_MS), np.zeros(evidence.shape)
    MODEL.score(rows, slots, before, clean)  # one that is not later than its last moves nothing
    MODEL.score(rows, slots, np.full(len(slots), t), evidence)


def faded(row: np.void, now: int) -> F8:
    """Effects (reasons,) of a row of the model's state at a time that is not before its last evidence."""
    left: F8 = row["effect"] * 0.5 ** (max(now - int(row["last"]), 0) / FADE_MS)
    return left


def told(effects: F8, overdue: float) -> tuple[float, tuple[str, ...]]:
    """Trust in [0, 1] as it is said, 1 where hardly anything is lost, and the reasons against it, greatest first."""
    row = np.zeros(1, MODEL.state)
    row["n"], row["effect"] = 1, effects
    row["effect"][0, CALIBRATION] = overdue
    found = why(row[0])
    return (1.0, ()) if found.trust >= TOLD else (round(found.trust, 3), tuple(name for name, _ in found.reasons))


def columns_of(summary: Summary) -> F8:
    """Evidence of a summary, (assets, reasons); NaN where a lane of an earlier release named no such reason."""
    n = len(summary.keys)
    return np.column_stack([
        summary.column(r.name) if r.name in summary.columns else np.full(n, np.nan) for r in REASONS
    ])  # fmt: skip
