"""Run once while the image is built: compiles the kernels that a worker would else compile at its first start.

It calls what a worker calls before its first event, and works one record of each input through the memory log.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from brain.pipeline import replay_settings
from brain.settings import Settings
from streams import bundle
from streams.decode import fast
from streams.kafka import batches
from streams.partition import partition_of
from streams.replay import replay

ROWS = {
    "iot.telemetry": '{"asset":"air-01","metric":"pm25","t":1795000000000,"v":35.5,"unit":"ug/m3"}',
    "video.metadata": '{"version":"4.0","id":1,"@timestamp":"2026-11-18T11:06:40Z","sensorId":"cam-0001","objects":[]}',
    "hotline.tickets": '{"id":"T1","t":1795000000000,"title":"噪音","text":"噪音扰民","lon":113.5,"lat":22.2}',
}


def main() -> None:
    """Compile; numba keeps the result in NUMBA_CACHE_DIR."""
    batches.warm()
    fast.warm()
    partition_of(b"air-01", 4)
    rules = replay_settings(Settings())
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for topic, row in ROWS.items():
            files.append((topic, Path(folder) / f"{topic}.ndjson"))
            files[-1][1].write_text(row + "\n", encoding="utf-8")
        lines, _ = bundle.plain(files, dict(rules.partitions), rules.key, rules.genesis)
        done = replay(lines, rules)
    if done.dead:
        raise SystemExit(f"warm-up: expected no dead letter, got {done.dead}")


if __name__ == "__main__":
    main()
