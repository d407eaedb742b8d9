"""The composition: which logic works which input, with which sets; worker and replay are built from the same parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from brain.incidents.city import CityLogic
from brain.incidents.publish import outcomes
from brain.lane import DetectionsLane, ReadingsLane, TicketsLane
from brain.sets import CitySet, SetLibrary
from brain.settings import Settings, SettingsError
from streams.door import WorkerSettings
from streams.kafka.connect import KafkaSettings
from streams.logic import LaneLogic
from streams.replay import ReplaySettings

LANES: Mapping[str, Callable[[], LaneLogic]] = {
    "iot.telemetry": ReadingsLane,
    "video.metadata": DetectionsLane,
    "hotline.tickets": TicketsLane,
}


def library(settings: Settings) -> tuple[SetLibrary, CitySet]:
    """Every set of the folder, and the one that is in force before any pulse names another."""
    folder = settings.set_folder()
    dirs = sorted(d for d in folder.iterdir() if (d / "assets.ndjson").is_file()) if folder.is_dir() else []
    if not dirs:
        raise SettingsError(f"sets: expected folders with assets.ndjson below {folder}, found none")
    names = {d.name: d for d in dirs}
    if settings.genesis not in names:
        raise SettingsError(f"genesis: expected one of {', '.join(names)}, got {settings.genesis!r}")
    sets = SetLibrary(dirs)
    return sets, CitySet.load(names[settings.genesis])


def worker_settings(settings: Settings, bootstrap: str, clock: Callable[[], int] | None = None) -> WorkerSettings:
    """What a live worker runs."""
    sets, genesis = library(settings)
    kafka = KafkaSettings(bootstrap=bootstrap, request_timeout=settings.request_timeout_s)
    made = WorkerSettings(
        kafka=kafka, inputs=settings.partitions, lanes=LANES, city=lambda: CityLogic(sets=sets.get), sets=sets.get,
        genesis=genesis.id, key=settings.key(), prefix=settings.prefix, group=settings.group, flush_s=settings.flush_s,
        outcomes=outcomes,
    )  # fmt: skip
    return made if clock is None else replace(made, clock=clock)


def replay_settings(settings: Settings, folder: Path | None = None) -> ReplaySettings:
    """What a replay runs; ``folder`` is a set to use in place of the genesis set."""
    sets, genesis = library(settings)
    if folder is not None:
        genesis = CitySet.load(folder)
        sets = SetLibrary([folder])
    return ReplaySettings(
        lanes=LANES, city=lambda: CityLogic(sets=sets.get), sets=sets.get, genesis=genesis.id, key=settings.key(),
        partitions=settings.partitions, prefix=settings.prefix,
    )  # fmt: skip
