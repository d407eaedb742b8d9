"""What axe-core calls serious or critical on the desk, with a panel open, and on the wall."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

GRAVE = ("serious", "critical")
SETTLE_MS = 2000


def serious(desk: Page, context: BrowserContext, url: str) -> list[str]:
    """Place, rule and first element of each finding. ``desk``: a page with the list in sight; the wall is opened beside
    it. Raises playwright's TimeoutError where a panel or the wall does not come."""
    found = _of(desk, "desk")
    desk.keyboard.press("j")
    desk.keyboard.press("Enter")
    desk.locator("aside.right").wait_for()
    found += _of(desk, "panel")
    wall = context.new_page()
    wall.goto(f"{url}/?mode=wall&lang=zh")
    wall.locator("canvas").first.wait_for()
    found += _of(wall, "wall")
    wall.close()
    return found


def _of(page: Page, where: str) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    time.sleep(SETTLE_MS / 1000)
    violations: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [f"{where}: {v['id']} {v['nodes'][0]['html'][:120]}" for v in violations if v["impact"] in GRAVE]
