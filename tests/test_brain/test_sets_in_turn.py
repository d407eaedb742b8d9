"""Many sets in turn, as live changes make them: memory has the last few and what somebody works with."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from agent_rig import steps, with_agents

from brain.agent_kit.fault import KEPT as PROGRAMS
from brain.agent_kit.fault import Inline
from brain.agent_kit.host import Host
from brain.incidents.books import Books
from brain.lane import DetectionsLane, ReadingsLane, TicketsLane
from brain.newest import KEPT
from brain.set_library import SetLibrary
from brain.sets import digest, digest_of, files, write
from streams.records import TP
from streams.state import Store

DEMO = Path(__file__).parents[2] / "config" / "demo"
MANY = KEPT + 5


def other(n: int) -> dict[str, bytes]:
    """Files of a set of which an asset stands a little elsewhere than in all others."""
    contents = files(DEMO)
    first, *rest = contents["assets.ndjson"].splitlines()
    one = json.loads(first)
    contents["assets.ndjson"] = b"\n".join([json.dumps({**one, "lon": one["lon"] + n * 1e-6}).encode(), *rest, b""])
    return contents


def moved(library: SetLibrary, n: int) -> str:
    """Its id, once the library can find it."""
    contents = other(n)
    id_ = digest_of(contents)
    library.keep(contents, id_)
    return id_


@pytest.fixture
def _no_circle_is_looked_for() -> Iterator[None]:
    """As in a worker, which does so seldom."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_circle_is_looked_for")
def test_of_sets_that_were_in_force_one_after_the_other_the_last_few_are_in_memory(tmp_path: Path) -> None:
    library = SetLibrary([DEMO], tmp_path)
    books, lanes = Books(sets=library.get), [ReadingsLane(), DetectionsLane(), TicketsLane()]
    for lane in lanes:
        lane.bind(Store(lane.tables, lane.owner), TP("in", 0), 1)
    for n in range(MANY):
        id_ = moved(library, n)
        for lane in lanes:
            lane.enter(id_, library.get(id_))
        books.enter(id_, library.get(id_))
        books.fire(n)
    assert len(library.ids()) <= KEPT + 1, "the library names those alone that are in memory"


def test_a_set_that_somebody_works_with_is_not_read_twice_however_many_came_after_it(tmp_path: Path) -> None:
    library = SetLibrary([DEMO], tmp_path)
    own, mine = library.get(digest(DEMO)), library.get(moved(library, 0))
    last = [moved(library, n) for n in range(1, MANY)]
    for id_ in last:
        library.get(id_)
    assert library.get(mine.id) is mine
    assert library.get(own.id) is own, "that of a folder stays, as the folder may be written to"
    forgotten = last[0]
    assert forgotten not in library.ids()
    assert library.get(forgotten).id == forgotten, "its files are there"


def test_a_set_whose_folder_was_written_to_since_is_taken_from_elsewhere(tmp_path: Path) -> None:
    there, contents = tmp_path / "sets" / "mine", other(-1)
    write(contents, there)
    mine = digest(there)
    library = SetLibrary([], tmp_path / "cache", lambda id: {mine: contents}[id])
    assert library.find(mine, tmp_path / "sets").id == mine
    for n in range(KEPT):
        library.get(moved(library, n))
    assert mine not in library.ids()
    (there / "assets.ndjson").write_bytes(b"")
    assert library.get(mine).id == mine


def test_what_signals_of_an_old_set_are_named_by_is_made_anew(tmp_path: Path) -> None:
    library = SetLibrary([DEMO], tmp_path)
    books = Books(sets=library.get)
    ids = [moved(library, n) for n in range(MANY)]
    for id_ in ids:
        books.enter(id_, library.get(id_))
    assert books._of(ids[0]).live.id == ids[0]
    assert books._of(ids[-1]).live.id == ids[-1]


@pytest.mark.parametrize("make", [Host, Inline])
def test_of_an_agent_on_many_maps_in_turn_the_last_few_programs_are_loaded(make: type, tmp_path: Path) -> None:
    runner, one = make(), steps(tmp_path / "steps")
    every = [with_agents(one, over=n).agents[0] for n in range(PROGRAMS + 4)]
    try:
        for agent in every:
            runner.load(agent)
        kept = runner._loaded if make is Host else runner._programs
        assert len(kept) == PROGRAMS
        assert runner.form(every[0]) == runner.form(every[-1]), "one that was forgotten is loaded again"
        assert len(kept) == PROGRAMS
    finally:
        if make is Host:
            runner.close()
