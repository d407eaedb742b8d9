"""The commands around Kafka, without one: what they say when there is none, and what they refuse."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from brain.commands import deadletter, kafka, topics
from brain.commands.deadletter import _plain, _readable


@pytest.fixture(autouse=True)
def no_broker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("BRAIN_BOOTSTRAP", raising=False)
    monkeypatch.setenv("BRAIN_KAFKA_DATA", str(tmp_path / "kafka"))


def test_status_without_a_broker_says_so_and_exits_with_one() -> None:
    done = CliRunner().invoke(kafka.app, ["status", "--lang", "en"])
    assert done.exit_code == 1
    assert "not running" in done.output


def test_stopping_what_does_not_run_is_no_error() -> None:
    done = CliRunner().invoke(kafka.app, ["stop"])
    assert done.exit_code == 0
    assert "未运行" in done.output


@pytest.mark.parametrize("args", [["list"], ["show", "iot.telemetry/0/1"], ["requeue", "--reason", "late"]])
def test_without_a_broker_the_way_out_is_named(args: list[str]) -> None:
    done = CliRunner().invoke(deadletter.app, args)
    assert done.exit_code != 0
    assert "brain kafka start" in " ".join(done.output.split())


def test_topics_on_an_address_where_nobody_listens_says_so_at_once() -> None:
    done = CliRunner().invoke(topics.app, ["--bootstrap", "127.0.0.1:1"])
    assert done.exit_code == 1
    assert "no Kafka answers at 127.0.0.1:1" in " ".join(done.output.split())


def test_requeueing_everything_at_once_is_not_offered() -> None:
    done = CliRunner().invoke(deadletter.app, ["requeue"])
    assert done.exit_code != 0
    assert "--reason" in done.output


def test_a_reason_that_is_none_is_refused_with_the_list() -> None:
    done = CliRunner().invoke(deadletter.app, ["list", "--reason", "nonsense"])
    assert done.exit_code == 2
    assert "not_json" in done.output


def test_what_came_in_cannot_steer_the_terminal() -> None:
    assert _readable(b"\x1b[2J\xff ok") == "\\x1b[2J\\xff ok"
    assert _plain("水位\n\u202e") == "水位\n\\u202e"
