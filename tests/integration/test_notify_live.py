"""Telling people on a real broker: what the process was killed over arrives under the same key, and is acknowledged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from receivers import http, receiver
from running import running, until

pytestmark = pytest.mark.kafka

ACK = http(200, b'{"ack": {"by": "op-17"}}')


def test_a_fire_is_told_until_it_arrived_over_a_kill_and_the_answer_acknowledges_it(
    kafka: str, prefix: str, tmp_path: Path
) -> None:
    (tmp_path / "webhook.secret").write_text("0123456789abcdef0123")
    with running(kafka, prefix, tmp_path) as worker, receiver(http(503), http(503), ACK) as duty:
        settings = {"url": duty.url, "secret_file": "webhook.secret"}
        whom = tmp_path / "notify.yaml"
        target = {"adapter": "webhook", "settings": settings, "retry": {"first": "2s", "most": "2s"}}
        table = {
            "version": 1, "language": "zh", "units": {"*": ["duty"]}, "rules": [{"life": True, "to": ["duty"]}],
            "escalation": [["duty"]], "targets": {"duty": target},
        }  # fmt: skip
        whom.write_text(yaml.safe_dump(table))
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
            until(lambda: duty.requests, 30)
            first.kill()
            first.wait(10)
            second = subprocess.Popen(command, stdout=log, stderr=log)

            def acknowledged() -> bool:
                rows = [json.loads(value) for _, value, _ in worker.read("incidents.emergency") if value]
                return bool(rows) and any(act["what"] == "acknowledge" for act in rows[-1]["history"])

            until(acknowledged, 45)
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
