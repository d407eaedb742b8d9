"""A scenario's way: only allowed steps, by evidence and named persons; each makes a set beside the one before it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from brain import promotion, ruling
from brain.cli import app
from brain.commands import promote
from brain.explain.trail import written
from brain.incidents.value import Act, Incident, Member, Text
from brain.promotion import PromotionError, Step
from brain.proposals import Proposal
from brain.ruling import RULINGS
from brain.scenario import Scenario
from brain.scenario_form import State
from brain.scenario_kit.lock import hash_of
from brain.scenarios import read
from brain.sets import CitySet, digest
from brain.settings import Settings
from brain.unfit import Unfit
from brain.versus import Versus, versus
from brain.versus_page import page

DEMO = Path(__file__).parents[2] / "config" / "demo"
AIR = """
id: eco.air.trial_run
version: 1
state: draft   # as new writes it
name: {zh: 试, en: Try}
domain: eco
event_code: eco.air
owner: x
source: iot
match: {type: air, metric: no2, unit: "ug/m3"}
detect: {above: 1600}
clear: {below: 1400}
tests:
  - {name: fires, given: [{at: 0, asset: air-01, v: 1800}], expect: [{at: 0, kind: raise, asset: air-01, level: 1}]}
"""
BOTH = """
id: eco.air.both
version: 1
name: {zh: 两, en: Both}
domain: eco
event_code: eco.air
source: signals
detect: {combine: and, of: [{event: eco.air}, {event: eco.noise}], within_s: 60, same: grid}
tests: [{name: quiet, given: [{at: 0, asset: air-01, metric: no2, v: 1}]}]
"""
FILE = "scenarios/eco/air_trial_run.yaml"


def scenario(state: State = "draft", **more: object) -> Scenario:
    return msgspec.structs.replace(read(AIR), state=state, **more)


def step(to: State, second: str = "", district: str = "", undo: bool = False) -> Step:
    return Step("eco.air.trial_run", to, "duty", "because", second, district, undo)


def proof(kind: str = "minor", **more: object) -> promotion.Evidence:
    told = {"id": "eco.air.trial_run", "now": 1, "now_hash": hash_of(scenario()), "kind": kind, **more}
    return promotion.evidence(json.dumps({"scenarios": [told], "blocks": [], "more": "is not read"}).encode())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    shutil.copytree(DEMO, tmp_path / "demo")
    (tmp_path / "demo" / FILE).write_text(AIR, encoding="utf-8")
    return tmp_path / "demo"


@pytest.mark.parametrize(
    ("state", "to"), [("draft", "live"), ("draft", "trial"), ("live", "draft"), ("shadow", "shadow")]
)
def test_only_the_steps_of_the_way_are_taken(state: State, to: State) -> None:
    with pytest.raises(PromotionError, match="expected --to"):
        promotion.check(scenario(state), step(to, "other", "d" if to == "trial" else ""), proof(), 0)


def test_a_combination_goes_the_way_of_all_others_through_shadow_and_trial() -> None:
    both = read(BOTH)
    told = [{"id": both.id, "now": 1, "now_hash": hash_of(both), "kind": "minor"}]
    shown = promotion.evidence(json.dumps({"scenarios": told, "blocks": []}).encode())
    steps = [
        ("draft", "shadow"), ("shadow", "trial"), ("trial", "trial"), ("trial", "live"), ("shadow", "live"),
        ("live", "trial"), ("live", "shadow"), ("trial", "shadow"), ("live", "retired"), ("retired", "shadow"),
    ]  # fmt: skip
    for state, to in steps:
        there = msgspec.structs.replace(both, state=state)  # type: ignore[arg-type]  # one of the five
        promotion.check(there, step(to, district="d1" if to == "trial" else ""), shown, 0)  # type: ignore[arg-type]
    with pytest.raises(PromotionError, match="expected --to shadow, got live"):
        promotion.check(msgspec.structs.replace(both, state="draft"), step("live"), shown, 0)
    with pytest.raises(PromotionError, match="got nothing"):
        promotion.check(msgspec.structs.replace(both, state="shadow"), step("trial", district="d1"), None, 0)


def test_a_combination_on_trial_is_a_set_with_a_note_and_one_without_a_place_is_refused_and_told_why(
    home: Path,
) -> None:
    (home / FILE).write_text(BOTH.replace("version: 1", "version: 1\nstate: shadow"), encoding="utf-8")
    told = [{"id": "eco.air.both", "now": 1, "now_hash": hash_of(read(BOTH)), "kind": "minor"}]
    shown = promotion.evidence(json.dumps({"scenarios": told, "blocks": []}).encode())
    to_trial = step("trial", district="990102")._replace(id="eco.air.both")
    done = promotion.taken(home, home.with_name("demo-2"), to_trial, shown, 7)
    note = msgspec.json.decode(done.note)
    assert (note["what"], note["from"], note["to"], note["district"]) == (
        "scenario.promoted", "shadow", "trial", "990102",
    )  # fmt: skip
    assert note["evidence"] == shown.hash
    assert [s.trial.district for s in CitySet.load(done.folder).running() if s.trial] == ["990102"]
    summed = AIR.replace("trial_run", "summed").replace("{above: 1600}", "{sum_over: 1600, by: city}")
    (home / "scenarios" / "eco" / "air_summed.yaml").write_text(summed, encoding="utf-8")
    of = BOTH.replace("{event: eco.air}", "{scenario: eco.air.summed}").replace("same: grid", "same: city")
    (home / FILE).write_text(of.replace("version: 1", "version: 1\nstate: shadow"), encoding="utf-8")
    with pytest.raises(PromotionError, match=r"it cannot be on trial: its place is that of eco.air.summed"):
        promotion.taken(home, home.with_name("demo-3"), to_trial, shown, 8)
    assert sorted(p.name for p in home.parent.iterdir()) == ["demo", "demo-2"]


def test_people_see_it_only_by_evidence_of_this_very_content() -> None:
    shadow = scenario("shadow")
    promotion.check(shadow, step("live"), proof(), 0)
    promotion.check(shadow, step("trial", district="d1"), proof(), 0)
    for shown, why in (
        (None, "got nothing"), (proof(id="eco.other"), "says nothing of"), (proof(now=2), "judge it anew"),
        (proof(now_hash="0"), "judge it anew"),
    ):  # fmt: skip
        with pytest.raises(PromotionError, match=why):
            promotion.check(shadow, step("live"), shown, 0)
    blocked = msgspec.structs.replace(proof(), blocks=[{"limit": "life_missed"}])
    with pytest.raises(PromotionError, match="limits were not kept"):
        promotion.check(shadow, step("live"), blocked, 0)
    with pytest.raises(PromotionError, match="expected the JSON"):
        promotion.evidence(b"[1]")


def test_a_major_change_and_a_never_hidden_class_take_two_persons_whatever_is_done() -> None:
    for s, to, shown in (
        (scenario("shadow"), "live", proof("major")), (scenario("live", life=True), "retired", None),
        (scenario("draft", life=True), "shadow", None),
    ):  # fmt: skip
        for second in ("", "duty"):
            with pytest.raises(PromotionError, match="a second person"):
                promotion.check(s, step(to, second), shown, 0)  # type: ignore[arg-type]  # one of the five
        promotion.check(s, step(to, "deputy"), shown, 0)  # type: ignore[arg-type]  # the same


def test_tests_that_fail_or_are_not_there_hold_it_up_but_never_its_way_back() -> None:
    with pytest.raises(PromotionError, match="do not pass"):
        promotion.check(scenario(), step("shadow"), None, 1)
    with pytest.raises(PromotionError, match="no tests"):
        promotion.check(scenario(tests=()), step("shadow"), None, 0)
    promotion.check(scenario("live", tests=()), step("shadow"), None, 0)


def test_a_step_is_a_new_set_in_which_one_file_differs_and_it_can_be_taken_back(home: Path) -> None:
    before = {p: p.read_bytes() for p in home.rglob("*") if p.is_file()}
    one = promotion.taken(home, home.with_name("demo-2"), step("shadow"), None, 7)
    assert {p: p.read_bytes() for p in home.rglob("*") if p.is_file()} == before
    changed = [p.relative_to(home) for p in before if (one.folder / p.relative_to(home)).read_bytes() != before[p]]
    assert sorted(map(str, changed)) == ["scenarios.lock", FILE]
    assert (one.folder / FILE).read_text() == AIR.replace("state: draft   # as new writes it", "state: shadow")
    assert CitySet.load(one.folder).running()[-1].id == "eco.air.trial_run"
    on_trial = step("trial", district="990102")
    two = promotion.taken(one.folder, home.with_name("demo-3"), on_trial, proof(), 8)
    assert written(two.folder)["eco.air.trial_run"].scenario.trial is not None
    note = msgspec.json.decode(two.note)
    assert (note["before"], note["after"]) == (one.set, two.set) == (digest(one.folder), digest(two.folder))
    assert (note["by"], note["why"], note["evidence"]) == ("duty", "because", proof().hash)
    to, district = promotion.before_last(two.folder, "eco.air.trial_run")
    three = promotion.taken(two.folder, home.with_name("demo-4"), step(to, district=district, undo=True), None, 9)
    assert three.set == one.set, "the same bytes, the same set"
    assert len((three.folder / RULINGS).read_bytes().splitlines()) == 3


def test_a_district_that_the_map_lacks_leaves_no_folder(home: Path) -> None:
    shadow = promotion.taken(home, home.with_name("demo-2"), step("shadow"), None, 7).folder
    with pytest.raises(PromotionError, match="--district: nowhere: the map has"):
        promotion.taken(shadow, home.with_name("demo-3"), step("trial", district="nowhere"), proof(), 8)
    assert sorted(p.name for p in home.parent.iterdir()) == ["demo", "demo-2"]


def test_a_variant_that_goes_live_takes_the_place_of_the_one_it_shadows_and_gives_it_back(home: Path) -> None:
    old = "eco.water.class"
    (home / FILE).write_text(AIR.replace("state: draft   # as new writes it", f"state: shadow\nshadow_of: {old}"))
    live = promotion.taken(home, home.with_name("demo-2"), step("live"), proof(), 7).folder
    assert {id_: written(live)[id_].scenario.state for id_ in (old, "eco.air.trial_run")} == {
        old: "retired", "eco.air.trial_run": "live",
    }  # fmt: skip
    back = promotion.taken(live, home.with_name("demo-3"), step("shadow", undo=True), None, 8).folder
    assert {id_: written(back)[id_].scenario.state for id_ in (old, "eco.air.trial_run")} == {
        old: "live", "eco.air.trial_run": "shadow",
    }  # fmt: skip


def test_what_is_brought_in_is_a_draft_and_never_replaces_what_people_see(home: Path, tmp_path: Path) -> None:
    (home / FILE).unlink()
    file = tmp_path / "mine.yaml"
    file.write_text(AIR)
    new = promotion.brought(home, file)
    made = promotion.taken(home, home.with_name("demo-2"), step("shadow"), None, 7, new)
    assert written(made.folder)["eco.air.trial_run"].scenario.state == "shadow"
    file.write_text(AIR.replace("state: draft", "state: live"))
    with pytest.raises(PromotionError, match="expected state: draft"):
        promotion.brought(home, file)
    live = next(w for w in written(home).values() if w.scenario.state == "live")
    file.write_text(f"{live.text}state: draft\n")
    with pytest.raises(PromotionError, match="its own id and shadow_of"):
        promotion.brought(home, file)


def test_tests_of_a_step_are_run_without_the_districts_that_variants_have_taken(home: Path) -> None:
    file = home / "scenarios" / "emergency" / "water_level_high.yaml"
    upland = "\n  - {name: the upland has its own, given: [{at: 0, asset: wl-04, v: [2.6, 2.6, 2.6], every_s: 10}]}\n"
    file.write_text(file.read_text(encoding="utf-8").rstrip() + upland, encoding="utf-8")
    base = written(home)["emergency.flood.water_level_high"].scenario
    assert base.tests[-1].name == "the upland has its own"
    assert promote._failed(Settings(), home, base) == 0


def test_why_a_step_or_a_proposal_is_not_taken_is_said_in_both_languages(home: Path, tmp_path: Path) -> None:
    high = Proposal("prop-x", "threshold", "eco.air.trial_run", 1, Text(), field="above", old=1600, new=1700)
    life = msgspec.structs.replace(high, two=True)
    told: list[tuple[Callable[[], object], str, str]] = [
        (
            lambda: ruling.may(high, " ", "", "why"),
            "--by: 应写明决定人, 实为空", "--by: expected who decides it, got nothing",
        ), (
            lambda: ruling.may(life, "duty", "duty", "why"),
            "eco.air.trial_run 属于不可隐藏类别: 须由 duty 以外的第二人批准 (--second)",
            "eco.air.trial_run is of a never-hidden class: it takes a second person, by --second, other than duty",
        ), (
            lambda: ruling.rewritten(AIR, msgspec.structs.replace(high, version=2, old=1500), "a.yaml"),
            ("a.yaml: 应为 eco.air.trial_run 第 2 版, detect.above 为 1500; 实为 eco.air.trial_run 第 1 版, "
            "值为 1600.0: 请按其历史重新得出建议"),
            ("a.yaml: expected eco.air.trial_run version 2 with detect.above 1500, got eco.air.trial_run version 1 "
            "with 1600.0: judge its past anew"),
        ), (
            lambda: ruling.copied(home, tmp_path, high),
            f"{tmp_path}: 已经存在; 应为尚不存在的目录", f"{tmp_path}: is there already; expected a folder that is not",
        ), (
            lambda: promotion.check(scenario("live"), step("draft"), None, 0),
            "eco.air.trial_run: 状态为 live; --to 应为 trial, shadow, retired, 实为 draft",
            "eco.air.trial_run: is live; expected --to trial, shadow, retired, got draft",
        ), (
            lambda: promotion.check(scenario("shadow"), step("live"), proof("major"), 0),
            "eco.air.trial_run: 可能漏报或更晚报出, 属主要变更; 须由 duty 以外的第二人批准 (--second)",
            ("eco.air.trial_run: may catch less, or later: a major change; it takes a second person, by --second, "
            "other than duty"),
        ), (
            lambda: promotion.check(scenario("retired"), step("live"), None, 0),
            "eco.air.trial_run: 已停用; 只能先回到影子 (shadow), 或用 brain scenario rollback 恢复",
            "eco.air.trial_run: is retired; it comes back through shadow, or by brain scenario rollback",
        ), (
            lambda: promotion.evidence(b"[1]"),
            "--evidence: 依据应为回测或 brain scenario shadow 的 JSON: 应为 object, 实为 array",
            "--evidence: expected the JSON of a backtest or of brain scenario shadow: Expected `object`, got `array`",
        ), (
            lambda: promotion.before_last(home, "eco.air.trial_run"),
            f"{home}: 其中没有 eco.air.trial_run 可回退的步骤 (请用 promote --to 写明状态)",
            f"{home}: it tells of no step of eco.air.trial_run that could be taken back (promote --to STATE)",
        ),
    ]  # fmt: skip
    for act, zh, en in told:
        with pytest.raises(Unfit) as refused:
            act()
        assert (refused.value.text("zh"), str(refused.value)) == (zh, en)


@pytest.mark.parametrize(
    ("args", "zh", "en"),
    [
        (["retire", "eco.none"], "其中没有场景 eco.none", "it has no scenario eco.none"),
        (["promote", "eco.none", "--to", "up"], "--to: 应为 draft", "--to: expected one of draft"),
        (["rollback", "eco.none"], "其中没有 eco.none 可回退的步骤", "it tells of no step of eco.none"),
    ],
)
def test_the_commands_say_it_in_the_language_that_was_chosen(home: Path, args: list[str], zh: str, en: str) -> None:
    asked = ["scenario", *args, "--by", "duty", "--why", "because", "--set", str(home)]
    for language, says in (("zh", zh), ("en", en)):
        done = CliRunner().invoke(app, [*asked, "--lang", language])
        assert done.exit_code
        assert says in " ".join(done.output.split())


def incident(id: str, scenario: str, onset: int, asset: str, level: int = 2, said: str = "") -> Incident:
    made = Incident(
        id=id, revision=1, state="detected", domain="eco", scenario=scenario, scenario_version=1, event_code="eco.air",
        name=Text(), level=level, peak_level=level, life=False, onset=onset, opened=onset + 500, raised=onset,
        updated=onset, family="eco.air", shown=onset, lead_name=Text("生态环境局", ""),
        members=[Member(f"{scenario}|{asset}|x/0/{onset}/0", asset, onset, scenario=scenario)],
    )  # fmt: skip
    if said:
        made.history = [Act(onset, said, id="a")]
    return made


def test_a_comparison_says_what_both_found_what_one_alone_and_of_which_kind_the_change_is() -> None:
    hour = 3_600_000
    day = 24 * hour
    s = scenario("shadow", shadow_of="eco.air.old")
    live = [
        incident("l1", "eco.air.old", day, "a", said="confirm"), incident("l2", "eco.air.old", day + hour, "b"),
        incident("l3", "eco.air.old", 2 * day, "c", said="false_alarm"), incident("l4", "eco.other", day, "a"),
    ]  # fmt: skip
    shadow = [incident("s1", s.id, day - 60_000, "a"), incident("s2", s.id, 3 * day, "d"), incident("s3", "no", 5, "a")]
    got = versus(s, live, shadow)
    assert (got.both, got.only_live, got.only_shadow) == ([("l1", "s1")], ["l2", "l3"], ["s2"])
    assert (got.lead_s, got.confirmed_found, got.false_found, got.precision) == ([60.0], 1, 0, 1.0)
    assert [(d.day, d.both, d.live, d.shadow) for d in got.days] == [
        ("1970-01-02", 1, 1, 0), ("1970-01-03", 0, 1, 0), ("1970-01-04", 0, 0, 1),
    ]  # fmt: skip
    assert [(w.lead, w.live, w.shadow) for w in got.load] == [("生态环境局", 3, 2)]
    assert got.scenarios[0].kind == "major", "l2 would be lost, and nobody said that it was false"
    assert versus(s, live[:1], shadow).scenarios[0].kind == "minor"
    assert versus(s, live[:1], shadow[:1]).scenarios[0].kind == "patch"
    assert versus(s, [], shadow).scenarios[0].kind == "major", "nothing to judge by"
    assert versus(scenario("shadow"), live, shadow).scenarios[0].kind == "new"
    promotion.check(s, step("live", "deputy"), promotion.evidence(msgspec.json.encode(got)), 0)
    assert msgspec.json.decode(msgspec.json.encode(got), type=Versus) == got


def test_the_page_stands_alone_and_shows_no_foreign_markup() -> None:
    s = scenario("shadow")
    bad = incident("<script>", s.id, 5, "a")
    bad.lead_name = Text("<b>x</b>", "")
    text = page(versus(s, [], [bad]), "en")
    assert "<script" not in text
    assert "<b>" not in text
    assert "http" not in text
    assert "<svg" in text
    assert page(versus(s, [], [])).startswith("<!doctype html>")
