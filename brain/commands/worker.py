"""``brain worker``: one process of the brain; start as many as you like, the group shares the partitions out."""

from __future__ import annotations

from typing import Annotated

import structlog
import typer

from brain.agent_kit import meters
from brain.commands.common import Bootstrap, Config, Prefix, broker_of, fail, folders_of, load_settings
from brain.disks import scraped
from brain.logs import configure_logs
from brain.pipeline import worker_settings
from brain.settings import SettingsError
from streams import tracing
from streams.door import EXIT_TROUBLE, run_worker
from streams.health import serve
from streams.log import LogError
from streams.progress import Progress, watchdog


def worker(
    config: Config = None,
    bootstrap: Bootstrap = None,
    prefix: Prefix = None,
    health_port: Annotated[int | None, typer.Option(help="port of /metrics and /health; 0 takes a free one")] = None,
) -> None:
    """Run a worker until Ctrl-C or SIGTERM / 运行一个工作进程."""
    settings = load_settings(config, bootstrap=bootstrap, prefix=prefix, health_port=health_port)
    configure_logs()
    progress = Progress(settings.stuck_s)
    progress.remarks.append(lambda: meters.health(progress.figures()))
    if settings.trace_endpoint:
        try:
            progress.tracing = tracing.connect(settings.trace_endpoint)
        except ImportError as error:
            fail(f"trace_endpoint: {error}; install the extra: pip install 'city-brain[trace]'", EXIT_TROUBLE)
    _, port = serve(progress, settings.health_port, settings.health_host)
    watchdog(progress)
    structlog.get_logger(__name__).info(
        "worker", health=f"http://{settings.health_host}:{port}/health/ready", prefix=settings.prefix
    )
    try:
        broker = broker_of(settings)
        with scraped(folders_of(settings, broker)):
            run_worker(worker_settings(settings, broker), progress)
    except (LogError, SettingsError, ValueError) as error:
        fail(error, EXIT_TROUBLE, language=settings.language)
    finally:
        if progress.tracing is not None:
            progress.tracing.close()
