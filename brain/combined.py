"""Scenarios that name several detectors of one series and decide on one probability, by weights that they state.

How rare each member's score is among its own of the series is learned as it runs; weights and bias are fitted elsewhere
(:meth:`models.combine.Combiner.fitted`) and never here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from brain.near import Both, hints
from brain.scored import detector, score_rows, table_of
from brain.unfit import Unfit, both
from models.combine import Combiner, logistic
from models.detector import F8, Detector
from streams.records import I4, I8
from streams.state import Store

NAME, TABLE = "combined", "model.combined"
MOST = 6
"""Detectors of one scenario: each costs half a kilobyte of state a series, written with every reading."""


@dataclass(frozen=True)
class Combined:
    """Members with their tables, the weights of their surprises, and ``each``, which learns how rare a score is."""

    members: tuple[tuple[Detector, str], ...]
    weights: tuple[float, ...]
    bias: float
    each: Combiner

    def bind(self, store: Store, keys: Sequence[bytes]) -> Bound:
        """With rows for series of these keys, in their order."""
        slots = []
        for number, (_, table) in enumerate(self.members):
            own = [key + f"\x1f{number}".encode() for key in keys]
            slots.append((store.table(table).slots(own), store.table(TABLE).slots(own)))
        return Bound(self, store, slots)


class Bound:
    """A scenario's detectors over a lane's series, by their number."""

    def __init__(self, of: Combined, store: Store, slots: list[tuple[I4, I4]]) -> None:
        self._of, self._store, self._slots = of, store, slots

    def score(self, place: I4, t: I8, value: F8) -> F8:
        """Probabilities of rows in their order, (n,); NaN while no member knows. ``place``: each row's series."""
        surprise = np.empty((len(place), len(self._slots)))
        learned = self._store.table(TABLE)
        for k, ((model, name), (own, ranks)) in enumerate(zip(self._of.members, self._slots, strict=True)):
            table = self._store.table(name)
            score = score_rows(model, table.rows, own[place], t, value)
            surprise[:, k] = self._of.each.surprise(learned.rows, ranks[place], score[:, None])[:, 0]
            table.dirty[own[place]] = learned.dirty[ranks[place]] = 1
        out = np.empty(len(place))
        logistic(surprise, np.asarray(self._of.weights), self._of.bias, out)
        return out


def combined(settings: Mapping[str, Any]) -> Combined:
    """From a scenario's settings. Raises ValueError with the place in them, and what was expected."""
    known = ("members", "bias", "memory", "warmup")
    for key in settings:
        if key not in known:
            raise Unfit(
                f"detect.settings.{key}", "combined has {known}{near}", known=", ".join(known), near=hints(key, known)
            )
    members = settings.get("members")
    if not isinstance(members, list) or not 2 <= len(members) <= MOST:
        raise Unfit(
            "detect.settings.members", "expected a list of 2 to {most}, each with detector and weight", most=MOST
        )
    made = [_member(one, f"detect.settings.members[{k}]") for k, one in enumerate(members)]
    rest = {key: value for key, value in settings.items() if key != "members"}
    try:
        whole = Combiner(tuple(weight for _, _, weight in made), **rest)
        each = Combiner((1.0,), **rest)
    except (TypeError, ValueError) as error:
        raise Unfit("", "detect.settings.{said}", said=both(error)) from error
    return Combined(tuple((model, table) for model, table, _ in made), whole.weights, whole.bias, each)


def _member(one: Any, place: str) -> tuple[Detector, str, float]:
    known = ("detector", "weight", "settings")
    if not isinstance(one, dict) or not {"detector", "weight"} <= set(one):
        raise Unfit(place, "expected detector and weight, and settings where they differ from the defaults")
    for key in one:
        if key not in known:
            raise Unfit(
                f"{place}.{key}", "there are {names}{near}", names=", ".join(known), near=hints(str(key), known)
            )
    name = one["detector"]
    try:
        weight = msgspec.convert(one["weight"], float)
    except msgspec.ValidationError as error:
        raise Unfit(f"{place}.weight", "expected a number, got {got!r}", got=one["weight"]) from error
    try:
        model = detector(str(name), one.get("settings", {}))
    except ValueError as error:
        said = Both(*(text.replace("detect.", f"{place}.", 1) for text in both(error)))
        raise Unfit("", "{said}", said=said) from error
    return model, table_of(str(name), model), weight
