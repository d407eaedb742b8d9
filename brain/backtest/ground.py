"""What a backtest stands on: the log (a bundle, plain files, or the topics of a broker) and the two versions."""

from __future__ import annotations

import hashlib
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import yaml

from brain.backtest.depends import differences
from brain.backtest.depends import files as differing
from brain.backtest.engine import Version
from brain.near import Both
from brain.pipeline import library
from brain.scenario_kit.lines import DoubleKey, decode
from brain.set_library import SetLibrary
from brain.sets import ASSETS, MAP, SCENARIOS, CitySet, digest, files, write
from brain.settings import Settings, SettingsError
from brain.unfit import Unfit, both
from streams import bundle, set_store
from streams import pulse as pulses
from streams.log import LogError
from streams.offline import Recorded, recorded
from streams.records import CE_TYPE, PULSE_TYPE, TP
from streams.tailing import snapshot

PLAIN: Final = {"readings": "iot.telemetry", "detections": "video.metadata", "tickets": "hotline.tickets"}
Told = Callable[[int], object]
_Offsets = dict[tuple[str, int], tuple[int, int]]


STEP: Final = 5_000
"""Records after which whoever waits is told."""


class GroundError(Unfit):
    """A log or a set that a backtest cannot use, read by a person."""


class Over(NamedTuple):
    """What is put over the base's files: scenarios, a map, a registry."""

    scenarios: Sequence[Path] = ()
    map: Path | None = None
    assets: Path | None = None


class Window(NamedTuple):
    """Which records are run: times of the log (ms UTC, both included; None: open), offsets [from, to) by partition."""

    since: int | None = None
    until: int | None = None
    warm_up_ms: int = 0
    """So much before ``since`` is run, and not counted."""
    offsets: _Offsets = {}  # noqa: RUF012  # a default that nobody writes to

    def takes(self, topic: str, partition: int, offset: int, time: int) -> bool:
        """Whether a record is run."""
        if self.since is not None and time < self.since - self.warm_up_ms:
            return False
        if self.until is not None and time > self.until:
            return False
        first, end = self.offsets.get((topic, partition), (0, 1 << 62))
        return first <= offset < end


@dataclass(frozen=True)
class Log:
    """A log in memory, and the sets that it brought."""

    recorded: Recorded
    shelf: set_store.Shelf


def read_files(names: Sequence[str], settings: Settings, window: Window, told: Told | None = None) -> Log:
    """Bundles, or ``readings=FILE`` and its like; ``told`` hears of records as they are read. Raises GroundError."""
    shelf, plain, bundles = set_store.Shelf(), list[tuple[str, Path]](), list[Path]()
    try:
        for name in names:
            kind, found, path = name.partition("=")
            if found and kind in PLAIN:
                plain.append((PLAIN[kind], Path(path)))
            elif bundle.is_bundle(Path(name)):
                bundles.append(Path(name))
            else:
                raise GroundError(name, "neither a bundle nor readings=FILE, detections=FILE, tickets=FILE")
        made: list[bundle.Line] = []
        if plain:
            _, genesis = library(settings)
            made, _ = bundle.plain(plain, dict(settings.partitions), settings.key(), genesis.id)
        lines = (line for part in (made, *map(bundle.read, bundles)) for line in part)
        return Log(_recorded(_counted(lines, told), settings, window, shelf), shelf)
    except GroundError:
        raise
    except (bundle.BundleError, SettingsError) as error:
        raise _told(error) from error
    except (EOFError, zlib.error) as error:
        raise GroundError(", ".join(names), "the file is cut short: {said}", said=both(error)) from error
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise _told(error, ", ".join(names)) from error


def read_broker(broker: str, settings: Settings, window: Window, told: Told | None = None) -> Log:
    """What the topics of a running broker hold. Raises GroundError."""
    shelf, prefix = set_store.Shelf(), settings.prefix
    wanted = [TP(prefix + topic, p) for topic, n in settings.partitions.items() for p in range(n)]
    wanted += [TP(prefix + "journal", 0), TP(prefix + "sets", 0)]
    lines = (bundle.Line.of(*record) for record in snapshot(broker, wanted))
    try:
        return Log(_recorded(_counted(lines, told), settings, window, shelf), shelf)
    except LogError as error:
        raise _told(error) from error


def _counted(lines: Iterable[bundle.Line], told: Told | None) -> Iterator[bundle.Line]:
    for number, line in enumerate(lines, 1):
        if told is not None and number % STEP == 0:
            told(STEP)
        yield line


