"""Scenario files: what the shipped ones promise, and what a wrong one is told."""

from pathlib import Path

import pytest

from brain.scenarios import ScenarioError, load, read

DEMO = Path(__file__).parents[2] / "config" / "demo" / "scenarios"
GOOD = """
id: eco.water.do_low
version: 1
name: {zh: 溶解氧偏低, en: Oxygen low}
domain: eco
event_code: eco.water.do
source: iot
match: {type: water_quality, metric: do}
detect: {below: 3}
clear: {above: 4}
"""
CALL = """
id: emergency.fire.call
version: 1
name: {zh: 火情, en: Fire}
domain: emergency
event_code: emergency.fire.call
source: hotline
match: {words: [着火]}
detect: {words: any}
"""


def test_the_demo_has_scenarios_over_three_inputs_and_three_domains_in_both_languages() -> None:
    shipped = load(DEMO)
    assert len(shipped) >= 6
    assert {s.source for s in shipped} == {"iot", "video", "hotline", "signals"}
    assert {s.domain for s in shipped} >= {"emergency", "market", "eco"}
    assert all(s.name.zh and s.name.en for s in shipped)
    assert [s.id for s in shipped] == sorted(s.id for s in shipped)


@pytest.mark.parametrize(
    ("was", "now", "says"),
    [
        ("below: 3", "below: 3.0 mg", r"f\.yaml: detect\.below: expected .*'3\.0 mg' \(did you mean 3\?\)"),
        ("detect:", "detct:", r"detct: unknown key 'detct' \(did you mean 'detect'\?\)"),
        ("below: 3", "belw: 3", r"detect\.belw: unknown key 'belw' \(did you mean 'below'\?\)"),
        ("below: 3", "below: 3, above: 9", "expected one of .* got above and below"),
        ("domain: eco", "domain: ecco", r"domain: invalid enum value 'ecco' \(did you mean 'eco'\?\)"),
        ("id: eco.water", "id: market.water", "expected to begin with its domain 'eco'"),
        ("above: 4", "above: 2", "clear: expected the safe side of"),
        ("above: 4", "below: 2", r"clear\.below: expected above or quiet_s"),
        ("below: 3", "count_over: 3", r"detect\.count_over: only for source hotline"),
        (", metric: do", "", "match: expected type and metric"),
        ("version: 1", "version: [", "not YAML"),
    ],
)
def test_a_wrong_file_is_told_where_what_was_expected_and_what_came(was: str, now: str, says: str) -> None:
    with pytest.raises(ScenarioError, match=says):
        read(GOOD.replace(was, now), "f.yaml")


@pytest.mark.parametrize(
    ("was", "now", "says"),
    [
        ("words: any", "above: 3", "expected count_over, words, ticket, mass, topic, or detector surge or scan"),
        ("words: [着火]", "type: x, metric: y", "expected words, class, urgency_from or mood_below for source hotline"),
        ("words: any", "count_over: 3", "go together"),
        ("words: any", "count_over: 0, window_s: 5", "at least 1"),
    ],
)
def test_a_hotline_scenario_needs_words_and_a_count_or_each(was: str, now: str, says: str) -> None:
    with pytest.raises(ScenarioError, match=says):
        read(CALL.replace(was, now), "f.yaml")


def test_an_id_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "b.yaml").write_text(GOOD)
    with pytest.raises(ScenarioError, match="there already"):
        load(tmp_path)
