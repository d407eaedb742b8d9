"""What the storm's signals are about: conditions of six domains, as scenarios have them. A sample, no standard."""

from __future__ import annotations

from typing import NamedTuple

IOT, VIDEO, HOTLINE = "iot", "video", "hotline"
SOURCES = (IOT, VIDEO, HOTLINE)


class Kind(NamedTuple):
    """One scenario. ``event_code``: its first two parts are the type family; ``threshold`` and ``step`` make values."""

    id: str
    event_code: str
    zh: str
    en: str
    source: str
    metric: str = ""
    threshold: float = 1.0
    step: float = 0.2
    life: bool = False
    """Never-hidden class 生命安全."""

    @property
    def domain(self) -> str:
        """One of the six."""
        return self.id.partition(".")[0]

    @property
    def family(self) -> str:
        """First two parts of the event code."""
        return family_of(self.event_code)

    @property
    def asset_type(self) -> str:
        """Prefix of its sensors' ids."""
        return self.metric.replace("_", "-")

    def value(self, level: int, part: float) -> float:
        """A reading of a level, ``part`` in [0, 1) of the way to the next one."""
        return round(self.threshold * (1.0 + self.step * (level - 1 + part)), 3)


def family_of(event_code: str) -> str:
    """Type family: the first two dotted parts."""
    return ".".join(event_code.split(".", 2)[:2])


Row = tuple[str, str, str, str, str, float, float]
"""Name, Chinese and English name, source, metric, threshold and step of a kind."""


def _family(family: str, *rows: Row, life: bool = False) -> list[Kind]:
    out = []
    for name, zh, en, source, metric, threshold, step in rows:
        out.append(Kind(f"{family}.{name}", f"{family}.{name}", zh, en, source, metric, threshold, step, life))
    return out


def _sensor(name: str, zh: str, en: str, metric: str, at: float, step: float) -> Row:
    return (name, zh, en, IOT, metric, at, step)


def _camera(name: str, zh: str, en: str) -> Row:
    return (name, zh, en, VIDEO, name, 0.6, 0.1)


def _call(zh: str, en: str) -> Row:
    return ("call", zh, en, HOTLINE, "", 1.0, 1.0)


