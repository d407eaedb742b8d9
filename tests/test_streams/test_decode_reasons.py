"""Bad payloads among good ones: each ends with its one reason, and no input raises."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import streams
from bench.badinput.payloads import DETECTIONS, READINGS, START_MS, TICKETS, assets, samples
from streams.decode.detections import decode_detections, decode_frames
from streams.decode.readings import decode_readings, decode_slowly
from streams.decode.tickets import decode_tickets
from streams.records import I4, TP, Batch, Dead
from streams.registry import Registry

REGISTRY = Registry.of(assets())
GOOD = b'{"asset":"wl-0001","metric":"water_level","t":%d,"v":-2.0e-1,"unit":"m","lon":113.5,"lat":22.25}' % START_MS


def _batch(values: list[bytes | None]) -> tuple[Batch, I4]:
    records = [(n, 0, None, value, ()) for n, value in enumerate(values)]
    return Batch.of(TP("x", 0), 0, len(values), records), np.arange(len(values), dtype=np.int32)


DECODERS: dict[str, Callable[[Batch, I4], list[Dead]]] = {
    READINGS: lambda b, rows: decode_readings(b, rows, REGISTRY)[1],
    DETECTIONS: lambda b, rows: decode_detections(b, rows, REGISTRY)[1],
    TICKETS: lambda b, rows: decode_tickets(b, rows)[1],
}


@pytest.mark.parametrize("topic", sorted(DECODERS))
def test_every_bad_payload_ends_with_its_label_and_no_good_one_is_touched(topic: str) -> None:
    sent = [s for s in samples(seed=5, per_reason=40) if s.topic == topic]
    dead = DECODERS[topic](*_batch([s.payload for s in sent]))
    found = {d.row: d.reason for d in dead}
    assert len(found) == len(dead)
    assert list(found) == sorted(found)
    wrong = [(s.payload, s.reason, found.get(n)) for n, s in enumerate(sent) if found.get(n) != s.reason]
    assert not wrong


def test_generated_payloads_are_the_same_for_the_same_seed_and_cover_many_reasons() -> None:
    once = list(samples(seed=2, per_reason=8))
    assert once == list(samples(seed=2, per_reason=8))
    counts = Counter(s.reason for s in once)
    good = counts.pop(None)
    assert good == counts.total()
    assert len(counts) >= 12
    assert min(counts.values()) >= 8


def test_two_halves_of_a_good_reading_do_not_become_one() -> None:
    first, second = GOOD[:30], GOOD[30:]
    columns, dead = decode_readings(*_batch([first, second]), REGISTRY)
    assert len(columns) == 0
    assert [d.row for d in dead] == [0, 1]
    assert len(decode_readings(*_batch([first + second]), REGISTRY)[0]) == 1


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=60), st.none()), max_size=6))
def test_random_bytes_are_refused_and_never_raise(values: list[bytes | None]) -> None:
    for decode in DECODERS.values():
        assert len(decode(*_batch(values))) == len(values)


number = st.one_of(
    st.floats(-3, 13, allow_nan=False).map(repr), st.integers(-3, 13).map(str), st.decimals(-3, 13, places=6).map(str),
    st.sampled_from(["-0", "-0.0", "1e0", "0.1e1", "01", "1.", "0.30000000000000004", "123456789012345e-14"]),
)  # fmt: skip
change = st.tuples(st.integers(0, 200), st.integers(0, 255), st.sampled_from("=+-"))


@settings(max_examples=300, deadline=None)
@given(number, st.permutations(["asset", "metric", "t", "v", "unit", "note"]), st.none() | change)
def test_the_compiled_scan_and_the_slow_path_agree(
    v: str, order: list[str], change: tuple[int, int, str] | None
) -> None:
    texts = {
        "asset": '"wl-0007"',
        "metric": '"water_level"',
        "t": str(START_MS),
        "v": v,
        "unit": '"m"',
        "note": '"x y"',
    }
    raw = ("{" + ", ".join(f'"{name}":{texts[name]}' for name in order) + "}").encode()
    if change is not None:
        at, byte, how = change[0] % len(raw), bytes([change[1]]), change[2]
        raw = raw[:at] + (b"" if how == "-" else byte) + raw[at + (how != "+") :]
    batch, rows = _batch([raw, GOOD])
    fast, fast_dead = decode_readings(batch, rows, REGISTRY)
    slow, slow_dead = decode_slowly(batch, rows, REGISTRY)
    assert fast_dead == slow_dead
    for name in type(fast).__slots__:
        assert np.array_equal(getattr(fast, name), getattr(slow, name), equal_nan=name in {"value", "lon", "lat"})


def test_each_schema_is_json_of_the_2020_12_draft() -> None:
    folder = Path(streams.__file__).parent / "schemas"
    names = sorted(path.stem for path in folder.glob("*.json"))
    assert names == ["asset", "detection", "reading", "senml", "ticket"]
    read = partial(Path.read_text, encoding="utf-8")
    assert all("2020-12" in json.loads(read(folder / f"{name}.json"))["$schema"] for name in names)


part = st.one_of(
    st.sampled_from(["", "-1", "007", "7", "18446744073709551615", "1e308", "-1e308", "nan", "inf", "person", "车"]),
    st.floats().map(str), st.text(max_size=4),
)  # fmt: skip


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.lists(st.lists(st.lists(part, max_size=7).map("|".join), max_size=3), max_size=4))
def test_objects_come_in_columns_beside_the_same_counts_and_the_same_dead_letters(frames: list[list[str]]) -> None:
    good = ["5|1|2|3|4|person|x", "|0|0|0|0|bag"]
    said = [
        {"@timestamp": START_MS + n, "sensorId": f"cam-{n % 2:03d}", "objects": objects}
        for n, objects in enumerate([good, *frames, []])
    ]
    batch, rows = _batch([json.dumps(d).encode() for d in said])
    wanted = np.array([name == "cam-000" for name in REGISTRY.ids])
    columns, dead = decode_detections(batch, rows, REGISTRY)
    same, found, same_dead = decode_frames(batch, rows, REGISTRY, wanted)
    assert same_dead == dead
    np.testing.assert_array_equal(same.value, columns.value)
    mine = [row for row in columns.row.tolist() if row % 2 == 0]
    assert found.row.tolist() == mine
    assert (found.t - START_MS).tolist() == mine
    assert np.diff(found.first).tolist() == [len(said[row]["objects"]) for row in mine]
    assert found.id[:2].tolist() == [5, -1]
    assert [found.names[k] for k in found.kind[:2]] == ["person", "bag"]
    assert found.box[0].tolist() == [1, 2, 3, 4]
    assert np.isfinite(found.box).all()
    less = found.take(np.arange(len(mine)) > 0)
    assert (less.row.tolist(), len(less.id)) == (mine[1:], len(found.id) - 2)
