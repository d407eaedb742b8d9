"""Lint, lock, the form of a new scenario, and files that are broken in every way that we could think of."""

import functools
import re
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from brain.cli import app
from brain.scenario_kit import lock, schema
from brain.scenario_kit.codes import CODES
from brain.scenario_kit.findings import Ground, of_one, shadowed
from brain.scenario_kit.lines import layout, line_of
from brain.scenario_kit.lint import Source, lint, read_file
from brain.scenarios import Scenario, ScenarioError, load, of, read
from brain.sets import CitySet

DEMO = Path(__file__).parents[2] / "config" / "demo"
FILES = sorted((DEMO / "scenarios").rglob("*.yaml"))
GOOD = """\
id: eco.air.so2_high
version: 1
name: {zh: 二氧化硫偏高, en: Sulphur dioxide high}
domain: eco
event_code: eco.air
source: iot
match: {type: air, metric: so2, unit: ug/m3}
detect: {above: 500}
for: {readings: 2}
clear: {below: 300}
levels:
  - {level: 2, at: 800}
owner: 生态环境局
means: {zh: 偏高, en: high}
first_steps: {zh: 查, en: look}
false_alarms: {zh: 无, en: none}
basis: sample
tests:
  - name: fires
    given:
      - {at: 0, asset: air-01, v: [600, 600], every_s: 10}
    expect:
      - {at: 10, kind: raise, asset: air-01, level: 1}
  - name: quiet
    given:
      - {at: 0, asset: air-01, v: [600, 400], every_s: 10}
"""
CALL = """\
id: eco.dust.call
version: 1
name: {zh: 扬尘, en: Dust}
domain: eco
event_code: eco.dust
source: hotline
match: {words: [扬尘]}
detect: {count_over: 2, window_s: 60}
tests:
  - name: quiet
    given: [{at: 0, text: 扬尘}]
"""
WATCH = """\
id: public.traffic.still
version: 1
name: {zh: 停车, en: Still}
domain: public
event_code: public.traffic.stalled
source: video
match: {type: camera}
detect: {watch: standing, zone: no_stop, above: 60}
tests:
  - name: quiet
    given: [{at: 0, sensorId: cam-0001, objects: []}]
"""
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


