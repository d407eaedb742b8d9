"""Recorded data as input events, rebased to one clock: air quality, street video, service requests, 12345 tickets.

Each source runs at its own speed-up (an hour of air quality every two seconds, requests at sixty times, video as it
was), so that something of each comes together on the screen. Requests keep their recorded time, class and relative
place. The first camera sees an invented crowd and car, all others the recorded street; the Chinese texts, the tide,
the downpour with what it washes into the river, the gas leak, the lift that stands, the tanker that leaves its route,
and everything on the map are invented.
"""

from __future__ import annotations

import csv
import gzip
import heapq
import itertools
import math
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from brain.settings import HOME

RECORDED = HOME / "config" / "recorded"
AIR_HOUR_S = 2.0
REQUEST_SPEED = 60.0
FRAME_S = 0.2
VIDEO_S = 240.0
STATIONS = ("Aotizhongxin", "Changping", "Dingling", "Dongsi", "Guanyuan", "Gucheng")

PHRASES = {
    "Noise - Residential": "邻居深夜大声放音乐，噪音扰民，无法休息",
    "Noise - Street/Sidewalk": "路边有人聚集喧哗，噪音扰民",
    "Noise - Commercial": "楼下酒吧营业到凌晨，噪音太大",
    "Noise - Vehicle": "车辆长时间鸣笛，噪音扰民",
    "Noise - Park": "公园夜间音响声太大，噪音扰民",
    "Illegal Parking": "有车辆违规停放，占用消防通道",
    "Blocked Driveway": "小区出入口被车辆堵住，无法通行",
    "Street Condition": "路面坑洼破损，存在安全隐患",
    "Food Establishment": "餐馆后厨卫生差，食品安全令人担心",
    "Rodent": "垃圾房附近老鼠很多，请处理",
    "Missed Collection": "垃圾好几天没有清运，有异味",
}
INVENTED = (
    (20.0, "XX路18号3栋2单元有人家中着火，浓烟很大，请马上派人"),
    (45.0, "幸福小区5栋楼道有很浓的煤气味，怀疑燃气泄漏"),
    (47.0, "幸福小区这边闻到燃气泄漏的味道，好几户都闻到了"),
    (70.0, "农贸市场东门菜摊缺斤短两，电话13800000000"),
    (90.0, "某小区电梯困人，里面有老人，请尽快救援"),
)


class Event(NamedTuple):
    """One input record at ``at`` seconds after the start."""

    at: float
    topic: str
    key: str
    value: bytes


class Place(NamedTuple):
    """What of the demo set the feed needs: ids by kind, and the box of the map (lon, lat, lon, lat)."""

    stations: Sequence[str]
    cameras: Sequence[str]
    waters: Sequence[str]
    box: tuple[float, float, float, float]
    rains: Sequence[str] = ()
    ponds: Sequence[str] = ()
    qualities: Sequence[str] = ()
    gases: Sequence[str] = ()
    winds: Sequence[str] = ()
    lifts: Sequence[str] = ()
    tankers: Sequence[str] = ()


TANKER_EVERY_S = 2
TANKER = ((0.0, 113.4640, 22.2140), (40.0, 113.4720, 22.2140), (110.0, 113.4720, 22.2265), (130.0, 113.4720, 22.2265),
          (240.0, 113.4720, 22.2140))  # fmt: skip
"""Where an invented tanker is by second, degrees: along its route in config/demo/map.geojson, off it to a school, and
back."""
DEGREE_M = 111_000.0


_encode = msgspec.json.Encoder().encode


def events(place: Place, start_ms: int, speed: float = 1.0, seed: int = 7) -> Iterator[Event]:
    """All sources merged by time; ``speed`` multiplies every source's own speed-up."""
    sources = [_air(place, start_ms, speed), _requests(place, start_ms, speed), _invented(place, start_ms, speed)]
    sources += [_crowd(camera, start_ms, speed, seed) for camera in place.cameras[:1]]
    sources += [_street(camera, start_ms, speed) for camera in place.cameras[1:]]
    sources += [_water(asset, start_ms, speed, seed + i) for i, asset in enumerate(place.waters)]
    sources += [_measured(asset, _rained, start_ms, speed) for asset in place.rains]
    sources += [_measured(asset, _stands, start_ms, speed) for asset in place.ponds]
    sources += [_measured(asset, _washed, start_ms, speed) for asset in place.qualities]
    sources += [_measured(asset, _leaks, start_ms, speed) for asset in place.gases[:1]]
    sources += [_measured(asset, _blows, start_ms, speed) for asset in place.winds]
    sources += [_measured(asset, _stands_still, start_ms, speed) for asset in place.lifts[:1]]
    sources += [_tanker(asset, start_ms, speed) for asset in place.tankers[:1]]
    return heapq.merge(*sources, key=lambda e: e.at)


