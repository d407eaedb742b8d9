"""``brain demo`` as a newcomer starts it: one address, incidents on its board within a minute, an end in order."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest
import yaml
from running import until
from scraper import free_port

from brain.settings import HOME

pytestmark = pytest.mark.kafka
GENEROUS_S = 180.0
"""Of a machine that does other things too; the time that it took is printed."""
PROMISED_S = 60.0


class Browser:
    """Signs in as an account of the demo and looks at the board."""

    def __init__(self, url: str) -> None:
        self.url = url
        jar = urllib.request.HTTPCookieProcessor(CookieJar())
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), jar)
        self._in = False

    def ask(self, path: str, body: Any = None) -> Any:
        """An answer's JSON."""
        data = None if body is None else json.dumps(body).encode()
        heads = {"Content-Type": "application/json", "Origin": self.url}
        with self._opener.open(urllib.request.Request(self.url + path, data, heads), timeout=10) as answer:
            return json.load(answer)

    def rows(self) -> list[dict[str, Any]]:
        """Rows of the board; none while it does not answer."""
        try:
            if not self._in:
                self.ask("/api/v1/session/demo", {"account": "op-01"})
                self._in = True
            found: list[dict[str, Any]] = self.ask("/api/v1/board")["rows"]
        except OSError:
            return []
        return found


@contextmanager
def demo(kafka: str, prefix: str, folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], Browser]]:
    """The demo over a broker that runs, in a folder of its own; ended by SIGTERM."""
    config = folder / "settings.yaml"
    config.write_text(yaml.safe_dump({"bootstrap": kafka, "prefix": prefix}))
    port = free_port()
    words = ["demo", "--config", str(config), "--lang", "en", "--port", str(port), *options]
    with (folder / "said.txt").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "brain", *words], stdout=said, stderr=said, cwd=folder,
            env={**os.environ, "PYTHONPATH": str(HOME)},
        )  # fmt: skip
    try:
        yield process, Browser(f"http://127.0.0.1:{port}")
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(60)


def first_rows(process: subprocess.Popen[bytes], browser: Browser, folder: Path) -> list[dict[str, Any]]:
    try:
        rows: list[dict[str, Any]] = until(lambda: process.poll() is not None or browser.rows(), GENEROUS_S)
        assert process.poll() is None
    except AssertionError:
        logs = [p.read_text(errors="replace")[-2000:] for p in (folder / "said.txt", *folder.glob(".brain/*.log"))]
        raise AssertionError("\n".join(logs)) from None
    return rows


def test_the_first_incident_is_on_the_board_within_a_minute_and_all_ends_at_one_signal(
    kafka: str, prefix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    with demo(kafka, prefix, tmp_path) as (process, browser):
        rows = first_rows(process, browser, tmp_path)
        took = time.monotonic() - began
        with capsys.disabled():
            print(f"\nbrain demo: first incident on the board after {took:.1f} s (promised: {PROMISED_S:g} s)")
        assert not any(row.get("drill") for row in rows)
        process.terminate()
        assert process.wait(60) == 0
        with pytest.raises(OSError, match="refused"):
            browser.ask("/health/live")
    said = (tmp_path / "said.txt").read_text("utf-8")
    assert said.count(f"{browser.url}\n") == 1
    assert "task ends" in (tmp_path / ".brain" / "demo-worker.log").read_text("utf-8")


@pytest.mark.long
def test_a_drill_is_marked_on_the_board_and_has_topics_of_its_own(kafka: str, prefix: str, tmp_path: Path) -> None:
    with demo(kafka, prefix, tmp_path, "--drill", "fire-call,elevator", "--speed", "3") as (process, browser):
        rows = first_rows(process, browser, tmp_path)
        assert all(row["drill"] for row in rows)
    said = (tmp_path / "said.txt").read_text("utf-8")
    assert "Fire seen by people only" in said
    assert f"--prefix {prefix}drill-" in said
