"""All faults of a set's tables at once, by file and line, and what each table would do."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from brain import scenarios
from brain.cli import app
from brain.incidents.causes import Cause, Causes
from brain.incidents.events import EventRow, Events
from brain.incidents.limits import LimitRow, Limits
from brain.incidents.route import Routes, Rule
from brain.incidents.value import Text
from brain.incidents.warning_rules import Row, WarningRules
from brain.incidents.windows import Window, Windows
from brain.scenario_kit import lock
from brain.set_check import Checked, check
from brain.set_faults import Fault, Source, table
from brain.sets import CitySet

NOW = 1_796_000_000_000  # 2026-11-29
WINDOWS = """\
version: 1
windows:
  - {asset: gas-01, from: "2026-12-01T22:00:00+08:00", until: "2026-12-02T04:00:00+08:00", by: 水务局, reason: 换泵}
  - asset: gas-1
    from: "2026-12-01T22:00:00"
    until: "2026-12-02T04:00:00+08:00"
    by: ""
    reason: " "
  - {asset: a, grid: b, from: 2026-12-01T22:00:00+08:00, until: 2027-02-02T04:00:00+08:00, by: x, reason: y}
  - {grid: nogrid, from: "2026-01-01T22:00:00+08:00", until: "2026-01-02T04:00:00+08:00", by: x, reason: y}
  - {grid: 990101001001, until: soon, famly: x, reason: y}
  - 7
