"""The page in a real browser, over the real API and a made-up city."""

from __future__ import annotations

import time
from typing import Any

import pytest
from screen_look import LINE, SCREENS, rows_of, until
from screen_stand import Stand


def drawn(page: Any) -> int:
    return int(page.evaluate("() => window.__brain.drawn"))


def order(page: Any, count: int = 8) -> list[str]:
    """Ids of the first lines, from top to bottom."""
    lines = page.locator(LINE).evaluate_all(
        "all => all.map(n => [new DOMMatrix(getComputedStyle(n).transform).m42, n.id]).sort((a, b) => a[0] - b[0])"
    )
    return [str(name) for _, name in lines][:count]


def test_somebody_signs_in_and_sees_all_open_incidents_in_list_and_map(opened: Any, stand: Stand) -> None:
    page = opened(account=None)
    page.get_by_role("button", name="值班员").first.click()
    page.locator(LINE).first.wait_for()
    rows = rows_of(page, stand)
    placed = sum(1 for row in rows if row.get("lon") is not None)
    assert placed > 0
    until(lambda: drawn(page) == placed)
    assert page.locator("[role=option]").first.get_attribute("aria-setsize") == str(len(rows))
    assert page.evaluate("() => performance.getEntriesByName('brain:first-paint').length") == 1


def test_no_line_moves_while_somebody_is_in_the_list_and_new_ones_wait_for_a_click(opened: Any, stand: Stand) -> None:
    page = opened()
    page.locator(LINE).first.wait_for()
    page.locator("[role=listbox]").hover()
    life = set(page.locator(".line.life").evaluate_all("all => all.map(n => n.id)"))
    before = order(page)
    for _ in range(4):
        stand.change(150)
    until(lambda: page.evaluate("() => window.__brain.received") > 100)
    time.sleep(0.6)
    after = order(page, 40)
    kept = [name for name in after if name in before]
    came = after[: after.index(kept[0])]
    assert kept == before
    assert not set(came) & life
    assert all(page.locator(f"[id='{name}']").evaluate("n => n.classList.contains('life')") for name in came)


def test_a_lost_connection_is_told_with_its_time_and_taken_up_again(opened: Any, stand: Stand) -> None:
    page = opened()
    page.locator(LINE).first.wait_for()
    until(lambda: page.locator(".light.live").count())
    stand.stop()
    page.locator(".banner.lost").wait_for(timeout=5000)
    assert "连接已断开, 自 " in page.locator(".banner.lost").inner_text()
    assert page.locator(".desk.stale").count() == 1
    stand.start()
    page.locator(".banner.lost").wait_for(state="detached", timeout=20_000)
    stand.change(60)
    open_now = len(rows_of(page, stand))
    until(lambda: f"共 {open_now} 条" in page.locator(".list .count").inner_text())


def test_a_late_pulse_turns_the_page_red_in_words_too(opened: Any, stand: Stand) -> None:
    page = opened()
    page.locator(LINE).first.wait_for()
    until(lambda: page.locator(".light.live").count())
    stand.skew_ms = 60_000
    page.locator(".banner.late").wait_for(timeout=10_000)
    assert page.get_by_role("alert").filter(has_text="链路延迟").count() == 1
    assert page.evaluate("() => getComputedStyle(document.getElementById('app'), '::after').borderTopColor") == (
        "rgb(255, 77, 79)"
    )


def test_all_goes_by_keys(opened: Any) -> None:
    page = opened("?lang=en")
    page.locator(LINE).first.wait_for()
    page.keyboard.press("j")
    page.keyboard.press("j")
    active = page.locator("[role=listbox]").get_attribute("aria-activedescendant")
    assert active in order(page)
    page.keyboard.press("Enter")
    page.get_by_role("complementary", name="Incident", exact=True).wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("complementary", name="Incident", exact=True).wait_for(state="detached")
    page.keyboard.press("/")
    assert page.evaluate("() => document.activeElement.id") == "search"
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")


def test_life_safety_that_comes_while_the_last_is_read_out_is_told_too(opened: Any, stand: Stand) -> None:
    page = opened()
    page.locator(LINE).first.wait_for()
    told = page.locator("[aria-live=assertive]")
    stand.open(3)
    first = until(told.inner_text)
    stand.open(6)
    until(lambda: told.inner_text() != first)
    assert "生命安全事件" in told.inner_text()


def test_a_map_that_was_closed_while_its_layers_came_asks_for_no_blind_spots(opened: Any) -> None:
    page = opened(account=None)
    late: list[Any] = []
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.route("**/ogc/collections?f=json", lambda route: late.append(route))  # noqa: PLW0108 - no builtin is taken
    page.get_by_role("button", name="op-01").click()
    until(lambda: page.wait_for_timeout(50) or late)
    page.get_by_role("button", name="退出").click()
    page.get_by_role("button", name="op-01").wait_for()
    late[0].continue_()
    page.wait_for_timeout(2500)
    assert [url for url in asked if url.endswith("/assets/summary")] == []


@pytest.mark.parametrize(
    ("name", "query", "account"),
    [
        ("desk-zh", "?lang=zh", "op-01"),
        ("desk-en", "?lang=en", "op-01"),
        ("wall-zh", "?mode=wall&lang=zh", "viewer-01"),
        ("wall-en", "?mode=wall&lang=en", "viewer-01"),
        ("signin-zh", "?lang=zh", None),
        ("signin-en", "?lang=en", None),
        ("panel-zh", "?lang=zh", "op-01"),
        ("panel-en", "?lang=en", "op-01"),
    ],
)
def test_axe_finds_nothing_serious(opened: Any, name: str, query: str, account: str | None) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = opened(query, account)
    if account:
        until(lambda: drawn(page))
        if name.startswith("panel"):
            page.keyboard.press("j")
            page.keyboard.press("Enter")
            page.locator("aside.right").wait_for()
        time.sleep(1.5)
    else:
        page.get_by_role("heading").first.wait_for()
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENS / f"{name}.png")
    # axe is text, which the page's own policy would refuse: it comes in as the debugger's.
    found = axe.Axe().run(page).response["violations"]
    serious = [
        (v["id"], [n["html"][:160] for n in v["nodes"][:3]]) for v in found if v["impact"] in ("serious", "critical")
    ]
    assert serious == []
