"""A browser and a screen for it; without a browser or a built page the tests are skipped, and say why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from screen_stand import Stand

from bench.screen.browser import FLAGS, chromium, missing

COUNT = 400


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium of the machine: BRAIN_CHROMIUM, or what is on the PATH. It ends with the module: while it is there, an
    event loop of Playwright's runs in this thread, and other tests cannot run theirs."""
    sync_api = pytest.importorskip("playwright.sync_api")
    if why := missing():
        pytest.skip(why)
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture
def stand() -> Iterator[Stand]:
    """A screen with 400 open incidents."""
    made = Stand(COUNT)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def opened(browser: Any, stand: Stand) -> Iterator[Callable[..., Any]]:
    """Opens a page of the stand as an account; a script's error in it fails the test."""
    contexts: list[Any] = []
    errors: list[str] = []

    def go(query: str = "", account: str | None = "op-01", width: int = 1920, height: int = 1080) -> Any:
        context = browser.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        if account:
            context.request.post(f"{stand.url}/api/v1/session/demo", data={"account": account})
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{stand.url}/{query}")
        return page

    yield go
    for context in contexts:
        context.close()
    assert errors == []