"""
WARNINGS = """\
version: 1
warnings:
  - {id: emergency.official.wind, name: {zh: 风, en: W}, match: [风], event_code: emergency.wnd, opens_from: pink}
  - {id: official, name: {zh: 风, en: W}, match: []}
  - {id: emergency.official.rain, name: {zh: 雨, en: R}, match: [雨], event_code: emergency.weather.rainn}
  - {id: emergency.official.storm, name: {zh: 暴雨, en: S}, match: [暴雨], colours: ["emergency.flod*"]}
  - {id: emergency.official.storm, name: {zh: 暴雪, en: S}, match: [暴雪], colours: ["emergency.flood*"]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The demo's, with few scenarios: what is checked here is everything else."""
    kept = {"fire_call.yaml", "smoke_sensor.yaml", "noise_many.yaml"}

    def others(path: str, names: list[str]) -> set[str]:
        return {name for name in names if "scenarios" in Path(path).parts and name.endswith(".yaml")} - kept

    shutil.copytree("config/demo", tmp_path / "set", ignore=others)
    made = scenarios.load(tmp_path / "set" / "scenarios")
    (tmp_path / "set" / lock.NAME).write_text(lock.text(lock.of(made)))
    return tmp_path / "set"


def found(checked: Checked, name: str, *, refuses: bool | None = None) -> list[tuple[int, str]]:
    mine = [f for f in checked.faults if f.file.endswith(name) and refuses in (None, f.refuses)]
    return [(f.line, f.place) for f in mine]


def test_a_sound_set_has_no_fault_and_each_table_says_what_it_would_do(folder: Path) -> None:
    (folder / "maintenance.yaml").write_text(WINDOWS.splitlines()[0] + "\nwindows:\n" + WINDOWS.splitlines()[2] + "\n")
    checked = check(folder, NOW)
    assert checked.faults == []
    told = {name: (text.zh, text.en) for name, text in checked.told}
    assert told["maintenance.yaml"][1] == "1 window, the next begins 2026-12-01 22:00 +08:00, covers 1 asset"
    assert told["maintenance.yaml"][0] == "1 个检修窗口, 下一个始于 2026-12-01 22:00 +08:00, 覆盖 1 个资产"
    assert told["warnings.yaml"][1] == "5 kinds of warnings: 5 open incidents, 4 colour them"
    assert {"assets.ndjson", "map.geojson", "scenarios", "routes.yaml", "events.yaml", "limits.yaml", "calendar.yaml",
            "causes.yaml", "trust.yaml", "agents.yaml", "standards"} <= set(told)  # fmt: skip


def test_every_fault_of_every_row_of_windows_and_warnings_is_told_with_its_line(folder: Path) -> None:
    (folder / "maintenance.yaml").write_text(WINDOWS)
    (folder / "warnings.yaml").write_text(WARNINGS)
    checked = check(folder, NOW)
    assert found(checked, "maintenance.yaml") == [
        (5, "windows[1].from"), (7, "windows[1].by"), (8, "windows[1].reason"),
        (9, "windows[2]"), (9, "windows[2].until"),
        (10, "windows[3].grid"), (10, "windows[3].until"),
        (11, "windows[4]"), (11, "windows[4]"), (11, "windows[4].famly"), (11, "windows[4].grid"),
        (11, "windows[4].until"),
        (12, "windows[5]"),
    ]  # fmt: skip
    assert found(checked, "maintenance.yaml", refuses=False) == [(10, "windows[3].grid"), (10, "windows[3].until")]
    assert found(checked, "warnings.yaml") == [
        (3, "warnings[0].opens_from"),
        (4, "warnings[1]"), (4, "warnings[1].id"), (4, "warnings[1].match"),
        (5, "warnings[2]"),
        (6, "warnings[3].colours[0]"), (6, "warnings[3].match[0]"),
        (7, "warnings[4].id"),
    ]  # fmt: skip
    assert {Path(fault.file).name for fault in checked.faults} == {"maintenance.yaml", "warnings.yaml"}
    says = {fault.place: fault.what for fault in checked.faults}
    assert says["windows[4].famly"].en.startswith("there is no such key (did you mean 'family'?)")
    assert says["windows[4].grid"].zh == '应为 str, 实为 int: 请加引号, 如 "990101001001"'
    assert says["windows[2].until"].en.startswith("expected after from, by 31 days at most, got 62.25 days")
    assert says["warnings[0].opens_from"].en == "expected one of blue, yellow, orange, red, got 'pink'"
    assert "(did you mean emergency.weather.rain" in says["warnings[2]"].en
    with pytest.raises(ValueError, match=r"maintenance.yaml|warnings.yaml"):
        CitySet.load(folder)


def test_a_fault_in_one_file_hides_none_in_another_and_none_is_told_that_only_follows_from_it(folder: Path) -> None:
    def change(name: str, *pairs: tuple[str, str]) -> None:
        path = folder / name
        text = path.read_text()
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new, 1)
        path.write_text(text)

    change("calendar.yaml", ("zone:", "zone: ["))
    change("events.yaml", ("radius_m: ", "radius_m: -"))
    change("causes.yaml", ("up_to: ", "up_to: 1"), ("cause: ", "caus: "))
    change("trust.yaml", ("flatline:", "flatlin:"), ("version: 1", "version: 3"))
    change("routes.yaml", ("  - {event_code: ", "  - {event_code: a, domain: eco, extra: "))
    change("agents.yaml", ("id: ", "id: x"))
    (folder / "map.geojson").write_text("{}")
    faults = check(folder, NOW).faults
    assert {Path(f.file).name for f in faults if f.refuses} == {
        "calendar.yaml", "events.yaml", "causes.yaml", "trust.yaml", "routes.yaml", "map.geojson",
    }  # fmt: skip
    assert sum(Path(f.file).name == "events.yaml" for f in faults) == 1
    assert not any(Path(f.file).name in {"limits.yaml", "warnings.yaml"} for f in faults)


