"""The worker of the bad-input bench: the shipped door and lanes over the registry that the payloads speak of."""

from __future__ import annotations

import argparse
import time

from bench.badinput.payloads import START_MS, assets
from bench.watch.workload import KEY
from brain.incidents.city import CityLogic
from brain.incidents.publish import outcomes
from brain.logs import configure_logs
from brain.pipeline import LANES
from brain.sets import CitySet
from brain.settings import Settings
from brain.watch import jagged
from geo.grid_map import GridMap
from streams.door import WorkerSettings, run_worker
from streams.kafka.connect import KafkaSettings
from streams.progress import Progress, watchdog
from streams.registry import Registry

INPUTS = {"iot.telemetry": 2, "video.metadata": 1, "hotline.tickets": 1}


AFTER_MS = START_MS + 3_600_000
"""The city's clock of the bench: an hour after the first payload, so that none is from the future or a day late."""


def main() -> None:
    """Run until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--prefix", required=True)
    given = parser.parse_args()
    configure_logs()
    defaults, begun = Settings(), time.monotonic()
    content = CitySet("sha256:badinput", Registry.of(assets()), GridMap(jagged()), [])
    progress = Progress(defaults.stuck_s)
    watchdog(progress)
    run_worker(
        WorkerSettings(
            kafka=KafkaSettings(bootstrap=given.bootstrap, request_timeout=defaults.request_timeout_s),
            inputs=INPUTS,
            lanes=LANES,
            city=CityLogic,
            sets={content.id: content}.__getitem__,
            genesis=content.id,
            key=KEY,
            prefix=given.prefix,
            outcomes=outcomes,
            flush_s=defaults.flush_s,
            clock=lambda: AFTER_MS + int((time.monotonic() - begun) * 1000),
        ),
        progress,
    )


if __name__ == "__main__":
    main()
