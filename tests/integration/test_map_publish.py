"""brain map publish on a real broker: nothing unasked, nothing of what is wrong, and what is sent leads to the map."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from brain.commands.map import app
from brain.sets import digest
from brain.settings import Settings
from geo import geojson
from geo.changes import apply, name_of, read_change, same
from geo.feature import Feature
from geo.times import time_of
from streams import admin, set_store
from streams import pulse as pulses
from streams.produce import send_all
from streams.records import TP
from streams.tailing import snapshot
from streams.topics import Topic

pytestmark = pytest.mark.kafka

DEMO = Path(__file__).parents[2] / "config" / "demo"
MOMENT = time_of("2020-06-22T00:00:00+08:00")


def test_a_map_is_sent_as_the_changes_that_lead_to_it_when_all_of_it_is_sound(
    kafka: str, prefix: str, tmp_path: Path
) -> None:
    admin.ensure(kafka, [Topic(prefix + name, 1, "compact", -1) for name in ("pulse", "sets", "map.features")])
    topic = TP(prefix + "map.features", 0)

    def publish(features: list[Feature], *options: str) -> dict[str, Any]:
        path = tmp_path / "map.geojson"
        path.write_bytes(geojson.write(features))
        where = ["--bootstrap", kafka, "--prefix", prefix, "--json"]
        done = CliRunner().invoke(app, ["publish", str(path), *where, *options])
        return {**json.loads(done.output), "exit": done.exit_code}

    def records() -> list[Any]:
        return [read_change(key or b"", value) for _, _, _, key, value, _ in snapshot(kafka, [topic])]

    old = geojson.load(DEMO / "map.geojson")
    moved = [f for f in old if f.attributes.get("town") == "990102001"]
    new = [replace(f, until=MOMENT) if f in moved else f for f in old]
    new += [replace(f, since=MOMENT, attributes={**f.attributes, "town": "990102009"}) for f in moved]

    told = publish(new)
    assert (told["exit"], told["sent"], len(told["changes"])) == (0, 0, len(moved))
    assert told["base"] == digest(DEMO)
    wrong = [*new, replace(old[0], code="990102001999")]
    told = publish(wrong, "--yes")
    assert (told["exit"], {f["code"] for f in told["findings"]}) == (1, {"M202"})
    assert records() == []

    told = publish(new, "--yes")
    assert (told["exit"], told["sent"]) == (0, len(moved))
    got = apply(old, records())
    assert all(same(a, b) for a, b in zip(got, sorted(new, key=name_of), strict=True))


def test_a_set_that_is_only_in_the_topic_is_what_a_map_is_held_against(kafka: str, prefix: str, tmp_path: Path) -> None:
    admin.ensure(kafka, [Topic(prefix + name, 1, "compact", -1) for name in ("pulse", "sets", "map.features")])
    path = tmp_path / "map.geojson"
    features = geojson.load(DEMO / "map.geojson")
    path.write_bytes(geojson.write(features[1:]))
    tick = pulses.encode(pulses.Pulse(1, MOMENT, 0, "sha256:elsewhere", 1), Settings().key())
    send_all(kafka, TP(prefix + "pulse", 0), [(b"pulse", tick)])
    where = ["--bootstrap", kafka, "--prefix", prefix, "--lang", "en"]
    done = CliRunner().invoke(app, ["publish", str(path), *where])
    assert done.exit_code == 1
    assert "name its map by --against" in " ".join(done.output.split())
    packed = set_store.pack({"map.geojson": geojson.write(features)})
    send_all(kafka, TP(prefix + "sets", 0), set_store.chunks("sha256:elsewhere", packed))
    done = CliRunner().invoke(app, ["publish", str(path), *where, "--json"])
    assert [c["kind"] for c in msgspec.json.decode(done.output)["changes"]] == ["gone"]
