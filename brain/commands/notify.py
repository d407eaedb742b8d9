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
from brain.commands.worker import configure_logs
from brain.incidents.value import DOMAINS
from brain.notify.adapters import notifiers
from brain.notify.config import Config as Rules
from brain.notify.config import NotifyError
from streams.decode.payload import Refused, moment


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
    """Tell people of incidents until Ctrl-C or SIGTERM; run one for a prefix / 通知: 将事件告知相关人员."""
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
    from brain.notify.run import Office, positions
    from streams.door import EXIT_TROUBLE
    from streams.health import serve
    from streams.log import LogError
    from streams.produce import Appender
    from streams.progress import Progress
    from streams.tailing import follow

    configure_logs()
    progress = Progress(settings.stuck_s)
    _, port = serve(progress, settings.health_port, settings.health_host)
    topics = [f"{settings.prefix}incidents.{domain}" for domain in DOMAINS]
    topics += [f"{settings.prefix}alarms.{name}" for name in settings.partitions]
    try:
        with Appender(broker) as appender, until_interrupted() as stop:
            signal.signal(signal.SIGTERM, lambda *_: stop.set())
            ledger = KafkaLedger(broker, settings.prefix, appender, drill=drill)
            items = ledger.load()
            post = Post(whom, items, begin, drill=drill)
            office = Office(post, ledger, adapters, settings.prefix, acknowledge(whom, settings.key()))
            structlog.get_logger(__name__).info(
                "notify", targets=sorted(adapters), prefix=settings.prefix, drill=drill,
                health=f"http://{settings.health_host}:{port}/health/ready",
            )  # fmt: skip
            progress.member_ok = True
            records = follow(
                broker, topics, from_beginning=True, positions=positions(items),
                stop=lambda: stop.is_set() or office.stopped.is_set(),
            )  # fmt: skip
            with closing(records):
                office.run(records)
    except (LogError, ValueError) as error:
        fail(str(error), EXIT_TROUBLE)
