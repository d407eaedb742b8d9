"""A real `brain worker` as a process of its own, for tests that watch it from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from streams import admin, topics
from streams.records import TP
from streams.tailing import snapshot

INPUTS = {"iot.telemetry": 2, "video.metadata": 1, "hotline.tickets": 1}

SILENT = """
import sys
from dataclasses import replace
from pathlib import Path
from brain.logs import configure_logs
from brain.pipeline import worker_settings
from brain.settings import load
from streams.door import run_worker
from streams.progress import Progress
configure_logs()
settings = load(Path(sys.argv[1]))
run_worker(replace(worker_settings(settings, settings.bootstrap), conduct=False), Progress(settings.stuck_s))
"""


class Running:
    """One worker at a time over one prefix; ``log`` has what all of them said."""

    def __init__(self, bootstrap: str, prefix: str, folder: Path, /, **settings: Any) -> None:
        self.bootstrap, self.prefix = bootstrap, prefix
        self.config, self.log = folder / "settings.yaml", folder / "worker.log"
        given = {"bootstrap": bootstrap, "prefix": prefix, "telemetry_partitions": 2, "video_partitions": 1,
                 "set_cache": str(folder / "cache"), **settings}  # fmt: skip
        self.config.write_text(yaml.safe_dump(given, allow_unicode=True))
        self.process: subprocess.Popen[bytes] | None = None
        admin.ensure(bootstrap, topics.catalogue(INPUTS, prefix))

    def start(self, *, conduct: bool = True) -> None:
        """``conduct`` False: it writes no pulses, so that a test can have hours pass in seconds."""
        with self.log.open("ab") as log:
            verb = ["-m", "brain", "worker", "--config"] if conduct else ["-c", SILENT]
            command = [sys.executable, *verb, str(self.config)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(30)

    def ended(self, within: float) -> int:
        """The exit code of a worker that is to leave by itself."""
        assert self.process is not None
        return self.process.wait(within)

    def said(self) -> list[dict[str, Any]]:
        """Its log, as far as it is JSON."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def last_words(self, lines: int = 60) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def command(self, *words: str, lang: bool = True) -> subprocess.CompletedProcess[str]:
        """Another verb with the same settings, in English where it has the choice."""
        command = [sys.executable, "-m", "brain", *words, "--config", str(self.config)]
        command += ["--lang", "en"] if lang else []
        wide = {**os.environ, "COLUMNS": "400"}
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=wide)

    def read(self, topic: str, partition: int = 0) -> list[tuple[bytes | None, bytes | None, dict[str, bytes]]]:
        """(key, value, headers) of what is committed."""
        tp = TP(self.prefix + topic, partition)
        return [(key, value, dict(heads)) for *_, key, value, heads in snapshot(self.bootstrap, [tp])]


@contextmanager
def running(bootstrap: str, prefix: str, folder: Path, /, **settings: Any) -> Iterator[Running]:
    """A worker that is ended afterwards, whatever happens; a failure is told with the end of its log."""
    worker = Running(bootstrap, prefix, folder, **settings)
    try:
        yield worker
    except Exception as error:
        if worker.process is not None:
            error.add_note(f"the worker's exit code: {worker.process.poll()}; its last words:\n{worker.last_words()}")
        raise
    finally:
        if worker.process is not None and worker.process.poll() is None:
            worker.process.kill()
            worker.process.wait(10)


def until(what: Callable[[], Any], within: float = 150.0) -> Any:
    """The first true answer; fails when none comes in time."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.5)
    raise AssertionError(f"not within {within:g} s")
