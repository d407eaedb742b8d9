"""Plain agents on a real broker: what they see, what they never see, and what is left when they raise or are killed."""

from __future__ import annotations

import signal as signals_of_system
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from kafka import KafkaProducer
from prometheus_client.parser import text_string_to_metric_families

from brain.agents.examples.repeat_offenders.window import Repeat
from streams import admin
from streams.deadletter import list_dead, requeue
from streams.records import CE_TYPE, SEAL_TYPE, SIGNAL_TYPE, TP, Signal
from streams.tailing import snapshot
from streams.topics import catalogue

pytestmark = pytest.mark.kafka

ROOT = Path(__file__).resolve().parent.parent.parent
ECHO = """
import asyncio

from brain.agents import signals
from streams.topics import Topic


def register(app):
    topic = app.owns(Topic("agents.echo", 1, "delete", 3600000))

    @app.agent(signals(app, "iot.telemetry"))
    async def echo(events):
        async for signal in events:
            if signal.text == "slow":
                await asyncio.sleep(3)
            if signal.text == "for ever":
                await asyncio.sleep(3600)
            if signal.text == "too much":
                raise ValueError("cannot take this one")
            await app.put(topic, signal.asset.encode(), signal.identity().encode())
"""


@pytest.fixture
def topics(kafka: str, prefix: str) -> str:
    assert admin.ensure(kafka, catalogue({"iot.telemetry": 2}, prefix)) == []
    return prefix


def raised(number: int, text: str = "", asset: str = "") -> Signal:
    origin = ("iot.telemetry", number % 2, number, 0)
    return Signal(
        "eco.test", asset or f"wl-{number}", "raise", origin, 0, number, 0, 1_000 * number, 1_000 * number,
        fold=1_000 * number, text=text,
    )  # fmt: skip


@contextmanager
def lane(kafka: str, prefix: str) -> Iterator[Callable[[Sequence[Signal], bool], None]]:
    """Writes as a lane does: signals and a seal in one transaction, committed or aborted."""
    producer = KafkaProducer(bootstrap_servers=kafka, transactional_id=f"{prefix}lane")
    producer.init_transactions()
    topic = prefix + "signals.iot.telemetry"

    def write(found: Sequence[Signal], commit: bool) -> None:
        producer.begin_transaction()
        for one in found:
            producer.send(topic, msgspec.json.encode(one), None, [(CE_TYPE, SIGNAL_TYPE)], one.origin[1])
        for partition in range(2):
            producer.send(topic, b'{"flush":1}', None, [(CE_TYPE, SEAL_TYPE)], partition)
        producer.flush()
        if commit:
            producer.commit_transaction()
        else:
            producer.abort_transaction()

    try:
        yield write
    finally:
        producer.close()


class Running:
    """An agent's process."""

    def __init__(self, kafka: str, prefix: str, module: str, folder: Path, *more: str, stuck_s: int = 30) -> None:
        self.log = folder / f"{time.time_ns()}.log"
        command = [sys.executable, "-m", "brain", "agent", "run", module, "--bootstrap", kafka, "--prefix", prefix]
        env = {"PYTHONPATH": str(ROOT), "PATH": "", "BRAIN_STUCK_S": str(stuck_s)}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([*command, *more], cwd=folder, env=env, stdout=log, stderr=log)

    def health(self, path: str) -> str:
        """What the health port answers; empty while it does not."""
        for line in self.log.read_text().splitlines():
            if '"health"' in line and (url := msgspec.json.decode(line[line.index("{") :]).get("health")):
                try:
                    return str(urllib.request.urlopen(url.replace("/health/ready", path), timeout=3).read().decode())
                except OSError:
                    return ""
        return ""

    def end(self) -> int:
        self.process.send_signal(signals_of_system.SIGTERM)
        return self.process.wait(30)


