"""What processes cost, as the system counts it (Linux)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

OWN, ALL = slice(11, 13), slice(11, 15)
"""Fields of a process's stat behind its name: user and system time; and those of its ended children too."""


def children(pid: int) -> set[int]:
    """Direct children of all threads of a process; none when it is gone."""
    found: set[int] = set()
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # a thread that ended meanwhile
            found.update(map(int, file.read_text().split()))
    return found


def below(pid: int) -> Iterator[int]:
    """All that descend from a process."""
    for child in sorted(children(pid)):
        yield child
        yield from below(child)


def cpu_s(pid: int, which: slice = OWN) -> float:
    """User and system seconds of a process so far; 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[which])) / os.sysconf("SC_CLK_TCK")
