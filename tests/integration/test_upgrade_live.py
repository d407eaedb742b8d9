"""Another version comes in worker by worker under load, and goes back again: nothing is lost, nothing doubled.

The other version is a copy of this one with another state owner, a field more in a state table and a field more in
every head: what a compatible change of state looks like (docs/upgrade.md).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from running import until

from bench.chaos.judge import judge
from bench.chaos.stand import Offsets, Watcher, Worker
from bench.watch.feed import Feed
from streams import admin, topics
from streams.records import TP
from streams.state import HEAD
from streams.tailing import latest

pytestmark = [pytest.mark.kafka, pytest.mark.long]

ROOT = Path(__file__).resolve().parents[2]
PARTITIONS, ASSETS, RATE = 4, 1_000, 2_000
CHANGES = {
    "brain/lane.py": ('OWNER = "brain.series@1"', 'OWNER = "brain.series@2"'),
    "streams/fold_times.py": (
        'FOLD_DTYPE: Final = np.dtype([("fold", "i8"), ("about", "u8")])',
        'FOLD_DTYPE: Final = np.dtype([("fold", "i8"), ("about", "u8"), ("n", "i4")])',
    ),
    "streams/lane_parts.py": ('    owner: str = ""\n', '    owner: str = ""\n    release: str = "next"\n'),
}


class Versioned(Worker):
    """A worker of the code in a folder of its own."""

    def __init__(self, name: str, tree: Path, bootstrap: str, prefix: str, logs: Path) -> None:
        super().__init__(name, bootstrap, prefix, ASSETS, PARTITIONS, logs)
        self.tree = tree

    def start(self) -> None:
        """Start it; the folder comes first where Python looks for modules."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command, cwd=self.tree, env={**os.environ, "PYTHONPATH": str(self.tree)}, stdout=log, stderr=log
            )

    def works(self) -> bool:
        """Whether the group gave it something; it may be the pulse alone."""
        if self.process is not None and self.process.poll() is not None:
            raise AssertionError(self.log.read_text(errors="replace")[-3000:])
        return '"task starts"' in self.log.read_text(errors="replace")


def next_version(folder: Path) -> Path:
    """The code as the next release might be; kernels that are compiled come along."""
    for name in ("brain", "streams", "geo", "models", "bench", "config"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("node_modules", "dist", "data"))
    for name, (old, new) in CHANGES.items():
        path = folder / name
        text = path.read_text("utf-8")
        assert text.count(old) == 1, f"{name} is not as this test knows it: {old!r}"
        path.write_text(text.replace(old, new), "utf-8")
    return folder


def heads(bootstrap: str, prefix: str) -> list[dict[str, object]]:
    lanes = [TP(prefix + "state.iot.telemetry", p) for p in range(PARTITIONS)]
    return [json.loads(raw) for raw in latest(bootstrap, lanes, HEAD).values()]


def test_a_version_rolled_in_and_out_again_under_load_loses_nothing_and_doubles_nothing(
    kafka: str, prefix: str, tmp_path: Path
) -> None:
    admin.ensure(kafka, topics.catalogue({"iot.telemetry": PARTITIONS}, prefix))
    after = next_version(tmp_path / "next")
    (logs := tmp_path / "logs").mkdir()
    running = [Versioned(f"a{i}", ROOT, kafka, prefix, logs) for i in range(2)]
    every = list(running)
    watcher = Watcher(kafka, prefix, PARTITIONS)
    feed = Feed(kafka, prefix + "iot.telemetry", ASSETS, PARTITIONS, RATE, 7)

    def roll(tree: Path, name: str) -> None:
        """The new one first, until it has tasks; then the old one is told to end: one after the other."""
        for i in range(2):
            old, running[i] = running[i], Versioned(f"{name}{i}", tree, kafka, prefix, logs)
            every.append(running[i])
            running[i].start()
            until(running[i].works, 90)
            old.stop()
            assert old.process is not None
            assert old.process.returncode == 0, old.log.read_text(errors="replace")[-2000:]
            time.sleep(4.0)

    try:
        for worker in running:
            worker.start()
        watcher.start()
        until(lambda: len(watcher.seals) == PARTITIONS, 90)
        feed.start()
        time.sleep(5.0)
        assert {head["owner"] for head in heads(kafka, prefix)} == {"brain.series@1"}
        roll(after, "b")
        assert {(head["owner"], head["release"]) for head in heads(kafka, prefix)} == {("brain.series@2", "next")}
        roll(ROOT, "c")
        assert {(head["owner"], head.get("release")) for head in heads(kafka, prefix)} == {("brain.series@1", None)}
        feed.over.set()
        feed.join(60)
        ends, offsets = {}, Offsets(kafka)
        for p in range(PARTITIONS):
            ends[p] = offsets.high(prefix + "iot.telemetry", p)
        until(lambda: all(watcher.reached(p, end - 1, 0.0) for p, end in ends.items()), 60)
    finally:
        feed.over.set()
        for worker in every:
            worker.stop()
        watcher.over.set()
    verdict = judge(kafka, prefix, PARTITIONS, [worker.log.read_text(errors="replace") for worker in every])
    assert len(verdict.want.signals) > 100
    found = (verdict.lost, verdict.double, verdict.wrong, verdict.torn, verdict.findings, verdict.live)
    assert found == (0, 0, 0, 0, 0, 0), verdict.examples
