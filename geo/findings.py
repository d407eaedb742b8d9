"""What can be wrong with a map 地图问题, as data: a code that stays, how bad it is, how it reads in two languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

Severity = Literal["error", "warning", "note"]
SHOWN = 10
NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of finding. The texts take the finding's values; ``error``: the map cannot be used with it."""

    severity: Severity
    en: str
    zh: str


def _e(en: str, zh: str) -> Code:
    return Code("error", en, zh)


def _w(en: str, zh: str) -> Code:
    return Code("warning", en, zh)


def _n(en: str, zh: str) -> Code:
    return Code("note", en, zh)


CODES: Mapping[str, Code] = {
    # Reading.
    "M001": _e("cannot be read: {why}", "无法读取: {why}"),
    "M002": _e("expected at most {limit:,} {what}, got {got:,}; cut it into several files",
               "{what} 最多 {limit:,}, 实际 {got:,}; 请分成几个文件"),
    "M003": _e("states no coordinate system; say which by --crs, as EPSG:4547, cgcs2000, wgs84, gcj02 or bd09",
               "未声明坐标系; 请用 --crs 说明, 如 EPSG:4547, cgcs2000, wgs84, gcj02, bd09"),
    "M004": _e("coordinate system {crs} is not taken: {why}", "不接受坐标系 {crs}: {why}"),
    "M005": _e("the file states {file}, --crs says {option}; leave --crs out, or correct the file",
               "文件声明 {file}, --crs 为 {option}; 请去掉 --crs 或改正文件"),
    "M006": _e("has no field {field!r}; it has {fields}", "没有字段 {field!r}; 现有 {fields}"),
    "M007": _e("no layer is stated; say which by --layer", "未说明图层; 请用 --layer 指定"),
    "M008": _e("properties.{name}: expected text, got {got!r}", "属性 {name}: 应为文本, 实际 {got!r}"),
    "M009": _e("properties.{name}: {why}", "属性 {name} 的时间有误: {why}"),
    "M010": _e("lies at {lon:.4f} E {lat:.4f} N, outside the area of {crs}, {area}; another zone, or axes swapped?",
               "位于 {lon:.4f} E {lat:.4f} N, 超出 {crs} 的适用范围 {area}; 带号不同或坐标轴颠倒?"),
    "M011": _e("has positions that {crs} has no place for; another zone, or axes swapped?",
               "含有 {crs} 无法表示的坐标; 带号不同或坐标轴颠倒?"),
    # One feature.
    "M101": _e("expected a {kinds}, got {got}", "几何应为 {kinds}, 实际 {got}"),
    "M102": _e("geometry: {ring} is not closed: it begins at {begin} and ends at {end}; "
               "repeat its first position at its end",
               "{ring} 未闭合: 起于 {begin}, 止于 {end}; 末点应与首点相同"),
    "M103": _e("geometry is invalid: {why}; --repair mends it", "几何无效: {why}; 可用 --repair 修复"),
    "M104": _e("a coordinate is not a finite number", "坐标不是有限数"),
    "M105": _e("expected degrees, got bounds {bounds}; longitude and latitude look swapped",
               "应为经纬度, 范围为 {bounds}; 经度与纬度似乎颠倒"),
    "M106": _e("expected degrees, got bounds {bounds}; is it in metres, of another CRS?",
               "应为经纬度, 范围为 {bounds}; 是否为米制坐标?"),
    "M107": _e("spans {width:.4g} by {height:.4g} degrees, a city's feature at most {limit:g}",
               "跨 {width:.4g} × {height:.4g} 度, 城市要素最多 {limit:g} 度"),
    "M108": _e("lies {away:.4g} degrees from the middle of the map, {lon:.4f} E {lat:.4f} N",
               "距地图中心 ({lon:.4f} E {lat:.4f} N) {away:.4g} 度"),
    "M109": _n("{count} of {of} features have rings that wind otherwise than RFC 7946 has it; writing turns them",
               "{of} 个要素中有 {count} 个的环方向与 RFC 7946 相反; 写出时自动改正"),
    "M110": _n("has a hole of {area:.0f} m² which other features of its layer fill",
               "有 {area:.0f} 平方米的洞, 由同层其他要素填满"),
    "M111": _w("has a hole of {area:.0f} m², of which {open:.0f} m² are in no feature of its layer",
               "有 {area:.0f} 平方米的洞, 其中 {open:.0f} 平方米不属于同层任何要素"),
    "M112": _e("expected since before until, got {since} and {until}", "since 应早于 until, 实际 {since} 与 {until}"),
    "M113": _e("expected a layer without / and a code, neither of them empty", "图层名不得含 /, 图层与代码不得为空"),
    "M114": _e("properties.{name}: {why}", "属性 {name}: {why}"),
    "M115": _w("its {positions:,} positions take more than the {limit:,} bytes of a live change; simplify its border",
               "其 {positions:,} 个坐标超过实时变更的 {limit:,} 字节上限; 请简化边界"),
    "M116": _e("geometry: {why}", "几何: {why}"),
    "M117": _w("its name {name!r} holds {what}", "名称 {name!r} 含有{what_zh}"),
    "M118": _w("properties.{name}: expected {kind}, got {got}", "属性 {name}: 应为 {kind}, 实际 {got}"),
    # Features beside each other.
    "M201": _e("there twice at one time; each code may be there once", "同一时刻出现两次; 同一代码只能出现一次"),
    "M202": _e("overlaps {other} by {area:.3g} m²; features of this layer may only touch",
               "与 {other} 重叠 {area:.3g} 平方米; 本层要素只能相接"),
    "M203": _w("a gap of {area:.0f} m² between {neighbours} is in no feature of the layer",
               "{neighbours} 之间有 {area:.0f} 平方米空隙, 不属于本层任何要素"),
    "M204": _w("its parent {parent} is no {layer} in force with it", "其上级 {parent} 不是同期有效的 {layer}"),
    "M205": _w("lies outside its parent {parent} by {area:.0f} m²", "超出上级 {parent} 的范围 {area:.0f} 平方米"),
    "M206": _w("its {layer} features leave {area:.0f} m² of it uncovered, {share:.2%}",
               "其下 {layer} 要素有 {area:.0f} 平方米 ({share:.2%}) 未覆盖"),
    "M207": _n("{count} of {of} features of layer {layer} name no parent in layer {parent}: not compared",
               "图层 {layer} 的 {of} 个要素中有 {count} 个未注明 {parent} 上级, 未作比较"),
    "M208": _e("has no {name}: nobody would get its incidents", "没有 {name}: 其事件无人处置"),
    "M209": _w("its {name} {code} is no feature of layer {name}", "其 {name} {code} 不在图层 {name} 中"),
    # Beside the map in force, or another list.
    "M301": _w("its area is {now:.0f} m², was {was:.0f}: {change:+.1%}",
               "面积 {now:.0f} 平方米, 原为 {was:.0f}: {change:+.1%}"),
    "M302": _w("is in force in the other map at that time, in this one no more", "在对照地图中有效, 在本图中不再有效"),
    "M303": _e("nothing would be left of this layer", "该图层将不剩任何要素"),
    "M401": _w("code {code} is {here} here, {there} there{swapped}",
               "代码 {code} 在本表为 {here}, 在对照表为 {there}{swapped_zh}"),
    "M402": _w("{name} has code {here} here, {there} there", "{name} 在本表代码为 {here}, 在对照表为 {there}"),
    "M403": _n("{count} codes are only in {list}: {codes}", "{count} 个代码只在{list_zh}: {codes}"),
    "M404": _w("code {code} lies in {here} here, in {there} there",
               "代码 {code} 在本表属于 {here}, 在对照表属于 {there}"),
}  # fmt: skip
"""Codes are permanent: M0 reading, M1 one feature, M2 features together, M3 and M4 beside another map or list."""


