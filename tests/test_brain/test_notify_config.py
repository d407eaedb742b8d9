"""notify.yaml: what is refused and how it is said, whom the rules name, quiet hours and pauses."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from brain.cli import app
from brain.incidents.value import Text
from brain.notify.adapters import notifiers
from brain.notify.config import Config, NotifyError
from brain.notify.occasions import Occasion
from brain.notify.port import About, Kind

DEMO = Path(__file__).parents[2] / "config" / "demo" / "notify.yaml"
T = 1_790_000_000_000  # 2026-09-21 22:13:20 in the city


def data(**more: Any) -> dict[str, Any]:
    return {
        "version": 1, "targets": {n: {"adapter": "log"} for n in ("duty", "fire", "boss")},
        "units": {"fire_rescue": ["fire"], "*": ["duty"]}, "rules": [{"life": True, "to": ["duty", "lead"]}],
        "escalation": [["lead"], ["boss"]], **more,
    }  # fmt: skip


def about(**more: Any) -> About:
    given = {"level": 2, "life": False, "unit": "fire_rescue", "domain": "emergency", "district": "440402", **more}
    return About(id="inc-1", revision=1, scenario="emergency.fire", name=Text(), onset=T, **given)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rulez": []}, "unknown field `rulez` (did you mean rules?)"),
        ({"rules": [{"to": ["duti"]}]}, "rules[0].to[0]: expected one of duty, fire, boss, lead, got 'duti' (did you"),
        ({"rules": [{"to": []}]}, "rules[0].to: expected at least one target"),
        ({"rules": [{"to": ["duty"], "kinds": ["breach"]}]}, "`$.rules[0].kinds[0]` (did you mean breached?)"),
        ({"rules": [{"to": ["duty"], "domains": ["echo"]}]}, "rules[0].domains[0]: expected one of emergency"),
        ({"rules": [{"to": ["duty"], "level": 9}]}, "rules[0].level: expected 0 to 4, got 9"),
        ({"rules": [{"to": ["duty"], "scenarios": ["a*b"]}]}, "rules[0].scenarios[0]: expected an id"),
        ({"rules": [{"life": True, "level": 1, "to": ["duty"]}]}, "rules: life-safety of emergency: expected a rule"),
        ({"rules": [{"life": True, "to": ["duty"], "domains": ["emergency"]}]}, "life-safety of market"),
        ({"units": {}}, "units: expected an entry '*'"),
        ({"units": {"*": ["lead"]}}, "units.*[0]: expected one of duty, fire, boss, got 'lead'"),
        ({"escalation": []}, "escalation: expected at least one step"),
        ({"escalation": [["x"]]}, "escalation[0][0]: expected one of"),
        ({"version": 2}, "version: expected 1, got 2"),
        ({"zone": "Mars"}, "zone: expected one of Asia/Shanghai, got 'Mars'"),
        ({"targets": {"lead": {"adapter": "log"}}}, "targets.lead: this name stands for"),
        ({"targets": {"duty": {"adapter": "log", "quiet": "25:00-07:00"}}}, "duty.quiet: expected from and to"),
        ({"targets": {"duty": {"adapter": "log", "unit": "a b"}}}, "duty.unit: expected up to 64 letters"),
        ({"targets": {"duty": {"adapter": "log", "retry": {"first": "1"}}}}, "duty.retry.first: expected a whole"),
        ({"targets": {"duty": {"adapter": "log", "retry": {"first": "5m"}}}}, "retry.most: expected at least first"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_refused_with_place_and_what_was_expected(
    change: dict[str, Any], said: str
) -> None:
    with pytest.raises(NotifyError) as caught:
        Config.of(data(**change), "notify.yaml")
    assert str(caught.value).startswith("notify.yaml: ")
    assert said in str(caught.value)


def test_what_is_no_yaml_is_refused_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "n.yaml").write_bytes(b"a: [\xff")
    with pytest.raises(NotifyError, match=r"n\.yaml: not YAML"):
        Config.load(tmp_path / "n.yaml")


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ({"adapter": "webhok"}, "one of broken, log, mail, webhook, got 'webhok' (did you mean webhook?)"),
        ({"adapter": "log", "settings": {"x": 1}}, "targets.duty.settings: Object contains unknown field `x`"),
        ({"adapter": "webhook", "settings": {}}, "targets.duty.settings: Object missing required field `url`"),
        ({"adapter": "broken"}, "targets.duty.adapter: 'broken' cannot be loaded"),
    ],
)  # fmt: skip
def test_an_adapter_that_is_not_there_or_refuses_its_settings_is_named(target: dict[str, Any], said: str) -> None:
    config = Config.of(data(targets=dict.fromkeys(("duty", "fire", "boss"), target)))
    broken = EntryPoint("broken", "brain.notify.nowhere:make", "city_brain.notify")
    with pytest.raises(NotifyError) as caught:
        notifiers(config, "notify.yaml", [broken])
    assert said in str(caught.value)


def test_a_package_brings_its_adapter_by_an_entry_point() -> None:
    config = Config.of(data(targets={n: {"adapter": "theirs"} for n in ("duty", "fire", "boss")}))
    theirs = EntryPoint("theirs", "brain.notify.line:make", "city_brain.notify")
    assert sorted(notifiers(config, "notify.yaml", [theirs])) == ["boss", "duty", "fire"]


def test_the_sample_of_the_demo_is_sound_and_the_command_says_so() -> None:
    answer = CliRunner().invoke(app, ["notify", str(DEMO), "--check"])
    assert (answer.exit_code, answer.output.strip()) == (0, f"{DEMO}: 4 targets, 4 rules")


RULES = [
    {"life": True, "to": ["duty", "lead"]}, {"life": False, "level": 3, "districts": ["440402"], "to": ["duty"]},
    {"scenarios": ["eco.*"], "to": ["boss"]}, {"kinds": ["breached"], "to": ["boss"]},
]  # fmt: skip


@pytest.mark.parametrize(
    ("occasion", "said", "whom"),
    [
        (Occasion(Kind.SHOWN, T, "k"), about(life=True), ["duty", "fire"]),
        (Occasion(Kind.SHOWN, T, "k"), about(life=True, unit="police"), ["duty"]),
        (Occasion(Kind.SHOWN, T, "k"), about(), []),
        (Occasion(Kind.SHOWN, T, "k"), about(level=3), ["duty"]),
        (Occasion(Kind.SHOWN, T, "k"), about(level=3, district="440403"), []),
        (Occasion(Kind.PREDICTED, T, "k"), about(), ["fire"]),
        (Occasion(Kind.BREACHED, T, "k"), about(), ["boss", "fire"]),
        (Occasion(Kind.STALE, T, "k", 1), about(), ["fire"]),
        (Occasion(Kind.UNACKNOWLEDGED, T, "k", 1), about(life=True), ["fire"]),
        (Occasion(Kind.UNACKNOWLEDGED, T, "k", 2), about(life=True), ["boss"]),
        (Occasion(Kind.UNACKNOWLEDGED, T, "k", 9), about(life=True), ["boss"]),
    ],
)
def test_rules_steps_and_the_department_that_leads_say_whom_to_tell(
    occasion: Occasion, said: About, whom: list[str]
) -> None:
    assert Config.of(data(rules=RULES)).whom(occasion, said) == whom


def test_quiet_hours_wait_for_the_morning_but_never_of_life_safety() -> None:
    target = Config.of(data(targets={n: {"adapter": "log", "quiet": "22:00-07:00"} for n in ("duty", "fire", "boss")}))
    duty, hour = target.targets["duty"], 3_600_000
    morning = T - 13 * 60_000 - 20_000 + 9 * hour
    assert duty.awake(T, life=False) == morning
    assert duty.awake(morning - 1, life=False) == morning
    assert duty.awake(morning, life=False) == morning
    assert duty.awake(T - hour, life=False) == T - hour
    assert duty.awake(T, life=True) == T


def test_pauses_double_from_the_first_to_the_longest() -> None:
    duty = Config.of(data()).targets["duty"]
    assert [duty.pause(n) // 1000 for n in (1, 2, 3, 6, 7, 1000)] == [1, 2, 4, 32, 60, 60]
