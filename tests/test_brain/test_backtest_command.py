"""`brain scenario backtest`, `diff` and `lock` as people call them, over a small bundle on the demo set."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from brain.backtest import decode
from brain.cli import app
from brain.scenario_kit import lock
from brain.sets import digest
from brain.settings import Settings
from streams import bundle

DEMO = Path(__file__).parents[2] / "config" / "demo"
FLOOD = DEMO / "scenarios" / "emergency" / "water_level_high.yaml"
T0 = 1_795_000_000_000
runner = CliRunner()
ENV = {"COLUMNS": "200", "BRAIN_TELEMETRY_PARTITIONS": "1", "BRAIN_VIDEO_PARTITIONS": "1"}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle: one river above its warning level for 100 seconds, one just so."""
    settings, rows = Settings(telemetry_partitions=1, video_partitions=1), []
    for k in range(30):
        for asset, high in (("wl-01", 3.0), ("wl-02", 2.6)):
            t = T0 + k * 10_000
            body = {"asset": asset, "metric": "water_level", "t": t, "v": high if 5 <= k < 15 else 1.0}
            rows.append(("iot.telemetry", 0, asset.encode(), msgspec.json.encode(body), t))
    lines = bundle.on_grid(rows, settings.partitions, settings.key(), digest(DEMO), T0 + 300_000)
    path = tmp_path_factory.mktemp("log") / "log.ndjson.gz"
    bundle.write(path, lines)
    return path


def candidate(folder: Path, **changes: Any) -> Path:
    body = msgspec.yaml.decode(FLOOD.read_bytes())
    path = folder / "candidate.yaml"
    path.write_bytes(msgspec.yaml.encode({**body, "version": 2, "tests": [], **changes}))
    return path


def call(*words: object) -> Any:
    return runner.invoke(app, ["scenario", *map(str, words)], env=ENV)


def test_from_a_backtest_to_the_lock_a_version_that_catches_less_needs_two_people(
    tmp_path: Path, recorded: Path
) -> None:
    found, html = tmp_path / "report.json", tmp_path / "report.html"
    file = candidate(tmp_path, detect={"above": 2.8}, levels=[])
    answer = call("backtest", recorded, "--scenario", file, "--json", found, "--html", html, "--lang", "en")
    assert answer.exit_code == 0, answer.output
    assert "major: a second person must approve (catches less)" in answer.output
    report = decode(found.read_bytes())
    assert [(j.id, j.was, j.now, j.kind) for j in report.scenarios] == [
        ("emergency.flood.water_level_high", 1, 2, "major")
    ]
    assert report.changed == ["scenarios/emergency/water_level_high.yaml"]
    assert b"<svg" in html.read_bytes()
    folder = tmp_path / "set"
    shutil.copytree(DEMO, folder)
    shutil.copy(file, folder / "scenarios" / "emergency" / FLOOD.name)
    before = (folder / lock.NAME).read_bytes()
    for by in ((), ("--by", "Li"), ("--by", "Li", "--by", "Li")):
        answer = call("lock", "--set", folder, "--evidence", found, *by)
        assert answer.exit_code == 1
        assert "major (catches_less)" in answer.output
        assert (folder / lock.NAME).read_bytes() == before
    assert call("lock", "--set", folder, "--evidence", found, "--by", "Li", "--by", "Wang").exit_code == 0
    locked = lock.read(folder / lock.NAME)["emergency.flood.water_level_high"]
    assert (locked.version, locked.kind, locked.by) == (2, "major", ("Li", "Wang"))
    assert call("lock", "--set", folder).exit_code == 0
    assert lock.read(folder / lock.NAME)["emergency.flood.water_level_high"] == locked


def test_a_minor_version_needs_its_own_backtest_and_nobody_else(tmp_path: Path, recorded: Path) -> None:
    found, folder = tmp_path / "report.json", tmp_path / "set"
    file = candidate(tmp_path, detect={"above": 2.4})
    assert call("backtest", recorded, "--scenario", file, "--json", found).exit_code == 0
    shutil.copytree(DEMO, folder)
    shutil.copy(file, folder / "scenarios" / "emergency" / FLOOD.name)
    answer = call("lock", "--set", folder)
    assert (answer.exit_code, "major (no_backtest)" in answer.output) == (1, True)
    assert call("lock", "--set", folder, "--evidence", found).exit_code == 0
    assert lock.read(folder / lock.NAME)["emergency.flood.water_level_high"].kind == "minor"
    shutil.copy(
        candidate(tmp_path, detect={"above": 9}, levels=[], version=3), folder / "scenarios/emergency" / FLOOD.name
    )
    assert call("lock", "--set", folder, "--evidence", found).exit_code == 1


def test_a_candidate_that_breaks_a_limit_ends_with_three_and_is_not_locked(tmp_path: Path, recorded: Path) -> None:
    limits, found = tmp_path / "limits.yaml", tmp_path / "report.json"
    limits.write_text("version: 1\nclasses: [{events: 'emergency.flood.*', per_day: 1}]\n", encoding="utf-8")
    file = candidate(tmp_path, detect={"above": 2.4})
    answer = call("backtest", recorded, "--scenario", file, "--limits", limits, "--json", found, "--lang", "en")
    assert answer.exit_code == 3
    assert "blocked: too many shown a day (emergency.flood.*): 2, allowed 1" in answer.output
    answer = call("lock", "--evidence", found)
    assert (answer.exit_code, "limits block the candidate" in answer.output) == (1, True)


