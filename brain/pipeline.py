"""The composition: which logic works which input, with which sets; worker and replay are built from the same parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import structlog

from brain import signed
from brain.agent_kit.runners import prove
from brain.feedback import FeedbackLane
from brain.incidents.books import Books
from brain.incidents.figures import fates
from brain.incidents.publish import outcomes
from brain.lane import DetectionsLane, ReadingsLane, TicketsLane
from brain.live import LiveChanges
from brain.set_library import SetLibrary
from brain.sets import ASSETS, CitySet, borrows, digest, files, folders
from brain.settings import Settings, SettingsError
from brain.warnings_lane import WarningsLane
from geo.compiled import short_turns
from streams import set_store
from streams.collector import collect_young
from streams.deadletter import Letter
from streams.decode.detections import decode_detections
from streams.decode.readings import decode_readings
from streams.door import WorkerSettings
from streams.kafka.connect import KafkaSettings
from streams.logic import LaneLogic
from streams.reclaim import Claims
from streams.records import TP, Batch, Reason
from streams.replay import ReplaySettings
from streams.state import Store

log = structlog.get_logger(__name__)

LANES: Mapping[str, Callable[[], LaneLogic]] = {
    "iot.telemetry": ReadingsLane,
    "video.metadata": DetectionsLane,
    "hotline.tickets": TicketsLane,
    "warnings": WarningsLane,
}
"""Of the inputs whose lanes need no key."""
DECODERS = {"iot.telemetry": decode_readings, "video.metadata": decode_detections}
"""Of the inputs that name an asset."""


def lanes(settings: Settings) -> dict[str, Callable[[], LaneLogic]]:
    """The logic of every input."""
    return {**LANES, signed.TOPIC: partial(FeedbackLane, settings.key())}


def library(settings: Settings, bootstrap: str = "") -> tuple[SetLibrary, CitySet]:
    """Every set of the folder, and the one that is in force before any pulse names another.

    With a broker also those of topic sets: they are put into the cache now, and later ones when they are wanted.
    """
    folder = settings.set_folder()
    dirs = folders(folder)
    if not dirs:
        raise SettingsError(f"sets: expected folders with assets.ndjson below {folder}, found none")
    names = {d.name: d for d in dirs}
    if settings.genesis not in names:
        raise SettingsError(f"genesis: expected one of {', '.join(names)}, got {settings.genesis!r}")
    topic = settings.prefix + "sets"

    def fetch(set_id: str) -> dict[str, bytes]:
        return set_store.unpack(set_store.fetch(bootstrap, topic).packed(set_id))

    sets = SetLibrary(dirs, Path(settings.set_cache), fetch if bootstrap else None)
    if bootstrap:
        shelf = set_store.fetch(bootstrap, topic)
        for set_id in shelf.ids():
            try:
                sets.keep(set_store.unpack(shelf.packed(set_id)), set_id)
            except ValueError as error:  # whoever wrote it: a set that is wanted and not here is said to be missing
                log.warning("a set in the topic is none", set=set_id, error=str(error)[:300])
    genesis = sets.get(digest(names[settings.genesis]))
    if bootstrap and borrows(names[settings.genesis]):
        # A later release may ship other tables; lanes that stand in this set then find it in the cache.
        try:
            sets.keep(files(names[settings.genesis]), genesis.id)
        except (OSError, ValueError) as error:
            log.warning("the set cannot be kept for a later release", set=genesis.id, error=str(error)[:300])
    return sets, genesis


def try_set(sets: SetLibrary, settings: Settings, set_id: str) -> CitySet:
    """A set, read where it is new here, and put to the test: every lane and the city task enter it, on empty state.

    Raises KeyError where neither a folder nor topic sets has that content, and whatever is wrong with it.
    """
    with short_turns():
        try:
            content = sets.find(set_id, settings.set_folder())
        except KeyError:
            raise KeyError(f"neither topic sets nor a folder below {settings.set_folder()} has {set_id}") from None
        prove(content.agents)
        _same_world(content, sets, settings)
        content.placed()  # worked out here, in the thread that tries it: a lane that enters it must not wait
        for n in set(settings.partitions.values()):
            content.partitions(n)
        for topic, make in lanes(settings).items():
            logic = make()
            logic.bind(Store(logic.tables, logic.owner), TP(topic, 0), 1)
            logic.enter(set_id, content)
        Books(sets=sets.get).enter(set_id, content)
        collect_young()  # both books hold themselves, and the set with them
    return content


def _same_world(content: CitySet, sets: SetLibrary, settings: Settings) -> None:
    """A log is of a city or of a drill from its first pulse on. Raises ValueError for a set of the other."""
    genesis = settings.set_folder() / settings.genesis
    if (genesis / ASSETS).is_file() and content.drill != sets.get(digest(genesis)).drill:
        was, now = ("a city", "a drill") if content.drill else ("a drill", "a city")
        raise ValueError(f"{content.id} is of {now}, and these topics are of {was}: use another prefix for it")


def claims(sets: SetLibrary) -> Claims:
    """Whether a set knows the asset that a dead letter was buried for."""

    def claim(set_id: str, letter: Letter) -> bool:
        registry = sets.get(set_id).registry
        topic = next((t for t in DECODERS if letter.origin.topic.endswith(t)), "")
        if not topic:
            return False
        batch = Batch.of(letter.origin, letter.offset, letter.offset + 1, [(letter.offset, 0, None, letter.value, ())])
        _, dead = DECODERS[topic](batch, np.zeros(1, np.int32), registry)
        return all(d.reason is not Reason.UNKNOWN_ASSET for d in dead)

    return claim


def worker_settings(settings: Settings, bootstrap: str, clock: Callable[[], int] | None = None) -> WorkerSettings:
    """What a live worker runs."""
    sets, genesis = library(settings, bootstrap)
    kafka = KafkaSettings(bootstrap=bootstrap, request_timeout=settings.request_timeout_s)
    made = WorkerSettings(
        kafka=kafka, inputs=settings.partitions, lanes=lanes(settings), city=lambda: Books(sets=sets.get),
        sets=sets.get, genesis=genesis.id, key=settings.key(), prefix=settings.prefix, group=settings.group,
        flush_s=settings.flush_s, load_set=lambda set_id: try_set(sets, settings, set_id), claims=claims(sets),
        outcomes=outcomes, fates=fates(),
        changes=lambda: LiveChanges(sets, settings.set_folder(), bootstrap, settings.prefix + "sets"),
    )  # fmt: skip
    return made if clock is None else replace(made, clock=clock)


def replay_settings(
    settings: Settings, folder: Path | None = None, shelf: set_store.Shelf | None = None
) -> ReplaySettings:
    """What a replay runs; ``folder`` is a set to use in place of the genesis set, ``shelf`` has those of a bundle."""
    if folder is None:
        sets, genesis = library(settings)
    else:
        sets = SetLibrary([folder], Path(settings.set_cache))
        genesis = sets.get(digest(folder))
    shelf = shelf or set_store.Shelf()
    for set_id in shelf.ids():
        sets.keep(set_store.unpack(shelf.packed(set_id)), set_id)
    return ReplaySettings(
        lanes=lanes(settings), city=lambda: Books(sets=sets.get), sets=sets.get, genesis=genesis.id,
        key=settings.key(), partitions=settings.partitions, prefix=settings.prefix,
    )  # fmt: skip