def _rows(name: str) -> Iterator[dict[str, str]]:
    with gzip.open(RECORDED / name, "rt", encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)


def _air(place: Place, start_ms: int, speed: float) -> Iterator[Event]:
    first: datetime | None = None
    assets = dict(zip(STATIONS, place.stations, strict=False))
    for row in _rows("air.csv.gz"):
        when = datetime.fromisoformat(row["time"])
        first = first or when
        at = (when - first).total_seconds() / 3600 * AIR_HOUR_S / speed
        asset = assets.get(row["station"])
        for metric in ("pm25", "pm10", "so2", "no2", "co", "o3") if asset else ():
            if row[metric]:
                body = {"asset": asset, "metric": metric, "t": start_ms + round(at * 1000), "v": float(row[metric])}
                yield Event(at, "iot.telemetry", str(asset), _encode(body))


def _requests(place: Place, start_ms: int, speed: float) -> Iterator[Event]:
    west, south, east, north = place.box
    first: datetime | None = None
    for row in _rows("requests.csv.gz"):
        if not row["lat"]:
            continue
        when = datetime.fromisoformat(row["created"])
        first = first or when
        at = (when - first).total_seconds() / REQUEST_SPEED / speed
        text = PHRASES.get(row["type"], "市民反映：" + row["type"])
        x = (float(row["lon"]) + 74.26) / 0.56
        y = (float(row["lat"]) - 40.49) / 0.43
        body = {
            "id": "R" + row["key"], "t": start_ms + round(at * 1000), "title": text[:12], "text": text, "address": "",
            "district": "", "lon": west + (east - west) * min(0.99, max(0.01, x)),
            "lat": south + (north - south) * min(0.99, max(0.01, y)), "caller": "c" + row["key"][-4:],
        }  # fmt: skip
        yield Event(at, "hotline.tickets", str(body["id"]), _encode(body))


def _invented(place: Place, start_ms: int, speed: float) -> Iterator[Event]:
    west, south, east, north = place.box
    for i, (at, text) in enumerate(INVENTED):
        where = {"lon": west + (east - west) * (0.35 + 0.02 * i), "lat": south + (north - south) * 0.4}
        body = {
            "id": f"T{i:04d}", "t": start_ms + round(at / speed * 1000), "title": text[:12], "text": text,
            "address": "", "district": "", "caller": f"t{i}", **where,
        }  # fmt: skip
        yield Event(at / speed, "hotline.tickets", str(body["id"]), _encode(body))


def _street(camera: str, start_ms: int, speed: float) -> Iterator[Event]:
    """The recorded street in DeepStream's minimal form, every fifth of its frames, over and over."""
    boxes: dict[int, list[dict[str, str]]] = {}
    for row in _rows("street.csv.gz"):
        boxes.setdefault(int(row["frame"]), []).append(row)
    last = max(boxes)
    for number in range(int(VIDEO_S / FRAME_S)):
        turn, frame = divmod(number * 5, last)
        objects = [_box(b, turn) for b in boxes.get(frame + 1, ())]
        yield _frame(camera, number, start_ms, speed, objects)


def _box(row: dict[str, str], turn: int) -> str:
    x, y, w, h = (float(row[name]) for name in ("x", "y", "w", "h"))
    return f"{turn * 100 + int(row['id'])}|{x:g}|{y:g}|{x + w:g}|{y + h:g}|person"


def _frame(camera: str, number: int, start_ms: int, speed: float, objects: list[str]) -> Event:
    at = number * FRAME_S / speed
    stamp = datetime.fromtimestamp((start_ms + at * 1000) / 1000, UTC)
    body = {"version": "4.0", "id": number, "@timestamp": stamp.isoformat(), "sensorId": camera, "objects": objects}
    return Event(at, "video.metadata", camera, _encode(body))


