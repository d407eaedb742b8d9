"""Lint, lock, the form of a new scenario, and what the commands say."""

import functools
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml
from scenario_forms import GOOD
from typer.testing import CliRunner

from brain.cli import app
from brain.scenario_kit import lock, schema
from brain.scenario_kit.codes import CODES
from brain.scenario_kit.findings import Ground, of_one
from brain.scenario_kit.lines import layout, line_of
from brain.scenario_kit.lint import lint
from brain.scenario_kit.relations import shadowed
from brain.scenarios import load, of
from brain.sets import CitySet

DEMO = Path(__file__).parents[2] / "config" / "demo"
FILES = sorted((DEMO / "scenarios").rglob("*.yaml"))
runner = CliRunner()


@functools.cache
def ground() -> Ground:
    content = CitySet.load(DEMO)
    return Ground.of(content.registry, content.map)


def codes(text: str, **changes: Any) -> set[str]:
    s = of({**msgspec.yaml.decode(text), **changes})
    return {found.code for found in of_one(s, ground())}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(DEMO, tmp_path / "set")
    return tmp_path / "set"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"match": {"type": "air", "metric": "radon"}}, "no_asset"),
        ({"match": {"type": "submarine", "metric": "so2"}}, "no_asset"),
        ({"match": {"type": "rain", "metric": "mm_1h"}, "detect": {"above": 60}, "clear": {}, "levels": []},
         "no_asset_in_district"),
        ({"match": {"type": "air", "metric": "so2", "unit": "mg/m3"}}, "unit_differs"),
        ({"detect": {"above": 3000}, "levels": []}, "never_true"),
        ({"detect": {"below": 0}, "clear": {}, "levels": []}, "never_true"),
        ({"detect": {"above": float("nan")}, "clear": {}, "levels": []}, "never_true"),
        ({"levels": [{"level": 2, "at": 5000}]}, "rung_unreachable"),
        ({"detect": {"sum_over": 99999, "by": "district"}, "levels": []}, "never_true"),
        ({"clear": {}}, "no_clear"),
        ({"name": {"zh": "甲", "en": " "}}, "translation"),
        ({"means": {"zh": "甲"}}, "translation"),
        ({"owner": ""}, "no_owner"),
        ({"means": {}}, "no_means"),
        ({"first_steps": {}}, "no_first_steps"),
        ({"false_alarms": {}}, "no_false_alarms"),
        ({"basis": ""}, "no_basis"),
        ({"tests": []}, "no_test_fires"),
        ({"tests": []}, "no_test_quiet"),
    ],
)  # fmt: skip
def test_lint_finds_what_a_scenario_lacks_or_can_never_do(changes: dict[str, Any], code: str) -> None:
    assert code in codes(GOOD, **changes)


def test_a_scenario_that_another_makes_needless_is_told() -> None:
    plain = msgspec.yaml.decode(GOOD)
    weaker = of({**plain, "id": "eco.air.weaker", "detect": {"above": 400}, "for": {}, "levels": []})
    strict, higher = of(plain), of({**plain, "level": 1, "levels": [{"level": 4, "at": 600}], "id": "eco.air.higher"})
    assert [(s.id, found.what.en) for s, found in shadowed([strict, weaker])] == []
    flat = of({**plain, "id": "eco.air.flat", "levels": []})
    assert [(s.id, found.code) for s, found in shadowed([flat, weaker])] == [("eco.air.flat", "shadowed")]
    assert [s.id for s, _ in shadowed([higher, flat])] == ["eco.air.flat"]
    other = of({**plain, "id": "eco.air.other", "levels": [], "event_code": "eco.air.pm25"})
    assert list(shadowed([other, weaker])) == []


def test_the_demo_has_no_errors_and_its_lock_is_that_of_its_files() -> None:
    found = lint(DEMO)
    assert [finding.text() for finding in found if finding.severity == "error"] == []
    assert lock.changes(lock.read(DEMO / lock.NAME), lock.of(load(DEMO / "scenarios"))) == []
    assert {finding.code for finding in found} <= {"no_asset_in_district", "no_clear"}


def change(folder: Path, was: str, now: str, name: str = "emergency/water_level_high.yaml") -> Path:
    file = folder / "scenarios" / name
    assert was in file.read_text(encoding="utf-8")
    file.write_text(file.read_text(encoding="utf-8").replace(was, now, 1), encoding="utf-8")
    return file


