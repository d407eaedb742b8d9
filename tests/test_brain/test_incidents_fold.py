"""Signals become incidents: who joins whom, what is never grouped, when an incident ends."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from city_rig import parted, put_into

from brain.incidents import written
from brain.incidents.city import CityLogic
from brain.incidents.fold import FoldSettings
from brain.incidents.reasons import Reason
from brain.incidents.value import Incident, incident_id
from streams.records import Signal

ROUTES = {
    "version": 1,
    "departments": {"eco": {"zh": "生态环境局"}, "fire": {"zh": "消防救援支队"}, "other": {"zh": "其他"}},
    "defaults": {d: {"lead": "other"} for d in ("emergency", "market", "eco", "social", "public", "economy")},
    "routes": [{"domain": "eco", "lead": "eco"}, {"event_code": "fire*", "lead": "fire", "assisting": ["other"]}],
}
SET = SimpleNamespace(
    routes=ROUTES,
    scenarios=[
        SimpleNamespace(
            id="eco.air.pm25_high", version=3, name={"zh": "细颗粒物超标", "en": "PM2.5 high"}, domain="eco",
            event_code="eco.air", life=False,
        ),
        SimpleNamespace(
            id="emergency.fire.smoke", version=1, name=SimpleNamespace(zh="烟感报警", en="Smoke"), domain="emergency",
            event_code="fire.smoke", life=True,
        ),
    ],
)  # fmt: skip


def raised(fold: int, asset: str, grid: str = "g1", scenario: str = "eco.air.pm25_high", **more: Any) -> Signal:
    offset = more.pop("offset", fold)
    fields = {"origin": ("iot.telemetry", 0, offset, 0), "n": 0, "offset": offset, "index": 0, "t": fold, "onset": fold}
    return Signal(scenario, asset, "raise", **{**fields, "fold": fold, "grid": grid, "source": "iot", **more})


def later(signal: Signal, kind: Any, fold: int, **more: Any) -> Signal:
    return msgspec.structs.replace(signal, kind=kind, fold=fold, t=fold, n=signal.n + 1, **more)


def city(**settings: Any) -> CityLogic:
    logic = CityLogic(FoldSettings(**settings))
    logic.enter("set-1", SET)
    return logic


def latest(logic: CityLogic) -> dict[str, Incident]:
    _, records = parted(logic.changes())
    return {
        key.decode(): msgspec.json.decode(value or b"", type=Incident)
        for topic, key, value, _ in records if topic.startswith("incidents.") and value is not None
    }  # fmt: skip


def only(logic: CityLogic) -> Incident:
    (incident,) = latest(logic).values()
    return incident


def test_a_first_raise_opens_an_incident_that_is_named_routed_and_placed() -> None:
    logic = city()
    first = raised(1000, "air-1", value=80.0, threshold=75.0, level=2, lon=113.5, lat=22.2, district="440402")
    logic.signal(first)
    incident = only(logic)
    assert incident.id == incident_id(first.identity())
    assert (incident.state, incident.revision, incident.count, incident.level) == ("detected", 2, 1, 2)
    assert (incident.domain, incident.scenario_version, incident.name.zh) == ("eco", 3, "细颗粒物超标")
    assert (incident.lead, incident.lead_name.zh, incident.route) == ("eco", "生态环境局", "eco")
    assert (incident.lon, incident.lat, incident.grid, incident.sources) == (113.5, 22.2, "g1", ["iot"])
    assert incident.members[0].value == 80.0
    assert incident.reasons == [(1000, "opened", first.identity()), (1000, "shown", "")]
    assert (incident.shown, incident.sounded, incident.withheld) == (1000, 1000, "")


def test_neighbours_in_a_grid_share_an_incident_and_stay_countable() -> None:
    logic = city()
    logic.signal(raised(1000, "air-1"))
    logic.signal(raised(2000, "air-2"))
    logic.signal(raised(3000, "air-3", grid="g2"))
    found = sorted(latest(logic).values(), key=lambda i: i.grid)
    assert [(i.grid, i.count) for i in found] == [("g1", 2), ("g2", 1)]
    assert [m.asset for m in found[0].members] == ["air-1", "air-2"]
    assert found[0].rule == Reason.JOINED_NEIGHBOUR


def test_a_neighbour_outside_the_window_opens_its_own_incident_and_says_why() -> None:
    logic = city(window_s=60)
    logic.signal(raised(0, "air-1"))
    logic.signal(raised(60_001, "air-2"))
    assert len(logic) == 2
    assert logic.counts[Reason.OPENED_APART] == 1
    logic.signal(raised(70_000, "air-3"))
    assert logic.counts[Reason.JOINED_NEIGHBOUR] == 1
    assert sorted(i.count for i in logic.incidents()) == [1, 2]


def test_assets_without_a_grid_are_not_neighbours() -> None:
    logic = city()
    logic.signal(raised(1000, "air-1", grid=""))
    logic.signal(raised(2000, "air-2", grid=""))
    assert len(logic) == 2


def test_fire_alarms_of_two_assets_in_one_grid_are_never_one_incident() -> None:
    logic = city()
    for fold, asset in ((1000, "smoke-1"), (1100, "smoke-2"), (1200, "smoke-1")):
        logic.signal(raised(fold, asset, scenario="emergency.fire.smoke", life=True))
    found = latest(logic)
    assert sorted((i.members[0].asset, i.count, i.raises) for i in found.values()) == [
        ("smoke-1", 1, 2), ("smoke-2", 1, 1),
    ]  # fmt: skip
    assert all(i.life and i.lead == "fire" and i.assisting == ["other"] for i in found.values())


def test_every_provisional_record_of_a_fire_is_listed_once_in_its_incident() -> None:
    logic = city()
    signals = [raised(f, "smoke-1", scenario="emergency.fire.smoke", life=True) for f in (1000, 1100)]
    for signal in [*signals, signals[0]]:
        logic.signal(signal)
    logic.signal(later(signals[1], "update", 1200, level=4))
    assert only(logic).provisional == [s.identity() for s in signals]
    assert logic.counts[Reason.REPEATED_SIGNAL] == 1


def test_an_incident_ends_only_after_a_quiet_period_that_begins_when_the_last_member_clears() -> None:
    logic = city(quiet_s=300)
    one, two = raised(1000, "air-1"), raised(2000, "air-2")
    for signal in (one, two, later(one, "clear", 5000)):
        logic.signal(signal)
    assert logic.due() is None
    logic.signal(later(two, "clear", 9000))
    assert logic.due() == logic.due(309_000) == 309_000
    assert logic.due(308_999) is None
    waiting = only(logic)
    assert (waiting.state, waiting.cleared, waiting.quiet_until) == ("detected", 9000, 309_000)
    logic.fire(309_000)
    items, records = parted(logic.changes())
    done = msgspec.json.decode(records[0][2] or b"", type=Incident)
    assert (done.state, done.reasons[-1]) == ("resolved", (309_000, "quiet_resolved", ""))
    assert logic.due() == done.close_at == 309_000 + 900_000
    logic.fire(1_209_000)
    items, records = parted(logic.changes())
    closed = msgspec.json.decode(records[0][2] or b"", type=Incident)
    assert (closed.state, closed.onset, len(logic)) == ("closed", 1000, 0)
    assert items[b"i/" + done.id.encode()] is None


def test_a_closed_incident_leaves_its_topic_after_thirty_days_also_over_a_restart() -> None:
    logic = city(quiet_s=300)
    one = raised(1000, "air-1")
    for signal in (one, later(one, "clear", 5000)):
        logic.signal(signal)
    kept: dict[bytes, bytes] = {}
    for _ in range(2):
        logic.fire(logic.due() or 0)
        keep(kept, logic)
    again = city(quiet_s=300)
    again.load(kept)
    again.fire(again.due() or 0)  # nobody can reopen it any more
    keep(kept, again)
    due = again.due() or 0
    assert due == 1_205_000 + 30 * 86_400_000
    again.fire(due)
    items, records = parted(again.changes())
    assert records == [("incidents.eco", incident_id(one.identity()).encode(), None, ())]
    assert items == {b"x/" + incident_id(one.identity()).encode(): None}


def test_an_incident_is_encoded_when_a_flush_asks_for_it_and_stands_beside_its_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logic, encoded = city(), list[str]()
    for n in range(3):
        logic.signal(raised(1000 + n, f"air-{n}", f"g{n}"))
    encode = written.encode
    monkeypatch.setattr(written, "encode", lambda case: encoded.append(case.incident.id) or encode(case))
    told = logic.changes()
    for n in range(1, 4):
        (nowhere, key, kept, _), (topic, name, value, _) = next(told), next(told)
        assert (nowhere, key, topic, kept) == (None, b"i/" + name, "incidents.eco", value)
        assert encoded[-1] == name.decode()
        assert len(encoded) == n
    assert encoded == sorted(encoded)


def keep(kept: dict[bytes, bytes], logic: CityLogic) -> None:
    items, _ = parted(logic.changes())
    put_into(kept, items)


def test_a_raise_in_the_quiet_period_goes_on_with_the_same_incident() -> None:
    logic = city(quiet_s=300)
    one = raised(1000, "air-1")
    for signal in (one, later(one, "clear", 2000), raised(200_000, "air-1")):
        logic.signal(signal)
    incident = only(logic)
    assert (incident.count, incident.raises, incident.cleared, incident.quiet_until) == (1, 2, None, None)
    assert incident.reasons[-1][1] == Reason.REOPENED
    assert logic.due() is None


def test_a_raise_after_the_end_reopens_with_onset_kept_and_after_the_close_is_another() -> None:
    logic = city(quiet_s=300)
    one = raised(1000, "air-1")
    for signal in (one, later(one, "clear", 2000)):
        logic.signal(signal)
    logic.fire(302_000)
    again = raised(400_000, "air-1")
    logic.signal(again)
    incident = only(logic)
    assert (incident.state, incident.onset, incident.resolved, incident.close_at) == ("detected", 1000, None, None)
    assert incident.sounded == 400_000
    logic.signal(later(again, "clear", 500_000))
    logic.fire(800_000)
    logic.fire(1_700_000)
    logic.signal(raised(1_700_000, "air-1"))
    assert [(i.state, i.onset) for i in latest(logic).values() if i.state != "closed"] == [("detected", 1_700_000)]


def test_a_timer_at_the_time_of_a_raise_goes_first() -> None:
    logic = city(quiet_s=300)
    one = raised(1000, "air-1")
    logic.signal(one)
    logic.signal(later(one, "clear", 2000))
    logic.fire(302_000)
    logic.signal(raised(302_000, "air-1"))
    assert [r[1] for r in only(logic).reasons[-2:]] == ["quiet_resolved", "reopened"]


def test_the_peak_level_stays_when_the_level_falls() -> None:
    logic = city()
    one, two = raised(1000, "air-1", level=1), raised(1100, "air-2", level=2)
    for signal in (one, two, later(one, "update", 2000, level=4), later(one, "update", 3000, level=1)):
        logic.signal(signal)
    incident = only(logic)
    assert (incident.level, incident.peak_level) == (2, 4)
    assert [r[1] for r in incident.reasons[-2:]] == ["updated_level", "updated_level"]


def test_a_new_raise_of_an_asset_takes_the_place_of_one_that_never_cleared() -> None:
    logic = city()
    one, again = raised(1000, "air-1"), raised(5000, "air-1")
    for signal in (one, again, later(again, "clear", 6000)):
        logic.signal(signal)
    assert only(logic).quiet_until is not None
    logic.signal(later(one, "clear", 7000))
    assert logic.counts[Reason.AFTER_CLEAR] == 1
    assert latest(logic) == {}


def test_a_clear_of_a_raise_that_nobody_has_changes_nothing_and_is_counted() -> None:
    logic = city()
    logic.signal(later(raised(1000, "air-1"), "clear", 2000))
    assert latest(logic) == {}
    assert logic.counts == {Reason.UNKNOWN_MEMBER: 1}


def test_a_full_incident_takes_no_more_members_and_another_opens() -> None:
    logic = city(members=3)
    for n in range(7):
        logic.signal(raised(1000 + n, f"air-{n}"))
    assert sorted(i.count for i in logic.incidents()) == [1, 3, 3]
    assert logic.counts[Reason.OPENED_FULL] == 2


def test_only_the_last_twenty_reasons_are_kept_and_the_revision_counts_them_all() -> None:
    logic = city()
    one = raised(1000, "air-1")
    logic.signal(one)
    for n in range(40):
        logic.signal(later(one, "update", 2000 + n, value=float(n)))
    incident = only(logic)
    assert (incident.revision, len(incident.reasons), incident.members[0].value) == (42, 20, 39.0)
    assert incident.fates == {"opened": 1, "shown": 1, "updated": 40}


def test_the_brains_own_signal_of_a_blind_lane_becomes_one_incident_for_all_lanes() -> None:
    logic = city()
    for lane in range(3):
        own = {"scenario": "system.inputs_down", "grid": "", "source": "system"}
        logic.signal(raised(1000, f"iot.telemetry/{lane}", **own))
    incident = only(logic)
    assert (incident.count, incident.name.zh, incident.domain) == (3, "感知输入中断", "emergency")


def test_an_incident_is_named_by_the_set_its_signal_names() -> None:
    other = SimpleNamespace(routes=None, scenarios=[SimpleNamespace(**{**vars(SET.scenarios[0]), "version": 9})])
    logic = CityLogic(sets={"set-1": SET, "set-2": other}.__getitem__)
    logic.enter("set-1", SET)
    for fold, grid, name in ((1000, "a", "set-1"), (2000, "b", "set-2"), (3000, "c", "gone")):
        logic.signal(raised(fold, f"air-{grid}", grid=grid, set=name))
    assert sorted((i.grid, i.scenario_version, i.lead) for i in latest(logic).values()) == [
        ("a", 3, "eco"), ("b", 9, ""), ("c", 3, "eco"),
    ]  # fmt: skip
    assert logic.counts["unknown_set"] == 1


def test_an_incident_is_a_cloud_event_whose_headers_need_no_clock() -> None:
    logic = city()
    logic.signal(raised(1_718_000_000_123, "air-1"))
    _, ((topic, key, _, headers), *_) = parted(logic.changes())
    found = dict(headers)
    assert topic == "incidents.eco"
    assert found["ce_id"] == (key or b"") + b"/2"
    assert found["ce_time"] == b"2024-06-10T06:13:20.123Z"
    assert found["ce_specversion"] == b"1.0"
    assert found["ce_type"] == b"city.incident.v1"
    assert found["content-type"] == b"application/json"
    assert found["ce_subject"] == b"eco.air.pm25_high/g1"


def test_state_that_is_not_an_incidents_is_refused() -> None:
    with pytest.raises(ValueError, match="expected b'i/'"):
        city().load({b"y/1": b"{}"})


def test_an_open_incident_of_the_release_before_goes_on_with_a_member_an_asset() -> None:
    raises = [raised(t, "air-1").identity() for t in (1000, 2000)]
    common = {
        "domain": "eco", "scenario": "eco.air.pm25_high", "scenario_version": 3, "event_code": "eco.air.pm",
        "name": {"zh": "甲", "en": "a"}, "level": 1, "peak_level": 1, "life": False, "onset": 1000, "opened": 1000,
        "raised": 2000, "updated": 2000, "grid": "g1", "count": 2, "sources": ["iot"],
    }  # fmt: skip
    members = [
        {"id": raises[0], "asset": "air-1", "onset": 1000, "cleared": 2000, "source": "iot"},
        {"id": raises[1], "asset": "air-1", "onset": 2000, "source": "iot"},
    ]
    value = msgspec.json.encode({"id": "inc-1", "revision": 2, "state": "open", **common, "members": members})
    logic = city()
    logic.load({b"i/inc-1": value})
    logic.signal(later(raised(2000, "air-1"), "clear", 3000))
    incident = only(logic)
    assert (incident.id, incident.count, incident.raises, incident.shown) == ("inc-1", 1, 2, 1000)
    assert (incident.family, incident.quiet_until) == ("eco.air", 303_000)
