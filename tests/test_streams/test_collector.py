"""What holds itself is freed where it is left, though a worker looks for such things seldom."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from brain.incidents.city import CityLogic
from brain.pipeline import library, try_set
from brain.settings import Settings
from streams.collector import AFTER_S, Leavings


@pytest.fixture(autouse=True)
def _seldom() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_the_logic_of_a_city_that_went_to_another_worker_is_freed_soon_after() -> None:
    leavings, mine = Leavings(), CityLogic()
    gone = weakref.ref(mine)
    assert not leavings.look([mine], 0.0)
    assert not leavings.look([mine], 100.0)
    del mine
    assert not leavings.look([], 101.0)
    assert gone() is not None
    assert not leavings.look([], 101.0 + AFTER_S / 2)
    assert leavings.look([], 101.0 + AFTER_S)
    assert gone() is None
    assert not leavings.look([], 200.0), "once"


def test_a_set_that_is_tried_leaves_no_books_behind(tmp_path: Path) -> None:
    settings = Settings(set_cache=str(tmp_path))
    sets, genesis = library(settings)

    def books() -> int:
        return sum(isinstance(one, CityLogic) for one in gc.get_objects())

    before = books()
    for _ in range(3):
        try_set(sets, settings, genesis.id)
    assert books() == before