def test_lint_holds_a_set_against_its_lock_its_events_and_its_tables(folder: Path) -> None:
    changes = [
        ("emergency/water_level_high.yaml", "above: 2.5", "above: 2.6", "changed"),
        ("emergency/crowd.yaml", "version: 1", "version: 2", "not_locked"),
        ("market/food_many.yaml", "version: 1", "version: 0", "version_back"),
        ("eco/noise_many.yaml", "id: eco.noise.many_complaints", "id: eco.noise.several", "not_locked"),
        ("eco/air_pm25_high.yaml", "event_code: eco.air.pm25", "event_code: eco.air.pm52", "unknown_event"),
        ("emergency/smoke_sensor.yaml", "life: true\n", "", "life_differs"),
        (
            "market/short_weight.yaml",
            "id: market.trade.short_weight",
            "id: market.food.many_complaints",
            "duplicate_id",
        ),
        ("emergency/waterlogging.yaml", "type: ponding, metric: ponding", "type: rain, metric: mm_1h", "not_of_set"),
    ]
    files = [change(folder, was, now, name) for name, was, now, _ in changes]
    found = lint(folder, files)
    for file, (_, _, _, code) in zip(files, changes, strict=True):
        assert code in {one.code for one in found if one.file == str(file)}, [one.text() for one in found]
    assert {one.file for one in found} <= {str(file) for file in files}


def test_wording_owner_state_tests_and_layout_need_no_new_version(folder: Path) -> None:
    change(folder, "警戒", "界限")
    change(folder, "owner: 水务局", "owner: 应急管理局")
    change(folder, "above: 2.5", "above: 2.50")
    change(folder, "version: 1", "version: 1\nstate: retired\n# a note")
    assert lint(folder, [folder / "scenarios/emergency/water_level_high.yaml"]) == []


def test_a_draft_is_not_locked_and_what_it_lacks_are_warnings(folder: Path) -> None:
    file = folder / "scenarios" / "eco" / "new.yaml"
    file.write_text(GOOD.replace("version: 1", "version: 1\nstate: draft").split("owner:")[0], encoding="utf-8")
    found = lint(folder, [file])
    assert {finding.severity for finding in found} == {"warning"}
    assert {"no_owner", "no_test_fires"} <= {finding.code for finding in found}
    assert "eco.air.so2_high" not in lock.of(load(folder / "scenarios"))


def test_a_scenario_without_its_file_stays_in_the_lock_until_someone_writes_it_anew(folder: Path) -> None:
    (folder / "scenarios" / "market" / "short_weight.yaml").unlink()
    assert [f.code for f in lint(folder) if f.id == "market.trade.short_weight"] == ["lock_gone"]
    assert runner.invoke(app, ["scenario", "lock", "--set", str(folder)]).exit_code == 0
    assert "market.trade.short_weight" not in lock.read(folder / lock.NAME)


def test_a_lock_that_cannot_be_read_and_a_part_of_the_set_that_is_wrong_are_found(folder: Path) -> None:
    (folder / lock.NAME).write_text("emergency.crowd.street one two\n", encoding="utf-8")
    (folder / "map.geojson").write_text("{}", encoding="utf-8")
    found = {finding.code for finding in lint(folder) if finding.severity == "error"}
    assert found == {"bad_lock", "set"}


