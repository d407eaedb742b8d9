"""Two versions on one log: what they raise, what people would see of it, and of which kind the new one is."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from copy import copy
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from lane_rig import FIRE, HIGH, MANY, NOISE, T0, city, flood, reading, ticket

from brain.backtest import Report, Run, Version, backtest, decode, encode, ground, run
from brain.backtest import limits as limit_files
from brain.backtest.ground import Window, sets_named
from brain.backtest.kinds import Held, held_against
from brain.backtest.limits import Class, Limits
from brain.backtest.page import page
from brain.backtest.truths import LabelError, Truth, read
from brain.incidents.city import CityLogic
from brain.pipeline import lanes
from brain.scenarios import read as scenario
from brain.sets import CitySet
from brain.settings import Settings
from brain.signed import sign
from geo.grid_map import Grid, GridMap
from streams import bundle
from streams import pulse as pulses
from streams.bundle import Line
from streams.offline import Recorded, recorded
from streams.records import TP, Signal
from streams.replay import ReplaySettings, replay

SETTINGS = Settings(telemetry_partitions=1, video_partitions=1)
SET = city(HIGH, FIRE, NOISE)
END_S = 900


def levels() -> list[dict[str, Any]]:
    """Three floods: one well above the bound, one barely, one late and short; and levels that mean nothing."""
    rows = []
    for second in range(0, 600, 5):
        rows.append(reading("wl-1", second, 30 if 60 <= second < 120 else 2))
        rows.append(reading("wl-2", second, 10.5 if 200 <= second < 260 else 2, lon=113.9, lat=22.5))
        rows.append(reading("wl-3", second, 9 + second % 3 * 0.1, lon=113.7, lat=22.5))
    return rows


def calls() -> list[dict[str, Any]]:
    return [
        ticket("t1", 100, "楼上着火了"),
        *(ticket(f"n{k}", 300 + 3 * k, "工地噪音太大", caller=f"c{k}") for k in range(6)),
    ]


@cache
def lines(acts: tuple[tuple[float, str, str], ...] = ()) -> list[Line]:
    rows = [("iot.telemetry", 0, r["asset"].encode(), msgspec.json.encode(r), int(r["t"])) for r in levels()]
    rows += [("hotline.tickets", 0, r["id"].encode(), msgspec.json.encode(r), int(r["t"])) for r in calls()]
    made = bundle.on_grid(
        sorted(rows, key=lambda row: row[4]), SETTINGS.partitions, SETTINGS.key(), SET.id, T0 + END_S * 1000
    )
    return [line for line in made if line.topic != "feedback"] + said(made, acts)


def said(made: list[Line], acts: tuple[tuple[float, str, str], ...]) -> list[Line]:
    """The feedback's lane, with what people did (second, what, incident) between its pulses."""
    rows = [(x.timestamp, 0, x.value_bytes() or b"", x.header_pairs()) for x in made if x.topic == "feedback"]
    for n, (second, do, incident) in enumerate(acts):
        t = T0 + round(second * 1000)
        by = {"id": "op-1", "role": "commander", "unit": "desk"}
        value = msgspec.json.encode({"do": do, "id": f"a{n}", "t": t, "by": by, "incident": incident, "note": "x"})
        rows.append((t, 1, value, sign(value, SETTINGS.key())))
    rows.sort(key=lambda row: row[:2])
    return [Line.of(TP("feedback", 0), n, t, None, v, heads) for n, (t, _, v, heads) in enumerate(rows)]


def log(rows: int = 1 << 16, acts: tuple[tuple[float, str, str], ...] = ()) -> Recorded:
    return recorded(lines(acts), SETTINGS.partitions, rows=rows)


def judge(candidate: CitySet, changed: list[str] | None = None, **more: Any) -> tuple[Report, Run, Run]:
    acts = more.pop("acts", ())
    files = ["scenarios/emergency/high.yaml"] if changed is None else changed
    return backtest(
        log(acts=acts), Version("base", SET), Version("new", candidate), SETTINGS, changed=files, **more
    )  # fmt: skip


def high(**changes: Any) -> CitySet:
    return city(changed(HIGH, **changes), FIRE, NOISE, id="set-2")


def changed(text: str, **changes: Any) -> str:
    body = msgspec.yaml.decode(text)
    return msgspec.yaml.encode({**body, "version": 2, **changes}).decode()


def only(report: Report) -> tuple[str, str]:
    (one,) = report.scenarios
    return one.kind, one.why


