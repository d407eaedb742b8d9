"""What is wrong, or missing, in a scenario that can be loaded: against the registry, the map, and the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from brain.incidents.value import Text
from brain.near import nears
from brain.reach import of_kind, within
from brain.scenario import Scenario
from brain.scenario_form import Clear
from brain.scenario_kit.case_form import Wording
from geo.coords import to_wgs84
from geo.grid_map import GridMap
from streams.records import I4
from streams.registry import Registry

NAMED = 5
"""Districts, or units, that one finding names."""


class Found(NamedTuple):
    """One finding: its code, the place in the file, what it is."""

    code: str
    place: str
    what: Text


@dataclass(frozen=True, slots=True)
class Ground:
    """What a scenario is held against: the assets, and the district of each (empty outside the map)."""

    registry: Registry
    districts: tuple[str, ...]
    district_of: tuple[str, ...]
    map: GridMap
    answer: I4
    """The map's, for each asset."""

    @classmethod
    def of(cls, registry: Registry, city: GridMap) -> Ground:
        """Of a set's registry and map."""
        lon, lat = to_wgs84(np.asarray(registry.lon, np.float64), np.asarray(registry.lat, np.float64), registry.crs)
        answer = city.map.locate(lon, lat)
        grids = answer[:, city.column].tolist()
        districts = tuple(sorted({d for d in city.districts if d}))
        there = tuple(city.districts[g] if g >= 0 else "" for g in grids)
        return cls(registry, districts, there, city, answer)

    def series(self, s: Scenario, metric: str) -> NDArray[np.intp]:
        """Series of a metric, of assets of the scenario's type."""
        r = self.registry
        if s.match.type not in r.types or metric not in r.metrics:
            return np.zeros(0, np.intp)
        mine = (r.asset_type == r.types.index(s.match.type)) & self._here(s)
        return np.flatnonzero(mine[r.series_asset] & (r.series_metric == r.metrics.index(metric)))

    def assets(self, s: Scenario) -> list[int]:
        """Assets of the scenario's type."""
        r = self.registry
        if s.match.type not in r.types:
            return []
        found: list[int] = np.flatnonzero((r.asset_type == r.types.index(s.match.type)) & self._here(s)).tolist()
        return found

    def _here(self, s: Scenario) -> NDArray[np.bool_]:
        """Assets that lie where it looks."""
        return within(s, self.map, self.answer)


def of_one(s: Scenario, ground: Ground | None) -> Iterator[Found]:
    """Findings of one scenario; without a ground only those of the file itself."""
    yield from _human(s)
    yield from _tests(s)
    if s.clear == Clear() and _needs_clear(s):
        yield Found("no_clear", "clear", Text("没有写何时解除", "it does not say when it ends"))
    if ground is None:
        return
    yield from _where(s, ground)
    if s.source not in ("hotline", "signals"):
        yield from _assets(s, ground)


def _where(s: Scenario, ground: Ground) -> Iterator[Found]:
    """Districts, layers and kinds that the map does not have."""
    for n, code in enumerate(s.match.districts):
        if code not in ground.districts:
            close = nears(code, ground.districts)
            zh, en = f"地图没有区 {code}{close.zh}", f"the map has no district {code}{close.en}"
            yield Found("unknown_place", f"match.districts[{n}]", Text(zh, en))
    layer, kind, layers = s.match.layer, s.match.sort, ground.map.map.layers
    if layer and layer not in layers:
        close = nears(layer, list(layers))
        zh, en = f"地图没有图层 {layer}{close.zh}", f"the map has no layer {layer}{close.en}"
        yield Found("unknown_place", "match.layer", Text(zh, en))
    elif kind and not of_kind(ground.map, layer, kind):
        zh, en = f"图层 {layer} 没有 {kind} 类", f"layer {layer} has nothing of kind {kind}"
        yield Found("unknown_place", "match.kind", Text(zh, en))


def _human(s: Scenario) -> Iterator[Found]:
    for part in ("name", "means", "first_steps", "false_alarms"):
        words = getattr(s, part)
        zh, en = words.zh.strip(), words.en.strip()
        if part != "name" and words == Wording():
            yield Found(f"no_{part}", part, Text(f"没有写 {part}", f"{part} is not said"))
        elif not zh or not en:
            missing = ("中文", "Chinese") if not zh else ("英文", "English")
            yield Found("translation", part, Text(f"{part} 缺少{missing[0]}", f"{part}: the {missing[1]} is missing"))
    for part in ("owner", "basis"):
        if not getattr(s, part).strip():
            yield Found(f"no_{part}", part, Text(f"没有写 {part}", f"{part} is not said"))


