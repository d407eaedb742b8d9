"""The files and flags that the embedded broker is started with. Every value that is not Kafka's default says why."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from streams.topics import MAX_MESSAGE

HOST = "127.0.0.1"
_ADDED = ("listeners", "advertised.listeners", "listener.security.protocol.map")
_AROUND = 65_536
"""What a record batch and its headers add to the largest record, bytes."""


def server_properties(
    data: Path, port: int, controller_port: int, properties: Mapping[str, str] = MappingProxyType({})
) -> str:
    """server.properties of a broker and controller in one process, on the loopback only.

    Of ``properties`` those that name listeners are added to ours; all others stand in for ours.
    """
    values = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{HOST}:{controller_port}",
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": str(data),
        "auto.create.topics.enable": "false",
        "message.max.bytes": str(MAX_MESSAGE + _AROUND),
        "replica.fetch.max.bytes": str(MAX_MESSAGE + _AROUND),
        "log.retention.check.interval.ms": "60000",
        # One node: everything that is usually kept three times is kept once.
        "default.replication.factor": "1",
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        # Few partitions of the internal topics, so that the first group and the first transaction do not wait.
        "offsets.topic.num.partitions": "8",
        "transaction.state.log.num.partitions": "8",
        "share.coordinator.state.topic.num.partitions": "1",
        # A worker that comes back must not wait ten seconds for the transaction of its predecessor to be cleaned up.
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": "500",
        "group.initial.rebalance.delay.ms": "0",
        # After a kill the controller still holds the dead broker's session: the new one registers when it has run out.
        "broker.heartbeat.interval.ms": "500",
        "broker.session.timeout.ms": "3000",
        "log.cleaner.dedupe.buffer.size": str(32 * 2**20),
        "num.network.threads": "2",
        "num.io.threads": "4",
        "socket.request.max.bytes": str(64 * 2**20),
    }
    for name, value in properties.items():
        values[name] = f"{values[name]},{value}" if name in _ADDED else value
    return "".join(f"{k}={_escaped(v)}\n" for k, v in values.items())


def log_properties(log: Path) -> str:
    """log4j2.properties: one file of at most 8 MB and two older ones."""
    lines = (
        "status=error", "appender.f.type=RollingFile", "appender.f.name=F",
        f"appender.f.fileName={log}", f"appender.f.filePattern={log}.%i",
        "appender.f.layout.type=PatternLayout", "appender.f.layout.pattern=%d{ISO8601} %p %m (%c{1})%n",
        "appender.f.policies.type=Policies", "appender.f.policies.size.type=SizeBasedTriggeringPolicy",
        "appender.f.policies.size.size=8MB", "appender.f.strategy.type=DefaultRolloverStrategy",
        "appender.f.strategy.max=2", "rootLogger.level=INFO", "rootLogger.appenderRef.f.ref=F",
    )  # fmt: skip
    return "\n".join(_escaped(line) for line in lines) + "\n"


def jvm_flags(heap_mb: int) -> list[str]:
    """Flags of the JVM, Java 17 and newer."""
    return [
        f"-Xmx{heap_mb}m", f"-Xms{min(heap_mb, 256)}m", "-Djava.awt.headless=true", "-Djava.net.preferIPv4Stack=true",
        # One small heap, few cores: the serial collector starts sooner and takes least from the worker beside it.
        "-XX:+UseSerialGC" if heap_mb <= 1024 else "-XX:+UseG1GC",
        "-XX:+ExitOnOutOfMemoryError", "-XX:+IgnoreUnrecognizedVMOptions",
    ]  # fmt: skip


def _escaped(text: str) -> str:
    """Java reads properties as ISO 8859-1 and a backslash as an escape; a path may hold more than that."""
    units = text.replace("\\", "\\\\").encode("utf-16-be")
    codes = (int.from_bytes(units[i : i + 2]) for i in range(0, len(units), 2))
    return "".join(chr(c) if c < 128 else f"\\u{c:04x}" for c in codes)
