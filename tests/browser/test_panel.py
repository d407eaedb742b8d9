"""The panel of an incident, the six domains and the look back, in a real browser over the real API."""

from __future__ import annotations

import json
import time
from typing import Any

from screen_look import LINE, SCREENS, rows_of, until
from screen_stand import Stand

PANEL = "article.panel"


def first_opened(opened: Any, query: str = "", account: str = "op-01") -> Any:
    """A page with the first line's panel open and filled."""
    page = opened(query, account)
    page.locator(LINE).first.click()
    page.locator(f"{PANEL} .facts").wait_for()
    return page


def test_the_panel_says_what_where_how_sure_why_by_when_and_what_may_be_done(opened: Any, stand: Stand) -> None:
    page = first_opened(opened, "?lang=en")
    one = page.locator(LINE).first.get_attribute("id").removeprefix("row-")
    told = page.request.get(f"{stand.url}/api/v1/incidents/{one}").json()
    text = page.locator(PANEL).inner_text()
    for part in (told["incident"]["name"]["en"], told["incident"]["grid"], told["reasons"][-1]["text"]["en"], one):
        assert part in text
    assert page.locator(f"{PANEL} .members tbody tr").count() >= len(told["incident"]["members"])
    assert page.locator(f"{PANEL} .clocks li").count() == len(told["incident"]["clocks"])
    offered = page.locator(f"{PANEL} .actions button, {PANEL} .actions option").all_inner_texts()
    assert {"Take", "Confirm", "Note"} <= set(offered)
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENS / "panel-en.png")


def test_a_viewer_sees_no_signals_and_is_offered_no_action(opened: Any) -> None:
    page = opened(account="viewer-01")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator(LINE).first.click()
    page.locator(f"{PANEL} .facts").wait_for()
    assert [url for url in asked if url.endswith("/firing")] == [], "a refusal would be on the audit"
    assert page.locator(f"{PANEL} .actions").count() == 0
    assert "本账号不可见信号明细" in page.locator(PANEL).inner_text()
    assert page.get_by_role("button", name="手工建单").count() == 0


def test_a_doubted_asset_is_marked_with_since_when_and_why_and_a_trusted_one_is_not(opened: Any, stand: Stand) -> None:
    for language, said in (("zh", "设备存疑, 自 {} 起: 数值不变、漂移 可信度 31%"),
                           ("en", "The asset is doubted since {}: flat, drift trust 31 %")):  # fmt: skip
        page = first_opened(opened, f"?lang={language}")
        members = f"{PANEL} .members"
        assert page.locator(f"{members} .doubt").count() == 0
        one = page.locator(LINE).first.get_attribute("id").removeprefix("row-")
        incident = next(i for i in stand.city.incidents if i.id == one)
        t = stand.now()
        stand.note({"what": "asset.doubted", "asset": incident.members[0].asset, "trust": 0.31, "t": t,
                    "reasons": ["flatline", "drift"]})  # fmt: skip
        page.reload()
        page.locator(LINE).first.click()
        page.locator(f"{members} .more .doubt").wait_for()
        at = time.strftime("%H:%M", time.gmtime(t / 1000 + 8 * 3600))
        assert said.format(at) in page.locator(f"{members} .more").first.inner_text().replace("\xa0", " ")
        assert page.locator(f"{members} tr:not(.more) .doubt").count() == 1
        page.screenshot(path=SCREENS / f"panel-doubted-{language}.png")
        stand.note({"what": "asset.trusted_again", "asset": incident.members[0].asset, "trust": 0.7, "t": t + 1,
                    "reasons": []})  # fmt: skip


def test_who_was_too_late_reads_who_was_first(opened: Any) -> None:
    page = first_opened(opened)
    asked: list[Any] = []

    def refuse(route: Any) -> None:
        asked.append(json.loads(route.request.post_data))
        body = {"type": "/problems#stale-revision", "title": "x", "status": 409, "detail": "x", "by": "op-02",
                "unit": "指挥中心", "revision": 9}  # fmt: skip
        route.fulfill(status=409, content_type="application/problem+json", body=json.dumps(body))

    page.route("**/actions", refuse)
    page.locator(PANEL).get_by_role("button", name="接单", exact=True).click()
    said = page.locator(f"{PANEL} .said")
    until(lambda: "op-02 · 指挥中心 已先处置 (第 9 版)" in said.inner_text())
    assert [(a["do"], isinstance(a["expect"], int)) for a in asked] == [("take", True)]


