"""The sets that a worker has, by content hash: read from folders, kept in a cache, or fetched from the topic.

Live changes make another set as often as they come, so memory has those of the folders, the last few that were asked
for, and what somebody works with; an older one is read again from its files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from weakref import WeakValueDictionary

from brain.newest import Newest
from brain.sets import CitySet, cache_name, digest_of, folders, has, own, write


class SetLibrary:
    """The sets that this worker has, by content hash. Those of folders are read at start, so a wrong one stops it.

    ``cache`` is a folder for sets that came from elsewhere and for compiled maps; ``fetch`` answers the packed files of
    sets that no folder has, and raises KeyError where nobody has them.
    """

    def __init__(
        self, folders: Iterable[Path], cache: Path | None = None,
        fetch: Callable[[str], Mapping[str, bytes]] | None = None,
    ) -> None:  # fmt: skip
        self.cache, self._fetch = cache, fetch
        self._paths: dict[str, Path] = {}
        self._sets: WeakValueDictionary[str, CitySet] = WeakValueDictionary()
        self._own: list[CitySet] = []
        self._last: Newest[CitySet] = Newest()
        """Those of no folder that were asked for last: they stay though nobody works with them."""
        for folder in folders:
            loaded = CitySet.load(folder, cache, self._sets.values())
            self._sets[loaded.id], self._paths[loaded.id] = loaded, folder
            self._own.append(loaded)
            self._paths.setdefault(digest_of(own(folder)), folder)

    def find(self, id: str, folder: Path) -> CitySet:
        """The set of that id: of the folders below ``folder``, of the cache, or fetched into it.

        Raises
        ------
        KeyError
            Nobody has that content.
        ValueError, OSError
            As :meth:`CitySet.load`.
        """
        return self._load(id, self.path(id, folder))

    def path(self, id: str, folder: Path) -> Path:
        """Where the files of a set lie; they are fetched where they lie nowhere. Raises KeyError."""
        if id not in self._paths:
            found = next((path for path in folders(folder) if has(path, id)), None)
            self._paths[id] = found or self._cached(id) or self.keep(self._fetched(id), id)
        return self._paths[id]

    def get(self, id: str) -> CitySet:
        """Raises KeyError where this worker does not have the set."""
        found = self._sets.get(id)
        if found is not None:
            return self._kept(id, found)
        path = self._paths.get(id)
        if path is not None and not has(path, id):  # it was here, and its folder was written to since
            path = self._cached(id) or self.keep(self._fetched(id), id)
        path = path or self._cached(id)
        if path is None:
            raise KeyError(id)
        return self._load(id, path)

    def ids(self) -> list[str]:
        """Hashes of all sets that are in memory."""
        return sorted(self._sets)

    def keep(self, files: Mapping[str, bytes], id: str) -> Path:
        """Write a set's files into the cache. Raises ValueError where they are not the set of that id."""
        got = digest_of(files)
        if got != id:
            raise ValueError(f"set {id}: its files have the content {got}")
        if self.cache is None:
            raise ValueError(f"set {id}: no cache to keep it in")
        path = self.cache / cache_name(id)
        if not path.is_dir():
            write(files, path)
        return path

    def _load(self, id: str, path: Path) -> CitySet:
        found = self._sets.get(id)
        if found is None:
            found = CitySet.load(path, self.cache, self._sets.values())
            if found.id != id and not has(path, id):  # written to while it was read: not the content that is wanted
                raise KeyError(id)
            found.id = id
            self._sets[id], self._paths[id] = found, path
        return self._kept(id, found)

    def _kept(self, id: str, found: CitySet) -> CitySet:
        if all(found is not one for one in self._own):
            self._last[id] = found
        return found

    def _cached(self, id: str) -> Path | None:
        path = self.cache / cache_name(id) if self.cache is not None else None
        return path if path is not None and path.is_dir() and has(path, id) else None

    def _fetched(self, id: str) -> Mapping[str, bytes]:
        if self._fetch is None:
            raise KeyError(id)
        return self._fetch(id)
