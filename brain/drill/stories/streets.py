"""What cameras see and people call about on ordinary days, and where stories put more of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from brain.drill.stories.days import START_MS
from brain.drill.stories.district import District
from brain.drill.stories.types import CAMERA
from brain.drill.stories.weather import MINUTES_A_DAY
from brain.mark import DRILL

F8 = NDArray[np.float64]

CALLS_A_DAY = 180
PER_LANE_PX, ROWS_PX = 61, 23
"""How far apart boxes of people are drawn."""
ORDINARY: tuple[tuple[str, float, tuple[str, ...]], ...] = (
    ("noise", 0.16, (
        "{p}楼下广场舞音响声太大，影响休息", "{p}工地夜间施工，噪音扰民", "{p}旁边酒吧营业到凌晨，吵得睡不着",
    )),
    ("parking", 0.16, (
        "{p}门口有车辆违规停放，占用人行道", "{p}旁共享单车乱停放，挡住通道", "{p}小区车位收费标准不清楚",
    )),
    ("road", 0.10, ("{p}路段路面坑洼，骑车颠簸", "{p}路口红绿灯时间太短", "{p}旁的人行道砖松动")),
    ("waste", 0.10, ("{p}垃圾桶满了几天没有清运", "{p}旁有人乱倒建筑垃圾", "{p}附近垃圾房有异味")),
    ("light", 0.06, ("{p}路灯不亮，晚上很黑", "{p}路灯白天也开着，浪费")),
    ("trade", 0.05, ("{p}健身房关门，会员卡不退款", "在{p}的超市买到的水果不新鲜，商家不退")),
    ("advice", 0.14, (
        "咨询社保卡如何补办", "咨询异地就医报销需要哪些材料", "想了解{p}附近小学的招生范围", "咨询公积金提取手续",
    )),
    ("pets", 0.05, ("{p}有人遛狗不牵绳", "{p}附近流浪狗较多，请处理")),
    ("bus", 0.06, ("{p}公交站等车时间太长", "希望{p}增加夜班公交")),
    ("neighbour", 0.06, ("{p}楼上装修时间过早", "{p}楼上空调滴水，沟通多次")),
    ("wages", 0.03, ("在{p}的项目做工，两个月工资没有发",)),
    ("praise", 0.03, ("感谢{p}社区工作人员耐心办事",)),
)  # fmt: skip
"""Kind, share and texts of ordinary tickets; invented. ``{p}`` is an address."""


class Call(NamedTuple):
    """One ticket: ms UTC, id, text, address and degrees. ``truth`` is what it is about, and is never sent."""

    t: int
    id: str
    text: str
    address: str
    lon: float
    lat: float
    caller: str
    truth: str = ""

    def record(self) -> bytes:
        """As the hotline sends it."""
        return msgspec.json.encode({
            "id": self.id, "t": self.t, "title": self.text[:12], "text": self.text, "address": self.address,
            "district": "", "lon": self.lon, "lat": self.lat, "caller": self.caller,
        })  # fmt: skip


class Gathering(NamedTuple):
    """People that a story adds in front of a camera (asset number), from minute ``start`` on."""

    camera: int
    start: int
    people: F8


def ordinary(seed: int, district: District, days: int) -> list[Call]:
    """Tickets of ordinary days, in order of time; most come by day, fewer at weekends."""
    draw = np.random.default_rng([seed, 19])
    doors, weights = district.places.doors, np.array([share for _, share, _ in ORDINARY])
    out = []
    hours = np.array([1, 1, 1, 1, 1, 1, 2, 4, 8, 11, 11, 9, 6, 7, 10, 11, 10, 8, 6, 6, 6, 5, 3, 2], np.float64)
    for day in range(days):
        for _ in range(int(draw.poisson(CALLS_A_DAY * (0.7 if day % 7 >= 5 else 1.0)))):
            hour = int(draw.choice(24, p=hours / hours.sum()))
            t = START_MS + ((day * 24 + hour) * 3600 + int(draw.integers(0, 3600))) * 1000
            lon, lat, address = doors[int(draw.integers(0, len(doors)))]
            texts = ORDINARY[int(draw.choice(len(ORDINARY), p=weights / weights.sum()))][2]
            text = texts[int(draw.integers(0, len(texts)))].format(p=address)
            out.append(Call(t, "", text, address, lon, lat, f"c{int(draw.integers(0, 60_000))}"))
    return out


def numbered(calls: Sequence[Call]) -> list[Call]:
    """In order of time, with ids."""
    return [c._replace(id=f"{DRILL}T{k + 1:06d}") for k, c in enumerate(sorted(calls))]


class Cameras:
    """Frames of all cameras: one a minute, people and vehicles as the hour has them, and stories' gatherings."""

    def __init__(self, district: District, seed: int, gatherings: Sequence[Gathering] = ()) -> None:
        self.district, self.seed = district, seed
        draw = np.random.default_rng([seed, 23])
        n = len(district.cameras)
        self._factor = {m: 1 + v.spread * np.clip(draw.normal(0, 0.5, n), -1, 1) for m, v in CAMERA.metrics.items()}
        self._phase = (np.arange(n) * 577) % 4_400
        self._order = np.argsort(self._phase, kind="stable").tolist()
        self._place = {a: k for k, a in enumerate(district.cameras)}
        self._more: dict[int, list[tuple[int, float]]] = {}
        for g in gatherings:
            for k, people in enumerate(g.people.tolist()):
                self._more.setdefault(g.start + k, []).append((self._place[g.camera], people))
        self._ids = [district.ids[a] for a in district.cameras]

    def minute(self, m: int) -> Iterator[tuple[int, bytes, bytes]]:
        """(ms UTC, key, value) of a minute's frames, in order of time."""
        people, vehicles = self.counts(m)
        begin = START_MS + m * 60_000
        stamp = datetime.fromtimestamp(begin / 1000, UTC).strftime("%Y-%m-%dT%H:%M:")
        for k in self._order:
            phase, name = int(self._phase[k]), self._ids[k]
            t = f"{stamp}{phase // 1000:02d}.{phase % 1000:03d}Z"
            value = (
                f'{{"version":"4.0","id":{m},"@timestamp":"{t}","sensorId":"{name}",'
                f'"objects":[{_objects(int(people[k]), int(vehicles[k]))}]}}'
            )
            yield begin + phase, name.encode(), value.encode()

    def counts(self, m: int) -> tuple[F8, F8]:
        """People and vehicles (cameras,) in a minute."""
        draw = np.random.default_rng([self.seed, 29, m])
        hour, weekend = m / 60 % 24, m // MINUTES_A_DAY % 7 >= 5
        out = []
        for name, metric in CAMERA.metrics.items():
            mean = metric.typical + metric.daily * np.cos((hour - metric.peak) * (2 * np.pi / 24))
            mean = np.maximum(mean, 0.2) * self._factor[name] * (1.15 if weekend else 1.0)
            out.append(draw.poisson(mean).astype(np.float64))
        for k, people in self._more.get(m, ()):
            out[0][k] += np.round(people)
        return out[0], out[1]


@cache
def _objects(people: int, vehicles: int) -> str:
    made = []
    for k in range(people):
        x, y = k * PER_LANE_PX % 600, 150 + k * ROWS_PX % 120
        made.append(f'"{k}|{x}|{y}|{x + 40}|{y + 150}|person"')
    for k in range(vehicles):
        x = k * 97 % 560
        made.append(f'"{1000 + k}|{x}|300|{x + 90}|380|car"')
    return ",".join(made)
