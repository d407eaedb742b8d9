"""`brain assets`: what it reads from the topics of signals, for people and for programs; what feeds a screen."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest
from lane_rig import ASSETS, GRIDS
from typer.testing import CliRunner

from brain import census, pipeline
from brain.commands import assets, sets
from brain.screen import following
from brain.screen.board import sensing_feed
from brain.screen.board.sensing import Sensing
from brain.screen.board.sensing_feed import SensingFeed
from brain.sets import CitySet
from geo.grid_map import GridMap
from streams import tailing
from streams.log import LogError
from streams.records import CE_TYPE, SIGNAL_TYPE, SUMMARY_TYPE, TP, Summary
from streams.registry import Registry
from streams.tailing import Seen

T = 1_718_000_100_000
TOPIC = "signals.iot.telemetry"


def content() -> CitySet:
    return CitySet("s", Registry.of([{**a, "every_s": 60} for a in ASSETS[:3]]), GridMap(GRIDS), [])


def said(n: int, t: int, **names: tuple[int, int]) -> Seen:
    keys = [name.replace("_", "-") for name in names]
    columns = {f: np.array([p[k] for p in names.values()], "<f8").tobytes() for k, f in enumerate(("last", "since"))}
    value = msgspec.msgpack.encode(Summary(census.NAME, t, n, 1, keys, columns, t, "s", "iot.telemetry/0"))
    return record(n, value)


def record(n: int, value: bytes | None, kind: bytes = SUMMARY_TYPE) -> Seen:
    return Seen(TOPIC, 0, n, T, None, value, ((CE_TYPE, kind),))


RECORDS = [
    record(0, b"\xff"), record(1, b'{"name": "sensing"}', SIGNAL_TYPE), record(2, None),
    record(3, msgspec.msgpack.encode(Summary("trust", T, 1, 1, ["wl-0"], {}))),
    said(4, T - 3_600_000, wl_0=(T - 3_600_100, 0), wl_1=(T - 3_600_200, 0)), said(5, T, wl_0=(T - 900_000, T)),
]  # fmt: skip


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A broker that has these records; what it was asked."""
    seen: dict[str, Any] = {"records": RECORDS, "pulse": SimpleNamespace(time=T + 1000, set="s")}

    def since(broker: str, topic: str, t: int) -> dict[TP, int]:
        seen.setdefault("since", {})[topic] = t
        return {TP(topic, 0): 0}

    def follow(broker: str, topics: Sequence[str], **more: Any) -> Iterator[Seen]:
        seen["positions"] = more["positions"]
        yield from seen["records"]

    library = SimpleNamespace(get={"s": content()}.__getitem__)
    monkeypatch.setenv("BRAIN_BOOTSTRAP", "nowhere:1")
    monkeypatch.setattr(sets, "last_pulse", lambda *_: seen["pulse"])
    monkeypatch.setattr(pipeline, "library", lambda *_: (library, content()))
    monkeypatch.setattr(sensing_feed, "since", since)
    monkeypatch.setattr(tailing, "follow", follow)
    monkeypatch.setattr(assets.console, "width", 200)
    return seen


def run(*args: str) -> tuple[int, str]:
    result = CliRunner().invoke(assets.app, list(args))
    return result.exit_code, result.stdout


def lines(*args: str) -> list[Any]:
    code, out = run(*args, "--json")
    assert code == 0
    return [json.loads(line) for line in out.splitlines()]


def test_assets_are_listed_with_what_the_lanes_said_last(asked: dict[str, Any]) -> None:
    assert [(a["id"], a["health"], a["since"]) for a in lines("list")] == [
        ("wl-0", "silent", T), ("wl-1", "live", None), ("wl-2", "unknown", None),
    ]  # fmt: skip
    assert asked["since"][TOPIC] == T + 1000 - census.BACK_MS, "a brain that stands still is read from its last pulse"
    assert [a["id"] for a in lines("list", "--health", "live")] == ["wl-1"]


@pytest.mark.parametrize(
    ("lang", "words"), [("zh", ("静默", "在线", "盲区网格 1")), ("en", ("silent", "live", "1 blind"))]
)
def test_people_read_it_in_their_language(asked: dict[str, Any], lang: str, words: tuple[str, str, str]) -> None:
    code, out = run("list", "--lang", lang, "--limit", "2")
    assert code == 0
    assert "2024-06-10" in out
    assert all(word in out for word in words[:2])
    assert "wl-2" not in out
    assert words[2] in run("blind", "--lang", lang)[1]
    assert words[0] in run("summary", "--lang", lang)[1]


def test_blind_grids_and_counts_come_as_json_too(asked: dict[str, Any]) -> None:
    assert lines("blind") == [{"grid": "g1", "district": "d1", "since": None}]
    assert lines("summary") == [
        {"t": T, "by_type": {"water_level": {"live": 1, "silent": 1, "unknown": 1}}, "blind": 1}
    ]
    assert lines("summary", "--district", "d9") == [{"t": T, "by_type": {}, "blind": 0}]


def test_without_a_census_it_says_so_and_fails(asked: dict[str, Any]) -> None:
    asked["records"] = []
    assert run("summary") == (1, "")
    asked["pulse"] = None
    assert run("blind") == (1, "")


def test_a_screen_hears_a_census_in_its_loop_and_goes_on_after_a_broker_was_away(
    asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    sensing, tries = Sensing(content()), list[dict[TP, int]]()

    def follow(broker: str, topics: Sequence[str], *, stop: Any, positions: dict[TP, int]) -> Iterator[Seen]:
        tries.append(dict(positions))
        if len(tries) == 1:
            yield RECORDS[4]
            raise LogError("away")
        yield record(5, msgspec.msgpack.encode(Summary(census.NAME, T, 5, 1, ["wl-0"], {})))
        yield RECORDS[5]
        while not stop():
            time.sleep(0.005)

    monkeypatch.setattr(sensing_feed, "follow", follow)
    monkeypatch.setattr(following, "AGAIN_S", 0.01)

    async def listen() -> None:
        feed = SensingFeed(sensing, "nowhere:1", "", ["iot.telemetry"])
        feed.start(asyncio.get_running_loop())
        for _ in range(300):
            if sensing.t == T:
                break
            await asyncio.sleep(0.01)
        await asyncio.to_thread(feed.stop)

    asyncio.run(listen())
    assert sensing.t == T
    assert tries[1] == {TP(TOPIC, 0): 5}, "it goes on where it was"
