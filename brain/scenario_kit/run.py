"""Run a scenario's tests: the lanes and the city task of a replay over the memory log, with the test's own time.

The set in force has all that the set has, but of its scenarios only the one under test, live whatever its state.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from copy import copy
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
import shapely

from brain.combination import needed
from brain.incidents.city import CityLogic
from brain.pipeline import lanes
from brain.scenario import Scenario
from brain.scenario_kit.case_form import Case, Expected, Frame, Reading, Record, Ticket
from brain.scenario_kit.cases import last, records, source_of, times
from brain.sets import CitySet
from brain.settings import Settings
from geo.city_map import CityMap
from geo.feature import Feature
from geo.grid_map import GRID, GridMap
from streams import bundle
from streams.records import Signal
from streams.registry import Registry
from streams.replay import ReplaySettings, replay

TOPICS = {"iot": "iot.telemetry", "video": "video.metadata", "hotline": "hotline.tickets"}
ON_S = 60.0
"""How long time goes on after the last record, where the test does not say: models of a minute judge in it."""
_SET = "sha256:under-test"
_Row = tuple[float, str, str, dict[str, Any]]
"""When, input topic, key, body."""


class Outcome(NamedTuple):
    """What was expected of a test, what came, and the records that the pipeline refused."""

    scenario: str
    name: str
    expected: tuple[Expected, ...]
    got: tuple[Expected, ...]
    """As what was expected, with every field."""
    refused: tuple[str, ...] = ()

    def pairs(self) -> list[tuple[Expected | None, Expected | None]]:
        """Expected and got side by side, equal ones first matched, in the order of time; None where one is missing."""
        left, out = list(self.got), list[tuple[Expected | None, Expected | None]]()
        for want in self.expected:
            same = next((k for k, signal in enumerate(left) if agrees(want, signal)), None)
            out.append((want, None if same is None else left.pop(same)))
        out += [(None, signal) for signal in left]
        return sorted(out, key=lambda pair: (pair[0] or pair[1] or _NONE).at)

    def passed(self) -> bool:
        """Whether exactly the expected signals came, in their order, and no record was refused."""
        same = len(self.expected) == len(self.got) and all(map(agrees, self.expected, self.got))
        return same and not self.refused


_NONE = Expected(0.0, "raise", "")


def agrees(want: Expected, got: Expected) -> bool:
    """Whether a signal is the one expected; times to the millisecond."""
    return (
        (want.kind, want.asset) == (got.kind, got.asset)
        and round(want.at * 1000) == round(got.at * 1000)
        and want.level in (None, got.level)
        and want.grid in (None, got.grid)
        and want.grade in (None, got.grade)
    )


def placed(content: CitySet, s: Scenario) -> Scenario:
    """A scenario from its file with the districts that variants have taken from it, as in the set."""
    there = next((one for one in (*content.scenarios, *content.drafts) if one.id == s.id), s)
    return msgspec.structs.replace(s, without=there.without)


def run(base: CitySet, s: Scenario, case: Case, settings: Settings | None = None) -> Outcome:
    """Run one test of a scenario on a set. Raises ValueError of a scenario that the set cannot carry."""
    settings = settings or Settings()
    content = _content(base, s, case)
    start = case.start()
    given = records(case, s.source, "given")
    rows = sorted((row for k, record in enumerate(given) for row in _rows(record, k, s, start)), key=lambda row: row[0])
    end = max(last(record) for record in given) + ON_S if case.until is None else case.until
    laid = [(topic, 0, name.encode(), msgspec.json.encode(body), start + round(at * 1000))
            for at, topic, name, body in rows]  # fmt: skip
    topics = dict.fromkeys(TOPICS.values(), 1) if s.source == "signals" else {TOPICS[s.source]: 1}
    lines = bundle.on_grid(laid, topics, settings.key(), content.id, start + round(end * 1000))
    heard: list[Signal] = []
    found = replay(lines, ReplaySettings(
        lanes=lanes(settings), city=lambda: _Heard(content, heard), sets=lambda _: content, genesis=content.id,
        key=settings.key(), partitions=topics,
    ))  # fmt: skip
    got = tuple(_got(signal, start) for signal in heard if signal.scenario == s.id)
    return Outcome(s.id, case.name, case.expect, got, tuple(_refused(found.dead)))


class _Heard(CityLogic):
    """The city task, which also says what it folded: lanes' signals and those that it judged itself, in fold order."""

    def __init__(self, content: CitySet, heard: list[Signal]) -> None:
        super().__init__(sets=lambda _: content)
        self._heard = heard

    def signal(self, signal: Signal) -> None:
        self._heard.append(msgspec.structs.replace(signal))
        super().signal(signal)


