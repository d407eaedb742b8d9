"""Key sites 重点场所: where people are many or helpless, where things blow up, burn or flood, and who comes to help."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from brain.drill.city import names
from brain.drill.city.hierarchy import shares
from brain.drill.city.roads import BRIDGE, EXPRESSWAY, LOCAL, RoadGraph
from brain.drill.city.terrain import BRIDGED, F8, I8, Terrain, degrees, plane, stream
from brain.drill.city.water import RiverNet
from geo.feature import Feature
from geo.grid_map import GridMap
from geo.nearest import Sites


class Kind(NamedTuple):
    """A kind of site: Chinese word, how people also say it, how many of 100, people from and to, and where it stands.

    ``where``: crowd (as people are spread), even (everywhere in towns), rim (where few live), junction (on main roads),
    coast (by the sea), river (on a bank), dam (one a reservoir).
    """

    word: str
    also: tuple[str, ...]
    share: float
    people: tuple[int, int]
    where: str


KINDS = {
    "hospital": Kind("医院", ("人民医院",), 2.4, (150, 2_500), "crowd"),
    "clinic": Kind("社区卫生服务中心", ("社康", "卫生站"), 6.5, (10, 120), "even"),
    "school": Kind("学校", ("学堂",), 9.0, (300, 3_200), "crowd"),
    "kindergarten": Kind("幼儿园", ("幼稚园", "幼儿"), 11.0, (60, 420), "crowd"),
    "elderly_home": Kind("养老院", ("敬老院", "老人院"), 4.0, (20, 350), "even"),
    "mall": Kind("购物中心", ("商场", "广场"), 3.0, (500, 9_000), "crowd"),
    "market": Kind("农贸市场", ("菜市场", "市场"), 6.0, (80, 900), "crowd"),
    "hotel": Kind("酒店", ("宾馆",), 7.0, (40, 900), "crowd"),
    "metro_station": Kind("地铁站", ("地铁", "站"), 2.2, (200, 6_000), "crowd"),
    "bus_hub": Kind("公交枢纽站", ("公交站", "公交总站"), 2.0, (50, 1_200), "crowd"),
    "ferry_port": Kind("客运码头", ("码头",), 0.5, (20, 800), "coast"),
    "underpass": Kind("下穿隧道", ("隧道", "下穿"), 2.0, (0, 60), "junction"),
    "gas_station": Kind("加油站", ("油站",), 5.5, (4, 30), "junction"),
    "lpg_station": Kind("液化石油气储配站", ("气站", "煤气站"), 1.4, (5, 25), "rim"),
    "chemical_plant": Kind("化工厂", ("化工",), 1.8, (40, 900), "rim"),
    "hazmat_warehouse": Kind("危险化学品仓库", ("危化仓",), 1.6, (5, 60), "rim"),
    "factory": Kind("厂区", ("工厂",), 9.0, (40, 3_000), "even"),
    "construction_site": Kind("工地", ("工地项目",), 6.0, (20, 400), "even"),
    "shelter": Kind("应急避难场所", ("避难所",), 6.4, (0, 50), "crowd"),
    "fire_station": Kind("消防救援站", ("消防站", "消防队"), 1.6, (15, 60), "even"),
    "police_station": Kind("派出所", ("警署",), 2.2, (15, 90), "even"),
    "pump_station": Kind("排涝泵站", ("泵站",), 3.0, (1, 8), "river"),
    "sluice": Kind("水闸", ("水闸口",), 1.6, (1, 6), "river"),
    "dam": Kind("大坝", (), 0.0, (1, 12), "dam"),
    "park": Kind("公园", (), 3.0, (50, 6_000), "even"),
    "office": Kind("政务服务中心", ("政务中心", "办事大厅"), 1.3, (40, 900), "even"),
}
OFF_ROAD = (15.0, 60.0)
"""Metres that a site lies beside its street."""


@dataclass(frozen=True)
class SiteSet:
    """Key sites by number (n,): positions, ``kind`` keys of KINDS, ``people`` at most, grid code, nearest crossing."""

    lon: F8
    lat: F8
    kind: list[str]
    name: list[str]
    aliases: list[list[str]]
    people: F8
    grid: list[str]
    node: I8
    code: list[str]

    @cached_property
    def near(self) -> Sites:
        """For the nearest of a kind, and what a polygon holds."""
        return Sites(self.lon, self.lat, self.kind, self.people)

    def of(self, kind: str) -> I8:
        """Numbers of the sites of a kind."""
        return np.flatnonzero(np.array(self.kind) == kind)


def sites(
    seed: int, ground: Terrain, grids: GridMap, graph: RoadGraph, water: RiverNet, reservoirs: list[Feature]
) -> SiteSet:
    """Sites of all kinds, as many as the scale says; every one on land, beside a street but for dams and sluices.

    A fire station stands on every body of land with streets that has ten crossings or more.
    """
    draw = stream(seed, "sites")
    kinds = [k for k in KINDS if k != "dam"]
    total = ground.scale.sites - len(reservoirs)
    counts = shares([KINDS[k].share for k in kinds], total, [2] * len(kinds))
    x, y = plane(graph.lon, graph.lat)
    weights = _weights(ground, graph, x, y)
    lon, lat, kind = list[float](), list[float](), list[str]()
    for key, count in zip(kinds, counts, strict=True):
        where = KINDS[key].where
        if where == "river":
            at = _banks(draw, water, grids, count)
        else:
            weight = weights[where]
            node = draw.choice(len(x), count, p=weight / weight.sum())
            if key == "fire_station":
                node[: len(_bodies(graph))] = _bodies(graph)[:count]
            at = beside(draw, grids, x, y, node)
        lon += at[0].tolist()
        lat += at[1].tolist()
        kind += [key] * count
    for feature in reservoirs:
        # The dam closes the lowest side: here the southernmost point of the water's edge.
        corner = min(feature.shape.exterior.coords, key=lambda c: (c[1], c[0]))
        lon.append(corner[0])
        lat.append(corner[1])
        kind.append("dam")
    lon_, lat_ = np.array(lon), np.array(lat)
    named = names.Names(draw)
    dams = [str(f.attributes["name"]) + KINDS["dam"].word for f in reservoirs]
    name = [named.before(KINDS[k].word) for k in kind[: len(kind) - len(dams)]] + dams
    people = np.array([_people(draw, KINDS[k].people) for k in kind])
    grid = [grids.codes[g] for g in grids.locate(lon_, lat_).tolist()]
    aliases = [_aliases(n, KINDS[k]) for n, k in zip(name, kind, strict=True)]
    code = [f"S{k + 1:05d}" for k in range(len(kind))]
    return SiteSet(lon_, lat_, kind, name, aliases, people, grid, graph.net.snap(lon_, lat_)[0], code)


def _weights(ground: Terrain, graph: RoadGraph, x: F8, y: F8) -> dict[str, F8]:
    """How likely a site of each placement stands at a crossing (n,)."""
    crowd = ground.crowd(x, y)
    main = np.zeros(len(x))
    on = (graph.kind > EXPRESSWAY) & (graph.kind < LOCAL)
    main[graph.start[on]] = main[graph.end[on]] = 1.0
    dry = np.ones(len(x))
    crossing = graph.kind == BRIDGE
    dry[graph.start[crossing]] = dry[graph.end[crossing]] = 0.0
    shore = (ground.heights(x, y - 900) < 0) | (ground.heights(x + 900, y) < 0) | (ground.heights(x - 900, y) < 0)
    return {
        # Crossings are as dense as people, so an even choice among them already follows the crowd.
        "crowd": dry * (crowd + 0.02), "even": dry, "rim": dry * (crowd < 0.10) * (graph.body <= BRIDGED),
        "junction": dry * main * (graph.body <= BRIDGED), "coast": dry * np.where(shore, 1.0, 1e-6),
    }  # fmt: skip


def _bodies(graph: RoadGraph) -> I8:
    """The first crossing of each body of land that has ten or more and no bridge to another."""
    size = np.bincount(graph.body)
    return np.array([int(np.flatnonzero(graph.body == k)[0]) for k in np.flatnonzero(size >= 10)])


def beside(
    draw: np.random.Generator, grids: GridMap, x: F8, y: F8, node: I8, off: tuple[float, float] = OFF_ROAD
) -> tuple[F8, F8]:
    """Places beside crossings; at the crossing itself where all tries fall into the sea."""
    lon, lat = degrees(x[node], y[node])
    todo = np.arange(len(node))
    for _ in range(6):
        turn, away = draw.uniform(0, 2 * np.pi, len(todo)), draw.uniform(*off, len(todo))
        at = degrees(x[node[todo]] + away * np.cos(turn), y[node[todo]] + away * np.sin(turn))
        good = grids.locate(*at) >= 0
        lon[todo[good]], lat[todo[good]] = at[0][good], at[1][good]
        todo = todo[~good]
    return lon, lat


def _banks(draw: np.random.Generator, water: RiverNet, grids: GridMap, count: int) -> tuple[F8, F8]:
    """Points of river lines on land, lower reaches first: where water has to be lifted or held."""
    at = np.vstack([line[:-1] for line in water.line])
    at = at[grids.locate(at[:, 0].copy(), at[:, 1].copy()) >= 0]
    weight = 1 / (1.0 + (at[:, 1] - at[:, 1].min()) * 20)
    k = draw.choice(len(at), count, p=weight / weight.sum(), replace=count > len(at))
    return at[k, 0].copy(), at[k, 1].copy()


def _people(draw: np.random.Generator, between: tuple[int, int]) -> float:
    """Most are near the lower end, as sizes are."""
    low, high = between
    return float(round(low + (high - low) * draw.random() ** 2.5))


def _aliases(name: str, kind: Kind) -> list[str]:
    """How people call it: its own two or three signs with another word for what it is."""
    return [name.removesuffix(kind.word) + word for word in kind.also]