def _tests(s: Scenario) -> Iterator[Found]:
    if not any(case.expect for case in s.tests):
        yield Found("no_test_fires", "tests", Text("没有会触发的测试", "no test expects signals"))
    if all(case.expect for case in s.tests):
        yield Found("no_test_quiet", "tests", Text("没有保持安静的测试", "no test expects quiet"))


def _needs_clear(s: Scenario) -> bool:
    d = s.detect
    if s.source in ("hotline", "signals"):  # ends by itself: docs/scenarios.md
        return False
    return any(bound is not None for bound in (d.above, d.below, d.sum_over, d.standard))


def _assets(s: Scenario, ground: Ground) -> Iterator[Found]:
    registry = ground.registry
    if s.detect.watch is not None:
        having = ground.assets(s)
        if not having:
            yield Found("no_asset", "match.type", Text(
                f"没有类型为 {s.match.type} 的资产", f"there is no asset of type {s.match.type}"
            ))  # fmt: skip
    else:
        having = []
        for metric in s.match.metrics or s.metrics():
            series = ground.series(s, metric)
            having += registry.series_asset[series].tolist()
            if not len(series):
                zh, en = f"没有 {s.match.type} 类资产发送 {metric}", f"no asset of type {s.match.type} sends {metric}"
                yield Found("no_asset", _place(s, metric), Text(zh, en))
            else:
                yield from _units(s, metric, series, registry)
        if not s.match.metrics and not s.detect.inputs:
            yield from _ranges(s, ground.series(s, s.match.metric), registry)
    there = {ground.district_of[a] for a in having}
    looked = [d for d in s.match.districts or ground.districts if d not in s.without]
    without = [d for d in looked if d not in there]
    if having and without:
        some = ", ".join(without[:NAMED]) + (", …" if len(without) > NAMED else "")
        zh, en = f"{some} 没有这样的资产", f"there are no such assets in {some}"
        yield Found("no_asset_in_district", "match", Text(zh, en))


def _place(s: Scenario, metric: str) -> str:
    if s.match.metrics:
        return "match.metrics"
    column = next((name for name, of in s.detect.inputs.items() if of == metric), "")
    return f"detect.inputs.{column}" if column else "match.metric"


def _units(s: Scenario, metric: str, series: NDArray[np.intp], registry: Registry) -> Iterator[Found]:
    units = [registry.units[code] for code in np.unique(registry.series_unit[series]).tolist()]
    said = ", ".join(unit or "1" for unit in units[:NAMED])
    if len(units) > 1:
        zh, en = f"{metric} 登记有多种单位: {said}", f"{metric} is registered in several units: {said}"
        yield Found("units_mixed", _place(s, metric), Text(zh, en))
    elif s.match.unit and units != [s.match.unit]:
        zh = f"{metric} 登记的单位是 {said}, 场景写的是 {s.match.unit}"
        en = f"{metric} is registered in {said}, and the scenario says {s.match.unit}"
        yield Found("unit_differs", "match.unit", Text(zh, en))


def _ranges(s: Scenario, series: NDArray[np.intp], registry: Registry) -> Iterator[Found]:
    """Bounds of values that no matching asset's range reaches."""
    if not len(series):
        return
    d = s.detect
    low, high = float(registry.lo[series].min()), float(registry.hi[series].max())
    if d.sum_over is not None:
        low, high = float(registry.lo[series].sum()), float(registry.hi[series].sum())
    name = next((n for n in ("above", "sum_over", "below") if getattr(d, n) is not None), "")
    if not name:
        return
    bounds: list[tuple[str, str, float]] = [("never_true", f"detect.{name}", float(getattr(d, name)))]
    bounds += [("rung_unreachable", f"levels[{n}].at", rung.at) for n, rung in enumerate(s.levels)]
    for code, place, at in bounds:
        if (at <= low) if name == "below" else not (at < high or (code == "rung_unreachable" and at == high)):
            zh, en = (
                f"{at:g} 不在登记的量程 [{low:g}, {high:g}] 内",
                f"{at:g}: the registered range is [{low:g}, {high:g}]",
            )
            yield Found(code, place, Text(zh, en))
