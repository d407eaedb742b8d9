"""Scenario files that are broken by hand and at random: each is refused with file, place and code, none half-loaded."""

import functools
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from both_languages import trouble
from hypothesis import given, settings
from hypothesis import strategies as st
from scenario_forms import CALL, GOOD, WATCH

from brain.scenario import Scenario
from brain.scenario_kit.codes import CODES
from brain.scenario_kit.findings import Ground, of_one
from brain.scenario_kit.lint import Source, read_file
from brain.scenarios import ScenarioError, of, read
from brain.sets import CitySet

DEMO = Path(__file__).parents[2] / "config" / "demo"
FILES = sorted((DEMO / "scenarios").rglob("*.yaml"))


@functools.cache
def ground() -> Ground:
    content = CitySet.load(DEMO)
    return Ground.of(content.registry, content.map)


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
    (GOOD, "- name: fires", "- name: fires\n    begin: yesterday", "wrong_type", "tests[0].begin", 20),
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
    assert not trouble(one.what.zh, one.what.en)
    assert re.match(rf"{re.escape(str(file))}:\d+: error: .*\[{code}\]$", one.text("en"), re.DOTALL)


def test_the_forms_that_are_broken_above_are_right_as_they_stand(tmp_path: Path) -> None:
    for form in (GOOD, CALL, WATCH):
        (tmp_path / "f.yaml").write_text(form, encoding="utf-8")
        assert isinstance(read_file(tmp_path / "f.yaml"), Source)
    assert list(of_one(read(GOOD), ground())) == []


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


def test_a_key_that_stands_twice_refuses_the_file_on_loading_too_and_a_merged_one_does_not() -> None:
    with pytest.raises(ScenarioError, match=r"f\.yaml: detect\.above: stands twice \(line 8\)"):
        read(GOOD.replace("above: 500", "above: 500, above: 9"), "f.yaml")
    shared = GOOD.replace("means: {", "means: &both {").replace("{zh: 查, en: look}", "{<<: *both, en: look}")
    assert read(shared).first_steps.zh == "偏高"
