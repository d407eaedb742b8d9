"""``brain demo`` when a part of it fails: it says which, ends the others, and its exit code tells."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from brain.cli import app
from brain.commands import demo


class Quiet:
    """A process that runs until it is ended, or has left with a code."""

    code: int | None = None

    def __init__(self, name: str, words: list[str], environ: dict[str, str]) -> None:
        self.name, self.log = name, Path("demo.log")

    def left(self) -> int | None:
        return self.code

    def last_words(self) -> str:
        return "no pulse.key"

    def end(self) -> None:
        """Gone."""


def run(monkeypatch: pytest.MonkeyPatch, feed: Any) -> Result:
    def tail(*_: Any, stop: threading.Event, **__: Any) -> None:
        assert stop.wait(10)

    monkeypatch.setattr(demo, "Child", Quiet)
    monkeypatch.setattr(demo, "Sender", lambda *_: nullcontext(SimpleNamespace(flush=lambda: None)))
    monkeypatch.setattr(demo, "_recorded", lambda _: feed)
    monkeypatch.setattr(demo, "run_tail", tail)
    monkeypatch.setattr(demo.admin, "ensure", lambda *_: [])
    return CliRunner().invoke(app, ["demo", "--tail", "--lang", "en"], env={"BRAIN_BOOTSTRAP": "x:1"})


def test_a_feed_that_breaks_is_said_and_ends_it_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def feed(start: int, speed: float) -> Iterator[Any]:
        raise OSError("pm25.csv: no such file")
        yield

    result = run(monkeypatch, feed)
    assert result.exit_code == 1
    assert "no more data are sent: OSError: pm25.csv: no such file" in result.output.replace("\n", " ")


def test_a_process_that_leaves_is_said_with_its_last_words_and_ends_it_with_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Quiet, "code", 78)
    result = run(monkeypatch, lambda start, speed: iter(()))
    assert result.exit_code == 1
    assert "left with exit code 78" in result.output
    assert "no pulse.key" in result.output
