"""The page in a real browser over the stand: how soon it is there, and what 200 updates a second do to it.

Chromium is that of the machine; none is downloaded. 1920×1080 at pixel ratio 1, started before anything is timed. The
page's own counters (``window.__brain``) say when a frame showed an update; the stand's notes, when the server had it.
"""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.harness import Figure
from bench.screen import axe
from bench.screen.client import BadAnswer, Stand, get, running
from brain.screen.access.origin import COOKIE
from brain.screen.page_files import DIST

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, CDPSession, Page

INCIDENTS = 10_526
"""So many of a made-up city, of which one in twenty is not shown: 10,000 are."""
SHOWN = 10_000
PER_S = 200
SECONDS = 60
PAINTS = 5
SETTLE_S = 30.0
NAMES = ("first_paint_ms", "fps_median", "gl_software", "update_lag_p95_ms", "heap_growth_mb", "axe_serious")
FLAGS = ("--no-sandbox", "--enable-unsafe-swiftshader")
"""Loopback alone is looked at, and root has no sandbox. Without a GPU chromium draws WebGL by SwiftShader."""

WATCH = """(() => {
  const seen = (window.__bench = { at: 0, drawn: 0 });
  const look = () => {
    const page = window.__brain;
    const marked = performance.getEntriesByName("brain:first-paint").length > 0;
    if (marked && page.drawn > seen.drawn && document.querySelector(".line")) {
      // Reading a pixel waits until the marks are drawn, also where another process draws them.
      const gl = page.map.getCanvas().getContext("webgl2");
      gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
      Object.assign(seen, { at: performance.now(), drawn: page.drawn });
    }
    if (!seen.at || performance.now() < seen.at + 1000) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})()"""
"""When list rows and all marks were in sight, ms from navigation."""
PAN = """() => {
  const map = window.__brain.map;
  const legs = [[240, 0], [0, 160], [-240, 0], [0, -160]];
  let leg = 0;
  window.__bench.panning = true;
  const go = () => {
    if (window.__bench.panning)
      map.panBy(legs[leg++ % 4], { duration: 2000, easing: (t) => t, essential: true });
  };
  map.on("moveend", go);
  go();
}"""
"""Round and round, never at rest: 240 pixels in two seconds."""
HALT = "() => { window.__bench.panning = false; window.__brain.map.stop(); }"
DRESSED = """() => {
  const map = window.__brain.map;
  return Object.keys(map.getStyle().sources).length > 0 && map.areTilesLoaded() && !map.isMoving();
}"""
RENDERER = """() => {
  const gl = window.__brain.map.getCanvas().getContext("webgl2");
  const names = gl.getExtension("WEBGL_debug_renderer_info");
  return String(gl.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
}"""
SKEW = "() => performance.timeOrigin + performance.now() - Date.now()"


class Run(NamedTuple):
    """What was found. ``more``: beside the figures; ``lost``: updates that the page did not draw, or drew twice;
    ``why``: for what reason there are no figures."""

    figures: Mapping[str, Figure]
    more: Mapping[str, Figure]
    lost: int
    why: str = ""


def missing() -> str:
    """Why no browser can be driven here; "" where one can."""
    for package in ("playwright", "axe_playwright_python"):
        if find_spec(package) is None:
            return f"{package} is not installed: make setup installs it"
    if chromium() is None:
        return "no chromium: none on the PATH, and BRAIN_CHROMIUM names none"
    return "" if (DIST / "index.html").is_file() else "the page is not built: tools/page, or make setup"


def chromium() -> str | None:
    """BRAIN_CHROMIUM, or what is on the PATH."""
    named = os.environ.get("BRAIN_CHROMIUM")
    there = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    return named or next((path for path in there if path), None)


def run(seed: int, say: Callable[[str], None] = lambda _: None, seconds: int = SECONDS) -> Run:
    """All figures of the page, or the reason why there are none. Raises BadAnswer where the page does not come up."""
    if why := missing():
        return Run(dict.fromkeys(NAMES), {}, 0, why)
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        told, most = Path(folder) / "told", PER_S * seconds
        options = ("--incidents", str(INCIDENTS), "--seed", str(seed), "--map", "--held", "--told", str(told))
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        with running(*options, "--updates", str(PER_S), "--most", str(most)) as stand:
            paints = []
            for n in range(PAINTS):
                say(f"first paint {n + 1} of {PAINTS}")
                context = _context(browser, stand)
                page = context.new_page()
                paints.append(_paint(page, stand))
                if n < PAINTS - 1:
                    context.close()
            loaded = _load(browser, page, stand, told, seconds, say)
            say("axe-core: desk, panel, wall")
            found = axe.serious(page, context, f"http://127.0.0.1:{stand.port}")
            browser.close()
    figures = {"first_paint_ms": round(statistics.median(paints)), **loaded.figures, "axe_serious": len(found)}
    more: dict[str, Figure] = {**loaded.more, "first_paint_most_ms": round(max(paints)), "axe": "; ".join(found)}
    return Run(figures, more, loaded.lost)


def _context(browser: Browser, stand: Stand) -> BrowserContext:
    """Nothing cached, a dispatcher signed in."""
    context = browser.new_context(viewport={"width": 1920, "height": 1080}, device_scale_factor=1)
    context.add_cookies([{"name": COOKIE, "value": stand.token, "url": f"http://127.0.0.1:{stand.port}"}])
    context.add_init_script(WATCH)
    return context


