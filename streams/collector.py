"""When Python looks for circles among a worker's values: seldom, since there are next to none."""

from __future__ import annotations

import gc
from typing import Final

THRESHOLDS: Final = (200_000, 20, 100)
"""Of Python's three generations. Its own (700, 10, 10) would go through all open incidents, half a second of them at
50,000, every few ten thousand signals, to find nothing. The first is more than one flush makes, so that no record that
waits to be written is looked at; what it lets pile up is some ten megabytes.
"""


def collect_seldom() -> None:
    """For the whole process. Values without circles are freed at once as ever."""
    gc.set_threshold(*THRESHOLDS)