@pytest.mark.parametrize("rows", [5, 1 << 16])
def test_a_backtest_gives_what_a_replay_gives_however_the_log_is_cut(rows: int) -> None:
    content = city(HIGH, MANY, FIRE, NOISE)
    rules = ReplaySettings(
        lanes(SETTINGS), lambda: CityLogic(sets=lambda _: content), lambda _: content, content.id, SETTINGS.key(),
        SETTINGS.partitions,
    )  # fmt: skip
    want = replay(lines(), rules)
    got = run(log(rows), content, SETTINGS)
    assert [msgspec.json.encode(i) for i in got.incidents] == sorted(want.incidents, key=lambda raw: raw[:40])
    assert len(got.signals) > len(want.signals) > 0
    assert got.events == len(levels()) + len(calls())


def test_lanes_that_a_change_cannot_touch_are_taken_over_and_nothing_differs_for_it() -> None:
    other = high(detect={"above": 12})
    some, _, now = judge(other)
    every, _, again = judge(other, changed=["map.geojson"])
    assert some.ran.taken == ["feedback/0", "hotline.tickets/0", "video.metadata/0", "warnings/0"]
    assert every.ran.worked == sorted([*some.ran.worked, *some.ran.taken])
    assert (now.signals, now.incidents) == (again.signals, again.incidents)
    assert now.worked == len(levels())


def test_a_set_that_differs_in_routes_alone_has_no_lane_worked_twice() -> None:
    report, _, _ = judge(SET, changed=["routes.yaml", "limits.yaml"])
    assert report.ran.worked == []
    assert (report.compared.same, report.compared.changed, report.scenarios) == (report.base.shown, 0, [])


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"detect": {"above": 15}}, ("major", "catches_less")),
        ({"for": {"readings": 6}}, ("major", "catches_later")),
        ({"levels": []}, ("major", "lower_level")),
        ({"detect": {"above": 8.5}, "clear": {"below": 8.2}}, ("minor", "more_alarms")),
        ({"clear": {"below": 7.9}}, ("minor", "no_difference")),
        ({"name": {"zh": "高", "en": "Up"}}, ("patch", "wording")),
    ],
)  # fmt: skip
def test_the_kind_of_a_version_follows_from_what_it_catches(changes: dict[str, Any], kind: tuple[str, str]) -> None:
    assert only(judge(high(**changes))[0]) == kind


def test_a_log_in_which_the_version_in_force_raises_nothing_proves_nothing() -> None:
    base = city(changed(HIGH, version=1, detect={"above": 100}, levels=[]), id="quiet")
    new = city(changed(HIGH, detect={"above": 90}, levels=[]), id="new")
    report, _, _ = backtest(log(), Version("base", base), Version("new", new), SETTINGS)
    assert only(report) == ("major", "nothing_to_compare")


def test_episodes_overlap_whatever_their_order_and_length() -> None:
    def signals(*spans: tuple[int, int, int]) -> list[Signal]:
        out = []
        for n, (begin, end, level) in enumerate(spans):
            origin = ("t", 0, n, 0)
            out.append(Signal("s", "a", "raise", origin, 0, n, 0, begin, begin, level=level))
            out.append(Signal("s", "a", "clear", origin, 1, n, 1, end, begin))
        return out

    base = signals((0, 90_000, 2), (10_000, 20_000, 1), (200_000, 210_000, 1), (400_000, 401_000, 1))
    other = signals((50_000, 60_000, 1), (205_000, 300_000, 3), (500_000, 600_000, 1))
    assert held_against(base, other) == Held(base=4, candidate=3, lost=2, later=2, weaker=1, more=1)
    assert held_against(base, base) == Held(4, 4, 0, 0, 0, 0)


def test_what_is_gone_new_or_changed_is_told_with_the_fields() -> None:
    report, was, now = judge(high(detect={"above": 15}, levels=[]))
    assert (report.compared.gone, report.compared.new) == (1, 0)
    gone = report.compared.pairs[0]
    assert gone.candidate is None
    assert gone.base is not None
    assert {m.asset for i in was.incidents if i.id == gone.base.id for m in i.members} == {"wl-2"}
    assert ["peak_level"] in [pair.differs for pair in report.compared.pairs]
    assert len(now.incidents) < len(was.incidents)


def test_another_map_moves_incidents_to_other_grids() -> None:
    other = copy(SET)
    other.map = GridMap([Grid("north", "t9", "d9", shapely.box(113, 22, 115, 23))])
    report, _, _ = judge(other, changed=["map.geojson"])
    assert set(report.candidate.grids) == {"north"}
    assert report.compared.changed == report.base.shown > 0
    assert all("grid" in pair.differs for pair in report.compared.pairs)


def label(id: str, second: float, **more: Any) -> Truth:
    return Truth(**{
        "id": id, "family": "emergency.flood", "lon": 113.5, "lat": 22.5, "onset": T0 + round(second * 1000), **more
    })  # fmt: skip


