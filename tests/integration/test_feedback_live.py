"""People act on a running brain: by the command, signed, answered, and refused where another key signs."""

from __future__ import annotations

import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from running import running, until

pytestmark = pytest.mark.kafka


def test_people_act_by_the_command_and_read_what_became_of_it(
    kafka: str, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ThreadPoolExecutor(1) as pool, running(kafka, prefix, tmp_path) as worker:
        worker.start()
        until(lambda: worker.read("signals.feedback"))
        words = ("feedback", "confirm", "inc-0000000000000000", "--by", "duty", "--wait", "90")
        nobody = pool.submit(worker.command, *words)  # refused when it has waited for its incident, beside all else

        made = worker.command("feedback", "create", "--code", "emergency.fire", "--text", "三楼冒烟", "--by", "duty")
        assert made.returncode == 0, made.stdout + made.stderr + worker.log.read_text()[-2000:]
        found = re.search(r"inc-[0-9a-f]{16}", made.stdout)
        assert found is not None
        one = found[0]
        confirmed = worker.command("feedback", "confirm", one, "--by", "duty")
        assert (confirmed.returncode, "detected → confirmed" in confirmed.stdout) == (0, True)
        stale = worker.command("feedback", "take", one, "--by", "other", "--expect", "1")
        assert (stale.returncode, "another has acted since — duty" in stale.stdout) == (1, True)

        monkeypatch.setitem(os.environ, "BRAIN_PULSE_KEY", "another key")
        forged = worker.command("feedback", "confirm", one, "--by", "duty")
        assert (forged.returncode, "its signature does not hold" in forged.stdout) == (1, True)
        answer = nobody.result(120)
        assert (answer.returncode, "no such incident" in answer.stdout) == (1, True)

        incident = [json.loads(v or b"") for k, v, _ in worker.read("incidents.emergency") if k == one.encode()][-1]
        assert (incident["state"], [a["what"] for a in incident["history"]]) == ("confirmed", ["create", "confirm"])
        assert worker.stop() == 0
        assert worker.command("audit", lang=True).returncode == 0
