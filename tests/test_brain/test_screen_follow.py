"""The screen follows the map in force: served once its set is named; what cannot be read changes nothing."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import pytest
import shapely
from typer.testing import CliRunner

from brain.cli import app
from brain.commands.screen import source_of
from brain.screen.features.store import LayerStore
from brain.screen.follow import Follower
from brain.set_library import SetLibrary
from brain.sets import CitySet, digest, files
from brain.settings import Settings
from geo import geojson
from geo.feature import Feature
from streams.log import LogError


def grid(town: str) -> Feature:
    return Feature("grid", "g", shapely.box(113, 22, 114, 23), attributes={"town": town, "district": "d"})


def test_another_set_in_force_is_served_and_a_broken_one_leaves_the_map_as_it_is(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).write_bytes(geojson.write([grid(name)]))
    (tmp_path / "broken").write_bytes(b"{")
    store = LayerStore(geojson.load(tmp_path / "old"))
    first = store.current.version
    said: list[str | None] = [None, "old", "old", "broken", "gone", "new"]

    def in_force() -> str | None:
        if not said:
            raise LogError("no broker")
        return said.pop(0)

    follower = Follower(store, in_force, lambda name: tmp_path / name)
    assert [follower.look() for _ in range(5)] == [False] * 5
    assert store.current.version == first
    assert follower.look()
    assert store.current.version != first
    assert store.at(first) is not None, "a client that reads pages of the old map goes on"
    assert not follower.look()


def test_of_what_was_there_with_an_old_map_and_is_not_wanted_any_more_nothing_stays(tmp_path: Path) -> None:
    class Circle:
        """As what holds itself: only the collector finds it."""

        def __init__(self) -> None:
            self.self = self

    for name in ("old", "new"):
        (tmp_path / name).write_bytes(geojson.write([grid(name)]))
    said = ["old", "new"]
    follower = Follower(LayerStore([grid("first")]), lambda: said.pop(0), lambda name: tmp_path / name)
    made = Circle()
    gone = weakref.ref(made)
    try:
        assert follower.look()
        del made
        assert gone() is not None, "it was frozen with the map"
        assert follower.look()
        assert gone() is None
    finally:
        gc.unfreeze()


def test_a_set_that_came_by_topic_after_the_start_is_fetched_for_its_wordings(tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "assets.ndjson").write_text("")
    (folder / "map.geojson").write_bytes(geojson.write([grid("t")]))
    late, settings = CitySet.load(folder), Settings(sets=str(tmp_path / "sets"))
    (tmp_path / "sets").mkdir()
    library = SetLibrary([], tmp_path / "cache", lambda _: files(folder))
    assert source_of(settings, "nowhere:1", library, late).content(digest(folder)).id == digest(folder)


def test_a_screen_says_in_one_line_that_its_broker_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    # The runner closes its error stream: logs that go there would break every test after this one.
    monkeypatch.setattr("brain.commands.screen.configure_logs", lambda: None)
    done = CliRunner().invoke(app, ["screen", "--follow", "--port", "0", "--bootstrap", "127.0.0.1:1", "--lang", "en"])
    assert (done.exit_code, "no Kafka answers at 127.0.0.1:1" in " ".join(done.output.split())) == (1, True)
    assert "Traceback" not in done.output