def test_what_was_done_to_one_that_left_the_board_is_asked_for_once(opened: Any, stand: Stand) -> None:
    page = first_opened(opened)
    one = page.locator(LINE).first.get_attribute("id").removeprefix("row-")
    stand.close(one)
    until(lambda: "已办结" in page.locator(f"{PANEL} .tags").inner_text())
    done = {"id": "a", "result": "done", "revision": 9}
    page.route("**/actions", lambda route: route.fulfill(json=done))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator(f"{PANEL} .actions select").select_option("note")
    page.locator(f"{PANEL} form textarea").fill("已回访")
    page.locator(f"{PANEL} form").get_by_role("button", name="备注", exact=True).click()
    until(lambda: "已执行" in page.locator(f"{PANEL} .said").inner_text())
    page.wait_for_timeout(2500)
    assert [url for url in asked if url.endswith(f"/incidents/{one}")] == [f"{stand.url}/api/v1/incidents/{one}"]


def test_an_action_that_needs_a_reason_is_not_sent_without_one(opened: Any) -> None:
    page = first_opened(opened)
    asked: list[Any] = []
    page.route("**/actions", lambda route: (asked.append(route.request.post_data), route.abort()))
    page.locator(f"{PANEL} .actions > .row").get_by_role("button", name="误报", exact=True).click()
    form = page.locator(f"{PANEL} .actions form")
    form.get_by_role("button", name="误报", exact=True).click()
    assert asked == []
    form.locator("textarea").fill("现场无烟")
    form.get_by_role("button", name="误报", exact=True).click()
    until(lambda: "无法连接服务器" in page.locator(f"{PANEL} .said").inner_text())
    assert json.loads(asked[0])["note"] == "现场无烟"


def test_before_somebody_makes_one_by_hand_what_is_known_nearby_is_shown(opened: Any, stand: Stand) -> None:
    page = opened()
    row = next(r for r in rows_of(page, stand) if r.get("lon") is not None)
    page.get_by_role("button", name="手工建单").click()
    dialog = page.locator("dialog.create")
    dialog.get_by_label("经度").fill(str(row["lon"]))
    dialog.get_by_label("纬度").fill(str(row["lat"]))
    dialog.locator(".near li").first.wait_for()
    assert "0 m" in dialog.locator(".near li").first.inner_text()


def test_the_six_domains_have_the_figures_of_the_api(opened: Any, stand: Stand) -> None:
    page = opened("?lang=en")
    page.locator(LINE).first.wait_for()
    page.get_by_role("button", name="Domains", exact=True).click()
    page.locator(".six .trend").nth(5).wait_for()
    stats = page.request.get(f"{stand.url}/api/v1/stats").json()["domains"]
    shown = [int(n.replace(",", "")) for n in page.locator(".six .big b").all_inner_texts()]
    assert shown == [stats[d]["open"] for d in ("emergency", "market", "eco", "social", "public", "economy")]
    page.screenshot(path=SCREENS / "domains-en.png")
    page.locator(".six .big").nth(2).click()
    until(lambda: page.locator("[role=option]").first.get_attribute("aria-setsize") == str(shown[2]))


def test_the_board_is_taken_back_and_comes_back_to_now(opened: Any, stand: Stand) -> None:
    page = opened("?lang=en")
    page.locator(LINE).first.wait_for()
    then = page.request.get(f"{stand.url}/api/v1/status").json()["t"]
    until(lambda: page.request.get(f"{stand.url}/api/v1/status").json()["t"] > then + 1100)
    stand.change(300)
    looking_back(page)
    seek(page, then)
    past = page.request.get(f"{stand.url}/api/v1/replay/at?t={then}").json()["rows"]
    open_then = len(
        [r for r in past if r["state"] not in {"closed", "false_alarm", "merged"} and not r.get("withheld")]
    )
    until(lambda: f"of {open_then} shown" in page.locator(".list .count").inner_text())
    page.get_by_role("button", name="Back to live").click()
    now = len(rows_of(page, stand))
    until(lambda: f"of {now} shown" in page.locator(".list .count").inner_text())
    assert page.locator(".replay").count() == 0