def _paint(page: Page, stand: Stand) -> float:
    """Milliseconds from navigation until list rows and all open incidents are drawn."""
    page.goto(f"http://127.0.0.1:{stand.port}/?lang=zh", wait_until="commit")
    _until(lambda: page.evaluate("() => window.__bench.drawn") == SHOWN, SETTLE_S, "all incidents on the map")
    return float(page.evaluate("() => window.__bench.at"))


def _load(
    browser: Browser, page: Page, stand: Stand, told: Path, seconds: int, say: Callable[[str], None]
) -> Run:  # fmt: skip
    _until(lambda: page.evaluate(DRESSED), SETTLE_S, "the map's layers")
    cdp, whole = page.context.new_cdp_session(page), browser.new_browser_cdp_session()
    cdp.send("Performance.enable")
    before = _heap(cdp)
    renderer, skew = str(page.evaluate(RENDERER)), float(page.evaluate(SKEW))
    page.evaluate(PAN)
    stand.go()
    cpu, count = _cpu_ms(whole), int(page.evaluate("() => window.__brain.frames"))
    frames = _frames(page, seconds, say)
    cpu, count = _cpu_ms(whole) - cpu, int(page.evaluate("() => window.__brain.frames")) - count
    wanted = _told(told)
    _until(lambda: page.evaluate("() => window.__brain.applied") >= len(wanted), SETTLE_S, "updates", must=False)
    page.evaluate(HALT)
    log = page.evaluate("() => window.__brain.log()")
    shown: dict[tuple[str, int], float] = {}
    twice = 0
    for id_, revision, _, at in log:
        twice += (id_, revision) in shown
        shown.setdefault((id_, revision), at - skew)
    lags = sorted(shown[key] - t for key, t in wanted.items() if key in shown)
    in_page = sorted(at - came for _, _, came, at in log)
    lost = len(wanted) - len(lags) + twice + len(shown.keys() - wanted.keys())
    open_now = int(get(stand.port, "/api/v1/incidents?limit=1", stand.token)["total"])
    lost += abs(int(page.evaluate("() => window.__brain.drawn")) - open_now)
    page.evaluate("() => new Promise((done) => setTimeout(done, 1000))")
    growth = (_heap(cdp) - before) / 1e6
    software = bool(page.evaluate("() => window.__brain.software"))
    figures: dict[str, Figure] = {
        "fps_median": round(statistics.median(frames), 1), "gl_software": int(software),
        "update_lag_p95_ms": round(_p95(lags)), "heap_growth_mb": round(growth, 1),
    }  # fmt: skip
    more: dict[str, Figure] = {
        "updates": len(wanted), "updates_lost": lost, "update_lag_most_ms": round(lags[-1]),
        "update_lag_in_page_p95_ms": round(_p95(in_page)), "fps_least": round(min(frames), 1),
        "cpu_ms_per_frame": round(cpu / max(1, count), 1), "heap_before_mb": round(before / 1e6, 1),
        "renderer": renderer,
    }  # fmt: skip
    return Run(figures, more, lost)


def _frames(page: Page, seconds: int, say: Callable[[str], None]) -> list[float]:
    """Frames of the map a second, of each second."""
    ask = "() => [performance.now(), window.__brain.frames]"
    at, count = page.evaluate(ask)
    end, out = time.monotonic() + seconds, []
    while time.monotonic() < end:
        time.sleep(1)
        now, more = page.evaluate(ask)
        out.append((more - count) / (now - at) * 1000)
        at, count = now, more
        say(f"{PER_S} updates a second while the map pans: {len(out)} of {seconds} s, {out[-1]:.0f} frames/s")
    return out


def _cpu_ms(whole: CDPSession) -> float:
    """Of all processes of the browser: what a frame costs, also on a machine that others load."""
    processes: list[dict[str, Any]] = whole.send("SystemInfo.getProcessInfo")["processInfo"]
    return sum(float(process["cpuTime"]) for process in processes) * 1000


def _heap(cdp: CDPSession) -> float:
    """Bytes in use after collections, the median of three."""
    sizes = []
    for _ in range(3):
        cdp.send("HeapProfiler.collectGarbage")
        metrics: list[dict[str, Any]] = cdp.send("Performance.getMetrics")["metrics"]
        sizes.append(next(float(m["value"]) for m in metrics if m["name"] == "JSHeapUsedSize"))
    return statistics.median(sizes)


def _told(path: Path) -> dict[tuple[str, int], int]:
    lines = (line.split() for line in path.read_text("utf-8").splitlines())
    return {(id_, int(revision)): int(t) for id_, revision, t in lines}


def _p95(ordered: list[float]) -> float:
    if not ordered:
        raise BadAnswer("the page drew no update")
    return ordered[int(len(ordered) * 0.95)]


def _until(holds: Callable[[], Any], seconds: float, what: str, *, must: bool = True) -> None:
    """The page's policy forbids code from text, so it is asked again and again."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            if must:
                raise BadAnswer(f"waited {seconds:.0f} s in vain for {what}")
            return
        time.sleep(0.1)
