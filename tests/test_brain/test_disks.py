"""Room on our own disks: what a scrape is told, of folders that are there, not yet there, or on a disk that fails."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from structlog.testing import capture_logs

from brain.commands.common import folders_of
from brain.disks import Disks, existing, scraped
from brain.settings import Settings


def told(disks: Disks) -> dict[tuple[str, str], float]:
    return {(s.name, s.labels["folder"]): s.value for family in disks.collect() for s in family.samples}


def test_a_folder_has_the_room_of_its_disk_also_before_it_is_made(tmp_path: Path) -> None:
    usage = shutil.disk_usage(tmp_path)
    found = told(Disks({"set_cache": tmp_path / "not" / "yet", "kafka_data": tmp_path}))
    for folder in ("set_cache", "kafka_data"):
        assert found["brain_disk_size_bytes", folder] == usage.total
        assert abs(found["brain_disk_free_bytes", folder] - usage.free) < usage.total / 10
    assert existing(tmp_path / "not" / "yet") == tmp_path


def test_of_a_disk_that_does_not_answer_nothing_is_told_the_log_says_why_and_others_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, real = tmp_path / "bad", shutil.disk_usage
    bad.mkdir()

    def asked(path: Path) -> Any:
        if path == bad:
            raise OSError(5, "Input/output error")
        return real(path)

    monkeypatch.setattr(shutil, "disk_usage", asked)
    with capture_logs() as logs:
        found = told(Disks({"kafka_data": bad, "set_cache": tmp_path}))
    assert {folder for _, folder in found} == {"set_cache"}
    assert [(line["folder"], "Input/output error" in line["error"]) for line in logs] == [("kafka_data", True)]


def test_a_disk_that_hangs_holds_up_no_scrape_is_asked_once_and_is_told_again_when_it_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, real, answers, questions = tmp_path / "slow", shutil.disk_usage, threading.Event(), []
    slow.mkdir()

    def asked(path: Path) -> Any:
        if path == slow:
            questions.append(path)
            answers.wait()
        return real(path)

    monkeypatch.setattr(shutil, "disk_usage", asked)
    monkeypatch.setattr("brain.disks.PATIENCE_S", 0.05)
    disks = Disks({"kafka_data": slow, "set_cache": tmp_path})
    with capture_logs() as logs:
        for _ in range(3):
            assert {folder for _, folder in told(disks)} == {"set_cache"}
    assert len(questions) == 1
    assert [line["error"] for line in logs] == ["no answer within 0.05 s"] * 3
    answers.set()
    monkeypatch.setattr("brain.disks.PATIENCE_S", 60.0)
    assert {folder for _, folder in told(disks)} == {"kafka_data", "set_cache"}


def test_a_process_tells_its_disks_while_it_works_and_can_begin_anew(tmp_path: Path) -> None:
    registry = CollectorRegistry(auto_describe=True)
    for _ in range(2):
        with scraped({"set_cache": tmp_path}, registry):
            assert b'brain_disk_free_bytes{folder="set_cache"}' in generate_latest(registry)
        assert b"brain_disk" not in generate_latest(registry)


def test_the_log_of_the_embedded_broker_counts_only_for_those_who_use_that_broker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(kafka_data=str(tmp_path / "kafka"), set_cache=str(tmp_path / "sets"))
    cache = {"set_cache": tmp_path / "sets"}
    assert folders_of(settings, "127.0.0.1:9092") == cache, "none runs"
    monkeypatch.setattr("brain.commands.common.status", lambda _: SimpleNamespace(bootstrap="127.0.0.1:9092"))
    assert folders_of(settings, "127.0.0.1:9092") == {**cache, "kafka_data": tmp_path / "kafka"}
    assert folders_of(settings, "kafka.example.org:9092") == cache


def test_a_broken_file_of_an_embedded_broker_that_nobody_uses_stops_no_process(tmp_path: Path) -> None:
    (tmp_path / "broker.json").write_text("{")
    assert set(folders_of(Settings(kafka_data=str(tmp_path)), "kafka.example.org:9092")) == {"set_cache"}