TRUTHS = [
    label("well above", 60, end=T0 + 120_000),
    label("barely", 200, lon=113.9, end=T0 + 260_000),
    label("fire", 100, family="emergency.fire.call", life=True, end=T0 + 130_000),
    label("nobody saw it", 400, lon=113.6, reach_m=50),
]


def test_labels_are_found_missed_or_late_by_place_family_and_time() -> None:
    report, _, _ = judge(high(detect={"above": 15}), truths=TRUTHS)
    found = report.labels
    assert found is not None
    assert (found.base.missed, found.candidate.missed) == (["nobody saw it"], ["barely", "nobody saw it"])
    assert (found.lost, found.gained, found.candidate.life_missed) == (["barely"], [], [])
    assert found.base.delay_median_s == 10.0
    assert found.base.lead_median_s == 50.0
    assert found.base.false == report.base.shown - 3
    late, _, _ = judge(high(**{"for": {"readings": 9}}), truths=[label("slow", 60, within_s=15)])
    assert late.labels is not None
    assert (late.labels.base.late, late.labels.candidate.late) == ([], ["slow"])
    assert late.labels.later == ["slow"]


def test_what_people_said_of_incidents_counts_for_the_candidate_though_its_ids_differ() -> None:
    _, was, _ = judge(SET)
    flood_1, flood_2 = (
        next(i.id for i in was.incidents if any(m.asset == asset for m in i.members)) for asset in ("wl-1", "wl-2")
    )
    acts = ((90.0, "confirm", flood_1), (240.0, "confirm", flood_2))
    report, _, now = judge(high(detect={"above": 12}, **{"for": {"readings": 4}}), acts=acts)
    assert flood_1 not in {i.id for i in now.incidents}
    told = report.dispositions
    assert (told.confirmed, told.kept, told.missed, told.later) == (2, 1, [flood_2], [flood_1])
    assert told.lead_median_s == 20.0


def test_limits_block_by_class_by_department_and_by_life() -> None:
    nothing = Limits(peak_10min=None, life_missed=None)
    assert judge(SET, limits=nothing)[0].blocks == []
    tight = Limits(per_day=2, peak_10min=2, classes=(Class("emergency.flood.*", per_day=1), Class("eco.*", per_day=9)))
    found = {(b.limit, b.of) for b in judge(SET, limits=tight)[0].blocks}
    assert found == {("per_day", ""), ("peak_10min", ""), ("per_day", "emergency.flood.*")}
    no_fire = city(HIGH, NOISE, id="set-3")
    report, _, _ = judge(no_fire, truths=TRUTHS)
    assert [(b.limit, b.got) for b in report.blocks] == [("life_missed", 1.0)]


def test_what_was_shown_in_the_warm_up_is_not_counted() -> None:
    whole, _, _ = judge(SET)
    later, _, _ = judge(SET, since=T0 + 150_000)
    assert later.warm_up_s > 100
    assert 0 < later.base.shown < whole.base.shown


def test_the_report_is_the_same_bytes_and_shows_no_ticket() -> None:
    first, second = (encode(judge(high(detect={"above": 15}), truths=TRUTHS)[0]) for _ in range(2))
    assert first == second
    assert decode(first) == judge(high(detect={"above": 15}), truths=TRUTHS)[0]
    pages = [page(decode(first), language).decode() for language in ("zh", "en")]
    assert "http" not in "".join(pages)
    for text in ("着火", "噪音太大"):
        assert text not in first.decode() + "".join(pages)
    assert "<svg" in pages[0]
    with pytest.raises(ValueError, match="expected a report"):
        decode(b'{"format": 1}')


