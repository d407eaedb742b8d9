"""What the screen does under load, over real HTTP: pages and single incidents a second, and a stream that is cut.

The board has 10,000 open incidents and no Kafka behind it: what is measured is the server's side of a request. Server
and client are two processes. Figures, all of which must hold:

reads_per_s        reads per second of the server's processor time, on one core, not of the clock: 80 % filtered pages
                   of 50, 20 % single incidents
sse_events         events fed while a client was cut at random and went on 20 times
sse_missed         of those, how many it never got
sse_repeated       how many it got more than once
"""

from __future__ import annotations

from pathlib import Path

from bench.harness import Figure, Result
from bench.screen import reads, sse

READS_PER_S = 2000
"""The bar, on one core."""


def run(seed: int, data: Path | None = None) -> Result:
    """``data`` is not used: the city is made up. Raises BadAnswer where the server breaks off."""
    read, told = reads.figures(seed), sse.figures(seed)
    figures: dict[str, Figure] = {"reads_per_s": read["reads_per_s"]}
    figures |= {name: told[name] for name in ("sse_events", "sse_missed", "sse_repeated")}
    whole = told["sse_cuts"] == sse.CUTS and not told["sse_missed"] and not told["sse_repeated"]
    settings = {"incidents": 10_000, "reads": reads.READS, "cuts": sse.CUTS, "reads_per_s_bar": READS_PER_S,
                "reads_per_s_is": "per second of the server's processor, one core"}  # fmt: skip
    return Result([{**read, **told}], figures, bool(whole), settings)