def _recorded(lines: Iterable[bundle.Line], settings: Settings, window: Window, shelf: set_store.Shelf) -> Recorded:
    prefix, counts = settings.prefix, settings.partitions

    def wanted() -> Iterator[bundle.Line]:
        for line in lines:
            topic = line.topic.removeprefix(prefix)
            if line.topic == prefix + "sets":
                shelf.take(line.key_bytes(), line.value_bytes())
            elif topic not in counts:
                yield line
            elif not 0 <= line.partition < counts[topic]:
                raise GroundError(
                    f"{line.topic}/{line.partition}",
                    "the settings say {n} partitions of this input; set them as they were when it was recorded",
                    n=counts[topic],
                )
            elif window.takes(topic, line.partition, line.offset, line.timestamp):
                yield line

    made = recorded(wanted(), counts, prefix)
    if not made.batches:
        raise GroundError("", "the log has no record of any input in this range")
    return made


def sets_named(log: Recorded, key: bytes) -> list[str]:
    """Sets that the pulses of a log name, in the order of their time; every lane has the same, so one is asked."""
    first: dict[str, int] = {}
    marks = {tp: sum(len(batch.headers) for batch in batches) for tp, batches in log.batches.items()}
    for batch in log.batches[max(sorted(marks), key=lambda tp: marks[tp])]:
        for row in sorted(batch.headers):
            if batch.header(row, CE_TYPE) == PULSE_TYPE:
                found = pulses.decode(batch.value(row), key)
                if found is not None:
                    first.setdefault(found.set, found.time)
    return sorted(first, key=lambda set_id: (first[set_id], set_id))


@dataclass(frozen=True)
class Base:
    """The version in force, and the folder of its files."""

    version: Version
    folder: Path


def base_of(log: Log, settings: Settings, folder: Path | None = None) -> Base:
    """The set of a folder from first to last; without one what the log's pulses name, else the genesis set.

    Raises GroundError where the set is not a good one, or nobody here has it.
    """
    try:
        if folder is not None:
            sets = SetLibrary([_folder(folder)], Path(settings.set_cache))
            return Base(Version(folder.name, sets.get(digest(folder))), folder)
        sets, genesis = library(settings)
        for set_id in log.shelf.ids():
            sets.keep(set_store.unpack(log.shelf.packed(set_id)), set_id)
        named = sets_named(log.recorded, settings.key()) or [genesis.id]
        contents = {set_id: _found(sets, set_id, settings) for set_id in named}
        first = contents[named[0]]
        where = sets.path(first.id, settings.set_folder())
        name = settings.genesis if first.id == genesis.id else where.name
        return Base(Version(name, first, contents if len(named) > 1 else {}), where)
    except GroundError:
        raise
    except (SettingsError, ValueError, OSError) as error:
        raise _told(error) from error


def candidate_of(base: Base, settings: Settings, folder: Path | None, over: Over) -> tuple[Version, list[str] | None]:
    """The candidate, and which files of the sets differ (None where several sets were in force).

    ``folder`` is a whole set, the base's without one; ``over`` is put over it, and its scenarios are live whatever
    state they say. Raises GroundError of what is wrong with it.
    """
    try:
        source = base.folder if folder is None else _folder(folder)
        contents = files(source)
        before = files(base.folder)
        came = _put(contents, over)
        content = _loaded(contents, came, base.version.content, settings)
    except GroundError:
        raise
    except (ValueError, OSError) as error:
        raise _told(error) from error
    names = [path.name for path in (*over.scenarios, over.map, over.assets) if path is not None]
    name = " + ".join([source.name if folder is not None else base.version.name, *names])
    changed = sorted({*differing(before, contents), *came})
    return Version(name, content), None if base.version.recorded else changed


def _put(contents: dict[str, bytes], over: Over) -> dict[str, Path]:
    """Put files over a set's; answers name of each scenario's file → where it came from. Scenarios are made live."""
    places = {_decoded(contents[name], name)["id"]: name for name in contents if name.startswith(SCENARIOS + "/")}
    came: dict[str, Path] = {}
    for path in over.scenarios:
        text = path.read_bytes()
        data = _decoded(text, str(path))
        name = places.get(data["id"]) or f"{SCENARIOS}/{data['id'].partition('.')[0]}/{path.stem}.yaml"
        if name in came:
            raise GroundError(path, "{id} is given twice", id=data["id"])
        came[name] = path
        if data.get("state", "live") == "live":
            contents[name] = text
        else:
            data.pop("trial", None)  # only with state trial
            contents[name] = msgspec.yaml.encode({**data, "state": "live"})
    for name, file in ((MAP, over.map), (ASSETS, over.assets)):
        if file is not None:
            contents[name] = file.read_bytes()
    return came


