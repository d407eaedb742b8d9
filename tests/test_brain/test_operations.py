"""Alerts, their pages and tests, dashboards and the table of metrics agree with one another and with the code."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from metrics import known
from operations import FOLDER, ROOT, alerts, asked, panels
from scraper import PROMTOOL
from verbs import every_verb

RUNBOOKS = ROOT / "docs" / "runbooks"
VERBS = every_verb()
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| ([^|]+) \| ([^|]+) \| (.+) \|$", re.MULTILINE)
needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="promtool is not installed (Debian: apt install prometheus)"
)


def listed(text: str) -> list[tuple[str, str, str, str]]:
    return [(name, kind, labels.replace("–", ""), says) for name, kind, labels, zh, says in ROW.findall(text) if zh]


def test_the_table_of_metrics_is_what_the_code_has() -> None:
    ours, _, screen = (ROOT / "docs" / "metrics.md").read_text("utf-8").partition("## The screen")
    here = [k for k in known() if not k.name.startswith("brain_screen_")]
    assert listed(ours) == [tuple(k) for k in here]
    assert listed(screen) == [tuple(k) for k in known() if k.name.startswith("brain_screen_")]


def test_every_metric_that_a_panel_or_an_alert_asks_for_exists() -> None:
    there = {name for name, *_ in listed((ROOT / "docs" / "metrics.md").read_text("utf-8"))}
    asking = [*panels(), *map(asked, alerts())]
    assert {(q.where, name) for q in asking for name in q.metrics() - there} == set()
    assert len({name for q in asking for name in q.metrics()}) > 30


def test_metrics_are_named_as_prometheus_wants_it() -> None:
    wrong = [k.name for k in known() if (k.type == "counter") != k.name.endswith("_total")]
    wrong += [k.name for k in known() if k.type == "histogram" and not k.name.endswith(("_seconds", "_rows"))]
    assert wrong == []


def test_every_alert_has_its_page_and_every_page_its_alert() -> None:
    names = [rule["alert"] for rule in alerts()]
    assert sorted(names) == sorted(page.stem for page in RUNBOOKS.glob("*.md"))
    for rule in alerts():
        assert rule["annotations"]["runbook_url"] == f"docs/runbooks/{rule['alert']}.md"
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert re.search(r"[\u4e00-\u9fff]", rule["annotations"]["summary"])
        assert rule["annotations"]["summary_en"].isascii()


def test_a_page_says_what_to_look_at_what_to_do_and_what_not() -> None:
    for page in sorted(RUNBOOKS.glob("*.md")):
        text = page.read_text("utf-8")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Look at", "Do", "Do not"], page.name
        links = [name for name in re.findall(r"\]\((\w+\.md)\)", text) if not (RUNBOOKS / name).is_file()]
        assert links == [], page.name
        boards = {f"brain-{name}" for name in re.findall(r"dashboard \*(\w+)\*", text)}
        assert boards <= {path.stem for path in (FOLDER / "dashboards").glob("*.json")}, page.name
        files = [name for name in re.findall(r"docs/\w+\.md", text) if not (ROOT / name).is_file()]
        assert files == [], page.name


def test_every_command_of_a_page_is_one_that_brain_has() -> None:
    unknown = []
    for page in sorted(RUNBOOKS.glob("*.md")):
        for words in re.findall(r"`brain ([^`]+)`", page.read_text("utf-8")):
            command, rest = VERBS, words.split()
            while rest and hasattr(command, "commands") and rest[0] in command.commands:
                command = command.commands[rest.pop(0)]
            options = {name for parameter in command.params for name in parameter.opts}
            runs = not hasattr(command, "commands") or command.invoke_without_command
            if not runs or any(w.startswith("--") and w not in options for w in rest):
                unknown.append((page.name, words))
    assert unknown == []


@needs_promtool
def test_prometheus_takes_the_rules() -> None:
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, "check", "rules", "alerts.yaml"], cwd=FOLDER, capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_every_alert_fires_in_its_case_and_is_quiet_in_the_other() -> None:
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, "test", "rules", "alerts.test.yaml"], cwd=FOLDER, capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_is_quiet() -> None:
    cases = yaml.safe_load((FOLDER / "alerts.test.yaml").read_text("utf-8"))["tests"]
    wanted = {f"{rule['alert']} {what}" for rule in alerts() for what in ("fires", "is quiet")}
    assert {case["name"] for case in cases} == wanted
    for case in cases:
        alert, _, what = case["name"].partition(" ")
        (asked_for,) = case["promql_expr_test"]
        assert f'alertname="{alert}"' in asked_for["expr"]
        assert bool(asked_for["exp_samples"]) == (what == "fires")


def test_the_dashboards_are_those_that_their_table_writes() -> None:
    done = subprocess.run([sys.executable, str(ROOT / "tools" / "dashboards.py"), "--check"], capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_panel_has_a_chinese_title_and_an_english_description() -> None:
    for path in sorted(Path(FOLDER / "dashboards").glob("*.json")):
        for panel in json.loads(path.read_text("utf-8"))["panels"]:
            assert re.search(r"[\u4e00-\u9fff]", panel["title"]), panel["title"]
            assert panel["type"] == "row" or panel["description"].isascii(), panel["title"]
