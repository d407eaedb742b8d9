"""The worker of the benchmarks: the shipped door, lanes and settings, with the sensor watch's set built in memory."""

from __future__ import annotations

import argparse

import structlog

from bench.watch.workload import KEY
from brain.incidents.city import CityLogic
from brain.incidents.publish import outcomes
from brain.lane import ReadingsLane, watch_set
from brain.logs import configure_logs
from brain.sets import CitySet
from brain.settings import Settings
from streams.door import WorkerSettings, run_worker
from streams.health import serve
from streams.kafka.connect import KafkaSettings
from streams.progress import Progress, watchdog


def main() -> None:
    """Run until SIGTERM."""
    parser = options(__doc__)
    given = parser.parse_args()
    work(given, watch_set(given.assets), KEY)


def options(about: str | None) -> argparse.ArgumentParser:
    """What a worker of the benchmarks is told."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--assets", type=int, required=True)
    parser.add_argument("--partitions", type=int, required=True)
    parser.add_argument("--conduct", action="store_true", help="write pulses and run the city task")
    parser.add_argument("--health-port", type=int, default=0)
    return parser


def work(given: argparse.Namespace, content: CitySet, key: bytes) -> None:
    """Run with one set in force until SIGTERM."""
    configure_logs()
    defaults = Settings()
    progress = Progress(defaults.stuck_s)
    _, port = serve(progress, given.health_port)
    watchdog(progress)
    structlog.get_logger(__name__).info("bench worker", health=port)
    run_worker(
        WorkerSettings(
            kafka=KafkaSettings(bootstrap=given.bootstrap, request_timeout=defaults.request_timeout_s),
            inputs={"iot.telemetry": given.partitions},
            lanes={"iot.telemetry": ReadingsLane},
            city=CityLogic if given.conduct else None,
            sets={content.id: content}.__getitem__,
            genesis=content.id,
            key=key,
            prefix=given.prefix,
            outcomes=outcomes,
            group=defaults.group,
            flush_s=defaults.flush_s,
            conduct=given.conduct,
        ),
        progress,
    )


if __name__ == "__main__":
    main()
