"""Limits 阻断条件 that a candidate must keep: a YAML file, or the defaults. Each is of what people would be shown."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from pathlib import Path

import msgspec

from brain import yaml_tables
from brain.backtest.measure import peak, per_day
from brain.backtest.pairs import code_of
from brain.backtest.report import Block, Dispositions, Labels, Side
from brain.chinese.below import chinese
from brain.incidents.value import Incident
from brain.near import Both
from brain.unfit import Unfit


class LimitError(Unfit):
    """A file of limits that cannot be used: file, place in it, what was expected."""


class Class(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Limits of the incidents whose event code fits a pattern (``eco.*``)."""

    events: str
    per_day: float | None = None
    peak_10min: int | None = None


class Limits(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """``peak_10min``: most of one department in ten minutes. ``per_day``: of the whole city. ``missed``: labels and
    confirmed incidents that the base has and the candidate misses. ``life_missed``: of never-hidden classes, by labels
    missed at all. A limit that is null is none."""

    version: int = 1
    peak_10min: int | None = 10
    per_day: float | None = None
    missed: int | None = None
    life_missed: int | None = 0
    classes: tuple[Class, ...] = ()


def read(path: Path) -> Limits:
    """A file of limits. Raises LimitError."""
    try:
        text = path.read_bytes()
    except OSError as error:
        said = error.strerror or str(error)
        raise LimitError(path, "{said}", said=Both(chinese(said), said)) from error
    data = yaml_tables.decoded(text, str(path), LimitError)
    if not isinstance(data, dict):
        raise LimitError(path, "expected keys of a file of limits (docs/backtest.md)")
    return yaml_tables.checked(data, Limits, str(path), LimitError)


def blocks(
    limits: Limits, side: Side, shown: Sequence[Incident], labels: Labels | None, said: Dispositions, since: int,
    until: int,
) -> list[Block]:  # fmt: skip
    """What the candidate does not keep."""
    out: list[Block] = []

    def hold(limit: str, of: str, allowed: float | None, got: float) -> None:
        if allowed is not None and got > allowed:
            out.append(Block(limit, of, allowed, got))

    for load in side.leads:
        hold("peak_10min", load.lead, limits.peak_10min, load.peak_10min)
    hold("per_day", "", limits.per_day, side.per_day)
    lost = said.confirmed - said.kept + (0 if labels is None else len(labels.lost))
    hold("missed", "", limits.missed, lost)
    life = len(said.life_missed) + (0 if labels is None else len(labels.candidate.life_missed))
    hold("life_missed", "", limits.life_missed, life)
    for row in limits.classes:
        mine = [i for i in shown if fnmatch.fnmatchcase(code_of(i), row.events)]
        times = sorted(i.shown for i in mine if i.shown is not None)
        hold("per_day", row.events, row.per_day, per_day(len(mine), since, until))
        hold("peak_10min", row.events, row.peak_10min, peak(times)[0])
    return out
