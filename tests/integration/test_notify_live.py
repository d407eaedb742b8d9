"""Telling people on a real broker: what the process was killed over arrives under the same key, and is acknowledged."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from receivers import http, receiver
from running import running, until

pytestmark = pytest.mark.kafka

ACK = http(200, b'{"ack": {"by": "op-17"}}')


def _table(url: str) -> dict[str, object]:
    settings = {"url": url, "secret_file": "webhook.secret"}
    target = {"adapter": "webhook", "settings": settings, "retry": {"first": "2s", "most": "2s"}}
    return {
        "version": 1, "language": "zh", "units": {"*": ["duty"]}, "rules": [{"life": True, "to": ["duty"]}],
        "escalation": [["duty"]], "targets": {"duty": target},
    }  # fmt: skip


def test_a_fire_is_told_until_it_arrived_over_a_kill_and_the_answer_acknowledges_it(
    kafka: str, prefix: str, tmp_path: Path
) -> None:
    (tmp_path / "webhook.secret").write_text("0123456789abcdef0123")
    with running(kafka, prefix, tmp_path) as worker, receiver(http(503), http(503), ACK) as duty:
        whom = tmp_path / "notify.yaml"
        whom.write_text(yaml.safe_dump(_table(duty.url)))
        command = [sys.executable, "-m", "brain", "notify", str(whom), "--config", str(worker.config)]
        command += ["--health-port", "0"]
        command += ["--since", "2020-01-01T00:00:00Z"]  # what is made before it has begun counts too
        log = (tmp_path / "notify.log").open("ab")
        worker.start()
        until(lambda: worker.read("signals.feedback"))
        first = subprocess.Popen(command, stdout=log, stderr=log)
        second: subprocess.Popen[bytes] | None = None
        try:
            made = worker.command(
                "feedback", "create", "--code", "emergency.fire", "--text", "三楼冒烟", "--by", "duty"
            )
            assert made.returncode == 0, made.stdout + made.stderr
            until(lambda: duty.requests)
            first.kill()
            first.wait(10)
            second = subprocess.Popen(command, stdout=log, stderr=log)

            def acknowledged() -> bool:
                rows = [json.loads(value) for _, value, _ in worker.read("incidents.emergency") if value]
                return bool(rows) and any(act["what"] == "acknowledge" for act in rows[-1]["history"])

            until(acknowledged)
            second.terminate()
            assert second.wait(30) == 0
        finally:
            for process in (first, second):
                if process is not None and process.poll() is None:
                    process.kill()
                    process.wait(10)
            log.close()
        assert len(set(duty.keys())) == 1
        assert len(duty.keys()) >= 3
        notes = [json.loads(value) for _, value, _ in worker.read("audit") if value and b'"notify.' in value]
        assert {"notify.attempt", "notify.acknowledged"} <= {note["what"] for note in notes}, notes
        assert worker.stop() == 0


@pytest.mark.long
def test_of_two_processes_one_tells_and_the_other_takes_over_from_one_that_was_stopped_or_killed(
    kafka: str, prefix: str, tmp_path: Path
) -> None:
    (tmp_path / "webhook.secret").write_text("0123456789abcdef0123")
    with running(kafka, prefix, tmp_path) as worker, receiver(http(200)) as duty:
        whom = tmp_path / "notify.yaml"
        whom.write_text(yaml.safe_dump(_table(duty.url)))
        command = [sys.executable, "-m", "brain", "notify", str(whom), "--config", str(worker.config)]
        command += ["--health-port", "0", "--since", "2020-01-01T00:00:00Z"]
        worker.start()
        until(lambda: worker.read("signals.feedback"))
        logs = [tmp_path / f"notify-{k}.log" for k in range(2)]
        offices: list[subprocess.Popen[bytes]] = []

        def leads(k: int, times: int = 1) -> bool:
            return logs[k].read_text(errors="replace").count("telling people") >= times

        def fire(text: str, told: int) -> None:
            made = worker.command("feedback", "create", "--code", "emergency.fire", "--text", text, "--by", "duty")
            assert made.returncode == 0, made.stdout + made.stderr
            # Who is killed between the receiver's yes and its own note of it has it told once more, as is promised.
            until(lambda: len(set(duty.keys())) >= told and set(duty.keys()) <= noted())

        def noted() -> set[str]:
            notes = [
                json.loads(value) for _, value, _ in worker.read("audit") if value and b'"notify.attempt"' in value
            ]
            return {note["message"] for note in notes}

        try:
            for log in logs:
                with log.open("wb") as out:
                    offices.append(subprocess.Popen(command, stdout=out, stderr=out))
                if not offices[1:]:
                    until(lambda: leads(0))
            fire("三楼冒烟", 1)
            until(lambda: "standing by" in logs[1].read_text(errors="replace"))
            offices[0].send_signal(signal.SIGSTOP)
            until(lambda: leads(1))
            fire("五楼冒烟", 2)
            offices[0].send_signal(signal.SIGCONT)  # it wakes, and is no longer the one
            offices[1].kill()
            offices[1].wait(10)
            until(lambda: leads(0, 2))
            fire("七楼冒烟", 3)
            offices[0].terminate()
            assert offices[0].wait(30) == 0
        finally:
            for process in offices:
                if process.poll() is None:
                    process.kill()
                    process.wait(10)
        assert len(duty.keys()) == len(set(duty.keys()))  # whatever is told, escalations too, is told once
        assert worker.stop() == 0