BROKEN = [  # form, what was, what is now, code, place, line
    (GOOD, "version: 1", "version: [", "not_yaml", "", None),
    (GOOD, "version: 1", "version: 1\n  x: 2", "not_yaml", "", None),
    (GOOD, "version: 1", "version: 1\n\tx: 2", "not_yaml", "", None),
    (GOOD, "owner: 生态环境局", "owner: *nobody", "not_yaml", "", None),
    (GOOD, "owner: 生态环境局", "owner: !!python/object/apply:os.getcwd []", "not_yaml", "", None),
    (GOOD, "owner: 生态环境局", "owner: 2026-13-45", "not_yaml", "", None),
    (GOOD, "owner: 生态环境局", "? {a: 1}\n: 2", "not_yaml", "", None),
    (GOOD, "owner: 生态环境局", "owner: \x07", "not_yaml", "", None),
    (GOOD, GOOD, "", "wrong_type", "", 1),
    (GOOD, GOOD, "[1, 2]", "wrong_type", "", 1),
    (GOOD, GOOD, "just words", "wrong_type", "", 1),
    (GOOD, "id: eco.air.so2_high\n", "", "wrong_type", "", 1),
    (GOOD, "version: 1", "version: one", "wrong_type", "version", 2),
    (GOOD, "version: 1", "version: 1.5", "wrong_type", "version", 2),
    (GOOD, ", en: Sulphur dioxide high", "", "wrong_type", "name", 3),
    (GOOD, "name: {zh: 二氧化硫偏高, en: Sulphur dioxide high}", "name: 二氧化硫", "wrong_type", "name", 3),
    (GOOD, "domain: eco\n", "domain: ecology\n", "wrong_type", "domain", 4),
    (GOOD, "source: iot", "source: sensors", "wrong_type", "source", 6),
    (GOOD, "source: iot", "source: iot\nstate: alive", "wrong_type", "state", 7),
    (GOOD, "source: iot", "source: iot\nlife: perhaps", "wrong_type", "life", 7),
    (GOOD, "{above: 500}", "{above: high}", "wrong_type", "detect.above", 8),
    (GOOD, "{above: 500}", "{above: [500]}", "wrong_type", "detect.above", 8),
    (GOOD, "{level: 2, at: 800}", "{level: 2}", "wrong_type", "levels[0]", 12),
    (GOOD, "{level: 2, at: 800}", "800", "wrong_type", "levels[0]", 12),
    (GOOD, "owner: 生态环境局", "owner: [a, b]", "wrong_type", "owner", 13),
    (GOOD, "means: {zh: 偏高, en: high}", "means: high", "wrong_type", "means", 14),
    (GOOD, "owner:", "ownr:", "unknown_key", "ownr", 13),
    (GOOD, "{zh: 偏高, en: high}", "{zh: 偏高, de: hoch}", "unknown_key", "means.de", 14),
    (GOOD, "metric: so2", "metrik: so2", "unknown_key", "match.metrik", 7),
    (GOOD, "above: 500", "over: 500", "unknown_key", "detect.over", 8),
    (GOOD, "{readings: 2}", "{reading: 2}", "unknown_key", "for.reading", 9),
    (GOOD, "{below: 300}", "{blow: 300}", "unknown_key", "clear.blow", 10),
    (GOOD, "- name: fires", "- nam: fires", "unknown_key", "tests[0].nam", 19),
    (GOOD, "levels:", "level_s:", "unknown_key", "level_s", 11),
    (GOOD, "detect: {above: 500}", "detect: {above: 500}\ndetect: {above: 400}", "double_key", "detect", 9),
    (GOOD, "{above: 500}", "{above: 500, above: 400}", "double_key", "detect.above", 8),
    (GOOD, "id: eco.", "id: market.", "contradicts", "id", 1),
    (GOOD, "{above: 500}", "{above: 500, below: 100}", "contradicts", "detect", 8),
    (GOOD, "{above: 500}", "{}", "contradicts", "detect", 8),
    (GOOD, "{below: 300}", "{below: 600}", "contradicts", "clear", 10),
    (GOOD, "{below: 300}", "{above: 300}", "contradicts", "clear.above", 10),
    (GOOD, "{below: 300}", "{below: 300, quiet_s: 5}", "contradicts", "clear", 10),
    (GOOD, "{below: 300}", "{quiet_s: -5}", "contradicts", "clear.quiet_s", 10),
    (GOOD, "{level: 2, at: 800}", "{level: 2, at: 400}", "contradicts", "levels", 11),
    (GOOD, "{level: 2, at: 800}", "{level: 9, at: 800}", "contradicts", "levels", 11),
    (GOOD, "source: iot", "source: iot\nlevel: 7", "contradicts", "level", 7),
    (GOOD, "{readings: 2}", "{readings: 0}", "contradicts", "readings", 1),
    (GOOD, ", metric: so2", "", "contradicts", "match", 7),
    (GOOD, "{above: 500}", "{detector: robust}", "contradicts", "detect", 8),
    (GOOD, "{above: 500}", "{silent_s: 60}", "contradicts", "detect.silent_s", 8),
    (GOOD, "{above: 500}", "{sum_over: 500}", "contradicts", "detect", 8),
    (GOOD, "source: iot", "source: hotline", "contradicts", "detect", 8),
    (GOOD, "{above: 500}", "{words: any}", "contradicts", "detect.words", 8),
    (GOOD, "{above: 500}", "{above: 500, zone: crowd}", "contradicts", "detect.zone", 8),
    (CALL, "words: [扬尘]", "words: [扬尘], unit: m", "contradicts", "match", 7),
    (CALL, "window_s: 60", "window_s: -1", "contradicts", "detect.window_s", 8),
    (CALL, "count_over: 2", "count_over: 0", "contradicts", "detect.count_over", 8),
    (WATCH, "zone: no_stop, ", "", "contradicts", "detect.watch", 8),
    (WATCH, "type: camera", "type: camera, unit: m", "contradicts", "match", 7),
    (GOOD, "- name: fires", "- name: quiet", "bad_test", "tests[1].name", 24),
    (GOOD, "- name: fires", "- name: ''", "bad_test", "tests[0].name", 19),
    (GOOD, "- name: fires", "- name: fires\n    begin: yesterday", "bad_test", "tests[0].begin", 20),
    (GOOD, "- name: fires", "- name: fires\n    begin: '2026-01-01T00:00:00'", "bad_test", "tests[0].begin", 20),
    (GOOD, "- name: fires", "- name: fires\n    until: 5", "bad_test", "tests[0].until", 20),
    (GOOD, "- name: fires", "- name: fires\n    assets: [{id: x}]", "bad_test", "tests[0].assets", 20),
    (GOOD, "- name: fires", "- name: fires\n    map: [{grid: g, box: [2, 0, 1, 1]}]",
     "bad_test", "tests[0].map[0].box", 20),
    (GOOD, "[600, 600], every_s: 10", "[600, 600], every_s: 0", "bad_test", "tests[0].given[0]", 21),
    (GOOD, "{at: 0, asset: air-01, v: [600, 600]", "{at: -1, asset: air-01, v: [600, 600]",
     "bad_test", "tests[0].given[0].at", 21),
    (GOOD, "v: [600, 600]", "v: []", "bad_test", "tests[0].given[0]", 21),
    (GOOD, "v: [600, 600]", "text: 着火", "bad_test", "tests[0].given[0].text", 21),
    (GOOD, "v: [600, 600]", "v: high", "bad_test", "tests[0].given[0]", 21),
    (GOOD, "at: 10, kind: raise, asset: air-01, level: 1", "at: 10, kind: raise, asset: air-01",
     "bad_test", "tests[0].expect[0]", 23),
    (GOOD, "at: 10, kind: raise", "at: -10, kind: raise", "bad_test", "tests[0].expect[0].at", 23),
    (GOOD, "kind: raise", "kind: alarm", "wrong_type", "tests[0].expect[0].kind", 23),
    (CALL, "{at: 0, text: 扬尘}", "{at: 0, text: 扬尘, times: 0}", "bad_test", "tests[0].given[0]", 11),
    (CALL, "{at: 0, text: 扬尘}", "{at: 0, text: 扬尘, times: 900000}", "bad_test", "tests[0].given", 11),
    (CALL, "[{at: 0, text: 扬尘}]", "[]", "bad_test", "tests[0].given", 11),
    (WATCH, "objects: []", "objects: [1]", "bad_test", "tests[0].given[0]", 11),
    (WATCH, "objects: []", "crowd: {count: 900, box: [0, 0, 1, 1]}", "bad_test", "tests[0].given[0].crowd.count", 11),
    (WATCH, "sensorId: cam-0001", "camera: cam-0001", "bad_test", "tests[0].given[0].camera", 11),
]  # fmt: skip