def _crowd(camera: str, start_ms: int, speed: float, seed: int) -> Iterator[Event]:
    """Pedestrians crossing a view, invented; a crowd gathers after a minute, later a car stands where it must not."""
    draw = random.Random(seed)
    for number in range(int(VIDEO_S / FRAME_S)):
        at = number * FRAME_S
        crowd = 45 * math.exp(-(((at - 80) / 20) ** 2))
        people = max(0, round(draw.gauss(5 + crowd, 1.5)))
        objects = [
            f"{k}|{x:.0f}|{150 + k % 7}|{x + 40:.0f}|{330 + k % 7}|person"
            for k, x in ((k, (at * 30 + k * 61) % 640) for k in range(people))
        ]
        if 110 <= at < 210:
            x = min(40 + 80 * (at - 110), 440) + (0 if at < 205 else 30 * (at - 205))
            objects.append(f"9001|{x:.0f}|350|{x + 130:.0f}|450|car")
        yield _frame(camera, number, start_ms, speed, objects)


def _water(asset: str, start_ms: int, speed: float, seed: int) -> Iterator[Event]:
    """An invented tide with a surge in the third half minute."""
    draw = random.Random(seed)
    for second in range(240):
        level = 1.0 + 0.5 * math.sin(second / 40) + 3.2 * math.exp(-(((second - 75) / 18) ** 2)) + draw.gauss(0, 0.02)
        body = {
            "asset": asset,
            "metric": "water_level",
            "t": start_ms + round(second / speed * 1000),
            "v": round(level, 3),
        }
        yield Event(second / speed, "iot.telemetry", asset, _encode(body))


def _measured(
    asset: str, measured: Callable[[float], dict[str, float]], start_ms: int, speed: float
) -> Iterator[Event]:
    """What one asset measures of what is invented, every four seconds."""
    for second in range(0, 240, 4):
        for metric, value in measured(second).items():
            t = start_ms + round(second / speed * 1000)
            body = {"asset": asset, "metric": metric, "t": t, "v": round(value, 3)}
            yield Event(second / speed, "iot.telemetry", asset, _encode(body))


def _rained(second: float) -> dict[str, float]:
    """Sums of rain in mm: 62 mm within three hours, most of it in the second minute."""
    fell = 62 / (1 + math.exp(-(second - 70) / 12))
    before = 62 / (1 + math.exp(-(second - 110) / 12))
    return {"mm_1h": fell - before, "mm_3h": fell if second < 170 else 0.4 * fell, "mm_6h": fell}


def _stands(second: float) -> dict[str, float]:
    """Depth on a road in cm."""
    return {"ponding": 24 * math.exp(-(((second - 105) / 30) ** 2))}


def _washed(second: float) -> dict[str, float]:
    """River water in mg/L: from class II to V and back to III."""
    much = math.exp(-(((second - 135) / 28) ** 2))
    return {"do": 6.4 - 2.9 * much, "codmn": 3.8 + 4 * much, "nh3n": 0.45 + 1.3 * much, "tp": 0.09 + 0.16 * much}


def _leaks(second: float) -> dict[str, float]:
    """%LEL of gas in a room that fills from the half minute on, and is aired after three."""
    filled = 70 * (1 - math.exp(-max(0.0, second - 30) / 15))
    return {"gas": 1.2 + filled * math.exp(-max(0.0, second - 180) / 10)}


def _blows(second: float) -> dict[str, float]:
    """A light wind from the east, m/s and degrees."""
    return {"wind_speed": 2.2 + 0.4 * math.sin(second / 15), "wind_direction": 84 + 6 * math.sin(second / 25)}


def _stands_still(second: float) -> dict[str, float]:
    """A lift that stands with three people in it until somebody opens it after three minutes and a half."""
    stopped = 70 + second if second < 210 else 0.0
    return {"stopped_s": stopped, "people_inside": 3.0 if second < 210 else 0.0}


def _tanker(asset: str, start_ms: int, speed: float) -> Iterator[Event]:
    """Its speed and place: :data:`TANKER`."""
    for (begin, x, y), (end, to_x, to_y) in itertools.pairwise(TANKER):
        metres = DEGREE_M * math.hypot((to_x - x) * math.cos(math.radians(y)), to_y - y)
        for second in range(int(begin), int(end), TANKER_EVERY_S):
            part = (second - begin) / (end - begin)
            body = {
                "asset": asset, "metric": "speed", "t": start_ms + round(second / speed * 1000),
                "v": round(metres / (end - begin) * 3.6, 1), "lon": round(x + part * (to_x - x), 6),
                "lat": round(y + part * (to_y - y), 6),
            }  # fmt: skip
            yield Event(second / speed, "iot.telemetry", asset, _encode(body))


def recorded_files() -> list[Path]:
    """What the feed reads."""
    return [RECORDED / name for name in ("air.csv.gz", "requests.csv.gz", "street.csv.gz")]