def _content(base: CitySet, s: Scenario, case: Case) -> CitySet:
    content = copy(base)
    parts = needed(s, [*base.scenarios, *base.drafts])
    content.id = _SET
    content.scenarios = [msgspec.structs.replace(one, state="live", trial=None) for one in (*parts, s)]
    content.scenarios.sort(key=lambda one: one.id)
    content.drafts = []
    content.agents = ()
    if case.assets:
        content.with_assets(Registry.of(case.assets))
    if case.map:
        content.with_map(_map(case))
    return content


def _map(case: Case) -> GridMap:
    features = []
    for q in case.map:
        said = {"town": q.town, "district": q.district} if q.grid else {"kind": q.kind} if q.kind else {}
        features.append(Feature(GRID if q.grid else q.layer, q.grid or q.code, shapely.box(*q.box), attributes=said))
    return GridMap.of_map(CityMap(features))


def _rows(record: Record, number: int, s: Scenario, start: int) -> Iterator[_Row]:
    topic = TOPICS[source_of(record)]
    for k in range(times(record)):
        at = record.at + k * record.every_s
        t = start + round(at * 1000)
        if isinstance(record, Reading):
            v = record.v[k] if isinstance(record.v, tuple) else record.v
            body: dict[str, Any] = {
                "asset": record.asset, "metric": record.metric or s.match.metric, "t": t, "v": v,
            }  # fmt: skip
            body |= _stated(record, "unit", "lon", "lat", "crs")
            yield at, topic, record.asset, body
        elif isinstance(record, Frame):
            stamp = datetime.fromtimestamp(t / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            objects = [*record.objects, *_spread(record)]
            yield at, topic, record.sensorId, {
                "version": "4.0", "id": f"{number}-{k}", "@timestamp": stamp, "sensorId": record.sensorId,
                "objects": objects,
            }  # fmt: skip
        else:
            yield at, topic, _name(record, number, k), _ticket(record, number, k, t)


def _name(ticket: Ticket, number: int, k: int) -> str:
    name = ticket.id or f"test-{number + 1}"
    return f"{name}-{k + 1}" if ticket.times > 1 else name


def _ticket(ticket: Ticket, number: int, k: int, t: int) -> dict[str, Any]:
    caller = ticket.caller or f"caller-{number + 1}-{k + 1}"
    body: dict[str, Any] = {
        "id": _name(ticket, number, k), "t": t, "title": ticket.title, "text": ticket.text, "address": ticket.address,
        "district": ticket.district, "caller": caller,
    }  # fmt: skip
    return body | _stated(ticket, "lon", "lat")


def _stated(record: Record, *names: str) -> dict[str, Any]:
    return {name: getattr(record, name) for name in names if getattr(record, name) is not None}


def _spread(frame: Frame) -> Iterator[str]:
    """Objects of a crowd in rows and columns over its box, each standing on a point within it."""
    crowd = frame.crowd
    if crowd is None or not crowd.count:
        return
    x1, y1, x2, y2 = crowd.box
    columns = math.ceil(math.sqrt(crowd.count))
    lines = math.ceil(crowd.count / columns)
    for k in range(crowd.count):
        x = x1 + (x2 - x1) * (k % columns + 0.5) / columns
        y = y1 + (y2 - y1) * (k // columns + 0.5) / lines
        yield f"{1000 + k}|{x - 4:.1f}|{y - 20:.1f}|{x + 4:.1f}|{y:.1f}|{crowd.kind}"


def _got(signal: Signal, start: int) -> Expected:
    return Expected(
        (signal.t - start) / 1000, signal.kind, signal.asset, signal.level, signal.grid or "", signal.grade or ""
    )


def _refused(dead: list[bytes]) -> Iterator[str]:
    for raw in dead:
        letter = msgspec.json.decode(raw, type=dict[str, Any])
        yield ", ".join(f"{name} {letter[name]}" for name in sorted(letter) if name != "size")