def _decoded(text: bytes, place: str) -> dict[str, Any]:
    """A scenario's file as it is written; what it may say is checked with its set."""
    try:
        data = decode(text)
    except (DoubleKey, yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise GroundError(place, "not YAML: {said}", said=both(error)) from error
    if not isinstance(data, dict) or not isinstance(data.get("id"), str):
        raise GroundError(place, "expected a scenario with an id")
    return data


def _loaded(contents: dict[str, bytes], came: dict[str, Path], base: CitySet, settings: Settings) -> CitySet:
    with tempfile.TemporaryDirectory(prefix="set-") as made:
        where = Path(made) / "set"
        write(contents, where)
        try:
            return CitySet.load(where, Path(settings.set_cache), [base])
        except ValueError as error:
            names = {str(where / name): str(path) for name, path in came.items()} | {f"{where}/": "", str(where): "set"}
            said = both(error)
            raise GroundError("", "{said}", said=Both(_renamed(said.zh, names), _renamed(said.en, names))) from error


def _renamed(text: str, names: Mapping[str, str]) -> str:
    for was, now in names.items():
        text = text.replace(was, now)
    return text


def _told(error: Exception, where: str = "") -> GroundError:
    """What another error says, in the languages that it knows."""
    return GroundError(where, "{said}", said=both(error))


def _folder(folder: Path) -> Path:
    if not (folder / ASSETS).is_file():
        raise GroundError(folder, "expected the folder of a set, with {file}", file=ASSETS)
    return folder


def _found(sets: SetLibrary, set_id: str, settings: Settings) -> CitySet:
    try:
        return sets.find(set_id, settings.set_folder())
    except KeyError:
        raise GroundError(
            "",
            "the pulses of the log name set {id}; neither the log, {folder} nor the cache has it: "
            "name the version in force by --base",
            id=set_id, folder=settings.set_folder(),
        ) from None  # fmt: skip


def moment(text: str, name: str) -> int:
    """A time in ms UTC from ms, a date (midnight, UTC+8) or RFC 3339 with its zone. Raises GroundError."""
    if text.isdigit():
        return int(text)
    try:
        when = datetime.fromisoformat(text + "T00:00:00+08:00" if len(text) == 10 else text)
    except ValueError:
        raise GroundError(
            name, "expected ms UTC, a date or RFC 3339 with its zone, got {got!r}", got=text[:40]
        ) from None
    if when.tzinfo is None:
        raise GroundError(name, "expected a zone, as {text}+08:00", text=text)
    return round(when.timestamp() * 1000)


def offsets(texts: Iterable[str]) -> _Offsets:
    """``topic/partition:from-to`` each, ``to`` not included. Raises GroundError."""
    out: _Offsets = {}
    for text in texts:
        where, _, span = text.rpartition(":")
        topic, _, partition = where.rpartition("/")
        first, dash, end = span.partition("-")
        if not (topic and partition.isdigit() and first.isdigit() and dash and end.isdigit() and int(first) < int(end)):
            raise GroundError(
                "--offsets", "expected topic/partition:from-to, as iot.telemetry/0:1000-5000, got {got!r}", got=text
            )
        out[topic, int(partition)] = (int(first), int(end))
    return out


def two_versions(base: Base, settings: Settings, one: Path, other: Path) -> tuple[Base, Version, list[str] | None]:
    """Two scenario files, each put over the base, as base and candidate. Raises GroundError."""
    first, _ = candidate_of(base, settings, None, Over((one,)))
    pinned = replace(base, version=Version(one.name, first.content))
    second, changed = candidate_of(pinned, settings, None, Over((other,)))
    return pinned, Version(other.name, second.content), changed


def fields_of_files(one: Path, other: Path) -> list[tuple[str, str, str]]:
    """(key, was, now) of two scenario files. Raises GroundError, OSError."""
    return differences(_decoded(one.read_bytes(), str(one)), _decoded(other.read_bytes(), str(other)))


def fields_of_sets(one: Path, other: Path) -> list[tuple[str, str, str]]:
    """(file, or scenario and key, was, now) of two sets. Raises GroundError, OSError."""
    was, now = files(_folder(one)), files(_folder(other))
    mine, theirs = _by_id(was), _by_id(now)
    others = (name for name in differing(was, now) if not name.startswith(SCENARIOS + "/"))
    out = [(name, _short(was.get(name)), _short(now.get(name))) for name in others]
    for id_ in sorted({*mine, *theirs}):
        a, b = mine.get(id_), theirs.get(id_)
        if a is None or b is None:
            out.append((id_, "" if a is None else f"{a.get('version')}", "" if b is None else f"{b.get('version')}"))
        else:
            out += [(f"{id_}: {key}", before, after) for key, before, after in differences(a, b)]
    return out


def _by_id(contents: dict[str, bytes]) -> dict[str, dict[str, Any]]:
    every = (_decoded(contents[name], name) for name in sorted(contents) if name.startswith(SCENARIOS + "/"))
    return {data["id"]: data for data in every}


def _short(data: bytes | None) -> str:
    return "–" if data is None else f"{len(data)} B, {hashlib.sha256(data).hexdigest()[:8]}"
