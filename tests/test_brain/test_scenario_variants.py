"""A district's variant: what it may change, that its base leaves it the district, and what lint says between files."""

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from brain.scenario import Scenario
from brain.scenario_kit import lock
from brain.scenario_kit.lint import lint
from brain.scenario_kit.run import run
from brain.scenario_kit.silence import speakers
from brain.scenarios import ScenarioError, load
from brain.sets import CitySet
from streams.bundle import Line, write
from streams.records import TP

DEMO = Path(__file__).parents[2] / "config" / "demo"
BASE = "emergency.flood.water_level_high"
OLD_TOWN = {
    "id": "emergency.flood.old_town", "version": 1, "extends": BASE, "name": {"zh": "老城", "en": "Old town"},
    "match": {"districts": ["990102"]}, "detect": {"above": 2}, "clear": {"below": 1.5}, "levels": [],
    "tests": [
        {"name": "lower there", "given": [{"at": 0, "asset": "wl-01", "v": [2.1, 2.1, 2.1], "every_s": 10}],
         "expect": [{"at": 20, "kind": "raise", "asset": "wl-01", "level": 1}]},
        {"name": "quiet", "given": [{"at": 0, "asset": "wl-01", "v": 2}]},
    ],
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(DEMO, tmp_path / "set")
    return tmp_path / "set"


def put(folder: Path, data: dict[str, Any], name: str = "variant") -> Path:
    path = folder / "scenarios" / "emergency" / f"{name}.yaml"
    path.write_bytes(msgspec.yaml.encode({k: v for k, v in data.items() if v is not None}))
    return path


def found(folder: Path, id_: str) -> Scenario:
    return next(s for s in load(folder / "scenarios") if s.id == id_)


def test_a_variant_says_what_differs_and_its_base_leaves_it_the_district(folder: Path) -> None:
    put(folder, OLD_TOWN)
    variant, base = found(folder, "emergency.flood.old_town"), found(folder, BASE)
    assert (variant.detect.above, variant.duration.readings, variant.match.metric) == (2, 3, "water_level")
    assert variant.owner == base.owner
    assert (base.detect.above, base.without) == (2.5, ("990102", "990103")), "the demo has a variant too"
    content = CitySet.load(folder)
    assert all(run(content, variant, case).passed() for case in variant.tests)
    assert not run(content, base, base.tests[0]).passed(), "wl-01 stands in the variant's district"
    put(folder, {**OLD_TOWN, "state": "draft"})
    assert found(folder, BASE).without == ("990103",)


def test_the_lock_holds_what_a_variant_says_and_not_what_it_takes_over(folder: Path) -> None:
    put(folder, OLD_TOWN)
    before = lock.of(load(folder / "scenarios"))
    file = folder / "scenarios" / "emergency" / "water_level_high.yaml"
    file.write_text(file.read_text().replace("readings: 3", "readings: 4"))
    changed = lock.changes(before, lock.of(load(folder / "scenarios")))
    assert [(c.id, c.kind) for c in changed] == [(BASE, "changed")]
    put(folder, {**OLD_TOWN, "detect": {"above": 1.9}, "owner": "街道"})
    changed = lock.changes(before, lock.of(load(folder / "scenarios")))
    assert [c.id for c in changed] == ["emergency.flood.old_town", BASE]


@pytest.mark.parametrize(("change", "code", "message"), [
    ({"domain": "eco"}, "contradicts", "domain: a variant takes it over"),
    ({"match": {"districts": ["990102"], "type": "air"}}, "contradicts", "match.type"),
    ({"match": {}}, "contradicts", "match.districts"),
    ({"detect": {"below": 2}}, "contradicts", "it has no below"),
    ({"detect": {"detector": "drift"}}, "contradicts", "detect.detector"),
    ({"extends": "emergency.flood.gone"}, "removed_but_used", "no scenario is"),
    ({"own": {"a": 1}}, "unknown_key", "own"), ({"without": ["990102"]}, "unknown_key", "without"),
    ({"match": 3}, "contradicts", "keys and values"), ({"match": {"districts": [990102]}}, "contradicts", "quotes"),
])  # fmt: skip
def test_anything_else_in_a_variant_is_refused_with_its_place(
    change: dict[str, Any], code: str, message: str, folder: Path
) -> None:
    path = put(folder, {**OLD_TOWN, **change})
    with pytest.raises(ScenarioError, match=message):
        load(folder / "scenarios")
    assert code in {f.code for f in lint(folder, [path])}


def test_two_live_variants_of_one_district_are_refused_and_one_that_differs_in_nothing_is_told(folder: Path) -> None:
    put(folder, OLD_TOWN)
    other = put(folder, {**OLD_TOWN, "id": "emergency.flood.other"}, "other")
    assert [f.code for f in lint(folder, [other]) if f.severity == "error" and f.code != "not_locked"] == ["doubled"]
    with pytest.raises(ScenarioError, match=r"other\.yaml: match\.districts"):
        load(folder / "scenarios")
    other.unlink()
    same = put(folder, {**OLD_TOWN, "detect": None, "clear": None, "levels": None})
    assert "shadowed" in {f.code for f in lint(folder, [same])}


BOTH: dict[str, Any] = {
    "id": "emergency.flood.both", "version": 1, "name": {"zh": "两者", "en": "Both"}, "domain": "emergency",
    "event_code": "emergency.flood.level", "source": "signals", "match": {},
    "detect": {"combine": "and", "of": [{"scenario": BASE}, {"scenario": "emergency.flood.waterlogging"}],
               "within_s": 600, "within_m": 3000},
}  # fmt: skip


@pytest.mark.parametrize(("part", "match", "code"), [
    ({"scenario": "emergency.flood.gone"}, {}, "removed_but_used"),
    ({"scenario": BASE, "level_from": 4}, {}, "never_true"),
    ({"event": "emergency.unknown"}, {}, "removed_but_used"),
    ({"scenario": BASE}, {"districts": ["1"]}, "unknown_place"),
    ({"scenario": BASE}, {"layer": "sites"}, "unknown_place"),
    ({"scenario": BASE}, {"hours": {"days": "workday"}}, None),
])  # fmt: skip
def test_lint_finds_what_is_wrong_between_a_combination_and_its_parts(
    part: dict[str, Any], match: dict[str, Any], code: str | None, folder: Path
) -> None:
    detect = {**BOTH["detect"], "of": [*BOTH["detect"]["of"][1:], part]}
    path = put(folder, {**BOTH, "detect": detect, "match": match})
    codes = {f.code for f in lint(folder, [path])} & {"removed_but_used", "never_true", "unknown_place", "set"}
    assert codes == ({code} if code else set())


def test_lint_warns_of_a_part_that_does_not_run_and_refuses_a_retired_one(folder: Path) -> None:
    path, file = put(folder, BOTH), folder / "scenarios" / "emergency" / "waterlogging.yaml"
    text = file.read_text()
    file.write_text(text.replace("version: 2", "version: 2\nstate: draft"))
    assert "part_not_live" in {f.code for f in lint(folder, [path])}
    file.write_text(text.replace("version: 2", "version: 2\nstate: retired"))
    assert "removed_but_used" in {f.code for f in lint(folder, [path])}


def test_a_district_where_the_map_has_none_of_its_assets_is_told_of_the_districts_it_looks_in(folder: Path) -> None:
    path = put(folder, {**OLD_TOWN, "match": {"districts": ["990102"], "hours": {"from": "20:00"}}})
    assert "no_asset_in_district" not in {f.code for f in lint(folder, [path])}


def test_a_grade_that_no_reading_in_the_registered_range_reaches_is_found(folder: Path) -> None:
    file = folder / "assets.ndjson"
    file.write_text(file.read_text().replace('"unit": "cm", "range": [0, 300]', '"unit": "cm", "range": [0, 3]'))
    path = folder / "scenarios" / "emergency" / "waterlogging.yaml"
    assert "never_true" in {f.code for f in lint(folder, [path])}


def test_assets_that_none_of_a_bundle_heard_are_told(folder: Path, tmp_path: Path) -> None:
    said = msgspec.json.encode({"asset": "gas-01", "metric": "gas", "t": 1, "v": 2})
    lines = [Line.of(TP("iot.telemetry", 0), n, n, None, v, ()) for n, v in enumerate((said, b"{", b"[]"))]
    write(tmp_path / "b.ndjson", lines)
    heard = speakers(tmp_path / "b.ndjson")
    assert heard == {"gas-01"}
    silent = {f.id for f in lint(folder, heard=heard) if f.code == "assets_silent"}
    assert BASE in silent
    assert "emergency.gas.sensor" not in silent
    assert "emergency.gas.call" not in silent
