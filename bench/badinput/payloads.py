"""Good and bad payloads for the three inputs, each bad one labelled when it is made with the one reason it may get.

A label is what was done to a good payload, never what a decoder said of the result.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from streams.records import Reason

READINGS, DETECTIONS, TICKETS = "iot.telemetry", "video.metadata", "hotline.tickets"
START_MS = 1_718_000_000_000
STEP_MS = 10
SENSORS, CAMERAS = 200, 20
LARGE = 256 * 1024

Document = dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """One record to send: where, under which key, and its one allowed reason (None: it is good)."""

    topic: str
    key: bytes
    payload: bytes | None
    reason: Reason | None


def assets() -> list[Document]:
    """Registry records that the good payloads speak of."""
    sensors: list[Document] = [
        {"id": f"wl-{n:04d}", "type": "water_level", "unit": "m", "range": [-2, 12], "lon": 113.5, "lat": 22.2}
        for n in range(SENSORS)
    ]
    counts = {"person_count": {"unit": "1", "range": [0, 50]}}
    return sensors + [
        {"id": f"cam-{n:03d}", "type": "camera", "metrics": counts, "lon": 113.5, "lat": 22.2} for n in range(CAMERAS)
    ]


def samples(seed: int, per_reason: int = 540) -> Iterator[Sample]:
    """``per_reason`` payloads or more of each reason and as many good ones, mixed; the same for the same seed.

    Times rise by ``STEP_MS`` from ``START_MS`` in the order given. Pairs of halves follow each other under one key;
    their concatenation is a good reading.
    """
    draw = random.Random(seed)
    pairs = per_reason // 4
    plan: list[Reason | str | None] = [reason for reason in MAKERS for _ in range(per_reason)]
    plan += ["pair"] * pairs
    plan += [None] * (len(plan) + pairs)
    draw.shuffle(plan)
    for n, what in enumerate(plan):
        t = START_MS + n * STEP_MS
        if what is None:
            yield draw.choice((good_reading, good_reading, good_pack, good_frame, good_ticket))(draw, t)
        elif isinstance(what, Reason):
            yield MAKERS[what](draw, t)
        else:
            yield from halves(draw, t)


def good_reading(draw: random.Random, t: int) -> Sample:
    """A native reading."""
    return _as_sample(READINGS, _reading(draw, t), None)


def good_pack(draw: random.Random, t: int) -> Sample:
    """A SenML pack of one or two values."""
    return _as_sample(READINGS, _pack(draw, t), None)


def good_frame(draw: random.Random, t: int) -> Sample:
    """A frame of detections."""
    return _as_sample(DETECTIONS, _frame(draw, t), None)


def good_ticket(draw: random.Random, t: int) -> Sample:
    """A ticket."""
    return _as_sample(TICKETS, _ticket(draw, t), None)


def halves(draw: random.Random, t: int) -> tuple[Sample, Sample]:
    """A good reading in two records: the first is truncated, the second no JSON."""
    document = _reading(draw, t)
    raw = _encode(document)
    cut = raw.index(b"water_level") + draw.randrange(1, 11)
    key = str(document["asset"]).encode()
    return Sample(READINGS, key, raw[:cut], Reason.TRUNCATED), Sample(READINGS, key, raw[cut:], Reason.NOT_JSON)


# -- good documents


def _reading(draw: random.Random, t: int) -> Document:
    document: Document = {
        "asset": f"wl-{draw.randrange(SENSORS):04d}", "metric": "water_level",
        "t": t if draw.random() < 0.7 else _text_time(t), "v": round(draw.uniform(-1, 5), 3),
    }  # fmt: skip
    if draw.random() < 0.7:
        document["unit"] = "m"
    if draw.random() < 0.5:
        document |= {"lon": round(draw.uniform(113, 114), 6), "lat": round(draw.uniform(22, 23), 6)}
        document["crs"] = draw.choice(("wgs84", "gcj02", "bd09", "cgcs2000"))
    if draw.random() < 0.3:
        document["note"] = draw.choice(("good", "水位正常", 'said "fine"', "😀"))
    return document


def _pack(draw: random.Random, t: int) -> list[Document]:
    name = f"wl-{draw.randrange(SENSORS):04d}/"
    pack: list[Document] = [
        {"bn": name, "bt": t / 1000, "bu": "m", "n": "water_level", "v": round(draw.uniform(0, 5), 2)}
    ]
    if draw.random() < 0.5:
        pack.append({"n": "water_level", "t": 0.001, "v": round(draw.uniform(0, 5), 2)})
    return pack


def _frame(draw: random.Random, t: int) -> Document:
    objects = [f"{k}|{10 * k}|20|{10 * k + 8}|60.5|{draw.choice(('person', 'bag'))}" for k in range(draw.randrange(6))]
    camera = f"cam-{draw.randrange(CAMERAS):03d}"
    return {
        "version": "4.0",
        "id": draw.randrange(10**6),
        "@timestamp": _text_time(t),
        "sensorId": camera,
        "objects": objects,
    }


def _ticket(draw: random.Random, t: int) -> Document:
    text = draw.choice(("邻居深夜放音乐，噪音扰民", "路面坑洼，存在隐患", "垃圾好几天没有清运"))
    return {"id": f"T{t}", "t": t, "title": text[:6], "text": text, "district": "440402", "caller": f"c{t % 97}"}


# -- one change a payload


def _empty(draw: random.Random, t: int) -> Sample:
    return Sample(READINGS, _key(draw), draw.choice((None, b"", b"  ", b"\n\t ")), Reason.EMPTY)


def _too_large(draw: random.Random, t: int) -> Sample:
    extra = 2**20 if draw.random() < 0.02 else draw.randrange(LARGE, LARGE + 4096)
    return _as_sample(READINGS, _reading(draw, t) | {"blob": "x" * extra}, Reason.TOO_LARGE)


def _not_utf8(draw: random.Random, t: int) -> Sample:
    # In a field that nobody reads, or in one that is needed: followed by ASCII, so never a cut character.
    wrong = draw.choice((b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xe6\xb0", b"\x80"))
    raw = _encode(_reading(draw, t) | {"note": "@"})
    place = draw.choice((b'"@', b"water_"))
    return Sample(READINGS, _key(draw), raw.replace(place, place + wrong, 1), Reason.NOT_UTF8)


def _truncated(draw: random.Random, t: int) -> Sample:
    # ASCII only: a cut within a character could also be called bad text. Anywhere else, numbers included.
    topic, make = draw.choice(((READINGS, _reading), (DETECTIONS, _frame), (TICKETS, _ticket), (READINGS, _pack)))
    document = make(draw, t)
    raw = json.dumps(document).encode()
    return Sample(topic, _key_of(document), raw[: draw.randrange(1, len(raw))], Reason.TRUNCATED)


def _not_json(draw: random.Random, t: int) -> Sample:
    raw = _encode(_reading(draw, t))
    broken = draw.choice((
        raw.replace(b'"metric"', b"metric", 1), raw.replace(b'"', b"'"), raw.replace(b":", b"=", 1),
        raw.replace(b'"v":', b'"v":+', 1), b"asset=wl-0001&v=2.5", b"<reading v='2'/>", raw[:-1] + b",}", b"\\" + raw,
    ))  # fmt: skip
    return Sample(READINGS, _key(draw), broken, Reason.NOT_JSON)


def _trailing(draw: random.Random, t: int) -> Sample:
    one = _encode(_reading(draw, t))
    return Sample(READINGS, _key(draw), one + draw.choice((one, b" " + one, b"\n{}", b"}", b"]")), Reason.TRAILING_DATA)


def _not_an_object(draw: random.Random, t: int) -> Sample:
    raw = draw.choice((b"42", b'"wl-0001"', b"true", b"-1.5", b"null"))
    return Sample(draw.choice((READINGS, DETECTIONS, TICKETS)), _key(draw), raw, Reason.NOT_AN_OBJECT)


def _missing(draw: random.Random, t: int) -> Sample:
    topic, document, names = draw.choice((
        (READINGS, _reading(draw, t), ("asset", "metric", "t", "v")),
        (DETECTIONS, _frame(draw, t), ("sensorId", "@timestamp", "objects")),
        (TICKETS, _ticket(draw, t), ("id", "t", "text")),
    ))  # fmt: skip
    del document[draw.choice(names)]
    return _as_sample(topic, document, Reason.MISSING_FIELD)


def _wrong_type(draw: random.Random, t: int) -> Sample:
    topic, document, change = draw.choice((
        (READINGS, _reading(draw, t), {"v": draw.choice(("2.5", True, None, [1], {}))}),
        (READINGS, _reading(draw, t), {"t": draw.choice((True, None, "yesterday", 1.5))}),
        (READINGS, _reading(draw, t), {"asset": draw.choice((7, None, ["wl-0001"]))}),
        (READINGS, _reading(draw, t), {"unit": 1}),
        (DETECTIONS, _frame(draw, t), {"objects": draw.choice(("1|2", 3, None))}),
        (TICKETS, _ticket(draw, t), {"text": draw.choice((5, None, ["a"]))}),
    ))  # fmt: skip
    return _as_sample(topic, document | change, Reason.WRONG_TYPE)


def _not_finite(draw: random.Random, t: int) -> Sample:
    document = _reading(draw, t) | {"v": 77777}
    token = draw.choice((b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e400"))
    return Sample(READINGS, _key_of(document), _encode(document).replace(b"77777", token), Reason.NOT_FINITE)


def _out_of_range(draw: random.Random, t: int) -> Sample:
    if draw.random() < 0.2:
        return _as_sample(DETECTIONS, _frame(draw, t) | {"objects": ["1|1|1|2|2|person"] * 51}, Reason.OUT_OF_RANGE)
    document = _reading(draw, t) | {"v": draw.choice((12.001, -2.5, 1e300, -(10**30)))}
    return _as_sample(READINGS, document, Reason.OUT_OF_RANGE)


def _absurd_time(draw: random.Random, t: int) -> Sample:
    when: int | str = draw.choice((0, -1, t // 1000, t * 1000, 10**30, "1970-01-01T00:00:00Z", "2190-01-01T00:00:00Z"))
    topic, document = draw.choice(((READINGS, _reading(draw, t)), (TICKETS, _ticket(draw, t))))
    return _as_sample(topic, document | {"t": when}, Reason.ABSURD_TIME)


def _unknown_asset(draw: random.Random, t: int) -> Sample:
    if draw.random() < 0.3:
        return _as_sample(DETECTIONS, _frame(draw, t) | {"sensorId": f"cam-x{t % 50}"}, Reason.UNKNOWN_ASSET)
    return _as_sample(
        READINGS, _reading(draw, t) | {"asset": draw.choice(("wl-9999", "", "水位"))}, Reason.UNKNOWN_ASSET
    )


def _unknown_metric(draw: random.Random, t: int) -> Sample:
    names = ("pm25", "", "water_level ", "person_count")
    return _as_sample(READINGS, _reading(draw, t) | {"metric": draw.choice(names)}, Reason.UNKNOWN_METRIC)


def _unit(draw: random.Random, t: int) -> Sample:
    return _as_sample(READINGS, _reading(draw, t) | {"unit": draw.choice(("cm", "M", "1", ""))}, Reason.UNIT_MISMATCH)


def _position(draw: random.Random, t: int) -> Sample:
    topic, document = draw.choice(((READINGS, _reading(draw, t)), (TICKETS, _ticket(draw, t))))
    document.pop("lon", None)
    document.pop("lat", None)
    wrong: tuple[Document, ...] = (
        {"lon": 113.5}, {"lat": 22.2}, {"lon": 181, "lat": 22}, {"lon": 113, "lat": -90.5}, {"lon": 1e9, "lat": 1e9},
    )  # fmt: skip
    return _as_sample(topic, document | draw.choice(wrong), Reason.BAD_POSITION)


def _crs(draw: random.Random, t: int) -> Sample:
    place = {"lon": 113.5, "lat": 22.2, "crs": draw.choice(("epsg:4326", "WGS84", "", "火星"))}
    return _as_sample(READINGS, _reading(draw, t) | place, Reason.UNKNOWN_CRS)


def _senml(draw: random.Random, t: int) -> Sample:
    name = f"wl-{draw.randrange(SENSORS):04d}/water_level"
    fine = {"n": name, "t": t / 1000, "v": 1}
    pack: list[Any] = draw.choice((
        [], [7], [fine, "x"], [{**fine, "bver": 11}], [{"n": name, "t": t / 1000, "vs": "high"}],
        [{"t": t / 1000, "v": 1}],
    ))  # fmt: skip
    return Sample(READINGS, name[:7].encode(), _encode(pack), Reason.BAD_SENML)


def _object(draw: random.Random, t: int) -> Sample:
    wrong: Any = draw.choice(("1|2|3", "1|a|2|3|4|person", "1|1|1|nan|2|person", "1|9|1|2|2|person", "1|1|1|2|2|", 5))
    return _as_sample(DETECTIONS, _frame(draw, t) | {"objects": ["1|1|1|2|2|person", wrong]}, Reason.BAD_OBJECT)


MAKERS: dict[Reason, Callable[[random.Random, int], Sample]] = {
    Reason.EMPTY: _empty, Reason.TOO_LARGE: _too_large, Reason.NOT_UTF8: _not_utf8, Reason.TRUNCATED: _truncated,
    Reason.NOT_JSON: _not_json, Reason.TRAILING_DATA: _trailing, Reason.NOT_AN_OBJECT: _not_an_object,
    Reason.MISSING_FIELD: _missing, Reason.WRONG_TYPE: _wrong_type, Reason.NOT_FINITE: _not_finite,
    Reason.OUT_OF_RANGE: _out_of_range, Reason.ABSURD_TIME: _absurd_time, Reason.UNKNOWN_ASSET: _unknown_asset,
    Reason.UNKNOWN_METRIC: _unknown_metric, Reason.UNIT_MISMATCH: _unit, Reason.BAD_POSITION: _position,
    Reason.UNKNOWN_CRS: _crs, Reason.BAD_SENML: _senml, Reason.BAD_OBJECT: _object,
}  # fmt: skip


def _encode(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _text_time(t: int) -> str:
    return datetime.fromtimestamp(t / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _key(draw: random.Random) -> bytes:
    return b"wl-%04d" % draw.randrange(SENSORS)


def _key_of(document: Any) -> bytes:
    if isinstance(document, list):
        return str(document[0]["bn"]).rstrip("/").encode()
    return str(document.get("asset") or document.get("sensorId") or document.get("id") or "").encode()


def _as_sample(topic: str, document: Any, reason: Reason | None) -> Sample:
    return Sample(topic, _key_of(document), _encode(document), reason)
