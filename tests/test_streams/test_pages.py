"""Large pages are asked for where values lie, never for stacks or files, and a system without them is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams import pages
from streams.pages import PAGE, Pages, spans

MAPS = """\
000000400000-000000900000 r-xp 00000000 08:01 42     /usr/bin/python
000001000000-000001a00000 rw-p 00000000 00:00 0      [heap]
7f0000000000-7f0000001000 ---p 00000000 00:00 0
7f0000001000-7f0000801000 rw-p 00000000 00:00 0
7f0001100000-7f0001900000 rw-p 00000000 00:00 0
7f0002000000-7f0002100000 rw-p 00000000 00:00 0
7f0003000000-7f0003800000 rw-p 00000000 08:01 43     /var/data
7f0004000000-7f0004800000 rw-s 00000000 00:00 0
7ffc00000000-7ffc00800000 rw-p 00000000 00:00 0      [stack]
"""


def test_whole_pages_of_the_heap_and_of_nameless_private_memory_are_asked_for_and_nothing_else() -> None:
    assert list(spans(MAPS)) == [(0x1000000, 0x1A00000), (0x7F0001200000, 0x7F0001800000)]


def test_a_look_goes_on_where_the_last_one_had_no_more_time_and_is_idle_until_memory_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "statm").write_text("100000 50000 0 0 0 0 0")
    (tmp_path / "maps").write_text(MAPS)
    asked: list[tuple[int, int, int]] = []
    monkeypatch.setattr(pages, "_STATM", tmp_path / "statm")
    monkeypatch.setattr(pages, "_MAPS", tmp_path / "maps")
    monkeypatch.setattr(pages, "_madvise", lambda: lambda *of: asked.append(of) or 0)
    clock = iter(range(1000))
    monkeypatch.setattr(pages, "perf_counter", lambda: next(clock) * pages.TURN_S / 3)
    some = Pages()
    turns = 1
    while some.look():
        turns += 1
    collapsed = [start for start, size, advice in asked if advice == 25]
    assert turns > 1
    assert collapsed == [*range(0x1000000, 0x1A00000, PAGE), *range(0x7F0001200000, 0x7F0001800000, PAGE)]
    asked.clear()
    assert not some.look()
    assert not asked


def test_a_kernel_that_refuses_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "statm").write_text("100000 50000 0 0 0 0 0")
    (tmp_path / "maps").write_text(MAPS)
    asked: list[int] = []
    monkeypatch.setattr(pages, "_STATM", tmp_path / "statm")
    monkeypatch.setattr(pages, "_MAPS", tmp_path / "maps")
    monkeypatch.setattr(pages, "_madvise", lambda: lambda *of: asked.append(of[2]) or -1)
    some = Pages()
    assert not some.look()
    assert not some.look()
    assert asked == [14]


def test_where_there_is_no_proc_nothing_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_MAPS", tmp_path / "maps")
    assert not Pages().look()
