"""What tests of the page share: waiting without scripts in the page, and what the API has beside it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from screen_stand import ROOT, Stand

SCREENS = ROOT / "var" / "screens"
"""Where pictures of the page are kept, for people to look at."""
LINE = ".line"


def until(look: Callable[[], Any], seconds: float = 10) -> Any:
    """The first answer that is true. The page's policy forbids code from text, so it is asked again and again."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
    return found


def rows_of(page: Any, stand: Stand) -> list[Any]:
    """The board as the API has it now."""
    return list(page.request.get(f"{stand.url}/api/v1/board").json()["rows"])
