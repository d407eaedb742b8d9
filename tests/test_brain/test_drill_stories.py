"""Stories in ordinary days: the same for a seed, physical, labelled, and judged on the real pipeline."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import one_incident
import pytest
from typer.testing import CliRunner

from brain.agent_kit.chosen import Told
from brain.cli import app
from brain.drill.stories import feed, plan, report, score, sets, streets, weather
from brain.drill.stories.days import START_MS, Days, Effect, Fault
from brain.drill.stories.district import District, make
from brain.drill.stories.hold import Held, hold
from brain.drill.stories.plan import STORIES, chosen
from brain.drill.stories.types import TYPES
from brain.drill.stories.world import Happening, World
from brain.incidents.value import Member, Text
from brain.mark import marked
from brain.sets import CitySet
from streams.decode.readings import decode_readings
from streams.records import TP, Batch

SOURCE = TP("iot.telemetry", 0)


@pytest.fixture(scope="module")
def district() -> District:
    return District.load(sets.DISTRICT)


@pytest.fixture(scope="module")
def held(district: District) -> Held:
    """A few stories within three hours."""
    names = ("fire", "elevator", "food-poisoning", "short-stop", "steam", "bump-test")
    made = plan.make(district, 3, 1, [STORIES[name] for name in names], minutes=180, faulty=False)
    return hold(made)


def test_the_district_has_its_assets_each_minute_its_cameras_and_only_marked_ids(district: District) -> None:
    assert sum(TYPES[t].every_s == 60 for t in district.type if t in TYPES) >= 1_500
    assert len(district.cameras) == 100
    assert all(map(marked, district.ids))


def test_stations_know_what_lies_down_the_river(district: District) -> None:
    first = max(district.of("water_quality"), key=lambda a: len(district.below(a)))
    below = district.below(first)
    assert len(below) > 3
    for (m1, a), (m2, b) in pairwise(below):
        assert m1 <= m2
        assert first not in {s for _, s in district.below(a)} | {s for _, s in district.below(b)}


def test_ordinary_minutes_are_the_same_for_a_seed_and_within_the_registered_ranges(district: District) -> None:
    w = weather.ordinary(5, 1).settle()
    one, again = (Days(district, w, 5).chunk(40, 20).values for _ in range(2))
    assert np.array_equal(one, again, equal_nan=True)
    assert not np.array_equal(one, Days(district, w, 6).chunk(40, 20).values, equal_nan=True)
    low, high = (np.array([getattr(line.metric, side) for line in district.lines]) for side in ("low", "high"))
    assert np.all(np.isnan(one) | ((one >= low) & (one <= high)))


def test_rain_runs_off_through_the_sums_the_river_and_the_ground() -> None:
    w = weather.ordinary(1, 2)
    w.rain[:] = 0.0
    weather.shower(w.rain, 600, 60, 50.0)
    d = w.settle().driver
    assert d["mm_1h"][660] == pytest.approx(50.0, rel=0.02)
    assert d["mm_1h"][800] == pytest.approx(0.0, abs=1e-9)
    assert d["mm_6h"][800] == pytest.approx(50.0, rel=0.02)
    assert d["river"][500] == 0.0
    assert d["river"][700] > d["river"][1_400] > 0.01


def test_a_gap_sends_nothing_and_a_spike_one_value(district: District) -> None:
    line = district.line_of[district.of("smoke")[0], "smoke"]
    w = weather.ordinary(1, 1).settle()
    broken = Days(district, w, 1, (), [Fault(line, "gap", 3, 6), Fault(line, "spike", 10, 11, 9.0)])
    values = broken.chunk(0, 20).values[:, line]
    assert np.flatnonzero(np.isnan(values)).tolist() == [3, 4, 5]
    assert np.flatnonzero(values > 5).tolist() == [10]


def test_what_is_written_decodes_to_the_same_numbers_with_pulses_between(district: District) -> None:
    w = weather.ordinary(2, 1).settle()
    kept = []
    days = Days(district, w, 2, [Effect(0, 5, np.full(4, -1.5), "set")])
    beats = feed.Beats("s", b"k")
    (batch,) = feed.readings(days, 20, SOURCE, beats, kept.append)
    registry = CitySet.load(sets_of()).registry
    data = np.array([r for r in range(len(batch)) if r not in batch.headers], np.int32)
    columns, dead = decode_readings(batch, data, registry)
    assert not dead
    assert len(columns.row) == np.isfinite(kept[0].values).sum()
    assert np.all(np.diff(batch.times) >= 0)
    assert len(batch.headers) == 20 * 12 + feed.AFTER_MS // feed.PULSE_MS
    first = kept[0].values
    line = district.line_of[district.of("gas")[0], "gas"]
    asset = registry.index[district.ids[district.of("gas")[0]]]
    mine = columns.value[np.flatnonzero(registry.series_asset[columns.series] == asset)]
    assert mine == pytest.approx(first[:, line], abs=0.05 + 1e-9)


def sets_of() -> Path:
    return sets.DISTRICT


def test_batches_do_not_depend_on_how_many_were_fetched_before(district: District) -> None:
    w = weather.ordinary(2, 1).settle()

    def values(minutes: int) -> Iterator[Batch]:
        return feed.readings(Days(district, w, 2), minutes, SOURCE, feed.Beats("s", b"k"))

    assert next(values(20)).buffer[:50_000] == next(values(60)).buffer[:50_000]


def test_a_discharge_reaches_stations_in_the_order_of_the_water_and_thinner(district: District) -> None:
    world = World(district, weather.ordinary(1, 2), 2_880)
    h = Happening("discharge", 100)
    STORIES["discharge"].tell(world, np.random.default_rng(4), h)
    lines = district.lines
    clouds = [e for e in h.effects if lines[e.line].name == "nh3n"]
    assert len(clouds) >= 3
    peaks = [float(e.values.max()) for e in clouds]
    times = [e.start + int(e.values.argmax()) for e in clouds]
    assert times == sorted(times)
    assert peaks == sorted(peaks, reverse=True)


def test_plans_are_the_same_for_a_seed_and_no_two_things_of_a_family_meet(district: District) -> None:
    one, again = (plan.make(district, 9, 14, chosen(70), faulty=False) for _ in range(2))
    assert [t.id for t in one.truths] == [t.id for t in again.truths]
    assert one.calls == again.calls
    true = [h for h in one.happenings if not STORIES[h.story].decoy]
    assert len(true) >= 60
    assert all(h.stop <= one.minutes + 100 for h in true)
    assert all(not h.truths and not h.calls for h in one.happenings if STORIES[h.story].decoy)
    assert len({c.id for c in one.calls}) == len(one.calls)


def test_too_few_days_for_a_story_are_refused(district: District) -> None:
    with pytest.raises(ValueError, match="typhoon needs 2200 minutes; the drill has 1440"):
        plan.make(district, 1, 1, [STORIES["typhoon"]])


def test_every_story_is_named_in_both_languages_and_decoys_say_what_they_look_like() -> None:
    for name, s in STORIES.items():
        assert s.name == name
        assert s.zh
        assert s.en
        assert s.what_zh
        assert s.what_en
        assert not s.decoy or s.what_en.startswith("looks like")


def test_ordinary_calls_need_no_rescue() -> None:
    words = ("着火", "浓烟", "煤气味", "被困", "困人", "落水", "溺水", "食物中毒", "缺斤短两")
    assert not [text for _, _, texts in streets.ORDINARY for text in texts if any(w in text for w in words)]


def test_a_drill_finds_its_stories_marks_everything_and_refuses_nothing(held: Held) -> None:
    assert held.stories == 3
    assert held.decoys == 3
    assert held.found == 1.0
    assert held.missed_life_safety == 0
    assert held.marked
    assert held.dead == {}
    assert held.records["iot.telemetry"] > 300_000


def test_what_only_looks_like_a_story_is_quieter_than_with_plain_limits(held: Held) -> None:
    # A steam spike is of a never-hidden class and is shown by both; a bump test only by plain limits.
    assert held.false_per_day < held.peer_false_per_day
    assert "emergency.hazmat" not in held.false


def test_a_report_is_the_same_again_stands_alone_and_speaks_both_languages(held: Held) -> None:
    again = msgspec.json.decode(msgspec.json.encode(held), type=Held)
    for lang, word in (("zh", "演练"), ("en", "a drill")):
        page = report.html(again, lang)
        assert page == report.html(held, lang)
        assert word in page
        assert "<script" not in page
        assert "http" not in page
        assert word in next(iter(report.lines(held, lang)))


def test_a_drill_of_nothing_that_is_true_has_a_result_and_it_is_read_again(district: District) -> None:
    held = hold(plan.make(district, 3, 1, [STORIES["steam"]], minutes=80, faulty=False))
    assert (held.stories, held.decoys, held.truths) == (0, 1, [])
    assert held.shown == 1  # a never-hidden class is shown at once
    assert held.delay_median_s is None
    assert msgspec.json.decode(msgspec.json.encode(held), type=Held) == held
    assert report.summary(held, "en")[2] == ("median delay", "–", "–")


def test_a_set_without_scenarios_is_no_rule_book(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected the folder of a set, with scenarios"):
        sets.compose(tmp_path / "out", tmp_path)


@pytest.mark.parametrize("text", ["id: [", "version: 1"])
def test_a_set_with_a_broken_scenario_is_refused_with_its_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "bad.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"bad\.yaml: "):
        sets.compose(tmp_path / "out", tmp_path)


def test_the_command_lists_stories_and_reports_a_result(held: Held, tmp_path: Path) -> None:
    run = CliRunner().invoke
    assert "氯气泄漏" in run(app, ["drill", "list"]).output
    assert "Landslide" in run(app, ["drill", "list", "--lang", "en"]).output
    path, page = tmp_path / "drill.json", tmp_path / "drill.html"
    path.write_bytes(msgspec.json.encode(held))
    told = run(app, ["drill", "report", str(path), "--html", str(page), "--lang", "en"])
    assert told.exit_code == 0
    assert "life-safety missed" in told.output
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    path.write_text("{}", encoding="utf-8")
    assert run(app, ["drill", "report", str(path)]).exit_code != 0
    assert run(app, ["drill", "run", "no-such-story"]).exit_code != 0


@pytest.mark.long
def test_the_committed_district_is_what_the_generator_makes(tmp_path: Path) -> None:
    make(tmp_path)
    for path in sorted(tmp_path.iterdir()):
        assert path.read_bytes() == (sets.DISTRICT / path.name).read_bytes(), path.name


@pytest.mark.long
def test_three_days_of_stories_are_found_and_no_life_is_missed(district: District) -> None:
    held = hold(plan.make(district, 2, 3, chosen(24)))
    assert held.missed_life_safety == 0
    assert held.found >= 0.85
    assert held.false_per_day < held.peer_false_per_day
    assert held.dead == {}
    assert min(t.onset for t in held.truths) > START_MS


@pytest.mark.parametrize("story", ["downpour", "typhoon"])
def test_no_street_floods_twice_in_one_story_so_that_each_flood_can_be_found(district: District, story: str) -> None:
    for seed in (4, 5):
        (told,) = plan.make(district, seed, 3, [STORIES[story]], faulty=False).happenings
        floods = {t.id for t in told.truths if t.family == "emergency.flood" and not t.reach_m}
        flooded = [m.asset for m in told.marks if m.truth in floods]
        assert len(flooded) == len(set(flooded)) == len(floods)


def test_what_an_agent_of_the_city_raises_counts_by_the_asset_that_it_names(district: District) -> None:
    made = plan.make(district, 3, 1, [STORIES["elevator"]], minutes=180, faulty=False)
    (truth,) = made.truths
    mark = made.marks[0]
    lift, at = district.ids[mark.asset], truth.onset + 180_000
    scenario = "market.elevator.entrapment"
    ours = Member(f"{scenario}|{lift}|city/1/{at}/0", lift, truth.onset, scenario=scenario, source="iot")
    lanes = Member("market.elevator.stands|x|iot.telemetry/0/7/0", "x", truth.onset, scenario="market.elevator.stands")
    event = Told(scenario, 2, Text("困", "Trapped"), "market", "market.elevator", True)
    found = score.of_city([event], [one_incident.make(members=[ours, lanes])])
    assert [(s.identity(), s.t, s.onset, s.life) for s in found] == [(ours.id, at, truth.onset, True)]
    assert [score.Labels(made, []).of(s) for s in found] == [truth.id]


def agents_of(folder: Path, agents: str) -> Path:
    """The demo's rules with other agents."""
    shutil.copytree(sets.RULES, folder)
    (folder / "agents.yaml").write_text(f"version: 1\nagents:\n{agents}", encoding="utf-8")
    return folder