def seek(page: Any, t: int) -> None:
    page.locator(".replay input[type=range]").evaluate(
        "(n, t) => { n.value = String(t); n.dispatchEvent(new Event('input', { bubbles: true })); }", t
    )


def looking_back(page: Any) -> None:
    page.get_by_role("button", name="Replay", exact=True).click()
    until(page.locator(".replay input[type=range]").is_enabled)


def test_ages_and_limits_in_the_look_back_count_from_the_moment_looked_at(opened: Any, stand: Stand) -> None:
    now = stand.now()
    then, minute = (now - 3 * 3_600_000) // 1000 * 1000, 60_000
    SCREENS.mkdir(parents=True, exist_ok=True)
    row = {"id": "inc-then", "rev": 1, "state": "detected", "domain": "eco", "scenario": "eco.dust", "level": 3,
           "onset": then - 7 * minute, "opened": then - 7 * minute, "updated": then, "shown": then - 7 * minute,
           "due": then + 5 * minute}  # fmt: skip
    page = opened("?lang=en")
    page.locator(LINE).first.wait_for()
    status = {**page.request.get(f"{stand.url}/api/v1/status").json(), "kept_since": then - 60 * minute}
    page.route("**/api/v1/status", lambda route: route.fulfill(json=status))
    page.route("**/api/v1/replay/at?*", lambda route: route.fulfill(json={"t": then, "rows": [row]}))
    looking_back(page)

    def says(age: str, left: str, overdue: str) -> None:
        line = page.locator(f"{LINE} .when")
        until(lambda: line.count() == 1 and line.inner_text().replace("\u2009", " ").split("\n") == [age, left])
        until(lambda: page.locator(".figures dd").last.inner_text() == overdue)

    seek(page, then)
    says("7 min", "5 min left", "0")
    page.screenshot(path=SCREENS / "look-back-en.png")
    seek(page, then + 8 * minute)
    says("15 min", "3 min over", "1")


def test_what_is_sought_while_the_past_plays_plays_from_there(opened: Any, stand: Stand) -> None:
    before = sum(one.shown is not None for one in stand.city.incidents)
    time.sleep(1.2)
    then = stand.now()
    time.sleep(1)
    stand.open(40)
    after = before + 38
    time.sleep(4)
    page = opened("?lang=en")
    page.locator(LINE).first.wait_for()
    looking_back(page)
    page.get_by_label("Speed").select_option("1")
    shown = page.locator(".list .count")
    seek(page, then)
    until(lambda: f"of {before} shown" in shown.inner_text())
    page.get_by_role("button", name="Play", exact=True).click()
    until(lambda: f"of {after} shown" in shown.inner_text())
    seek(page, then)
    until(lambda: f"of {before} shown" in shown.inner_text())
    until(lambda: f"of {after} shown" in shown.inner_text())
    # What comes in then is long past: nobody is called to it.
    page.wait_for_timeout(500)
    assert page.locator("[aria-live=assertive]").inner_text() == ""


def test_who_signs_out_while_looking_back_reads_of_no_server_that_is_away(opened: Any, stand: Stand) -> None:
    page = opened("?lang=en")
    page.locator(LINE).first.wait_for()
    looking_back(page)
    seek(page, page.request.get(f"{stand.url}/api/v1/status").json()["t"] - 1000)
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="op-01").wait_for()
    time.sleep(1)
    assert page.get_by_role("alert").count() == 0


def test_who_opens_an_incident_from_the_list_has_it_in_sight_beside_the_panel(opened: Any) -> None:
    page = opened()
    page.locator(LINE).first.wait_for()
    until(lambda: page.evaluate("() => Boolean(window.__brain.map)"))
    page.evaluate("() => window.__brain.map.jumpTo({ center: [113.2, 21.05], zoom: 15 })")
    page.locator(LINE).nth(1).click()
    page.locator(f"{PANEL} .facts").wait_for()

    def seen() -> bool:
        frame, panel = page.locator(".chosen").bounding_box(), page.locator("aside.right").bounding_box()
        return bool(frame and panel and 0 < frame["x"] < panel["x"] and 0 < frame["y"] < 1080)

    until(seen)
