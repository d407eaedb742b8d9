"""Asset trust: what lanes say against assets, what the city makes of it, and that no alarm is silenced by it."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import numpy as np
import pytest
from city_rig import parted, put_into
from lane_rig import ASSETS, GRIDS, HIGH, Rig, flood, reading

from brain import trust
from brain.incidents.city import CityLogic
from brain.incidents.state import restored
from brain.incidents.trust import AssetsTrust
from brain.lane import ReadingsLane
from brain.scenarios import read
from brain.sets import CitySet, digest
from brain.trust import columns_of
from geo.grid_map import GridMap
from models.trust import REASONS, AssetTrust
from streams import pulse as pulses
from streams.bundle import Line
from streams.partition import partitions_of
from streams.pulse import Pulse
from streams.records import TP, Signal, Summary
from streams.registry import Registry, RegistryError
from streams.replay import ReplaySettings, replay
from streams.state import Store

MINUTE = 1_718_000_040_000
DAY = 86_400_000
SETTINGS = {
    "version": 1,
    "types": {"water_level": {"flatline": {"warmup": 2}, "noise": {}, "impossible": True, "clock_s": 30}},
}
FLAT, CLOCK, IMPOSSIBLE = (
    next(k for k, r in enumerate(REASONS) if r.name == n) for n in ("flatline", "clock_skew", "impossible")
)


def content(settings: Any = SETTINGS, assets: Any = ASSETS, *texts: str) -> CitySet:
    scenarios = [read(t) for t in texts or (HIGH,)]
    return CitySet("s", Registry.of(assets), GridMap(GRIDS), scenarios, trust=trust.of(settings, "trust.yaml"))


def said(minute: int, against: dict[str, dict[str, float]], lane: int = 0, index: int = 1 << 29) -> Summary:
    columns = {
        r.name: np.array([row.get(r.name, np.nan) for row in against.values()], "<f8").tobytes() for r in REASONS
    }
    return Summary("trust", minute, 7, index, list(against), columns, minute, "s", f"iot/{lane}")


def raised(asset: str, fold: int, *, life: bool = False, kind: Any = "raise", n: int = 0) -> Signal:
    return Signal("emergency.flood.high", asset, kind, ("iot", 0, fold, int(life)), n, 5 + n, 0, fold, fold, fold,
                  level=2, grid="g0", set="s", source="iot", life=life)  # fmt: skip


def told(logic: CityLogic) -> list[tuple[float, list[str], float, list[str]]]:
    return [(i.trust, i.doubts, m.trust, m.doubts) for i in logic.incidents() for m in i.members]


@pytest.mark.parametrize("seed", range(3))
def test_a_lane_says_once_a_minute_what_speaks_against_its_assets_however_its_log_is_cut(seed: int) -> None:
    draw = random.Random(seed)
    rig = Rig(ReadingsLane, content())
    for minute in range(30):
        for k in range(4):
            at = minute * 60 + k * 15
            rig.say(reading("wl-0", at, draw.gauss(5, 1)))
            rig.say(reading("wl-1", at, 3.0 if minute > 12 else draw.gauss(3, 1)))
            rig.say(reading("wl-2", at + 45, draw.gauss(5, 1)))
            rig.say(reading("wl-3", at + (1e6 if minute == 20 else 0), draw.gauss(5, 1)))
            if minute == 25 and k == 1:
                rig.say(reading("wl-4", at, 5000.0))
            rig.beat(15)
    whole, state = rig.run(), [t.rows[: t.n].tobytes() for t in rig.store.tables.values()]
    rig.begin()
    assert rig.run(sorted(draw.sample(range(1, len(rig.records)), 40))).summaries == whole.summaries
    assert state == [t.rows[: t.n].tobytes() for t in rig.store.tables.values()]
    found = {(s.t, asset): row for s in whole.summaries for asset, row in zip(s.keys, columns_of(s), strict=True)}
    assert {s.name for s in whole.summaries} == {"trust"}
    assert "wl-0" not in {asset for _, asset in found}
    assert found[max(t for t, a in found if a == "wl-1"), "wl-1"][FLAT] > 4
    assert all(row[CLOCK] > 0.3 for (_, a), row in found.items() if a == "wl-2")
    assert [row[CLOCK] > 0.6 for (_, a), row in found.items() if a == "wl-3"] == [True]
    assert [(row[IMPOSSIBLE], np.isnan(row[FLAT])) for (_, a), row in found.items() if a == "wl-4"] == [(1.0, True)]


def test_every_row_of_a_lane_that_trust_changes_is_marked_for_a_restart() -> None:
    rig = Rig(ReadingsLane, content())
    rig.store.flush(1)
    before = {name: t.rows[: t.n].copy() for name, t in rig.store.tables.items()}
    for k in range(10):
        rig.say(reading("wl-1", k * 20, 11 + k % 3))
        rig.say(reading("wl-2", k * 20, 5000.0 if k % 2 else 1e6))
        rig.beat(20)
    rig.run()
    for name, table in rig.store.tables.items():
        changed = table.rows[: table.n] != before[name]
        assert (table.dirty[: table.n][changed] == 1).all()
        if name in {"minute", "model.flatline", "model.noise"}:
            assert changed.any()


def test_trust_told_only_of_faults_is_that_of_a_model_that_is_told_of_every_minute() -> None:
    draw = np.random.default_rng(4)
    one, model = AssetsTrust(), AssetTrust()
    one.enter(content())
    state = np.zeros(1, model.state)
    for k in range(300):
        t = MINUTE + k * 60_000
        faulty = 40 <= k < 90 or (150 < k < 160 and k % 3 == 0)
        row = {"flatline": 1.0 + 3.0 * draw.random() * faulty, "noise": 2.0 * (k == 200)}
        dense = np.array([[row.get(r.name, np.nan) for r in REASONS]])
        want = model.score(state, np.zeros(1, np.int32), np.array([t]), dense)[0]
        if faulty or k == 200:
            one.summary(said(t, {"wl-1": row}))
            one.fire(t + 1, {})
        got, reasons = one.of("wl-1", t)
        assert got == pytest.approx(1.0 if np.isnan(want) or want >= 0.995 else want, abs=6e-4)
        assert bool(reasons) == (got < 1.0)
    assert one.of("wl-1", t)[1] == ("flatline",)
    assert one.of("wl-2", t) == one.of("no such asset", t) == (1.0, ())


def keep(logic: CityLogic, items: dict[bytes, bytes]) -> list[Any]:
    changed, written = parted(logic.changes())
    put_into(items, changed)
    return list(written)


def story(restart: int, order: int) -> tuple[list[Any], list[Any]]:
    """Two lanes over fifteen hours: wl-1 stuck for one of them, an ordinary and a life-safety alarm meanwhile."""
    logic, items, records = CityLogic(), dict[bytes, bytes](), list[Any]()
    logic.enter("s", content())
    for k in [*range(100), 900]:
        t = MINUTE + k * 60_000
        stuck = {"wl-1": {"flatline": 9.0}} if 20 <= k < 90 else {}
        bad = {"wl-3": {"impossible": 1.0}} if k == 33 else {}
        logic_said = [said(t, stuck, 0), said(t, bad, 1)]
        for one in logic_said[::order]:
            if one.keys:
                logic.summary(one)
        while (due := logic.due()) is not None and due <= t + 1:
            logic.fire(due)
            records += keep(logic, items)
        if k == 10:
            logic.signal(raised("wl-1", t))
        if k == 35:
            logic.signal(raised("wl-3", t))
        if k == 60:
            logic.signal(raised("wl-1", t, life=True))
        records += keep(logic, items)
        if restart and k % restart == 0:
            logic = CityLogic()
            logic.load(dict(items))
            logic.enter("s", content())
    return records, told(logic)


def test_restarts_and_the_order_of_lanes_change_neither_incidents_nor_notes() -> None:
    records, end = story(0, 1)
    assert story(4, -1) == (records, end)
    assert story(9, 1) == (records, end)
    notes = [msgspec.json.decode(value) for topic, _, value, _ in records if topic == "audit"]
    trust = [n for n in notes if n["what"] in {"asset.doubted", "asset.trusted_again"}]
    assert [(n["what"], n["asset"]) for n in trust[:2]] == [("asset.doubted", "wl-1"), ("asset.trusted_again", "wl-1")]
    assert trust[0]["reasons"] == ["flatline"]
    assert trust[0]["trust"] < 0.5


def hourly(since: int, restart_at: int | None) -> list[Any]:
    """What is told again at full hours: wl-1 doubted in the first, wl-3 in the second, over five hours."""
    one, items, out = AssetsTrust(), dict[bytes, bytes](), list[Any]()
    one.enter(content())
    for k in range(300):
        t = since + k * 60_000
        against = {"wl-1": {"flatline": 9.0}} if k < 100 else {}
        against |= {"wl-3": {"impossible": 1.0}} if 70 <= k < 75 else {}
        if against:
            one.summary(said(t, against))
        while (due := one.due()) is not None and due <= t + 1:
            one.fire(due, {})
        changed, written = one.changes()
        put_into(items, changed)
        out += [msgspec.json.decode(value) for _, _, value, _ in written]
        if k == restart_at:
            one = AssetsTrust()
            one.load(dict(items))
            one.enter(content())
    return out


def test_the_doubted_are_told_again_at_every_full_hour_with_since_when_also_after_a_restart() -> None:
    hour = 3_600_000
    begin = MINUTE // hour * hour
    notes = hourly(begin, None)
    first = {n["asset"]: n["t"] for n in reversed(notes) if n["what"] == "asset.doubted"}
    still = [n for n in notes if n["what"] == "asset.doubted_still"]
    assert [n["t"] for n in still] == [begin + k * hour for k in range(1, 5)]
    assert [[a["asset"] for a in n["assets"]] for n in still[:2]] == [["wl-1"], ["wl-1", "wl-3"]]
    assert {a["asset"]: a["since"] for a in still[1]["assets"]} == first
    assert all(a["trust"] < 0.6 and a["reasons"] for n in still for a in n["assets"])
    assert hourly(begin, 65) == hourly(begin, 110) == notes


def test_state_of_a_release_that_kept_no_beginning_is_read_and_the_beginning_is_then_not_known() -> None:
    one = AssetsTrust()
    one.enter(content())
    one.load({b"trust/a/wl-1": msgspec.msgpack.encode((MINUTE, {"flatline": 0.9}, True))})
    at = (MINUTE // 3_600_000 + 1) * 3_600_000
    one.load({b"trust/next": str(at + 1).encode()})
    one.fire(at + 1, {})
    [(_, _, value, _)] = one.changes()[1]
    assert [(a["asset"], a["since"]) for a in msgspec.json.decode(value)["assets"]] == [("wl-1", 0)]


def test_a_life_safety_alarm_of_a_doubted_asset_is_out_at_once_and_unverified_an_ordinary_one_is_doubtful() -> None:
    records, _ = story(0, 1)
    bodies = [msgspec.json.decode(v) for topic, _, v, _ in records if topic.startswith("incidents.")]
    life = next(b for b in bodies if b["life"])
    assert (life["doubts"], life["state"], life["withheld"]) == (["unverified"], "detected", "")
    assert life["shown"] == life["opened"] == life["raised"]
    assert life["trust"] == life["members"][0]["trust"] < 0.5
    assert life["members"][0]["doubts"] == ["flatline"]
    early = [b for b in bodies if not b["life"]]
    assert (early[0]["doubts"], early[0]["trust"]) == ([], 1.0)
    assert "trust" not in early[0]["members"][0]
    doubted = next(b for b in early if "doubted" in b["fates"])
    assert (doubted["doubts"], doubted["trust"]) == (["doubtful"], doubted["members"][0]["trust"])
    joined = next(b for b in early if b["count"] == 2)
    assert joined["trust"] == max(m["trust"] for m in joined["members"]) > 0.5
    assert joined["doubts"] == []
    assert any("trusted_again" in b["fates"] and b["doubts"] == [] for b in early)


def test_calibration_that_is_overdue_costs_trust_by_the_registry_alone() -> None:
    since = MINUTE - 200 * DAY
    assets = [{**ASSETS[0], "calibrated": since, "calibrate_days": 100}, {**ASSETS[1], "calibrate_days": 100}]
    one = AssetsTrust()
    one.enter(content({"version": 1, "types": {"water_level": {"calibration": True}}}, assets))
    assert one.of("wl-0", MINUTE) == (0.8, ("calibration_age",))
    assert one.of("wl-0", since + 100 * DAY) == one.of("wl-1", MINUTE) == (1.0, ())
    with pytest.raises(RegistryError, match="calibrate_days, both at least 0"):
        Registry.of([{**ASSETS[0], "calibrate_days": -1}])


def test_what_stands_apart_from_its_neighbours_loses_trust_and_raises_nothing() -> None:
    beside = {"within_m": 900, "settings": {"warmup": 10}}
    skew = {"within_m": 900, "settings": {"warmup": 50}}
    settings = {"version": 1, "types": {"water_level": {
        "neighbours": beside, "drift": {"warmup": 30, "fast": 0.1, "slow": 0.01}, "clock_skew": skew,
    }}}  # fmt: skip
    assets = [{**a, "lon": 113.5 + k / 1000} for k, a in enumerate(ASSETS[:5])]
    here, draw = content(settings, assets), np.random.default_rng(1)
    ids = [s.id for s in here.trust.together(here.registry)] if here.trust else []
    assert ids == ["trust/water_level/water_level/neighbours", "trust/water_level/water_level/clock_skew"]
    logic, items = CityLogic(), dict[bytes, bytes]()
    logic.enter("s", here)
    for k in range(120):
        t = MINUTE + k * 60_000
        values = 3 + np.sin(k / 7) + 0.02 * draw.normal(size=5)
        values[2] += 5.0 * (k > 60)
        for name in ids:
            columns = {"last": values.astype("<f8").tobytes(), "n": np.ones(5).tobytes()}
            logic.summary(Summary(name, t, 7, 1 << 29, [f"wl-{i}" for i in range(5)], columns, t, "s", "iot/0"))
        logic.fire(t + 1)
        keep(logic, items)
        if k % 25 == 0:
            logic = CityLogic()
            logic.load(dict(items))
            logic.enter("s", here)
    assert logic.incidents() == []
    logic.signal(raised("wl-2", t + 1))
    logic.signal(raised("wl-4", t + 1))
    assert {m.asset: m.doubts[:1] for i in logic.incidents() for m in i.members} == {"wl-2": ["neighbours"], "wl-4": []}


def test_a_late_or_foreign_word_against_an_asset_counts_for_nothing_and_a_new_set_forgets_who_is_gone() -> None:
    one = AssetsTrust()
    one.enter(content())
    late = said(MINUTE, {"wl-1": {"impossible": 1.0}})
    late.fold = MINUTE + 90_000
    assert not one.summary(late)
    assert one.due() is None
    one.summary(said(MINUTE, {"wl-1": {"impossible": 1.0}, "gone": {"impossible": 1.0}, "cam-1": {"impossible": 1.0}}))
    one.fire(MINUTE + 1, {})
    assert [k for k, v in one.changes()[0].items() if v is not None and k.startswith(b"trust/a/")] == [b"trust/a/wl-1"]
    one.enter(content(SETTINGS, ASSETS[2:]))
    assert one.changes()[0] == {b"trust/a/wl-1": None}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"version": 2}, "trust.yaml: version: expected 1, got 2"),
        ({"floor": 3}, "trust.yaml: floor: expected a number in"),
        ({"flor": 1}, r"unknown field `flor` \(did you mean 'floor'\?\)"),
        ({"types": {"x": {"flatlin": {}}}}, r"did you mean 'flatline'\?"),
        (
            {"types": {"x": {"flatline": {"tolerence": 1}}}},
            r"types.x.flatline.tolerence: .* \(did you mean 'tolerance'",
        ),
        ({"types": {"x": {"noise": {"quick": 7}}}}, "types.x.noise: slow, quick: expected"),
        ({"types": {"x": {"clock_s": 0}}}, "types.x.clock_s: expected seconds above 0"),
        ({"types": {"x": {"drift": {}}}}, "types.x.drift: needs neighbours"),
        ({"types": {"x": {"neighbours": {"within_m": 0}}}}, "types.x.neighbours.within_m: expected metres"),
        ({"types": {"x": {"neighbours": {"within_m": 9, "settings": {"least": 0}}}}}, "neighbours.settings: least"),
    ],
)
def test_settings_of_trust_that_cannot_work_are_refused_with_their_place(change: dict[str, Any], says: str) -> None:
    with pytest.raises(trust.TrustError, match=says):
        trust.of({**SETTINGS, **change}, "trust.yaml")


def test_trust_is_part_of_a_set_and_of_its_hash(tmp_path: Any) -> None:
    import shutil

    folder = tmp_path / "set"
    shutil.copytree("config/demo", folder)
    before = CitySet.load(folder)
    (folder / "trust.yaml").write_text("version: 1\ntypes: {air: {impossible: true}}\n")
    after = CitySet.load(folder)
    assert after.trust is not None
    assert after.trust.types["air"].impossible
    assert after.id == digest(folder) != before.id
    (folder / "trust.yaml").write_text("version: 1\ntypes: {air: {impossible: 3}}\n")
    with pytest.raises(trust.TrustError, match=r"trust.yaml: types.air.impossible: expected `bool`"):
        CitySet.load(folder)


def test_what_a_lane_has_learned_for_trust_comes_back_from_its_state_log() -> None:
    jump = flood("jump", "detect: {detector: spike, settings: {warmup: 5}, score_over: 1}")
    rig, draw = Rig(ReadingsLane, content(SETTINGS, ASSETS, jump)), random.Random(1)
    for k in range(90):
        rig.say(reading("wl-1", k * 20, 3.0 if 30 < k % 60 < 45 else draw.gauss(3, 1)))
        rig.beat(20)
    whole = rig.run([50])
    rig.begin()
    first, records = list(rig.records), []
    rig.records = first[:100]
    early = rig.run()
    records += rig.store.flush(1)
    rig.store = Store(rig.lane.tables, rig.lane.owner)
    rig.store.restore(records)
    rig.lane = rig.make()
    rig.lane.bind(rig.store, rig.at, 1)
    rig.lane.enter(rig.content.id, rig.content)
    rig.records = first
    late = rig.run([100], since=1)
    assert early.summaries + late.summaries == whole.summaries
    assert early.signals + late.signals == whole.signals
    assert whole.signals
    assert whole.summaries


def test_a_log_replayed_through_lanes_and_city_gives_doubted_incidents_whatever_the_order_of_its_lines() -> None:
    settings = {"version": 1, "types": {"water_level": {"impossible": True, "clock_s": 5}}}
    here, key = content(settings), b"key"
    ids = [a["id"] for a in ASSETS[:6]]
    home = dict(zip(ids, partitions_of([i.encode() for i in ids], 2).tolist(), strict=True))
    lines, offset = list[Line](), {0: 0, 1: 0}
    for second in range(0, 900, 10):
        t = MINUTE + second * 1000
        for p in (0, 1):
            pulse = pulses.encode(Pulse(second, t, second * 1000, "s", 0), key)
            lines.append(Line.of(TP("iot.telemetry", p), offset[p], t, None, pulse, pulses.HEADERS))
            offset[p] += 1
        for asset in ids:
            high, broken = second >= 800, asset in {"wl-1", "wl-2"} and 200 <= second < 600
            v = 5000.0 if broken else 12.0 if high else 3.0
            body = msgspec.json.encode({"asset": asset, "metric": "water_level", "t": t + 500, "v": v})
            p = home[asset]
            lines.append(Line.of(TP("iot.telemetry", p), offset[p], t, asset.encode(), body, ()))
            offset[p] += 1
    rules = ReplaySettings(
        {"iot.telemetry": ReadingsLane}, lambda: CityLogic(sets=lambda _: here), lambda _: here, "s", key,
        {"iot.telemetry": 2},
    )  # fmt: skip
    first = replay(lines, rules)
    random.Random(2).shuffle(lines)
    again = replay(lines, rules)
    assert (first.signals, first.incidents, first.dead) == (again.signals, again.incidents, again.dead)
    members = {m["asset"]: m for i in map(msgspec.json.decode, first.incidents) for m in i["members"]}
    assert set(members) == set(ids)
    assert {asset for asset, m in members.items() if m.get("doubts") == ["impossible"]} == {"wl-1", "wl-2"}
    assert set(home.values()) == {0, 1}


def test_the_asset_that_a_doubt_is_noted_of_is_the_same_after_a_restart() -> None:
    def noted(restart: bool) -> list[tuple[int, str, str]]:
        logic, items = CityLogic(), dict[bytes, bytes]()
        logic.enter("s", content())
        for asset, t in (("wl-1", 1), ("wl-2", 2), ("wl-1", 3)):
            logic.signal(raised(asset, MINUTE - 1000 + t))
        keep(logic, items)
        if restart:
            logic = CityLogic()
            logic.load(dict(items))
            logic.enter("s", content())
        for minute in range(MINUTE, MINUTE + 20 * 60_000, 60_000):
            logic.summary(said(minute, {"wl-1": {"flatline": 4.0}, "wl-2": {"flatline": 4.0}}))
            logic.fire(minute + 1)
        [incident] = logic.incidents()
        return [reason for reason in incident.reasons if reason[1] == "doubted"]

    assert len(noted(False)) == 1
    assert noted(False) == noted(True)


def test_an_update_says_what_the_asset_is_trusted_by_then() -> None:
    logic, items, end = CityLogic(), dict[bytes, bytes](), MINUTE + 20 * 60_000
    logic.enter("s", content())
    first, late = raised("wl-1", MINUTE - 1000), end + 3 * 3_600_000
    logic.signal(first)
    for minute in range(MINUTE, end, 60_000):
        logic.summary(said(minute, {"wl-1": {"flatline": 4.0}}))
        logic.fire(minute + 1)
    keep(logic, items)
    [doubted] = logic.incidents()
    assert doubted.trust < 0.5
    logic.signal(msgspec.structs.replace(first, kind="update", n=1, t=late, fold=late))
    [later] = logic.incidents()
    assert later.reasons[-1][1] == "updated"
    assert later.trust > doubted.trust
    keep(logic, items)
    [written] = [restored(value) for key, value in items.items() if key.startswith(b"i/")]
    assert written == later
