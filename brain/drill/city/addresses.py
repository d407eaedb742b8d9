"""Standard addresses 标准地址: door plates along roads, estates with buildings, units and rooms, points of interest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from brain.drill.city import names
from brain.drill.city.hierarchy import Hierarchy
from brain.drill.city.roads import BRIDGE, EXPRESSWAY, RoadGraph
from brain.drill.city.sites import SiteSet, beside
from brain.drill.city.terrain import F8, I8, Terrain, degrees, plane, stream
from geo.grid_map import GridMap

TEXTS = (
    "code", "kind", "district", "town", "community", "grid", "road", "number", "estate", "building", "unit", "room",
    "poi", "aliases", "site",
)  # fmt: skip
"""Columns of texts; what an address does not have is empty."""
DOOR, ESTATE, UNIT, ROOM, POI = "door", "estate", "unit", "room", "poi"
ALIAS = "#"
DOORS, SHOPS, ROOMS, ESTATES = 0.40, 0.07, 0.18, 0.009
"""Shares of all addresses; key sites come on top of the shops, units of buildings are the rest."""
FRONT, SET_BACK = 12.0, (8.0, 16.0)
"""Metres of street front of a number, and how far behind the street the door is."""
ESTATE_WORDS = ("花园", "苑", "雅居", "新村", "公寓", "湾", "名庭", "里")
BUILDING_WORDS = ("栋", "栋", "栋", "座", "幢", "号楼")
SHOP_WORDS = (
    ("大药房", "药店"), ("餐馆", "饭店"), ("便利店", "小店"), ("超市", "生活超市"), ("烧烤店", "烧烤"),
    ("茶餐厅", "茶档"), ("五金店", "五金"), ("网吧", "网咖"), ("棋牌室", "麻将馆"), ("汽修厂", "修车店"),
    ("洗衣店", "干洗店"), ("诊所", "门诊"), ("健身房", "健身馆"), ("培训中心", "补习班"), ("快递站", "驿站"),
    ("理发店", "发廊"), ("酒吧", "清吧"), ("面包房", "蛋糕店"),
)  # fmt: skip


@dataclass(frozen=True)
class AddressSet:
    """Addresses by number (n,): positions in degrees, and the columns of :data:`TEXTS`.

    ``district``, ``town`` and ``community`` are names, ``grid`` and ``site`` codes; ``aliases`` are separated by ``#``
    and are other names of the poi, else of the estate.
    """

    lon: F8
    lat: F8
    texts: dict[str, list[str]]

    def text(self, k: int) -> str:
        """The whole address, in the order of the standards, without the city."""
        order = ("district", "town", "community", "road", "number", "estate", "building", "unit", "room", "poi")
        return "".join(self.texts[name][k] for name in order)

    def book(self) -> dict[str, list[str] | F8]:
        """Columns without the rooms: one row a place, as a book of standard addresses has them."""
        kept = [k for k, kind in enumerate(self.texts["kind"]) if kind != ROOM]
        columns: dict[str, list[str] | F8] = {name: [column[k] for k in kept] for name, column in self.texts.items()}
        return {**columns, "lon": self.lon[kept], "lat": self.lat[kept]}


def addresses(
    seed: int, ground: Terrain, grids: GridMap, units: Hierarchy, graph: RoadGraph, sites: SiteSet
) -> AddressSet:
    """As many addresses as the scale says. Plates and units are there once each; names of shops may come again."""
    draw = stream(seed, "addresses")
    total = ground.scale.addresses
    doors = _doors(draw, ground, grids, graph, round(total * (DOORS + SHOPS + ESTATES)))
    order = draw.permutation(len(doors[0]))
    shops, estates = np.split(order[: round(total * (SHOPS + ESTATES))], [round(total * SHOPS)])
    at_sites = plane(sites.lon, sites.lat)
    plates_x, plates_y = plane(doors[0], doors[1])
    nearest = cKDTree(np.column_stack((plates_x, plates_y))).query(np.column_stack(at_sites))[1]
    rows: list[dict[str, str]] = []
    lon, lat = list[float](), list[float]()

    def add(at: tuple[float, float], plate: int, **texts: str) -> None:
        road, number = int(doors[2][plate]), int(doors[3][plate])
        rows.append({"road": graph.names[road], "number": f"{number}号", **texts})
        lon.append(at[0])
        lat.append(at[1])

    positions = list(zip(doors[0].tolist(), doors[1].tolist(), strict=True))
    for k in range(round(total * DOORS)):
        add(positions[k], k, kind=DOOR)
    for k, name, also in _shops(draw, shops):
        add(positions[k], k, kind=POI, poi=name, aliases=also)
    for k, plate in enumerate(nearest.tolist()):
        at = (float(sites.lon[k]), float(sites.lat[k]))
        also = ALIAS.join(sites.aliases[k])
        add(at, plate, kind=POI, poi=sites.name[k], aliases=also, site=sites.code[k])
    for texts, plate, at in _homes(draw, grids, estates, positions, total - len(rows), round(total * ROOMS)):
        add(at, plate, **texts)
    lon_, lat_ = np.array(lon), np.array(lat)
    return AddressSet(lon_, lat_, _columns(rows, grids.locate(lon_, lat_).tolist(), grids, units))


def _doors(
    draw: np.random.Generator, ground: Terrain, grids: GridMap, graph: RoadGraph, count: int
) -> tuple[F8, F8, I8, I8]:
    """Positions, roads and numbers of plates: odd on the left, even on the right, rising from the road's beginning."""
    x, y = plane(graph.lon, graph.lat)
    a, b = graph.first, np.where(graph.first == graph.start, graph.end, graph.start)
    crowd = ground.crowd((x[a] + x[b]) / 2, (y[a] + y[b]) / 2)
    weight = np.where((graph.kind == BRIDGE) | (graph.kind == EXPRESSWAY), 0.0, graph.metres * (crowd + 0.03))
    street = draw.choice(len(a), count * 3, p=weight / weight.sum())
    slot = np.floor((graph.along[street] + draw.random(count * 3) * graph.metres[street]) / FRONT).astype(np.int64)
    left = draw.random(count * 3) < 0.5
    number = 2 * slot + np.where(left, 1, 2)
    _, once = np.unique(graph.road[street] * 2**20 + number, return_index=True)
    once = np.sort(once)
    street, slot, left, number = street[once], slot[once], left[once], number[once]
    t = np.clip(((slot + 0.5) * FRONT - graph.along[street]) / graph.metres[street], 0.0, 1.0)
    east, north = x[b[street]] - x[a[street]], y[b[street]] - y[a[street]]
    back = draw.uniform(*SET_BACK, len(street)) * np.where(left, 1, -1) / np.maximum(np.hypot(east, north), 1.0)
    lon, lat = degrees(x[a[street]] + t * east - back * north, y[a[street]] + t * north + back * east)
    on_land = np.flatnonzero(grids.locate(lon, lat) >= 0)[:count]
    return lon[on_land], lat[on_land], graph.road[street][on_land], number[on_land]


