"""Quiet city 平常城市: live scenarios over weeks in which nothing happens; whatever is raised must have been allowed.

Exceptions (``quiet.yaml`` beside a set's files, no part of the set) are named, reasoned and dated: an exception whose
day has passed allows nothing.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from brain import yaml_tables
from brain.city_time import CITY_TIME
from brain.drill.quiet import Week, quiet
from brain.incidents.city import CityLogic
from brain.pipeline import lanes
from brain.scenario_kit.case_form import Wording
from brain.sets import CitySet
from brain.settings import Settings
from brain.unfit import Unfit
from streams import bundle
from streams.records import Signal
from streams.replay import ReplaySettings, replay

FILE = "quiet.yaml"
TOPICS = ("hotline.tickets", "iot.telemetry", "video.metadata")
PULSE_MS = 5_000
"""Between pulses: the longest that is no outage."""


class QuietError(Unfit):
    """A list of exceptions that cannot be used: file, place in it, what was expected."""


class Allowed(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What may be raised in quiet weeks: by whom it was allowed, why, and until when."""

    scenario: str
    reason: Wording
    by: str
    until: date
    asset: str = "*"
    """Pattern of assets."""
    season: str = ""
    most: int = 0
    """Raises in one week; 0: any number."""


class Exceptions(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The file."""

    version: int
    exceptions: tuple[Allowed, ...] = ()


class Hit(NamedTuple):
    """One raise of a quiet week; ``allowed``: number of the exception, or -1."""

    week: Week
    scenario: str
    asset: str
    t: int
    level: int
    allowed: int = -1


def exceptions_of(folder: Path) -> tuple[Allowed, ...]:
    """Those of a set's folder; none where it has no file. Raises QuietError, or OSError."""
    path = folder / FILE
    if not path.is_file():
        return ()
    data = yaml_tables.decoded(path.read_bytes(), str(path), QuietError)
    found = yaml_tables.checked(data, Exceptions, str(path), QuietError).exceptions
    for n, one in enumerate(found):
        if not (one.by.strip() and one.reason.zh.strip() and one.reason.en.strip()):
            raise QuietError(f"{path}: exceptions[{n}]: expected by, and a reason in Chinese and English")
    return found


def run(content: CitySet, week: Week, seed: int, settings: Settings | None = None, days: float = 7.0) -> list[Hit]:
    """What live scenarios raise in a quiet week, in fold order."""
    settings = settings or Settings()
    rows = quiet(content.registry, content.map, week, seed, days)
    encode = msgspec.json.Encoder().encode
    laid = [(topic, 0, name.encode(), encode(body), t) for t, topic, name, body in rows]
    partitions = dict.fromkeys(TOPICS, 1)
    end = week.begin + round(days * 86_400_000)
    lines = bundle.on_grid(laid, partitions, settings.key(), content.id, end, PULSE_MS)
    heard: list[Hit] = []
    found = replay(lines, ReplaySettings(
        lanes=lanes(settings), city=lambda: _Heard(content, week, heard), sets=lambda _: content, genesis=content.id,
        key=settings.key(), partitions=partitions,
    ))  # fmt: skip
    if found.dead:  # the generator's fault, never a scenario's
        raise ValueError(f"a quiet week has records that are refused: {found.dead[0].decode()}")
    return heard


class _Heard(CityLogic):
    """The city task, which also says what was raised."""

    def __init__(self, content: CitySet, week: Week, heard: list[Hit]) -> None:
        super().__init__(sets=lambda _: content)
        self._week, self._hits = week, heard

    def signal(self, signal: Signal) -> None:
        if signal.kind == "raise":
            self._hits.append(Hit(self._week, signal.scenario, signal.asset, signal.t, signal.level))
        super().signal(signal)


def judged(hits: Sequence[Hit], exceptions: Sequence[Allowed], today: date) -> list[Hit]:
    """Hits with the exception that allows each: the first that fits, has not run out and is not used up that week."""
    used: dict[tuple[int, Week], int] = {}
    out = []
    for hit in hits:
        n = next((n for n in _fitting(hit, exceptions, today) if _left(exceptions[n], used.get((n, hit.week), 0))), -1)
        used[n, hit.week] = used.get((n, hit.week), 0) + 1
        out.append(hit._replace(allowed=n))
    return out


def told(hits: Sequence[Hit]) -> list[str]:
    """Lines for people, one a season, scenario and asset: how often, and when first."""
    groups: dict[tuple[str, str, str], list[Hit]] = {}
    for hit in hits:
        groups.setdefault((hit.week.season, hit.scenario, hit.asset), []).append(hit)
    return [
        f"{season}: {scenario} {asset} × {len(mine)}, {_local(mine[0].t)}"
        for (season, scenario, asset), mine in groups.items()
    ]  # fmt: skip


def _local(t: int) -> str:
    return datetime.fromtimestamp(t / 1000, CITY_TIME).isoformat(timespec="minutes")


def _left(one: Allowed, used: int) -> bool:
    return not one.most or used < one.most


def _fitting(hit: Hit, exceptions: Sequence[Allowed], today: date) -> Iterator[int]:
    for n, one in enumerate(exceptions):
        there = fnmatch.fnmatchcase(hit.asset, one.asset) and one.season in ("", hit.week.season)
        if one.scenario == hit.scenario and there and today <= one.until:
            yield n
