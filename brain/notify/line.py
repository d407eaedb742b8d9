"""``log``: a line a message on standard output; for demos, and to see what would be sent."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

import msgspec

from brain.notify.port import Message, Outcome, Status
from brain.notify.words import clock


class LineSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """None."""


class Line:
    """Implements ``brain.notify.port.Notifier``."""

    def __init__(self, to: TextIO | None = None) -> None:
        self._to = to

    def send(self, message: Message, attempt: int) -> Outcome:
        """Write the line; nobody can say that it was read."""
        to = self._to or sys.stdout
        to.write(f"{clock(message.at)} → {message.target}: {message.title} · {message.about.id or message.alarm}\n")
        to.flush()
        return Outcome(Status.DELIVERED)


def make(settings: Mapping[str, Any], folder: Path) -> Line:
    """Checks the settings of a target, of which there are none. Raises ValueError."""
    msgspec.convert(settings, LineSettings)
    return Line()