def _shops(draw: np.random.Generator, plates: I8) -> Iterable[tuple[int, str, str]]:
    """Plate, name and other names."""
    kinds = draw.integers(0, len(SHOP_WORDS), len(plates)).tolist()
    first, second = (names.pick(draw, names.BRANDS, len(plates)) for _ in range(2))
    for plate, kind, a, b in zip(plates.tolist(), kinds, first, second, strict=True):
        word, also = SHOP_WORDS[kind]
        yield plate, a + b + word, a + b + also


def _homes(
    draw: np.random.Generator, grids: GridMap, plates: I8, positions: list[tuple[float, float]], count: int, rooms: int
) -> Iterable[tuple[dict[str, str], int, tuple[float, float]]]:
    """Estates as a whole, then units of their buildings, then rooms; as many as asked for, rooms filling up."""
    named = names.Names(draw)
    estate: list[tuple[dict[str, str], int]] = []
    building: list[tuple[int, str, int]] = []
    for k, plate in enumerate(plates.tolist()):
        word = ESTATE_WORDS[int(draw.integers(0, len(ESTATE_WORDS)))]
        name = named.before(word)
        estate.append(({"estate": name, "aliases": name.removesuffix(word) + "小区"}, plate))
        kind = BUILDING_WORDS[int(draw.integers(0, len(BUILDING_WORDS)))]
        for n in range(int(draw.integers(4, 27))):
            label = chr(ord("A") + n) if kind == "座" else str(n + 1)
            building.append((k, label + kind, int(draw.integers(1, 5))))
    gate = np.array([positions[e[1]] for e in estate])
    own = np.array([k for k, _, _ in building])
    places = beside(draw, grids, *plane(gate[:, 0], gate[:, 1]), own, (25.0, 190.0))
    units = [(k, u + 1) for k, (_, _, n) in enumerate(building) for u in range(n)]
    chosen = [units[k] for k in draw.permutation(len(units))[: max(0, count - len(estate) - rooms)].tolist()]
    for texts, plate in estate[:count]:
        yield {"kind": ESTATE, **texts}, plate, positions[plate]
    for k, u in chosen:
        yield *_home(estate, building, k, u), (float(places[0][k]), float(places[1][k]))
    left, seen = count - len(estate) - len(chosen), set[tuple[int, int, int]]()
    while left > 0:
        k, u = units[int(draw.integers(0, len(units)))]
        room = int(draw.integers(1, 19)) * 100 + int(draw.integers(1, 5))
        if (k, u, room) not in seen:
            seen.add((k, u, room))
            texts, plate = _home(estate, building, k, u)
            yield {**texts, "kind": ROOM, "room": f"{room}室"}, plate, (float(places[0][k]), float(places[1][k]))
            left -= 1


def _home(
    estate: list[tuple[dict[str, str], int]], building: list[tuple[int, str, int]], k: int, unit: int
) -> tuple[dict[str, str], int]:
    number, label, _ = building[k]
    texts, plate = estate[number]
    return {"kind": UNIT, **texts, "building": label, "unit": f"{unit}单元"}, plate


def _columns(rows: list[dict[str, str]], at: list[int], grids: GridMap, units: Hierarchy) -> dict[str, list[str]]:
    of = {
        u.code: (units.districts[d].name, units.towns[t].name, units.communities[c].name)
        for u, d, t, c in zip(units.grids, units.district_of.tolist(), units.town_of.tolist(),
                              units.community_of.tolist(), strict=True)
    }  # fmt: skip
    columns: dict[str, list[str]] = {name: [row.get(name, "") for row in rows] for name in TEXTS}
    columns["code"] = [f"A{k + 1:06d}" for k in range(len(rows))]
    columns["grid"] = [grids.codes[g] for g in at]
    for k, name in enumerate(("district", "town", "community")):
        columns[name] = [of[code][k] for code in columns["grid"]]
    return columns
