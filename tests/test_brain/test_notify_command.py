"""``brain notify`` from file to line: what it reads, where it goes on, and how it ends."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import yaml
from notify_rig import City, Memory, raised
from typer.testing import CliRunner, Result

from brain.cli import app
from brain.notify.run import positions
from streams.log import LogError
from streams.records import TP

SINCE = "2026-01-01T00:00:00+08:00"
FILE = {
    "version": 1, "language": "en", "targets": {"duty": {"adapter": "log"}, "drill": {"adapter": "log", "drill": True}},
    "units": {"*": ["duty"]}, "rules": [{"life": True, "to": ["duty", "drill"]}], "escalation": [["duty"]],
}  # fmt: skip


class World:
    """What the command meets instead of Kafka: one memory for the ledger, a recorded fire to read."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "notify.yaml"
        self.file.write_text(yaml.safe_dump(FILE))
        city = City()
        city.give(raised("fire", 0))
        self.seen, self.memory, self.asked = city.seen, Memory(), list[dict[str, Any]]()
        self.broken, self.leads, self.comes_back, self.waited = False, 1, 0, 0

    def ledger(self, broker: str, prefix: str, appender: object, *, drill: bool) -> Memory:
        if self.broken:
            raise LogError(f"Kafka at {broker} takes nothing")
        self.asked.append({"prefix": prefix, "drill": drill})
        return self.memory

    def follow(self, broker: str, topics: list[str], **more: Any) -> Iterator[Any]:
        self.asked.append({"topics": topics, **more})
        yield from self.seen
        until = time.monotonic() + 3
        wanted = 1 if self.asked[0]["drill"] else 2
        while len(self.memory.told("notify.attempt")) < wanted and time.monotonic() < until and not more["stop"]():
            time.sleep(0.002)

    def held(self) -> bool:
        return self.leads > 0

    def wait(self, stop: object, seconds: float = 0.0) -> bool:
        self.waited += 1
        self.leads += self.comes_back
        self.comes_back = 0
        return self.held()

    def run(self, *words: str) -> Result:
        command = ["notify", str(self.file), "--bootstrap", "x:1", "--since", SINCE, *words]
        return CliRunner().invoke(app, command)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = World(tmp_path)
    monkeypatch.setattr("brain.notify.ledger.KafkaLedger", made.ledger)
    monkeypatch.setattr("streams.lease.Lease", lambda *_: nullcontext(made))
    monkeypatch.setattr("streams.tailing.follow", made.follow)
    monkeypatch.setattr("streams.produce.Appender", nullcontext)
    monkeypatch.setattr("streams.health.serve", lambda *_: (None, 1))
    monkeypatch.setattr("brain.commands.notify.configure_logs", lambda: None)
    before = signal.getsignal(signal.SIGTERM)
    yield made
    signal.signal(signal.SIGTERM, before)


def test_a_fire_becomes_a_line_and_the_next_start_goes_on_behind_it(world: World) -> None:
    first = world.run()
    assert first.exit_code == 0
    lines = sorted(line.partition("→ ")[2] for line in first.output.splitlines() if "→" in line)
    said = "[LIFE] emergency.fire · alarm, its incident follows · g (113.50000, 22.20000) · emergency.fire|a|in/0/0/0"
    assert lines == [f"drill: {said}", f"duty: {said}"]
    read = world.asked[1]
    assert read["topics"][:6] == [
        f"incidents.{d}" for d in ("emergency", "market", "eco", "social", "public", "economy")
    ]
    assert "alarms.iot.telemetry" in read["topics"]
    assert (read["positions"], read["from_beginning"]) == ({}, True)
    second = world.run()
    assert "→" not in second.output
    assert (
        world.asked[-1]["positions"]
        == positions(world.memory.items)
        == {TP(s.topic, 0): s.offset + 1 for s in world.seen}
    )


def test_a_drill_goes_to_targets_that_take_drills_and_has_a_ledger_of_its_own(world: World) -> None:
    output = world.run("--drill", "--prefix", "p.").output
    assert world.asked[0] == {"prefix": "p.", "drill": True}
    assert world.asked[1]["topics"][0] == "p.incidents.emergency"
    assert [line.partition("→ ")[2][:22] for line in output.splitlines() if "→" in line] == ["drill: [DRILL][LIFE] e"]


def test_who_does_not_lead_reads_and_tells_nothing(world: World) -> None:
    world.leads = 0
    result = world.run()
    assert result.exit_code == 0
    assert [set(asked) for asked in world.asked] == [{"prefix", "drill"}]
    assert (world.waited, world.memory.items, "→" in result.output) == (2, {}, False)


def test_who_lost_the_lead_and_has_it_again_goes_on_from_what_the_other_wrote(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {b"at/incidents.eco/0": b"77"}

    def follow(*given: Any, **more: Any) -> Iterator[Any]:
        yield from world.follow(*given, **more)
        if len(world.asked) == 2:
            world.leads, world.comes_back = 0, 1
            world.memory.items.update(other)

    monkeypatch.setattr("streams.tailing.follow", follow)
    assert world.run().exit_code == 0
    assert [asked["positions"].get(TP("incidents.eco", 0)) for asked in world.asked[1:]] == [None, 77]


def test_a_cluster_that_takes_nothing_ends_it_with_the_code_that_a_supervisor_starts_again(world: World) -> None:
    world.broken = True
    ended = world.run()
    assert ended.exit_code == 71
    assert "takes nothing" in ended.output


@pytest.mark.parametrize(
    ("change", "said"), [({"rules": []}, "life-safety of emergency"), ({"x": 1}, "unknown field `x`")]
)
def test_a_file_that_cannot_be_used_ends_it_before_anything_is_read(
    world: World, change: dict[str, Any], said: str
) -> None:
    world.file.write_text(yaml.safe_dump({**FILE, **change}))
    ended = world.run()
    assert (ended.exit_code, world.asked) == (2, [])
    assert said in ended.output
