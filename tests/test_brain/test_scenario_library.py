"""The library: every scenario's tests hold on the real pipeline, its lock and its page are those of its files."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from brain.cli import app
from brain.scenario import Scenario
from brain.scenario_form import DOMAINS
from brain.scenario_kit import library, lock
from brain.scenario_kit.index import kind, page
from brain.scenario_kit.lint import lint
from brain.scenario_kit.run import run
from brain.sets import CitySet
from brain.settings import HOME

OWN = library.own()
LOCK = library.LIBRARY / lock.NAME


@cache
def demo() -> CitySet:
    content = CitySet.load(HOME / "config" / "demo")
    content.drafts = [*content.drafts, *OWN]  # parts of combinations, and bases of variants
    return content


@pytest.mark.parametrize("s", OWN, ids=lambda s: s.id)
def test_every_scenario_of_the_library_fires_where_it_should_and_stays_quiet_where_it_should(s: Scenario) -> None:
    assert {bool(case.expect) for case in s.tests} == {True, False}
    for case in s.tests:
        outcome = run(demo(), s, case)
        assert outcome.passed(), (case.name, outcome.pairs(), outcome.refused)


def test_a_scenario_of_the_library_that_changed_has_a_new_version() -> None:
    assert not lock.changes(lock.read(LOCK), lock.of(OWN)), "brain scenario lock --set config/scenarios"


def test_the_page_is_that_of_the_library() -> None:
    committed = HOME / "docs" / "scenario-library.md"
    assert committed.read_text(encoding="utf-8") == page(library.whole()), f"brain scenario index --write {committed}"


def test_the_command_prints_the_page_and_writes_it(tmp_path: Path) -> None:
    printed = CliRunner().invoke(app, ["scenario", "index"])
    assert printed.exit_code == 0
    assert CliRunner().invoke(app, ["scenario", "index", "--write", str(tmp_path / "page.md")]).exit_code == 0
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == printed.output


def test_every_scenario_has_both_languages_an_owner_a_basis_and_an_event_that_is_known() -> None:
    found = lint(HOME / "config" / "demo", sorted(library.paths(library.LIBRARY).values()))
    # Which assets there are is the taking set's.
    ground = {"no_asset", "no_asset_in_district", "never_true", "rung_unreachable", "unknown_place"}
    waiting = {s.id for s in OWN if s.state == "draft"}  # combinations of what is in shadow
    bad = [f for f in found if f.code not in ground and not (f.code == "part_not_live" and f.id in waiting)]
    assert [f.text("en") for f in bad] == []


def test_the_library_covers_six_domains_and_looks_in_many_ways() -> None:
    every = library.whole()
    assert {s.domain for s in every} == set(DOMAINS)
    assert {s.source for s in every} == {"iot", "video", "hotline", "signals"}
    same = Counter((s.source, s.match.type, s.match.metric, kind(s), s.event_code, s.detect.of) for s in every)
    assert max(same.values()) <= 2, same.most_common(3)
