"""What is kept by set: live changes make another set as often as they come, and memory has room for a few."""

from __future__ import annotations

from typing import Final, TypeVar

KEPT: Final = 4
"""Sets of which something is kept, the one in force among them: lanes that lag name those just before it."""
T = TypeVar("T")


class Newest(dict[str, T]):
    """By set, of the last :data:`KEPT` that were put in, the latest at the end. Who wants that of an older one makes it
    anew."""

    def __setitem__(self, set_id: str, made: T) -> None:
        self.pop(set_id, None)
        super().__setitem__(set_id, made)
        if len(self) > KEPT:
            del self[next(iter(self))]