def test_a_drill_has_the_districts_agents_and_those_of_its_rules_that_the_district_can_feed(tmp_path: Path) -> None:
    rules = agents_of(tmp_path / "rules", (
        "  - {id: emergency.gas.plume, version: 2, params: {at: 20}}\n  - {id: emergency.crowd.site, version: 1}\n"
        "  - {id: emergency.hazmat.vehicle, version: 1}\n"
    ))  # fmt: skip
    left = sets.compose(tmp_path / "out", rules)
    assert left["emergency.hazmat.vehicle"] == "no asset of type hazmat_vehicle"
    assert left["emergency.crowd.site"] == "the district's map has no site"
    agents = {agent.id: agent for agent in CitySet.load(tmp_path / "out").agents}
    assert set(agents) == {
        "eco.complaints.sensed", "emergency.gas.plume", "market.elevator.entrapment", "market.food.cold_kitchen"
    }  # fmt: skip
    assert agents["emergency.gas.plume"].params["at"] == 20  # as the rules have it, not the district


def test_an_agent_whose_event_codes_the_drilled_rules_do_not_know_is_left_out_and_told(tmp_path: Path) -> None:
    rules = agents_of(tmp_path / "rules", "  []\n")
    text = (rules / "events.yaml").read_text("utf-8")
    lines = [line for line in text.splitlines() if "emergency.gas.plume" not in line]
    (rules / "events.yaml").write_text("\n".join(lines), encoding="utf-8")
    assert sets.compose(tmp_path / "out", rules)["emergency.gas.plume"] == "events.yaml has no emergency.gas.plume"
    assert "emergency.gas.plume" not in (tmp_path / "out" / "agents.yaml").read_text("utf-8")