def test_a_changed_registry_is_a_candidate_too_and_a_time_can_be_cut_out(tmp_path: Path, recorded: Path) -> None:
    assets, found = tmp_path / "assets.ndjson", tmp_path / "report.json"
    rows = [row for row in (DEMO / "assets.ndjson").read_text(encoding="utf-8").splitlines() if '"wl-02"' not in row]
    assets.write_text("\n".join(rows) + "\n", encoding="utf-8")
    span = ("--from", T0 + 40_000, "--to", T0 + 200_000, "--warm-up", 1)
    assert call("backtest", recorded, "--assets", assets, *span, "--json", found).exit_code == 0
    report = decode(found.read_bytes())
    assert (report.base.shown, report.candidate.shown) == (2, 1)
    assert report.candidate.dead == {"decode/unknown_asset": 21}
    assert (report.since, report.warm_up_s) == (T0 + 40_000, 41.0)


def test_a_candidate_on_trial_is_run_as_if_it_were_live(tmp_path: Path, recorded: Path) -> None:
    file = candidate(tmp_path, state="trial", trial={"district": "990102"})
    answer = call("backtest", recorded, "--scenario", file, "--lang", "en")
    assert answer.exit_code == 0, answer.output
    assert "gone 0, changed 0, new 0, the same 2" in answer.output


def test_two_versions_are_compared_by_field_and_on_a_log_by_what_they_do(tmp_path: Path, recorded: Path) -> None:
    file = candidate(tmp_path, detect={"above": 2.8}, levels=[])
    answer = call("diff", FLOOD, file, "--lang", "en")
    assert answer.exit_code == 0
    assert "detect.above: 2.5 → 2.8" in answer.output
    answer = call("diff", FLOOD, file, "--bundle", recorded, "--lang", "en")
    assert "gone 1, changed 0, new 0, the same 1" in answer.output
    folder = tmp_path / "set"
    shutil.copytree(DEMO, folder)
    (folder / "routes.yaml").write_text((folder / "routes.yaml").read_text(encoding="utf-8") + "\n", encoding="utf-8")
    answer = call("diff", DEMO, folder, "--bundle", recorded, "--lang", "en")
    assert "routes.yaml: " in answer.output
    assert "worked: none; taken over: " in answer.output
    assert "the two versions are the same" in call("diff", DEMO, DEMO, "--lang", "en").output


def test_what_cannot_be_used_is_said_and_nothing_is_written(tmp_path: Path, recorded: Path) -> None:
    torn, found, labels = tmp_path / "torn.ndjson.gz", tmp_path / "report.json", tmp_path / "labels.ndjson"
    torn.write_bytes(recorded.read_bytes()[:-200])
    half = tmp_path / "half.ndjson"
    with bundle.open_binary(recorded) as whole:
        half.write_bytes(whole.read()[:-40])
    labels.write_text('{"id": 1}\n', encoding="utf-8")
    file = candidate(tmp_path)
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(file.read_text(encoding="utf-8") + "colour: red\n", encoding="utf-8")
    cases: list[tuple[tuple[object, ...], str, str]] = [
        ((torn, "--scenario", file), "cut short", "文件不完整"),
        ((half, "--scenario", file), "expected a bundle record", "应为录制包的记录"),
        ((tmp_path / "none.ndjson", "--scenario", file), "none.ndjson", "没有这个文件"),
        ((FLOOD, "--scenario", file), "neither a bundle", "既不是录制包"),
        ((recorded,), "expected a candidate", "须给出候选"),
        ((recorded, "--set", tmp_path), "expected the folder of a set", "应为生效集的目录"),
        ((recorded, "--base", tmp_path, "--scenario", file), "expected the folder of a set", "应为生效集的目录"),
        ((recorded, "--scenario", wrong), "colour", "没有这样的键"),
        ((recorded, "--scenario", file, "--labels", labels), "labels.ndjson:1: expected a label", "1: 应为标注"),
        ((recorded, "--scenario", file, "--from", "2099-01-01"), "no record of any input in this range", "没有任何"),
        ((recorded, "--scenario", file, "--from", "yesterday"), "--from: expected ms", "--from: 应为 UTC 毫秒"),
        (
            (recorded, "--scenario", file, "--offsets", "iot.telemetry:5"),
            "--offsets: expected topic/partition:from-to", "--offsets: 应为主题/分区",
        ),
    ]  # fmt: skip
    for words, en, zh in cases:
        for language, error in (("en", en), ("zh", zh)):
            answer = call("backtest", *words, "--json", found, "--lang", language)
            assert answer.exit_code in (1, 2), answer.output
            assert error in answer.output.replace("\n", " "), answer.output
            assert not found.exists()


def test_a_bundle_of_a_set_that_nobody_has_says_so(tmp_path: Path) -> None:
    settings = Settings()
    row = ("iot.telemetry", 3, b"wl-01", b"{}", T0)
    path = tmp_path / "log.ndjson"
    bundle.write(path, bundle.on_grid([row], settings.partitions, settings.key(), "sha256:unknown", T0 + 5000))
    words = ["scenario", "backtest", str(path), "--scenario", str(candidate(tmp_path))]
    for language, nobody, partitions in (
        ("en", "name the version in force by --base", "partitions of this input"),
        ("zh", "请用 --base 指明现行版本", "请改为录制时的数目"),
    ):
        answer = runner.invoke(app, [*words, "--lang", language], env={"COLUMNS": "200"})
        assert (answer.exit_code, nobody in answer.output) == (1, True)
        assert partitions in runner.invoke(app, [*words, "--lang", language], env=ENV).output
