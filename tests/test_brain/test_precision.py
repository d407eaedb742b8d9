"""What people said of incidents counts for and against rules; a rule is changed by a named person, and in a copy."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from brain import precision, proposals, ruling
from brain.cli import app
from brain.commands import rules as command
from brain.incidents.actions import read_action
from brain.incidents.value import Act, Incident, Member, Text
from brain.precision import wilson
from brain.proposals import Proposal
from brain.scenario import Scenario
from brain.scenarios import read
from brain.sets import digest
from streams.records import Signal

HIGH = """# 演示
id: eco.air.high
version: 4            # the one in force
name: {zh: 偏高, en: High}
domain: eco
event_code: eco.air.x
source: iot
match: {type: air, metric: pm25}
detect: {above: 150}   # of an hour
clear: {below: 115}
levels:
  - {level: 2, at: 250}
"""
BESIDE = """id: eco.air.beside
version: 1
name: {zh: 与邻站不一致, en: Beside}
domain: eco
event_code: eco.air.fault
source: iot
match: {type: air, metric: pm25}
detect: {detector: neighbours, score_over: 5, within_m: 3000}
"""
FIRE = HIGH.replace("eco.air.high", "eco.fire.high").replace("source: iot", "source: iot\nlife: true")
RULES = {s.id: s for s in (read(HIGH), read(BESIDE), read(FIRE))}


def incident(
    n: int, value: float, *did: str, asset: str = "a", scenario: str = "eco.air.high",
    score: float | None = None, **more: Any,
) -> Incident:  # fmt: skip
    member = Member(
        f"s{n}", asset, n, 1, "pm25", value, 150.0, score, "iot", scenario=scenario, version=4, grid="g1"
    )  # fmt: skip
    history = [Act(n + k, what, "op", id=f"act-{n}-{k}") for k, what in enumerate(did)]
    return Incident(
        id=f"inc-{n:04d}", revision=1, state=more.pop("state", "detected"), domain="eco", scenario=scenario,
        scenario_version=4, event_code="eco.air.x", name=Text(), level=1, peak_level=1, life=False, onset=n, opened=n,
        raised=n, updated=n + 9, members=[member], history=history, shown=more.pop("shown", n), **more,
    )  # fmt: skip


def all_of(*every: Incident) -> list[precision.Judged]:
    return precision.judged({i.id: i for i in every})


def proposed(*every: Incident, signals: Any = (), notes: Any = ()) -> list[Proposal]:
    return proposals.propose(all_of(*every), signals, RULES, notes)


FALSE = [incident(n, 151 + n, "false_alarm") for n in range(6)]
REAL = [incident(10 + n, 200 + 10 * n, "confirm", "resolve") for n in range(4)]


def test_the_last_word_counts_and_a_proposal_of_one_person_is_none() -> None:
    said = {
        ("confirm",): "confirmed", ("false_alarm",): "false", ("false_alarm", "reopen"): "confirmed",
        ("confirm", "false_alarm"): "false", ("propose_false_alarm",): "", ("take", "dispatch", "note"): "", (): "",
    }  # fmt: skip
    for acts, verdict in said.items():
        assert precision.verdict(incident(1, 160, *acts)).verdict == verdict, acts
    assert precision.verdict(incident(1, 160, state="false_alarm")).verdict == "false"


def test_counts_are_by_rule_asset_and_grid_with_the_undecided_the_unseen_and_an_interval() -> None:
    merged = incident(90, 160, "confirm", merged_into="inc-0001")
    found = precision.report(all_of(
        *FALSE, *REAL, incident(50, 160), incident(51, 160, shown=None), incident(52, 160, "confirm", asset="b"), merged
    ))  # fmt: skip
    (rule,) = found.rules
    assert (len(rule.confirmed), len(rule.false), rule.undecided, rule.unseen) == (5, 6, 1, 1)
    assert rule.precision == pytest.approx(5 / 11)
    assert rule.low < 5 / 11 < rule.high
    assert [(c.asset, c.decided) for c in found.assets] == [("a", 10), ("b", 1)]
    assert [(c.grid, c.decided) for c in found.grids] == [("g1", 11)]


def test_wilsons_interval_is_the_published_one_and_says_nothing_of_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(5, 10) == (pytest.approx(0.2366, abs=1e-4), pytest.approx(0.7634, abs=1e-4))
    assert wilson(0, 10) == (0.0, pytest.approx(0.2775, abs=1e-4))


@given(st.integers(0, 50), st.integers(0, 50))
@settings(max_examples=20, derandomize=True, deadline=None)
def test_the_interval_holds_the_share_and_lies_between_none_and_all(right: int, wrong: int) -> None:
    low, high = wilson(right, right + wrong)
    assert 0 <= low <= high <= 1
    if right + wrong:
        assert low - 1e-9 <= right / (right + wrong) <= high + 1e-9


def test_incidents_that_only_the_audit_still_knows_count_for_their_rule() -> None:
    notes = [
        {"what": "incident.shown", "incident": "inc-old", "scenario": "eco.air.high"},
        {"what": "feedback.done", "incident": "inc-old", "do": "false_alarm", "proposed": True},
        {"what": "feedback.done", "incident": "inc-old", "do": "confirm", "proposed": False},
        {"what": "incident.shown", "incident": "inc-moved", "scenario": "eco.air.high"},
        {"what": "feedback.done", "incident": "inc-moved", "do": "merge"},
        {"what": "feedback.done", "incident": "inc-0001", "do": "confirm"},
    ]
    old = precision.gone({"inc-0001": REAL[0]}, notes)
    assert [tuple(one) for one in old] == [("inc-old", "eco.air.high", "confirmed")]
    assert precision.report([], old).rules[0].confirmed == ["inc-old"]


def test_a_threshold_is_raised_between_the_false_and_the_confirmed_and_loses_none_of_these() -> None:
    (p,) = [p for p in proposed(*FALSE, *REAL) if p.kind == "threshold"]
    assert (p.field, p.old, p.lost) == ("above", 150.0, [])
    assert p.new is not None
    assert 156 < p.new < 200
    assert p.spared == [i.id for i in FALSE]
    assert p.kept == [i.id for i in REAL]
    assert p.acts[0] == "act-0-0"
    assert "6 false alarms fewer" in p.words.en


def test_a_confirmed_one_that_began_low_is_kept_by_its_later_values_and_told_as_later() -> None:
    signals = [
        Signal("eco.air.high", "a", kind, ("in", 0, n, 0), k, n, 0, t, t, t, value=v, threshold=150.0)  # type: ignore[arg-type]
        for k, (kind, n, t, v) in enumerate((("raise", 10, 10, 152.0), ("update", 11, 12, 260.0)))
    ]
    low = msgspec.structs.replace(REAL[0], members=[msgspec.structs.replace(REAL[0].members[0], value=152.0)])
    assert not [p for p in proposed(*FALSE, low, *REAL[1:]) if p.kind == "threshold"]
    (p,) = [p for p in proposed(*FALSE, low, *REAL[1:], signals=signals) if p.kind == "threshold"]
    assert p.later == [low.id]
    assert low.id in p.kept


def test_a_threshold_stays_below_the_first_rung_of_the_ladder() -> None:
    real = [incident(10 + n, 900, "confirm") for n in range(4)]
    (p,) = [p for p in proposed(*FALSE, *real) if p.kind == "threshold"]
    assert p.new is not None
    assert p.new < 250


def test_too_few_decisions_nothing_confirmed_or_another_threshold_give_no_proposal() -> None:
    other = [msgspec.structs.replace(i, members=[msgspec.structs.replace(i.members[0], threshold=9.0)]) for i in REAL]
    for every in ([*FALSE[:3], *REAL[:2]], [*FALSE, *FALSE], [*FALSE, *other], [*REAL, *FALSE[:2]]):
        assert not [p for p in proposed(*every) if p.kind == "threshold"]
    unknown = msgspec.structs.replace(REAL[0], members=[msgspec.structs.replace(REAL[0].members[0], value=None)])
    assert not [p for p in proposed(*FALSE, *REAL[1:], unknown) if p.kind == "threshold"]


def test_an_asset_that_is_mostly_false_is_put_aside_with_the_confirmed_ones_that_this_would_lose() -> None:
    noisy = [incident(100 + n, 160, "false_alarm", asset="z") for n in range(9)]
    right = incident(120, 220, "confirm", asset="z")
    (p,) = [p for p in proposed(*noisy, right, *REAL) if p.kind == "mute"]
    assert (p.asset, len(p.spared), p.lost) == ("z", 9, [right.id])
    assert "1 confirmed ones lost" in p.words.en


def test_an_asset_that_its_neighbours_or_its_trust_speak_against_is_to_be_calibrated() -> None:
    wrong = [incident(100 + n, 160, "false_alarm", asset="z") for n in range(3)]
    beside = [incident(200 + n, 99, asset="z", scenario="eco.air.beside", score=7.0 + n) for n in range(2)]
    (p,) = [p for p in proposed(*wrong, *beside) if p.kind == "recalibrate"]
    assert (p.asset, p.open, "always high" in p.words.en) == ("z", [i.id for i in beside], True)
    both_ways = incident(203, 99, asset="z", scenario="eco.air.beside", score=-7.0)
    assert not [p for p in proposed(*wrong, *beside, both_ways) if p.kind == "recalibrate"]
    notes = [{"what": "asset.doubted", "asset": "z", "reasons": ["drift", "noise"]}]
    (q,) = [p for p in proposed(*wrong, notes=notes) if p.kind == "recalibrate"]
    assert q.doubts == ["drift"]


def test_proposals_are_the_same_whatever_the_order_of_what_they_are_made_of() -> None:
    every = [*FALSE, *REAL, *(incident(100 + n, 160, "false_alarm", asset="z") for n in range(9))]
    assert proposed(*every) == proposed(*reversed(every))


def test_the_file_changes_in_its_threshold_and_version_and_in_nothing_else() -> None:
    (p,) = [p for p in proposed(*FALSE, *REAL) if p.kind == "threshold"]
    made = ruling.rewritten(HIGH, p)
    was, now = HIGH.splitlines(), made.splitlines()
    assert [(a, b) for a, b in zip(was, now, strict=True) if a != b] == [
        ("version: 4            # the one in force", "version: 5            # the one in force"),
        ("detect: {above: 150}   # of an hour", f"detect: {{above: {p.new:g}}}   # of an hour"),
    ]
    block = HIGH.replace("detect: {above: 150}   # of an hour", "detect:\n  above: 150  # ug/m3")
    assert f"  above: {p.new:g}  # ug/m3" in ruling.rewritten(block, p)
    for text in (HIGH.replace("above: 150", "above: 160"), made, HIGH.replace("above: 150", 'above: !!float "150"')):
        with pytest.raises(ruling.RulingError):
            ruling.rewritten(text, p)


def test_a_district_s_variant_gets_a_threshold_of_its_own_but_not_one_that_it_takes_over(tmp_path: Path) -> None:
    folder = tmp_path / "set" / "scenarios"
    folder.mkdir(parents=True)
    (folder / "high.yaml").write_text(HIGH, encoding="utf-8")
    text = (
        'id: eco.air.old_town\nversion: 2\nextends: eco.air.high\nmatch: {districts: ["990102"]}\n'
        "detect: {above: 140}\nclear: {below: 110}\n"
    )
    (folder / "old_town.yaml").write_text(text, encoding="utf-8")
    p = Proposal("prop-x", "threshold", "eco.air.old_town", 2, Text(), field="above", old=140, new=180)
    ruling.copied(tmp_path / "set", tmp_path / "next", p)
    made = (tmp_path / "next" / "scenarios" / "old_town.yaml").read_text(encoding="utf-8")
    assert made == text.replace("version: 2", "version: 3").replace("above: 140", "above: 180")
    (folder / "old_town.yaml").write_text(text.replace("detect: {above: 140}\n", ""), encoding="utf-8")
    with pytest.raises(ruling.RulingError, match="cannot be changed alone"):
        ruling.copied(tmp_path / "set", tmp_path / "other", msgspec.structs.replace(p, old=150))


def test_a_never_hidden_class_takes_two_persons_and_is_never_put_aside() -> None:
    fire = Proposal("prop-x", "threshold", "eco.fire.high", 4, Text(), two=True)
    with pytest.raises(ruling.RulingError, match="second person"):
        ruling.may(fire, "op-1", "", "why")
    with pytest.raises(ruling.RulingError, match="second person"):
        ruling.may(fire, "op-1", "op-1", "why")
    ruling.may(fire, "op-1", "op-2", "why")
    with pytest.raises(ruling.RulingError, match="never put aside"):
        ruling.may(msgspec.structs.replace(fire, kind="mute"), "op-1", "op-2", "why")
    for by, why in (("", "why"), ("op-1", " ")):
        with pytest.raises(ruling.RulingError):
            ruling.may(msgspec.structs.replace(fire, two=False), by, "", why)
    real = [incident(100 + n, 160, "false_alarm", asset="z", scenario="eco.fire.high") for n in range(9)]
    assert [p.kind for p in proposed(*real)] == []
    of_fire = [
        msgspec.structs.replace(i, scenario="eco.fire.high", members=[
            msgspec.structs.replace(m, scenario="eco.fire.high") for m in i.members])
        for i in (*FALSE, *REAL)
    ]  # fmt: skip
    assert [(p.kind, p.two) for p in proposed(*of_fire)] == [("threshold", True)]


def test_the_shelving_is_an_action_that_feedback_takes_the_same_for_the_same_moment() -> None:
    p = Proposal("prop-x", "mute", "eco.air.high", 4, Text(), asset="z")
    value = ruling.shelving(p, "op-1", "ops", "mostly false", 1_718_000_000_000)
    action = read_action(value)
    assert (action.by.id, getattr(action, "asset", ""), getattr(action, "until", 0)) == (
        "op-1", "z", 1_718_000_000_000 + ruling.SHELF_MS
    )  # fmt: skip
    assert value == ruling.shelving(p, "op-1", "ops", "mostly false", 1_718_000_000_000)


@pytest.fixture
def city(tmp_path: Path) -> SimpleNamespace:
    """A set folder, and a folder as `brain replay` writes it."""
    folder, out = tmp_path / "set", tmp_path / "out"
    (folder / "scenarios").mkdir(parents=True)
    (folder / "assets.ndjson").write_text("", encoding="utf-8")
    (folder / "scenarios" / "high.yaml").write_text(HIGH, encoding="utf-8")
    out.mkdir()
    every = [*FALSE, *REAL, *(incident(100 + n, 160, "false_alarm", asset="z") for n in range(9))]
    rows = {"incidents": [msgspec.json.encode(i) for i in every], "audit": [], "signals": []}
    for kind, lines in rows.items():
        (out / f"{kind}.ndjson").write_bytes(b"".join(line + b"\n" for line in lines))
    return SimpleNamespace(folder=folder, out=out, args=["--from", str(out), "--set", str(folder), "--lang", "en"])


def run(*args: str) -> Any:
    return CliRunner().invoke(app, ["rules", *args], env={"COLUMNS": "200"})


def test_report_and_proposals_are_told_and_applying_one_leaves_a_copy_with_its_ruling_beside(
    city: SimpleNamespace, tmp_path: Path
) -> None:
    assert "eco.air.high" in run("report", *city.args).output
    listed = msgspec.json.decode(run("propose", "--json", *city.args).stdout, type=list[Proposal])
    assert [p.kind for p in listed] == ["threshold", "mute"]
    assert listed[0].id in run("propose", *city.args).output
    made, before = tmp_path / "next", digest(city.folder)
    asked = ["apply", listed[0].id, "--by", "op-1", "--why", "too many", "--out", str(made), *city.args]
    done = run(*asked)
    assert done.exit_code == 0, done.output
    scenario: Scenario = read((made / "scenarios" / "high.yaml").read_text(encoding="utf-8"))
    assert (scenario.version, scenario.detect.above) == (5, listed[0].new)
    note = msgspec.json.decode((made / ruling.RULINGS).read_bytes())
    assert (note["by"], note["why"], note["before"], note["after"]) == ("op-1", "too many", before, digest(made))
    assert note["acts"] == listed[0].acts
    assert digest(city.folder) == before
    again = run(*asked)
    assert (again.exit_code, "is there already" in again.output) == (1, True)


def test_an_unknown_proposal_and_a_mute_without_a_brain_are_refused_with_the_way_out(city: SimpleNamespace) -> None:
    unknown = run("apply", "prop-none", "--by", "op-1", "--why", "x", *city.args)
    assert (unknown.exit_code, "run brain rules propose again" in unknown.output) == (1, True)
    listed = msgspec.json.decode(run("propose", "--json", *city.args).stdout, type=list[Proposal])
    mute = run("apply", listed[1].id, "--by", "op-1", "--why", "x", *city.args)
    assert (mute.exit_code, "needs a running brain" in mute.output) == (2, True)


def test_a_mute_sends_a_signed_action_and_an_audit_note(city: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, bytes]] = []
    past = command._read(command.load_settings(), city.out, city.folder)
    monkeypatch.setattr(command, "_read", lambda *_: past)
    monkeypatch.setattr(command, "_send", lambda _, to, key, value, headers: sent.append((to.topic, value)))
    p = past.proposals[1]
    done = run("apply", p.id, "--by", "op-1", "--why", "mostly false", "--bootstrap", "localhost:1", "--lang", "en")
    assert done.exit_code == 0, done.output
    assert [topic for topic, _ in sent] == ["feedback", "audit"]
    assert msgspec.json.decode(sent[1][1])["asset"] == "z"
