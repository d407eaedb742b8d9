"""What was written of the past: incidents, audit notes and signals of a running brain, of a bundle, or of the folder
that ``brain replay`` has written; and the sets that were in force then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec

from brain import scenarios
from brain.incidents.state import restored
from brain.incidents.value import Incident
from brain.scenario import Scenario
from brain.set_library import SetLibrary
from brain.sets import SCENARIOS, digest
from brain.settings import Settings
from brain.tail import topics_of
from brain.unfit import Unfit, both
from streams import bundle, set_store
from streams.records import AUDIT_TYPE, CE_TYPE, SIGNAL_TYPE, Signal
from streams.replay import replay
from streams.tailing import follow

Kind = Literal["incidents", "audit", "signals"]
Note = dict[str, Any]
"""One record of the audit topic."""

T = TypeVar("T")

_signal = msgspec.json.Decoder(Signal).decode
_note = msgspec.json.Decoder(dict[str, Any]).decode
_TYPES = {"audit": AUDIT_TYPE, "signals": SIGNAL_TYPE}


class TrailError(Unfit):
    """A file or folder from which nothing can be told; read by a person."""


class Trail:
    """Reads what is asked for; ``rows`` answers the values of one kind, incidents as they stand now."""

    def __init__(self, rows: Callable[[Kind], Iterable[bytes]]) -> None:
        self._rows = rows

    def incidents(self) -> dict[str, Incident]:
        """Newest record of each, by id, sorted."""
        found = {i.id: i for i in (self._read("incidents", restored, row) for row in self._rows("incidents"))}
        return {key: found[key] for key in sorted(found)}

    def notes(self) -> list[Note]:
        """Audit notes as they were written."""
        return [self._read("audit", _note, row) for row in self._rows("audit")]

    def signals(self, wanted: Callable[[Signal], bool]) -> list[Signal]:
        """Those that are wanted, in fold order."""
        every = (self._read("signals", _signal, row) for row in self._rows("signals"))
        return sorted((s for s in every if wanted(s)), key=lambda s: (s.fold, s.identity(), s.n))

    @staticmethod
    def _read(kind: Kind, decode: Callable[[bytes], T], row: bytes) -> T:
        try:
            return decode(row)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise TrailError(kind, "{said}: {row!r}", said=both(error), row=row[:80]) from error


def live(bootstrap: str, prefix: str, inputs: Sequence[str]) -> Trail:
    """Of a running brain, to the present ends of its topics. Its reading raises LogError where no broker answers."""

    def rows(kind: Kind) -> Iterator[bytes]:
        newest: dict[bytes, bytes] = {}
        reading = follow(bootstrap, topics_of(kind, prefix, inputs), from_beginning=True, until_end=True)
        with closing(reading):
            for seen in reading:
                if kind == "incidents" and seen.key is not None:
                    newest.pop(seen.key, None)
                    if seen.value is not None:
                        newest[seen.key] = seen.value
                elif kind != "incidents" and seen.value and seen.header(CE_TYPE) == _TYPES[kind]:
                    yield seen.value
        yield from newest.values()

    return Trail(rows)


def recorded(path: Path, settings: Settings, set_dir: Path | None = None) -> Trail:
    """Of a folder that ``brain replay`` has written, or of a bundle, which is replayed now.

    Raises
    ------
    TrailError
        It is neither.
    """
    if path.is_dir():
        missing = [kind for kind in ("incidents", "audit", "signals") if not (path / f"{kind}.ndjson").is_file()]
        if missing:
            raise TrailError(path, "expected what brain replay writes, {kind}.ndjson is missing", kind=missing[0])
        return Trail(lambda kind: (line for line in (path / f"{kind}.ndjson").read_bytes().splitlines() if line))
    if not path.is_file() or not bundle.is_bundle(path):
        raise TrailError(path, "neither a bundle (brain record) nor a folder that brain replay has written")
    from brain.pipeline import replay_settings

    lines, shelf = list(bundle.read(path)), set_store.Shelf()
    for line in lines:
        if line.topic == settings.prefix + "sets":
            shelf.take(line.key_bytes(), line.value_bytes())
    found = replay(lines, replay_settings(settings, set_dir, shelf))
    by_kind: dict[str, list[bytes]] = {"incidents": found.incidents, "audit": found.audit, "signals": found.signals}
    return Trail(lambda kind: by_kind[kind])


class Written(NamedTuple):
    """A scenario as its set had it: the file below the set's folder, and its text."""

    scenario: Scenario
    file: str
    text: str


class Past:
    """Scenarios of the sets that were in force, by set id: of folders, of the cache, or fetched from topic ``sets``."""

    def __init__(self, settings: Settings, bootstrap: str = "", set_dir: Path | None = None) -> None:
        def fetch(set_id: str) -> dict[str, bytes]:
            return set_store.unpack(set_store.fetch(bootstrap, settings.prefix + "sets").packed(set_id))

        self._folder = settings.set_folder()
        self._sets = SetLibrary((), Path(settings.set_cache), fetch if bootstrap else None)
        self._given = {} if set_dir is None else {digest(set_dir): set_dir}
        self._found: dict[str, dict[str, Written] | None] = {}

    def scenario(self, set_id: str, name: str) -> Written | None:
        """As that set had it; None where nobody has the set any more, or it has no such scenario."""
        return (self.of(set_id) or {}).get(name)

    def of(self, set_id: str) -> dict[str, Written] | None:
        """All scenarios of a set by id; None where nobody has it any more."""
        if set_id not in self._found:
            try:
                folder = self._given.get(set_id) or self._sets.path(set_id, self._folder)
            except KeyError:
                self._found[set_id] = None
            else:
                self._found[set_id] = written(folder)
        return self._found[set_id]


def written(folder: Path) -> dict[str, Written]:
    """The scenarios of a set's folder by id. Raises ScenarioError."""
    found, bases = {}, scenarios.bases(folder / SCENARIOS)
    for path in sorted((folder / SCENARIOS).rglob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        scenario = scenarios.read(text, str(path), bases)
        found[scenario.id] = Written(scenario, path.relative_to(folder).as_posix(), text)
    return found