class Finding(NamedTuple):
    """Something about a map: where, and what was expected and came. ``says`` is English; ``code`` may be empty.

    ``at``: longitude and latitude of the place, where there is one; ``values``: what the texts of the code take.
    """

    where: str
    says: str
    code: str = ""
    at: tuple[float, float] | None = None
    values: Mapping[str, Any] = NOTHING

    def __str__(self) -> str:
        return f"{self.where}: {self.says}"

    def __reduce__(self) -> tuple[Any, ...]:
        return Finding, (self.where, self.says, self.code, self.at, dict(self.values))

    @property
    def severity(self) -> Severity:
        """How bad it is; what has no code is an error."""
        return CODES[self.code].severity if self.code else "error"

    def text(self, language: str) -> str:
        """What it says in zh or en; English where it has no code."""
        return CODES[self.code].zh.format(**self.values) if self.code and language == "zh" else self.says


def found(code: str, where: str, at: tuple[float, float] | None = None, /, **values: Any) -> Finding:
    """A finding of the catalogue."""
    place = None if at is None else (float(at[0]), float(at[1]))
    return Finding(where, CODES[code].en.format(**values), code, place, values)


class MapError(ValueError):
    """A map that cannot be used; ``findings`` has everything that is wrong with it, the text the first ten."""

    def __init__(self, findings: Sequence[Finding] | str) -> None:
        self.findings = [Finding("map", findings)] if isinstance(findings, str) else list(findings)
        lines = [findings] if isinstance(findings, str) else [str(f) for f in self.findings[:SHOWN]]
        more = len(self.findings) - len(lines)
        super().__init__("\n".join(lines + ([f"and {more} more"] if more > 0 else [])))

    def __reduce__(self) -> tuple[Any, ...]:
        """With its findings from one process to another, not as their text."""
        return MapError, (self.findings,)

    def within(self, place: str) -> MapError:
        """The same, each finding's place after another: a file, a feature's number."""
        return MapError([f._replace(where=f"{place}: {f.where}" if f.where != "map" else place) for f in self.findings])
