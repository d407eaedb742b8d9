"""Reads a second: 80 % filtered pages of 50, 20 % single incidents, each with its token, over connections that stay."""

from __future__ import annotations

import random
import select
import time
from collections.abc import Mapping

from bench.harness import Figure
from bench.screen.city import DISTRICTS
from bench.screen.client import BadAnswer, Line, get, request, running
from brain.incidents.value import DOMAINS

LINES = 4
"""Connections; the server always has the next request at hand."""
READS = 20_000
WARM = 500


def paths(ids: list[str], count: int, seed: int) -> list[str]:
    """What is asked for: no address often enough for a cache to matter."""
    rng, out = random.Random(seed), []
    for _ in range(count):
        if rng.random() < 0.2:
            out.append(f"/api/v1/incidents/{rng.choice(ids)}")
            continue
        west, south = round(113.0 + rng.random() * 0.3, 4), round(22.0 + rng.random() * 0.2, 4)
        out.append("/api/v1/incidents?limit=50&" + rng.choice([
            f"domain={rng.choice(DOMAINS)}&level_min={rng.randrange(1, 4)}",
            f"district=9901{1 + rng.randrange(DISTRICTS):02d}&sort=-onset",
            f"bbox={west},{south},{west + 0.25:.4f},{south + 0.2:.4f}",
            f"state=detected&domain={rng.choice(DOMAINS)}&sort=-level",
            f"lead=unit-{rng.choice(DOMAINS)}&life={rng.choice(('true', 'false'))}",
        ]))  # fmt: skip
    return out


def figures(seed: int, incidents: int = 10_000, reads: int = READS) -> Mapping[str, Figure]:
    """``reads_per_s`` a second of the server's processor; ``reads_per_wall_s`` by the clock, which on a busy machine is
    less. Raises BadAnswer."""
    with running("--incidents", str(incidents), "--seed", str(seed)) as stand:
        whole = get(stand.port, "/api/v1/incidents?limit=200", stand.token)["items"]
        asked = [request(path, stand.token) for path in paths([row["id"] for row in whole], reads + WARM, seed)]
        _ask(stand.port, asked[:WARM])
        cpu, wall = stand.cpu_s(), time.monotonic()
        size = _ask(stand.port, asked[WARM:])
        cpu, wall = stand.cpu_s() - cpu, time.monotonic() - wall
    return {
        "reads_per_s": round(reads / cpu), "reads_per_wall_s": round(reads / wall), "reads": reads,
        "bytes_per_read": round(size / reads),
    }  # fmt: skip


def _ask(port: int, asked: list[bytes]) -> int:
    lines = {line.fileno(): line for line in (Line(port) for _ in range(LINES))}
    waiting, size, poll = iter(asked), 0, select.poll()
    open_ = 0
    for number, line in lines.items():
        poll.register(number, select.POLLIN)
        line.send(next(waiting))
        open_ += 1
    while open_:
        for number, _ in poll.poll(30_000) or _silent():
            status, body = lines[number].answer()
            if status != 200:
                raise BadAnswer(f"{status} {body[:200]!r}")
            size += len(body)
            following = next(waiting, None)
            if following is None:
                open_ -= 1
            else:
                lines[number].send(following)
    for line in lines.values():
        line.close()
    return size


def _silent() -> list[tuple[int, int]]:
    raise BadAnswer("no answer within 30 s")
