"""The layers of a city's map by their names: what people call them, and which anyone may read."""

from __future__ import annotations

from brain.screen.language import Say, same

PUBLIC = ("district", "town", "community", "grid", "zone", "risk", "reservoir", "river", "road", "site")
"""Served unless a person asks for others: none of them says where somebody lives or where a camera looks."""

_TITLES = {
    "district": Say("行政区", "districts"),
    "town": Say("镇街", "towns"),
    "community": Say("社区", "communities"),
    "grid": Say("网格", "unit grids"),
    "zone": Say("功能区", "functional zones"),
    "risk": Say("风险区", "risk zones"),
    "reservoir": Say("水库", "reservoirs"),
    "river": Say("河流", "rivers"),
    "road": Say("道路", "roads"),
    "site": Say("重点场所", "key sites"),
    "camera": Say("摄像机", "cameras"),
    "address": Say("地址", "addresses"),
}
_NOTES = {
    "zone": Say("管理层级, 与行政区并存", "the managing hierarchy, beside the statutory one"),
    "risk": Say("可以相互重叠", "may overlap each other"),
    "river": Say("坐标顺序即流向", "the order of coordinates is the direction of flow"),
    "road": Say(
        "from、to 为节点编码, speed 单位 km/h, 长度 metres 单位米",
        "from and to are codes of nodes, speed is in km/h, metres its length",
    ),
    "site": Say("类型见属性 kind", "attribute kind says of what type"),
}
_ALL = Say(
    "地图图层 {layer}; 每个要素在 since 起至 until 之前有效, 缺省表示一直有效",
    "layer {layer} of the map; a feature is in force from since until just before until, always where they are absent",
)


def title(layer: str) -> Say:
    """What people call a layer; its own name where a city made it up."""
    return _TITLES.get(layer, same(layer))


def description(layer: str) -> Say:
    """A sentence for those who have not met the layer."""
    text, note = _ALL.but(layer=layer), _NOTES.get(layer)
    return Say(f"{text.zh}; {note.zh}", f"{text.en}; {note.en}") if note else text
