"""What ``brain map`` prints: findings, changes, layers and places, for people in two languages or as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import shapely
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from brain.commands.common import plain
from geo.areas import square_metres
from geo.changes import Change, Key, name_of
from geo.city_map import CityMap
from geo.feature import ALWAYS, Feature, exact
from geo.findings import Finding
from geo.layers import KINDS, LAYERS
from geo.repair import Repaired
from geo.times import text_of

console = Console()
SHOWN = 100
STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}

ZH = {
    "error": "错误", "warning": "警告", "note": "提示", "more": "另有 {n} 条; 全部见 --json", "clean": "✓ 未发现问题",
    "count": "{error} 个错误, {warning} 个警告, {note} 条提示",
    "repaired": "已修复 {where}: {why}; 面积 {before} → {after} 平方米",
    "left_out": "字段 {name}: {n} 个值未采用 (重名, 或为列表与对象)", "read": "{file}: {n} 个要素, 坐标系 {crs}",
    "written": "已写入 {out}: {n} 个要素", "refused": "有错误, 未写入也未发送任何内容",
    "layer": "图层", "kind": "几何", "features": "要素", "force": "生效", "editions": "版本起始", "version": "地图版本",
    "bounds": "范围", "always": "始终",
    "new": "新增", "changed": "变更", "ends": "改变期限", "gone": "删除", "key": "键",
    "what": "内容", "same": "没有差别", "shape": "边界 {before} → {after} 平方米", "moved": "位置或线形",
    "changes": "{new} 项新增, {changed} 项变更, {ends} 项改变期限, {gone} 项删除", "dry": "未发送; 确认后加 --yes",
    "sent": "✓ 已发送 {n} 条到 {topic}; 结果见 brain tail audit", "outside": "不在任何要素内",
    "base": "对照: {base}", "no_edition": "地图没有这么早的版本",
    "nothing": "没有可发送的变更",
}  # fmt: skip
EN = {
    "error": "error", "warning": "warning", "note": "note", "more": "and {n} more; --json has all",
    "clean": "✓ no findings",
    "count": "{error} errors, {warning} warnings, {note} notes",
    "repaired": "mended {where}: {why}; area {before} → {after} m²",
    "left_out": "field {name}: {n} values left out (a name twice, or lists and objects)",
    "read": "{file}: {n} features, coordinate system {crs}",
    "written": "wrote {out}: {n} features", "refused": "there are errors: nothing was written or sent",
    "layer": "layer", "kind": "shapes", "features": "features", "force": "in force", "editions": "editions begin",
    "version": "version", "bounds": "bounds", "always": "always", "new": "new", "changed": "changed",
    "ends": "other end", "gone": "taken away", "key": "key", "what": "what", "same": "no difference",
    "shape": "border {before} → {after} m²", "moved": "position or course",
    "changes": "{new} new, {changed} changed, {ends} with another end, {gone} taken away",
    "dry": "nothing sent; add --yes to send",
    "sent": "✓ sent {n} records to {topic}; what became of them: brain tail audit",
    "outside": "in no feature", "base": "beside: {base}",
    "no_edition": "the map has no edition as old as that",
    "nothing": "no changes to send",
}  # fmt: skip


def words(language: str) -> Mapping[str, str]:
    """Texts of a language; Chinese where it is none of ours."""
    return EN if language == "en" else ZH


def say(text: str, style: str = "") -> None:
    """A line as it is: no markup, no breaks, nothing that steers the terminal."""
    console.print(Text(plain(text), style), soft_wrap=True)


def as_json(**content: Any) -> None:
    """One JSON document on standard output."""
    typer.echo(msgspec.json.encode(content).decode())


def counts(findings: Iterable[Finding]) -> dict[str, int]:
    """How many there are of each severity."""
    found = Counter(f.severity for f in findings)
    return {name: found[name] for name in ("error", "warning", "note")}


def findings_out(findings: Sequence[Finding], language: str) -> None:
    """Findings for a person: severity, code, where, what, and the place in degrees."""
    w = words(language)
    if not findings:
        say(w["clean"], "green")
        return
    for f in findings[:SHOWN]:
        at = f" @ {f.at[0]:.6f},{f.at[1]:.6f}" if f.at else ""
        line = Text(f"{w[f.severity]} {f.code} ", STYLES[f.severity]).append(
            plain(f"{f.where}: {f.text(language)}{at}")
        )
        console.print(line, soft_wrap=True)
    if len(findings) > SHOWN:
        say(w["more"].format(n=len(findings) - SHOWN), "dim")
    say(w["count"].format(**counts(findings)))


def finding_dict(f: Finding, language: str) -> dict[str, Any]:
    """A finding as JSON."""
    return {"code": f.code, "severity": f.severity, "where": f.where, "says": f.text(language), "at": f.at}


def repaired_out(told: Iterable[Repaired], language: str) -> None:
    """What mending did."""
    for r in told:
        areas = {"before": f"{r.before:.0f}", "after": f"{r.after:.0f}"}
        say(words(language)["repaired"].format(where=r.where, why=r.why, **areas), "yellow")


def describe(change: Change, old: Mapping[Key, Feature], language: str) -> tuple[str, str]:
    """What kind of change it is (new, changed, ends, gone), and its content in short."""
    w, was, now = words(language), old.get(change.key), change.feature
    if now is None:
        return "gone", ""
    if was is None:
        return "new", " ".join(f"{k}={v}" for k, v in sorted(now.attributes.items()))
    told = [
        f"{k}: {was.attributes.get(k, '–')} → {now.attributes.get(k, '–')}"
        for k in sorted({*was.attributes, *now.attributes}) if was.attributes.get(k) != now.attributes.get(k)
    ]  # fmt: skip
    if exact(was.shape) != exact(now.shape):
        before, after = square_metres([was.shape, now.shape]).tolist()
        areas = {"before": f"{before:.0f}", "after": f"{after:.0f}"}
        told.append(w["shape"].format(**areas) if KINDS.get(now.shape.geom_type) == "polygon" else w["moved"])
    return ("changed", ", ".join(told)) if told else ("ends", f"until: {now.until}")


def changes_out(changes: Sequence[Change], old: Sequence[Feature], language: str) -> None:
    """Changes for a person."""
    w = words(language)
    if not changes:
        say(w["same"], "green")
        return
    before = {name_of(f): f for f in old}
    table = Table("", w["key"], w["what"])
    kinds = Counter[str]()
    for n, change in enumerate(changes):
        kind, what = describe(change, before, language)
        kinds[kind] += 1
        if n < SHOWN:
            table.add_row(w[kind], Text(plain(str(change.key))), Text(plain(what)))
    console.print(table)
    if len(changes) > SHOWN:
        say(w["more"].format(n=len(changes) - SHOWN), "dim")
    say(w["changes"].format(**{kind: kinds[kind] for kind in ("new", "changed", "ends", "gone")}))


def change_dict(change: Change, old: Mapping[Key, Feature], language: str) -> dict[str, Any]:
    """A change as JSON: its key, kind and content in short."""
    kind, what = describe(change, old, language)
    return {"key": str(change.key), "kind": kind, "what": what}


def layers_of(features: Sequence[Feature], time: int | None) -> list[dict[str, Any]]:
    """Counts of each layer: all versions, and those in force at a time."""
    rows = []
    for name in dict.fromkeys(
        [*(n for n in LAYERS if any(f.layer == n for f in features)), *(f.layer for f in features)]
    ):
        mine = [f for f in features if f.layer == name]
        force = [f for f in mine if time is None or f.since <= time < f.until]
        kinds = sorted({KINDS.get(f.shape.geom_type, f.shape.geom_type) for f in mine})
        zh = LAYERS[name].zh if name in LAYERS else ""
        rows.append({"layer": name, "zh": zh, "kinds": kinds, "features": len(mine), "in_force": len(force)})
    return rows


def layers_out(rows: Sequence[Mapping[str, Any]], language: str) -> None:
    """The layers for a person."""
    w = words(language)
    table = Table(w["layer"], w["kind"], w["features"], w["force"])
    for r in rows:
        name = f"{r['layer']} {r['zh']}" if language != "en" else r["layer"]
        table.add_row(Text(plain(name)), ", ".join(r["kinds"]), str(r["features"]), str(r["in_force"]))
    console.print(table)


def time_text(time: int, language: str) -> str:
    """A time for a person: RFC 3339 in UTC, or that it has no beginning."""
    return words(language)["always"] if time == ALWAYS else text_of(time)


def bounds_of(features: Sequence[Feature]) -> list[float]:
    """West, south, east, north of all shapes."""
    return [float(v) for v in shapely.total_bounds([f.shape for f in features])]


def place(city: CityMap, lon: float, lat: float, time: int | None) -> dict[str, Any]:
    """What lies at a point, in all layers: code and name of each feature, or none."""
    row = city.locate(np.array([lon]), np.array([lat]), None if time is None else np.array([time]))[0]
    layers = {}
    for name in city.layers:
        numbers = city.members(row, name)
        found = [city.features(name)[k] for k in numbers]
        layers[name] = [{"code": f.code, "name": str(f.attributes.get("name", ""))} for f in found]
    edition = int(row[0])
    start = city.starts.tolist()[edition] if edition >= 0 and len(city.starts) else None
    return {"lon": lon, "lat": lat, "edition": edition, "edition_since": start, "layers": layers}


def place_out(answer: Mapping[str, Any], language: str) -> None:
    """What lies at a point, for a person."""
    w = words(language)
    if answer["edition"] < 0:
        say(w["no_edition"], "yellow")
        return
    for layer, there in answer["layers"].items():
        zh = LAYERS[layer].zh if layer in LAYERS and language != "en" else ""
        what = ", ".join(f"{f['code']} {f['name']}".strip() for f in there) or w["outside"]
        say(f"{layer} {zh}".strip() + f": {what}")
