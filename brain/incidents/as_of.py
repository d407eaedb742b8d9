"""Incidents as of a flush of the city task, for a backup of a brain that runs on: streams/backup_running.py."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from brain.incidents import archive, books, city, publish
from brain.incidents.state import restored
from streams.records import Headers


class _Changed(msgspec.Struct):
    updated: int


_changed = msgspec.json.Decoder(_Changed).decode


class AsOf:
    """Implements ``streams.backup_running.Incidents``."""

    def changed(self, value: bytes) -> int:
        """Fold time, ms, of an incident's last change. Raises ValueError on bytes that are none."""
        try:
            return _changed(value).updated
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ValueError(f"expected an incident, got {value[:60]!r}: {error}") from error

    def standing(self, state: Mapping[bytes, bytes]) -> Mapping[str, Mapping[bytes, tuple[bytes, Headers]]]:
        """Open incidents and those that may come back, of both books: topic → key → value and headers."""
        found: dict[str, dict[bytes, tuple[bytes, Headers]]] = {}
        for whole, value in state.items():
            shadow = whole.startswith(books.KEY)
            key = whole.removeprefix(books.KEY)
            if key.startswith(archive.KEY):
                key, value = key.removeprefix(archive.KEY), value.partition(b" ")[2]
            elif key.startswith(city.KEY):
                key = key.removeprefix(city.KEY)
            else:
                continue
            incident = restored(value)
            topic = publish.topic(incident)
            topic = books.beside(topic) if shadow else topic
            found.setdefault(topic, {})[key] = value, publish.headers(incident)
        return found
