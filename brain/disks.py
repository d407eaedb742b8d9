"""Room on the disks that our own folders lie on, as gauges: the cache of sets, and the embedded broker's log.

Asked of the system whenever somebody scrapes. It does not work for brokers elsewhere: their disks only they can tell
(`brain doctor` asks them, where Kafka is 3.3 or later). A disk that hangs holds up the scrape that asks for it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import structlog
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric

log = structlog.get_logger(__name__)


class Disks:
    """Of some folders, by the settings that name them; one that is not there yet has the disk that it will be on."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = {name: path.absolute() for name, path in folders.items()}

    def collect(self) -> Iterator[Metric]:
        """Both gauges, bytes; without a sample of a folder whose disk does not answer: the log says why."""
        free = GaugeMetricFamily("brain_disk_free_bytes", "Room left for us on the disk of a folder", labels=["folder"])
        whole = GaugeMetricFamily("brain_disk_size_bytes", "Size of the disk of a folder", labels=["folder"])
        for name, path in self._folders.items():
            try:
                usage = shutil.disk_usage(existing(path))
            except OSError as error:
                log.warning("the room on a disk is not known", folder=name, path=str(path), error=str(error))
                continue
            free.add_metric([name], float(usage.free))
            whole.add_metric([name], float(usage.total))
        yield free
        yield whole


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
