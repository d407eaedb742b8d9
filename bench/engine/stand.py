"""What the slices of a run share: the broker, a folder for logs, and what is shown while it takes its time."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bench.watch.produce import Told
from streams import admin, broker


@dataclass(frozen=True)
class Stand:
    """The broker of a run and where its logs go. ``logs`` is the caller's, who deletes it."""

    bootstrap: str
    logs: Path
    console: Console = field(default_factory=lambda: Console(stderr=True, highlight=False))

    @contextlib.contextmanager
    def step(self, text: str) -> Iterator[Told]:
        """Show what is being done: a bar on a terminal, else a line at the beginning; the time it took at the end."""
        begun = time.monotonic()
        if self.console.is_terminal:
            columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
            with Progress(*columns, console=self.console, transient=True) as bar:
                task = bar.add_task(text, total=None)
                yield lambda share: bar.update(task, total=1.0, completed=share)
        else:
            self.console.print(f"{text} …", markup=False, soft_wrap=True)
            yield lambda share: None
        self.console.print(f"{text}: {time.monotonic() - begun:.0f} s", markup=False, soft_wrap=True)

    def say_why(self, log: Path, lines: int = 15) -> None:
        """The end of a log of a process that did not do its work: the file goes with the run's folder."""
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]:
            self.say(f"  {line[:300]}")

    def say(self, text: str) -> None:
        """One line."""
        self.console.print(text, markup=False, soft_wrap=True)

    @contextlib.contextmanager
    def topics(self, prefix: str) -> Iterator[str]:
        """Delete, at the end, the topics that begin with ``prefix``: a run's logs are several GB."""
        try:
            yield prefix
        finally:
            admin.wipe(self.bootstrap, prefix)


@contextlib.contextmanager
def alone(heap_mb: int = 1024) -> Iterator[Stand]:
    """A stand on a broker of its own, in a temporary folder; both are gone at the end."""
    with tempfile.TemporaryDirectory(prefix="brain-bench-") as folder:
        settings = broker.BrokerSettings(Path(folder) / "kafka", heap_mb=heap_mb)
        running = broker.start(settings)
        try:
            yield Stand(running.bootstrap, Path(folder))
        finally:
            broker.stop(settings)
