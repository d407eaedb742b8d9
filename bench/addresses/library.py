"""An invented city's address book: 100,000 door plates, buildings and points of interest, the same for one seed.

Names are drawn from characters that Chinese place names are made of. They come in families as in cities (明珠路,
明珠东路, 明珠路五巷; 锦绣花园, 锦绣花园二期; branches of one chain); some roads of different towns share a name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

FIRST = (
    "翠明海文金银华锦朝兴永福安康和平建光凤龙鹤桂梅兰竹松柳枫荷莲紫碧玉瑞祥吉庆丰宏达景春云星月虹霞溪泉港石沙百富"
    "昌学水山长前后莲"
)
SECOND = (
    "香珠湖滨景华光明兴旺盛泰安宁康福禄寿喜乐谐民生业成德仁义信诚林泉溪川江源苑桥塘井岗岭山峰洲岛埔围涌海潮阳辉霞"
    "英秀芳雅清江"
)
ROAD_KINDS = (("路", 50), ("街", 14), ("大道", 5), ("巷", 8))
SIDES = "东西南北中"
ESTATE_KINDS = (
    "花园", "苑", "新村", "小区", "雅居", "豪庭", "公馆", "华府", "山庄", "广场", "大厦", "名城", "家园", "花苑",
    "公寓", "庭院",
)  # fmt: skip
POI_KINDS = (
    "幼儿园", "小学", "中学", "卫生服务中心", "菜市场", "超市", "大药房", "酒店", "宾馆", "公园", "停车场",
    "加油站", "文化广场", "体育馆", "养老院", "图书馆", "茶餐厅", "火锅店", "汽修厂", "五金店", "工业园", "物流园",
    "派出所", "消防站", "邮政所", "农贸市场", "洗衣店", "培训中心",
)  # fmt: skip
CHAINS = ("百汇超市", "康民大药房", "顺达快餐", "美邻便利店", "鑫源宾馆", "育才培训中心")
CITY = ("海澜市", "广东省")
DISTRICTS = ("汀洲区", "望江区", "云屏区", "高新区", "保税区")
SIZE = 100_000
COLUMNS = (
    "code", "district", "town", "community", "road", "number", "estate", "building", "unit", "poi", "aliases",
)  # fmt: skip


@dataclass
class Library:
    """Columns as :class:`geo.addresses.AddressBook` has them, and the stems that names were made of."""

    columns: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in COLUMNS})
    lon: list[float] = field(default_factory=list)
    lat: list[float] = field(default_factory=list)
    roads: set[str] = field(default_factory=set)
    estates: set[str] = field(default_factory=set)
    pois: set[str] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.lon)

    def row(self, k: int) -> dict[str, str]:
        """One row by column."""
        return {name: values[k] for name, values in self.columns.items()}

    def add(self, draw: Random, **parts: str) -> None:
        """One row; what is not given is empty."""
        self.columns["code"].append(f"A{len(self):06d}")
        for name in COLUMNS[1:]:
            self.columns[name].append(parts.get(name, ""))
        self.lon.append(round(draw.uniform(113.1, 113.8), 6))
        self.lat.append(round(draw.uniform(21.9, 22.4), 6))


def stem(draw: Random, three: float = 0.0) -> str:
    """Two characters, three with this probability."""
    return draw.choice(FIRST) + draw.choice(SECOND) + (draw.choice(SECOND) if draw.random() < three else "")


def road_name(draw: Random) -> str:
    """A name of a road by itself."""
    return stem(draw, 0.12) + draw.choices([k for k, _ in ROAD_KINDS], [share for _, share in ROAD_KINDS])[0]


def estate_name(draw: Random) -> str:
    """A name of an estate."""
    return stem(draw, 0.25) + draw.choice(ESTATE_KINDS)


def poi_name(draw: Random) -> str:
    """A name of a point of interest that is no branch."""
    return stem(draw, 0.25) + draw.choice(POI_KINDS)


def library(seed: int, size: int = SIZE) -> Library:
    """The book of a seed."""
    draw = Random(f"library {seed}")
    made = Library()
    areas = _areas(draw, max(2, size // 4000), max(4, size // 310))
    numbered = _roads(draw, made, areas, size * 58 // 100)
    _estates(draw, made, areas, numbered, size * 95 // 100 - len(made))
    _pois(draw, made, numbered, size - len(made))
    return made


def _areas(draw: Random, towns: int, communities: int) -> list[tuple[str, str, str]]:
    """(district, town, community), each community once."""
    names: set[str] = set()
    while len(names) < towns:
        names.add(stem(draw) + draw.choice(("街道", "街道", "镇")))
    of = [(draw.choice(DISTRICTS), town) for town in sorted(names)]
    out: list[tuple[str, str, str]] = []
    there: set[tuple[str, str]] = set()
    while len(out) < communities:
        district, town = draw.choice(of)
        name = stem(draw) + draw.choice(("社区", "社区", "村"))
        if (town, name) not in there:
            there.add((town, name))
            out.append((district, town, name))
    return out


def _road_names(draw: Random, count: int) -> list[str]:
    names: dict[str, None] = {}
    while len(names) < count:
        name = road_name(draw)
        if name in names:
            continue
        names[name] = None
        if name.endswith("路") and draw.random() < 0.12:
            for side in draw.sample(SIDES, 2):
                names[name[:-1] + side + "路"] = None
        if draw.random() < 0.04:
            for lane in ("一巷", "二巷", "五巷"):
                names[name + lane] = None
    return list(names)


def _number(draw: Random, at: int) -> str:
    kind = draw.random()
    if kind < 0.90:
        return f"{at}号"
    return f"{at}号之{draw.randint(1, 4)}" if kind < 0.95 else f"{at}-{draw.randint(1, 6)}号"


def _roads(
    draw: Random, made: Library, areas: Sequence[tuple[str, str, str]], size: int
) -> list[tuple[str, str, str, str, str]]:
    """Plates along roads; a road lies in one to three communities of a town."""
    names = _road_names(draw, max(4, size // 33))
    again = draw.sample(names, len(names) // 25)  # the same name in another town
    plates = []
    by_town: dict[str, list[tuple[str, str, str]]] = {}
    for area in areas:
        by_town.setdefault(area[1], []).append(area)
    towns: dict[str, set[str]] = {}
    while len(made) < size:
        for name in draw.sample(names + again, len(names) + len(again)):
            town = draw.choice([t for t in by_town if t not in towns.get(name, set())] or list(by_town))
            if town in towns.setdefault(name, set()):
                continue
            towns[name].add(town)
            own = draw.sample(by_town[town], min(len(by_town[town]), draw.randint(1, 3)))
            at, there = 0, set()
            for _ in range(min(size - len(made), int(draw.triangular(4, 80, 20)))):
                at += draw.choice((1, 1, 2, 2, 2, 4, 9))
                number = _number(draw, at)
                if number in there:
                    continue
                there.add(number)
                district, _, community = draw.choice(own)
                made.add(draw, district=district, town=town, community=community, road=name, number=number)
                plates.append((district, town, community, name, number))
            made.roads.add(name)
            if len(made) >= size:
                break
    return plates


def _estates(
    draw: Random, made: Library, areas: Sequence[tuple[str, str, str]], plates: Sequence[tuple[str, ...]], size: int
) -> None:
    until = len(made) + size
    while len(made) < until:
        base = estate_name(draw)
        for phase in ("", "二期") if draw.random() < 0.06 else ("",):
            name = base + phase
            if name in made.estates:
                continue
            made.estates.add(name)
            district, town, community, road, number = draw.choice(plates)
            gate = {"road": road, "number": number} if draw.random() < 0.7 else {}
            letters = draw.random() < 0.15
            for k in range(draw.randint(3, 40) if not letters else draw.randint(2, 8)):
                building = f"{chr(65 + k)}座" if letters else f"{k + 1}栋"
                if len(made) < until:
                    made.add(
                        draw, district=district, town=town, community=community, estate=name, building=building, **gate
                    )  # fmt: skip


def _pois(draw: Random, made: Library, plates: Sequence[tuple[str, ...]], size: int) -> None:
    until = len(made) + size
    while len(made) < until:
        district, town, community, road, number = draw.choice(plates)
        base = road.rstrip("路街巷大道东西南北中一二五")
        name = f"{draw.choice(CHAINS)}{base}店" if draw.random() < 0.1 else poi_name(draw)
        if name in made.pois:
            continue
        made.pois.add(name)
        short = name.replace("卫生服务中心", "卫生站") if draw.random() < 0.5 else name
        other = short if short != name else ""
        made.add(
            draw, district=district, town=town, community=community, road=road, number=number, poi=name, aliases=other
        )  # fmt: skip