def test_a_row_that_raises_is_buried_alone_and_the_rest_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    from brain.lane import ReadingsLane

    want = run(log(), SET, SETTINGS)
    original = ReadingsLane.process
    victim = next(line.offset for line in lines() if line.key == "wl-3" and line.offset > 300)

    def process(self: ReadingsLane, view: Any) -> Any:
        if victim in view.batch.offsets[view.rows]:
            raise ZeroDivisionError
        return original(self, view)

    monkeypatch.setattr(ReadingsLane, "process", process)
    got = run(log(), SET, SETTINGS)
    assert got.lanes[TP("iot.telemetry", 0)].dead == {"score/agent_error": 1}
    assert got.incidents == want.incidents


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ('{"id": "a"}', "missing required field `family`"),
        ('{"id": "a", "family": "eco.x", "lon": 113, "lat": 22, "onset": 1, "colour": 2}', "colour"),
        ('{"id": "a", "family": "eco.x", "lon": 113, "lat": 22, "onset": 5, "end": 1}', "end: expected a time after"),
        ('{"id": "a", "family": "eco.x", "lon": 22, "lat": 113, "onset": 5}', "expected degrees"),
        ('{"id": "a", "family": "eco.x", "lon": 2, "lat": 13, "onset": 5}', "lon: longitude 2"),
        ('{"id": "a", "family": "", "lon": 113, "lat": 22, "onset": 5}', "family: expected an event code"),
        ('{"id": "a", "family": "eco.x", "lon": 113, "lat": 22, "onset": "2026-01-01T00:00"}', "RFC3339"),
        ("\xff", "labels.ndjson:2"),
    ],
)
def test_a_wrong_label_is_refused_with_its_line_and_place(tmp_path: Path, line: str, error: str) -> None:
    file = tmp_path / "labels.ndjson"
    good = '{"id": "x", "family": "eco.x", "lon": 113, "lat": 22, "onset": "2026-01-01T00:00:00Z"}\n'
    file.write_bytes(good.encode() + line.encode("latin-1") + b"\n")
    with pytest.raises(LabelError, match=error) as refused:
        read(file)
    assert "labels.ndjson:2" in str(refused.value)


@settings(max_examples=40, derandomize=True, deadline=None)
@given(st.binary(max_size=120))
def test_bytes_that_are_no_label_and_no_report_are_refused_in_words(raw: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "labels.ndjson"
        file.write_bytes(raw)
        with pytest.raises(LabelError):
            read(file)
    with pytest.raises(ValueError, match=r"expected a report|format"):
        decode(raw)


def test_a_log_in_which_the_set_changed_is_run_by_each_in_its_time_and_nothing_is_taken_over() -> None:
    first, second = copy(SET), high(detect={"above": 100}, levels=[])
    first.id = "sha256:first"
    half = T0 + 150_000
    rows = [line for line in lines() if line.topic != "feedback"]
    for n, line in enumerate(rows):
        found = None if line.key is not None else pulses.decode(line.value_bytes(), SETTINGS.key())
        if found is not None:
            named = pulses.encode(
                msgspec.structs.replace(found, set=first.id if found.time < half else second.id), SETTINGS.key()
            )
            rows[n] = Line.of(line.tp, line.offset, line.timestamp, None, named, line.header_pairs())
    both = recorded(rows, SETTINGS.partitions)
    assert sets_named(both, SETTINGS.key()) == [first.id, second.id]
    force = Version("recorded", first, {first.id: first, second.id: second})
    report, was, _ = backtest(both, force, Version("new", first), SETTINGS, changed=["routes.yaml"])
    assert report.ran.taken == []
    assert {m.asset for i in was.incidents for m in i.members if m.asset.startswith("wl-")} == {"wl-1"}
    assert (report.compared.gone, report.compared.new) == (0, 1)


def test_records_of_a_broker_are_taken_by_time_and_by_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    def snapshot(broker: str, wanted: list[TP]) -> Iterator[tuple[Any, ...]]:
        for line in lines():
            if line.tp in wanted:
                yield line.tp, line.offset, line.timestamp, None, line.value_bytes(), line.header_pairs()

    monkeypatch.setattr(ground, "snapshot", snapshot)
    whole = ground.read_broker("somewhere", SETTINGS, Window()).recorded
    assert whole.rows() == len(levels()) + len(calls())
    window = Window(T0 + 120_000, T0 + 180_000, 60_000, ground.offsets(["iot.telemetry/0:100-200"]))
    some = ground.read_broker("somewhere", SETTINGS, window).recorded.batches
    assert {int(o) for b in some[TP("iot.telemetry", 0)] for o in b.offsets} <= set(range(100, 200))
    times = [int(t) for several in some.values() for b in several for t in b.times]
    assert (min(times), max(times)) == (T0 + 60_000, T0 + 180_000)


def test_a_wrong_file_of_limits_is_refused_with_the_place(tmp_path: Path) -> None:
    file = tmp_path / "limits.yaml"
    for text, error in (("version: 1\npeak: 3\n", "peak"), ("- 1\n", "expected keys"), ("version: 2\n", "version")):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(limit_files.LimitError, match=error):
            limit_files.read(file)
    file.write_text("version: 1\npeak_10min: 3\nclasses: [{events: 'eco.*', per_day: 2}]\n", encoding="utf-8")
    assert limit_files.read(file) == Limits(peak_10min=3, classes=(Class("eco.*", per_day=2),))


def test_the_brain_s_own_scenarios_and_drafts_are_no_versions() -> None:
    draft = scenario(flood("new", "detect: {above: 3}\nstate: draft"))
    other = copy(SET)
    other.drafts = [draft]
    assert judge(other)[0].scenarios == []
