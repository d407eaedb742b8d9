"""The map in force, followed: when a pulse names another set, its layers are served from then on."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from pathlib import Path

import structlog

from brain.screen import maps
from brain.screen.features.store import LayerStore
from geo.feature import MapError
from streams.log import LogError

log = structlog.get_logger(__name__)

EVERY_S = 5.0


class Follower:
    """Asks which set is in force and serves its map. ``in_force`` answers a set's id, None where there is none yet;
    ``path`` its folder. What cannot be read is said in the log, and the map that is served stays."""

    def __init__(self, store: LayerStore, in_force: Callable[[], str | None], path: Callable[[str], Path]) -> None:
        self._store, self._in_force, self._path = store, in_force, path
        self._served = ""
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="map in force", daemon=True)

    def start(self) -> None:
        """Follow in a thread of its own until :meth:`stop`."""
        self._thread.start()

    def stop(self) -> None:
        """End, within the time of one look."""
        self._end.set()
        self._thread.join()

    def look(self) -> bool:
        """Look once; whether another map is served now."""
        try:
            wanted = self._in_force()
            if wanted is None or wanted == self._served:
                return False
            before = self._store.current.version
            snapshot = self._store.publish(maps.read(self._path(wanted)))
        except (LogError, MapError, KeyError, ValueError, OSError) as error:
            log.warning("the map in force cannot be served", error=f"{type(error).__name__}: {error}"[:300])
            return False
        self._served = wanted
        # The map is many small objects that stay: the collector must not walk them at every request. What was frozen
        # with the map before it, and is a circle of which nothing is wanted any more, would else stay for ever.
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        if snapshot.version != before:
            log.info("another map is served", set=wanted, map=snapshot.version)
        return snapshot.version != before

    def _run(self) -> None:
        while not self._end.wait(EVERY_S if self._served else 0.1):
            self.look()
            if not self._served and self._end.wait(EVERY_S):
                return
