"""``brain notify``: tell people of incidents by webhook, mail or an adapter of your own, until it has arrived."""

from __future__ import annotations

import signal
import time
from contextlib import closing
from pathlib import Path
from typing import Annotated

import structlog
import typer

from brain.commands.common import Bootstrap, Config, Prefix, broker_of, fail, load_settings, until_interrupted
from brain.incidents.value import DOMAINS
from brain.logs import configure_logs
from brain.notify.adapters import notifiers
from brain.notify.config import Config as Rules
from brain.notify.config import NotifyError
from streams.decode.payload import Refused, moment

STAND_BY_S = 15.0
"""A process says that it stands by when it does not lead after this long; a first one takes some seconds to."""


def notify(
    file: Annotated[Path, typer.Argument(help="who is told of what: notify.yaml")],
    check: Annotated[bool, typer.Option("--check", help="check the file and end")] = False,
    drill: Annotated[
        bool, typer.Option("--drill", help="this is a drill: messages say so, and go to targets that take drills only")
    ] = False,
    since: Annotated[
        str, typer.Option(help="first start only: tell what happened from then on, RFC 3339; now when left out")
    ] = "",
    config: Config = None,
    bootstrap: Bootstrap = None,
    prefix: Prefix = None,
    health_port: Annotated[int | None, typer.Option(help="port of /metrics and /health; 0 takes a free one")] = None,
) -> None:
    """Tell people of incidents until Ctrl-C or SIGTERM; of several one does it, the others wait / 通知, 一主多备."""
    try:
        whom = Rules.load(file)
        adapters = notifiers(whom, str(file))
    except (NotifyError, OSError) as error:
        fail(str(error))
    if check:
        typer.echo(f"{file}: {len(whom.targets)} targets, {len(whom.file.rules)} rules")
        return
    try:
        begin = moment("--since", since) if since else time.time_ns() // 1_000_000
    except Refused as refused:
        fail(refused.detail)
    settings = load_settings(config, bootstrap=bootstrap, prefix=prefix, health_port=health_port)
    broker = broker_of(settings)

    from brain.notify.acknowledge import acknowledge
    from brain.notify.ledger import KafkaLedger
    from brain.notify.post import Post
    from brain.notify.run import LEADING, Office, positions
    from streams.door import EXIT_TROUBLE
    from streams.health import serve
    from streams.lease import Lease
    from streams.log import LogError
    from streams.produce import Appender
    from streams.progress import Progress
    from streams.tailing import follow

    configure_logs()
    progress = Progress(settings.stuck_s)
    _, port = serve(progress, settings.health_port, settings.health_host)
    log = structlog.get_logger(__name__)
    topics = [f"{settings.prefix}incidents.{domain}" for domain in DOMAINS]
    topics += [f"{settings.prefix}alarms.{name}" for name in settings.partitions]
    try:
        with Appender(broker) as appender, until_interrupted() as stop:
            signal.signal(signal.SIGTERM, lambda *_: stop.set())
            ledger = KafkaLedger(broker, settings.prefix, appender, drill=drill)
            ledger.make()
            log.info(
                "notify", targets=sorted(adapters), prefix=settings.prefix, drill=drill,
                health=f"http://{settings.health_host}:{port}/health/ready",
            )  # fmt: skip
            progress.member_ok = True
            with Lease(broker, ledger.topic, ledger.topic) as lease:
                while True:
                    LEADING.set(0)
                    if not lease.wait(stop, STAND_BY_S):
                        log.info("standing by: another process tells people", prefix=settings.prefix)
                        if not lease.wait(stop):
                            break
                    items = ledger.load()
                    post = Post(whom, items, begin, drill=drill)
                    answers = acknowledge(whom, settings.key())
                    office = Office(post, ledger, adapters, settings.prefix, answers, held=lease.held)
                    log.info("telling people", prefix=settings.prefix)
                    LEADING.set(1)
                    records = follow(
                        broker, topics, from_beginning=True, positions=positions(items),
                        stop=lambda: stop.is_set() or office.stopped.is_set() or not lease.held(),  # noqa: B023 - read in this turn
                    )  # fmt: skip
                    with closing(records):
                        office.run(records)
                    if lease.held():
                        break
    except (LogError, ValueError) as error:
        fail(str(error), EXIT_TROUBLE)
