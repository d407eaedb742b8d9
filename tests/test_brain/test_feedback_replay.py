"""Feedback through the whole pipeline from files: signed records in, incidents and audit out, the same every time."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from lane_rig import HIGH, T0, city, reading

from brain.feedback import FeedbackLane
from brain.incidents.city import CityLogic
from brain.incidents.value import Incident, incident_id
from brain.lane import ReadingsLane
from brain.signed import sign
from streams import bundle
from streams.bundle import Line
from streams.records import TP, Headers
from streams.replay import Replayed, ReplaySettings, replay

KEY = b"a key"
PARTS = {"iot.telemetry": 1, "feedback": 1}
SET = city(HIGH)
SETTINGS = ReplaySettings(
    {"iot.telemetry": ReadingsLane, "feedback": partial(FeedbackLane, KEY)}, CityLogic, {SET.id: SET}.__getitem__,
    SET.id, KEY, PARTS,
)  # fmt: skip


def act(do: str, second: float, incident: str, id: str, key: bytes = KEY, **more: Any) -> tuple[int, bytes, Headers]:
    by = {"id": "op-1", "role": "operator", "unit": "desk"}
    t = T0 + round(second * 1000)
    value = msgspec.json.encode({"do": do, "id": id, "t": t, "by": by, "incident": incident, **more})
    return t, value, sign(value, key)


def lines(tmp_path: Path, acts: list[tuple[int, bytes, Headers]]) -> list[Line]:
    file = tmp_path / "readings.ndjson"
    rows = [reading("wl-1", second, 15 if 5 <= second < 20 else 1) for second in range(60)]
    file.write_bytes(b"\n".join(map(msgspec.json.encode, rows)))
    made, _ = bundle.plain([("iot.telemetry", file)], PARTS, KEY, SET.id)
    mine = [
        (line.timestamp, 0, line.value_bytes() or b"", line.header_pairs()) for line in made if line.topic == "feedback"
    ]
    mine += [(t, 1, value, heads) for t, value, heads in acts]
    mine.sort(key=lambda row: row[:2])
    said = [Line.of(TP("feedback", 0), n, t, None, v, heads) for n, (t, _, v, heads) in enumerate(mine)]
    return [line for line in made if line.topic != "feedback"] + said


def run(tmp_path: Path, acts: list[tuple[int, bytes, Headers]]) -> tuple[Incident, Replayed]:
    done = replay(lines(tmp_path, acts), SETTINGS)
    (only,) = done.incidents
    return msgspec.json.decode(only, type=Incident), done


def test_people_act_on_an_incident_of_readings_whatever_its_signals_do(tmp_path: Path) -> None:
    quiet, _ = run(tmp_path, [])
    id_ = quiet.id
    assert quiet.id == incident_id(quiet.members[0].id)
    acts = [
        act("confirm", 6, id_, "a1"),  # before the third reading raises: it waits
        act("take", 25, id_, "a2", expect=2), act("take", 25, id_, "a2", expect=2),
        act("dispatch", 26, id_, "a3", units=["u-1"]), act("resolve", 30, id_, "a4", key=b"forged", note="x"),
    ]  # fmt: skip
    incident, done = run(tmp_path, acts)
    assert (incident.state, incident.taken_by, incident.onset) == ("dispatched", "op-1", quiet.onset)
    assert [a.id for a in incident.history] == ["a1", "a2", "a3"]
    assert [msgspec.json.decode(d)["reason"] for d in done.dead] == ["forged_actor"]
    assert run(tmp_path, acts)[1] == done


def test_an_old_bundle_without_the_topic_is_replayed_as_ever(tmp_path: Path) -> None:
    made = [line for line in lines(tmp_path, []) if line.topic != "feedback"]
    assert replay(made, SETTINGS).incidents == run(tmp_path, [])[1].incidents