KINDS: tuple[Kind, ...] = (
    *_family("emergency.fire", _sensor("smoke", "烟感报警", "Smoke", "smoke", 5.0, 0.6),
             _camera("flame", "视频火焰", "Flame on camera"), _call("群众报告火情", "Fire reported"), life=True),
    *_family("emergency.gas", _sensor("sensor", "可燃气体泄漏", "Combustible gas", "gas", 25.0, 0.4),
             _call("群众报告燃气味", "Smell of gas reported"), life=True),
    *_family("emergency.trapped", _sensor("button", "被困求助按钮", "Distress button", "help_button", 1.0, 0.0),
             _call("群众报告被困", "People trapped reported"), life=True),
    *_family("emergency.drowning", _camera("person", "视频落水", "Person in water on camera"),
             _call("群众报告落水", "Drowning reported"), life=True),
    *_family("emergency.flood", _sensor("depth", "道路积水", "Water on the road", "flood_depth", 0.15, 0.7),
             _sensor("level", "河道水位超警", "River level", "water_level", 4.0, 0.1),
             _camera("water", "视频积水", "Water on camera"), _call("群众反映积水", "Flooding reported")),
    *_family("emergency.crowd", _camera("street", "街面聚集拥挤", "Crowding"),
             _call("群众反映拥挤", "Crowding reported")),
    *_family("emergency.wind", _sensor("speed", "大风", "Strong wind", "wind_speed", 17.2, 0.2),
             _sensor("crane", "塔吊风速超限", "Wind at a crane", "crane_wind", 13.8, 0.2),
             _call("群众反映大风隐患", "Wind hazard reported")),
    *_family("emergency.slope", _sensor("move", "边坡位移", "Slope moving", "displacement", 20.0, 0.5),
             _call("群众反映滑坡", "Slide reported")),
    *_family("market.elevator", _sensor("trapped", "电梯困人", "Trapped in a lift", "elevator_stopped", 1.0, 0.0),
             _call("群众报告电梯困人", "Trapped in a lift reported"), life=True),
    *_family("market.food", _sensor("cold_chain", "冷链温度超限", "Cold chain too warm", "cold_store", 8.0, 0.3),
             _call("食品安全投诉", "Food complaints")),
    *_family("market.trade", _sensor("scale", "计量偏差", "Scale off", "scale", 1.0, 0.5),
             _call("短斤缺两投诉", "Short weight complaints")),
    *_family("eco.air", _sensor("voc", "挥发性有机物超标", "VOC high", "voc", 2.0, 0.5),
             _sensor("pm25", "细颗粒物超标", "PM2.5 high", "pm25", 75.0, 0.5), _call("异味投诉", "Smell complaints")),
    *_family("eco.water", _sensor("do", "溶解氧过低", "Dissolved oxygen low", "do", 3.0, -0.2),
             _camera("colour", "视频水体异色", "Water colour on camera"),
             _call("水体污染投诉", "Polluted water complaints")),
    *_family("eco.dust", _sensor("site", "工地扬尘超标", "Dust high", "dust", 500.0, 0.4),
             _camera("plume", "视频扬尘", "Dust on camera"), _call("扬尘投诉", "Dust complaints")),
    *_family("eco.noise", _sensor("sensor", "噪声超标", "Noise high", "noise", 70.0, 0.1),
             _call("噪声投诉", "Noise complaints")),
    *_family("public.water", _sensor("pressure", "供水压力过低", "Water pressure low", "pipe_pressure", 0.14, -0.2),
             _camera("burst", "视频管道喷涌", "Burst on camera"), _call("停水爆管报修", "No water reported")),
    *_family("public.power", _sensor("outage", "供电中断", "Power off", "power_off", 1.0, 0.0),
             _call("停电报修", "No power reported")),
    *_family("public.road", _sensor("manhole", "井盖倾斜", "Manhole tilted", "manhole", 15.0, 0.8),
             _camera("collapse", "视频路面塌陷", "Road collapse on camera"),
             _call("路面塌陷报修", "Road damage reported")),
    *_family("public.traffic", _sensor("slow", "交通拥堵", "Traffic slow", "speed", 20.0, -0.25),
             _camera("jam", "视频拥堵", "Jam on camera"), _call("交通拥堵反映", "Jam reported")),
    *_family("social.order", _camera("gathering", "视频聚集", "Gathering on camera"),
             _sensor("shout", "异常声响", "Shouting", "sound", 85.0, 0.1), _call("纠纷警情", "Dispute reported")),
    *_family("social.care", _sensor("button", "老人求助", "Care button", "care_button", 1.0, 0.0),
             _call("求助来电", "Help asked for")),
    *_family("economy.production", _sensor("load", "企业用电骤降", "Factory load drop", "factory_load", 0.5, -0.2),
             _call("企业停产反映", "Stoppage reported")),
    *_family("economy.logistics", _sensor("queue", "货车排队过长", "Lorry queue", "queue", 40.0, 0.5),
             _camera("yard", "视频堆场拥堵", "Yard jam on camera"), _call("物流受阻反映", "Delay reported")),
)  # fmt: skip

BY_ID = {k.id: k for k in KINDS}
FAMILIES: dict[str, tuple[Kind, ...]] = {
    family: tuple(k for k in KINDS if k.family == family) for family in dict.fromkeys(k.family for k in KINDS)
}
LIFE = tuple(f for f, kinds in FAMILIES.items() if kinds[0].life)
ORDINARY = tuple(f for f, kinds in FAMILIES.items() if not kinds[0].life)
