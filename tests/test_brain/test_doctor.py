"""The doctor without a broker: each broken set-up has its code; forecasts against a slow count; what hangs is left."""

from __future__ import annotations

import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from brain.cli import app
from brain.doctor import here, running
from brain.doctor.checks import HERE, checks
from brain.doctor.cluster import reach
from brain.doctor.code import Said
from brain.doctor.codes import CODES, PARTS, Finding, found, page
from brain.doctor.disks import judged, span
from brain.doctor.forecast import Growth, forecast
from brain.doctor.run import Check, Look, Patient, examine
from brain.settings import load
from streams.lane_parts import Head
from streams.records import TP
from streams.state import HEAD

ROOT = Path(__file__).resolve().parents[2]
LOCAL = {"bootstrap": "127.0.0.1:1"}


def patient(**given: Any) -> Patient:
    made = Patient(environ={})
    made.settings = load(None, {}, **{**LOCAL, "sets": str(ROOT / "config"), **given})
    return made


def codes(findings: Iterator[Finding]) -> set[str]:
    return {f.code for f in findings}


def test_a_settings_file_that_is_no_yaml_has_a_slip_or_another_type_is_told_apart(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    wrong = {
        "D101": "a: [",
        "D102": "bootsrap: x:1",
        "D103": "health_port: many",
        "D104": "security_protocol: SASL_SSL",
    }
    for code, text in wrong.items():
        file.write_text(text)
        assert codes(here.settings(Patient(file, environ={}))) == {code}
    assert codes(here.settings(Patient(tmp_path / "none.yaml", environ={}))) == {"D101"}
    file.write_text("health_port: 0")
    assert codes(here.settings(Patient(file, environ={}))) == set()


@pytest.mark.parametrize(
    "text",
    [
        "{bootstrap: '127.0.0.1:1', security_protocol: SASL_SSL}",  # without a user
        "security_protocol: SSL",  # without a broker: the embedded one has no TLS
    ],
)
def test_users_and_tls_that_cannot_be_used_are_one_finding_and_no_broker_is_asked(tmp_path: Path, text: str) -> None:
    (tmp_path / "settings.yaml").write_text(text)
    made = Patient(tmp_path / "settings.yaml", environ={})
    names = ("settings", "reaching the broker", "brokers")
    done = examine(made, [check for check in checks(made) if check.name.en in names])
    assert [f.code for f in done.findings] == ["D104"]
    assert [check.name.en for check in done.left_out] == ["brokers"]


def test_keys_that_are_shipped_short_or_lost_and_secrets_that_others_read_are_named(tmp_path: Path) -> None:
    away = "kafka.example:9092"
    short, empty, open_ = tmp_path / "short", tmp_path / "empty", tmp_path / "open"
    for file, text in ((short, "abc"), (empty, ""), (open_, "x" * 32)):
        file.write_text(text)
        file.chmod(0o600)
    open_.chmod(0o644)
    assert codes(here.secrets(patient())) == set()
    assert codes(here.secrets(patient(bootstrap=f"127.0.0.1:1,{away}"))) == {"D111"}
    assert codes(here.secrets(patient(bootstrap=away, pulse_key_file=str(short)))) == {"D112"}
    assert codes(here.secrets(patient(pulse_key_file=str(empty)))) == {"D113"}
    assert codes(here.secrets(patient(pulse_key_file=str(tmp_path / "none")))) == {"D113"}
    assert codes(here.secrets(patient(bootstrap=away, pulse_key_file=str(open_)))) == {"D114"}


def test_sets_that_are_not_there_or_do_not_load_are_named(tmp_path: Path) -> None:
    below = tmp_path / "sets"
    below.mkdir()
    assert codes(here.sets(patient(sets=str(below)))) == {"D105"}
    assert codes(here.sets(patient(sets=str(tmp_path / "none")))) == {"D105"}
    (below / "one").mkdir()
    (below / "one" / "assets.ndjson").write_text('{"id": "a"')
    assert codes(here.sets(patient(sets=str(below)))) == {"D106"}
    (broken,) = here.sets(patient(sets=str(below), genesis="one"))
    assert (broken.code, broken.place) == ("D107", str(below / "one"))
    assert "assets.ndjson" in broken.text("got", "en")


def test_software_that_is_missing_or_of_another_version_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(
        "msgspec==0.0.1 \\\n    --hash=sha256:00\nno-such-package==1.0\nwindows-only==1 ; sys_platform == 'win32'\n"
    )
    assert [(f.code, f.place) for f in here.packages(lock)] == [("D122", "msgspec"), ("D122", "no-such-package")]
    assert list(here.packages(tmp_path / "none")) == []
    monkeypatch.setattr(here, "PYTHONS", ((3, 99), (4, 0)))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(here.os, "access", lambda *_: False)  # as another user would have it: tests may run as root
    assert codes(here.software(patient(bootstrap=""))) >= {"D121", "D123", "D124"}


def test_a_taken_port_few_files_little_memory_and_a_full_or_closed_disk_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(here, "LEAST_FILES", 2**40)
        monkeypatch.setattr(here, "LEAST_MEMORY", 2**40)
        threading.Thread(target=_answer, args=(taken, b"HTTP/1.0 200 OK\r\n\r\nsomething else"), daemon=True).start()
        made = patient(health_port=port, set_cache=str(tmp_path / "a" / "cache"))
        made.least_free = 2**60
        found_ = codes(here.machine(made))
    assert found_ >= {"D125", "D127", "D128"}
    assert "D126" in found_ or not Path("/proc/meminfo").exists()
    monkeypatch.setattr(here.os, "access", lambda *_: False)
    assert "D129" in codes(here.machine(patient()))


def test_a_port_that_our_own_process_has_is_not_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as ours:
        threading.Thread(target=_answer, args=(ours, b"HTTP/1.0 200 OK\r\n\r\nlive\n"), daemon=True).start()
        assert "D127" not in codes(here.machine(patient(health_port=ours.getsockname()[1])))


def test_processes_that_are_not_ready_or_not_there_are_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unready:
        said = b"HTTP/1.0 503 Service Unavailable\r\n\r\nno pulse for 30 s"
        threading.Thread(target=_answer, args=(unready, said), daemon=True).start()
        made = patient()
        made.health = [f"127.0.0.1:{unready.getsockname()[1]}", "127.0.0.1:1", "ftp://x/"]
        answers = list(here.health(made))
    assert [f.code for f in answers] == ["D506", "D507", "D507"]
    assert "no pulse" in answers[0].text("got", "zh")


def test_a_program_that_speaks_no_http_has_the_port_and_is_no_process_of_ours() -> None:
    with socket.create_server(("127.0.0.1", 0)) as shell:
        threading.Thread(target=_answer, args=(shell, b"SSH-2.0-shell\r\n"), daemon=True).start()
        made = patient(health_port=shell.getsockname()[1])
        made.health = [f"127.0.0.1:{shell.getsockname()[1]}", "127.0.0.1:many", "127.0.0.1:1"]
        assert "D127" in codes(here.machine(made))
        assert [f.code for f in here.health(made)] == ["D507"] * 3


def test_a_broker_that_is_not_named_away_or_none_is_told_apart(tmp_path: Path) -> None:
    assert codes(reach(patient(bootstrap="", kafka_data=str(tmp_path / "kafka")))) == {"D208"}
    assert codes(reach(patient())) == {"D202"}
    assert codes(reach(patient(bootstrap="nowhere.invalid:9092"))) == {"D201"}
    with socket.create_server(("127.0.0.1", 0)) as web:
        threading.Thread(target=_answer, args=(web, b"HTTP/1.0 400 Bad Request\r\n\r\n"), daemon=True).start()
        assert codes(reach(patient(bootstrap=f"127.0.0.1:{web.getsockname()[1]}"))) == {"D203"}


def _answer(server: socket.socket, said: bytes) -> None:
    while True:
        try:
            conn, _ = server.accept()
        except OSError:
            return
        with conn:
            conn.recv(4096)
            conn.sendall(said)


def test_a_check_that_hangs_or_breaks_is_a_finding_and_the_rest_goes_on() -> None:
    def breaks(_: Patient) -> Iterator[Finding]:
        raise RuntimeError("odd")

    def hangs(_: Patient) -> Iterator[Finding]:
        time.sleep(3)
        yield found("D401", "never told")

    def fine(_: Patient) -> Iterator[Finding]:
        yield found("D604", "told")

    told: list[int] = []
    names = Said("查", "look")
    checks = [Check(names, hangs, limit_s=0.1), Check(names, breaks), Check(names, fine), Check(names, fine, "broker")]
    done = examine(Patient(), checks, lambda number, _: told.append(number))
    assert [f.code for f in done.findings] == ["D902", "D901", "D604"]
    assert (done.exit_code, told, len(done.left_out)) == (2, [0, 1, 2, 3], 1)
    assert examine(Patient(), [Check(names, fine)]).exit_code == 0
    assert examine(Patient(), [Check(names, hangs, limit_s=0.01)]).exit_code == 1


def test_every_text_of_every_code_is_there_in_both_languages_and_takes_its_values() -> None:
    every = dict.fromkeys(("wanted", "name", "names", "role", "way_out", "rate", "needs", "topics", "when"), "v")
    for code in CODES:
        finding = Finding(code, "here", {"got": "it", **every})
        for part in PARTS:
            for language in ("zh", "en"):
                text = finding.text(part, language)
                assert text, (code, part, language)
                assert "{" not in text, (code, part, language)


def test_the_table_of_codes_on_the_page_is_that_of_the_code() -> None:
    assert page() in (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8"), "brain doctor --codes prints it anew"


def test_the_command_ends_with_one_line_of_verdict_and_its_exit_code(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("bootsrap: x")
    done = CliRunner().invoke(app, ["doctor", "--config", str(file), "--lang", "en"], env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert "D102 error a setting that there is not" in done.output
    assert "begin with D102" in done.output.strip().splitlines()[-1]
    as_json = CliRunner().invoke(app, ["doctor", "--config", str(file), "--json"])
    told = json.loads(as_json.stdout)
    assert (told["exit_code"], as_json.exit_code) == (2, 2)
    assert told["findings"][0]["code"] == "D102"
    assert "未知的键" in told["findings"][0]["what"]
    assert "reaching the broker" in told["left_out"]


def test_checks_of_this_machine_find_nothing_on_a_sound_one(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    file = tmp_path / "settings.yaml"
    file.write_text(json.dumps({**LOCAL, "set_cache": str(cache), "sets": str(ROOT / "config")}))
    made = Patient(file, environ={}, least_free=1)
    done = examine(made, [check for check in HERE if check.name.en not in ("software", "this machine")])
    assert done.findings == []
    shutil.rmtree(cache, ignore_errors=True)


def test_the_lag_of_a_lane_that_was_restored_counts_from_where_its_new_log_begins() -> None:
    plain, restored, led_by_nobody = TP("iot.telemetry", 0), TP("iot.telemetry", 1), TP("warnings", 0)
    ends = {plain: (0, 120), restored: (0, 50)}
    heads = {plain: Head(position=100), restored: Head(position=7_040, base=7_000), led_by_nobody: Head(position=3)}
    now = Look(2.0, ends, heads, [])
    assert now.lags() == {plain: 20, restored: 10}
    made = patient()
    made.least_lag = 5
    made.looks = [Look(1.0, {**ends, restored: (0, 44)}, heads, []), now]
    (grows,) = running.behind(made)
    assert (grows.code, grows.place, grows.text("got", "en")) == ("D503", str(restored), "10 records, 6 more a second")


def test_a_head_that_cannot_be_read_is_not_said_to_be_a_broker_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = patient()
    made.census = SimpleNamespace(offsets=lambda _: {}, log_dirs=list)  # type: ignore[assignment]
    monkeypatch.setattr(running, "latest", lambda _, partitions, key: {partitions[0]: b"{" if key == HEAD else b""})
    done = examine(made, [Check(Said("观察", "watching"), running.sample, "broker")])
    assert [f.code for f in done.findings] == ["D902"]
    assert "state.iot.telemetry/0: its head cannot be read" in done.findings[0].text("got", "en")


# -- the forecast


def slowly(topics: list[Growth], usable: float, step: float, until: float) -> float | None:
    """When the disk is full, by walking through time."""
    at = 0.0
    while at < until:
        held = sum(min(g.size + g.rate * at, max(g.steady, g.size)) - g.size for g in topics)
        if held > usable:
            return at
        at += step
    return None


def growth() -> st.SearchStrategy[Growth]:
    retention = st.one_of(st.none(), st.floats(1, 100))
    return st.builds(
        Growth, st.just("t"), st.floats(0, 1000), st.floats(0, 50), retention, st.floats(1, 100), st.integers(1, 3),
        st.one_of(st.none(), st.floats(0, 10)),
    )  # fmt: skip


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(growth(), max_size=4), st.floats(0, 5000))
def test_a_forecast_is_what_walking_through_time_finds(topics: list[Growth], usable: float) -> None:
    ahead = forecast(topics, usable)
    walked = slowly(topics, usable, 0.25, 300.0)
    if walked is None:
        assert ahead.full_s is None or ahead.full_s > 299 or ahead.needs < 1e-6 * max(1.0, ahead.steady)
    else:
        assert ahead.full_s is not None
        assert walked - 0.26 <= ahead.full_s <= walked + 0.01
    assert (ahead.full_s is not None) <= (ahead.needs > -1e-9)


def test_a_topic_in_balance_never_fills_the_disk_and_a_retention_that_does_not_fit_says_when() -> None:
    day = 86_400.0
    old = Growth("old", 7 * day * 100 + 2**20, 100.0, 7 * day, 2**20)
    assert forecast([old], 1.0).full_s is None
    young = Growth("young", 0.0, 1e6, 3 * day, 2**30, 2)
    ahead = forecast([young], 1e11)
    assert ahead.full_s == pytest.approx(1e5)
    assert ahead.steady == pytest.approx(1e6 * 3 * day + 2 * 2**30)
    (soon,) = judged("broker 1 data", ahead)
    assert (soon.code, "28 h" in soon.text("got", "en")) == ("D602", True)
    (later,) = judged("broker 1 data", forecast([Growth("t", 0.0, 1.0, 90 * day, 1)], 20 * day))
    assert (later.code, "20 d" in later.text("got", "zh")) == ("D603", True)
    assert list(judged("x", forecast([Growth("t", 0.0, 1.0, 90 * day, 1)], 100 * day))) == []
    assert [span(s) for s in (5, 600, 7300, 3 * day)] == ["5 s", "10 min", "2 h", "3 d"]
