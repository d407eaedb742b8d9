"""Room on the disks that our own folders lie on, as gauges: the cache of sets, and the embedded broker's log.

Asked of the system whenever somebody scrapes. It does not work for brokers elsewhere: their disks only they can tell
(`brain doctor` asks them, where Kafka is 3.3 or later). A disk that hangs is left out of the scrape after a second, and
not asked again before it has answered.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import structlog
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric

log = structlog.get_logger(__name__)

PATIENCE_S: Final = 1.0
"""How long a scrape waits for a disk."""


class Disks:
    """Of some folders, by the settings that name them; one that is not there yet has the disk that it will be on."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._asked = {name: _Asked(path.absolute()) for name, path in folders.items()}

    def collect(self) -> Iterator[Metric]:
        """Both gauges, bytes; without a sample of a folder whose disk does not answer: the log says why."""
        free = GaugeMetricFamily("brain_disk_free_bytes", "Room left for us on the disk of a folder", labels=["folder"])
        whole = GaugeMetricFamily("brain_disk_size_bytes", "Size of the disk of a folder", labels=["folder"])
        for name, asked in self._asked.items():
            try:
                room, size = asked.usage()
            except OSError as error:
                log.warning("the room on a disk is not known", folder=name, path=str(asked.path), error=str(error))
                continue
            free.add_metric([name], float(room))
            whole.add_metric([name], float(size))
        yield free
        yield whole


class _Asked:
    """One folder, and the question to its disk that may be open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._one = threading.Lock()
        """Two may scrape at a time."""
        self._thread: threading.Thread | None = None
        self._answer: tuple[int, int] | OSError = OSError("not asked")

    def usage(self) -> tuple[int, int]:
        """Free bytes and all. Raises OSError; TimeoutError, which is one, where the disk does not answer in time."""
        with self._one:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._ask, name=f"disk of {self.path}", daemon=True)
                self._thread.start()
            self._thread.join(PATIENCE_S)
            if self._thread.is_alive():
                raise TimeoutError(f"no answer within {PATIENCE_S:g} s")
            if isinstance(self._answer, OSError):
                raise self._answer
            return self._answer

    def _ask(self) -> None:
        try:
            usage = shutil.disk_usage(existing(self.path))
            self._answer = usage.free, usage.total
        except OSError as error:
            self._answer = error


def existing(path: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path


@contextmanager
def scraped(folders: Mapping[str, Path], registry: CollectorRegistry = REGISTRY) -> Iterator[None]:
    """Have them scraped with all else of the process within this context."""
    disks = Disks(folders)
    registry.register(disks)
    try:
        yield
    finally:
        registry.unregister(disks)