def test_the_lock_is_not_written_over_a_change_without_a_version(folder: Path) -> None:
    before = (folder / lock.NAME).read_bytes()
    change(folder, "above: 2.5", "above: 2.6")
    answer = runner.invoke(app, ["scenario", "lock", "--set", str(folder)])
    assert answer.exit_code == 1
    assert "emergency.flood.water_level_high" in answer.output
    assert (folder / lock.NAME).read_bytes() == before
    change(folder, "version: 1", "version: 2")
    assert runner.invoke(app, ["scenario", "lock", "--set", str(folder)]).exit_code == 1
    two = ["--by", "Li", "--by", "Wang"]
    assert runner.invoke(app, ["scenario", "lock", "--set", str(folder), *two]).exit_code == 0
    assert "emergency.flood.water_level_high 2 " in (folder / lock.NAME).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("id_", "more"),
    [
        ("emergency.gas.third", ["--type", "gas"]),
        ("market.trade.fake", ["--word", "假货", "--word", "冒牌"]),
    ],
)
def test_a_new_scenario_passes_lint_and_test_as_it_stands(id_: str, more: list[str], folder: Path) -> None:
    made = runner.invoke(app, ["scenario", "new", id_, *more, "--set", str(folder), "--lang", "en"])
    domain, _, rest = id_.partition(".")
    file = folder / "scenarios" / domain / f"{rest.replace('.', '_')}.yaml"
    assert made.exit_code == 0, made.output
    assert [f.text() for f in lint(folder, [file]) if f.code != "no_asset_in_district"] == []
    ran = runner.invoke(app, ["scenario", "test", str(file), "--set", str(folder), "--lang", "en"])
    assert (ran.exit_code, "2 passed, 0 failed" in ran.output) == (0, True), ran.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["eco.water.x"],
        ["eco.water.x", "--type", "gas", "--word", "x"],
        ["ecology.water.x", "--type", "gas"],
        ["Eco Water", "--type", "gas"],
        ["eco.water.x", "--type", "gas", "--event", "eco.nowhere"],
        ["emergency.gas.sensor", "--type", "gas"],
    ],
)
def test_what_no_scenario_can_be_made_of_is_refused_and_nothing_is_written(
    arguments: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "f.yaml"
    answer = runner.invoke(app, ["scenario", "new", *arguments, "--file", str(file), "--set", str(DEMO)])
    assert answer.exit_code == 2
    assert not file.exists()


def test_a_failing_test_shows_what_was_expected_and_what_came(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_text(GOOD.replace("{at: 10, kind", "{at: 11, kind"), encoding="utf-8")
    answer = runner.invoke(app, ["scenario", "test", str(file), "--set", str(DEMO), "--lang", "en"])
    assert answer.exit_code == 1
    assert "- 11 s  raise  air-01  level 1   expected, did not come" in answer.output
    assert "+ 10 s  raise  air-01  level 1" in answer.output
    assert "1 passed, 1 failed" in answer.output
    only = ["scenario", "test", str(file), "--set", str(DEMO), "--filter"]
    assert runner.invoke(app, [*only, "quiet"]).exit_code == 0
    assert runner.invoke(app, [*only, "nothing*"]).exit_code == 1


def test_list_show_explain_and_lint_speak_both_languages(folder: Path) -> None:
    change(folder, "version: 1", "version: 1\nstate: shadow")
    listed = runner.invoke(app, ["scenario", "list", "--set", str(folder)], env={"COLUMNS": "200"})
    assert "shadow" in listed.output
    shown = runner.invoke(app, ["scenario", "show", "emergency.gas.sensor", "--set", str(DEMO), "--lang", "en"])
    assert "GB/T 50493-2019" in shown.output
    assert "the first alarm, the second, and the end" in shown.output
    assert "did you mean" in runner.invoke(app, ["scenario", "show", "emergency.gas.senso", "--set", str(DEMO)]).output
    assert "量程" in runner.invoke(app, ["scenario", "explain", "never_true"]).output
    assert "range" in runner.invoke(app, ["scenario", "explain", "never_true", "--lang", "en"]).output
    assert runner.invoke(app, ["scenario", "explain", "never_tru"]).exit_code == 2
    warned = runner.invoke(app, ["scenario", "lint", "--set", str(DEMO), "--lang", "zh", "--strict"])
    assert (warned.exit_code, "0 个错误" in warned.output) == (1, True)


def test_every_code_is_explained_in_both_languages() -> None:
    for code in CODES.values():
        assert code.what.zh
        assert code.what.en


def test_the_schema_for_editors_is_that_of_the_types_and_takes_the_demo() -> None:
    assert not schema.stale(), "run `brain scenario schema --write`"
    judge = jsonschema.Draft202012Validator(schema.schema())
    for file in FILES:
        assert [error.message for error in judge.iter_errors(msgspec.yaml.decode(file.read_bytes()))] == []
    wrong = msgspec.yaml.decode(GOOD.replace("every_s: 10", "evry_s: 10"))
    assert list(judge.iter_errors(wrong))


def test_places_have_lines_and_doubled_keys_are_seen() -> None:
    places = layout(GOOD).lines
    assert (places["id"], places["tests[0].expect[0].kind"], places["levels[0].at"]) == (1, 23, 12)
    assert line_of(places, "tests[0].given[7].at") == places["tests[0].given"]
    assert line_of(places, "nowhere") == 1
    assert layout("a: 1\nb: {c: 1, c: 2}\na: 3").doubled == [("b.c", 2), ("a", 3)]
    assert yaml.safe_load(GOOD)["id"] == "eco.air.so2_high"
