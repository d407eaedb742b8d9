"""Every agent of the tree passes the conformance suite, and agents that break a rule are found out by it."""

from __future__ import annotations

from pathlib import Path

import pytest
from agent_rig import LANE, STEPS, write
from typer.testing import CliRunner

from brain.agent_kit import check, find
from brain.cli import app

TESTS = """
- name: it fires
  assets: [{id: a1, type: water_level, lon: 113.5, lat: 22.2}, {id: a2, type: water_level, lon: 113.6, lat: 22.2}]
  given:
    - {at: 0, asset: a1, values: {water_level: [5, 12, 3]}, every_s: 60}
    - {at: 5, asset: a2, values: {water_level: [5, 9, 3]}, every_s: 60}
  expect:
    - {at: 60, kind: raise, asset: a1, level: 2}
    - {at: 120, kind: clear, asset: a1}
- name: it stays quiet
  assets: [{id: a1, type: water_level, lon: 113.5, lat: 22.2}]
  given: [{at: 0, asset: a1, values: {water_level: 10}}]
"""


@pytest.mark.parametrize("id", sorted(find.installed()))
def test_every_agent_of_the_tree_passes_the_suite(id: str) -> None:
    assert check.by_code(check.check(find.of(id))) == {}


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("K03", "import random; v = v + random.random()"),
        ("K03", "rows.values['water_level'][:] = 0"),
        ("K04", "v = v + len(rows)"),
        ("K04", "v = v + rows.asset"),
        ("K05", "world.params['n'] = world.params.get('n', 0) + 1; v = v + world.params['n'] * 0.001"),
        ("K06", "assert np.isfinite(v).all()"),
        ("K07", "time.time()"),
        ("K07", "open(os.devnull).close()"),
        ("K07", "os.listdir('.')"),
    ],
)
def test_an_agent_that_breaks_a_rule_is_found_out(tmp_path: Path, code: str, fault: str) -> None:
    one = write(tmp_path, LANE, STEPS.replace("FAULT", fault))
    (tmp_path / "tests.yaml").write_text(TESTS, encoding="utf-8")
    assert code in check.by_code(check.check(one, codes=(code,)))


@pytest.mark.parametrize("quiet", ["(v < 11) & (state['n'][rows.asset] > 1)", "v > 11"])
def test_an_agent_that_calls_rows_quiet_which_are_not_is_found_out(tmp_path: Path, quiet: str) -> None:
    code = f"def quiet(rows, state, world):\n    v = rows.values['water_level']\n    return {quiet}\n"
    one = write(tmp_path, LANE, f"{STEPS.replace('FAULT', '')}\n{code}")
    (tmp_path / "tests.yaml").write_text(TESTS, encoding="utf-8")
    assert "asked of all rows" in check.by_code(check.check(one, codes=("K09",)))["K09"]


def test_an_agent_that_writes_to_the_map_is_found_out(tmp_path: Path) -> None:
    fault = "world.layers['grid'].attributes[0]['n'] = 1"
    one = write(tmp_path, f"{LANE}layers: [grid]\n", STEPS.replace("FAULT", fault))
    (tmp_path / "tests.yaml").write_text(TESTS, encoding="utf-8")
    assert "layers were written to" in check.by_code(check.check(one, codes=("K03",)))["K03"]


def test_a_form_of_state_that_changed_needs_a_version_and_a_way_over(tmp_path: Path) -> None:
    one = write(tmp_path, LANE, STEPS.replace("FAULT", ""))
    (tmp_path / "tests.yaml").write_text(TESTS, encoding="utf-8")
    assert check.by_code(check.check(one, codes=("K08",))) == {}
    changed = STEPS.replace("FAULT", "").replace('("n", "i8")', '("n", "i4")')
    for code, version, wrong in (
        (changed, 1, "version is still 1"),
        (changed, 2, "no function migrate"),
        (changed + "\ndef migrate(old):\n    return old.astype(STATE)\n", 2, ""),
    ):
        folder = tmp_path / f"{version}{len(code)}"
        one = write(folder, LANE.replace("version: 1", f"version: {version}"), code)
        (folder / "tests.yaml").write_text(TESTS, encoding="utf-8")
        (folder / "state.json").write_bytes((tmp_path / "state.json").read_bytes())
        said = check.by_code(check.check(one, codes=("K08",))).get("K08", "")
        assert wrong in said
        assert bool(wrong) == bool(said)


@pytest.mark.parametrize("more", [[], ["--city"]])
def test_a_new_agent_passes_at_once(tmp_path: Path, more: list[str]) -> None:
    folder = tmp_path / "sway"
    made = CliRunner().invoke(app, ["agent", "new", "emergency.bridge.sway", "--folder", str(folder), *more])
    assert made.exit_code == 0, made.output
    checked = CliRunner().invoke(app, ["agent", "check", str(folder)])
    assert checked.exit_code == 0, checked.output
    shown = CliRunner().invoke(app, ["agent", "show", str(folder)])
    assert "says emergency.bridge.sway" in shown.output
