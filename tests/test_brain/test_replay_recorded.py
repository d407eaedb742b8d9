"""Replay of the demo's recorded data: the same bytes on every run, whatever the order of the bundle's lines."""

import random
from pathlib import Path

from brain.drill.recorded import Place, events
from brain.pipeline import replay_settings
from brain.settings import Settings
from streams import bundle
from streams.replay import replay

PLACE = Place([], [], [], (113.4, 22.15, 113.6, 22.3))


def lines(folder: Path) -> list[bundle.Line]:
    rules = replay_settings(Settings())
    file = folder / "tickets.ndjson"
    file.write_bytes(
        b"".join(e.value + b"\n" for e in events(PLACE, 1_795_000_000_000) if e.topic == "hotline.tickets")
    )
    made, _ = bundle.plain([("hotline.tickets", file)], dict(rules.partitions), rules.key, rules.genesis)
    return made


def test_a_bundle_gives_the_same_incidents_in_whatever_order_its_lines_stand(tmp_path: Path) -> None:
    rules, rows = replay_settings(Settings()), lines(tmp_path)
    first = replay(rows, rules)
    random.Random(1).shuffle(rows)
    again = replay(rows, rules)
    assert first.incidents
    assert (first.signals, first.incidents, first.dead) == (again.signals, again.incidents, again.dead)


def test_a_bundle_survives_writing_and_reading(tmp_path: Path) -> None:
    rows = lines(tmp_path)
    path = tmp_path / "bundle.ndjson.gz"
    bundle.write(path, rows)
    assert list(bundle.read(path)) == rows