@pytest.mark.parametrize(("form", "was", "now", "code", "place", "line"), BROKEN)
def test_a_broken_file_is_refused_with_file_place_and_code(
    form: str, was: str, now: str, code: str, place: str, line: int | None, tmp_path: Path
) -> None:
    assert was in form
    file = tmp_path / "f.yaml"
    file.write_text(form.replace(was, now, 1), encoding="utf-8")
    found = read_file(file)
    assert isinstance(found, list), "it was loaded"
    (one,) = found
    assert (one.code, one.severity, one.file, one.place) == (code, "error", str(file), place)
    assert line is None or one.line == line
    assert one.what.zh
    assert one.what.en
    assert re.match(rf"{re.escape(str(file))}:\d+: error: .*\[{code}\]$", one.text("en"), re.DOTALL)


def test_the_forms_that_are_broken_above_are_right_as_they_stand(tmp_path: Path) -> None:
    for form in (GOOD, CALL, WATCH):
        (tmp_path / "f.yaml").write_text(form, encoding="utf-8")
        assert isinstance(read_file(tmp_path / "f.yaml"), Source)
    assert codes(GOOD) == set()


@pytest.mark.parametrize(
    "text",
    [
        b"\xff\xfe\x00", b"\x00", b"a: &a [*a]", b"tests: &a [*a]", b"detect: &a {above: *a}",
        b"[" * 5000, b"{a: " * 800,
               b"id: \xc3\x28", b"!!set {a, b}", b"--- a\n--- b", b"version: 1" + b"0" * 5000,
    ],
)  # fmt: skip
def test_what_is_no_scenario_at_all_is_refused_too(text: bytes, tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_bytes(text)
    found = read_file(file)
    assert isinstance(found, list)
    assert found[0].code in CODES


def refused(error: ScenarioError) -> None:
    assert error.code in CODES
    assert str(error).startswith("f.yaml: ")


WRONG = st.sampled_from([None, [], {}, "x", -1, 0, 1e400, float("nan"), 10**30, True, [[]], {"a": 1}, "\u202e", ""])


@settings(max_examples=80, deadline=None, derandomize=True)
@given(file=st.sampled_from(FILES), data=st.data())
def test_a_mutated_file_is_loaded_whole_or_refused_with_a_code(file: Path, data: st.DataObject) -> None:
    whole = msgspec.yaml.decode(file.read_bytes())
    part: Any = whole
    while True:
        keys = sorted(part) if isinstance(part, dict) else list(range(len(part)))
        key = data.draw(st.sampled_from(keys))
        inner = part[key]
        if not isinstance(inner, (dict, list)) or not inner or data.draw(st.booleans()):
            break
        part = inner
    way = data.draw(st.sampled_from(["drop", "replace", "rename"]))
    value = part.pop(key)
    if way == "replace":
        new = data.draw(WRONG)
        part.insert(key, new) if isinstance(part, list) else part.update({key: new})
    elif way == "rename" and isinstance(part, dict):
        part[f"{key}_"] = value
    try:
        got = of(whole, "f.yaml")
    except ScenarioError as error:
        refused(error)
    else:
        assert isinstance(got, Scenario)
        assert {found.code for found in of_one(got, ground())} <= set(CODES)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(file=st.sampled_from(FILES), at=st.floats(0, 0.999), junk=st.binary(min_size=1, max_size=4))
def test_a_file_with_torn_bytes_is_loaded_whole_or_refused_with_a_code(file: Path, at: float, junk: bytes) -> None:
    text = file.read_bytes()
    cut = int(at * len(text))
    try:
        assert isinstance(read(text[:cut] + junk + text[cut + len(junk) :], "f.yaml"), Scenario)
    except ScenarioError as error:
        refused(error)


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
    assert lock.read(DEMO / lock.NAME) == lock.of(load(DEMO / "scenarios"))
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
    (folder / "scenarios" / "emergency" / "crowd.yaml").unlink()
    assert [f.code for f in lint(folder) if f.id == "emergency.crowd.street"] == ["lock_gone"]
    assert runner.invoke(app, ["scenario", "lock", "--set", str(folder)]).exit_code == 0
    assert [f for f in lint(folder) if f.id == "emergency.crowd.street"] == []


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
    assert runner.invoke(app, ["scenario", "lock", "--set", str(folder)]).exit_code == 0
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
    again = runner.invoke(app, ["scenario", "new", id_, *more, "--set", str(folder)])
    assert again.exit_code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["eco.water.x"],
        ["eco.water.x", "--type", "gas", "--word", "x"],
        ["eco.water.x", "--type", "gas", "--metric", "do"],
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
