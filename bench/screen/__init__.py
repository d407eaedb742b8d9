"""What the screen does under load, over real HTTP and in a real browser.

The board has 10,000 open incidents and no Kafka behind it: what is measured is the screen's side. Server and client are
two processes. Figures:

first_paint_ms     navigation until list rows and all 10,000 incidents are drawn; median of five with nothing cached
fps_median         frames of the map a second while it pans and 200 updates/s come for a minute
gl_software        1 where WebGL was drawn by the processor
update_lag_p95_ms  in that minute: an update at the server until a frame of the map showed it
heap_growth_mb     of the page's heap over that minute, after collections
axe_serious        what axe-core finds serious or critical on desk, panel and wall
reads_per_s        reads a second of the server's processor time: 80 % filtered pages of 50, 20 % single incidents
sse_events         events fed while a client was cut at random and went on 20 times
sse_missed         of those, how many it never got
sse_repeated       how many it got more than once

What is exact decides whether the run holds: updates missed or repeated, by the stream and on the page, and axe_serious.
What depends on the machine is printed beside its bar. Without a browser the page's figures are null, and the
settings say why.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.status import Status

from bench.harness import Figure, Result
from bench.screen import browser, reads, sse

READS_PER_S = 2000
"""The bar, on one core."""
MOST = {"first_paint_ms": 2000, "update_lag_p95_ms": 1000, "heap_growth_mb": 20}
FPS_SOFTWARE, FPS_GPU = 15, 30
ORDER = (*browser.NAMES[:-1], "sse_events", "sse_missed", "sse_repeated", "axe_serious", "reads_per_s")


def run(seed: int, data: Path | None = None) -> Result:
    """``data`` is not used: the city is made up. Raises BadAnswer where the server or the page breaks off."""
    with Status("the page in a browser", console=Console(stderr=True)) as status:
        page = browser.run(seed, status.update)
        status.update("reads a second")
        read = reads.figures(seed)
        status.update("a stream that is cut")
        told = sse.figures(seed)
    found = {**page.figures, **read, **told}
    figures = {name: found[name] for name in ORDER}
    whole = told["sse_cuts"] == sse.CUTS and not told["sse_missed"] and not told["sse_repeated"]
    settings = {
        "incidents": browser.SHOWN, "updates_per_s": browser.PER_S, "seconds": browser.SECONDS,
        "reads": reads.READS, "reads_per_s_is": "per second of the server's processor, one core",
        "cuts": sse.CUTS, "browser": page.why or browser.chromium(),
    }  # fmt: skip
    more = {name: value for name, value in {**page.more, **read, **told}.items() if name not in ORDER}
    settings |= {name: value for name, value in more.items() if isinstance(value, str) and value}
    rows = [judged(name, value, figures) for name, value in figures.items()]
    rows += [{"figure": name, "value": value} for name, value in more.items() if not isinstance(value, str)]
    return Result(rows, figures, bool(whole and not page.lost and not figures["axe_serious"]), settings)


def judged(name: str, value: Figure, figures: Mapping[str, Figure]) -> dict[str, Figure]:
    """A figure beside its bar, where it has one."""
    row: dict[str, Figure] = {"figure": name, "value": value}
    most = {**MOST, "sse_missed": 0, "sse_repeated": 0, "axe_serious": 0}
    least = {"reads_per_s": READS_PER_S, "fps_median": FPS_SOFTWARE if figures["gl_software"] else FPS_GPU}
    if isinstance(value, int | float) and name in most:
        row |= {"bar": f"at most {most[name]}", "holds": value <= most[name]}
    elif isinstance(value, int | float) and name in least:
        row |= {"bar": f"at least {least[name]}", "holds": value >= least[name]}
    return row