@pytest.fixture
def start(kafka: str, topics: str, tmp_path: Path) -> Iterator[Callable[..., Running]]:
    (tmp_path / "echo.py").write_text(ECHO)
    running: list[Running] = []

    def begin(module: str, *more: str, stuck_s: int = 30) -> Running:
        running.append(Running(kafka, topics, module, tmp_path, *more, stuck_s=stuck_s))
        return running[-1]

    yield begin
    for one in running:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


def written(kafka: str, topic: str) -> list[tuple[bytes | None, bytes | None, dict[str, bytes]]]:
    if topic not in admin.names(kafka):
        return []
    return [(key, value, dict(headers)) for _, _, _, key, value, headers in snapshot(kafka, [TP(topic, 0)])]


def until(holds: Callable[[], bool], agent: Running, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert agent.process.poll() is None, agent.log.read_text()[-3000:]
        assert time.monotonic() < end, agent.log.read_text()[-3000:]
        time.sleep(0.2)


def test_an_agent_sees_committed_signals_and_neither_seals_nor_what_was_aborted(
    kafka: str, topics: str, start: Callable[..., Running]
) -> None:
    agent = start("echo")
    with lane(kafka, topics) as write:
        write([raised(0), raised(1)], True)
        write([raised(2), raised(3)], False)
        write([raised(4)], True)
        until(lambda: len(written(kafka, topics + "agents.echo")) >= 3, agent)
        write([raised(5)], False)
        write([raised(6)], True)
        until(lambda: len(written(kafka, topics + "agents.echo")) >= 4, agent)
    assert {key for key, _, _ in written(kafka, topics + "agents.echo")} == {b"wl-0", b"wl-1", b"wl-4", b"wl-6"}
    assert list_dead(kafka, prefix=topics) == []
    counted = [
        (sample.labels["outcome"], int(sample.value))
        for family in text_string_to_metric_families(agent.health("/metrics"))
        for sample in family.samples
        if sample.name == "brain_agent_events_total"
    ]
    assert dict(counted) == {"worked": 4, "passed": 6}
    until(lambda: agent.health("/health/ready") == "2 tasks\n", agent)
    assert agent.end() == 0


def test_an_event_whose_agent_raised_is_a_dead_letter_and_the_next_ones_are_worked(
    kafka: str, topics: str, start: Callable[..., Running]
) -> None:
    agent = start("echo")
    with lane(kafka, topics) as write:
        write([raised(0), raised(2, "too much"), raised(4)], True)
    until(lambda: len(written(kafka, topics + "agents.echo")) >= 2, agent)
    assert agent.end() == 0
    assert [key for key, _, _ in written(kafka, topics + "agents.echo")] == [b"wl-0", b"wl-4"]
    (letter,) = list_dead(kafka, stage="agent", prefix=topics)
    assert (letter.reason, letter.id) == ("agent_error", f"{topics}signals.iot.telemetry/0/1")
    assert letter.detail == "echo: ValueError: cannot take this one"
    assert msgspec.json.decode(letter.value, type=Signal) == raised(2, "too much")
    (answer,) = requeue(kafka, [letter], by="a test", prefix=topics)
    assert "--group" in answer.refused
    # Worked and buried events are behind it: a new process begins with neither.
    again = start("echo")
    with lane(kafka, topics) as write:
        write([raised(6)], True)
    until(lambda: len(written(kafka, topics + "agents.echo")) >= 3, again)
    assert [key for key, _, _ in written(kafka, topics + "agents.echo")] == [b"wl-0", b"wl-4", b"wl-6"]
    assert len(list_dead(kafka, prefix=topics)) == 1


def test_another_group_works_everything_that_is_kept_once_more(
    kafka: str, topics: str, start: Callable[..., Running]
) -> None:
    with lane(kafka, topics) as write:
        write([raised(0), raised(2)], True)
    first = start("echo")
    until(lambda: len(written(kafka, topics + "agents.echo")) >= 2, first)
    assert first.end() == 0
    second = start("echo", "--group", "echo-again")
    until(lambda: len(written(kafka, topics + "agents.echo")) >= 4, second)
    assert Counter(key for key, _, _ in written(kafka, topics + "agents.echo")) == {b"wl-0": 2, b"wl-2": 2}


def test_a_killed_agent_loses_nothing_and_its_records_carry_the_ids_of_an_undisturbed_run(
    kafka: str, topics: str, start: Callable[..., Running]
) -> None:
    module, topic = "brain.agents.examples.repeat_offenders", topics + "agents.repeat_offenders"
    found = [raised(n, asset=f"wl-{n % 4}") for n in range(80)]
    expected = {f"repeat_offenders/{one.identity()}".encode() for one in found}

    def ids() -> set[bytes]:
        return {headers["ce_id"] for _, _, headers in written(kafka, topic)}

    stays, dies = start(module), start(module)
    with lane(kafka, topics) as write:
        for at in range(0, 40, 4):
            write(found[at : at + 4], True)
        until(lambda: len(ids()) >= 10, stays)
        dies.process.kill()  # in the middle of its work, or of the rebalance that its start was
        dies.process.wait()
        for at in range(40, 60, 4):
            write(found[at : at + 4], True)
        until(lambda: len(ids()) >= 50, stays)
        stays.process.kill()
        stays.process.wait()
        third = start(module)
        for at in range(60, 80, 4):
            write(found[at : at + 4], True)
        until(lambda: ids() >= expected, third)
    assert third.end() == 0
    assert ids() == expected
    latest = {key: msgspec.json.decode(value or b"", type=Repeat) for key, value, _ in written(kafka, topic)}
    assert {key: (r.count, r.repeat) for key, r in latest.items()} == {b"wl-%d" % n: (20, True) for n in range(4)}


def test_sigterm_waits_for_the_event_in_hand_and_leaves_the_next_to_another(
    kafka: str, topics: str, start: Callable[..., Running]
) -> None:
    first = start("echo")
    with lane(kafka, topics) as write:
        write([raised(0), raised(2, "slow"), raised(4)], True)
    until(lambda: len(written(kafka, topics + "agents.echo")) == 1, first)
    assert first.end() == 0
    assert [key for key, _, _ in written(kafka, topics + "agents.echo")] == [b"wl-0", b"wl-2"]
    second = start("echo")
    until(lambda: len(written(kafka, topics + "agents.echo")) >= 3, second)
    assert second.end() == 0
    assert [key for key, _, _ in written(kafka, topics + "agents.echo")] == [b"wl-0", b"wl-2", b"wl-4"]


@pytest.mark.long
def test_an_agent_that_hangs_goes_unready_and_ends_so_that_a_supervisor_starts_it_anew(
    kafka: str, topics: str, start: Callable[..., Running]
) -> None:
    agent = start("echo", stuck_s=3)
    with lane(kafka, topics) as write:
        write([raised(0), raised(2, "for ever")], True)
    until(lambda: len(written(kafka, topics + "agents.echo")) == 1, agent)
    until(lambda: agent.process.poll() is not None or "stuck" in agent.log.read_text(), agent)
    assert agent.process.wait(30) == 70
    assert list_dead(kafka, prefix=topics) == []


def test_an_agent_whose_topics_are_missing_or_that_has_no_events_is_told_the_way_out(
    kafka: str, prefix: str, tmp_path: Path
) -> None:
    (tmp_path / "echo.py").write_text(ECHO)
    (tmp_path / "idle.py").write_text("def register(app):\n    pass\n")
    (tmp_path / "table.py").write_text("def register(app):\n    app.Table('counts')\n")
    for module, told in (("echo", "brain topics --create"), ("idle", "@app.agent"), ("table", "app.latest")):
        ended = Running(kafka, prefix, module, tmp_path)
        assert ended.process.wait(60) == 1
        assert told in ended.log.read_text().replace("\n", " ")
