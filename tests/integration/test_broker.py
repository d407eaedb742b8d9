"""The embedded broker as a process: it starts, survives, says why it cannot start, and ends."""

import os
import signal
import socket
import time
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from streams import admin, broker
from streams.broker import BrokerSettings
from streams.jars import JarsUnavailable
from streams.topics import Topic

pytestmark = pytest.mark.kafka


def begin(settings: BrokerSettings) -> broker.Running:
    try:
        return broker.start(settings)
    except JarsUnavailable as reason:
        pytest.skip(f"no broker: {reason}")


def send(bootstrap: str, values: list[bytes]) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all")
    try:
        for future in [producer.send("kept", v, partition=0) for v in values]:
            future.get(10)
    finally:
        producer.close()


def received(bootstrap: str, count: int) -> list[bytes]:
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=None)
    try:
        tp = TopicPartition("kept", 0)
        consumer.assign([tp])
        consumer.seek_to_beginning(tp)
        got: list[bytes] = []
        end = time.monotonic() + 20
        while len(got) < count and time.monotonic() < end:
            got += [r.value for r in consumer.poll(timeout_ms=1000).get(tp, [])]
        return got
    finally:
        consumer.close()


def test_a_broker_keeps_its_data_and_address_through_kill_and_stop(broker_home: BrokerSettings) -> None:
    assert broker.status(broker_home) is None
    first = begin(broker_home)
    assert broker.start(broker_home) == first, "a second start finds the running one"
    admin.ensure(first.bootstrap, [Topic("kept", 1, "delete", -1)])
    send(first.bootstrap, [b"1", b"2"])

    broker.kill(broker_home)
    assert broker.status(broker_home) is None
    second = broker.start(broker_home)
    assert (second.bootstrap, second.pid != first.pid) == (first.bootstrap, True)
    assert received(second.bootstrap, 2) == [b"1", b"2"]

    broker.pause(broker_home)
    paused = broker.status(broker_home)
    assert paused is not None
    assert not paused.answers
    broker.resume(broker_home)
    end = time.monotonic() + 10
    while not ((now := broker.status(broker_home)) and now.answers):
        assert time.monotonic() < end, "it does not come back after the pause"
    send(second.bootstrap, [b"3"])

    broker.pause(broker_home)
    assert broker.stop(broker_home), "a paused one can be stopped"
    assert broker.status(broker_home) is None
    assert not broker.stop(broker_home)
    with pytest.raises(broker.BrokerError, match="no broker runs"):
        broker.kill(broker_home)


def test_it_listens_on_the_loopback_only(broker_home: BrokerSettings) -> None:
    running = begin(broker_home)
    assert running.bootstrap.startswith("127.0.0.1:")
    text = (broker_home.data_dir / "server.properties").read_text()
    assert "0.0.0.0" not in text
    port = int(running.bootstrap.rpartition(":")[2])
    with socket.socket() as s, pytest.raises(OSError, match="refused"):
        s.connect(("127.0.0.2", port))  # another address of this machine


def test_a_port_that_is_taken_is_named_with_the_way_out(tmp_path: Path) -> None:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        with pytest.raises(broker.BrokerError, match=rf"port {port} is taken.*name another port"):
            begin(BrokerSettings(tmp_path, port=port))


def test_a_java_that_fails_is_told_with_what_it_said(tmp_path: Path) -> None:
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho this is no Java >&2\nexit 3\n")
    java.chmod(0o755)
    with pytest.raises(broker.BrokerError, match="this is no Java"):
        begin(BrokerSettings(tmp_path / "k", java=java))
    with pytest.raises(broker.BrokerError, match="not a program"):
        begin(BrokerSettings(tmp_path / "k", java=tmp_path / "nothing"))


def test_a_broker_that_ends_while_starting_shows_its_last_lines(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "meta.properties").write_text("cluster.id=other\nversion=1\nnode.id=7\n")
    with pytest.raises(broker.BrokerError, match=r"(?s)ended while starting.*node.id.*broker\.log"):
        begin(BrokerSettings(tmp_path, heap_mb=256))


def test_a_pid_that_belongs_to_another_program_by_now_is_never_signalled(tmp_path: Path) -> None:
    state = f'{{"cluster":"x","port":1,"controller_port":2,"pid":{os.getpid()}}}'
    (tmp_path / "broker.json").write_text(state)
    got: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: got.append(number))
    try:
        assert not broker.stop(BrokerSettings(tmp_path))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert got == []


def test_a_damaged_state_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "broker.json").write_text("{")
    with pytest.raises(broker.BrokerError, match=r"broker\.json is damaged"):
        broker.status(BrokerSettings(tmp_path))
