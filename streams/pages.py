"""Large pages: a city's state is half a gigabyte of small values, and much of what it costs to touch one is to find it.

A processor remembers where some thousand pages lie; at 4 KB a page that is a hundredth of such a heap, at 2 MB all of
it. Python takes memory in pieces too small for large pages, so the kernel is asked to put them together, as memory
grows. Linux from 6.1 with transparent huge pages not at ``never``; elsewhere, and where the kernel refuses, nothing
happens.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Final

import structlog

log = structlog.get_logger(__name__)

PAGE: Final = 2 << 20
"""Bytes of a large page."""
GROWN: Final = 32 << 20
"""So much more memory, and it is put together again."""
TURN_S: Final = 0.02
"""A page takes one to four milliseconds."""
_HUGEPAGE, _COLLAPSE = 14, 25
"""Advice to madvise(2): may be large; make it so now."""
_STATM = Path("/proc/self/statm")
_MAPS = Path("/proc/self/maps")


class Pages:
    """The memory of this process. No result follows from it."""

    def __init__(self) -> None:
        self._size = 0
        self._at = 0
        """Where the last look broke off; 0: it had come to the end."""
        self._madvise = _madvise()

    def look(self) -> bool:
        """Where memory has grown, put it together, for :data:`TURN_S`; whether there is more of it. Blocks so long."""
        if self._madvise is None:
            return False
        size = int(_STATM.read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        if not self._at and size < self._size + GROWN:
            self._size = min(self._size, size)
            return False
        until = perf_counter() + TURN_S
        for start, end in spans(_MAPS.read_text(encoding="utf-8", errors="replace")):
            if end <= self._at:
                continue
            if self._madvise(start, end - start, _HUGEPAGE):
                log.info("no large pages here", errno=ctypes.get_errno())
                self._madvise = None
                return False
            for page in range(max(start, self._at), end, PAGE):
                if perf_counter() >= until:
                    self._at = page
                    return True
                self._madvise(page, PAGE, _COLLAPSE)  # refused where nothing lies yet
        self._at, self._size = 0, size
        return False


def spans(maps: str) -> Iterator[tuple[int, int]]:
    """Whole large pages of private memory without a file, from the text of /proc/self/maps; stacks of threads apart."""
    guard = ""
    for line in maps.splitlines():
        where, mode, *rest = line.split(maxsplit=5)
        first, _, last = where.partition("-")
        nameless = len(rest) == 3 or rest[3] == "[heap]"
        if mode == "rw-p" and nameless and first != guard:  # a stack lies above a page that nobody may touch
            start, end = -(-int(first, 16) // PAGE) * PAGE, int(last, 16) // PAGE * PAGE
            if start < end:
                yield start, end
        guard = last if mode == "---p" else ""


def _madvise() -> ctypes._NamedFuncPointer | None:
    """The system's own; None where it is not, or cannot be asked."""
    if not (_STATM.exists() and _MAPS.exists()):
        return None
    try:
        found = ctypes.CDLL(None, use_errno=True).madvise
    except (OSError, AttributeError):
        return None
    found.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    found.restype = ctypes.c_int
    return found
