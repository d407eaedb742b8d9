"""The benches' front door: what a run prints and how it ends."""

from __future__ import annotations

import json
import math
import sys
import types
from pathlib import Path

import pytest

from bench import __main__ as front
from bench import harness


def a_bench(ok: bool) -> types.ModuleType:
    module = types.ModuleType("bench.sample")

    def run(seed: int, data: Path | None) -> harness.Result:
        rows: list[dict[str, harness.Figure]] = [{"what": "ours", "events/s": 300_000}, {"what": "theirs"}]
        figures: dict[str, harness.Figure] = {"seed": seed, "ratio": math.nan, "note": "[plain]"}
        return harness.Result(rows=rows, figures=figures, ok=ok, settings={"flush_ms": 200})

    module.run = run  # type: ignore[attr-defined]
    return module


@pytest.mark.parametrize(("ok", "code"), [(True, 0), (False, 1)])
def test_a_run_ends_with_one_line_of_json_and_fails_on_a_contradiction(
    ok: bool, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "bench.sample", a_bench(ok))
    monkeypatch.setattr(harness, "present", lambda: ["sample"])
    assert front.main(["sample", "--seed", "7"]) == code
    printed = capsys.readouterr().out.rstrip("\n").splitlines()
    assert json.loads(printed[-1]) == {"bench": "sample", "figures": {"seed": 7, "ratio": None, "note": "[plain]"}}
    assert "flush_ms = 200" in "\n".join(printed)
    assert any("300,000" in line for line in printed)


def test_an_unknown_name_is_answered_with_the_names_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert front.main(["no-such-bench"]) == 2
    assert "no benchmark named 'no-such-bench'" in capsys.readouterr().out


def test_without_a_name_all_permanent_names_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert front.main([]) == 0
    first_words = {line.split()[0] for line in capsys.readouterr().out.splitlines()}
    assert set(harness.NAMES) <= first_words


def test_data_that_is_not_there_is_refused_before_the_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "bench.sample", a_bench(ok=True))
    monkeypatch.setattr(harness, "present", lambda: ["sample"])
    assert front.main(["sample", "--data", str(tmp_path / "gone")]) == 2
    assert "no such file" in capsys.readouterr().out
