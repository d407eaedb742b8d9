"""A stream that is cut at random, in the middle of whatever is on the way, and goes on with the last id: of all that
was fed, what never came and what came twice.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Mapping

import msgspec

from bench.harness import Figure
from bench.screen.city import City
from bench.screen.client import BadAnswer, Stand, Stream, get, running
from brain.incidents.value import Incident

EVENTS = 10_000
CUTS = 20
PER_S = 1000
LONGEST_S = 120.0
PATH = "/api/v1/stream?withheld=true"


def figures(seed: int, events: int = EVENTS, cuts: int = CUTS, incidents: int = 1000) -> Mapping[str, Figure]:
    """``sse_events``, ``sse_missed``, ``sse_repeated``, and how often it was cut. Raises BadAnswer."""
    feed = ("--incidents", str(incidents), "--seed", str(seed), "--fixed", "--updates", str(PER_S))
    got: Counter[tuple[str, int]] = Counter()
    with running(*feed, "--most", str(events)) as stand:
        made = _cut_and_go_on(stand, seed, events, cuts, got)
    wanted = _fed(seed, incidents, events)
    return {
        "sse_events": sum(wanted.values()), "sse_missed": sum((wanted - got).values()),
        "sse_repeated": sum((got - wanted).values()), "sse_cuts": made,
    }  # fmt: skip


def _fed(seed: int, incidents: int, events: int) -> Counter[tuple[str, int]]:
    """(id, revision) of every change that a stand with these settings feeds."""
    city = City(seed)
    for _ in city.open(incidents):
        pass
    read = msgspec.json.Decoder(Incident).decode
    found = (read(came.value or b"") for came in city.change(events, 1))
    return Counter((incident.id, incident.revision) for incident in found)


def _cut_and_go_on(stand: Stand, seed: int, events: int, cuts: int, got: Counter[tuple[str, int]]) -> int:
    rng, made = random.Random(seed), 0
    last = str(get(stand.port, "/api/v1/board?limit=1", stand.token)["event"])
    at = sorted(rng.sample(range(1, events), cuts))
    end, idle = time.monotonic() + LONGEST_S, 0
    stand.go()
    while time.monotonic() < end:
        stream = Stream(stand.port, PATH, stand.token, last)
        for id_, kind, data in stream.events():
            if kind == "reset":
                raise BadAnswer("the position was said to be too old")
            if kind == "pulse":
                # All is fed and told: some more seconds show whether anything is told twice.
                idle = idle + 1 if got.total() >= events else 0
                if idle == 3 or time.monotonic() > end:
                    stream.cut()
                    return made
                continue
            row = msgspec.json.decode(data)
            got[row["id"], row["rev"]] += 1
            last = id_
            if made < cuts and got.total() >= at[made]:
                made += 1
                break
        stream.cut()
    return made