def test_what_several_tables_say_together_and_whole_sets_is_told_too(folder: Path) -> None:
    routes = folder / "routes.yaml"
    routes.write_text(routes.read_text() + '  - {event_code: "emergency.no.such", district: "1", lead: fire_rescue}\n')
    checked = check(folder, NOW)
    assert checked.refused == 0
    assert sorted(place.rpartition(".")[2] for _, place in found(checked, "routes.yaml")) == ["district", "event_code"]
    scenario = next((folder / "scenarios").rglob("*.yaml"))
    scenario.write_text(scenario.read_text().replace("version:", "versoin:", 1))
    [fault] = [f for f in check(folder, NOW).faults if f.refuses]
    assert fault.file == str(scenario)
    assert fault.line > 1


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("version: 1\nwindows:\n  - {from: 2026-02-30T00:00:00+08:00}\n", 3, "not YAML: day is out of range"),
        ("version: 1\nwindows: [\n", 3, "not YAML"),
        ("- 1\n", 1, "expected version and windows, got list"),
        ("version: 2\nwindows: []\n", 1, "expected 1, got 2"),
        ("windows: []\n", 1, "expected 1, got –"),
        ("version: 1\nwindows: 7\n", 2, "Expected `array`, got `int`"),
        ("version: 1\nwindow: []\n", 2, "there is no key 'window' here"),
        ("version: 1\nwindows: []\nversion: 1\n", 3, "stands twice"),
    ],
)
def test_a_file_that_is_no_table_is_told_by_its_line(text: str, line: int, says: str) -> None:
    faults: list[Fault] = []
    table(Source(Path("maintenance.yaml"), text.encode(), faults), "windows", Window, Windows.of, Window.wrong)
    assert [(f.line, f.refuses) for f in faults] == [(line, True)]
    assert says in faults[0].text()


FORMS: dict[str, tuple[str, Any, Any]] = {
    "windows": ("windows", Window, Windows.of),
    "warnings": ("warnings", Row, WarningRules.of),
    "causes": ("causes", Cause, Causes.of),
    "events": ("events", EventRow, Events.of),
    "routes": ("routes", Rule, Routes.of),
    "limits": ("limits", LimitRow, lambda data, place: Limits.of(data, None, place)),
}
KEYS = st.sampled_from(["asset", "grid", "from", "until", "id", "match", "code", "parent", "event_code", "levels", "x"])
VALUES = st.recursive(
    st.none() | st.integers(-9, 9) | st.text("ab.*[]1", max_size=4) | st.just("2026-07-01T22:00:00+08:00"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=8,
)  # fmt: skip


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    name=st.sampled_from(sorted(FORMS)),
    rows=st.lists(VALUES, max_size=4) | VALUES,
    more=st.dictionaries(st.sampled_from(["version", "y"]), VALUES),
)
def test_whatever_a_table_says_ends_in_faults_or_in_a_table_that_the_set_would_take(
    name: str, rows: Any, more: Any
) -> None:
    part, form, of = FORMS[name]
    text = msgspec.yaml.encode({"version": 1, **more, part: rows})
    faults: list[Fault] = []
    made = table(Source(Path("t.yaml"), text, faults), part, form, of, getattr(form, "wrong", lambda row: ()))
    try:
        of(msgspec.yaml.decode(text), "t")
    except ValueError:
        assert faults
    else:
        assert (faults, made is not None) == ([], True)


def test_word_lists_are_looked_at_whatever_is_wrong_with_other_files(folder: Path) -> None:
    shutil.copytree("config/text", folder / "text")
    (folder / "map.geojson").write_text("{}")
    (folder / "text" / "lexicon.yaml").write_text("version: 1\nkinds: [\n")
    found = {(Path(f.file).name, f.line) for f in check(folder, NOW).faults}
    assert found == {("map.geojson", 1), ("lexicon.yaml", 3)}


def test_the_command_lists_all_in_both_languages_and_ends_with_1_where_a_set_would_be_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = CliRunner()
    (folder / "maintenance.yaml").write_text(WINDOWS)
    done = run.invoke(app, ["set", "check", str(folder)])
    assert done.exit_code == 1
    assert f"拒绝 {folder}/maintenance.yaml:7: windows[1].by: 应写明检修单位与原因, 实为空" in done.output
    assert "提示" in done.output
    assert "处错误" in done.output
    assert run.invoke(app, ["set", "check", str(folder / "nothing")]).exit_code == 2
    monkeypatch.setattr(
        "brain.set_check.check", lambda folder, now: Checked([], [("maintenance.yaml", Text("零", "0"))])
    )
    done = run.invoke(app, ["set", "check", str(folder), "--lang", "en"])
    assert done.exit_code == 0
    assert done.output == f"maintenance: 0\n✓ {folder}: it can come into force (0 notes); next: brain set use set\n"
