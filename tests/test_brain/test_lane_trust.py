"""What a record on alarms.* says of its asset: as far as its lane knows, whatever cut or restart."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
from lane_rig import ASSETS, GRIDS, Rig, flood, reading

from brain import trust
from brain.incidents.city import CityLogic
from brain.incidents.trust import AssetsTrust
from brain.lane import ReadingsLane
from brain.lane_trust import SUSPECT, TABLES
from brain.scenarios import read
from brain.screen.board.row import alarm_of
from brain.sets import CitySet
from geo.grid_map import GridMap
from models.trust import REASONS, AssetTrust
from streams import pulse as pulses
from streams.bundle import Line
from streams.lane_parts import LaneTopics
from streams.logic import Output, View
from streams.outbox import Outbox
from streams.pulse import Pulse
from streams.records import SHADOW, TP, Batch, Signal
from streams.registry import Registry
from streams.replay import ReplaySettings, rerun

MINUTE = 1_718_000_040_000
DAY = 86_400_000
FIRE = flood("fire", "life: true\ndetect: {above: 10}\nclear: {below: 8}\nlevels: [{level: 2, at: 20}]")
LASTS = flood("lasts", "life: true\ndetect: {above: 5}\nfor: {seconds: 15}\nclear: {below: 4}")
PLAIN = flood("plain", "detect: {above: 10}\nclear: {below: 8}")
TRUST = {"version": 1, "types": {"water_level": {"flatline": {"warmup": 2}, "impossible": True, "clock_s": 30}}}
SOUND = (1.0, ())


def content(*texts: str, settings: Any = TRUST, assets: Any = ASSETS, id: str = "s") -> CitySet:
    scenarios = sorted((read(t) for t in texts), key=lambda s: s.id)
    found = None if settings is None else trust.of(settings, "trust.yaml")
    return CitySet(id, Registry.of(assets), GridMap(GRIDS), scenarios, trust=found)


def broken(rig: Rig, seconds: int = 1500, seed: int = 1) -> None:
    """wl-1 lies from the fourth minute to the tenth, wl-2 is five minutes late now and then; all are in alarm often."""
    draw = random.Random(seed)
    for second in range(0, seconds, 10):
        lying = 200 <= second < 600 and second % 30 == 0
        rig.say(reading("wl-0", second, draw.choice([3.0, 12.0, 25.0])))
        rig.say(reading("wl-1", second, 5000.0 if lying else draw.choice([3.0, 12.0, 25.0])))
        if second % 50 == 0:
            rig.say(reading("wl-2", second + 100 * (second > 700), draw.choice([3.0, 12.0])))
        rig.beat(10)


def said(out: Output) -> list[tuple[str, str, int, int, float, tuple[str, ...]]]:
    return [(s.asset, s.kind, s.offset, s.index, s.trust, s.doubts) for s in out.signals]


@pytest.mark.parametrize("seed", range(3))
def test_an_alarm_has_the_trust_of_the_minutes_before_it_however_the_log_is_cut_and_through_restarts(seed: int) -> None:
    rig, draw = Rig(ReadingsLane, content(FIRE, LASTS, PLAIN)), random.Random(seed)
    broken(rig)
    whole = rig.run()
    rig.begin()
    cuts = sorted(draw.sample(range(1, len(rig.records)), 40))
    cut = rig.run(cuts, restarts=cuts[::4])
    assert said(cut) == said(whole)
    assert cut.summaries == whole.summaries
    assert {s.doubts for s in whole.signals if s.asset == "wl-0"} == {()}
    doubted = [s for s in whole.signals if s.doubts]
    assert {s.asset for s in doubted} == {"wl-1", "wl-2"}
    assert {s.kind for s in doubted} == {"raise", "update"}
    assert all(s.life and s.trust < 0.995 for s in doubted)
    assert {s.scenario.rpartition(".")[2] for s in doubted} == {"fire", "lasts"}


def test_what_a_lane_says_is_what_the_city_makes_of_the_same_evidence() -> None:
    rig = Rig(ReadingsLane, content(FIRE, LASTS))
    broken(rig)
    whole, city = rig.run(), AssetsTrust()
    city.enter(rig.content)
    summaries, compared = list(whole.summaries), 0
    for signal in (s for s in whole.signals if s.kind != "clear"):
        while summaries and summaries[0].offset <= signal.offset:
            summary = summaries.pop(0)
            summary.fold = summary.t
            city.summary(summary)
            city.fire(summary.t + 1, {})
        now = rig.beats[signal.offset].time if signal.offset in rig.beats else rig.records[signal.offset][1]
        assert (signal.trust, signal.doubts) == city.of(signal.asset, now)
        compared += signal.trust < 1.0
    assert compared > 10


def test_trust_holds_back_no_alarm_and_lowers_none() -> None:
    with_trust, without = (Rig(ReadingsLane, content(FIRE, LASTS, PLAIN, settings=s)) for s in (TRUST, None))
    for rig in (with_trust, without):
        broken(rig)
    bare = [msgspec.structs.replace(s, trust=1.0, doubts=()) for s in with_trust.run().signals]
    assert bare == without.run().signals


def test_the_record_for_people_says_it_and_so_does_the_row_of_the_screen() -> None:
    rig = Rig(ReadingsLane, content(FIRE))
    broken(rig)
    signals = rig.run().signals
    signal, sound = (next(s for s in signals if bool(s.doubts) is doubted) for doubted in (True, False))
    box = Outbox(LaneTopics.of("in", 0))
    box.signal(signal)
    [alarm] = box.writes[TP("alarms.in", 0)]
    assert msgspec.json.decode(alarm.value or b"")["doubts"] == list(signal.doubts) == ["impossible"]
    row = alarm_of(msgspec.json.decode(alarm.value or b"", type=Signal), rig.content.scenarios[0].name)
    assert (row.trust, row.doubts) == (signal.trust, signal.doubts)
    assert b"trust" not in msgspec.json.encode(sound)


def test_calibration_that_is_overdue_is_said_by_the_registry_alone_as_of_the_lanes_clock() -> None:
    assets = [{**ASSETS[0], "calibrated": MINUTE - 5 * DAY, "calibrate_days": 10}, *ASSETS[1:]]
    settings = {"version": 1, "types": {"water_level": {"calibration": True}}}
    rig = Rig(ReadingsLane, content(FIRE, settings=settings, assets=assets))
    for day in range(12):
        rig.say(reading("wl-0", day * 86_400, 12.0 if day % 2 else 3.0))
        rig.beat(86_400)
    found = [(s.trust, s.doubts) for s in rig.run().signals if s.kind == "raise"]
    assert found[0] == SOUND
    assert found[-1][1] == ("calibration_age",)
    assert [t for t, _ in found] == sorted((t for t, _ in found), reverse=True)


@pytest.mark.parametrize(
    "other", [{"settings": None}, {"assets": ASSETS[2:]}, {"settings": {"version": 1, "types": {}}}]
)
def test_a_set_that_does_not_watch_an_asset_makes_the_lane_forget_what_it_knew_of_it(other: dict[str, Any]) -> None:
    here = content(FIRE)
    rig = Rig(ReadingsLane, here)
    broken(rig, 700)
    assert any(s.asset == "wl-1" and s.doubts for s in rig.run().signals)
    rig.lane.enter("other", content(FIRE, id="other", **other))
    rig.lane.enter("s", replace(here, scenarios=list(here.scenarios)))
    table = rig.store.table(SUSPECT)
    assert not table.rows["n"][: table.n].any()
    assert table.dirty[: table.n].all()


def test_the_table_of_suspects_is_the_models_state_with_a_name_for_each_effect() -> None:
    row = np.zeros(1, TABLES[SUSPECT])
    for k, reason in enumerate(REASONS):
        row[reason.name] = k + 1
    row["last"], row["n"] = 7, 1
    seen = row.view(AssetTrust.STATE)[0]
    assert (seen["last"], seen["n"], seen["effect"].tolist()) == (7, 1, [k + 1 for k in range(len(REASONS))])


@pytest.mark.parametrize("change", [{"kind": "clear"}, {"life": False}, {"origin": ("in", 0, 1, SHADOW)}])
def test_what_goes_to_no_alarms_topic_is_told_nothing(change: dict[str, Any]) -> None:
    rig = Rig(ReadingsLane, content(FIRE))
    broken(rig, 700)
    rig.run()
    evidence, last = rig.lane.program.evidence, len(rig.records) - 1
    assert evidence is not None
    none, beats = np.zeros(0, np.int32), [rig.beats[last]]
    view = View(rig.at, Batch.of(rig.at, last, last, []), none, none.astype(np.int64), beats, 0)
    alarm = Signal("emergency.flood.fire", "wl-1", "raise", ("in", 0, 1, 0), 0, last, 0, 1, 1, life=True)
    others = msgspec.structs.replace(alarm, **change)
    evidence.suspects.stamp(view, [alarm, others])
    assert alarm.doubts == ("impossible",)
    assert (others.trust, others.doubts) == SOUND


def test_a_replay_gives_the_same_alarms_byte_for_byte_and_their_incident_is_no_less_doubted() -> None:
    settings = {"version": 1, "types": {"water_level": {"impossible": True}}}
    here, key, at = content(FIRE, settings=settings), b"key", TP("iot.telemetry", 0)
    lines: list[Line] = []
    for second in range(0, 900, 10):
        t = MINUTE + second * 1000
        pulse = pulses.encode(Pulse(second, t, second * 1000, "s", 0), key)
        lines.append(Line.of(at, len(lines), t, None, pulse, pulses.HEADERS))
        for asset in ("wl-0", "wl-1"):
            v = 5000.0 if asset == "wl-1" and 200 <= second < 600 else 12.0 if second >= 800 else 3.0
            body = msgspec.json.encode({"asset": asset, "metric": "water_level", "t": t + 500, "v": v})
            lines.append(Line.of(at, len(lines), t, asset.encode(), body, ()))
    rules = ReplaySettings(
        {"iot.telemetry": ReadingsLane}, lambda: CityLogic(sets=lambda _: here), lambda _: here, "s", key,
        {"iot.telemetry": 1},
    )  # fmt: skip

    def written() -> list[list[bytes]]:
        broker, lanes, _ = rerun(lines, rules)
        topics = (lanes[0].alarms, TP("incidents.emergency", 0))
        return [[v for _, _, v, _ in broker.read(tp) if v and b'"scenario"' in v] for tp in topics]

    first, incidents = written()
    lines.reverse()
    assert written() == [first, incidents]
    told = {a["asset"]: a.get("trust", 1.0) for a in map(msgspec.json.decode, first)}
    assert told["wl-0"] == 1.0
    assert told["wl-1"] < 0.5
    members = {m["asset"]: m for i in map(msgspec.json.decode, incidents) for m in i["members"]}
    assert members["wl-1"]["trust"] <= told["wl-1"]
